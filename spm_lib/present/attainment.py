"""Charts against the plan: quota attainment with the pace to expect, and pipeline coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.present.audience import MANAGER
from spm_lib.present.chart import (
    both_ends,
    data_of,
    dimension_of,
    draw_chart,
    head_of,
    known_rows,
    reason_of,
    title_of,
)
from spm_lib.present.display import EMPTY, Block, clean, is_null, nothing
from spm_lib.present.prose import join_names, plural
from spm_lib.present.rows import Figures, bars, cut_marks, outlines, pace_line, plan_line, rows_board
from spm_lib.theme import Look, is_unknown, tone

BAR_LIMIT = 40
NO_QUOTA = "no quota"
#: A bar longer than this many plans is cut: one lucky rep shall not press all others to the wall.
_LONGEST = 2.0
_NEUTRAL = 0.05
_ONE = 0.005  # a pace this near to the plan is the plan: one line says both


def attainment_chart(
    frame: pd.DataFrame,
    *,
    expected: float | None = None,
    scale: float | None = None,
    period: str = "",
    look: Look | None = None,
    by: str | None = None,
    message: str = "",
    alt: str = "",
    audience: str = MANAGER,
) -> Block:
    """Draw quota attainment, a bar per rep or team, against the plan and the pace to expect.

    For the manager the highest stands on top. For others all stand by name, and nobody is marked as ahead or behind.

    Parameters
    ----------
    frame
        Rows of ``quota_attainment``: a dimension, value, n, low, high, note; and significant where known. Those
        without value are named as having no quota.
    expected
        The share of quota to expect at this point of the period.
    scale
        Where the axis ends, to be shared by figures of one unit; found where not given, and then marked.
    period
        The period, as people write it.
    look
        How numbers are written.
    by
        The column that names the rows; found where not given.
    message, alt
        The finding above the figure, and in its alt text; the alt text is made where not given.
    audience
        Who reads it: ``manager``, or others.
    """
    look = look or Look()
    if frame.empty or known_rows(frame).empty:
        return nothing(reason_of(frame, "nobody carries a quota in this period"), "Quota attainment")
    name = dimension_of(frame, by)
    ranked = audience == MANAGER
    frame = frame if ranked else by_name(frame, name)
    known = known_rows(frame)
    known = known.sort_values("value", ascending=False, kind="stable") if ranked else known
    shown = both_ends(known, BAR_LIMIT) if ranked else known.head(BAR_LIMIT)
    values = [float(v) for v in shown["value"]]
    longest = scale or min(max([*values, 1.0]), _LONGEST)
    judged = [_judge(row, expected if ranked else None) for row in shown.to_dict("records")]
    columns = [
        Figures("", [{"good": "▲", "bad": "▼", "neutral": ""}[j] for j in judged], judged),
        Figures("AC", [look.value(v, "share") for v in values], judged),
        Figures("n", [look.value(n, "count", compact=False) for n in shown["n"]], small=True),
    ]

    def paint() -> Figure:
        span = (min([*values, 0.0]), longest * 1.02)
        bottom = 20 if expected is not None else 4
        figure, axes = rows_board(list(shown[name]), columns, span=span, bottom=bottom)
        outlines(axes, [1.0] * len(values))
        bars(axes, [min(v, longest) for v in values])
        cut_marks(axes, values, longest)
        plan_line(axes, "PL 100%")
        if expected is not None and abs(expected - 1) > _ONE:
            pace_line(axes, f"usual by now {look.value(expected, 'share')}", expected)
        return figure

    title = title_of("Quota attainment in % of quota (PL)", period, "AC", own_scale=scale is None)
    return draw_chart(
        paint,
        alt=alt or _finding(known, name, expected, look, ranked=ranked),
        title=title,
        message=message,
        data=data_of(frame, {name: head_of(name)}, "share", title, look),
        notes=_remarks(frame, name, expected, longest, look, ranked=ranked),
    )


def _finding(known: pd.DataFrame, name: str, expected: float | None, look: Look, *, ranked: bool) -> str:
    said = f"Quota attainment of {plural(len(known), head_of(name).lower(), look=look)}, "
    if ranked:
        best, last = known.iloc[0], known.iloc[-1]
        said += (
            f"from {clean(best[name])} with {look.value(best['value'], 'share')} to {clean(last[name])} with "
            f"{look.value(last['value'], 'share')}"
        )
    else:
        low, high = (look.value(end, "share") for end in (known["value"].min(), known["value"].max()))
        said += f"in order of their names, {f'from {low} to {high}' if low != high else low}"
    if expected is not None:
        ahead = sum(float(v) >= expected for v in known["value"])
        are = "is" if ahead == 1 else "are"
        said += f". {ahead} {are} at or above the {look.value(expected, 'share')} that is usual by now"
    return f"{said}."


def _remarks(
    frame: pd.DataFrame, name: str, expected: float | None, longest: float, look: Look, *, ranked: bool
) -> list[str]:
    known = known_rows(frame)
    without = [row[name] for row in frame.to_dict("records") if is_unknown(row["value"])]
    said = []
    if expected is not None and ranked:
        level = "quota" if abs(expected - 1) <= _ONE else "usual pace"
        said.append(f"▲ clearly above, ▼ clearly below the {level}. Without either it is too close to call.")
    if len(known) > BAR_LIMIT:
        rest = plural(len(known) - BAR_LIMIT, head_of(name).lower(), look=look)
        said.append(
            f"The {BAR_LIMIT // 2} highest and lowest are drawn; the table holds {rest} between them."
            if ranked
            else f"The first {BAR_LIMIT} by name are drawn; the table holds {rest} more."
        )
    if any(float(v) > longest for v in known["value"]):
        said.append(f"Bars beyond {look.value(longest, 'share')} are cut, as the stroke marks.")
    if without:
        said.append(f"No quota: {join_names(without, limit=12)}.")
    return said


def coverage_chart(
    frame: pd.DataFrame,
    *,
    names: Sequence[str] = (),
    look: Look | None = None,
    by: str | None = None,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw the open pipeline of this and the next period against the quota that remains.

    Parameters
    ----------
    frame
        Rows of ``pipeline_coverage``, one per period or group: value (times the quota that remains), n, note.
    names
        What the rows are called; by default their periods, or the dimension that is found.
    look, by, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    met = [row.get("note") == "met" and is_unknown(row["value"]) for row in frame.to_dict("records")]
    if frame.empty or (known_rows(frame).empty and not any(met)):
        reason = reason_of(frame, "there is no quota to cover")
        # Without any quota there is nothing amiss with coverage: attainment has said it.
        return EMPTY if reason == NO_QUOTA else nothing(reason, "Pipeline coverage")
    column = by or ("period" if "period" in frame.columns else dimension_of(frame))
    frame = frame.assign(_name=[clean(name) for name in names or frame[column]])
    values = [0.0 if is_unknown(v) else float(v) for v in frame["value"]]
    written = [
        "quota met" if done else look.value(v, "ratio") for done, v in zip(met, frame["value"], strict=True)
    ]
    columns = [
        Figures("AC", written),
        Figures("n", [look.value(n, "count", compact=False) for n in frame["n"]], small=True),
    ]

    def paint() -> Figure:
        figure, axes = rows_board(
            list(frame["_name"]), columns, span=(min([0.0, *values]), max([1.0, *values]))
        )
        outlines(axes, [0.0 if done else 1.0 for done in met])
        bars(axes, values)
        plan_line(axes, "PL 1×")
        return figure

    said = [f"{clean(name)}: {text}" for name, text in zip(frame["_name"], written, strict=True)]
    title = title_of("Open pipeline expected to close, in times the quota that remains (PL)", "", "AC")
    return draw_chart(
        paint,
        alt=alt or f"Pipeline coverage in {', in '.join(said)}.",
        title=title,
        message=message,
        data=data_of(frame, {"_name": "Period"}, "ratio", title, look),
    )


def by_name(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Put rows in the order of their names, those without one last: an order that says nothing of who is first or last."""
    nameless = frame[name].isna()
    names = pd.Series([clean(each).casefold() for each in frame[name]], index=frame.index)
    order = pd.DataFrame({"nameless": nameless, "name": names})
    return frame.loc[order.sort_values(["nameless", "name"], kind="stable").index]


def _judge(row: Mapping[Any, Any], expected: float | None) -> str:
    """Judge a bar against the pace: by what `keep_discoveries` kept, else by its interval, else beyond five points."""
    if expected is None:
        return "neutral"
    value = float(row["value"])
    if not is_null(row.get("significant")):
        sure = bool(row["significant"])
    elif is_unknown(row.get("low")) or is_unknown(row.get("high")):
        sure = abs(value - expected) > _NEUTRAL
    else:
        sure = not float(row["low"]) <= expected <= float(row["high"])
    return tone(value - expected, "higher", significant=sure)
