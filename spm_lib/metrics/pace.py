"""How much of a period's revenue is to be expected by now, from how earlier periods went."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from spm_lib.errors import PeriodError
from spm_lib.metrics.metric import Statistic
from spm_lib.metrics.populations import CLOSED, aggregate
from spm_lib.metrics.question import Question

if TYPE_CHECKING:
    import pandas as pd

    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

MOST = 8
LEAST = 4

_REVENUE = Statistic("revenue", ("won", "amount"), lambda t: t.amount.sum(where=t.won).cast("float64"))


@dataclass(frozen=True)
class ExpectedShare:
    """The share of a period's revenue to expect by the snapshot's day.

    Parameters
    ----------
    share
        0 to 1, more where refunds follow.
    method
        ``complete``: the period is over; ``earlier periods``: their median at the same point; ``working days``:
        the elapsed share of working days, where there are too few earlier periods.
    n
        Number of earlier periods it rests on.
    shares
        What each of them had reached, the latest last.
    """

    share: float
    method: Literal["complete", "earlier periods", "working days"]
    n: int = 0
    shares: tuple[float, ...] = ()


def expected_share(snapshot: Snapshot, period: Period) -> ExpectedShare:
    """Tell what share of a period's revenue the company usually has by this point of it.

    It is always the company's, whatever the snapshot's scope: a team's own would be noise, and all reports agree. It rests
    on what was known at the end of the last quarter that was over (see `Snapshot.benchmarks`), so that it stands still
    while a quarter runs.

    Parameters
    ----------
    snapshot
        The data; its day is the point.
    period
        The period. The last eight earlier ones of its kind count that were over by then, of those that lie wholly within
        the data and have revenue.
    """
    day = snapshot.date
    if period.is_complete(day):
        return ExpectedShare(1.0, "complete")
    shares = snapshot.once(("earlier shares", period), lambda: _earlier_shares(snapshot, period))
    if len(shares) < LEAST:
        return ExpectedShare(period.elapsed_working_share(day), "working days", len(shares), shares)
    return ExpectedShare(float(np.median(shares)), "earlier periods", len(shares), shares)


def _earlier_shares(snapshot: Snapshot, period: Period) -> tuple[float, ...]:
    company = snapshot.benchmarks
    earlier = _periods_over(period, min(company.date, snapshot.date), snapshot.meta.first_closed_on)
    if not earlier:
        return ()
    # From the first closing on, so that all periods are answered at once.
    since = snapshot.meta.first_closed_on or earlier[0].start
    whole = replace(period, start=since, end=company.date)
    daily = snapshot.once(("daily revenue",), lambda: _daily_revenue(company, whole), dated=False)
    days = daily["closed_on"].to_numpy(dtype="datetime64[D]")
    revenue = np.nan_to_num(daily["revenue"].to_numpy(dtype=float))
    passed = period.elapsed_share(snapshot.date)
    shares = []
    for one in earlier:
        # Half a day up: the day on which the same share of the days has passed.
        until = one.start + dt.timedelta(days=int(passed * one.days + 0.5) - 1)
        inside = (days >= np.datetime64(one.start)) & (days <= np.datetime64(one.end))
        whole = revenue[inside].sum()
        if whole > 0:
            shares.append(float(revenue[inside & (days <= np.datetime64(until))].sum() / whole))
    return tuple(shares)


def _daily_revenue(company: Snapshot, period: Period) -> pd.DataFrame:
    question = Question(company, (period,))
    rows = CLOSED.rows(question, ("closed_on", *_REVENUE.reads))
    # In order of days: sums of doubles are the same to the last bit only in one order.
    return aggregate(rows, question, [_REVENUE], ["closed_on"]).sort_values("closed_on")


def _periods_over(period: Period, day: dt.date, first: dt.date | None) -> list[Period]:
    """Give the last eight periods before `period` that were over by `day`, of those that begin by no day before `first`."""
    found: list[Period] = []
    try:
        while len(found) < MOST:
            period = period.previous()
            if first is None or period.start < first:
                break
            if period.is_complete(day):
                found.append(period)
    except PeriodError:  # the calendar reaches no further back
        pass
    return found[::-1]
