"""Values over time: actual in dark, the range of chance as a band, signals marked and named."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spm_lib.present.chart import Chart, draw_chart, known_rows, reason_of, title_of
from spm_lib.present.display import Block, clean, is_null, joined, nothing
from spm_lib.present.drawing import SMALL, WIDTH, board, width_of
from spm_lib.present.prose import note
from spm_lib.present.tables import Column, table
from spm_lib.theme import LIGHT, Look, is_unknown, tone

PANEL_WIDTH = 380.0
_COLOURS = {"good": LIGHT.good, "bad": LIGHT.bad, "neutral": LIGHT.ink}
_MARKS = {"good": "▲", "bad": "▼"}


class Described(Protocol):
    """What a chart needs to know of a metric."""

    @property
    def name(self) -> str:
        """What programs call it."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def better(self) -> str | None:
        """Which direction is good."""


@dataclass(frozen=True)
class _Point:
    """One period: its place, its value, and whether it is over and a signal."""

    at: int
    name: str
    value: float
    complete: bool
    tone: str | None


#: Height of a value's label and its distance from the point, in points.
_LABEL = 17.0


def trend_chart(
    frame: pd.DataFrame,
    *,
    label: str,
    better: str | None = None,
    look: Look | None = None,
    width: float = WIDTH,
    height: float = 190,
    message: str = "",
    alt: str = "",
) -> Block:
    """Draw one metric over time with its behaviour limits.

    Parameters
    ----------
    frame
        Rows of ``behaviour`` for one metric and group, in order of time: period, start, value, n, unit, and where
        known complete, centre, lower, upper, signal, rule.
    label
        What the metric is called.
    better
        Which direction is good: ``higher``, ``lower`` or None.
    look
        How numbers are written.
    width, height
        Size of the picture in points.
    message, alt
        The finding above the figure, and in its alt text; the alt text is made where not given.
    """
    look = look or Look()
    if frame.empty or known_rows(frame).empty:
        return nothing(reason_of(frame, "no figures are known for these periods"), label)
    unit = str(frame["unit"].iloc[0])
    rows = frame.to_dict("records")
    points = [
        _Point(
            at,
            _name(row.get("start"), row.get("period")),
            float(row["value"]),
            is_null(row.get("complete", True)) or bool(row.get("complete", True)),
            _signal(row, better),
        )
        for at, row in enumerate(rows)
        if not is_unknown(row["value"])
    ]
    limits = tuple(_last_known(frame, name) for name in ("lower", "centre", "upper"))
    ticks = [_tick(row.get("start"), row.get("period")) for row in rows]

    def paint() -> Figure:
        return _paint(points, limits, ticks, unit, look, width, height)

    last = points[-1]
    signals = [
        f"{_MARKS.get(point.tone, '●')} {point.name}, {look.value(point.value, unit)}: {clean(rows[point.at].get('rule'))}"
        for point in points
        if point.tone
    ]
    made = f"{clean(label)} {look.value(last.value, unit)} in {last.name}"
    if limits[1] is not None:
        made += f", against a mean of {look.value(limits[1], unit)}"
    made += f". Signals: {', '.join(s[2:] for s in signals)}" if signals else ". No signal among the periods"
    so_far = "" if last.complete else " so far"
    standing = f"{last.name}{so_far}: {look.value(last.value, unit)}, n {look.value(rows[last.at].get('n'), 'count')}."
    title = title_of(
        f"{clean(label)} in {look.unit(unit)}", _stretch(points[0].name, last.name), "AC", own_scale=True
    )
    columns: dict[str, Column | str] = {
        "_name": "Period",
        "value": Column("AC", unit),
        "n": Column("n", "count"),
        "low": Column("95% interval", "interval", high="high", of=unit),
        "lower": Column("Range of chance", "interval", high="upper", of=unit),
        "rule": "Signal",
    }
    data = frame.assign(_name=[_name(row.get("start"), row.get("period")) for row in rows])
    shown = {name: column for name, column in columns.items() if name in data.columns}
    return draw_chart(
        paint,
        alt=alt or made + ".",
        title=title,
        message=message,
        data=table(data, shown, caption=title, look=look),
        notes=[standing, *signals[:4]],
    )


