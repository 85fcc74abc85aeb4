"""What a page says besides the notebook's own words."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from spm_lib.press.render.facts import Facts, facts_of, headline_of
from spm_lib.press.render.report import render

from ..books import book, parameters, published, report


def test_facts_are_read_off_a_notebook_that_no_press_has_run() -> None:
    facts = facts_of(report())
    assert facts.parameters == {"team": "w", "period": "2017-Q4", "limit": 5}
    assert list(facts.parameters) == ["team", "period", "limit"]
    assert (facts.data_date, facts.as_of, facts.period_title) == (dt.date(2017, 12, 30), None, "2017-Q4")
    assert facts.versions == {"python": "3.11.9"}


def test_what_was_published_wins_over_parameters() -> None:
    told = {"name": "West", "period": "Q4 2017", "as_of": "2018-01-02", "currency": "EUR", "source": "crm"}
    made = book(
        parameters('period = "2017-Q4"\nas_of = "latest"'),
        published("a", name="old"),
        published("Late", data_date="2017-12-31", **told),
    )
    facts = facts_of(made)
    assert (facts.about, facts.as_of, facts.currency, facts.source) == (
        "West · Q4 2017", dt.date(2018, 1, 2), "EUR", "crm",
    )  # fmt: skip
    assert headline_of(made) == "Late"


@pytest.mark.parametrize(
    "cells",
    [
        (),
        (parameters("this is no Python"),),
        (published("x", data_date=5, name=["y"], period=None, as_of="soon"),),
        (published(""),),
    ],
)
def test_a_notebook_that_says_nothing_of_itself(cells: tuple) -> None:
    facts = facts_of(book(*cells))
    assert (facts.about, facts.age, facts.as_of, dict(facts.parameters)) == ("", "", None, {})


def test_values_that_are_no_literals_are_shown_as_written() -> None:
    facts = facts_of(
        book(parameters("%matplotlib inline\na = -1\nb: list = [1, 2]\nc = dt.date(2020, 1, 1)\nd = {1}"))
    )
    assert facts.parameters == {"a": -1, "b": [1, 2], "c": "dt.date(2020, 1, 1)", "d": "{1}"}


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (None, "data to Dec 31, 2017"),
        (dt.date(2017, 12, 31), "data to Dec 31, 2017"),
        (dt.date(2017, 12, 1), "data to Dec 31, 2017"),
        (dt.date(2018, 1, 1), "data to Dec 31, 2017, 1 day before the day of this report"),
        (dt.date(2020, 12, 31), "data to Dec 31, 2017, 1,096 days before the day of this report"),
    ],
)
def test_the_age_of_the_data_in_words(as_of: dt.date | None, said: str) -> None:
    assert Facts(as_of=as_of, data_date=dt.date(2017, 12, 31)).age == said


def test_days_are_written_in_the_readers_locale() -> None:
    assert Facts(locale="de_DE").day(dt.date(2017, 12, 31)) == "31.12.2017"


LITERALS = [
    '{("a", "b"): 1}', "{1, 2}", "[{1}]", "b'x'", "[b'x']", "1j", "(1, 2)", '{"a": {("b",): ...}}', "...", "None",
    "[None, True, -1.5]", "{1: 2}", "1e999",
]  # fmt: skip


@pytest.mark.parametrize("literal", LITERALS)
def test_any_literal_can_be_a_parameter_of_a_page(literal: str) -> None:
    made = book(parameters(f"a = {literal}"), "text", published("Late"))
    facts = facts_of(made)
    json.dumps(facts.parameters)
    html, _ = render(made, facts)
    assert "<code>a</code>" in html


def test_the_readers_locale_is_read_off_what_was_published() -> None:
    facts = facts_of(book(published("Late", locale="de_DE", data_date="2017-12-31", as_of="2020-12-31")))
    assert facts.age == "data to 31.12.2017, 1.096 days before the day of this report"
    for odd in ("xx_XX", "", 5, None, "../x"):
        assert facts_of(book(published("Late", locale=odd))).locale == "en_US"
