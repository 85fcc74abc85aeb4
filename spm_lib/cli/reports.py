"""Commands about reports: plan them, make them, list them, check what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.making import put_index, run_reports
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
)
from spm_lib.cli.project import readers, today_of, warnings_of
from spm_lib.errors import ParameterError, SpmError, did_you_mean

if TYPE_CHECKING:
    pass


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
    made = run_reports(
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
    raise typer.Exit(made.code)


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
            reader = readers().get(file.name)
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
