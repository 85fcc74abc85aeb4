"""The quarantine: rows that the gate refused, each with its reason, its text and its line."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from spm_lib.data import gate
from spm_lib.data.rules import name
from spm_lib.data.sources.files import LINE
from spm_lib.data.sources.reading import RawTable
from spm_lib.data.store import QUARANTINE_TABLE
from spm_lib.errors import SourceError, one_line

_LONGEST_ROW = 10_000


@dataclass(frozen=True)
class Refusal:
    """Rows of one table refused for one reason, and where the first of them stands."""

    table: str
    reason: str
    rows: int
    source: str
    line: int | None
    example: str


def quarantine(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> list[Refusal]:
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
        fields = ", ".join(f"{name(c)} := r.{name(c)}" for c in columns if c != LINE)
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
    breaks = " + ".join(
        f"coalesce(length({name(c)}) - length(replace({name(c)}, chr(10), '')), 0)" for c in columns
    )
    if gate.first_row(connection, f"select sum({breaks}) from raw_{raw.table}")[0]:
        line += f" + coalesce((select sum({breaks}) from raw_{raw.table} b where b.rowid < r.rowid), 0)"
    for refused in sorted(r.line for r in raw.refused):
        line = f"(({line}) + case when ({line}) >= {refused} then 1 else 0 end)"
        if len(line) > 5_000:
            break
    return line


def strictly(refusals: list[Refusal]) -> SourceError:
    """Give the error of a strict load."""
    first = refusals[0]
    total = sum(r.rows for r in refusals)
    return SourceError(
        f"{total:,} rows are refused; first: {first.table}: {first.reason}",
        where=_place(first),
        mend="Mend them, or load without --strict and they are set aside",
    )


def nothing_kept(table: str, raw: RawTable, refusals: list[Refusal]) -> SourceError:
    """Give the error of a required table without a good row."""
    mine = [r for r in refusals if r.table == table]
    if not mine:
        return SourceError(f"the table {table} has no rows", where=raw.source, mend="Export it again")
    return SourceError(
        f"no row of {table} can be kept: {mine[0].reason}",
        where=_place(mine[0]),
        mend="Mend the spec or the export",
    )


def _place(refusal: Refusal) -> str:
    return f"{refusal.source}:{refusal.line}" if refusal.line else refusal.source
