"""Landmarks: which days, what became of a deal, what counts as at risk; against the planted truth and by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_lib.data.sources.demo.truth import truth
from spm_lib.data.store import Store, open_store
from spm_lib.errors import ParameterError
from spm_lib.models.features import deal_features
from spm_lib.models.landmarks import HORIZONS, deal_endings, horizon_end, label, landmark_days
from spm_lib.periods import Calendar

MakeStore = Callable[..., Store]

TRACKED = {"tracked_from": dict.fromkeys(("outcome", "closed_on", "merged_into_id"), dt.date(2020, 1, 1))}


def day(number: int) -> dt.date:
    return dt.date(2020, 1, 1) + dt.timedelta(days=number)


def deal(**values: Any) -> dict[str, Any]:
    return {"deal_id": "d", "owner_id": "r1", "outcome": "open", "created_on": day(0), **values}


def change(field: str, old: Any, new: Any, number: int) -> dict[str, Any]:
    at = dt.datetime.combine(day(number), dt.time(12))
    sides = {
        "old_value": None if old is None else str(old),
        "new_value": None if new is None else str(new),
    }
    return {"deal_id": "d", "field": field, "changed_at": at, **sides}


def asked(*numbers: int, deal_id: str = "d") -> pd.DataFrame:
    days = pd.to_datetime([day(number) for number in numbers])
    return pd.DataFrame({"as_of": days, "deal_id": deal_id}, index=range(100, 100 + len(numbers)))


def told(endings: pd.DataFrame) -> list[tuple[dt.date | None, str | None]]:
    return [
        (None if pd.isna(on) else on.date(), how)
        for on, how in zip(endings["ended_on"], endings["ended_as"], strict=True)
    ]


# -- days --------------------------------------------------------------------------------------------------------


def test_days_are_weekly_up_to_the_snapshots_from_the_first_closing_on(make_store: MakeStore) -> None:
    rows = [deal(), deal(deal_id="w", outcome="won", closed_on=day(20))]
    snapshot = make_store(deals=rows, meta={"last_data_date": day(41)}).as_of()
    assert landmark_days(snapshot) == (day(20), day(27), day(34), day(41))
    assert landmark_days(snapshot, until=day(33)) == (day(26), day(33))
    assert landmark_days(snapshot.as_of(day(23)), every="day") == (day(20), day(21), day(22), day(23))
    # Nothing had closed yet, and nothing had happened yet.
    assert landmark_days(snapshot.as_of(day(5))) == (day(5),)
    assert landmark_days(snapshot.as_of(day(-1))) == ()


def test_an_empty_store_has_no_days(make_store: MakeStore) -> None:
    assert landmark_days(make_store().as_of(day(3))) == ()


@pytest.mark.parametrize("wrong", [{"every": "weak"}, {"until": day(99)}])
def test_impossible_days_are_refused(make_store: MakeStore, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        landmark_days(make_store(deals=[deal()]).as_of(day(3)), **wrong)


# -- endings -----------------------------------------------------------------------------------------------------


def test_the_first_end_after_the_day_counts_whatever_came_later(make_store: MakeStore) -> None:
    changes = [
        change("outcome", "open", "lost", 10),
        change("closed_on", None, day(10), 10),
        change("outcome", "lost", "open", 20),
        change("closed_on", day(10), None, 20),
        change("outcome", "open", "won", 30),
        change("closed_on", None, day(30), 30),
    ]
    row = deal(outcome="won", closed_on=day(30))
    store = make_store(deals=[row], deal_changes=changes, meta=TRACKED)
    frame = asked(25, 5, 9, 10, 30)
    found = deal_endings(store.as_of(), frame)
    assert list(found.index) == list(frame.index)
    ends = [(day(30), "won"), (day(10), "lost"), (day(10), "lost"), (day(30), "won"), (None, None)]
    assert told(found) == ends
    # What nobody knew on the snapshot's day is not told.
    assert told(deal_endings(store.as_of(day(29)), asked(5, 25))) == [(day(10), "lost"), (None, None)]


def test_a_closing_entered_late_counts_by_its_own_day_but_after_the_landmark(make_store: MakeStore) -> None:
    changes = [change("outcome", "open", "won", 20), change("closed_on", None, day(10), 20)]
    row = deal(outcome="won", closed_on=day(10))
    store = make_store(deals=[row], deal_changes=changes, meta=TRACKED)
    assert told(deal_endings(store.as_of(), asked(5, 15))) == [(day(10), "won"), (day(16), "won")]


def test_deals_removed_or_merged_are_gone(make_store: MakeStore) -> None:
    rows = [deal(removed_on=day(12)), deal(deal_id="e", merged_into_id="x"), deal(deal_id="x")]
    merge = {**change("merged_into_id", None, "x", 8), "deal_id": "e"}
    store = make_store(deals=rows, deal_changes=[merge], meta={**TRACKED, "last_data_date": day(40)})
    frame = pd.concat([asked(5), asked(5, deal_id="e"), asked(5, deal_id="x"), asked(5, deal_id="never")])
    found = deal_endings(store.as_of(), frame)
    assert told(found) == [(day(12), "gone"), (day(8), "gone"), (None, None), (None, None)]


def test_a_source_without_history_tells_endings_by_closing_days(make_store: MakeStore) -> None:
    rows = [deal(outcome="lost", closed_on=day(9)), deal(deal_id="e")]
    store = make_store(deals=rows, meta={"last_data_date": day(40)})
    frame = pd.concat([asked(3), asked(3, deal_id="e")])
    assert told(deal_endings(store.as_of(), frame)) == [(day(9), "lost"), (None, None)]
    assert told(deal_endings(store.as_of(), frame[:0])) == []


def test_on_the_demo_company_outcomes_are_the_planted_ones(demo_store: Path) -> None:
    date = dt.date(2026, 3, 13)
    with open_store(demo_store) as store:
        snapshot = store.as_of()
        frame = deal_features(snapshot, [date])
        endings = deal_endings(snapshot, frame)
        calendar = snapshot.meta.calendar
    for horizon in ("30", "90"):
        labels = label(frame, endings, horizon, calendar, snapshot.date).set_index(frame["deal_id"])
        planted = truth(1).outcomes(date, int(horizon)).set_index("deal_id")
        # Merged duplicates are nobody's deals.
        labels = labels.loc[planted.index]
        for name in ("due", "won", "lost", "open", "at_risk"):
            wrong = labels["known"] & (labels[name] != planted[name])
            assert not wrong.any(), name
        assert labels["known"].mean() > 0.99


# -- horizons and labels -----------------------------------------------------------------------------------------


def test_horizons_end_after_days_or_with_the_companys_own_quarter() -> None:
    date = dt.date(2024, 2, 10)
    assert [horizon_end(date, name, Calendar()) for name in HORIZONS] == [
        dt.date(2024, 3, 11),
        dt.date(2024, 4, 10),
        dt.date(2024, 5, 10),
        dt.date(2024, 3, 31),
    ]
    assert horizon_end(date, "period", Calendar(fiscal_year_starts=2)) == dt.date(2024, 4, 30)
    table = (("FY2020-Q1", dt.date(2020, 1, 1), dt.date(2020, 3, 28)),)
    assert horizon_end(dt.date(2020, 3, 1), "period", Calendar(table=table)) == dt.date(2020, 3, 28)
    # Beyond the table: the quarter of the calendar year.
    assert horizon_end(date, "period", Calendar(table=table)) == dt.date(2024, 3, 31)
    with pytest.raises(ParameterError, match="no horizon '3O'"):
        horizon_end(date, "3O", Calendar())


@given(
    expected=st.one_of(st.none(), st.integers(-50, 60)),
    ended=st.one_of(st.none(), st.integers(1, 60)),
    how=st.sampled_from(["won", "lost", "gone"]),
    known_until=st.integers(0, 60),
)
@settings(max_examples=200)
def test_what_is_at_risk(expected: int | None, ended: int | None, how: str, known_until: int) -> None:
    frame = asked(0).assign(expected_close_on=pd.NaT if expected is None else pd.Timestamp(day(expected)))
    endings = pd.DataFrame(
        {
            "ended_on": [pd.NaT if ended is None else pd.Timestamp(day(ended))],
            "ended_as": pd.Series([None if ended is None else how], dtype=object),
        }
    )
    found = label(frame, endings, "30", Calendar(), day(known_until)).iloc[0]
    inside = ended is not None and ended <= 30
    due = expected is not None and expected <= 30
    won, lost = inside and how == "won", inside and how == "lost"
    assert found["horizon_ends_on"].date() == day(30)
    assert (found["due"], found["won"], found["lost"]) == (due, won, lost)
    assert found["open"] == (not won and not lost)
    assert found["at_risk"] == (lost or (due and not won))
    assert found["at_risk"] == ((1 - won) if due else lost)
    assert found["known"] == (known_until >= 30 and not (inside and how == "gone"))
