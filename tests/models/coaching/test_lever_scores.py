"""Levers put together: who is named and who stands out by chance, what a lever is worth, and what comes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.models.coaching.evidence import Evidence
from spm_lib.models.coaching.lever_scores import Measured, by_priority, lever_scores, measure
from spm_lib.models.coaching.shrinkage import differ, shrunk
from spm_lib.models.scorecard_figures import LEAST_PEOPLE

REPS = 51
#: Of a lever without worth nobody asks how it was fitted.
NEVER_ASKED: Any = None
#: Levers with shares that are no parts of each other.
SHARES = ("win_rate", "follow_up", "hygiene")


def shares(lever: str, chance: np.ndarray, rng: np.random.Generator, tries: int = 100) -> Evidence:
    """Give successes of each rep with these chances, all on one kind of work."""
    won = rng.binomial(tries, chance).astype(float)
    count = np.full(len(chance), float(tries))
    rows = {"rep_id": [f"r{n:02d}" for n in range(len(chance))], "n": tries, "y": won, "x": count}
    return Evidence(lever, "", "share", (), pd.DataFrame({**rows, "yy": won, "xy": won, "xx": count}))


def rates(lever: str, rate: np.ndarray, rng: np.random.Generator, days: float = 100.0) -> Evidence:
    """Give on how many of as many days something happened to each rep."""
    seen = rng.binomial(int(days), rate).astype(float)
    rows = {"rep_id": [f"r{n:02d}" for n in range(len(rate))], "n": int(days), "y": seen, "x": days}
    return Evidence(lever, "", "rate", (), pd.DataFrame({**rows, "yy": seen, "xy": seen, "xx": days}))


def people(count: int = REPS, teams: int = 1, revenue: float = 90_000.0) -> pd.DataFrame:
    names = [f"r{n:02d}" for n in range(count)]
    team = [f"t{n % teams}" for n in range(count)]
    return pd.DataFrame({"rep_id": names, "team": team, "revenue": revenue, "cycle": 60.0})


def measured(evidence: Evidence) -> Measured:
    found = measure(evidence)
    assert found is not None
    return found


def scored(score: np.ndarray) -> Measured:
    """Give a lever on which reps have these scores, as `measure` would with endless evidence."""
    evidence = shares("hygiene", np.full(len(score), 0.4), np.random.default_rng(0))
    shrink = shrunk(score, np.ones(len(score)))
    told = {"n": 100, "observed": 0.4, "expected": 0.4, "difference": shrink.told}
    frame = pd.DataFrame(
        {
            "rep_id": evidence.rows["rep_id"],
            "lever": "hygiene",
            "part": "",
            **told,
            **{name: getattr(shrink, name) for name in ("low", "high")},
            "shrunk": shrink.mean,
            "shrunk_low": shrink.low,
            "shrunk_high": shrink.high,
            "effect": score,
            "error": 1.0,
            "score": score,
            "behind": shrink.below,
            "ahead": shrink.above,
        }
    )
    return Measured(evidence, NEVER_ASKED, frame, differ(score))


@pytest.fixture(scope="module")
def alike() -> list[pd.DataFrame]:
    """Give the levers of companies in which all reps are alike on all of them."""
    rng = np.random.default_rng(3)
    return [lever_scores([scored(rng.normal(size=REPS)) for _ in range(6)], people()) for _ in range(50)]


@pytest.mark.parametrize("told", ["named", "stands_out"])
def test_where_all_are_alike_hardly_ever_anybody_is_told_apart(alike: list[pd.DataFrame], told: str) -> None:
    anybody = np.mean([frame[told].any() for frame in alike])
    assert anybody <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(alike))


def test_of_those_told_apart_few_are_so_by_chance() -> None:
    """One is far behind on a lever, one far ahead on another; all else is chance."""
    rng = np.random.default_rng(4)
    behind, ahead, wrong = 0, 0, 0
    for _ in range(40):
        chances = {name: np.full(REPS, 0.4) for name in SHARES}
        chances["win_rate"][7], chances["follow_up"][9] = 0.1, 0.75
        levers = [measured(shares(name, chance, rng)) for name, chance in chances.items()]
        found = lever_scores(levers, people())
        named = set(found.loc[found["named"], ["rep_id", "lever"]].itertuples(index=False, name=None))
        better = set(found.loc[found["stands_out"], ["rep_id", "lever"]].itertuples(index=False, name=None))
        behind += ("r07", "win_rate") in named
        ahead += ("r09", "follow_up") in better
        wrong += len(named - {("r07", "win_rate")}) + len(better - {("r09", "follow_up")})
        assert not named & better
    assert behind >= 38 and ahead >= 38
    assert wrong / (behind + ahead + wrong) <= 0.1


def test_less_is_better_where_less_is_better() -> None:
    """Who puts dates off far less stands out; who does far more is named."""
    rate = np.full(REPS, 0.3)
    rate[3], rate[5] = 0.02, 0.8
    found = lever_scores([measured(rates("slippage", rate, np.random.default_rng(5)))], people())
    assert found.loc[found["stands_out"], "rep_id"].tolist() == ["r03"]
    assert found.loc[found["named"], "rep_id"].tolist() == ["r05"]


def test_worth_has_an_interval_and_says_whether_it_comes_once() -> None:
    rng = np.random.default_rng(6)
    chance, rate = np.full(REPS, 0.4), np.full(REPS, 0.5)
    chance[7], rate[7] = 0.15, 0.2
    levers = [
        shares("win_rate", chance, rng),
        rates("cycle_length", rate, rng),
        shares("hygiene", chance, rng),
    ]
    found = lever_scores([measured(each) for each in levers], people())
    assert found.groupby("lever")["comes"].unique().map(list).to_dict() == {
        "cycle_length": ["once"],
        "hygiene": ["each quarter"],
        "win_rate": ["each quarter"],
    }
    known = found[found["lever"] != "hygiene"]
    assert (known["worth_low"] <= known["worth"]).all() and (known["worth"] <= known["worth_high"]).all()
    assert (known["worth_low"] >= 0).all()
    behind = known.set_index(["rep_id", "lever"]).loc["r07"]
    assert (behind["worth_low"] > 0).all() and (behind["worth_low"] < 0.9 * behind["worth_high"]).all()
    unknown = found[found["lever"] == "hygiene"]
    assert unknown[["worth", "worth_low", "worth_high"]].isna().all(axis=None)


def of_pipelines(lever: str, part: str, place: str, chance: np.ndarray, rng: np.random.Generator) -> Evidence:
    """Give shares of deals of two pipelines, or of a step of one of them."""
    rows = []
    for pipeline in [place] if part else ["New", "Renewal"]:
        told = shares(lever, chance, rng).rows.assign(pipeline=pipeline, place=pipeline)
        rows.append(told)
    return Evidence(lever, part, "share", ("pipeline",), pd.concat(rows, ignore_index=True))


@pytest.mark.parametrize("revenue", [0.0, -500.0])
def test_who_wins_nothing_is_named_first_and_priced_by_what_peers_would_win(revenue: float) -> None:
    """A hundred deals of each of two pipelines in four quarters, of which peers win 40 %, at 4,500 each."""
    rng = np.random.default_rng(9)
    chance = np.full(REPS, 0.4)
    chance[7], chance[9] = 0.0, 0.15
    reps = people().assign(quarters=4.0, size=4_500.0, **{"in New": 0.5, "in Renewal": 0.5})
    reps.loc[7, ["revenue", "in New", "in Renewal"]] = [revenue, 0.0, 0.0]
    reps.loc[9, "revenue"] = 200 * 0.15 / 4 * 4_500
    whole = of_pipelines("win_rate", "", "", chance, rng)
    step = of_pipelines("stage_conversion", "Proposal", "Renewal", chance, rng)
    found = lever_scores([measured(whole), measured(step)], reps)
    rows = found[found["rep_id"] == "r07"].set_index("lever")
    assert rows.loc["win_rate", "worth"] == pytest.approx(200 * 0.4 / 4 * 4_500, rel=0.1)
    assert rows.loc["stage_conversion", "worth"] == pytest.approx(100 * 0.4 / 4 * 4_500, rel=0.1)
    assert (rows["worth_low"] > 0).all()
    assert by_priority(found[found["named"]])["rep_id"].tolist() == ["r07", "r09"]


def test_where_nobody_knows_what_peers_would_win_the_money_is_unknown() -> None:
    rate = np.full(REPS, 0.3)
    rate[3] = 0.01
    reps = people()
    reps.loc[3, "revenue"] = 0.0
    reps = reps.assign(quarters=4.0, size=1_000.0)
    created = rates("deals_created", rate, np.random.default_rng(5))
    (row,) = [row for row in lever_scores([measured(created)], reps).to_dict("records") if row["named"]]
    assert row["rep_id"] == "r03"
    assert np.isnan(row["worth"])


def test_a_step_is_priced_with_the_revenue_of_its_own_pipeline() -> None:
    rng = np.random.default_rng(10)
    chance = np.full(REPS, 0.4)
    chance[7] = 0.2
    reps = people().assign(**{"in New": 0.9, "in Renewal": 0.1})
    steps = [
        of_pipelines("stage_conversion", f"Proposal ({place})", place, chance, rng)
        for place in ("New", "Renewal")
    ]
    found = lever_scores([measured(each) for each in steps], reps)
    worth = found[found["rep_id"] == "r07"].set_index("part")["worth"]
    assert worth["Proposal (New)"] > 4 * worth["Proposal (Renewal)"] > 0


def test_the_middle_is_the_company_s_where_few_of_a_team_are_measured() -> None:
    rng = np.random.default_rng(7)
    reps = people(20)
    reps["team"] = ["small"] * (LEAST_PEOPLE - 1) + ["large"] * (21 - LEAST_PEOPLE)
    found = lever_scores([measured(shares("win_rate", np.full(20, 0.4), rng))], reps)
    told = found.merge(reps, on="rep_id").groupby("team")["middle_of"].unique().map(list).to_dict()
    assert told == {"small": ["company"], "large": ["team"]}


def test_money_that_comes_once_counts_with_a_quarter_and_unknown_money_with_the_usual() -> None:
    rows = pd.DataFrame(
        [
            {"rep_id": "a", "lever": "win_rate", "worth": 30.0, "behind": 1.0},
            {"rep_id": "b", "lever": "cycle_length", "worth": 80.0, "behind": 1.0},
            {"rep_id": "c", "lever": "hygiene", "worth": np.nan, "behind": 0.9},
            {"rep_id": "d", "lever": "activity", "worth": np.nan, "behind": 0.99},
        ]
    ).assign(part="", score=-3.0, named=True)
    # The usual worth is the middle of 30 and 80/4.
    assert by_priority(rows)["rep_id"].tolist() == ["a", "d", "c", "b"]
    unknown = rows[rows["worth"].isna()]
    assert by_priority(unknown)["rep_id"].tolist() == ["d", "c"], "where nobody knows, the surest first"


def test_no_rep_and_no_lever_is_an_empty_frame() -> None:
    found = lever_scores([], people(0))
    assert found.empty
    assert {"worth_low", "worth_high", "comes", "stands_out", "middle_of"} <= set(found.columns)
    assert found["stands_out"].dtype == bool
