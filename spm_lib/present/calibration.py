"""Whether chances told true: what happened to deals of each told chance."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.display import Block, nothing
from spm_lib.present.findings.risk_words import chance
from spm_lib.present.letters import SMALL
from spm_lib.present.prose import plural
from spm_lib.present.rows import Figures, bars, rows_board, whiskers
from spm_lib.present.tables import Column, table
from spm_lib.theme import LIGHT, Look


def calibration_chart(
    frame: pd.DataFrame,
    *,
    days: int = 30,
    look: Look | None = None,
    message: str = "",
    alt: str = "",
    why: str = "too few of the deals scored so far have come to their end",
) -> Block:
    """Draw what happened to deals of each told chance, beside that chance.

    Parameters
    ----------
    frame
        said (the mean chance told), said_low, said_high (its range, where known), value (the share that was at risk), low,
        high, n.
    days
        The horizon.
    look, message, alt
        As in `attainment_chart`.
    why
        What is said where there is nothing to draw.
    """
    look = look or Look()
    if frame.empty:
        return nothing(why, "Whether chances told true")
    rows = frame.to_dict("records")
    ranges = "said_low" in frame.columns
    names = [
        _range(row["said_low"], row["said_high"], look) if ranges else f"told {chance(row['said'], look)}"
        for row in rows
    ]
    said, happened = [float(v) for v in frame["said"]], [float(v) for v in frame["value"]]
    columns = [
        *([Figures("told", [chance(value, look) for value in said], small=True)] if ranges else []),
        Figures("AC", [chance(value, look) for value in happened]),
        Figures("n", [look.value(n, "count", compact=False) for n in frame["n"]], small=True),
    ]

    def paint() -> Figure:
        figure, axes = rows_board(names, columns, span=(0, 1), bottom=18)
        bars(axes, happened)
        whiskers(axes, list(zip(map(float, frame["low"]), map(float, frame["high"]), strict=True)))
        for at, value in enumerate(said):
            for color, width in ((LIGHT.paper, 4.5), (LIGHT.good, 2.4)):
                axes.plot([value] * 2, [at - 0.42, at + 0.42], color=color, linewidth=width, zorder=6)
        axes.annotate(
            "upright mark: told",
            (0, 0),
            (0, -13),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=SMALL,
            color=LIGHT.muted,
        )
        return figure

    last = rows[-1]
    made = (
        f"Of {plural(last['n'], 'deal', look=look)} told to be at risk with {chance(last['said'], look)}, "
        f"{chance(last['value'], look)} were; of the {plural(rows[0]['n'], 'deal', look=look)} told "
        f"{chance(rows[0]['said'], look)}, {chance(rows[0]['value'], look)} were."
    )
    title = title_of(f"Deals lost or slipped within {days} days, in %, by the chance told", "", "AC")
    data = table(
        frame.assign(_name=names),
        {
            "_name": "Chance told",
            "said": Column("On average", "share"),
            "value": Column("Came true", "share"),
            "low": Column("95% interval", "interval", high="high", of="share"),
            "n": Column("n", "count"),
        },
        caption=title,
        look=look,
    )
    return draw_chart(paint, alt=alt or made, title=title, message=message, data=data)


def _range(low: object, high: object, look: Look) -> str:
    first, last = chance(low, look), chance(high, look)
    return first if first == last else f"{first} to {last}"
