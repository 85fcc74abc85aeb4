"""What tests share: a store made from a few rows, and the real data where it is at hand."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from spm_lib.data import compiled
from spm_lib.data.names import write_names
from spm_lib.data.schema import CUSTOM_PREFIX, TABLES
from spm_lib.data.store import Store, StoreMeta, create_tables, open_store, write_meta
from spm_lib.settings import COMPILED_VARIABLE

ROOT = Path(__file__).parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"

Rows = Sequence[Mapping[str, Any]]
MakeStore = Callable[..., Store]


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let tests, which ask the same of many stores, share compiled SQL as the kernels of a run do."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # that of all workers
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COMPILED_VARIABLE, str(place / "compiled"))
        patch.setattr(compiled, "_MOST", 10_000)
        yield


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    """Give a function that makes a store from rows as they are, without the gate: trap tables, oracles.

    ``make_store(deals=[{...}], reps=[{...}], meta={"currency": "EUR"}, custom={"x_score": "DOUBLE"})``
    """
    opened: list[Store] = []

    def make(
        *, meta: Mapping[str, Any] | None = None, custom: Mapping[str, str] | None = None, **tables: Rows
    ) -> Store:
        path = tmp_path / f"made-{len(opened)}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.begin()
            create_tables(connection, custom)
            for name, rows in tables.items():
                assert name in TABLES, name
                for columns, alike in itertools.groupby(rows, key=tuple):
                    known = set(TABLES[name].names)
                    assert all(c in known or c.startswith(CUSTOM_PREFIX) for c in columns), columns
                    values = [tuple(row.values()) for row in alike]
                    named = ", ".join(f'"{c}"' for c in columns)
                    marks = ", ".join(f"({', '.join('?' * len(columns))})" for _ in values)
                    connection.execute(
                        f'insert into "{name}" ({named}) values {marks}', [v for row in values for v in row]
                    )
            write_names(connection)
            write_meta(connection, replace(_meta_of(tables), **dict(meta or {})))
            connection.commit()
        store = open_store(path)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def _meta_of(tables: Mapping[str, Rows]) -> StoreMeta:
    deals = tables.get("deals", ())
    changes = tables.get("deal_changes", ())
    closings = [row["closed_on"] for row in deals if row.get("closed_on")]
    days = closings + [row["created_on"] for row in deals if row.get("created_on")]
    days += [change["changed_at"].date() for change in changes]
    tracked: dict[str, dt.date] = {}
    for change in changes:
        day = change["changed_at"].date()
        tracked[change["field"]] = min(day, tracked.get(change["field"], day))
    return StoreMeta(
        source="made",
        loaded_at=dt.datetime(2030, 1, 1),
        first_data_date=min(days, default=None),
        last_data_date=max(days, default=None),
        first_closed_on=min(closings, default=None),
        rows={name: len(rows) for name, rows in tables.items()},
        tracked_from=tracked,
    )


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Give the folder of real data, or skip, saying so."""
    if not REAL_DATA.is_dir():
        pytest.skip("the folder ../shared/data is not here")
    return REAL_DATA
