"""What a notebook shows: small frozen blocks of HTML with a plain-text twin, and text made safe for them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from IPython.display import display
from markupsafe import Markup, escape

from spm_lib.theme import NO_FORMULAS, css

NAME_LIMIT = 60
TITLE_LIMIT = 300
NOBODY = "(none)"
#: What the deals of nobody's team stand under.
NO_TEAM = "No team"

_KEEP = "\u200c\u200d"  # joiners: some scripts and emoji need them, and they turn nothing around
_JUNK = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True)
class Block:
    """One thing to show.

    Parameters
    ----------
    html
        Markup in which every value is escaped.
    text
        The same for readers of plain text.
    """

    html: Markup
    text: str

    def _repr_html_(self) -> Markup:
        # JupyterLab and exported pages otherwise typeset what stands between two dollar signs as a formula.
        return Markup(str(self.html).replace('class="spm ', f'class="{NO_FORMULAS} spm '))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Give Jupyter both forms at once, so that it makes one output of them."""
        return {"text/html": str(self._repr_html_()), "text/plain": self.text}

    def __html__(self) -> Markup:
        return self.html

    def __add__(self, other: object) -> Block:
        """Put another block beneath."""
        if not isinstance(other, Block):
            return NotImplemented
        return Block(self.html + other.html, "\n\n".join(t for t in (self.text, other.text) if t))

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Blocks:
    """Several things to show, each an output of its own, so that a page may set them side by side."""

    blocks: tuple[Block, ...]

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    @property
    def text(self) -> str:
        """All of it for readers of plain text."""
        return "\n\n".join(block.text for block in self.blocks)

    def _ipython_display_(self) -> None:
        for block in self.blocks:
            display(block)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return self.text


def is_null(value: object) -> bool:
    """Tell whether `value` is one of the nulls that a frame may hold."""
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def holds(row: Mapping[Any, Any], column: str = "significant") -> bool:
    """Tell whether a row's difference is one: what `keep_discoveries` says, where it is known to have said so."""
    sure = row.get(column)
    return not is_null(sure) and bool(sure)


def clean(text: object, limit: int = NAME_LIMIT) -> str:
    """Give text on one line, cut to `limit` characters, without control and bidirectional characters.

    Parameters
    ----------
    text
        Anything; None and other nulls give ``(none)``.
    limit
        The most characters to keep; a cut is marked with ``…``.
    """
    if is_null(text):
        return NOBODY
    raw = str(text)
    # A name of a hundred thousand characters is looked at only as far as it can be shown.
    head = raw[: 8 * limit + 64]
    kept = (
        c if c in _KEEP or unicodedata.category(c) not in _JUNK else " " if c.isspace() else "" for c in head
    )
    flat = " ".join("".join(kept).split())
    if len(flat) <= limit and len(head) == len(raw):
        return flat or NOBODY
    return flat[: limit - 1].rstrip() + "…"


def name_html(name: object, limit: int = NAME_LIMIT) -> Markup:
    """Give a name as markup: escaped, its direction kept to itself, the whole in a tooltip where it is cut."""
    short, whole = clean(name, limit), clean(name, TITLE_LIMIT)
    if short == whole:
        return Markup("<bdi>{}</bdi>").format(short)
    return Markup('<bdi title="{}">{}</bdi>').format(whole, short)


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Join parts, escaping those that are not markup."""
    return Markup(between).join(escape(p) for p in parts)


#: Where there is nothing to show and nothing to say of it.
EMPTY = Block(Markup(""), "")


def nothing(reason: str, what: str = "") -> Block:
    """Say in one quiet line that there is nothing to show, and why.

    Parameters
    ----------
    reason
        Why, as a clause: ``there is no quota``.
    what
        What cannot be shown for that reason; left out where there is nothing amiss: ``no deal was won in May``.
    """
    said = clean(reason, TITLE_LIMIT).rstrip(".")
    said = f"{clean(what, TITLE_LIMIT)} cannot be shown: {said}." if what else f"{said[0].upper()}{said[1:]}."
    return Block(Markup('<p class="spm spm-note">{}</p>').format(said), said)


def style() -> Block:
    """Give the style sheet for all blocks, to be shown once at the head of a notebook."""
    return Block(Markup("<style>{}</style>").format(Markup(css())), "")
