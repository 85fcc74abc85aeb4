"""What happened to deals while they were open, counted so far: moves of stage, close date, amount and owner.

What differs between the ends of two days counts, once for a day: a slip put right on the same day is none. What closing
overwrites is no move, nor is what reopening brings back.
"""

from __future__ import annotations

import ibis

from spm_lib.models.recorded import EVER, by_time
from spm_lib.models.stretches import Stretches

#: What is counted, and the column of deals whose record tells it.
COUNTS = {
    "moves_back": "stage",
    "stages_skipped": "stage",
    "pushes": "expected_close_on",
    "pulls": "expected_close_on",
    "days_pushed": "expected_close_on",
    "amount_cuts": "amount",
    "amount_raises": "amount",
    "owner_changes": "owner_id",
}


def with_moves(stretches: Stretches, rows: ibis.Table) -> ibis.Table:
    """Add to each stretch what had happened so far.

    Parameters
    ----------
    stretches
        What made the rows.
    rows
        The stretches.

    Returns
    -------
    ibis.Table
        `rows` with the columns of `COUNTS`; ``first_amount``, the first that is known; ``dated`` and ``priced``, whether
        the deal ever had an expected close date and an amount; ``entered_on``: the day on which the deal came into its
        stage, or was first seen in it; ``starts``: whether that is the stretch's own first day.
    """
    order = by_time()
    before = {
        f"last_{name}": rows[name].lag().over(order)
        for name in ("state", "stage", "pipeline", "position", "expected_close_on", "amount", "owner_id")
    }
    rows = rows.mutate(**before)
    stays_open = (rows.state == "open") & (rows.last_state == "open").fill_null(False)
    same = rows.pipeline.identical_to(rows.last_pipeline)
    steps = ibis.ifelse(same, rows.position - rows.last_position, ibis.null("float64"))
    days = rows.expected_close_on.delta(rows.last_expected_close_on, unit="day")
    moved = {
        "moves_back": (steps < 0).cast("float64"),
        "stages_skipped": ibis.greatest(steps - 1, ibis.literal(0.0)),
        "pushes": (days > 0).cast("float64"),
        "pulls": (days < 0).cast("float64"),
        "days_pushed": days.cast("float64"),
        "amount_cuts": (rows.amount < rows.last_amount).cast("float64"),
        "amount_raises": (rows.amount > rows.last_amount).cast("float64"),
        "owner_changes": (rows.owner_id != rows.last_owner_id).cast("float64"),
    }
    counted = {
        name: ibis.ifelse(stays_open, ibis.coalesce(value, ibis.literal(0.0)), 0.0)
        for name, value in moved.items()
    }
    elsewhere = ~rows.stage.identical_to(rows.last_stage) | ~same
    rows = rows.mutate(**counted, starts=(rows.state == "open") & (~stays_open | elsewhere))
    so_far = by_time(so_far=True)
    dated = rows.expected_close_on.notnull() & (rows.since >= _day(stretches, "expected_close_on"))
    priced = rows.amount.notnull() & (rows.since >= _day(stretches, "amount"))
    first = ibis.ifelse(priced, rows.since, ibis.null("date")).min().over(so_far)
    rows = rows.mutate(
        **{name: rows[name].sum().over(so_far) for name in COUNTS},
        dated=ibis.coalesce(dated.any().over(so_far), ibis.literal(False)),
        priced=ibis.coalesce(priced.any().over(so_far), ibis.literal(False)),
        priced_on=first,
        entered_on=ibis.ifelse(rows.starts, rows.since, ibis.null("date")).max().over(so_far),
    )
    at_first = ibis.ifelse(rows.since == rows.priced_on, rows.amount, ibis.null(rows.amount.type()))
    rows = rows.mutate(first_amount=at_first.max().over(so_far))
    return rows.drop("priced_on", *(name for name in before if name != "last_state"))


def stays(stretches: Stretches, rows: ibis.Table) -> ibis.Table:
    """Give the completed stays of open deals in a stage whose beginning and end are on record.

    Parameters
    ----------
    stretches
        What made the rows.
    rows
        The stretches with what `with_moves` adds.

    Returns
    -------
    ibis.Table
        ``place`` (the pipeline, empty where unknown), ``stage``, ``left_on``, ``days``. A stay ends with a move to
        another stage or with the deal; one of a deal that was removed or merged is left out.
    """
    order = by_time()
    left = rows.mutate(
        **{f"was_{name}": rows[name].lag().over(order) for name in ("place", "stage", "entered_on")}
    )
    over = (left.last_state == "open") & (left.starts | left.state.isin(["won", "lost"]))
    on_record = left.was_entered_on >= _day(stretches, "stage")
    left = left.filter(over, on_record, left.was_stage.notnull())
    return left.select(
        place="was_place",
        stage="was_stage",
        left_on="since",
        days=left.since.delta(left.was_entered_on, unit="day").cast("float64"),
    )


def _day(stretches: Stretches, column: str) -> ibis.Value:
    return ibis.literal(max(stretches.tracked_from(column), EVER))
