"""Pipeline movement: against a naive event loop, in balance for any two days, and on small traps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spm_lib.data.history import Snapshot
from spm_lib.data.schema import TABLES
from spm_lib.data.store import Store, StoreMeta, create_tables
from spm_lib.errors import ParameterError, UnknownNameError
from spm_lib.metrics.movement import PARTS, pipeline_movement
from spm_lib.periods import Period

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
Told = dict[Any, dict[str, tuple[Decimal, int]]]

DAY0 = dt.date(2020, 1, 1)
LAST = 20
TRACKED = ("amount", "expected_close_on", "outcome", "owner_id", "merged_into_id")
SEEDS = [Phase.explicit, Phase.generate]  # seeds do not shrink

_connection = duckdb.connect()
create_tables(_connection)
_backend = ibis.duckdb.from_connection(_connection)


def day(number: int) -> dt.date:
    return DAY0 + dt.timedelta(days=number)


def moment(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(hour))


PERIOD = Period("the period", day(6), day(14), "range")


def company(tables: Tables, *, tracked: Sequence[str] | Mapping[str, dt.date] = TRACKED, **meta: Any) -> Store:
    """A store in memory, its tables filled anew."""
    for name in TABLES:
        _connection.execute(f'delete from "{name}"').fetchall()
        rows = tables.get(name, ())
        if rows:
            marks = ", ".join(f"({', '.join('?' for _ in TABLES[name].names)})" for _ in rows)
            values = [row.get(column) for row in rows for column in TABLES[name].names]
            _connection.execute(f'insert into "{name}" values {marks}', values).fetchall()
    closed = [row["closed_on"] for row in tables.get("deals", ()) if row.get("closed_on")]
    known = {
        "first_data_date": day(0),
        "last_data_date": day(LAST),
        "first_closed_on": min(closed, default=None),
        "rows": {name: len(rows) for name, rows in tables.items()},
        "tracked_from": tracked if isinstance(tracked, Mapping) else dict.fromkeys(tracked, day(0)),
        **meta,
    }
    return Store(Path("memory"), _backend, StoreMeta("made", moment(90), **known))


def change(deal_id: str, field: str, old: Any, new: Any, at: dt.datetime) -> Row:
    values = {"old_value": None if old is None else str(old), "new_value": None if new is None else str(new)}
    return {"deal_id": deal_id, "field": field, "changed_at": at, **values}


def told(frame: pd.DataFrame, by: Sequence[str] = ()) -> Told:
    """Value and number of every part, by group where there is any."""
    assert list(frame.columns) == [*by, "part", "value", "n", "note"]
    groups: Told = {}
    for row in frame.to_dict("records"):
        group = tuple(None if pd.isna(row[name]) else row[name] for name in by)
        cents = Decimal(repr(row["value"])).quantize(Decimal("0.01"))
        groups.setdefault(group, {})[row["part"]] = (cents, row["n"])
    for parts in groups.values():
        assert tuple(parts) == tuple(PARTS)
        assert_balanced(parts)
    return groups


def assert_balanced(parts: Mapping[str, tuple[Decimal, int]]) -> None:
    value = sum((sign * parts[part][0] for part, sign in PARTS.items()), Decimal(0))
    count = sum(sign * parts[part][1] for part, sign in PARTS.items() if part not in ("increased", "decreased"))
    assert (value, count) == parts["end"]


def moved(frame: pd.DataFrame) -> dict[str, Decimal]:
    """The parts that are not 0, of one group."""
    (parts,) = told(frame).values()
    return {part: value for part, (value, n) in parts.items() if n}


# -- the set on a day, by as-of ----------------------------------------------------------------------------------


def rate_of(tables: Tables, currency: str | None, date: dt.date) -> Decimal | None:
    if currency in (None, "USD"):
        return Decimal(1)
    rates = [(r["valid_from"], r["rate"]) for r in tables["fx_rates"] if r["currency"] == currency]
    known = [rate for since, rate in sorted(rates) if since <= date]
    return known[-1] if known else None


def worth(tables: Tables, amount: Decimal | None, currency: str | None, end: dt.date) -> Decimal:
    rate = rate_of(tables, currency, end)
    if amount is None or rate is None:
        return Decimal(0)
    return (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


def set_of(snapshot: Snapshot, tables: Tables, end: dt.date, by: Sequence[str]) -> Told:
    table = snapshot.with_team(snapshot.table("deals"), "owner_id", snapshot.date)
    groups: dict[Any, list[Decimal]] = {}
    for row in snapshot.in_scope(table).to_pyarrow().to_pylist():
        due = row["expected_close_on"] and PERIOD.start <= row["expected_close_on"] <= PERIOD.end
        if row["outcome"] == "open" and row["merged_into_id"] is None and due:
            group = tuple(row[{"team": "team", "rep": "owner_id"}[name]] for name in by)
            groups.setdefault(group, []).append(worth(tables, row["amount"], row["currency"], end))
    return {group: {"set": (sum(values, Decimal(0)), len(values))} for group, values in groups.items()}


# -- companies -----------------------------------------------------------------------------------------------------

TEAMS = [{"team_id": "west"}, {"team_id": "south", "parent_team_id": "west"}, {"team_id": "east"}]
AMOUNTS = [None, Decimal("0.00"), Decimal("-7.77"), Decimal("10.01"), Decimal("333.33"), Decimal("1000.00")]
DUE = [None, day(6), day(9), day(14), day(5), day(15), day(30)]


def members(dice: random.Random) -> list[Row]:
    rows = []
    for rep in ("r1", "r2", "r3"):
        cuts = sorted(dice.sample(range(1, LAST), dice.randint(0, 2)))
        for since, until in zip([None, *cuts], [*cuts, None], strict=True):
            if dice.random() < 0.9:
                rows.append(
                    {
                        "rep_id": rep,
                        "team_id": dice.choice(["west", "south", "east"]),
                        "valid_from": since if since is None else day(since),
                        "valid_to": until if until is None else day(until - 1),
                    }
                )
    return rows


def play(seed: int, deals: int) -> dict[str, list[Row]]:
    """Deals as they are lived, every change recorded."""
    dice = random.Random(seed)
    tables: dict[str, list[Row]] = {
        "teams": TEAMS,
        "team_members": members(dice),
        "fx_rates": [
            {"currency": "EUR", "valid_from": day(n), "rate": Decimal(rate)}
            for n, rate in ((0, "1.125"), (8, "1.335"), (12, "0.995"))
        ],
        "deals": [],
        "deal_changes": [],
    }
    pools = {"amount": AMOUNTS, "expected_close_on": DUE, "owner_id": ["r1", "r2", "r3"]}
    for number in range(deals):
        created = dice.randint(0, LAST)
        row: Row = {field: dice.choice(pool) for field, pool in pools.items()}
        row |= {"deal_id": f"d{number}", "created_on": day(created), "outcome": "open", "closed_on": None}
        row |= {"currency": dice.choice([None, "USD", "EUR", "EUR", "XXX"]), "merged_into_id": None, "removed_on": None}
        for at in sorted({moment(dice.randint(created, LAST), dice.choice([0, 9, 17])) for _ in range(dice.randint(0, 9))}):
            for field in dice.sample(sorted({*pools, "outcome", "merged_into_id"}), dice.choice([1, 1, 2, 3])):
                if field == "outcome":
                    new: Any = dice.choice(["won", "lost"]) if row["outcome"] == "open" else "open"
                    row["closed_on"] = None if new == "open" else at.date()
                elif field == "merged_into_id":
                    new = None if row[field] else "d0"
                    if dice.random() < 0.6:
                        continue
                else:
                    new = dice.choice(pools[field])
                if new != row[field]:
                    tables["deal_changes"].append(change(row["deal_id"], field, row[field], new, at))
                row[field] = new
        if dice.random() < 0.15:
            row["removed_on"] = day(dice.randint(created, LAST))
        tables["deals"].append(row)
    return tables


# -- a naive event loop --------------------------------------------------------------------------------------------

ORDER = ["team", "created", "outcome", "merged_into_id", "owner_id", "expected_close_on", "amount", "removed"]


def team_of(tables: Tables, rep: str, date: dt.date) -> str | None:
    for row in tables["team_members"]:
        since, until = row["valid_from"] or dt.date.min, row["valid_to"] or dt.date.max
        if row["rep_id"] == rep and since <= date <= until:
            return str(row["team_id"])
    return None


def naive(tables: Tables, start: dt.date, end: dt.date, scope: Sequence[str] | None, by: Sequence[str]) -> Told:
    """Every deal's life, event by event, as one would tell it with pen and paper."""
    sums: Told = {}

    def count(part: str, group: Any, value: Decimal) -> None:
        parts = sums.setdefault(group, dict.fromkeys(PARTS, (Decimal(0), 0)))
        parts[part] = (parts[part][0] + value, parts[part][1] + 1)

    for row in tables["deals"]:
        mine = [c for c in tables["deal_changes"] if c["deal_id"] == row["deal_id"]]
        state: Row = {"exists": False}
        for field in TRACKED:
            first = min((c for c in mine if c["field"] == field), key=lambda c: c["changed_at"], default=None)
            state[field] = read(field, first["old_value"]) if first else row[field]
            filled = first and first["changed_at"].date() == row["created_on"] and first["old_value"] is None
            if first and filled and field in ("amount", "expected_close_on", "owner_id"):
                state[field] = read(field, first["new_value"])
        events = [(c["changed_at"], c["field"], read(c["field"], c["new_value"])) for c in mine]
        events.append((dt.datetime.combine(row["created_on"], dt.time.min), "created", True))
        if row["removed_on"]:
            events.append((dt.datetime.combine(row["removed_on"], dt.time.max), "removed", True))
        boundaries = {m["valid_from"] for m in tables["team_members"]}
        boundaries |= {m["valid_to"] + dt.timedelta(days=1) for m in tables["team_members"] if m["valid_to"]}
        events += [(dt.datetime.combine(b, dt.time.min), "team", None) for b in boundaries if b]
        events.sort(key=lambda event: (event[0], ORDER.index(event[1])))

        def place(date: dt.date, state: Row = state, row: Row = row) -> tuple[Any, Decimal] | None:
            """The group that the deal counts in, and its worth there; None: nowhere."""
            due = state["expected_close_on"] and PERIOD.start <= state["expected_close_on"] <= PERIOD.end
            open_ = state["exists"] and state["outcome"] == "open" and not state["merged_into_id"]
            team = team_of(tables, state["owner_id"], date)
            if not due or not open_ or (scope is not None and team not in scope):
                return None
            group = tuple({"team": team, "rep": state["owner_id"]}[name] for name in by)
            return group, worth(tables, state["amount"], row["currency"], end)

        was: tuple[Any, Decimal] | None = None
        started = False
        for at, what, value in [*events, (dt.datetime.max, "end", None)]:
            if at.date() > start and not started:
                started = True
                if was:
                    count("start", *was)
            if at.date() > end:
                if was:
                    count("end", *was)
                break
            if what == "created":
                state["exists"] = True
            elif what == "removed":
                state["exists"] = False
            elif what != "team":
                state[what] = value
            now = place(at.date())
            if started and now != was:
                tell(what, state, was, now, count)
            was = now
    return sums


