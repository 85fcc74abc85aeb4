"""Teams side by side, ranked by their gap to plan or, where there is no plan, by their change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import Block, clean, holds, nothing
from spm_lib.present.findings.rows import row_of
from spm_lib.present.months import months_of, trend_column
from spm_lib.present.prose import join_names
from spm_lib.present.tables import Column, table
from spm_lib.present.teams import ALL, by_team, named
from spm_lib.theme import Look, is_unknown


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
    plans = by_team(plan, "metric")
    changes = by_team(moved, "part")
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
                "team_name": named(team, source),
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
    months = months_of(trends, "revenue", gaps["team"])
    rows = gaps.join(months)
    if planned:
        # Revenue stands against the plan: what is sold without a quota need not be in the last row.
        rows["revenue"] = rows["revenue"].where(rows["against"] == "plan")
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
            "trend": trend_column("Revenue", months, "currency"),
        },
        caption=caption,
        look=look,
        total={"team_name": ALL, **{name: judged[name] for name in ("value", "low", "high")}, **total}
        if len(rows) > 1
        else None,
        notes=[
            "n: won deals." if planned else "n: decided deals.",
            _without_quota(gaps, look) if planned else "",
            _apart(rows, {"value": judged["value"], **total}, look) if planned and len(rows) > 1 else "",
            "Small trends: complete months, each team's on a scale of its own, with the range within which a month varies "
            "by chance alone as a band.",
        ],
    )


def _without_quota(gaps: pd.DataFrame, look: Look) -> str:
    """Say what teams without a quota have sold: beside plans it would stand in a column that it is not added to."""
    told = [
        f"{clean(row['team_name'], 40)} ({look.value(row['revenue'], 'currency')} of revenue)"
        for row in gaps.to_dict("records")
        if row["against"] != "plan" and not is_unknown(row["revenue"])
    ]
    return f"Without a quota: {join_names(told, limit=6, what='other team')}." if told else ""


def _apart(rows: pd.DataFrame, total: Mapping[str, Any], look: Look) -> str:
    """Say by how much the last row differs from the sum of the teams, where a reader who adds them up would see it."""
    told = []
    for name, label in (("revenue", "revenue"), ("due", "plan to date"), ("value", "gap")):
        if is_unknown(total[name]):
            continue
        whole, summed = float(total[name]), float(rows[name].sum())
        written = look.value(whole, "currency")
        # To the cent: sums of doubles are off by less.
        gap = round(abs(whole - summed), 2)
        if gap and written != look.value(summed, "currency"):
            by = look.value(gap, "currency")
            told.append(f"{label} {by} {'more' if whole > summed else 'less'}")
    if not told:
        return ""
    return (
        f"{ALL} is not the sum of the rows ({join_names(told)}): it counts each deal once, and a quota set for several "
        "teams at once in place of theirs."
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
