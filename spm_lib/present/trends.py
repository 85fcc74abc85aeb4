"""Values over time: actual in dark, the range of chance as a band, signals marked and named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from spm_lib.present.about import Described
from spm_lib.present.chart import Chart, draw_chart, known_rows, reason_of, title_of
from spm_lib.present.display import Block, clean, holds, is_null, joined, nothing
from spm_lib.present.drawing import WIDTH
from spm_lib.present.prose import note
from spm_lib.present.tables import Column, table
from spm_lib.present.trend_picture import MARKS, Point, paint_trend
from spm_lib.theme import Look, is_unknown, tone

PANEL_WIDTH = 380.0
#: What stands in a signal's place, by whether the period is over.
_NO_SIGNAL = {True: "none", False: "not over yet"}


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
        Point(
            at,
            _name(row.get("start"), row.get("period")),
            float(row["value"]),
            _is_over(row),
            _signal(row, better),
        )
        for at, row in enumerate(rows)
        if not is_unknown(row["value"])
    ]
    limits = tuple(_last_known(frame, name) for name in ("lower", "centre", "upper"))
    ticks = [_tick(row.get("start"), row.get("period")) for row in rows]

    def paint() -> Figure:
        return paint_trend(points, limits, ticks, unit, look, width, height)

    last = points[-1]
    signals = [
        f"{MARKS.get(point.tone, '●')} {point.name}, {look.value(point.value, unit)}: {clean(rows[point.at].get('rule'))}"
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
    if "rule" in data.columns:
        marked = {point.at: clean(rows[point.at].get("rule")) for point in points if point.tone}
        # An empty cell would be read as unknown.
        data["rule"] = [marked.get(at, _NO_SIGNAL[_is_over(row)]) for at, row in enumerate(rows)]
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


def _signal(row: Mapping[Any, Any], better: str | None) -> str | None:
    """Give the tone of a signal; None where the row is none.

    The latest complete period is judged with all else that the report claims: what does not survive is not marked.
    """
    signal, sure = row.get("signal"), row.get("significant")
    if is_null(signal) or not signal:
        return None
    if holds(row, "latest") and not is_null(sure) and not sure:
        return None
    value, centre = row["value"], row.get("centre")
    if centre is None or is_unknown(value) or is_unknown(centre):
        return "neutral"
    return tone(float(value) - float(centre), better)


def _is_over(row: Mapping[Any, Any]) -> bool:
    complete = row.get("complete")
    return is_null(complete) or bool(complete)


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
