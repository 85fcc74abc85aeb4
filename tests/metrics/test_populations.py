"""What is read: one query per population, no join that nobody asked for."""

from __future__ import annotations

import datetime as dt

import ibis
import pytest

from spm_lib.metrics import CATALOGUE, Figures, Metric, Statistic, evaluate
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.populations import CLOSED
from spm_lib.metrics.question import Question, read_dimensions
from spm_lib.periods import parse_period

D = dt.date
Q2 = parse_period("2024-Q2", as_of=D(2024, 6, 30))


@pytest.fixture
def store(make_store):
    return make_store(
        deals=[
            {"deal_id": "D0", "owner_id": "R0", "outcome": "won", "amount": 5, "closed_on": D(2024, 5, 1)}
        ],
        reps=[{"rep_id": "R0"}],
        teams=[{"team_id": "T0"}],
        team_members=[{"rep_id": "R0", "team_id": "T0"}],
        accounts=[{"account_id": "A0"}],
        fx_rates=[{"currency": "EUR", "valid_from": D(2024, 1, 1), "rate": 1.5}],
    )


def sql(snapshot, reads, by=()):
    question = Question(snapshot, (Q2,), read_dimensions(snapshot, by))
    return str(ibis.to_sql(CLOSED.rows(question, reads), dialect="duckdb"))


def test_nothing_is_joined_unless_asked(store, make_store):
    snapshot = store.as_of()
    assert "JOIN" not in sql(snapshot, ["won", "days"], "rep")
    assert sql(snapshot, ["won"], "team").count("JOIN") == 1
    assert sql(snapshot, ["won"], "region").count('"accounts"') == 1
    assert "fx_rates" not in sql(snapshot, ["won"], "region")
    assert "fx_rates" in sql(snapshot, ["won", "amount"])
    assert "team_members" in sql(snapshot.scope("T0"), ["won"])
    bare = make_store(deals=[], reps=[], meta={"last_data_date": D(2024, 6, 30)})
    assert "JOIN" not in sql(bare.as_of(), ["won", "amount", "days"], "rep")


def test_no_column_is_read_that_nobody_asked_for(store):
    text = sql(store.as_of(), ["won"])
    assert "amount" not in text
    assert "created_on" not in text
    assert "*" not in text


def test_metrics_of_one_population_share_one_query(store, monkeypatch):
    ran = []
    original = type(store.connection).to_pyarrow

    def counted(self, *args, **more):
        ran.append(args)
        return original(self, *args, **more)

    monkeypatch.setattr(type(store.connection), "to_pyarrow", counted)
    evaluate([n for n, m in CATALOGUE.items() if set(m.needs) == {CLOSED}], store.as_of(), Q2)
    assert len(ran) == 1


def test_a_metric_of_one_s_own_needs_no_more_than_a_statistic_and_a_finish(store):
    small = Statistic(
        "small", ("won", "amount"), lambda deals: deals.count(where=deals.won & (deals.amount < 10))
    )

    def finish(evidence: Evidence) -> Figures:
        n = evidence.count(CLOSED, "small")
        return Figures.of(n, n)

    metric = Metric(
        "small_deals", "Small deals", "count", None, "Deals won under ten.", {CLOSED: (small,)}, finish
    )
    frame = evaluate([metric, "revenue"], store.as_of(), Q2)
    assert frame["value"].tolist() == [1, 5]
    assert frame["unit"].tolist() == ["count", "currency"]
