"""How long deals take to be decided, counting those that are still open as far as they have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import Z
from spm_lib.metrics.metric import Figures, Statistic, texts
from spm_lib.metrics.populations import CREATED, aggregate
from spm_lib.metrics.question import Question

#: One half, with room for the rounding of a product of fractions.
HALF = 0.5 + 1e-12

_COUNTS = (
    Statistic("decided_deals", ("decided",), lambda t: t.count(where=t.decided)),
    Statistic("open_deals", ("decided",), lambda t: t.count(where=~t.decided)),
)


class MedianTime(NamedTuple):
    """The Kaplan–Meier median with its interval; NaN where it has not been reached."""

    value: float
    low: float
    high: float


def median_time(
    days: npt.NDArray[np.float64], decided: npt.NDArray[np.float64], censored: npt.NDArray[np.float64]
) -> MedianTime:
    """Give the day by which half are decided (Kaplan and Meier 1958).

    The interval is Brookmeyer and Crowley's (Biometrics 38, 1982) with log-log bounds of the curve: the days
    at which an interval of the curve holds one half.

    Parameters
    ----------
    days
        Distinct days, in order.
    decided, censored
        How many were decided, and how many were last seen open, on each.
    """
    at_risk = np.cumsum((decided + censored)[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        curve = np.cumprod(1 - decided / at_risk)
        spread = np.sqrt(np.cumsum(decided / (at_risk * (at_risk - decided)))) / np.log(curve)
        middle = np.log(-np.log(curve))
        low = np.exp(-np.exp(middle - Z * spread))
        high = np.exp(-np.exp(middle + Z * spread))
    # Before the first decision the curve is 1, for sure; once all are decided the bounds are unknown.
    low, high = (np.where(curve == 1, 1, np.where(curve == 0, np.nan, bound)) for bound in (low, high))
    return MedianTime(*(_first(days, line <= HALF) for line in (curve, low, high)))


@dataclass(frozen=True)
class DecisionTime:
    """Kaplan–Meier medians of the deals created in the period, from counts by day."""

    name: str = "time to decision"
    batches: bool = True

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give median, low, high and n for every group that has deals."""
        del statistics  # the curve is made of counts by day
        rows = CREATED.rows(question, ("days", "decided"))
        counts = aggregate(rows, question, _COUNTS, ["days"]).sort_values("days")
        found = []
        for group, frame in counts.groupby(question.keys, dropna=False, sort=False):
            days, decided, censored = (
                frame[name].to_numpy(dtype=float) for name in ("days", "decided_deals", "open_deals")
            )
            found.append((*group, *median_time(days, decided, censored), decided.sum() + censored.sum()))
        return pd.DataFrame(found, columns=[*question.keys, "median", "low", "high", "n"])


def _first(days: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]) -> float:
    return float(days[np.argmax(where)]) if where.any() else np.nan


DECISIONS = DecisionTime()


def finish_time(evidence: Evidence) -> Figures:
    """Give the median that the source told."""
    value, low, high = (evidence.of(DECISIONS, name) for name in ("median", "low", "high"))
    n = evidence.count(DECISIONS, "n")
    note = texts((n > 0) & np.isnan(value), "fewer than half are decided yet")
    return Figures.of(value, n, (low, high), note)
