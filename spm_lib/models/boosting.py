"""Gradient-boosted trees that tell exactly what each feature adds to a score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from spm_lib.models.cores import side_by_side
from spm_lib.models.inputs import (
    CALENDAR_NUMBERS,
    CONTEXT,
    CONTEXT_NUMBERS,
    DAYS_TO_CLOSE,
    DUE,
    ENOUGH,
    STAGE,
    Flags,
    Floats,
    Inputs,
    varies,
)

TREES, LEAVES, LEARNING_RATE = 100, 8, 0.12
#: Different values of a number that trees tell apart.
STEPS = 200
#: The rate of a category's value leans on so many landmarks of all.
PSEUDO = 30


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees in which every feature depends on the context and on no other feature.

    In every branch of a tree there is, beside the context (stage, due, days to the expected close, days left in the
    period), at most one other feature. So with the context C fixed the score is a sum of functions of one
    feature each, and with every feature but one at its reference r the differences f(C, x_j, r) − f(C, r)
    add up to f(C, x) − f(C, r) exactly. The reference of a number is its median, of a category its commonest
    value. The share of an overdue date is what the context would lose if the date still lay ahead.
    """

    features: tuple[str, ...]
    rates: Mapping[str, Mapping[str, float]]
    edges: Mapping[str, Floats]
    blank: tuple[str, ...]
    reference: Floats
    ahead: float
    base: float
    model: Any
    kind: str = "boosting"

    @property
    def used(self) -> tuple[str, ...]:
        """The features that it reads, beside the context."""
        return self.features[len(CONTEXT) :]

    @classmethod
    def fit(cls, inputs: Inputs, target: Flags, weights: Floats, trees: int = TREES) -> Self:
        """Grow `trees` trees; the same landmarks in the same order give the same trees."""
        rates = _rates(inputs, target, weights)
        usable = [
            *CALENDAR_NUMBERS,
            *(n for n in inputs.names if n not in (*CONTEXT_NUMBERS, *CALENDAR_NUMBERS)),
        ]
        names = [name for name in usable if varies(inputs.number(name))]
        names += [name for name in inputs.categories[1:] if varies(inputs.category(name, rates[name]))]
        features = (*CONTEXT, *names)
        edges = {name: _edges(inputs.number(name)) for name in features if name in inputs.names}
        edges = {name: some for name, some in edges.items() if len(some)}
        matrix = _matrix(inputs, features, rates, edges, ())
        # What nothing is known of says the same of every landmark: trees do not take a column without a value.
        blank = tuple(name for name, column in zip(features, matrix.T, strict=True) if np.isnan(column).all())
        matrix = _matrix(inputs, features, rates, edges, blank)
        context = set(range(len(CONTEXT)))
        model = HistGradientBoostingClassifier(
            max_iter=trees,
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=max(20, inputs.size // 500),
            l2_regularization=1.0,
            interaction_cst=[context | {place} for place in range(len(CONTEXT), len(features))] or [context],
            early_stopping=False,
            random_state=0,
        ).fit(matrix, target, sample_weight=weights)
        reference = np.array([_usual(matrix[:, place]) for place in range(matrix.shape[1])])
        ahead = matrix[inputs.due & (inputs.number(DAYS_TO_CLOSE) >= 0), CONTEXT.index(DAYS_TO_CLOSE)]
        return cls(
            features=features,
            rates=rates,
            edges=edges,
            blank=blank,
            reference=reference,
            ahead=float(np.median(ahead)) if len(ahead) else 0.0,
            base=float(np.average(model.decision_function(matrix), weights=weights)),
            model=model,
        )

    def stages(self, inputs: Inputs) -> list[Floats]:
        """Give the log-odds after the first tree, the second, and so on."""
        matrix = _matrix(inputs, self.features, self.rates, self.edges, self.blank)
        return [np.asarray(raw).ravel() for raw in self.model.staged_decision_function(matrix)]

    def raw(self, inputs: Inputs) -> Floats:
        """Give each landmark's log-odds, before calibration."""
        if not inputs.size:
            return np.zeros(0)
        return np.asarray(
            self.model.decision_function(_matrix(inputs, self.features, self.rates, self.edges, self.blank))
        )

    def contributions(self, inputs: Inputs) -> pd.DataFrame:
        """Give what adds up to `raw`: base, context, days_to_expected_close (being overdue), each feature."""
        if not inputs.size:
            return pd.DataFrame(
                {name: np.zeros(0) for name in ("base", "context", DAYS_TO_CLOSE, *self.used)}
            )
        matrix = _matrix(inputs, self.features, self.rates, self.edges, self.blank)
        plain = np.tile(self.reference, (inputs.size, 1))
        plain[:, : len(CONTEXT)] = matrix[:, : len(CONTEXT)]
        context, first = _same(matrix[:, : len(CONTEXT)].T)
        bare = self.model.decision_function(plain[first])[context]
        days = CONTEXT.index(DAYS_TO_CLOSE)
        overdue = np.zeros(inputs.size)
        late = np.flatnonzero(inputs.number(DAYS_TO_CLOSE) < 0)
        if len(late):
            ahead = plain[late]
            ahead[:, days] = self.ahead
            overdue[late] = bare[late] - self.model.decision_function(ahead)

        def share(place: int) -> Floats:
            column, usual = matrix[:, place], self.reference[place]
            added = np.zeros(inputs.size)
            rows = np.flatnonzero(~((column == usual) | (np.isnan(column) & np.isnan(usual))))
            if len(rows):
                # Landmarks that are alike in the context and in this feature are asked about once.
                alike, first = _same((context[rows], column[rows]))
                one = plain[rows[first]]
                one[:, place] = column[rows[first]]
                added[rows] = self.model.decision_function(one)[alike] - bare[rows]
            return added

        places = range(len(CONTEXT), len(self.features))
        told = {"base": np.full(inputs.size, self.base), "context": bare - self.base - overdue}
        told |= {DAYS_TO_CLOSE: overdue}
        told |= dict(zip(self.used, side_by_side(share, places), strict=True))
        return pd.DataFrame(told)

    def to_plain(self) -> dict[str, Any]:
        """Give the estimator as values that can be saved without code."""
        return {
            "kind": self.kind,
            "features": list(self.features),
            "rates": {name: dict(values) for name, values in self.rates.items()},
            "edges": dict(self.edges),
            "blank": list(self.blank),
            "reference": self.reference,
            "ahead": self.ahead,
            "base": self.base,
            "model": self.model,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_plain` gave."""
        kept = {name: plain[name] for name in ("rates", "edges", "reference", "ahead", "base", "model")}
        return cls(features=tuple(plain["features"]), blank=tuple(plain["blank"]), **kept)


def _rates(inputs: Inputs, target: Flags, weights: Floats) -> dict[str, dict[str, float]]:
    """Give each category's values as numbers: how much oftener the target holds than the stage alone lets expect."""
    stage = inputs.codes[:, 0] * 2 + inputs.due
    usual = _smoothed(stage + 2, target.astype(float), weights)
    rates: dict[str, dict[str, float]] = {}
    for place, name in enumerate(inputs.categories):
        codes = inputs.codes[:, place]
        gap = weights * (target - (target.mean() if name == STAGE else usual))
        most = len(inputs.levels[place]) + 1
        counts = np.bincount(codes + 1, minlength=most)[1:]
        sums = np.bincount(codes + 1, weights=gap, minlength=most)[1:]
        sizes = np.bincount(codes + 1, weights=weights, minlength=most)[1:]
        rates[name] = {
            level: float(sums[code] / (sizes[code] + PSEUDO))
            for code, level in enumerate(inputs.levels[place])
            if counts[code] >= ENOUGH
        }
    return rates


def _smoothed(codes: Any, values: Floats, weights: Floats) -> Floats:
    sizes = np.bincount(codes, weights=weights)
    mean = np.average(values, weights=weights)
    rate = (np.bincount(codes, weights=weights * values) + PSEUDO * mean) / (sizes + PSEUDO)
    told: Floats = rate[codes]
    return told


def _same(columns: Iterable[Any]) -> tuple[Any, Any]:
    """Give each row a number, the same to rows that are alike in all columns, and of each number the first row."""
    number: Any = 0
    for column in columns:
        _, codes = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (int(codes.max()) + 1) + codes, return_inverse=True)
    first = np.unique(number, return_index=True)[1]
    return number, first


def _edges(values: Floats) -> Floats:
    """Give what cuts a number with many different values into steps of equal size; nothing where it has few."""
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) <= STEPS:
        return np.zeros(0)
    # Found here, as the trees' own way of finding them takes longer than growing the trees where rows have weights.
    return np.unique(np.quantile(known, np.linspace(0, 1, STEPS + 1)[1:-1], method="lower"))


def _matrix(
    inputs: Inputs,
    names: tuple[str, ...],
    rates: Mapping[str, Mapping[str, float]],
    edges: Mapping[str, Floats],
    blank: tuple[str, ...],
) -> Floats:
    matrix = np.empty((inputs.size, len(names)))
    for place, name in enumerate(names):
        if name == DUE:
            matrix[:, place] = inputs.due
        elif name in blank:
            matrix[:, place] = 0.0
        elif name in rates:
            matrix[:, place] = inputs.category(name, rates[name])
        else:
            values = inputs.number(name)
            stepped = np.searchsorted(edges[name], values, side="left") if name in edges else values
            matrix[:, place] = np.where(np.isnan(values), np.nan, stepped)
    return matrix


def _usual(values: Floats) -> float:
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or not len(known):
        return float("nan")
    return float(np.quantile(known, 0.5, method="lower"))
