"""What had become of the deals of an owner, or of a customer, by each day."""

from __future__ import annotations

import ibis

from spm_lib.models.recorded import NEVER

#: An owner's record counts as if so many more deals had gone as the company's do.
PSEUDO_DEALS = 20.0


def records(asked: ibis.Table, rows: ibis.Table, column: str) -> ibis.Table:
    """Count the deals won and lost so far.

    Parameters
    ----------
    asked
        ``as_of`` and ``whose``, each pair once.
    rows
        The stretches of all deals, with `column`.
    column
        What ``whose`` is a value of.

    Returns
    -------
    ibis.Table
        ``as_of``, ``whose``, ``won`` and ``lost``: the deals that were known as won or lost on that day, without refunds.
    """
    closed = rows.filter(
        rows.state.isin(["won", "lost"]), ~(rows.amount < 0).fill_null(False), rows[column].notnull()
    )
    closed = closed.select("since", "until", "state", closer=closed[column])
    # A deal counts from the first day of the stretch on and, should it be reopened, no more from its end on.
    begins = closed.select("closer", "state", day=closed.since, more=ibis.literal(1))
    ends = closed.filter(closed.until < ibis.literal(NEVER))
    ends = ends.select("closer", "state", day=ends.until, more=ibis.literal(-1))
    steps = begins.union(ends)
    daily = steps.group_by("closer", "day").agg(
        won=steps.more.sum(where=steps.state == "won"), lost=steps.more.sum(where=steps.state == "lost")
    )
    so_far = ibis.window(group_by="closer", order_by="day", preceding=None, following=0)
    running = daily.select(
        "closer", "day", won=daily.won.sum().over(so_far), lost=daily.lost.sum().over(so_far)
    )
    found = asked.asof_join(
        running, on=asked.as_of >= running.day, predicates=[asked.whose == running.closer]
    )
    counts = {n: ibis.coalesce(found[n], ibis.literal(0)).cast("float64") for n in ("won", "lost")}
    return found.select("as_of", "whose", **counts)


def shrunk_rate(won: ibis.Value, lost: ibis.Value, usual: ibis.Value) -> ibis.Value:
    """Give the share won, shrunk to the usual one by a fixed number of deals: the mean of a beta posterior."""
    return (won + PSEUDO_DEALS * usual) / (won + lost + PSEUDO_DEALS)
