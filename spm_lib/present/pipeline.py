"""Charts of the pipeline: how many deals reached each stage, and what moved it between two days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.metrics.movement import PARTS
from spm_lib.present.chart import data_of, draw_chart, known_parts, known_rows, reason_of, title_of
from spm_lib.present.display import Block, clean, nothing
from spm_lib.present.prose import join_names, plural
from spm_lib.present.rows import Figures, bars, link, rows_board
from spm_lib.theme import LIGHT, Look, is_unknown


def funnel_chart(
    frame: pd.DataFrame, *, period: str = "", look: Look | None = None, message: str = "", alt: str = ""
) -> Block:
    """Draw how many deals reached each stage, and the share that went on; each pipeline by itself, on one scale.

    Parameters
    ----------
    frame
        Rows of ``stage_conversion`` in the order of the stages: part (the stage), value (the share that reached
        the next), n (deals that reached it), low, high; and pipeline where there are several.
    period, look, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    if frame.empty or not any(not is_unknown(n) and float(n) for n in frame["n"]):
        return nothing(reason_of(frame, "no deal reached a stage in this period"), "Stage by stage")
    places = _places(frame)
    shown = [row if row is not None else {} for _, row in places]
    reached = [0.0 if is_unknown(row.get("n")) else float(row["n"]) for row in shown]
    known = [bool(row) for row in shown]
    columns = [
        Figures(
            "n",
            [look.value(n, "count", compact=False) if k else "" for n, k in zip(reached, known, strict=True)],
        ),
        Figures("went on", [look.value(row["value"], "share") if row else "" for row in shown]),
        Figures(
            "95% interval",
            [look.interval(row.get("low"), row.get("high"), "share") if row else "" for row in shown],
            small=True,
        ),
    ]

    def paint() -> Figure:
        figure, axes = rows_board([name for name, _ in places], columns, span=(0, max(reached)))
        bars(axes, reached)
        for at, row in enumerate(shown):
            if not row and at:
                axes.axhline(at - 0.5, color=LIGHT.rule, linewidth=0.8, zorder=1)
        return figure

    rows = known_rows(frame)
    # Of several pipelines, the stage that most deals reached need not be the first one told.
    most = max(
        (row for row in shown if row), key=lambda row: 0.0 if is_unknown(row["n"]) else float(row["n"])
    )
    made = f"{plural(most['n'], 'deal', look=look)} reached {clean(most['part'])}"
    if not rows.empty:
        worst = min(rows.to_dict("records"), key=lambda row: float(row["value"]))
        made += (
            f", and the lowest share to go on is {look.value(worst['value'], 'share')} "
            f"of {plural(worst['n'], 'deal', look=look)} from {clean(worst['part'])}"
        )
    title = title_of(
        "Decided deals that reached each stage (n), and the share of them that went on in %", period, "AC"
    )
    several = any(row is None for _, row in places)
    heads = {"part": "Stage"} | ({"pipeline": "Pipeline"} if several else {})
    return draw_chart(
        paint,
        alt=alt or made + ".",
        title=title,
        message=message,
        data=data_of(frame, heads, "share", title, look),
    )


def _places(frame: pd.DataFrame) -> list[tuple[str, dict[Any, Any] | None]]:
    """Give the rows to draw; a pipeline's name, without figures, stands above its stages where there are several."""
    rows = frame.to_dict("records")
    pipelines = (
        list(dict.fromkeys(clean(row.get("pipeline")) for row in rows)) if "pipeline" in frame else [""]
    )
    found: list[tuple[str, dict[Any, Any] | None]] = []
    for pipeline in pipelines:
        own = [row for row in rows if len(pipelines) == 1 or clean(row.get("pipeline")) == pipeline]
        if len(pipelines) > 1:
            found.append((pipeline, None))
        found += [(str(row["part"]), row) for row in own]
    return found


