"""A snapshot that keeps its tables tells the same figures as one that works each of them out anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from spm_lib.data.store import open_store

from .test_slices import ASKED, assert_same_figures

OF_THE_COMPANY = ("whole", "by region", "change", "plan", "won", "open")
OF_A_REGION = ("by team", "by person and product", "expected")
#: All the others; the demo has no column of its own kind.
OF_A_TEAM = [n for n in ASKED if n not in (*OF_THE_COMPANY, *OF_A_REGION, "by a column of the source")]


@pytest.mark.parametrize(
    ("team", "day", "asked"),
    [
        (None, "2026-05-20", OF_THE_COMPANY),
        ("americas", "2025-02-28", OF_A_REGION),
        ("emea-enterprise", "2026-08-14", OF_A_TEAM),
    ],
)
def test_kept_tables_change_no_figure(
    demo_store: Path, team: str | None, day: str, asked: Sequence[str]
) -> None:
    with open_store(demo_store) as store:
        plain = store.as_of(dt.date.fromisoformat(day))
        plain = plain if team is None else plain.scope(team)
        assert_same_figures(plain, plain.keeping(), asked)


def test_a_scope_keeps_nothing_of_another_nor_a_day_of_another(demo_store: Path) -> None:
    asked = ("by person and product",)
    with open_store(demo_store) as store:
        company = store.as_of().keeping()
        for team, day in (("emea-enterprise", "2026-08-14"), ("apac-growth", "2026-05-20")):
            date = dt.date.fromisoformat(day)
            kept, plain = company.as_of(date).scope(team), store.as_of().as_of(date).scope(team)
            assert_same_figures(plain, kept, asked)
