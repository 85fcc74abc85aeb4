"""A day's coaching on small companies: who may be named, and what bad data come to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.coaching_ledger import LEVER_COLUMNS, Agreement
from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.models.coaching.coaching_day import CoachingDay, coach_day
from spm_lib.models.features import deal_features

NOW = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
DAY = dt.date(2024, 12, 31)
SPEC = "kind: files\npath: .\ncurrency: USD\ntables:\n"
CHANCE = 0.5
Tables = dict[str, pd.DataFrame]


def company(
    folder: Path, *, reps: int = 12, deals: int = 80, weak: tuple[int, ...] = (), tables: Tables | None = None
) -> Path:
    """Write a company of reps in two teams who win half of their deals; the weak win a tenth."""
    rng = np.random.default_rng(5)
    rows = []
    for rep in range(reps):
        for _ in range(deals):
            created = dt.date(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 330)))
            won = rng.random() < (0.1 if rep in weak else CHANCE)
            rows.append(
                {
                    "deal_id": f"d{len(rows)}",
                    "owner_id": f"r{rep:02d}",
                    "outcome": "won" if won else "lost",
                    "amount": 1000,
                    "created_on": created,
                    "closed_on": created + dt.timedelta(days=30),
                    "deal_type": "new" if rng.random() < 0.5 else "more",
                }
            )
    told = {
        "deals": pd.DataFrame(rows),
        "reps": pd.DataFrame(
            [
                {"rep_id": f"r{n:02d}", "name": f"Rep {n}", "hired_on": "2020-01-01", "left_on": None}
                for n in range(reps)
            ]
        ),
        "teams": pd.DataFrame([{"team_id": t, "name": t} for t in ("east", "west")]),
        "team_members": pd.DataFrame(
            [
                {"rep_id": f"r{n:02d}", "team_id": ("east", "west")[n % 2], "valid_from": "2020-01-01"}
                for n in range(reps)
            ]
        ),
        **(tables or {}),
    }
    folder.mkdir(exist_ok=True)
    spec = SPEC
    for name, frame in told.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        spec += f"  {name}: {{from: {name}.csv}}\n"
    (folder / "source.yml").write_text(spec, "utf-8")
    store = folder / "store.duckdb"
    ingest(folder / "source.yml", store, now=NOW)
    return store


def coached(store: Path, agreements: tuple[Agreement, ...] = (), day: dt.date = DAY) -> CoachingDay:
    with open_store(store) as opened:
        snapshot = opened.as_of(day)
        return coach_day(snapshot, deal_features(snapshot, (snapshot.date,)), agreements)


def named(found: CoachingDay) -> set[tuple[str, str]]:
    rows = found.levers[found.levers["named"]]
    return set(zip(rows["rep_id"], rows["lever"], strict=True))


def test_nobody_is_named_where_all_are_alike(tmp_path: Path) -> None:
    found = coached(company(tmp_path))
    assert named(found) == set()
    (test,) = [fact for fact in found.card["levers"] if fact["lever"] == "win_rate"]
    assert not test["differ"]
    assert test["p_value"] > 0.05


def test_who_is_far_behind_is_named_with_the_evidence(tmp_path: Path) -> None:
    found = coached(company(tmp_path, weak=(3,)))
    assert named(found) == {("r03", "win_rate")}
    (row,) = found.levers[found.levers["named"]].to_dict("records")
    assert row["n"] == 80
    assert row["observed"] == pytest.approx(0.1, abs=0.06)
    assert row["expected"] == pytest.approx(CHANCE, abs=0.08)
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["worth"] > 0
    assert found.card["named"] == 1


def test_of_a_step_and_the_whole_only_one_is_named(tmp_path: Path) -> None:
    found = coached(company(tmp_path, weak=(3,)))
    assert found.levers[found.levers["named"]].groupby("rep_id").size().max() <= 2


def test_a_rep_without_deals_or_who_left_is_never_named(tmp_path: Path) -> None:
    people = [
        {"rep_id": f"r{n:02d}", "name": f"Rep {n}", "hired_on": "2020-01-01", "left_on": None}
        for n in range(14)
    ]
    people[3]["left_on"] = "2024-12-20"
    people[13]["hired_on"] = "2024-12-15"
    members = [{"rep_id": f"r{n:02d}", "team_id": "east", "valid_from": "2020-01-01"} for n in range(14)]
    tables = {"reps": pd.DataFrame(people), "team_members": pd.DataFrame(members)}
    store = company(tmp_path, weak=(3,), tables=tables)
    found = coached(store)
    assert named(found) == set()
    assert not {"r03", "r12", "r13"} & set(found.levers["rep_id"])


def test_with_little_evidence_nothing_is_said(tmp_path: Path) -> None:
    found = coached(company(tmp_path, deals=8, weak=(3,)))
    assert "win_rate" not in set(found.levers["lever"])
    assert named(found) == set()


@pytest.mark.parametrize("reps", [1, 2])
def test_a_team_of_one_or_two_is_compared_with_nobody_it_has_not(tmp_path: Path, reps: int) -> None:
    found = coached(company(tmp_path, reps=reps))
    assert named(found) == set()
    assert set(LEVER_COLUMNS) <= set(found.levers.columns)
    if reps == 1:
        assert found.levers.empty


def test_on_a_day_before_anything_happened_nothing_is_found(tmp_path: Path) -> None:
    found = coached(company(tmp_path), day=dt.date(2024, 1, 1))
    assert found.levers.empty
    assert found.card["reps"] == 0


def test_nothing_later_than_the_day_is_used(tmp_path: Path) -> None:
    """Whatever happens after a day, that day's coaching is the same."""
    whole = company(tmp_path / "whole", weak=(3,))
    day = dt.date(2024, 8, 31)
    before = coached(whole, day=day)
    deals = pd.read_csv(tmp_path / "whole" / "deals.csv")
    later = deals["closed_on"] > day.isoformat()
    deals.loc[later, "outcome"] = np.where(deals.loc[later, "outcome"] == "won", "lost", "won")
    deals.to_csv(tmp_path / "whole" / "deals.csv", index=False)
    changed = tmp_path / "changed.duckdb"
    ingest(tmp_path / "whole" / "source.yml", changed, now=NOW)
    after = coached(changed, day=day)
    pd.testing.assert_frame_equal(before.levers, after.levers)


def test_what_was_agreed_is_followed(tmp_path: Path) -> None:
    """A rep who wins a tenth until mid-year and all of it since has moved beyond chance; another has not."""
    folder = tmp_path
    company(folder, weak=(3, 5))
    deals = pd.read_csv(folder / "deals.csv")
    since = (deals["owner_id"] == "r03") & (deals["closed_on"] > "2024-06-30")
    deals.loc[since, "outcome"] = "won"
    deals.to_csv(folder / "deals.csv", index=False)
    ingest(folder / "source.yml", folder / "store.duckdb", now=NOW)
    agreed = tuple(
        Agreement(rep, "win_rate", "Listen", dt.date(2024, 6, 30), dt.date(2024, 9, 30), number, NOW)
        for number, rep in enumerate(("r03", "r05", "r99"), start=1)
    )
    found = coached(folder / "store.duckdb", agreed).progress.set_index("agreement_id")
    assert list(found.index) == [1, 2], "nobody of that id: nothing is lost, nothing is made up"
    assert found.loc[1, "low"] > 0.5
    assert found.loc[2, "low"] < 0 < found.loc[2, "high"]
    assert found["n_before"].gt(15).all() and found["n_since"].gt(15).all()
