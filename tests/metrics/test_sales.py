"""Six-row tables, each with one trap that reports fall into."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from spm_lib.metrics import evaluate
from spm_lib.periods import parse_period

D = dt.date
END = D(2024, 6, 30)
Q2 = parse_period("2024-Q2", as_of=END)
SALES = ["revenue", "win_rate", "win_rate_value", "sales_cycle", "average_deal_size", "sales_velocity"]


def deal(i: int, outcome: str = "won", amount: float | None = 100, **more: Any) -> dict[str, Any]:
    closed = None if outcome == "open" else D(2024, 5, 10)
    return {
        "deal_id": f"D{i}",
        "owner_id": "R0",
        "outcome": outcome,
        "amount": amount,
        "created_on": D(2024, 4, 10),
        "closed_on": closed,
        **more,
    }


@pytest.fixture
def ask(make_store):
    def asked(metrics, deals, by=(), period=Q2, date=END, **tables):
        reps = [{"rep_id": "R0", "name": "Ann"}, {"rep_id": "R1", "name": "Bo"}]
        store = make_store(deals=deals, reps=reps, meta={"last_data_date": END}, **tables)
        frame = evaluate(metrics, store.as_of(date), period, by)
        return frame.astype({"note": "object"}).where(frame.notna(), None)

    return asked


def value(frame, metric: str = "revenue", **group: Any) -> Any:
    rows = frame[frame["metric"] == metric]
    for name, key in group.items():
        rows = rows[rows[name].isna() if key is None else rows[name] == key]
    assert len(rows) == 1, rows
    return rows["value"].iloc[0]


def test_a_zero_denominator_is_unknown_and_not_zero(ask):
    frame = ask([m for m in SALES if m != "revenue"], [deal(0, "open")])
    assert frame["value"].isna().all()
    assert (frame["n"] == 0).all()


def test_nothing_sold_is_zero_where_the_data_reach_and_unknown_where_not(ask):
    deals = [deal(0, closed_on=D(2024, 2, 1), created_on=D(2024, 1, 5))]
    row = ask("revenue", deals).iloc[0]
    assert (row["value"], row["n"], row["low"], row["high"], row["note"]) == (0, 0, 0, 0, None)
    for label in ("2023-Q4", "2024-Q3"):
        row = ask("revenue", deals, period=parse_period(label, as_of=END)).iloc[0]
        assert np.isnan(row["value"])
        assert row["note"] == "the data do not cover this period"


def test_refunds_are_netted_but_are_no_deal_sizes(ask):
    frame = ask(SALES, [deal(0), deal(1, amount=300), deal(2, amount=-50)])
    assert value(frame) == 350
    assert value(frame, "average_deal_size") == 200
    assert value(frame, "win_rate_value") == 1


def test_merged_duplicates_and_removed_deals_count_nowhere(ask):
    deals = [
        deal(0),
        deal(1, merged_into_id="D0"),
        deal(2, removed_on=D(2024, 6, 1)),
        deal(3, "lost", merged_into_id="D0"),
    ]
    frame = ask(SALES, deals)
    assert value(frame) == 100
    assert value(frame, "win_rate") == 1


def test_a_deal_in_a_foreign_currency_without_a_rate_is_unknown(ask):
    deals = [deal(0), deal(1, currency="EUR"), deal(2, currency="USD", amount=5)]
    row = ask("revenue", deals).iloc[0]
    assert (row["value"], row["n"]) == (105, 2)
    assert row["note"] == "1 won deal without a known amount left out"
    row = ask("revenue", deals[1:2]).iloc[0]
    assert np.isnan(row["value"])
    assert row["n"] == 0


def test_the_rate_is_the_closing_day_s_and_the_result_is_to_the_cent(ask):
    rates = [
        {"currency": "EUR", "valid_from": D(2024, 1, 1), "rate": 2},
        {"currency": "EUR", "valid_from": D(2024, 5, 10), "rate": 1.005},
        {"currency": "EUR", "valid_from": D(2024, 5, 11), "rate": 3},
    ]
    assert value(ask("revenue", [deal(0, currency="EUR", amount=1)], fx_rates=rates)) == 1.01
    huge = [deal(0, currency="EUR", amount=9_999_999_999_999.99), deal(1, amount=0.01)]
    assert value(ask("revenue", huge, fx_rates=rates)) == pytest.approx(1.005 * 1e13)


def test_a_mover_s_deals_stay_where_they_were_won(ask):
    teams = [{"team_id": "T0", "name": "West"}, {"team_id": "T1", "name": "East"}]
    members = [
        {"rep_id": "R0", "team_id": "T0", "valid_to": D(2024, 5, 14)},
        {"rep_id": "R0", "team_id": "T1", "valid_from": D(2024, 5, 15)},
    ]
    deals = [
        deal(0, amount=1),
        deal(1, amount=10, closed_on=D(2024, 5, 14)),
        deal(2, amount=100, closed_on=D(2024, 5, 15)),
        deal(3, amount=1000, owner_id="R1"),  # in no team
    ]
    frame = ask("revenue", deals, by="team", teams=teams, team_members=members)
    assert frame["team_name"].tolist()[:2] == ["West", "East"]
    assert value(frame, team="T0") == 11
    assert value(frame, team="T1") == 100
    assert value(frame, team=None) == 1000


def test_joins_do_not_multiply_deals(ask):
    accounts = [{"account_id": f"A{i}", "region": "North"} for i in range(3)]
    products = [{"product_id": f"P{i}", "family": "Tools"} for i in range(3)]
    deals = [deal(i, account_id="A1", product_id="P2") for i in range(6)]
    frame = ask(SALES, deals, by=("region", "family", "rep"), accounts=accounts, products=products)
    assert value(frame, region="North") == 600
    assert frame["n"].max() == 6


def test_a_reopened_deal_was_won_until_it_was_reopened(ask):
    changes = [
        {"deal_id": "D0", "field": "outcome", "old_value": old, "new_value": new, "changed_at": at}
        for old, new, at in (
            ("open", "won", dt.datetime(2024, 4, 20, 9)),
            ("won", "open", dt.datetime(2024, 5, 20, 9)),
        )
    ]
    changes += [
        {"deal_id": "D0", "field": "closed_on", "old_value": old, "new_value": new, "changed_at": at}
        for old, new, at in (
            (None, "2024-04-20", dt.datetime(2024, 4, 20, 9)),
            ("2024-04-20", None, dt.datetime(2024, 5, 20, 9)),
        )
    ]
    meta_deals = [deal(0, "open"), deal(1, amount=7)]
    asked = {"deal_changes": changes, "period": Q2}
    assert value(ask("revenue", meta_deals, date=END, **asked)) == 7
    assert value(ask("revenue", meta_deals, date=D(2024, 5, 1), **asked)) == 100
    assert value(ask("revenue", meta_deals, date=D(2024, 5, 20), **asked)) == 7


def test_lost_deals_without_amounts_leave_the_rate_by_value_unknown(ask):
    row = ask("win_rate_value", [deal(0), deal(1, "lost", 0), deal(2, "lost", None)]).iloc[0]
    assert np.isnan(row["value"])
    assert row["note"] == "lost deals carry no amount"
    row = ask("win_rate_value", [deal(0), deal(1, "lost", 300), deal(2, "lost", None)]).iloc[0]
    assert (row["value"], row["n"]) == (0.25, 2)
    assert row["note"] == "1 deal without a positive amount left out"


def test_every_group_that_exists_is_told_and_products_have_names(ask):
    products = [{"product_id": "P0", "name": "Plough"}]
    deals = [deal(0, product_id="P0"), deal(1, "lost", product_id=None)]
    frame = ask(["revenue", "win_rate"], deals, by="product", products=products)
    names = frame[["product", "product_name"]].drop_duplicates().fillna("").to_numpy().tolist()
    assert names == [["P0", "Plough"], ["", ""]]
    assert value(frame, product=None) == 0
    frame = ask(["revenue", "win_rate"], deals, by="rep")
    assert frame["rep_name"].tolist() == ["Ann", "Bo", "Ann", "Bo"]
    assert list(frame.columns) == [
        *("rep", "rep_name", "metric", "part", "value", "n", "low", "high", "unit", "note"),
    ]


def test_custom_columns_divide_whatever_their_type(make_store):
    custom = {"x_score": "BIGINT", "x_day": "DATE", "x_hot": "BOOLEAN", "x_rate": "DOUBLE"}
    deals = [
        deal(0, x_score=1, x_day=D(2024, 1, 1), x_hot=True, x_rate=0.5),
        deal(1, x_score=None, x_day=None, x_hot=None, x_rate=None),
        deal(2, x_score=1, x_day=D(2024, 1, 1), x_hot=False, x_rate=0.5),
    ]
    store = make_store(deals=deals, reps=[{"rep_id": "R0"}], custom=custom)
    for name in custom:
        frame = evaluate(["revenue", "win_rate", "weighted_pipeline"], store.as_of(END), Q2, name)
        revenue = frame[frame["metric"] == "revenue"]
        assert revenue["value"].sum() == 300
        assert revenue[name].isna().sum() == 1
        assert len(revenue) == (3 if name == "x_hot" else 2)


def test_velocity_multiplies_its_four_parts(ask):
    deals = [
        deal(0, amount=100),
        deal(1, amount=300),
        deal(2, "lost"),
        deal(3, "lost"),
        deal(4, "open"),
        deal(5, "open"),
    ]
    row = ask("sales_velocity", deals).iloc[0]
    assert row["value"] == pytest.approx(2 * 0.5 * 200 / 30)
    assert row["n"] == 4
    spread = 0.5 / (4 * 0.5) + 20000 / (2 * 200**2)
    assert row["high"] / row["value"] == pytest.approx(np.exp(1.959963984540054 * np.sqrt(spread)))


def test_leads_have_no_products(ask):
    leads = [
        {
            "lead_id": "L0",
            "created_on": D(2024, 4, 2),
            "converted_on": D(2024, 5, 2),
            "source": "web",
            "owner_id": "R0",
        }
    ]
    frame = ask(["revenue", "conversion_rate_30"], [deal(0, product_id="P0")], by="product", leads=leads)
    assert frame["note"].tolist() == [None, "leads have no product"]
    frame = ask("conversion_rate_30", [deal(0)], by="source", leads=leads)
    assert (frame["source"].tolist(), frame["value"].tolist()) == (["web"], [1.0])
    frame = ask(["conversion_rate_30", "conversion_rate_90"], [deal(0)], leads=leads, date=D(2024, 5, 1))
    assert frame["n"].tolist() == [0, 0]
    assert frame["note"].tolist() == ["no lead is 30 days old yet", "no lead is 90 days old yet"]
