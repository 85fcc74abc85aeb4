"""Metrics: each defined once, evaluated in the engine, told with n and interval."""

from spm_lib.metrics.behaviour import behaviour, behaviour_limits
from spm_lib.metrics.catalogue import CATALOGUE
from spm_lib.metrics.cohorts import win_rate_by_cohort
from spm_lib.metrics.comparison import compare, keep_discoveries
from spm_lib.metrics.evaluation import definitions, evaluate, evaluate_periods
from spm_lib.metrics.listings import open_deals, won_deals
from spm_lib.metrics.metric import Figures, Metric, Statistic
from spm_lib.metrics.movement import pipeline_movement
from spm_lib.metrics.pace import ExpectedShare, expected_share

__all__ = [
    "CATALOGUE",
    "ExpectedShare",
    "Figures",
    "Metric",
    "Statistic",
    "behaviour",
    "behaviour_limits",
    "compare",
    "definitions",
    "evaluate",
    "evaluate_periods",
    "expected_share",
    "keep_discoveries",
    "open_deals",
    "pipeline_movement",
    "win_rate_by_cohort",
    "won_deals",
]
