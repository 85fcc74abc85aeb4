"""Rows of teams: what a team is called, and its rows by metric or part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import NO_TEAM, TITLE_LIMIT, clean, is_null

ALL = "All teams"


def named(team: object, row: Mapping[Any, Any]) -> str:
    """Give a team's name, clean but whole: tables cut it."""
    return NO_TEAM if team is None else clean(row["team_name"], TITLE_LIMIT)


def by_team(frame: pd.DataFrame, key: str) -> dict[Any, dict[str, dict[Any, Any]]]:
    """Give the rows of each team by metric or part; None stands for deals of nobody's team."""
    found: dict[Any, dict[str, dict[Any, Any]]] = {}
    for row in frame.to_dict("records"):
        team = None if is_null(row["team"]) else row["team"]
        found.setdefault(team, {})[str(row[key])] = row
    return found
