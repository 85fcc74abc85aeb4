"""Plans: the list of jobs that a run spec means on a store at a date."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spm_lib.data.store import Store
from spm_lib.errors import ParameterError, RunError, one_line
from spm_lib.periods import Period, parse_date, parse_period
from spm_lib.press.audience import AUDIENCE, MANAGER, TEAM, audience_of, refuse_recipients
from spm_lib.press.fingerprint import Fingerprints, notebook_hash
from spm_lib.press.parameters import Parameter, checked, declared
from spm_lib.press.records import read_record
from spm_lib.press.slugs import inside, label_slug, slugs
from spm_lib.press.spec import AS_OF_WORDS, PLANNED, SET_ELSEWHERE, Limits, Spec, words_hash
from spm_lib.press.subjects import subjects_of

DEFAULT_PERIOD = "this-quarter"


@dataclass(frozen=True)
class Job:
    """One report to be made. Plain values only: a job travels to another process.

    Parameters
    ----------
    spec, notebook
        Name of the spec, path of the notebook.
    team, team_name
        Id and name, of a report on a rep those of the rep's team; None and "Company" for the whole company.
    period, period_title, period_end
        The period's label, how a person writes it, and its last day.
    as_of, data_date
        The day that the report speaks of, and the last one of the data it can know.
    source, currency
        Where the data came from, and the currency of its amounts.
    parameters
        What the notebook is given.
    store
        Path of the store.
    reports, html
        Folder of all reports, and this one's page.
    fingerprint
        Of all that the report is made of, see `spm_lib.press.fingerprint`.
    warnings
        What the reader is told at the top of the page.
    code
        Whether the page keeps the notebook's code, folded.
    locale
        How numbers are written; None leaves it to the environment.
    team_pages
        Where teams that the report names have pages to link to: relative address by team id.
    limits
        What it may take of time and memory.
    env
        Names of the environment variables that its kernel is given; never their values.
    scope, above
        Ids of its team and those below it, and ids and names of the teams above, of a report on a rep also of the team
        itself and of the rep's managers; none for the company.
    shared_names
        Names beyond its scope that it may hold.
    rep, rep_name
        Id and name of the rep that it is about; None and empty where it is about a team or the company.
    audience
        Who gets it: ``manager`` (those who may read coaching), ``team``, or ``rep``, the one it is about.
    """

    spec: str
    notebook: Path
    team: str | None
    team_name: str
    period: str
    period_title: str
    period_end: dt.date
    as_of: dt.date
    data_date: dt.date | None
    source: str
    currency: str
    parameters: Mapping[str, Any]
    store: Path
    reports: Path
    html: Path
    fingerprint: str
    warnings: tuple[str, ...] = ()
    code: bool = False
    locale: str | None = None
    team_pages: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    env: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    shared_names: tuple[str, ...] = ()
    rep: str | None = None
    rep_name: str = ""
    audience: str = MANAGER

    @property
    def name(self) -> str:
        """Whom the report is about: the rep's name, else the team's."""
        return self.team_name if self.rep is None else self.rep_name

    @property
    def label(self) -> str:
        """What the job is called on a terminal."""
        who = self.team_name if self.rep is None else f"{self.rep_name} ({self.team_name})"
        return one_line(f"{who}, {self.period}", 80)

    @property
    def ipynb(self) -> Path:
        """Where the executed notebook goes."""
        return self.html.with_suffix(".ipynb")

    @property
    def record(self) -> Path:
        """Where the run record goes."""
        return self.html.with_suffix(".json")


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line instead of, or besides, what the spec says."""

    period: str | int | None = None
    as_of: str | dt.date | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)


