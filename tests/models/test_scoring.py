"""Scoring: what was known that day, once, into the ledger; too little to learn from is no failure."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock, Timeout

from spm_lib.data.ledger import Ledger, ModelRecord, ledger_path, models_folder
from spm_lib.data.store import Store, open_store
from spm_lib.errors import ModelError, StoreError
from spm_lib.models import model_shelf, scoring, scoring_day
from spm_lib.models.landmarks import HORIZONS
from spm_lib.models.model_card import plain_values
from spm_lib.models.scoring import Scored, gates_of, score_store
from spm_lib.periods import Calendar

NOW = dt.datetime(2026, 11, 2, 6, 30, tzinfo=dt.UTC)
DAY = dt.date(2026, 6, 30)
MakeStore = Callable[..., Store]


def scored(store: Path, as_of: dt.date | None = None, **more: Any) -> Scored:
    return score_store(store, as_of, clock=lambda: NOW, **more)


def few(make_store: MakeStore, open_deals: int = 3, closed: int = 10, **more: Any) -> Path:
    """A company with too little to learn from."""
    deals = [
        {
            "deal_id": f"closed-{number}",
            "owner_id": "a",
            "outcome": "won" if number % 2 else "lost",
            "created_on": DAY - dt.timedelta(days=200 + number),
            "closed_on": DAY - dt.timedelta(days=100 - number),
            "amount": 100,
        }
        for number in range(closed)
    ]
    deals += [
        {
            "deal_id": f"open-{number}",
            "owner_id": "a",
            "outcome": "open",
            "created_on": DAY - dt.timedelta(days=number),
            "expected_close_on": DAY + dt.timedelta(days=40 * number),
        }
        for number in range(open_deals)
    ]
    store = make_store(reps=[{"rep_id": "a", "name": "A"}], deals=deals, **more)
    store.close()
    return store.path


# Too little to learn from


def test_with_too_little_to_learn_from_rules_alone_are_kept(make_store: MakeStore) -> None:
    store = few(make_store)
    done = scored(store)
    assert (done.state, done.as_of, done.deals, done.fitted) == ("scored", DAY, 3, False)
    assert "4 won deals: 196 more are needed" in done.note
    assert done.model_id is not None and done.model_id.startswith(f"deal-rules-{DAY}-")
    assert done.gates == {}
    found = Ledger(ledger_path(store)).scores(DAY)
    assert len(found) == 3 * len(HORIZONS)
    assert found[["won", "lost", "open", "at_risk", "raw_score", "usual_at_risk"]].isna().all(axis=None)
    due = found.set_index(["deal_id", "horizon"])["due"]
    assert due["open-0", "30"] and due["open-1", "60"] and not due["open-1", "30"] and not due["open-2", "60"]
    ends = found.set_index("horizon")["horizon_ends_on"]
    assert set(ends["30"]) == {pd.Timestamp(DAY + dt.timedelta(days=30))}
    assert set(ends["period"]) == {pd.Timestamp(DAY)}
    assert not models_folder(store).exists()


def test_the_card_names_as_used_what_is_known_of_days_past(make_store: MakeStore) -> None:
    done = scored(few(make_store))
    assert done.model_id is not None
    features = Ledger(done.ledger).model(done.model_id).card["features"]
    assert "age_days" in features["used"] and "days_to_expected_close" in features["absent"]


def test_a_day_is_scored_once(make_store: MakeStore) -> None:
    store = few(make_store)
    first = scored(store)
    again = scored(store, refit=True)
    assert again.state == "already"
    assert replace(again, state="scored") == first


def test_a_day_after_the_data_is_their_last(make_store: MakeStore) -> None:
    store = few(make_store)
    assert scored(store, DAY + dt.timedelta(days=400)).as_of == DAY
    assert Ledger(ledger_path(store)).scored_days() == (DAY,)


def test_a_past_day_knows_its_own_deals_alone(make_store: MakeStore) -> None:
    store = few(make_store)
    day = DAY - dt.timedelta(days=1)
    assert scored(store, day).state == "scored"
    assert set(Ledger(ledger_path(store)).scores(day)["deal_id"]) == {"open-1", "open-2"}


@pytest.mark.parametrize(
    ("open_deals", "as_of", "says"),
    [
        (3, dt.date(2020, 1, 1), "the data begin on 2025-12-03: no deal was open on 2020-01-01"),
        (0, None, "the source lists no open deals"),
    ],
)
def test_nothing_to_score_is_said_and_not_written(
    make_store: MakeStore, open_deals: int, as_of: dt.date | None, says: str
) -> None:
    store = few(make_store, open_deals)
    done = scored(store, as_of)
    assert (done.state, done.note) == ("nothing", says)
    assert not ledger_path(store).exists()


def test_a_day_without_an_open_deal_is_said(make_store: MakeStore) -> None:
    store = few(make_store, open_deals=1)
    done = scored(store, DAY - dt.timedelta(days=50))
    assert (done.state, done.deals) == ("nothing", 0)
    assert "no deal was open on 2026-05-11" in done.note


def test_a_store_without_data_is_said(make_store: MakeStore) -> None:
    store = make_store(reps=[{"rep_id": "a", "name": "A"}])
    assert scored(store.path).note == "the store holds no data"


def test_a_missing_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store here"):
        scored(tmp_path / "no.duckdb")


def test_closings_whose_past_nobody_recorded_are_not_said_to_be_none(make_store: MakeStore) -> None:
    deals = [
        {"deal_id": f"c-{n}", "owner_id": "a", "outcome": "won", "closed_on": DAY - dt.timedelta(days=n)}
        for n in range(9)
    ]
    deals.append({"deal_id": "o", "owner_id": "a", "outcome": "open"})
    store = make_store(reps=[{"rep_id": "a", "name": "A"}], deals=deals)
    assert "the record tells the past of 0 won deals: 200 more are needed" in scored(store.path).note


def test_dates_and_amounts_may_be_missing(make_store: MakeStore) -> None:
    deals = [{"deal_id": f"d-{n}", "owner_id": "a", "outcome": "open"} for n in range(3)]
    deals.append({"deal_id": "c", "owner_id": "a", "outcome": "won", "closed_on": DAY})
    store = make_store(reps=[{"rep_id": "a", "name": "A"}], deals=deals)
    assert scored(store.path).state in ("scored", "nothing")


def test_the_ledger_of_another_source_is_left_alone(make_store: MakeStore) -> None:
    store = few(make_store)
    scored(store)
    before = Ledger(ledger_path(store)).digest(DAY)
    with duckdb.connect(str(store)) as connection:
        ((text,),) = connection.execute("select meta from spm_meta").fetchall()
        other = json.dumps({**json.loads(text), "source": "other"})
        connection.execute("update spm_meta set meta = ?", [other])
    for day in (DAY - dt.timedelta(days=1), DAY):
        with pytest.raises(StoreError, match="scores of the source 'made', the store holds 'other'"):
            scored(store, day)
    assert Ledger(ledger_path(store)).digest(DAY) == before


def test_a_model_of_another_calendar_does_not_serve(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SimpleNamespace(model=SimpleNamespace(calendar=Calendar(fiscal_year_starts=7)), record=None)
    monkeypatch.setattr(scoring_day, "newest_model", lambda *_, **__: other)
    assert "more are needed" in scored(few(make_store)).note


def _score(store: Path) -> str:
    return scored(store).state


def test_two_who_score_at_once_score_once(make_store: MakeStore) -> None:
    store = few(make_store)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert sorted(pool.map(_score, [store, store], chunksize=1)) == ["already", "scored"]


def test_nobody_comes_between_a_day_s_deals_and_its_people(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = few(make_store)
    look_at_people, tried = scoring._score_people, []

    def while_another_tries(*args: Any) -> Any:
        (lock,) = store.parent.glob("*.scoring.lock")
        with pytest.raises(Timeout):
            FileLock(lock).acquire(blocking=False)
        tried.append(lock)
        return look_at_people(*args)

    monkeypatch.setattr(scoring, "_score_people", while_another_tries)
    assert scored(store).state == "scored"
    assert len(tried) == 1


# The shelf


class Fitted:
    """Stands in for a model: a file with a word in it."""

    def save(self, path: Path) -> None:
        path.write_text("a model", "utf-8")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    def load(path: Path) -> str:
        if not path.is_file() or path.read_text("utf-8") != "a model":
            raise ModelError("the saved model cannot be read")
        return path.name

    monkeypatch.setattr(model_shelf, "load", load)
    return Ledger(tmp_path / "s.ledger.sqlite")


def keep(ledger: Ledger, day: dt.date, source: str = "crm", **card: Any) -> ModelRecord:
    folder = ledger.path.parent / "models"
    card = {"source": source, **card}
    return model_shelf.keep_model(ledger, folder, Fitted(), day=day, made_at=NOW, card=card)  # type: ignore[arg-type]


def newest(ledger: Ledger, day: dt.date, days: int = 28) -> str | None:
    found = model_shelf.newest_model(ledger, ledger.path.parent / "models", day, days=days, source="crm")
    return found.record.model_id if found else None


def test_the_newest_model_serves_that_knows_nothing_of_later_days(ledger: Ledger) -> None:
    old, new = keep(ledger, DAY), keep(ledger, DAY + dt.timedelta(days=10))
    assert newest(ledger, DAY - dt.timedelta(days=1)) is None
    assert newest(ledger, DAY) == newest(ledger, DAY + dt.timedelta(days=9)) == old.model_id
    assert newest(ledger, DAY + dt.timedelta(days=10)) == new.model_id
    assert newest(ledger, DAY + dt.timedelta(days=37)) == new.model_id
    assert newest(ledger, DAY + dt.timedelta(days=38)) is None
    assert newest(ledger, DAY, days=0) is None


def test_a_model_of_another_source_or_version_or_without_its_file_does_not_serve(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(ledger, DAY, source="demo")
    assert newest(ledger, DAY) is None
    record = keep(ledger, DAY)
    assert newest(ledger, DAY) == record.model_id
    with monkeypatch.context() as patched:
        patched.setattr(model_shelf, "libraries", lambda: "scikit-learn 99")
        assert newest(ledger, DAY) is None
    file = ledger.path.parent / "models" / f"{record.model_id}.skops"
    file.write_text("cut off", "utf-8")
    assert newest(ledger, DAY) is None
    file.unlink()
    assert newest(ledger, DAY) is None


def test_a_model_of_the_same_card_has_the_same_id(ledger: Ledger) -> None:
    assert keep(ledger, DAY, n=1) == keep(ledger, DAY, n=1)
    assert keep(ledger, DAY, n=2).model_id != keep(ledger, DAY, n=1).model_id
    assert len(ledger.models("deal_risk")) == 2
    assert sorted(p.name for p in (ledger.path.parent / "models").iterdir()) == sorted(
        f"{record.model_id}.skops" for record in ledger.models("deal_risk")
    )


def test_a_card_is_plain() -> None:
    card = {
        "days": [dt.date(2026, 1, 2), pd.Timestamp("2026-01-03"), pd.NaT, dt.datetime(2026, 1, 4, 5)],
        "numbers": (np.float64(0.5), float("nan"), np.inf, np.int64(3), np.bool_(True), None, pd.NA),
    }
    plain = plain_values(card)
    assert plain["days"] == ["2026-01-02", "2026-01-03", None, "2026-01-04"]
    assert plain["numbers"] == [0.5, None, None, 3, True, None, None]
    json.dumps(plain, allow_nan=False)


# The demo company


def test_the_demo_is_scored_on_three_days_by_a_model_that_knew_no_later_one(demo_scored: Path) -> None:
    ledger = Ledger(ledger_path(demo_scored))
    with open_store(demo_scored) as store:
        last = store.as_of().date
    days = [last - dt.timedelta(weeks=weeks) for weeks in (8, 1, 0)]
    assert list(ledger.scored_days()) == days
    scorings = [ledger.scoring(day) for day in days]
    records = [ledger.model(scoring.model_id) for scoring in scorings if scoring and scoring.model_id]
    assert [record.fitted_on for record in records] == [days[0]] * 3
    for record, day in zip(records, days, strict=True):
        assert record.kind == "deal_risk" and record.card["source"] == "demo"
        data = record.card["data"]
        assert data["until"] <= str(day) and data["won"] > 200 and data["lost"] > 200
        assert record.card["features"]["used"] and "age_days" in record.card["features"]["used"]
        assert {row["rule"] for row in record.card["rules"]} >= {"quiet", "overdue"}
        assert set(gates_of(record)) == set(HORIZONS)


def test_the_demos_scores_are_whole(demo_scored: Path) -> None:
    ledger = Ledger(ledger_path(demo_scored))
    day = ledger.scored_days()[-1]
    found = ledger.scores(day)
    with open_store(demo_scored) as store:
        table = store.as_of(day).table("deals")
        open_now = set(
            table.filter(table.outcome == "open").select("deal_id").to_pyarrow().to_pydict()["deal_id"]
        )
    assert open_now >= set(found["deal_id"])
    assert len(found) == found["deal_id"].nunique() * len(HORIZONS) > 1000
    known = found[found["at_risk"].notna()]
    assert len(known) > len(found) / 2
    np.testing.assert_allclose(known["won"] + known["lost"] + known["open"], 1, atol=1e-9)
    at_risk = np.where(known["due"], 1 - known["won"], known["lost"])
    np.testing.assert_allclose(known["at_risk"], at_risk, atol=1e-9)
    scoring = ledger.scoring(day)
    assert scoring is not None and scoring.model_id is not None
    gates = gates_of(ledger.model(scoring.model_id))
    assert any(gate.open for gate in gates.values())
    for horizon, own in known.groupby("horizon"):
        if gates[str(horizon)].open:
            expected = (own["at_risk"] >= 0.5) & (own["at_risk"] - own["usual_at_risk"] >= 0.10)
            assert (own["flagged"] == expected).all()
            told = own.loc[own["flagged"], "reasons"]
            assert (told.map(len) > 0).mean() > 0.9
            assert told.map(len).max() <= 3
        else:
            assert (own["flagged"] == own["rules"].map(bool)).all()
            assert not own["reasons"].map(bool).any()
    assert 0 < ledger.flagged(day)["30"] < found["deal_id"].nunique() / 2


def test_a_recent_model_serves_again(demo_scored: Path, tmp_path: Path) -> None:
    store = tmp_path / demo_scored.name
    shutil.copyfile(demo_scored, store)
    shutil.copytree(models_folder(demo_scored), models_folder(store))
    copy_ledger(ledger_path(demo_scored), ledger_path(store))
    ledger = Ledger(ledger_path(store))
    last = ledger.scored_days()[-1]
    done = scored(store, last - dt.timedelta(days=3), refit_days=63)
    before = ledger.scoring(last)
    assert before is not None
    assert (done.state, done.fitted, done.model_id) == ("scored", False, before.model_id)
    assert done.deals > 500


def copy_ledger(source: Path, target: Path) -> None:
    """As SQLite copies, which touches nothing of the source: what lies in the log beside the file belongs to it."""
    import sqlite3

    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as one,
        closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)
