"""Evidence from activities on a rep's own deals: how much, how often, and how soon a message is answered."""

from __future__ import annotations

import ibis
import pandas as pd

from spm_lib.models.coaching.stage_evidence import open_time
from spm_lib.models.coaching.sums import summed
from spm_lib.models.coaching.work import MONTH_DAYS, Work


def activity(work: Work) -> pd.DataFrame | None:
    """Count the activities of a day on which the rep made the first move on a deal, over such days."""
    daily = _daily(work)
    if daily is None:
        return None
    led = daily.filter(daily.own.notnull(), (daily.came > daily.own).fill_null(True))
    rows = work.of_kind(led.mutate(y=led.made, x=ibis.literal(1.0)), work.handling)
    return summed(rows, work.handling)


def activity_spread(work: Work) -> pd.DataFrame | None:
    """Count the days with activity on a deal, over the months that it was open."""
    daily = _daily(work)
    if daily is None:
        return None
    met = daily.select("deal_id", "rep_id", y=ibis.literal(1.0), x=ibis.literal(0.0))
    both = ibis.union(met, open_time(work, work.start, MONTH_DAYS))
    return summed(work.of_kind(both, work.handling), work.handling)


def follow_up(work: Work) -> pd.DataFrame | None:
    """Count the messages that came in, one for a deal and day, and those answered by the end of the same day."""
    daily = _daily(work)
    if daily is None:
        return None
    asked = daily.filter(daily.came.notnull())
    rows = asked.mutate(y=(asked.went > asked.came).fill_null(False).cast("float64"), x=ibis.literal(1.0))
    return summed(work.of_kind(rows, work.handling), work.handling)


def _daily(work: Work) -> ibis.Table | None:
    """Give the days with activity on deals.

    Returns
    -------
    ibis.Table or None
        deal_id, rep_id (the owner on the day), day; came: when the first message came in; went: when the last of anybody's
        went out; own: when the owner's first went out; made: how many of the owner's. None without activities.
    """
    if not work.snapshot.meta.rows.get("activities"):
        return None
    found = work.snapshot.table("activities")
    day = found.occurred_at.date()
    done = ibis.coalesce(found.completed, ibis.literal(True))
    rows = found.filter(found.deal_id.notnull(), done, day.between(work.start, work.end))
    rows = rows.select(
        "deal_id",
        "occurred_at",
        day=rows.occurred_at.date(),
        by="rep_id",
        inbound=(rows.direction == "inbound").fill_null(False),
    )
    return work.once("daily activity", lambda: _by_day(work.attending(work.owned(rows, "day"), "day")))


def _by_day(rows: ibis.Table) -> ibis.Table:
    own = ~rows.inbound & (rows.by == rows.rep_id)
    return rows.group_by("deal_id", "rep_id", "day").agg(
        came=rows.occurred_at.min(where=rows.inbound),
        went=rows.occurred_at.max(where=~rows.inbound),
        own=rows.occurred_at.min(where=own),
        made=rows.count(where=own),
    )
