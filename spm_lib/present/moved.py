"""What moved each team's revenue: teams down, steps across, and both add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import Block, holds, is_null, nothing
from spm_lib.present.tables import Column, table
from spm_lib.present.teams import ALL, by_team, named
from spm_lib.theme import Look, is_unknown


def moved_table(moved: pd.DataFrame, whole: pd.DataFrame, *, period: str, previous: str, look: Look) -> Block:
    """Show what moved each team's revenue: across, the steps add up; down, the teams do.

    Parameters
    ----------
    moved, whole
        Rows of a revenue change by team and for the whole scope, through `keep_discoveries`.
    period, previous, look
        As in `ranking_table`.
    """
    teams = by_team(moved, "part")
    found = [
        {"team": team, "team_name": named(team, rows["now"])} | _steps(rows)
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


def _steps(rows: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
    """Give the value of each part, and whether it is beyond chance."""
    values = {part: row["value"] for part, row in rows.items()}
    return values | {f"{part}_sure": holds(row) for part, row in rows.items()} | {"n": rows["change"]["n"]}
