"""How good probabilities were: discrimination, calibration, lift, and skill over a baseline with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from spm_lib.metrics.intervals import TAIL, Floats

#: Resamples of the bootstrap.
DRAWS = 1000
BINS = 10


class Skill(NamedTuple):
    """One minus Brier score over the best baseline's, with its 95 % interval, and which baseline that was."""

    value: float
    low: float
    high: float
    baseline: str


class Bin(NamedTuple):
    """One of the bins of a calibration table: landmarks, mean probability, share that came about."""

    n: int
    foretold: float
    came: float


def auc(chances: Floats, came: npt.NDArray[np.bool_]) -> float:
    """Give the chance that of a pair the one that came about had the higher probability; NaN without a pair.

    The area under the receiver's curve, by ranks (Hanley and McNeil, Radiology 143, 1982).
    """
    held = int(came.sum())
    missed = len(came) - held
    if not held or not missed:
        return float("nan")
    ranks = stats.rankdata(chances)
    return float((ranks[came].sum() - held * (held + 1) / 2) / (held * missed))


def brier(chances: Floats, came: npt.NDArray[np.bool_]) -> float:
    """Give the mean squared distance of probability and outcome (Brier 1950); NaN for none."""
    return float(np.mean((chances - came) ** 2)) if len(came) else float("nan")


def calibration(chances: Floats, came: npt.NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Give what was foretold and what came about in bins of equal size, from the lowest probabilities up."""
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(Bin(len(part), float(chances[part].mean()), float(came[part].mean())) for part in parts)


def calibration_error(table: tuple[Bin, ...]) -> float:
    """Give the mean distance of what was foretold and what came about, weighted by size (Naeini et al. 2015)."""
    n = sum(each.n for each in table)
    return sum(each.n * abs(each.foretold - each.came) for each in table) / n if n else float("nan")


def top_lift(chances: Floats, came: npt.NDArray[np.bool_], share: float = 0.1) -> float:
    """Give how many times oftener it came about among the highest probabilities than among all."""
    usual = came.mean() if len(came) else 0.0
    if not usual:
        return float("nan")
    top = np.argsort(-chances, kind="stable")[: max(1, round(len(came) * share))]
    return float(came[top].mean() / usual)


def brier_skill(
    losses: Floats, baselines: Mapping[str, Floats], deals: npt.NDArray[np.int64], *, draws: int = DRAWS
) -> Skill:
    """Give the skill over the best baseline, and its interval from a bootstrap that draws whole deals.

    Parameters
    ----------
    losses
        Squared error of the model, by landmark.
    baselines
        The same of each baseline.
    deals
        A code per landmark, from 0: the deal that it is of.
    draws
        How many resamples.

    Returns
    -------
    Skill
        NaN where there is no landmark or nothing to improve on. The best baseline is found anew in each
        resample, so that the choice does not flatter the model.
    """
    unknown = float("nan")
    if not len(losses):
        return Skill(unknown, unknown, unknown, "")
    sums = np.column_stack([np.bincount(deals, weights=each) for each in (losses, *baselines.values())])
    total = sums.sum(axis=0)
    best = int(np.argmin(total[1:]))
    if not total[1 + best] > 0:
        return Skill(unknown, unknown, unknown, list(baselines)[best])
    many = len(sums)
    rng = np.random.default_rng(many)
    drawn = np.empty((draws, sums.shape[1]))
    for draw in range(draws):
        drawn[draw] = np.bincount(rng.integers(many, size=many), minlength=many) @ sums
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 1 - drawn[:, 0] / drawn[:, 1:].min(axis=1)
    low, high = np.quantile(values[np.isfinite(values)], (TAIL, 1 - TAIL))
    return Skill(float(1 - total[0] / total[1 + best]), float(low), float(high), list(baselines)[best])


def stability(before: Floats, after: Floats, bins: int = BINS) -> float:
    """Give the population stability index of a number: Σ (q − p) ln(q / p) over bins of equal size before.

    Unknown values are a bin of their own. Under 0.1 is commonly read as steady, over 0.25 as changed (Siddiqi,
    Credit Risk Scorecards, 2006). NaN where there is nothing on either side.
    """
    if not len(before) or not len(after):
        return float("nan")
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.zeros(0)
    shares = []
    for values in (before, after):
        place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        # Half a landmark more in each bin: an empty one would make the index infinite.
        counts = np.bincount(place.astype(np.int64), minlength=len(edges) + 2) + 0.5
        shares.append(counts / counts.sum())
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())
