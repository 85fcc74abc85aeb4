"""Evidence from the way of deals through their stages: where they are lost, how long they stay, what is left undone."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from spm_lib.models.coaching.changes import first_changes
from spm_lib.models.coaching.stays import stays, steps_named
from spm_lib.models.coaching.sums import Bands, days_between, overlap, summed, summed_by_age
from spm_lib.models.coaching.work import MONTH_DAYS, Work

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
    told = work.once("stays", lambda: stays(work, start))
    left = told.filter(told.left_on.between(start, work.end), told.went.notnull())
    rows = work.sized(work.of_kind(work.owned(left, "left_on")))
    rows = rows.mutate(
        y=rows.went, x=ibis.literal(1.0), quarter=rows.left_on.truncate("quarter").cast("string")
    )
    kinds = (*work.attributes, *work.sizes, "quarter", "place", "stage")
    return steps_named(work, summed(rows, kinds, cluster=None))


def cycle_length(work: Work) -> pd.DataFrame | None:
    """Count how often deals left their stage, over the days that they were in it, by how long they had been there."""
    start = work.recorded_from("stage")
    if start is None:
        return None
    told = work.once("stays", lambda: stays(work, start))
    told = told.mutate(
        low=ibis.greatest(told.entered_on, ibis.literal(start)),
        high=ibis.least(told.left_on, ibis.literal(work.after)),
        step=told.place + "|" + told.stage,
    )
    pieces = work.by_owner(told, "low", "high")
    # Of a stay that is cut by a change of owner or time away only the piece that it ends in has an end.
    gone = (pieces.left_on <= ibis.literal(work.end)) & (pieces.high == pieces.left_on)
    whole = days_between(pieces.left_on, pieces.entered_on)
    ages = {}
    for at, (first, last) in enumerate(_AGES):
        ended = gone & (whole > first) & (whole <= last)
        low, high = _aged(pieces.entered_on, first, last)
        ages[f"y{at}"] = ended.cast("float64").sum()
        ages[f"x{at}"] = overlap(pieces.low, pieces.high, low, high).cast("float64").sum()
    stayed = pieces.group_by("rep_id", "deal_id", "entered_on").agg(step=pieces.step.arbitrary(), **ages)
    return _by_age(work, stayed, _AGES)


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
    # Where nobody knows when a deal was created it is an old one.
    old_one = ibis.literal(start - dt.timedelta(days=_LIVES[-1][0]))
    born = work.deals.select("deal_id", born=ibis.coalesce(work.deals.created_on, old_one))
    put_off = work.attending(work.owned(moved, "day"), "day").inner_join(born, "deal_id")
    lived = _lived(work, start).inner_join(born, "deal_id")
    happened: dict[str, ibis.Value] = {}
    open_for: dict[str, ibis.Value] = {}
    for at, (first, last) in enumerate(_LIVES):
        low, high = _aged(put_off.born, first, last)
        happened |= {
            f"y{at}": ((put_off.day >= low) & (put_off.day < high)).cast("float64"),
            f"x{at}": ibis.literal(0.0),
        }
        days = overlap(lived.begins, lived.ends, *_aged(lived.born, first, last))
        open_for |= {f"y{at}": ibis.literal(0.0), f"x{at}": days / MONTH_DAYS}
    rows = ibis.union(
        put_off.select("deal_id", "rep_id", **happened), lived.select("deal_id", "rep_id", **open_for)
    )
    by_deal = rows.group_by("rep_id", "deal_id").agg(**{name: rows[name].sum() for name in happened})
    return _by_age(work, by_deal.mutate(step=ibis.literal("")), _LIVES)


def _by_age(work: Work, rows: ibis.Table, bands: Bands) -> pd.DataFrame:
    """Add up rows by age, on deals handled alike and as large, see `summed_by_age`."""
    told = work.keep(work.sized(work.of_kind(rows, work.handling)))
    return summed_by_age(told, (*work.handling, *work.sizes), bands)


def _aged(born: ibis.Value, first: int, last: int) -> tuple[ibis.Value, ibis.Value]:
    """Give the days on which what began on a day is so many days old, and no longer that."""
    low, high = ((born + ibis.interval(days=days)).cast("date") for days in (first, last))
    return low, high


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
        spans = work.by_owner(_spans(work, name, start), "begins", "ends")
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
    rows = rows.group_by("rep_id", "deal_id").agg(y=rows.y.sum(), x=rows.x.sum())
    return summed(work.of_kind(rows, work.handling), work.handling, cluster=None)


def open_time(work: Work, start: dt.date, unit: float) -> ibis.Table:
    """Give how long each deal was open and whose: deal_id, rep_id, y (0) and x, in `unit` days."""
    lived = _lived(work, start)
    return lived.select(
        "deal_id", "rep_id", y=ibis.literal(0.0), x=days_between(lived.ends, lived.begins) / unit
    )


def _lived(work: Work, start: dt.date) -> ibis.Table:
    """Give when each deal was open and whose: deal_id, rep_id, begins, ends (the first day after)."""
    return work.by_owner(_open(work, start), "begins", "ends")


def _open(work: Work, start: dt.date) -> ibis.Table:
    """Give from which day to before which each deal was open, of the days counted: deal_id, begins, ends."""
    first, after = ibis.literal(start), ibis.literal(work.after)
    return work.deals.select(
        "deal_id",
        begins=ibis.greatest(ibis.coalesce(work.deals.created_on, first), first),
        ends=ibis.least(ibis.coalesce(work.deals.closed_on, after), after),
    )


def _spans(work: Work, column: str, start: dt.date) -> ibis.Table:
    """Give the values of a column while deals were open: deal_id, value, begins, ends (the first day after)."""
    changes = work.changed(column, start)
    order = ibis.window(group_by=changes.deal_id, order_by=[changes.day, changes.changed_at])
    told = changes.mutate(_next=changes.day.lead().over(order))
    deals = _open(work, start).inner_join(work.stood(column), "deal_id")
    joined = deals.left_join(first_changes(changes), "deal_id").drop("deal_id_right")
    before = joined.select(
        "deal_id",
        "begins",
        value=ibis.ifelse(joined.first_day.isnull(), joined.stood, joined.old_value),
        ends=ibis.least(ibis.coalesce(joined.first_day, joined.ends), joined.ends),
    )
    later = told.inner_join(deals, "deal_id")
    then = later.select(
        "deal_id",
        value="new_value",
        begins=ibis.greatest(later.day, later.begins),
        ends=ibis.least(ibis.coalesce(later["_next"], later.ends), later.ends),
    )
    spans = ibis.union(before, then.select(*before.columns))
    return spans.filter(spans.begins < spans.ends)
