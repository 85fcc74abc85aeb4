"""One warm process that makes all reports with ploomber-engine and nbconvert; `press_rivals.py` starts it.

Run by itself it does nothing: what to make comes over its input.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def make_all(order: dict[str, Any]) -> float:
    """Make the first report unmeasured, then all of them; give the seconds that these took."""
    # Not at the top: most machines do not have it, and this file is also run where it is not wanted.
    from nbconvert import HTMLExporter
    from ploomber_engine import execute_notebook

    notebook, folder = Path(order["notebook"]), Path(order["folder"])
    exporter = HTMLExporter()

    def make(parameters: dict[str, Any]) -> None:
        target = folder / f"{parameters['team']}.ipynb"
        book = execute_notebook(
            notebook, target, parameters=parameters, progress_bar=False, cwd=notebook.parent
        )
        page, _ = exporter.from_notebook_node(book)
        target.with_suffix(".html").write_text(page, "utf-8")

    make(order["reports"][0])
    begun = time.perf_counter()
    for parameters in order["reports"]:
        make(parameters)
    return time.perf_counter() - begun


if __name__ == "__main__" and "--from-stdin" in sys.argv:
    print(json.dumps({"seconds": make_all(json.load(sys.stdin))}))
