"""Measures of probabilities against plain counting, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from spm_lib.models import skill


def drawn(seed: int, n: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    deals = rng.integers(n // 5, size=n)
    chances = np.round(rng.random(n // 5)[deals], 2)
    return chances, rng.random(n) < chances, deals


@pytest.mark.parametrize("seed", range(3))
def test_auc_and_brier_are_those_of_scikit_learn(seed: int) -> None:
    chances, came, _ = drawn(seed)
    assert skill.auc(chances, came) == pytest.approx(roc_auc_score(came, chances))
    assert skill.brier(chances, came) == pytest.approx(brier_score_loss(came, chances))


def test_one_outcome_only_has_no_auc() -> None:
    assert np.isnan(skill.auc(np.array([0.1, 0.2]), np.array([True, True])))
    assert np.isnan(skill.auc(np.zeros(0), np.zeros(0, dtype=bool)))


def test_calibration_error_of_true_chances_is_small_and_of_wrong_ones_their_distance() -> None:
    chances, came, _ = drawn(1)
    table = skill.calibration(chances, came)
    assert [each.n for each in table] == [400] * 10
    assert skill.calibration_error(table) < 0.02
    wrong = skill.calibration(np.full(1000, 0.9), np.arange(1000) % 2 == 0)
    assert skill.calibration_error(wrong) == pytest.approx(0.4, abs=0.001)


def test_lift_of_the_top_tenth() -> None:
    chances = np.linspace(0, 1, 100)
    assert skill.top_lift(chances, chances >= 0.75) == pytest.approx(4)
    assert np.isnan(skill.top_lift(chances, chances > 2))


def test_skill_is_over_the_best_baseline_with_zero_inside_where_there_is_none() -> None:
    chances, came, deals = drawn(2)
    usual = np.full(len(came), came.mean())
    losses = {"poor": (0.9 - came) ** 2, "usual": (usual - came) ** 2}
    found = skill.brier_skill((chances - came) ** 2, losses, deals)
    assert found.baseline == "usual" and found.low > 0.2
    assert found.value == pytest.approx(1 - skill.brier(chances, came) / skill.brier(usual, came))
    rng = np.random.default_rng(0)
    noise = np.clip(usual + rng.normal(0, 0.01, len(usual)), 0, 1)
    none = skill.brier_skill((noise - came) ** 2, losses, deals)
    assert none.low < 0 and abs(none.value) < 0.01


def test_the_interval_counts_deals_and_not_landmarks() -> None:
    chances, came, deals = drawn(3)
    baseline = {"usual": (came.mean() - came) ** 2}
    once = skill.brier_skill((chances - came) ** 2, baseline, deals)
    again = skill.brier_skill(
        np.tile((chances - came) ** 2, 4), {"usual": np.tile(baseline["usual"], 4)}, np.tile(deals, 4)
    )
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_nothing_to_judge_has_no_skill() -> None:
    none = np.zeros(0)
    assert np.isnan(skill.brier_skill(none, {"usual": none}, none.astype(np.int64)).low)
    assert np.isnan(skill.calibration_error(skill.calibration(none, none.astype(bool))))


def test_stability_is_near_zero_for_the_same_and_large_for_another() -> None:
    rng = np.random.default_rng(0)
    before = np.where(rng.random(5000) < 0.2, np.nan, rng.normal(size=5000))
    same = np.where(rng.random(2000) < 0.2, np.nan, rng.normal(size=2000))
    assert skill.stability(before, same) < 0.02
    assert skill.stability(before, same + 1.5) > 0.25
    assert skill.stability(before, np.full(500, np.nan)) > 0.25
    assert np.isnan(skill.stability(before, np.zeros(0)))
