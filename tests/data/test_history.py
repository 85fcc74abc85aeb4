"""As-of replay: against a naive event loop, against changed futures, and on small traps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spm_lib.data.history import Snapshot
from spm_lib.data.schema import ALWAYS_FIXED, TABLES
from spm_lib.data.store import Store, StoreMeta, create_tables
from spm_lib.errors import UnknownNameError

Row = dict[str, Any]
Rows = dict[str, list[Row]]

DAY0 = dt.date(2020, 1, 1)
LAST = 14
CUSTOM = {"x_score": "DOUBLE", "x_day": "DATE"}

_connection = duckdb.connect()
create_tables(_connection, CUSTOM)


def day(number: int) -> dt.date:
    return DAY0 + dt.timedelta(days=number)


def moment(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(hour))


def company(tables: Mapping[str, Sequence[Row]], **meta: Any) -> Store:
    """A store in memory, its tables filled anew: hundreds of them in a test cost little."""
    for name in TABLES:
        _connection.execute(f'delete from "{name}"').fetchall()
        rows = tables.get(name, ())
        if rows:
            columns = [*TABLES[name].names, *(CUSTOM if name == "deals" else ())]
            marks = ", ".join(f"({', '.join('?' for _ in columns)})" for _ in rows)
            values = [row.get(column) for row in rows for column in columns]
            _connection.execute(f'insert into "{name}" values {marks}', values).fetchall()
    known = {
        "last_data_date": day(LAST),
        "rows": {name: len(rows) for name, rows in tables.items()},
        **meta,
    }
    return Store(Path("memory"), _connection, StoreMeta("made", moment(90), **known))


def rows_of(snapshot: Snapshot, name: str) -> list[Row]:
    """The rows of a table as known, in an order of their own, null as None."""
    frame = snapshot.table(name).to_pyarrow().to_pylist()
    return sorted(frame, key=repr)


def deal(snapshot: Snapshot, deal_id: str = "d") -> Row | None:
    found = [row for row in rows_of(snapshot, "deals") if row["deal_id"] == deal_id]
    assert len(found) < 2
    return found[0] if found else None


# -- a naive event loop ------------------------------------------------------------------------------------------

STAGES = {"s1": "open", "s2": "open", "W": "won", "L": "lost"}
VALUES: dict[str, list[Any]] = {
    "outcome": ["open", "won", "lost"],
    "stage": ["s1", "s2", "W", "L", "unlisted", None],
    "closed_on": [None, *(day(n) for n in range(0, LAST + 3, 2))],
    "amount": [None, Decimal("0.00"), Decimal("-5.50"), Decimal("1000.00"), Decimal("99999999.99")],
    "expected_close_on": [None, day(3), day(9), day(40)],
    "owner_id": ["r1", "r2"],
    "loss_reason": [None, "", "price"],
    "merged_into_id": [None, "other"],
    "qualified_on": [None, day(2), day(8)],
    "name": [None, "A", ""],
    "product_id": [None, "p"],
    "x_score": [None, 0.0, 1.5],
    "x_day": [None, day(5)],
    "forecast_category": [None, "commit"],
}


def text(value: Any) -> str | None:
    return None if value is None else str(value)


@st.composite
def companies(draw: st.DrawFn) -> tuple[Rows, dict[str, Any], list[int]]:
    """Deals whose records may contradict each other: the replay must still do what it says."""
    fields = sorted(VALUES)
    deals, changes, activities = [], [], []
    for number in range(draw(st.integers(1, 10))):
        created = draw(st.one_of(st.none(), st.integers(0, LAST)))
        row: Row = {"deal_id": f"d{number}", "created_on": None if created is None else day(created)}
        row |= {field: draw(st.sampled_from(VALUES[field])) for field in fields}
        row["removed_on"] = draw(st.one_of(st.none(), st.none(), st.integers(0, LAST).map(day)))
        deals.append(row)
        times = draw(
            st.lists(
                st.tuples(st.sampled_from(fields), st.integers(0, LAST), st.integers(0, 23)),
                max_size=9,
                unique=True,
            )
        )
        for field, when, hour in times:
            old, new = draw(st.sampled_from(VALUES[field])), draw(st.sampled_from(VALUES[field]))
            changes.append(
                {
                    "deal_id": row["deal_id"],
                    "field": field,
                    "old_value": text(old),
                    "new_value": text(new),
                    "changed_at": moment(when, hour),
                }
            )
        if draw(st.booleans()):
            recorded = draw(st.one_of(st.none(), st.integers(0, LAST).map(moment)))
            activities.append(
                {
                    "activity_id": f"a{number}",
                    "deal_id": row["deal_id"],
                    "occurred_at": moment(draw(st.integers(0, LAST))),
                    "recorded_at": recorded,
                }
            )
    tracked: dict[str, dt.date] = {}
    for field in fields:
        first = min((c["changed_at"].date() for c in changes if c["field"] == field), default=None)
        since = draw(st.one_of(st.none(), st.integers(0, LAST).map(day)))
        if first is not None:
            tracked[field] = min(first, since or first)
        elif since is not None:
            tracked[field] = since
    stages = [
        {"pipeline": "p", "stage": stage, "position": n + 1, "outcome": outcome}
        for n, (stage, outcome) in enumerate(STAGES.items())
    ]
    tables: Rows = {"deals": deals, "deal_changes": changes, "activities": activities}
    if draw(st.booleans()):
        tables["stages"] = stages
    fixed = tuple(draw(st.sets(st.sampled_from(["product_id", "owner_id", "amount", "x_score"]))))
    dates = draw(st.lists(st.integers(-1, LAST - 1), min_size=1, max_size=2, unique=True))
    return tables, {"tracked_from": tracked, "fixed": fixed}, dates


def naive(tables: Rows, meta: dict[str, Any], date: dt.date) -> list[Row]:
    """The deals as known at the end of `date`, one deal and one change at a time."""
    known = []
    for row in tables["deals"]:
        mine = sorted(
            (c for c in tables["deal_changes"] if c["deal_id"] == row["deal_id"]),
            key=lambda c: c["changed_at"],
        )
        signs = [c["changed_at"] for c in mine] + [
            a["recorded_at"] or a["occurred_at"]
            for a in tables["activities"]
            if a["deal_id"] == row["deal_id"]
        ]
        if row["closed_on"]:
            signs.append(dt.datetime.combine(row["closed_on"], dt.time()))
        came = row["created_on"] or min((s.date() for s in signs), default=dt.date.max)
        if came > date or (row["removed_on"] and row["removed_on"] <= date):
            continue
        then = naive_deal(row, mine, "stages" in tables, meta, date)
        known.append({"deal_id": row["deal_id"], "created_on": row["created_on"], "removed_on": None, **then})
    return known


def naive_deal(row: Row, changes: list[Row], has_stages: bool, meta: dict[str, Any], date: dt.date) -> Row:
    tracked = {field for field, since in meta["tracked_from"].items() if since <= date}
    value, told_at, later = {}, {}, set()
    for field in VALUES:
        mine = [c for c in changes if c["field"] == field]
        now = parse(field, mine[0]["old_value"]) if mine else row[field]
        for change in mine:
            if change["changed_at"].date() <= date:
                now, told_at[field] = parse(field, change["new_value"]), change["changed_at"].date()
            else:
                later.add(field)
        # A record that begins later, or contradicts itself: what stood before the next change.
        after = [c for c in mine if c["changed_at"].date() > date]
        if field not in told_at and after:
            now = parse(field, after[0]["old_value"])
        value[field] = now
    outcome, closed = value["outcome"] or "open", value["closed_on"]
    unrecorded = False
    told_by = None
    if "outcome" in tracked:
        told_by = "outcome"
    elif "stage" in tracked and has_stages and STAGES.get(value["stage"]):
        told_by, outcome = "stage", STAGES[value["stage"]]
    if told_by and outcome != "open" and told_by not in told_at and closed and closed > date:
        outcome, unrecorded = "open", True
    emptied = closed is None and ("closed_on" in later or "closed_on" in told_at)
    if told_by is None and (emptied or (closed and closed > date)):
        outcome = "open"
    is_open = outcome == "open"
    fixed = (ALWAYS_FIXED | set(meta["fixed"])) - {"loss_reason", "merged_into_id"}
    for field in VALUES:
        if field not in tracked | fixed and is_open:
            value[field] = None
        recorded = field in told_at or field in later
        if field in ("stage", "forecast_category", "loss_reason") and unrecorded and not recorded:
            value[field] = None
    if value["qualified_on"] and value["qualified_on"] > date:
        value["qualified_on"] = None
    value["outcome"] = outcome
    if is_open:
        value["closed_on"] = None
    elif closed and closed <= date:
        value["closed_on"] = closed
    else:
        by = "outcome" if "outcome" in tracked else "stage" if "stage" in tracked and has_stages else None
        value["closed_on"] = told_at.get(by) if by else None
    return value


def parse(field: str, value: str | None) -> Any:
    if value is None or field in ("outcome", "stage", "owner_id", "loss_reason", "merged_into_id", "name"):
        return value
    if field in ("product_id", "forecast_category"):
        return value
    if field == "amount":
        return Decimal(value)
    return float(value) if field == "x_score" else dt.date.fromisoformat(value)


@given(companies())
@settings(max_examples=25, deadline=None)
def test_deals_are_what_a_naive_event_loop_finds(drawn: tuple[Rows, dict[str, Any], list[int]]) -> None:
    tables, meta, dates = drawn
    for row in tables["deals"]:
        row["owner_id"] = row["owner_id"] or "r1"
    store = company(tables, **meta)
    for number in dates:
        found = store.as_of(day(number)).table("deals", ["deal_id", "created_on", "removed_on", *VALUES])
        expected = naive(tables, meta, day(number))
        key = repr
        assert sorted(found.to_pyarrow().to_pylist(), key=key) == sorted(expected, key=key), day(number)


@given(companies(), st.sampled_from(sorted(VALUES)))
@settings(max_examples=4, deadline=None)
def test_a_column_alone_says_the_same_as_among_all(
    drawn: tuple[Rows, dict[str, Any], list[int]], field: str
) -> None:
    tables, meta, dates = drawn
    snapshot = company(tables, **meta).as_of(day(dates[0]))
    alone = snapshot.table("deals", ["deal_id", field]).to_pyarrow().to_pylist()
    among = snapshot.table("deals").to_pyarrow().to_pylist()
    assert sorted(map(repr, alone)) == sorted(
        repr({"deal_id": row["deal_id"], field: row[field]}) for row in among
    )


# -- the future ------------------------------------------------------------------------------------------------

NOW = 7
TELLS = ("tracked", "late", "never")
_CLOSING = ("outcome", "closed_on")


class World:
    """A company whose every day is played by one generator up to `NOW`, and by another from then on."""

    def __init__(self, past: int, future: int) -> None:
        self.dice = random.Random(past)
        self.tables: Rows = {name: [] for name in TABLES}
        self.tells = {field: self.dice.choice(TELLS) for field in (*VALUES, "created_on")}
        self.has_stages = self.dice.random() < 0.5
        self.fixed = ("product_id",)
        self.settled: set[str] = set()  # closed by now: what no record tells of these stands as it was
        for number in range(LAST):
            if number == NOW + 1:
                self.dice = random.Random(future)
                self.foretell()
                self.settled = {row["deal_id"] for row in self.tables["deals"] if row["outcome"] != "open"}
            self.live(number)
        self.tables["stages"] = [
            {"pipeline": "p", "stage": stage, "position": n + 1, "outcome": outcome}
            for n, (stage, outcome) in enumerate(STAGES.items())
            if self.has_stages
        ]

    def store(self) -> Store:
        since = {"tracked": day(0), "late": day(NOW + 1)}
        tracked = {field: since[tell] for field, tell in self.tells.items() if tell in since}
        return company(self.tables, tracked_from=tracked, fixed=self.fixed)

    def foretell(self) -> None:
        """What no record tells of a deal open now is free to be anything: today's value is the answer."""
        for row in self.tables["deals"]:
            for field in VALUES:
                free = self.tells[field] != "tracked" and field not in ALWAYS_FIXED | {*self.fixed, *_CLOSING}
                if free and row["outcome"] == "open":
                    row[field] = self.dice.choice(VALUES[field]) or row[field]
        for name in ("team_members", "reps"):
            for row in self.tables[name]:
                if self.dice.random() < 0.5:
                    row["valid_to" if name == "team_members" else "left_on"] = day(
                        NOW + self.dice.randint(1, 5)
                    )

    def live(self, number: int) -> None:
        dice, tables = self.dice, self.tables
        for _ in range(dice.randint(0, 2)):
            self.create(number)
        for row in tables["deals"]:
            if row["created_on"] == day(number) or dice.random() < 0.5:
                continue
            gone = row["removed_on"] or row["merged_into_id"]
            if not gone:
                self.change(row, number)
        key = len(tables["activities"]) + len(tables["leads"])
        tables["activities"].append(
            {
                "activity_id": f"{number}-{key}",
                "deal_id": dice.choice(tables["deals"])["deal_id"] if tables["deals"] else None,
                "occurred_at": moment(max(0, number + dice.randint(-2, 3))),
                "recorded_at": moment(number),
                "completed": dice.random() < 0.5 if number <= NOW else True,
            }
        )
        lead: Row = {"lead_id": f"{number}-{key}", "created_on": day(number), "status": "new"}
        tables["leads"].append(lead)
        for other in tables["leads"]:
            if not other.get("converted_on") and dice.random() < 0.2:
                other |= {"converted_on": day(number), "converted_deal_id": "d", "status": "converted"}
        tables["reps"].append({"rep_id": f"rep{number}-{dice.random()}", "hired_on": day(number)})
        tables["team_members"].append(
            {"rep_id": f"m{dice.random()}", "team_id": "t", "valid_from": day(number)}
        )
        tables["fx_rates"].append({"currency": f"{dice.random()}", "valid_from": day(number), "rate": 2})
        initiative = f"i{number}-{dice.random()}"
        tables["initiatives"].append({"initiative_id": initiative, "name": "i", "starts_on": day(number)})
        tables["initiative_members"].append({"initiative_id": initiative, "rep_id": "r1"})

    def create(self, number: int) -> None:
        dice = self.dice
        row: Row = {field: dice.choice(VALUES[field]) for field in VALUES}
        row |= {"deal_id": f"d{number}-{dice.random()}", "created_on": day(number), "outcome": "open"}
        row |= {
            "closed_on": None,
            "merged_into_id": None,
            "loss_reason": None,
            "stage": "s1",
            "removed_on": None,
        }
        row["qualified_on"] = None
        row["product_id"], row["name"] = "p", "A"
        self.tables["deals"].append(row)

    def change(self, row: Row, number: int) -> None:
        dice = self.dice
        reopens = self.tells["outcome"] == self.tells["closed_on"] == self.tells["stage"] == "tracked"
        if row["outcome"] == "open" and dice.random() < 0.3:
            outcome = dice.choice(["won", "lost"])
            self.set(row, "stage", "W" if outcome == "won" else "L", number)
            self.set(row, "outcome", outcome, number)
            self.set(row, "closed_on", day(number), number)
            self.set(row, "loss_reason", "price" if outcome == "lost" else None, number)
        elif row["outcome"] != "open" and reopens and dice.random() < 0.3:
            self.set(row, "stage", "s2", number)
            self.set(row, "outcome", "open", number)
            self.set(row, "closed_on", None, number)
        elif dice.random() < 0.1:
            row["removed_on"] = day(number)
        elif row["outcome"] == "open" and row["deal_id"] not in self.settled:
            field = dice.choice(
                ["amount", "owner_id", "expected_close_on", "x_score", "forecast_category", "name"]
            )
            self.set(row, field, dice.choice(VALUES[field]), number)
            if dice.random() < 0.1:
                self.set(row, "merged_into_id", "other", number)
        else:
            field = dice.choice(["amount", "owner_id", "x_score", "x_day"])
            if self.tells[field] == "tracked" or (self.tells[field] == "late" and number > NOW):
                self.set(row, field, dice.choice(VALUES[field]), number)

    def set(self, row: Row, field: str, value: Any, number: int) -> None:
        tell = self.tells[field]
        recorded = tell == "tracked" or (tell == "late" and number > NOW)
        if field == "name" and not recorded:
            return
        if recorded and row[field] != value:
            self.tables["deal_changes"].append(
                {
                    "deal_id": row["deal_id"],
                    "field": field,
                    "old_value": text(row[field]),
                    "new_value": text(value),
                    "changed_at": moment(number),
                }
            )
        row[field] = value


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])  # seeds do not shrink
def test_no_table_of_a_past_day_knows_the_future(past: int, one: int, other: int) -> None:
    told = []
    for future in (one, other):
        world = World(past, future)
        snapshot = world.store().as_of(day(NOW))
        told.append({name: rows_of(snapshot, name) for name in TABLES})
    for name in TABLES:
        assert told[0][name] == told[1][name], name


