"""The ledger's part for coaching: days that are written once, and feedback that people write and take back."""

from __future__ import annotations

import datetime as dt
import math
import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import astuple
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_lib.data.coaching_ledger import (
    LEVER_COLUMNS,
    OUTLOOK_COLUMNS,
    PROGRESS_COLUMNS,
    Agreement,
    CoachingLedger,
    Feedback,
)
from spm_lib.data.ledger import Ledger
from spm_lib.data.ledger_file import TABLES
from spm_lib.errors import StoreError

DAY = dt.date(2026, 8, 10)
WEEK = dt.timedelta(days=7)
NOW = dt.datetime(2026, 8, 11, 6, 30, tzinfo=dt.UTC)
CARD = {"window": ["2025-08-11", "2026-08-10"], "levers": {"win_rate": {"p": 0.02, "reps": 60}}, "é": None}

numbers = st.one_of(st.floats(allow_nan=False, width=64), st.just(math.nan))
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


def lever(rep_id: str = "r-1", name: str = "win_rate", part: str = "", **more: object) -> dict[str, object]:
    values = {"n": 12, "observed": 0.2, "expected": 0.3, "difference": -0.05, "low": -0.1, "high": 0.0}
    shown = [{"deal_id": "d-1", "fact": "pushes", "value": 3.0}]
    money = {"worth": 12_000.5, "worth_low": 4_000.0, "worth_high": 20_000.0}
    rest = {"behind": 0.96, "named": True, "deals": shown, **money, "stands_out": False, "middle_of": "team"}
    return {"rep_id": rep_id, "lever": name, "part": part, **values, **rest, **more}


def outlook(rep_id: str = "r-1", **more: object) -> dict[str, object]:
    ends = {"starts_on": dt.date(2026, 7, 1), "ends_on": pd.Timestamp(2026, 9, 30)}
    money = {"quota": 100.0, "revenue": 40.0, "expected": 90.0, "low": 70.0, "high": 120.0}
    return {"rep_id": rep_id, **ends, **money, "miss": 0.7, **more}


def progress(number: int, **more: object) -> dict[str, object]:
    since = {"n_since": 0, "since": math.nan, "difference": math.nan, "low": math.nan, "high": math.nan}
    return {"agreement_id": number, "n_before": 40, "before": -0.1, **since, **more}


