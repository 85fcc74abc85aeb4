"""The command ``spm``: the only place that sees both halves of the house, and the only one that knows today."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from spm_lib import __version__, terminal
from spm_lib.errors import ParameterError, SpmError
from spm_lib.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Sales performance reports as Jupyter notebooks: one per team, from any CRM's exports.",
)

StoreOption = Annotated[
    Path | None, typer.Option("--store", help="The store's file (else SPM_STORE, else data/store.duckdb).")
]
ReportsOption = Annotated[
    Path | None, typer.Option("--reports", help="The folder of reports (else SPM_REPORTS, else reports/).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", help="2017-Q4, 2017-10, FY2018-Q1, last-quarter …")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="The day that the report speaks of: yyyy-mm-dd, latest or today."),
]
RunSpecArgument = Annotated[
    Path, typer.Argument(metavar="SPEC", help="The run spec, for instance params/team_performance.yml.")
]
TeamsOption = Annotated[list[str] | None, typer.Option("--team", help="Only these teams' reports.")]
ParameterOption = Annotated[
    list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE for the notebook.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Reports made side by side; by default one a core.")
]


def main() -> None:
    """Run the command line; a person's mistake ends with one line and exit code 2, never a traceback."""
    try:
        app()
    except SpmError as error:
        terminal.complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        terminal.complain("Stopped; what was there before stands as it was")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away: nothing is left to tell, and nobody to tell it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"spm {__version__}")
        raise typer.Exit


@app.command()
def ingest(
    source: Annotated[Path, typer.Argument(help="The source spec, for instance params/sources/maven.yml.")],
    store: StoreOption = None,
    path: Annotated[
        Path | None, typer.Option("--path", help="Another folder for the source's files.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where any row is refused.")] = False,
    json: JsonOption = False,
) -> None:
    """Load a source into the store, checked row by row, and swap it in whole."""
    from spm_lib.data.ingest import ingest as load

    with terminal.working(f"Loading {source}", quiet=json) as say:
        summary = load(
            source, _settings(store=store).store, now=_now(), path=path, strict=strict, progress=say
        )
    terminal.show_ingest(summary, json=json)


@app.command()
def metrics(
    store: StoreOption = None,
    period: PeriodOption = None,
    as_of: AsOfOption = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="company, team, rep, product, any column of deals, accounts or products; several with commas.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Only these metrics; several with commas.")
    ] = None,
    team: Annotated[str | None, typer.Option("--team", help="Only this team and those below it.")] = None,
    json: JsonOption = False,
) -> None:
    """Print metrics as a table, or as records with --json."""
    from spm_lib.data.store import open_store
    from spm_lib.metrics import CATALOGUE, evaluate
    from spm_lib.periods import parse_period

    settings = _settings(store=store)
    with open_store(settings.store) as opened:
        snapshot = opened.as_of(_day(as_of))
        if team is not None:
            snapshot = snapshot.scope(team)
        span = parse_period(period or "this-quarter", as_of=snapshot.date, calendar=snapshot.meta.calendar)
        frame = evaluate(_split(metric) or tuple(CATALOGUE), snapshot, span, by=_split(by))
        terminal.show_metrics(frame, span, snapshot.date, snapshot.meta.currency, settings.locale, json=json)


@app.command()
def plan(
    spec: RunSpecArgument,
    store: StoreOption = None,
    reports: ReportsOption = None,
    period: PeriodOption = None,
    as_of: AsOfOption = None,
    team: TeamsOption = None,
    parameter: ParameterOption = None,
    json: JsonOption = False,
) -> None:
    """Show which reports a spec means, and which of them need to be made; make none."""
    from spm_lib.data.store import open_store
    from spm_lib.press import spec as specs
    from spm_lib.press.plan import plan as jobs_of
    from spm_lib.press.shelf import state_of

    settings = _settings(store=store, reports=reports)
    with open_store(settings.store) as opened:
        jobs = jobs_of(
            specs.load_spec(spec),
            opened,
            today=_now().date(),
            reports=settings.reports,
            period=period,
            as_of=as_of,
            teams=team,
            parameters=_parameters(parameter),
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
    code_of_exit = _run(
        spec,
        _settings(store=store, reports=reports),
        period=period,
        as_of=as_of,
        teams=team,
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

    terminal.say(f"Index: {write_index(_settings(reports=reports).reports)}")


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Specs to check; by default all under params/.")
    ] = None,
) -> None:
    """Check run specs, source specs and notebooks without running them."""
    from spm_lib.data.sources.spec import read_source
    from spm_lib.press import plan as plans
    from spm_lib.press import spec as specs

    root = _settings().root
    found = files or sorted(
        [*(root / "params").glob("*.y*ml"), *(root / "params" / "sources").glob("*.y*ml")]
    )
    if not found:
        raise ParameterError("there is nothing to check", where=str(root / "params"), mend="Name a spec")
    wrong = []
    for file in found:
        try:
            if file.resolve().parent.name == "sources":
                read_source(file)
            else:
                plans.check(specs.load_spec(file))
        except SpmError as error:
            wrong.append(str(error))
            terminal.complain(str(error))
        else:
            terminal.say(f"{file}: good")
    raise typer.Exit(2 if wrong else 0)