# -- traps -----------------------------------------------------------------------------------------------------


def change(field: str, old: Any, new: Any, number: int, hour: int = 12, deal_id: str = "d") -> Row:
    return {
        "deal_id": deal_id,
        "field": field,
        "old_value": text(old),
        "new_value": text(new),
        "changed_at": moment(number, hour),
    }


def one(
    row: Row, *changes: Row, at: int, tracked: Sequence[str] = (), fixed: Sequence[str] = (), **more: Any
) -> Row | None:
    """The deal ``d`` at the end of a day, its record beginning on the first."""
    whole = {"deal_id": "d", "owner_id": "r1", "created_on": day(0), "outcome": "open", **row}
    names = {c["field"] for c in changes} | set(tracked)
    store = company(
        {"deals": [whole], "deal_changes": changes, **more},
        tracked_from=dict.fromkeys(names, day(0)),
        fixed=tuple(fixed),
    )
    return deal(store.as_of(day(at)))


def test_a_deal_closed_later_is_open_and_its_answers_unknown() -> None:
    row = {"outcome": "lost", "closed_on": day(9), "stage": "L", "amount": 5, "loss_reason": "price"}
    then = one({**row, "currency": "EUR", "product_id": "p"}, at=8, fixed=["product_id", "loss_reason"])
    assert then is not None
    assert (then["outcome"], then["closed_on"], then["stage"], then["amount"]) == ("open", None, None, None)
    assert (then["loss_reason"], then["currency"], then["product_id"]) == (None, "EUR", "p")
    closed = one(row, at=9)
    assert closed is not None
    assert (closed["outcome"], closed["closed_on"], closed["amount"]) == ("lost", day(9), Decimal(5))


