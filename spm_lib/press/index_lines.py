"""One run as a line of the index: whose it is, what became of it, and the figures that it published."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spm_lib.errors import one_line
from spm_lib.press.records import Kpi, RunRecord
from spm_lib.press.render.locales import locale_of
from spm_lib.press.shelf import Shelved
from spm_lib.press.standing import Verdict, verdict_of
from spm_lib.settings import DEFAULT_LOCALE
from spm_lib.theme import UNKNOWN, Look

#: More figures than these make a row nobody reads.
_KPIS = 6

#: Names longer than a line bears are cut, and marks that turn the reading direction go.
_NAME = 120


@dataclass(frozen=True)
class Status:
    """What became of a run: a word and a mark beside its colour."""

    key: str
    word: str
    mark: str


READY = Status("ready", "Ready", "✓")
FAILED = Status("failed", "Failed", "✕")
HELD = Status("held", "Held", "‖")

#: By the record's own word. A held report was made, and stays from its readers until its owner has looked.
STATUSES: Mapping[str, Status] = {"done": READY, "held": HELD, "failed": FAILED}


@dataclass(frozen=True)
class Figure:
    """One published figure in its column.

    Parameters
    ----------
    label
        The column's head, shown beside the figure where there are no columns.
    text
        Its value as published.
    difference, against
        As published, and what it is compared with; empty where there is none.
    significant
        Whether the difference is more than chance.
    n
        How many the figure rests on, as people write it; empty where it is not known.
    """

    label: str
    text: str = UNKNOWN
    difference: str = ""
    against: str = ""
    significant: bool = False
    n: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.text != UNKNOWN


@dataclass(frozen=True)
class Line:
    """One run as the index shows it.

    Parameters
    ----------
    name, link
        Whose it is, and the page; a failed or held run has none.
    team
        The team of a rep's report; empty for other reports.
    period, as_of
        As people write them.
    status, verdict
        What became of the run, and how its team stands. Of a rep nothing is said: an index is no list of who is behind.
    message
        The report's one sentence.
    figures, against
        One for each column of its kind of report; what their differences are against.
    notes
        What a reader must know.
    notebook, command
        How to look at a run without a page: the executed notebook, and what makes it again.
    delivery
        What became of its delivery; empty where it was not to be delivered.
    keys
        Report, period and team as numbers that the filter compares.
    """

    name: str
    team: str
    link: str
    period: str
    as_of: str
    status: Status
    verdict: Verdict | None
    message: str
    figures: tuple[Figure, ...]
    against: str
    notes: tuple[str, ...]
    notebook: str
    command: str
    delivery: str
    keys: Mapping[str, int]


def line_of(
    run: Shelved,
    reports: Path,
    columns: Mapping[str, str],
    shared: Sequence[str],
    numbers: Mapping[str, Mapping[object, int]],
    usual: str,
    delivery: str = "",
) -> Line:
    """Give a run as the index shows it; see `Line`."""
    record, status = run.record, status_of(run)
    absent = not run.html.is_file()
    notes = (str(record.failure or "The page is missing"),) if absent else record.warnings
    return Line(
        name=name_of(record),
        team=team_of(record) if record.kind == "rep" else "",
        link="" if absent else link_of(run.html, reports),
        period=one_line(record.period_title, _NAME),
        as_of=_look(record, usual).date(record.as_of),
        status=status,
        verdict=None if absent or record.kind == "rep" else verdict_of(record),
        message=one_line(record.published.headline, 300) if record.published else "",
        figures=_figures(record, columns, _look(record, usual)),
        against=common_comparison([record]),
        notes=tuple(one_line(note, 300) for note in notes if note not in shared),
        notebook=link_of(run.ipynb, reports) if absent and run.ipynb.is_file() else "",
        command=_command(record) if absent else "",
        delivery=one_line(delivery, 300),
        keys={name: numbers[name][key] for name, (key, _) in facets_of(record).items()},
    )


def status_of(run: Shelved) -> Status:
    """Tell what became of a run; one whose page is gone has failed."""
    status = STATUSES[run.record.status]
    return status if run.html.is_file() or status is HELD else FAILED


def link_of(path: Path, reports: Path) -> str:
    """Give a file's address from the index."""
    return quote(path.relative_to(reports).as_posix())


