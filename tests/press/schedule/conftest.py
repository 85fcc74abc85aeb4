"""Specs with a schedule, a ledger, and a clock that goes where it is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from spm_lib.press.schedule.due import Told, WorkOutcome, run_due
from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.press.schedule.slot_ledger import SlotLedger
from spm_lib.press.spec import ForEach, RunSpec, Spec
from spm_lib.spec_file import SpecDocument

MONDAY = dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC)
WEEKLY = {"cron": "0 7 * * MON", "timezone": "UTC"}
HOUR = dt.timedelta(hours=1)


def spec(
    name: str = "weekly", *, folder: Path = Path("params"), owner: str | None = None, **schedule: Any
) -> Spec:
    says = Schedule(**(schedule or WEEKLY)) if schedule.get("cron", "") is not None else None
    content = RunSpec(notebook="n", for_each=ForEach(company=True), schedule=says, owner=owner)
    return Spec(name, SpecDocument(content, folder / f"{name}.yml", {(): 1}), Path("n.ipynb"))


class Killed(BaseException):
    """Stands for kill -9: nothing after it is done."""


@dataclass
class Bench:
    """A ledger, a clock, and what work and owners were given."""

    path: Path
    now: dt.datetime = MONDAY - 24 * HOUR
    runs: list[tuple[str, dt.datetime]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    fails: BaseException | None = None
    deaf: Exception | None = None
    good: bool = True

    @property
    def ledger(self) -> SlotLedger:
        # Opened anew for each use, as after a restart.
        return SlotLedger(self.path)

    def work(self, one: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> WorkOutcome:
        self.runs.append((one.name, slot))
        if self.fails is not None:
            raise self.fails
        self.heard += troubles
        return WorkOutcome(self.good, "3 reports")

    def tell(self, one: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> None:
        if self.deaf is not None:
            raise self.deaf
        self.heard += troubles

    def due(
        self, *specs: Spec, at: dt.datetime | None = None, unread: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[Told, ...]:
        self.now = at or self.now
        told = run_due(
            specs or (spec(),),
            self.ledger,
            clock=lambda: self.now,
            work=self.work,
            tell=self.tell,
            unread=unread,
        )
        assert told is not None
        return told

    def states(self) -> dict[str, str]:
        return {f"{slot.at:%m-%d %H:%M}": slot.state for slot in reversed(self.ledger.slots(limit=10_000))}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "data" / "store.ledger.sqlite")
