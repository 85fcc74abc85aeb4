"""A chart: message, title, picture with an alt text that states the finding, and its data in a table beneath."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from spm_lib.errors import ParameterError
from spm_lib.present.display import TITLE_LIMIT, Block, clean, is_null, joined
from spm_lib.present.drawing import data_uri, drawing, to_png, to_svg
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown

#: Columns of a tidy frame that are no dimension.
FIGURES = frozenset(
    {"metric", "part", "value", "n", "low", "high", "unit", "note", "period", "start", "end", "against"}
    | {"previous", "previous_n", "previous_low", "previous_high", "p_value", "significant", "complete"}
    | {"difference", "difference_low", "difference_high", "centre", "lower", "upper", "signal", "rule"}
)
#: What nbconvert writes where it finds no alt text.
_FILLER = "no description has been provided"


@dataclass(frozen=True, repr=False)
class Chart(Block):
    """A figure with its data.

    Parameters
    ----------
    html, text
        As in `Block`; `draw_chart` makes them.
    alt
        One sentence that states the finding.
    title
        Measure, unit, period and scenarios.
    svg
        The picture.
    paint
        Draws the figure again, for `png`.
    """

    alt: str = ""
    title: str = ""
    svg: str = field(default="", compare=False)
    paint: Callable[[], Figure] = field(default=Figure, compare=False)

    def __post_init__(self) -> None:
        alt = self.alt.strip()
        if not alt or _FILLER in alt.lower():
            mend = "State the finding in one sentence"
            raise ParameterError("the chart has no alt text", where=self.title or "chart", mend=mend)

    def png(self, scale: float = 2.0) -> bytes:
        """Give the picture as PNG on white, for mails."""
        with drawing():
            return to_png(self.paint(), scale)


def draw_chart(
    paint: Callable[[], Figure],
    *,
    alt: str,
    title: str,
    message: str = "",
    data: Block | None = None,
    notes: Iterable[str] = (),
) -> Chart:
    """Draw a figure and put it together with its words.

    Parameters
    ----------
    paint
        Draws the figure; called inside `drawing`.
    alt, title
        As in `Chart`.
    message
        The finding that stands above, where no heading says it.
    data
        The table beneath, folded.
    notes
        Remarks beneath the picture.
    """
    with drawing():
        figure = paint()
        width, height = (round(inches * 72) for inches in figure.get_size_inches())
        svg = to_svg(figure)
    alt, title, message = (clean(t, TITLE_LIMIT) if t.strip() else "" for t in (alt, title, message))
    said = [clean(note, 600) for note in notes if note]
    html = Markup(
        '<figure class="spm spm-figure"><figcaption>{message}<span class="spm-title">{title}</span></figcaption>'
        '<img class="spm-picture" alt="{alt}" width="{width}" height="{height}" src="{src}">{notes}{data}</figure>'
    ).format(
        message=Markup('<span class="spm-message">{}</span>').format(message) if message else "",
        title=title,
        alt=alt,
        width=width,
        height=height,
        src=data_uri(svg),
        notes=joined(Markup('<p class="spm-note">{}</p>').format(note) for note in said),
        data=Markup('<details class="spm-data"><summary>Data of this figure</summary>{}</details>').format(
            data.html
        )
        if data
        else "",
    )
    lines = [message, title, alt, *said, data.text if data else ""]
    return Chart(html, "\n".join(line for line in lines if line), alt, title, svg, paint)


def dimension_of(frame: pd.DataFrame, given: str | None = None) -> str:
    """Find the column to label rows by: `given`, else the first with names, else the first dimension."""
    if given:
        return given
    own = [str(c) for c in frame.columns if c not in FIGURES]
    named = [c for c in own if c.endswith("_name")]
    return (named or own or [str(frame.columns[0])])[0]


def known_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the rows whose value is known."""
    return frame[[not is_unknown(v) for v in frame["value"]]]


def known_parts(frame: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    """Give the rows whose value is known, by their part."""
    return {str(row["part"]): row for row in known_rows(frame).to_dict("records")}


def both_ends(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Give at most `limit` of sorted rows: as many of the first as of the last."""
    half = limit // 2
    return rows if len(rows) <= limit else pd.concat([rows.head(half), rows.tail(half)])


def reason_of(frame: pd.DataFrame, fallback: str) -> str:
    """Say why nothing is known: the first note of the frame, else `fallback`."""
    if "note" in frame.columns:
        for said in frame["note"]:
            if not is_null(said):
                return why(said)
    return fallback


def why(note: object) -> str:
    """Give a note as the reason of a sentence that says already that something is not known."""
    return str(note).removeprefix("Not known: ")


def title_of(measure: str, period: str, scenarios: str, *, own_scale: bool = False) -> str:
    """Give a figure's title: measure with its unit, period, scenarios; and the mark of a scale of its own."""
    title = ", ".join(part for part in (measure, period, scenarios) if part)
    return f"{title} · own scale" if own_scale else title


def head_of(column: str) -> str:
    """Give the header of a dimension's column."""
    return column.removesuffix("_name").replace("_", " ").capitalize()


def data_of(frame: pd.DataFrame, heads: dict[str, str], unit: str, caption: str, look: Look) -> Block:
    """Give the table of a chart's data: every column that a reader may ask for and the frame has."""
    columns: dict[str, Column | str] = dict(heads)
    columns["value"] = Column("AC", unit)
    if "previous" in frame.columns:
        columns["previous"] = Column("PP", unit)
        columns["difference"] = Column("AC − PP", "difference", of=unit)
    columns["n"] = Column("n", "count")
    if "low" in frame.columns and not all(is_unknown(v) for v in frame["low"]):
        columns["low"] = Column("95% interval", "interval", high="high", of=unit)
    if "note" in frame.columns and not all(is_null(v) for v in frame["note"]):
        columns["note"] = Column("Remark", "prose")
    return table(frame, columns, caption=caption, look=look)
