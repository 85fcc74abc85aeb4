"""The index of all reports, made of run records alone."""

from __future__ import annotations

import base64
import hashlib
import itertools
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from spm_lib.errors import one_line
from spm_lib.press.fingerprint import library_hash
from spm_lib.press.records import Kpi, RunRecord
from spm_lib.press.render.locales import locale_of
from spm_lib.press.shelf import RECORDS, Shelved, history, listing, newest, write_whole
from spm_lib.press.standing import Verdict, headline, verdict_of
from spm_lib.settings import DEFAULT_LOCALE
from spm_lib.theme import UNKNOWN, Look

INDEX = "index.html"

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
    period, as_of
        As people write them.
    status, verdict
        What became of the run, and how its team stands.
    message
        The report's one sentence.
    figures, against
        One for each column of its kind of report; what their differences are against.
    notes
        What a reader must know.
    notebook, command
        How to look at a run without a page: the executed notebook, and what makes it again.
    keys
        Report, period and team as numbers that the filter compares.
    """

    name: str
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
    keys: Mapping[str, int]


@dataclass(frozen=True)
class Subject:
    """One team, or the company: its newest run and those before."""

    line: Line
    older: tuple[Line, ...]


@dataclass(frozen=True)
class Group:
    """All subjects of one kind of report, which share their columns and what differences are against."""

    title: str
    columns: tuple[str, ...]
    against: str
    subjects: tuple[Subject, ...]


def write_index(reports: Path) -> Path:
    """Write ``index.html`` over every report, the newest of each spec and team first.

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
    mark = f'<meta name="made-of" content="{_made_of(reports)}">'
    if _holds(reports / INDEX, mark):
        return reports / INDEX
    # Imported late: templates take longer to import than an index takes that stands.
    from spm_lib.press.render.pages import POLICY, environment, sheet

    shelved, problems = listing(reports)
    latest = newest(shelved)
    shared = _shared(latest)
    choices = _choices([each.record for each in shelved])
    company, teams = _groups(latest, shelved, reports, shared, choices)
    readable, absent = ([e.record for e in latest if (_status(e) is READY) is can] for can in (True, False))
    said, behind = headline(readable, absent)
    pages = {each.record.subject: each.html for each in latest}
    script = sheet("index.js")
    page = (
        environment()
        .get_template("index.html.j2")
        .render(
            policy=Markup("{}; script-src '{}'").format(Markup(POLICY), Markup(_source_of(script))),
            index_css=Markup(sheet("index.css")),
            script=Markup(script),
            headline=said,
            behind=[(_name(each), _link(pages[each.subject], reports)) for each in behind],
            company=company,
            teams=teams,
            shared=shared,
            currencies=_currencies(latest),
            filters=[(name, words) for name, words in choices.items() if len(words) > 1],
            failed=sum(_status(each) is FAILED for each in latest),
            held=sum(_status(each) is HELD for each in latest),
            total=len(shelved),
            last_run=max((each.record.finished for each in shelved), default=None),
            unread=[one_line(f"{Path(p.where).relative_to(reports)}: {p.what}") for p in problems],
        )
    )
    write_whole(reports / INDEX, page.replace("</head>", f"{mark}\n</head>", 1))
    return reports / INDEX


def _made_of(reports: Path) -> str:
    """Give the hash of all that the index is made of: records, which pages there are, and the library."""
    found = hashlib.sha256(library_hash().encode())
    for path in sorted(reports.glob(RECORDS)):
        there = [path.with_suffix(ending).is_file() for ending in (".html", ".ipynb")]
        found.update(f"{path.relative_to(reports)}\0{there}\0".encode("utf-8", "surrogateescape"))
        try:
            found.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            found.update(str(error).encode())
    return found.hexdigest()


def _holds(page: Path, mark: str) -> bool:
    try:
        return mark.encode() in page.read_bytes()
    except OSError:
        return False


def _source_of(script: str) -> str:
    """Name a script by its bytes: the policy lets this one run and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _groups(
    latest: Sequence[Shelved],
    shelved: Sequence[Shelved],
    reports: Path,
    shared: Sequence[str],
    choices: Mapping[str, Mapping[object, str]],
) -> tuple[list[Group], list[Group]]:
    """Give the company's own reports, and those of the teams."""
    usual = _usual_locale(latest)
    numbers = {name: {key: number for number, key in enumerate(words)} for name, words in choices.items()}
    found: tuple[list[Group], list[Group]] = ([], [])
    for (spec, for_team), each in itertools.groupby(
        latest, key=lambda s: (s.record.spec, s.record.team is not None)
    ):
        of = list(each)
        columns = _columns(one.record for one in of)
        subjects = []
        for one in of:
            lines = [
                _line(run, reports, columns, shared, numbers, usual)
                for run in history(shelved, spec, one.record.team)
            ]
            subjects.append(Subject(lines[0], tuple(lines[1:])))
        against = _against(one.record for one in of)
        group = Group(_title(spec), tuple(columns.values()), against, tuple(subjects))
        found[for_team].append(group)
    return found


