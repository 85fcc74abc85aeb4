"""SQL kept for later kernels: another expression is never given it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import TableNotFound

from spm_lib.data.compiled import CompilingBackend, key_of
from spm_lib.data.replay import at_highest
from spm_lib.data.schema import TABLES
from spm_lib.data.store import open_store
from spm_lib.metrics import evaluate
from spm_lib.periods import parse_period
from spm_lib.settings import COMPILED_VARIABLE

MakeStore = Callable[..., Any]

COLUMNS = {"a": "int64", "b": "string", "c": "float64", "d": "date", "t": "timestamp"}


def table(name: str = "deals", columns: dict[str, str] = COLUMNS) -> ibis.Table:
    return ibis.table(columns, name=name)


def key(expression: ibis.Expr, **options: object) -> str | None:
    return key_of(expression.op(), options)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Python's hashes of these pairs are equal, and some of the values too.
        (lambda t: t.filter(t.a > -1), lambda t: t.filter(t.a > -2)),
        (lambda t: t.mutate(x=ibis.literal(1)), lambda t: t.mutate(x=ibis.literal(1.0))),
        (lambda t: t.mutate(x=ibis.literal(1)), lambda t: t.mutate(x=ibis.literal(True))),
        (lambda t: t.mutate(x=ibis.literal(0.0)), lambda t: t.mutate(x=ibis.literal(-0.0))),
        (lambda t: t.mutate(x=ibis.literal(1, "int8")), lambda t: t.mutate(x=ibis.literal(1, "int64"))),
        (lambda t: t.mutate(x=ibis.literal("1")), lambda t: t.mutate(x=ibis.literal(1))),
        (lambda t: t.filter(t.c > Decimal("1.5")), lambda t: t.filter(t.c > 1.5)),
        (lambda t: t.filter(t.b == "it's"), lambda t: t.filter(t.b == "its")),
        (lambda t: t.filter(t.b == "x,y"), lambda t: t.filter(t.b.isin(["x", "y"]))),
        (lambda t: t.filter(t.b.isin(["x,", "y"])), lambda t: t.filter(t.b.isin(["x", ",y"]))),
        (lambda t: t.filter(t.a - t.c > 0), lambda t: t.filter(t.c - t.a > 0)),
        (lambda t: t.select("a", "b"), lambda t: t.select("b", "a")),
        (lambda t: t.drop("a"), lambda t: t.drop("b")),
        (lambda t: t.select(x=t.a), lambda t: t.select(y=t.a)),
        (lambda t: t.filter(t.d == dt.date(2026, 1, 1)), lambda t: t.filter(t.d == dt.date(2026, 1, 2))),
        (lambda t: t.limit(1), lambda t: t.limit(1, offset=1)),
        (lambda t: t.order_by(t.a), lambda t: t.order_by(t.a.desc())),
        (lambda t: t.agg(x=t.a.sum()), lambda t: t.agg(x=t.a.sum(where=t.a > 0))),
        (lambda t: t.agg(x=at_highest(t.b, t.a)), lambda t: t.agg(x=at_highest(t.d, t.a))),
        (lambda t: t.left_join(table("reps"), "a"), lambda t: t.inner_join(table("reps"), "a")),
        (lambda t: t.union(table("reps")), lambda t: t.union(table("reps"), distinct=True)),
        (lambda t: t, lambda t: table("reps")),
        (lambda t: t, lambda t: table("deals", COLUMNS | {"a": "int32"})),
        (lambda t: t, lambda t: table("deals", {n: COLUMNS[n] for n in reversed(COLUMNS)})),
    ],
)
def test_another_expression_has_another_key(
    one: Callable[[ibis.Table], ibis.Table], other: Callable[[ibis.Table], ibis.Table]
) -> None:
    keys = [key(one(table())), key(other(table()))]
    assert None not in keys and keys[0] != keys[1]
    assert key(one(table())) == keys[0]


def test_how_it_is_to_be_written_is_part_of_the_key() -> None:
    keys = {key(table()), key(table(), limit=1), key(table(), limit=True), key(table(), pretty=True)}
    ibis.options.sql.fuse_selects, before = not ibis.options.sql.fuse_selects, ibis.options.sql.fuse_selects
    try:
        keys.add(key(table()))
    finally:
        ibis.options.sql.fuse_selects = before
    assert len(keys) == 5


def test_rows_that_stand_in_no_expression_have_none() -> None:
    rows = ibis.memtable({"a": [1]})
    assert key(rows) is None and key(table().semi_join(rows, "a")) is None


def asked(store: Path, team: str, day: dt.date) -> list[pd.DataFrame]:
    with open_store(store) as opened:
        snapshot = opened.as_of(day).scope(team).keeping()
        period = parse_period("this-quarter", as_of=day, calendar=snapshot.meta.calendar)
        return [evaluate(["quota_attainment", "win_rate", "pipeline_movement"], snapshot, period)]


def test_figures_are_the_same_and_equal_keys_have_equal_sql(
    demo_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [("emea-enterprise", dt.date(2026, 8, 14)), ("americas-mid-market", dt.date(2025, 11, 3))]
    plain = [asked(demo_store, *case) for case in cases]
    written: dict[str, str] = {}
    answered = []

    def compile(self: CompilingBackend, expr: ibis.Expr, /, **options: object) -> str:
        sql = str(Backend.compile(self, expr, **options))
        name = key(expr, **options)
        if name is not None:
            assert written.setdefault(name, sql) == sql
            answered.append(name)
        return real(self, expr, **options)

    real = CompilingBackend.compile
    monkeypatch.setattr(CompilingBackend, "compile", compile)
    monkeypatch.setenv(COMPILED_VARIABLE, str(tmp_path / "sql"))
    for _ in range(2):
        for case, before in zip(cases, plain, strict=True):
            for frame, expected in zip(asked(demo_store, *case), before, strict=True):
                pd.testing.assert_frame_equal(frame, expected)
    assert len(answered) > 1.9 * len(written) > 0
    assert {file.name for file in (tmp_path / "sql").iterdir()} == set(written)


def test_tables_have_the_columns_that_ibis_finds(make_store: MakeStore) -> None:
    connection = make_store(
        reps=[{"rep_id": "a", "name": "Ann"}], custom={"x_big": "DECIMAL(30, 4)"}
    ).connection
    connection.con.execute(
        'create temp table "odd ""one""" as select 1::hugeint as a, [1, 2] as b, {\'c\': 1} as d'
    )
    for name in (*TABLES, 'odd "one"'):
        assert connection.get_schema(name) == Backend.get_schema(connection, name)
    with pytest.raises(TableNotFound):
        connection.table("nothing")


