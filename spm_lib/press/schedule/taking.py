"""What has come due of one schedule: which slot is to run, and which were missed, all within one transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass

from pydantic import ValidationError

from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.press.schedule.slot import Slot, State, moment_of, read_slots, text_of
from spm_lib.press.schedule.slots import slots_between

MISSED = "nothing called spm schedule run-due in time"
OVERTAKEN = "a later slot was due before it had run"
CHANGED = "the schedule was changed before it had run"
CUT_OFF = "its run was cut off, and not taken up again in time"
WAITED_IN_LINE = "the runs that were due with it took too long"
WAITED = "something else was in its way for too long"
TAKEN_AWAY = "the schedule was taken away before it had run"


@dataclass(frozen=True)
class Taken:
    """What there is to do for one spec.

    Parameters
    ----------
    run
        The slot to run now, in UTC, claimed; None where none is due.
    untold
        Slots that were missed or failed, and of which the owner has not heard.
    """

    run: dt.datetime | None
    untold: tuple[Slot, ...]


@dataclass(frozen=True)
class Held:
    """A slot that has come due of a spec that cannot be read now: it waits until it can.

    Parameters
    ----------
    at
        The slot, in UTC.
    schedule
        As it was read last.
    owner
        Who hears of the spec's failures, as it said then; None where nobody does.
    """

    at: dt.datetime
    schedule: Schedule
    owner: str | None


@dataclass(frozen=True)
class Gone:
    """What is left of a schedule that was taken away.

    Parameters
    ----------
    schedule
        As it was; None where another version wrote it, and it cannot be read.
    untold
        Slots that were missed or failed, and of which nobody has heard.
    """

    schedule: Schedule | None
    untold: tuple[Slot, ...]


class Taking:
    """What one spec has come due of.

    Parameters
    ----------
    connection
        The connection of a transaction on the ledger.
    spec
        The spec's name.
    now
        The moment, in UTC.
    """

    def __init__(self, connection: sqlite3.Connection, spec: str, now: dt.datetime) -> None:
        self.connection = connection
        self.spec = spec
        self.now = now

    def take(self, schedule: Schedule, owner: str | None) -> Taken:
        """Write down each slot up to now, claim the newest where it is not too late, and give what there is to do."""
        seen = self._seen(schedule, owner)
        killed = {slot.at: slot for slot in self._there("state = 'claimed' and slot_at <= ?", self.now)}
        there = {slot.at for slot in self._there("slot_at > ?", seen)}
        due = [at for at in slots_between(schedule, seen, self.now) if at not in there]
        run = max([*due, *killed], default=None)
        past = run is not None and self.now - run > dt.timedelta(hours=schedule.catch_up_hours)
        for at in (*killed, *due):
            if at != run or past:
                why = _left(killed[at]) if at in killed else MISSED if past else OVERTAKEN
                self._write(at, "missed", why)
        if past:
            run = None
        if run is not None:
            self._write(run, "claimed", "")
        self._see()
        return Taken(run, self._untold())

    def hold(self, words: str, owner: str | None, seen: dt.datetime, why: str) -> Held | None:
        """Have the newest slot that has come due wait, and give it; None where none has since the last call."""
        schedule = _read(words)
        if schedule is None:
            return None
        there = {slot.at for slot in self._there("slot_at > ?", seen)}
        due = [at for at in slots_between(schedule, seen, self.now) if at not in there]
        for at in due:
            self._write(at, "claimed" if at == due[-1] else "missed", why if at == due[-1] else OVERTAKEN)
        self._see()
        return Held(due[-1], schedule, owner) if due else None

    def _see(self) -> None:
        self.connection.execute(
            "update schedules set seen_at = ?, absent_since = null where spec = ?",
            (text_of(self.now), self.spec),
        )

    def leave(self, words: str, seen: dt.datetime) -> Gone:
        """Write down as missed what a schedule that was taken away had come due of, and give what there is to tell of it."""
        for slot in self._there("state = 'claimed' and slot_at <= ?", self.now):
            self._write(slot.at, "missed", TAKEN_AWAY)
        schedule = _read(words)
        if schedule is not None:
            self._miss(schedule, seen, TAKEN_AWAY)
        return Gone(schedule, self._untold())

    def _untold(self) -> tuple[Slot, ...]:
        return self._there("state in ('missed', 'failed') and ended_at is null and slot_at <= ?", self.now)

    def _there(self, condition: str, moment: dt.datetime) -> tuple[Slot, ...]:
        """Give the spec's slots in the ledger of which a condition on a moment holds."""
        return read_slots(self.connection, f"spec = ? and {condition}", self.spec, text_of(moment))

    def _seen(self, schedule: Schedule, owner: str | None) -> dt.datetime:
        """Give the moment up to which every slot of the schedule stands in the ledger."""
        rows = self.connection.execute(
            "select words, known_since, seen_at from schedules where spec = ?", (self.spec,)
        ).fetchall()
        for words, since, until in rows:
            known, seen = moment_of(since), moment_of(until)
            if self.now < seen:
                # What a clock that ran ahead took for missed may still come. What was run is not run again.
                self.connection.execute(
                    "delete from slots where spec = ? and state = 'missed' and slot_at > ?",
                    (self.spec, text_of(self.now)),
                )
                seen = self.now
            if words == schedule.words:
                self._know(schedule, owner, min(known, self.now))
                return seen
            before = _read(words)
            if before is not None:
                self._miss(before, seen, CHANGED)
        self._know(schedule, owner, self.now)
        return self.now

    def _know(self, schedule: Schedule, owner: str | None, since: dt.datetime) -> None:
        self.connection.execute(
            "insert or replace into schedules values (?, ?, ?, ?, ?, null)",
            (self.spec, schedule.words, owner, text_of(since), text_of(self.now)),
        )

    def _miss(self, before: Schedule, seen: dt.datetime, why: str) -> None:
        """Write down the slots that a schedule had as it was before, and that nobody looked at any more."""
        there = {slot.at for slot in self._there("slot_at > ?", seen)}
        for at in slots_between(before, seen, self.now):
            if at not in there:
                self._write(at, "missed", why)

    def _write(self, at: dt.datetime, state: State, note: str) -> None:
        # With a note it waits for something, and nobody is at work on it.
        claimed = text_of(self.now) if state == "claimed" and not note else None
        self.connection.execute(
            "insert into slots values (?, ?, ?, ?, null, ?) on conflict do update set state = excluded.state, "
            "claimed_at = coalesce(excluded.claimed_at, claimed_at), note = excluded.note",
            (self.spec, text_of(at), state, claimed, note),
        )


def _left(claimed: Slot) -> str:
    """Say why a claimed slot is missed: another one was in its way, or it was cut off."""
    return f"{WAITED}: {claimed.note}" if claimed.note else CUT_OFF


def _read(words: str) -> Schedule | None:
    """Give the schedule as `Schedule.words` wrote it; None where another version did, which may have known other words."""
    try:
        return Schedule.model_validate_json(words)
    except ValidationError:
        return None
