"""What the report says of itself."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from spm_lib.metrics import CATALOGUE
from spm_lib.present import definitions, freshness

AS_OF = dt.date(2017, 12, 31)


def test_every_metric_of_the_catalogue_is_defined() -> None:
    block = definitions(CATALOGUE.values())
    for metric in CATALOGUE.values():
        assert f"{metric.label}: {metric.definition} In " in block.text
    assert "higher is better" in block.text
    assert definitions([]).text == "No metrics were given."


def test_fresh_data_in_a_few_words() -> None:
    block = freshness(source="maven", as_of=AS_OF, last_data_date=AS_OF)
    assert block.text.splitlines() == [
        "Source: maven. As known at the end of Dec 31, 2017.",
        "Latest event in the data: Dec 31, 2017.",
        "No row was refused.",
    ]


@pytest.mark.parametrize(
    ("days", "said"), [(1, ", 1 day before."), (3, ", 3 days before."), (-2, "Jan 2, 2018.")]
)
def test_the_age_of_the_data(days: int, said: str) -> None:
    block = freshness(source="maven", as_of=AS_OF, last_data_date=AS_OF - dt.timedelta(days=days))
    assert said in block.text


def test_refused_rows_and_what_is_not_shown(samples: SimpleNamespace) -> None:
    block = freshness(
        source="maven",
        as_of=AS_OF,
        last_data_date=None,
        loaded_at=dt.datetime(2018, 1, 2, 7, 5),
        timezone="Europe/London",
        rows={"deals": 8800},
        quarantined={"deals": {"closed before created": 12, "no owner": 0}, "reps": {"no id": 1}},
        missing=[("Conversion rate", "there is no table of leads")],
    )
    assert "Loaded Jan 2, 2018 at 07:05 (Europe/London)." in block.text
    assert "Rows: deals 8,800." in block.text
    assert "13 rows refused" in block.text
    assert "no owner" not in block.text
    assert "- Conversion rate: there is no table of leads" in block.text
    assert "The data hold no dated event." in block.text
    assert len(samples.taken_apart(block.html).named("caption")) == 1
