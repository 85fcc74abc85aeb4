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
_LEAST_SPREAD = 3.0
#: Degrees of freedom of the effects of those who differ: so few that one who is far off is hardly drawn to the others.
_FREEDOM = 4.0
#: The distribution of their effects is taken as that of so many normal ones of different spreads.
_NORMALS = 16
_ROUNDS, _CLOSE = 200, 1e-5
_HALVINGS = 30


@dataclass(frozen=True)
class Shrunk:
    """Effects after all reps were looked at together; arrays by rep, on the scale of the effects.

    Parameters
    ----------
    differs
        Probability that the rep differs from the others at all.
    below, above
        Probability that the true effect is below 0, and above.
    mean
        What to expect of the true effect, that there may be none allowed for.
    told
        What to expect of it if there is one.
    low, high
        Between these it then lies with `COVERAGE` probability.
    """

    differs: Floats
    below: Floats
    above: Floats
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
    Two groups (Efron, Statistical Science 23, 2008): some reps are as all others, the effects of the rest follow Student's
    distribution around 0, a mixture of normal ones. The share of either and the spread are found by expectation and
    maximisation. With a single normal distribution the few who are far off are drawn to the many who are not, and the
    intervals of just those whom a manager asks about miss the truth more often than they say (Johnstone and Silverman,
    Annals of Statistics 32, 2004, on tails). The interval is that of a rep who differs: one over both groups would be
    empty for most.
    """
    variance = error**2
    least = (_LEAST_SPREAD * np.median(error)) ** 2
    spread = max(float(np.mean(effect**2 - variance)), least)
    share = 0.5
    for _ in range(_ROUNDS):
        found = _Posterior.of(effect, variance, spread, share)
        size = np.sum(found.weight * (found.mean**2 + found.variance) / _WIDTHS, axis=1)
        before = spread, share
        spread = max(float(np.sum(found.differs * size) / max(found.differs.sum(), 1e-9)), least)
        share = float(found.differs.sum() / (len(effect) + _NONE))
        if abs(spread - before[0]) < _CLOSE * spread and abs(share - before[1]) < _CLOSE:
            break
    found = _Posterior.of(effect, variance, spread, share)
    below = found.below(np.zeros(len(effect)))
    told = np.sum(found.weight * found.mean, axis=1)
    return Shrunk(
        differs=found.differs,
        below=found.differs * below,
        above=found.differs * (1 - below),
        mean=found.differs * told,
        told=told,
        low=found.end((1 - COVERAGE) / 2),
        high=found.end((1 + COVERAGE) / 2),
    )


#: The variances of the normal distributions, each as likely, that make up Student's of spread 1.
_WIDTHS = _FREEDOM / stats.chi2.isf((np.arange(_NORMALS) + 0.5) / _NORMALS, _FREEDOM)


@dataclass(frozen=True)
class _Posterior:
    """What is known of each rep's effect: whether there is one, and which, as a mixture; arrays by rep and normal one."""

    differs: Floats
    weight: Floats
    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, effect: Floats, variance: Floats, spread: float, share: float) -> _Posterior:
        effect, variance = effect[:, None], variance[:, None]
        spreads = spread * _WIDTHS[None, :]
        kept = spreads / (spreads + variance)
        # Logs of how much likelier what is seen is with an effect than without.
        odds = 0.5 * effect**2 * kept / variance - 0.5 * np.log1p(spreads / variance)
        prior = np.log(max(share, 1e-12)) - np.log1p(-min(share, 1 - 1e-12))
        whole = special.logsumexp(odds, axis=1, b=1 / _NORMALS)
        return cls(
            differs=np.asarray(special.expit(prior + whole)),
            weight=np.asarray(special.softmax(odds, axis=1)),
            mean=kept * effect,
            variance=kept * variance,
        )

    def below(self, value: Floats) -> Floats:
        """Give the probability that each effect, where there is one, is below a value."""
        return np.asarray(
            np.sum(self.weight * special.ndtr((value[:, None] - self.mean) / np.sqrt(self.variance)), axis=1)
        )

    def end(self, probability: float) -> Floats:
        """Give the value below which each effect, where there is one, lies with a probability."""
        far = stats.norm.isf(1e-9) * np.sqrt(self.variance)
        low, high = (self.mean - far).min(axis=1), (self.mean + far).max(axis=1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            under = self.below(middle) < probability
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2)


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
