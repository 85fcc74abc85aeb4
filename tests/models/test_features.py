"""Features by replay: against the snapshot of each day, against changed futures, and by hand on small companies."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spm_lib.data.history import Snapshot
from spm_lib.data.ingest import ingest
from spm_lib.data.schema import TABLES
from spm_lib.data.sources.demo.truth import truth
from spm_lib.data.store import Store, StoreMeta, create_tables, open_store
from spm_lib.errors import ParameterError
from spm_lib.models import features, stage_times
from spm_lib.models.features import deal_features
from spm_lib.models.landmarks import landmark_days
from spm_lib.models.track_records import PSEUDO_DEALS

Row = dict[str, Any]
Rows = dict[str, list[Row]]

DAY0 = dt.date(2020, 1, 1)
LAST = 120
CUSTOM = {
    "x_score": "DOUBLE",
    "x_seats": "BIGINT",
    "x_day": "DATE",
    "x_trial": "BOOLEAN",
    "x_Rival's name": "VARCHAR",
}
STAGES = [
    {"pipeline": "p", "stage": stage, "position": n + 1, "outcome": outcome}
    for n, (stage, outcome) in enumerate(
        {"s1": "open", "s2": "open", "s3": "open", "s4": "open", "W": "won", "L": "lost"}.items()
    )
]

_connection = duckdb.connect()
create_tables(_connection, CUSTOM)


def day(number: int) -> dt.date:
    return DAY0 + dt.timedelta(days=number)


def moment(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(hour))


def company(tables: Mapping[str, Sequence[Mapping[str, Any]]], **meta: Any) -> Store:
    """A store in memory, its tables filled anew."""
    for name in TABLES:
        _connection.execute(f'delete from "{name}"').fetchall()
        columns = [*TABLES[name].names, *(CUSTOM if name == "deals" else ())]
        rows = tables.get(name, ())
        if rows:
            marks = ", ".join(f"({', '.join('?' for _ in columns)})" for _ in rows)
            values = [row.get(column) for row in rows for column in columns]
            _connection.execute(f'insert into "{name}" values {marks}', values).fetchall()
    counts = {name: len(rows) for name, rows in tables.items()}
    known = {"first_data_date": DAY0, "last_data_date": day(LAST), "rows": counts, **meta}
    return Store(Path("memory"), _connection, StoreMeta("made", moment(900), **known))


def change(field: str, old: Any, new: Any, number: int, hour: int = 12, deal: str = "d") -> Row:
    sides = {
        "old_value": None if old is None else str(old),
        "new_value": None if new is None else str(new),
    }
    return {"deal_id": deal, "field": field, "changed_at": moment(number, hour), **sides}


def deal(**values: Any) -> Row:
    return {"deal_id": "d", "owner_id": "r1", "outcome": "open", "created_on": day(0), **values}


def on(
    days: Sequence[int], deals: Sequence[Row], *changes: Row, tracked: int = 0, **tables: Sequence[Row]
) -> list[dict[str, Any]]:
    """The features of the deal ``d`` on some days, the record of all columns beginning on another."""
    names = [*TABLES["deals"].names, *CUSTOM]
    tables = {"deals": deals, "deal_changes": changes, "stages": STAGES, **tables}
    store = company(tables, tracked_from=dict.fromkeys(names, day(tracked)))
    frame = deal_features(store.as_of(), [day(number) for number in days])
    found = frame[frame["deal_id"] == "d"].to_dict("records")
    assert [row["as_of"].date() for row in found] == sorted(map(day, days))
    return [{str(name): value for name, value in row.items()} for row in found]


def same_deals(snapshot: Snapshot, frame: pd.DataFrame) -> None:
    """Check that a frame of one day holds the deals that the snapshot of that day calls open, and its values."""
    rows = [
        row
        for row in snapshot.table("deals").to_pyarrow().to_pylist()
        if row["outcome"] == "open" and row["merged_into_id"] is None and not (row["amount"] or 0) < 0
    ]
    rows.sort(key=lambda row: row["deal_id"])
    assert [row["deal_id"] for row in rows] == list(frame["deal_id"])
    for column in ("owner_id", "name", "pipeline", "stage", "deal_type", "source", "forecast_category"):
        assert [row[column] for row in rows] == list(frame[column]), column
    assert [row["expected_close_on"] for row in rows] == [
        None if pd.isna(value) else value.date() for value in frame["expected_close_on"]
    ]
    ages = [None if row["created_on"] is None else (snapshot.date - row["created_on"]).days for row in rows]
    assert ages == [None if math.isnan(value) else value for value in frame["age_days"]]
    for name in features.custom_features(frame):
        values = [
            (row[name] - snapshot.date).days if isinstance(row[name], dt.date) else row[name] for row in rows
        ]
        assert values == [None if pd.isna(value) else value for value in frame[name]], name


# -- the demo company ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weekly(demo_store: Path) -> pd.DataFrame:
    with open_store(demo_store) as store:
        snapshot = store.as_of()
        return deal_features(snapshot, [*landmark_days(snapshot), dt.date(2026, 5, 15)])


def test_each_day_is_what_the_snapshot_of_it_tells(demo_store: Path, weekly: pd.DataFrame) -> None:
    days = sorted(set(weekly["as_of"].dt.date))
    assert list(weekly.columns[: len(features.KEYS)]) == list(features.KEYS)
    with open_store(demo_store) as store:
        for date in (days[2], days[60], days[-1]):
            one = weekly[weekly["as_of"] == pd.Timestamp(date)].reset_index(drop=True)
            same_deals(store.as_of(date), one)


def test_a_day_alone_or_among_others_for_a_team_or_all_says_the_same(
    demo_store: Path, weekly: pd.DataFrame
) -> None:
    date = dt.date(2025, 7, 11)
    with open_store(demo_store) as store:
        team = sorted(store.teams)[3]
        # A year earlier nothing of what came since is known to the store's snapshot either.
        alone = deal_features(store.as_of(date).keeping().scope(team), [date])
    among = weekly[weekly["as_of"] == pd.Timestamp(date)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)


def test_types_are_as_promised(weekly: pd.DataFrame) -> None:
    texts = {"deal_id", "owner_id", "team", "name", "pipeline", "stage", *features.CATEGORIES, "x_competitor"}
    for name, kind in weekly.dtypes.items():
        wanted = (
            "object" if name in texts else "datetime64[s]" if weekly[name].dtype.kind == "M" else "float64"
        )
        assert str(kind) == wanted, name
    missing = weekly["x_competitor"][weekly["x_competitor"].isna()]
    assert len(missing) and all(value is None for value in missing)
    assert weekly[["as_of", "deal_id"]].apply(tuple, axis=1).is_monotonic_increasing
    assert not weekly.duplicated(["as_of", "deal_id"]).any()
    assert features.custom_features(weekly) == ("x_discount", "x_competitor")


def test_features_find_what_was_planted(weekly: pd.DataFrame) -> None:
    """A few deals' activities are entered late, and deals by one push or person off: the record knows no better."""
    date = dt.date(2026, 5, 15)
    planted = truth(1).open_deals(date).set_index("deal_id")
    told = weekly[weekly["as_of"] == pd.Timestamp(date)].set_index("deal_id").loc[planted.index]
    assert list(told["stage"]) == list(planted["stage"])
    assert ((pd.Timestamp(date) - planted["entered_on"]).dt.days == told["days_in_stage"]).all()
    quiet_for = (pd.Timestamp(date) - planted["last_activity_on"]).dt.days
    assert (quiet_for == told["days_since_activity"]).mean() > 0.98
    assert (quiet_for <= told["days_since_activity"]).all()
    assert (planted["contacts"] == told["contacts"]).mean() > 0.98
    assert (planted["pushes"] == told["pushes"]).mean() > 0.97
    assert list(planted["no_next_step"]) == list(told["next_step_missing"] == 1)
    assert list(planted["moved_back"]) == list(told["moves_back"] > 0)
    assert (planted["amount_cut"] == (told["amount_cuts"] > 0)).mean() > 0.99
    assert list(planted["competitor"]) == list(told["x_competitor"] == "Kestrel")


