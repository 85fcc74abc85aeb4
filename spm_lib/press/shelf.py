"""The shelf: the folder of reports, ``<spec>/<period>/<as-of>/<team or rep>`` with three endings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spm_lib.errors import RunError, SpmError, did_you_mean, one_line
from spm_lib.press.fingerprint import is_unchanged
from spm_lib.press.plan import Job
from spm_lib.press.records import Kind, RunRecord, read_record, to_json

#: Records below the folder of reports.
RECORDS = "*/*/*/*.json"

#: Files that are being written.
DRAFTS = ".*.tmp"

#: In which order reports of one spec stand.
_KINDS: tuple[Kind, ...] = ("company", "team", "rep")

#: What a run would find: made and unchanged, made of something else than now, failed or held, or not there.
FRESH, STALE, FAILED, MISSING = "fresh", "stale", "failed", "missing"


@dataclass(frozen=True)
class Shelved:
    """A record and where it stands."""

    path: Path
    record: RunRecord

    @property
    def html(self) -> Path:
        """The page; a failed run has none."""
        return self.path.with_suffix(".html")

    @property
    def ipynb(self) -> Path:
        """The executed notebook, up to the failing cell where one failed."""
        return self.path.with_suffix(".ipynb")

    def name(self, reports: Path) -> str:
        """Give what the run is called: its path below the folder of reports, without an ending."""
        return self.path.relative_to(reports.resolve()).with_suffix("").as_posix()


def state_of(job: Job) -> str:
    """Tell what a run of `job` would find: ``fresh``, ``stale``, ``failed`` or ``missing``."""
    try:
        record = read_record(job.record)
    except RunError:
        return MISSING
    if record.status != "done":
        return FAILED
    if not all(path.is_file() for path in (job.html, job.ipynb)):
        return MISSING
    return FRESH if is_unchanged(record.fingerprint, job.fingerprint) else STALE


def place(job: Job, *, html: str | None, notebook: str | None) -> None:
    """Put page and notebook on the shelf, each whole or not at all.

    The old record goes first and the new one, see `commit`, comes last: whatever happens in between, a record
    never speaks of another run's files. A failed run has no page, so an older one goes too.
    """
    job.record.unlink(missing_ok=True)
    for path, text in ((job.html, html), (job.ipynb, notebook)):
        if text is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, text)


def commit(job: Job, record: RunRecord) -> Path:
    """Write the record: from now on the run counts."""
    write_whole(job.record, to_json(record))
    return job.record


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: beside its place first, then in one step over what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def listing(reports: Path) -> tuple[list[Shelved], list[SpmError]]:
    """Give every record below `reports`, and an error for each that cannot be read."""
    found: list[Shelved] = []
    problems: list[SpmError] = []
    for path in sorted(reports.resolve().glob(RECORDS)):
        try:
            found.append(Shelved(path, read_record(path)))
        except RunError as error:
            problems.append(error)
    return found, problems


def histories(shelved: Iterable[Shelved]) -> list[list[Shelved]]:
    """Give the records of each spec and team, or rep, the newest first: the latest as-of date, period and run.

    Returns
    -------
    list of list of Shelved
        By spec; the company before teams by name, and these before reps by team and name.
    """
    found: dict[tuple[str, str | None, str | None], list[Shelved]] = {}
    for each in sorted(shelved, key=_age, reverse=True):
        found.setdefault(each.record.subject, []).append(each)
    return sorted(found.values(), key=lambda runs: _by_name(runs[0]))


def find(reports: Path, name: str) -> Shelved:
    """Find a run by its path, its name (see `Shelved.name`), the end of that, or its team's or rep's id or name.

    Parameters
    ----------
    reports
        The folder of reports.
    name
        Such as ``team_performance/2017-Q4/2017-12-31/west``, ``west`` or ``West``; of several the newest.

    Raises
    ------
    RunError
        Where there is none.
    """
    shelved, _ = listing(reports)
    path = Path(name).absolute()
    wanted = name.removesuffix(path.suffix) if path.suffix in (".html", ".ipynb", ".json") else name
    matches = [
        each
        for each in shelved
        if each.path.with_suffix("") in (path, path.with_suffix(""))
        or f"/{each.name(reports)}".endswith(f"/{wanted}")
        or wanted in (each.record.rep or each.record.team, each.record.name)
    ]
    if matches:
        return max(matches, key=_age)
    known = {each.name(reports) for each in shelved} | {each.record.name for each in shelved}
    raise RunError(
        f"there is no run '{one_line(name, 80)}'", where=str(reports), mend=did_you_mean(name, known)
    )


def _age(each: Shelved) -> tuple[object, ...]:
    return each.record.as_of, each.record.period_end, each.record.finished


def _by_name(each: Shelved) -> tuple[object, ...]:
    record = each.record
    team = record.team_name.casefold(), record.team or ""
    return record.spec, _KINDS.index(record.kind), *team, record.name.casefold(), record.rep or ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
