"""What a report hands to its blocks, and what leaves it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from spm_lib.periods import parse_period
from spm_lib.report import Report
from spm_lib.theme import Look

DAY = dt.date(2017, 11, 15)


def report(locale: str = "en_US") -> Report:
    """A report of the company, without a store."""
    meta = SimpleNamespace(last_data_date=DAY, source="made")
    snapshot: Any = SimpleNamespace(date=DAY, team_id=None, meta=meta)
    return Report(snapshot, parse_period("2017-Q4", as_of=DAY), Look(locale=locale))


def figures(**more: object) -> pd.DataFrame:
    row = {
        "metric": "win_rate",
        "value": 0.5,
        "n": 1234,
        "low": 0.4,
        "high": 0.6,
        "unit": "share",
        "note": None,
    }
    return pd.DataFrame([row | {"difference": 0.1, "against": "2017-Q3", "significant": True} | more])


@pytest.mark.parametrize("running", [0.0, 0.9, None])
def test_a_key_figures_small_trend_ends_with_the_last_complete_month(
    running: float | None, samples: SimpleNamespace
) -> None:
    block = report().kpi_strip(figures(), samples.months([0.6, 0.5, 0.55, running]))
    (picture,) = samples.taken_apart(block.html).named("img")
    assert picture["alt"] == "Win rate over 3 complete periods: from 60.0% to 55.0%"
    assert block.html == report().kpi_strip(figures(), samples.months([0.6, 0.5, 0.55, 0.1])).html


@pytest.mark.parametrize("locale", ["en_US", "de_DE"])
def test_the_locale_leaves_with_the_figures(locale: str) -> None:
    assert report(locale).publish("On track", figures()).content["locale"] == locale


def test_a_difference_that_nobody_judged_is_not_published_as_one() -> None:
    (kpi,) = report().publish("On track", figures(significant=float("nan"))).content["kpis"]
    assert kpi["comparison"]["significant"] is False
