"""The sealed surface: what a notebook may import, and nothing that grows by accident."""

from __future__ import annotations

import subprocess
import sys

import spm_lib

PUBLIC = {
    "CATALOGUE",
    "Column",
    "Kpi",
    "SpmError",
    "__version__",
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
    "findings",
    "freshness",
    "funnel_chart",
    "gap_chart",
    "headline",
    "keep_discoveries",
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
    "open_report",
    "own_actions",
    "own_agreed_list",
    "own_deals_table",
    "own_lever_list",
    "own_months_chart",
    "own_wins",
    "parse_period",
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
    "scorecard",
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
    "win_rate_by_cohort",
    "win_rate_funnel",
}


def test_public_names() -> None:
    assert set(spm_lib.__all__) == PUBLIC
    assert set(dir(spm_lib)) == PUBLIC
    for name in PUBLIC:
        assert getattr(spm_lib, name) is not None
        documented = getattr(spm_lib, name)
        if callable(documented):
            assert documented.__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    try:
        spm_lib.open_reprot  # noqa: B018
    except AttributeError as error:
        assert "open_reprot" in str(error)
    else:
        raise AssertionError


def test_the_command_line_starts_without_the_study() -> None:
    """`spm` must answer at once: what kernels need is loaded by kernels."""
    code = (
        "import sys, spm_lib.cli\n"
        "heavy = {'pandas', 'matplotlib', 'seaborn', 'sklearn', 'scipy', 'ibis', 'papermill', 'nbconvert'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
