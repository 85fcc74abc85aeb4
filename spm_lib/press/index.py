"""The index of all reports, made of run records alone."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from spm_lib.errors import one_line
from spm_lib.press.fingerprint import library_hash
from spm_lib.press.index_lines import (
    FAILED,
    HELD,
    READY,
    Line,
    columns_of,
    common_comparison,
    facets_of,
    line_of,
    link_of,
    name_of,
    status_of,
    title_of,
    usual_locale,
)
from spm_lib.press.records import Kind, RunRecord
from spm_lib.press.shelf import RECORDS, Shelved, histories, listing, write_whole
from spm_lib.press.standing import headline

INDEX = "index.html"


@dataclass(frozen=True)
class Subject:
    """One team or rep, or the company: its newest run and those before."""

    line: Line
    older: tuple[Line, ...]


@dataclass(frozen=True)
class Group:
    """All subjects of one kind of report, which share their columns and what differences are against."""

    kind: Kind
    title: str
    columns: tuple[str, ...]
    against: str
    subjects: tuple[Subject, ...]


def write_index(reports: Path, deliveries: Mapping[str, str] | None = None) -> Path:
    """Write ``index.html`` over every report, the newest of each spec and team or rep first.

    Parameters
    ----------
    reports
        The folder of reports.
    deliveries
        What became of a report's delivery, a phrase by the report's name.

    Returns
    -------
    Path
        The page. Its links are relative: the folder can be moved, and opened from a disk.
    """
    reports = reports.resolve()
    mark = f'<meta name="made-of" content="{_made_of(reports, deliveries or {})}">'
    if _holds(reports / INDEX, mark):
        return reports / INDEX
    # Imported late: templates take longer to import than an index takes that stands.
    from spm_lib.press.render.pages import POLICY, environment, sheet

    shelved, problems = listing(reports)
    runs = histories(shelved)
    latest = [each[0] for each in runs]
    shared = _shared(latest)
    choices = _choices([each.record for each in shelved])
    groups = _groups(runs, latest, reports, shared, choices, deliveries or {})
    # How each rep stands is for the rep's own report to say.
    counted = [each for each in latest if each.record.kind != "rep"]
    readable, absent = (
        [each.record for each in counted if (status_of(each) is READY) is can] for can in (True, False)
    )
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
            behind=[(name_of(each), link_of(pages[each.subject], reports)) for each in behind],
            company=[group for group in groups if group.kind == "company"],
            tables=[group for kind in ("team", "rep") for group in groups if group.kind == kind],
            shared=shared,
            currencies=_currencies(latest),
            filters=[(name, words) for name, words in choices.items() if len(words) > 1],
            failed=sum(status_of(each) is FAILED for each in latest),
            held=sum(status_of(each) is HELD for each in latest),
            total=len(shelved),
            last_run=max((each.record.finished for each in shelved), default=None),
            unread=[one_line(f"{Path(p.where).relative_to(reports)}: {p.what}") for p in problems],
        )
    )
    write_whole(reports / INDEX, page.replace("</head>", f"{mark}\n</head>", 1))
    return reports / INDEX


def _made_of(reports: Path, deliveries: Mapping[str, str]) -> str:
    """Give the hash of all that the index is made of: records, which pages there are, deliveries, and the library."""
    found = hashlib.sha256(library_hash().encode())
    found.update(json.dumps(deliveries, sort_keys=True).encode())
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
    runs: Sequence[Sequence[Shelved]],
    latest: Sequence[Shelved],
    reports: Path,
    shared: Sequence[str],
    choices: Mapping[str, Mapping[object, str]],
    deliveries: Mapping[str, str],
) -> list[Group]:
    """Give the reports of each spec on the company, on teams and on reps."""
    usual = usual_locale(latest)
    numbers = {name: {key: number for number, key in enumerate(words)} for name, words in choices.items()}
    found: list[Group] = []
    for (spec, kind), each in itertools.groupby(runs, key=lambda r: (r[0].record.spec, r[0].record.kind)):
        of = list(each)
        columns = columns_of(own[0].record for own in of)
        subjects = []
        for own in of:
            lines = [
                line_of(run, reports, columns, shared, numbers, usual, deliveries.get(run.name(reports), ""))
                for run in own
            ]
            subjects.append(Subject(lines[0], tuple(lines[1:])))
        against = common_comparison(own[0].record for own in of)
        found.append(Group(kind, title_of(spec), tuple(columns.values()), against, tuple(subjects)))
    # How teams stand comes first; the rest goes into its details.
    return sorted(found, key=lambda group: all(subject.line.verdict is None for subject in group.subjects))


def _shared(latest: Sequence[Shelved]) -> tuple[str, ...]:
    """Give the warnings that all newest reports have: said once, above them."""
    made = [run.record.warnings for run in latest if status_of(run) is not FAILED]
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
            key, words = facets_of(record)[name]
            found[name].setdefault(key, words)
    return found
