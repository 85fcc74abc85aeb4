"""Tables: caption, scoped headers, numbers in their unit, nothing unescaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from spm_lib.present.display import NAME_LIMIT, TITLE_LIMIT, Block, clean, is_null, joined, name_html, nothing
from spm_lib.theme import UNITS, UNKNOWN, UNKNOWN_SPOKEN, Look, is_unknown

ROW_LIMIT = 200


@dataclass(frozen=True)
class Column:
    """How a column of a frame is shown.

    Parameters
    ----------
    label
        Its header.
    unit
        ``text`` (cut where it is long), ``prose`` (not cut), ``date``, a unit of the theme, ``interval`` (with
        `high` and `of`), or ``difference`` (with `of`).
    high
        For an interval: the column with its upper end.
    of
        For an interval or difference: the unit of the values; ``:NAME`` reads it from the column NAME.
    """

    label: str
    unit: str = "text"
    high: str = ""
    of: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its cells are set flush right."""
        return self.unit not in ("text", "prose")


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column | str],
    *,
    caption: str,
    look: Look | None = None,
    total: Mapping[str, Any] | None = None,
    limit: int = ROW_LIMIT,
    empty: str = "there are no rows",
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
        Values of a last row, in bold.
    limit
        The most rows to show; the rest is counted in words.
    empty
        What to say where there are no rows.
    """
    if frame.empty:
        return nothing(empty)
    return Block(*_build(frame, columns, caption, look or Look(), total, limit))


def _build(
    frame: pd.DataFrame,
    columns: Mapping[str, Column | str],
    caption: str,
    look: Look,
    total: Mapping[str, Any] | None,
    limit: int,
) -> tuple[Markup, str]:
    shown = {name: c if isinstance(c, Column) else Column(c) for name, c in columns.items()}
    rows = [_cells(row, shown, look) for row in frame.head(limit).to_dict("records")]
    foot = [_cells(total, shown, look)] if total else []
    title = clean(caption, TITLE_LIMIT)
    heads = joined(
        Markup('<th scope="col"{}>{}</th>').format(_class(c), clean(c.label)) for c in shown.values()
    )
    body = joined(_row(cells, shown) for cells in rows)
    tail = Markup("<tfoot>{}</tfoot>").format(_row(foot[0], shown)) if foot else ""
    more = len(frame) - len(rows)
    rest = (
        f"{look.value(more, 'count', compact=False)} more {'row' if more == 1 else 'rows'} not shown"
        if more
        else ""
    )
    html = Markup(
        '<div class="spm spm-tablebox"><div class="spm-scroll" role="group" tabindex="0" aria-label="{title}">'
        '<table class="spm-table"><caption>{title}</caption><thead><tr>{heads}</tr></thead>'
        "<tbody>{body}</tbody>{tail}</table></div>{rest}</div>"
    ).format(
        title=title,
        heads=heads,
        body=body,
        tail=tail,
        rest=Markup('<p class="spm-note">{}</p>').format(rest) if rest else "",
    )
    return html, _plain(title, [[clean(c.label) for c in shown.values()], *rows, *foot], shown, rest)


def _cells(row: Mapping[Any, Any], shown: Mapping[str, Column], look: Look) -> list[str]:
    return [_written(row.get(name), column, row, look) for name, column in shown.items()]


def _written(value: Any, column: Column, row: Mapping[Any, Any], look: Look) -> str:
    """Write one cell; unknown ones are a dash."""
    unit = _unit(column.of or column.unit, row)
    if not column.numeric:
        # Text that is empty on purpose, as in a row of totals, stays so.
        return UNKNOWN if is_null(value) else "" if value == "" else clean(value, TITLE_LIMIT)
    if column.unit == "date":
        return UNKNOWN if is_null(value) else look.date(_day(value))
    if unit not in UNITS:
        return UNKNOWN
    if column.unit == "interval":
        return look.interval(value, row.get(column.high), unit) or UNKNOWN
    if column.unit == "difference":
        return look.difference(value, unit)
    if is_unknown(value) and row.get("note") == "met":
        return "met"
    return look.value(value, unit)


def _unit(unit: str, row: Mapping[Any, Any]) -> str:
    return str(row.get(unit[1:])) if unit.startswith(":") else unit


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])


def _row(cells: Sequence[str], shown: Mapping[str, Column]) -> Markup:
    marked = []
    for at, (cell, column) in enumerate(zip(cells, shown.values(), strict=True)):
        frame = Markup('<th scope="row"{}>{}</th>') if at == 0 else Markup("<td{}>{}</td>")
        marked.append(frame.format(_class(column), _cell(cell, column)))
    return Markup("<tr>{}</tr>").format(joined(marked))


def _cell(cell: str, column: Column) -> Markup:
    if cell == UNKNOWN:
        return Markup('<span aria-hidden="true">{}</span><span class="spm-sr">{}</span>').format(
            UNKNOWN, UNKNOWN_SPOKEN
        )
    if column.numeric or not cell:
        return Markup("{}").format(cell)
    return name_html(cell, TITLE_LIMIT if column.unit == "prose" else NAME_LIMIT)


def _class(column: Column) -> Markup:
    return Markup(' class="spm-num"') if column.numeric else Markup("")


def _plain(title: str, rows: Sequence[Sequence[str]], shown: Mapping[str, Column], rest: str) -> str:
    cut = [[clean(cell) if cell else cell for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cut) for at in range(len(shown))]
    numeric = [c.numeric for c in shown.values()]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cut
    ]
    return "\n".join([title, *lines, *([rest] if rest else [])])