def test_of_several_changes_on_a_day_the_last_counts() -> None:
    changes = [
        change("amount", 1, 2, 5, 8),
        change("amount", 2, None, 5, 9),
        change("amount", None, 4, 5, 23),
    ]
    for at, amount in ((4, 1), (5, 4), (6, 4)):
        then = one({"amount": 7}, *changes, change("amount", 4, 7, 7), at=at)
        assert then is not None
        assert then["amount"] == amount


def test_null_is_a_value_and_empty_text_is_another() -> None:
    changes = [change("next_step", "call", None, 3), change("next_step", None, "", 6)]
    told = [one({"next_step": ""}, *changes, at=at) for at in (2, 4, 6)]
    assert [row and row["next_step"] for row in told] == ["call", None, ""]


def test_a_reopened_deal_was_closed_in_between() -> None:
    record = [
        change("outcome", "open", "won", 2),
        change("outcome", "won", "open", 5),
        change("outcome", "open", "lost", 8),
    ]
    told = [one({"outcome": "lost", "closed_on": day(8)}, *record, at=at) for at in (1, 3, 6, 8)]
    seen = [(row["outcome"], row["closed_on"]) for row in told if row]
    # Closed first on the day of the change: the closing day stored is that of the second time.
    assert seen == [("open", None), ("won", day(2)), ("open", None), ("lost", day(8))]


