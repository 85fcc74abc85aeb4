"""What makes a row good: how each column's text becomes its type, and the reasons to refuse a row, as SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from spm_lib.data.schema import CUSTOM_PREFIX, TABLES, Column, Table

#: A condition in SQL under which a row is refused, and the reason.
Rule = tuple[str, str]

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


def name(column: str) -> str:
    """Give `column` quoted for SQL."""
    return '"' + column.replace('"', '""') + '"'


def typed(column: Column, source_type: str) -> str:
    """Give SQL for the value of `column` in its own type; null where the text cannot be read as such."""
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
    if column.type == "integer":
        return f"case when {whole(value)} then try_cast({value} as bigint) end"
    return f"try_cast({value} as {column.sql_type})"


def whole(value: str) -> str:
    """Give SQL that tells whether the text `value` is a whole number: DuckDB would round 1.5 to fit."""
    return f"try_cast({value} as double) = try_cast({value} as bigint)"


def column_rules(table: Table, column: Column, value: str) -> list[Rule]:
    """Give the rules for one column, whose raw value bears its name and whose typed value is `value`."""
    raw = name(column.name)
    rules: list[Rule] = []
    if column.required or (column.name in table.key and column.name != "valid_from"):
        rules.append((f"{raw} is null", f"{column.name} is missing"))
    if column.type in _NOUN:
        help_ = _HELP[column.type].format(c=column.name)
        rules.append(
            (f"{raw} is not null and {value} is null", f"{column.name} is not {_NOUN[column.type]} ({help_})")
        )
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
        rules.append(
            (f"length({value}) > {LONGEST_ID}", f"{column.name} is longer than {LONGEST_ID} characters")
        )
    return rules


def row_rules(table: Table, given: Mapping[str, Mapped], today: dt.date) -> list[Rule]:
    """Give the rules across the typed columns of one row; nothing may have happened after `today`."""
    rules = [(f"{name(a)} > {name(b)}", f"{b} is before {a}") for a, b in _pairs(table, given)]
    rules += _own_rules(table, given)
    rules += [
        (f"cast({name(c)} as date) > date '{today}'", f"{c} lies after the day of the load")
        for c in _PAST.get(table.name, ())
        if c in given
    ]
    return rules


def _pairs(table: Table, given: Mapping[str, Mapped]) -> list[tuple[str, str]]:
    return [(a, b) for a, b in _ORDERED.get(table.name, ()) if a in given and b in given]


def _own_rules(table: Table, given: Mapping[str, Mapped]) -> list[Rule]:
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
        kinds = {
            kind: [c.name for c in TABLES["deals"].columns if c.type == kind] for kind in ("money", "date")
        }
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
