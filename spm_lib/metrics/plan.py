"""The gap to plan in money: what was sold against quota, less what of the quota is usual by this point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spm_lib.metrics.catalogue import CATALOGUE
from spm_lib.metrics.evaluation import evaluate
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import Z
from spm_lib.metrics.metric import Figures, Metric
from spm_lib.metrics.pace import ExpectedShare, expected_share
from spm_lib.metrics.targets import QUOTAS, finish_attainment

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

_SOLD = "Revenue of those who carry a quota"
_DUE = "the share of their quotas for the period that the company usually has by this point of it"


def plan_metrics(expected: ExpectedShare) -> tuple[Metric, Metric, Metric]:
    """Give what is counted against plan, the plan to date, and the gap between the two.

    Parameters
    ----------
    expected
        The share of a period's revenue to expect by now: all of it once the period is over.
    """

    def sold(evidence: Evidence) -> Figures:
        return _in_money(evidence, 0.0)

    def due(evidence: Evidence) -> Figures:
        attained = finish_attainment(evidence)
        plan = evidence.count(QUOTAS, "quota") * expected.share
        return Figures.of(plan, attained.n, note=attained.note).where(~np.isnan(attained.value))

    def gap(evidence: Evidence) -> Figures:
        return _in_money(evidence, expected.share)

    return (
        Metric(
            "plan_revenue", "Revenue against quota", "currency", "higher", f"{_SOLD}.", {QUOTAS: ()}, sold
        ),
        Metric(
            "plan_to_date",
            "Plan to date",
            "currency",
            None,
            f"{_DUE[0].upper()}{_DUE[1:]}.",
            {QUOTAS: ()},
            due,
        ),
        Metric("plan_gap", "Gap to plan", "currency", "higher", f"{_SOLD}, less {_DUE}.", {QUOTAS: ()}, gap),
    )


def against_plan(
    snapshot: Snapshot,
    period: Period,
    by: str | Sequence[str] = (),
    expected: ExpectedShare | None = None,
) -> pd.DataFrame:
    """Evaluate attainment, pace and the gap to plan, and how sure it is that there is one.

    Parameters
    ----------
    snapshot, period, by
        As for `evaluate`, by ``company``, ``team`` or ``rep``.
    expected
        The share to expect by now, where it is known already.

    Returns
    -------
    DataFrame
        Rows of `evaluate` for plan_revenue, plan_to_date, plan_gap, quota_attainment and quota_pace, with p_value on
        quota_attainment: how likely chance alone makes such a gap. It is told once, as all five say the same, and null
        where nothing was won, as then nothing is known of how much a deal would have moved.
    """
    share = expected or expected_share(snapshot, period)
    asked = [*plan_metrics(share), CATALOGUE["quota_attainment"], CATALOGUE["quota_pace"]]
    found = evaluate(asked, snapshot, period, by)
    error = (found["high"] - found["low"]) / (2 * Z)
    judged = (found["metric"] == "quota_attainment") & (found["n"] > 0) & (error > 0)
    away = (found["value"] - share.share).abs() / error.where(judged)
    found["p_value"] = np.where(judged, 2 * stats.norm.sf(away), np.nan)
    return found


def _in_money(evidence: Evidence, share: float) -> Figures:
    """Give attainment less `share`, times the quota."""
    attained = finish_attainment(evidence)
    quota = evidence.count(QUOTAS, "quota")
    value, low, high = ((one - share) * quota for one in (attained.value, attained.low, attained.high))
    return Figures.of(value, attained.n, (low, high), attained.note)
