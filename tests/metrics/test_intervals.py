"""Intervals against independent implementations, and what must hold of them whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spm_lib.metrics import intervals

counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
money = st.floats(0.01, 1e7, allow_nan=False)


def one(*values: float) -> list[np.ndarray]:
    return [np.array([value], dtype=float) for value in values]


@given(counts)
def test_wilson_is_scipy_s_and_holds_the_share(pair):
    k, n = pair
    low, high = intervals.wilson([k], [n])
    if n == 0:
        assert np.isnan([low[0], high[0]]).all()
        return
    wanted = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert low[0] == pytest.approx(wanted.low, abs=1e-12)
    assert high[0] == pytest.approx(wanted.high, abs=1e-12)
    assert 0 <= low[0] <= k / n <= high[0] <= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_mean_has_student_s_interval(values):
    variance = float(np.var(values, ddof=1)) if len(values) > 1 else math.nan
    low, high = intervals.mean(*one(float(np.mean(values)), variance, len(values)))
    if len(values) < 2:
        assert np.isnan([low[0], high[0]]).all()
    else:
        error = stats.sem(values)
        wanted = (
            stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
            if error
            else (np.mean(values),) * 2
        )
        assert (low[0], high[0]) == pytest.approx(wanted, rel=1e-9, abs=1e-6)


@given(st.lists(st.lists(st.integers(-50, 50), max_size=40), max_size=6))
def test_medians_of_many_groups_are_each_group_s_own(groups):
    for kind in (np.int32, np.float64):
        values = np.array([v for group in groups for v in group], dtype=kind)
        found = intervals.median(values, np.array([len(g) for g in groups], dtype=np.int64))
        for i, group in enumerate(groups):
            if not group:
                assert np.isnan(found.value[i])
                continue
            assert found.value[i] == np.median(group)
            ranks = [
                r for r in range(1, len(group) // 2 + 1) if stats.binom.cdf(r - 1, len(group), 0.5) <= 0.025
            ]
            if ranks:
                assert found.low[i] == sorted(group)[ranks[-1] - 1]
                assert found.high[i] == sorted(group)[-ranks[-1]]
            else:
                assert np.isnan(found.low[i])
                assert len(group) < 6


def test_the_interval_of_a_median_covers_it_as_often_as_it_says():
    draws = np.random.default_rng(1).lognormal(size=(4000, 25))
    found = intervals.median(draws.ravel(), np.full(4000, 25))
    covered = np.mean((found.low <= 1) & (found.high >= 1))
    assert 0.94 < covered < 0.975  # exactly 0.957


@given(st.lists(st.tuples(money, st.booleans()), min_size=2, max_size=30))
def test_a_share_by_value_stays_within_its_bounds(deals):
    worth, won = np.array([d[0] for d in deals]), np.array([d[1] for d in deals])
    sums = (worth[won].sum(), worth[~won].sum(), (worth[won] ** 2).sum(), (worth[~won] ** 2).sum())
    low, high = intervals.weighted_share(*one(*sums, len(deals)))
    share = sums[0] / worth.sum()
    assert 0 <= low[0] <= share + 1e-9
    assert share - 1e-9 <= high[0] <= 1


def test_a_share_of_equal_values_is_as_sure_as_one_of_counts():
    low, high = intervals.weighted_share(*one(30 * 7.0, 20 * 7.0, 30 * 49.0, 20 * 49.0, 50))
    wanted = intervals.wilson([0.6 * 49], [49])
    assert (low[0], high[0]) == pytest.approx((wanted.low[0], wanted.high[0]))


def test_a_share_by_value_is_covered_as_often_as_it_says():
    rng = np.random.default_rng(2)
    worth = rng.lognormal(0, 1, size=(3000, 80))
    won = rng.random(size=worth.shape) < 0.4
    sums = [(worth * won).sum(1), (worth * ~won).sum(1), (worth**2 * won).sum(1), (worth**2 * ~won).sum(1)]
    low, high = intervals.weighted_share(*sums, np.full(3000, 80.0))
    assert 0.92 < np.mean((low <= 0.4) & (high >= 0.4)) < 0.97


def test_the_difference_of_two_shares_is_newcombe_s():
    # Newcombe, Statistics in Medicine 17 (1998), table II, method 10, row (a): 56/70 − 48/80.
    now, before = intervals.wilson([56], [70]), intervals.wilson([48], [80])
    found = intervals.difference(*one(56 / 70), *now, *one(48 / 80), *before)
    assert (found.low[0], found.high[0]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


sides = st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))


@given(sides, sides)
def test_a_difference_is_one_where_its_interval_says_so(first, second):
    bounds = [(value, value - below, value + above) for value, below, above in (first, second)]
    found = intervals.difference(*one(*bounds[0]), *one(*bounds[1]))
    back = intervals.difference(*one(*bounds[1]), *one(*bounds[0]))
    assert back.value[0] == -found.value[0]
    assert (back.low[0], back.high[0]) == pytest.approx((-found.high[0], -found.low[0]))
    assert back.p_value[0] == pytest.approx(found.p_value[0])
    assert found.low[0] <= found.value[0] <= found.high[0]
    if min(abs(found.low[0]), abs(found.high[0])) > 1e-6 * (1 + abs(found.value[0])):
        assert (found.p_value[0] < 0.05) == (found.low[0] > 0 or found.high[0] < 0)


def test_without_an_interval_on_either_side_there_is_none_of_the_difference():
    found = intervals.difference(*one(3, np.nan, np.nan), *one(2, 1, 3))
    assert found.value[0] == 1
    assert np.isnan([found.low[0], found.high[0], found.p_value[0]]).all()


def test_sums_and_products():
    low, high = intervals.total([100.0], [2500.0])
    assert (low[0], high[0]) == pytest.approx((100 - 50 * intervals.Z, 100 + 50 * intervals.Z))
    low, high = intervals.log_delta([8.0], [0.04])
    assert (low[0] * high[0]) == pytest.approx(64)
    assert high[0] == pytest.approx(8 * math.exp(intervals.Z * 0.2))
