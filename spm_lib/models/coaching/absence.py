"""When a rep was away: whole months without a sign of work from somebody who otherwise leaves many."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd

from spm_lib.data.history import Snapshot

#: A run of months is time away where a rep at work would leave no sign in it with less than this probability.
_CHANCE = 0.001
#: Fewer days, such as those up to the day that is looked at, are no whole month.
_LEAST_DAYS = 28
COLUMNS = ("rep_id", "since", "until")
#: What owners change of their deals.
_WORKED_ON = ("stage", "amount", "expected_close_on")


def time_away(
    snapshot: Snapshot, deals: ibis.Table, owners: ibis.Table, changes: ibis.Table, start: dt.date
) -> pd.DataFrame:
    """Find runs of whole months without a sign of work from a rep, from the last sign before to the next.

    Parameters
    ----------
    snapshot
        The whole company on the day.
    deals
        The deals that count: deal_id, created_on, closed_on.
    owners
        Whose each deal was: deal_id, rep_id, since, until (the first day after).
    changes
        What changed of these deals: deal_id, field, day.
    start
        The first day looked at; the last one is the snapshot's.

    Returns
    -------
    DataFrame
        `COLUMNS`: a row per rep and time away, with its first day counted and the first day after.

    Notes
    -----
    Signs of work are activities, but for messages that came in, and days on which an own deal was created, closed, moved to
    another stage, or given another amount or close date: who creates no deals and ends those there are is at work. How
    many signs a rep leaves in a month follows from the others in the year and from how many all leave in that month: where
    few are recorded, or the whole company rests, a month without any says nothing. Signs are taken to come
    independently of each other (Poisson); so what happens to one deal on one day is one sign.
    """
    months = _months(snapshot, start)
    if months.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    signs = _signs(snapshot, deals, owners, changes, start)
    found = months.merge(signs, on=["rep_id", "month"], how="left")
    found["signs"] = found["signs"].astype("float64").fillna(0.0)
    by_month = found.groupby("month")[["signs", "days"]].transform("sum")
    found["usual"] = found["days"] * by_month["signs"] / by_month["days"]
    found = found.sort_values(["rep_id", "month"], ignore_index=True)
    silent = found["signs"] == 0
    # A run ends where there is a sign, or another rep begins.
    run = (silent != silent.shift()).cumsum().astype(str) + found["rep_id"]
    whole = found.groupby("rep_id")[["signs", "usual"]].transform("sum")
    inside = found.groupby(run)["usual"].transform("sum")
    rate = whole["signs"] / (whole["usual"] - inside).where(lambda rest: rest > 0)
    whole_month = found.groupby(run)["days"].transform("sum") >= _LEAST_DAYS
    away = silent & whole_month & (rate * inside > -np.log(_CHANCE))
    # The months at either end may hold some days of it, too.
    by_rep, day = found.groupby("rep_id"), pd.Timedelta(days=1)
    begun = (by_rep["last"].shift() + day).fillna(found["since"])
    back = by_rep["first"].shift(-1).fillna(found["until"])
    found = found.assign(since=found["since"].where(silent.shift(fill_value=False), begun), until=back)
    spans = (
        found[away]
        .groupby(["rep_id", run[away]], sort=False)
        .agg(since=("since", "first"), until=("until", "last"))
    )
    told: pd.DataFrame = spans.reset_index()[list(COLUMNS)]
    return told


def _months(snapshot: Snapshot, start: dt.date) -> pd.DataFrame:
    """Give a row per rep and month with its days at work: rep_id, month, since, until (the first day after), days."""
    reps = snapshot.table("reps").select("rep_id", "hired_on", "left_on").to_pandas()
    if reps.empty:
        return pd.DataFrame()
    firsts = pd.date_range(start.replace(day=1), snapshot.date, freq="MS")
    found = reps.merge(pd.DataFrame({"month": firsts}), how="cross")
    after = pd.Timestamp(snapshot.date) + pd.Timedelta(days=1)
    left = pd.to_datetime(found["left_on"]) + pd.Timedelta(days=1)
    ends = (found["month"] + pd.offsets.MonthBegin(1)).clip(upper=after)
    begins = found["month"].clip(lower=pd.Timestamp(start))
    hired = pd.to_datetime(found["hired_on"])
    found["since"] = begins.where(~(hired > begins), hired)
    found["until"] = ends.where(~(left < ends), left)
    found["days"] = (found["until"] - found["since"]).dt.days
    kept: pd.DataFrame = found[found["days"] > 0].drop(columns=["hired_on", "left_on"])
    return kept


def _signs(
    snapshot: Snapshot, deals: ibis.Table, owners: ibis.Table, changes: ibis.Table, start: dt.date
) -> pd.DataFrame:
    """Count the signs of work of each rep in each month: rep_id, month, signs, and the days of the first and the last."""
    days = [deals.select("deal_id", day=name) for name in ("created_on", "closed_on")]
    days.append(changes.filter(changes.field.isin(_WORKED_ON)).select("deal_id", "day"))
    touched = ibis.union(*days, distinct=True)
    touched = touched.filter(touched.day.between(start, snapshot.date))
    met = [touched.deal_id == owners.deal_id, touched.day >= owners["since"], touched.day < owners.until]
    signs = touched.inner_join(owners, met).select("rep_id", "day")
    if snapshot.meta.rows.get("activities"):
        done = snapshot.table("activities")
        done = done.mutate(day=done.occurred_at.date())
        own = done.filter(
            done.rep_id.notnull(),
            ~(done.direction == "inbound").fill_null(False),
            done.day.between(start, snapshot.date),
        )
        signs = ibis.union(signs, own.select("rep_id", "day"))
    counts = signs.group_by("rep_id", month=signs.day.truncate("month"))
    counts = counts.agg(signs=signs.count(), first=signs.day.min(), last=signs.day.max())
    found: pd.DataFrame = counts.to_pandas()
    return found.assign(**{name: pd.to_datetime(found[name]) for name in ("month", "first", "last")})
