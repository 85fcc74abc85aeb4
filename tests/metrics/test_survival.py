"""Kaplan–Meier medians against scipy's curve."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spm_lib.metrics import evaluate
from spm_lib.metrics.survival import median_time
from spm_lib.periods import parse_period

lives = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40)


def counted(deals: list[tuple[int, bool]]) -> list[np.ndarray]:
    days = sorted({day for day, _ in deals})
    decided = [sum(d == day and done for d, done in deals) for day in days]
    waiting = [sum(d == day and not done for d, done in deals) for day in days]
    return [np.array(x, dtype=float) for x in (days, decided, waiting)]


def first(days: np.ndarray, where: np.ndarray) -> float:
    return float(days[np.argmax(where)]) if where.any() else np.nan


@given(lives)
def test_the_median_and_its_interval_are_read_off_scipy_s_curve(deals):
    done = [d for d, decided in deals if decided]
    waiting = [d for d, decided in deals if not decided]
    curve = stats.ecdf(stats.CensoredData(uncensored=done, right=waiting)).sf
    found = median_time(*counted(deals))
    days = curve.quantiles
    np.testing.assert_equal(found.value, first(days, curve.probabilities <= 0.5 + 1e-12))
    if not done:
        return
    with np.errstate(all="ignore"):
        bounds = curve.confidence_interval(0.95, method="log-log")
    inside = (curve.probabilities > 0) & (curve.probabilities < 1)
    for bound, got in ((bounds.low, found.low), (bounds.high, found.high)):
        # Once all are decided the bounds are unknown.
        np.testing.assert_equal(got, first(days, inside & (bound.probabilities <= 0.5 + 1e-12)))


def test_half_decided_is_the_median_and_open_deals_wait():
    assert median_time(*counted([(5, True), (9, True), (9, False), (12, False)])).value == 9
    assert np.isnan(median_time(*counted([(5, True), (9, False), (9, False)])).value)
    # Three of four decided early tell less once ten more wait.
    assert np.isnan(median_time(*counted([(5, True)] * 3 + [(30, False)] * 10)).value)


def test_open_deals_are_censored_on_the_snapshot_s_day(make_store):
    def deal(i: int, created: str, closed: str | None, outcome: str) -> dict[str, object]:
        return {"deal_id": f"D{i}", "owner_id": "R0", "outcome": outcome,
                "created_on": dt.date.fromisoformat(created),
                "closed_on": dt.date.fromisoformat(closed) if closed else None}  # fmt: skip

    store = make_store(
        reps=[{"rep_id": "R0"}],
        deals=[
            deal(0, "2024-04-01", "2024-04-11", "won"),
            deal(1, "2024-04-01", "2024-04-21", "lost"),
            deal(2, "2024-04-01", None, "open"),
            deal(3, "2024-04-01", None, "open"),
            deal(4, "2024-03-31", "2024-04-01", "won"),  # created before the period
        ],
    )
    period = parse_period("2024-Q2", as_of=dt.date(2024, 6, 30))
    row = evaluate("time_to_decision", store.as_of(dt.date(2024, 6, 30)), period).iloc[0]
    assert (row["value"], row["n"]) == (20, 4)
    # A week earlier the second loss was not known, and so fewer than half were decided.
    row = evaluate("time_to_decision", store.as_of(dt.date(2024, 4, 15)), period).iloc[0]
    assert np.isnan(row["value"])
    assert row["n"] == 4
    assert row["note"] == pytest.approx("fewer than half are decided yet")