def test_a_closing_entered_late_is_not_known_before() -> None:
    record = [change("outcome", "open", "won", 6)]
    told = [one({"outcome": "won", "closed_on": day(3)}, *record, at=at) for at in (4, 6)]
    assert [(row["outcome"], row["closed_on"]) for row in told if row] == [("open", None), ("won", day(3))]


def test_a_deal_first_seen_closed_was_open_before_its_closing_day() -> None:
    row = {"outcome": "won", "closed_on": day(6), "stage": "W", "amount": 5}
    then = one(row, at=5, tracked=["outcome", "stage", "amount"])
    assert then is not None
    assert (then["outcome"], then["stage"], then["amount"]) == ("open", None, Decimal(5))


def test_a_deal_closed_nobody_knows_when_stays_closed() -> None:
    then = one({"outcome": "won", "amount": 5}, at=3)
    assert then is not None
    assert (then["outcome"], then["closed_on"], then["amount"]) == ("won", None, Decimal(5))


@pytest.mark.parametrize(("pipeline", "expected"), [("p", "won"), ("q", "open"), (None, "open")])
def test_the_stage_tells_the_outcome_of_its_own_pipeline(pipeline: str | None, expected: str) -> None:
    stages = [
        {"pipeline": "p", "stage": "Done", "position": 1, "outcome": "won"},
        {"pipeline": "q", "stage": "Done", "position": 1, "outcome": "open"},
    ]
    row = {"outcome": "won", "closed_on": day(9), "pipeline": pipeline, "stage": "Done"}
    # Without a pipeline the stages disagree, and the closing day decides.
    then = one(row, change("stage", "New", "Done", 4), at=5, tracked=["pipeline"], stages=stages)
    assert then is not None
    assert (then["outcome"], then["closed_on"]) == (expected, day(4) if expected == "won" else None)


