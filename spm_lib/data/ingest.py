"""From a source to a store: read, check, compare with the last load, swap in whole."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from spm_lib.data import gate
from spm_lib.data.names import write_names
from spm_lib.data.quarantine import Refusal, nothing_kept, quarantine, strictly
from spm_lib.data.recording import REFUSED_DEALS, Recording, record_changes, tracked_from
from spm_lib.data.rules import name
from spm_lib.data.schema import TABLES
from spm_lib.data.sources.demo_source import demo_source
from spm_lib.data.sources.files import quoted
from spm_lib.data.sources.reading import RawTable, open_files, read_table
from spm_lib.data.sources.spec import Source, TableSpec, read_source
from spm_lib.data.store import StoreMeta, create_tables, open_store, write_meta
from spm_lib.data.swap import cannot_write, swap, writing
from spm_lib.errors import SourceError, StoreError, one_line

_OLD = "last_load"
_HAPPENED = {
    "deals": ("created_on", "closed_on"),
    "deal_changes": ("changed_at",),
    "activities": ("coalesce(recorded_at, occurred_at)",),
    "leads": ("created_on", "converted_on"),
}
_DAMAGED = ".damaged"


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
    with writing(store) as scratch:
        try:
            if source.spec.kind == "demo":
                progress("making the demo company")
                source, folder = demo_source(source, scratch)
            summary = _load(source, folder, store, scratch, loaded_at, strict, progress)
        except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
            raise cannot_write(error, store) from error
        swap(scratch / "new.duckdb", store)
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
        raise SourceError(
            "there is no such folder", where=str(folder), mend="Point to the files with --path DIR"
        )
    relations = open_files(source, folder, scratch)
    with duckdb.connect(str(scratch / "new.duckdb")) as connection:
        _prepare(connection, source, store if previous else None, scratch, relations)
        present = frozenset(source.spec.tables)
        raws: dict[str, RawTable] = {}
        for table in TABLES.values():
            if table.name not in present:
                continue
            progress(f"reading {table.name}")
            raw = raws[table.name] = read_table(
                connection, source, table.name, relations[table.name], scratch
            )
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
        refusals = [r for raw in raws.values() for r in quarantine(connection, raw)]
        if strict and refusals:
            raise strictly(refusals)
        kept = {table: _keep(connection, table, custom if table == "deals" else {}) for table in raws}
        for needed in (t.name for t in TABLES.values() if t.required):
            if not kept[needed]:
                raise nothing_kept(needed, raws[needed], refusals)
        meta, recording = _history(connection, source, kept, refusals, previous, loaded_at)
        write_names(connection)
        write_meta(connection, meta)
    return IngestSummary(source.name, store, kept, tuple(refusals), tuple(notices), recording, meta)


def _previous(source: Source, store: Path, notices: list[str]) -> StoreMeta | None:
    if not store.exists():
        return None
    try:
        with open_store(store) as old:
            meta = old.meta
    except StoreError as error:
        if "Update spm_lib" in error.mend:
            raise
        notices.append(
            f"the old store could not be read ({error.what}); it is kept as {store.name}{_DAMAGED}"
        )
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


def _keep(connection: duckdb.DuckDBPyConnection, table: str, custom: Mapping[str, str]) -> int:
    names = TABLES[table].names
    columns = ", ".join(name(c) for c in (*names, *custom))
    values = [name(c) for c in names] + [f"cast({name(c)} as {kind})" for c, kind in custom.items()]
    connection.execute(
        f"insert into main.{table} ({columns}) select {', '.join(values)} from checked_{table} where {gate.REASON} is null"
    )
    if table == "deals":
        connection.execute(
            f"create temp table {REFUSED_DEALS} as select deal_id from checked_deals where {gate.REASON} is not null"
        )
    connection.execute(f"drop table checked_{table}")
    return int(gate.first_row(connection, f"select count(*) from main.{table}")[0])


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
    first, last = gate.first_row(
        connection, f"select min(a), max(b) from ({' union all '.join(days)}) t(a, b)"
    )
    closed = gate.first_row(connection, "select min(closed_on) from deals")
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