def frames(
    levers: list[dict[str, object]] | None = None,
    outlooks: list[dict[str, object]] | None = None,
    of_agreements: list[dict[str, object]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return (
        pd.DataFrame([lever()] if levers is None else levers, columns=list(LEVER_COLUMNS)),
        pd.DataFrame([outlook()] if outlooks is None else outlooks, columns=list(OUTLOOK_COLUMNS)),
        pd.DataFrame(of_agreements or [], columns=list(PROGRESS_COLUMNS)),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> CoachingLedger:
    return CoachingLedger(tmp_path / "crm.ledger.sqlite")


def write(ledger: CoachingLedger, day: dt.date = DAY, **of_frames: list[dict[str, object]]) -> bool:
    return ledger.record(day, *frames(**of_frames), CARD, made_at=NOW)


def agree(ledger: CoachingLedger, rep_id: str = "r-1", action: str = "Call", **more: object) -> Agreement:
    given = {"lever": "win_rate", "agreed_on": DAY, "review_on": DAY + WEEK, "made_at": NOW, **more}
    return ledger.agree(rep_id, action=action, **given)  # type: ignore[arg-type]


def nothing_is_there(ledger: CoachingLedger) -> bool:
    read = (ledger.levers, ledger.outlooks, ledger.outlooks_before, ledger.progress)
    return all(frame(DAY).empty for frame in read) and ledger.latest(DAY) is None and ledger.card(DAY) is None


def test_a_missing_ledger_is_empty_and_stays_missing(ledger: CoachingLedger) -> None:
    assert nothing_is_there(ledger)
    assert tuple(ledger.levers(DAY).columns) == ("as_of", *LEVER_COLUMNS)
    assert ledger.agreements() == ()
    assert ledger.digest(DAY) == CoachingLedger(ledger.path.with_name("other")).digest(DAY)
    assert not list(ledger.path.parent.iterdir())


def test_a_ledger_of_version_1_is_an_empty_one(ledger: CoachingLedger) -> None:
    empty = ledger.digest(DAY)
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.executescript(TABLES[1] + "pragma user_version = 1;")
    assert nothing_is_there(ledger)
    assert ledger.agreements() == ()
    assert ledger.digest(DAY) == empty
    assert agree(ledger).agreement_id == 1
    assert Ledger(ledger.path).scored_days() == ()


def test_days_of_a_ledger_of_version_2_are_read_and_new_ones_are_added(ledger: CoachingLedger) -> None:
    """Its rows lack columns; reading does not change the file, writing does, and keeps them."""
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.executescript(TABLES[1] + TABLES[2] + "pragma user_version = 2;")
        day = (DAY - WEEK).isoformat()
        connection.execute("insert into coachings values (?, ?, '{}')", (day, NOW.isoformat()))
        values = (day, "r-1", "win_rate", "", 12, 0.2, 0.3, -0.1, -0.2, 0.0, 0.9, 1, 5.0, "[]")
        connection.execute(f"insert into lever_scores values ({', '.join('?' * len(values))})", values)
        connection.commit()
    before = ledger.path.read_bytes()
    old = ledger.levers(DAY - WEEK)
    assert ledger.path.read_bytes() == before
    assert tuple(old.columns) == ("as_of", *LEVER_COLUMNS)
    told = ["n", "named", "worth", "stands_out", "middle_of"]
    assert old[told].iloc[0].tolist() == [12, True, 5.0, False, "company"]
    assert old[["worth_low", "worth_high"]].isna().all(axis=None)
    assert write(ledger)
    assert ledger.levers(DAY)["worth_high"].tolist() == [20_000.0]
    pd.testing.assert_frame_equal(ledger.levers(DAY - WEEK), old)


def test_progress_is_added_to_a_day_once(ledger: CoachingLedger) -> None:
    first, later = agree(ledger), agree(ledger, "r-2")
    assert ledger.unmeasured(DAY) == ()
    assert ledger.add_progress(DAY, frames(of_agreements=[progress(1)])[2], (first,)) == 0, (
        "nothing of that day is written"
    )
    assert write(ledger, of_agreements=[progress(first.agreement_id, since=0.5)])
    assert ledger.unmeasured(DAY) == (first, later), "the card that was written knows of none"
    before = ledger.digest(DAY)
    both = frames(
        of_agreements=[progress(first.agreement_id, since=0.9), progress(later.agreement_id), progress(99)]
    )
    assert ledger.add_progress(DAY, both[2], (first, later)) == 1
    assert ledger.unmeasured(DAY) == ()
    assert ledger.digest(DAY) != before, "a report of the day reads something else now"
    found = ledger.progress(DAY)
    assert found["agreement_id"].tolist() == [first.agreement_id, later.agreement_id]
    assert found["since"].iloc[0] == 0.5, "what was written stands"
    assert ledger.add_progress(DAY, both[2], ()) == 0
    assert ledger.unmeasured(DAY) == (), "what was looked at before still is"


def test_what_was_written_is_read_again(ledger: CoachingLedger) -> None:
    made = agree(ledger)
    many = {
        "levers": [
            lever("r-2", named=False, worth=math.nan, worth_low=math.nan, observed=None, stands_out=True),
            lever("r-1", "stage_conversion", "Proposal"),
            lever("r-1", "stage_conversion", "Discovery"),
        ],
        "outlooks": [outlook("r-2"), outlook("r-1", miss=0.0)],
        "of_agreements": [progress(made.agreement_id, n_since=3, since=0.1)],
    }
    assert write(ledger, **many)
    levers = ledger.levers(DAY)
    assert levers["part"].tolist() == ["Discovery", "Proposal", ""], "in order of rep, lever and part"
    kinds = {name: str(kind) for name, kind in levers.dtypes.items()}
    assert kinds == {
        "as_of": "datetime64[ns]",
        **dict.fromkeys(("rep_id", "lever", "part"), "object"),
        "n": "int64",
        **dict.fromkeys(("observed", "expected", "difference", "low", "high", "behind"), "float64"),
        "named": "bool",
        "worth": "float64",
        "deals": "object",
        **dict.fromkeys(("worth_low", "worth_high"), "float64"),
        "stands_out": "bool",
        "middle_of": "object",
    }
    assert levers.iloc[2][["observed", "worth", "worth_low"]].isna().all()
    assert levers["stands_out"].tolist() == [False, False, True]
    assert levers["named"].tolist() == [True, True, False]
    outlooks = ledger.outlooks(DAY)
    assert outlooks["rep_id"].tolist() == ["r-1", "r-2"]
    assert set(outlooks["starts_on"]) == {pd.Timestamp(2026, 7, 1)}
    assert set(outlooks["ends_on"]) == {pd.Timestamp(2026, 9, 30)}
    (row,) = ledger.progress(DAY).to_dict("records")
    assert (row["agreement_id"], row["n_before"], row["n_since"], row["since"]) == (1, 40, 3, 0.1)
    assert math.isnan(row["low"])
    assert ledger.card(DAY) == CARD


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            texts,
            texts,
            texts,
            st.integers(0, 2**40),
            st.booleans(),
            st.lists(numbers, min_size=7, max_size=7),
        ),
        unique_by=lambda row: row[:3],
        max_size=6,
    )
)
def test_any_levers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str, int, bool, list[float]]],
) -> None:
    ledger = CoachingLedger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    names = ("observed", "expected", "difference", "low", "high", "behind", "worth")
    given_ = [
        lever(rep, name, part, n=n, named=named, **dict(zip(names, values, strict=True)))
        for rep, name, part, n, named, values in rows
    ]
    levers, outlooks, none = frames(given_, [])
    assert ledger.record(DAY, levers.sample(frac=1, random_state=1), outlooks, none, {}, made_at=NOW)
    # SQLite orders text by its bytes.
    expected = sorted(given_, key=lambda row: [str(row[key]).encode() for key in ("rep_id", "lever", "part")])
    found = ledger.levers(DAY).drop(columns="as_of")
    pd.testing.assert_frame_equal(
        found, pd.DataFrame(expected, columns=list(LEVER_COLUMNS)), check_dtype=False, check_exact=True
    )


