"""The key figures of deals at risk, as rows that a report shows and publishes, and what each means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spm_lib.models.flag_record import FlagRecord
from spm_lib.models.flags import Flags
from spm_lib.models.risk_card import RiskCard


@dataclass(frozen=True)
class Figure:
    """What a key figure means.

    Parameters
    ----------
    name, label
        For programs and for people.
    unit
        As of metrics.
    better
        Which direction is good; None where neither is.
    definition
        One sentence.
    """

    name: str
    label: str
    unit: str
    better: str | None
    definition: str


FIGURES = {
    figure.name: figure
    for figure in (
        Figure(
            "money_at_risk",
            "Money at risk",
            "currency",
            "lower",
            "Sum of the amounts of the open deals due by the end of the fiscal quarter, each times its chance to be lost, "
            "or to be due and not won by then.",
        ),
        Figure(
            "flagged_deals",
            "Deals flagged",
            "count",
            None,
            "Open deals that are more likely than not to be at risk, and clearly more so than deals of their stage and age "
            "are; where the data hold no reliable signal, those for which a rule holds.",
        ),
        Figure(
            "flags_came_true",
            "Flags that came true",
            "share",
            "higher",
            "Of the deals flagged about eight weeks before, the share that was lost within 30 days, or was due by then and "
            "not won.",
        ),
        Figure(
            "risk_skill",
            "Skill over 30 days",
            "share",
            "higher",
            "By how much the squared error of the model's chances lay below that of the best of what a manager has for "
            "free, on days after those it knew.",
        ),
        Figure(
            "risk_pairs",
            "Pairs told right",
            "share",
            "higher",
            "Of two deals, one of which came to be at risk within 30 days: how often that one had the higher chance (AUC). "
            "Guessing tells half of them right.",
        ),
        Figure(
            "risk_calibration",
            "Chances off by",
            "points",
            "lower",
            "The mean distance between the chance told and the share that came about, over ten groups of equal size.",
        ),
    )
}


def model_figures(card: RiskCard) -> pd.DataFrame:
    """Give the key figures of a model's card over 30 days, as rows like those of `risk_figures`."""
    rows = {str(row["horizon"]): row for row in card.judged.to_dict("records")}
    row = rows.get("30", {})
    values = {
        "risk_skill": (row.get("brier_skill"), row.get("low"), row.get("high")),
        "risk_pairs": (row.get("auc"), None, None),
        "risk_calibration": (row.get("calibration_error"), None, None),
    }
    n, note = int(row.get("deals", 0)), None if row else "no model was judged"
    told = {name: [_number(each) for each in three] for name, three in values.items()}
    return _rows(
        {name: (value, n, low, high) for name, (value, low, high) in told.items()}, dict.fromkeys(told, note)
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def risk_figures(flags: Flags, record: FlagRecord) -> pd.DataFrame:
    """Give the key figures as rows: metric, label, part, value, n, low, high, unit, note."""
    money, row = flags.money, record.flagged
    not_scored = None if flags.scored_on else "not scored"
    known = flags.signal and bool(money.n)
    values = {
        "money_at_risk": (money.at_risk if known else np.nan, money.n, money.low, money.high),
        "flagged_deals": (
            float(len(flags.flagged)) if flags.scored_on else np.nan,
            len(flags.deals),
            np.nan,
            np.nan,
        ),
        "flags_came_true": tuple(row[name] for name in ("value", "n", "low", "high"))
        if row
        else (np.nan, 0, np.nan, np.nan),
    }
    notes = {
        "money_at_risk": not_scored
        or (None if known else "no deal is due" if flags.signal else "no reliable signal"),
        "flagged_deals": not_scored,
        "flags_came_true": None if row else "no flags of eight weeks ago",
    }
    return _rows(values, notes)


def _rows(values: Mapping[str, Sequence[float]], notes: Mapping[str, str | None]) -> pd.DataFrame:
    """Give figures as rows: of each its value, n and interval, which is unknown where the value is."""
    return pd.DataFrame(
        [
            {
                "metric": name,
                "label": FIGURES[name].label,
                "part": None,
                "value": value,
                "n": int(n),
                "low": low if value == value else np.nan,
                "high": high if value == value else np.nan,
                "unit": FIGURES[name].unit,
                "note": notes[name],
            }
            for name, (value, n, low, high) in values.items()
        ]
    )