# -- any company -----------------------------------------------------------------------------------------------

VALUES: dict[str, list[Any]] = {
    "outcome": ["open", "won", "lost"],
    "stage": ["s1", "s2", "s3", "W", "L", "unlisted", None],
    "pipeline": ["p", "q", None],
    "closed_on": [None, *(day(n) for n in range(0, LAST, 9))],
    "amount": [None, Decimal("0.00"), Decimal("-5.50"), Decimal("1000.00")],
    "expected_close_on": [None, day(3), day(30), day(200)],
    "owner_id": ["r1", "r2"],
    "merged_into_id": [None, None, "other"],
    "next_step": [None, "", "call"],
    "forecast_category": [None, "commit"],
    "account_id": [None, "a1"],
    "name": [None, "A", ""],
    "x_score": [None, 0.0, 1.5],
    "x_day": [None, day(5)],
    "x_trial": [None, True, False],
}


@given(st.integers(0, 10**9))
@settings(max_examples=3, phases=[Phase.explicit, Phase.generate])  # seeds do not shrink
def test_records_that_contradict_each_other_are_replayed_as_snapshots_do(seed: int) -> None:
    dice = random.Random(seed)
    deals, changes, touches = [], {}, []
    for number in range(12):
        row = {name: dice.choice(values) for name, values in VALUES.items()}
        row |= {
            "deal_id": f"d{number}",
            "created_on": dice.choice([None, day(dice.randrange(LAST))]),
            "removed_on": dice.choice([None, None, day(dice.randrange(LAST))]),
        }
        deals.append(row)
        for _ in range(dice.randrange(12)):
            field = dice.choice([*VALUES, "outcome", "closed_on"])
            old, new = dice.choice(VALUES[field]), dice.choice(VALUES[field])
            one = change(field, old, new, dice.randrange(LAST), dice.randrange(24), row["deal_id"])
            changes[row["deal_id"], field, one["changed_at"]] = one
        touches.append(
            {
                "activity_id": f"a{number}",
                "deal_id": row["deal_id"],
                "occurred_at": moment(dice.randrange(LAST)),
                "recorded_at": dice.choice([None, moment(dice.randrange(LAST))]),
            }
        )
    tracked = {name: day(dice.randrange(LAST)) for name in VALUES if dice.random() < 0.7}
    tables = {"deals": deals, "deal_changes": list(changes.values()), "activities": touches}
    if dice.random() < 0.7:
        tables["stages"] = STAGES
    store = company(tables, tracked_from=tracked, fixed=("account_id",) if seed % 2 else ("x_score", "stage"))
    days = [day(n) for n in sorted({*dice.sample(range(LAST), 3), LAST, LAST + 3})]
    frame = deal_features(store.as_of(days[-1]), days)
    for date in days:
        same_deals(store.as_of(date), frame[frame["as_of"] == pd.Timestamp(date)])


