"""The reps at work on a day, with what a usual quarter of theirs brings."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.metrics import evaluate
from spm_lib.periods import Period

QUARTER_DAYS = 91.31
#: With fewer days at work a quarter's revenue is not known.
_LEAST_DAYS = 60


def reps_at_work(snapshot: Snapshot) -> pd.DataFrame:
    """Give the reps who have joined and not left on the snapshot's day.

    Returns
    -------
    DataFrame
        rep_id, name, hired_on, left_on, team (null where in none).
    """
    reps = snapshot.table("reps").select("rep_id", "name", "hired_on", "left_on")
    reps = snapshot.with_team(reps, "rep_id", snapshot.date).to_pandas()
    day = pd.Timestamp(snapshot.date)
    hired, left = pd.to_datetime(reps["hired_on"]), pd.to_datetime(reps["left_on"])
    found: pd.DataFrame = reps[~(hired > day) & ~(left < day)].sort_values("rep_id").reset_index(drop=True)
    return found


def usual_quarters(snapshot: Snapshot, start: dt.date, away: pd.DataFrame | None = None) -> pd.DataFrame:
    """Give what a usual quarter of each rep at work brings, from the days at work since `start`.

    Parameters
    ----------
    snapshot
        The company on a day.
    start
        The first day that counts, but for those on which nothing was on record yet.
    away
        When a rep was away, see `spm_lib.models.coaching.absence.time_away`.

    Returns
    -------
    DataFrame
        rep_id, team, quarters (at work; null in the first two months), revenue (of one of them, in the reporting currency),
        cycle (mean days from creation to win, null without wins), size (what a deal won usually brings in the company), and
        a column ``in <pipeline>`` for each pipeline, empty where it is unknown: its share of the revenue.
    """
    reps = reps_at_work(snapshot)
    span = Period(f"{start}..{snapshot.date}", start, snapshot.date, "range")
    found = evaluate(("revenue", "sales_cycle_mean"), snapshot, span, ("rep",))
    told = found.pivot_table(index="rep", columns="metric", values="value", aggfunc="first")
    # A young record says nothing of the days before it.
    first = pd.Timestamp(max(start, snapshot.meta.first_closed_on or start))
    hired, after = pd.to_datetime(reps["hired_on"]), pd.Timestamp(snapshot.date) + pd.Timedelta(days=1)
    begun = hired.where(hired > first, first)
    days = (after - begun).dt.days - reps["rep_id"].map(_days_away(away, first, after)).fillna(0)
    quarters = (days / QUARTER_DAYS).where(days >= _LEAST_DAYS)
    by_rep = {
        name: reps["rep_id"].map(told[name]) if name in told else float("nan")
        for name in ("revenue", "sales_cycle_mean")
    }
    frame = pd.DataFrame(
        {
            "rep_id": reps["rep_id"],
            "team": reps["team"],
            "quarters": quarters,
            "revenue": by_rep["revenue"] / quarters,
            "cycle": by_rep["sales_cycle_mean"],
            "size": evaluate("average_deal_size", snapshot, span)["value"].iloc[0],
        }
    )
    split = evaluate("revenue", snapshot, span, ("rep", "pipeline"))
    split["pipeline"] = split["pipeline"].astype(object).fillna("")
    whole = split.groupby("rep")["value"].transform("sum")
    split = split.assign(share=split["value"] / whole.where(whole > 0))
    shares = split.pivot_table(index="rep", columns="pipeline", values="share", aggfunc="first").fillna(0.0)
    return frame.join(shares.add_prefix("in "), on="rep_id")


def _days_away(away: pd.DataFrame | None, first: pd.Timestamp, after: pd.Timestamp) -> pd.Series:
    """Give the days away of each rep who was, from one day to before another."""
    if away is None or away.empty:
        return pd.Series(dtype="float64")
    since = away["since"].where(away["since"] > first, first)
    until = away["until"].where(away["until"] < after, after)
    days: pd.Series = (until - since).dt.days.clip(lower=0).groupby(away["rep_id"]).sum()
    return days
