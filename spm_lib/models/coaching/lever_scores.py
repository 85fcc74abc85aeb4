"""Levers scored: how each rep stands on each against peers on the same work, how sure that is, and who may be named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from spm_lib.models.coaching.evidence import Evidence
from spm_lib.models.coaching.expected import Fitted, fit_expected
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.shrinkage import COVERAGE, differ, shrunk
from spm_lib.models.coaching.worth import ENDING, in_money, with_usual_revenue

Floats = npt.NDArray[np.float64]

#: Chance of naming anybody where all are alike on a lever, and share of wrong ones among all that are named.
ALPHA = 0.05
#: At most so many levers are named of a person.
MOST = 2
#: Who is behind with less than this probability is not named.
SURE = 0.8
#: A difference worth less than this share of a quarter's revenue is not worth a talk.
LEAST_WORTH = 0.01
#: Money that comes once is held against that of so many quarters, a year, when levers are put in order.
ORDER_QUARTERS = 4

#: Levers of which more of what is counted is worse.
_FEWER_IS_BETTER = frozenset({"discount", "slippage"})
#: Levers whose numbers readers know in another form than they are compared in.
_TOLD_AS: Mapping[str, Callable[[Floats], Floats]] = {
    "deal_size": lambda mean: np.asarray(np.exp(mean)),
    "cycle_length": lambda rate: np.asarray(1 / np.maximum(rate, 1e-9)),
}


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
        effect and error (on the scale of the model, positive is better), score, behind, ahead.
    p_value
        Of reps being alike.
    """

    evidence: Evidence
    fitted: Fitted
    frame: pd.DataFrame
    p_value: float

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """Give, by rep, between what observed − expected truly lies by the rep's own numbers alone: gap_low, gap_high."""
        told, fitted = _told(self.evidence.lever), self.fitted
        quantile = float(stats.norm.ppf((1 + COVERAGE) / 2))
        expected = told(fitted.at(np.zeros(len(fitted.reps))))
        ends = np.sort([told(fitted.at(end)) - expected for end in fitted.ends(quantile)], axis=0)
        return pd.DataFrame(
            {"gap_low": ends[0], "gap_high": ends[1]}, index=pd.Index(fitted.reps, name="rep_id")
        )

    @property
    def fact(self) -> dict[str, Any]:
        """What a reader may know of the lever as a whole, as plain values."""
        rows = self.evidence.rows
        told = _told(self.evidence.lever)
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
    told, sign = _told(lever.name), _sign(lever.name)

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
            "shrunk_low": shrink.low,
            "shrunk_high": shrink.high,
            "effect": sign * fitted.effect[kept],
            "error": fitted.error[kept],
            "score": sign * fitted.score[kept],
            "behind": shrink.below if sign > 0 else shrink.above,
            "ahead": shrink.above if sign > 0 else shrink.below,
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
        A row for each rep at work now, see `spm_lib.models.coaching.usual_quarter.usual_quarters`.

    Returns
    -------
    DataFrame
        The frames of `measured` for these reps, with ``worth`` (what a quarter's revenue would gain with the lever at the
        middle of the rep's peers, null where that is not known, 0 for who is not behind), ``worth_low`` and ``worth_high``
        (the same at the ends of the lever's interval), ``comes`` (whether that money comes each quarter, or once),
        ``middle_of`` (``team``, or ``company`` where too few of a team are measured), ``named`` and ``stands_out``.

    Notes
    -----
    Named is who is behind beyond chance, by the score test of each and with a false discovery rate of `ALPHA` over all
    reps and levers, also those on which reps are alike (Benjamini and Hochberg, JRSS B 57, 1995): levers are chosen by
    the same numbers, so leaving the others out would make chance look like a finding. Besides, reps must differ on the
    lever at all. Who stands out is told in the same way, on the other side.
    """
    measured = list(measured)
    reps = with_usual_revenue(reps, measured)
    parts = [_with_worth(each, reps) for each in measured]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=[*_COLUMNS]).astype({"named": bool, "stands_out": bool})
    frame = pd.concat(parts, ignore_index=True)
    score = frame["score"].to_numpy()
    low, high = (stats.false_discovery_control(stats.norm.cdf(side)) < ALPHA for side in (score, -score))
    found = low & frame["differs"]
    frame["stands_out"] = high & frame["differs"] & (frame["ahead"] >= SURE)
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
    """Order named rows of a company by money × probability of being behind, the surest first where that is the same."""
    weight = money_a_quarter(frame).fillna(usual_money(frame)) * frame["behind"]
    order = frame.assign(_weight=weight)
    order = order.sort_values(["_weight", "score", "lever", "part"], ascending=[False, True, True, True])
    return order.drop(columns="_weight")


def money_a_quarter(frame: pd.DataFrame) -> pd.Series:
    """Give what rows of levers are worth in each quarter of a year; null where nobody knows."""
    once = frame["lever"].map(lambda lever: lever in LEVERS and LEVERS[lever].comes == "once").astype(bool)
    return frame["worth"].astype("float64").where(~once, frame["worth"] / ORDER_QUARTERS)


def usual_money(frame: pd.DataFrame) -> float:
    """Give the middle of what named rows are worth a quarter: by it those of unknown worth are put in order."""
    known = money_a_quarter(frame[frame["named"].astype(bool)]).dropna()
    return float(known.median()) if len(known) else 1.0


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
    "worth_low",
    "worth_high",
    "comes",
    "stands_out",
    "middle_of",
)


def _sign(lever: str) -> float:
    """Give 1 where more of what is counted is better, else −1."""
    return -1.0 if lever in _FEWER_IS_BETTER else 1.0


def _told(lever: str) -> Callable[[Floats], Floats]:
    """Give what turns a lever's values into the form in which readers know them."""
    return _TOLD_AS.get(lever, np.asarray)


def _told_by_another(frame: pd.DataFrame) -> pd.Series:
    """Tell which named rows on how deals end are told better by another of the same rep."""
    ending = frame[frame["named"] & frame["lever"].isin(ENDING)]
    best = ending.sort_values("score").drop_duplicates("rep_id").index
    return pd.Series(frame.index.isin(ending.index.difference(best)), index=frame.index)


def _with_worth(measured: Measured, reps: pd.DataFrame) -> pd.DataFrame:
    frame = measured.frame.merge(reps, on="rep_id", how="inner")
    if frame.empty:
        return frame
    frame = in_money(measured, frame)
    frame["differs"] = measured.p_value < ALPHA
    return frame[[name for name in (*_COLUMNS, "ahead", "differs", "revenue") if name in frame]]
