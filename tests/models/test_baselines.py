"""The rates that a manager has without a model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spm_lib.models.baselines import PSEUDO, RuleRates, StageRates
from spm_lib.models.inputs import inputs_of
from spm_lib.models.landmarks import label

from .companies import CALENDAR, CUT, company


def test_rates_of_full_cells_are_those_counted_by_hand() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    known = labels["known"].to_numpy()
    inputs = inputs_of(frame).within(labels["due"]).take(known)
    risk, won = labels.loc[known, "at_risk"].to_numpy(), labels.loc[known, "won"].to_numpy()
    foretold, promised = StageRates.fit(inputs, risk, won).predict(inputs)
    cells = [
        labels.loc[known, "due"].to_numpy(),
        (frame.loc[known, "days_left_in_period"] // 15).to_numpy(),
        frame.loc[known, "stage"].to_numpy(),
    ]
    by_hand = pd.DataFrame({"risk": risk, "ours": foretold, "won": won, "promised": promised}).groupby(cells)
    sums = by_hand.sum().assign(n=by_hand.size())
    full = sums[sums["n"] > 10 * PSEUDO]
    assert len(full) > 3
    np.testing.assert_allclose(full["ours"] / full["n"], full["risk"] / full["n"], atol=0.06)
    np.testing.assert_allclose(full["promised"] / full["n"], full["won"] / full["n"], atol=0.06)


def test_an_unknown_stage_has_the_rate_of_all() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    inputs = inputs_of(frame).within(labels["due"])
    rates = StageRates.fit(inputs, labels["at_risk"].to_numpy(), labels["won"].to_numpy())
    strange = frame.head(50).assign(stage="Never seen", age_days=np.nan)
    risk, won = rates.predict(inputs_of(strange).within(labels["due"].head(50)))
    assert ((risk > 0) & (risk < 1) & (won > 0) & (won < 1)).all()
    due = labels["due"].head(50).to_numpy()
    assert risk[due].min() > risk[~due].max()


def test_rates_saved_and_read_are_the_same() -> None:
    frame, endings = company()
    labels = label(frame, endings, "60", CALENDAR, CUT)
    inputs = inputs_of(frame).within(labels["due"])
    rates = StageRates.fit(inputs, labels["at_risk"].to_numpy(), labels["won"].to_numpy())
    for one, other in zip(
        rates.predict(inputs), StageRates.from_plain(rates.to_plain()).predict(inputs), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_rules_are_counted_up_to_three() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    inputs = inputs_of(frame).within(labels["due"])
    many = np.arange(len(frame)) % 6
    rates = RuleRates.fit(inputs, many, many >= 3)
    foretold = rates.predict(inputs, many)
    assert (foretold[many >= 3] > 0.9).all() and (foretold[many < 3] < 0.1).all()
