"""The catalogue: every metric, defined once.

To add one, name the statistics that it needs of a population and finish them to figures; see `Metric`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from spm_lib.metrics import flows, sales, stages, survival, targets
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import divide, wilson
from spm_lib.metrics.metric import Figures, Metric, Statistic, texts
from spm_lib.metrics.populations import CLOSED, LEADS, OPEN

_CREATED = Statistic("leads", ("age",), lambda t: t.count())


def _conversion_within(days: int) -> Metric:
    old_enough = Statistic(f"leads_{days}", ("age",), lambda t: t.count(where=t.age >= days))
    converted = Statistic(
        f"converted_{days}", ("age", "took"), lambda t: t.count(where=(t.age >= days) & (t.took <= days))
    )

    def finish(evidence: Evidence) -> Figures:
        n, k = evidence.count(LEADS, old_enough.name), evidence.count(LEADS, converted.name)
        lacking = LEADS.lacks(evidence.question)
        note = texts((n == 0) & (evidence.count(LEADS, "leads") > 0), f"no lead is {days} days old yet")
        if lacking:
            note = texts(np.ones(len(n), dtype=bool), f"leads have no {', '.join(lacking)}")
        return Figures.of(divide(k, n), n, wilson(k, n), note)

    return Metric(
        f"conversion_rate_{days}",
        f"Conversion within {days} days",
        "share",
        "higher",
        f"Of the leads created in the period at least {days} days ago, the share that became deals within {days} days; "
        "merged duplicates count once.",
        {LEADS: (_CREATED, old_enough, converted)},
        finish,
    )


_METRICS = (
    Metric(
        "revenue",
        "Revenue",
        "currency",
        "higher",
        "Sum of the amounts of deals won in the period, refunds netted.",
        {CLOSED: (sales.REVENUE, sales.REVENUE_SQUARES, sales.REVENUE_N, sales.WON)},
        sales.finish_revenue,
    ),
    Metric(
        "quota_attainment",
        "Quota attainment",
        "share",
        "higher",
        "Revenue of those who carry a quota, divided by their quotas for the days of the period.",
        {targets.QUOTAS: ()},
        targets.finish_attainment,
    ),
    Metric(
        "quota_pace",
        "Pace against quota",
        "ratio",
        "higher",
        "Quota attainment, divided by the share of a period's revenue that the company usually has by this point of it.",
        {targets.QUOTAS: ()},
        targets.finish_pace,
    ),
    Metric(
        "win_rate",
        "Win rate",
        "share",
        "higher",
        "Deals won, divided by deals won or lost in the period.",
        {CLOSED: (sales.WON, sales.LOST)},
        sales.finish_win_rate,
    ),
    Metric(
        "win_rate_value",
        "Win rate by value",
        "share",
        "higher",
        "Amount of deals won, divided by the amount of deals won or lost in the period; only positive amounts count.",
        {CLOSED: (*sales.WORTH.values(), sales.WON, sales.LOST)},
        sales.finish_win_rate_value,
    ),
    Metric(
        "sales_cycle",
        "Sales cycle",
        "days",
        "lower",
        "Median days from creation to closing of deals won in the period.",
        {CLOSED: (sales.CYCLES,)},
        sales.finish_median("cycles"),
    ),
    Metric(
        "sales_cycle_mean",
        "Mean sales cycle",
        "days",
        "lower",
        "Mean days from creation to closing of deals won in the period.",
        {CLOSED: sales.CYCLE_STATISTICS},
        sales.finish_cycle_mean,
    ),
    Metric(
        "time_to_decision",
        "Time to decision",
        "days",
        "lower",
        "Days until half of the deals created in the period are won or lost, open ones counted as far as they have come.",
        {survival.DECISIONS: ()},
        survival.finish_time,
    ),
    Metric(
        "average_deal_size",
        "Average deal size",
        "currency",
        "higher",
        "Mean amount of deals won in the period with a positive amount.",
        {CLOSED: sales.SIZE_STATISTICS},
        sales.finish_average_size,
    ),
    Metric(
        "median_deal_size",
        "Median deal size",
        "currency",
        "higher",
        "Median amount of deals won in the period with a positive amount.",
        {CLOSED: (sales.SIZES,)},
        sales.finish_median("sizes"),
    ),
    *(_conversion_within(days) for days in (30, 60, 90)),
    Metric(
        "pipeline_coverage",
        "Pipeline coverage",
        "ratio",
        "higher",
        "Amount of open deals expected to close in the period, divided by the quota that remains.",
        {targets.COVERAGE: ()},
        targets.finish_coverage(full=False),
    ),
    Metric(
        "pipeline_coverage_full_quota",
        "Pipeline coverage of the full quota",
        "ratio",
        "higher",
        "Amount of open deals expected to close in the period, divided by the whole quota.",
        {targets.COVERAGE: ()},
        targets.finish_coverage(full=True),
    ),
    Metric(
        "sales_velocity",
        "Sales velocity",
        "currency_per_day",
        "higher",
        "Open deals × win rate × average deal size / mean sales cycle, the last three of the period.",
        {OPEN: (sales.OPEN_N,), CLOSED: sales.VELOCITY},
        sales.finish_velocity,
    ),
    Metric(
        "weighted_pipeline",
        "Weighted pipeline",
        "currency",
        "higher",
        "Sum of the amounts of all open deals, each times its stage's probability, or else the share won of past deals "
        "that had been in that stage.",
        {stages.WORTH: ()},
        stages.finish_weighted,
    ),
    Metric(
        "stage_conversion",
        "Stage conversion",
        "share",
        "higher",
        "Of the deals decided in the period that reached a stage, the share that reached the next, or was won; skipped "
        "stages count as passed.",
        {stages.REACH: ()},
        stages.finish_conversion,
    ),
    Metric(
        "pipeline_movement",
        "Pipeline movement",
        "currency",
        None,
        "What moved the open deals expected in the period, each event at the amount just before it: start + new + "
        "transferred in + reopened + pulled in + increased − decreased − pushed out − transferred out − won − lost − "
        "removed = end.",
        {flows.MOVEMENT: ()},
        flows.finish_movement,
    ),
)

#: Every metric by name, in the order in which they are told.
CATALOGUE: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})
