"""Levers scored: how each rep stands on each against peers on the same work, how sure that is, and who may be named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from spm_lib.models.coaching.evidence import Evidence
from spm_lib.models.coaching.expected import Fitted, fit_expected
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.shrinkage import differ, shrunk

Floats = npt.NDArray[np.float64]

#: Chance of naming anybody where all are alike on a lever, and share of wrong ones among all that are named.
ALPHA = 0.05
#: At most so many levers are named of a person.
MOST = 2
#: Who is behind with less than this probability is not named.
SURE = 0.8
#: A difference worth less than this share of a quarter's revenue is not worth a talk.
LEAST_WORTH = 0.01

#: Levers of which more of what is counted is worse.
_FEWER_IS_BETTER = frozenset({"discount", "slippage"})
#: Levers that tell of one thing, the whole or a step of it: of one rep only what shows most is named.
_ENDING = ("win_rate", "stage_conversion")
#: Levers whose numbers readers know in another form than they are compared in.
_TOLD_AS: Mapping[str, Callable[[Floats], Floats]] = {
    "deal_size": lambda mean: np.asarray(np.exp(mean)),
    "cycle_length": lambda rate: np.asarray(1 / np.maximum(rate, 1e-9)),
}
#: A team's middle is told where so many people make it up; else it is the company's.
LEAST_PEOPLE = 5


@dataclass(frozen=True)
class Measured:
    """One lever, or part of one, measured on all reps.

    Parameters
    ----------
    evidence
        What was counted.
    fitted
        How reps differ.
    frame
        A row per rep: rep_id, lever, part, n, observed, expected, difference, low, high (all in the lever's unit),
        effect and error (on the scale of the model, positive is better), score, behind.
    p_value
        Of reps being alike.
    """

    evidence: Evidence
    fitted: Fitted
    frame: pd.DataFrame
    p_value: float

    @property
    def fact(self) -> dict[str, Any]:
        """What a reader may know of the lever as a whole, as plain values."""
        rows = self.evidence.rows
        told: Callable[[Floats], Floats] = _TOLD_AS.get(self.evidence.lever, np.asarray)
        return {
            "lever": self.evidence.lever,
            "part": self.evidence.part,
            "reps": len(self.frame),
            "differ": bool(self.p_value < ALPHA),
            "p_value": float(self.p_value),
            "usual": float(told(np.array(rows["y"].sum() / rows["x"].sum()))),
            "attributes": list(self.evidence.attributes),
        }


def measure(evidence: Evidence) -> Measured | None:
    """Compare the reps on one lever; None where no two of them have enough evidence."""
    lever = LEVERS[evidence.lever]
    enough = evidence.rows.groupby("rep_id")["n"].sum() >= lever.least
    counted, most = evidence.rows["y"].sum(), evidence.rows["x"].sum()
    # Where nothing or all of it happened nothing tells people apart.
    if enough.sum() < 2 or not counted or (evidence.family == "share" and counted >= most):
        return None
    fitted = fit_expected(evidence.rows, evidence.attributes, evidence.family)
    kept = fitted.clusters >= lever.least
    shrink = shrunk(fitted.effect[kept], fitted.error[kept])
    told: Callable[[Floats], Floats] = _TOLD_AS.get(lever.name, np.asarray)
    sign = -1.0 if lever.name in _FEWER_IS_BETTER else 1.0

    def at(effect: Floats) -> Floats:
        whole = np.zeros(len(kept))
        whole[kept] = effect
        return told(fitted.at(whole))[kept]

    expected = at(np.zeros(kept.sum()))
    bounds = np.sort(np.stack([at(shrink.low) - expected, at(shrink.high) - expected]), axis=0)
    frame = pd.DataFrame(
        {
            "rep_id": fitted.reps[kept],
            "lever": lever.name,
            "part": evidence.part,
            "n": fitted.clusters[kept],
            "observed": told(fitted.observed[kept]),
            "expected": expected,
            "difference": at(shrink.told) - expected,
            "low": bounds[0],
            "high": bounds[1],
            "shrunk": shrink.mean,
            "effect": sign * fitted.effect[kept],
            "error": fitted.error[kept],
            "score": sign * fitted.score[kept],
            "behind": shrink.below if sign > 0 else shrink.differs - shrink.below,
        }
    )
    return Measured(evidence, fitted, frame, differ(frame["score"].to_numpy()))


def lever_scores(measured: Iterable[Measured], reps: pd.DataFrame) -> pd.DataFrame:
    """Put all levers together, tell what each is worth, and choose whom to name.

    Parameters
    ----------
    measured
        The levers.
    reps
        A row for each rep at work now: ``rep_id``, ``team``, ``revenue`` (of a usual quarter at work, in the reporting
        currency;
        null where unknown), ``cycle`` (mean days to win; null where unknown) and a column for each pipeline with its share
        of the revenue.

    Returns
    -------
    DataFrame
        The frames of `measured` for these reps, with ``worth`` (what a quarter's revenue would gain with the lever at the
        team's median, null where that is not known, 0 for who is not behind) and ``named``.

    Notes
    -----
    Named is who is behind beyond chance, by the score test of each and with a false discovery rate of `ALPHA` over all
    reps and levers (Benjamini and Hochberg, JRSS B 57, 1995), on a lever on which reps differ at all.
    """
    parts = [_with_worth(each, reps) for each in measured]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=[*_COLUMNS]).astype({"named": bool})
    frame = pd.concat(parts, ignore_index=True)
    p_value = stats.norm.cdf(frame["score"].to_numpy())
    asked = frame["differs"].to_numpy(dtype=bool)
    found = np.zeros(len(frame), dtype=bool)
    if asked.any():
        found[asked] = stats.false_discovery_control(p_value[asked]) < ALPHA
    worth = frame["worth"].to_numpy()
    least = LEAST_WORTH * frame["revenue"].fillna(0.0).to_numpy()
    matters = np.isnan(worth) | ((worth > 0) & (worth >= least))
    frame["named"] = found & matters & (frame["behind"] >= SURE)
    frame["named"] &= ~_told_by_another(frame)
    order = by_priority(frame[frame["named"]])
    kept = order.groupby("rep_id").head(MOST).index
    frame["named"] = frame.index.isin(kept)
    return frame[[*_COLUMNS]]


def by_priority(frame: pd.DataFrame) -> pd.DataFrame:
    """Order rows of levers by worth × probability of being behind; those of unknown worth last, the surest first."""
    weight = frame["worth"] * frame["behind"]
    order = frame.assign(_weight=weight, _score=frame["score"] if "score" in frame else -frame["behind"])
    order = order.sort_values(["_weight", "_score", "lever", "part"], ascending=[False, True, True, True])
    return order.drop(columns=["_weight", "_score"])


_COLUMNS = (
    "rep_id",
    "lever",
    "part",
    "n",
    "observed",
    "expected",
    "difference",
    "low",
    "high",
    "behind",
    "named",
    "worth",
    "effect",
    "error",
    "score",
)


def _told_by_another(frame: pd.DataFrame) -> pd.Series:
    """Tell which named rows on how deals end are told better by another of the same rep."""
    ending = frame[frame["named"] & frame["lever"].isin(_ENDING)]
    best = ending.sort_values("score").drop_duplicates("rep_id").index
    return pd.Series(frame.index.isin(ending.index.difference(best)), index=frame.index)


def _with_worth(measured: Measured, reps: pd.DataFrame) -> pd.DataFrame:
    frame = measured.frame.merge(reps, on="rep_id", how="inner")
    if frame.empty:
        return frame
    middle = frame.groupby("team")["shrunk"].transform("median")
    people = frame.groupby("team")["shrunk"].transform("size")
    middle = middle.where(people >= LEAST_PEOPLE, frame["shrunk"].median())
    gained = _gained(measured, frame, middle.to_numpy(dtype=float))
    behind = (
        np.sign(middle - frame["shrunk"]) * (-1 if measured.evidence.lever in _FEWER_IS_BETTER else 1) > 0
    )
    frame["worth"] = np.where(behind, np.maximum(gained, 0.0), np.where(np.isnan(gained), np.nan, 0.0))
    frame["differs"] = measured.p_value < ALPHA
    return frame[[*_COLUMNS[:10], "worth", "effect", "error", "score", "differs", "revenue"]]


def _gained(measured: Measured, frame: pd.DataFrame, middle: Floats) -> Floats:
    """Give what a quarter's revenue would gain with the lever at `middle`, where that follows from what revenue is made of.

    Revenue is deals × share won × amount × what is left of it. A shorter cycle brings the same revenue earlier, once. What
    activity, follow-up, close dates and hygiene would bring, nobody knows from data of one company in which nothing
    was tried.
    """
    lever, part = measured.evidence.lever, measured.evidence.part
    revenue = frame["revenue"].to_numpy(dtype=float)
    own = frame["shrunk"].to_numpy(dtype=float)
    if lever in ("deals_created", "deal_size"):
        return np.asarray(revenue * np.expm1(middle - own))
    if lever == "discount":
        return np.asarray(revenue * ((1 - frame["expected"] - middle) / (1 - frame["expected"] - own) - 1))
    if lever in _ENDING:
        place = {rep: at for at, rep in enumerate(measured.fitted.reps)}
        where = frame["rep_id"].map(place).to_numpy()
        whole_own, whole_middle = (np.zeros(len(place)) for _ in range(2))
        whole_own[where], whole_middle[where] = own, middle
        ratio = (measured.fitted.at(whole_middle) / measured.fitted.at(whole_own))[where]
        rows = measured.evidence.rows
        pipeline = rows["pipeline"].iloc[0] if part and "pipeline" in rows else None
        share = frame[f"in {pipeline}"].to_numpy(dtype=float) if f"in {pipeline}" in frame else 1.0
        return np.asarray(revenue * share * (ratio - 1))
    if lever == "cycle_length":
        saved = frame["cycle"].to_numpy(dtype=float) * -np.expm1(own - middle)
        return np.asarray(revenue * np.minimum(saved / _QUARTER_DAYS, 1.0))
    return np.full(len(frame), np.nan)


_QUARTER_DAYS = 91.31
