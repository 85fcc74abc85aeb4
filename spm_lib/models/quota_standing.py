"""Where those who carry a quota stand on a day: their quota of the fiscal quarter, and what they have won in it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from spm_lib.errors import PeriodError
from spm_lib.metrics.question import Question
from spm_lib.metrics.quotas import COLUMNS, QuotaTree
from spm_lib.periods import Period, period_at

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Calendar

#: Earlier quarters that are looked back at, at most.
MOST_QUARTERS = 8

_DAYS = ("starts_on", "ends_on")


def quarter_of(day: dt.date, calendar: Calendar) -> Period:
    """Give the company's own quarter that holds `day`; the calendar year's where its table does not reach so far."""
    try:
        return period_at(calendar.own("quarter"), day, calendar)
    except PeriodError:
        return period_at("quarter", day, calendar)


def quarters_over(quarter: Period, day: dt.date, first: dt.date | None) -> list[Period]:
    """Give the quarters before `quarter` that were over by `day` and began on the day `first` or later, latest last."""
    found: list[Period] = []
    try:
        while len(found) < MOST_QUARTERS:
            quarter = quarter.previous()
            if first is None or quarter.start < first:
                break
            if quarter.is_complete(day):
                found.append(quarter)
    except PeriodError:  # the calendar reaches no further back
        pass
    return found[::-1]


def same_point(earlier: Period, quarter: Period, day: dt.date) -> dt.date:
    """Give the day on which as many days of `earlier` were left as on `day` are of `quarter`, but a day of `earlier`."""
    return max(earlier.start, earlier.end - (quarter.end - day))


def points(quarter: Period, day: dt.date, first: dt.date | None) -> list[tuple[dt.date, dt.date]]:
    """Give what `day` can be compared with: days of the past, and the ends that were as many days away, latest last.

    They are the same point of earlier quarters. Where no whole quarter is on record, the days up to `day` stand for the end
    of one, if they are on record; else there is nothing.
    """
    found = [(same_point(each, quarter, day), each.end) for each in quarters_over(quarter, day, first)]
    begun = day - (quarter.end - day)
    if not found and begun < day and first is not None and first <= begun:
        found = [(begun, day)]
    return found


def staff(snapshot: Snapshot) -> pd.DataFrame:
    """Give all people known on the snapshot's day.

    Returns
    -------
    DataFrame
        In order of rep_id: rep_id, team (of the day, or of the last day of those who left; None without one), hired_on and
        left_on (datetime64, NaT where unknown).
    """
    reps = snapshot.table("reps").select("rep_id", "hired_on", "left_on")
    last = ibis.least(reps.left_on.coalesce(ibis.literal(snapshot.date)), ibis.literal(snapshot.date))
    people: pd.DataFrame = snapshot.with_team(reps, "rep_id", last).to_pyarrow().to_pandas()
    for name in ("hired_on", "left_on"):
        people[name] = pd.to_datetime(people[name]).astype("datetime64[s]")
    people["team"] = people["team"].astype(object).where(people["team"].notna(), None)
    return people.sort_values("rep_id", ignore_index=True)


def carriers(snapshot: Snapshot, quarter: Period, people: pd.DataFrame) -> pd.DataFrame:
    """Give those at work on the snapshot's day who carry a quota of their own in a quarter.

    Parameters
    ----------
    snapshot
        The whole company.
    quarter
        The quarter.
    people
        What `staff` gave of the same snapshot.

    Returns
    -------
    DataFrame
        In order of rep_id: rep_id, team, starts_on and ends_on (datetime64, the days of the quarter that rows of the quota
        cover), quota and revenue (reporting currency), as `quota_attainment` by rep counts them. Nobody whose quota or
        revenue is unknown.
    """
    day = pd.Timestamp(snapshot.date)
    totals = _totals(snapshot, quarter)
    known = (totals["quota"] > 0) & (totals["unknown_quotas"] == 0)
    known &= (totals["won"] > 0) | (totals["won_unknown"] == 0)
    there = ~(people["left_on"] <= day) & ~(people["hired_on"] > day)
    found = people[there].merge(totals[known], on="rep_id", how="inner")
    found = found.merge(_quota_days(snapshot, quarter), on="rep_id", how="inner")
    columns = ["rep_id", "team", *_DAYS, "quota", "revenue"]
    return found[columns].sort_values("rep_id", ignore_index=True)


def final_revenue(snapshot: Snapshot, quarter: Period) -> pd.Series[float]:
    """Give what each who carries a quota won in a quarter, by rep_id, as known on the snapshot's day."""
    return _totals(snapshot, quarter).set_index("rep_id")["revenue"]


def _totals(snapshot: Snapshot, quarter: Period) -> pd.DataFrame:
    """Give what counts for each person's attainment: the same figures, from the same place."""
    groups: dict[tuple[str | None, ...], object] = {}
    if snapshot.meta.rows.get("quotas"):
        tree = QuotaTree.read(Question(snapshot, (quarter,)), quarter, with_open=False)
        groups = dict(tree.groups(("rep",), ()))
    frame = pd.DataFrame(list(groups.values()), columns=list(COLUMNS), dtype="float64")
    frame.insert(0, "rep_id", pd.Series([rep for (rep,) in groups], dtype="str"))
    return frame


def _quota_days(snapshot: Snapshot, quarter: Period) -> pd.DataFrame:
    quotas = snapshot.table("quotas")
    own = quotas.filter(
        quotas.owner_kind == "rep",
        quotas.kind == "individual",
        quotas.starts_on <= quarter.end,
        quotas.ends_on >= quarter.start,
    )
    days = own.group_by(rep_id=own.owner_id).aggregate(
        starts_on=ibis.greatest(own.starts_on.min(), ibis.literal(quarter.start)),
        ends_on=ibis.least(own.ends_on.max(), ibis.literal(quarter.end)),
    )
    frame: pd.DataFrame = days.to_pyarrow().to_pandas()
    for name in _DAYS:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    return frame
