"""The demo company: a store, scores and reports, to look at before there are data of one's own."""

from __future__ import annotations

import datetime as dt

import typer

from spm_lib import terminal
from spm_lib.cli.application import app
from spm_lib.cli.making import run_reports, score_days
from spm_lib.cli.options import JobsOption, ReportsOption, StoreOption, now, settings_of
from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.errors import ParameterError, StoreError
from spm_lib.settings import Settings

#: Teams first: the summary links to the reports that stand.
_SPECS = ("team_performance", "deals_at_risk", "deal_risk_model", "leadership_summary")

#: How long before the last day of the data deals were scored too, as if by a weekly run: a report tells how the flags of
#: eight weeks before have turned out, and what changed in a week.
_SCORED_BEFORE = tuple(dt.timedelta(weeks=weeks) for weeks in (8, 1, 0))


@app.command()
def demo(
    store: StoreOption = None,
    reports: ReportsOption = None,
    jobs: JobsOption = None,
) -> None:
    """Build the demo company's store and a report for each of its teams."""
    settings = settings_of(store=store, reports=reports)
    last = _load(settings)
    if last is not None:
        if not Ledger(ledger_path(settings.store)).scored_days():
            terminal.say(
                "Learning from the demo company's past which deals are at risk: a minute or two, once."
            )
        score_days(settings.store, {last - before for before in _SCORED_BEFORE})
    codes = [
        run_reports(settings.root / "params" / f"{name}.yml", settings, as_of="latest", jobs=jobs).code
        for name in _SPECS
    ]
    raise typer.Exit(max(codes))


def _load(settings: Settings) -> dt.date | None:
    """Make the store where it is not there yet, and give the last day of its data."""
    from spm_lib.data.ingest import ingest as load
    from spm_lib.data.store import open_store

    try:
        with open_store(settings.store) as there:
            if there.meta.source != "demo":
                mend = "Name another with: spm demo --store demo.duckdb --reports demo-reports"
                raise ParameterError(
                    "this store holds other data than the demo", where=str(settings.store), mend=mend
                )
            return there.meta.last_data_date
    except StoreError:
        source = settings.root / "params" / "sources" / "demo.yml"
        with terminal.working("Making the demo company") as say:
            summary = load(source, settings.store, now=now(), progress=say)
        terminal.show_ingest(summary)
        return summary.meta.last_data_date
