"""From a source to a store: read, check, compare with the last load, swap in whole."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from filelock import FileLock, Timeout

from spm_lib.data import gate
from spm_lib.data.recording import Recording, record_changes, tracked_from
from spm_lib.data.schema import TABLES
from spm_lib.data.sources.demo_source import demo_source
from spm_lib.data.sources.files import LINE, quoted
from spm_lib.data.sources.reading import RawTable, open_files, read_table
from spm_lib.data.sources.spec import Source, TableSpec, read_source
from spm_lib.data.store import QUARANTINE_TABLE, StoreMeta, create_tables, open_store, write_meta
from spm_lib.errors import SourceError, StoreError, one_line

_OLD = "last_load"
_LONGEST_ROW = 10_000
_HAPPENED = {
    "deals": ("created_on", "closed_on"),
    "deal_changes": ("changed_at",),
    "activities": ("coalesce(recorded_at, occurred_at)",),
    "leads": ("created_on", "converted_on"),
}
_DAMAGED = ".damaged"


@dataclass(frozen=True)
class Refusal:
    """Rows of one table refused for one reason, and where the first of them stands."""

    table: str
    reason: str
    rows: int
    source: str
    line: int | None
    example: str


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest did.

    Parameters
    ----------
    rows
        Rows kept, by table.
    refusals
        Rows refused, by table and reason.
    notices
        What was kept but should be looked at, one sentence each.
    """

    source: str
    store: Path
    rows: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    notices: tuple[str, ...]
    recording: Recording
    meta: StoreMeta = field(repr=False)

    @property
    def refused(self) -> int:
        """Rows refused in all."""
        return sum(r.rows for r in self.refusals)


