"""Text measured before it is drawn, letter by letter: how wide it is, and how far it reaches up and down."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

from spm_lib.present.display import clean
from spm_lib.theme import CHART_FONT

TEXT = 11.0
SMALL = 9.5

#: Letters are measured at this size, unhinted: then they grow with the size of the type.
_MEASURED = 100


class _Letter(NamedTuple):
    """A letter's width, and how far its ink reaches above and below the line, in ems."""

    advance: float
    top: float
    bottom: float


@lru_cache(maxsize=2)
def _font(bold: bool) -> FT2Font:
    weight = "bold" if bold else "normal"
    # One of its own: matplotlib's, which `get_font` gives to all, has the size of what was drawn last.
    font = FT2Font(findfont(FontProperties(family=CHART_FONT, weight=weight)))
    font.set_size(_MEASURED, 72)
    return font


@lru_cache(maxsize=4096)
def _letter(character: str, bold: bool = False) -> _Letter:
    """Measure a letter; those that the font lacks are taken for wide."""
    font = _font(bold)
    index = font.get_char_index(ord(character))
    glyph = font.load_glyph(index, flags=LoadFlags.NO_HINTING)
    advance = float(glyph.linearHoriAdvance) / 65536 / _MEASURED
    if index == 0:
        advance = 0.0 if unicodedata.combining(character) else 1.0
    _, bottom, _, top = (edge / 64 / _MEASURED for edge in glyph.bbox)
    return _Letter(advance, top, bottom)


def width_of(text: str, size: float = TEXT) -> float:
    """Give the width of text in points."""
    return sum(_letter(c).advance for c in text) * size


def box_of(text: str, size: float, *, bold: bool = False) -> tuple[float, float, float] | None:
    """Give width, height and depth below the line of the ink of text.

    None where letters may change beside each other, as in Arabic, stand upon each other, or are not in the font.
    """
    if not all(_stands_alone(c, bold) for c in text):
        return None
    letters = [_letter(c, bold) for c in text]
    top = max((letter.top for letter in letters), default=0.0)
    bottom = min((letter.bottom for letter in letters), default=0.0)
    return sum(letter.advance for letter in letters) * size, (top - bottom) * size, -bottom * size


@lru_cache(maxsize=4096)
def _stands_alone(character: str, bold: bool) -> bool:
    """Tell whether a letter of the font looks the same beside any other: Latin, Greek and Cyrillic ones, and signs."""
    plain = character < "\u0590" or "\u2010" <= character < "\u2e80"
    return (
        plain
        and unicodedata.category(character)[0] not in "CM"
        and bool(_font(bold).get_char_index(ord(character)))
    )


def fitted(text: object, room: float, size: float = TEXT) -> str:
    """Give a name cleaned, and cut to `room` points."""
    whole = clean(text, 80)
    # Room that was measured by this very text, then added to and taken from, must hold it.
    room += 1e-6
    if width_of(whole, size) <= room:
        return whole
    short = whole.rstrip("…")
    kept, used = 0, width_of("…", size)
    # One letter more than fits, as sums differ in their last bits; then as it will be measured.
    for character in short:
        kept += 1
        used += _letter(character).advance * size
        if used > room:
            break
    while kept and width_of(short[:kept] + "…", size) > room:
        kept -= 1
    return short[:kept].rstrip() + "…"