def movement_chart(
    frame: pd.DataFrame,
    *,
    period: str = "",
    between: str = "",
    scale: float | None = None,
    look: Look | None = None,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw what moved the open pipeline from its start to its end, step by step from a common zero.

    Parameters
    ----------
    frame
        Rows of ``pipeline_movement``: part, value (a magnitude) and n; parts in any order.
    period
        The period in which the deals were expected to close, as people write it.
    between
        The two days, as people write them.
    scale
        Where the axis ends, to be shared by figures of one unit; found where not given, and then marked.
    look, message, alt
        As in `attainment_chart`.
    """
    look = look or Look()
    rows = known_parts(frame)
    if "start" not in rows or "end" not in rows:
        return nothing(
            reason_of(frame, "the movement of the pipeline is not known"), "What moved the pipeline"
        )
    steps = _steps(rows)
    columns = [
        Figures("AC", [_written(step, look) for step in steps], [step.tone for step in steps]),
        Figures("n", [look.value(step.n, "count", compact=False) for step in steps], small=True),
    ]
    ends = [step.begins for step in steps] + [step.ends for step in steps]

    def paint() -> Figure:
        span = (min([0.0, *ends]), scale or max([0.0, *ends]) or 1.0)
        figure, axes = rows_board([step.label for step in steps], columns, span=span, top=18, row=21)
        whole = [step.ends if step.sign == 0 else 0.0 for step in steps]
        bars(axes, whole, thickness=0.64)
        for at, step in enumerate(steps):
            if step.sign:
                color = {"won": LIGHT.good, "lost": LIGHT.bad}.get(step.part, LIGHT.muted)
                axes.barh(
                    at, step.ends - step.begins, 0.64, left=step.begins, facecolor=color, linewidth=0, zorder=3,
                )  # fmt: skip
            if at + 1 < len(steps):
                link(axes, at, step.ends)
        return figure

    start, end = rows["start"], rows["end"]
    made = (
        f"The open pipeline went from {look.value(start['value'], 'currency')} to "
        f"{look.value(end['value'], 'currency')}"
    )
    largest = max((s for s in steps if s.sign), key=lambda s: abs(s.ends - s.begins), default=None)
    if largest is not None:
        made += f", and the largest step is {largest.label} with {_written(largest, look)}"
    measure = f"Open pipeline expected to close in the period, in {look.currency}"
    title = title_of(measure, ", ".join(filter(None, (period, between))), "AC", own_scale=scale is None)
    told = [rows[part] | {"part": _label(part)} for part in PARTS if part in rows]
    silent = [_label(part) for part in PARTS if part not in {step.part for step in steps}]
    notes = [f"Nothing was {join_names(silent, limit=len(silent), last='or')}."] if silent else []
    data = pd.DataFrame(told)
    return draw_chart(
        paint,
        alt=alt or made + ".",
        title=title,
        message=message,
        data=data_of(data, {"part": "Movement"}, "currency", title, look),
        notes=notes,
    )


@dataclass(frozen=True)
class _Step:
    """One step of a waterfall: from where to where; sign 0 for the totals at both ends."""

    part: str
    label: str
    begins: float
    ends: float
    sign: int
    n: object

    @property
    def tone(self) -> str:
        return {"won": "good", "lost": "bad"}.get(self.part, "neutral")


def _steps(rows: Mapping[str, Mapping[Any, Any]]) -> list[_Step]:
    level = float(rows["start"]["value"])
    steps = [_Step("start", "start", 0.0, level, 0, rows["start"].get("n"))]
    for part, sign in PARTS.items():
        if part in ("start", "end") or part not in rows:
            continue
        by = sign * float(rows[part]["value"])
        if by or rows[part].get("n"):
            steps.append(_Step(part, _label(part), level, level + by, sign, rows[part].get("n")))
            level += by
    end = float(rows["end"]["value"])
    return [*steps, _Step("end", "end", 0.0, end, 0, rows["end"].get("n"))]


def _label(part: str) -> str:
    return part.replace("_", " ")


def _written(step: _Step, look: Look) -> str:
    if step.sign == 0:
        return look.value(step.ends, "currency")
    by = step.ends - step.begins
    text = look.value(by, "currency")
    return f"+{text}" if by > 0 else text
