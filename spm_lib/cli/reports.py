"""Commands about reports: plan them, make them, list them, check what they are made of."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.options import (
    AsOfOption,
    JobsOption,
    JsonOption,
    ParameterOption,
    PeriodOption,
    ReportsOption,
    RepsOption,
    RunSpecArgument,
    StoreOption,
    TeamsOption,
    now,
    parameters_of,
    settings_of,
    utc,
)
from spm_lib.cli.project import today_of, warnings_of
from spm_lib.errors import ParameterError, RunError, SpmError, did_you_mean, one_line
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.plan import Job
    from spm_lib.press.run import Result


@dataclass(frozen=True)
class ReportsMade:
    """How the reports of a spec were made.

    Parameters
    ----------
    code
        The exit code: 130 where it was stopped, 1 where a report failed or is held.
    day
        The day that the reports speak of; None where none was planned.
    failed
        Each report that failed or is held, with its cell and error, how to look at it, and its parameters.
    unscored
        Each day that could not be scored, and why: its reports tell of no scores.
    """

    code: int
    day: dt.date | None = None
    failed: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()


@app.command()
def plan(
    spec: RunSpecArgument,
    store: StoreOption = None,
    reports: ReportsOption = None,
    period: PeriodOption = None,
    as_of: AsOfOption = None,
    team: TeamsOption = None,
    rep: RepsOption = None,
    parameter: ParameterOption = None,
    json: JsonOption = False,
) -> None:
    """Show which reports a spec means, and which of them need to be made; make none."""
    from spm_lib.data.store import open_store
    from spm_lib.press import spec as specs
    from spm_lib.press.plan import plan as jobs_of
    from spm_lib.press.shelf import state_of

    settings = settings_of(store=store, reports=reports)
    content = specs.load_spec(spec)
    with open_store(settings.store) as opened:
        jobs = jobs_of(
            content,
            opened,
            today=today_of(content, now()),
            reports=settings.reports,
            period=period,
            as_of=as_of,
            teams=team,
            reps=rep,
            parameters=parameters_of(parameter),
            locale=settings.locale,
        )
    terminal.show_plan([(job, state_of(job)) for job in jobs], json=json)


@app.command()
def run(
    spec: RunSpecArgument,
    store: StoreOption = None,
    reports: ReportsOption = None,
    period: PeriodOption = None,
    as_of: AsOfOption = None,
    team: TeamsOption = None,
    rep: RepsOption = None,
    parameter: ParameterOption = None,
    jobs: JobsOption = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="A Dask scheduler whose workers make the reports.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make reports that are there and fresh too.")
    ] = False,
    code: Annotated[
        bool, typer.Option("--code", help="Keep the notebook's code in the page, folded.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make the reports that a spec means: what is missing, failed or stale; one failure stops no other."""
    code_of_exit = make_reports(
        spec,
        settings_of(store=store, reports=reports),
        period=period,
        as_of=as_of,
        teams=team,
        reps=rep,
        parameters=parameter,
        jobs=jobs,
        cluster=cluster,
        force=force,
        code=code,
        json=json,
    )
    raise typer.Exit(code_of_exit)


@app.command()
def index(store: StoreOption = None, reports: ReportsOption = None) -> None:
    """Write reports/index.html anew from the run records."""
    terminal.say(f"Index: {put_index(settings_of(store=store, reports=reports))}")


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Specs to check; by default all under params/.")
    ] = None,
) -> None:
    """Check run specs, source specs, playbook, recognition, recipients and notebooks without running anything."""
    from spm_lib.data.sources.spec import read_source

    root = settings_of().root
    found = files or sorted(
        [*(root / "params").glob("*.y*ml"), *(root / "params" / "sources").glob("*.y*ml")]
    )
    if not found:
        raise ParameterError("there is nothing to check", where=str(root / "params"), mend="Name a spec")
    wrong = []
    for file in found:
        try:
            reader = _readers().get(file.name)
            if file.resolve().parent.name == "sources":
                read_source(file)
            elif reader is not None:
                reader(file)
            else:
                _check_run_spec(file)
        except SpmError as error:
            wrong.append(str(error))
            terminal.complain(str(error))
        else:
            terminal.say(f"{file}: good")
    raise typer.Exit(2 if wrong else 0)


def _check_run_spec(file: Path) -> None:
    from spm_lib.press import plan as plans
    from spm_lib.press import spec as specs
    from spm_lib.press.deliver.addressing import check_roles
    from spm_lib.press.deliver.directory import load_directory

    spec = specs.load_spec(file)
    plans.check(spec)
    check_roles(spec, load_directory(file.parent))
    twins = [path.name for path in specs.run_specs(file.parent) if path.stem == file.stem]
    if len(twins) > 1:
        raise spec.document.error(
            f"{' and '.join(twins)} have one name",
            mend="Rename one: reports, mails and slots go by that name",
        )
    sources = {path.stem for path in (file.parent / "sources").glob("*.yml")}
    for at, name in enumerate(spec.content.ingest_first):
        if name.removesuffix(".yml") not in sources:
            raise spec.document.error(
                f"there is no source '{name}'", "ingest_first", at, mend=did_you_mean(name, sources)
            )
    for warning in warnings_of(spec):
        terminal.say(f"{file}: Mind: {warning}")


