"""Measuring text, and what pictures are made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath, TextToPath

from spm_lib.present import letters
from spm_lib.present.drawing import board, drawing, to_svg
from spm_lib.present.letters import box_of, fitted, width_of


@pytest.mark.parametrize("text", ["Hello World", "Kary Hendrixson", "$1,234.56 – n 12"])
def test_text_is_measured_as_it_is_drawn(text: str) -> None:
    drawn = TextPath((0, 0), text, prop=FontProperties(family="DejaVu Sans", size=10), usetex=False)
    assert width_of(text, 10) == pytest.approx(drawn.get_extents().width, rel=0.12)


def test_what_was_drawn_before_changes_no_measure() -> None:
    before = width_of("Qqz", 10), box_of("Qqz", 10, bold=True)
    letters._letter.cache_clear()
    for weight in ("normal", "bold"):
        get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight))).set_size(7, 72)
    assert (width_of("Qqz", 10), box_of("Qqz", 10, bold=True)) == before


@given(st.text(max_size=200), st.integers(20, 300))
def test_names_fit_their_room(name: str, room: int) -> None:
    assert width_of(fitted(name, room)) <= room + 1e-6


def test_names_that_fit_are_not_cut() -> None:
    assert fitted("Ann", 100) == "Ann"
    for name in ("Ann", "Olivia Hall", "Priya Chandrasekaran", "Ünal Ç."):
        for gap in (8.0, 0.1, 1e3, 1 / 3):
            assert fitted(name, width_of(name) + gap - gap) == name
    assert fitted("A" * 79, 10_000) == "A" * 79
    assert fitted("A" * 100, 60).endswith("…")


def test_pictures_carry_no_date_program_or_address() -> None:
    with drawing():
        figure, axes = board(100)
        axes.annotate("a  b\u00a0c", (0, 0))
        svg = to_svg(figure)
    assert svg.startswith("<svg")
    assert "DejaVu" not in svg
    assert "atplotlib v" not in svg
    assert "<!" not in svg
    assert "a  b\u00a0c" in svg
    assert {part.split('"')[0] for part in svg.split("http://")[1:]} <= {
        "www.w3.org/2000/svg",
        "www.w3.org/1999/xlink",
    }


LETTERS = st.characters(max_codepoint=0x2FFF) | st.sampled_from("▲▼►−–…€$×·lp|Ä ")


@given(st.text(LETTERS, max_size=12), st.floats(4, 40), st.booleans())
def test_the_box_of_a_line_is_what_matplotlib_would_measure(text: str, size: float, bold: bool) -> None:
    box = box_of(text, size, bold=bold)
    if box is None:
        return
    own = TextToPath().get_text_width_height_descent(
        text, FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal"), False
    )
    assert box[1:] == pytest.approx(own[1:], abs=1e-6)


@pytest.mark.parametrize("text", ["Anna Müller", "▲ +$1,234", "−12.3K €", "Ж 95% interval"])
def test_usual_text_is_measured_by_letters(text: str) -> None:
    assert box_of(text, 10) is not None


@pytest.mark.parametrize("text", ["王小明", "e\u0301", "مرحبا", "a\x1f"])
def test_letters_that_the_font_lacks_stacks_or_changes_are_left_to_matplotlib(text: str) -> None:
    assert box_of(text, 10) is None