def test_a_day_is_written_once(ledger: CoachingLedger) -> None:
    assert write(ledger)
    before = ledger.digest(DAY)
    assert not write(ledger, levers=[lever("r-9")], outlooks=[outlook("r-9")])
    assert set(ledger.levers(DAY)["rep_id"]) == set(ledger.outlooks(DAY)["rep_id"]) == {"r-1"}
    assert ledger.digest(DAY) == before


def test_a_day_without_reps_is_written_all_the_same(ledger: CoachingLedger) -> None:
    assert write(ledger, levers=[], outlooks=[])
    assert ledger.latest(DAY) == DAY
    assert ledger.card(DAY) == CARD
    assert ledger.levers(DAY).empty


@pytest.mark.parametrize(
    "bad",
    [
        {"levers": [lever(), lever()]},
        {"outlooks": [outlook(), outlook()]},
        {"outlooks": [outlook(quota=math.nan)]},
        {"of_agreements": [progress(1), progress(1)]},
    ],
    ids=["lever twice", "outlook twice", "no quota", "progress twice"],
)
def test_one_bad_row_keeps_the_whole_day_out(
    ledger: CoachingLedger, bad: dict[str, list[dict[str, object]]]
) -> None:
    agree(ledger)
    with pytest.raises(
        StoreError, match=r"a row contradicts what the ledger holds.*Nothing of it was written"
    ):
        write(ledger, **bad)
    assert nothing_is_there(ledger)
    assert write(ledger)


def test_outlooks_of_earlier_days(ledger: CoachingLedger) -> None:
    for number, day in enumerate((DAY, DAY - WEEK, DAY + WEEK, DAY - 2 * WEEK)):
        assert write(ledger, day, outlooks=[outlook("r-2", miss=number / 10), outlook("r-1")])
    found = ledger.outlooks_before(DAY)
    days = [pd.Timestamp(DAY - 2 * WEEK)] * 2 + [pd.Timestamp(DAY - WEEK)] * 2
    assert list(zip(found["as_of"], found["rep_id"], strict=True)) == list(
        zip(days, ["r-1", "r-2"] * 2, strict=True)
    )
    assert found["miss"].tolist() == [0.7, 0.3, 0.7, 0.1]


@settings(max_examples=20)
@given(
    st.sets(st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1)), max_size=5),
    st.sets(st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1)), max_size=5),
    st.dates(dt.date(2019, 12, 20), dt.date(2020, 2, 10)),
)
def test_the_digest_changes_with_what_a_report_of_the_day_can_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, days: set[dt.date], agreed: set[dt.date], asked: dt.date
) -> None:
    ledger = CoachingLedger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    digests = [ledger.digest(asked)]

    def changed() -> bool:
        digests.append(ledger.digest(asked))
        return digests[-1] != digests[-2]

    for day in days:
        assert ledger.record(day, *frames(), {}, made_at=NOW)
        assert changed() == (day <= asked)
    for day in agreed:
        agree(ledger, agreed_on=day)
        assert changed() == (day <= asked)
        agree(ledger, agreed_on=day)
        assert not changed(), "the same again is not written"
    assert ledger.latest(asked) == max((day for day in days if day <= asked), default=None)
    for agreement in ledger.agreements():
        assert ledger.withdraw(agreement.agreement_id)
        assert changed() == (agreement.agreed_on <= asked)


# Feedback


def test_the_same_agreement_is_not_written_twice(ledger: CoachingLedger) -> None:
    first = agree(ledger, action="Ring “Zoë”; '--")
    assert astuple(first) == ("r-1", "win_rate", "Ring “Zoë”; '--", DAY, DAY + WEEK, 1, NOW)
    later = NOW + WEEK
    assert agree(ledger, action=first.action, review_on=DAY + 2 * WEEK, made_at=later) == first
    assert ledger.agreements() == (first,)
    others = (
        agree(ledger, action="Ring Zoë"),
        agree(ledger, action=first.action, lever="discount"),
        agree(ledger, "r-2", action=first.action),
        agree(ledger, action=first.action, agreed_on=DAY + WEEK),
    )
    assert ledger.agreements() == (first, *others)


