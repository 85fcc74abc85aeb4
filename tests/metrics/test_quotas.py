"""Quotas on the tree: never added twice, a team's own first, by days for those who move."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from spm_lib.metrics import evaluate
from spm_lib.periods import parse_period

D = dt.date
END = D(2024, 6, 30)
MAY = D(2024, 5, 10)
Q2 = parse_period("2024-Q2", as_of=END)
TEAMS = [
    {"team_id": "T0", "name": "World"},
    {"team_id": "T1", "name": "West", "parent_team_id": "T0"},
    {"team_id": "T2", "name": "East", "parent_team_id": "T0"},
]
MEMBERS = [
    {"rep_id": "R1", "team_id": "T1"},
    {"rep_id": "R2", "team_id": "T2"},
    {"rep_id": "R3", "team_id": "T2"},
]


def quota(owner: str, amount: float, kind: str = "individual", **more: Any) -> dict[str, Any]:
    return {
        "owner_kind": "team" if owner.startswith("T") else "rep",
        "owner_id": owner,
        "kind": kind,
        "starts_on": Q2.start,
        "ends_on": Q2.end,
        "amount": amount,
        **more,
    }


def won(rep: str, amount: float, day: D = MAY, **more: Any) -> dict[str, Any]:
    return {"deal_id": f"{rep}-{amount}-{day}", "owner_id": rep, "outcome": "won", "amount": amount,
            "created_on": D(2024, 4, 2), "closed_on": day, **more}  # fmt: skip


def due(rep: str, amount: float | None, day: D | None = END) -> dict[str, Any]:
    return {"deal_id": f"{rep}-{amount}-{day}", "owner_id": rep, "outcome": "open", "amount": amount,
            "created_on": D(2024, 4, 2), "expected_close_on": day}  # fmt: skip


@pytest.fixture
def attained(make_store):
    def ask(quotas, deals, by=(), members=MEMBERS, metric="quota_attainment", scope=None, **more):
        reps = [{"rep_id": f"R{i}"} for i in range(1, 6)]
        meta = {"last_data_date": END, "first_data_date": D(2023, 1, 1), "first_closed_on": D(2023, 1, 1)}
        store = make_store(
            teams=TEAMS, team_members=members, quotas=quotas, deals=deals, reps=reps, meta=meta, **more
        )
        snapshot = store.as_of().scope(scope) if scope else store.as_of()
        frame = evaluate(metric, snapshot, Q2, by)
        keys = frame[by].astype("object").where(frame[by].notna(), None) if by else ["all"]
        return dict(zip(keys, frame[["value", "n", "note"]].to_numpy().tolist(), strict=True))

    return ask


def test_roll_up_quotas_are_never_added_to_individual_ones(attained):
    quotas = [quota("R1", 100), quota("R2", 300), quota("R2", 1000, "roll_up")]
    deals = [won("R1", 50), won("R2", 150), won("R3", 999)]  # R3 carries none
    assert attained(quotas, deals)["all"] == [0.5, 2, None]
    assert attained(quotas, deals, "team") == {"T1": [0.5, 1, None], "T2": [0.5, 1, None]}
    by_rep = attained(quotas, deals, "rep")
    assert by_rep["R2"][0] == 0.5
    assert np.isnan(by_rep["R3"][0])
    assert by_rep["R3"][1:] == [0, "no quota"]


def test_a_team_s_own_quota_wins_over_the_sum_of_its_people_s(attained):
    quotas = [quota("R1", 100), quota("R2", 300), quota("T2", 400)]
    deals = [won("R1", 50), won("R2", 100), won("R3", 100)]
    # East's own counts all that East sold; the company is West's people plus East's own.
    assert attained(quotas, deals, "team") == {"T1": [0.5, 1, None], "T2": [0.5, 2, None]}
    assert attained(quotas, deals)["all"] == [0.5, 3, None]
    assert attained(quotas, deals, scope="T2")["all"] == [0.5, 2, None]
    # The root's own wins over everything below it.
    assert attained([*quotas, quota("T0", 1000)], deals)["all"] == [0.25, 3, None]
    # Of a team's two kinds the one set for it counts, not both.
    assert attained([quota("T2", 400), quota("T2", 300, "roll_up")], deals, scope="T2")["all"][0] == 0.5


def test_a_mover_carries_each_team_s_days(attained):
    members = [
        {"rep_id": "R1", "team_id": "T1", "valid_to": D(2024, 4, 30)},
        {"rep_id": "R1", "team_id": "T2", "valid_from": D(2024, 5, 1)},
    ]
    deals = [won("R1", 30, D(2024, 4, 30)), won("R1", 61, D(2024, 5, 1))]
    found = attained([quota("R1", 910)], deals, "team", members)
    assert found == {"T1": [pytest.approx(30 / 300), 1, None], "T2": [pytest.approx(61 / 610), 1, None]}
    assert attained([quota("R1", 910)], deals, "rep", members)["R1"][0] == pytest.approx(0.1)
    # Somebody who joined on 1 May carries two thirds of the quarter.
    assert attained([quota("R1", 910)], deals[1:], (), members[1:])["all"][0] == pytest.approx(0.1)


def test_people_in_no_team_count_for_the_company_and_by_themselves(attained):
    quotas, deals = [quota("R1", 100), quota("R5", 100)], [won("R1", 20), won("R5", 60)]
    assert attained(quotas, deals)["all"] == [0.4, 2, None]
    assert attained(quotas, deals, "team")[None] == [0.6, 1, None]
    assert attained(quotas, deals, "rep")["R5"] == [0.6, 1, None]


def test_quotas_count_by_the_days_they_share_with_the_period(attained):
    year = quota("R1", 366, starts_on=D(2024, 1, 1), ends_on=D(2024, 12, 31))
    assert attained([year], [won("R1", 45.5)])["all"][0] == pytest.approx(0.5)
    months = [
        quota("R1", 10, starts_on=D(2024, 4, 1), ends_on=D(2024, 4, 30)),
        quota("R1", 20, starts_on=D(2024, 5, 1), ends_on=D(2024, 5, 31)),
        quota("R1", 70, starts_on=D(2024, 6, 1), ends_on=D(2024, 6, 30)),
        quota("R1", 999, starts_on=D(2024, 7, 1), ends_on=D(2024, 7, 31)),
    ]
    assert attained(months, [won("R1", 50)])["all"][0] == pytest.approx(0.5)


def test_quotas_are_converted_at_their_first_day_s_rate(attained):
    rates = [
        {"currency": "EUR", "valid_from": D(2024, 4, 1), "rate": 2},
        {"currency": "EUR", "valid_from": D(2024, 4, 2), "rate": 9},
    ]
    euros = [quota("R1", 100, currency="EUR")]
    assert attained(euros, [won("R1", 50)], fx_rates=rates)["all"][0] == 0.25
    value, n, note = attained(euros, [won("R1", 50)])["all"]
    assert np.isnan(value)
    assert (n, note) == (0, "a quota is in a currency without a rate")


def test_by_other_dimensions_there_is_no_quota(attained):
    deals = [won("R1", 50, product_id="P0")]
    products = [{"product_id": "P0"}]
    found = attained(
        [quota("R1", 100)], deals, "product", metric=["revenue", "quota_attainment"], products=products
    )
    assert found["P0"][2] == "quotas exist for the company, teams and reps only"


def test_coverage_is_of_what_remains(attained):
    quotas = [quota("R1", 100), quota("R2", 100)]
    deals = [
        won("R1", 60), due("R1", 20), due("R1", 999, D(2024, 7, 1)), won("R2", 150), due("R2", 30), due("R3", 500),
    ]  # fmt: skip
    assert attained(quotas, deals, "team", metric="pipeline_coverage")["T1"] == [0.5, 1, None]
    value, n, note = attained(quotas, deals, "team", metric="pipeline_coverage")["T2"]
    assert np.isnan(value)
    assert (n, note) == (0, "met")
    full = attained(quotas, deals, "team", metric="pipeline_coverage_full_quota")
    assert full["T1"][:2] == [0.2, 1]
    assert full["T2"][:2] == [0.3, 1]
    assert attained(quotas, deals, metric="pipeline_coverage_full_quota")["all"][:2] == [0.25, 2]


def test_coverage_without_dates_or_amounts_is_unknown_and_without_deals_is_zero(attained):
    quotas = [quota("R1", 100)]
    beside = due("R4", 50)  # who carries no quota
    assert attained(quotas, [won("R1", 60), beside], metric="pipeline_coverage")["all"] == [0, 0, None]
    value, n, note = attained(quotas, [won("R1", 60)], metric="pipeline_coverage")["all"]
    assert np.isnan(value)
    assert (n, note) == (0, "the source has no open deals")
    for deal in (due("R1", None), due("R1", 50, None)):
        value, n, note = attained(quotas, [won("R1", 60), deal], metric="pipeline_coverage")["all"]
        assert np.isnan(value)
        assert (n, note) == (0, "1 open deal without amount or expected close date left out")
