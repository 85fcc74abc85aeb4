"""The rules that a manager has for free, and how much each tells on the company's own past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm

from spm_lib.metrics.intervals import Z
from spm_lib.models.inputs import stage_of

#: Days without activity from which a deal is quiet, and pushes from which it is pushed.
QUIET_DAYS, PUSHES = 14, 2
#: Deals that a rule must have held for before it is shown.
FEWEST_DEALS = 30

#: Each rule, and on which rows of a frame of features it holds; never where the feature is unknown.
RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "quiet": lambda frame: frame["days_since_activity"] >= QUIET_DAYS,
    "overdue": lambda frame: frame["days_to_expected_close"] < 0,
    "pushed": lambda frame: frame["pushes"] >= PUSHES,
    "stalled": lambda frame: frame["stage_time_ratio"] > 1,
    "single_contact": lambda frame: frame["contacts"] == 1,
    "amount_cut": lambda frame: frame["amount_ratio"] < 1,
    "moved_back": lambda frame: frame["moves_back"] > 0,
    "no_next_step": lambda frame: frame["next_step_missing"] == 1,
}


def holding(frame: pd.DataFrame) -> pd.DataFrame:
    """Tell which rules hold.

    Parameters
    ----------
    frame
        Features, a row per landmark.

    Returns
    -------
    DataFrame
        A boolean column per rule, with the index of `frame`.
    """
    return pd.DataFrame(
        {name: holds(frame).to_numpy(dtype=bool, na_value=False) for name, holds in RULES.items()},
        index=frame.index,
    )


def measure(frame: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Measure what each rule tells of the deals that it held for.

    Parameters
    ----------
    frame
        Features, a row per landmark.
    labels
        ``due``, ``at_risk`` and ``known`` of the same rows, in the same order.

    Returns
    -------
    DataFrame
        One row per rule: ``rule``; ``n`` landmarks and ``deals`` that it held for; ``coverage``, the share of all
        landmarks; ``rate``, the share of them that came to be at risk; ``usual``, the share that their stages and due
        dates let expect; ``lift`` = rate / usual, with its 95 % interval ``low`` to ``high``; ``shown``, whether the lift
        is clearly above 1 though all rules were asked. Null where a rule never held.

    Notes
    -----
    A deal is many landmarks and one observation: the interval is the delta method's for the logarithm of a ratio of sums
    over deals (Cochran, Sampling Techniques, 3rd ed. 1977, section 6.4).
    """
    known = labels["known"].to_numpy(dtype=bool)
    frame, labels = frame[known], labels[known]
    risk = labels["at_risk"].to_numpy(dtype=float)
    stages = stage_of(frame).fillna("").astype(str) + labels["due"].astype(str).to_numpy()
    usual = pd.Series(risk).groupby(stages.to_numpy()).transform("mean").to_numpy()
    deals, _ = pd.factorize(frame["deal_id"].astype(object), sort=True)
    holds = holding(frame)
    rows = [{"rule": name, **_measured(holds[name].to_numpy(), risk, usual, deals)} for name in RULES]
    return pd.DataFrame(rows)


def _measured(holds: np.ndarray, risk: np.ndarray, usual: np.ndarray, deals: np.ndarray) -> dict[str, object]:
    n = int(holds.sum())
    unknown = float("nan")
    told: dict[str, object] = {"n": n, "deals": len(np.unique(deals[holds])), "coverage": unknown}
    told |= {name: unknown for name in ("rate", "usual", "lift", "low", "high")} | {"shown": False}
    if not n:
        return told | ({"coverage": 0.0} if len(holds) else {})
    told |= {
        "coverage": n / len(holds),
        "rate": float(risk[holds].mean()),
        "usual": float(usual[holds].mean()),
    }
    came, expected = (np.bincount(deals[holds], weights=values[holds]) for values in (risk, usual))
    if not came.sum() > 0:
        return told | {"lift": 0.0} if expected.sum() > 0 else told
    lift = float(came.sum() / expected.sum())
    spread = float(np.sqrt(((came - lift * expected) ** 2).sum()) / came.sum())
    low, high = lift * np.exp(-Z * spread), lift * np.exp(Z * spread)
    enough = len(np.unique(deals[holds])) >= FEWEST_DEALS
    # So many rules are asked at once that some would seem to tell by chance: Bonferroni's share of the 5 % for each.
    least = lift * np.exp(-norm.isf(0.025 / len(RULES)) * spread)
    shown = bool(enough and least > 1)
    return told | {"lift": lift, "low": float(low), "high": float(high), "shown": shown}
