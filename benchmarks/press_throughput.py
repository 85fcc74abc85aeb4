"""Throughput: `spm run` beside the other ways, and what a report costs above the time its cells take."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from press_company import JOBS, TEAM_SPEC, Asked, Company, Run, evenly
from press_rivals import NOT_INSTALLED, find_ploomber, loop_seconds, ploomber_seconds
from timing import Section, Timed, at_least, at_most

OURS = f"spm run, {JOBS} jobs"
LOOP = "papermill and nbconvert, one after the other"
XARGS = f"papermill and nbconvert, xargs -P {JOBS}"
PLOOMBER = "ploomber-engine and nbconvert, one warm process"

#: How many times the throughput of each other way.
TIMES = {LOOP: 8.0, XARGS: 4.0, PLOOMBER: 1.5}

OVERHEAD = 0.25  # seconds above its cells' that one more report costs its worker

Side = Callable[[Sequence[dict[str, Any]]], float]


def throughput(company: Company, asked: Asked) -> Section:
    """Measure seconds a report of all sides in turn, in each round."""
    section = Section("Seconds a report")
    jobs = company.plan(TEAM_SPEC, asked.teams)
    few = evenly(jobs, asked.loop_teams)
    sides: list[tuple[str, Side, Sequence[dict[str, Any]]]] = [
        (OURS, lambda some: our_seconds(company, some), jobs),
        (LOOP, lambda some: loop_seconds(company, some, parallel=False), few),
        (XARGS, lambda some: loop_seconds(company, some, parallel=True), few),
    ]
    python = find_ploomber(asked.ploomber_python)
    if python is None:
        section.unmeasured.append(f"{what_of(PLOOMBER)}: {NOT_INSTALLED}")
    else:
        sides.append((PLOOMBER, lambda some: ploomber_seconds(company, some, python), jobs))
    for _, side, _ in sides:
        side(jobs[:1])  # warms the disk's cache, of programs too
    taken: dict[str, list[float]] = {name: [] for name, _, _ in sides}
    for _ in range(asked.rounds):
        for name, side, some in sides:
            taken[name].append(side(some))
    section.timed = [Timed(name, tuple(seconds)) for name, seconds in taken.items()]
    medians = {side.name: side.median for side in section.timed}
    for name, limit in TIMES.items():
        if name in medians:
            promise = at_least(what_of(name), limit, medians[name] / medians[OURS])
            section.claim(promise, full=asked.full)
    section.notes.append(f"The loops made {len(few)} reports a round, the others {len(jobs)}")
    return section


def what_of(name: str) -> str:
    """Say what is promised of the throughput beside a side's."""
    return f"reports an hour, times those of {name}"


def our_seconds(company: Company, jobs: Sequence[dict[str, Any]]) -> float:
    """Give the seconds a report of one whole call of `spm run`."""
    return our_run(company, jobs).wall / len(jobs)


def our_run(company: Company, jobs: Sequence[dict[str, Any]]) -> Run:
    """Make the team reports anew."""
    return company.run(TEAM_SPEC, "team_performance", [job["team"] for job in jobs], "--force")


def overhead(company: Company, asked: Asked) -> Section:
    """Measure what reports cost above their cells: the next one, and all of them with the call's start and end."""
    jobs = company.plan(TEAM_SPEC, asked.teams)
    few = evenly(jobs, max(JOBS, asked.teams // 4))
    our_run(company, few[:1])
    rounds = [(our_run(company, jobs), our_run(company, few)) for _ in range(asked.rounds)]
    many, some = [run for run, _ in rounds], [run for _, run in rounds]
    section = Section("Overhead: one call of spm run")
    section.timed = [
        Timed(f"{len(each[0].records)} reports", tuple(run.wall for run in each)) for each in (many, some)
    ]
    # What is paid once a call is in both, and so is the wait for the last report: it falls out of the difference.
    if len(jobs) > len(few):
        slopes = [(above(run) - above(less)) / (len(jobs) - len(few)) for run, less in rounds]
        what = "seconds of a worker above the cells' that one more report costs"
        section.claim(at_most(what, OVERHEAD, statistics.median(slopes)), full=asked.full)
    total = statistics.median(above(run) / len(jobs) for run in many)
    section.notes.append(f"With start and end of the call, over {len(jobs)} reports: {total:.2f} s a report")
    told = [(step["execute"] - step["cells"], step["render"]) for run in many for step in run.seconds]
    around, render = (statistics.fmean(each) for each in zip(*told, strict=True))
    cells = statistics.fmean(run.cells / len(jobs) for run in many)
    section.notes.append(
        f"By the records, a report: cells {cells:.2f} s, kernel around them {around:.2f} s, render {render:.2f} s"
    )
    return section


def above(run: Run) -> float:
    """Give the seconds that workers had, and the cells did not use."""
    return run.wall * JOBS - run.cells