def ingest(
    spec: Path | str,
    store: Path | str,
    *,
    now: dt.datetime,
    path: Path | str | None = None,
    strict: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> IngestSummary:
    """Load a source into a new store and swap it in for the old one.

    Parameters
    ----------
    spec
        The source spec, a YAML file.
    store
        The DuckDB file to make or replace.
    now
        The time of the load, with its zone. Nothing in the data may have happened after it.
    path
        Another folder for the source's files than the spec says.
    strict
        Fail where any row is refused.
    progress
        Called with a word on each step.

    Raises
    ------
    SpecError, SourceError, StoreError
        In which case the old store stands as it was.
    """
    source = read_source(spec)
    store = Path(store)
    folder = Path(path) if path is not None else source.folder
    loaded_at = now.astimezone(ZoneInfo(source.spec.timezone)).replace(tzinfo=None, microsecond=0)
    with _writing(store) as scratch:
        try:
            if source.spec.kind == "demo":
                progress("making the demo company")
                source, folder = demo_source(source, scratch)
            summary = _load(source, folder, store, scratch, loaded_at, strict, progress)
        except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
            raise _disk(error, store) from error
        _swap(scratch / "new.duckdb", store)
    return summary


def _load(
    source: Source,
    folder: Path,
    store: Path,
    scratch: Path,
    loaded_at: dt.datetime,
    strict: bool,
    progress: Callable[[str], None],
) -> IngestSummary:
    notices: list[str] = []
    previous = _previous(source, store, notices)
    if not folder.is_dir():
        raise SourceError("there is no such folder", where=str(folder), mend="Point to the files with --path DIR")
    relations = open_files(source, folder, scratch)
    with duckdb.connect(str(scratch / "new.duckdb")) as connection:
        _prepare(connection, source, store if previous else None, scratch, relations)
        present = frozenset(source.spec.tables)
        raws: dict[str, RawTable] = {}
        for table in TABLES.values():
            if table.name not in present:
                continue
            progress(f"reading {table.name}")
            raw = raws[table.name] = read_table(connection, source, table.name, relations[table.name], scratch)
            try:
                gate.check_rows(connection, table, raw.mapped, loaded_at.date())
            except duckdb.Error as error:
                if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                    raise
                raise source.error(
                    f"a column cannot be worked out: {str(error).splitlines()[0]}",
                    "tables",
                    table.name,
                    mend="Write try_cast and try_strptime instead of cast and strptime, and bad rows are set aside",
                ) from None
            gate.check_keys(connection, table)
        progress("checking references")
        gate.check_whole_tables(connection, present)
        for table in TABLES.values():
            if table.name in present:
                for column, other, rows, example in gate.check_references(connection, table, present):
                    notices.append(
                        f"{table.name}.{column}: {rows:,} rows name what {other} does not list, "
                        f"such as '{one_line(example, 60)}'; they are kept"
                    )
        progress("writing the store")
        custom = gate.custom_types(connection, raws["deals"].mapped)
        create_tables(connection, custom)
        refusals = [r for raw in raws.values() for r in _quarantine(connection, raw)]
        if strict and refusals:
            raise _strict(refusals)
        rows = {name: _keep(connection, name, custom if name == "deals" else {}) for name in raws}
        for name in (t.name for t in TABLES.values() if t.required):
            if not rows[name]:
                raise _nothing(name, raws[name], refusals)
        meta, recording = _history(connection, source, rows, refusals, previous, loaded_at)
        write_meta(connection, meta)
    return IngestSummary(source.name, store, rows, tuple(refusals), tuple(notices), recording, meta)


def _previous(source: Source, store: Path, notices: list[str]) -> StoreMeta | None:
    if not store.exists():
        return None
    try:
        with open_store(store) as old:
            meta = old.meta
    except StoreError as error:
        if "Update spm_lib" in error.mend:
            raise
        notices.append(f"the old store could not be read ({error.what}); it is kept as {store.name}{_DAMAGED}")
        shutil.copy2(store, store.with_name(store.name + _DAMAGED))
        return None
    if meta.source != source.name:
        notices.append(f"the store held the source '{meta.source}', which this one replaces")
        return None
    return meta


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    old: Path | None,
    scratch: Path,
    relations: Mapping[str, Mapping[str, object]],
) -> None:
    if old is not None:
        connection.execute(f"attach {quoted(str(old))} as {_OLD} (read_only)")
    paths = ", ".join(quoted(str(r.path)) for named in relations.values() for r in named.values())  # type: ignore[attr-defined]
    for setting, value in (
        ("temp_directory", quoted(str(scratch / "spill"))),
        ("TimeZone", quoted(source.spec.timezone)),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("allowed_directories", f"[{quoted(str(scratch))}]"),
        ("allowed_paths", f"[{paths}]"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        connection.execute(f"set {setting} = {value}")


def _quarantine(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> list[Refusal]:
    """Write the refused rows of a table to the quarantine with reason, row and line."""
    table = raw.table
    counts = dict(gate.reasons(connection, table))
    source = raw.source.replace("'", "''")
    connection.executemany(
        f"insert into {QUARANTINE_TABLE} values (?, ?, ?, ?, ?)",
        [(table, r.reason, raw.source, r.line, r.text[:_LONGEST_ROW]) for r in raw.refused],
    ) if raw.refused else None
    if counts:
        columns = [row[0] for row in connection.execute(f"describe raw_{table}").fetchall()]
        fields = ", ".join(f"{gate.name(c)} := {gate.name(c)}" for c in columns if c != LINE)
        connection.execute(
            f"insert into {QUARANTINE_TABLE} select '{table}', c.{gate.REASON}, '{source}', "
            f"{_line(connection, raw, columns)}, "
            f"left(to_json(struct_pack({fields}))::varchar, {_LONGEST_ROW}) "
            f"from checked_{table} c join raw_{table} r on r.rowid = c.{gate.RECORD} "
            f"where c.{gate.REASON} is not null order by c.{gate.RECORD}"
        )
    found = connection.execute(
        f"select reason, count(*), min(line), arg_min(source_row, coalesce(line, 0)) from {QUARANTINE_TABLE} "
        'where "table" = ? group by 1 order by 2 desc, 1',
        [table],
    ).fetchall()
    connection.execute(f"drop table raw_{table}")
    return [
        Refusal(table, reason, int(rows), raw.source, line, one_line(example, 160))
        for reason, rows, line, example in found
    ]


def _line(connection: duckdb.DuckDBPyConnection, raw: RawTable, columns: list[str]) -> str:
    """Give SQL for the line of the source on which the raw row `r` begins."""
    if LINE in columns:
        return f"try_cast(r.{LINE} as bigint)"
    if raw.relation is None:
        return "null"
    line = f"r.rowid + {raw.relation.first_line}"
    if raw.relation.kind != "text":
        return line
    breaks = " + ".join(f"coalesce(length({gate.name(c)}) - length(replace({gate.name(c)}, chr(10), '')), 0)" for c in columns)
    row = connection.execute(f"select sum({breaks}) from raw_{raw.table}").fetchone()
    if row and row[0]:
        line += f" + coalesce((select sum({breaks}) from raw_{raw.table} b where b.rowid < r.rowid), 0)"
    for refused in sorted(r.line for r in raw.refused):
        line = f"(({line}) + case when ({line}) >= {refused} then 1 else 0 end)"
        if len(line) > 5_000:
            break
    return line


def _keep(connection: duckdb.DuckDBPyConnection, table: str, custom: Mapping[str, str]) -> int:
    names = TABLES[table].names
    columns = ", ".join(gate.name(c) for c in (*names, *custom))
    values = [gate.name(c) for c in names] + [f"cast({gate.name(c)} as {kind})" for c, kind in custom.items()]
    connection.execute(
        f"insert into main.{table} ({columns}) select {', '.join(values)} from checked_{table} where {gate.REASON} is null"
    )
    connection.execute(f"drop table checked_{table}")
    return int((connection.execute(f"select count(*) from main.{table}").fetchone() or (0,))[0])


def _history(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    rows: dict[str, int],
    refusals: list[Refusal],
    previous: StoreMeta | None,
    loaded_at: dt.datetime,
) -> tuple[StoreMeta, Recording]:
    changes = source.spec.tables.get("deal_changes", TableSpec())
    fields = {row[0] for row in connection.execute("select distinct field from deal_changes").fetchall()}
    fields |= set(changes.recorded_fields)
    days = [
        f"select min(cast({column} as date)), max(cast({column} as date)) from {table}"
        for table, columns in _HAPPENED.items()
        for column in columns
    ]
    first, last = connection.execute(
        f"select min(a), max(b) from ({' union all '.join(days)}) t(a, b)"
    ).fetchone() or (None, None)
    closed = connection.execute("select min(closed_on) from deals").fetchone() or (None,)
    recording = record_changes(connection, _OLD if previous else None, sorted(fields), loaded_at)
    quarantined: dict[str, dict[str, int]] = {}
    for refusal in refusals:
        quarantined.setdefault(refusal.table, {})[refusal.reason] = refusal.rows
    meta = StoreMeta(
        source=source.name,
        loaded_at=loaded_at,
        first_data_date=first,
        last_data_date=last,
        first_closed_on=closed[0],
        timezone=source.spec.timezone,
        currency=source.spec.currency,
        calendar=source.calendar,
        rows=rows,
        fixed=source.spec.tables["deals"].fixed,
        tracked_from=tracked_from(
            connection, previous, changes.recorded_from, changes.recorded_fields, loaded_at.date()
        ),
        quarantined=quarantined,
    )
    return meta, recording


def _strict(refusals: list[Refusal]) -> SourceError:
    first = refusals[0]
    total = sum(r.rows for r in refusals)
    return SourceError(
        f"{total:,} rows are refused; first: {first.table}: {first.reason}",
        where=_place(first),
        mend="Mend them, or load without --strict and they are set aside",
    )


def _nothing(table: str, raw: RawTable, refusals: list[Refusal]) -> SourceError:
    mine = [r for r in refusals if r.table == table]
    if not mine:
        return SourceError(f"the table {table} has no rows", where=raw.source, mend="Export it again")
    return SourceError(
        f"no row of {table} can be kept: {mine[0].reason}", where=_place(mine[0]), mend="Mend the spec or the export"
    )


def _place(refusal: Refusal) -> str:
    return f"{refusal.source}:{refusal.line}" if refusal.line else refusal.source


@contextmanager
def _writing(store: Path) -> Iterator[Path]:
    """Hold the store's lock and give a fresh scratch folder beside it, gone at the end whatever happens."""
    if store.is_dir():
        raise StoreError("this is a folder", where=str(store), mend="Name a file, for instance data/store.duckdb")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk(error, store) from error
    lock = FileLock(store.with_name(store.name + ".lock"))
    scratch = store.with_name(f".{store.name}.loading")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            "another ingest is writing this store", where=str(store), mend="Wait for it to end, or name another --store"
        ) from None
    except OSError as error:
        raise _disk(error, store) from error
    try:
        # A load that was killed left its scratch behind; the lock says that nobody uses it.
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            scratch.mkdir()
        except OSError as error:
            raise _disk(error, store) from error
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


def _swap(new: Path, store: Path) -> None:
    """Put the new file in the old one's place in one step; who reads the old one keeps it."""
    try:
        with new.open("rb") as stream:
            os.fsync(stream.fileno())
        new.replace(store)
    except OSError as error:
        raise _disk(error, store) from error


def _disk(error: Exception, store: Path) -> StoreError:
    return StoreError(
        f"the store cannot be written ({one_line(str(error), 160)})",
        where=str(store),
        mend="Free some space or name another place with --store; the old store stands as it was",
    )
