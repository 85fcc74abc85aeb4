"""Slots in the ledger: which were claimed, done, failed or missed, so that none is lost and none comes twice."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.errors import ScheduleError, one_line
from spm_lib.lock import locked
from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.press.schedule.slot import COLUMNS, Slot, moment_of, slot_of, text_of
from spm_lib.press.schedule.slots import slots_between
from spm_lib.press.schedule.taking import Gone, Held, Taken, Taking

#: How often it is written down at least that a schedule was looked at.
_LOOK = dt.timedelta(hours=1)

#: So long a schedule that is not there any more stays known: files come and go for a moment while they are written.
GRACE = dt.timedelta(hours=24)

#: What is at work for so long hangs.
TOO_LONG = dt.timedelta(hours=6)


@dataclass(frozen=True)
class Known:
    """Since when a schedule is known, and when it was looked at last, in UTC: up to then every slot stands in the ledger."""

    since: dt.datetime
    seen: dt.datetime


class _Remembered(NamedTuple):
    """A schedule as the ledger has it: whose, when it was seen last, and since when it has been absent."""

    spec: str
    words: str
    owner: str | None
    seen: dt.datetime
    absent: dt.datetime | None


class SlotLedger:
    """The slots of the ledger at a path.

    Parameters
    ----------
    path
        The ledger's file, see `spm_lib.data.ledger.ledger_path`.

    Notes
    -----
    Every method raises `StoreError` where the file is no ledger, of a newer version, damaged, or kept locked. What
    writes, but for `alone`, is for the one that is alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = LedgerFile(path)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Tell whether this is the only one at it, and stay so; a killed one is at it no more."""
        place = self.path.with_name(f"{self.path.name}.schedule.lock")
        with ExitStack() as held:
            try:
                held.enter_context(
                    locked(
                        place,
                        busy=ScheduleError("another one is at it", where=str(place), passing=True),
                        denied=lambda error: ScheduleError(
                            f"the lock cannot be written ({one_line(str(error), 160)})",
                            where=str(place),
                            mend="Name another place with --store",
                        ),
                    )
                )
                found = True
            except ScheduleError as error:
                if not error.passing:
                    raise
                found = False
            yield found

    def take(
        self,
        schedules: Mapping[str, Schedule],
        *,
        now: dt.datetime,
        owners: Mapping[str, str | None] = MappingProxyType({}),
    ) -> dict[str, Taken]:
        """Write down what has come due, and claim what is to run.

        The newest slot is claimed where it lies within its window; all others up to now are missed. A claimed slot was
        killed, as nobody else is at it. A schedule that is new or changed is due from now on.

        Parameters
        ----------
        schedules
            By the specs' names.
        now
            The moment, with its zone.
        owners
            Who hears of a spec's failures, as its file says: remembered for when it cannot be read, see `hold`.

        Returns
        -------
        dict
            By name, in the order given.
        """
        if self._quiet(schedules, owners, now.astimezone(dt.UTC)):
            return dict.fromkeys(schedules, Taken(None, ()))
        with self._file.writing() as connection:
            return {
                spec: Taking(connection, spec, now.astimezone(dt.UTC)).take(schedule, owners.get(spec))
                for spec, schedule in schedules.items()
            }

    def hold(self, unread: Mapping[str, str], *, now: dt.datetime) -> dict[str, Held]:
        """Have slots wait that have come due of specs that are there and cannot be read.

        Parameters
        ----------
        unread
            Why not, by name.
        now
            The moment, with its zone.

        Returns
        -------
        dict
            By name, each slot once.
        """
        known = [one for one in self._remembered() if one.spec in unread]
        if not known:
            return {}
        with self._file.writing() as connection:
            held = {
                one.spec: Taking(connection, one.spec, now.astimezone(dt.UTC)).hold(
                    one.words, one.owner, one.seen, unread[one.spec]
                )
                for one in known
            }
        return {spec: slot for spec, slot in held.items() if slot is not None}

    def _remembered(self) -> list[_Remembered]:
        rows = self._file.rows(
            "select spec, words, owner, seen_at, absent_since from schedules order by spec"
        )
        return [
            _Remembered(spec, words, owner, moment_of(seen), moment_of(absent) if absent else None)
            for spec, words, owner, seen, absent in rows
        ]

    def _quiet(
        self, schedules: Mapping[str, Schedule], owners: Mapping[str, str | None], now: dt.datetime
    ) -> bool:
        """Tell whether there is nothing to write down: a timer calls every few minutes, and a disk has better to do."""
        open_slots = self._file.rows(
            "select 1 from slots where state = 'claimed' or ended_at is null and state != 'done' limit 1"
        )
        known = {one.spec: one for one in self._remembered()}
        if open_slots or any(spec not in known for spec in schedules):
            return False
        for spec, schedule in schedules.items():
            one = known[spec]
            if (
                (one.words, one.owner, one.absent) != (schedule.words, owners.get(spec), None)
                or not one.seen <= now < one.seen + _LOOK
                or slots_between(schedule, one.seen, now)
            ):
                return False
        return True

    def gone(self, *, but: Collection[str], now: dt.datetime) -> dict[str, Gone]:
        """Give the schedules that have not been there for `GRACE`; what they had come due of since is missed.

        That time counts from the first call that did not find them: before it, nobody looked.

        Parameters
        ----------
        but
            Names of the specs whose schedules are there.
        now
            The moment, with its zone.

        Returns
        -------
        dict
            By the specs' names. Each is given again until it is forgotten, see `forget`.
        """
        away = [one for one in self._remembered() if one.spec not in but]
        if not away:
            return {}
        found = {}
        with self._file.writing() as connection:
            for one in away:
                if one.absent is None:
                    connection.execute(
                        "update schedules set absent_since = ? where spec = ?", (text_of(now), one.spec)
                    )
                elif now - one.absent >= GRACE:
                    taking = Taking(connection, one.spec, now.astimezone(dt.UTC))
                    found[one.spec] = taking.leave(one.words, one.seen)
        return found

    def forget(self, spec: str, *, now: dt.datetime) -> None:
        """Forget a spec's schedule; all that is over of it has ended."""
        with self._file.writing() as connection:
            _end(connection, spec, now)
            connection.execute("delete from schedules where spec = ?", (spec,))

    def waits(self, spec: str, at: dt.datetime, *, note: str) -> None:
        """Write down what is in a claimed slot's way; it stays claimed, for a later call to take up."""
        with self._file.writing() as connection:
            connection.execute(
                "update slots set note = ? where spec = ? and slot_at = ?", (note, spec, text_of(at))
            )

    def begins(self, spec: str, at: dt.datetime, *, now: dt.datetime) -> None:
        """Write down that a claimed slot's work begins now: others were claimed with it, and came first."""
        with self._file.writing() as connection:
            connection.execute(
                "update slots set claimed_at = ? where spec = ? and slot_at = ?",
                (text_of(now), spec, text_of(at)),
            )

    def hanging(self, *, now: dt.datetime) -> Slot | None:
        """Give the slot at work now where it has been so for `TOO_LONG`."""
        rows = self._file.rows(
            f"select {COLUMNS} from slots where state = 'claimed' order by claimed_at desc, spec limit 1"
        )
        slots = (slot_of(row) for row in rows)
        return next((slot for slot in slots if slot.claimed_at and now - slot.claimed_at >= TOO_LONG), None)

    def settle(
        self,
        spec: str,
        at: dt.datetime,
        state: Literal["done", "failed", "missed"],
        *,
        note: str,
        told_at: dt.datetime | None,
    ) -> None:
        """Write down what became of a claimed slot.

        Parameters
        ----------
        spec, at, state, note
            The slot, what became of it, and what there is to say of it.
        told_at
            When the owner had heard of it, and of what had been missed before; None where that is still to be done.
        """
        with self._file.writing() as connection:
            connection.execute(
                "update slots set state = ?, note = ? where spec = ? and slot_at = ?",
                (state, note, spec, text_of(at)),
            )
            if told_at is not None:
                _end(connection, spec, told_at)

    def told(self, spec: str, *, now: dt.datetime) -> None:
        """Write down that all that is over of a spec has ended, and that its owner has heard of it."""
        with self._file.writing() as connection:
            _end(connection, spec, now)

    def slots(self, spec: str | None = None, *, limit: int = 100) -> tuple[Slot, ...]:
        """Give slots, the latest first, of one spec or of all."""
        rows = self._file.rows(
            f"select {COLUMNS} from slots where ? is null or spec = ? order by slot_at desc, spec limit ?",
            (spec, spec, limit),
        )
        return tuple(slot_of(row) for row in rows)

    def names(self) -> tuple[str, ...]:
        """Give the names of the specs whose schedules are known."""
        return tuple(spec for (spec,) in self._file.rows("select spec from schedules order by spec"))

    def known(self, spec: str) -> Known | None:
        """Give since when a spec's schedule is known; None where it is not."""
        rows = self._file.rows("select known_since, seen_at from schedules where spec = ?", (spec,))
        return next((Known(moment_of(since), moment_of(seen)) for since, seen in rows), None)


def _end(connection: sqlite3.Connection, spec: str, now: dt.datetime) -> None:
    connection.execute(
        "update slots set ended_at = ? where spec = ? and state != 'claimed' and ended_at is null",
        (text_of(now), spec),
    )
