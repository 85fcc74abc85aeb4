"""Gates: data that are too old, too few or at odds with other books send nothing; what cannot be told is no pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_lib.data.ledger import ledger_path
from spm_lib.data.ledger_file import LedgerFile
from spm_lib.data.store import Store
from spm_lib.errors import SpecError
from spm_lib.press import gates as gates_module
from spm_lib.press.gates import shut_gates, uncounted
from spm_lib.press.gates_spec import Gates
from spm_lib.press.spec import ForEach, RunSpec, Spec
from spm_lib.spec_file import SpecDocument, SpecPart, read_spec

TODAY = dt.date(2018, 1, 2)
NOW = dt.datetime(2018, 1, 2, 7, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)

MakeStore = Callable[..., Store]


def deals(*amounts: float) -> list[dict[str, Any]]:
    day = dt.date(2017, 12, 31)
    return [
        {
            "deal_id": f"d-{i}",
            "owner_id": "r",
            "outcome": "won",
            "amount": a,
            "created_on": day,
            "closed_on": day,
        }
        for i, a in enumerate(amounts)
    ]


def spec(folder: Path, gates: dict[str, Any], as_of: Any = "latest") -> Spec:
    content = RunSpec(
        notebook="n", for_each=ForEach(company=True), as_of=as_of, gates=Gates.model_validate(gates)
    )
    return Spec("weekly", SpecDocument(content, folder / "weekly.yml", {(): 1}), Path("n.ipynb"))


def shut(store: Store, gates: dict[str, Any], *, now: dt.datetime = NOW, **more: Any) -> tuple[str, ...]:
    as_of = more.pop("as_of", "latest")
    ledger = LedgerFile(store.path.parent / "the.ledger.sqlite")
    return shut_gates(
        spec(store.path.parent, gates, as_of), store, ledger, now=now, **({"today": TODAY} | more)
    )


def test_without_gates_nothing_is_shut_and_nothing_written(make_store: MakeStore) -> None:
    store = make_store(deals=deals(1))
    assert shut(store, {}) == ()
    assert not (store.path.parent / "the.ledger.sqlite").exists()


def test_data_are_too_old_from_the_day_after_the_last_allowed(make_store: MakeStore) -> None:
    store = make_store(deals=deals(1))
    assert shut(store, {"max_age_days": 2}) == ()
    (said,) = shut(store, {"max_age_days": 1})
    assert said == "The data end on 2017-12-31, 2 days before 2018-01-02: more than the 1 allowed"


def test_a_spec_of_a_day_of_its_own_goes_by_that_day(make_store: MakeStore) -> None:
    store = make_store(deals=deals(1))
    old = dt.date(2030, 1, 1)
    assert shut(store, {"max_age_days": 0}, as_of=dt.date(2017, 12, 31), today=old) == ()
    assert shut(store, {"max_age_days": 0}, as_of="today", today=old) != ()


def test_an_empty_store_is_not_fresh(make_store: MakeStore) -> None:
    (said,) = shut(make_store(), {"max_age_days": 999})
    assert "not known" in said


def test_a_table_that_lost_rows_shuts_until_they_are_back_or_the_fall_is_allowed(
    make_store: MakeStore,
) -> None:
    full, few, less = make_store(deals=deals(*range(100))), make_store(deals=deals(*range(79))), None
    gate = {"rows": {"deals": {"fall_at_most": 0.2}}}
    assert shut(full, gate) == ()
    (said,) = shut(few, gate, now=NOW + MINUTE)
    assert "has 79 rows, 21.0% fewer than the 100 of the last time" in said and "fall_at_most" in said
    # What shut the gate is not what the next time is compared with.
    assert shut(few, gate, now=NOW + 2 * MINUTE) == (said,)
    less = make_store(deals=deals(*range(80)))
    assert shut(less, gate, now=NOW + 3 * MINUTE) == ()
    assert shut(few, {"rows": {"deals": {"fall_at_most": 0.5}}}, now=NOW + 4 * MINUTE) == ()
    assert shut(few, gate, now=NOW + 5 * MINUTE) == ()


def test_a_mere_look_keeps_no_numbers(make_store: MakeStore) -> None:
    full, few = make_store(deals=deals(*range(10))), make_store(deals=deals(1))
    gate = {"rows": {"deals": {"fall_at_most": 0}}}
    assert shut(full, gate, keep=False) == ()
    assert shut(few, gate) == ()
    assert shut(full, gate, now=NOW + MINUTE, keep=False) == ()
    assert shut(few, gate, now=NOW + 2 * MINUTE) == ()


def test_a_gate_that_is_shut_for_another_reason_keeps_no_numbers(make_store: MakeStore) -> None:
    full, few = make_store(deals=deals(*range(10))), make_store(deals=deals(1))
    gate = {"rows": {"deals": {"fall_at_most": 0.1}}}
    shut(full, gate)
    assert len(shut(few, gate | {"max_age_days": 0}, now=NOW + MINUTE)) == 2
    assert len(shut(few, gate, now=NOW + 2 * MINUTE)) == 1


def test_specs_count_for_themselves(make_store: MakeStore) -> None:
    full, few = make_store(deals=deals(*range(10))), make_store(deals=deals(1))
    gates = {"rows": {"deals": {"fall_at_most": 0.1}}}
    shut(full, gates)
    other = spec(few.path.parent, gates)
    other = Spec("other", other.document, other.notebook)
    ledger = LedgerFile(few.path.parent / "the.ledger.sqlite")
    assert shut_gates(other, few, ledger, today=TODAY, now=NOW) == ()


def test_a_table_that_nothing_is_known_of_is_named_until_its_rows_are_kept(make_store: MakeStore) -> None:
    store = make_store(deals=deals(*range(10)))
    ledger = LedgerFile(store.path.parent / "the.ledger.sqlite")
    gates = {"rows": {"deals": {"fall_at_most": 0.1}, "reps": {"fall_at_most": 0.1}}}
    weekly = spec(store.path.parent, gates)
    assert uncounted(weekly, ledger) == ("deals", "reps")
    shut(store, gates, keep=False)
    assert uncounted(weekly, ledger) == ("deals", "reps")
    shut(store, {"rows": {"deals": {"fall_at_most": 0.1}}})
    assert uncounted(weekly, ledger) == ("reps",)
    shut(store, gates, now=NOW + MINUTE)
    assert uncounted(weekly, ledger) == () == uncounted(spec(store.path.parent, {}), ledger)


@pytest.fixture
def empty(make_store: MakeStore) -> Store:
    return make_store()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    amount=st.floats(0.01, 1e9),
    expected=st.floats(-1e9, 1e9),
    tolerance=st.floats(0, 0.5),
)
def test_reconciliation_is_relative_to_what_is_expected(
    empty: Store, amount: float, expected: float, tolerance: float
) -> None:
    gate = {"name": "A", "query": f"select {amount!r}::double", "expected": expected, "tolerance": tolerance}
    found = shut(empty, {"reconcile": [gate]})
    apart = abs(amount - expected)
    if apart > tolerance * abs(expected) * 1.000001 + 1e-9:
        assert found
    elif apart < tolerance * abs(expected) * 0.999999 - 1e-9:
        assert not found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select sum(amount) from deals where false", "gives null"),
        ("select amount from deals", "gives 2 rows of 1 values where one number is expected"),
        ("select 1, 2", "gives 1 rows of 2 values"),
        ("select 1 where false", "gives 0 rows"),
        ("select 'many'", "gives 'many', which is no number"),
        ("select true", "gives 'True', which is no number"),
        ("select 'nan'::double", "without bounds"),
        ("select sum(amuont) from deals", "the query failed"),
        ("select count(*) from read_csv('/etc/passwd')", "the query failed"),
        ("select 1/0", "cannot be checked"),
    ],
)
def test_a_number_that_cannot_be_told_shuts_the_gate(make_store: MakeStore, query: str, says: str) -> None:
    store = make_store(deals=deals(1, 2))
    gate = {"name": "CRM total", "query": query, "expected": 3, "tolerance": 0.9}
    (said,) = shut(store, {"reconcile": [gate]})
    assert said.startswith("CRM total cannot be checked: ") and says in said and "\n" not in said


def test_a_signal_in_the_moment_a_query_is_handed_over_stops_it(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, handed = ThreadPoolExecutor.submit, []

    def stopped(self: ThreadPoolExecutor, work: Callable[[], Any], *given: Any) -> Any:
        future = submit(self, work, *given)
        if work is not int:
            handed.append(future)
            raise KeyboardInterrupt
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", stopped)
    query = "select count(*) from range(1000000000000) as t(i) where i % 7 = 3"
    with pytest.raises(KeyboardInterrupt):
        gates_module._rows(query, make_store(deals=deals(1)))
    (future,) = handed
    assert isinstance(future.exception(), duckdb.InterruptException)


def test_a_query_that_does_not_end_shuts_the_gate(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates_module, "QUERY_SECONDS", 0.2)
    long = "select count(*) from range(1000000000000) as t(i) where i % 7 = 3"
    gate = {"name": "CRM total", "query": long, "expected": 3}
    (said,) = shut(make_store(deals=deals(1)), {"reconcile": [gate]})
    assert said == "CRM total cannot be checked: the query took more than 0.2 seconds"


def test_the_total_of_another_book_is_the_sum_of_a_column(make_store: MakeStore) -> None:
    store = make_store(deals=deals(10.5, 20, 30))
    book = store.path.parent / "finance.csv"
    book.write_text("﻿month,total\n1,40.25\n2, 20.25 \n", "utf-8")
    gate = {
        "name": "CRM total",
        "query": "select sum(amount) from deals",
        "expected": {"file": "finance.csv", "column": "total"},
        "tolerance": 0,
    }
    assert shut(store, {"reconcile": [gate]}) == ()
    book.write_text("month,total\n1,40.25\n2,20.26\n", "utf-8")
    (said,) = shut(store, {"reconcile": [gate]})
    assert said == "CRM total does not agree: 60.50 here, 60.51 expected, 0.02% apart, where 0.00% is allowed"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "finance.csv cannot be read"),
        ("month,sum\n1,2\n", "finance.csv has no column 'total'"),
        ("total\n", "finance.csv has no rows"),
        ("", "finance.csv has no column"),
        ("month,total\n1,5\n2,\n", "'' in finance.csv:3 is no number"),
        ('total\n"1,234.56"\n', "'1,234.56' in finance.csv:2 is no number; write it like 1234.56"),
        ("total\nNaN\n", "is no number"),
        ("month,total\n1\n", "is no number"),
    ],
)
def test_another_book_that_cannot_be_read_shuts_the_gate(
    make_store: MakeStore, text: str | None, says: str
) -> None:
    store = make_store(deals=deals(1))
    if text is not None:
        (store.path.parent / "finance.csv").write_text(text, "utf-8")
    gate = {"name": "A", "query": "select 1", "expected": {"file": "finance.csv", "column": "total"}}
    (said,) = shut(store, {"reconcile": [gate]})
    assert "A cannot be checked" in said and says in said


class File(SpecPart):
    gates: Gates


@pytest.mark.parametrize(
    ("gates", "says"),
    [
        ("rows: {dela: {fall_at_most: 0.2}}", "there is no table 'dela'. Did you mean 'deals'?"),
        ("rows: {deals: {fall_at_most: 20}}", "fall_at_most"),
        ("rows: {deals: {fall_at_most: 0.2, rise: 1}}", "unknown key 'rise'"),
        ("rows: {deals: {}}", "the key 'fall_at_most' is missing"),
        ("reconcile: [{name: a, query: selec 1, expected: 1}]", "this is no SQL"),
        ('reconcile: [{name: a, query: "select 1; select 2", expected: 1}]', "one SELECT is expected"),
        ("reconcile: [{name: a, query: drop table deals, expected: 1}]", "one SELECT is expected"),
        ("reconcile: [{name: a, query: select 1}]", "the key 'expected' is missing"),
        ("reconcile: [{name: a, query: select 1, expected: true}]", "expected"),
        ("reconcile: [{name: a, query: select 1, expected: {file: x.csv}}]", "the key 'column' is missing"),
        ("reconcile: [{name: a, query: select 1, expected: 1, tolerance: 5}]", "tolerance"),
        (
            "reconcile: [{name: a, query: select 1, expected: 1}, {name: a, query: select 2, expected: 2}]",
            "two are called 'a'",
        ),
    ],
)
def test_mistakes_name_line_and_mend(tmp_path: Path, gates: str, says: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(f"gates:\n  {gates}\n", "utf-8")
    with pytest.raises(SpecError) as caught:
        read_spec(path, File)
    assert str(caught.value).startswith(f"{path}:2: ") and says in str(caught.value)


def test_gates_of_a_real_store(demo_store: Path, tmp_path: Path) -> None:
    from spm_lib.data.store import open_store

    with open_store(demo_store) as store:
        rows = store.rows("select count(*), sum(amount) from deals where outcome = 'won'")[0]
        gate = {
            "name": "won",
            "query": "select sum(amount) from deals where outcome = 'won'",
            "expected": float(rows[1]) * 1.001,
        }
        gates = {"rows": {"deals": {"fall_at_most": 0.2}, "teams": {"fall_at_most": 0}}, "reconcile": [gate]}
        ledger = LedgerFile(ledger_path(tmp_path / "store.duckdb"))
        for turn in range(2):
            assert (
                shut_gates(spec(tmp_path, gates), store, ledger, today=TODAY, now=NOW + turn * MINUTE) == ()
            )
        assert len(ledger.rows("select * from row_counts")) == 4
