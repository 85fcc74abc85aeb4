"""How outlooks told earlier turned out: which are judged, whose, and by what."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from spm_lib.models.quota_outlook import OutlookRecord, outlook_record
from tests.conftest import MakeStore
from tests.models.quota_companies import DAY, company

MIDDLE = dt.date(2025, 2, 14)
LAST = dt.date(2025, 3, 31)


def outlooks(*rows: tuple[str, dt.date, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["rep_id", "as_of", "quota", "miss"])
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return frame.assign(ends_on=pd.Timestamp(LAST))


def test_each_quarter_counts_once_by_the_outlook_of_its_middle(make_store: MakeStore) -> None:
    store = make_store(**company("A", "B"))
    told = outlooks(
        ("A", dt.date(2025, 1, 10), 1e6, 0.6),
        ("A", MIDDLE, 1e6, 0.8),
        ("A", LAST, 1e6, 0.999),
        ("B", LAST, 10.0, 0.1),
        ("A", dt.date(2025, 5, 1), 1e6, 0.9),  # its quarter is not over
    )
    record = outlook_record(store.as_of(DAY), told.sample(frac=1, random_state=3))
    assert (record.n, record.missed) == (2, 1)
    assert record.told == pytest.approx(0.9)
    assert record.brier == pytest.approx((0.2**2 + 0.1**2) / 2)
    assert list(record.rows["rep_id"]) == ["A", "B"]
    assert record.calibration.empty


def test_revenue_counts_from_the_first_day_of_the_quarter_to_the_last_of_the_quota(
    make_store: MakeStore,
) -> None:
    tables = company("A")
    store = make_store(**tables)
    won = [
        row["closed_on"]
        for row in tables["deals"]
        if row["outcome"] == "won" and row["closed_on"].year == 2025
    ]
    for ends in (LAST, dt.date(2025, 2, 20)):
        inside = sum(dt.date(2025, 1, 1) <= day <= ends for day in won) * 1000.0
        for quota, missed in ((inside, 0), (inside + 1, 1)):
            told = outlooks(("A", MIDDLE, quota, 0.5)).assign(ends_on=pd.Timestamp(ends))
            record = outlook_record(store.as_of(DAY), told)
            assert record.rows["revenue"].tolist() == [inside]
            assert record.missed == missed


def test_only_those_of_the_scope_on_the_day_count_with_all_they_won(make_store: MakeStore) -> None:
    tables = company("A", "B")
    tables["team_members"][1] |= {"valid_to": dt.date(2025, 3, 10)}
    tables["team_members"].append({"rep_id": "B", "team_id": "S", "valid_from": dt.date(2025, 3, 11)})
    store = make_store(**tables)
    told = outlooks(("A", MIDDLE, 8000.0, 0.5), ("B", MIDDLE, 8000.0, 0.5))
    whole = outlook_record(store.as_of(DAY), told).rows.set_index("rep_id")["revenue"]
    north = outlook_record(store.as_of(DAY).scope("N"), told)
    assert north.rows.set_index("rep_id")["revenue"].equals(whole)
    assert outlook_record(store.as_of(DAY).scope("S"), told).n == 0
    later = outlooks(("A", dt.date(2025, 3, 20), 8000.0, 0.5), ("B", dt.date(2025, 3, 20), 8000.0, 0.5))
    south = outlook_record(store.as_of(DAY).scope("S"), later)
    assert list(south.rows["rep_id"]) == ["B"]
    assert south.rows["revenue"].tolist() == [whole["B"]]


def test_a_quarter_just_over_is_judged_and_one_that_is_not_is_not(make_store: MakeStore) -> None:
    store = make_store(**company("A"))
    told = outlooks(("A", MIDDLE, 8000.0, 0.5))
    assert outlook_record(store.as_of(LAST), told).n == 1
    assert outlook_record(store.as_of(LAST - dt.timedelta(days=1)), told).n == 0


def test_what_was_not_told_is_not_judged(make_store: MakeStore) -> None:
    store = make_store(**company("A"))
    for told in (outlooks(), outlooks(("A", MIDDLE, 8000.0, float("nan")))):
        record = outlook_record(store.as_of(DAY), told)
        assert record.n == OutlookRecord().n == 0
        assert np.isnan(record.brier)
        assert record.rows.empty


def test_days_may_come_as_text_and_who_won_nothing_missed(make_store: MakeStore) -> None:
    store = make_store(**company("A"))
    told = outlooks(("Z", MIDDLE, 8000.0, 0.5)).assign(as_of="2025-02-14", ends_on="2025-03-31")
    record = outlook_record(store.as_of(DAY), told)
    assert (record.n, record.missed) == (1, 1)
    assert record.rows["revenue"].tolist() == [0.0]


def test_bins_tell_how_often_what_was_told_came(make_store: MakeStore) -> None:
    store = make_store(**company("A"))
    many = [f"R{number:02d}" for number in range(60)]
    # Of those without a deal all miss: told 0.5, and all came.
    record = outlook_record(store.as_of(DAY), outlooks(*((rep, MIDDLE, 1.0, 0.5) for rep in many)))
    assert record.calibration["n"].sum() == 60
    assert (record.calibration["value"] == 1).all()
    assert (record.calibration["low"] < 1).all()
    assert (record.calibration["said"] == 0.5).all()
