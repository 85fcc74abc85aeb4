"""What a manager knows without a model: how deals of this stage and age fared, and how many rules hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spm_lib.models.inputs import Flags, Floats, Inputs, Whole

#: A cell's rate leans on so many landmarks of the coarser cell that holds it.
PSEUDO = 40
#: Days left in the period are told apart by fifteen.
_BAND, _BANDS = 15, 8
#: From so many rules on, more make no difference.
MOST_RULES = 3


@dataclass(frozen=True)
class StageRates:
    """How often deals came to be at risk, and were won, by due, days left in the period, stage and third of age.

    Parameters
    ----------
    stages
        The stages seen.
    ages
        For each stage, and last for any other, the ages in days that divide its landmarks in three.
    at_risk, won
        The rates: due × band of days left × stage × third of age. Each leans on the rate without the age, that
        on the rate without the stage, and that on the rate of all that are due or are not.
    """

    stages: tuple[str, ...]
    ages: Floats
    at_risk: Floats
    won: Floats

    @classmethod
    def fit(cls, inputs: Inputs, at_risk: Flags, won: Flags) -> StageRates:
        """Count over landmarks whose outcome is known."""
        seen = np.unique(inputs.codes[:, 0])
        stages = tuple(inputs.levels[0][code] for code in seen if code >= 0)
        place = _stages(inputs, stages)
        age = inputs.number("age_days")
        ages = np.array([_thirds(age[place == stage]) for stage in range(len(stages))] + [_thirds(age)])
        cells = (inputs.due.astype(np.int64), _bands(inputs), place, _third(age, ages[place]))
        shape = (2, _BANDS, len(stages) + 1, 4)
        rates = [_shrunken(cells, shape, target.astype(float)) for target in (at_risk, won)]
        return cls(stages, ages, *rates)

    def predict(self, inputs: Inputs) -> tuple[Floats, Floats]:
        """Give each landmark's usual rate of being at risk, and of being won."""
        place = _stages(inputs, self.stages)
        third = _third(inputs.number("age_days"), self.ages[place])
        cells = (inputs.due.astype(np.int64), _bands(inputs), place, third)
        return self.at_risk[cells], self.won[cells]

    def to_plain(self) -> dict[str, Any]:
        """Give the rates as values that can be saved without code."""
        return {"stages": list(self.stages), "ages": self.ages, "at_risk": self.at_risk, "won": self.won}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StageRates:
        """Read what `to_plain` gave."""
        return cls(tuple(plain["stages"]), plain["ages"], plain["at_risk"], plain["won"])


@dataclass(frozen=True)
class RuleRates:
    """How often deals came to be at risk by due and by how many rules held, up to three."""

    at_risk: Floats

    @classmethod
    def fit(cls, inputs: Inputs, rules: Whole, at_risk: Flags) -> RuleRates:
        """Count over landmarks whose outcome is known; `rules` is how many held for each."""
        cells = (inputs.due.astype(np.int64), np.minimum(rules, MOST_RULES))
        return cls(_shrunken(cells, (2, MOST_RULES + 1), at_risk.astype(float)))

    def predict(self, inputs: Inputs, rules: Whole) -> Floats:
        """Give each landmark's usual rate of being at risk."""
        return self.at_risk[inputs.due.astype(np.int64), np.minimum(rules, MOST_RULES)]


def _shrunken(cells: tuple[Whole, ...], shape: tuple[int, ...], values: Floats) -> Floats:
    rate = np.asarray(values.mean() if len(values) else 0.5)
    for depth in range(1, len(shape) + 1):
        sizes = shape[:depth]
        flat = np.ravel_multi_index(cells[:depth], sizes)
        many = int(np.prod(sizes))
        counts = np.bincount(flat, minlength=many).reshape(sizes)
        sums = np.bincount(flat, weights=values, minlength=many).reshape(sizes)
        rate = (sums + PSEUDO * rate[..., None]) / (counts + PSEUDO)
    return rate


def _stages(inputs: Inputs, stages: tuple[str, ...]) -> Whole:
    places = {stage: float(place) for place, stage in enumerate(stages)}
    found = inputs.category(inputs.categories[0], places)
    return np.where(np.isnan(found), len(stages), found).astype(np.int64)


def _bands(inputs: Inputs) -> Whole:
    left = np.nan_to_num(inputs.number("days_left_in_period"), nan=0.0)
    return np.clip(left // _BAND, 0, _BANDS - 1).astype(np.int64)


def _thirds(ages: Floats) -> tuple[float, float]:
    known = ages[~np.isnan(ages)]
    if not len(known):
        return 0.0, 0.0
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    return float(low), float(high)


def _third(age: Floats, bounds: Floats) -> Whole:
    third = (age > bounds[:, 0]).astype(np.int64) + (age > bounds[:, 1])
    return np.where(np.isnan(age), 3, third)
