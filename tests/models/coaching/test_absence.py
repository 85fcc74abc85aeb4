"""Time away: what counts as leave, and what a rep's rates and usual quarter are then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.store import Store
from spm_lib.models.coaching.absence import time_away
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.usual_quarter import QUARTER_DAYS, usual_quarters
from spm_lib.models.coaching.work import Work, read_work
from spm_lib.models.stretches import keeping

DAY = dt.date(2025, 12, 31)
START = dt.date(2025, 1, 1)
LEFT, BACK = dt.date(2025, 3, 10), dt.date(2025, 7, 21)
#: Who is away from `LEFT` to before `BACK`.
AWAY = "r-0"
MakeStore = Callable[..., Store]


def company(
    make_store: MakeStore, *, reps: int = 5, deals: int = 6, activities: int = 8, rest: int | None = None
) -> Store:
    """Give reps with so many deals and activities a month, all through the year; in the month `rest` nobody works."""
    rng = np.random.default_rng(1)
    people = [{"rep_id": f"r-{n}", "hired_on": dt.date(2020, 1, 1)} for n in range(reps)]
    sold, done = [], []
    for rep in range(reps):
        for month in range(1, 13):
            for kind, count in (("deal", deals), ("activity", activities)):
                for _ in range(count):
                    day = dt.date(2025, month, int(rng.integers(1, 29)))
                    if month == rest or (f"r-{rep}" == AWAY and LEFT <= day < BACK):
                        continue
                    if kind == "deal":
                        sold.append(_deal(len(sold), f"r-{rep}", day))
                    else:
                        done.append(
                            {"activity_id": f"a{len(done)}", "rep_id": f"r-{rep}", "occurred_at": day}
                        )
    members = [{"rep_id": f"r-{n}", "team_id": "t", "valid_from": dt.date(2020, 1, 1)} for n in range(reps)]
    teams = [{"team_id": "t", "name": "T"}]
    return make_store(reps=people, deals=sold, activities=done, teams=teams, team_members=members)


def _deal(number: int, rep: str, day: dt.date) -> dict[str, object]:
    ended = min(day + dt.timedelta(days=20), DAY)
    if rep == AWAY and LEFT <= ended < BACK:
        # Who is away closes nothing.
        ended = BACK
    what = {"outcome": "won" if number % 2 else "lost", "amount": 100, "created_on": day, "closed_on": ended}
    return {"deal_id": f"d{number}", "owner_id": rep, **what}


def asked(store: Store, ask: Callable[[Work], Any], day: dt.date = DAY) -> Any:
    with store:
        snapshot = store.as_of(day)
        with keeping(snapshot) as keep:
            return ask(read_work(snapshot, START, keep))


def test_leave_is_found_from_the_last_sign_to_the_next(make_store: MakeStore) -> None:
    (row,) = asked(company(make_store), lambda work: work.away.to_dict("records"))
    assert row["rep_id"] == AWAY
    assert LEFT - dt.timedelta(days=9) <= row["since"].date() <= LEFT
    assert BACK <= row["until"].date() <= BACK + dt.timedelta(days=9)


@pytest.mark.parametrize(
    "kinds",
    [{"deals": 1, "activities": 0}, {"deals": 2, "activities": 0, "rest": 8}, {"rest": 8}],
    ids=["a deal a month", "two a month", "all rest"],
)
def test_a_quiet_month_is_no_leave_where_that_is_usual(make_store: MakeStore, kinds: dict[str, int]) -> None:
    """Who has a deal now and then has months without; a month without anybody's is nobody's leave."""
    found = asked(company(make_store, **kinds), lambda work: work.away)
    august = found[(found["since"] < "2025-08-20") & (found["until"] > "2025-08-10")]
    assert august.empty
    assert set(found["rep_id"]) <= {AWAY}


def test_who_creates_no_deals_and_works_on_those_there_are_is_no_leave(make_store: MakeStore) -> None:
    """A deal of each month ends, or moves on, in the quarter in which none comes."""
    people = [{"rep_id": f"r-{n}", "hired_on": dt.date(2020, 1, 1)} for n in range(5)]
    deals, changes = [], []
    for rep in range(5):
        for month in range(1, 13):
            for at in range(5):
                if rep in (0, 1, 2) and 7 <= month <= 9:
                    continue
                day = dt.date(2025, month, 1 + 5 * at)
                # The first ends its deals in time, the second moves them on then, the third leaves them alone.
                ended = min(day + dt.timedelta(days=90), DAY) if rep == 0 else DAY
                deal = _deal(len(deals), f"r-{rep}", day) | {"closed_on": ended}
                deals.append(deal)
                if rep == 1 and 4 <= month <= 6:
                    moved = dt.datetime(2025, month + 3, 1 + 5 * at)
                    told = {"field": "stage", "old_value": "Demo", "new_value": "Proposal"}
                    changes.append({"deal_id": deal["deal_id"], **told, "changed_at": moved})
    store = make_store(reps=people, deals=deals, deal_changes=changes)
    assert asked(store, lambda work: work.away)["rep_id"].tolist() == ["r-2"]


def test_leave_is_no_reason_to_be_behind_on_deals_created(make_store: MakeStore) -> None:
    def rate(work: Work) -> pd.Series:
        (evidence,) = evidence_of(work, ["deals_created"])
        whole = evidence.rows.groupby("rep_id")[["y", "x"]].sum()
        return whole["y"] / whole["x"]

    found = asked(company(make_store), rate)
    assert found[AWAY] == pytest.approx(found.drop(AWAY).mean(), rel=0.15)


def test_open_time_while_away_does_not_count(make_store: MakeStore) -> None:
    def months(work: Work) -> pd.Series:
        (evidence,) = evidence_of(work, ["activity_spread"])
        return evidence.rows.groupby("rep_id")["x"].sum()

    found = asked(company(make_store), months)
    assert found[AWAY] < 0.75 * found.drop(AWAY).mean()


def test_a_usual_quarter_is_one_at_work(make_store: MakeStore) -> None:
    def quarters(work: Work) -> pd.DataFrame:
        return usual_quarters(work.snapshot, START, work.away).set_index("rep_id")

    found = asked(company(make_store), quarters)["revenue"]
    assert found[AWAY] == pytest.approx(found.drop(AWAY).mean(), rel=0.2)


def test_a_young_record_makes_no_small_quarter(make_store: MakeStore) -> None:
    """A hundred a day from 1 September on is as much a quarter, whatever is not on record before."""
    days = [dt.date(2025, 9, 1) + dt.timedelta(days=n) for n in range(122)]
    deals = [
        {
            "deal_id": f"d{n}",
            "owner_id": "r-1",
            "outcome": "won",
            "amount": 100,
            "created_on": day,
            "closed_on": day,
        }
        for n, day in enumerate(days)
    ]
    store = make_store(reps=[{"rep_id": "r-1", "hired_on": dt.date(2020, 1, 1)}], deals=deals)
    with store:
        (row,) = usual_quarters(store.as_of(DAY), START).to_dict("records")
    assert row["revenue"] == pytest.approx(100 * QUARTER_DAYS)


def test_nobody_is_away_where_nothing_is_known(make_store: MakeStore) -> None:
    deals = [_deal(0, "r-1", dt.date(2025, 5, 5))]
    store = make_store(reps=[{"rep_id": "r-1"}, {"rep_id": "r-2"}], deals=deals)
    assert asked(store, lambda work: work.away).empty
    store = make_store(deals=deals)
    away = asked(store, lambda work: time_away(work.snapshot, work.deals, work.owners, work.changes, START))
    assert away.empty
