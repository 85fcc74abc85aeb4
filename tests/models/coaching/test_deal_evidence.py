"""Evidence from deals as a whole: whose month a deal counts in, what it was worth to begin with, and how large it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.store import Store
from spm_lib.models.coaching import deal_evidence
from spm_lib.models.coaching.coaching_day import coach_day
from spm_lib.models.coaching.deal_sizes import SIZE
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.work import MONTH_DAYS, Work, read_work
from spm_lib.models.features import deal_features
from spm_lib.models.stretches import keeping

MakeStore = Callable[..., Store]
START, DAY = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
AGREED = dt.date(2026, 6, 30)
LONG_AGO = dt.date(2020, 1, 1)
REPS = 12


def deal(name: str, owner: str = "A", **more: Any) -> dict[str, Any]:
    told = {"deal_id": name, "owner_id": owner, "amount": 100, "currency": "USD", "created_on": START}
    return {**told, "closed_on": None, "outcome": "open", **more}


def repriced(name: str, old: object, new: object, day: dt.date) -> dict[str, Any]:
    at = dt.datetime(day.year, day.month, day.day, 12)
    told = {"field": "amount", "old_value": None if old is None else str(old), "new_value": str(new)}
    return {"deal_id": name, **told, "changed_at": at}


def people(names: list[str]) -> dict[str, list[dict[str, Any]]]:
    return {
        "reps": [{"rep_id": name, "name": name, "hired_on": LONG_AGO} for name in names],
        "teams": [{"team_id": "t", "name": "T"}],
        "team_members": [{"rep_id": name, "team_id": "t", "valid_from": LONG_AGO} for name in names],
    }


def asked(store: Store, ask: Callable[[Work], Any]) -> Any:
    with store:
        snapshot = store.as_of(DAY)
        with keeping(snapshot) as keep:
            return ask(read_work(snapshot, START, keep))


# -- Whose month a deal counts in -----------------------------------------------------------------------------


def moves(make_store: MakeStore, deals: list[dict[str, Any]]) -> Store:
    """Give a rep who moves from one team to another in the middle of June."""
    spells = [
        {"rep_id": "A", "team_id": "t", "valid_from": LONG_AGO, "valid_to": dt.date(2026, 6, 15)},
        {"rep_id": "A", "team_id": "u", "valid_from": dt.date(2026, 6, 16), "valid_to": None},
    ]
    teams = [{"team_id": name, "name": name} for name in ("t", "u")]
    told = people(["A"]) | {"teams": teams, "team_members": spells}
    return make_store(deals=deals, **told)


def test_who_moves_has_a_month_s_deals_in_the_team_of_their_day(make_store: MakeStore) -> None:
    """Ten deals in June, eight of them before the move: each counts once, and so does the month."""
    deals = [deal(f"d{at}", created_on=dt.date(2026, 6, 1 + 2 * at)) for at in range(10)]
    months = asked(moves(make_store, deals), deal_evidence.deals_created)
    june = months[months["month"] == "2026-06"].set_index("kind_of_team")
    assert june["y"].to_dict() == {"t": 8, "u": 2}
    assert months["y"].sum() == 10
    assert months["n"].sum() == 12


def test_time_away_is_taken_out_of_the_days_in_which_it_lies(make_store: MakeStore) -> None:
    """Six days of it were in the old team, two in the new one."""
    june = {"since": pd.Timestamp("2026-06-10"), "until": pd.Timestamp("2026-06-18")}

    def days(work: Work) -> dict[str, float]:
        months = deal_evidence.deals_created(replace(work, away=pd.DataFrame([{"rep_id": "A", **june}])))
        told = months[months["month"] == "2026-06"].set_index("kind_of_team")["x"] * MONTH_DAYS
        return dict(told)

    found = asked(moves(make_store, [deal("d", created_on=dt.date(2026, 6, 20))]), days)
    assert found == {"t": pytest.approx(15 - 6), "u": pytest.approx(15 - 2)}


# -- What it was worth to begin with --------------------------------------------------------------------------


def test_an_amount_changed_after_an_agreement_was_another_before_it(make_store: MakeStore) -> None:
    later = dt.date(2026, 9, 1)
    changes = [repriced("cut", 100, 50, later), repriced("late", None, 900, later)]
    deals = [deal("cut", amount=50), deal("late", amount=900), deal("same")]

    def sizes(work: Work) -> tuple[int, float]:
        rows = deal_evidence.deal_size(work.during(START, AGREED))
        return int(rows["n"].sum()), float(np.exp(rows["y"].sum() / rows["x"].sum()))

    store = make_store(deals=deals, deal_changes=changes, **people(["A"]))
    assert asked(store, sizes) == (2, pytest.approx(100.0)), "what was not known yet is no size"


# -- How large it was -----------------------------------------------------------------------------------------


def bands(work: Work) -> dict[str, str]:
    assert work.bands is not None
    return dict(work.bands.to_pandas()[["deal_id", SIZE]].itertuples(index=False))


def test_sizes_are_bands_of_the_amount_at_creation_and_unknown_is_one_of_them(make_store: MakeStore) -> None:
    made = [deal(f"d{at}", amount=100 * at) for at in range(1, 9)]
    day = START + dt.timedelta(days=9)
    changes = [
        repriced("raised", 100, 9_000, day),
        repriced("priced late", None, 500, day),
        repriced("put right", 9_000, 100, START),
    ]
    more = [
        deal("raised", amount=9_000),
        deal("priced late", amount=500),
        deal("put right"),
        deal("none", amount=None),
    ]
    found = asked(make_store(deals=[*made, *more], deal_changes=changes, **people(["A"])), bands)
    assert found["raised"] == found["put right"] == found["d1"] == "up to 0.25"
    assert found["priced late"] == found["none"] == "unknown"
    assert found["d4"] == "up to 0.75" and found["d8"] == "above"


def test_where_only_won_deals_have_an_amount_sizes_tell_nothing(make_store: MakeStore) -> None:
    """A band of unknown amounts would be one of lost deals: on it nobody could be behind."""
    ends = {"closed_on": dt.date(2026, 5, 1)}
    won = [deal(f"w{at}", outcome="won", amount=100 * at, **ends) for at in range(1, 9)]
    lost = [deal(f"l{at}", outcome="lost", amount=None, **ends) for at in range(8)]

    def told(work: Work) -> tuple[bool, list[str]]:
        return work.bands is None, [SIZE for rows in [deal_evidence.win_rate(work)] if SIZE in rows]

    assert asked(make_store(deals=[*won, *lost], **people(["A"])), told) == (True, [])


def test_who_sells_large_deals_is_compared_on_large_deals(make_store: MakeStore) -> None:
    """All win a fifth of the large deals and half of the small ones; one rep has nearly all the large ones."""
    rng = np.random.default_rng(3)
    deals = []
    for rep in range(REPS):
        for at in range(120):
            large = rng.random() < (0.15 if rep else 0.85)
            closed = dt.date(2026, 2, 10) + dt.timedelta(days=int(rng.integers(0, 300)))
            won = rng.random() < (0.2 if large else 0.5)
            dated = {"created_on": closed - dt.timedelta(days=30), "closed_on": closed}
            ended = {"outcome": "won" if won else "lost", "amount": 100_000 if large else 2_000}
            deals.append(deal(f"{rep}-{at}", f"r{rep:02d}", **dated, **ended))
    with make_store(deals=deals, **people([f"r{rep:02d}" for rep in range(REPS)])) as store:
        snapshot = store.as_of(DAY)
        levers = coach_day(snapshot, deal_features(snapshot, (DAY,)), ()).levers
    row = levers[levers["lever"].eq("win_rate")].set_index("rep_id").loc["r00"]
    assert row["observed"] == pytest.approx(0.25, abs=0.08)
    assert row["expected"] == pytest.approx(0.25, abs=0.04)
    assert not levers["named"].any()


def test_sizes_go_with_some_levers_alone(make_store: MakeStore) -> None:
    """How large deals are is a lever itself, and no kind of work on it."""
    ends = {"closed_on": dt.date(2026, 5, 1), "outcome": "won"}
    deals = [deal(f"d{at}", amount=100 * at, **ends) for at in range(1, 9)]

    def told(work: Work) -> dict[str, bool]:
        return {each.lever: SIZE in each.attributes for each in evidence_of(work)}

    found = asked(make_store(deals=deals, **people(["A"])), told)
    assert found == {"deals_created": False, "win_rate": True, "deal_size": False}
