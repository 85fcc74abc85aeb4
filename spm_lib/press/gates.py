"""Gates: what must hold of the data for a spec's reports to be sent. What cannot be told shuts a gate, too."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.data.store import SAFE_CONFIG, Store
from spm_lib.errors import one_line
from spm_lib.press.gates_spec import InFile, Reconcile
from spm_lib.press.spec import Spec

#: So many seconds a reconciliation may take: while a slot waits for it, no other is run.
QUERY_SECONDS = 600.0


def shut_gates(
    spec: Spec,
    store: Store,
    ledger_file: LedgerFile,
    *,
    today: dt.date,
    now: dt.datetime,
    keep: bool = True,
) -> tuple[str, ...]:
    """Say which gates of a spec are shut.

    Parameters
    ----------
    spec
        The spec, with its gates.
    store
        The data as they are now.
    ledger_file
        Where the numbers of rows of the last time stand. Where no gate is shut, those of now take their place: what shut a
        gate stays compared with what was good.
    today
        The day by which data are old; a spec that names its own day goes by that.
    now
        The moment, with its zone, under which the numbers of rows are kept.
    keep
        Whether they are: not for a mere look.

    Returns
    -------
    tuple of str
        A sentence for each gate that is shut; none where reports may be sent.

    Raises
    ------
    StoreError
        Where the ledger cannot be read or written.
    """
    counted = {
        table: int(store.rows(f'select count(*) from "{table}"')[0][0]) for table in spec.content.gates.rows
    }
    shut = (
        *_too_old(spec, store, today),
        *_fewer_rows(spec, counted, ledger_file),
        *_not_reconciled(spec, store),
    )
    if keep and counted and not shut:
        moment = now.astimezone(dt.UTC).isoformat(timespec="seconds")
        with ledger_file.writing() as connection:
            connection.executemany(
                "insert or replace into row_counts values (?, ?, ?, ?)",
                [(spec.name, moment, table, rows) for table, rows in counted.items()],
            )
    return shut


def uncounted(spec: Spec, ledger_file: LedgerFile) -> tuple[str, ...]:
    """Give the tables whose number of rows a gate cannot compare with an earlier one: such a gate cannot shut.

    Parameters
    ----------
    spec
        The spec, with its gates.
    ledger_file
        Where the numbers of rows of the last time stand.

    Raises
    ------
    StoreError
        Where the ledger cannot be read.
    """
    last = _counted(spec, ledger_file) if spec.content.gates.rows else {}
    return tuple(table for table in spec.content.gates.rows if table not in last)


def _counted(spec: Spec, ledger_file: LedgerFile) -> dict[str, int]:
    """Give the numbers of rows of the last time that all gates were open, by table."""
    return dict(
        ledger_file.rows(
            "select table_name, counted from row_counts where spec = ? order by counted_at", (spec.name,)
        )
    )


def _too_old(spec: Spec, store: Store, today: dt.date) -> Iterator[str]:
    limit, last = spec.content.gates.max_age_days, store.meta.last_data_date
    if limit is None:
        return
    day = spec.content.as_of if isinstance(spec.content.as_of, dt.date) else today
    if last is None:
        yield "The store holds no data, so how old they are is not known"
    elif (day - last).days > limit:
        yield f"The data end on {last}, {(day - last).days} days before {day}: more than the {limit} allowed"


def _fewer_rows(spec: Spec, counted: dict[str, int], ledger_file: LedgerFile) -> Iterator[str]:
    last = _counted(spec, ledger_file)
    for table, gate in spec.content.gates.rows.items():
        before, rows = last.get(table), counted[table]
        if not before or before - rows <= gate.fall_at_most * before:
            continue
        yield (
            f"The table {table} has {rows:,} rows, {1 - rows / before:.1%} fewer than the {before:,} of the last time: more "
            f"than the {gate.fall_at_most:.1%} allowed. Where that is right, raise fall_at_most for one run"
        )


def _not_reconciled(spec: Spec, store: Store) -> Iterator[str]:
    for gate in spec.content.gates.reconcile:
        name = one_line(gate.name, 80)
        try:
            found, expected = _found(gate, store), _expected(gate, spec.document.path.parent)
        except _UnknownError as unknown:
            yield f"{name} cannot be checked: {unknown}"
            continue
        if not abs(found - expected) <= gate.tolerance * abs(expected):
            apart = f"{abs(found - expected) / abs(expected):.2%} apart" if expected else "which only 0 meets"
            allowed = f"where {gate.tolerance:.2%} is allowed"
            yield f"{name} does not agree: {found:,.2f} here, {expected:,.2f} expected, {apart}, {allowed}"


class _UnknownError(Exception):
    """A number that cannot be told, and why."""


def _found(gate: Reconcile, store: Store) -> float:
    try:
        rows = _rows(gate.query, store)
    except duckdb.Error as error:
        raise _UnknownError(f"the query failed ({one_line(str(error), 200)})") from None
    if len(rows) != 1 or len(rows[0]) != 1:
        size = f"{len(rows)} rows" + (f" of {len(rows[0])} values" if rows else "")
        raise _UnknownError(f"the query gives {size} where one number is expected")
    (value,) = rows[0]
    if value is None:
        raise _UnknownError("the query gives null")
    if isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal)):
        raise _UnknownError(f"the query gives '{one_line(str(value), 40)}', which is no number")
    if not math.isfinite(value):
        raise _UnknownError("the query gives a number without bounds")
    return float(value)


def _rows(query: str, store: Store) -> list[tuple[Any, ...]]:
    """Run a query for as long as it may take; it ends with a call that is stopped.

    It has a connection and a thread of its own: the engine does not look at signals while it is at work.
    """
    with (
        closing(duckdb.connect(str(store.path), read_only=True, config=dict(SAFE_CONFIG))) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        # Its thread is there before the query, so that a signal finds one or none.
        pool.submit(int).result()
        try:
            return pool.submit(lambda: connection.execute(query).fetchall()).result(QUERY_SECONDS)
        except TimeoutError:
            raise _UnknownError(f"the query took more than {QUERY_SECONDS:g} seconds") from None
        finally:
            # Done when the query is, even where a signal came before anybody held the query's own future.
            last = pool.submit(int)
            # More than once, as an interrupt that comes before the query has begun stops nothing.
            while not last.done():
                connection.interrupt()
                wait([last], 0.05)


def _expected(gate: Reconcile, folder: Path) -> float:
    if not isinstance(gate.expected, InFile):
        return gate.expected
    path, column = folder / gate.expected.file, gate.expected.column
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if column not in (reader.fieldnames or ()):
                raise _UnknownError(f"{path.name} has no column '{one_line(column, 60)}'")
            total, rows = decimal.Decimal(0), 0
            for row in reader:
                total += _number(row[column], f"{path.name}:{reader.line_num}")
                rows += 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _UnknownError(f"{path.name} cannot be read ({one_line(str(error), 160)})") from None
    if not rows:
        raise _UnknownError(f"{path.name} has no rows")
    return float(total)


def _number(text: str | None, where: str) -> decimal.Decimal:
    try:
        number = decimal.Decimal((text or "").strip())
    except decimal.InvalidOperation:
        raise _UnknownError(
            f"'{one_line(text or '', 40)}' in {where} is no number; write it like 1234.56"
        ) from None
    if not number.is_finite():
        raise _UnknownError(f"'{number}' in {where} is no number")
    return number
