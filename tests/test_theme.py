"""The theme: contrast that is computed, colours that all eyes tell apart, and numbers as people write them."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.errors import UnknownNameError
from spm_lib.theme import (
    DARK,
    LIGHT,
    UNITS,
    Look,
    Palette,
    contrast,
    css,
    format_difference,
    format_value,
    is_unknown,
    tone,
)

TEXT = 4.5
DATA = 3.0


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def to_hex(rgb: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(c) * 255):02X}" for c in np.clip(rgb, 0, 1))


def in_the_dark(colour: str) -> str:
    """What CSS makes of a picture's colour: invert(1), then hue-rotate(180deg), as Filter Effects 1 defines them."""
    red, green, blue = 0.213, 0.715, 0.072
    keep = np.array([[red, green, blue]] * 3)
    turn = 2 * keep - np.eye(3)  # cos 180° = −1, sin 180° = 0
    return to_hex(turn @ (1 - channels(colour)))


def seen_by(colour: str, kind: str) -> np.ndarray:
    """Simulate dichromacy (Machado, Oliveira and Fernandes 2009, severity 1), and give CIE Lab."""
    matrix = {
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "tritanopia": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
        "nothing": np.eye(3),
    }[kind]
    rgb = channels(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / np.array([0.95047, 1.0, 1.08883]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    ("colour", "known"),
    [("#404040", 10.4), ("#B34700", 5.5), ("#0072B2", 5.2), ("#00B050", 2.87), ("#A6A6A6", 2.43)],
)
def test_contrast_gives_the_known_figures(colour: str, known: float) -> None:
    assert contrast(colour, "#FFFFFF") == pytest.approx(known, abs=0.05)
    assert contrast("#FFFFFF", colour) == contrast(colour, "#FFFFFF")
    assert contrast(colour, colour) == 1


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["ink", "muted", "good", "bad"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_is_read(palette: Palette, name: str, ground: str) -> None:
    assert contrast(getattr(palette, name), getattr(palette, ground)) >= TEXT


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["actual", "previous", "good", "bad", "muted"])
def test_data_are_seen(palette: Palette, name: str) -> None:
    assert contrast(getattr(palette, name), palette.paper) >= DATA


@pytest.mark.parametrize("name", ["ink", "muted", "good", "bad"])
def test_text_of_pictures_is_read_in_the_dark(name: str) -> None:
    assert contrast(in_the_dark(getattr(LIGHT, name)), DARK.paper) >= TEXT
    assert contrast(in_the_dark(getattr(LIGHT, name)), DARK.panel) >= TEXT


@pytest.mark.parametrize("name", ["actual", "previous"])
def test_data_of_pictures_are_seen_in_the_dark(name: str) -> None:
    assert contrast(in_the_dark(getattr(LIGHT, name)), DARK.paper) >= DATA


def test_ink_is_read_on_the_band() -> None:
    assert contrast(LIGHT.ink, LIGHT.band) >= TEXT
    assert contrast(in_the_dark(LIGHT.ink), in_the_dark(LIGHT.band)) >= TEXT
    assert contrast(LIGHT.actual, LIGHT.band) >= DATA


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("eyes", ["nothing", "protanopia", "deuteranopia", "tritanopia"])
def test_good_and_bad_are_told_apart_by_all_eyes(palette: Palette, eyes: str) -> None:
    distance = np.linalg.norm(seen_by(palette.good, eyes) - seen_by(palette.bad, eyes))
    assert distance > 30


def test_the_style_sheet_has_both_modes_and_asks_for_nothing_from_elsewhere() -> None:
    sheet = css()
    assert LIGHT.good in sheet
    assert DARK.good in sheet
    assert "prefers-color-scheme:dark" in sheet
    assert "@media print" in sheet
    for outside in ("url(", "@import", "http", "</"):
        assert outside not in sheet
    assert sheet.count("{") == sheet.count("}")
    variables = {f"--spm-{name}" for name in LIGHT.__dataclass_fields__} | {"--spm-font"}
    used = {part.split(")")[0] for part in sheet.split("var(")[1:]}
    assert used <= variables


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "currency", "$0"),
        (12.5, "currency", "$12.50"),
        (999.5, "currency", "$1,000"),
        (9876, "currency", "$9,876"),
        (12_345, "currency", "$12.3K"),
        (123_456, "currency", "$123K"),
        (999_999, "currency", "$1M"),
        (-1_234_567, "currency", "−$1.2M"),
        (Decimal("1234567.89"), "currency", "$1.2M"),
        (31_234, "currency_per_day", "$31.2K per day"),
        (0.632, "share", "63.2%"),
        (0.6325, "share", "63.3%"),
        (1.043, "share", "104.3%"),
        (-0.0001, "share", "0.0%"),
        (0.041, "points", "4.1 pts"),
        (52, "days", "52 days"),
        (1, "days", "1 day"),
        (52.5, "days", "52.5 days"),
        (1234, "count", "1,234"),
        (1_234_567, "count", "1.2M"),
        (3.2, "ratio", "3.20×"),
        (1e300, "currency", "1.0e+300"),
        (1e-300, "currency", "$0"),
    ],
)
def test_values_as_people_write_them(value: object, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("locale", "money", "share"),
    [
        ("de_DE", "1,2 Mio. €", "63,2 %"),
        ("fr_FR", "1,2 M €", "63,2 %"),
        ("en_GB", "€1.2M", "63.2%"),
        ("ja_JP", "€123万", "63.2%"),
    ],
)
def test_locales(locale: str, money: str, share: str) -> None:
    look = Look("EUR", locale)
    assert look.value(1_234_567, "currency").replace("\u00a0", " ") == money
    assert look.value(0.632, "share").replace("\u00a0", " ").replace("\u202f", " ") == share


