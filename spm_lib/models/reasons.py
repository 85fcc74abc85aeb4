"""Why a deal is at risk: what features add to its score, grouped by what a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from spm_lib.models.features import custom_features
from spm_lib.models.rules import QUIET_DAYS

#: What a reason adds to the log-odds at least.
LEAST_POINTS = 0.1
#: From which share of a stage's 90th percentile on a deal is slow in it; where that is unknown, and for silence: from how
#: many times the usual on.
SLOW, TIMES_USUAL = 0.75, 3

#: The features that are one reason together.
GROUPS: dict[str, tuple[str, ...]] = {
    "quiet": ("days_since_activity", "activities_7", "activities_14", "activities_30", "activity_trend"),
    "pushed": ("pushes", "days_pushed", "pulls"),
    "stalled": ("days_in_stage", "stage_time_ratio", "age_days"),
    "single_contact": ("contacts",),
    "amount_cut": ("amount_ratio", "amount_cuts", "amount_raises"),
    "moved_back": ("moves_back",),
    "no_next_step": ("next_step_missing",),
    "handed_over": ("owner_changes",),
    "overdue": ("days_to_expected_close",),
    "owner": ("owner_open_deals", "owner_win_rate"),
}
#: What no one can act on, and is never given as a reason.
BACKGROUND: dict[str, tuple[str, ...]] = {
    "context": ("context", "month", "stages_skipped"),
    "customer": ("account_won", "account_lost", "account_open_deals", "industry", "segment", "region"),
    "kind": ("deal_type", "source", "product", "forecast_category"),
    "size": ("log_amount",),
}
_GROUP_OF = {
    feature: group for groups in (GROUPS, BACKGROUND) for group, some in groups.items() for feature in some
}

_Usual = Mapping[str, float]


def _above(frame: pd.DataFrame, usual: _Usual, name: str) -> pd.Series:
    return frame[name] > TIMES_USUAL * usual.get(name, np.nan)


#: On which rows the fact that a reason tells of is there, given what is usual.
_PRESENT: dict[str, Callable[[pd.DataFrame, _Usual], pd.Series]] = {
    "quiet": lambda frame, usual: (
        _above(frame, usual, "days_since_activity")
        | (
            (frame["days_since_activity"] >= QUIET_DAYS)
            & (frame["days_since_activity"] > usual.get("days_since_activity", np.nan))
        )
    ),
    "pushed": lambda frame, usual: frame["pushes"] > 0,
    "stalled": lambda frame, usual: (
        (frame["stage_time_ratio"] > SLOW)
        | (frame["stage_time_ratio"].isna() & _above(frame, usual, "days_in_stage"))
    ),
    "single_contact": lambda frame, usual: frame["contacts"] == 1,
    "amount_cut": lambda frame, usual: (frame["amount_ratio"] < 1) | (frame["amount_cuts"] > 0),
    "moved_back": lambda frame, usual: frame["moves_back"] > 0,
    "no_next_step": lambda frame, usual: frame["next_step_missing"] == 1,
    "handed_over": lambda frame, usual: frame["owner_changes"] > 0,
    "overdue": lambda frame, usual: frame["days_to_expected_close"] < 0,
    "owner": lambda frame, usual: (
        (frame["owner_win_rate"] < usual.get("owner_win_rate", np.nan))
        | (frame["owner_open_deals"] > usual.get("owner_open_deals", np.nan))
    ),
}


@dataclass(frozen=True)
class Reason:
    """One reason for a deal's risk.

    Parameters
    ----------
    group
        One of `GROUPS`, or the name of a custom field (``x_…``).
    points
        What it adds to the log-odds of being at risk, against the usual deal in the same stage.
    facts
        What is known of the deal: the group's features by name, and what is usual as ``usual_<feature>``;
        None where unknown.
    """

    group: str
    points: float
    facts: Mapping[str, float | str | None]

    def to_json(self) -> dict[str, Any]:
        """Give the reason as values that JSON has."""
        return {"group": self.group, "points": round(self.points, 6), "facts": dict(self.facts)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(str(plain["group"]), float(plain["points"]), dict(plain["facts"]))


def group_of(feature: str) -> str:
    """Give the group that a column of contributions belongs to; a custom field is its own."""
    return _GROUP_OF.get(feature, feature)


def grouped(contributions: pd.DataFrame) -> pd.DataFrame:
    """Add up contributions by group: the base, every group of reasons, custom fields, the background.

    Parameters
    ----------
    contributions
        A column per feature, as `DealRisk.contributions` gives them.

    Returns
    -------
    DataFrame
        With the same index; its columns add up to the raw score as well.
    """
    names: dict[str, list[str]] = {}
    for name in contributions.columns:
        names.setdefault(group_of(name), []).append(name)
    return pd.DataFrame(
        {group: contributions[some].to_numpy().sum(axis=1) for group, some in names.items()},
        index=contributions.index,
    )


def told(
    frame: pd.DataFrame, contributions: pd.DataFrame, usual: Mapping[str, float], limit: int = 3
) -> list[list[Reason]]:
    """Give each deal's reasons, the weightiest first.

    Parameters
    ----------
    frame
        Features, a row per landmark.
    contributions
        What each adds to the score, of the same rows in the same order.
    usual
        The usual value of each number.
    limit
        How many reasons to give at most.

    Returns
    -------
    list of list of Reason
        For each row. A reason is given where it adds more than `LEAST_POINTS` and the fact that it tells of is there:
        a deal is called quiet only if it is quieter than usual.
    """
    points = grouped(contributions)
    # A custom field may have gone from the source since the model learned from it.
    points = points[[name for name in points.columns if name in GROUPS or name in custom_features(frame)]]
    if not len(frame) or not points.shape[1]:
        return [[] for _ in range(len(frame))]
    names = list(points.columns)
    present = np.column_stack([_present(frame, name, usual) for name in names])
    weights = np.where(present, points.to_numpy(), 0.0)
    best = np.argsort(-weights, axis=1, kind="stable")[:, :limit]
    values = {name: _values(frame, name) for group in names for name in GROUPS.get(group, (group,))}
    given = np.take_along_axis(weights, best, axis=1)
    return [
        [
            _reason(names[place], point, values, row, usual)
            for place, point in zip(places, points_here, strict=True)
            if point > LEAST_POINTS
        ]
        for row, (places, points_here) in enumerate(zip(best.tolist(), given.tolist(), strict=True))
    ]


def _reason(
    group: str, points: float, values: Mapping[str, list[Any]], row: int, usual: Mapping[str, float]
) -> Reason:
    facts: dict[str, float | str | None] = {}
    for name in GROUPS.get(group, (group,)):
        facts[name] = values[name][row]
        if name in usual:
            facts[f"usual_{name}"] = usual[name]
    return Reason(group, points, facts)


def _present(frame: pd.DataFrame, group: str, usual: Mapping[str, float]) -> np.ndarray:
    if group in _PRESENT:
        return _PRESENT[group](frame, usual).to_numpy(dtype=bool, na_value=False)
    return frame[group].notna().to_numpy()


def _values(frame: pd.DataFrame, name: str) -> list[Any]:
    column = frame[name]
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=float, na_value=np.nan).round(6)
        plain = numbers.astype(object)
        plain[np.isnan(numbers)] = None
        return list(plain)
    return column.astype(object).where(column.notna(), None).tolist()
