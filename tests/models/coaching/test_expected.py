"""Observed against expected: known effects are found again, mixes are taken into account, and others' gaps do not leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special

from spm_lib.models.coaching.expected import SUMS, fit_expected

REPS, KINDS = 60, 6


def simulated(family: str, effect: np.ndarray, seed: int = 1, size: int = 120) -> pd.DataFrame:
    """Draw deals of reps whose mixes differ, a row per deal."""
    rng = np.random.default_rng(seed)
    rep = np.repeat(np.arange(len(effect)), size)
    # Each rep has a favourite kind, so that raw figures differ where skill does not.
    kind = np.where(rng.random(len(rep)) < 0.6, rep % KINDS, rng.integers(0, KINDS, len(rep)))
    scale = np.linspace(-1, 1, KINDS)[kind] + effect[rep]
    if family == "share":
        y, x = (rng.random(len(rep)) < special.expit(scale)).astype(float), np.ones(len(rep))
    elif family == "rate":
        x = rng.uniform(0.5, 3, len(rep))
        y = rng.poisson(x * np.exp(scale)).astype(float)
    else:
        y, x = scale + rng.normal(0, 0.7, len(rep)), np.ones(len(rep))
    return pd.DataFrame(
        {"rep_id": [f"r{number:02d}" for number in rep], "kind": [f"k{k}" for k in kind], "y": y, "x": x}
    )


def rows_of(deals: pd.DataFrame) -> pd.DataFrame:
    sums = deals.assign(n=1, yy=deals.y**2, xy=deals.x * deals.y, xx=deals.x**2)
    return sums.groupby(["rep_id", "kind"], as_index=False)[list(SUMS)].sum()


@pytest.mark.parametrize("family", ["share", "rate", "mean"])
def test_known_effects_are_found_within_their_errors(family: str) -> None:
    true = np.zeros(REPS)
    true[:6] = -1.2
    fits = [fit_expected(rows_of(simulated(family, true, seed)), ["kind"], family) for seed in range(12)]
    score = np.stack([(fit.effect - true) / fit.error for fit in fits])
    for who in (slice(0, 6), slice(6, None)):
        assert score[:, who].mean() == pytest.approx(0, abs=0.45)
        assert score[:, who].std() == pytest.approx(1, abs=0.2)
    # The score test needs no more than that nobody differs.
    alike = np.stack([fit.score[6:] for fit in fits])
    assert alike.std() == pytest.approx(1, abs=0.15)


def test_a_mix_of_hard_work_is_no_gap() -> None:
    deals = simulated("share", np.zeros(REPS))
    fit = fit_expected(rows_of(deals), ["kind"], "share")
    raw = deals.groupby("rep_id").y.mean().to_numpy()
    assert raw.max() - raw.min() > 0.3
    assert np.abs(fit.score).max() < 4
    assert np.corrcoef(fit.expected, raw)[0, 1] > 0.8


def test_what_a_weak_team_mate_does_is_not_expected_of_others() -> None:
    """Three of six who alone do one kind of work are far off: the other three must not look better than they are."""
    true = np.zeros(REPS)
    deals = simulated("share", true, seed=3)
    own = deals.rep_id.isin([f"r{n:02d}" for n in range(6)])
    deals = deals[own | (deals.kind != "k0")].assign(kind=lambda d: d.kind.where(~own, "k0"))
    weak = deals.rep_id.isin(["r00", "r01"])
    rng = np.random.default_rng(3)
    own = deals.kind == "k0"
    deals.loc[own, "y"] = (rng.random(own.sum()) < np.where(weak[own], 0.02, 0.4)).astype(float)
    fit = fit_expected(rows_of(deals), ["kind"], "share")
    assert (fit.score[:2] < -2).all()
    assert np.abs(fit.score[2:6]).max() < 3


def test_what_belongs_together_counts_once() -> None:
    """A deal's weeks are one piece of evidence: their number must not narrow the error."""
    rng = np.random.default_rng(4)
    weeks = 10
    deals = pd.DataFrame({"rep_id": np.repeat([f"r{n:02d}" for n in range(REPS)], 40), "kind": "k"})
    deals["y"] = (rng.random(len(deals)) < 0.7) * float(weeks)
    deals["x"] = float(weeks)
    fit = fit_expected(rows_of(deals), ["kind"], "share")
    assert fit.dispersion == pytest.approx(weeks, rel=0.1)
    assert fit.score.std() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("family", ["share", "rate"])
def test_all_or_nothing_stays_finite(family: str) -> None:
    rows = pd.DataFrame({"rep_id": ["a", "b", "c"], "n": 20, "y": [0.0, 20.0, 8.0], "x": 20.0})
    rows["yy"], rows["xy"], rows["xx"] = rows.y, rows.y, 20.0
    fit = fit_expected(rows, [], family)
    assert np.isfinite(np.stack([fit.effect, fit.error, fit.score, fit.observed, fit.expected])).all()
    assert fit.effect[0] < fit.effect[2] < fit.effect[1]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = rows_of(simulated("rate", np.zeros(REPS)))
    one = fit_expected(rows, ["kind"], "rate")
    other = fit_expected(rows.sample(frac=1, random_state=1), ["kind"], "rate")
    np.testing.assert_allclose(one.effect, other.effect, atol=1e-6)
