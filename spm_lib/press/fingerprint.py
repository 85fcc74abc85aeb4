"""Fingerprints: when a report made before is still what a run would make now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from spm_lib.data.history import Snapshot
from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.data.slices import Slices, read_slices, whole_store
from spm_lib.errors import StoreError
from spm_lib.press.notebook import content
from spm_lib.press.subjects import Subject

_LIBRARY = Path(__file__).parent.parent
_SOURCES = ("*.py", "*.j2", "*.css")


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of the reports that one notebook makes of the store on one day.

    A fingerprint has two parts. The first, the report's own, is the hash of all that the report is made of: notebook,
    library, parameters, what else shapes the page, the rows that it can read, and what the ledger holds of scores,
    coaching and feedback up to the day: any notebook may tell of them. The second has all rows of the store
    instead: it is quickly told, and where it stands as it was recorded the first does too.

    Parameters
    ----------
    notebook
        Hash of the notebook, see `notebook_hash`.
    snapshot
        The store on the as-of date.
    """

    notebook: str
    snapshot: Snapshot

    def of(
        self,
        subject: Subject,
        parameters: Mapping[str, Any],
        shown: Mapping[str, Any],
        recorded: str | None = None,
    ) -> str:
        """Give the fingerprint of one report.

        Parameters
        ----------
        subject
            Whose report. One on a rep reads the rows of the rep's team, and of the teams that the rep was in before;
            one on the company every row.
        parameters
            As they are handed over.
        shown
            Whatever else shapes the page.
        recorded
            Fingerprint of the report made before, where there is one.

        Notes
        -----
        A notebook that reads past its report's scope, by its store or by tables of its snapshot, reads what is not
        counted here.
        """
        of_all = self._hash(self._all_rows, parameters, shown)
        if recorded is not None and recorded.partition(_AND)[2] == of_all:
            return recorded
        if subject.team is None:
            return f"{of_all}{_AND}{of_all}"
        own = self._hash(self._rows_of(subject.team, subject.earlier), parameters, shown)
        return f"{own}{_AND}{of_all}"

    def _hash(self, rows: str, parameters: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
        plain = [self.notebook, library_hash(), rows, self._scores, dict(parameters), dict(shown)]
        return _sha256(json.dumps(plain, sort_keys=True, allow_nan=False))

    def _rows_of(self, team: str, earlier: tuple[str, ...]) -> str:
        # Most reps of a team read the same rows.
        if (team, earlier) not in self._read:
            self._read[team, earlier] = _sha256(self._slices.of(self.snapshot.scope(team), earlier))
        return self._read[team, earlier]

    @cached_property
    def _read(self) -> dict[tuple[str, tuple[str, ...]], str]:
        return {}

    @cached_property
    def _all_rows(self) -> str:
        return _sha256(whole_store(self.snapshot.store))

    @cached_property
    def _scores(self) -> str:
        try:
            return Ledger(ledger_path(self.snapshot.store.path)).digest(self.snapshot.date)
        except StoreError as error:
            # Reports say so and tell the rest; they are made again once it can be read.
            return str(error)

    @cached_property
    def _slices(self) -> Slices:
        return read_slices(self.snapshot)


_AND = "."


def is_unchanged(recorded: str, fingerprint: str) -> bool:
    """Tell whether a report that was `recorded` is still what a run would make now."""
    return recorded.partition(_AND)[0] == fingerprint.partition(_AND)[0]


def notebook_hash(notebook: Path) -> str:
    """Give the hash of a notebook's cells and tags; outputs saved in it change no report."""
    return _sha256(f"{notebook.name}\0{content(notebook).to_json()}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=1)
def library_hash() -> str:
    """Give the hash of this library's sources and templates."""
    found = hashlib.sha256()
    for path in sorted(p for pattern in _SOURCES for p in _LIBRARY.rglob(pattern)):
        found.update(path.relative_to(_LIBRARY).as_posix().encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
