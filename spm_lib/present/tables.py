"""Tables: caption, scoped headers, numbers in their unit, judged differences, small trends, nothing unescaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from spm_lib.present.display import (
    NAME_LIMIT,
    TITLE_LIMIT,
    Block,
    clean,
    holds,
    is_null,
    joined,
    name_html,
    nothing,
)
from spm_lib.present.drawing import data_uri, sparkline
from spm_lib.theme import UNITS, UNKNOWN, UNKNOWN_SPOKEN, Look, is_unknown, tone

ROW_LIMIT = 200
#: Size of a small trend in a cell, in pixels.
TREND = (112, 26)

_TEXTS = ("text", "prose", "team", "trend")


@dataclass(frozen=True)
class Column:
    """How a column of a frame is shown.

    Parameters
    ----------
    label
        Its header.
    unit
        ``text`` (cut where it is long), ``prose`` (not cut), ``team`` (a name that the press links to the team's report,
        with `key`), ``date``, a unit of the theme, ``written`` (a figure written already), ``interval`` (with `high` and
        `of`), ``difference`` (with `of`) or ``trend`` (a cell holds the values, oldest first; with `of`).
    high
        For an interval: the column with its upper end. For a trend: the column with the upper limit of chance.
    of
        For an interval, difference or trend: the unit of the values; ``:NAME`` reads it from the column NAME.
    low
        For a trend: the column with the lower limit of chance.
    better
        For a difference: which direction is good; what is neither is not coloured.
    sure
        For a difference: the column that tells whether it is one. What is none is neutral.
    key
        For a team: the column with its id.
    tone
        For a written figure: the column that judges it good, bad or neutral.
    span
        For a trend: the values at its bottom and its top, where rows share a scale; None where each has its own.
    """

    label: str
    unit: str = "text"
    high: str = ""
    of: str = ""
    low: str = ""
    better: str | None = None
    sure: str = ""
    key: str = ""
    tone: str = ""
    span: tuple[float, float] | None = None

    @property
    def numeric(self) -> bool:
        """Whether its cells are set flush right."""
        return self.unit not in _TEXTS


class _Cell(NamedTuple):
    """A cell for readers of plain text, and as markup."""

    text: str
    html: Markup


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column | str],
    *,
    caption: str,
    look: Look | None = None,
    total: Mapping[str, Any] | None = None,
    limit: int = ROW_LIMIT,
    empty: str = "there are no rows",
    notes: Sequence[str] = (),
) -> Block:
    """Show a frame as a table.

    Parameters
    ----------
    frame
        The rows, in the order in which they are shown.
    columns
        What to show of it: column to `Column`, or to its header for text. The first heads the rows.
    caption
        What the table holds, with unit and period.
    look
        How numbers are written.
    total
        Values of a last row, in bold; what it does not name is left empty.
    limit
        The most rows to show; the rest is counted in words.
    empty
        Why there are no rows, where there are none.
    notes
        Remarks beneath.
    """
    if frame.empty:
        return nothing(empty)
    look = look or Look()
    shown = {name: c if isinstance(c, Column) else Column(c) for name, c in columns.items()}
    rows = [_cells(row, shown, look) for row in frame.head(limit).to_dict("records")]
    foot = [_cells(dict.fromkeys(shown, "") | dict(total), shown, look)] if total else []
    title = clean(caption, TITLE_LIMIT)
    more = len(frame) - len(rows)
    rest = (
        f"{look.value(more, 'count', compact=False)} more {'row' if more == 1 else 'rows'} not shown"
        if more
        else ""
    )
    said = [clean(n, 600) for n in (rest, *notes) if n]
    html = Markup(
        '<div class="spm spm-tablebox"><div class="spm-scroll" role="group" tabindex="0" aria-label="{title}">'
        '<table class="spm-table"><caption>{title}</caption><thead><tr>{heads}</tr></thead>'
        "<tbody>{body}</tbody>{tail}</table></div>{notes}</div>"
    ).format(
        title=title,
        heads=joined(
            Markup('<th scope="col"{}>{}</th>').format(_class(c), clean(c.label)) for c in shown.values()
        ),
        body=joined(_row(cells, shown) for cells in rows),
        tail=Markup("<tfoot>{}</tfoot>").format(_row(foot[0], shown)) if foot else "",
        notes=joined(Markup('<p class="spm-note">{}</p>').format(n) for n in said),
    )
    heads = [_Cell(clean(c.label), Markup("")) for c in shown.values()]
    return Block(html, _plain(title, [heads, *rows, *foot], shown, said))


def _cells(row: Mapping[Any, Any], shown: Mapping[str, Column], look: Look) -> list[_Cell]:
    return [_written(row.get(name), column, row, look) for name, column in shown.items()]


def _written(value: Any, column: Column, row: Mapping[Any, Any], look: Look) -> _Cell:
    """Write one cell; unknown ones are a dash, what is empty on purpose, as in a row of totals, stays so."""
    if isinstance(value, str) and not value:
        return _Cell("", Markup(""))
    unit = _unit(column.of or column.unit, row)
    if column.unit == "trend":
        return _trend(value, column, row, look, unit)
    if not column.numeric:
        return _text(value, column, row)
    text = _number(value, column, row, look, unit)
    if text == UNKNOWN:
        return _dash()
    judged = _judged(value, column, row)
    if judged in ("good", "bad"):
        return _Cell(text, Markup('<span class="spm-{}">{}</span>').format(judged, text))
    return _Cell(text, Markup("{}").format(text))


def _judged(value: Any, column: Column, row: Mapping[Any, Any]) -> str:
    if column.tone:
        return str(row.get(column.tone))
    if column.unit != "difference":
        return "neutral"
    return tone(value, column.better, significant=not column.sure or holds(row, column.sure))


def _number(value: Any, column: Column, row: Mapping[Any, Any], look: Look, unit: str) -> str:
    if column.unit == "date":
        return UNKNOWN if is_null(value) else look.date(_day(value))
    if column.unit == "written":
        return UNKNOWN if is_null(value) else clean(value)
    if unit not in UNITS:
        return UNKNOWN
    if column.unit == "interval":
        return look.interval(value, row.get(column.high), unit) or UNKNOWN
    if column.unit == "difference":
        return look.difference(value, unit)
    if is_unknown(value) and row.get("note") == "met":
        return "met"
    return look.value(value, unit)


def _text(value: Any, column: Column, row: Mapping[Any, Any]) -> _Cell:
    if is_null(value):
        return _dash()
    text = clean(value, TITLE_LIMIT)
    html = name_html(text, TITLE_LIMIT if column.unit == "prose" else NAME_LIMIT)
    team = row.get(column.key) if column.unit == "team" else None
    if not is_null(team):
        html = Markup('<span class="spm-team-link" data-team="{}">{}</span>').format(str(team), html)
    return _Cell(text, html)


def _trend(value: Any, column: Column, row: Mapping[Any, Any], look: Look, unit: str) -> _Cell:
    values = list(value) if isinstance(value, (list, tuple)) else []
    limits = (row.get(column.low), row.get(column.high)) if column.low else (None, None)
    picture = sparkline(values, *TREND, limits=limits, span=column.span)
    if not picture:
        return _dash()
    known = [look.value(v, unit) for v in values if not is_unknown(v)]
    first, last = known[0], known[-1]
    alt = f"{clean(column.label)}: from {first} to {last}"
    width, height = TREND
    html = Markup(
        '<img class="spm-spark" style="width:{0}px;min-width:{0}px;height:{1}px;padding:0" width="{0}" height="{1}" '
        'alt="{2}" src="{3}">'
    ).format(width, height, alt, data_uri(picture))
    return _Cell(f"{first} to {last}", html)


def _dash() -> _Cell:
    spoken = Markup('<span aria-hidden="true">{}</span><span class="spm-sr">{}</span>')
    return _Cell(UNKNOWN, spoken.format(UNKNOWN, UNKNOWN_SPOKEN))


def _unit(unit: str, row: Mapping[Any, Any]) -> str:
    return str(row.get(unit[1:])) if unit.startswith(":") else unit


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])


def _row(cells: Sequence[_Cell], shown: Mapping[str, Column]) -> Markup:
    marked = []
    for at, (cell, column) in enumerate(zip(cells, shown.values(), strict=True)):
        frame = Markup('<th scope="row"{}>{}</th>') if at == 0 else Markup("<td{}>{}</td>")
        marked.append(frame.format(_class(column), cell.html))
    return Markup("<tr>{}</tr>").format(joined(marked))


def _class(column: Column) -> Markup:
    names = ["spm-num"] if column.numeric else []
    # What gives way where paper is narrow.
    names += {"interval": ["spm-interval"], "trend": ["spm-trend"]}.get(column.unit, [])
    return Markup(' class="{}"').format(" ".join(names)) if names else Markup("")


def _plain(
    title: str, rows: Sequence[Sequence[_Cell]], shown: Mapping[str, Column], notes: Sequence[str]
) -> str:
    cut = [[clean(cell.text) if cell.text else "" for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cut) for at in range(len(shown))]
    numeric = [c.numeric for c in shown.values()]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cut
    ]
    return "\n".join([title, *lines, *notes])
