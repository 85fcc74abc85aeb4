"""A company of many teams in a folder of its own, and `spm` called on it as anybody would call it."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
TEAM_SPEC = ROOT / "params" / "team_performance.yml"
NOTEBOOK = ROOT / "notebooks" / "team_performance.ipynb"

#: What the promises are made for; of smaller measurements nothing is claimed.
FULL_TEAMS = 40

#: Reports made side by side, wherever a promise speaks of several.
JOBS = 2

#: The demo company has eight teams, times its scale.
DEMO_TEAMS = 8

SOURCE = """\
# The demo company, enlarged.
kind: demo
timezone: Europe/London
calendar: {{fiscal_year_starts: 1, week_starts: monday}}
currency: USD
scale: {scale}
"""


@dataclass(frozen=True)
class Asked:
    """How much to measure: see the options of `press.py`."""

    teams: int = FULL_TEAMS
    loop_teams: int = 8
    rounds: int = 2
    reports: int = 200
    ploomber_python: Path | None = None

    @property
    def full(self) -> bool:
        """Whether it is enough teams for what is promised."""
        return self.teams >= FULL_TEAMS


class CommandError(Exception):
    """A command of the benchmark did not do what it was for."""


@dataclass(frozen=True)
class Run:
    """One call of `spm run`: seconds of the whole call, from the start of Python on, and what its records say.

    Parameters
    ----------
    wall
        Seconds of the call.
    made
        Reports made; the others stood there unchanged.
    records
        The record of each report.
    seconds
        What each record says of the time taken, by step.
    """

    wall: float
    made: int
    records: tuple[Path, ...]
    seconds: tuple[dict[str, float], ...]

    @property
    def cells(self) -> float:
        """Seconds that all its reports' cells took."""
        return sum(step["cells"] for step in self.seconds)


@dataclass(frozen=True)
class Company:
    """The folder: a store, and a project with specs and notebooks of the benchmark's own."""

    folder: Path

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.folder / "company.duckdb"

    @property
    def notebooks(self) -> Path:
        """Where the benchmark's own notebooks are."""
        return self.folder / "project" / "notebooks"

    def shelf(self, name: str) -> Path:
        """Give a folder of reports."""
        return self.folder / "reports" / name

    def new_spec(self, name: str, text: str) -> Path:
        """Write a run spec."""
        path = self.folder / "project" / "params" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.notebooks.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def plan(self, spec: Path, teams: int | None = None) -> list[dict[str, Any]]:
        """Give the jobs that a spec means, or those of some teams, evenly chosen among all."""
        jobs = json.loads(output_of([*spm(), "plan", *self._options(spec, "plan"), "--json"]))
        return evenly(jobs, teams or len(jobs))

    def command(self, spec: Path, shelf: str, teams: Sequence[str] = (), *more: str) -> list[str]:
        """Give the call of `spm run`."""
        chosen = [part for team in teams for part in ("--team", team)]
        return [*spm(), "run", *self._options(spec, shelf), "--jobs", str(JOBS), "--json", *chosen, *more]

    def run(self, spec: Path, shelf: str, teams: Sequence[str] = (), *more: str) -> Run:
        """Call `spm run` and wait; every report must be made, or stand there unchanged."""
        begun = time.perf_counter()
        told = json.loads(output_of(self.command(spec, shelf, teams, *more)))
        wall = time.perf_counter() - begun
        if told["failed"] or told["interrupted"]:
            raise CommandError(f"{told['failed']} reports failed")
        records = tuple(Path(report["html"]).with_suffix(".json") for report in told["reports"])
        # Read at once: the next call may write them anew.
        seconds = tuple(json.loads(record.read_text("utf-8"))["seconds"] for record in records)
        return Run(wall, told["done"], records, seconds)

    def _options(self, spec: Path, shelf: str) -> list[str]:
        return [str(spec), "--store", str(self.store), "--reports", str(self.shelf(shelf))]


def new_company(folder: Path, teams: int) -> Company:
    """Make the company by `spm ingest`, where `folder` does not hold it from an earlier call."""
    company = Company(folder)
    scale = math.ceil(teams / DEMO_TEAMS)
    source = folder / "company.yml"
    said = SOURCE.format(scale=scale)
    if not (source.exists() and source.read_text("utf-8") == said and company.store.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        source.write_text(said, "utf-8")
        output_of([*spm(), "ingest", str(source), "--store", str(company.store), "--json"])
    # Once a day, by whoever makes the reports first: no part of what a report costs, on either side.
    output_of([*spm(), "score", "--store", str(company.store), "--json"])
    found = len(company.plan(TEAM_SPEC))
    if found < teams:
        raise CommandError(f"the company has {found} teams with members, not {teams}")
    return company


def copy_notebook(company: Company) -> None:
    """Put the notebook of the team report beside the benchmark's own specs."""
    company.notebooks.mkdir(parents=True, exist_ok=True)
    shutil.copy(NOTEBOOK, company.notebooks)


def evenly(jobs: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Choose some of the jobs, from all over the list: teams are of several sizes, and lie sorted by name."""
    count = min(count, len(jobs))
    return [jobs[i * len(jobs) // count] for i in range(count)]


def spm() -> list[str]:
    """Give the command itself."""
    return [str(BIN / "spm")]


def environment(**more: str) -> dict[str, str]:
    """Give the environment of all sides: none of the caller's settings, and this environment's commands first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPM_")}
    return kept | {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"} | more


def output_of(
    command: Sequence[str],
    *,
    given: str | None = None,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a command; give what it printed, or raise the end of what it complained of."""
    done = subprocess.run(
        list(command),
        input=given,
        capture_output=True,
        text=True,
        env=variables or environment(),
        cwd=folder,
        check=False,
    )
    if done.returncode:
        end = "\n".join((done.stderr + done.stdout).splitlines()[-15:])
        raise CommandError(f"{Path(command[0]).name} ended with {done.returncode}:\n{end}")
    return done.stdout
