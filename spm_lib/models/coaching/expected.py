"""What peers would have reached on a rep's own mix of work: one model of attributes and reps for each lever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: ``share``: successes of so many tries; ``rate``: events over a time; ``mean``: sums of measured values.
Family = Literal["share", "rate", "mean"]

#: Sums over the clusters (deals, stays, weeks) of a row: what was counted `y`, of how much `x`, and their products.
SUMS = ("n", "y", "x", "yy", "xy", "xx")

#: Attributes are held back no more than it takes where two say the same.
_ATTRIBUTE_RIDGE = 1e-2
#: Degrees of freedom of the reps' effects: so few that one who is far off hardly moves what is expected of others.
_FREEDOM = 2.0
#: In the dispersion of a rep's clusters that of all counts as so many of them.
_POOLED = 20.0
_MOST_STEPS, _INNER_STEPS, _CLOSE = 40, 5, 3e-3
_WIDEST = 4.0
#: Effects further off than this are told from each other by nothing that can be counted.
_ENDLESS, _HALVINGS = 12.0, 40


@dataclass(frozen=True)
class Fitted:
    """What was found of each rep, on the scale of the family: log-odds, logs of rates, or plain values.

    Parameters
    ----------
    reps
        The reps' ids.
    effect
        How far each differs from the middle of peers on the same mix; positive is more.
    error
        Its standard error.
    score
        The same in standard errors where there is no difference (a score test), by which chance is judged.
    clusters
        Number of independent pieces of evidence of each.
    observed, expected
        What was observed, and what peers would have reached on the rep's own mix, per unit of `x`.
    dispersion
        Variance of the clusters over what the family says.
    spreads
        The same of each rep's own clusters, drawn to that of all.
    """

    reps: npt.NDArray[np.object_]
    effect: Floats
    error: Floats
    score: Floats
    clusters: npt.NDArray[np.int64]
    observed: Floats
    expected: Floats
    dispersion: float
    spreads: Floats
    _rows: _Rows

    def at(self, effect: Floats) -> Floats:
        """Give what each rep's mix would come to, per unit of `x`, at another effect."""
        return self._rows.per_rep(self._rows.mean(effect)) / self._rows.per_rep(self._rows.x)

    def usual(self) -> Floats:
        """Give what peers would have reached in each of the rows that were fitted."""
        return self._rows.mean(np.zeros(len(self.reps)))

    def ends(self, quantile: float) -> tuple[Floats, Floats]:
        """Give the least and the greatest effect of each rep with which what was observed is no surprise.

        That is the score interval (Wilson, JASA 22, 1927): it holds where little was counted, or nothing or all of it
        happened, and is nowhere drawn to other reps. A surprise lies more than `quantile` standard errors off.
        """
        seen = self._rows.per_rep(self._rows.y)

        def end(side: float) -> Floats:
            near, far = np.zeros(len(seen)), np.full(len(seen), side * _ENDLESS)
            if self._rows.family == "mean":
                return np.asarray(self.effect + side * quantile * self.error)
            for _ in range(_HALVINGS):
                middle = (near + far) / 2
                spread = np.sqrt(self.spreads * self._rows.information(self.effect + middle))
                off = side * (self._rows.per_rep(self._rows.mean(self.effect + middle)) - seen)
                inside = off < quantile * spread
                near, far = np.where(inside, middle, near), np.where(inside, far, middle)
            return np.asarray(self.effect + near)

        return end(-1.0), end(1.0)


