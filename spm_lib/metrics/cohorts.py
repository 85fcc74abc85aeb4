"""Win rates by when deals were created: what became of each month's deals, the open ones told too."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spm_lib.metrics.intervals import divide, wilson
from spm_lib.metrics.metric import Statistic
from spm_lib.metrics.populations import CLOSED, CREATED, aggregate
from spm_lib.metrics.question import PERIOD_KEY, Question
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: A cohort has matured once as much time has passed as all but a tenth of past decisions took.
MATURE = 0.9

_OUTCOMES = (
    Statistic("won", ("outcome",), lambda t: t.count(where=t.outcome == "won")),
    Statistic("lost", ("outcome",), lambda t: t.count(where=t.outcome == "lost")),
    Statistic("open", ("outcome",), lambda t: t.count(where=t.outcome == "open")),
)


def win_rate_by_cohort(snapshot: Snapshot, period: Period, by: str = "month") -> pd.DataFrame:
    """Tell what became of the deals created in each month of a period.

    Parameters
    ----------
    snapshot
        The data, and whose; a deal counts for the team of its owner on the day of creation.
    period
        When the deals were created.
    by
        ``week``, ``month``, ``quarter`` or ``year``: the company's own.

    Returns
    -------
    DataFrame
        cohort, start, end, n, won, lost, open, their shares of n, win_rate (won / (won + lost)) with low and high,
        and matured: whether deals like these have had their time. Deals without a day of creation are in none.
    """
    cohorts = period.split(by)
    question = Question(snapshot, tuple(cohorts))
    counts = aggregate(CREATED.rows(question, ("outcome",)), question, _OUTCOMES)
    empty = pd.DataFrame({PERIOD_KEY: range(len(cohorts))})
    counts = empty.merge(counts, on=PERIOD_KEY, how="left").fillna(0).astype("int64")
    won, lost, still = (counts[name].to_numpy() for name in ("won", "lost", "open"))
    n = won + lost + still
    wait = days_to_mature(snapshot)
    low, high = wilson(won, won + lost)
    return pd.DataFrame(
        {
            "cohort": [c.label for c in cohorts],
            "start": [c.start for c in cohorts],
            "end": [c.end for c in cohorts],
            "n": n,
            "won": won,
            "lost": lost,
            "open": still,
            "won_share": divide(won, n),
            "lost_share": divide(lost, n),
            "open_share": divide(still, n),
            "win_rate": divide(won, won + lost),
            "low": low,
            "high": high,
            "matured": [
                wait is not None and snapshot.date >= c.end + dt.timedelta(days=wait) for c in cohorts
            ],
        }
    )


def days_to_mature(snapshot: Snapshot) -> int | None:
    """Give the days within which nine tenths of the company's past decisions fell; None where there are none.

    They are those known at the end of the last quarter that was over, see `Snapshot.benchmarks`.
    """
    company = snapshot.benchmarks
    first, last = snapshot.meta.first_closed_on, min(company.date, snapshot.date)
    if first is None or first > last:
        return None
    question = Question(company, (Period("ever", first, last, "range"),))
    quantile = Statistic("days_to_mature", ("days",), lambda t: t.days.quantile(MATURE))
    days = aggregate(CLOSED.rows(question, ("days",)), question, [quantile])["days_to_mature"].iloc[0]
    return None if pd.isna(days) else int(np.ceil(days))
