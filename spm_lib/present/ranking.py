"""Teams side by side: ranked by their gap to plan, what moved each, and where the latest month is a signal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pandas as pd

from spm_lib.present.display import TITLE_LIMIT, Block, clean, is_null, nothing
from spm_lib.present.findings.rows import holds, row_of
from spm_lib.present.findings.signals import is_signal, latest_name
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown, tone

ALL, NO_TEAM = "All teams", "No team"


class Described(Protocol):
    """What a table needs to know of a metric."""

    @property
    def name(self) -> str:
        """What programs call it."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def better(self) -> str | None:
        """Which direction is good."""


def team_gaps(plan: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """Put what is known of each team in one row, the largest shortfall first.

    Parameters
    ----------
    plan
        Rows of `against_plan` by team, through `keep_discoveries`.
    moved
        Rows of a revenue change by team, through `keep_discoveries`.

    Returns
    -------
    DataFrame
        team, team_name, against, value with low, high, n and significant, revenue, due, pace, previous, note. The value is
        the gap to plan, and against is ``plan``; where no team has a plan, it is the change of revenue, and against is
        ``previous``. Teams without one come last.
    """
    plans = _by_team(plan, "metric")
    changes = _by_team(moved, "part")
    planned = any(not is_unknown(rows["plan_gap"]["value"]) for rows in plans.values() if "plan_gap" in rows)
    found = []
    for team in dict.fromkeys([*plans, *changes]):
        target, change = plans.get(team, {}), changes.get(team, {})
        gap = target.get("plan_gap", {}) if planned else change.get("change", {})
        sold = target.get("plan_revenue", {}).get("value") if planned else None
        source = next(iter({**target, **change}.values()))
        found.append(
            {
                "team": team,
                "team_name": _named(team, source),
                "against": "plan" if planned and not is_unknown(gap.get("value")) else "previous",
                "value": gap.get("value"),
                "low": gap.get("low"),
                "high": gap.get("high"),
                "n": (gap if planned else change.get("now", {})).get("n")
                if not is_unknown(gap.get("value"))
                else None,
                "significant": holds(target.get("quota_attainment", {}) if planned else gap),
                "revenue": change.get("now", {}).get("value") if is_unknown(sold) else sold,
                "due": target.get("plan_to_date", {}).get("value"),
                "pace": target.get("quota_pace", {}).get("value"),
                "previous": change.get("before", {}).get("value"),
                "note": gap.get("note"),
            }
        )
    columns = [*("team", "team_name", "against", "value", "low", "high", "n", "significant")]
    frame = pd.DataFrame(found, columns=[*columns, "revenue", "due", "pace", "previous", "note"])
    numbers = ["value", "low", "high", "revenue", "due", "pace", "previous"]
    frame[numbers] = frame[numbers].astype("float64")
    # Deals of nobody's team are no team to rank.
    nobody = frame["team"].isna() & frame["value"].isna()
    return frame[~nobody].sort_values(["value", "team_name"], na_position="last", ignore_index=True)


def ranking_table(
    gaps: pd.DataFrame,
    trends: pd.DataFrame,
    *,
    plan: pd.DataFrame,
    change: pd.DataFrame,
    period: str,
    previous: str,
    look: Look,
) -> Block:
    """Show the teams by their gap, with the revenue of their last months.

    Parameters
    ----------
    gaps
        Rows of `team_gaps`.
    trends
        Rows of `signals` by team, revenue among them.
    plan, change
        Rows of `against_plan` and of the revenue change for the whole scope: the last row.
    period, previous
        The periods, as people write them.
    look
        How numbers are written.
    """
    if gaps.empty:
        return nothing("there are no teams")
    planned = bool((gaps["against"] == "plan").any())
    rows = gaps.join(_months(trends, "revenue", gaps["team"]))
    whole = {str(row["part"]): row for row in change.to_dict("records")}
    columns, total, judged = _of_plan(plan) if planned else _of_change(whole)
    # The gap comes first: on a phone there is room for little more.
    gap = Column(
        "Gap" if planned else "Change", "difference", of="currency", better="higher", sure="significant"
    )
    caption = (
        f"Gap to plan, {look.currency}, {period}, the largest shortfall first"
        if planned
        else f"Change in revenue on {previous}, {look.currency}, {period}, the largest fall first"
    )
    return table(
        rows,
        {
            "team_name": Column("Team", "team", key="team"),
            "value": gap,
            "low": Column("95% interval", "interval", high="high", of="currency"),
            **columns,
            "n": Column("n", "count"),
            "trend": Column("Revenue by month", "trend", of="currency", low="lower", high="upper"),
        },
        caption=caption,
        look=look,
        total={"team_name": ALL, **{name: judged[name] for name in ("value", "low", "high")}, **total}
        if len(rows) > 1
        else None,
        notes=[
            "n: won deals." if planned else "n: decided deals.",
            "Band: the range within which a month varies by chance alone."
            if rows["lower"].notna().any()
            else "",
        ],
    )


def _of_plan(plan: pd.DataFrame) -> tuple[dict[str, Column | str], dict[str, Any], dict[Any, Any]]:
    """Give the columns of a ranking by plan, its last row, and the row with the whole's gap."""
    names = ("plan_revenue", "plan_to_date", "plan_gap", "quota_pace")
    revenue, due, gap, pace = (row_of(plan, name) for name in names)
    columns: dict[str, Column | str] = {
        "pace": Column("Pace", "ratio"),
        "revenue": Column("Revenue (AC)", "currency"),
        "due": Column("Plan to date (PL)", "currency"),
    }
    total = {"revenue": revenue["value"], "due": due["value"], "pace": pace["value"], "n": gap["n"]}
    return columns, total | {"significant": holds(row_of(plan, "quota_attainment"))}, gap


def _of_change(
    whole: Mapping[str, Mapping[Any, Any]],
) -> tuple[dict[str, Column | str], dict[str, Any], Mapping[Any, Any]]:
    """Give the columns of a ranking by the change of revenue, its last row, and the row with the whole's change."""
    columns: dict[str, Column | str] = {
        "revenue": Column("Revenue (AC)", "currency"),
        "previous": Column("PP", "currency"),
    }
    total = {"revenue": whole["now"]["value"], "previous": whole["before"]["value"], "n": whole["now"]["n"]}
    return columns, total | {"significant": holds(whole["change"])}, whole["change"]


def moved_table(moved: pd.DataFrame, whole: pd.DataFrame, *, period: str, previous: str, look: Look) -> Block:
    """Show what moved each team's revenue: across, the steps add up; down, the teams do.

    Parameters
    ----------
    moved, whole
        Rows of a revenue change by team and for the whole scope, through `keep_discoveries`.
    period, previous, look
        As in `ranking_table`.
    """
    teams = _by_team(moved, "part")
    found = [
        {"team": team, "team_name": _named(team, rows["now"])} | _steps(rows)
        for team, rows in teams.items()
        if not is_unknown(rows["now"]["value"])
        and (rows["now"]["n"] or rows["before"]["n"] or team is not None)
    ]
    frame = pd.DataFrame(found)
    if frame.empty:
        notes = [row["note"] for row in whole.to_dict("records") if not is_null(row["note"])]
        return nothing(notes[0] if notes else "no team is known", "What moved each team")
    frame = frame.sort_values(["change", "team_name"], ignore_index=True)
    steps = {
        part: Column(label, "difference", of="currency", better="higher", sure=f"{part}_sure")
        for part, label in (
            ("decided_deals", "Deals decided"),
            ("win_rate", "Win rate"),
            ("deal_size", "Deal size"),
        )
    }
    summed = _steps({str(row["part"]): row for row in whole.to_dict("records")})
    # A team has no mix: what the teams' numbers of deals did together is the number's and the mix's.
    summed["decided_deals"] += summed["team_mix"]
    summed["decided_deals_sure"] = False
    total = {"team_name": ALL} | summed
    return table(
        frame,
        {
            "team_name": Column("Team", "team", key="team"),
            "before": Column("PP", "currency"),
            **steps,
            "now": Column("AC", "currency"),
            "n": Column("n", "count"),
        },
        caption=f"What moved revenue, {look.currency}, {period} (AC) on {previous} (PP)",
        look=look,
        total=total if len(frame) > 1 else None,
        notes=[
            "Coloured: beyond normal variation. n: decided deals of both periods."
            + (" The total of deals decided holds the mix of teams too." if len(frame) > 1 else "")
        ],
    )


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
    frame = pd.DataFrame({"team": teams, "team_name": [_named(team, rows[team]) for team in teams]})
    columns: dict[str, Column | str] = {"team_name": Column("Team", "team", key="team")}
    for metric in metrics:
        own = f"{metric.name}_"
        part = _months(told, metric.name, frame["team"], better=metric.better, look=look)
        frame = frame.join(part.add_prefix(own))
        unit = str(told.loc[told["metric"] == metric.name, "unit"].iloc[0])
        trend = Column(f"{metric.label} by month", "trend", of=unit, low=f"{own}lower", high=f"{own}upper")
        columns[f"{own}trend"] = trend
        columns[f"{own}written"] = Column(month, "written", tone=f"{own}tone")
        columns[f"{own}lower"] = Column("Usual range", "interval", high=f"{own}upper", of=unit)
    return table(
        frame.sort_values("team_name", ignore_index=True),
        columns,
        caption=f"{month} against the range within which a month varies by chance alone",
        look=look,
        notes=[
            "▲ or ▼: a signal. Everything else lies within normal variation, or has too few months to tell."
        ],
    )


def _named(team: object, row: Mapping[Any, Any]) -> str:
    """Give a team's name, clean but whole: tables cut it."""
    return NO_TEAM if team is None else clean(row["team_name"], TITLE_LIMIT)


def _by_team(frame: pd.DataFrame, key: str) -> dict[Any, dict[str, dict[Any, Any]]]:
    """Give the rows of each team by metric or part; None stands for deals of nobody's team."""
    found: dict[Any, dict[str, dict[Any, Any]]] = {}
    for row in frame.to_dict("records"):
        team = None if is_null(row["team"]) else row["team"]
        found.setdefault(team, {})[str(row[key])] = row
    return found


def _steps(rows: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
    """Give the value of each part, and whether it is beyond chance."""
    values = {part: row["value"] for part, row in rows.items()}
    return values | {f"{part}_sure": holds(row) for part, row in rows.items()} | {"n": rows["change"]["n"]}


def _months(
    trends: pd.DataFrame,
    metric: str,
    teams: pd.Series[Any],
    *,
    better: str | None = None,
    look: Look | None = None,
) -> pd.DataFrame:
    """Give the values of a metric's months for each of `teams`, their limits, and the latest one written and judged."""
    own = trends[trends["metric"] == metric] if "metric" in trends.columns else trends
    found = []
    for team in teams:
        rows = own[own["team"].isna() if is_null(team) else own["team"] == team].to_dict("records")
        latest = next((row for row in rows if row["latest"]), None)
        one: dict[str, Any] = {
            "trend": [row["value"] for row in rows],
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