def _line(
    run: Shelved,
    reports: Path,
    columns: Mapping[str, str],
    shared: Sequence[str],
    numbers: Mapping[str, Mapping[object, int]],
    usual: str,
) -> Line:
    record, status = run.record, _status(run)
    absent = not run.html.is_file()
    notes = (str(record.failure or "The page is missing"),) if absent else record.warnings
    return Line(
        name=_name(record),
        link="" if absent else _link(run.html, reports),
        period=one_line(record.period_title, _NAME),
        as_of=_look(record, usual).date(record.as_of),
        status=status,
        verdict=None if absent else verdict_of(record),
        message=one_line(record.published.headline, 300) if record.published else "",
        figures=_figures(record, columns, _look(record, usual)),
        against=_against([record]),
        notes=tuple(one_line(note, 300) for note in notes if note not in shared),
        notebook=_link(run.ipynb, reports) if absent and run.ipynb.is_file() else "",
        command=_command(record) if absent else "",
        keys={name: numbers[name][key] for name, (key, _) in _facets(record).items()},
    )


def _status(run: Shelved) -> Status:
    status = STATUSES[run.record.status]
    return status if run.html.is_file() or status is HELD else FAILED


def _link(path: Path, reports: Path) -> str:
    return quote(path.relative_to(reports).as_posix())


def _command(record: RunRecord) -> str:
    """Give what makes a report again."""
    words = ["spm", "run", f"params/{record.spec}.yml", "--period", record.period]
    words += ["--as-of", record.as_of.isoformat()]
    return shlex.join([*words, *(["--team", record.team] if record.team else [])])


def _columns(records: Iterable[RunRecord]) -> dict[str, str]:
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


def _usual_locale(latest: Iterable[Shelved]) -> str:
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


def _against(records: Iterable[RunRecord]) -> str:
    """Say what differences are against; empty where they are against several things, or nothing."""
    found = set()
    for record in records:
        for kpi in record.published.kpis if record.published else ():
            if against := one_line(_comparison(kpi).get("against") or "", 40):
                found.add(f"{against} at the same point" if record.as_of < record.period_end else against)
    return found.pop() if len(found) == 1 else ""


def _shared(latest: Sequence[Shelved]) -> tuple[str, ...]:
    """Give the warnings that all newest reports have: said once, above them."""
    made = [run.record.warnings for run in latest if _status(run) is not FAILED]
    if len(made) < 2:
        return ()
    return tuple(warning for warning in made[0] if all(warning in others for others in made))


def _currencies(latest: Iterable[Shelved]) -> list[str]:
    """Give the codes of the currencies that the newest reports published."""
    found = (getattr(run.record.published, "currency", None) for run in latest)
    return sorted({one_line(code, 3) for code in found if isinstance(code, str) and code.strip()})


def _choices(records: Sequence[RunRecord]) -> dict[str, dict[object, str]]:
    """Give what the filter offers: words by key; the latest period first, the company before the teams."""
    found: dict[str, dict[object, str]] = {"team": {}, "period": {}, "report": {}}
    ordered = {
        "team": sorted(records, key=lambda r: (r.team is not None, r.team_name.casefold(), r.team or "")),
        "period": sorted(records, key=lambda r: (r.period_end, r.period), reverse=True),
        "report": sorted(records, key=lambda r: r.spec),
    }
    for name, of in ordered.items():
        for record in of:
            key, words = _facets(record)[name]
            found[name].setdefault(key, words)
    return found


def _facets(record: RunRecord) -> dict[str, tuple[object, str]]:
    return {
        "team": (record.team, _name(record)),
        "period": (record.period, one_line(record.period_title, _NAME)),
        "report": (record.spec, _title(record.spec)),
    }


def _name(record: RunRecord) -> str:
    return one_line(record.team_name, _NAME) if record.team is not None else "The company"


def _title(spec: str) -> str:
    """Give a spec's name as people write it."""
    text = one_line(spec.replace("_", " "), 80)
    return text[:1].upper() + text[1:]
