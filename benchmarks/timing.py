"""Timing two sides in turn on one machine: ratios of medians, as these machines are noisy."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

AT_MOST, AT_LEAST = "at most", "at least"


@dataclass(frozen=True)
class Promise:
    """A figure that this product claims, and what was measured."""

    what: str
    limit: float
    measured: float
    holds: bool
    bound: str = AT_MOST


def at_most(what: str, limit: float, measured: float) -> Promise:
    """Give the promise that a figure does not exceed its limit."""
    return Promise(what, limit, measured, measured <= limit)


def at_least(what: str, limit: float, measured: float) -> Promise:
    """Give the promise that a figure does not fall short of its limit."""
    return Promise(what, limit, measured, measured >= limit, AT_LEAST)


@dataclass(frozen=True)
class Timed:
    """Seconds that each round of one side took."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.seconds)


@dataclass
class Section:
    """What was measured under one title.

    Parameters
    ----------
    title
        Heading of the table of sides.
    timed
        The sides.
    promises
        What is claimed of them.
    notes
        Figures that nothing is claimed of, a sentence each.
    unmeasured
        What could not be measured here, and why.
    """

    title: str
    timed: list[Timed] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)

    def claim(self, promise: Promise, *, full: bool = True) -> None:
        """Claim `promise`; of a measurement smaller than the one that it is made for, it is a note."""
        if full:
            self.promises.append(promise)
        else:
            said = f"{promise.what}: {promise.measured:.2f}"
            self.notes.append(f"{said}; {promise.bound} {promise.limit} is promised of the full size only")


def in_turn(sides: Sequence[tuple[str, Callable[[], object]]], rounds: int) -> tuple[Timed, ...]:
    """Run all sides once unmeasured, then `rounds` times each in turn."""
    taken: dict[str, list[float]] = {name: [] for name, _ in sides}
    for turn in range(rounds + 1):
        for name, work in sides:
            start = time.perf_counter()
            work()
            if turn:
                taken[name].append(time.perf_counter() - start)
    return tuple(Timed(name, tuple(seconds)) for name, seconds in taken.items())


def report(title: str, timed: Sequence[Timed], promises: Sequence[Promise], *, as_json: bool) -> int:
    """Print the table, or the promises as JSON; give 1 where a promise does not hold."""
    return report_all([Section(title, list(timed), list(promises))], as_json=as_json)


def report_all(sections: Sequence[Section], *, as_json: bool) -> int:
    """Print each section, or all as one JSON document; give 1 where a promise does not hold."""
    promises = [promise for section in sections for promise in section.promises]
    if as_json:
        plain = {
            "promises": [asdict(promise) for promise in promises],
            "sides": [asdict(side) | {"median": side.median} for each in sections for side in each.timed],
            "notes": [note for section in sections for note in section.notes],
            "not_measured": [reason for section in sections for reason in section.unmeasured],
        }
        print(json.dumps(plain, indent=2))
    else:
        for section in sections:
            show(section)
    return 0 if all(promise.holds for promise in promises) else 1


def show(section: Section) -> None:
    """Print one section."""
    console = Console()
    table = Table(title=section.title, title_justify="left")
    for column in ("side", "median s", "fastest s", "rounds"):
        table.add_column(column, justify="left" if column == "side" else "right")
    for side in section.timed:
        table.add_row(side.name, f"{side.median:.3f}", f"{min(side.seconds):.3f}", str(len(side.seconds)))
    if section.timed:
        console.print(table)
    else:
        console.print(section.title, style="italic")
    for note in section.notes:
        console.print(note, soft_wrap=True)
    for promise in section.promises:
        verdict = "holds" if promise.holds else "DOES NOT HOLD"
        said = f"{promise.what}: {promise.measured:.2f} ({promise.bound} {promise.limit}): {verdict}"
        console.print(said, soft_wrap=True)
    for reason in section.unmeasured:
        console.print(f"Not measured: {reason}", soft_wrap=True)
