"""Where a report's time goes, read off the records and the executed notebooks that a run left on the shelf."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from press_company import JOBS, TEAM_SPEC, Asked, Company

STEPS = {
    "kernel start": "from the job's start until the first cell begins",
    "cells": "sum of the cells",
    "between cells": "messages between press and kernel",
    "kernel end": "from the last cell's end until the executed notebook is at hand",
    "render": "page and mail",
    "shelving": "from the page's file to the record's",
}

INJECTED = "injected-parameters"


@dataclass
class Profile:
    """Seconds of all reports, by step and by cell."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cells: dict[tuple[int, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, record: Path) -> None:
        """Add one report.

        The page's file is written right after it is rendered, so the job's start lies `render` and `execute` before.
        """
        told = json.loads(record.read_text("utf-8"))
        seconds = told["seconds"]
        book = json.loads(record.with_suffix(".ipynb").read_text("utf-8"))
        page, shelved = (p.stat().st_mtime for p in (record.with_suffix(".html"), record))
        spans = self._add_cells(book["cells"])
        executed = page - seconds["render"]
        self.steps["cells"].append(seconds["cells"])
        self.steps["render"].append(seconds["render"])
        self.steps["shelving"].append(shelved - page)
        if spans:
            first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
            self.steps["kernel start"].append(first - (executed - seconds["execute"]))
            self.steps["between cells"].append(last - first - sum(end - begin for begin, end in spans))
            self.steps["kernel end"].append(executed - last)
        for name, value in seconds.items():
            if name not in ("execute", "cells", "render"):
                self.steps[f"record: {name}"].append(value)

    def _add_cells(self, cells: list[dict[str, Any]]) -> list[tuple[float, float]]:
        """Add the seconds of each cell that says when it ran; give their begins and ends."""
        spans = []
        own = [cell for cell in cells if INJECTED not in cell["metadata"].get("tags", ())]
        for number, cell in enumerate(own, 1):
            when = cell["metadata"].get("execution", {})
            begin, end = when.get("iopub.status.busy"), when.get("iopub.status.idle")
            if begin and end:
                spans.append((stamp(begin), stamp(end)))
                line = "".join(cell["source"]).partition("\n")[0]
                self.cells[number, line].append(spans[-1][1] - spans[-1][0])
        return spans


def stamp(text: str) -> float:
    """Give a time as seconds since 1970."""
    return dt.datetime.fromisoformat(text).timestamp()


def profile(company: Company, asked: Asked, *, as_json: bool) -> None:
    """Make the team reports anew, and print where their time went."""
    teams = [job["team"] for job in company.plan(TEAM_SPEC, asked.teams)]
    run = company.run(TEAM_SPEC, "profile", teams, "--force")
    found = Profile()
    for record in run.records:
        found.add(record)
    whole = run.wall * JOBS / len(teams)
    if as_json:
        steps = {name: statistics.fmean(values) for name, values in found.steps.items()}
        cells = [
            {"cell": number, "line": line, "seconds": statistics.fmean(values)}
            for (number, line), values in sorted(found.cells.items())
        ]
        print(json.dumps({"whole_call": whole, "steps": steps, "cells": cells}, indent=2))
    else:
        show(found, whole, len(teams))


def show(found: Profile, whole: float, reports: int) -> None:
    """Print the profile as two tables."""
    console = Console()
    steps = Table(title=f"A report's seconds by step, mean of {reports}, {JOBS} jobs", title_justify="left")
    for column in ("step", "seconds", "what it is"):
        steps.add_column(column, justify="right" if column == "seconds" else "left")
    for name in [*STEPS, *(name for name in found.steps if name not in STEPS)]:
        if name in found.steps:
            steps.add_row(name, f"{statistics.fmean(found.steps[name]):.3f}", STEPS.get(name, ""))
    steps.add_row("whole call", f"{whole:.3f}", "of a worker's time, with all that is paid once a call")
    console.print(steps)
    cells = Table(title="By cell, as failures number them", title_justify="left")
    for column in ("cell", "seconds", "slowest", "first line"):
        cells.add_column(column, justify="left" if column == "first line" else "right")
    for (number, line), values in sorted(found.cells.items()):
        mean, slowest = statistics.fmean(values), max(values)
        cells.add_row(str(number), f"{mean:.3f}", f"{slowest:.3f}", line[:50].replace("[", r"\["))
    console.print(cells)
