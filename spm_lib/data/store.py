"""The store: one DuckDB file of canonical tables, read through Ibis, never written in place."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from spm_lib.data.schema import SCHEMA_VERSION, TABLES
from spm_lib.errors import StoreError
from spm_lib.periods import Calendar

if TYPE_CHECKING:
    import ibis

    from spm_lib.data.history import Snapshot, Team

META_TABLE = "spm_meta"
NAMES_TABLE = "spm_names"
QUARANTINE_TABLE = "spm_quarantine"

#: The store neither reads files nor loads extensions, whatever an expression may say.
SAFE_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}


@dataclass(frozen=True)
class StoreMeta:
    """What a store knows of itself.

    Parameters
    ----------
    source
        Name of the source spec it was loaded from.
    loaded_at
        When, in the source's time zone.
    first_data_date, last_data_date
        Earliest and latest day on which anything in the data happened; None in an empty store.
    first_closed_on
        Earliest closing; periods before it are not covered.
    timezone, currency
        The source's time zone and the reporting currency.
    calendar
        The source's fiscal calendar.
    rows
        Rows by canonical table; a table that the source does not have is absent.
    fixed
        Columns of deals that the source declares unchanged since creation.
    tracked_from
        For each column of deals with recorded history, the first day that the record covers.
    quarantined
        Rows refused, by table and reason.
    """

    source: str
    loaded_at: dt.datetime
    first_data_date: dt.date | None = None
    last_data_date: dt.date | None = None
    first_closed_on: dt.date | None = None
    timezone: str = "UTC"
    currency: str = "USD"
    calendar: Calendar = field(default_factory=Calendar)
    rows: Mapping[str, int] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    tracked_from: Mapping[str, dt.date] = field(default_factory=dict)
    quarantined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give the whole as JSON text."""
        plain: dict[str, Any] = {
            "source": self.source,
            "loaded_at": self.loaded_at.isoformat(),
            "first_data_date": _iso(self.first_data_date),
            "last_data_date": _iso(self.last_data_date),
            "first_closed_on": _iso(self.first_closed_on),
            "timezone": self.timezone,
            "currency": self.currency,
            "calendar": self.calendar.to_plain(),
            "rows": dict(self.rows),
            "fixed": list(self.fixed),
            "tracked_from": {name: day.isoformat() for name, day in self.tracked_from.items()},
            "quarantined": {table: dict(reasons) for table, reasons in self.quarantined.items()},
        }
        return json.dumps(plain, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> StoreMeta:
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        return cls(
            source=plain["source"],
            loaded_at=dt.datetime.fromisoformat(plain["loaded_at"]),
            first_data_date=_day(plain["first_data_date"]),
            last_data_date=_day(plain["last_data_date"]),
            first_closed_on=_day(plain["first_closed_on"]),
            timezone=plain["timezone"],
            currency=plain["currency"],
            calendar=Calendar.from_plain(plain["calendar"]),
            rows=plain["rows"],
            fixed=tuple(plain["fixed"]),
            tracked_from={name: dt.date.fromisoformat(day) for name, day in plain["tracked_from"].items()},
            quarantined=plain["quarantined"],
        )


class Store:
    """An open store. Use `open_store`; close it, or use it as a context manager."""

    def __init__(self, path: Path, engine: duckdb.DuckDBPyConnection, meta: StoreMeta) -> None:
        self.path = path
        self.meta = meta
        self._engine = engine
        #: Each store counts for itself: what asks the same is the same SQL in every kernel.
        self._numbers = itertools.count(1)

    @cached_property
    def connection(self) -> ibis.BaseBackend:
        """The open file, for expressions over its tables."""
        # Imported late: what plans and skips reports asks for rows alone, and Ibis takes longer to import than that takes.
        from spm_lib.data.compiled import CompilingBackend

        return CompilingBackend.from_connection(self._engine)

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a query of the engine's own dialect and give its rows."""
        return self._engine.execute(query, parameters).fetchall()

    def keep(self, table: ibis.Table) -> ibis.Table:
        """Compute a table once, for what builds on it in several places; the store itself is never written.

        Returns
        -------
        ibis.Table
            A table of this connection alone, in memory until the store is closed or the table is let go.
        """
        name = f"spm_kept_{next(self._numbers)}"
        # Not Ibis' own create_table, which fills one table, looks it up and gives it another name, a statement each.
        self._engine.execute(f"create temp table {name} as {self.connection.compile(table)}").fetchall()
        return self.connection.table(name)

    def let_go(self, kept: ibis.Table) -> None:
        """Take what `keep` has kept out of memory."""
        self._engine.execute(f"drop table if exists {kept.get_name()}").fetchall()

    def as_of(self, date: dt.date | None = None) -> Snapshot:
        """Give every table as it was known at the end of `date`, by default the last data date."""
        from spm_lib.data.history import Snapshot

        day = date or self.meta.last_data_date
        if day is None:
            raise StoreError("the store holds no data", where=str(self.path), mend="Ingest a source first")
        return Snapshot(self, day, report_date=day)

    @cached_property
    def teams(self) -> dict[str, Team]:
        """All teams by id; they keep no history."""
        from spm_lib.data.history import Team

        rows = self.rows(
            "select team_id, coalesce(name, team_id), parent_team_id, manager_id, email from teams order by 1"
        )
        return {row[0]: Team(*row) for row in rows}

    @cached_property
    def changed_fields(self) -> frozenset[str]:
        """Columns of deals of which any change is recorded."""
        return frozenset(row[0] for row in self.rows("select distinct field from deal_changes"))

    @cached_property
    def lists_open_deals(self) -> bool:
        """Whether the source has any open deal today: one that lists closed deals alone tells nothing of a pipeline."""
        open_now = "outcome = 'open' and merged_into_id is null and removed_on is null"
        return bool(self.rows(f"select 1 from deals where {open_now} limit 1"))

    def close(self) -> None:
        """Close the file."""
        self._engine.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(path: Path | str) -> Store:
    """Open the store at `path` for reading.

    Parameters
    ----------
    path
        The DuckDB file.

    Returns
    -------
    Store

    Raises
    ------
    StoreError
        Where the file is missing, locked, not a store, or written by a newer version.
    """
    path = Path(path)
    where = str(path)
    ingest = "Make it with: spm ingest params/sources/NAME.yml --store " + where
    if not path.is_file():
        raise StoreError("there is no store here", where=where, mend=ingest)
    try:
        engine = duckdb.connect(str(path), read_only=True, config=dict(SAFE_CONFIG))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreError(
                "another program has this store open for writing",
                where=where,
                mend="Close it, or name another store with --store",
                passing=True,
            ) from None
        raise StoreError("this is not a store, or it is damaged", where=where, mend=ingest) from None
    except duckdb.Error:
        raise StoreError("this is not a store, or it is damaged", where=where, mend=ingest) from None
    try:
        ((version, text),) = engine.execute(f"select schema_version, meta from {META_TABLE}").fetchall()
    except (duckdb.Error, ValueError):
        engine.close()
        raise StoreError("this DuckDB file is not a store", where=where, mend=ingest) from None
    if version != SCHEMA_VERSION:
        engine.close()
        newer = version > SCHEMA_VERSION
        raise StoreError(
            f"the store has schema {version}, this library reads schema {SCHEMA_VERSION}",
            where=where,
            mend="Update spm_lib" if newer else ingest,
        )
    return Store(path, engine, StoreMeta.from_json(text))


def create_tables(connection: duckdb.DuckDBPyConnection, custom: Mapping[str, str] | None = None) -> None:
    """Create every canonical table, empty, and the store's own two.

    Parameters
    ----------
    connection
        A connection that may write.
    custom
        Custom columns of deals: name, with the prefix ``x_``, to DuckDB type.
    """
    for table in TABLES.values():
        columns = [f'"{c.name}" {c.sql_type}' for c in table.columns]
        if table.name == "deals":
            columns += [f'"{name}" {kind}' for name, kind in (custom or {}).items()]
        connection.execute(f'create table "{table.name}" ({", ".join(columns)})')
    connection.execute(
        f"create table {QUARANTINE_TABLE} "
        '("table" varchar, reason varchar, source varchar, line bigint, source_row varchar)'
    )
    connection.execute(f"create table {META_TABLE} (schema_version bigint, meta varchar)")


def write_meta(connection: duckdb.DuckDBPyConnection, meta: StoreMeta) -> None:
    """Write `meta` in place of what was there."""
    connection.execute(f"delete from {META_TABLE}")
    connection.execute(f"insert into {META_TABLE} values (?, ?)", [SCHEMA_VERSION, meta.to_json()])


def _iso(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
