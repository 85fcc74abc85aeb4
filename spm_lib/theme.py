"""One look for charts, tables, pages and mails: palette, type, and how numbers are written."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date as babel_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_symbol,
)

from spm_lib.errors import UnknownNameError, did_you_mean

UNKNOWN = "–"
UNKNOWN_SPOKEN = "unknown"
#: Classes of what MathJax, new and old, leaves alone.
NO_FORMULAS = "mathjax_ignore tex2jax_ignore"
UNITS = ("currency", "share", "days", "count", "ratio", "currency_per_day", "points")

#: For pages and for the text of pictures: what the reader's system has.
FONT_STACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: For measuring text in pictures: Matplotlib brings it along.
CHART_FONT = "DejaVu Sans"

_UNIT_IN_WORDS = re.compile(r" (per day|pts|days)$")
_ABSURD = Decimal(10) ** 15  # no figure of a company is that large: written as it is, in powers of ten

UP, DOWN, LEVEL = "▲", "▼", "►"


@dataclass(frozen=True)
class Palette:
    """The colours of one mode.

    Parameters
    ----------
    paper, panel
        Backgrounds.
    rule
        Thin lines that carry no meaning.
    ink, muted
        Text, and text of lesser weight.
    actual, previous
        Scenarios: actual is solid, previous lighter with an outline in `actual`; plan is an outline alone.
    band
        Area of the usual range; its edges are drawn in `muted`.
    good, bad
        A pair that colour-blind readers tell apart; an arrow and a sign always stand with it.
    """

    paper: str
    panel: str
    rule: str
    ink: str
    muted: str
    actual: str
    previous: str
    band: str
    good: str
    bad: str


LIGHT = Palette(
    paper="#FFFFFF",
    panel="#F4F5F7",
    rule="#D5D9DE",
    ink="#1F2328",
    muted="#57606A",
    actual="#404040",
    previous="#8E9299",
    band="#D9DEE4",
    good="#0072B2",
    bad="#B34700",
)
DARK = Palette(
    paper="#14171C",
    panel="#1E2229",
    rule="#3B424B",
    ink="#E9EBEE",
    muted="#A8B0BA",
    actual="#C6CAD0",
    previous="#7E858F",
    band="#2B313A",
    good="#6CB8EE",
    bad="#F3A467",
)


@lru_cache(maxsize=1)
def css() -> str:
    """Give the style sheet for everything that `present` draws: light, dark, print and phone."""
    rules = files("spm_lib").joinpath("theme.css").read_text(encoding="utf-8")
    light = _variables(LIGHT) + f"--spm-font:{FONT_STACK};"
    dark = _variables(DARK)
    return f".spm{{{light}}}\n@media screen and (prefers-color-scheme:dark){{.spm{{{dark}}}}}\n{rules}"


def _variables(palette: Palette) -> str:
    return "".join(f"--spm-{f.name}:{getattr(palette, f.name)};" for f in fields(palette))


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours (``#RRGGBB``) as WCAG 2 defines it, 1 to 21, unrounded."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@dataclass(frozen=True)
class Look:
    """How a report writes its numbers: one currency, one locale."""

    currency: str = "USD"
    locale: str = "en_US"

    def value(self, value: object, unit: str, *, compact: bool = True) -> str:
        """Write a value; see `format_value`."""
        return format_value(value, unit, currency=self.currency, locale=self.locale, compact=compact)

    def difference(self, value: object, unit: str) -> str:
        """Write a difference with arrow and sign; see `format_difference`."""
        return format_difference(value, unit, currency=self.currency, locale=self.locale)

    def interval(self, low: object, high: object, unit: str) -> str:
        """Write an interval like ``58.1% to 67.9%``, see `from_to`; empty where either end is unknown."""
        if is_unknown(low) or is_unknown(high):
            return ""
        return from_to(self.value(low, unit), self.value(high, unit))

    def date(self, day: dt.date) -> str:
        """Write a day, like ``Dec 31, 2017``."""
        return str(babel_date(day, format="medium", locale=self.locale))

    def unit(self, unit: str) -> str:
        """Name a unit for a figure's title, like ``USD``."""
        return {
            "currency": self.currency,
            "currency_per_day": f"{self.currency} per day",
            "share": "%",
            "points": "percentage points",
            "ratio": "times",
        }.get(unit, unit)


def from_to(first: str, last: str) -> str:
    """Join two written values of one unit, which stands there once where it is a word: ``43 to 80 days``."""
    if _UNIT_IN_WORDS.search(last):
        first = _UNIT_IN_WORDS.sub("", first).removesuffix(" day")
    return f"{first} to {last}"


def is_unknown(value: object) -> bool:
    """Tell whether a value is null, not a number or infinite."""
    return _number(value) is None


