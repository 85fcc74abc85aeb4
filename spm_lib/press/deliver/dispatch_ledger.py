"""What was decided of each report, in the ledger: sent, told to be empty, withheld or held, and why."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.press.deliver.addressing import Addressed, Addressee
from spm_lib.press.deliver.basis import Basis
from spm_lib.press.deliver.entry import NOT_TAKEN, REACHED, TO_READERS, State, marks
from spm_lib.press.deliver.send_rules import Word
from spm_lib.press.recipients import address_key


@dataclass(frozen=True)
class Decided:
    """What was decided of one report.

    Parameters
    ----------
    spec, subject, period, as_of, revision
        The report: the spec's name, the file name of its team or rep, the period's label, its day; a corrected one has a
        higher revision.
    decision, reason
        See `spm_lib.press.deliver.send_rules.Decision`.
    figures
        What it published, see `spm_lib.press.deliver.send_rules.figures_of`.
    fingerprint
        Of the report that this was decided of.
    decided_at
        When, aware.
    """

    spec: str
    subject: str
    period: str
    as_of: dt.date
    revision: int
    decision: Word
    reason: str
    figures: str | None
    fingerprint: str
    decided_at: dt.datetime


@dataclass(frozen=True)
class Mailed:
    """A mail of a report to one of its readers.

    Parameters
    ----------
    revision, recipient, state
        As of `spm_lib.press.deliver.entry.Entry`.
    basis
        What it was decided of.
    """

    revision: int
    recipient: str
    state: State
    basis: Basis


@dataclass(frozen=True)
class Before:
    """What became of a report before.

    Parameters
    ----------
    decided
        What was decided last.
    mails
        Its mails to readers, of all revisions.
    """

    decided: Decided
    mails: tuple[Mailed, ...] = ()

    @property
    def went_out(self) -> bool:
        """Whether a reader has a mail of it, or may have, or will: what was rejected or given up reached nobody."""
        return bool(self._reached)

    @property
    def next_revision(self) -> int:
        """The revision of what goes out next: a higher one where it corrects what somebody has."""
        return self.decided.revision + (self.decided.revision in self._reached)

    @property
    def was_cancelled(self) -> bool:
        """Whether a person kept it from going out as it was decided last."""
        return not self.went_out and any(each.state == "cancelled" for each in self._last)

    @property
    def reached_all(self) -> bool:
        """Whether its last revision was written to all of its readers, and no mail of it ended without being taken."""
        return not any(each.state in NOT_TAKEN or each.basis.left_out for each in self._last)

    def late(self, addressed: Addressed) -> tuple[Addressee, ...]:
        """Give those of today's readers to whom its last revision was not written, where it did not reach all of then.

        Whoever was reached gets no second mail: neither at an address that is written in another way, nor at one that has
        come since in place of the one at which that person was reached.
        """
        if self.reached_all:
            return ()
        today = {address_key(each.address) for each in addressed.to}
        written = {address_key(each.recipient) for each in self._last}
        moved = {
            each.basis.reader
            for each in self._last
            if each.state in REACHED and address_key(each.recipient) not in today
        }
        return tuple(
            each
            for each in addressed.to
            if address_key(each.address) not in written and each.why not in moved
        )

    @property
    def _reached(self) -> frozenset[int]:
        return frozenset(each.revision for each in self.mails if each.state in REACHED)

    @property
    def _last(self) -> tuple[Mailed, ...]:
        return tuple(each for each in self.mails if each.revision == self.decided.revision)


_COLUMNS = "spec, subject, period, as_of, revision, decision, reason, figures, fingerprint, decided_at"


@dataclass(frozen=True)
class DispatchLedger(LedgerFile):
    """The decisions in the ledger at a path. Every method raises `StoreError` where the ledger cannot be used."""

    def latest(self, spec: str, as_of: dt.date) -> dict[tuple[str, str], Before]:
        """Give what became of each report of a spec's day before, by subject and period."""
        day = (spec, as_of.isoformat())
        rows = self.rows(
            f"select {_COLUMNS} from dispatches where spec = ? and as_of = ? order by revision", day
        )
        found = {(each.subject, each.period): each for each in map(_decided, rows)}
        rows = self.rows(
            "select subject, period, revision, recipient, state, body from mails where spec = ? and as_of = ? and "
            f"kind in ({marks(TO_READERS)})",
            (*day, *TO_READERS),
        )
        mails: dict[tuple[str, str], list[Mailed]] = defaultdict(list)
        for subject, period, revision, recipient, state, body in rows:
            mailed = Mailed(revision, recipient, state, Basis.model_validate_json(body))
            mails[subject, period].append(mailed)
        return {key: Before(each, tuple(mails[key])) for key, each in found.items()}

    def figures_sent(self, spec: str) -> dict[tuple[str, str], str]:
        """Give, by subject and period, the figures that readers of a spec's reports were last sent, the latest last."""
        rows = self.rows(
            "select d.subject, d.period, d.figures from dispatches d where d.spec = ? and d.decision in ('send', 'notice') "
            "and exists (select 1 from mails m where m.spec = d.spec and m.subject = d.subject and m.period = d.period "
            f"and m.as_of = d.as_of and m.revision = d.revision and m.kind in ({marks(TO_READERS)}) "
            f"and m.state in ({marks(REACHED)})) order by d.decided_at, d.revision",
            (spec, *TO_READERS, *REACHED),
        )
        found: dict[tuple[str, str], str] = {}
        for subject, period, figures in rows:
            if figures is not None:
                found.pop((subject, period), None)
                found[subject, period] = figures
        return found

    def all_latest(self) -> tuple[Decided, ...]:
        """Give the latest revision's decision on every report."""
        rows = self.rows(f"select {_COLUMNS} from dispatches order by revision")
        found = (_decided(row) for row in rows)
        return tuple({(e.spec, e.subject, e.period, e.as_of): e for e in found}.values())


def write_decisions(connection: sqlite3.Connection, decisions: Iterable[Decided]) -> None:
    """Write decisions down in a transaction; one that was taken before on the same revision gives way."""
    connection.executemany(
        f"insert or replace into dispatches ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(each.spec, each.subject, each.period, each.as_of.isoformat(), each.revision),
                *(each.decision, each.reason, each.figures, each.fingerprint),
                each.decided_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            )
            for each in decisions
        ],
    )


def _decided(row: tuple[object, ...]) -> Decided:
    spec, subject, period, as_of, revision, decision, reason, figures, fingerprint, decided_at = row
    return Decided(
        str(spec),
        str(subject),
        str(period),
        dt.date.fromisoformat(str(as_of)),
        int(str(revision)),
        decision,  # type: ignore[arg-type]
        str(reason),
        None if figures is None else str(figures),
        str(fingerprint),
        dt.datetime.fromisoformat(str(decided_at)),
    )