def trend_grid(frame: pd.DataFrame, metrics: Iterable[Described], *, look: Look | None = None) -> Block:
    """Draw several metrics over time as small multiples, each on a scale of its own.

    Parameters
    ----------
    frame
        Rows of ``behaviour`` for several metrics of one group.
    metrics
        What to draw, in this order.
    look
        How numbers are written.
    """
    drawn: list[Block] = []
    missing: list[Block] = []
    for metric in metrics:
        rows = frame[frame["metric"] == metric.name] if "metric" in frame.columns else frame
        block = trend_chart(
            rows, label=metric.label, better=metric.better, look=look, width=PANEL_WIDTH, height=165
        )
        (drawn if isinstance(block, Chart) else missing).append(block)
    if not drawn:
        return missing[0] if missing else nothing("no metrics were given")
    remark = (
        "Band: the range within which a period varies by chance alone. Chance leaves it too, now and then, so only the "
        "latest complete period is judged. Hollow: not over yet. "
        "Each panel has a scale of its own, which need not begin at zero."
    )
    lines = [*missing, note(remark)]
    html = Markup('<div class="spm spm-grid">{}</div>{}').format(joined(drawn), joined(lines))
    return Block(html, "\n\n".join(block.text for block in (*drawn, *lines)))


def _paint(
    points: Sequence[_Point],
    limits: Sequence[float | None],
    ticks: Sequence[tuple[str, str]],
    unit: str,
    look: Look,
    width: float,
    height: float,
) -> Figure:
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


def _line(axes: Axes, points: Sequence[_Point]) -> None:
    """Draw the line; where a value is unknown it breaks, and a period that is not over hangs on by dashes."""
    sure = [p for p in points if p.complete]
    runs = [at for at in range(len(sure))]
    for at in range(1, len(sure)):
        runs[at] = runs[at - 1] if sure[at].at == sure[at - 1].at + 1 else at
    if sure:
        sns.lineplot(
            x=[p.at for p in sure],
            y=[p.value for p in sure],
            units=runs,
            estimator=None,
            errorbar=None,
            color=LIGHT.actual,
            linewidth=1.8,
            marker="o",
            markersize=4.5,
            markeredgewidth=0,
            ax=axes,
            zorder=3,
        )
        axes.set_xlabel("")
        axes.set_ylabel("")
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


def _mark(axes: Axes, point: _Point, points: Sequence[_Point], written: str, room: float) -> None:
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
    text = f"{_MARKS[point.tone]} {written}" if point.tone in _MARKS else written
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
    axes.set_xticks([])
    axes.set_yticks([])
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


def _signal(row: dict[object, object], better: str | None) -> str | None:
    """Give the tone of a signal; None where the row is none."""
    signal = row.get("signal")
    if is_null(signal) or not signal:
        return None
    value, centre = row["value"], row.get("centre")
    if is_unknown(value) or is_unknown(centre):
        return "neutral"
    return tone(float(value) - float(centre), better)  # type: ignore[arg-type]


def _last_known(frame: pd.DataFrame, name: str) -> float | None:
    if name not in frame.columns:
        return None
    known = [float(v) for v in frame[name] if not is_unknown(v)]
    return known[-1] if known else None


def _stretch(first: str, last: str) -> str:
    """Name a stretch of periods, a common year once: ``Jan to Dec 2017``."""
    head, _, year = first.rpartition(" ")
    return f"{head} to {last}" if head and last.endswith(f" {year}") else f"{first} to {last}"


def _name(start: object, label: object) -> str:
    """Name a period: ``Oct 2017`` for a calendar month, else its label."""
    month, year = _tick(start, label)
    return f"{month} {year}".strip()


def _tick(start: object, label: object) -> tuple[str, str]:
    text = clean(label)
    if isinstance(start, dt.date) and text == f"{start:%Y-%m}":
        return f"{start:%b}", f"{start:%Y}"
    year, _, rest = text.partition("-")
    return (rest, year) if rest and len(year) <= 6 else (text, "")
