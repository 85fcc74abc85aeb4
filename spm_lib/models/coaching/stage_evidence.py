"""Evidence from the way of deals through their stages: where they are lost, how long they stay, what is left undone."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from spm_lib.models.coaching.work import MONTH_DAYS, Work, days_between, overlap, summed
from spm_lib.models.recorded import NEVER

_WEEK_DAYS = 7.0
#: Days in a stage between which deals move on about evenly; the last has no end.
_AGES = ((0, 3), (3, 8), (8, 21), (21, 100_000))
#: Days since creation between which close dates are put off about as often.
_LIVES = ((0, 30), (30, 60), (60, 100), (100, 100_000))


def stage_conversion(work: Work) -> pd.DataFrame | None:
    """Count the deals that left each stage, and those that went on; moves back do not count."""
    start = work.recorded_from("stage")
    if start is None:
        return None
    stays = work.once("stays", lambda: _stays(work, start))
    left = stays.filter(stays.left_on.between(start, work.end), stays.went.notnull())
    rows = work.of_kind(work.owned(left, "left_on"))
    rows = rows.mutate(
        y=rows.went, x=ibis.literal(1.0), quarter=rows.left_on.truncate("quarter").cast("string")
    )
    return summed(rows.rename(part="stage"), (*work.attributes, "quarter", "part"), cluster=None)


def cycle_length(work: Work) -> pd.DataFrame | None:
    """Count how often deals left their stage, over the days that they were in it, by how long they had been there."""
    start = work.recorded_from("stage")
    if start is None:
        return None
    stays = work.once("stays", lambda: _stays(work, start)).mutate(last_day=ibis.literal(work.end))
    stays = stays.mutate(last_day=ibis.least(stays.left_on, stays.last_day))
    stays = work.of_kind(work.owned(stays, "last_day"), work.handling)
    stays = stays.mutate(
        low=ibis.greatest(stays.entered_on, ibis.literal(start)),
        high=ibis.least(stays.left_on, ibis.literal(work.after)),
    )
    stays = work.attended(stays, "low", "high")
    # Of a stay that is cut by time away only the piece that it ends in has an end.
    gone = (stays.left_on <= ibis.literal(work.end)) & (stays.high == stays.left_on)
    whole = days_between(stays.left_on, stays.entered_on)
    parts = []
    for first, last in _AGES:
        begins = (stays.entered_on + ibis.interval(days=first)).cast("date")
        ends = (stays.entered_on + ibis.interval(days=last)).cast("date")
        days = overlap(stays.low, stays.high, begins, ends)
        ended = gone & (whole > first) & (whole <= last)
        age = stays.place + "|" + stays.stage + f"|{first}"
        parts.append(stays.mutate(age=age, x=days, y=ended.cast("float64")))
    return summed(ibis.union(*parts), (*work.handling, "age"), cluster=None)


def slippage(work: Work) -> pd.DataFrame | None:
    """Count how often the close date was put off, over the months that deals were open."""
    start = work.recorded_from("expected_close_on")
    if start is None:
        return None
    changes = work.changed("expected_close_on", start)
    old, new = changes.old_value.try_cast("date"), changes.new_value.try_cast("date")
    moved = changes.filter(old < new).select("deal_id", "day")
    # On the day of closing its date is written over the expected one: that is no promise put off.
    closed = work.deals.select("deal_id", day="closed_on")
    moved = moved.anti_join(closed, ["deal_id", "day"])
    told = work.attending(work.owned(moved, "day"), "day").inner_join(
        work.deals.select("deal_id", "created_on"), "deal_id"
    )
    lived = _lived(work, start, "created_on")
    parts = []
    for first, last in _LIVES:
        begins = (told.created_on + ibis.interval(days=first)).cast("date")
        ends = (told.created_on + ibis.interval(days=last)).cast("date")
        # Where nobody knows when a deal was created it is an old one.
        inside = ((told.day >= begins) & (told.day < ends)).fill_null(last == _LIVES[-1][1])
        age = ibis.literal(str(first))
        parts.append(
            told.filter(inside).select("deal_id", "rep_id", age=age, y=ibis.literal(1.0), x=ibis.literal(0.0))
        )
        born = ibis.coalesce(lived.created_on, ibis.literal(start - dt.timedelta(days=_LIVES[-1][0])))
        low = (born + ibis.interval(days=first)).cast("date")
        high = (born + ibis.interval(days=last)).cast("date")
        days = overlap(lived.begins, lived.ends, low, high)
        parts.append(lived.select("deal_id", "rep_id", age=age, y=ibis.literal(0.0), x=days / MONTH_DAYS))
    rows = work.of_kind(ibis.union(*parts), work.handling)
    return summed(rows, (*work.handling, "age"))


def hygiene(work: Work) -> pd.DataFrame | None:
    """Count the weeks of open deals: half for those with a next step noted, half for those with a date that is not past."""
    parts = []
    starts = {name: work.recorded_from(name) for name in ("next_step", "expected_close_on")}
    start = max((day for day in starts.values() if day is not None), default=None)
    if start is None:
        return None
    for name, first in starts.items():
        if first is None:
            continue
        spans = work.attended(work.owned(_spans(work, name, start), "begins"), "begins", "ends")
        if name == "next_step":
            good = ibis.ifelse(
                (spans.value.strip() != "").fill_null(False), days_between(spans.ends, spans.begins), 0
            )
        else:
            past_from = (spans.value.try_cast("date") + ibis.interval(days=1)).cast("date")
            good = overlap(spans.begins, spans.ends, spans.begins, ibis.least(spans.ends, past_from))
            good = ibis.ifelse(past_from.isnull(), 0, good)
        whole = days_between(spans.ends, spans.begins)
        parts.append(spans.select("deal_id", "rep_id", y=good / _WEEK_DAYS, x=whole / _WEEK_DAYS))
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return summed(work.of_kind(rows, work.handling), work.handling)


def open_time(work: Work, start: dt.date, unit: float) -> ibis.Table:
    """Give how long each deal was open and whose: deal_id, rep_id, y (0) and x, in `unit` days."""
    lived = _lived(work, start)
    return lived.select(
        "deal_id", "rep_id", y=ibis.literal(0.0), x=days_between(lived.ends, lived.begins) / unit
    )


def _lived(work: Work, start: dt.date, *more: str) -> ibis.Table:
    """Give when each deal was open and whose: deal_id, rep_id, begins, ends (the first day after) and columns of deals."""
    deals = work.deals.select("deal_id", *more, begun=_begun(work, start), over=_over(work))
    lived = deals.inner_join(work.owners, "deal_id")
    lived = lived.select(
        "deal_id",
        "rep_id",
        *more,
        begins=ibis.greatest(lived.begun, lived["since"]),
        ends=ibis.least(lived.over, lived.until),
    )
    return work.attended(lived.filter(lived.begins < lived.ends), "begins", "ends")


def _begun(work: Work, start: dt.date) -> ibis.Value:
    """Give the first day from `start` on which each deal was there."""
    return ibis.greatest(ibis.coalesce(work.deals.created_on, ibis.literal(start)), ibis.literal(start))


def _over(work: Work) -> ibis.Value:
    """Give the first day counted on which each deal was no longer open."""
    return ibis.least(ibis.coalesce(work.deals.closed_on, ibis.literal(work.after)), ibis.literal(work.after))


def _spans(work: Work, column: str, start: dt.date) -> ibis.Table:
    """Give the values of a column while deals were open: deal_id, value, begins, ends (the first day after)."""
    changes = work.changed(column, start)
    order = ibis.window(group_by=changes.deal_id, order_by=[changes.day, changes.changed_at])
    told = changes.mutate(_turn=ibis.row_number().over(order), _next=changes.day.lead().over(order))
    first = told.filter(told["_turn"] == 0)
    deals = work.deals.select(
        "deal_id", stands=work.deals[column].cast("string"), begun=_begun(work, start), over=_over(work)
    )
    joined = deals.left_join(first.select("deal_id", "old_value", first_day="day"), "deal_id").drop(
        "deal_id_right"
    )
    before = joined.select(
        "deal_id",
        value=ibis.ifelse(joined.first_day.isnull(), joined.stands, joined.old_value),
        begins="begun",
        ends=ibis.least(ibis.coalesce(joined.first_day, joined.over), joined.over),
    )
    later = told.inner_join(deals, "deal_id")
    then = later.select(
        "deal_id",
        value="new_value",
        begins=ibis.greatest(later.day, later.begun),
        ends=ibis.least(ibis.coalesce(later["_next"], later.over), later.over),
    )
    spans = ibis.union(before, then)
    return spans.filter(spans.begins < spans.ends)


def _stays(work: Work, start: dt.date) -> ibis.Table:
    """Give the stays in stages that ended from `start` on, or have not ended.

    Returns
    -------
    ibis.Table
        deal_id, place (the pipeline), stage, entered_on (at least the first day known of), left_on (far ahead where it
        has not ended), went: 1 where the deal went on, 0 where it was lost, null where it went back or stays.
    """
    never = ibis.literal(NEVER)
    changes = work.changed("stage", start)
    daily = changes.mutate(
        _turn=ibis.row_number().over(
            ibis.window(group_by=[changes.deal_id, changes.day], order_by=ibis.desc(changes.changed_at))
        )
    )
    # What was put right on the same day never was.
    daily = daily.filter(daily["_turn"] == 0)
    order = ibis.window(group_by=daily.deal_id, order_by=daily.day)
    told = daily.mutate(
        number=ibis.row_number().over(order),
        next_day=daily.day.lead().over(order),
        next_stage=daily.new_value.lead().over(order),
    )
    deals = work.deals.select(
        "deal_id",
        "outcome",
        "closed_on",
        "created_on",
        place=ibis.coalesce(work.deals.pipeline, ibis.literal("")),
        stands="stage",
    )
    first = told.filter(told.number == 0).select("deal_id", "old_value", "new_value", first_day="day")
    opening = deals.left_join(first, "deal_id").drop("deal_id_right")
    begun = ibis.coalesce(opening.created_on, ibis.literal(start))
    opening = opening.select(
        "deal_id",
        "place",
        "outcome",
        "closed_on",
        stage=ibis.ifelse(opening.first_day.isnull(), opening.stands, opening.old_value),
        entered_on=begun,
        left_on=opening.first_day,
        next_stage=opening.new_value,
    )
    rest = told.inner_join(deals, "deal_id")
    rest = rest.select(
        "deal_id",
        "place",
        "outcome",
        "closed_on",
        stage=rest.new_value,
        entered_on=rest.day,
        left_on=rest.next_day,
        next_stage=rest.next_stage,
    )
    stays = _placed(work, ibis.union(opening, rest))
    over = ibis.coalesce(stays.closed_on, never)
    left = ibis.least(ibis.coalesce(stays.left_on, never), over)
    by_closing = left == stays.closed_on
    went = ibis.cases(
        (by_closing & (stays.outcome == "won"), 1.0),
        (by_closing & (stays.outcome == "lost"), 0.0),
        (~by_closing.fill_null(False) & (stays.next_position > stays.position), 1.0),
    )
    stays = stays.select("deal_id", "place", "stage", "entered_on", left_on=left, went=went)
    return stays.filter(stays.stage.notnull(), stays.entered_on < stays.left_on)


def _placed(work: Work, stays: ibis.Table) -> ibis.Table:
    """Add ``position`` and ``next_position`` of stages that deals can be open in; null where the stage is none of these."""
    if not work.snapshot.meta.rows.get("stages"):
        return stays.mutate(position=ibis.null("int64"), next_position=ibis.null("int64"))
    stages = work.snapshot.table("stages")
    stages = stages.filter((stages.outcome == "open").fill_null(True))
    own = stages.group_by(stage=stages.stage).agg(position=stages.position.min())
    following = stages.group_by(next_stage=stages.stage).agg(next_position=stages.position.min())
    joined = stays.inner_join(own, "stage").select(*stays.columns, "position")
    return joined.left_join(following, "next_stage").select(*joined.columns, "next_position")
