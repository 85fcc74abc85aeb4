"""The picture of a trend: the line, the range of chance as a band, marks at signals, and names where there is room."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spm_lib.present.drawing import board
from spm_lib.present.letters import SMALL, width_of
from spm_lib.theme import LIGHT, Look

MARKS = {"good": "▲", "bad": "▼"}
_COLOURS = {"good": LIGHT.good, "bad": LIGHT.bad, "neutral": LIGHT.ink}
#: Height of a value's label and its distance from the point, in points.
_LABEL = 17.0


@dataclass(frozen=True)
class Point:
    """One period: its place, its value, and whether it is over and a signal."""

    at: int
    name: str
    value: float
    complete: bool
    tone: str | None


def paint_trend(
    points: Sequence[Point],
    limits: Sequence[float | None],
    ticks: Sequence[tuple[str, str]],
    unit: str,
    look: Look,
    width: float,
    height: float,
) -> Figure:
    """Paint a trend.

    Parameters
    ----------
    points
        What is known, in order of time.
    limits
        Lower end, middle and upper end of the range of chance; null where it is not known.
    ticks
        What stands below each period: its name, and its year.
    unit, look
        How values are written.
    width, height
        In points.
    """
    # The title says "per day" once; along the axis there is no room for it.

    def write(value: float) -> str:
        return look.value(value, unit).removesuffix(" per day")

    beside = [(value, write(value)) for value in limits if value is not None]
    right = max([width_of(text, SMALL) for _, text in beside], default=0) + 12
    figure, axes = board(height, width=width, left=14, right=right, top=20, bottom=32)
    levels = [p.value for p in points] + [v for v in limits if v is not None]
    spread = (max(levels) - min(levels)) or abs(max(levels)) or 1.0
    low, high = min(levels) - 0.12 * spread, max(levels) + 0.12 * spread
    low = max(low, 0.0) if min(levels) >= 0 else low
    # Room beneath the last value for its label.
    axes.set_ylim(min(low, points[-1].value - _LABEL / (height - 52 - _LABEL) * (high - low)), high)
    axes.set_xlim(-0.3, max(len(ticks) - 0.7, 0.3))
    _band(axes, limits)
    _line(axes, points)
    _ticks(axes, ticks, width - 14 - right)
    _beside(axes, beside, height - 52)
    for point in points:
        if point.tone or point is points[-1]:
            _mark(axes, point, points, write(point.value), height - 52)
    return figure


def _band(axes: Axes, limits: Sequence[float | None]) -> None:
    lower, centre, upper = limits
    if lower is None or centre is None or upper is None:
        return
    axes.axhspan(lower, upper, facecolor=LIGHT.band, edgecolor="none", zorder=0)
    for level in (lower, upper):
        axes.axhline(level, color=LIGHT.muted, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    axes.axhline(centre, color=LIGHT.muted, linewidth=0.7, zorder=1)


def _line(axes: Axes, points: Sequence[Point]) -> None:
    """Draw the line; where a value is unknown it breaks, and a period that is not over hangs on by dashes."""
    sure = [p for p in points if p.complete]
    # What lies beside each other keeps its distance from its number in the row.
    for _, run in itertools.groupby(enumerate(sure), key=lambda pair: pair[1].at - pair[0]):
        run_points = [p for _, p in run]
        axes.plot(
            [p.at for p in run_points], [p.value for p in run_points], color=LIGHT.actual, linewidth=1.8, marker="o",
            markersize=4.5, markeredgewidth=0, zorder=3,
        )  # fmt: skip
    for one, two in itertools.pairwise(points):
        if not two.complete and two.at == one.at + 1:
            axes.plot(
                [one.at, two.at],
                [one.value, two.value],
                color=LIGHT.actual,
                linewidth=1.2,
                linestyle=(0, (2, 2)),
            )
    hollow = [p for p in points if not p.complete]
    axes.plot(
        [p.at for p in hollow], [p.value for p in hollow], "o", markersize=5.5, markerfacecolor=LIGHT.paper,
        markeredgecolor=LIGHT.actual, markeredgewidth=1.4, zorder=4,
    )  # fmt: skip


def _mark(axes: Axes, point: Point, points: Sequence[Point], written: str, room: float) -> None:
    """Ring a signal and write its value; the last value is always written."""
    color = _COLOURS[point.tone or "neutral"]
    if point.tone:
        axes.plot(
            [point.at], [point.value], "o", markersize=9, markerfacecolor="none", markeredgecolor=color,
            markeredgewidth=1.6, zorder=5,
        )  # fmt: skip
    last = point is points[-1]
    # The last value's label stands to the left, over two points of the line; others over their neighbours'.
    reach = 2 if last else 1
    beside = [p.value for p in points if 0 < abs(p.at - point.at) <= reach]
    low, high = axes.get_ylim()
    place = (point.value - low) / ((high - low) or 1) * room
    # Neither into the line nor out of the picture.
    above = place < 15 or (room - place > 4 and (not beside or point.value >= sum(beside) / len(beside)))
    text = f"{MARKS[point.tone]} {written}" if point.tone in MARKS else written
    axes.annotate(
        text,
        (point.at, point.value),
        (6 if last else 0, 8 if above else -8),
        textcoords="offset points",
        ha="right" if last else "center",
        va="bottom" if above else "top",
        color=color,
        fontsize=SMALL + 0.5,
        fontweight="bold" if last else "normal",
        zorder=6,
    )


def _ticks(axes: Axes, ticks: Sequence[tuple[str, str]], room: float) -> None:
    """Write the periods below, as many as there is room for, counted back from the last."""
    widest = max(width_of(name, SMALL) for name, _ in ticks) + 6
    step = max(1, -(-len(ticks) * widest // max(room, 1)))
    shown = [at for at in range(len(ticks)) if (len(ticks) - 1 - at) % int(step) == 0]
    year = ""
    for at in shown:
        name, below = ticks[at]
        lines = f"{name}\n{below}" if below and below != year else name
        year = below or year
        axes.annotate(
            lines, (at, 0), (0, -6), xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="center",
            va="top", fontsize=SMALL, color=LIGHT.muted, linespacing=1.15,
        )  # fmt: skip


def _beside(axes: Axes, levels: Sequence[tuple[float, str]], height: float) -> None:
    """Write the limits and the mean at the right, leaving out what would stand on another."""
    low, high = axes.get_ylim()
    written: list[float] = []
    for level, text in sorted(levels, key=lambda pair: pair[0] != levels[len(levels) // 2][0]):
        place = (level - low) / ((high - low) or 1) * height
        if all(abs(place - other) > 11 for other in written):
            written.append(place)
            axes.annotate(
                text, (1, level), (6, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                ha="left", va="center", fontsize=SMALL, color=LIGHT.muted,
            )  # fmt: skip
