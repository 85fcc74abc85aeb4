"""A measure by product, source or the like, actual against the previous period."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.present.chart import data_of, dimension_of, draw_chart, head_of, known_rows, reason_of, title_of
from spm_lib.present.display import Block, clean, is_null, nothing
from spm_lib.present.prose import plural
from spm_lib.present.rows import Figures, bars, outlines, rows_board
from spm_lib.theme import LIGHT, UNKNOWN, Look, is_unknown, tone


def mix_chart(
    frame: pd.DataFrame,
    *,
    label: str,
    period: str = "",
    previous: str = "",
    scale: float | None = None,
    look: Look | None = None,
    by: str | None = None,
    better: str | None = "higher",
    limit: int = 12,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw a measure by product, source or the like, actual against the previous period.

    Parameters
    ----------
    frame
        Rows of one metric: a dimension, value, n, unit; and previous, difference, significant where compared.
    label
        What is measured, like ``Revenue``.
    period, previous
        The periods, as people write them.
    scale
        Where the axis ends, to be shared by figures of one unit; found where not given, and then marked.
    look, by, message, alt
        As in `attainment_chart`.
    better
        Which direction is good.
    limit
        The most bars to draw, the largest first; the table holds all.
    """
    look = look or Look()
    if frame.empty or known_rows(frame).empty:
        return nothing(reason_of(frame, "no figures are known for this period"))
    name = dimension_of(frame, by)
    if frame[name].isna().all():
        return nothing(f"the deals carry no {name.removesuffix('_name')}")
    unit = str(known_rows(frame)["unit"].iloc[0])
    compared = "previous" in frame.columns and not all(is_unknown(v) for v in frame["previous"])
    rows = frame.sort_values("value", ascending=False, kind="stable", na_position="last")
    shown = rows.head(limit)
    values = [0.0 if is_unknown(v) else float(v) for v in shown["value"]]
    before = [0.0 if is_unknown(v) else float(v) for v in shown["previous"]] if compared else []
    columns = [Figures("AC", [look.value(v, unit) for v in shown["value"]])]
    if compared:
        differences = list(shown["difference"])
        sure = list(shown["significant"]) if "significant" in shown.columns else [None] * len(shown)
        judged = [
            tone(d, better, significant=not is_null(s) and bool(s))
            for d, s in zip(differences, sure, strict=True)
        ]
        written = [UNKNOWN if is_unknown(d) else look.difference(d, unit) for d in differences]
        columns.append(Figures("AC − PY", written, judged))
    columns.append(Figures("n", [look.value(n, "count", compact=False) for n in shown["n"]], small=True))

    def paint() -> Figure:
        span = (min([0.0, *values, *before]), scale or max([*values, *before]) or 1.0)
        figure, axes = rows_board(list(shown[name]), columns, span=span, row=28 if compared else 25)
        if compared:
            outlines(axes, before, thickness=0.5, shift=-0.14, color=LIGHT.previous)
        bars(axes, values, thickness=0.44 if compared else 0.56)
        if compared:
            for patch in axes.containers[-1]:
                patch.set_y(patch.get_y() + 0.14)
        return figure

    top = rows.iloc[0]
    made = f"{clean(label)} is largest in {clean(top[name])} with {look.value(top['value'], unit)}"
    if compared and not is_unknown(top["difference"]):
        made += f", {look.difference(top['difference'], unit)} on {clean(previous or 'the previous period')}"
    notes = []
    if compared:
        notes.append(f"Dark: actual (AC). Lighter, behind: {clean(previous or 'previous period')} (PY).")
    if len(rows) > len(shown):
        left_out = plural(len(rows) - len(shown), "smaller row stands", "smaller rows stand", look=look)
        notes.append(f"{left_out} in the table.")
    heads = {name: head_of(name)}
    title = title_of(
        f"{label} in {look.unit(unit)}", period, "AC, PY" if compared else "AC", own_scale=scale is None
    )
    return draw_chart(
        paint,
        alt=alt or made + ".",
        title=title,
        message=message,
        data=data_of(rows, heads, unit, title, look),
        notes=notes,
    )
