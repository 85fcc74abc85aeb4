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


def usual_quarters(snapshot: Snapshot, start: dt.date) -> pd.DataFrame:
    """Give what a usual quarter of each rep at work brings, from the days since `start`.

    Returns
    -------
    DataFrame
        rep_id, team, revenue (of a quarter at work, in the reporting currency; null in the first two months), cycle
        (mean days
        from creation to win, null without wins), and a column ``in <pipeline>`` for each pipeline: its share of the revenue.
    """
    reps = reps_at_work(snapshot)
    span = Period(f"{start}..{snapshot.date}", start, snapshot.date, "range")
    found = evaluate(("revenue", "sales_cycle_mean"), snapshot, span, ("rep",))
    told = found.pivot_table(index="rep", columns="metric", values="value", aggfunc="first")
    hired, first = pd.to_datetime(reps["hired_on"]), pd.Timestamp(start)
    begun = hired.where(hired > first, first)
    days = (pd.Timestamp(snapshot.date) - begun).dt.days + 1
    by_rep = {
        name: reps["rep_id"].map(told[name]) if name in told else float("nan")
        for name in ("revenue", "sales_cycle_mean")
    }
    frame = pd.DataFrame(
        {
            "rep_id": reps["rep_id"],
            "team": reps["team"],
            "revenue": (by_rep["revenue"] / days * QUARTER_DAYS).where(days >= _LEAST_DAYS),
            "cycle": by_rep["sales_cycle_mean"],
        }
    )
    split = evaluate("revenue", snapshot, span, ("rep", "pipeline"))
    whole = split.groupby("rep")["value"].transform("sum")
    split = split.assign(share=split["value"] / whole.where(whole > 0))
    shares = split.pivot_table(index="rep", columns="pipeline", values="share", aggfunc="first").fillna(0.0)
    return frame.join(shares.add_prefix("in "), on="rep_id")
