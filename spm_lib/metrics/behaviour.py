"""Process-behaviour limits: which months are signal, and which are the noise that every month has.

Individuals and moving range (Shewhart 1931; Wheeler, Understanding Variation, 2nd ed. 2000).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.metrics.evaluation import RESULT, evaluate_periods
from spm_lib.metrics.metric import Metric, texts
from spm_lib.periods import last_periods, period_at

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: 3 / 1.128: from the mean range of two successive values to three standard deviations.
REACH = 2.66
RUN = 8
OUTSIDE = "outside the limits"
ONE_SIDE = "eight in a row on one side"


def behaviour_limits(
    values: npt.ArrayLike,
    *,
    tested: npt.ArrayLike | None = None,
    floor: float | None = None,
    ceiling: float | None = None,
) -> pd.DataFrame:
    """Give the limits within which successive values vary by chance, and the values that do not.

    Parameters
    ----------
    values
        In order of time. Nulls are skipped, and so the values beside them are neighbours.
    tested
        Which values count; the others, such as a month that is not over, neither make the limits nor are judged.
    floor, ceiling
        What the unit cannot go below or above.

    Returns
    -------
    DataFrame
        value, centre, lower, upper, signal and rule (outside the limits, or eight in a row on one side of the
        centre), a row per value. Without two values that count there are no limits.
    """
    series = np.asarray(values, dtype=float)
    counts = ~np.isnan(series) & (True if tested is None else np.asarray(tested, dtype=bool))
    known = series[counts]
    centre = known.mean() if len(known) > 1 else np.nan
    spread = REACH * np.abs(np.diff(known)).mean() if len(known) > 1 else np.nan
    lower, upper = centre - spread, centre + spread
    # The limits are exact where values do not vary, but for rounding.
    slack = 1e-9 * max(abs(centre), spread) if len(known) > 1 else 0.0
    outside = np.zeros(len(series), dtype=bool)
    outside[counts] = (known < lower - slack) | (known > upper + slack)
    row = np.zeros(len(series), dtype=bool)
    row[counts] = _in_a_run(np.sign(np.where(np.abs(known - centre) <= slack, 0, known - centre)))
    rule = np.where(outside, texts(outside, OUTSIDE), texts(row, ONE_SIDE))
    return pd.DataFrame(
        {
            "value": series,
            "centre": centre,
            "lower": lower if floor is None else max(lower, floor),
            "upper": upper if ceiling is None else min(upper, ceiling),
            "signal": outside | row,
            "rule": pd.Series(rule, dtype="object"),
        }
    )


def behaviour(
    metrics: str | Metric | Iterable[str | Metric],
    snapshot: Snapshot,
    period: Period,
    unit: str = "month",
    n: int = 12,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Evaluate metrics for the `n` months (or other units) up to the end of `period`, with their limits.

    Closed figures are those that the snapshot knows, corrections and all; what was open is seen from each month's
    end. The month that is not over is told but not judged, and neither are months that the data do not reach into.

    Parameters
    ----------
    metrics, snapshot, by
        As for `evaluate`.
    period
        The last month is the one in which it ends or, where that is later, the snapshot's.
    unit
        ``week``, ``month``, ``quarter`` or ``year``: the company's own.
    n
        How many.

    Returns
    -------
    DataFrame
        period, start and end, then the columns of `evaluate`, then complete, centre, lower, upper, signal, rule.
    """
    day = min(period.end, snapshot.date)
    calendar = snapshot.meta.calendar
    last = period_at(calendar.own(unit), day, calendar)
    frame = evaluate_periods(metrics, snapshot, [*last_periods(last, n - 1), last], by)
    frame["complete"] = frame["end"] <= snapshot.date
    inside = frame["start"].map(lambda start: _begun(start, snapshot))
    limits = ["centre", "lower", "upper", "signal", "rule"]
    groups = [c for c in frame.columns if c not in {"period", "start", "end", "complete", *RESULT}]
    told = []
    for _, one in frame.groupby(["metric", "part", *groups], dropna=False, sort=False):
        tested = one["complete"] & inside[one.index]
        low, high = _bounds(str(one["unit"].iloc[0]), one["value"])
        found = behaviour_limits(one["value"], tested=tested, floor=low, ceiling=high)
        told.append(found[limits].set_axis(one.index))
    return frame.join(pd.concat(told)) if told else frame.reindex(columns=[*frame.columns, *limits])


def _begun(start: dt.date, snapshot: Snapshot) -> bool:
    """Tell whether the data reach back to `start`: a month known in part is no month like the others."""
    first = snapshot.meta.first_closed_on
    return first is not None and first <= start


def _bounds(unit: str, values: pd.Series[float]) -> tuple[float | None, float | None]:
    """Give what a unit cannot go below and above; money can, but is told from 0 where it never did."""
    below = bool((values < 0).any())
    return None if below else 0.0, 1.0 if unit == "share" and not bool((values > 1).any()) else None


def _in_a_run(sides: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which values are part of eight or more in a row on one side of the centre."""
    breaks = np.flatnonzero(np.diff(sides)) + 1
    long = [np.full(len(run), len(run) >= RUN and run[0] != 0) for run in np.split(sides, breaks) if len(run)]
    return np.concatenate(long) if long else np.zeros(0, dtype=bool)
