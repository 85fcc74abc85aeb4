"""Charts of differences: what moved revenue step by step, and how far teams are from plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.present.chart import (
    both_ends,
    dimension_of,
    draw_chart,
    head_of,
    known_parts,
    known_rows,
    reason_of,
    title_of,
)
from spm_lib.present.display import Block, clean, holds, is_null, nothing
from spm_lib.present.prose import plural
from spm_lib.present.rows import Figures, link, room_of, rows_board, variances, whiskers
from spm_lib.present.tables import Column, table
from spm_lib.theme import LIGHT, Look, is_unknown, tone

BAR_LIMIT = 40
CHANGE = "Change in revenue"
#: What people call the steps from one revenue to the next.
STEPS = {
    "decided_deals": "Deals decided",
    "team_mix": "Mix of teams",
    "win_rate": "Win rate",
    "deal_size": "Deal size",
}

_KEY = "Filled: beyond normal variation. Pale: within it, or too few deals to tell."


def bridge_chart(
    frame: pd.DataFrame,
    *,
    period: str = "",
    previous: str = "",
    scale: float | None = None,
    look: Look | None = None,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw what each factor did to revenue, one step beginning where the last one ended, and what they come to.

    Parameters
    ----------
    frame
        Rows of a revenue change for the whole scope or one group: part (before, decided_deals, team_mix, win_rate,
        deal_size, now, change), value, low, high, n, factor, previous_factor, factor_unit, up and down; and
        significant where known.
    period, previous
        The periods, as people write them.
    scale
        How far the axis reaches either way, to be shared by figures of one unit; found where not given, and then marked.
    look, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    rows = known_parts(frame)
    if "change" not in rows:
        reason = reason_of(frame, "there is no earlier period to compare with")
        return nothing(reason, "What moved revenue")
    # Whatever the mix did is a step, or the steps would not come to the change.
    mixed = "team_mix" in rows and float(rows["team_mix"]["value"]) != 0
    several = mixed or any(float(row["up"]) + float(row["down"]) > 1 for row in rows.values())
    parts = [part for part in STEPS if part in rows and (part != "team_mix" or several)]
    steps, level = [], 0.0
    for part in parts:
        steps.append((level, level + float(rows[part]["value"])))
        level = steps[-1][1]
    told = [*(rows[part] for part in parts), rows["change"]]
    steps.append((0.0, float(rows["change"]["value"])))
    names = [*(STEPS[part] for part in parts), CHANGE]
    sure = [holds(row) for row in told]
    tones = [tone(row["value"], "higher") for row in told]
    written = [look.difference(row["value"], "currency") for row in told]
    judged = [t if s else "neutral" for t, s in zip(tones, sure, strict=True)]
    columns = [Figures("AC − PP", written, judged)]
    beneath = [_moved(row, rows, several, look) for row in told]

    def paint() -> Figure:
        ends = [0.0, *(end for pair in steps for end in pair)]
        span = (-scale, scale) if scale else (min(ends), max(ends))
        figure, axes = rows_board(names, columns, span=span, row=38, beneath=beneath)
        variances(axes, steps, tones, sure)
        for at, (_, ends_at) in enumerate(steps[:-1]):
            link(axes, at, ends_at)
        axes.axhline(len(steps) - 1.5, color=LIGHT.muted, linewidth=0.8, zorder=1)
        return figure

    before = clean(previous or "the period before")
    said = ", ".join(f"{name.lower()} {text}" for name, text in zip(names[:-1], written[:-1], strict=True))
    title = title_of(f"What moved revenue, in {look.currency}", period, "AC − PP", own_scale=scale is None)
    shown: dict[str, Column | str] = {"_name": "Step"}
    if not several:
        shown["previous_factor"] = Column("PP", "number", of=":factor_unit")
        shown["factor"] = Column("AC", "number", of=":factor_unit")
    data = table(
        pd.DataFrame([row | {"_name": name} for row, name in zip(told[:-1], names[:-1], strict=True)]),
        {
            **shown,
            "value": Column(
                "Effect on revenue", "difference", of="currency", better="higher", sure="significant"
            ),
            "low": Column("95% interval", "interval", high="high", of="currency"),
            "n": Column("n", "count"),
        },
        caption=title,
        look=look,
        total={"_name": CHANGE, "value": told[-1]["value"], "significant": sure[-1]},
    )
    note = next((str(row["note"]) for row in told if not is_null(row.get("note"))), "")
    return draw_chart(
        paint,
        alt=alt or f"Revenue {written[-1]} on {before}: {said}.",
        title=title,
        message=message,
        data=data,
        notes=[f"PP: {before}. {_KEY}", f"{note[:1].upper()}{note[1:]}." if note else ""],
    )


def gap_chart(
    frame: pd.DataFrame,
    *,
    period: str = "",
    scale: float | None = None,
    look: Look | None = None,
    by: str | None = None,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw each team's gap to plan, or its change where there is no plan, the largest shortfall first, with the interval.

    Parameters
    ----------
    frame
        A row per team as `team_gaps` gives them: a dimension, against (plan or previous), value (money, signed), low,
        high, n, pace; and significant where known.
    period
        The period as people write it.
    scale
        How far the axis reaches either way; found where not given, and then marked.
    look, by, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    planned = bool((frame["against"] == "plan").any())
    measure, codes = ("Gap to plan", "AC − PL") if planned else (CHANGE, "AC − PP")
    if known_rows(frame).empty:
        return nothing(reason_of(frame, "nothing is known of this period"), measure)
    name = dimension_of(frame, by)
    known = known_rows(frame).sort_values("value", kind="stable")
    shown = both_ends(known, BAR_LIMIT)
    rows = shown.to_dict("records")
    values = [float(row["value"]) for row in rows]
    sure, tones = [holds(row) for row in rows], [tone(v, "higher") for v in values]
    judged = [t if s else "neutral" for t, s in zip(tones, sure, strict=True)]
    columns = [Figures(codes, [look.difference(v, "currency") for v in values], judged)]
    if planned:
        columns.append(Figures("pace", [look.value(row["pace"], "ratio") for row in rows]))
    columns.append(Figures("n", [look.value(row["n"], "count", compact=False) for row in rows], small=True))
    bounds = [_bounds(row) for row in rows]

    def paint() -> Figure:
        ends = [0.0, *values, *(end for pair in bounds if pair for end in pair)]
        span = (-scale, scale) if scale else (min(ends), max(ends))
        room = room_of([(list(shown[name]), columns)])
        figure, axes = rows_board(list(shown[name]), columns, span=span, room=room)
        variances(axes, [(0.0, v) for v in values], tones, sure)
        whiskers(axes, bounds)
        return figure

    worst, best = known.iloc[0], known.iloc[-1]
    made = f"{measure}: {look.difference(worst['value'], 'currency')} in {clean(worst[name])}"
    if len(known) > 1:
        made += f", the lowest, to {look.difference(best['value'], 'currency')} in {clean(best[name])}"
    notes = [_KEY + " Thin lines: 95% intervals."]
    if len(known) > BAR_LIMIT:
        rest = plural(len(known) - BAR_LIMIT, head_of(name).lower(), look=look)
        notes.append(
            f"The {BAR_LIMIT // 2} lowest and highest are drawn. The table holds {rest} between them."
        )
    title = title_of(f"{measure} in {look.currency}", period, codes, own_scale=scale is None)
    heads: dict[str, Column | str] = {
        name: head_of(name),
        "value": Column(codes, "difference", of="currency", better="higher", sure="significant"),
        "low": Column("95% interval", "interval", high="high", of="currency"),
        **({"pace": Column("Pace", "ratio")} if planned else {}),
        "n": Column("n", "count"),
    }
    return draw_chart(
        paint,
        alt=alt or made + ".",
        title=title,
        message=message,
        data=table(known, heads, caption=title, look=look),
        notes=notes,
    )


def _moved(row: Mapping[Any, Any], rows: Mapping[str, Mapping[Any, Any]], several: bool, look: Look) -> str:
    """Say from what to what a step's factor went; of several teams' own factors, in how many they went up and down."""
    part = row["part"]
    if part == "change":
        pair: Sequence[Any] = [rows[end]["value"] for end in ("before", "now") if end in rows]
        unit = "currency"
    elif part == "team_mix":
        return "who decided them"
    elif several and part != "decided_deals":
        ways = [(way, row[way]) for way in ("up", "down") if row[way]]
        if not ways:
            return "the same in every team"
        *first, (last, count) = ways
        return ", ".join(
            [*(f"{way} in {n}" for way, n in first), f"{last} in {plural(count, 'team', look=look)}"]
        )
    else:
        pair, unit = [row.get("previous_factor"), row.get("factor")], str(row.get("factor_unit"))
    return " to ".join(look.value(value, unit, compact=True) for value in pair)


def _bounds(row: Mapping[Any, Any]) -> tuple[float, float] | None:
    low, high = row.get("low"), row.get("high")
    if is_unknown(low) or is_unknown(high):
        return None
    return float(low), float(high)  # type: ignore[arg-type]