def test_a_locale_without_a_short_form_for_thousands_keeps_its_separators() -> None:
    assert Look("EUR", "de_DE").value(12_345, "currency").replace("\u00a0", " ") == "12.345 €"


def test_money_in_full_and_in_currencies_without_a_sign() -> None:
    assert format_value(1_234_567, "currency", compact=False) == "$1,234,567"
    assert format_value(1_234_567, "count", compact=False) == "1,234,567"
    assert format_value(12, "currency", currency="CHF") == "CHF\u00a012"


@pytest.mark.parametrize(
    "null", [None, math.nan, math.inf, -math.inf, pd.NA, pd.NaT, np.nan, Decimal("NaN"), "x"]
)
def test_the_unknown_is_a_dash_and_never_zero(null: object) -> None:
    assert is_unknown(null)
    for unit in UNITS:
        assert format_value(null, unit) == "–"
        assert format_difference(null, "share" if unit == "points" else unit) == "–"


def test_an_unknown_unit_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'currency'"):
        format_value(1, "curency")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.041, "share", "▲ +4.1 pts"),
        (-0.041, "share", "▼ −4.1 pts"),
        (0.0001, "share", "► 0.0 pts"),
        (-0.0001, "share", "► 0.0 pts"),
        (0, "currency", "► $0"),
        (-12_345, "currency", "▼ −$12.3K"),
        (4, "days", "▲ +4 days"),
    ],
)
def test_differences_have_an_arrow_and_a_sign(value: float, unit: str, text: str) -> None:
    assert format_difference(value, unit) == text


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(UNITS),
    st.sampled_from(["en_US", "de_DE", "fr_FR", "ja_JP", "ar_EG", "hi_IN", "sv_SE"]),
    st.sampled_from(["USD", "JPY", "CHF", "XYZ", "<b>"]),
)
def test_any_number_is_written(value: float, unit: str, locale: str, currency: str) -> None:
    text = format_value(value, unit, locale=locale, currency=currency)
    assert text
    assert "nan" not in text.lower()
    written = format_difference(
        value, "share" if unit == "points" else unit, locale=locale, currency=currency
    )
    assert written[0] in "▲▼►–"
    if written[0] == "▲":
        assert value > 0
        assert "+" in written
    if written[0] == "▼":
        assert value < 0
        assert "−" in written


@given(st.floats(-1e14, 1e14), st.floats(-1e14, 1e14))
def test_full_counts_keep_their_order(one: float, two: float) -> None:
    def back(value: float) -> float:
        return float(format_value(value, "count", compact=False).replace(",", "").replace("−", "-"))

    assert (one <= two) <= (back(one) <= back(two))


@pytest.mark.parametrize(
    ("difference", "better", "significant", "judged"),
    [
        (1, "higher", True, "good"),
        (-1, "higher", True, "bad"),
        (1, "lower", True, "bad"),
        (-1, "lower", True, "good"),
        (1, "higher", False, "neutral"),
        (0, "higher", True, "neutral"),
        (1, None, True, "neutral"),
        (None, "higher", True, "neutral"),
    ],
)
def test_tones(difference: object, better: str | None, significant: bool, judged: str) -> None:
    assert tone(difference, better, significant=significant) == judged


def test_intervals_dates_and_units_in_words() -> None:
    look = Look("EUR")
    assert look.interval(0.5, 0.6, "share") == "50.0% to 60.0%"
    assert look.interval(None, 0.6, "share") == ""
    # A unit that is a word stands there once.
    assert look.interval(43, 80, "days") == "43 to 80 days"
    assert look.interval(1, 2, "days") == "1 to 2 days" and look.interval(0, 1, "days") == "0 days to 1 day"
    assert look.interval(-0.02, 0.18, "points") == "−2.0 to 18.0 pts"
    assert look.interval(10, 20, "currency_per_day") == "€10 to €20 per day"
    assert look.date(dt.date(2017, 12, 31)) == "Dec 31, 2017"
    assert look.unit("currency") == "EUR"
    assert look.unit("share") == "%"
    assert look.unit("days") == "days"
