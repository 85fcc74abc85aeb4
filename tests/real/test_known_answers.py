"""Every known answer of the real data, to the unit, through the shipped source specs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from spm_lib.cli import app
from spm_lib.data.history import Snapshot
from spm_lib.data.ingest import IngestSummary, ingest
from spm_lib.data.store import open_store
from spm_lib.metrics import evaluate, pipeline_movement
from spm_lib.periods import parse_period

pytestmark = pytest.mark.real_data

SOURCES = Path(__file__).parents[2] / "params" / "sources"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
YEAR_END = dt.date(2017, 12, 31)


@pytest.fixture(scope="module")
def maven_load(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestSummary:
    return ingest(SOURCES / "maven.yml", tmp_path_factory.mktemp("maven") / "m.duckdb", now=NOW)


@pytest.fixture(scope="module")
def maven(maven_load: IngestSummary) -> Iterator[Snapshot]:
    with open_store(maven_load.store) as store:
        yield store.as_of(YEAR_END)


@pytest.fixture(scope="module")
def works_load(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestSummary:
    return ingest(SOURCES / "adventureworks.yml", tmp_path_factory.mktemp("works") / "aw.duckdb", now=NOW)


@pytest.fixture(scope="module")
def works(works_load: IngestSummary) -> Iterator[Snapshot]:
    with open_store(works_load.store) as store:
        yield store.as_of()


def one(snapshot: Snapshot, metric: str, period: str, **where: str) -> pd.Series:
    span = parse_period(period, as_of=snapshot.date, calendar=snapshot.meta.calendar)
    frame = evaluate(metric, snapshot, span, by=tuple(where))
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


# Maven


def test_maven_loads_without_a_refusal(maven_load: IngestSummary) -> None:
    assert maven_load.refused == 0
    assert maven_load.notices == ()
    assert maven_load.rows["deals"] == 8_800
    assert maven_load.rows["reps"] == 35 + 6, "the managers are people too"
    assert maven_load.meta.last_data_date == YEAR_END
    assert maven_load.meta.first_closed_on == dt.date(2017, 3, 1)


@pytest.mark.parametrize(
    ("period", "revenue", "won", "closed"),
    [
        ("2017-Q1", 1_134_672, 531, 647),
        ("2017-Q2", 3_086_111, 1_254, 2_032),
        ("2017-Q3", 2_982_255, 1_257, 2_047),
        ("2017-Q4", 2_802_496, 1_196, 1_985),
        ("2017", 10_005_534, 4_238, 6_711),
    ],
)
def test_maven_periods(maven: Snapshot, period: str, revenue: int, won: int, closed: int) -> None:
    got = one(maven, "revenue", period)
    assert (got.value, got.n) == (revenue, won)
    rate = one(maven, "win_rate", period)
    assert rate.n == closed
    assert rate.value == pytest.approx(won / closed, abs=1e-12)


def test_maven_year(maven: Snapshot) -> None:
    assert round(one(maven, "win_rate", "2017").value * 100, 4) == 63.1501
    assert round(one(maven, "average_deal_size", "2017").value, 2) == 2_360.91
    assert one(maven, "median_deal_size", "2017").value == 1_117
    assert round(one(maven, "sales_cycle_mean", "2017").value, 3) == 51.782
    assert one(maven, "sales_cycle", "2017").value == 57


@pytest.mark.parametrize(
    ("region", "revenue"), [("West", 3_568_647), ("Central", 3_346_293), ("East", 3_090_594)]
)
def test_maven_regions_hold_the_teams_below_them(maven: Snapshot, region: str, revenue: int) -> None:
    assert one(maven.scope(region), "revenue", "2017").value == revenue


def test_maven_team(maven: Snapshot) -> None:
    revenue = one(maven, "revenue", "2017-Q4", team="Melvin Marxen")
    rate = one(maven, "win_rate", "2017-Q4", team="Melvin Marxen")
    assert (revenue.value, revenue.n) == (670_788, 243)
    assert (rate.n, round(rate.value * rate.n)) == (243 + 194, 243)
    scoped = one(maven.scope("Melvin Marxen"), "revenue", "2017-Q4")
    assert (scoped.value, scoped.n) == (670_788, 243)


def test_maven_traps(maven: Snapshot) -> None:
    """Products under two names are one; five agents have no deal; what the source lacks is null, not 0."""
    span = parse_period("2017", as_of=YEAR_END)
    products = evaluate("revenue", maven, span, by="product")
    assert products["product"].notna().all()
    assert "GTXPro" not in set(products["product"])
    assert products.value.sum() == 10_005_534
    reps = evaluate("win_rate", maven, span, by="rep")
    idle = reps[reps.n == 0]
    agents = maven.table("team_members").to_pandas()["rep_id"]
    assert len(set(idle.rep) & set(agents)) == 5
    assert idle.value.isna().all()
    unknown = [
        "win_rate_value",
        "quota_attainment",
        "quota_pace",
        "pipeline_coverage",
        "stage_conversion",
        "pipeline_movement",
    ]
    frame = evaluate(unknown, maven, span)
    assert frame.value.isna().all()
    assert (frame.n == 0).all()
    assert frame.note.notna().all(), "each says why"


def test_maven_first_quarter_is_not_compared_with_an_empty_one(maven: Snapshot) -> None:
    before = evaluate("revenue", maven, parse_period("2016-Q4", as_of=YEAR_END))
    assert before.value.isna().all(), "nothing closed before March 2017: unknown, not zero"


def test_maven_has_no_history_to_replay(maven: Snapshot) -> None:
    then = maven.as_of(dt.date(2017, 9, 30))
    deals = then.table("deals").to_pandas()
    opened = deals[deals.outcome == "open"]
    assert len(opened) > 1_000
    assert opened.amount.isna().all(), "today's amount is not a fact of that day"
    assert opened.stage.isna().all()
    assert opened.owner_id.notna().all(), "declared fixed"
    assert (deals[deals.outcome != "open"].closed_on <= pd.Timestamp(then.date)).all()
    movement = pipeline_movement(then, parse_period("2017-Q3", as_of=then.date))
    assert movement.value.isna().all()


# AdventureWorks


def test_adventureworks_loads_without_a_refusal(works_load: IngestSummary) -> None:
    assert works_load.refused == 0
    assert works_load.notices == ()
    assert works_load.rows["quotas"] == 163
    assert works_load.rows["teams"] == 3
    assert works_load.rows["reps"] == 18


def test_adventureworks_first_fiscal_quarter(works: Snapshot) -> None:
    assert round(one(works, "revenue", "FY2018-Q1").value, 2) == 3_195_732.87
    got = one(works, "quota_attainment", "FY2018-Q1")
    assert round(got.value * 100, 2) == 82.24
    assert round(3_195_732.87 / got.value) == 3_886_000


def test_adventureworks_as_seen_at_the_end_of_that_quarter(works: Snapshot) -> None:
    then = works.as_of(dt.date(2017, 9, 30))
    assert round(one(then, "revenue", "FY2018-Q1").value, 2) == 3_195_732.87
    assert round(one(then, "quota_attainment", "this-quarter").value * 100, 2) == 82.24
    assert one(then, "revenue", "FY2018-Q1").n == one(works, "revenue", "FY2018-Q1").n


def test_adventureworks_against_pandas(works: Snapshot, real_data: Path) -> None:
    """Each person's attainment in each quarter, worked out from the files alone."""
    folder = real_data / "adventureworks"
    lines = pd.read_csv(folder / "Sales.csv", parse_dates=["OrderDate"])
    people = pd.read_csv(folder / "Salesperson.csv")
    quotas = pd.read_csv(folder / "quarterly_quotas.csv").merge(
        people[["EmployeeID", "EmployeeKey"]], on="EmployeeID"
    )
    quarter = lines.OrderDate.dt.to_period("Q").astype(str)
    orders = lines.groupby(["SalesOrderNumber"]).agg(
        day=("OrderDate", "min"), rep=("EmployeeKey", "min"), sales=("Sales", "sum")
    )
    assert len(orders) == one(works, "revenue", "2017-07-01..2020-05-31").n
    assert quarter.nunique() == 12
    sold = orders.groupby(["rep", orders.day.dt.to_period("Q").astype(str)]).sales.sum()
    for label in ("2017Q3", "2018Q4", "2020Q1"):
        year, number = label.split("Q")
        span = parse_period(f"{year}-Q{number}", as_of=works.date)
        got = evaluate("quota_attainment", works, span, by="rep").set_index("rep").value
        for row in quotas[quotas.Quarter == label].itertuples():
            expected = sold.get((row.EmployeeKey, label), 0.0) / row.Quota
            assert got[str(row.EmployeeKey)] == pytest.approx(expected, abs=1e-6)
        carriers = {str(k) for k in quotas[quotas.Quarter == label].EmployeeKey}
        assert set(got.dropna().index) == carriers, "who carries no quota has no attainment"


