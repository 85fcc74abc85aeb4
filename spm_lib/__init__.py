"""Sales performance reports as Jupyter notebooks: what a notebook imports."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "spm_lib.report": ("open_report",),
    "spm_lib.metrics": ("CATALOGUE", "keep_discoveries", "win_rate_by_cohort"),
    "spm_lib.models.scorecard": ("scorecard",),
    "spm_lib.present": (
        "Column",
        "Kpi",
        "agreed_table",
        "attainment_chart",
        "bridge_chart",
        "calibration_chart",
        "changes_table",
        "claim",
        "coaching_kpis",
        "coaching_list",
        "coaching_terms",
        "coverage_chart",
        "deals_tables",
        "definitions",
        "drift_table",
        "freshness",
        "funnel_chart",
        "gap_chart",
        "headline",
        "kpi_strip",
        "lever_heatmap",
        "lever_tests_table",
        "managers_alone",
        "mix_chart",
        "mix_charts",
        "model_facts",
        "model_kpis",
        "moved_table",
        "movement_chart",
        "note",
        "own_actions",
        "own_agreed_list",
        "own_deals_table",
        "own_lever_list",
        "own_months_chart",
        "own_wins",
        "points",
        "ranking_table",
        "reading",
        "recognition_list",
        "record_table",
        "risk_chart",
        "risk_kpis",
        "risk_list",
        "risk_table",
        "rules_table",
        "scorecard_kpis",
        "scorecard_table",
        "segments_table",
        "signal_table",
        "skill_chart",
        "skill_table",
        "table",
        "target_chart",
        "trend_chart",
        "trend_grid",
        "win_rate_funnel",
    ),
    "spm_lib.periods": ("parse_period",),
    "spm_lib.errors": ("SpmError",),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", "findings", *_HOME]


def __getattr__(name: str) -> Any:
    # Late, so that the press and the command line start without loading what a kernel needs.
    if name == "findings":
        return importlib.import_module("spm_lib.present.findings")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'spm_lib' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
