"""Commands about reports: plan them, make them, list them, check what they are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from spm_lib.errors import ParameterError, SpmError
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.plan import Job


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
    with open_store(settings.store) as opened:
        jobs = jobs_of(
            specs.load_spec(spec),
            opened,
            today=now().date(),
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
def index(reports: ReportsOption = None) -> None:
    """Write reports/index.html anew from the run records."""
    from spm_lib.press.index import write_index

    terminal.say(f"Index: {write_index(settings_of(reports=reports).reports)}")


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Specs to check; by default all under params/.")
    ] = None,
) -> None:
    """Check run specs, source specs, playbook, recognition and notebooks without running anything."""
    from spm_lib.data.sources.spec import read_source
    from spm_lib.press import plan as plans
    from spm_lib.press import spec as specs

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
                plans.check(specs.load_spec(file))
        except SpmError as error:
            wrong.append(str(error))
            terminal.complain(str(error))
        else:
            terminal.say(f"{file}: good")
    raise typer.Exit(2 if wrong else 0)


def _readers() -> Mapping[str, Callable[[Path], object]]:
    """Give what reads each file in ``params/`` that is no run spec, by its name."""
    from spm_lib.models.coaching.playbook import PLAYBOOK_FILE, load_playbook
    from spm_lib.models.recognition_rules import RULES_FILE, load_recognition_rules

    return {PLAYBOOK_FILE: load_playbook, RULES_FILE.name: load_recognition_rules}


def score_days(store: Path, days: Collection[dt.date], *, json: bool = False) -> bool:
    """Score days that are not scored yet; what cannot be scored is told, and stops nothing.

    Returns
    -------
    bool
        Whether any day was scored now.
    """
    from spm_lib.models.scoring import score_store

    anything = False
    for day in sorted(days):
        try:
            with terminal.working(f"Scoring open deals as of {day}", quiet=json) as say:
                scored = score_store(store, day, clock=utc, progress=say)
        except SpmError as error:
            terminal.complain(f"Not scored: {error}")
            continue
        if scored.state == "scored":
            anything = True
            if not json:
                terminal.show_scored(scored, brief=True)
    return anything


def make_reports(
    spec: Path,
    settings: Settings,
    *,
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
) -> int:
    """Plan, run, write the index, tell; give the exit code."""
    from spm_lib.data.store import open_store
    from spm_lib.press import spec as specs
    from spm_lib.press.index import write_index
    from spm_lib.press.plan import plan as jobs_of
    from spm_lib.press.run import run as make

    content = specs.load_spec(spec)

    def plan_jobs() -> tuple[Job, ...]:
        with open_store(settings.store) as opened:
            return jobs_of(
                content,
                opened,
                today=now().date(),
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
    if content.content.score and score_days(settings.store, {job.as_of for job in planned}, json=json):
        planned = plan_jobs()
    with terminal.counting(f"Making {len(planned)} reports", len(planned), quiet=json) as tell:
        summary = make(planned, clock=utc, workers=jobs, cluster=cluster, force=force, progress=tell)
    place = write_index(settings.reports)
    terminal.show_run(summary, place, json=json)
    if summary.interrupted:
        return 130
    return 1 if summary.failed or summary.held else 0
