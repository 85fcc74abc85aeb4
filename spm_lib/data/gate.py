"""The one gate for incoming data: rows as text become typed rows, or are refused with a reason.

The gate knows the schema and nothing of files. It works in SQL on two tables per canonical table:
``raw_<table>``, as read, and ``checked_<table>``, typed, with ``record`` (the row's place in the source) and
``reason`` (null where the row is good).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from spm_lib.data.schema import CUSTOM_PREFIX, CUSTOM_TYPES, TABLES, Column, Table

RECORD = "spm_record"
REASON = "spm_reason"

#: Days outside these years are slips of the finger.
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2200, 12, 31)

#: Longest id: ids become file names and keys.
LONGEST_ID = 255

_HELP = {
    "money": "take signs and separators out in the spec: replace({c}, ',', '')",
    "rate": "take signs and separators out in the spec: replace({c}, ',', '')",
    "fraction": "in the spec: replace({c}, '%', '')::double / 100",
    "integer": "take signs and separators out in the spec: replace({c}, ',', '')",
    "date": "as yyyy-mm-dd; in the spec: strptime({c}, '%d/%m/%Y')",
    "timestamp": "as yyyy-mm-dd hh:mm:ss; in the spec: strptime({c}, '%d/%m/%Y %H:%M')",
    "boolean": "true or false",
}
_NOUN = {
    "money": "a number",
    "rate": "a number",
    "fraction": "a number",
    "integer": "a whole number",
    "date": "a date",
    "timestamp": "a time",
    "boolean": "true or false",
}
#: Days on which something happened, which therefore cannot lie ahead of the load.
_PAST = {
    "deals": ("created_on", "qualified_on", "closed_on"),
    "deal_changes": ("changed_at",),
    "activities": ("recorded_at",),
    "leads": ("created_on", "converted_on"),
}
_ORDERED = {
    "deals": (("created_on", "closed_on"), ("created_on", "qualified_on")),
    "team_members": (("valid_from", "valid_to"),),
    "quotas": (("starts_on", "ends_on"),),
    "initiatives": (("starts_on", "ends_on"),),
    "leads": (("created_on", "converted_on"),),
    "reps": (("hired_on", "left_on"),),
}


@dataclass(frozen=True)
class Mapped:
    """A canonical column, the SQL that gives it from a raw row, and that SQL's type."""

    column: str
    expression: str
    type: str


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
    typed: list[str] = []
    conditions: list[tuple[str, str]] = []
    for column in table.columns:
        if column.name not in given:
            typed.append(f"null::{column.sql_type} as {name(column.name)}")
            if column.required:
                conditions.append(("true", f"{column.name} is missing"))
            continue
        value = _typed(column, given[column.name].type)
        typed.append(f"{value} as {name(column.name)}")
        conditions += _conditions(table, column, value)
    for custom in (m for m in mapped if m.column.startswith(CUSTOM_PREFIX)):
        typed.append(name(custom.column))
    row_rules = [(f"{name(a)} > {name(b)}", f"{b} is before {a}") for a, b in _pairs(table, given)]
    row_rules += _row_rules(table, given)
    row_rules += [
        (f"cast({name(c)} as date) > date '{today}'", f"{c} lies after the day of the load")
        for c in _PAST.get(table.name, ())
        if c in given
    ]
    connection.execute(
        f"create temp table checked_{table.name} as "
        f"select * exclude ({REASON}), coalesce({REASON}, {_case(row_rules)}) as {REASON} from ("
        f"select {RECORD}, {', '.join(typed)}, {_case(conditions)} as {REASON} from ("
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
    if connection.execute("select count(*) from twins").fetchone() == (0,):
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
            count, example = connection.execute(f"select count(*), min(id) from ({orphans})").fetchone() or (0, "")
            if count:
                loose.append((column.name, other, int(count), str(example)))
    return loose


def check_whole_tables(connection: duckdb.DuckDBPyConnection, present: frozenset[str]) -> None:
    """Refuse what only shows across rows: a person in two teams at once, overlapping quotas, circles of teams."""
    if "team_members" in present:
        _refuse_overlaps(
            connection, "team_members", ("rep_id",), "valid_from", "valid_to", "the rep is in two teams at once"
        )
    if "quotas" in present:
        for kind, other, key in (("rep", "reps", "rep_id"), ("team", "teams", "team_id")):
            known = f"select {key} from checked_{other} where {REASON} is null" if other in present else "select null"
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
        f"update checked_{table} set {REASON} = ? where {REASON} is null and {RECORD} in ({records})", [reason]
    )


