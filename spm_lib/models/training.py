"""Fitting one chance over one horizon: where time is cut, which estimator is better, and its calibration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from spm_lib.models.estimators import TREES, Boosting, Estimator, Logistic, estimator_from_plain
from spm_lib.models.inputs import Flags, Floats, Inputs, thinned

#: Landmarks of one deal, and landmarks in all, that an estimator is fitted on at most.
EACH, MOST = 4, 150_000
#: Share of the landmarks, the latest, that calibrate; and of those before, that choose.
CALIBRATING, CHOOSING = 0.15, 0.25
#: Landmarks with and without the outcome that a fit and a choice need at least.
FEWEST = 50
_FEWEST_TREES = 10

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Landmarks:
    """What a chance is learned from: landmarks sorted by day and deal, whose outcome is known.

    Parameters
    ----------
    inputs
        What is read of them.
    days, ends
        The day of each, and the last day of its horizon.
    deals
        A code for each one's deal.
    target
        Whether what is to be foretold came about.
    weights
        How many landmarks each stands for.
    """

    inputs: Inputs
    days: Days
    ends: Days
    deals: npt.NDArray[Any]
    target: Flags
    weights: Floats

    def take(self, which: npt.NDArray[Any]) -> Landmarks:
        """Give the landmarks at `which`: places, or a mask."""
        return Landmarks(
            self.inputs.take(which),
            self.days[which],
            self.ends[which],
            self.deals[which],
            self.target[which],
            self.weights[which],
        )

    @property
    def tells(self) -> bool:
        """Whether there are enough landmarks with and without the outcome."""
        held = int(self.target.sum())
        return min(held, len(self.target) - held) >= FEWEST


@dataclass(frozen=True)
class Split:
    """How the landmarks were divided: what was fitted on, and what calibrated, by days, landmarks and deals.

    Where too few were left to calibrate by, ``calibrated`` is 0.
    """

    fitted_from: dt.date
    fitted_to: dt.date
    fitted: int
    fitted_deals: int
    calibrated_from: dt.date
    calibrated_to: dt.date
    calibrated: int


@dataclass(frozen=True)
class Chance:
    """A fitted estimator and its calibration: probability = 1 / (1 + exp(−(slope × raw + intercept))).

    Parameters
    ----------
    estimator
        Which of the two was better on later landmarks of other deals.
    slope, intercept
        Platt's scaling (1999), fitted on landmarks of days after every horizon that the estimator was fitted on; 1 and 0
        where those are too few to tell.
    split
        What it was fitted and calibrated on.
    briers
        Brier score of each estimator when they were compared.
    trees
        Number of trees; 0 for the logistic model.
    """

    estimator: Estimator
    slope: float
    intercept: float
    split: Split
    briers: Mapping[str, float]
    trees: int

    def probability(self, inputs: Inputs) -> Floats:
        """Give each landmark's calibrated chance."""
        return self.calibrated(self.estimator.raw(inputs))

    def calibrated(self, raw: Floats) -> Floats:
        """Give the chance that a raw score stands for."""
        told: Floats = expit(self.slope * raw + self.intercept)
        return told

    def to_plain(self) -> dict[str, Any]:
        """Give the chance as values that can be saved without code."""
        split = {
            name: value.isoformat() if isinstance(value, dt.date) else value
            for name, value in vars(self.split).items()
        }
        return {
            "estimator": self.estimator.to_plain(),
            "slope": self.slope,
            "intercept": self.intercept,
            "split": split,
            "briers": dict(self.briers),
            "trees": self.trees,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Chance:
        """Read what `to_plain` gave."""
        split: dict[str, Any] = {
            name: dt.date.fromisoformat(value) if isinstance(value, str) else value
            for name, value in plain["split"].items()
        }
        kept = {name: plain[name] for name in ("slope", "intercept", "briers", "trees")}
        return cls(estimator=estimator_from_plain(plain["estimator"]), split=Split(**split), **kept)


def train(landmarks: Landmarks, known: Flags) -> Chance | None:
    """Fit both estimators, choose the better, fit it again on more, and calibrate it.

    Parameters
    ----------
    landmarks
        What to learn from.
    known
        Of which of them the outcome is known.

    Returns
    -------
    Chance or None
        None where the record is too short: too few landmarks with or without the outcome before the latest days.

    Notes
    -----
    Calibration takes the latest days. Fitted is what was over by then: no horizon of a fitted landmark reaches
    into them, so a deal in both parts is there with two outcomes of two stretches of time. Choice is made
    inside the fitted part, on later landmarks of deals that the earlier ones do not have.
    """
    places = np.flatnonzero(known)
    if not len(places):
        return None
    start = _day_with_share_after(landmarks.days[places], CALIBRATING)
    over = places[landmarks.ends[places] <= start]
    chosen, weights = thinned(landmarks.days[over], landmarks.deals[over], each=EACH, most=MOST)
    fitted = replace(landmarks.take(over[chosen]), weights=weights)
    later = landmarks.take(places[landmarks.days[places] > start])
    if not fitted.tells:
        return None
    briers, trees = _compared(fitted)
    estimator = fit_like(fitted, trees)
    # On what it was fitted on, an estimator looks better than it is: without other landmarks it stays as it came out.
    slope, intercept = _scaling(estimator, later) if later.tells else (1.0, 0.0)
    ends = later.days if len(later.days) else landmarks.days[places[-1:]]
    split = Split(
        fitted_from=_date(fitted.days.min()),
        fitted_to=_date(fitted.days.max()),
        fitted=len(fitted.target),
        fitted_deals=len(np.unique(fitted.deals)),
        calibrated_from=_date(ends.min()),
        calibrated_to=_date(ends.max()),
        calibrated=len(later.target) if later.tells else 0,
    )
    return Chance(estimator, slope, intercept, split, briers, trees)


def _compared(fitted: Landmarks) -> tuple[dict[str, float], int]:
    start = _day_with_share_after(fitted.days, CHOOSING)
    early = fitted.take(fitted.days <= start)
    later = fitted.take(fitted.days > start)
    fresh = later.take(~np.isin(later.deals, early.deals))
    judge = fresh if fresh.tells else later
    if judge is later:
        # The same deals on both sides: no horizon may reach from one into the other.
        early = early.take(early.ends <= start)
    return compare(early, judge) if early.tells and judge.tells else ({}, 0)


def compare(early: Landmarks, judge: Landmarks) -> tuple[dict[str, float], int]:
    """Fit both estimators on some landmarks and judge them on others.

    Returns
    -------
    dict, int
        The Brier score of each; and the best number of trees, 0 where the logistic model is better.
    """
    stages = Boosting.fit(early.inputs, early.target, early.weights, TREES).stages(judge.inputs)
    losses = [_mean(np.logaddexp(0, np.where(judge.target, -raw, raw)), judge) for raw in stages]
    trees = max(_FEWEST_TREES, int(np.argmin(losses)) + 1)
    logistic = Logistic.fit(early.inputs, early.target, early.weights).raw(judge.inputs)
    briers = {
        kind: _mean((expit(raw) - judge.target) ** 2, judge)
        for kind, raw in (("boosting", stages[trees - 1]), ("logistic", logistic))
    }
    return briers, trees if briers["boosting"] <= briers["logistic"] else 0


def fit_like(fitted: Landmarks, trees: int) -> Estimator:
    """Fit the estimator that `compare` found better."""
    if trees:
        return Boosting.fit(fitted.inputs, fitted.target, fitted.weights, trees)
    return Logistic.fit(fitted.inputs, fitted.target, fitted.weights)


def _mean(losses: Floats, judge: Landmarks) -> float:
    return float(np.average(losses, weights=judge.weights))


def _scaling(estimator: Estimator, later: Landmarks) -> tuple[float, float]:
    raw = estimator.raw(later.inputs)
    if not raw.std() > 0:
        return 0.0, float(np.log(later.target.mean() / (1 - later.target.mean())))
    model = LogisticRegression(C=1e6).fit(raw[:, None], later.target)
    slope = float(model.coef_[0, 0])
    if slope > 0:
        return slope, float(model.intercept_[0])
    # A score that points the wrong way on later data tells nothing: everyone gets the usual rate.
    return 0.0, float(np.log(later.target.mean() / (1 - later.target.mean())))


def _day_with_share_after(days: Days, share: float) -> np.datetime64:
    """Give the latest day after which there is at least this share of the landmarks."""
    ordered = np.sort(days)
    cut = ordered[min(len(ordered) - 1, int(len(ordered) * (1 - share)))]
    before = ordered[ordered < cut]
    return np.datetime64(before[-1] if len(before) else cut)


def _date(day: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(str(np.datetime_as_string(day, unit="D")))