# The command line, as a new user types it


def test_commands_of_a_new_user(real_data: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "m.duckdb")
    runner = CliRunner()
    loaded = runner.invoke(app, ["ingest", str(SOURCES / "maven.yml"), "--store", store])
    assert loaded.exit_code == 0, loaded.output
    asked = [
        "metrics",
        "--store",
        store,
        "--period",
        "2017-Q4",
        "--as-of",
        "2017-12-31",
        "--by",
        "team",
        "--json",
    ]
    records = json.loads(runner.invoke(app, asked).stdout)
    assert {"metric", "team", "team_name", "value", "n", "low", "high", "unit"} <= set(records[0])
    (revenue,) = [r for r in records if r["metric"] == "revenue" and r["team"] == "Melvin Marxen"]
    assert (revenue["value"], revenue["n"], revenue["unit"]) == (670_788, 243, "currency")
    assert all(r["n"] == 0 and r["value"] is None for r in records if r["metric"] == "quota_attainment")


def test_path_points_a_spec_at_another_folder(real_data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in (real_data / "maven-crm").glob("*.csv"):
        (elsewhere / file.name).write_bytes(file.read_bytes())
    spec = tmp_path / "maven.yml"
    spec.write_text((SOURCES / "maven.yml").read_text().replace("path: ../", "path: nowhere/"))
    assert ingest(spec, tmp_path / "m.duckdb", now=NOW, path=elsewhere).rows["deals"] == 8_800
