"""Deals to look at together: the open deals of a rep that best show what to work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from spm_lib.models.coaching.steps import step_name

#: At most so many deals are named for a lever.
MOST_DEALS = 3

Shows = Callable[[pd.DataFrame], pd.Series]


def _quiet(frame: pd.DataFrame) -> pd.Series:
    return frame["days_since_activity"].where(frame["days_since_activity"] >= 7)


def _untidy(frame: pd.DataFrame) -> pd.Series:
    overdue = (-frame["days_to_expected_close"]).clip(lower=0).fillna(0)
    found = overdue + 30 * (frame["next_step_missing"] == 1)
    return found.where(found > 0)


#: For each lever: the feature that a deal is shown with, and how well each deal shows it (null: not at all).
_SHOWN: Mapping[str, tuple[str, Shows]] = {
    # Deals that go on soon show nothing of what is lost in a step.
    "stage_conversion": ("days_in_stage", lambda frame: frame["days_in_stage"]),
    "win_rate": ("stage", lambda frame: frame["amount"] * frame["stage_position"].fillna(1)),
    "deal_size": ("amount", lambda frame: -frame["amount"].where(frame["amount"] > 0)),
    "discount": ("stage", lambda frame: frame["amount"] * frame["stage_position"].fillna(1)),
    "cycle_length": (
        "days_in_stage",
        lambda frame: frame["days_in_stage"].where(frame["days_in_stage"] > 14),
    ),
    "activity": ("activities_30", lambda frame: frame["amount"] / (1 + frame["activities_30"])),
    "activity_spread": ("days_since_activity", _quiet),
    "follow_up": ("days_since_activity", _quiet),
    "slippage": ("pushes", lambda frame: frame["pushes"].where(frame["pushes"] > 0)),
    "hygiene": ("next_step_missing", _untidy),
}


def review_deals(named: pd.DataFrame, open_deals: pd.DataFrame) -> list[list[dict[str, Any]]]:
    """Give, for each named lever, the open deals that best show it.

    Parameters
    ----------
    named
        ``rep_id``, ``lever`` and ``part``, a row per lever that is named of a rep.
    open_deals
        Features of the deals open on the day (see `spm_lib.models.features.deal_features`).

    Returns
    -------
    list of list of dict
        In the order of `named`, at most `MOST_DEALS` each: ``deal_id``, ``fact`` (the feature that shows it) and
        ``value``. None for deals created, which no open deal shows.
    """
    by_owner = {str(owner): rows for owner, rows in open_deals.groupby("owner_id")}
    none = open_deals.iloc[:0]
    return [
        _of(str(row.lever), str(row.part), by_owner.get(str(row.rep_id), none))
        for row in named.itertuples(index=False)
    ]


def _of(lever: str, part: str, deals: pd.DataFrame) -> list[dict[str, Any]]:
    if lever not in _SHOWN or deals.empty:
        return []
    fact, shows = _SHOWN[lever]
    if part:
        deals = deals[(deals["stage"] == part) | (step_name(deals["stage"], deals["pipeline"]) == part)]
    order = deals.assign(_shows=shows(deals)).dropna(subset="_shows")
    # Of deals that show it alike the larger one is worth more of two people's time.
    order = order.sort_values(["_shows", "amount", "deal_id"], ascending=[False, False, True]).head(
        MOST_DEALS
    )
    return [
        {"deal_id": str(row["deal_id"]), "fact": fact, "value": _plain(row[fact])}
        for row in order.to_dict("records")
    ]


def _plain(value: Any) -> str | float | None:
    if value is None or pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)