def test_feedback_is_written_all_or_nothing(ledger: CoachingLedger) -> None:
    good = Feedback("r-1", "win_rate", "Call", DAY, DAY + WEEK)
    bad = Feedback("r-1", None, "Call", DAY, DAY + WEEK)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        ledger.agree_all((good, bad), made_at=NOW)
    assert ledger.agreements() == ()
    assert [one.agreement_id for one in ledger.agree_all((good, good), made_at=NOW)] == [1, 1]
    assert ledger.agree_all((), made_at=NOW) == ()


agreed_days = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 5))
rep_ids = st.sampled_from(["r-1", "r-2", "7", "'; drop", "é"])


@settings(max_examples=25)
@given(
    st.lists(
        st.one_of(st.tuples(rep_ids, st.sampled_from(["Call", "Ask"]), agreed_days), st.integers(1, 8)),
        max_size=12,
    ),
    st.one_of(st.none(), agreed_days),
    st.one_of(st.none(), st.sets(rep_ids)),
)
def test_feedback_against_a_list(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, str, dt.date] | int],
    until: dt.date | None,
    reps: set[str] | None,
) -> None:
    """Feedback is written and taken back in any order, as in a plain list that counts what it was ever given."""
    ledger = CoachingLedger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    held: dict[int, tuple[str, str, dt.date]] = {}
    given_ = 0
    for step in steps:
        if isinstance(step, int):
            assert ledger.withdraw(step) == (held.pop(step, None) is not None)
            continue
        number = next((number for number, one in held.items() if one == step), None)
        if number is None:
            given_ = number = given_ + 1
        held[number] = step
        rep_id, action, day = step
        assert agree(ledger, rep_id, action, agreed_on=day).agreement_id == number
    expected = [
        number
        for number, (rep_id, _, day) in sorted(held.items(), key=lambda item: (item[1][2], item[0]))
        if (until is None or day <= until) and (reps is None or rep_id in reps)
    ]
    found = ledger.agreements(until, reps)
    assert [one.agreement_id for one in found] == expected
    assert [(one.rep_id, one.action, one.agreed_on) for one in found] == [held[n] for n in expected]


def test_what_is_taken_back_is_gone_with_what_was_measured_of_it(ledger: CoachingLedger) -> None:
    kept, gone = agree(ledger), agree(ledger, "r-2", "Something private")
    assert write(ledger, of_agreements=[progress(kept.agreement_id), progress(gone.agreement_id)])
    assert ledger.withdraw(gone.agreement_id)
    assert not ledger.withdraw(gone.agreement_id)
    assert ledger.progress(DAY)["agreement_id"].tolist() == [kept.agreement_id]
    assert len(ledger.levers(DAY)) == 1
    again = agree(ledger, "r-2", "Something else")
    assert again.agreement_id > gone.agreement_id, "a number is not given to something else"


def test_feedback_taken_back_while_it_was_measured_costs_nothing_else(ledger: CoachingLedger) -> None:
    kept, gone = agree(ledger), agree(ledger, "r-2")
    ledger.withdraw(gone.agreement_id)
    assert write(ledger, of_agreements=[progress(gone.agreement_id), progress(kept.agreement_id)])
    assert ledger.progress(DAY)["agreement_id"].tolist() == [kept.agreement_id]


def _together(act: Callable[[Path, int], object], path: Path) -> list[object]:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        return pool.starmap(act, [(path, number) for number in range(4)], chunksize=1)


def _write_same_day(path: Path, number: int) -> bool:
    return write(CoachingLedger(path), levers=[lever(f"r-{n}", n=number) for n in range(200)])


def _agree_same(path: Path, number: int) -> int:
    return [agree(CoachingLedger(path), action=f"Call {n}", made_at=NOW + number * WEEK) for n in range(5)][
        -1
    ].agreement_id


def test_of_writers_of_one_day_one_wins_whole(ledger: CoachingLedger) -> None:
    assert sorted(_together(_write_same_day, ledger.path)) == [False, False, False, True]  # type: ignore[type-var]
    found = ledger.levers(DAY)
    assert (len(found), found["n"].nunique()) == (200, 1)


def test_several_write_the_same_feedback(ledger: CoachingLedger) -> None:
    assert len(set(_together(_agree_same, ledger.path))) == 1
    assert sorted(one.action for one in ledger.agreements()) == [f"Call {n}" for n in range(5)]
