"""Logistic regression that tells what each feature adds to a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from spm_lib.models.inputs import (
    CALENDAR_NUMBERS,
    CONTEXT,
    DAYS_TO_CLOSE,
    DUE,
    ENOUGH,
    STAGE,
    Flags,
    Floats,
    Inputs,
    varies,
)

#: Values of a category that are told apart at most: the most frequent.
MOST_LEVELS = 30
_CLIP = (0.005, 0.995)
#: Scikit-learn's C: the inverse of the ridge penalty's weight.
_FREEDOM = 0.1


@dataclass(frozen=True)
class Logistic:
    """Logistic regression with a ridge penalty: a feature's share is its coefficient × (value − mean).

    Numbers are clipped to their middle 99 %, standardised, and where unknown put to their mean, with a column that
    says so; a category has a column per frequent value; being due has its own coefficient in every stage.
    """

    columns: tuple[tuple[str, str], ...]
    scales: Mapping[str, tuple[float, float, float, float]]
    means: Floats
    coefficients: Floats
    base: float
    ahead: float
    kind: str = "logistic"

    @property
    def used(self) -> tuple[str, ...]:
        """The features that it reads, beside the context."""
        context = {*CONTEXT, *CALENDAR_NUMBERS}
        return tuple(dict.fromkeys(owner for owner, _ in self.columns if owner not in context))

    @classmethod
    def fit(cls, inputs: Inputs, target: Flags, weights: Floats) -> Self:
        """Fit the coefficients."""
        columns: list[tuple[str, str]] = [(DUE, "")]
        scales: dict[str, tuple[float, float, float, float]] = {}
        for name in inputs.names:
            values = inputs.number(name)
            known = ~np.isnan(values)
            if varies(values) and known.any():
                low, high = (float(bound) for bound in np.quantile(values[known], _CLIP))
                clipped = np.clip(values[known], low, high)
                if clipped.std() > 0:
                    scales[name] = (low, high, float(clipped.mean()), float(clipped.std()))
                    columns.append((name, ""))
            if ENOUGH <= (~known).sum() <= inputs.size - ENOUGH:
                columns.append((name, "?"))
        for place, name in enumerate(inputs.categories):
            counts = np.bincount(inputs.codes[:, place] + 1, minlength=len(inputs.levels[place]) + 1)[1:]
            frequent = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
            kept = [inputs.levels[place][code] for code in sorted(frequent) if counts[code] >= ENOUGH]
            columns += [(name, f"={level}") for level in kept]
            if name == STAGE:
                columns += [(name, f"!{level}") for level in kept]
        design = _design(inputs, columns, scales)
        means = np.average(design, axis=0, weights=weights)
        model = LogisticRegression(C=_FREEDOM, max_iter=200, tol=1e-3)
        model.fit(design - means, target, sample_weight=weights)
        coefficients = np.asarray(model.coef_, dtype=float).ravel()
        days = inputs.number(DAYS_TO_CLOSE)
        ahead = days[inputs.due & (days >= 0)]
        return cls(
            columns=tuple(columns),
            scales=scales,
            means=means,
            coefficients=coefficients,
            base=float(model.intercept_[0]),
            ahead=float(np.median(ahead)) if len(ahead) else 0.0,
        )

    def raw(self, inputs: Inputs) -> Floats:
        """Give each landmark's log-odds, before calibration."""
        centred = _design(inputs, self.columns, self.scales) - self.means
        return np.asarray(centred @ self.coefficients + self.base)

    def contributions(self, inputs: Inputs) -> pd.DataFrame:
        """Give what adds up to `raw`: base, context, days_to_expected_close (being overdue), each feature."""
        shares = (_design(inputs, self.columns, self.scales) - self.means) * self.coefficients
        owners = np.array([owner for owner, _ in self.columns])
        beside = np.isin(owners, (*CONTEXT, *CALENDAR_NUMBERS))
        told = {"base": np.full(inputs.size, self.base)}
        overdue = np.zeros(inputs.size)
        if DAYS_TO_CLOSE in self.scales:
            low, high, centre, spread = self.scales[DAYS_TO_CLOSE]
            days = inputs.number(DAYS_TO_CLOSE)
            late = days < 0
            slope = self.coefficients[self.columns.index((DAYS_TO_CLOSE, ""))]
            ahead = (np.clip(self.ahead, low, high) - centre) / spread
            overdue[late] = slope * ((np.clip(days[late], low, high) - centre) / spread - ahead)
        told["context"] = shares[:, beside].sum(axis=1) - overdue
        told[DAYS_TO_CLOSE] = overdue
        for name in self.used:
            told[name] = shares[:, owners == name].sum(axis=1)
        return pd.DataFrame(told)

    def to_plain(self) -> dict[str, Any]:
        """Give the estimator as values that can be saved without code."""
        return {
            "kind": self.kind,
            "columns": [list(column) for column in self.columns],
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            "means": self.means,
            "coefficients": self.coefficients,
            "base": self.base,
            "ahead": self.ahead,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_plain` gave."""
        kept = {name: plain[name] for name in ("means", "coefficients", "base", "ahead")}
        return cls(
            columns=tuple((owner, which) for owner, which in plain["columns"]),
            scales={name: tuple(scale) for name, scale in plain["scales"].items()},
            **kept,
        )


def _design(inputs: Inputs, columns: Any, scales: Mapping[str, tuple[float, float, float, float]]) -> Floats:
    design = np.empty((inputs.size, len(columns)))
    for place, (name, which) in enumerate(columns):
        if name == DUE:
            design[:, place] = inputs.due
        elif which == "?":
            design[:, place] = np.isnan(inputs.number(name))
        elif which:
            holds = inputs.category(name, {which[1:]: 1.0}) == 1.0
            design[:, place] = holds & inputs.due if which[0] == "!" else holds
        else:
            low, high, centre, spread = scales[name]
            values = (np.clip(inputs.number(name), low, high) - centre) / spread
            design[:, place] = np.where(np.isnan(values), 0.0, values)
    return design