def test_merged_and_removed_deals() -> None:
    merge = change("merged_into_id", None, "e", 4)
    told = [one({"merged_into_id": "e"}, merge, at=at) for at in (3, 4)]
    assert [row and row["merged_into_id"] for row in told] == [None, "e"]
    untracked = one({"merged_into_id": "e"}, at=6, fixed=["merged_into_id"])
    assert untracked is not None
    assert untracked["merged_into_id"] is None
    removed = [one({"removed_on": day(5)}, at=at) for at in (4, 5)]
    assert removed[0] is not None
    assert (removed[0]["removed_on"], removed[1]) == (None, None)


def test_without_a_day_of_creation_the_first_sign_of_life_counts() -> None:
    row = {"created_on": None}
    signed = {"activity_id": "a", "deal_id": "d", "occurred_at": moment(3), "recorded_at": moment(6)}
    assert one(row, at=13) is None
    assert one(row, at=5, activities=[signed]) is None
    assert one(row, at=6, activities=[signed]) is not None
    assert one(row, change("amount", 1, 2, 4), at=3) is None
    assert one(row, change("amount", 1, 2, 4), at=4) is not None
    assert one(row, at=LAST) is not None


def test_from_the_last_data_date_on_tables_are_as_stored_but_for_removed_deals() -> None:
    deals = [
        {"deal_id": "d", "owner_id": "r1", "outcome": "open", "stage": "s1"},
        {"deal_id": "e", "owner_id": "r1", "outcome": "open", "removed_on": day(2)},
    ]
    ahead = {"activity_id": "a", "occurred_at": moment(99), "completed": True}
    for number in (LAST, LAST + 50):
        snapshot = company({"deals": deals, "activities": [ahead]}).as_of(day(number))
        assert [(row["deal_id"], row["stage"]) for row in rows_of(snapshot, "deals")] == [("d", "s1")]
        assert rows_of(snapshot, "activities")[0]["completed"] is True


