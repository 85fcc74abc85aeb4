"""Intervals at 95 %, finished with numpy on the few rows of statistics that the engine returns.

Every function takes arrays of equal length, one element per group, and gives null (NaN) where there is too little
to say anything. None of them draws random numbers: the same data give the same interval.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Z = float(stats.norm.ppf(1 - TAIL))


class Interval(NamedTuple):
    """Lower and upper bounds."""

    low: Floats
    high: Floats


class Median(NamedTuple):
    """Medians with their bounds, and how many values each rests on."""

    value: Floats
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Divide; null where the denominator is zero or null."""
    top = np.asarray(numerator, dtype=float)
    bottom = np.asarray(denominator, dtype=float)
    top, bottom = np.broadcast_arrays(top, bottom)
    result = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=result, where=(bottom != 0) & ~np.isnan(bottom))
    return result


def wilson(successes: npt.ArrayLike, n: npt.ArrayLike) -> Interval:
    """Give Wilson's score interval of a share (Wilson 1927); `n` may be an effective sample size."""
    k = np.asarray(successes, dtype=float)
    size = np.asarray(n, dtype=float)
    p = divide(k, size)
    spread = 1 + divide(Z**2, size)
    centre = (p + divide(Z**2, 2 * size)) / spread
    half = Z * np.sqrt(np.maximum(divide(p * (1 - p), size) + divide(Z**2, 4 * size**2), 0)) / spread
    # Rounding must not leave 0 of n with a bound a hair beside 0, nor n of n beside 1.
    low = np.where(k == 0, np.where(np.isnan(centre), np.nan, 0.0), centre - half)
    high = np.where(k == size, np.where(np.isnan(centre), np.nan, 1.0), centre + half)
    return Interval(np.clip(low, 0, 1), np.clip(high, 0, 1))


def total(value: npt.ArrayLike, squares: npt.ArrayLike) -> Interval:
    """Give value ± 1.96 √Σx²: how much a sum moves by chance when the number of deals does too."""
    centre = np.asarray(value, dtype=float)
    half = Z * np.sqrt(np.asarray(squares, dtype=float))
    return Interval(centre - half, centre + half)


def mean(value: npt.ArrayLike, variance: npt.ArrayLike, n: npt.ArrayLike) -> Interval:
    """Give Student's t interval of a mean; null under two values."""
    centre = np.asarray(value, dtype=float)
    size = np.asarray(n, dtype=float)
    distinct, where = np.unique(size, return_inverse=True)
    free = np.where(distinct > 1, distinct - 1, np.nan)
    t = special.stdtrit(free, 1 - TAIL)[where]
    half = t * np.sqrt(divide(variance, size))
    return Interval(centre - half, centre + half)


def median(values: npt.NDArray[Any], counts: npt.NDArray[np.int64]) -> Median:
    """Give medians with the interval between two order statistics.

    The ranks come from the binomial distribution, so the interval holds whatever the values are distributed like
    (Thompson 1936). It needs six values.

    Parameters
    ----------
    values
        The values of all groups one after another.
    counts
        How many of them belong to each group.
    """
    n = np.asarray(counts, dtype=np.int64)
    values = _sorted_within(values, n)
    first = np.cumsum(n) - n
    some = n > 0
    middle, low, high = (np.full(n.shape, np.nan) for _ in range(3))
    left, right = first[some] + (n[some] - 1) // 2, first[some] + n[some] // 2
    middle[some] = (values[left] + values[right]) / 2
    distinct, where = np.unique(n, return_inverse=True)
    rank = stats.binom.ppf(TAIL, distinct, 0.5).astype(np.int64)[where]
    enough = rank >= 1
    low[enough] = values[first[enough] + rank[enough] - 1]
    high[enough] = values[first[enough] + n[enough] - rank[enough]]
    return Median(middle, low, high, n)


def _sorted_within(values: npt.NDArray[Any], counts: npt.NDArray[np.int64]) -> Floats:
    """Sort the values of each group: one sort of whole numbers, many times as fast as one by group and value."""
    if not len(values):
        return np.zeros(0)
    if values.dtype.kind == "i":  # days: few and near each other
        least = int(values.min())
        rank, distinct = values.astype(np.int64) - least, None
    else:
        distinct, rank = np.unique(values, return_inverse=True)
    span = int(rank.max()) + 1
    keys = np.repeat(np.arange(len(counts)) * span, counts) + rank
    keys.sort()
    found = keys % span
    return np.asarray(found + least if distinct is None else distinct[found], dtype=np.float64)


def weighted_share(
    won: Floats, lost: Floats, won_squares: Floats, lost_squares: Floats, n: Floats
) -> Interval:
    """Give the interval of Σ weights won / Σ all weights.

    The variance is the delta method's for a ratio (Cochran, Sampling Techniques, 3rd ed. 1977, section 6.4). It is
    turned into an effective sample size, and that into a Wilson interval, so that the bounds stay within 0 and 1 (Korn and
    Graubard, Survey Methodology 24, 1998). Where all or nothing was won the delta method says 0, and Kish's effective
    size (Σw)²/Σw² stands in.
    """
    weight = won + lost
    share = divide(won, weight)
    variance = divide((1 - share) ** 2 * won_squares + share**2 * lost_squares, weight**2)
    effective = divide(share * (1 - share), variance * divide(n, n - 1))
    kish = divide(weight**2, won_squares + lost_squares)
    size = np.where((share > 0) & (share < 1), effective, kish)
    return wilson(share * size, size)


def log_delta(value: npt.ArrayLike, log_variance: npt.ArrayLike) -> Interval:
    """Give value ×÷ exp(1.96 √variance): the delta method on the log scale, for a product of factors."""
    centre = np.asarray(value, dtype=float)
    factor = np.exp(Z * np.sqrt(np.asarray(log_variance, dtype=float)))
    return Interval(centre / factor, centre * factor)


class Difference(NamedTuple):
    """A difference with its interval, and the p-value that agrees with it."""

    value: Floats
    low: Floats
    high: Floats
    p_value: Floats


def difference(
    value: Floats, low: Floats, high: Floats, before: Floats, before_low: Floats, before_high: Floats
) -> Difference:
    """Give `value` − `before` with an interval recovered from each side's own.

    Square-and-add (MOVER; Zou and Donner, Statistics in Medicine 27, 2008); with Wilson intervals it is Newcombe's
    (1998). The p-value scales the margin on the side of zero as a normal one, so it is under 0.05 exactly
    where the interval leaves zero out.
    """
    gap = value - before
    below = np.sqrt((value - low) ** 2 + (before_high - before) ** 2)
    above = np.sqrt((high - value) ** 2 + (before - before_low) ** 2)
    margin = np.where(gap > 0, below, above)
    score = np.where(gap == 0, 0.0, Z * np.abs(gap) / np.where(margin > 0, margin, np.nan))
    # No spread on either side and yet a difference: nothing that chance could explain.
    score = np.where((margin == 0) & (gap != 0), np.inf, score)
    p_value = np.where(np.isnan(margin) | np.isnan(gap), np.nan, 2 * stats.norm.sf(score))
    return Difference(gap, gap - below, gap + above, p_value)
