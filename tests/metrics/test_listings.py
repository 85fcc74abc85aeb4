"""Deals one by one: the same that the metrics count."""

from __future__ import annotations

import datetime as dt

import pytest

from spm_lib.metrics import evaluate, open_deals, won_deals
from spm_lib.metrics.listings import closed_deals
from spm_lib.periods import parse_period

D = dt.date
END = D(2024, 6, 30)
Q2 = parse_period("2024-Q2", as_of=END)


@pytest.fixture
def store(make_store):
    def deal(i, outcome, day, **more):
        when = {"expected_close_on": day} if outcome == "open" else {"closed_on": day}
        return {"deal_id": f"D{i}", "name": f"Deal {i}", "owner_id": "R0", "outcome": outcome, "amount": 100,
                "created_on": D(2024, 1, 1), **when, **more}  # fmt: skip

    return make_store(
        deals=[
            deal(0, "won", D(2024, 4, 10), account_id="A0", currency="EUR"),
            deal(1, "won", D(2024, 5, 10), owner_id="R1"),
            deal(2, "won", D(2024, 5, 11), owner_id="R2"),
            deal(3, "lost", D(2024, 5, 10)),
            deal(4, "open", D(2024, 6, 10), amount=None),
            deal(5, "open", D(2024, 7, 10), amount=700),
            deal(6, "open", None, merged_into_id="D5"),
        ],
        reps=[
            {"rep_id": "R0", "name": "Ann"},
            {"rep_id": "R1", "name": "Bo"},
            {"rep_id": "R2", "name": None},
        ],
        accounts=[{"account_id": "A0", "name": "Acme"}],
        teams=[{"team_id": "T0", "name": "West"}, {"team_id": "T1", "name": "East"}],
        team_members=[{"rep_id": "R0", "team_id": "T0"}, {"rep_id": "R1", "team_id": "T1"}],
        fx_rates=[{"currency": "EUR", "valid_from": D(2024, 1, 1), "rate": 1.5}],
        meta={"last_data_date": END},
    )


def test_won_deals_add_up_to_revenue(store):
    for snapshot in (store.as_of(), store.as_of().scope("T0"), store.as_of().scope("T1")):
        frame = won_deals(snapshot, Q2)
        assert frame["amount"].sum() == evaluate("revenue", snapshot, Q2)["value"].iloc[0]
    frame = won_deals(store.as_of(), Q2)
    assert frame["deal_id"].tolist() == ["D2", "D1", "D0"]
    assert frame["rep_name"].tolist() == ["R2", "Bo", "Ann"]
    assert frame["team_name"].fillna("").tolist() == ["", "East", "West"]
    assert frame["account_name"].fillna("").tolist() == ["", "", "Acme"]


def test_closed_deals_are_the_won_and_the_lost_of_the_period(store):
    frame = closed_deals(store.as_of(), Q2)
    assert dict(zip(frame["deal_id"], frame["won"], strict=True)) == {
        "D2": True,
        "D1": True,
        "D3": False,
        "D0": True,
    }
    assert closed_deals(store.as_of().scope("T1"), Q2)["deal_id"].tolist() == ["D1"]


def test_open_deals_are_all_or_those_due(store):
    assert open_deals(store.as_of())["deal_id"].tolist() == ["D5", "D4"]
    assert open_deals(store.as_of(), Q2)["deal_id"].tolist() == ["D4"]
    assert open_deals(store.as_of().scope("T1")).empty


def test_a_store_without_teams_has_listings_too(make_store):
    deal = {"deal_id": "D0", "owner_id": "R0", "outcome": "won", "amount": 5, "closed_on": D(2024, 5, 1)}
    store = make_store(deals=[deal], reps=[{"rep_id": "R0"}])
    frame = won_deals(store.as_of(END), Q2)
    assert frame[["rep_name", "amount"]].to_numpy().tolist() == [["R0", 5]]
    assert frame["team"].isna().all()
