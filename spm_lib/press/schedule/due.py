"""What is due: each spec's newest slot is run once, what was missed is told, and one spec's failure stops no other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from spm_lib.errors import ScheduleError, SpmError, one_line
from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.press.schedule.slot import Slot
from spm_lib.press.schedule.slot_ledger import SlotLedger
from spm_lib.press.schedule.taking import WAITED_IN_LINE, Gone, Held, Taken
from spm_lib.press.spec import ForEach, RunSpec, Spec
from spm_lib.spec_file import SpecDocument

#: So many missed slots are named one by one.
NAMED = 3


@dataclass(frozen=True)
class WorkOutcome:
    """What came of a slot's work.

    Parameters
    ----------
    good
        Whether the reports were made and sent, or held and their owner told.
    note
        What there is to say of it.
    heard
        Whether the owner has heard of it, where it is not good, and of what had been missed before.
    again
        Whether something was in the way that passes, so that a later call takes the slot up again.
    """

    good: bool
    note: str = ""
    heard: bool = True
    again: bool = False


@dataclass(frozen=True)
class Told:
    """What became of a slot.

    Parameters
    ----------
    spec
        The spec's name.
    at
        The slot, in UTC; None where the spec's owner could not be told of what is over.
    state
        ``done``, ``failed``, ``missed``, or ``waits`` where a later call takes it up again.
    note
        What there is to say of it.
    """

    spec: str
    at: dt.datetime | None
    state: Literal["done", "failed", "missed", "waits"]
    note: str


#: Does a slot's work: the spec, the slot in UTC, and what its owner has to hear besides, a sentence each.
Work = Callable[[Spec, dt.datetime, tuple[str, ...]], WorkOutcome]

#: Tells a spec's owner of what was missed or failed: the spec, the latest such slot in UTC, a sentence each.
Tell = Callable[[Spec, dt.datetime, tuple[str, ...]], None]


def run_due(
    specs: Sequence[Spec],
    ledger: SlotLedger,
    *,
    clock: Callable[[], dt.datetime],
    work: Work,
    tell: Tell,
    unread: Mapping[str, str] = MappingProxyType({}),
    folder: Path = Path("params"),
) -> tuple[Told, ...] | None:
    """Run what is due of each spec, one after the other.

    Parameters
    ----------
    specs
        All specs that could be read; those without a schedule are passed over.
    ledger
        Where slots are written down.
    clock
        Tells the time, with its zone.
    work
        Does a slot's work, and tells the spec's owner what there is to tell. Where it is killed or stopped, the slot is
        taken up again by a later call.
    tell
        Tells a spec's owner where there is no work, or where the work raised.
    unread
        Why specs that are there could not be read, by name: their schedules stay known, and what comes due of them waits
        and is told.
    folder
        The folder of the specs, and of the file that says who may be written to.

    Returns
    -------
    tuple of Told, or None
        What became of each slot; None where another call is at it, and nothing was done.

    Raises
    ------
    ScheduleError
        Where there are no specs any more though schedules are known.
    StoreError
        Where the ledger cannot be read or written.
    """
    twins = _twins(specs)
    by_name = {spec.name: spec for spec in specs if spec.name not in twins}
    unread = {**unread, **twins}
    schedules = {name: s.content.schedule for name, s in by_name.items() if s.content.schedule is not None}
    if not schedules and not ledger.path.is_file():
        return ()
    if not specs and not unread and (known := ledger.names()):
        raise ScheduleError(
            f"there are no specs here, though the schedules of {one_line(', '.join(known), 200)} are known",
            mend="Put params/ back; where they are gone for good, take away what calls spm schedule run-due",
        )
    with ledger.alone() as alone:
        if not alone:
            return None
        told = [Told(name, None, "failed", why) for name, why in twins.items()]
        for name, held in ledger.hold(unread, now=clock()).items():
            told += _held(folder / f"{name}.yml", held, unread[name], tell)
        for name, gone in ledger.gone(but=(*schedules, *unread), now=clock()).items():
            told += _gone(name, by_name.get(name), gone, ledger, clock, tell)
        owners = {name: by_name[name].content.owner for name in schedules}
        taken = ledger.take(schedules, now=clock(), owners=owners) if schedules else {}
        for name, found in taken.items():
            told += _one(by_name[name], schedules[name], found, ledger, clock, work, tell)
        return tuple(told)


def _twins(specs: Sequence[Spec]) -> dict[str, str]:
    """Say by name which specs there are several of: reports, mails and slots go by that name."""
    paths: dict[str, list[str]] = {}
    for spec in specs:
        paths.setdefault(spec.name, []).append(str(spec.document.path))
    return {
        name: f"two specs have the name '{one_line(name, 80)}': {' and '.join(found)}. Rename one of the files"
        for name, found in paths.items()
        if len(found) > 1
    }


def _held(path: Path, held: Held, why: str, tell: Tell) -> list[Told]:
    """Tell that what is due waits for a spec that can be read."""
    told = Told(path.stem, held.at, "waits", why)
    hours = held.schedule.catch_up_hours
    trouble = (
        f"The run due on {spoken(held.at, held.schedule)} waits, as its spec cannot be read: {why}. It is made and sent "
        f"once that is mended, until {hours:g} hours after it was due"
    )
    deaf = _heard(_remembered(path, held.owner), held.at, (trouble,), tell) if held.owner else None
    return [told, *([deaf] if deaf else [])]


def _remembered(path: Path, owner: str) -> Spec:
    """Give what is known of a spec that cannot be read: enough to tell its owner."""
    content = RunSpec(notebook=path.stem, for_each=ForEach(company=True), owner=owner)
    return Spec(path.stem, SpecDocument(content, path, {(): 1}), Path())


def _gone(
    name: str,
    spec: Spec | None,
    gone: Gone,
    ledger: SlotLedger,
    clock: Callable[[], dt.datetime],
    tell: Tell,
) -> list[Told]:
    """Tell what is left of a schedule that was taken away, and forget it; where its spec has gone, so has its owner."""
    told = [Told(name, slot.at, _over(slot), slot.note) for slot in gone.untold]
    troubles = troubles_of(gone.untold, gone.schedule)
    if spec is not None and troubles and (deaf := _heard(spec, gone.untold[-1].at, troubles, tell)):
        return [*told, deaf]
    ledger.forget(name, now=clock())
    return told


def _heard(spec: Spec, at: dt.datetime, troubles: tuple[str, ...], tell: Tell) -> Told | None:
    """Tell a spec's owner; give what there is to say where that failed."""
    try:
        tell(spec, at, troubles)
    except Exception as error:  # noqa: BLE001 - the next call tells it again; other specs have their own owners
        return Told(spec.name, None, "failed", f"the owner could not be told: {_said(error)}")
    return None


