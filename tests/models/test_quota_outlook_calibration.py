"""What earlier quarters teach: how amounts shrink, how deals go together, whether quarters agree; and pace alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from spm_lib.data.store import open_store
from spm_lib.models import quota_calibration, skill
from spm_lib.models.quota_calibration import fit_calibration, pace_miss
from spm_lib.models.quota_correction import Calibration
from spm_lib.models.quota_new_deals import mixed
from spm_lib.models.quota_outlook import quarter_chances, quota_outlook
from spm_lib.models.quota_simulation import Prospects
from spm_lib.models.quota_standing import final_revenue, points, quarter_of, quarters_over, same_point
from spm_lib.periods import Calendar
from tests.conftest import MakeStore
from tests.models.quota_companies import DAY, company


def look(rng: np.random.Generator, correlation: float, people: int = 60, each: int = 20) -> Any:
    """Give a quarter whose deals were drawn with a correlation that is known."""
    owner = np.repeat(np.arange(people), each)
    chance = rng.uniform(0.05, 0.8, len(owner))
    shared = rng.standard_normal(people)[owner]
    drawn = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.standard_normal(len(owner))
    won = drawn < norm.ppf(chance)
    none = np.zeros(people)
    amount = rng.uniform(500, 1500, len(owner))
    prospects = Prospects(none + 9000, none, none, none, none, none, owner, chance, amount)
    final = np.bincount(owner, weights=won * amount * 0.9)
    return quota_calibration._Look(prospects, final, won, np.where(won, amount * 0.9, np.nan))


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.15])
def test_how_much_deals_go_together_is_found_again(correlation: float) -> None:
    rng = np.random.default_rng(7)
    found = quota_calibration._correlation([look(rng, correlation) for _ in range(40)])
    assert found == pytest.approx(correlation, abs=0.02)


def test_what_amounts_shrink_by_is_found_again() -> None:
    looks = [look(np.random.default_rng(8), 0.0)]
    assert quota_calibration._kept(looks) == pytest.approx(0.9)
    assert looks[0].ratio(0.9) == pytest.approx(1.0, abs=0.1)


def test_only_what_quarters_agree_on_is_corrected() -> None:
    assert quota_calibration._scale([0.8, 1.3, 0.9, 1.1]) == 1.0
    assert quota_calibration._scale([0.8, 0.81, 0.79, 0.8, float("nan")]) == pytest.approx(0.8, abs=0.001)
    assert quota_calibration._scale([0.5, 0.5]) == 1.0
    assert quota_calibration._scale([1.0, 1.0, 1.0]) == 1.0


def test_a_correction_scales_what_is_to_come_and_nothing_else() -> None:
    what = look(np.random.default_rng(9), 0.0).prospects
    right = Calibration(kept=0.9, scale=1.1).corrected(what)
    assert right.to_come == pytest.approx(what.to_come * 0.99)
    assert (right.revenue == what.revenue).all()


def test_few_quarters_correct_nothing_and_say_so(make_store: MakeStore) -> None:
    store = make_store(**company("A", "B"))
    few = fit_calibration(store.as_of(DAY))
    assert few == Calibration(why=few.why)
    assert (
        "6 outlooks on 3 earlier quarters can be looked at again, and 3 quarters with 30 are needed"
        in few.why
    )
    none = fit_calibration(store.as_of(dt.date(2024, 2, 1)))
    assert none.why.startswith("no earlier quarter can be looked at again")
    assert fit_calibration(store.as_of(dt.date(2025, 3, 31))).quarters == 0


def test_a_company_without_quotas_is_not_looked_at(make_store: MakeStore) -> None:
    tables = company("A")
    tables["quotas"] = []
    store = make_store(**tables)
    assert fit_calibration(store.as_of(DAY)).quarters == 0
    assert pace_miss(store.as_of(DAY)).empty


def test_pace_alone_knows_who_is_ahead_and_nothing_without_a_past(make_store: MakeStore) -> None:
    tables = company(*"ABCD")
    # C and D always carry more than they sell.
    for row in tables["quotas"]:
        row["amount"] = 7000.0 if row["owner_id"] in "AB" else 12000.0
    store = make_store(**tables)
    pace = pace_miss(store.as_of(DAY)).set_index("rep_id")["miss"]
    assert pace[["A", "B"]].max() < 0.5 < pace[["C", "D"]].min()
    assert pace_miss(store.as_of(dt.date(2024, 3, 1)))["miss"].isna().all()


def test_demo_outlooks_tell_more_than_pace_alone(demo_store: Path) -> None:
    day = dt.date(2026, 5, 15)
    with open_store(demo_store) as store:
        then = store.as_of(day)
        calibration = fit_calibration(then)
        rows = quota_outlook(then, calibration=calibration).set_index("rep_id")
        pace = pace_miss(then).set_index("rep_id")["miss"]
        final = final_revenue(store.as_of(), quarter_of(day, then.meta.calendar)).reindex(rows.index)
    assert calibration.quarters >= 5
    assert calibration.brier is not None
    assert 0.8 < calibration.kept < 1.0
    assert 0 <= calibration.correlation < 0.15
    came = (final < rows["quota"]).to_numpy()
    told = skill.brier(rows["miss"].to_numpy(), came)
    assert set(rows.index) == set(pace.index)
    assert told < skill.brier(pace.reindex(rows.index).to_numpy(), came)
    assert told < 0.2
    assert ((final >= rows["low"]) & (final <= rows["high"])).mean() > 0.65


# -- Points of the past -------------------------------------------------------------------------------------------


def test_points_are_as_many_days_from_their_ends() -> None:
    calendar = Calendar()
    quarter = quarter_of(DAY, calendar)
    found = points(quarter, DAY, dt.date(2024, 1, 1))
    assert [(end - day).days for day, end in found] == [46] * 5
    assert found[-1] == (dt.date(2025, 2, 13), dt.date(2025, 3, 31))
    assert points(quarter, DAY, dt.date(2025, 3, 1)) == [(DAY - dt.timedelta(days=46), DAY)]
    assert points(quarter, DAY, dt.date(2025, 5, 1)) == []
    assert points(quarter, DAY, None) == []  # nothing was ever closed
    assert points(quarter, quarter.end, dt.date(2025, 4, 2)) == []


def test_the_first_day_of_a_long_quarter_is_the_first_of_a_short_one() -> None:
    quarter = quarter_of(dt.date(2025, 7, 1), Calendar())
    earlier = quarters_over(quarter, dt.date(2025, 7, 1), dt.date(2025, 1, 1))[0]
    assert same_point(earlier, quarter, dt.date(2025, 7, 1)) == dt.date(2025, 1, 1)


def test_quarters_that_began_before_the_record_are_no_past() -> None:
    quarter = quarter_of(DAY, Calendar())
    found = quarters_over(quarter, DAY, dt.date(2024, 1, 2))
    assert [each.label for each in found] == ["2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
    assert len(quarters_over(quarter, DAY, dt.date(2010, 1, 1))) == 8
    assert quarters_over(quarter, DAY, None) == []


# -- Rates --------------------------------------------------------------------------------------------------------


def test_rates_lean_on_peers_as_much_as_the_record_is_short() -> None:
    # All as expected but for chance: nobody is told apart. Twice as many of a long record: nearly twice.
    rng = np.random.default_rng(10)
    alike = rng.poisson(20.0, 400).astype(float)
    factors, left = mixed(alike, np.full(400, 20.0))
    assert np.abs(factors - 1).max() < 0.5
    assert left.max() <= 0.02
    true = rng.gamma(4.0, 0.25, 400)
    expected = np.where(np.arange(400) < 200, 5.0, 100.0)
    factors, left = mixed(rng.poisson(true * expected).astype(float), expected)
    few, many = np.abs(factors - true)[:200], np.abs(factors - true)[200:]
    assert many.mean() < 0.15 < few.mean()
    assert np.corrcoef(factors[200:], true[200:])[0, 1] > 0.95
    assert left[:200].mean() > 2 * left[200:].mean()


def test_nothing_counted_leaves_the_rate_of_peers() -> None:
    factors, _ = mixed(np.zeros(3), np.zeros(3))
    assert (factors == 1).all()


def test_chances_of_a_company_that_always_wins_every_second(make_store: MakeStore) -> None:
    store = make_store(**company("A", "B", "C"))
    won = quarter_chances(store.as_of(DAY))["won"]
    assert len(won) == 15
    assert won.mean() == pytest.approx(0.5, abs=0.1)
    assert quarter_chances(store.as_of(dt.date(2024, 1, 20)))["won"].isna().all()
