"""What many reps' effects say of each: shrunk by empirical Bayes, and whether reps differ at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

#: Chance that an interval holds the truth.
COVERAGE = 0.90

#: How much likelier no difference is taken to be than any before the reps are looked at, in reps.
_NONE = 10.0
#: Those who differ do so by more than their own errors: the least spread, in the middle one of the errors.
_LEAST_SPREAD = 2.0
_ROUNDS, _CLOSE = 500, 1e-9


@dataclass(frozen=True)
class Shrunk:
    """Effects after all reps were looked at together; arrays by rep, on the scale of the effects.

    Parameters
    ----------
    differs
        Probability that the rep differs from the others at all.
    below
        Probability that the true effect is below 0.
    mean
        What to expect of the true effect, that there may be none allowed for.
    told
        What to expect of it if there is one.
    low, high
        Between these it then lies with `COVERAGE` probability.
    """

    differs: Floats
    below: Floats
    mean: Floats
    told: Floats
    low: Floats
    high: Floats


def shrunk(effect: Floats, error: Floats) -> Shrunk:
    """Shrink effects towards 0 as far as reps are alike.

    Parameters
    ----------
    effect, error
        Each rep's own, with its standard error.

    Notes
    -----
    Two groups (Efron, Statistical Science 23, 2008): some reps are as all others, the effects of the rest are normal
    around 0. The
    share of either and the spread are found by expectation and maximisation. A single normal distribution draws the
    few who are far off to the many who are not. The interval is that of a rep who differs: one over both groups would be
    empty for most and miss four in ten of those whom a manager asks about.
    """
    variance = error**2
    least = (_LEAST_SPREAD * np.median(error)) ** 2
    spread = max(float(np.mean(effect**2 - variance)), least)
    share = 0.5
    for _ in range(_ROUNDS):
        differs = _differing(effect, variance, spread, share)
        kept = spread / (spread + variance)
        size = (kept * effect) ** 2 + kept * variance
        before = spread, share
        spread = max(float(np.sum(differs * size) / max(differs.sum(), 1e-9)), least)
        share = float(differs.sum() / (len(effect) + _NONE))
        if abs(spread - before[0]) < _CLOSE * spread and abs(share - before[1]) < _CLOSE:
            break
    differs = _differing(effect, variance, spread, share)
    kept = spread / (spread + variance)
    told, width = kept * effect, np.sqrt(kept * variance)
    half = stats.norm.ppf((1 + COVERAGE) / 2) * width
    return Shrunk(
        differs=differs,
        below=differs * stats.norm.cdf(-told / width),
        mean=differs * told,
        told=told,
        low=told - half,
        high=told + half,
    )


def _differing(effect: Floats, variance: Floats, spread: float, share: float) -> Floats:
    """Give the probability that each is one of those who differ."""
    odds = np.log(max(share, 1e-12)) - np.log1p(-min(share, 1 - 1e-12))
    odds = odds - 0.5 * np.log1p(spread / variance)
    odds = odds + 0.5 * effect**2 * (1 / variance - 1 / (spread + variance))
    return np.asarray(special.expit(odds))


def differ(score: Floats) -> float:
    """Give the p-value of reps being alike: the chance of scores as far apart, or of one as far off, as these.

    Parameters
    ----------
    score
        Each rep's distance from what is expected, in standard errors.

    Returns
    -------
    float
        1 for fewer than two reps.

    Notes
    -----
    Cochran's Q sees many small differences, the largest score a single large one; the smaller p-value of the two, doubled
    as two tests are made (Bonferroni).
    """
    size = len(score)
    if size < 2:
        return 1.0
    spread = stats.chi2.sf(np.sum(score**2), size - 1)
    largest = -np.expm1(size * np.log1p(-2 * stats.norm.sf(np.abs(score).max())))
    return float(min(1.0, 2 * min(spread, largest)))