def format_value(
    value: object, unit: str, *, currency: str = "USD", locale: str = "en_US", compact: bool = True
) -> str:
    """Write a value in its unit.

    Parameters
    ----------
    value
        A number; null (None, NaN, NA) is written ``–``.
    unit
        One of `UNITS`. A share of 0.632 is written ``63.2%``; points are a difference of shares, so 0.041 is
        written ``4.1 pts``.
    currency
        ISO 4217 code, for money.
    locale
        Babel's name of the locale.
    compact
        Whether money from 10,000 and counts from 1,000,000 are shortened, like ``€1.2M``.
    """
    if unit not in UNITS:
        raise UnknownNameError(f"there is no unit '{unit}'", mend=did_you_mean(unit, UNITS))
    number = _number(value)
    if number is None:
        return UNKNOWN
    if abs(number) >= _ABSURD:
        return _true_minus(f"{float(number):.1e}")
    if unit in ("currency", "currency_per_day"):
        text = _money(number, currency, locale, compact)
        return _true_minus(f"{text} per day" if unit == "currency_per_day" else text)
    if unit == "share":
        pattern = str(Locale.parse(locale).percent_formats[None].pattern).replace("#,##0", "#,##0.0")
        rounded = number.quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
        return _true_minus(str(format_decimal(rounded, pattern, locale=locale)))
    if unit == "points":
        return _true_minus(_decimal(number * 100, "#,##0.0", locale) + " pts")
    if unit == "days":
        text = _decimal(number, "#,##0.#", locale)
        return _true_minus(f"{text} {'day' if text.lstrip('-') == '1' else 'days'}")
    if unit == "ratio":
        return _true_minus(_decimal(number, "#,##0.00", locale) + "×")
    if compact and abs(number) >= 1_000_000:
        return _true_minus(str(format_compact_decimal(_three(number), locale=locale, fraction_digits=1)))
    return _true_minus(_decimal(number, "#,##0.##", locale))


def format_difference(value: object, unit: str, *, currency: str = "USD", locale: str = "en_US") -> str:
    """Write a difference of two values in `unit` with arrow and sign, like ``▲ +4.1 pts`` or ``▼ −$12.3K``.

    Shares differ by points. What rounds to nothing has neither sign nor direction: ``► 0.0 pts``.
    """
    text = format_value(value, difference_unit(unit), currency=currency, locale=locale)
    number = _number(value)
    if number is None or not any(c in "123456789" for c in text):
        return text if number is None else f"{LEVEL} {text}"
    return f"{UP} +{text}" if number > 0 else f"{DOWN} {text}"


def difference_unit(unit: str) -> str:
    """Give the unit that differences of values in `unit` have: points for shares."""
    return "points" if unit == "share" else unit


def tone(difference: object, better: str | None, *, significant: bool = True) -> str:
    """Judge a difference: ``good``, ``bad`` or ``neutral``.

    Parameters
    ----------
    difference
        The later value less the earlier one.
    better
        ``higher``, ``lower`` or None: which direction is good.
    significant
        Whether its interval says that it is one; otherwise it is neutral.
    """
    number = _number(difference)
    if number is None or number == 0 or better is None or not significant:
        return "neutral"
    return "good" if (number > 0) == (better == "higher") else "bad"


def _number(value: object) -> Decimal | None:
    try:
        as_float = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(as_float):
        return None
    if abs(as_float) < 1e-12:
        return Decimal(0)
    return value if isinstance(value, Decimal) else Decimal(repr(as_float))


def _three(number: Decimal) -> Decimal:
    """Round to three significant digits, so that 999,999 is written as a million."""
    if not number:
        return number
    return number.quantize(Decimal(1).scaleb(number.adjusted() - 2), rounding=ROUND_HALF_UP)


def _money(number: Decimal, currency: str, locale: str, compact: bool) -> str:
    size = abs(number)
    if compact and size >= 10_000:
        text = str(format_compact_currency(_three(number), currency, locale=locale, fraction_digits=1))
        # Some locales have no short form for thousands, and then write them without separators.
        if sum(c.isdigit() for c in text) <= 4:
            return _spaced(text, currency, locale)
    cents = size < 100 and number != number.to_integral_value()
    pattern = str(Locale.parse(locale).currency_formats["standard"].pattern)
    if not cents:
        pattern = pattern.replace(".00", "")
    rounded = number.quantize(Decimal("0.01") if cents else Decimal(1), rounding=ROUND_HALF_UP)
    text = format_currency(rounded, currency, pattern, locale=locale, currency_digits=False)
    return _spaced(text, currency, locale)


def _spaced(text: str, currency: str, locale: str) -> str:
    """Set a symbol of letters apart from the digits that follow it: ``CHF 12``."""
    symbol = get_currency_symbol(currency, locale=locale)
    before, _, after = text.partition(symbol)
    if symbol[-1:].isalpha() and after[:1].isdigit():
        return f"{before}{symbol}\N{NO-BREAK SPACE}{after}"
    return text


def _decimal(number: Decimal, pattern: str, locale: str) -> str:
    digits = len(pattern.partition(".")[2])
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return str(format_decimal(rounded, pattern, locale=locale))


def _true_minus(text: str) -> str:
    if "-" in text and not any(c in "123456789" for c in text):
        return text.replace("-", "", 1)
    return text.replace("-", "−", 1)
