"""The latest month: judged alone, and by p-values that hold."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from spm_lib.metrics import keep_discoveries
from spm_lib.metrics.signals import LEAST, latest_p_value, signals
from spm_lib.periods import parse_period

D = dt.date


@pytest.mark.parametrize("months", [6, 11, 24])
def test_noise_is_called_a_signal_as_seldom_as_promised(months: int) -> None:
    chance = np.random.default_rng(months)
    told = np.array([latest_p_value(chance.normal(100, 15, months)) for _ in range(3000)])
    for promised in (0.1, 0.05, 0.01):
        assert (told <= promised).mean() <= promised + 0.004


def test_over_many_teams_of_noise_hardly_ever_anything_is_claimed() -> None:
    import pandas as pd

    chance = np.random.default_rng(5)
    claimed = 0
    for _ in range(200):
        told = [latest_p_value(chance.normal(100, 15, 11)) for _ in range(16)]
        claimed += bool(keep_discoveries(pd.DataFrame({"p_value": told}))["significant"].any())
    assert claimed / 200 <= 0.08


def test_a_jump_and_a_shift_are_found() -> None:
    steady = [100, 104, 98, 101, 97, 103, 99, 102, 100, 98]
    assert latest_p_value([*steady, 101]) > 0.3
    assert latest_p_value([*steady, 200]) < 0.01
    shifted = [70, 100, 70, 95, 101, 112, 99, 111, 100, 113, 101, 105]
    assert latest_p_value(shifted) == pytest.approx(2 * 2 * 0.5**8, rel=0.01)
    assert math.isnan(latest_p_value([5.0] * 8))


def deals(counts: list[int], rep: str) -> list[dict[str, object]]:
    return [
        {
            "deal_id": f"{rep}-{month}-{i}",
            "owner_id": rep,
            "amount": 100,
            "created_on": D(2023, 1, 1),
            "closed_on": D(2023, month + 1, 3),
            "outcome": "won",
        }
        for month, count in enumerate(counts)
        for i in range(count)
    ]


def test_one_month_of_each_team_is_judged(make_store) -> None:
    store = make_store(
        reps=[{"rep_id": "R0"}, {"rep_id": "R1"}],
        teams=[{"team_id": "A"}, {"team_id": "B"}],
        team_members=[{"rep_id": "R0", "team_id": "A"}, {"rep_id": "R1", "team_id": "B"}],
        deals=deals([5, 6, 5, 4, 6, 5, 5, 6, 4, 30, 2], "R0")
        + deals([5, 6, 5, 4, 6, 5, 5, 6, 4, 5, 2], "R1"),
        meta={"first_closed_on": D(2023, 1, 1), "last_data_date": D(2023, 11, 15)},
    )
    snapshot = store.as_of()
    found = signals("revenue", snapshot, parse_period("2023-Q4", as_of=snapshot.date), by="team")
    assert len(found) == 24
    latest = found[found["latest"]].set_index("team")
    assert list(latest["period"].unique()) == ["2023-10"], "November is not over"
    assert found["p_value"].notna().sum() == 2
    assert latest.loc["A", "p_value"] < 0.01
    assert latest.loc["B", "p_value"] > 0.3


def test_too_few_months_are_not_judged(make_store) -> None:
    store = make_store(
        reps=[{"rep_id": "R0"}],
        deals=deals([5] * (LEAST - 2) + [50], "R0"),
        meta={"first_closed_on": D(2023, 1, 1), "last_data_date": D(2023, LEAST - 1, 28)},
    )
    snapshot = store.as_of()
    found = signals("revenue", snapshot, parse_period("2023", as_of=snapshot.date))
    assert found["p_value"].isna().all()
    assert found["latest"].sum() == 1
