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
from spm_lib.periods import last_periods

if TYPE_CHECKING:
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

    It is always the company's, whatever the snapshot's scope: a team's own would be noise, and all reports agree.

    Parameters
    ----------
    snapshot
        The data; its day is the point.
    period
        The period. Up to eight earlier ones of its kind count, wholly within the data and with revenue.
    """
    day = snapshot.date
    if period.is_complete(day):
        return ExpectedShare(1.0, "complete")
    shares = _earlier_shares(replace(snapshot, team_id=None), period)
    if len(shares) < LEAST:
        return ExpectedShare(period.elapsed_working_share(day), "working days", len(shares), shares)
    return ExpectedShare(float(np.median(shares)), "earlier periods", len(shares), shares)


def _earlier_shares(snapshot: Snapshot, period: Period) -> tuple[float, ...]:
    first = snapshot.meta.first_closed_on
    try:
        earlier = last_periods(period, MOST)
    except PeriodError:  # the calendar reaches no further back
        return ()
    earlier = [p for p in earlier if first is not None and p.start >= first and p.is_complete(snapshot.date)]
    if not earlier:
        return ()
    question = Question(snapshot, tuple(earlier))
    bounds = Question(snapshot, (replace(period, start=question.start, end=question.end),))
    rows = CLOSED.rows(bounds, ("closed_on", *_REVENUE.reads))
    daily = aggregate(rows, bounds, [_REVENUE], ["closed_on"])
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
