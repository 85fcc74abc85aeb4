"""Commands about data: load a source, print metrics, score deals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.options import (
    AsOfOption,
    JsonOption,
    PeriodOption,
    StoreOption,
    day_of,
    now,
    settings_of,
    split,
    utc,
)


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
            source, settings_of(store=store).store, now=now(), path=path, strict=strict, progress=say
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

    settings = settings_of(store=store)
    with open_store(settings.store) as opened:
        snapshot = opened.as_of(day_of(as_of))
        if team is not None:
            snapshot = snapshot.scope(team)
        span = parse_period(period or "this-quarter", as_of=snapshot.date, calendar=snapshot.meta.calendar)
        frame = evaluate(split(metric) or tuple(CATALOGUE), snapshot, span, by=split(by))
        terminal.show_metrics(frame, span, snapshot.date, snapshot.meta.currency, settings.locale, json=json)


@app.command()
def score(
    store: StoreOption = None,
    as_of: AsOfOption = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit a new model though there is a recent one.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Tell which open deals are at risk on a day, once, and keep it in the ledger beside the store."""
    from spm_lib.models.scoring import score_store

    settings = settings_of(store=store)
    with terminal.working("Scoring open deals", quiet=json) as say:
        scored = score_store(settings.store, day_of(as_of), clock=utc, refit=refit, progress=say)
    terminal.show_scored(scored, json=json)
