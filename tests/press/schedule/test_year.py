"""A year of schedules in four zones, with restarts, double timers, an outage and clocks that jump: the promise, counted."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from spm_lib.errors import DeliveryError
from spm_lib.press.schedule.due import WorkOutcome, run_due, spoken
from spm_lib.press.schedule.slot_ledger import SlotLedger
from spm_lib.press.spec import Spec

from .clocks import on_the_wall
from .conftest import HOUR, Killed, spec

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
OUTAGE = (dt.datetime(2026, 3, 27, 20, tzinfo=dt.UTC), dt.datetime(2026, 3, 30, 20, tzinfo=dt.UTC))
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)

#: Every time lies in the hour that clocks pass over or show twice, or is an ordinary one; the last zone changes by half an
#: hour.
YEAR = {
    "london": ("Europe/London", dt.time(1, 30), "30 1 * * *", range(7)),
    "new_york": ("America/New_York", dt.time(2, 30), "30 2 * * MON,THU,SUN", (0, 3, 6)),
    "sydney": ("Australia/Sydney", dt.time(7, 0), "0 7 * * MON,SUN", (0, 6)),
    "lord_howe": ("Australia/Lord_Howe", dt.time(1, 45), "45 1 * * SAT,SUN", (5, 6)),
}
WINDOW_HOURS = 5


class Company:
    """Four specs, one a zone, a machine that dies, and a log of what was done that outlives it."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self.chance = chance
        self.now = START
        self.specs = [
            spec(name, cron=cron, timezone=zone, catch_up_hours=WINDOW_HOURS)
            for name, (zone, _, cron, _) in YEAR.items()
        ]
        self.ran: list[tuple[str, dt.datetime, dt.datetime]] = []
        self.heard: dict[str, list[str]] = {name: [] for name in YEAR}
        self.deaf = 0
        self.killed = 0
        self.refused = 0

    def work(self, one: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> WorkOutcome:
        # Double timers: another call comes while this one is at work.
        if self.chance.random() < 0.2:
            assert self.call() is None
            self.refused += 1
        if self.chance.random() < 0.15:
            raise Killed
        if self.chance.random() < 0.1:
            return WorkOutcome(False, "another run is at it", again=True)
        self.ran.append((one.name, slot, self.now))
        self.heard[one.name] += troubles
        return WorkOutcome(True)

    def tell(self, one: Spec, slot: dt.datetime, troubles: tuple[str, ...]) -> None:
        if self.chance.random() < 0.3:
            self.deaf += 1
            raise DeliveryError("no server")
        self.heard[one.name] += troubles

    def call(self) -> object:
        return run_due(
            self.specs, SlotLedger(self.path), clock=lambda: self.now, work=self.work, tell=self.tell
        )

    def turn(self) -> None:
        try:
            self.call()
        except Killed:
            self.killed += 1

    def live(self) -> None:
        self.call()
        while self.now < END:
            jump = self.chance.random()
            if jump < 0.03:
                self.now -= self.chance.randint(1, 90) * MINUTE
            else:
                self.now += self.chance.choice((5, 60, 240, 400, 400)) * MINUTE
            if OUTAGE[0] <= self.now < OUTAGE[1]:
                self.now = OUTAGE[1]
            self.turn()
            if self.chance.random() < 0.2:
                self.turn()
        # What was killed last is over as well.
        for _ in range(20):
            self.turn()


def named(sentences: list[str], missed: list[str]) -> Iterator[str]:
    """Give the slots that sentences to an owner name, or stand between the first and the last that one names."""
    for sentence in sentences:
        if one := re.match(r"The run due on (.*?\)) was missed: ", sentence):
            yield one[1]
        else:
            many = re.match(
                r"(\d+) runs were missed, the first due on (.*?\)), the last on (.*?\)): ", sentence
            )
            assert many is not None, sentence
            among = missed[missed.index(many[2]) : missed.index(many[3]) + 1]
            assert len(among) == int(many[1])
            yield from among


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a year has thousands of commits, each of which waits for a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("seed", [1])
def test_every_slot_of_a_year_is_run_once_or_caught_up_once_or_missed(memory: Path, seed: int) -> None:
    company = Company(memory / "ledger.sqlite", random.Random(seed))
    company.live()
    ledger = SlotLedger(company.path)
    counts: Counter[str] = Counter()
    for name, (zone, at, _, weekdays) in YEAR.items():
        days = frozenset(weekdays)
        wanted = on_the_wall(
            zone, lambda day, days=days: day.weekday() in days, at, START - 2 * DAY, company.now
        )  # type: ignore[misc]
        expected = {slot for slot in wanted if START < slot <= company.now}
        ran = Counter(slot for spec_name, slot, _ in company.ran if spec_name == name)
        states = {slot.at: slot.state for slot in ledger.slots(name, limit=100_000)}
        done = {at for at, state in states.items() if state == "done"}
        missed = {at for at, state in states.items() if state == "missed"}
        assert set(states) == expected, "no slot is lost, and none is made up"
        assert set(states.values()) <= {"done", "missed"}
        assert max(ran.values()) == 1, "none is run twice"
        assert set(ran) == done, "what was run is done, and nothing else is"
        late = [when - slot for spec_name, slot, when in company.ran if spec_name == name]
        assert max(late) <= WINDOW_HOURS * HOUR
        (schedule,) = (one.content.schedule for one in company.specs if one.name == name)
        said = [spoken(at, schedule) for at in sorted(missed)]
        assert Counter(named(company.heard[name], said)) == Counter(said), "what is missed is told, once"
        for slot in missed:
            newer = any(slot < other <= slot + WINDOW_HOURS * HOUR for other in expected)
            outage = OUTAGE[0] - WINDOW_HOURS * HOUR <= slot <= OUTAGE[1]
            counts["outage" if outage else "other"] += 1
            assert not newer or outage
        counts["caught up"] += sum(lateness > 10 * MINUTE for lateness in late)
        counts["done"] += len(done)
    # Each of the things that may go wrong did.
    assert company.killed > 20 and company.refused > 20 and company.deaf > 0
    assert counts["caught up"] > 100 and counts["outage"] >= 3 and counts["done"] > 500
    print(
        f"{counts['done']} slots run ({counts['caught up']} caught up), {counts['outage'] + counts['other']} missed, "
        f"{company.killed} kills, {company.refused} double timers: none lost, none twice"
    )
