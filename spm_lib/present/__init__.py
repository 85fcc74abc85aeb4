"""Charts, tables and prose: they draw, and never compute."""

from spm_lib.present.about import definitions, freshness
from spm_lib.present.attainment import attainment_chart, coverage_chart
from spm_lib.present.chart import Chart
from spm_lib.present.display import Block, clean, nothing, style
from spm_lib.present.kpi import Against, Kpi, kpi_strip
from spm_lib.present.mix import mix_chart
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
)
from spm_lib.present.tables import Column, table
from spm_lib.present.trends import trend_chart, trend_grid

__all__ = [
    "Against",
    "Block",
    "Chart",
    "Column",
    "Kpi",
    "attainment_chart",
    "claim",
    "clean",
    "coverage_chart",
    "definitions",
    "describe_change",
    "freshness",
    "funnel_chart",
    "headline",
    "join_names",
    "kpi_strip",
    "mix_chart",
    "movement_chart",
    "note",
    "nothing",
    "plural",
    "reading",
    "sentence",
    "style",
    "table",
    "trend_chart",
    "trend_grid",
]
