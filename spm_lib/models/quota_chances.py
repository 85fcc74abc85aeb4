"""Chances that open deals are won by the end of the quarter, by what came of deals at this point of earlier ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from spm_lib.metrics.listings import closed_deals
from spm_lib.models.baselines import StageRates
from spm_lib.models.features import deal_features
from spm_lib.models.inputs import Flags, Floats, Inputs, Whole, inputs_of
from spm_lib.models.landmarks import deal_endings
from spm_lib.models.logistic import Logistic
from spm_lib.models.quota_standing import points, quarter_of
from spm_lib.models.stretches import whole_company
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: Deals won, and deals not won in time, that a regression is fitted on at least; with fewer, rates by stage and age.
_FEWEST = 100


@dataclass(frozen=True)
class OpenThen:
    """Deals open at points of the past, and what came of them; arrays by deal and point.

    Parameters
    ----------
    point
        The place of the point.
    deal_id, owner_id
        Which deal, and whose it was then.
    amount
        In the reporting currency, as known then; NaN where unknown.
    closed_at
        What it brought where it was won in time, at the rate of that day; NaN elsewhere.
    won
        Whether it was won by the end that belongs to the point.
    known
        Whether that is known: the end is over.
    inputs
        What estimators read.
    """

    point: Whole
    deal_id: np.ndarray
    owner_id: np.ndarray
    amount: Floats
    closed_at: Floats
    won: Flags
    known: Flags
    inputs: Inputs

    @classmethod
    def read(cls, company: Snapshot, at: Sequence[tuple[dt.date, dt.date]]) -> OpenThen:
        """Look at the deals open on each first day of the pairs `at`, to the second; all pairs are as far apart."""
        days = np.array([day for day, _ in at], dtype="datetime64[D]")
        ends = np.array([end for _, end in at], dtype="datetime64[D]")
        frame = deal_features(company, [day for day, _ in at])
        point = np.searchsorted(days, frame["as_of"].to_numpy().astype("datetime64[D]"))
        until = ends[point]
        endings = deal_endings(company, frame)
        on = endings["ended_on"].to_numpy().astype("datetime64[D]")
        won = (endings["ended_as"].to_numpy(dtype=object) == "won") & (on <= until)
        # A point that stands for a quarter's is no nearer to the end than that one.
        frame["days_left_in_period"] = (until - days[point]).astype("float64")
        expected = frame["expected_close_on"].to_numpy().astype("datetime64[D]")
        due = ~np.isnat(expected) & (expected <= until)
        return cls(
            point=point.astype(np.int64),
            deal_id=frame["deal_id"].to_numpy(dtype=object),
            owner_id=frame["owner_id"].to_numpy(dtype=object),
            amount=frame["amount"].to_numpy(dtype=float, na_value=np.nan),
            closed_at=np.where(won, _closed_amounts(company, at, frame["deal_id"]), np.nan),
            won=won,
            known=until <= np.datetime64(company.date),
            inputs=inputs_of(frame).within(due),
        )

    def chances(self, point: int) -> Floats:
        """Give the chances of the deals of one point, learned from the points before it; NaN where there are none."""
        here, before = self.point == point, (self.point < point) & self.known
        if not before.any():
            return np.full(int(here.sum()), np.nan)
        learned, won = self.inputs.take(before), self.won[before]
        asked = self.inputs.take(here)
        if min(won.sum(), (~won).sum()) < _FEWEST:
            return StageRates.fit(learned, ~won, won).predict(asked)[1]
        return np.asarray(expit(Logistic.fit(learned, won, np.ones(len(won))).raw(asked)))


def quarter_chances(snapshot: Snapshot) -> pd.DataFrame:
    """Give the chance of each open deal to be won by the end of the company's own quarter.

    Parameters
    ----------
    snapshot
        The day; of the whole company, whatever its scope.

    Returns
    -------
    DataFrame
        deal_id, won (0 to 1). Of refunds, and of all deals where no earlier point is on record, the chance is NaN.

    Notes
    -----
    A logistic regression on the features of `spm_lib.models.features`, fitted on the deals that were open with as many
    days left in up to eight earlier quarters; with too few of them, rates by stage and age. The outlooks on the past that
    `fit_calibration` looks at are made in this way, with what was over at the time.
    """
    company = whole_company(snapshot)
    quarter = quarter_of(company.date, company.meta.calendar)
    at = [*points(quarter, company.date, company.meta.first_closed_on), (company.date, quarter.end)]
    then = OpenThen.read(company, at)
    here = then.point == len(at) - 1
    return pd.DataFrame({"deal_id": then.deal_id[here], "won": then.chances(len(at) - 1)})


def _closed_amounts(
    company: Snapshot, at: Sequence[tuple[dt.date, dt.date]], deals: pd.Series[str]
) -> Floats:
    first, last = at[0][0], company.date
    closed = closed_deals(company, Period(f"{first}..{last}", first, last, "range"))
    amounts = closed.drop_duplicates("deal_id").set_index("deal_id")["amount"]
    return amounts.reindex(pd.Index(deals)).to_numpy(dtype=float)
