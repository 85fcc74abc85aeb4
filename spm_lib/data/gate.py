"""The one gate for incoming data: rows as text become typed rows, or are refused with a reason.

The gate knows the schema and nothing of files. It works in SQL on two tables per canonical table:
``raw_<table>``, as read, and ``checked_<table>``, typed, with ``record`` (the row's place in the source) and
``reason`` (null where the row is good).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb

from spm_lib.data.rules import EARLIEST, LATEST, Mapped, Rule, column_rules, name, row_rules, typed, whole
from spm_lib.data.schema import CUSTOM_PREFIX, CUSTOM_TYPES, Table

RECORD = "spm_record"
REASON = "spm_reason"


def check_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, mapped: tuple[Mapped, ...], today: dt.date
) -> None:
    """Make ``checked_<table>`` of ``raw_<table>``: typed columns and, for bad rows, the reason.

    Parameters
    ----------
    connection
        Holds ``raw_<table>``.
    table
        The canonical table.
    mapped
        What the source gives; columns it does not give become null.
    today
        The day of the load: what happened cannot lie after it.
    """
    given = {m.column: m for m in mapped}
    inner = [f"{m.expression} as {name(m.column)}" for m in mapped]
    values: list[str] = []
    rules: list[Rule] = []
    for column in table.columns:
        if column.name not in given:
            values.append(f"null::{column.sql_type} as {name(column.name)}")
            if column.required:
                rules.append(("true", f"{column.name} is missing"))
            continue
        value = typed(column, given[column.name].type)
        values.append(f"{value} as {name(column.name)}")
        rules += column_rules(table, column, value)
    for custom in (m for m in mapped if m.column.startswith(CUSTOM_PREFIX)):
        values.append(name(custom.column))
    connection.execute(
        f"create temp table checked_{table.name} as "
        f"select * exclude ({REASON}), coalesce({REASON}, {_case(row_rules(table, given, today))}) as {REASON} from ("
        f"select {RECORD}, {', '.join(values)}, {_case(rules)} as {REASON} from ("
        f"select rowid as {RECORD}, {', '.join(inner)} from raw_{table.name}))"
    )


def check_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Refuse every row but the first of those that share a key."""
    checked = f"checked_{table.name}"
    key = ", ".join(name(c) for c in table.key)
    # Hashes first: grouping numbers is several times cheaper than grouping texts, and few tables have twins.
    connection.execute(
        f"create or replace temp table twins as select hash({key}) as h from {checked} "
        f"where {REASON} is null group by 1 having count(*) > 1"
    )
    if first_row(connection, "select count(*) from twins") == (0,):
        return
    refuse(
        connection,
        table.name,
        f"select {RECORD} from (select {RECORD}, row_number() over (partition by {key} order by {RECORD}) as place "
        f"from {checked} where {REASON} is null and hash({key}) in (select h from twins)) where place > 1",
        f"{' + '.join(table.key)} stands twice; the first row was kept",
    )


def check_references(
    connection: duckdb.DuckDBPyConnection, table: Table, present: frozenset[str]
) -> list[tuple[str, str, int, str]]:
    """Refuse rows whose required references name nothing; count the others.

    Parameters
    ----------
    connection
        Holds the checked tables.
    table
        The table to look at.
    present
        The tables that the source has: a reference to a table it has not is not looked at.

    Returns
    -------
    list
        ``(column, referred table, rows, example)`` for references that may be null and name nothing.
    """
    loose: list[tuple[str, str, int, str]] = []
    for column in table.columns:
        if column.references is None or column.references[0] not in present:
            continue
        other, key = column.references
        orphans = (
            f"select c.{RECORD}, c.{name(column.name)} as id from checked_{table.name} c "
            f"anti join (select {name(key)} from checked_{other} where {REASON} is null) o "
            f"on c.{name(column.name)} = o.{name(key)} "
            f"where c.{REASON} is null and c.{name(column.name)} is not null"
        )
        if column.required:
            refuse(
                connection,
                table.name,
                f"select {RECORD} from ({orphans})",
                f"{column.name} names nothing in {other}; add it there, or leave the row out",
            )
        else:
            count, example = first_row(connection, f"select count(*), min(id) from ({orphans})")
            if count:
                loose.append((column.name, other, int(count), str(example)))
    return loose