def _command(record: RunRecord) -> str:
    """Give what makes a report again."""
    words = ["spm", "run", f"params/{record.spec}.yml", "--period", record.period]
    words += ["--as-of", record.as_of.isoformat()]
    if record.rep is not None:
        words += ["--rep", record.rep]
    elif record.team is not None:
        words += ["--team", record.team]
    return shlex.join(words)


def columns_of(records: Iterable[RunRecord]) -> dict[str, str]:
    """Give label by metric of the first figures that the newest reports published."""
    found: dict[str, str] = {}
    for record in records:
        for kpi in record.published.kpis if record.published else ():
            found.setdefault(kpi.metric, one_line(kpi.label, 60))
    return dict(itertools.islice(found.items(), _KPIS))


def _look(record: RunRecord, usual: str) -> Look:
    """Give how a report writes days and counts; one that published nothing, as those that stand around it do."""
    said = getattr(record.published, "locale", None)
    return Look(locale=locale_of(said) if record.published else usual)


def usual_locale(latest: Iterable[Shelved]) -> str:
    """Give the locale of most of the newest reports."""
    said = Counter(
        locale_of(getattr(e.record.published, "locale", None)) for e in latest if e.record.published
    )
    return max(sorted(said), key=lambda name: said[name], default=DEFAULT_LOCALE)


def _figures(record: RunRecord, columns: Mapping[str, str], look: Look) -> tuple[Figure, ...]:
    kpis: dict[str, Kpi] = {kpi.metric: kpi for kpi in (record.published.kpis if record.published else ())}
    return tuple(
        _figure(kpis[metric], label, look) if metric in kpis else Figure(label)
        for metric, label in columns.items()
    )


def _figure(kpi: Kpi, label: str, look: Look) -> Figure:
    compared = _comparison(kpi)
    return Figure(
        label,
        one_line(kpi.text, 40),
        one_line(compared.get("text") or "", 40),
        one_line(compared.get("against") or "", 40),
        compared.get("significant") is True,
        "" if kpi.n is None else look.value(kpi.n, "count", compact=False),
    )


def _comparison(kpi: Kpi) -> dict[str, Any]:
    return kpi.comparison if isinstance(kpi.comparison, dict) else {}


def common_comparison(records: Iterable[RunRecord]) -> str:
    """Say what differences are against; empty where they are against several things, or nothing."""
    found = set()
    for record in records:
        for kpi in record.published.kpis if record.published else ():
            if against := one_line(_comparison(kpi).get("against") or "", 40):
                found.add(f"{against} at the same point" if record.as_of < record.period_end else against)
    return found.pop() if len(found) == 1 else ""


def facets_of(record: RunRecord) -> dict[str, tuple[object, str]]:
    """Give what the filter compares: a key and its words for team, period and report."""
    return {
        "team": (record.team, team_of(record)),
        "period": (record.period, one_line(record.period_title, _NAME)),
        "report": (record.spec, title_of(record.spec)),
    }


def name_of(record: RunRecord) -> str:
    """Give whose a report is, as the index shows it."""
    return team_of(record) if record.rep is None else one_line(record.name, _NAME)


def team_of(record: RunRecord) -> str:
    """Give the team of a report, or of the rep that it is about, as the index shows it."""
    return one_line(record.team_name, _NAME) if record.team is not None else "The company"


def title_of(spec: str) -> str:
    """Give a spec's name as people write it."""
    text = one_line(spec.replace("_", " "), 80)
    return text[:1].upper() + text[1:]
