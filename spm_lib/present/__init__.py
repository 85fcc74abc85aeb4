"""Charts, tables and prose: they draw, and never compute."""

from spm_lib.present.about import definitions, freshness
from spm_lib.present.attainment import attainment_chart, coverage_chart
from spm_lib.present.audience import managers_alone
from spm_lib.present.calibration import calibration_chart
from spm_lib.present.chart import Chart
from spm_lib.present.coaching import agreed_table, coaching_kpis, coaching_list
from spm_lib.present.coaching_charts import lever_heatmap, win_rate_funnel
from spm_lib.present.coaching_terms import coaching_terms, lever_tests_table
from spm_lib.present.deals import deals_tables
from spm_lib.present.display import Block, Blocks, clean, nothing, style
from spm_lib.present.kpi import Against, Kpi, kpi_strip
from spm_lib.present.mix import mix_chart, mix_charts
from spm_lib.present.months import signal_table
from spm_lib.present.moved import moved_table
from spm_lib.present.own_levers import own_actions, own_agreed_list, own_lever_list
from spm_lib.present.pipeline import funnel_chart, movement_chart
from spm_lib.present.prose import (
    claim,
    describe_change,
    headline,
    join_names,
    note,
    plural,
    reading,
    sentence,
    sentences,
)
from spm_lib.present.ranking import ranking_table, team_gaps
from spm_lib.present.recognition import recognition_list
from spm_lib.present.risk import risk_chart, risk_kpis, risk_list, risk_table
from spm_lib.present.risk_history import changes_table, record_table, rules_table
from spm_lib.present.risk_model import (
    drift_table,
    model_facts,
    model_kpis,
    points,
    segments_table,
    skill_chart,
    skill_table,
)
from spm_lib.present.scorecard import (
    own_deals_table,
    own_months_chart,
    own_wins,
    scorecard_kpis,
    scorecard_table,
    target_chart,
)
from spm_lib.present.tables import Column, table
from spm_lib.present.trends import trend_chart, trend_grid
from spm_lib.present.variance import bridge_chart, gap_chart

__all__ = [
    "Against",
    "Block",
    "Blocks",
    "Chart",
    "Column",
    "Kpi",
    "agreed_table",
    "attainment_chart",
    "bridge_chart",
    "calibration_chart",
    "changes_table",
    "claim",
    "clean",
    "coaching_kpis",
    "coaching_list",
    "coaching_terms",
    "coverage_chart",
    "deals_tables",
    "definitions",
    "describe_change",
    "drift_table",
    "freshness",
    "funnel_chart",
    "gap_chart",
    "headline",
    "join_names",
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
    "nothing",
    "own_actions",
    "own_agreed_list",
    "own_deals_table",
    "own_lever_list",
    "own_months_chart",
    "own_wins",
    "plural",
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
    "sentence",
    "sentences",
    "signal_table",
    "skill_chart",
    "skill_table",
    "style",
    "table",
    "target_chart",
    "team_gaps",
    "trend_chart",
    "trend_grid",
    "win_rate_funnel",
]
