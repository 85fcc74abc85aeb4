"""What it takes: what is missing to the quota, and how many deals that is at the rep's own deal size and win rate."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spm_lib.periods import Period

#: An own deal size or win rate is told of so many deals won or decided.
LEAST_WON, LEAST_DECIDED = 3, 10


@dataclass(frozen=True)
class Rate:
    """A figure of the rep's own, of this period and the last ones together.

    Parameters
    ----------
    value
        The figure; NaN where too few deals tell it.
    n
        How many deals there are.
    """

    value: float
    n: int


@dataclass(frozen=True)
class Target:
    """A rep's quota of a period, and what it takes to reach it.

    Parameters
    ----------
    quota
        For the days of the period in the team; NaN where it is not known or zero.
    note
        Why there is none; empty where there is one.
    revenue
        What was won of it so far.
    ends_on
        The period's last day.
    days_left
        Days after the report's, 0 once it is over.
    size, win_rate
        The rep's own average deal size and win rate.
    due, due_n, due_unknown
        Open deals expected to close in the period: their amount, how many have one, and how many have none known.
    reached_on
        The day on which the quota was reached and stayed so; None where it is not, or the day is not known.
    """

    quota: float
    note: str
    revenue: float
    ends_on: dt.date
    days_left: int
    size: Rate
    win_rate: Rate
    due: float = 0.0
    due_n: int = 0
    due_unknown: int = 0
    reached_on: dt.date | None = None

    @property
    def missing(self) -> float:
        """Money that is missing to the quota: 0 where it is reached, NaN where there is none."""
        return max(self.quota - self.revenue, 0.0) if not math.isnan(self.revenue) else math.nan

    @property
    def reached(self) -> bool:
        """Whether the quota is reached."""
        return self.revenue >= self.quota

    @property
    def beyond(self) -> float:
        """How far revenue is beyond the quota, as a share of it."""
        return self.revenue / self.quota - 1

    @property
    def weeks_left(self) -> float:
        """Weeks that are left; less than one counts as one, as nobody plans in parts of a week."""
        return max(self.days_left / 7, 1.0) if self.days_left else 0.0

    @property
    def per_week(self) -> float:
        """Money to win in each week that is left; NaN where none is left or nothing known."""
        return self.missing / self.weeks_left if self.days_left else math.nan

    @property
    def deals(self) -> int | None:
        """Deals of the rep's own average size that make up what is missing; None where that is not known."""
        return (
            None if math.isnan(self.missing / self.size.value) else math.ceil(self.missing / self.size.value)
        )

    @property
    def decisions(self) -> int | None:
        """Deals to be decided for so many to be won at the rep's own win rate; None where that is not known."""
        if self.deals is None or not self.win_rate.value > 0:
            return None
        return math.ceil(self.deals / self.win_rate.value)


def target_of(
    figures: pd.DataFrame, quota: float, period: Period, day: dt.date, won: pd.DataFrame, due: pd.DataFrame
) -> Target:
    """Tell what it takes to reach a quota.

    Parameters
    ----------
    figures
        Rows of `spm_lib.models.scorecard_figures.own_figures`.
    quota
        The quota for the days of the period in the team.
    period, day
        The whole period, and the report's day.
    won, due
        The rep's deals won in the period, and those open and expected in it.
    """
    rows = figures.set_index("metric")
    attained, revenue = (rows.loc[name].to_dict() for name in ("quota_attainment", "revenue"))
    known = quota > 0
    target = Target(
        quota=quota if known else math.nan,
        note="" if known else str(attained["note"] or "no quota"),
        revenue=float(revenue["value"]),
        ends_on=period.end,
        days_left=max((period.end - max(day, period.start - dt.timedelta(days=1))).days, 0),
        size=_pooled(rows, "average_deal_size", LEAST_WON),
        win_rate=_pooled(rows, "win_rate", LEAST_DECIDED),
        due=float(due["amount"].sum()),
        due_n=int(due["amount"].notna().sum()),
        due_unknown=int(due["amount"].isna().sum()),
    )
    return target if not target.reached else _with_day(target, won)


def _pooled(rows: pd.DataFrame, metric: str, least: int) -> Rate:
    """Give a mean over deals of this period and the last ones together."""
    row = rows.loc[metric]
    n = np.array([row["n"], row["usual_deals"]], dtype=float)
    values = np.nan_to_num(np.array([row["value"], row["usual"]], dtype=float))
    deals = int(n.sum())
    return Rate(float(values @ n / deals) if deals >= least else math.nan, deals)


def _with_day(target: Target, won: pd.DataFrame) -> Target:
    """Add the day from which on revenue was at the quota; a refund may have taken it below in between."""
    daily = won.groupby("closed_on")["amount"].sum().sort_index().cumsum()
    below = daily.index[daily < target.quota]
    since = daily.index[daily.index > below[-1]] if len(below) else daily.index
    return replace(target, reached_on=pd.Timestamp(since[0]).date() if len(since) else None)
