"""Every metric against an oracle in plain Python, and what holds of all of them together."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spm_lib.errors import UnknownNameError
from spm_lib.metrics import CATALOGUE, definitions, evaluate, evaluate_periods
from spm_lib.periods import parse_period

ORACLE_KNOWS = [
    name for name in CATALOGUE if name not in ("quota_pace", "stage_conversion", "pipeline_movement")
]
WAYS = [(), ("team",), ("rep",), ("product",), ("region",), ("x_tier",), ("team", "rep"), ("rep", "region")]


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        phases=(Phase.generate,),  # an example is a store on disk: shrinking one takes minutes
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


def quarter(label: str, date: Any) -> Any:
    return parse_period(label, as_of=date)


def by_key(frame: pd.DataFrame, by: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return {tuple(row[name] for name in by): row for row in rows}


def same(got: float | None, wanted: float | None) -> bool:
    if wanted is not None and math.isnan(wanted):  # the oracle does not tell this bound
        return True
    if wanted is None or got is None:
        return got is wanted
    return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9)


@pytest.fixture
def company(make_store, draw_company, as_of_meta):
    def draw(data):
        tables = data.draw(draw_company())
        return tables, make_store(meta=as_of_meta, custom={"x_tier": "BIGINT"}, **tables)

    return draw


@examples(6)
@given(data=st.data())
def test_every_metric_equals_the_oracle(data, company, oracle):
    tables, store = company(data)
    scope = data.draw(st.sampled_from([None, None, "T1", "T3"]))
    period = quarter(
        data.draw(st.sampled_from(["2024-Q2", "2024-Q2", "2024-Q1", "2024-05"])), store.as_of().date
    )
    snapshot = store.as_of().scope(scope) if scope else store.as_of()
    for by in data.draw(st.lists(st.sampled_from(WAYS), min_size=3, max_size=3, unique=True)):
        frame = evaluate(ORACLE_KNOWS, snapshot, period, by)
        ask = oracle(tables, period, snapshot.date, scope, by)
        for name in ORACLE_KNOWS:
            if name.startswith("conversion") and not set(by) <= {"team", "rep"}:
                continue
            if ("quota" in name or "coverage" in name) and by not in ((), ("team",), ("rep",)):
                continue
            wanted = ask.figures(name)
            got = by_key(frame[frame["metric"] == name], by)
            missing = {key: figure for key, figure in wanted.items() if key not in got}
            assert set(missing.values()) <= {NOTHING}, (name, by, missing)
            for key, row in got.items():
                figure = wanted.get(key, ask.without_rows(name))
                told = (row["value"], row["n"], row["low"], row["high"])
                assert row["n"] == figure[1], (name, key, told, figure)
                for one, other in zip(told, figure, strict=True):
                    assert same(one, other), (name, by, key, told, figure, row["note"])


NOTHING = (None, 0, None, None)


@examples(4)
@given(data=st.data())
def test_groups_add_up_to_the_company(data, company):
    _, store = company(data)
    snapshot = store.as_of()
    period = quarter("2024-Q2", snapshot.date)
    metrics = [
        "revenue",
        "win_rate",
        "weighted_pipeline",
        "average_deal_size",
        "sales_cycle_mean",
        "median_deal_size",
    ]
    whole = evaluate(metrics, snapshot, period).set_index("metric")
    for by in data.draw(st.lists(st.sampled_from(WAYS[1:]), min_size=2, max_size=2, unique=True)):
        parts = evaluate(metrics, snapshot, period, by).groupby("metric")[["value", "n"]].sum()
        parts = parts.reindex(metrics, fill_value=0)
        assert parts["n"].to_dict() == whole["n"].to_dict(), by
        for name in ("revenue", "weighted_pipeline"):
            assert same(parts["value"][name], whole["value"].fillna(0)[name]), by


@examples(3)
@given(data=st.data())
def test_a_leaf_team_s_report_says_what_the_company_s_says_of_it(data, company):
    _, store = company(data)
    period = quarter("2024-Q2", store.as_of().date)
    names = list(CATALOGUE)
    of_teams = evaluate(names, store.as_of(), period, "team")
    for leaf in set(of_teams["team"].dropna()) & {"T2", "T3"}:
        theirs = of_teams[of_teams["team"] == leaf].drop(columns=["team", "team_name"])
        own = evaluate(names, store.as_of().scope(leaf), period)
        key = ["metric", "part"]
        pd.testing.assert_frame_equal(
            *(f.astype({"part": "str"}).sort_values(key, ignore_index=True) for f in (theirs, own))
        )


@examples(2)
@given(data=st.data())
def test_together_is_as_alone(data, company):
    _, store = company(data)
    snapshot = store.as_of()
    period = quarter("2024-Q2", snapshot.date)
    by = data.draw(st.sampled_from([(), ("rep",), ("team",)]))
    together = evaluate(list(CATALOGUE), snapshot, period, by)
    for name in CATALOGUE:
        alone = evaluate(name, snapshot, period, by)
        theirs = together[together["metric"] == name]
        seen = alone[list(by)] if by else alone[[]]
        theirs = theirs.merge(seen.drop_duplicates(), on=list(by)) if by else theirs
        pd.testing.assert_frame_equal(theirs.reset_index(drop=True), alone, check_dtype=False)


@examples(3)
@given(data=st.data())
def test_several_periods_at_once_are_as_one_by_one(data, company):
    _, store = company(data)
    snapshot = store.as_of()
    months = quarter("2024-Q2", snapshot.date).split("month")
    names = [name for name, metric in CATALOGUE.items() if metric.batches]
    frame = evaluate_periods(names, snapshot, months, "rep")
    for month in months:
        one = evaluate(names, snapshot, month, "rep")
        mine = frame[frame["period"] == month.label].drop(columns=["period", "start", "end"])
        key = ["metric", "part", "rep"]
        one, mine = (f.sort_values(key, ignore_index=True) for f in (one, mine))
        theirs = mine.merge(one[["metric", "rep"]].drop_duplicates(), on=["metric", "rep"])
        pd.testing.assert_frame_equal(theirs, one, check_dtype=False)


@examples(2)
@given(data=st.data())
def test_nothing_later_than_the_day_moves_a_figure(data, make_store, draw_company, as_of_meta):
    tables = data.draw(draw_company())
    day = dt.date(2024, 5, 15)
    later = dict(tables)
    later["deals"] = [_changed_after(deal, day) for deal in tables["deals"]]
    later["leads"] = [lead for lead in tables["leads"] if lead["created_on"] <= day]
    later["fx_rates"] = [
        *tables["fx_rates"],
        {"currency": "XAU", "valid_from": dt.date(2024, 5, 16), "rate": 9},
    ]
    stores = [make_store(meta=as_of_meta, custom={"x_tier": "BIGINT"}, **some) for some in (tables, later)]
    for by in ((), ("team", "rep")):
        frames = [
            evaluate(list(CATALOGUE), store.as_of(day), quarter("2024-Q2", day), by) for store in stores
        ]
        pd.testing.assert_frame_equal(*frames)


def _changed_after(deal: dict[str, Any], day: dt.date) -> dict[str, Any]:
    if deal["closed_on"] is None or deal["closed_on"] <= day:
        return deal
    other = {"won": "lost", "lost": "won"}[deal["outcome"]]
    return {**deal, "outcome": other, "amount": 77, "stage": "Sign", "closed_on": dt.date(2024, 6, 19)}


def test_an_empty_store_knows_nothing_and_says_so(make_store):
    store = make_store(reps=[{"rep_id": "R0"}], meta={"last_data_date": None})
    snapshot = store.as_of(dt.date(2024, 6, 30))
    frame = evaluate(list(CATALOGUE), snapshot, quarter("2024-Q2", snapshot.date))
    told = frame[frame["metric"] != "pipeline_movement"]
    assert told["value"].isna().all()
    assert (told["n"] == 0).all()
    assert set(frame["metric"]) == set(CATALOGUE)


def test_unknown_names_come_with_the_nearest_known(make_store):
    store = make_store(reps=[], meta={"last_data_date": None}, custom={"x_tier": "BIGINT"})
    snapshot = store.as_of(dt.date(2024, 6, 30))
    period = quarter("2024-Q2", snapshot.date)
    with pytest.raises(UnknownNameError, match=r"metric 'win_rat'.*Did you mean 'win_rate'"):
        evaluate("win_rat", snapshot, period)
    with pytest.raises(UnknownNameError, match=r"dimension 'x_teir'.*Did you mean 'x_tier'"):
        evaluate("win_rate", snapshot, period, by="x_teir")


def test_definitions_are_one_sentence_each():
    told = definitions()
    assert list(told["metric"]) == list(CATALOGUE)
    assert told["definition"].str.endswith(".").all()
    assert not told["definition"].str.rstrip(".").str.contains(r"\. ").any()
    assert told["label"].is_unique
    assert list(definitions(["win_rate"])["unit"]) == ["share"]
