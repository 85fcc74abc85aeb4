"""Deals by the day on which they were created, of whoever owns them on the day of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from spm_lib.metrics.intervals import TAIL
from spm_lib.metrics.metric import Statistic
from spm_lib.metrics.populations import CREATED, aggregate
from spm_lib.metrics.question import PERIOD_KEY, Question

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CreatedDeals:
    """The deals that `CREATED` counts, by rep and without what they are worth, which costs three times as much to know."""

    name: str = CREATED.name
    batches: bool = True

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give the statistics of each rep of the scope, by the team of the day of creation."""
        snapshot = question.snapshot
        deals = snapshot.table("deals", ("owner_id", *CREATED.keep.reads))
        kept = deals.filter(CREATED.keep.of(deals, question))
        periods = ((kept.created_on.between(p.start, p.end), at) for at, p in enumerate(question.periods))
        rows = kept.select(
            "created_on", **{question.keys[1]: kept.owner_id, PERIOD_KEY: ibis.cases(*periods)}
        )
        if question.filled("team_members"):
            rows = snapshot.in_scope(snapshot.with_team(rows, question.keys[1], "created_on"))
        return aggregate(rows, question, statistics)


def poisson(n: Floats) -> tuple[Floats, Floats]:
    """Give the exact interval of the mean of which `n` were counted (Garwood, Biometrika 28, 1936); 0 to 3.7 for none."""
    low = np.where(n > 0, stats.chi2.ppf(TAIL, np.maximum(2 * n, 1)) / 2, 0.0)
    return low, np.asarray(stats.chi2.isf(TAIL, 2 * (n + 1)) / 2)
