"""Notebooks for tests, executed by Papermill's engine of ours or by its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat.v4 import new_code_cell, new_notebook

#: Put before the server's start: a server that imports little, for tests that start many.
FEW_MODULES = (
    "import spm_lib.press.kernels.preload as p; "
    "p.MODULES = ('ipykernel.kernelapp', 'ipykernel.debugger', 'numpy', 'duckdb', 'threadpoolctl'); "
)


def book(*sources: str, kernel: str = "python3") -> nbformat.NotebookNode:
    """A notebook of code cells."""
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    return new_notebook(cells=[new_code_cell(source) for source in sources], metadata={"kernelspec": spec})


def run(
    *sources: str,
    engine: str | None = "spm",
    kernel: str = "python3",
    output: Path | None = None,
    **options: Any,
) -> nbformat.NotebookNode:
    """Execute cells; ``output`` keeps the notebook where they fail."""
    return papermill.execute_notebook(
        book(*sources, kernel=kernel),
        None if output is None else str(output),
        engine_name=engine,
        progress_bar=False,
        **options,
    )


def printed(notebook: nbformat.NotebookNode, index: int = -1) -> str:
    """What a cell printed, on its standard output and error."""
    return "".join(o.text for o in notebook.cells[index].outputs if o.output_type == "stream").strip()


def alive(pid: int) -> bool:
    """Whether a process lives; one that only waits to be counted does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pids: Iterable[int], seconds: float) -> bool:
    """Whether all of the processes end within a time."""
    return eventually(lambda: not any(alive(pid) for pid in pids), seconds)


def eventually(condition: Callable[[], bool], seconds: float = 240) -> bool:
    """Whether something comes true within a time, by default one that only what hangs exceeds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
