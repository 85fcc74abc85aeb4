"""Drawing how a quarter ends: against what can be reckoned exactly."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, nbinom, norm

from spm_lib.models import quota_simulation
from spm_lib.models.quota_simulation import Prospects, simulate

DRAWS = 40_000
#: Four standard errors of a share of so many draws.
NEAR = 4 * 0.5 / math.sqrt(DRAWS)


def prospects(
    quota: list[float],
    deals: list[tuple[int, float, float]],
    *,
    revenue: float = 0.0,
    new: float = 0.0,
    spread: float = 0.1,
    size: float = 1.0,
    variation: float = 0.5,
) -> Prospects:
    people = len(quota)
    each = [np.full(people, float(value)) for value in (revenue, new, spread, size, variation)]
    owner, chance, amount = (np.array([deal[i] for deal in deals], dtype=float) for i in range(3))
    return Prospects(np.array(quota, dtype=float), *each, owner.astype(np.int64), chance, amount)


def test_without_correlation_it_is_the_sum_of_independent_deals() -> None:
    deals = [(0, 0.3, 100.0), (0, 0.6, 50.0), (0, 0.9, 20.0), (0, 0.15, 400.0)]
    ends = simulate(prospects([170.0], deals, revenue=40.0), correlation=0.0, draws=DRAWS, seed=1)
    below = 0.0
    for came in itertools.product((0, 1), repeat=len(deals)):
        likely = math.prod(p if won else 1 - p for won, (_, p, _) in zip(came, deals, strict=True))
        total = 40 + sum(won * amount for won, (_, _, amount) in zip(came, deals, strict=True))
        below += likely * (total < 170)
    assert ends.miss[0] == pytest.approx(below, abs=NEAR)
    assert ends.expected[0] == pytest.approx(40 + sum(p * amount for _, p, amount in deals), rel=0.01)


def test_a_quota_just_reached_is_no_miss() -> None:
    ends = simulate(prospects([100.0], [(0, 1.0, 60.0)], revenue=40.0), correlation=0.2, draws=100, seed=1)
    assert ends.miss[0] == pytest.approx(0.5 / 101)
    ends = simulate(prospects([100.01], [(0, 1.0, 60.0)], revenue=40.0), correlation=0.2, draws=100, seed=1)
    assert ends.miss[0] == pytest.approx(100.5 / 101)


@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.5])
def test_correlated_deals_keep_their_chances_and_go_together(correlation: float) -> None:
    # Missed where not both are won: 1 - the bivariate normal probability.
    deals = [(0, 0.4, 1.0), (0, 0.7, 1.0), (1, 0.4, 1.0)]
    ends = simulate(prospects([2.0, 1.0], deals), correlation=correlation, draws=DRAWS, seed=2)
    limits = norm.ppf([0.4, 0.7])
    both = multivariate_normal(cov=[[1, correlation], [correlation, 1]]).cdf(limits)
    assert ends.expected[0] == pytest.approx(1.1, abs=2 * NEAR)
    assert ends.miss[0] == pytest.approx(1 - both, abs=NEAR)
    assert ends.miss[1] == pytest.approx(0.6, abs=NEAR)


def test_new_deals_are_a_gamma_poisson_number_of_amounts() -> None:
    mean, spread, size, variation = 3.0, 0.25, 10.0, 0.6
    what = prospects([0.001], [], new=mean, spread=spread, size=size, variation=variation)
    ends = simulate(what, correlation=0.0, draws=DRAWS, seed=3)
    none = nbinom.pmf(0, 1 / spread, 1 / (1 + mean * spread))
    assert ends.miss[0] == pytest.approx(none, abs=NEAR)
    assert ends.expected[0] == pytest.approx(mean * size, rel=0.02)
    # The variance of a compound sum: E n · var a + var n · (E a)².
    deviation = math.sqrt(mean * size**2 * variation + (mean + spread * mean**2) * size**2)
    far = simulate(replace(what, revenue=np.array([-mean * size])), correlation=0.0, draws=DRAWS, seed=3)
    assert ends.high[0] - ends.low[0] == pytest.approx(2 * 1.28 * deviation, rel=0.12)
    assert far.expected[0] == pytest.approx(0.0, abs=4 * deviation / math.sqrt(DRAWS))


def test_more_people_than_fit_into_memory_at_once_come_out_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    deals = [(int(rep), float(rng.uniform(0.1, 0.9)), 10.0) for rep in sorted(rng.integers(0, 30, 90))]
    what = prospects([25.0] * 30, deals, new=0.5, size=10.0)
    whole = simulate(what, correlation=0.05, draws=4000, seed=5)
    monkeypatch.setattr(quota_simulation, "_AT_ONCE", 20_000)
    blocks = simulate(what, correlation=0.05, draws=4000, seed=5)
    assert np.abs(whole.miss - blocks.miss).max() < 0.05
    assert np.abs(whole.expected - blocks.expected).max() < 1.5


def test_nobody_is_told_of_where_there_is_nobody() -> None:
    ends = simulate(prospects([], []), correlation=0.1, draws=100, seed=1)
    assert len(ends.miss) == 0


def test_refunds_that_are_open_lower_what_is_to_come() -> None:
    ends = simulate(
        prospects([100.0], [(0, 0.5, -80.0)], revenue=120.0), correlation=0.0, draws=DRAWS, seed=6
    )
    assert ends.expected[0] == pytest.approx(80.0, abs=1.0)
    assert ends.miss[0] == pytest.approx(0.5, abs=NEAR)