def _one(
    spec: Spec,
    schedule: Schedule,
    taken: Taken,
    ledger: SlotLedger,
    clock: Callable[[], dt.datetime],
    work: Work,
    tell: Tell,
) -> list[Told]:
    told = [Told(spec.name, slot.at, _over(slot), slot.note) for slot in taken.untold]
    troubles = troubles_of(taken.untold, schedule)
    if taken.run is not None and clock() - taken.run > dt.timedelta(hours=schedule.catch_up_hours):
        # Others were claimed with it, came first, and took longer than it may wait.
        late = Slot(spec.name, taken.run, "missed", None, None, WAITED_IN_LINE)
        ledger.settle(spec.name, taken.run, "missed", note=late.note, told_at=None)
        told.append(Told(spec.name, taken.run, "missed", late.note))
        troubles += troubles_of((late,), schedule)
    elif taken.run is not None:
        ledger.begins(spec.name, taken.run, now=clock())
        try:
            outcome = work(spec, taken.run, troubles)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure of this slot alone
            failed = Slot(spec.name, taken.run, "failed", None, None, _said(error))
            ledger.settle(spec.name, taken.run, "failed", note=failed.note, told_at=None)
            told.append(Told(spec.name, taken.run, "failed", failed.note))
            troubles += troubles_of((failed,), schedule)
        else:
            if outcome.again:
                # Missed slots are told by the call that takes this one up, or by the next one where it is too late.
                ledger.waits(spec.name, taken.run, note=outcome.note)
                return [*told, Told(spec.name, taken.run, "waits", outcome.note)]
            state: Literal["done", "failed"] = "done" if outcome.good else "failed"
            ledger.settle(
                spec.name, taken.run, state, note=outcome.note, told_at=clock() if outcome.heard else None
            )
            return [*told, Told(spec.name, taken.run, state, outcome.note)]
    if troubles:
        if deaf := _heard(spec, taken.run or taken.untold[-1].at, troubles, tell):
            return [*told, deaf]
        ledger.told(spec.name, now=clock())
    return told


def troubles_of(slots: Sequence[Slot], schedule: Schedule | None) -> tuple[str, ...]:
    """Say in the schedule's own time which slots failed or were missed: a sentence each, one alone for many missed."""
    said = [f"The run due on {spoken(s.at, schedule)} failed: {s.note}" for s in slots if s.state == "failed"]
    missed = [slot for slot in slots if slot.state == "missed"]
    if 0 < len(missed) <= NAMED:
        said += [f"The run due on {spoken(s.at, schedule)} was missed: {s.note}" for s in missed]
    elif missed:
        first, last = spoken(missed[0].at, schedule), spoken(missed[-1].at, schedule)
        said.append(
            f"{len(missed)} runs were missed, the first due on {first}, the last on {last}: {missed[-1].note}"
        )
    return tuple(said)


def spoken(at: dt.datetime, schedule: Schedule | None) -> str:
    """Give a moment in the schedule's own time, with its zone; in UTC where the schedule is not known."""
    if schedule is None:
        return f"{at.astimezone(dt.UTC):%A %Y-%m-%d, %H:%M} (UTC)"
    return f"{at.astimezone(schedule.zone):%A %Y-%m-%d, %H:%M} ({schedule.timezone})"


def _over(slot: Slot) -> Literal["failed", "missed"]:
    return "missed" if slot.state == "missed" else "failed"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SpmError) else one_line(f"{type(error).__name__}: {error}")
