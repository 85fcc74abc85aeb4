"""Signal and noise: what the latest complete month says, and where it says nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import holds, is_null
from spm_lib.present.findings.rows import lower, team_of
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look


def trend_finding(frame: pd.DataFrame, labels: Mapping[str, str], look: Look) -> str:
    """Say whether the latest complete month is a signal; nothing, where there are too few months to tell.

    Parameters
    ----------
    frame
        Rows of `signals` for one group, through `keep_discoveries`.
    labels
        What the metrics are called.
    """
    judged = _judged(frame)
    if not judged:
        return ""
    found = [row for row in judged if is_signal(row)]
    name = latest_name(frame)
    if not found:
        if len(judged) == 1:
            return sentence(f"the {lower(labels[judged[0]['metric']])} of {name} is within normal variation")
        return sentence(f"{name} is within normal variation in all {len(judged)} figures")
    return sentences([_said(row, lower(labels[str(row["metric"])]), look) for row in found])


def signals_finding(frame: pd.DataFrame, labels: Mapping[str, str], look: Look) -> str:
    """Say in which teams the latest complete month is a signal; nothing, where there are too few months to tell.

    Parameters
    ----------
    frame
        Rows of `signals` by team, through `keep_discoveries`.
    labels
        What the metrics are called.
    """
    judged = _judged(frame)
    if not judged:
        return ""
    found = [row for row in judged if is_signal(row)]
    teams = len({row["team"] for row in judged})
    name = latest_name(frame)
    where = "every team" if teams > 1 else team_of(judged[0])
    if not found:
        return sentence(f"{name} is within normal variation in {where}")
    if len(found) <= 2:
        return sentences(
            [_said(row, f"{lower(labels[str(row['metric'])])} of {team_of(row)}", look) for row in found]
        )
    names = list(dict.fromkeys(team_of(row) for row in found))
    return sentence(
        f"{len(found)} of {plural(len(judged), 'figure')} stand out in {name}, in {join_names(names)}"
    )


def latest_name(frame: pd.DataFrame) -> str:
    """Name the latest complete month in which anything is known: ``July 2026``."""
    start = latest_start(frame)
    label = str(frame.loc[frame["latest"].astype(bool) & (frame["start"] == start), "period"].iloc[0])
    return f"{start:%B %Y}" if label == f"{start:%Y-%m}" else label


def latest_start(frame: pd.DataFrame) -> dt.date:
    """Give the first day of the month that `latest_name` names: a team without a win in it is not told of an earlier one."""
    start: dt.date = frame.loc[frame["latest"].astype(bool), "start"].max()
    return start


def _judged(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    if "latest" not in frame.columns or "significant" not in frame.columns:
        return []
    rows = frame[frame["latest"].astype(bool) & frame["p_value"].notna()]
    return list(rows.to_dict("records"))


def is_signal(row: Mapping[Any, Any]) -> bool:
    """Tell whether a month is a signal: it breaks a rule, and survives the false-discovery rate."""
    signal = row.get("signal")
    return holds(row) and not is_null(signal) and bool(signal)


def _said(row: Mapping[Any, Any], what: str, look: Look) -> str:
    value, unit = float(row["value"]), str(row["unit"])
    side = "above" if value > float(row["centre"]) else "below"
    if str(row["rule"]).startswith("outside"):
        usual = look.interval(row["lower"], row["upper"], unit)
        n = look.value(row["n"], "count", compact=False)
        return f"{what} is {side} its usual range: {look.value(value, unit)} (n {n}) against {usual}"
    return f"{what} has been {side} its mean of {look.value(row['centre'], unit)} for eight months or more"