def custom_types(connection: duckdb.DuckDBPyConnection, mapped: tuple[Mapped, ...]) -> dict[str, str]:
    """Give each custom column of deals the first type that fits all its values."""
    types: dict[str, str] = {}
    for custom in (m for m in mapped if m.column.startswith(CUSTOM_PREFIX)):
        column = name(custom.column)
        if custom.type != "VARCHAR":
            types[custom.column] = custom.type
            continue
        fits = ", ".join(f"count({column}) = count(try_cast({column} as {kind}))" for kind in CUSTOM_TYPES)
        row = connection.execute(f"select count({column}) > 0, {fits} from checked_deals").fetchone() or ()
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


def name(column: str) -> str:
    """Give `column` quoted for SQL."""
    return '"' + column.replace('"', '""') + '"'


def _typed(column: Column, source_type: str) -> str:
    value = name(column.name)
    if source_type != "VARCHAR":
        if column.type == "date" and "TIME ZONE" in source_type:
            return f"try_cast({value}::timestamp as date)"
        return f"try_cast({value} as {column.sql_type})"
    if column.type == "text":
        return value
    if column.type == "date":
        # The session's time zone is the source's: a time with an offset falls on the day it was there.
        return (
            f"case when length({value}) <= 10 then try_cast({value} as date) "
            f"else cast(cast(try_cast({value} as timestamptz) as timestamp) as date) end"
        )
    if column.type == "timestamp":
        return f"cast(try_cast({value} as timestamptz) as timestamp)"
    return f"try_cast({value} as {column.sql_type})"


def _conditions(table: Table, column: Column, value: str) -> list[tuple[str, str]]:
    raw = name(column.name)
    rules: list[tuple[str, str]] = []
    if column.required or column.name in table.key and column.name != "valid_from":
        rules.append((f"{raw} is null", f"{column.name} is missing"))
    if column.type in _NOUN:
        help_ = _HELP[column.type].format(c=column.name)
        rules.append((f"{raw} is not null and {value} is null", f"{column.name} is not {_NOUN[column.type]} ({help_})"))
    if column.one_of:
        allowed = ", ".join(f"'{v}'" for v in column.one_of)
        rules.append((f"{value} not in ({allowed})", f"{column.name} is none of {', '.join(column.one_of)}"))
    if column.low is not None:
        rules.append((f"{value} < {column.low!r}", f"{column.name} is below {column.low:,.0f}"))
    if column.high is not None:
        rules.append((f"{value} > {column.high!r}", f"{column.name} is above {column.high:,.0f}"))
    if column.type in ("date", "timestamp"):
        rules.append(
            (
                f"cast({value} as date) not between date '{EARLIEST}' and date '{LATEST}'",
                f"{column.name} is not between {EARLIEST.year} and {LATEST.year}",
            )
        )
    if column.name in table.key and column.type == "text":
        rules.append((f"length({value}) > {LONGEST_ID}", f"{column.name} is longer than {LONGEST_ID} characters"))
    return rules


def _pairs(table: Table, given: Mapping[str, Mapped]) -> list[tuple[str, str]]:
    return [(a, b) for a, b in _ORDERED.get(table.name, ()) if a in given and b in given]


def _row_rules(table: Table, given: Mapping[str, Mapped]) -> list[tuple[str, str]]:
    if table.name == "deals":
        closed = "closed_on" if "closed_on" in given else "null"
        return [
            (f"outcome <> 'open' and {closed} is null", "a won or lost deal has no closed_on"),
            (
                f"outcome = 'open' and {closed} is not null",
                "an open deal has a closed_on; an expected day belongs in expected_close_on",
            ),
            ("merged_into_id = deal_id", "the deal is merged into itself"),
        ]
    if table.name == "deal_changes":
        fields = ", ".join(f"'{c}'" for c in TABLES["deals"].names if c != "deal_id")
        kinds = {kind: [c.name for c in TABLES["deals"].columns if c.type == kind] for kind in ("money", "date")}
        rules = [
            (
                f"field not in ({fields}) and not starts_with(field, '{CUSTOM_PREFIX}')",
                "field is no column of deals",
            )
        ]
        for kind, names in kinds.items():
            among = ", ".join(f"'{n}'" for n in names)
            sql = "decimal(18,2)" if kind == "money" else "date"
            rules += [
                (
                    f"field in ({among}) and {side} is not null and try_cast({side} as {sql}) is null",
                    f"{side} is not {_NOUN[kind]}",
                )
                for side in ("old_value", "new_value")
            ]
        return rules
    return []


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


def _case(rules: list[tuple[str, str]]) -> str:
    if not rules:
        return "null::varchar"
    whens = " ".join("when {} then '{}'".format(condition, reason.replace("'", "''")) for condition, reason in rules)
    return f"case {whens} end"