def test_other_tables_know_nothing_later() -> None:
    tables: Rows = {
        "activities": [
            {"activity_id": "late", "occurred_at": moment(1), "recorded_at": moment(5), "completed": True},
            {"activity_id": "plan", "occurred_at": moment(9), "recorded_at": moment(2), "completed": True},
            {"activity_id": "then", "occurred_at": moment(4, 23), "completed": True},
        ],
        "leads": [
            {
                "lead_id": "l",
                "created_on": day(1),
                "converted_on": day(5),
                "converted_deal_id": "d",
                "status": "ok",
            },
            {
                "lead_id": "m",
                "created_on": day(1),
                "converted_on": day(4),
                "converted_deal_id": "d",
                "status": "ok",
            },
            {"lead_id": "n", "created_on": day(5)},
        ],
        "team_members": [
            {"rep_id": "r1", "team_id": "t", "valid_to": day(9)},
            {"rep_id": "r1", "team_id": "u", "valid_from": day(10)},
        ],
        "reps": [{"rep_id": "r1", "left_on": day(8)}, {"rep_id": "r2", "hired_on": day(6)}],
        "initiatives": [
            {"initiative_id": "i", "starts_on": day(2), "ends_on": day(9)},
            {"initiative_id": "j", "starts_on": day(5)},
        ],
        "initiative_members": [{"initiative_id": i, "rep_id": "r1"} for i in "ij"],
        "fx_rates": [{"currency": "EUR", "valid_from": day(n), "rate": n + 1} for n in (0, 4, 5)],
        "quotas": [{"owner_kind": "rep", "owner_id": "r1", "kind": "individual", "starts_on": day(40)}],
    }
    snapshot = company(tables).as_of(day(4))
    told = {name: rows_of(snapshot, name) for name in tables}
    assert [(a["activity_id"], a["completed"]) for a in told["activities"]] == [
        ("plan", False),
        ("then", True),
    ]
    assert [(x["lead_id"], x["converted_on"], x["status"]) for x in told["leads"]] == [
        ("l", None, None),
        ("m", day(4), "ok"),
    ]
    assert [(m["team_id"], m["valid_to"]) for m in told["team_members"]] == [("t", None)]
    assert [(r["rep_id"], r["left_on"]) for r in told["reps"]] == [("r1", None)]
    assert [i["initiative_id"] for i in told["initiatives"]] == ["i"]
    assert told["initiatives"][0]["ends_on"] == day(9)
    assert [m["initiative_id"] for m in told["initiative_members"]] == ["i"]
    assert [f["valid_from"] for f in told["fx_rates"]] == [day(0), day(4)]
    assert len(told["quotas"]) == 1