def check_whole_tables(connection: duckdb.DuckDBPyConnection, present: frozenset[str]) -> None:
    """Refuse what only shows across rows: a person in two teams at once, overlapping quotas, circles of teams."""
    if "team_members" in present:
        _refuse_overlaps(
            connection,
            "team_members",
            ("rep_id",),
            "valid_from",
            "valid_to",
            "the rep is in two teams at once",
        )
    if "quotas" in present:
        for kind, other, key in (("rep", "reps", "rep_id"), ("team", "teams", "team_id")):
            known = (
                f"select {key} from checked_{other} where {REASON} is null"
                if other in present
                else "select null"
            )
            refuse(
                connection,
                "quotas",
                f"select {RECORD} from checked_quotas anti join ({known}) o on owner_id = o.{key} "
                f"where owner_kind = '{kind}'"
                if other in present
                else f"select {RECORD} from checked_quotas where owner_kind = '{kind}'",
                f"owner_id names nothing in {other}; add it there, or leave the row out",
            )
        _refuse_overlaps(
            connection,
            "quotas",
            ("owner_kind", "owner_id", "kind"),
            "starts_on",
            "ends_on",
            "overlaps another quota of the same owner; load yearly or quarterly rows, not both",
        )
    if "teams" in present:
        refuse(
            connection,
            "teams",
            "with recursive up as (select team_id as start, parent_team_id as above, 1 as steps from checked_teams "
            "union select start, t.parent_team_id, steps + 1 from up join checked_teams t on t.team_id = up.above "
            f"where steps < 100) select {RECORD} from checked_teams where team_id in "
            "(select start from up where above = start)",
            "the team is above itself; mend parent_team_id",
        )


def refuse(connection: duckdb.DuckDBPyConnection, table: str, records: str, reason: str) -> None:
    """Mark the rows that the query `records` gives as refused, unless they already are."""
    connection.execute(
        f"update checked_{table} set {REASON} = ? where {REASON} is null and {RECORD} in ({records})",
        [reason],
    )


def custom_types(connection: duckdb.DuckDBPyConnection, mapped: tuple[Mapped, ...]) -> dict[str, str]:
    """Give each custom column of deals the first type that fits all its values."""
    types: dict[str, str] = {}
    for custom in (m for m in mapped if m.column.startswith(CUSTOM_PREFIX)):
        column = name(custom.column)
        if custom.type != "VARCHAR":
            types[custom.column] = custom.type
            continue
        # A number with leading zeros is a code; DuckDB would round 1.5 to fit a whole number.
        code = f"count(*) filter (where regexp_matches({column}, '^[+-]?0[0-9]')) = 0"
        rules = {
            "BIGINT": f" and {code} and coalesce(bool_and({whole(column)}), true)",
            "DOUBLE": f" and {code}",
        }
        fits = ", ".join(
            f"count({column}) = count(try_cast({column} as {kind})){rules.get(kind, '')}"
            for kind in CUSTOM_TYPES
        )
        row = first_row(connection, f"select count({column}) > 0, {fits} from checked_deals")
        types[custom.column] = next(
            (kind for kind, good in zip(CUSTOM_TYPES, row[1:], strict=True) if good and row[0]), "VARCHAR"
        )
    return types


def reasons(connection: duckdb.DuckDBPyConnection, table: str) -> Mapping[str, int]:
    """Count the refused rows of `table` by reason."""
    rows = connection.execute(
        f"select {REASON}, count(*) from checked_{table} where {REASON} is not null group by 1 order by 2 desc, 1"
    ).fetchall()
    return {reason: int(count) for reason, count in rows}


def first_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Give the first row of `query`, with nothing left unfinished on the connection."""
    return tuple(connection.execute(query).fetchall()[0])


def _refuse_overlaps(
    connection: duckdb.DuckDBPyConnection, table: str, by: tuple[str, ...], start: str, end: str, reason: str
) -> None:
    keys = ", ".join(by)
    ever, never = f"date '{EARLIEST}'", f"date '{LATEST}'"
    refuse(
        connection,
        table,
        f"select {RECORD} from (select {RECORD}, coalesce({start}, {ever}) as first, "
        f"max(coalesce({end}, {never})) over (partition by {keys} "
        f"order by coalesce({start}, {ever}), coalesce({end}, {never}), {RECORD} "
        f"rows between unbounded preceding and 1 preceding) as before "
        f"from checked_{table} where {REASON} is null) where first <= before",
        reason,
    )


def _case(rules: list[Rule]) -> str:
    if not rules:
        return "null::varchar"
    whens = " ".join(
        "when {} then '{}'".format(condition, reason.replace("'", "''")) for condition, reason in rules
    )
    return f"case {whens} end"
