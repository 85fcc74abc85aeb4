"""How much of a period to expect by now."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from spm_lib.metrics import evaluate, expected_share
from spm_lib.periods import parse_period

D = dt.date
START = D(2022, 1, 1)


def history(quarters: int, early: float) -> list[dict[str, object]]:
    """Give won deals of the quarters from 2022-Q1 on, `early` on the tenth day of each and 100 in all."""
    rows = []
    for i in range(quarters):
        start = D(2022 + i // 4, 1 + i % 4 * 3, 1)
        for day, amount in ((9, early), (80, 100 - early)):
            closed = start + dt.timedelta(days=day)
            rows.append(
                {"deal_id": f"{i}-{day}", "owner_id": "R0", "outcome": "won", "amount": amount,
                 "created_on": start, "closed_on": closed}
            )  # fmt: skip
    return rows


@pytest.fixture
def store_of(make_store):
    def make(deals, first=START, tracked=None, **more):
        meta = {"first_closed_on": first, "first_data_date": first, "last_data_date": D(2024, 4, 2)}
        meta |= {"tracked_from": tracked or {}}
        return make_store(deals=deals, reps=[{"rep_id": "R0"}], meta=meta, **more)

    return make


def test_it_is_the_median_of_earlier_periods_at_the_same_point(store_of):
    snapshot = store_of(history(8, early=30)).as_of(D(2024, 2, 14))
    found = expected_share(snapshot, parse_period("2024-Q1", as_of=snapshot.date))
    assert (found.share, found.method, found.n) == (0.3, "earlier periods", 8)
    early = snapshot.as_of(D(2024, 1, 9))
    assert expected_share(early, parse_period("2024-Q1", as_of=early.date)).share == 0


def test_a_finished_period_is_whole(store_of):
    snapshot = store_of(history(8, early=30)).as_of(D(2024, 2, 14))
    found = expected_share(snapshot, parse_period("2023-Q4", as_of=snapshot.date))
    assert (found.share, found.method) == (1, "complete")


def test_too_few_earlier_periods_leave_working_days(store_of):
    # Of eight quarters three lie wholly within the data: the rest begin before the first closing known.
    snapshot = store_of(history(8, early=30), first=D(2023, 4, 1)).as_of(D(2024, 2, 14))
    period = parse_period("2024-Q1", as_of=snapshot.date)
    found = expected_share(snapshot, period)
    assert (found.method, found.n) == ("working days", 3)
    assert found.share == period.elapsed_working_share(snapshot.date)


def test_pace_sets_attainment_beside_the_company_s_share(store_of):
    deals = history(8, early=25)
    deals.append(
        {"deal_id": "now", "owner_id": "R0", "outcome": "won", "amount": 50, "created_on": D(2024, 1, 1),
         "closed_on": D(2024, 1, 5)}
    )  # fmt: skip
    quotas = [
        {"owner_kind": "rep", "owner_id": "R0", "kind": "individual", "starts_on": D(2024, 1, 1),
         "ends_on": D(2024, 3, 31), "amount": 100}
    ]  # fmt: skip
    teams = {"teams": [{"team_id": "T0"}], "team_members": [{"rep_id": "R0", "team_id": "T0"}]}
    snapshot = store_of(deals, quotas=quotas, **teams).as_of(D(2024, 2, 14))
    period = parse_period("2024-Q1", as_of=snapshot.date)
    for who in (snapshot, snapshot.scope("T0")):
        frame = evaluate(["quota_attainment", "quota_pace"], who, period).set_index("metric")
        assert frame["value"].to_dict() == {"quota_attainment": 0.5, "quota_pace": 2.0}
        assert frame["low"]["quota_pace"] == frame["low"]["quota_attainment"] / 0.25
    before = snapshot.as_of(D(2024, 1, 6))
    row = evaluate("quota_pace", before, period).iloc[0]
    assert np.isnan(row["value"])
    assert row["note"] == "too early to tell"


def test_it_stands_still_while_a_quarter_runs(store_of):
    """What is closed or recorded since the last quarter ended moves nothing, whatever the period."""
    tracked = {"amount": START, "outcome": START, "closed_on": START}
    since = [
        {"deal_id": "new", "owner_id": "R0", "outcome": "won", "amount": 900, "created_on": START,
         "closed_on": D(2024, 1, 20)}
    ]  # fmt: skip
    corrected = {"deal_id": "7-9", "field": "amount", "old_value": "30", "new_value": "90",
                 "changed_at": dt.datetime(2024, 1, 3)}  # fmt: skip
    won = [
        {"deal_id": "new", "field": "outcome", "old_value": "open", "new_value": "won",
         "changed_at": dt.datetime(2024, 1, 20)},
        {"deal_id": "new", "field": "closed_on", "old_value": None, "new_value": "2024-01-20",
         "changed_at": dt.datetime(2024, 1, 20)},
    ]  # fmt: skip
    before = history(8, early=30)
    after = [{**deal, "amount": 90} if deal["deal_id"] == "7-9" else deal for deal in before] + since
    stores = [
        store_of(before, tracked=tracked),
        store_of(after, tracked=tracked, deal_changes=[corrected, *won]),
    ]
    for label in ("2024-Q1", "2024-02", "2024-W07", "2024"):
        told = [
            expected_share(store.as_of(D(2024, 2, 14)), parse_period(label, as_of=D(2024, 2, 14)))
            for store in stores
        ]
        assert told[0] == told[1], label
    # A quarter on, what was corrected counts.
    told = [
        expected_share(store.as_of(D(2024, 4, 2)), parse_period("2024-Q2", as_of=D(2024, 4, 2)))
        for store in stores
    ]
    assert told[0] != told[1]


def test_periods_that_were_not_over_when_the_quarter_ended_do_not_count(store_of):
    snapshot = store_of(history(8, early=30)).as_of(D(2024, 2, 14))
    found = expected_share(snapshot, parse_period("2024-02", as_of=snapshot.date))
    # Revenue came in the first and third month of each quarter: from May to December 2023 in five.
    assert (found.n, found.method) == (5, "earlier periods")


def test_an_earlier_point_is_seen_by_the_record_of_the_same_report(store_of):
    report = store_of(history(8, early=30)).as_of(D(2024, 2, 14))
    then = report.as_of(D(2023, 8, 14))
    found = expected_share(then, parse_period("2023-Q3", as_of=then.date))
    assert (found.share, found.n) == (0.3, 6), "no quarter counts that was not over then"
    assert then.benchmarks.date == report.benchmarks.date == D(2023, 12, 31)