# -- teams -----------------------------------------------------------------------------------------------------


def test_a_rep_belongs_to_the_team_of_the_day_and_rows_never_fan_out() -> None:
    members = [
        {"rep_id": "r1", "team_id": "t", "valid_to": day(4)},
        {"rep_id": "r1", "team_id": "u", "valid_from": day(5)},
        # No gate has seen these: memberships that overlap.
        {"rep_id": "r2", "team_id": "t"},
        {"rep_id": "r2", "team_id": "u", "valid_from": day(5), "valid_to": day(6)},
        {"rep_id": "r2", "team_id": "t", "valid_from": day(5), "valid_to": day(6)},
    ]
    deals = [
        {
            "deal_id": f"{rep}{n}",
            "owner_id": rep,
            "created_on": None if n is None else day(n),
            "outcome": "open",
        }
        for rep in ("r1", "r2", "r3")
        for n in (4, 5, None)
    ]
    snapshot = company({"deals": deals, "team_members": members}).as_of()
    found = snapshot.with_team(snapshot.table("deals"), "owner_id", "created_on").to_pyarrow().to_pylist()
    assert {row["deal_id"]: row["team"] for row in found} == {
        **{"r14": "t", "r15": "u", "r1None": None},
        **{"r24": "t", "r25": "u", "r2None": None},
        **{"r34": None, "r35": None, "r3None": None},
    }
    assert len(found) == len(deals)
    for date in (day(4), ibis.literal(day(4))):
        told = snapshot.with_team(snapshot.table("deals"), "owner_id", date).to_pyarrow().to_pylist()
        assert [row["team"] for row in sorted(told, key=lambda row: row["deal_id"])] == ["t"] * 6 + [None] * 3


def test_scope_keeps_a_team_and_the_teams_below_it() -> None:
    teams = [
        {"team_id": "world"},
        {"team_id": "west", "parent_team_id": "world"},
        {"team_id": "south-west", "parent_team_id": "west", "name": "South West"},
        {"team_id": "east", "parent_team_id": "world"},
    ]
    snapshot = company({"teams": teams}).as_of()
    west = snapshot.scope("west")
    assert (snapshot.team_ids, west.team_ids) == (None, ("south-west", "west"))
    assert west.as_of(day(2)).team_ids == west.team_ids
    assert snapshot.teams["south-west"].name == "South West"
    table = ibis.memtable({"team": ["west", "south-west", "east", None], "n": [1, 2, 3, 4]})
    assert sorted(west.store.connection.to_pyarrow(west.in_scope(table))["n"].to_pylist()) == [1, 2]
    assert snapshot.in_scope(table) is table
    with pytest.raises(UnknownNameError, match="Did you mean 'west'"):
        snapshot.scope("wets")


def test_a_store_in_a_file_is_read_as_of_a_day(make_store: Any) -> None:
    store = make_store(
        deals=[{"deal_id": "d", "owner_id": "r1", "created_on": day(0), "outcome": "open", "x_score": 3.0}],
        reps=[{"rep_id": "r1"}],
        deal_changes=[change("x_score", 1.0, 2.0, 2), change("x_score", 2.0, 3.0, 5)],
        custom=CUSTOM,
    )
    told = [deal(store.as_of(day(n))) for n in (1, 2, 4, 5)]
    assert [row and row["x_score"] for row in told] == [None, 2.0, 2.0, 3.0]
