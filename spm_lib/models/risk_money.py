"""The money of open deals that is at risk: of a whole scope, and by team or rep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spm_lib.metrics.intervals import Z


@dataclass(frozen=True)
class Money:
    """The money of open deals due by a day, and how much of it is at risk.

    Parameters
    ----------
    due
        Sum of the amounts of the open deals due.
    at_risk
        The same, each amount times its chance to be at risk; NaN where there is no model.
    usual
        The same by the past rates of deals as old in the same stage.
    low, high
        95 % interval of `at_risk`: deals taken as independent, ± 1.96 √Σ amount² p (1 − p), between 0 and `due`.
    n
        Number of deals due.
    unknown
        How many of them carry no amount, and count for nothing.
    """

    due: float
    at_risk: float
    usual: float
    low: float
    high: float
    n: int
    unknown: int


def money_at_risk(deals: pd.DataFrame) -> Money:
    """Add up the money of the deals due, and how much of it is at risk.

    Parameters
    ----------
    deals
        Rows of `deals_at_risk`.

    Returns
    -------
    Money
        The variance is that of a sum of independent yes-or-no outcomes, Σ amount² p (1 − p).
    """
    due = deals[deals["due"].astype(bool)]
    amounts = due["amount"].astype("float64").fillna(0.0).to_numpy()
    chances = due["at_risk"].astype("float64").to_numpy()
    total = float(amounts.sum())
    known = bool(len(due)) and not np.isnan(chances).any()
    risk = float((amounts * chances).sum()) if known else np.nan
    half = Z * float(np.sqrt((amounts**2 * chances * (1 - chances)).sum())) if known else np.nan
    return Money(
        due=total,
        at_risk=risk,
        usual=float((amounts * due["usual_at_risk"].astype("float64").to_numpy()).sum())
        if len(due)
        else np.nan,
        low=max(0.0, risk - half) if known else np.nan,
        high=min(total, risk + half) if known else np.nan,
        n=len(due),
        unknown=int(due["amount"].isna().sum()),
    )


def money_by(deals: pd.DataFrame, by: str) -> pd.DataFrame:
    """Add up the money due and at risk for each team or rep, most at risk first.

    Parameters
    ----------
    deals
        Rows of `deals_at_risk`.
    by
        ``team`` or ``rep``.

    Returns
    -------
    DataFrame
        `by`, its name, due, at_risk, low, high (money), n (deals due), flagged (deals flagged, due or not).
    """
    rows = []
    for key, own in deals.groupby(by, dropna=False, sort=True):
        money = money_at_risk(own)
        rows.append(
            {
                by: key,
                f"{by}_name": own[f"{by}_name"].iloc[0],
                "due": money.due,
                "at_risk": money.at_risk,
                "low": money.low,
                "high": money.high,
                "n": money.n,
                "flagged": int(own["flagged"].sum()),
            }
        )
    columns = [by, f"{by}_name", "due", "at_risk", "low", "high", "n", "flagged"]
    # As objects: text of a damaged export is no error here.
    found = pd.DataFrame(rows, columns=columns, dtype=object)
    found = found.astype({name: "int64" if name in ("n", "flagged") else "float64" for name in columns[2:]})
    return found.sort_values(["at_risk", "due", by], ascending=[False, False, True], ignore_index=True)
