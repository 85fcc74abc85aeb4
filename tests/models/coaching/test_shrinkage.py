"""Effects of many reps looked at together: oracles by simulation from known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from spm_lib.models.coaching.shrinkage import COVERAGE, differ, shrunk


def reps(share: float, spread: float, size: int = 4_000, seed: int = 1):
    """Draw true effects, of which a share differs from 0, and what is seen of them."""
    rng = np.random.default_rng(seed)
    true = np.where(rng.random(size) < share, rng.normal(0, spread, size), 0.0)
    error = rng.uniform(0.1, 0.4, size)
    return true, true + error * rng.normal(size=size), error


@pytest.mark.parametrize(("share", "spread"), [(0.1, 1.5), (0.5, 1.0), (1.0, 0.8)])
def test_intervals_hold_for_those_who_differ_and_those_who_do_not(share: float, spread: float) -> None:
    true, effect, error = reps(share, spread)
    found = shrunk(effect, error)
    holds = (found.low <= true) & (true <= found.high)
    for who in (true != 0, true == 0):
        if who.sum() > 200:
            assert holds[who].mean() == pytest.approx(COVERAGE, abs=0.04)


@pytest.mark.parametrize(("share", "spread"), [(0.1, 1.5), (0.5, 1.0)])
def test_probabilities_come_true(share: float, spread: float) -> None:
    true, effect, error = reps(share, spread, size=20_000)
    found = shrunk(effect, error)
    for low, high in ((0.2, 0.5), (0.5, 0.8), (0.8, 0.99)):
        told = (found.below > low) & (found.below <= high)
        assert np.mean(true[told] < 0) == pytest.approx(found.below[told].mean(), abs=0.05)


def test_shrinking_makes_better_guesses() -> None:
    true, effect, error = reps(0.2, 1.0)
    assert np.mean((shrunk(effect, error).mean - true) ** 2) < 0.6 * np.mean((effect - true) ** 2)


def test_those_who_are_alike_are_told_so() -> None:
    _, effect, error = reps(0.0, 1.0)
    found = shrunk(effect, error)
    assert found.below.max() < 0.5
    assert np.abs(found.mean).max() < 0.1


def test_two_reps_are_enough_and_nothing_is_unknown() -> None:
    found = shrunk(np.array([0.0, -3.0]), np.array([0.5, 0.5]))
    assert np.isfinite(np.stack([found.mean, found.low, found.high, found.below])).all()
    assert found.low[1] < found.told[1] < found.high[1] < 0


def test_p_values_of_reps_who_are_alike_are_no_smaller_than_they_say() -> None:
    rng = np.random.default_rng(2)
    found = np.array([differ(rng.normal(size=40)) for _ in range(2_000)])
    for level in (0.01, 0.05, 0.2):
        assert np.mean(found <= level) <= level + 3 * np.sqrt(level * (1 - level) / 2_000)


def test_one_far_off_and_many_a_little_are_both_seen() -> None:
    calm = stats.norm.ppf((np.arange(60) + 0.5) / 60)
    assert differ(calm) > 0.2
    assert differ(np.append(calm[1:], -6.0)) < 1e-4
    assert differ(1.8 * calm) < 1e-4
    assert differ(np.array([9.0])) == 1.0