@app.command()
def demo(
    store: StoreOption = None,
    reports: ReportsOption = None,
    jobs: JobsOption = None,
) -> None:
    """Build the demo company's store and a report for each of its teams."""
    from spm_lib.data.ingest import ingest as load
    from spm_lib.data.store import open_store
    from spm_lib.errors import StoreError

    settings = _settings(store=store, reports=reports)
    source = settings.root / "params" / "sources" / "demo.yml"
    try:
        with open_store(settings.store) as there:
            if there.meta.source != "demo":
                mend = "Name another with: spm demo --store demo.duckdb --reports demo-reports"
                raise ParameterError(
                    "this store holds other data than the demo", where=str(settings.store), mend=mend
                )
    except StoreError:
        with terminal.working("Making the demo company") as say:
            terminal.show_ingest(load(source, settings.store, now=_now(), progress=say))
    # Teams first: the summary links to the reports that stand.
    specs = [settings.root / "params" / f"{name}.yml" for name in ("team_performance", "leadership_summary")]
    codes = [_run(spec, settings, as_of="latest", jobs=jobs) for spec in specs]
    raise typer.Exit(max(codes))


@app.command()
def lab(store: StoreOption = None) -> None:
    """Open JupyterLab on the notebooks, with the store set."""
    settings = _settings(store=store)
    folder = settings.root / "notebooks"
    if not folder.is_dir():
        raise ParameterError(
            "there are no notebooks here", where=str(folder), mend="Go to the project's folder first"
        )
    _jupyterlab(settings, f"--notebook-dir={folder}")


@app.command("open")
def open_run(
    run: Annotated[str, typer.Argument(help="A report's path or its end, or its team's id or name.")],
    store: StoreOption = None,
    reports: ReportsOption = None,
) -> None:
    """Open a report's executed notebook in JupyterLab, with the parameters it ran with."""
    from spm_lib.press.shelf import find

    settings = _settings(store=store, reports=reports)
    found = find(settings.reports, run)
    if not found.ipynb.is_file():
        raise ParameterError(
            "the run kept no notebook", where=found.name(settings.reports), mend="Make it again: spm run"
        )
    _jupyterlab(settings, f"--notebook-dir={settings.reports}", str(found.ipynb))


@app.command()
def doctor(store: StoreOption = None, json: JsonOption = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from spm_lib.doctor import examine

    findings = examine(_settings(store=store), now=_now())
    terminal.show_findings(findings, json=json)
    raise typer.Exit(2 if any(f.state == "missing" for f in findings) else 0)


def _run(
    spec: Path,
    settings: Settings,
    *,
    period: str | None = None,
    as_of: str | None = None,
    teams: list[str] | None = None,
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
    with open_store(settings.store) as opened:
        planned = jobs_of(
            content,
            opened,
            today=_now().date(),
            reports=settings.reports,
            period=period,
            as_of=as_of,
            teams=teams,
            parameters=_parameters(parameters),
            code=code,
            locale=settings.locale,
        )
    with terminal.counting(f"Making {len(planned)} reports", len(planned), quiet=json) as tell:
        summary = make(planned, clock=_utc, workers=jobs, cluster=cluster, force=force, progress=tell)
    place = write_index(settings.reports)
    terminal.show_run(summary, place, json=json)
    if summary.interrupted:
        return 130
    return 1 if summary.failed or summary.held else 0


def _jupyterlab(settings: Settings, *arguments: str) -> None:
    os.environ["SPM_STORE"] = str(settings.store.resolve())
    os.execv(sys.executable, [sys.executable, "-m", "jupyter", "lab", *arguments])


def _settings(*, store: Path | None = None, reports: Path | None = None) -> Settings:
    environ = dict(os.environ)
    if store is not None:
        environ["SPM_STORE"] = str(store)
    if reports is not None:
        environ["SPM_REPORTS"] = str(reports)
    return Settings.from_environment(environ, Path.cwd())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).astimezone()


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _day(text: str | None) -> dt.date | None:
    from spm_lib.periods import parse_date

    if text in (None, "latest"):
        return None
    return _now().date() if text == "today" else parse_date(str(text))


def _split(values: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def _parameters(pairs: list[str] | None) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not sign:
            raise ParameterError(
                f"'{pair}' is no parameter", mend="Write NAME=VALUE, for instance -p top_deals=15"
            )
        found[name.strip()] = _plain(value)
    return found


def _plain(text: str) -> object:
    """Give `text` as JSON reads it, else as it is: 15 is a number, 2017-Q4 is text."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
