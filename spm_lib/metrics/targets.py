"""Sales and open deals against quotas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spm_lib.metrics import intervals, quotas
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import divide
from spm_lib.metrics.metric import NO_PIPELINE, NOT_COVERED, Figures, also, counted
from spm_lib.metrics.pace import expected_share
from spm_lib.metrics.populations import any_open
from spm_lib.metrics.sales import UNPRICED

QUOTAS = quotas.QuotaSource()
COVERAGE = quotas.QuotaSource("quota and open deals", with_open=True)

_NOT_COUNTED = (
    "open deal without amount or expected close date left out",
    "open deals without amount or expected close date left out",
)
NO_RATE = "a quota is in a currency without a rate"


def finish_attainment(evidence: Evidence) -> Figures:
    """Give revenue of those who carry a quota / their quotas."""
    quota, unknown, revenue, squares, n, unpriced = (
        evidence.count(QUOTAS, name)
        for name in ("quota", "unknown_quotas", "revenue", "revenue_squares", "won", "won_unknown")
    )
    low, high = (divide(bound, quota) for bound in intervals.total(revenue, squares))
    covered = evidence.covered(evidence.question.snapshot.meta.first_closed_on)
    figures = Figures.of(divide(revenue, quota), n, (low, high), counted(unpriced, *UNPRICED))
    figures = figures.where((n > 0) | (unpriced == 0))
    figures = figures.where((quota > 0) | (unknown > 0), _no_quota(evidence)).where(unknown == 0, NO_RATE)
    return figures.where((n + unpriced > 0) | covered, NOT_COVERED)


def finish_pace(evidence: Evidence) -> Figures:
    """Give attainment / the share of revenue to expect by now."""
    attained = finish_attainment(evidence)
    snapshot = evidence.question.snapshot
    share = evidence.per_period(expected_share(snapshot, p).share for p in evidence.question.periods)
    share = np.where(share > 0, share, np.nan)
    bounds = divide(attained.low, share), divide(attained.high, share)
    pace = Figures.of(divide(attained.value, share), attained.n, bounds, attained.note)
    return pace.where(np.isnan(attained.value) | ~np.isnan(share), "too early to tell")


def finish_coverage(*, full: bool) -> Callable[[Evidence], Figures]:
    """Give a function that tells open amounts expected in the period / the quota that remains, or the whole."""

    def finish(evidence: Evidence) -> Figures:
        quota, unknown, revenue, unpriced_won = (
            evidence.count(COVERAGE, name) for name in ("quota", "unknown_quotas", "revenue", "won_unknown")
        )
        amount, squares, n, unpriced, undated = (evidence.count(COVERAGE, name) for name in quotas.OPENED)
        target = quota if full else quota - revenue
        low, high = (divide(bound, target) for bound in intervals.total(amount, squares))
        left_out = unpriced + undated
        note = counted(left_out, *_NOT_COUNTED)
        note = note if full else also(note, counted(unpriced_won, *UNPRICED))
        # Nothing known is not nothing there.
        figures = Figures.of(divide(amount, target), n, (low, high), note)
        figures = figures.where((n > 0) | (left_out == 0))
        some = n + left_out > 0
        if not some.any() and not any_open(evidence.question):
            figures = figures.where(some, NO_PIPELINE)
        figures = figures if full else figures.where(target > 0, "met")
        figures = figures.where((quota > 0) | (unknown > 0), _no_quota(evidence)).where(unknown == 0, NO_RATE)
        # A period to come is covered: nothing is sold of it, and all its quota remains.
        first = evidence.question.snapshot.meta.first_data_date
        reached = (first is not None and first <= p.end for p in evidence.question.periods)
        return figures.where(evidence.per_period(reached) > 0, NOT_COVERED)

    return finish


def _no_quota(evidence: Evidence) -> str:
    told = quotas.carries_quota(evidence.question)
    return "no quota" if told else "quotas exist for the company, teams and reps only"
