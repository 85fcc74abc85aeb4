"""What tests share: a store made from a few rows, and the real data where it is at hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from spm_lib.data.schema import CUSTOM_PREFIX, TABLES
from spm_lib.data.store import Store, StoreMeta, create_tables, open_store, write_meta

ROOT = Path(__file__).parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"

Rows = Sequence[Mapping[str, Any]]
MakeStore = Callable[..., Store]


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
            create_tables(connection, custom)
            for name, rows in tables.items():
                assert name in TABLES, name
                for row in rows:
                    known = set(TABLES[name].names)
                    assert all(c in known or c.startswith(CUSTOM_PREFIX) for c in row), row
                    columns = ", ".join(f'"{c}"' for c in row)
                    marks = ", ".join("?" for _ in row)
                    connection.execute(
                        f'insert into "{name}" ({columns}) values ({marks})', list(row.values())
                    )
            write_meta(connection, replace(_meta_of(tables), **dict(meta or {})))
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
