"""Comparisons: like with like, and only what chance does not explain."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.errors import UnknownNameError
from spm_lib.metrics import compare, evaluate, keep_discoveries
from spm_lib.periods import parse_period

D = dt.date
META = {"first_data_date": D(2023, 1, 1), "first_closed_on": D(2023, 1, 1), "last_data_date": D(2024, 6, 30)}


def deal(i: int, closed: D | None, outcome: str = "won", amount: float = 100, **more: Any) -> dict[str, Any]:
    return {"deal_id": f"D{i}", "owner_id": "R0", "outcome": outcome, "amount": amount, "closed_on": closed,
            "created_on": (closed or D(2024, 5, 1)) - dt.timedelta(days=30), **more}  # fmt: skip


@pytest.fixture
def store_of(make_store):
    def make(deals, **more):
        return make_store(deals=deals, reps=[{"rep_id": "R0"}, {"rep_id": "R1"}], **({"meta": META} | more))

    return make


def test_a_running_period_is_set_beside_the_same_days_of_the_one_before(store_of):
    deals = [
        deal(0, D(2024, 4, 10)), deal(1, D(2024, 5, 15)),
        deal(2, D(2024, 1, 20), amount=30), deal(3, D(2024, 2, 14), amount=500), deal(4, D(2024, 2, 15), amount=7000),
    ]  # fmt: skip
    store = store_of(deals)
    period = parse_period("2024-Q2", as_of=D(2024, 5, 15))
    row = compare("revenue", store.as_of(D(2024, 5, 15)), period).iloc[0]
    # 15 May is the 45th day of the quarter; so is 14 February.
    assert (row["value"], row["against"], row["previous"], row["previous_n"]) == (200, "2024-Q1", 530, 2)
    assert row["difference"] == -330


def test_a_finished_period_is_set_beside_the_one_before_as_long_after_it(store_of):
    late = {"deal_id": "D1", "field": "amount", "old_value": "100", "new_value": "900"}
    deals = [deal(0, D(2024, 2, 10)), deal(1, D(2023, 11, 10), amount=900)]
    store = store_of(deals, deal_changes=[{**late, "changed_at": dt.datetime(2024, 1, 20, 12)}],
                     meta={**META, "tracked_from": {"amount": D(2023, 1, 1)}})  # fmt: skip
    period = parse_period("2024-Q1", as_of=D(2024, 4, 10))
    # Ten days after the end of either quarter: the correction of 20 January was not known ten days after Q4's.
    assert compare("revenue", store.as_of(D(2024, 4, 10)), period)["previous"].tolist() == [100]
    assert compare("revenue", store.as_of(D(2024, 4, 20)), period)["previous"].tolist() == [900]


def test_a_year_ago_is_the_same_period_then(store_of):
    store = store_of([deal(0, D(2024, 5, 10)), deal(1, D(2023, 5, 10), amount=40), deal(2, D(2024, 2, 10))])
    row = compare(
        "revenue", store.as_of(), parse_period("2024-Q2", as_of=D(2024, 6, 30)), against="year_ago"
    ).iloc[0]
    assert (row["against"], row["previous"]) == ("2023-Q2", 40)
    with pytest.raises(UnknownNameError, match="Did you mean 'year_ago'"):
        compare("revenue", store.as_of(), parse_period("2024", as_of=D(2024, 6, 30)), against="year_agos")


def test_a_period_that_the_data_do_not_reach_back_to_is_unknown(store_of):
    store = store_of(
        [deal(0, D(2023, 5, 10)), deal(1, D(2023, 2, 10))], meta={**META, "first_closed_on": D(2023, 2, 10)}
    )
    frame = compare(["revenue", "win_rate"], store.as_of(), parse_period("2023-Q2", as_of=D(2024, 6, 30)))
    assert frame["value"].tolist() == [100, 1]
    assert frame[["previous", "difference", "p_value"]].isna().all(axis=None)
    assert (frame["previous_n"] == 0).all()
    assert set(frame["note"]) == {"the data do not reach back to all of 2023-Q1"}


def test_groups_of_either_period_are_told(store_of):
    deals = [
        deal(0, D(2024, 5, 10), source="new"),
        deal(1, D(2024, 2, 10), source="gone"),
        deal(2, D(2024, 2, 10)),
    ]
    frame = compare(
        "revenue", store_of(deals).as_of(), parse_period("2024-Q2", as_of=D(2024, 6, 30)), "source"
    )
    told = frame[["source", "value", "previous"]].fillna({"source": "?"}).to_numpy().tolist()
    assert told == [["gone", 0, 100], ["new", 100, 0], ["?", 0, 100]]


def test_it_holds_what_evaluate_says_of_each_period(store_of):
    rng = np.random.default_rng(3)
    deals = [
        deal(i, D(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 182))), str(rng.choice(["won", "lost"])),
             float(rng.integers(1, 900)), owner_id=str(rng.choice(["R0", "R1"])))
        for i in range(120)
    ]  # fmt: skip
    store = store_of(deals)
    names = ["revenue", "win_rate", "sales_cycle_mean", "average_deal_size", "median_deal_size"]
    frame = compare(names, store.as_of(), parse_period("2024-Q2", as_of=D(2024, 6, 30)), "rep")
    before = evaluate(
        names, store.as_of(D(2024, 3, 31)), parse_period("2024-Q1", as_of=D(2024, 6, 30)), "rep"
    )
    for name, beside in {
        "value": "previous",
        "n": "previous_n",
        "low": "previous_low",
        "high": "previous_high",
    }.items():
        np.testing.assert_allclose(frame[beside].to_numpy(float), before[name].to_numpy(float))
    assert (
        (frame["p_value"] < 0.05) == ((frame["difference_low"] > 0) | (frame["difference_high"] < 0))
    ).all()


def test_discoveries_are_kept_over_all_frames_of_a_report():
    one = pd.DataFrame({"p_value": [0.001, 0.04, np.nan]})
    other = pd.DataFrame({"p_value": [0.04, 0.5]})
    # Benjamini and Hochberg over the four: 0.004, 0.0533, 0.0533, 0.5.
    assert keep_discoveries(one)["significant"].tolist() == [True, True, False]
    told = keep_discoveries([one, other])
    assert [f["significant"].tolist() for f in told] == [[True, False, False], [False, False]]
    assert keep_discoveries(one, rate=0.0005)["significant"].tolist() == [False] * 3
    assert keep_discoveries([]) == []
    assert "significant" not in one


def test_without_a_real_difference_few_claims_are_made():
    rng = np.random.default_rng(4)
    frames = [pd.DataFrame({"p_value": rng.random(40)}) for _ in range(300)]
    assert np.mean([keep_discoveries(f)["significant"].any() for f in frames]) < 0.09