def tell(what: str, state: Row, was: Any, now: Any, count: Any) -> None:
    if was and now and was[0] == now[0]:
        count("increased" if now[1] > was[1] else "decreased", now[0], abs(now[1] - was[1]))
        return
    out = {
        "outcome": state["outcome"],
        "merged_into_id": "removed",
        "removed": "removed",
        "expected_close_on": "pushed_out",
    }
    come = {"created": "new", "outcome": "reopened", "merged_into_id": "reopened", "expected_close_on": "pulled_in"}
    if was:
        count(out.get(what, "transferred_out"), *was)
    if now:
        count(come.get(what, "transferred_in"), *now)


def read(field: str, value: str | None) -> Any:
    if value is None:
        return None
    if field == "amount":
        return Decimal(value)
    return dt.date.fromisoformat(value) if field == "expected_close_on" else value


SCOPES: list[tuple[str | None, tuple[str, ...]]] = [
    (None, ()),
    ("west", ()),
    (None, ("team",)),
    ("west", ("team",)),
    (None, ("rep",)),
    ("east", ("team", "rep")),
]


@given(st.integers(0, 10**6), st.integers(0, LAST), st.integers(0, LAST), st.sampled_from(SCOPES))
@settings(max_examples=25, deadline=None, phases=SEEDS)
def test_every_part_is_what_a_naive_event_loop_finds(
    seed: int, one: int, other: int, view: tuple[str | None, tuple[str, ...]]
) -> None:
    scope, by = view
    start, end = day(min(one, other)), day(max(one, other))
    tables = play(seed, deals=14)
    snapshot = company(tables).as_of()
    snapshot = snapshot.scope(scope) if scope else snapshot
    found = told(pipeline_movement(snapshot, PERIOD, start, end, by), by)
    expected = naive(tables, start, end, snapshot.team_ids, by)
    if not by:
        expected.setdefault((), dict.fromkeys(PARTS, (Decimal(0), 0)))
    assert found == expected
