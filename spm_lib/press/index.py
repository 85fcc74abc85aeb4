"""The index of all reports, made of run records alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from spm_lib.errors import one_line
from spm_lib.press.records import Kpi
from spm_lib.press.render.report import environment
from spm_lib.press.shelf import Shelved, listing, newest, write_whole

INDEX = "index.html"

#: More figures than these make a row nobody reads.
_KPIS = 6


@dataclass(frozen=True)
class Row:
    """One line of the index."""

    shelved: Shelved
    name: str
    link: str
    status: str
    note: str
    kpis: tuple[Kpi, ...]


def write_index(reports: Path) -> Path:
    """Write ``index.html`` over the newest report of every spec and team.

    Parameters
    ----------
    reports
        The folder of reports.

    Returns
    -------
    Path
        The page. Its links are relative: the folder can be moved, and opened from a disk.
    """
    reports = reports.resolve()
    shelved, problems = listing(reports)
    rows = [_row(each, reports) for each in newest(shelved)]
    groups = [(spec, list(of)) for spec, of in itertools.groupby(rows, key=lambda r: r.shelved.record.spec)]
    unread = [one_line(f"{Path(p.where).relative_to(reports)}: {p.what}") for p in problems]
    page = (
        environment().get_template("index.html.j2").render(groups=groups, unread=unread, total=len(shelved))
    )
    write_whole(reports / INDEX, page)
    return reports / INDEX


def _row(shelved: Shelved, reports: Path) -> Row:
    record = shelved.record
    failed = record.status == "failed" or not shelved.html.is_file()
    notes = (str(record.failure or "The page is missing"),) if failed else record.warnings
    relative = shelved.html.relative_to(reports).as_posix()
    return Row(
        shelved=shelved,
        # Without marks that turn the reading direction, and no longer than a line bears.
        name=one_line(record.team_name, 120),
        link="" if failed else quote(relative),
        status="Failed" if failed else "Mind" if record.warnings else "Ready",
        note=one_line("; ".join(notes), 300),
        kpis=record.published.kpis[:_KPIS] if record.published else (),
    )
