"""Pipeline movement: against a naive event loop, in balance for any two days, and on small traps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
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


def day(number: int) -> dt.date:
    return DAY0 + dt.timedelta(days=number)


def moment(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(hour))


PERIOD = Period("the period", day(6), day(14), "range")


def company(
    tables: Tables, *, tracked: Sequence[str] | Mapping[str, dt.date] = TRACKED, **meta: Any
) -> Store:
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
    return Store(Path("memory"), _connection, StoreMeta("made", moment(90), **known))


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
    count = sum(
        sign * parts[part][1] for part, sign in PARTS.items() if part not in ("increased", "decreased")
    )
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
        row |= {
            "currency": dice.choice([None, "USD", "EUR", "EUR", "XXX"]),
            "merged_into_id": None,
            "removed_on": None,
        }
        for at in sorted(
            {moment(dice.randint(created, LAST), dice.choice([0, 9, 17])) for _ in range(dice.randint(0, 9))}
        ):
            for field in dice.sample(
                sorted({*pools, "outcome", "merged_into_id"}), dice.choice([1, 1, 2, 3])
            ):
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


def naive(
    tables: Tables, start: dt.date, end: dt.date, scope: Sequence[str] | None, by: Sequence[str]
) -> Told:
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
    come = {
        "created": "new",
        "outcome": "reopened",
        "merged_into_id": "reopened",
        "expected_close_on": "pulled_in",
    }
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
@settings(max_examples=8, deadline=None, phases=SEEDS)
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


# -- balance, whatever the record ------------------------------------------------------------------------------


def spoil(tables: dict[str, list[Row]], seed: int) -> tuple[dict[str, list[Row]], dict[str, dt.date]]:
    """Records that contradict each other, begin late, or are missing; deals without a day of creation."""
    dice = random.Random(seed)
    late = day(dice.randint(3, 12))
    since = {
        field: dice.choice([day(0), late, None])
        for field in ("outcome", "merged_into_id", "stage", "closed_on")
    }
    tracked = {field: day(0) for field in ("amount", "expected_close_on", "owner_id")}
    tracked |= {field: first for field, first in since.items() if first}
    changes = []
    for row in tables["deal_changes"]:
        if row["field"] == "outcome":
            stage = {"open": "s1", "won": "W", "lost": "L"}
            ends = {f"{side}_value": stage[row[f"{side}_value"]] for side in ("old", "new")}
            changes.append({**row, **ends, "field": "stage"})
        if dice.random() < 0.1 and row["field"] in ("amount", "expected_close_on"):
            pool = AMOUNTS if row["field"] == "amount" else DUE
            row["old_value"] = change("", "", dice.choice(pool), None, moment(0))["old_value"]
        if dice.random() < 0.95:
            changes.append(row)
    first_days = {field: tracked.get(field, dt.date.max) for field in ("stage", *TRACKED)}
    kept = [c for c in changes if c["changed_at"].date() >= first_days[c["field"]]]
    for row in tables["deals"]:
        row["stage"] = {"open": "s1", "won": "W", "lost": "L"}[row["outcome"]]
        if dice.random() < 0.1:
            row["created_on"] = None
        if dice.random() < 0.1:
            row |= {"outcome": dice.choice(["won", "lost"]), "closed_on": dice.choice([None, day(10)])}
    stages = [("s1", "open"), ("W", "won"), ("L", "lost")][: dice.choice([0, 2, 3])]
    told = [{"pipeline": "p", "stage": name, "position": 1, "outcome": outcome} for name, outcome in stages]
    return {**tables, "deal_changes": kept, "stages": told}, tracked


@given(st.integers(0, 10**6), st.integers(0, LAST), st.integers(0, LAST), st.sampled_from(SCOPES))
@settings(max_examples=8, deadline=None, phases=SEEDS)
def test_start_and_end_are_those_of_the_days_whatever_the_record(
    seed: int, one: int, other: int, view: tuple[str | None, tuple[str, ...]]
) -> None:
    scope, by = view
    start, end = day(min(one, other)), day(max(one, other))
    tables, tracked = spoil(play(seed, deals=25), seed)
    snapshot = company(tables, tracked=tracked).as_of()
    assert_of_the_days(snapshot.scope(scope) if scope else snapshot, tables, start, end, by)


def assert_of_the_days(
    snapshot: Snapshot, tables: Tables, start: dt.date, end: dt.date, by: Sequence[str]
) -> Told:
    found = told(pipeline_movement(snapshot, PERIOD, start, end, by), by)
    for part, date in (("start", start), ("end", end)):
        there = {group: parts[part] for group, parts in found.items() if parts[part][1]}
        expected = set_of(snapshot.as_of(date), tables, end, by)
        assert there == {group: parts["set"] for group, parts in expected.items()}, part
    return found


def test_a_larger_company_balances_and_transfers_cancel() -> None:
    tables = play(26, deals=1500)
    snapshot = company(tables).as_of()
    whole = assert_of_the_days(snapshot, tables, day(4), day(13), ())[()]
    teams = assert_of_the_days(snapshot, tables, day(4), day(13), ("team",))
    assert all(whole[part][1] for part in PARTS if not part.startswith("transferred"))
    assert set(teams) == {
        ("west",),
        ("south",),
        ("east",),
        (None,),
    }  # a rep without a team is the company's still
    for part in PARTS:
        over = [parts[part] for parts in teams.values()]
        if part.startswith("transferred"):
            assert whole[part] == (0, 0)
        elif part in ("start", "end", "new"):
            assert (sum(v for v, _ in over), sum(n for _, n in over)) == whole[part]
    crossed = [sum(parts[f"transferred_{way}"][0] for parts in teams.values()) for way in ("in", "out")]
    assert crossed[0] == crossed[1] != 0


def forget(tables: dict[str, list[Row]], date: dt.date) -> dict[str, list[Row]]:
    """The company as it would stand had the world ended with that day."""
    kept = [c for c in tables["deal_changes"] if c["changed_at"].date() <= date]
    deals = []
    for row in tables["deals"]:
        now = {
            **row,
            "closed_on": row["closed_on"] if row["closed_on"] and row["closed_on"] <= date else None,
        }
        now["removed_on"] = row["removed_on"] if row["removed_on"] and row["removed_on"] <= date else None
        for field in TRACKED:
            mine = [
                c for c in tables["deal_changes"] if (c["deal_id"], c["field"]) == (row["deal_id"], field)
            ]
            past = sorted((c for c in mine if c in kept), key=lambda c: c["changed_at"])
            if mine:
                first = min(mine, key=lambda c: c["changed_at"])
                now[field] = read(field, past[-1]["new_value"] if past else first["old_value"])
        if row["created_on"] <= date:
            deals.append(now)
    rates = [rate for rate in tables["fx_rates"] if rate["valid_from"] <= date]
    return {**tables, "deal_changes": kept, "deals": deals, "fx_rates": rates}


def test_nothing_after_the_as_of_date_moves_a_figure() -> None:
    tables = play(11, deals=60)
    found = []
    for world in (tables, forget(tables, day(9))):
        snapshot = company(world).as_of(day(9))
        found.append(told(pipeline_movement(snapshot, PERIOD, day(3), by=("team",)), ("team",)))
    assert found[0] == found[1]
    assert any(parts["end"][1] for parts in found[0].values())


# -- traps -----------------------------------------------------------------------------------------------------


def lone(*changes: Row, tracked: Sequence[str] | Mapping[str, dt.date] = TRACKED, **row: Any) -> Store:
    """One deal of 100, created before the period and expected in it; its changes are those of deal ``d``."""
    whole: Row = {"deal_id": "d", "owner_id": "r1", "created_on": day(1), "outcome": "open", "amount": 100}
    whole |= {"expected_close_on": day(9), **row}
    extra = {
        "teams": TEAMS,
        "team_members": [{"rep_id": "r1", "team_id": "west"}, {"rep_id": "r2", "team_id": "east"}],
    }
    return company({"deals": [whole], "deal_changes": changes, **extra}, tracked=tracked)


def d(field: str, old: Any, new: Any, number: int, hour: int = 12) -> Row:
    return change("d", field, old, new, moment(number, hour))


def test_a_push_and_a_pull_on_one_day_are_both_told() -> None:
    store = lone(
        d("expected_close_on", day(9), day(30), 8, 9), d("expected_close_on", day(30), day(10), 8, 17)
    )
    found = moved(pipeline_movement(store.as_of(), PERIOD))
    assert found == {"start": 100, "pushed_out": 100, "pulled_in": 100, "end": 100}


def test_what_closing_overwrites_is_no_push_and_no_increase() -> None:
    closing = [
        d("amount", 100, 250, 8),
        d("expected_close_on", day(9), day(30), 8),
        d("outcome", "open", "won", 8),
    ]
    store = lone(*closing, outcome="won", closed_on=day(8), amount=250, expected_close_on=day(30))
    assert moved(pipeline_movement(store.as_of(), PERIOD)) == {"start": 100, "won": 100}


def test_reopened_then_lost_within_the_window() -> None:
    record = [
        d("outcome", "open", "won", 7),
        d("amount", 100, 120, 8),
        d("outcome", "won", "open", 9),
        d("amount", 120, 90, 10),
        d("outcome", "open", "lost", 11),
    ]
    found = moved(
        pipeline_movement(lone(*record, outcome="lost", closed_on=day(11), amount=90).as_of(), PERIOD)
    )
    assert found == {"start": 100, "won": 100, "reopened": 120, "decreased": 30, "lost": 90}


def test_created_and_closed_within_the_window_is_new_then_won() -> None:
    record = [d("outcome", "open", "won", 9)]
    found = moved(
        pipeline_movement(lone(*record, outcome="won", closed_on=day(9), created_on=day(7)).as_of(), PERIOD)
    )
    assert found == {"new": 100, "won": 100}


def test_a_deal_of_ten_trillion_is_a_deal() -> None:
    found = moved(pipeline_movement(lone(amount=10**13).as_of(), PERIOD))
    assert found == {"start": 10**13, "end": 10**13}


def test_what_is_filled_in_on_the_day_of_creation_is_new() -> None:
    record = [d("amount", None, 100, 7), d("expected_close_on", None, day(9), 7), d("amount", 100, 150, 8)]
    found = moved(pipeline_movement(lone(*record, created_on=day(7), amount=150).as_of(), PERIOD))
    assert found == {"new": 100, "increased": 50, "end": 150}


def test_a_change_at_the_very_instant_of_creation_comes_after_it() -> None:
    record = [d("amount", 100, 60, 7, 0), d("outcome", "open", "lost", 8)]
    store = lone(*record, outcome="lost", closed_on=day(8), created_on=day(7), amount=60)
    assert moved(pipeline_movement(store.as_of(), PERIOD)) == {"new": 100, "decreased": 40, "lost": 60}


def test_a_closing_that_no_record_tells_comes_after_all_that_one_does() -> None:
    record = [d("outcome", "open", "won", 8), d("outcome", "won", "open", 10)]
    store = lone(*record, outcome="lost", closed_on=day(9))
    found = moved(pipeline_movement(store.as_of(), PERIOD, end=day(LAST)))
    assert found == {"start": 100, "won": 100, "reopened": 100, "lost": 100}


def test_a_rep_who_moves_takes_the_deals_along() -> None:
    moves = [
        {"rep_id": "r1", "team_id": "west", "valid_to": day(7)},
        {"rep_id": "r1", "team_id": "east", "valid_from": day(8)},
    ]
    row = {"deal_id": "d", "owner_id": "r1", "created_on": day(1), "outcome": "open", "amount": 100}
    tables = {"teams": TEAMS, "team_members": moves, "deals": [{**row, "expected_close_on": day(9)}]}
    snapshot = company(tables).as_of()
    assert moved(pipeline_movement(snapshot.scope("west"), PERIOD)) == {"start": 100, "transferred_out": 100}
    assert moved(pipeline_movement(snapshot.scope("east"), PERIOD)) == {"transferred_in": 100, "end": 100}
    assert moved(pipeline_movement(snapshot, PERIOD)) == {"start": 100, "end": 100}
    by_rep = told(pipeline_movement(snapshot, PERIOD, by=("rep",)), ("rep",))
    assert by_rep[("r1",)]["transferred_out"] == (0, 0)


def test_a_days_move_comes_before_all_that_happens_on_the_day() -> None:
    moves = [
        {"rep_id": "r1", "team_id": "west", "valid_to": day(7)},
        {"rep_id": "r1", "team_id": "east", "valid_from": day(8)},
    ]
    row = {"deal_id": "d", "owner_id": "r1", "created_on": day(1), "outcome": "open", "amount": 70}
    tables: Tables = {
        "teams": TEAMS,
        "team_members": moves,
        "deals": [{**row, "expected_close_on": day(9)}],
        "deal_changes": [d("amount", 100, 70, 8, 0)],
    }
    found = told(pipeline_movement(company(tables).as_of(), PERIOD, by=("team",)), ("team",))
    assert found[("west",)]["transferred_out"] == (100, 1)
    assert found[("east",)]["decreased"] == (30, 1)


def test_a_new_owner_in_another_team_is_a_transfer_at_the_amount_before() -> None:
    snapshot = lone(d("owner_id", "r1", "r2", 8), d("amount", 100, 70, 8), owner_id="r2", amount=70).as_of()
    assert moved(pipeline_movement(snapshot.scope("west"), PERIOD)) == {"start": 100, "transferred_out": 100}
    found = told(pipeline_movement(snapshot, PERIOD, by=("team",)), ("team",))
    assert found[("east",)]["transferred_in"] == (100, 1)
    assert found[("east",)]["decreased"] == (30, 1)


def test_merged_and_removed_deals_are_removed_at_their_amount() -> None:
    record = [d("amount", 100, 80, 8, 9), d("merged_into_id", None, "e", 8, 10), d("amount", 80, 0, 8, 10)]
    found = moved(pipeline_movement(lone(*record, merged_into_id="e", amount=0).as_of(), PERIOD))
    assert found == {"start": 100, "decreased": 20, "removed": 80}
    gone = lone(d("amount", 100, 80, 8), amount=80, removed_on=day(8)).as_of()
    assert moved(pipeline_movement(gone, PERIOD)) == {"start": 100, "decreased": 20, "removed": 80}
    apart = lone(d("merged_into_id", "e", None, 8)).as_of()
    assert moved(pipeline_movement(apart, PERIOD)) == {"reopened": 100, "end": 100}


def test_one_exchange_rate_for_the_whole_movement() -> None:
    rates = [
        {"currency": "EUR", "valid_from": day(n), "rate": Decimal(r)} for n, r in ((0, "1.1"), (8, "1.25"))
    ]
    row = {
        "deal_id": "d",
        "owner_id": "r1",
        "created_on": day(1),
        "outcome": "open",
        "amount": Decimal("10.02"),
    }
    deals = [{**row, "currency": "EUR", "expected_close_on": day(9)}]
    tables: Tables = {"deals": deals, "fx_rates": rates, "deal_changes": [d("amount", "100.02", "10.02", 7)]}
    found = moved(pipeline_movement(company(tables).as_of(), PERIOD))
    # 125.025 and 12.525: each rounded as a value of the set, away from zero.
    assert found == {"start": Decimal("125.03"), "decreased": Decimal("112.50"), "end": Decimal("12.53")}
    unrated = pipeline_movement(company({**tables, "fx_rates": ()}).as_of(), PERIOD)
    assert unrated.set_index("part").loc["end", "n"] == 1
    assert unrated.set_index("part").loc["end", "note"] == "No exchange rate for EUR: its deals count 0"


def test_closings_that_only_the_closing_day_tells_count_on_that_day() -> None:
    tracked = ("amount", "expected_close_on")
    store = lone(d("amount", 100, 60, 7), outcome="lost", closed_on=day(8), amount=60, tracked=tracked)
    assert moved(pipeline_movement(store.as_of(), PERIOD)) == {"start": 100, "decreased": 40, "lost": 60}
    assert moved(pipeline_movement(store.as_of(), PERIOD, end=day(7))) == {
        "start": 100,
        "decreased": 40,
        "end": 60,
    }


def test_stages_tell_outcomes_where_these_are_not_recorded() -> None:
    stages = [
        {"pipeline": "p", "stage": name, "position": n, "outcome": outcome}
        for n, (name, outcome) in enumerate([("New", "open"), ("Done", "won")])
    ]
    deal = {"deal_id": "d", "owner_id": "r1", "created_on": day(1), "outcome": "open", "amount": 100}
    deal |= {"pipeline": "p", "stage": "New", "expected_close_on": day(9)}
    changes = [d("stage", "New", "Done", 7), d("stage", "Done", "New", 9)]
    store = company(
        {"deals": [deal], "deal_changes": changes, "stages": stages},
        tracked=("amount", "expected_close_on", "stage"),
    )
    found = moved(pipeline_movement(store.as_of(), PERIOD))
    assert found == {"start": 100, "won": 100, "reopened": 100, "end": 100}


def test_columns_of_deals_are_groups_as_they_stand_at_the_end() -> None:
    snapshot = lone(d("outcome", "open", "won", 8), outcome="won", closed_on=day(8), source="web").as_of()
    found = told(pipeline_movement(snapshot, PERIOD, by=("source", "team")), ("source", "team"))
    assert found[("web", "west")]["won"] == (100, 1)


@pytest.mark.parametrize("field", ["amount", "expected_close_on"])
def test_without_history_back_to_the_start_the_movement_is_unknown(field: str) -> None:
    others = [name for name in TRACKED if name != field]
    never = pipeline_movement(lone(tracked=others).as_of(), PERIOD, by=("team",))
    assert list(never.columns) == ["team", "part", "value", "n", "note"]
    (row,) = never.to_dict("records")
    assert (pd.isna(row["part"]), pd.isna(row["value"]), row["n"]) == (True, True, 0)
    assert row["note"] == f"Not known: changes of {field} are not recorded"
    late = {**dict.fromkeys(others, day(0)), field: day(7)}
    (row,) = pipeline_movement(lone(tracked=late).as_of(), PERIOD).to_dict("records")
    assert f"{field} are recorded since 2020-01-08 only" in row["note"]
    assert moved(pipeline_movement(lone(tracked=late).as_of(), PERIOD, start=day(7))) == {
        "start": 100,
        "end": 100,
    }


def test_what_is_declared_fixed_needs_no_history() -> None:
    fixed = {"fixed": ("amount", "expected_close_on")}
    row = {"deal_id": "d", "owner_id": "r1", "created_on": day(1), "outcome": "won", "closed_on": day(9)}
    deals = [{**row, "amount": 100, "expected_close_on": day(9)}]
    found = moved(pipeline_movement(company({"deals": deals}, tracked=(), **fixed).as_of(), PERIOD))
    assert found == {"start": 100, "won": 100}


def test_an_owner_nobody_recorded_is_unknown_in_the_past_and_constant_today() -> None:
    store = lone(tracked=("amount", "expected_close_on", "outcome"))
    assert moved(pipeline_movement(store.as_of().scope("west"), PERIOD)) == {"start": 100, "end": 100}
    (row,) = pipeline_movement(store.as_of(day(10)).scope("west"), PERIOD).to_dict("records")
    assert "owner_id" in row["note"]


def test_without_outcomes_or_closing_days_the_movement_is_unknown() -> None:
    store = lone(outcome="won", tracked=("amount", "expected_close_on"))
    (row,) = pipeline_movement(store.as_of(), PERIOD).to_dict("records")
    assert "closing days" in row["note"]


def test_the_window_ends_by_the_as_of_date_and_a_period_ahead_is_empty_of_events() -> None:
    snapshot = lone(d("amount", 100, 50, 8), amount=50).as_of(day(7))
    assert moved(pipeline_movement(snapshot, PERIOD)) == {"start": 100, "end": 100}
    ahead = Period("ahead", day(9), day(12), "range")
    assert moved(pipeline_movement(snapshot, ahead)) == {"start": 100, "end": 100}
    with pytest.raises(ParameterError, match="after the as-of date"):
        pipeline_movement(snapshot, PERIOD, end=day(8))
    with pytest.raises(ParameterError, match="after its end"):
        pipeline_movement(snapshot, PERIOD, start=day(7), end=day(6))
    with pytest.raises(UnknownNameError, match="Did you mean 'team'"):
        pipeline_movement(snapshot, PERIOD, by=("teem",))


def test_nothing_is_left_behind_in_the_store() -> None:
    before = _connection.execute("select count(*) from duckdb_tables()").fetchall()
    pipeline_movement(lone().as_of(), PERIOD)
    assert _connection.execute("select count(*) from duckdb_tables()").fetchall() == before
