"""Executed notebooks for tests, made without a kernel: what the study draws, put where a kernel would put it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from spm_lib.present import Block, Kpi, attainment_chart, kpi_strip
from spm_lib.press.notebook import PUBLISHED_MIME

PLAIN = ("Ann Lee", "Bob Ray", "Cy Fox")


def shown(block: Block, tag: str = "", source: str = "show()") -> nbformat.NotebookNode:
    """A code cell that shows a block."""
    output = new_output("execute_result", data=block._repr_mimebundle_(), execution_count=1)
    return new_code_cell(source, outputs=[output], metadata={"tags": [tag]} if tag else {})


def published(headline: str, kpis: Sequence[dict[str, Any]] = (), **more: Any) -> nbformat.NotebookNode:
    """The cell that publishes."""
    content = {"version": 1, "headline": headline, "kpis": list(kpis), **more}
    output = new_output("display_data", data={PUBLISHED_MIME: content, "text/plain": "Published"})
    return new_code_cell("report.publish()", outputs=[output], metadata={"tags": ["hide"]})


def strip(*labels: str) -> Block:
    """Key figures with these labels: a revenue that fell, and shares."""
    return kpi_strip(
        [
            Kpi.from_row(
                {"value": 1_000.0 + at, "unit": "currency", "n": 3, "low": 1.0, "high": 2.0, "difference": -5_000.0,
                 "significant": at == 0},
                label, better="higher", against="Q3 2017", trend=(1, 2, 3),
            )
            for at, label in enumerate(labels)
        ]
    )  # fmt: skip


def chart(*names: str, message: str = "One is behind.", label: str = "rep_name") -> Block:
    """A bar for each name, against the plan."""
    rows = [
        {label: name, "metric": "quota_attainment", "value": 0.3 + at / 10, "n": at + 1, "low": 0.1, "high": 0.9,
         "unit": "share", "note": None}
        for at, name in enumerate(names)
    ]  # fmt: skip
    return attainment_chart(pd.DataFrame(rows), expected=0.5, period="Q4 2017", message=message)


def book(*cells: nbformat.NotebookNode | str) -> nbformat.NotebookNode:
    """A notebook of cells; text is Markdown."""
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return new_notebook(cells=made, metadata={"language_info": {"name": "python", "version": "3.11.9"}})


def parameters(source: str, tag: str = "parameters") -> nbformat.NotebookNode:
    """A cell of parameters."""
    return new_code_cell(source, metadata={"tags": [tag]})


def report(
    headline: str = "West is behind pace: 38.2% of quota.", names: Sequence[str] = PLAIN
) -> nbformat.NotebookNode:
    """A small report as the notebooks make them."""
    kpis = [{"metric": "revenue", "label": "Revenue", "text": "$1,000", "value": 1000.0, "n": 3}]
    return book(
        "# Are we on track?\n\nEvery figure has its n.",
        parameters('team: str = ""\nperiod: str = "this-quarter"\nlimit = 5'),
        parameters('team = "w"\nperiod = "2017-Q4"', "injected-parameters"),
        shown(strip("Revenue", "Bookings"), "email"),
        "## Who is on track",
        shown(chart(*names), "email"),
        "## What it means\n\nNothing more.",
        published(headline, kpis, data_date="2017-12-30"),
    )
