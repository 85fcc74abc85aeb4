"""Creation cohorts."""

from __future__ import annotations

import datetime as dt

import pytest

from spm_lib.metrics import win_rate_by_cohort
from spm_lib.metrics.cohorts import days_to_mature
from spm_lib.periods import parse_period

D = dt.date


@pytest.fixture
def store(make_store):
    def deal(i, created, took, outcome, **more):
        closed = created + dt.timedelta(days=took) if took is not None else None
        return {"deal_id": f"D{i}", "owner_id": "R0", "outcome": outcome, "created_on": created, "closed_on": closed,
                **more}  # fmt: skip

    deals = [
        deal(0, D(2024, 1, 31), 10, "won"), deal(1, D(2024, 1, 1), 20, "lost"), deal(2, D(2024, 1, 15), None, "open"),
        deal(3, D(2024, 2, 1), 10, "won", owner_id="R1"), deal(4, D(2024, 2, 2), 10, "won", merged_into_id="D3"),
        deal(5, D(2024, 4, 1), None, "open"), {**deal(6, D(2024, 4, 1), 5, "won"), "created_on": None},
    ]  # fmt: skip
    return make_store(
        deals=deals,
        reps=[{"rep_id": "R0"}, {"rep_id": "R1"}],
        teams=[{"team_id": "T0"}, {"team_id": "T1"}],
        team_members=[
            {"rep_id": "R0", "team_id": "T0", "valid_to": D(2024, 1, 20)},
            {"rep_id": "R0", "team_id": "T1", "valid_from": D(2024, 1, 21)},
        ],
        meta={"last_data_date": D(2024, 5, 15)},
    )


def test_open_deals_are_told_beside_the_rate(store):
    frame = win_rate_by_cohort(store.as_of(), parse_period("2024-01..2024-04", as_of=D(2024, 5, 15)))
    assert frame["cohort"].tolist() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert frame[["n", "won", "lost", "open"]].to_numpy().tolist() == [
        [3, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1],
    ]  # fmt: skip
    assert frame["win_rate"].fillna(-1).tolist() == [0.5, 1, -1, -1]
    assert frame["open_share"].iloc[0] == pytest.approx(1 / 3)
    assert frame["low"].iloc[0] < 0.5 < frame["high"].iloc[0]


def test_a_cohort_matures_when_deals_like_it_have_had_their_time(store):
    # Nine tenths of past decisions took 18 days at most: 10, 10 and 20 days, one deal without a day of creation.
    period = parse_period("2024-01..2024-04", as_of=D(2024, 5, 15))
    assert win_rate_by_cohort(store.as_of(D(2024, 5, 15)), period)["matured"].tolist() == [
        True,
        True,
        True,
        False,
    ]
    assert win_rate_by_cohort(store.as_of(D(2024, 5, 18)), period)["matured"].all()


def test_what_a_cohort_takes_stands_still_while_a_quarter_runs(make_store):
    def deal(i, took, closed):
        return {"deal_id": f"D{i}", "owner_id": "R0", "outcome": "won", "closed_on": closed,
                "created_on": closed - dt.timedelta(days=took)}  # fmt: skip

    deals = [deal(0, 10, D(2024, 2, 1)), deal(1, 200, D(2024, 4, 20))]
    store = make_store(deals=deals, reps=[{"rep_id": "R0"}], meta={"last_data_date": D(2024, 7, 2)})
    assert days_to_mature(store.as_of(D(2024, 5, 18))) == 10
    assert days_to_mature(store.as_of(D(2024, 7, 2))) == 181
    assert days_to_mature(store.as_of(D(2024, 3, 31))) is None, "no quarter was over in which anything closed"
    assert days_to_mature(store.as_of(D(2024, 7, 2)).as_of(D(2024, 3, 31))) == 10


def test_a_deal_belongs_to_the_team_of_its_first_day(store):
    period = parse_period("2024-Q1", as_of=D(2024, 5, 15))
    assert win_rate_by_cohort(store.as_of().scope("T0"), period)["n"].tolist() == [2, 0, 0]
    assert win_rate_by_cohort(store.as_of().scope("T1"), period, by="quarter")["n"].tolist() == [1]
