"""Timing two sides in turn on one machine: ratios of medians, as these machines are noisy."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Promise:
    """A figure that this product claims, and what was measured."""

    what: str
    limit: float
    measured: float
    holds: bool


@dataclass(frozen=True)
class Timed:
    """Seconds that each round of one side took."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.seconds)


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
    if as_json:
        print(json.dumps({"promises": [asdict(p) for p in promises]}, indent=2))
    else:
        table = Table(title=title, title_justify="left")
        for column in ("side", "median s", "fastest s", "rounds"):
            table.add_column(column, justify="left" if column == "side" else "right")
        for side in timed:
            table.add_row(side.name, f"{side.median:.3f}", f"{min(side.seconds):.3f}", str(len(side.seconds)))
        console = Console()
        console.print(table)
        for promise in promises:
            verdict = "holds" if promise.holds else "DOES NOT HOLD"
            console.print(f"{promise.what}: {promise.measured:.2f} (at most {promise.limit}): {verdict}")
    return 0 if all(p.holds for p in promises) else 1
