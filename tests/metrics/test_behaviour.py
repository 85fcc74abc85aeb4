"""Signal and noise."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.metrics import behaviour, behaviour_limits, evaluate
from spm_lib.periods import parse_period

D = dt.date


def test_limits_are_the_mean_and_2_66_mean_moving_ranges():
    found = behaviour_limits([40, 42, 38, 40, 46, 34])
    assert found["centre"].unique() == [40]
    ranges = np.abs(np.diff([40, 42, 38, 40, 46, 34])).mean()
    assert found["upper"].iloc[0] == pytest.approx(40 + 2.66 * ranges)
    assert found["lower"].iloc[0] == pytest.approx(40 - 2.66 * ranges)
    assert not found["signal"].any()


def test_one_far_value_is_a_signal_and_says_which_rule():
    found = behaviour_limits([8, 12] * 5 + [30])
    assert found["signal"].tolist() == [False] * 10 + [True]
    assert found["rule"].iloc[-1] == "outside the limits"


def test_eight_in_a_row_on_one_side_are_a_signal_and_seven_are_not():
    low, high = [10, 12] * 4, [13, 15] * 4
    found = behaviour_limits(low + high)
    assert found["signal"].all()
    assert set(found["rule"]) == {"eight in a row on one side"}
    assert not behaviour_limits(low[:7] + high[:7])["signal"].any()


def test_nulls_are_skipped_and_months_that_do_not_count_are_not_judged():
    values = [10, None, 12, 11, None, 10, 12, 99]
    found = behaviour_limits(values, tested=[True] * 7 + [False])
    known = [10, 12, 11, 10, 12]
    assert found["centre"].iloc[0] == pytest.approx(np.mean(known))
    assert found["upper"].iloc[0] == pytest.approx(11 + 2.66 * np.abs(np.diff(known)).mean())
    assert not found["signal"].any()


def test_limits_stay_where_the_unit_can_be():
    found = behaviour_limits([0.1, 0.9, 0.1, 0.8], floor=0, ceiling=1)
    assert (found["lower"].iloc[0], found["upper"].iloc[0]) == (0, 1)


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=30))
def test_any_values_give_a_row_each(values):
    found = behaviour_limits([np.nan if v is None else v for v in values])
    assert len(found) == len(values)
    known = [v for v in values if v is not None]
    if len(known) < 2:
        assert found["centre"].isna().all()
        assert not found["signal"].any()
    elif len(set(known)) == 1:
        assert not found["signal"].any()
    assert (found["signal"] == found["rule"].notna()).all()


@pytest.fixture
def store(make_store):
    days = [D(2023, 1, 1) + dt.timedelta(days=i) for i in range(0, 550, 3)]
    deals = [
        {"deal_id": f"D{i}", "owner_id": f"R{i % 2}", "outcome": "lost" if i % 3 else "won", "amount": 100 + i % 7,
         "created_on": day - dt.timedelta(days=20), "closed_on": day}
        for i, day in enumerate(days) if day <= D(2024, 6, 20)
    ]  # fmt: skip
    deals.append(
        {"deal_id": "open", "owner_id": "R0", "outcome": "open", "created_on": D(2023, 5, 1), "amount": 10}
    )
    reps = [{"rep_id": "R0"}, {"rep_id": "R1"}]
    first = {"first_data_date": D(2022, 12, 12), "last_data_date": D(2024, 6, 20)}
    return make_store(deals=deals, reps=reps, meta=first)


def test_a_year_of_months_with_the_one_that_runs_told_but_not_judged(store):
    period = parse_period("2024-Q2", as_of=D(2024, 6, 20))
    frame = behaviour(["revenue", "win_rate", "sales_velocity"], store.as_of(), period)
    revenue = frame[frame["metric"] == "revenue"]
    assert revenue["period"].tolist() == [f"2023-{m:02}" for m in range(7, 13)] + [
        f"2024-{m:02}" for m in range(1, 7)
    ]
    assert revenue["complete"].tolist() == [True] * 11 + [False]
    assert revenue["centre"].iloc[0] == pytest.approx(revenue["value"].iloc[:11].mean())
    assert (frame["lower"] >= 0).all()
    assert frame["value"].notna().all()


def test_months_before_the_data_begin_are_not_judged(store):
    period = parse_period("2023-03", as_of=D(2024, 6, 20))
    frame = behaviour("revenue", store.as_of(), period, n=5, by="rep")
    for _, one in frame.groupby("rep"):
        assert one["value"].isna().tolist() == [True, True, False, False, False]
        assert one["centre"].iloc[0] == pytest.approx(one["value"].mean())


def test_what_was_open_is_seen_from_each_month_s_end(store):
    period = parse_period("2023-06", as_of=D(2024, 6, 20))
    frame = behaviour("sales_velocity", store.as_of(), period, n=3)
    for label, value in zip(frame["period"], frame["value"], strict=True):
        month = parse_period(label, as_of=period.end)
        assert value == evaluate("sales_velocity", store.as_of(month.end), month)["value"].iloc[0]
    assert frame["value"].nunique() == 2