def _readers() -> Mapping[str, Callable[[Path], object]]:
    """Give what reads each file in ``params/`` that is no run spec, by its name."""
    from spm_lib.models.coaching.playbook import PLAYBOOK_FILE, load_playbook
    from spm_lib.models.recognition_rules import RULES_FILE, load_recognition_rules
    from spm_lib.press.deliver.directory import DIRECTORY_FILE, load_directory

    return {
        PLAYBOOK_FILE: load_playbook,
        RULES_FILE.name: load_recognition_rules,
        DIRECTORY_FILE: lambda path: load_directory(path.parent),
    }


def put_index(settings: Settings) -> Path:
    """Write the index over all reports, with what became of their delivery.

    Raises
    ------
    RunError
        Where it cannot be written.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.deliveries import deliveries
    from spm_lib.press.index import write_index

    try:
        return write_index(settings.reports, deliveries(ledger_path(settings.store)))
    except OSError as error:
        raise RunError(
            f"the index cannot be written ({one_line(str(error), 160)})",
            where=str(settings.reports),
            mend="Free some space, or name another folder with --reports; reports that were made stand",
        ) from error


def score_days(store: Path, days: Collection[dt.date], *, json: bool = False) -> tuple[bool, tuple[str, ...]]:
    """Score days that are not scored yet; what cannot be scored is told, and stops nothing.

    Returns
    -------
    tuple of bool and tuple of str
        Whether any day was scored now; and why days could not be, a sentence each.
    """
    from spm_lib.models.scoring import score_store

    anything, failed = False, []
    for day in sorted(days):
        try:
            with terminal.working(f"Scoring open deals as of {day}", quiet=json) as say:
                scored = score_store(store, day, clock=utc, progress=say)
        except SpmError as error:
            failed.append(f"Open deals are not scored as of {day}: {error}")
            terminal.complain(f"Not scored: {error}")
            continue
        if scored.state == "scored":
            anything = True
            if not json:
                terminal.show_scored(scored, brief=True)
    return anything, tuple(failed)


def make_reports(spec: Path, settings: Settings, **options: Any) -> int:
    """Make reports as `run_reports` does; give the exit code alone."""
    return run_reports(spec, settings, **options).code


def run_reports(
    spec: Path,
    settings: Settings,
    *,
    today: dt.date | None = None,
    period: str | None = None,
    as_of: str | None = None,
    teams: list[str] | None = None,
    reps: list[str] | None = None,
    parameters: list[str] | None = None,
    jobs: int | None,
    cluster: str | None = None,
    force: bool = False,
    code: bool = False,
    json: bool = False,
) -> ReportsMade:
    """Plan, run, write the index, tell.

    Parameters
    ----------
    spec, settings, period, as_of, teams, reps, parameters, jobs, cluster, force, code, json
        As the command's options.
    today
        What ``as_of: today`` means; by default today where the spec's schedule is at home, else here.
    """
    from spm_lib.data.store import open_store
    from spm_lib.press import spec as specs
    from spm_lib.press.plan import plan as jobs_of
    from spm_lib.press.run import run as make

    content = specs.load_spec(spec)
    # A slip in the company's own words would fail each report that tells them, one by one.
    for name, reader in _readers().items():
        if (spec.parent / name).is_file():
            reader(spec.parent / name)

    def plan_jobs() -> tuple[Job, ...]:
        with open_store(settings.store) as opened:
            return jobs_of(
                content,
                opened,
                today=today or today_of(content, now()),
                reports=settings.reports,
                period=period,
                as_of=as_of,
                teams=teams,
                reps=reps,
                parameters=parameters_of(parameters),
                code=code,
                locale=settings.locale,
            )

    planned = plan_jobs()
    # Planned first, as a mistake is told at once and scoring may take a minute; and again, as reports tell of scores.
    unscored: tuple[str, ...] = ()
    if content.content.score:
        scored, unscored = score_days(settings.store, {job.as_of for job in planned}, json=json)
        planned = plan_jobs() if scored else planned
    with terminal.counting(f"Making {len(planned)} reports", len(planned), quiet=json) as tell:
        summary = make(planned, clock=utc, workers=jobs, cluster=cluster, force=force, progress=tell)
    place = put_index(settings)
    terminal.show_run(summary, place, json=json)
    troubles = (*summary.failed, *summary.held)
    return ReportsMade(
        130 if summary.interrupted else min(len(troubles), 1),
        next((job.as_of for job in planned), None),
        tuple(map(_trouble, troubles)),
        unscored,
    )


def _trouble(result: Result) -> str:
    """Say in one line what is wrong with a report, and how to look at it."""
    job = result.job
    name = job.html.relative_to(job.reports).with_suffix("").as_posix()
    given = ", ".join(f"{key}={value}" for key, value in job.parameters.items()) or "none"
    return (
        f"{job.label}: {'failed at' if result.status == 'failed' else 'held:'} {one_line(str(result.failure), 160)}. "
        f"Look at it with: {shlex.join(['spm', 'open', name])}. Parameters: {one_line(given, 120)}"
    )