def test_what_is_there_is_read_and_what_is_not_is_written(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COMPILED_VARIABLE, str(tmp_path / "sql"))
    connection = make_store(deals=[], reps=[{"rep_id": "a", "name": "Ann"}]).connection
    reps = connection.table("reps").select("rep_id")
    assert reps.to_pyarrow().to_pylist() == [{"rep_id": "a"}]
    (file,) = (tmp_path / "sql").iterdir()
    assert file.read_text() == Backend.compile(connection, reps)
    file.write_text("select 'kept' as rep_id")
    assert reps.to_pyarrow().to_pylist() == [{"rep_id": "kept"}]


def test_where_nothing_can_be_kept_it_is_asked_all_the_same(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "no" / "folder"):
        monkeypatch.setenv(COMPILED_VARIABLE, str(place))
        connection = make_store(reps=[{"rep_id": "a", "name": "Ann"}]).connection
        assert connection.table("reps").count().to_pyarrow().as_py() == 1
    assert not (tmp_path / "no").exists()


def test_no_more_is_kept_than_a_run_needs(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COMPILED_VARIABLE, str(tmp_path / "sql"))
    monkeypatch.setattr("spm_lib.data.compiled._MOST", 3)
    reps = make_store(reps=[{"rep_id": "a", "name": "Ann"}]).connection.table("reps")
    for number in range(6):
        assert reps.mutate(x=ibis.literal(number)).x.to_pyarrow().to_pylist() == [number]
    assert len(list((tmp_path / "sql").iterdir())) == 3
