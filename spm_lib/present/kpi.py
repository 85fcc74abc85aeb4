"""Key figures side by side: value, what it is compared with, how sure it is, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from spm_lib.present.display import Block, clean, is_null, joined, nothing
from spm_lib.present.drawing import data_uri, sparkline
from spm_lib.theme import UNKNOWN, UNKNOWN_SPOKEN, Look, is_unknown, tone

_WORDS = {"good": "better", "bad": "worse", "neutral": "within normal variation"}


@dataclass(frozen=True)
class Against:
    """One comparison of a key figure.

    Parameters
    ----------
    label
        What it is compared with, like ``Q3 2017``.
    difference
        The figure less what it is compared with, in the figure's unit; null where unknown.
    significant
        Whether its interval says that it is a difference; None where there is no interval to say so.
    """

    label: str
    difference: object
    significant: bool | None = None


@dataclass(frozen=True)
class Kpi:
    """One key figure.

    Parameters
    ----------
    label
        What it is.
    value, unit
        The figure; null where unknown.
    n, low, high
        How many it rests on, and its interval.
    better
        ``higher``, ``lower`` or None.
    against
        What it is compared with, the most telling first.
    remark
        One more line, such as ``62.0% of quota``.
    trend
        Its values in the last complete periods, oldest first.
    note
        Why it is unknown, or how it is special; ``met`` stands in the value's place.
    """

    label: str
    value: object
    unit: str
    n: object = None
    low: object = None
    high: object = None
    better: str | None = None
    against: tuple[Against, ...] = ()
    remark: str = ""
    trend: tuple[object, ...] = ()
    note: str | None = None

    @classmethod
    def from_row(
        cls,
        row: Mapping[Any, Any],
        label: str,
        *,
        better: str | None = None,
        against: str | Sequence[Against] = (),
        remark: str = "",
        trend: Iterable[object] = (),
    ) -> Kpi:
        """Make a key figure of one row of a tidy frame.

        Parameters
        ----------
        row
            A row with value, n, low, high, unit and note; and, where `against` is text, difference and significant.
        label, better, remark, trend
            As in the class.
        against
            Comparisons, or the name of what the row's own difference is against.
        """
        if isinstance(against, str):
            significant = row.get("significant")
            sure = None if is_null(significant) else bool(significant)
            against = (Against(against, row.get("difference"), sure),)
        found = row.get("note")
        return cls(
            label=label,
            value=row.get("value"),
            unit=str(row["unit"]),
            n=row.get("n"),
            low=row.get("low"),
            high=row.get("high"),
            better=better,
            against=tuple(against),
            remark=remark,
            trend=tuple(trend),
            note=None if is_null(found) else str(found),
        )


def kpi_strip(items: Iterable[Kpi], look: Look | None = None) -> Block:
    """Show key figures in a row that folds on narrow screens.

    Parameters
    ----------
    items
        The figures.
    look
        How numbers are written.
    """
    look = look or Look()
    shown = [_one(item, look) for item in items]
    if not shown:
        return nothing("no key figures were given")
    cells = joined(cell for cell, _ in shown)
    return Block(
        Markup('<ul class="spm spm-kpis">{}</ul>').format(cells),
        "\n".join(text for _, text in shown),
    )


def _one(item: Kpi, look: Look) -> tuple[Markup, str]:
    label = clean(item.label)
    met = item.note == "met" and is_unknown(item.value)
    value = "met" if met else look.value(item.value, item.unit)
    spoken = UNKNOWN_SPOKEN if value == UNKNOWN else value
    lines = [Markup('<span class="spm-kpi-label">{}</span>').format(label), _value(value)]
    words = [f"{label}: {spoken}"]
    if item.remark.strip():
        remark = clean(item.remark, 120)
        lines.append(Markup('<span class="spm-kpi-against">{}</span>').format(remark))
        words.append(remark)
    for against in item.against:
        markup, text = _against(against, item, look)
        lines.append(markup)
        words.append(text)
    sure = _sureness(item, look)
    if item.note and not met:
        sure = f"{sure} · {clean(item.note, 120)}" if sure else clean(item.note, 120)
    if sure:
        lines.append(Markup('<span class="spm-kpi-n">{}</span>').format(sure))
        words.append(sure)
    picture = sparkline(item.trend)
    if picture:
        alt = _way(item, look)
        lines.append(Markup('<img class="spm-spark" alt="{}" src="{}">').format(alt, data_uri(picture)))
    return Markup('<li class="spm-kpi">{}</li>').format(joined(lines)), "; ".join(words)


def _way(item: Kpi, look: Look) -> str:
    """Say what a small trend shows, for those who do not see it."""
    known = [value for value in item.trend if not is_unknown(value)]
    first, last = (look.value(value, item.unit) for value in (known[0], known[-1]))
    return f"{clean(item.label)} over {len(known)} complete periods: from {first} to {last}"


def _value(value: str) -> Markup:
    if value != UNKNOWN:
        return Markup('<span class="spm-kpi-value">{}</span>').format(value)
    return Markup(
        '<span class="spm-kpi-value"><span aria-hidden="true">{}</span><span class="spm-sr">{}</span></span>'
    ).format(UNKNOWN, UNKNOWN_SPOKEN)


def _against(against: Against, item: Kpi, look: Look) -> tuple[Markup, str]:
    label = clean(against.label)
    if is_unknown(against.difference):
        text = f"on {label}: {UNKNOWN_SPOKEN}"
        return Markup('<span class="spm-kpi-against spm-neutral">{}</span>').format(text), text
    written = look.difference(against.difference, item.unit)
    judged = tone(against.difference, item.better, significant=against.significant is not False)
    word = _WORDS[judged] if judged != "neutral" or against.significant is False else ""
    tail = f"on {label}" + (f", {word}" if word else "")
    markup = Markup('<span class="spm-kpi-against spm-{}"><b>{}</b> {}</span>').format(judged, written, tail)
    return markup, f"{written} {tail}"


def _sureness(item: Kpi, look: Look) -> str:
    n = "" if is_unknown(item.n) else f"n {look.value(item.n, 'count', compact=False)}"
    interval = look.interval(item.low, item.high, item.unit)
    return " · ".join(part for part in (n, interval) if part)