def fit_expected(rows: pd.DataFrame, attributes: Sequence[str], family: Family) -> Fitted:
    """Fit what peers reach, and how each rep differs from it.

    Parameters
    ----------
    rows
        A row for each rep and kind of work: ``rep_id``, the columns of `attributes` (null is a kind of its own) and the
        sums `SUMS` over its clusters.
    attributes
        What the kind of work is told by; each value gets a coefficient.
    family
        What is counted.

    Returns
    -------
    Fitted

    Notes
    -----
    A generalised linear mixed model by penalised quasi-likelihood (Breslow and Clayton, JASA 88, 1993): attributes are
    fixed effects, reps random ones with a variance by expectation and maximisation, so that a team's reps are compared
    with each other
    and with others on such work, as far as the data allow to tell the two apart. Standard errors are scaled by the
    dispersion pooled over all clusters (Liang and Zeger's working independence, with one scale), the effects centred on
    their precision-weighted median: a few who are far off do not shift what is expected of the others.
    """
    reps, codes = np.unique(rows["rep_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    places, size = _places(rows, attributes)
    data = _Rows(
        codes=codes.astype(np.intp),
        count=len(reps),
        places=places,
        size=size,
        family=family,
        base=np.zeros(len(rows)),
        **{name: rows[name].to_numpy(dtype=float) for name in SUMS[1:]},
    )
    clusters = np.bincount(codes, rows["n"].to_numpy(dtype=float), minlength=len(reps)).astype(np.int64)
    data, dispersion = _peers(data, clusters.sum())
    effect = _own(data)
    spread = np.sqrt(dispersion / np.maximum(data.information(effect), 1e-12))
    middle = _weighted_median(effect, 1 / spread**2)
    data = data.shifted(middle)
    effect = effect - middle
    none = np.zeros(len(reps))
    information = data.information(none)
    held = np.maximum(data.information(effect), 1e-12)
    spreads = _own_dispersion(data, effect, clusters, dispersion)
    surprise = data.per_rep(data.y - data.mean(none))
    weight = data.per_rep(data.x)
    return Fitted(
        reps=reps.astype(object),
        effect=effect,
        error=np.sqrt(spreads / held),
        score=surprise / np.sqrt(dispersion * np.maximum(information, 1e-12)),
        clusters=clusters,
        observed=data.per_rep(data.y) / weight,
        expected=data.per_rep(data.mean(none)) / weight,
        dispersion=dispersion,
        spreads=spreads,
        _rows=data,
    )


@dataclass(frozen=True)
class _Rows:
    """The rows as arrays; `base` is what attributes say of each, on the scale of the family.

    `places` has a row per attribute: the place of each row's value among all coefficients; the first of these is
    common to all.
    """

    codes: Ints
    count: int
    places: Ints
    size: int
    family: Family
    base: Floats
    y: Floats
    x: Floats
    yy: Floats
    xy: Floats
    xx: Floats

    def per_rep(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.codes, values, minlength=self.count), dtype=np.float64)

    def shifted(self, by: float) -> _Rows:
        return replace(self, base=self.base + by)

    def told_by(self, coefficients: Floats) -> _Rows:
        """Give the same rows with what attributes with these coefficients say."""
        return replace(self, base=coefficients[self.places].sum(axis=0))

    def unit(self, effect: Floats) -> Floats:
        """Give the mean for one unit of `x`."""
        scale = self.base + effect[self.codes]
        if self.family == "share":
            return np.asarray(special.expit(scale))
        return np.exp(np.clip(scale, -30, 30)) if self.family == "rate" else scale

    def mean(self, effect: Floats) -> Floats:
        return self.x * self.unit(effect)

    def weight(self, effect: Floats) -> Floats:
        """Give each row's information: the derivative of its mean."""
        unit = self.unit(effect)
        if self.family == "share":
            return self.x * unit * (1 - unit)
        return self.x * unit if self.family == "rate" else self.x

    def information(self, effect: Floats) -> Floats:
        return self.per_rep(self.weight(effect))

    def residual(self, effect: Floats) -> Floats:
        """Give the sum over each rep's clusters of their squared distance from the mean."""
        unit = self.unit(effect)
        return self.per_rep(self.yy - 2 * unit * self.xy + unit**2 * self.xx)

    def by_attribute(self, values: Floats) -> Floats:
        """Add values up by coefficient."""
        return np.asarray(sum(np.bincount(at, values, minlength=self.size) for at in self.places))

    def by_pairs(self, values: Floats) -> Floats:
        """Add values up by pair of coefficients."""
        found = np.zeros((self.size, self.size))
        for first, left in enumerate(self.places):
            for right in self.places[first:]:
                pairs = np.bincount(left * self.size + right, values, minlength=self.size**2)
                found += pairs.reshape(self.size, self.size)
        return found + found.T - np.diag(self.by_attribute(values))

    def by_rep_and_attribute(self, values: Floats) -> Floats:
        """Add values up by rep and coefficient."""
        length = self.count * self.size
        found = sum(np.bincount(self.codes * self.size + at, values, minlength=length) for at in self.places)
        return np.asarray(found).reshape(self.count, self.size)


def _places(rows: pd.DataFrame, attributes: Sequence[str]) -> tuple[Ints, int]:
    """Give the place of each row's values among the coefficients, and how many these are."""
    places: list[Ints] = [np.zeros(len(rows), dtype=np.intp)]
    size = 1
    for name in attributes:
        codes, values = pd.factorize(rows[name], use_na_sentinel=False)
        if len(values) > 1:
            places.append(codes.astype(np.intp) + size)
            size += len(values)
    return np.stack(places), size


def _peers(data: _Rows, clusters: int) -> tuple[_Rows, float]:
    """Fit attributes and reps together; give the rows with what attributes say of each, and the dispersion."""
    coefficients, effect = np.zeros(data.size), np.zeros(data.count)
    start = data.y.sum() / data.x.sum()
    if data.family == "share":
        coefficients[0] = special.logit(np.clip(start, 1e-6, 1 - 1e-6))
    else:
        coefficients[0] = np.log(max(start, 1e-12)) if data.family == "rate" else start
    mean_of = data.family == "mean"
    scale = np.sqrt(max(data.yy.sum() / max(clusters, 1) - start**2, 1e-12)) if mean_of else 1.0
    variance, trust = (0.3 * scale) ** 2, np.ones(data.count)
    ridge = np.full(data.size, _ATTRIBUTE_RIDGE / scale**2)
    dispersion = scale**2 if mean_of else 1.0
    for _ in range(_MOST_STEPS):
        data = data.told_by(coefficients)
        weight, gap = data.weight(effect), data.y - data.mean(effect)
        prior = dispersion * trust / variance
        held = data.per_rep(weight) + prior
        # The reps' part of the system is diagonal, so it is taken out first (Schur's complement).
        across = data.by_rep_and_attribute(weight)
        own = data.by_pairs(weight) + np.diag(ridge * dispersion)
        pull = data.by_attribute(gap) - ridge * dispersion * coefficients
        pull_reps = data.per_rep(gap) - prior * effect
        matrix = own - across.T @ (across / held[:, None])
        step = np.linalg.lstsq(matrix, pull - across.T @ (pull_reps / held), rcond=None)[0]
        step_reps = (pull_reps - across @ step) / held
        moved = np.abs(step[data.places].sum(axis=0) + step_reps[data.codes]).max()
        shorter = 1.0 if mean_of else min(1.0, 2.0 / max(moved, 1e-30))
        coefficients, effect = coefficients + shorter * step, effect + shorter * step_reps
        model = float(clusters) if mean_of else float(data.weight(effect).sum())
        free = clusters / max(clusters - data.size, 1)
        dispersion = max(float(data.residual(effect).sum()) / max(model, 1e-12) * free, 1e-12)
        size_of = effect**2 + dispersion / held
        for _ in range(_INNER_STEPS):
            trust = (_FREEDOM + 1) / (_FREEDOM + size_of / variance)
            variance = max(float(np.mean(trust * size_of)), 1e-6 * scale**2)
        if moved < _CLOSE * scale:
            break
    return data.told_by(coefficients), dispersion


def _own(data: _Rows) -> Floats:
    """Give each rep's own effect, with nothing held back but what keeps all or nothing from being endless."""
    effect = np.zeros(data.count)
    least = 0.0 if data.family == "mean" else 0.1
    for _ in range(_MOST_STEPS):
        gap = data.per_rep(data.y - data.mean(effect)) - least * effect
        step = gap / np.maximum(data.information(effect) + least, 1e-12)
        if data.family != "mean":
            step = np.clip(step, -1, 1)
        effect = effect + step
        if data.family != "mean":
            effect = np.clip(effect, -_WIDEST, _WIDEST)
        if np.abs(step).max() < 1e-9:
            break
    return effect


def _own_dispersion(data: _Rows, effect: Floats, clusters: npt.NDArray[np.int64], pooled: float) -> Floats:
    """Give each rep's own dispersion, drawn to the pooled one: who gives away more does so more unevenly, too."""
    model = clusters if data.family == "mean" else data.information(effect)
    own = data.residual(effect) / np.maximum(model, 1e-12)
    return np.asarray((_POOLED * pooled + clusters * own) / (_POOLED + clusters))


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    cumulated = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulated, cumulated[-1] / 2)])
