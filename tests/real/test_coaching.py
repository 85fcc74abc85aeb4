"""Coaching on real data: a manager is told the truth about whether people differ."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from spm_lib.data.history import Snapshot
from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.models.coaching.coaching_day import coach_day
from spm_lib.models.features import deal_features

pytestmark = pytest.mark.real_data

SOURCES = Path(__file__).parents[2] / "params" / "sources"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def maven(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    loaded = ingest(SOURCES / "maven.yml", tmp_path_factory.mktemp("maven") / "m.duckdb", now=NOW)
    with open_store(loaded.store) as store:
        yield store.as_of(dt.date(2017, 12, 31))


def test_win_rates_of_maven_s_agents_do_not_differ_beyond_chance(maven: Snapshot, real_data: Path) -> None:
    """The raw table says the same: a chi-square test of agents by outcome finds nothing."""
    rows = pd.read_csv(real_data / "maven-crm" / "sales_pipeline.csv")
    closed = rows[rows["deal_stage"].isin(["Won", "Lost"])]
    table = pd.crosstab(closed["sales_agent"], closed["deal_stage"])
    assert stats.chi2_contingency(table).pvalue > 0.05
    found = coach_day(maven, deal_features(maven, (maven.date,)), ())
    (fact,) = [each for each in found.card["levers"] if each["lever"] == "win_rate"]
    assert fact["reps"] == len(table) == 30
    assert not fact["differ"]
    assert fact["p_value"] > 0.05
    assert not found.levers[found.levers["lever"] == "win_rate"]["named"].any()


def test_agents_without_a_deal_are_not_compared(maven: Snapshot, real_data: Path) -> None:
    teams = pd.read_csv(real_data / "maven-crm" / "sales_teams.csv")
    deals = pd.read_csv(real_data / "maven-crm" / "sales_pipeline.csv")
    idle = set(teams["sales_agent"]) - set(deals["sales_agent"])
    assert len(idle) == 5
    found = coach_day(maven, deal_features(maven, (maven.date,)), ())
    assert not idle & set(found.levers["rep_id"])


def test_where_only_wins_are_known_nothing_is_said_of_win_rates(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    loaded = ingest(SOURCES / "adventureworks.yml", tmp_path_factory.mktemp("works") / "aw.duckdb", now=NOW)
    with open_store(loaded.store) as store:
        snapshot = store.as_of()
        found = coach_day(snapshot, deal_features(snapshot, (snapshot.date,)), ())
    assert "win_rate" not in set(found.levers["lever"])
    assert not found.levers["named"].any()
