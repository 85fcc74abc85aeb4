"""What a mail says before it is HTML, and its twin in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from spm_lib.press.render.parts import Cell, KeyFigure, KeyFigures, Part, Table, Words

#: Characters in a line of plain text; tables may be wider.
_WIDTH = 76


@dataclass(frozen=True)
class Shown:
    """A picture as the mail shows it: its content id, and its size in points."""

    cid: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Letter:
    """What a mail says, before it is HTML or text.

    Parameters
    ----------
    headline, about, aside
        The message, whom it is about, and how old its data are.
    preheader
        What lists of mails show beside the subject.
    warnings
        What the reader must know first.
    parts
        What follows, in order.
    closing
        What stands at the end.
    link
        Where the report stands; empty where there is no address that leads to it.
    """

    headline: str
    about: str
    aside: str
    preheader: str
    warnings: tuple[str, ...]
    parts: tuple[Part | Shown, ...]
    closing: str
    link: str = ""


def plain(letter: Letter) -> str:
    """Write a letter as plain text."""
    lines = [letter.about, _wrapped(letter.headline), letter.aside, *(f"Mind: {w}." for w in letter.warnings)]
    for part in letter.parts:
        lines += ["", *_plain_part(part)] if not _runs_on(part) else _plain_part(part)
    lines += ["", "--", _wrapped(letter.closing), letter.link]
    return "\n".join(line for at, line in enumerate(lines) if line or at).strip() + "\n"


def _runs_on(part: Part | Shown) -> bool:
    return isinstance(part, Shown) or (isinstance(part, Words) and part.kind in ("note", "item"))


def _plain_part(part: Part | Shown) -> list[str]:
    if isinstance(part, Words):
        lead = "- " if part.kind == "item" else ""
        text = f"{part.lead}. {part.text}".strip() if part.lead else part.text
        return [text if part.kind == "pre" else _wrapped(text, lead)]
    if isinstance(part, KeyFigures):
        return [_wrapped(_told(figure), "- ") for figure in part.figures]
    if isinstance(part, Shown):
        return [_wrapped(f"[Picture: {part.alt}]")]
    if isinstance(part, Table):
        return _plain_table(part)
    raise AssertionError(part)  # pragma: no cover - pictures are shown by now


def _told(figure: KeyFigure) -> str:
    told = [f"{figure.label}: {figure.value}", *(line.text for line in figure.against), figure.sureness]
    return "; ".join(each for each in told if each)


def _plain_table(table: Table) -> list[str]:
    rows = [row for row in (table.heads, *table.rows, *table.totals) if row]
    widths = [max(len(row[at].text) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]

    def line(row: Sequence[Cell]) -> str:
        cells = zip(row, widths, strict=False)
        return "  ".join(c.text.rjust(w) if c.number else c.text.ljust(w) for c, w in cells).rstrip()

    return [*([_wrapped(table.caption)] if table.caption else []), *(f"  {line(row)}" for row in rows)]


def _wrapped(text: str, lead: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
