"""Sentences."""

from __future__ import annotations

import math

import pytest

from spm_lib.present.prose import describe_change, headline, join_names, plural, reading, sentence, sentences
from spm_lib.theme import Look


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "no deals"),
        (1, "1 deal"),
        (1.0, "1 deal"),
        (2, "2 deals"),
        (1234, "1,234 deals"),
        (1_234_567, "1,234,567 deals"),
        (None, "an unknown number of deals"),
        (math.nan, "an unknown number of deals"),
    ],
)
def test_plural(count: object, said: str) -> None:
    assert plural(count, "deal") == said


def test_plural_of_other_words() -> None:
    assert plural(2, "opportunity", "opportunities") == "2 opportunities"
    assert plural(1, "opportunity", "opportunities") == "1 opportunity"
    assert plural(1234, "deal", look=Look(locale="de_DE")) == "1.234 deals"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "nobody"),
        (["Ann"], "Ann"),
        (["Ann", "Bob"], "Ann and Bob"),
        (["Ann", "Bob", "Cy"], "Ann, Bob and Cy"),
        (["Ann", "Bob", "Cy", "Di"], "Ann, Bob, Cy and Di"),
        (["Ann", "Bob", "Cy", "Di", "Ed"], "Ann, Bob, Cy and 2 others"),
        (["A\nn\u202en", None], "A nn and (none)"),
    ],
)
def test_join_names(names: list[object], said: str) -> None:
    assert join_names(names) == said


def test_join_names_of_other_things() -> None:
    assert join_names([], what="deal") == "no deals"
    assert join_names("abcdef", limit=2, what="deal") == "a, b and 4 deals"


@pytest.mark.parametrize(
    ("difference", "unit", "significant", "said"),
    [
        (0.041, "share", True, "up 4.1 pts on Q3 2017"),
        (0.041, "share", False, "up 4.1 pts on Q3 2017, within normal variation"),
        (-12_345, "currency", True, "down $12.3K on Q3 2017"),
        (-1, "days", None, "down 1 day on Q3 2017"),
        (0, "share", True, "unchanged on Q3 2017"),
        (0.00001, "share", True, "unchanged on Q3 2017"),
        (None, "share", True, "change on Q3 2017 unknown"),
    ],
)
def test_describe_change(difference: object, unit: str, significant: bool | None, said: str) -> None:
    assert describe_change(difference, unit, "Q3 2017", significant=significant) == said


def test_blocks_of_prose_are_escaped_paragraphs_and_headings() -> None:
    assert headline("A & B").html == '<h2 class="spm spm-headline">A &amp; B</h2>'
    assert reading("One <b>.", "", "Two.").html == '<p class="spm spm-reading">One &lt;b&gt;. Two.</p>'
    assert reading("One.", "Two.").text == "One. Two."


def test_sentences_are_put_together() -> None:
    assert sentences(["won 3 deals.", "", " lost 1 "]) == "Won 3 deals. Lost 1."
    assert sentence(" won 3 deals.. ") == "Won 3 deals."
    assert sentences([]) == sentence(" ") == ""
