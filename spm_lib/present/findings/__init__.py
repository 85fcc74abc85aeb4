"""Findings in sentences: what rows of figures say, with n, and no more than their intervals allow."""

from spm_lib.present.findings.change import (
    change_finding,
    moved_reading,
    revenue_finding,
    summary,
    teams_moved,
)
from spm_lib.present.findings.pipeline import (
    coverage_finding,
    deals_finding,
    funnel_finding,
    mix_finding,
    movement_finding,
)
from spm_lib.present.findings.plan import (
    attainment_finding,
    attainment_reading,
    pace_basis,
    pace_verdict,
    standing,
    teams_finding,
    teams_reading,
)
from spm_lib.present.findings.rows import Expected, row_of
from spm_lib.present.findings.signals import latest_name, signals_finding, trend_finding

__all__ = [
    "Expected",
    "attainment_finding",
    "attainment_reading",
    "change_finding",
    "coverage_finding",
    "deals_finding",
    "funnel_finding",
    "latest_name",
    "mix_finding",
    "moved_reading",
    "movement_finding",
    "pace_basis",
    "pace_verdict",
    "revenue_finding",
    "row_of",
    "signals_finding",
    "standing",
    "summary",
    "teams_finding",
    "teams_moved",
    "teams_reading",
    "trend_finding",
]