NOW = 60
TELLS = ("tracked", "tracked", "tracked", "late", "never")


class World:
    """A company whose days up to `NOW` are played by one generator, and by another from then on."""

    def __init__(self, past: int, future: int) -> None:
        self.dice = random.Random(past)
        self.rows: Rows = {name: [] for name in ("deals", "deal_changes", "activities", "team_members")}
        self.rows |= {"fx_rates": [], "stages": STAGES if past % 3 else []}
        self.tells = {name: self.dice.choice(TELLS) for name in VALUES}
        # A record that tells outcomes in one way and closings in another knows no more of the past than either.
        self.tells["closed_on"] = self.tells["outcome"] = self.tells["stage"] = self.dice.choice(TELLS)
        for number in range(0, LAST + 1, 2):
            if number == NOW + 2:
                self.foretell(random.Random(future))
            self.live(number)

    def foretell(self, dice: random.Random) -> None:
        """What no record tells of a deal open now may become anything."""
        self.dice = dice
        for row in self.rows["deals"]:
            for name in ("amount", "expected_close_on", "next_step", "forecast_category", "x_score", "x_day"):
                if row["outcome"] == "open" and self.tells[name] != "tracked":
                    row[name] = dice.choice(VALUES[name])

    def live(self, number: int) -> None:
        dice, rows = self.dice, self.rows
        for _ in range(dice.randrange(4)):
            values = {name: dice.choice(choices) for name, choices in VALUES.items()}
            values |= {"deal_id": f"d{number}-{dice.random()}", "created_on": day(number), "name": "A"}
            values |= {"outcome": "open", "closed_on": None, "merged_into_id": None, "stage": "s1"}
            rows["deals"].append(values | {"removed_on": None, "currency": dice.choice([None, "EUR"])})
        for row in rows["deals"]:
            if row["outcome"] == "open" and not row["removed_on"] and dice.random() < 0.4:
                self.change(row, number)
        for touch in range(3 if rows["deals"] else 0):
            happened = moment(max(0, number + dice.randint(-5, 5)), dice.randrange(24))
            rows["activities"].append(
                {
                    "activity_id": f"a{number}-{touch}",
                    "deal_id": dice.choice(rows["deals"])["deal_id"],
                    "contact_id": dice.choice([None, "c1", "c2"]),
                    "occurred_at": happened,
                    "recorded_at": moment(number),
                    "completed": True,
                }
            )
        member = {"rep_id": "r1", "team_id": dice.choice("tu"), "valid_from": day(number)}
        rows["team_members"].append(member | {"valid_to": day(number + 1)})
        rate = {"currency": "EUR", "valid_from": day(number), "rate": dice.choice([1, 2, 3])}
        rows["fx_rates"].append(rate)

    def change(self, row: Row, number: int) -> None:
        dice = self.dice
        kind = dice.random()
        if kind < 0.1:
            outcome = dice.choice(["won", "lost"])
            self.set(row, "stage", "W" if outcome == "won" else "L", number)
            self.set(row, "outcome", outcome, number)
            self.set(row, "closed_on", day(number), number)
        elif kind < 0.13:
            row["removed_on"] = day(number)
        elif kind < 0.16:
            self.set(row, "merged_into_id", "other", number)
        elif kind < 0.4:
            self.set(row, "stage", dice.choice(["s1", "s2", "s3"]), number)
        else:
            fields = ["amount", "expected_close_on", "owner_id", "next_step", "x_score", "x_day"]
            field = dice.choice(fields)
            self.set(row, field, dice.choice(VALUES[field]), number)

    def set(self, row: Row, field: str, value: Any, number: int) -> None:
        tell = self.tells[field]
        if row[field] != value and (tell == "tracked" or (tell == "late" and number > NOW)):
            self.rows["deal_changes"].append(change(field, row[field], value, number, 12, row["deal_id"]))
        row[field] = value

    def snapshot(self) -> Snapshot:
        since = {"tracked": day(0), "late": day(NOW + 2)}
        tracked = {name: since[tell] for name, tell in self.tells.items() if tell in since}
        return company(self.rows, tracked_from=tracked, currency="USD").as_of()


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=3, phases=[Phase.explicit, Phase.generate])  # seeds do not shrink
def test_no_feature_knows_the_future(past: int, one: int, other: int) -> None:
    days = [day(30), day(NOW)]
    worlds = [World(past, one), World(past, other)]
    assert worlds[0].rows != worlds[1].rows or one == other
    told = [deal_features(world.snapshot(), days) for world in worlds]
    assert len(told[0])
    pd.testing.assert_frame_equal(told[0], told[1])