def plan(
    spec: Spec,
    store: Store,
    *,
    today: dt.date,
    reports: Path,
    period: str | int | None = None,
    as_of: str | dt.date | None = None,
    teams: Sequence[str] | None = None,
    reps: Sequence[str] | None = None,
    parameters: Mapping[str, object] | None = None,
    code: bool = False,
    locale: str | None = None,
    upcoming: Collection[Path] = (),
) -> tuple[Job, ...]:
    """Give the jobs that `spec` means, in order of team, rep and period. Nothing is run or written.

    Parameters
    ----------
    spec
        See `spm_lib.press.spec.load_spec`.
    store
        The open store.
    today
        What ``as_of: today`` means.
    reports
        Folder of all reports.
    period, as_of, parameters
        Instead of, or for parameters besides, what the spec says.
    teams, reps
        Ids of the teams, or of the reps, to keep; see `spm_lib.press.subjects.subjects_of`.
    code
        Whether pages keep the code, folded.
    locale
        How numbers are written; by default as the environment says.
    upcoming
        Pages that are made before these: a report may link to them as to those on the shelf.

    Returns
    -------
    tuple of Job

    Raises
    ------
    ParameterError
        Where the notebook does not take what it would be given.
    UnknownNameError
        Where there is no such team or rep.
    SpecError
        Where somebody would get what is for managers alone.
    SpmError
        Where the period, the date or the store do not serve.
    """
    day = _day(spec, store, today, as_of)
    snapshot = store.as_of(day)
    asked = Asked(period, as_of, parameters or {})
    known = declared(spec.notebook)
    refuse_recipients(spec, known)
    last = store.meta.last_data_date
    notes = _stale(spec, last, today if as_of is None and spec.content.as_of in AS_OF_WORDS else day)
    prints = Fingerprints(notebook_hash(spec.notebook), snapshot)
    words = words_hash(spec.document.path.resolve().parent)
    subjects = subjects_of(spec, snapshot, teams, reps)
    audience = audience_of(spec)
    team_files = slugs({team.team_id: team.name for team in snapshot.teams.values()})
    jobs = []
    for subject, each in itertools.product(subjects, _periods(spec, store, day, period)):
        values = values_for(
            spec, known, asked, team=subject.team, rep=subject.rep, period=each.label, day=day
        )
        folder = label_slug(spec.name), label_slug(each.label), day.isoformat()
        page = inside(reports, *folder, f"{subject.file}.html")
        links = _team_pages(spec, team_files, page, upcoming)
        shown = {
            "team": subject.team,
            "name": subject.team_name,
            "rep": subject.rep,
            "rep_name": subject.rep_name,
            "audience": audience,
            "period": each.label,
            "as_of": day.isoformat(),
            "links": links,
            "notes": notes,
            "code": code,
            "locale": locale,
            "words": words,
            "env": sorted(spec.content.env),
            # One that is taken out again holds the reports that name it.
            "shared_names": sorted(spec.content.shared_names),
        }
        jobs.append(
            Job(
                spec=spec.name,
                notebook=spec.notebook,
                team=subject.team,
                team_name=subject.team_name,
                rep=subject.rep,
                rep_name=subject.rep_name,
                audience=audience,
                period=each.label,
                period_title=each.title,
                period_end=each.end,
                as_of=day,
                data_date=min(day, last) if last else None,
                source=store.meta.source,
                currency=store.meta.currency,
                parameters=values,
                store=store.path.resolve(),
                reports=reports.resolve(),
                html=page,
                fingerprint=prints.of(subject, values, shown, _recorded(page.with_suffix(".json"))),
                warnings=notes,
                code=code,
                locale=locale,
                team_pages=links,
                limits=spec.content.limits,
                env=spec.content.env,
                scope=subject.scope,
                above=subject.above,
                shared_names=spec.content.shared_names,
            )
        )
    return tuple(jobs)


def _recorded(record: Path) -> str | None:
    """Give the fingerprint of the report made before; None where there is no record that can be read."""
    try:
        return read_record(record).fingerprint
    except RunError:
        return None


