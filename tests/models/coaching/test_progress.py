"""What came of agreements: intervals that hold, and a step that stays the one that was agreed on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.coaching_ledger import Agreement
from spm_lib.models.coaching.evidence import Evidence
from spm_lib.models.coaching.lever_scores import Measured, measure
from spm_lib.models.coaching.progress import _compared, _gaps

DAY = dt.date(2026, 1, 1)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def measured(chance: np.ndarray, tries: np.ndarray, rng: np.random.Generator, part: str = "") -> Measured:
    won = rng.binomial(tries, chance).astype(float)
    reps = [f"r{n:02d}" for n in range(len(tries))]
    count = tries.astype(float)
    sums = {"n": tries, "y": won, "x": count, "yy": won, "xy": won, "xx": count}
    lever = "stage_conversion" if part else "win_rate"
    found = measure(Evidence(lever, part, "share", (), pd.DataFrame({"rep_id": reps, **sums})))
    assert found is not None
    return found


def moved(before: list[Measured], since: list[Measured], rep: str, part: str | None = None):
    one = Agreement(rep, before[0].evidence.lever, "Call", DAY, DAY, 1, NOW)
    return _compared(one, _gaps(before, rep, part), _gaps(since, rep, part))


@pytest.mark.parametrize(
    ("before", "since"),
    [([120] * 40, [40] * 40), ([120] * 40, [18] * 10 + [60] * 30), ([150] * 40, [16] * 5 + [150] * 35)],
    ids=["even", "few since", "few since among many"],
)
def test_intervals_hold_where_nothing_changed(before: list[int], since: list[int]) -> None:
    rng = np.random.default_rng(1)
    chance = np.where(np.arange(40) < 2, 0.2, 0.3)
    holds = []
    for _ in range(40):
        old, new = (measured(chance, np.array(tries), rng) for tries in (before, since))
        for rep in range(5):
            found = moved([old], [new], f"r{rep:02d}")
            assert found is not None
            assert found["low"] <= found["difference"] <= found["high"]
            holds.append(found["low"] <= 0 <= found["high"])
    assert np.mean(holds) == pytest.approx(0.9, abs=0.05)


def test_intervals_hold_where_a_rep_got_better() -> None:
    rng = np.random.default_rng(2)
    before = np.full(40, 0.4)
    since = before.copy()
    before[0], since[0] = 0.2, 0.4
    holds, sure = [], []
    for _ in range(80):
        found = moved(
            [measured(before, np.full(40, 120), rng)], [measured(since, np.full(40, 60), rng)], "r00"
        )
        assert found is not None
        holds.append(found["low"] <= 0.2 <= found["high"])
        sure.append(found["low"] > 0)
    assert np.mean(holds) == pytest.approx(0.9, abs=0.08)
    assert np.mean(sure) > 0.7


def test_nothing_won_since_is_no_certainty() -> None:
    rng = np.random.default_rng(3)
    since = np.full(40, 0.3)
    since[0] = 0.0
    found = moved(
        [measured(np.full(40, 0.3), np.full(40, 40), rng)], [measured(since, np.full(40, 16), rng)], "r00"
    )
    assert found is not None
    assert found["since"] == pytest.approx(-0.3, abs=0.05)
    assert found["high"] - found["difference"] > 0.1


def test_the_step_agreed_on_is_the_one_compared() -> None:
    rng = np.random.default_rng(4)
    steps = {"Discovery": (0.2, 0.2), "Proposal": (0.6, 0.9)}

    def side(at: int) -> list[Measured]:
        found = []
        for part, chances in steps.items():
            chance = np.full(40, 0.6)
            chance[0] = chances[at]
            found.append(measured(chance, np.full(40, 200), rng, part))
        return found

    before, since = side(0), side(1)
    of = {part: moved(before, since, "r00", part) for part in (*steps, None)}
    assert all(found is not None for found in of.values())
    assert of["Discovery"]["low"] < 0 < of["Discovery"]["high"], "the worst one has not moved"
    assert of["Proposal"]["low"] > 0.1
    together, parts = of[None], [of[part] for part in steps]
    assert together["n_since"] == 400
    assert together["difference"] == pytest.approx(np.mean([each["difference"] for each in parts]))
    assert together["high"] - together["low"] < parts[0]["high"] - parts[0]["low"], (
        "two steps tell more than one"
    )
    assert moved(before, since, "r00", "Closing") is None
    # Of a stage that another pipeline has, too, by now.
    shared = [side(at)[0] for at in (0, 1)]
    renewed = [replace(each, evidence=replace(each.evidence, part="Discovery (Renewal)")) for each in shared]
    assert moved(renewed[:1], renewed[1:], "r00", "Discovery") is not None
    assert moved(before[:1], since[1:], "r00") is None, "no step on both sides"
