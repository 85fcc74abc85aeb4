"""Teams month by month: small trends side by side, and where the latest complete month is a signal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from spm_lib.present.about import Described
from spm_lib.present.display import Block, is_null, nothing
from spm_lib.present.findings.signals import is_signal, latest_name, latest_start
from spm_lib.present.tables import Column, table
from spm_lib.present.teams import named
from spm_lib.theme import Look, is_unknown, tone


def signal_table(trends: pd.DataFrame, metrics: Iterable[Described], *, look: Look) -> Block:
    """Show for each team the last months of some metrics, and the latest complete one against its usual range.

    Parameters
    ----------
    trends
        Rows of `signals` by team, through `keep_discoveries`.
    metrics
        Which metrics, in this order.
    look
        How numbers are written.
    """
    told = trends[trends["team"].notna()] if not trends.empty else trends
    if told.empty or not told["latest"].any():
        return nothing("no month is complete yet", "Signal and noise")
    month = latest_name(told)
    teams = list(dict.fromkeys(told["team"]))
    rows = {row["team"]: row for row in told.to_dict("records")}
    frame = pd.DataFrame({"team": teams, "team_name": [named(team, rows[team]) for team in teams]})
    columns: dict[str, Column | str] = {"team_name": Column("Team", "team", key="team")}
    for metric in metrics:
        own = f"{metric.name}_"
        part = months_of(told, metric.name, frame["team"], better=metric.better, look=look)
        frame = frame.join(part.add_prefix(own))
        unit = str(told.loc[told["metric"] == metric.name, "unit"].iloc[0])
        columns[f"{own}trend"] = trend_column(metric.label, part, unit, own)
        columns[f"{own}written"] = Column(month, "written", tone=f"{own}tone")
        columns[f"{own}lower"] = Column("Usual range", "interval", high=f"{own}upper", of=unit)
    return table(
        frame.sort_values("team_name", ignore_index=True),
        columns,
        caption=f"{month} against the range within which a month varies by chance alone",
        look=look,
        notes=[
            "▲ or ▼: a signal. Everything else lies within normal variation, or has too few months to tell.",
            "Small trends: complete months, with the usual range as a band; of one figure on one scale, unless its head "
            "says own scale.",
        ],
    )


def trend_column(label: str, part: pd.DataFrame, unit: str, own: str = "") -> Column:
    """Give the column of a metric's small trends.

    Parameters
    ----------
    label, unit
        What the metric is called, and its unit.
    part
        Its months, as `months_of` gives them.
    own
        What the names of the frame's columns begin with.
    """
    head = f"{label}, complete months"
    low, high = f"{own}lower", f"{own}upper"
    # Money grows with a team's size: on one scale the small teams would be flat.
    if unit == "currency":
        return Column(f"{head} · own scale", "trend", of=unit, low=low, high=high)
    known = [float(value) for values in part["trend"] for value in values if not is_unknown(value)]
    span = (min(known), max(known)) if known else None
    return Column(head, "trend", of=unit, low=low, high=high, span=span)


def months_of(
    trends: pd.DataFrame,
    metric: str,
    teams: pd.Series[Any],
    *,
    better: str | None = None,
    look: Look | None = None,
) -> pd.DataFrame:
    """Give a metric's complete months for each of `teams`, their limits, and the latest one written and judged.

    A team of which nothing is known in the latest month has nothing written: an earlier one is another month.
    """
    own = trends[trends["metric"] == metric] if "metric" in trends.columns else trends
    start = latest_start(trends) if trends["latest"].astype(bool).any() else None
    found = []
    for team in teams:
        rows = own[own["team"].isna() if is_null(team) else own["team"] == team].to_dict("records")
        latest = next((row for row in rows if row["latest"] and row["start"] == start), None)
        one: dict[str, Any] = {
            # The month that is not over would look like a fall.
            "trend": [row["value"] for row in rows if row["complete"]],
            "lower": rows[-1]["lower"] if rows else None,
            "upper": rows[-1]["upper"] if rows else None,
            "written": None,
            "tone": "neutral",
        }
        if latest is not None and look is not None and not is_unknown(latest["value"]):
            one["written"] = look.value(latest["value"], str(latest["unit"]))
            if is_signal(latest):
                above = float(latest["value"]) > float(latest["centre"])
                one["written"] = f"{'▲' if above else '▼'} {one['written']}"
                one["tone"] = tone(1 if above else -1, better)
        found.append(one)
    return pd.DataFrame(found, columns=["trend", "lower", "upper", "written", "tone"])