# -- by hand ---------------------------------------------------------------------------------------------------


def test_moves_are_counted_while_the_deal_is_open() -> None:
    row = deal(pipeline="p", stage="s4", amount=80, expected_close_on=day(90), owner_id="r3")
    changes = [
        change("stage", "s1", "s3", 5),
        change("stage", "s3", "s2", 8),
        change("stage", "s2", "s4", 20),
        change("expected_close_on", day(40), day(50), 5),
        change("expected_close_on", day(50), day(45), 9),
        change("expected_close_on", day(45), day(90), 12),
        change("amount", 100, 120, 4),
        change("amount", 120, 80, 6),
        change("owner_id", "r1", "r2", 3),
        change("owner_id", "r2", "r3", 50),
    ]
    early, told = on([2, 30], [row], *changes)
    expected = {
        "moves_back": 1,
        "stages_skipped": 2,
        "pushes": 2,
        "pulls": 1,
        "days_pushed": 50,
        "amount_raises": 1,
        "amount_cuts": 1,
        "amount_ratio": 0.8,
        "owner_changes": 1,
        "stage_position": 4,
        "days_in_stage": 10,
        "days_to_expected_close": 60,
        "age_days": 30,
        "owner_open_deals": 1,
        "month": 1,
        "days_left_in_period": 60,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["owner_id"] == "r2"
    assert told["log_amount"] == pytest.approx(math.log(81))
    assert (early["pushes"], early["owner_changes"], early["amount_ratio"]) == (0, 0, 1)


def test_a_slip_put_right_the_same_day_and_what_closing_overwrites_are_no_moves() -> None:
    row = deal(stage="s2", pipeline="p", amount=100, expected_close_on=day(40))
    slip = [
        change("expected_close_on", day(40), day(400), 5, 9),
        change("expected_close_on", day(400), day(40), 5, 10),
    ]
    lost = [
        change("outcome", "open", "lost", 10),
        change("closed_on", None, day(10), 10),
        change("stage", "s2", "L", 10),
        change("expected_close_on", day(40), day(10), 10),
        change("amount", 100, 1, 10),
    ]
    reopened = [
        change("outcome", "lost", "open", 20),
        change("closed_on", day(10), None, 20),
        change("stage", "L", "s2", 20),
        change("expected_close_on", day(10), day(40), 20),
        change("amount", 1, 100, 20),
    ]
    (told,) = on([30], [row], *slip, *lost, *reopened)
    assert {told[name] for name in ("pushes", "pulls", "days_pushed", "amount_cuts", "amount_raises")} == {0}
    assert (told["moves_back"], told["stages_skipped"], told["days_in_stage"]) == (0, 0, 10)


def test_counts_of_a_deal_older_than_the_record_are_unknown_until_something_is_recorded() -> None:
    row = deal(expected_close_on=day(50), amount=90, stage="s1", pipeline="p")
    cut = change("amount", 100, 90, 20)
    before, told = on([5, 30], [row], cut, tracked=10)
    assert (told["amount_cuts"], told["amount_ratio"]) == (1, 0.9)
    for name in ("pushes", "days_pushed", "owner_changes", "moves_back", "days_in_stage"):
        assert math.isnan(told[name]), name
    assert math.isnan(before["amount"])
    assert math.isnan(before["amount_cuts"])
    assert before["stage"] is None


def test_an_amount_is_in_the_reporting_currency_of_the_day_and_its_ratio_in_its_own() -> None:
    rates = [{"currency": "EUR", "valid_from": day(n), "rate": rate} for n, rate in ((0, 2), (20, 3))]
    row = deal(amount=50, currency="EUR")
    before, told = on([3, 30], [row], change("amount", 100, 50, 5), fx_rates=rates)
    assert (before["amount"], before["amount_ratio"]) == (200, 1)
    assert (told["amount"], told["amount_ratio"]) == (150, 0.5)
    (unknown,) = on([30], [deal(amount=50, currency="GBP")], fx_rates=rates)
    assert math.isnan(unknown["amount"])
    assert unknown["amount_ratio"] == 1


def test_activities_count_once_taken_place_and_entered() -> None:
    def touch(number: int, *, entered: int | None = None, who: str | None = None, **more: Any) -> Row:
        recorded = None if entered is None else moment(entered)
        ids = {"activity_id": f"{number}-{entered}-{who}", "deal_id": "d", "contact_id": who}
        return {**ids, "occurred_at": moment(number), "recorded_at": recorded, "completed": True, **more}

    touches = [
        touch(0, deal_id="other", who="z"),
        touch(59, who="a"),
        touch(73, who="b"),
        touch(74, who="a"),
        touch(79, entered=90, who="c"),  # entered later than the day
        touch(85, entered=70, who="d"),  # planned
        touch(78, entered=70, who="e", completed=False),  # never took place
        touch(60, entered=80),
    ]
    others = [deal(), deal(deal_id="other")]
    early, told, later = on([5, 80, 90], others, activities=touches)
    # 74 lies in the last 7 days, 73 and 74 in the last 14; 59 and 60 in the 14 before or the 30.
    assert (told["activities_7"], told["activities_14"], told["activities_30"]) == (1, 2, 4)
    assert (told["activity_trend"], told["days_since_activity"], told["contacts"]) == (0, 6, 2)
    assert (later["days_since_activity"], later["contacts"]) == (5, 4)
    assert (early["days_since_activity"], early["contacts"]) == (5, 0)
    assert math.isnan(early["activities_7"])  # the record is six days old
    assert early["age_days"] == 5


def test_a_deal_older_than_the_record_of_activities_is_quiet_since_its_beginning() -> None:
    touches = [{"activity_id": "a", "deal_id": "x", "contact_id": "c", "occurred_at": moment(20)}]
    before, told = on([19, 50], [deal()], activities=touches)
    assert (told["days_since_activity"], told["activities_30"]) == (30, 0)
    assert math.isnan(told["contacts"])
    assert math.isnan(before["days_since_activity"])


def test_the_usual_time_in_a_stage_is_that_of_stays_over_before_the_month() -> None:
    def passing(number: int, length: int) -> tuple[Row, Row]:
        row = deal(deal_id=f"e{number}", pipeline="p", stage="s2", created_on=day(0))
        return row, change("stage", "s1", "s2", length, deal=row["deal_id"])

    least = stage_times.LEAST_STAYS
    lengths = [*range(1, least + 1)]
    pairs = [passing(n, length) for n, length in enumerate(lengths)]
    late = passing(99, 40)  # over in the month asked about: not yet usual
    row = deal(pipeline="p", stage="s1", created_on=day(10))
    rows, moves = [row, late[0], *(pair[0] for pair in pairs)], [late[1], *(pair[1] for pair in pairs)]
    during, told = on([25, 50], rows, *moves)
    assert told["stage_time_ratio"] == pytest.approx(40 / np.quantile(lengths, 0.9))
    # Asked in the month in which they ended, or with one stay fewer: nothing is usual yet.
    assert math.isnan(during["stage_time_ratio"])
    (few,) = on([50], rows[:-1], *moves[:-1])
    assert math.isnan(few["stage_time_ratio"])


def test_records_of_owners_and_accounts_hold_what_was_closed_by_then() -> None:
    def closed(name: str, outcome: str, number: int, **more: Any) -> tuple[Row, Row]:
        row = deal(deal_id=name, outcome=outcome, closed_on=day(number), account_id="a", amount=5, **more)
        return row, change("outcome", "open", outcome, number, deal=name)

    pairs = [
        closed("w1", "won", 5),
        closed("w2", "won", 6, owner_id="r2"),
        closed("l1", "lost", 7),
        closed("late", "won", 31),
        closed("m", "won", 8, merged_into_id="w1"),
    ]
    refund = closed("refund", "won", 9)
    refund[0]["amount"] = -5
    rows = [deal(account_id="a"), *(p[0] for p in pairs), refund[0]]
    early, told = on([3, 30], rows, *(p[1] for p in pairs), refund[1])
    assert (told["account_won"], told["account_lost"]) == (2, 1)
    # The late one is open still.
    assert (told["account_open_deals"], told["owner_open_deals"]) == (2, 2)
    rate = 2 / 3
    assert told["owner_win_rate"] == pytest.approx((1 + PSEUDO_DEALS * rate) / (2 + PSEUDO_DEALS))
    assert math.isnan(early["owner_win_rate"])


def test_a_reopened_deal_counts_for_nobody_while_it_is_open() -> None:
    other = deal(deal_id="o", account_id="a")
    changes = [
        change("outcome", "open", "lost", 5, deal="o"),
        change("outcome", "lost", "open", 15, deal="o"),
    ]
    rows = [deal(account_id="a"), other]
    assert [told["account_lost"] for told in on([10, 20], rows, *changes)] == [1, 0]


def test_custom_columns_of_every_type_come_along() -> None:
    custom = {"x_score": 1.5, "x_seats": 7, "x_day": day(40), "x_trial": True, "x_Rival's name": "Acme; drop"}
    before, told = on([10, 30], [deal(**custom)], change("x_trial", None, "true", 20))
    assert (told["x_score"], told["x_seats"], told["x_day"], told["x_trial"]) == (1.5, 7, 10, 1)
    assert told["x_Rival's name"] == "Acme; drop"
    assert math.isnan(before["x_trial"])


def test_the_team_is_that_of_the_day() -> None:
    members = [
        {"rep_id": "r1", "team_id": "t", "valid_to": day(9)},
        {"rep_id": "r1", "team_id": "u", "valid_from": day(10)},
    ]
    assert [told["team"] for told in on([9, 10], [deal()], team_members=members)] == ["t", "u"]
    assert [told["team"] for told in on([9, 10], [deal(owner_id="r2")], team_members=members)] == [None] * 2


def test_a_next_step_is_missing_only_where_there_are_any() -> None:
    rows = [deal(next_step=" "), deal(deal_id="e", next_step="call")]
    before, after = on([5, 30], rows, change("next_step", None, "call", 20, deal="e"))
    assert math.isnan(before["next_step_missing"])
    assert after["next_step_missing"] == 1


# -- sources that tell little ------------------------------------------------------------------------------------


def test_without_any_history_there_are_creation_age_and_what_is_fixed() -> None:
    rows = [
        deal(stage="s1", amount=5, account_id="a", deal_type="New", expected_close_on=day(50)),
        deal(deal_id="w", outcome="won", closed_on=day(20), amount=5, account_id="a"),
    ]
    store = company({"deals": rows}, fixed=("owner_id", "account_id", "deal_type"))
    frame = deal_features(store.as_of(), [day(10), day(30), day(LAST)])
    told = frame[frame["deal_id"] == "d"].set_index("as_of")
    past, now = told.loc[pd.Timestamp(day(30))], told.loc[pd.Timestamp(day(LAST))]
    assert (past["age_days"], past["deal_type"], past["account_won"]) == (30, "New", 1)
    assert past["stage"] is None
    for name in ("amount", "days_to_expected_close", "days_since_activity", "contacts", "pushes"):
        assert math.isnan(past[name]), name
    # Today's values are known today; what happened before is not.
    assert (now["stage"], now["amount"], now["days_to_expected_close"]) == ("s1", 5, 50 - LAST)
    assert math.isnan(now["pushes"])
    assert math.isnan(now["amount_ratio"])
    assert len(frame) == 4


def test_a_company_without_open_deals_gives_an_empty_frame_with_all_columns() -> None:
    lost = deal(outcome="lost", closed_on=day(3))
    full = deal_features(company({"deals": [deal()]}).as_of(), [day(9)])
    for tables, days in (({"deals": [lost]}, [day(9)]), ({"deals": [deal()]}, [])):
        frame = deal_features(company(tables).as_of(day(10)), days)
        assert not len(frame)
        assert list(frame.columns) == list(full.columns)
        assert list(frame.dtypes) == list(full.dtypes)
    empty = company({}, last_data_date=None, first_data_date=None).as_of(day(9))
    assert not len(deal_features(empty, [day(9)]))


def test_a_day_after_the_snapshots_is_refused() -> None:
    snapshot = company({"deals": [deal()]}).as_of(day(9))
    with pytest.raises(ParameterError, match="2020-01-11 lies after"):
        deal_features(snapshot, [day(9), day(10)])


def test_snapshots_that_keep_their_tables_tell_the_same_and_nothing_is_left_in_memory() -> None:
    rows = [deal(amount=5, stage="s1", pipeline="p"), deal(deal_id="e", owner_id="r2")]
    snapshot = company({"deals": rows, "stages": STAGES}).as_of()
    merged = ibis.options.sql.fuse_selects
    try:
        kept = deal_features(snapshot.keeping(), [day(9)])
    finally:
        ibis.options.sql.fuse_selects = merged
    pd.testing.assert_frame_equal(kept, deal_features(snapshot, [day(9)]))
    assert snapshot.store.rows("select table_name from duckdb_tables() where temporary") == []


@pytest.mark.real_data
@pytest.mark.parametrize(("source", "open_deals"), [("maven", 2089), ("adventureworks", 0)])
def test_real_sources_tell_what_they_can(
    source: str, open_deals: int, real_data: Path, tmp_path: Path
) -> None:
    assert real_data.is_dir()
    spec = Path(__file__).parents[2] / "params" / "sources" / f"{source}.yml"
    ingest(spec, tmp_path / "store.duckdb", now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    with open_store(tmp_path / "store.duckdb") as store:
        snapshot = store.as_of()
        days = landmark_days(snapshot)
        frame = deal_features(snapshot, days)
        assert (frame["as_of"] == pd.Timestamp(snapshot.date)).sum() == open_deals
        for date in (days[1], days[-2], days[-1]):
            same_deals(store.as_of(date), frame[frame["as_of"] == pd.Timestamp(date)])
    assert frame["pushes"].isna().all()
    assert not frame.empty or source == "adventureworks"
