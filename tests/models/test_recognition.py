"""Recognition: only what is earned, by known answers, traps, and the metrics as oracle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.errors import SpecError
from spm_lib.metrics import evaluate
from spm_lib.models.recognition import COLUMNS, recognised, recognitions_of, unasked
from spm_lib.models.recognition_figures import most_improved
from spm_lib.models.recognition_records import Records, read_records
from spm_lib.models.recognition_rules import (
    KINDS,
    RULES_FILE,
    MostImproved,
    RecognitionRules,
    find_recognition_rules,
    load_recognition_rules,
)
from spm_lib.periods import last_periods, parse_period

ROOT = Path(__file__).parents[2]
D = dt.date
END = D(2024, 6, 30)
Q2 = parse_period("2024-Q2", as_of=END)
RULES = load_recognition_rules()
TRACKED = {n: D(2022, 1, 1) for n in ("outcome", "stage", "amount", "expected_close_on", "owner_id")}
META = {"first_data_date": D(2022, 1, 1), "first_closed_on": D(2022, 1, 1), "last_data_date": END,
        "tracked_from": TRACKED}  # fmt: skip
REPS = [{"rep_id": f"R{i}", "name": name} for i, name in enumerate(["Ann", "Bo", "Cy", "Di", "Ed", "Flo"])]
TEAMS = [{"team_id": "T0", "name": "West"}, {"team_id": "T1", "name": "East"}]
WEST = [{"rep_id": f"R{i}", "team_id": "T0"} for i in range(6)]
STAGES = [
    {"pipeline": "New", "stage": s, "position": i, "outcome": o}
    for i, (s, o) in enumerate(
        [("Talk", "open"), ("Offer", "open"), ("Won", "won"), ("Lost", "lost")], start=1
    )
]
_NUMBER = iter(range(10**6))


def won(rep: int | str, day: D, amount: float | None = 100, **more: Any) -> dict[str, Any]:
    owner = rep if isinstance(rep, str) else f"R{rep}"
    return {"deal_id": f"D{next(_NUMBER)}", "owner_id": owner, "outcome": "won", "amount": amount, "closed_on": day,
            "created_on": day - dt.timedelta(days=40), "pipeline": "New", "stage": "Won"} | more  # fmt: skip


def lost(rep: int, day: D, **more: Any) -> dict[str, Any]:
    return won(rep, day, None, outcome="lost", stage="Lost", **more)


def quota(rep: int | str, amount: float, period: str = "2024-Q2", **more: Any) -> dict[str, Any]:
    span = parse_period(period, as_of=END)
    owner = rep if isinstance(rep, str) else f"R{rep}"
    return {"owner_kind": "rep", "owner_id": owner, "kind": "individual", "starts_on": span.start,
            "ends_on": span.end, "amount": amount} | more  # fmt: skip


def change(deal: str, field: str, old: str | None, new: str | None, at: dt.datetime) -> dict[str, Any]:
    return {"deal_id": deal, "field": field, "old_value": old, "new_value": new, "changed_at": at}


def at(day: D, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour))


def rules(**kinds: dict[str, Any]) -> RecognitionRules:
    """Give the rules with only these kinds on, with these thresholds."""
    off = {kind: {"enabled": False} for kind in KINDS if kind not in kinds}
    return RecognitionRules.model_validate({"kinds": {**off, **kinds}})


@pytest.fixture
def company(make_store):
    def make(deals, *, day=END, team=None, meta=None, **tables):
        tables = {"reps": REPS, "teams": TEAMS, "team_members": WEST, "stages": STAGES} | tables
        store = make_store(deals=deals, meta=META | (meta or {}), **tables)
        snapshot = store.as_of(day)
        return snapshot.scope(team) if team else snapshot

    return make


def told(frame: pd.DataFrame, *columns: str) -> list[Any]:
    rows = [tuple(row) for row in frame[list(columns)].itertuples(index=False)]
    return [row[0] for row in rows] if len(columns) == 1 else rows


# -- The rules ----------------------------------------------------------------------------------------------


def test_the_shipped_file_says_what_the_defaults_say(tmp_path: Path) -> None:
    assert load_recognition_rules(ROOT / RULES_FILE) == RecognitionRules()
    assert find_recognition_rules(ROOT) == find_recognition_rules(tmp_path) == RecognitionRules()
    assert set(RULES.labels) == set(KINDS)


def test_a_company_writes_its_own_words_and_thresholds(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    text = "kinds:\n  streak: {periods: 2, label: Läuft!}\n  best_help: {enabled: false}\n"
    (tmp_path / RULES_FILE).write_text(text, "utf-8")
    found = find_recognition_rules(tmp_path)
    assert (found.kinds.streak.periods, found.labels["streak"]) == (2, "Läuft!")
    assert not found.gives("best_help") and found.gives("comeback")
    assert found.kinds.comeback == RULES.kinds.comeback


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("kinds:\n  streaks: {}", 2, "unknown key 'streaks' in 'kinds'. Did you mean 'streak'?"),
        ("kind: {}", 1, "Did you mean 'kinds'?"),
        ("kinds:\n  streak:\n    period: 3", 3, "Did you mean 'periods'?"),
        ("kinds:\n  streak:\n    periods: 1", 3, "greater than or equal to 2; it is '1'"),
        ("kinds:\n  streak:\n    periods: three", 3, "it is 'three'. Write a whole number"),
        ("kinds:\n  streak:\n    periods: 2.5", 3, "it is '2.5'. Write a whole number"),
        ("kinds:\n  streak:\n    periods: true", 3, "it is 'True'. Write a whole number"),
        ("kinds:\n  streak:\n    enabled: yes", 3, "it is 'yes'. Write true or false"),
        ("kinds:\n  comeback:\n    missed_below: 75", 3, "less than or equal to 1; it is '75'"),
        ("kinds:\n  comeback:\n    missed_below: 75%", 3, "it is '75%'. Write a number"),
        ("kinds:\n  quota_reached:\n    attainment: .nan", 3, "it is '.nan'. Write a number"),
        ("kinds:\n  quota_reached:\n    label: ''", 3, "the label is empty"),
        ("kinds:\n  quota_reached:\n    label: " + "x" * 61, 3, "more than 60 characters"),
        ("kinds:\n  most_improved:\n    false_discovery_rate: 0.5", 3, "less than or equal to 0.2"),
        ("just_ended_days: -1", 1, "greater than or equal to 0"),
        ("kinds: [streak]", 1, "'kinds' should hold keys"),
        ("", None, "the file is empty"),
    ],
)
def test_a_mistake_in_the_rules_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, words: str
) -> None:
    path = tmp_path / "recognition.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(SpecError) as error:
        load_recognition_rules(path)
    assert words in str(error.value)
    assert line is None or f"recognition.yml:{line}:" in str(error.value)


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no such file"):
        load_recognition_rules(tmp_path / "recognition.yml")


# -- Quotas -------------------------------------------------------------------------------------------------


def test_only_a_persons_own_quota_that_is_reached_counts(company) -> None:
    deals = [won(r, D(2024, 5, 1), 100) for r in range(5)] + [won(1, D(2024, 5, 2), -0.01)]
    quotas = [
        quota(0, 100),  # reached, to the cent
        quota(1, 100),  # a refund of one cent short
        quota(2, 0),
        quota(3, 50, kind="roll_up"),  # is not a person's
        quota("T0", 1, owner_kind="team"),
        quota(5, 100),  # no deals
    ]
    found = recognised(company(deals, quotas=quotas), Q2, rules(quota_reached={}))
    assert told(found, "rep_name", "kind", "value", "revenue", "quota", "n", "unit") == [
        ("Ann", "quota_reached", 1.0, 100.0, 100.0, 1, "share")
    ]
    assert list(found.columns) == list(COLUMNS)
    assert recognitions_of(found, "R0")["kind"].tolist() == ["quota_reached"]
    assert recognitions_of(found, "R1").empty


def test_a_quota_for_the_year_is_not_the_quarters(company) -> None:
    snapshot = company(
        [won(0, D(2024, 5, 1), 90), won(1, D(2024, 5, 1), 90)],
        quotas=[quota(0, 100, "2024"), quota(1, 30, "2024-04"), quota(1, 30, "2024-05")],
    )
    assert told(recognised(snapshot, Q2, rules(quota_reached={})), "rep_name", "value") == [("Bo", 1.5)]
    year = recognised(snapshot, parse_period("2024", as_of=END), rules(quota_reached={}))
    assert told(year, "rep_name", "complete") == [("Bo", False)]


def test_who_moved_is_told_by_the_days_and_deals_in_the_team(company) -> None:
    moved = [
        {"rep_id": "R0", "team_id": "T1", "valid_from": None, "valid_to": D(2024, 5, 15)},
        {"rep_id": "R0", "team_id": "T0", "valid_from": D(2024, 5, 16), "valid_to": None},
        {"rep_id": "R1", "team_id": "T1"},
    ]
    deals = [
        won(0, D(2024, 4, 20), 70, name="Old team"),
        won(0, D(2024, 6, 1), 60),
        won(1, D(2024, 5, 1), 10),
    ]
    tables = {"team_members": moved, "quotas": [quota(0, 91)]}
    rule = rules(quota_reached={})
    for team, value, days in (("T0", 60, 46), ("T1", 70, 45)):
        found = recognised(company(deals, team=team, **tables), Q2, rule)
        assert told(found, "revenue", "quota", "partial", "elsewhere") == [(value, days, True, True)]
        # Nothing is said of a team outside of the scope.
        assert told(found, "team_name") == (["West"] if team == "T0" else [None])
    whole = recognised(company(deals, **tables), Q2, rule)
    assert told(whole, "revenue", "quota", "partial", "elsewhere") == [(130, 91, False, False)]


def test_who_has_left_is_not_told_and_nobody_takes_the_place(company) -> None:
    reps = [
        {"rep_id": "R0", "name": "Ann", "left_on": D(2024, 6, 29)},
        {"rep_id": "R1", "name": "Bo", "left_on": END},
    ]
    deals = [won(0, D(2024, 5, 1), 900), *(won(1, D(2024, 5, 2), 100 + i) for i in range(6))]
    snapshot = company(deals, reps=reps, quotas=[quota(0, 100), quota(1, 100)])
    found = recognised(snapshot, Q2, rules(quota_reached={}, biggest_deal={}))
    assert told(found, "rep_name", "kind") == [("Bo", "quota_reached")]


def test_a_streak_is_unbroken_up_to_the_period_told(company) -> None:
    quarters = ["2023-Q2", "2023-Q3", "2023-Q4", "2024-Q1", "2024-Q2"]
    sold = {
        0: [9, 9, 9, 9, 9],
        1: [9, 0, 9, 9, 9],
        2: [9, 9, 9, 9, 0],
        3: [9, 9, 9, 0, 9],
        4: [9, 9, 9, None, 9],
    }
    deals, quotas = [], []
    for rep, amounts in sold.items():
        for quarter, amount in zip(quarters, amounts, strict=True):
            deals += [won(rep, parse_period(quarter, as_of=END).start, amount)] if amount is not None else []
            # An unknown quarter is not a reached one.
            quotas += [] if amount is None else [quota(rep, 9, quarter)]
    snapshot = company(deals, quotas=quotas)
    found = recognised(snapshot, Q2, rules(streak={}))
    assert told(found, "rep_name", "value", "compared_with") == [("Ann", 5, 1), ("Bo", 3, 1)]
    assert [str(day.date()) for day in found["since"]] == ["2023-04-01", "2023-10-01"]
    # It is told by this period's end, not before.
    earlier = recognised(snapshot, parse_period("2024-Q1", as_of=END), rules(streak={}))
    assert told(earlier, "rep_name", "value") == [("Ann", 4), ("Cy", 4)]


def test_a_comeback_follows_a_period_that_was_clearly_missed(company) -> None:
    before = {0: 74, 1: 76, 2: None, 3: 10}
    deals = [won(r, D(2024, 2, 1), a) for r, a in before.items() if a]
    deals += [won(r, D(2024, 5, 1), 100) for r in (0, 1, 2)] + [won(3, D(2024, 5, 1), 99)]
    quotas = [quota(r, 100) for r in range(4)] + [quota(r, 100, "2024-Q1") for r in range(4)]
    snapshot = company(deals, quotas=quotas)
    found = recognised(snapshot, Q2, rules(comeback={}))
    # Cy sold nothing, and is known to have sold nothing.
    assert told(found, "rep_name", "value", "compared_with", "compared_period", "unit") == [
        ("Ann", 1.0, 0.74, "Q1 2024", "share"),
        ("Cy", 1.0, 0.0, "Q1 2024", "share"),
    ]
    # Data that begin in mid-period do not show a miss.
    young = company(deals, quotas=quotas, meta={"first_closed_on": D(2024, 2, 1)})
    assert recognised(young, Q2, rules(comeback={})).empty


def test_attainment_is_the_metrics_own(demo_store: Path) -> None:
    with open_store(demo_store) as store:
        for team, places in (("emea", (-1, -2, -5)), (None, (-2,))):
            whole = store.as_of()
            snapshot = (whole.scope(team) if team else whole).keeping()
            records = read_records(snapshot, parse_period("2026-Q3", as_of=snapshot.date))
            for place in places:
                frame = evaluate("quota_attainment", snapshot, records.periods[place], by="rep")
                oracle = frame.set_index("rep")["value"].dropna()
                found = pd.Series(records.attainment[:, place], records.reps).dropna()
                pd.testing.assert_series_equal(
                    found.sort_index(), oracle.sort_index(), check_names=False, check_index_type=False
                )


# -- Own past -----------------------------------------------------------------------------------------------


def earlier_quarters(rep: int, amounts: Sequence[float | None]) -> list[dict[str, Any]]:
    return [
        won(rep, p.start, a)
        for p, a in zip(last_periods(Q2, len(amounts)), amounts, strict=True)
        if a is not None
    ]


def test_a_personal_best_is_above_all_known_quarters_of_which_there_are_enough(company) -> None:
    deals = [
        *earlier_quarters(0, [50, 60, 70, 80]), won(0, D(2024, 5, 1), 81),
        *earlier_quarters(1, [50, 60, 70, 80]), won(1, D(2024, 5, 1), 80),  # as much is not more
        *earlier_quarters(2, [60, 70, 80]), won(2, D(2024, 5, 1), 800),  # too few quarters to compare with
        *earlier_quarters(3, [900, 60, 70, 80]), won(3, D(2024, 5, 1), 900), won(3, D(2024, 5, 2), 50),
        won(3, D(2024, 6, 2), -60),  # a refund takes it back
        *earlier_quarters(4, [50, None, 60, 70, 80]), won(4, D(2024, 5, 1), 90), won(4, D(2024, 5, 1), None),
        *earlier_quarters(5, [-50, -60, -70, -80]), won(5, D(2024, 5, 1), -1),
    ]  # fmt: skip
    found = recognised(company(deals), Q2, rules(personal_best={}))
    assert told(found, "rep_name", "value", "compared_with", "compared_n", "unpriced") == [
        ("Ann", 81, 80, 4, 0),
        ("Ed", 90, 80, 4, 1),
    ]


def test_a_first_month_is_no_record_and_a_young_period_tells_of_the_one_before(company) -> None:
    deals = [*earlier_quarters(0, [50, 60, 70, 80]), won(0, D(2024, 5, 1), 81), won(1, D(2024, 6, 1), 9999)]
    deals += [won(0, D(2024, 7, 1), 1)]
    for day, expected in ((D(2024, 7, 14), [("Ann", "Q2 2024", True)]), (D(2024, 7, 15), [])):
        snapshot = company(deals, day=day, meta={"last_data_date": D(2024, 7, 31)})
        running = parse_period("2024-Q3", as_of=day)
        found = recognised(snapshot, running, rules(personal_best={}))
        assert told(found, "rep_name", "period", "complete") == expected
        # A period to date is told as the whole that it begins.
        pd.testing.assert_frame_equal(
            found, recognised(snapshot, running.to_date(day), rules(personal_best={}))
        )


def test_improvement_is_named_where_it_is_plain_and_not_by_refunds(company) -> None:
    deals = []
    for rep in range(4):
        for period in last_periods(Q2, 4):
            deals += [won(rep, period.start) for _ in range(2)] + [lost(rep, period.start) for _ in range(6)]
    deals += [won(0, D(2024, 5, 1)) for _ in range(11)] + [lost(0, D(2024, 5, 1))]
    deals += [won(1, D(2024, 5, 1)) for _ in range(4)] + [lost(1, D(2024, 5, 1)) for _ in range(8)]
    deals += [won(2, D(2024, 5, 1), -1) for _ in range(30)] + [lost(2, D(2024, 5, 1)) for _ in range(10)]
    deals += [won(3, D(2024, 5, 1)) for _ in range(9)]  # too few to tell
    found = recognised(company(deals), Q2, rules(most_improved={}))
    assert told(found, "rep_name", "measure", "n", "compared_with", "compared_n", "unit") == [
        ("Ann", "win_rate", 12, 0.25, 32, "share")
    ]
    assert found["value"].iloc[0] == 11 / 12
    assert 0 < found["low"].iloc[0] < 2 / 3 < found["high"].iloc[0]


def test_revenue_is_compared_with_the_same_quarter_a_year_ago_at_the_same_point(company) -> None:
    deals = [won(0, D(2023, 4, 1) + dt.timedelta(days=i), 100) for i in range(12)]
    deals += [won(0, D(2023, 6, 20), 5000)]  # after the point
    deals += [won(0, D(2024, 4, 1) + dt.timedelta(days=i), 900) for i in range(12)]
    deals += [won(1, D(2023, 4, 1), 10) for i in range(9)] + [won(1, D(2024, 4, 1), 900) for i in range(15)]
    found = recognised(company(deals, day=D(2024, 5, 31)), Q2, rules(most_improved={}))
    assert told(found, "rep_name", "measure", "value", "n", "compared_with", "compared_n", "compared_period") == [
        ("Ann", "revenue", 10800, 12, 1200, 12, "Q2 2023")
    ]  # fmt: skip
    assert recognised(company(deals, day=END), Q2, rules(most_improved={})).empty


def test_without_improvement_few_are_named() -> None:
    rng = np.random.default_rng(8)
    periods = tuple([*last_periods(Q2, 5), Q2])
    named = 0
    for _ in range(120):
        decided = rng.poisson(30, size=(12, len(periods)))
        wins = rng.binomial(decided, rng.uniform(0.15, 0.5, size=(12, 1)))
        sizes = rng.lognormal(9, 0.6, size=(*wins.shape, wins.max()))
        sizes *= np.arange(wins.max()) < wins[:, :, None]
        sums = {
            "won": wins, "revenue_n": wins, "lost": decided - wins, "refunds": np.zeros_like(wins),
            "revenue": sizes.sum(axis=2), "revenue_squares": (sizes**2).sum(axis=2),
        }  # fmt: skip
        sums = {name: values.astype(float) for name, values in sums.items()}
        nothing = np.full(wins.shape, np.nan)
        reps = np.array([f"R{i}" for i in range(12)], dtype=object)
        covered = np.ones(len(periods), dtype=bool)
        records = Records(reps, periods, END, sums, sums, nothing, nothing, nothing > 0, covered)
        named += len(most_improved(records, [5], MostImproved())) > 0
    # Of both tails together 5 % of teams have any at all; praise looks at one of them.
    assert named / 120 <= 0.06


# -- Deals --------------------------------------------------------------------------------------------------


def test_the_biggest_deal_is_told_with_ties_and_as_a_record_where_it_is_one(company) -> None:
    deals = [won(0, D(2024, 1, 1) - dt.timedelta(days=i), 50) for i in range(10)]
    deals += [
        won(0, D(2024, 5, 1), 500, name="Acme", account_id="A0"),
        won(1, D(2024, 5, 2), 500, name="Bolt"),
    ]
    deals += [won(2, D(2024, 5, 3), 10), won(2, D(2024, 5, 3), 20), won(2, D(2024, 5, 3), None)]
    snapshot = company(
        [*deals, won(2, D(2024, 5, 4), 5)], accounts=[{"account_id": "A0", "name": "Acme Inc"}]
    )
    found = recognised(snapshot, Q2, rules(biggest_deal={}))
    columns = ("rep_name", "deal_name", "value", "n", "shared", "record", "compared_n", "unpriced")
    assert told(found, *columns) == [
        ("Ann", "Acme", 500, 5, 2, True, 10, 1),
        ("Bo", "Bolt", 500, 5, 2, False, 0, 1),
    ]
    assert told(found, "account") == ["Acme Inc", None]
    # Four deals are too few to speak of the biggest.
    assert recognised(company(deals[:-1]), Q2, rules(biggest_deal={})).empty


def test_alone_in_a_team_only_an_own_record_is_told(company) -> None:
    alone = [won(0, D(2024, 5, 1) + dt.timedelta(days=i), 100 + i) for i in range(6)]
    assert recognised(company(alone, team="T0"), Q2, rules(biggest_deal={})).empty
    past = [won(0, D(2023, 5, 1) + dt.timedelta(days=i), 20) for i in range(10)]
    found = recognised(company(past + alone, team="T0"), Q2, rules(biggest_deal={}))
    assert told(found, "value", "record", "compared_with") == [(105, True, 20)]


def test_a_deal_that_was_paid_back_is_not_celebrated(company) -> None:
    deals = [won(i % 3, D(2024, 5, 1), 10 + i) for i in range(6)]
    deals += [won(0, D(2024, 5, 2), 900, account_id="A0"), won(1, D(2024, 5, 2), 800, account_id="A1")]
    deals += [won(2, D(2024, 7, 3), -900, account_id="A0"), won(2, D(2024, 5, 1), -5, account_id="A1")]
    late = {"day": D(2024, 7, 4), "meta": {"last_data_date": D(2024, 7, 4)}}
    before = recognised(company(deals), Q2, rules(biggest_deal={}))
    after = recognised(company(deals, **late), Q2, rules(biggest_deal={}))
    assert (told(before, "value"), told(after, "value")) == ([900], [800])


def test_a_merged_duplicate_is_neither_big_nor_revenue(company) -> None:
    deals = [won(i % 3, D(2024, 5, 1), 10) for i in range(6)]
    deals += [won(0, D(2024, 5, 2), 900, merged_into_id=deals[0]["deal_id"])]
    found = recognised(company(deals, quotas=[quota(0, 100)]), Q2, rules(biggest_deal={}, quota_reached={}))
    assert set(found["value"]) == {10}


def test_a_deal_won_back_had_been_lost_long_enough(company) -> None:
    back, slip, other, unpriced = (
        won(r, D(2024, 5, 20), a) for r, a in ((0, 100), (1, 100), (2, 100), (3, None))
    )
    changes = [
        change(back["deal_id"], "outcome", "open", "lost", at(D(2024, 3, 1))),
        change(back["deal_id"], "outcome", "lost", "open", at(D(2024, 3, 5))),
        change(back["deal_id"], "outcome", "open", "lost", at(D(2024, 5, 1))),
        change(back["deal_id"], "outcome", "lost", "won", at(D(2024, 5, 20))),
        change(slip["deal_id"], "outcome", "open", "lost", at(D(2024, 5, 14))),
        change(slip["deal_id"], "outcome", "lost", "won", at(D(2024, 5, 20))),
        change(other["deal_id"], "outcome", "open", "won", at(D(2024, 5, 20))),
        change(unpriced["deal_id"], "outcome", "open", "lost", at(D(2024, 1, 1))),
    ]  # fmt: skip
    found = recognised(company([back, slip, other, unpriced], deal_changes=changes), Q2, rules(comeback={}))
    assert told(found, "rep_name", "n", "unit") == [("Ann", 19, "currency"), ("Di", 140, "currency")]
    assert [str(day.date()) for day in found["since"]] == ["2024-05-01", "2024-01-01"]
    assert found["value"].fillna(-1).tolist() == [100, -1]


def test_where_only_stages_are_recorded_they_tell_what_was_lost(company) -> None:
    deal = won(0, D(2024, 5, 20))
    changes = [
        change(deal["deal_id"], "stage", "Offer", "Lost", at(D(2024, 4, 1))),
        change(deal["deal_id"], "stage", "Lost", "Offer", at(D(2024, 4, 9))),
    ]
    by_stage = {"tracked_from": {"stage": D(2022, 1, 1)}}
    assert told(
        recognised(company([deal], deal_changes=changes, meta=by_stage), Q2, rules(comeback={})), "n"
    ) == [49]
    none = company([deal], deal_changes=changes, meta={"tracked_from": {}})
    assert recognised(none, Q2, rules(comeback={})).empty


def quick(rep: int, days: int, amount: float = 1000, **more: Any) -> dict[str, Any]:
    return won(rep, D(2024, 5, 20), amount, created_on=D(2024, 5, 20) - dt.timedelta(days=days), **more)


@pytest.mark.parametrize(
    "blemish",
    [
        ("expected_close_on", "2024-05-20", "2024-05-30", D(2024, 5, 15)),
        ("stage", "Offer", "Talk", D(2024, 5, 15)),
        ("amount", "1100", "1000", D(2024, 5, 20)),
        ("outcome", "open", "lost", D(2024, 5, 15)),
    ],
)
def test_the_fastest_deal_is_clean(company, blemish: tuple[str, str, str, D]) -> None:
    usual = [won(1, D(2024, 2, 1) + dt.timedelta(days=i), 1000) for i in range(12)]
    fast, faster = quick(0, 15), quick(2, 10)
    field, old, new, day = blemish
    smooth = [
        change(faster["deal_id"], "expected_close_on", "2024-06-01", "2024-05-25", at(D(2024, 5, 12))),
        change(faster["deal_id"], "stage", "Talk", "Offer", at(D(2024, 5, 13))),
        # A slip put right on the same day, and what closing does, are none.
        change(faster["deal_id"], "stage", "Offer", "Talk", at(D(2024, 5, 14), 9)),
        change(faster["deal_id"], "stage", "Talk", "Offer", at(D(2024, 5, 14), 10)),
        change(faster["deal_id"], "expected_close_on", "2024-05-15", "2024-05-20", at(D(2024, 5, 20))),
        change(faster["deal_id"], "outcome", "open", "won", at(D(2024, 5, 20))),
    ]
    rule = rules(fastest_clean_cycle={})
    clean = recognised(company([*usual, fast, faster], deal_changes=smooth), Q2, rule)
    assert told(clean, "rep_name", "value", "compared_with", "compared_n", "unit") == [
        ("Cy", 10, 40, 14, "days")
    ]
    spoiled = [*smooth, change(faster["deal_id"], field, old, new, at(day))]
    assert told(recognised(company([*usual, fast, faster], deal_changes=spoiled), Q2, rule), "rep_name") == [
        "Ann"
    ]


def test_small_deals_other_kinds_and_late_entries_do_not_win_by_speed(company) -> None:
    usual = [won(1, D(2024, 2, 1) + dt.timedelta(days=i), 1000) for i in range(12)]
    renewals = [
        quick(3, 12, pipeline="Renewal", deal_id=f"N{i}") for i in range(12)
    ]  # as fast as they usually are
    other = [quick(0, 10, 999), quick(0, 4), quick(0, 21), quick(0, 10, None), quick(0, 6, pipeline="Rare")]
    rule = rules(fastest_clean_cycle={})
    assert recognised(company([*usual, *renewals, *other]), Q2, rule).empty
    assert told(recognised(company([*usual, *renewals, *other, quick(0, 20)]), Q2, rule), "value") == [20]
    # Two as fast are both told; what no record covers is not known to be clean.
    both = [quick(0, 10), quick(2, 10)]
    assert told(recognised(company(usual + both), Q2, rule), "rep_name") == ["Ann", "Cy"]
    young = {"tracked_from": TRACKED | {"amount": D(2024, 5, 11)}}
    assert recognised(company(usual + both, meta=young), Q2, rule).empty


# -- Help ---------------------------------------------------------------------------------------------------


def act(number: int, rep: int, deal: str, **more: Any) -> dict[str, Any]:
    return {"activity_id": f"X{number}", "rep_id": f"R{rep}", "deal_id": deal, "kind": "call",
            "direction": "outbound", "occurred_at": at(D(2024, 5, 5))} | more  # fmt: skip


def test_help_is_what_is_done_on_deals_that_never_were_ones_own(company) -> None:
    mine, theirs, handed, away = (won(r, D(2024, 6, 1)) for r in (0, 1, 1, 5))
    deals = [
        mine | {"deal_id": "M"},
        theirs | {"deal_id": "T"},
        handed | {"deal_id": "H"},
        away | {"deal_id": "A"},
    ]
    changes = [change("H", "owner_id", "R2", "R1", at(D(2024, 5, 20)))]
    does = [(0, "T", {})] * 3 + [(0, "M", {})] * 9 + [(2, "H", {})] * 9 + [(2, "T", {})] * 2
    does += [(3, "T", {"direction": "inbound"})] * 9 + [(3, "T", {"completed": False})] * 9
    does += [(3, "T", {"occurred_at": at(D(2024, 3, 5))})] * 9 + [(3, "T", {"direction": None})] * 9
    does += [(4, "T", {})] * 9  # the manager
    does += [(3, "A", {})] * 9  # a deal of another team
    activities = [act(i, rep, deal, **more) for i, (rep, deal, more) in enumerate(does)]
    teams = [{"team_id": "T0", "name": "West", "manager_id": "R4"}, {"team_id": "T1", "name": "East"}]
    members = [*WEST[:5], {"rep_id": "R5", "team_id": "T1"}]
    tables = {"deal_changes": changes, "activities": activities, "teams": teams, "team_members": members}
    rule = rules(best_help={"activities": 3})
    for keeping in (False, True):
        snapshot = company(deals, team="T0", **tables)
        found = recognised(snapshot.keeping() if keeping else snapshot, Q2, rule)
        assert told(found, "rep_name", "value", "n", "shared", "deal_id") == [("Ann", 3, 1, 1, None)]
    assert recognised(company(deals, team="T0", **tables), Q2, rules(best_help={"activities": 4})).empty
    one_more = [*activities, act(900, 2, "T")]
    tie = recognised(company(deals, team="T0", **tables | {"activities": one_more}), Q2, rule)
    assert told(tie, "rep_name", "shared") == [("Ann", 2), ("Cy", 2)]
    # Without a record of owners, who seems to help may have owned the deal.
    unknown = company(deals, team="T0", **tables, meta={"tracked_from": {}})
    assert recognised(unknown, Q2, rule).empty
    assert unasked(unknown, Q2, rule) == {"best_help": "there is no record of who owned which deal"}


# -- All of it ----------------------------------------------------------------------------------------------


def test_without_deals_quotas_history_or_activities_nothing_breaks(company, make_store) -> None:
    bare = make_store(deals=[], reps=[{"rep_id": "R0"}], meta={"last_data_date": END}).as_of()
    assert recognised(bare, Q2, RULES).empty
    assert list(recognised(bare, Q2, RULES).dtypes.astype(str)) == list(COLUMNS.values())
    assert set(unasked(bare, Q2, RULES)) == {"quota_reached", "streak", "fastest_clean_cycle", "best_help"}
    few = company([won(0, D(2024, 5, 1))], team="T1")
    assert recognised(few, Q2, RULES).empty
    assert recognised(few, parse_period("2025-Q1", as_of=END), RULES).empty
    assert recognised(few, parse_period("2020-Q1", as_of=END), RULES).empty
    nobody = make_store(deals=[won("R9", D(2024, 5, 1), 10)], reps=[{"rep_id": "R9"}]).as_of(END)
    found = recognised(nobody, Q2, rules(biggest_deal={"deals_won": 2}))
    assert found.empty


def test_a_kind_that_is_switched_off_is_not_given(company) -> None:
    deals = [won(0, D(2024, 5, 1), 100)]
    quotas = [quota(0, 10), *(quota(0, 10, p.label) for p in last_periods(Q2, 3))]
    deals += [won(0, p.start, 100) for p in last_periods(Q2, 3)]
    snapshot = company(deals, quotas=quotas)
    assert told(recognised(snapshot, Q2, RULES), "kind") == ["streak", "quota_reached"]
    assert told(recognised(snapshot, Q2, rules(quota_reached={})), "kind") == ["quota_reached"]
    assert recognised(snapshot, Q2, rules()).empty


def test_people_stand_in_alphabetical_order_whatever_they_earned(demo_store: Path) -> None:
    with open_store(demo_store) as store:
        snapshot = store.as_of().keeping()
        found = recognised(snapshot, parse_period("2026-Q2", as_of=snapshot.date), RULES)
    names = [name.casefold() for name in found["rep_name"]]
    assert names == sorted(names) and len(set(names)) > 10
    assert set(found["kind"]) >= {"quota_reached", "streak", "comeback", "personal_best", "biggest_deal"}
    assert found.groupby("rep_id")["kind"].apply(lambda k: list(k) == sorted(k, key=KINDS.index)).all()


def test_other_teams_change_nothing(demo_store: Path, tmp_path: Path) -> None:
    """Whatever happens to another team's deals, quotas and activities, a team's recognition stays."""
    team, changed = "uki-mid-market", tmp_path / "changed.duckdb"
    changed.write_bytes(demo_store.read_bytes())
    own = "select rep_id from team_members where team_id = 'uki-mid-market'"
    with duckdb.connect(str(changed)) as connection:
        ours = f"select deal_id from deals where owner_id in ({own}) union select deal_id from deal_changes "
        ours += f"where field = 'owner_id' and (old_value in ({own}) or new_value in ({own}))"
        connection.execute(f"create temp table ours as {ours}")
        others = "deal_id not in (select deal_id from ours)"
        connection.execute(
            f"update deals set amount = amount * 50, outcome = 'won' where outcome != 'open' and {others}"
        )
        connection.execute(f"delete from deal_changes where {others}")
        connection.execute(f"delete from activities where rep_id not in ({own}) and {others}")
        connection.execute(f"update quotas set amount = 1 where owner_id not in ({own})")
    found = []
    for path in (demo_store, changed):
        with open_store(path) as store:
            snapshot = store.as_of().scope(team).keeping()
            found.append(recognised(snapshot, parse_period("2026-Q2", as_of=snapshot.date), RULES))
    assert len(found[0]) >= 8
    pd.testing.assert_frame_equal(*found)


def test_keeping_changes_nothing(demo_store: Path) -> None:
    with open_store(demo_store) as store:
        snapshot = store.as_of(D(2026, 7, 6)).scope("dach-mid-market")
        period = parse_period("2026-Q3", as_of=snapshot.date)
        found = recognised(snapshot, period, RULES)
        assert len(found) > 10
        pd.testing.assert_frame_equal(found, recognised(snapshot.keeping(), period, RULES))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("source", "period", "kinds", "missing"),
    [
        ("maven", "2017-Q4", {"biggest_deal"}, {"streak", "quota_reached", "fastest_clean_cycle", "best_help"}),
        ("adventureworks", "last-quarter", {"biggest_deal", "quota_reached"}, {"fastest_clean_cycle", "best_help"}),
    ],
)  # fmt: skip
def test_sources_without_history_are_told_what_they_show(
    real_data: Path, tmp_path: Path, source: str, period: str, kinds: set[str], missing: set[str]
) -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    path = ingest(ROOT / "params" / "sources" / f"{source}.yml", tmp_path / "s.duckdb", now=now).store
    with open_store(path) as store:
        snapshot = store.as_of()
        span = parse_period(period, as_of=snapshot.date, calendar=snapshot.meta.calendar)
        found = recognised(snapshot, span, RULES)
        assert set(found["kind"]) == kinds
        assert set(unasked(snapshot, span, RULES)) == missing
        attained = evaluate("quota_attainment", snapshot, span, by="rep")
    own = found[found["kind"] == "quota_reached"].set_index("rep_id")["value"]
    assert own.to_dict() == pytest.approx(
        attained[attained["value"] >= 1].set_index("rep")["value"].to_dict()
    )
