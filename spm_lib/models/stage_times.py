"""How long deals usually stay in a stage, as was known at the beginning of each month."""

from __future__ import annotations

import ibis

#: Fewer completed stays say nothing of what is usual.
LEAST_STAYS = 20
_SLOW = 0.9


def usual_times(days: ibis.Table, stays: ibis.Table) -> ibis.Table:
    """Give the time that nine completed stays in ten had ended by.

    Parameters
    ----------
    days
        The days asked about, as ``as_of``.
    stays
        Completed stays, see `deal_moves.stays`.

    Returns
    -------
    ibis.Table
        ``usual_month`` (its first day), ``usual_place``, ``usual_stage``, ``usual_days`` (at least 1): the 90th percentile
        of the stays that were over before the month began; no row where they are fewer than `LEAST_STAYS`.
    """
    months = days.select(usual_month=days.as_of.truncate("month")).distinct()
    before = stays.inner_join(months, stays.left_on < months.usual_month)
    grouped = before.group_by("usual_month", usual_place=before.place, usual_stage=before.stage)
    counted = grouped.agg(usual_days=before.days.quantile(_SLOW), over=before.count())
    known = counted.filter(counted["over"] >= LEAST_STAYS)
    return known.select(
        "usual_month",
        "usual_place",
        "usual_stage",
        usual_days=ibis.greatest(known.usual_days, ibis.literal(1.0)),
    )