def _team_pages(
    spec: Spec, files: Mapping[str, str], page: Path, upcoming: Collection[Path]
) -> dict[str, str]:
    """Give the address of each team's page of the spec that this one links to, for its period and day."""
    if spec.content.links_to is None:
        return {}
    # <reports>/<spec>/<period>/<as-of>/<team>.html
    folder = page.parents[3] / label_slug(spec.content.links_to) / page.parents[1].name / page.parent.name
    up = "../" * 3
    found = {}
    for team, name in files.items():
        target = folder / f"{name}.html"
        if target != page and (target.is_file() or target in upcoming):
            found[team] = up + quote(target.relative_to(page.parents[3]).as_posix())
    return found


def values_for(
    spec: Spec,
    known: Mapping[str, Parameter],
    asked: Asked,
    *,
    team: str | None,
    rep: str | None = None,
    period: str,
    day: dt.date,
) -> dict[str, Any]:
    """Give the parameters of one job, checked against what the notebook declares.

    A notebook must declare whatever tells its reports apart, and whatever somebody asked for; the period, the day and
    a rep's team, for which nobody asked, are handed over only where it takes them, and so is who reads the report.
    """
    said = spec.content
    where = spec.document.where("for_each")
    planned: dict[str, object] = {}
    if "team" in known or (team is not None and rep is None):
        planned["team"] = _id(known, "team", team)
    if "rep" in known or rep is not None:
        planned["rep"] = _id(known, "rep", rep)
    if AUDIENCE in known:
        planned[AUDIENCE] = TEAM if audience_of(spec) == TEAM else MANAGER
    if "period" in known or asked.period is not None or said.period is not None or said.for_each.period:
        planned["period"] = period
    if "as_of" in known or asked.as_of is not None or isinstance(said.as_of, dt.date):
        planned["as_of"] = day
    values = checked(known, planned, where=where)
    values |= checked(known, said.parameters, where=spec.document.where("parameters"))
    for name in asked.parameters:
        if name in PLANNED:
            raise ParameterError(
                f"'{name}' is not set as a parameter", where=str(spec.document.path), mend=SET_ELSEWHERE
            )
    return values | checked(known, asked.parameters)


def _id(known: Mapping[str, Parameter], name: str, given: str | None) -> str | None:
    """Give an id or, for none, what a notebook takes for it: empty, where its parameter is text and nothing else."""
    return "" if given is None and known[name].kinds == {"str"} else given


def check(spec: Spec) -> None:
    """Raise what a run of `spec` would raise on any store: parameters or recipients that cannot be."""
    for_each = spec.content.for_each
    team = None if for_each.company else "team"
    rep = None if for_each.rep is None else "rep"
    known = declared(spec.notebook)
    values_for(spec, known, Asked(), team=team, rep=rep, period="2020-Q1", day=dt.date(2020, 1, 1))
    refuse_recipients(spec, known)


def _day(spec: Spec, store: Store, today: dt.date, as_of: str | dt.date | None) -> dt.date:
    said = spec.content.as_of if as_of is None else as_of
    if said == "today":
        return today
    if said == "latest":
        return store.as_of().date
    return parse_date(said)


def _periods(spec: Spec, store: Store, day: dt.date, asked: str | int | None) -> list[Period]:
    many = spec.content.for_each.period
    if asked is None and many is not None:
        span = parse_period(many, as_of=day, calendar=store.meta.calendar)
        if span.ends is None:
            return [span]
        found = [span.ends[0]]
        while found[-1] != span.ends[1]:
            found.append(found[-1].next())
        return found
    text = asked if asked is not None else spec.content.period or DEFAULT_PERIOD
    return [parse_period(text, as_of=day, calendar=store.meta.calendar)]


def _stale(spec: Spec, last: dt.date | None, day: dt.date) -> tuple[str, ...]:
    """Say that the data are too old on `day`: today, or the as-of date where a person or the spec named one."""
    limit = spec.content.gates.max_age_days
    if limit is None or last is None or (day - last).days <= limit:
        return ()
    return (f"The data end on {last}, {(day - last).days} days before {day}: more than the {limit} allowed",)
