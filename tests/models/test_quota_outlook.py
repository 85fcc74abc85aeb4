"""The outlook on quotas: whose, of what, and the traps of quotas, people and sources."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.errors import ParameterError
from spm_lib.metrics import evaluate
from spm_lib.models.quota_outlook import COLUMNS, quarter_chances, quota_outlook
from spm_lib.periods import parse_period
from tests.conftest import ROOT, MakeStore
from tests.models.quota_companies import DAY, META, company, deals_of, quota

FIRST, LAST = dt.date(2025, 4, 1), dt.date(2025, 6, 30)
NONE = pd.DataFrame({"deal_id": [], "won": []})


def even(store: Any) -> pd.DataFrame:
    """Give every deal an even chance: what came of those before."""
    return pd.DataFrame(
        {"deal_id": [deal for (deal,) in store.rows("select deal_id from deals")], "won": 0.5}
    )


def told(store: Any, day: dt.date = DAY, chances: pd.DataFrame | None = None, **more: Any) -> pd.DataFrame:
    given = even(store) if chances is None else chances
    return quota_outlook(store.as_of(day), given, draws=400, **more).set_index("rep_id")


def test_revenue_and_quota_are_those_of_the_metric(make_store: MakeStore) -> None:
    # B moved in mid-quarter, C's quota began late, D has one row for the year: all as `quota_attainment` by rep.
    tables = company("A", "B", "C", "D")
    tables["team_members"][1] |= {"valid_to": dt.date(2025, 4, 30)}
    tables["team_members"].append({"rep_id": "B", "team_id": "S", "valid_from": dt.date(2025, 5, 1)})
    tables["quotas"] = [row for row in tables["quotas"] if row["owner_id"] in "AB"]
    tables["quotas"] += [
        quota("C", dt.date(2025, 4, 21), LAST, 5000.0),
        quota("D", dt.date(2025, 1, 1), dt.date(2025, 12, 31), 36500.0),
    ]
    store = make_store(**tables)
    rows = told(store)
    snapshot = store.as_of(DAY)
    metric = evaluate("quota_attainment", snapshot, parse_period("2025-Q2", as_of=DAY), by="rep")
    attained = metric.set_index("rep")["value"]
    assert list(rows.index) == ["A", "B", "C", "D"]
    assert np.allclose(rows["revenue"] / rows["quota"], attained.reindex(rows.index))
    assert rows["quota"]["D"] == pytest.approx(36500 * 91 / 365)
    assert rows["quota"]["B"] == pytest.approx(7000)
    assert rows["starts_on"]["C"] == pd.Timestamp(2025, 4, 21)
    assert (rows["ends_on"] == pd.Timestamp(LAST)).all()


def test_more_quota_is_missed_oftener_and_the_range_holds_what_is_expected(make_store: MakeStore) -> None:
    tables = company("A", "B", "C", "D")
    for row in tables["quotas"]:
        row["amount"] = {"A": 2000.0, "B": 6500.0, "C": 9000.0, "D": 90000.0}[row["owner_id"]]
    rows = told(make_store(**tables))
    assert rows["miss"].is_monotonic_increasing
    assert rows["miss"]["A"] < 0.05 < 0.95 < rows["miss"]["D"]
    assert (rows["low"] < rows["expected"]).all()
    assert (rows["expected"] < rows["high"]).all()
    # A deal every six days, every second one won after a month: 91 / 6 / 2 in a quarter, as ever.
    assert rows["expected"].to_numpy() == pytest.approx(7600, rel=0.2)


def test_chances_given_count_and_those_not_given_are_worked_out(make_store: MakeStore) -> None:
    store = make_store(**company("A", "B"))
    snapshot = store.as_of(DAY)
    usual = quarter_chances(snapshot)
    assert usual["won"].between(0, 1).all()
    given = told(store, chances=usual)
    assert quota_outlook(snapshot, draws=400).set_index("rep_id").equals(given)
    # One unknown, the others missing.
    assert told(store, chances=usual.head(1).assign(won=np.nan)).equals(given)
    sure, never = (told(store, chances=usual.assign(won=chance)) for chance in (1.0, 0.0))
    deals = usual["deal_id"].str[0].value_counts()
    for rep in "AB":
        assert sure["expected"][rep] - never["expected"][rep] == pytest.approx(1000 * deals[rep])


def test_unknown_amounts_count_as_usual_ones(make_store: MakeStore) -> None:
    tables = company("A", "B")
    for row in tables["deals"]:
        if row["owner_id"] == "A" and row["outcome"] == "open":
            row["amount"] = None
    store = make_store(**tables)
    rows = told(store, chances=even(store).assign(won=1.0))
    known = make_store(**company("A", "B"))
    assert rows.equals(told(known, chances=even(known).assign(won=1.0)))


def test_the_order_of_rows_changes_nothing(make_store: MakeStore) -> None:
    tables = company("A", "B", "C")
    turned = {name: rows[::-1] if isinstance(rows, list) else rows for name, rows in tables.items()}
    one, other = make_store(**tables), make_store(**turned)
    first = told(one)
    assert first.equals(told(other, chances=even(one).sample(frac=1, random_state=1)))
    assert first.equals(told(one))
    assert not first.equals(told(one, seed=1))


def test_nothing_after_the_day_is_known(make_store: MakeStore) -> None:
    day = dt.date(2025, 2, 20)
    tables = company("A", "B")
    other = company("A", "B")
    for row in other["deals"]:
        if row.get("closed_on") and row["closed_on"] > day:
            row["outcome"] = "lost" if row["outcome"] == "won" else "won"
            row["closed_on"] += dt.timedelta(days=3)
    other["deals"] = [row for row in other["deals"] if row["created_on"] <= day]
    one, changed = make_store(**tables), make_store(**other)
    assert told(one, day, NONE).equals(told(changed, day, NONE))


def test_a_scope_does_not_matter(make_store: MakeStore) -> None:
    store = make_store(**company("A", "B"))
    chances = even(store)
    whole, team = (
        quota_outlook(s, chances, draws=50) for s in (store.as_of(DAY), store.as_of(DAY).scope("S"))
    )
    assert whole.equals(team)


# -- Whose ------------------------------------------------------------------------------------------------------


def test_without_a_known_quota_of_ones_own_there_is_no_row(make_store: MakeStore) -> None:
    unknown = {
        "none at all": [],
        "nothing": [quota("", FIRST, LAST, 0.0)],
        "less than nothing": [quota("", FIRST, LAST, -5.0)],
        "no amount": [quota("", FIRST, LAST, None)],
        "no rate": [quota("", FIRST, LAST, 5000.0, currency="XAU")],
        "one of two without amount": [quota("", FIRST, DAY, 5000.0), quota("", DAY, LAST, None)],
        "roll-up alone": [quota("", FIRST, LAST, 5000.0, kind="roll_up")],
        "another quarter's": [quota("", dt.date(2025, 1, 1), dt.date(2025, 3, 31), 5000.0)],
        "a team's": [quota("", FIRST, LAST, 5000.0, owner_kind="team")],
    }
    tables = company("A")
    for rep, rows in unknown.items():
        tables["reps"].append({"rep_id": rep, "name": rep, "hired_on": dt.date(2020, 1, 1)})
        tables["deals"] += deals_of(rep, every=90)
        tables["quotas"] += [row | {"owner_id": rep} for row in rows]
    assert list(told(make_store(**tables)).index) == ["A"]


def test_who_has_left_or_is_not_there_yet_has_no_row(make_store: MakeStore) -> None:
    tables = company("A", "B", "C", "D")
    tables["reps"][1]["left_on"] = DAY
    tables["reps"][2]["left_on"] = DAY + dt.timedelta(days=20)
    tables["reps"][3]["hired_on"] = DAY + dt.timedelta(days=5)
    assert list(told(make_store(**tables)).index) == ["A", "C"]


def test_revenue_that_is_unknown_is_not_nothing(make_store: MakeStore) -> None:
    tables = company("A", "B")
    for row in tables["deals"]:
        if row["owner_id"] == "B" and row.get("closed_on") and row["closed_on"] >= FIRST:
            row["amount"] = None
    assert list(told(make_store(**tables)).index) == ["A"]


def test_one_without_deals_is_expected_to_sell_less_than_others_and_not_nothing(
    make_store: MakeStore,
) -> None:
    tables = company("A", "B", "C", "D")
    tables["deals"] = [row for row in tables["deals"] if row["owner_id"] != "D"]
    rows = told(make_store(**tables))
    assert rows["revenue"]["D"] == 0
    assert 0 <= rows["expected"]["D"] < rows["expected"]["A"] / 2
    assert rows["miss"]["D"] > 0.95


def test_one_who_is_away_is_expected_to_bring_less(make_store: MakeStore) -> None:
    tables = company("A", "B", "C")
    away = dt.date(2025, 3, 20)
    tables["deals"] = [row for row in tables["deals"] if row["owner_id"] != "C" or row["created_on"] < away]
    rows = told(make_store(**tables))
    to_come = rows["expected"] - rows["revenue"]
    assert to_come["C"] < 0.6 * to_come["A"]
    assert 0 < rows["miss"]["C"] < 1


def test_a_new_hire_starts_as_new_hires_did(make_store: MakeStore) -> None:
    # Of all who were hired before, deals came at half the rate in the first two months.
    veterans = company("A", "B", "C")
    slow, fast = dict(veterans), dict(veterans)
    joined = [dt.date(2024, 2, 1), dt.date(2024, 4, 15), dt.date(2024, 7, 1), dt.date(2024, 9, 15)]
    slow_deals, fast_deals, people, members, quotas = [], [], [], [], []
    for place, day in enumerate(joined):
        rep = f"H{place}"
        rows = [row | {"deal_id": f"{rep}-{row['deal_id']}"} for row in deals_of(rep, since=day)]
        fast_deals += rows
        slow_deals += [row for number, row in enumerate(rows) if number % 3 == 0 or number >= 10]
        people.append({"rep_id": rep, "name": rep, "hired_on": day})
        members.append({"rep_id": rep, "team_id": "N", "valid_from": day})
    hired = DAY - dt.timedelta(days=10)
    people.append({"rep_id": "Z", "name": "Z", "hired_on": hired})
    members.append({"rep_id": "Z", "team_id": "N", "valid_from": hired})
    quotas.append(quota("Z", hired, LAST, 3000.0))
    outlooks = []
    for base, deals in ((slow, slow_deals), (fast, fast_deals)):
        tables = dict(base)
        for name, rows in (
            ("reps", people),
            ("team_members", members),
            ("quotas", quotas),
            ("deals", deals),
        ):
            tables[name] = [*base[name], *rows]
        outlooks.append(told(make_store(**tables)).loc["Z"])
    assert 0 < outlooks[0]["expected"] < 0.8 * outlooks[1]["expected"]
    assert outlooks[0]["miss"] > outlooks[1]["miss"]


# -- When -------------------------------------------------------------------------------------------------------


def test_on_the_last_day_it_is_decided(make_store: MakeStore) -> None:
    end = dt.date(2025, 3, 31)
    store = make_store(**company("A", "B", amount=7000.0))
    surely = pd.DataFrame({"deal_id": [row["deal_id"] for row in deals_of("A")], "won": 1.0})
    rows = told(store, end, surely)
    for name in ("expected", "low", "high"):
        assert np.allclose(rows[name], rows["revenue"])
    missed = rows["revenue"] < rows["quota"]
    assert np.allclose(rows["miss"], np.where(missed, 400.5 / 401, 0.5 / 401))
    assert list(told(store, end + dt.timedelta(days=1))["revenue"]) == [0.0, 0.0]


def test_on_the_first_day_most_is_still_open(make_store: MakeStore) -> None:
    rows = told(make_store(**company("A", "B", amount=7500.0)), FIRST)
    assert rows["miss"].between(0.1, 0.9).all()
    assert rows["expected"].to_numpy() == pytest.approx(7600, rel=0.25)


def test_a_quota_that_ends_early_is_looked_ahead_to_its_own_end(make_store: MakeStore) -> None:
    tables = company("A", "B")
    tables["quotas"] = [row for row in tables["quotas"] if row["starts_on"] < FIRST]
    tables["quotas"] += [
        quota("A", FIRST, LAST, 7000.0),
        quota("B", FIRST, DAY + dt.timedelta(days=2), 3500.0),
    ]
    rows = told(make_store(**tables))
    assert rows["ends_on"]["B"] == pd.Timestamp(DAY + dt.timedelta(days=2))
    to_come = rows["expected"] - rows["revenue"]
    assert 0 < to_come["B"] < 0.25 * to_come["A"]


def test_without_any_past_nothing_is_told(make_store: MakeStore) -> None:
    begun = DAY - dt.timedelta(days=20)
    tables = company("A")
    tables["deals"] = deals_of("A", since=begun)
    tables["meta"] = META | {"first_data_date": begun}
    store = make_store(**tables)
    assert told(store, chances=NONE).empty
    # No deal was ever won: what comes of those not created yet is unknown, whatever chances are believed.
    assert told(store).empty


def test_whose_deals_nobody_can_judge_has_no_row(make_store: MakeStore) -> None:
    # No deal was open at any point of the past: all were won on the day they came.
    tables = company("A", "B")
    tables["deals"] = [row for rep in "AB" for row in deals_of(rep, every=5, takes=0)]
    tables["deals"].append(deals_of("B")[-1] | {"deal_id": "open", "created_on": DAY})
    store = make_store(**tables)
    assert list(told(store, chances=NONE).index) == ["A"]
    assert list(told(store).index) == ["A", "B"]


def test_a_company_in_its_first_quarter_is_told_of_by_the_weeks_before(make_store: MakeStore) -> None:
    begun = dt.date(2025, 2, 10)
    tables = company("A", "B")
    tables["deals"] = [row for rep in "AB" for row in deals_of(rep, since=begun, takes=14)]
    tables["meta"] = META | {"first_data_date": begun}
    rows = told(make_store(**tables))
    assert list(rows.index) == ["A", "B"]
    assert rows["miss"].between(0, 1).all()
    assert (rows["expected"] > rows["revenue"]).all()


def test_refunds_are_netted(make_store: MakeStore) -> None:
    tables = company("A", "B")
    back = {"deal_id": "R", "owner_id": "B", "created_on": DAY, "closed_on": DAY, "outcome": "won"}
    coming = {"deal_id": "S", "owner_id": "B", "created_on": DAY, "outcome": "open"}
    tables["deals"] += [back | {"amount": -2500.0, "currency": "USD"}]
    tables["deals"] += [coming | {"amount": -1000.0, "currency": "USD"}]
    store = make_store(**tables)
    without = told(make_store(**company("A", "B")))
    rows, usual = told(store), even(store)
    assert rows["revenue"]["B"] == without["revenue"]["B"] - 2500
    assert rows["expected"]["B"] == pytest.approx(without["expected"]["B"] - 2500 - 500, abs=150)
    # Of the refund that is not booked yet nothing is learned: it is as likely as the other deals.
    unsaid = told(store, chances=usual[usual["deal_id"] != "S"])
    assert unsaid.equals(rows)


def test_a_source_without_quotas_or_history_has_no_rows(
    make_store: MakeStore, real_data: Path, tmp_path: Path
) -> None:
    tables = company("A")
    tables["quotas"] = []
    empty = told(make_store(**tables))
    assert empty.empty
    loaded = ingest(
        ROOT / "params" / "sources" / "maven.yml", tmp_path / "m.duckdb", now=dt.datetime(2030, 1, 1)
    )
    with open_store(loaded.store) as store:
        nothing = quota_outlook(store.as_of(), NONE)
    assert nothing.empty
    assert tuple(nothing.columns) == COLUMNS


def test_a_source_without_a_history_is_told_of_as_far_as_it_goes(make_store: MakeStore) -> None:
    tables = company("A", "B")
    tables["meta"] = META | {"fixed": ()}
    rows = told(make_store(**tables), chances=NONE)
    assert list(rows.index) == ["A", "B"]
    assert rows.notna().all(axis=None)


def test_all_quarters_are_the_fiscal_ones(make_store: MakeStore) -> None:
    tables = company("A", "B")
    calendar = replace(make_store(**tables).meta.calendar, fiscal_year_starts=2)
    first, last = dt.date(2025, 5, 1), dt.date(2025, 7, 31)
    tables["quotas"] += [quota("A", dt.date(2025, 7, 1), last, 3000.0)]
    rows = told(make_store(**tables | {"meta": META | {"calendar": calendar}}))
    assert rows["starts_on"]["A"] == pd.Timestamp(first)
    assert rows["ends_on"]["A"] == pd.Timestamp(last)
    assert rows["quota"]["A"] == pytest.approx(7000 * 61 / 91 + 3000)
    assert rows["quota"]["B"] == pytest.approx(7000 * 61 / 91)


# -- What is refused ----------------------------------------------------------------------------------------------


def test_what_are_no_chances_is_refused(make_store: MakeStore) -> None:
    snapshot = make_store(**company("A")).as_of(DAY)
    wrong = [
        ({"deal": ["A-000"], "won": [0.5]}, "no column 'deal_id'"),
        ({"deal_id": ["A-000"]}, "no column 'won'"),
        ({"deal_id": ["A-000"], "won": [1.2]}, "'1.2' is no chance"),
        ({"deal_id": ["A-000"], "won": [-0.1]}, "'-0.1' is no chance"),
        ({"deal_id": ["A-000"], "won": [np.inf]}, "'inf' is no chance"),
        ({"deal_id": ["A-000"], "won": ["likely"]}, "'likely' is no chance"),
        ({"deal_id": ["A", "A"], "won": [0.1, 0.2]}, "the deal 'A' has two chances"),
    ]
    for chances, why in wrong:
        with pytest.raises(ParameterError, match=why):
            quota_outlook(snapshot, pd.DataFrame(chances))


def test_no_draws_are_refused(make_store: MakeStore) -> None:
    with pytest.raises(ParameterError, match="0 draws tell nothing"):
        quota_outlook(make_store(**company("A")).as_of(DAY), NONE, draws=0)
