"""From a source to raw tables: files read whole, columns mapped, nothing judged yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from spm_lib.data.rules import Mapped, name
from spm_lib.data.schema import CUSTOM_PREFIX, TABLES
from spm_lib.data.sources.files import LINE, FileRelation, open_file, quoted, rewrite
from spm_lib.data.sources.spec import Source, TableSpec
from spm_lib.errors import SourceError, did_you_mean

_MISSING = re.compile(r'Referenced (?:column|table) "([^"]+)" not found|Table with name (\S+) does not exist')


@dataclass(frozen=True)
class Refused:
    """A line of a file that could not be split into fields."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class RawTable:
    """What was read for one canonical table, now in ``raw_<table>``."""

    table: str
    source: str
    mapped: tuple[Mapped, ...]
    relation: FileRelation | None
    refused: tuple[Refused, ...] = ()


def open_files(source: Source, folder: Path, scratch: Path) -> dict[str, dict[str, FileRelation]]:
    """Look at every file that the source names: per table, the relation by name (``""`` for ``from:``)."""
    relations: dict[str, dict[str, FileRelation]] = {}
    for table, part in source.spec.tables.items():
        named = part.files or {"": part.from_ or ""}
        relations[table] = {
            alias: open_file(folder, file, scratch, encoding=part.encoding, delimiter=part.delimiter)
            for alias, file in named.items()
        }
    return relations


def read_table(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    table: str,
    relations: Mapping[str, FileRelation],
    scratch: Path,
) -> RawTable:
    """Read one canonical table into ``raw_<table>``.

    Raises
    ------
    SourceError, SpecError
        Where a file cannot be read, or the spec asks for a column that is not there.
    """
    part = source.spec.tables[table]
    if part.query is None:
        relation, refused = _load(connection, f"raw_{table}", relations[""], scratch)
        where = relation.name
    else:
        refused = []
        for alias, one in relations.items():
            _, more = _load(connection, alias, one, scratch)
            refused += more
        relation = None
        where = ", ".join(r.name for r in relations.values())
        try:
            connection.execute(f"create temp table raw_{table} as {part.query}")
        except duckdb.Error as error:
            raise source.error(
                f"the query does not run: {_first_line(error)}",
                "tables",
                table,
                "query",
                mend=_near(error, relations),
            ) from None
        finally:
            for alias in relations:
                connection.execute(f"drop table if exists {name(alias)}")
    header = [
        (row[0], row[1]) for row in connection.execute(f"describe raw_{table}").fetchall() if row[0] != LINE
    ]
    mapped = _map(connection, source, table, part, header, where)
    return RawTable(table, where, mapped, relation, tuple(refused))


def _load(
    connection: duckdb.DuckDBPyConnection, target: str, relation: FileRelation, scratch: Path
) -> tuple[FileRelation, list[Refused]]:
    where = relation.name
    connection.execute("drop table if exists reject_errors")
    connection.execute("drop table if exists reject_scans")
    try:
        connection.execute(f"create temp table {name(target)} as select * from {relation.sql()}")
    except duckdb.InvalidInputException as error:
        if relation.kind != "text":
            raise _unreadable(where, relation, error) from None
        # The strict reader gives up on a stray quote; row by row the rest of the file can be kept.
        relation, lines = rewrite(relation, scratch)
        relation = replace(relation, name=where)
        connection.execute(f"create temp table {name(target)} as select * from {relation.sql()}")
        return relation, [Refused(n, text, _WIDTH) for n, text in lines]
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if "No space left" in str(error) or "write" in str(error).lower():
            raise
        raise _unreadable(where, relation, error) from None
    except duckdb.Error as error:
        raise _unreadable(where, relation, error) from None
    if relation.kind != "text":
        return relation, []
    rows = connection.execute(
        "select line, any_value(csv_line) from reject_errors group by 1 order by 1"
    ).fetchall()
    return relation, [Refused(int(line), text or "", _WIDTH) for line, text in rows]


_WIDTH = "the line has another number of fields than the header"


def _unreadable(where: str, relation: FileRelation, error: duckdb.Error) -> SourceError:
    kinds = {"text": "text in columns", "json": "JSON lines", "parquet": "Parquet"}
    return SourceError(
        f"the file cannot be read as {kinds[relation.kind]} ({_first_line(error)})",
        where=where,
        mend="Export it again",
    )


def _map(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    table: str,
    part: TableSpec,
    header: list[tuple[str, str]],
    where: str,
) -> tuple[Mapped, ...]:
    types = dict(header)
    if not part.columns:
        known = TABLES[table].names
        custom = table == "deals"
        for column in types:
            if column not in known and not (custom and column.startswith(CUSTOM_PREFIX)):
                raise SourceError(
                    f"the table {table} has no column '{column}'",
                    where=where,
                    mend=f"{did_you_mean(column, known)} Or map the columns with columns: in the spec",
                )
        return tuple(Mapped(column, name(column), kind) for column, kind in header)
    mapped = []
    for column, text in part.columns.items():
        # An exact header wins over reading the text as SQL.
        expression = name(text) if text in types else f"({text})"
        try:
            described = connection.execute(f"describe select {expression} as v from raw_{table}").fetchall()
        except duckdb.Error as error:
            only = f"; the file has one column, {quoted(next(iter(types)))}" if len(types) == 1 else ""
            mend = _near(error, types)
            if only:
                mend = "Name the delimiter in the spec, for instance delimiter: ';'"
            raise source.error(
                f"{table}.{column} asks for '{text}', which {where} does not give{only} "
                f"({_first_line(error)})",
                "tables",
                table,
                "columns",
                column,
                mend=mend,
            ) from None
        mapped.append(Mapped(column, expression, described[0][1]))
    return tuple(mapped)


def _near(error: duckdb.Error, known: Mapping[str, object]) -> str:
    found = _MISSING.search(str(error))
    if found:
        return did_you_mean(found.group(1) or found.group(2), known)
    return "Write a column's header, or an SQL expression over the row's columns: " + ", ".join(
        list(known)[:8]
    )


def _first_line(error: duckdb.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
