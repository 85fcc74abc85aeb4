"""Calls, meetings, mails and tasks: done, planned for later, called off, and without a deal."""

from __future__ import annotations

import numpy as np

from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.simulation import ROWS, World
from spm_lib.data.sources.demo.state import State
from spm_lib.data.sources.demo.timeline import Array
from spm_lib.data.sources.demo.touches import CALL, KINDS, MEETING, TASK, Rows, of_touches
from spm_lib.data.sources.demo.writing import Columns, optional, stamps

#: Share of open deals with a future date; of lost deals, with one that was called off; activities of no deal.
_FUTURE, _CALLED_OFF, _WITHOUT_DEAL = 0.35, 0.04, 0.008


def activities(world: World, ids: Ids, account: Array, still_open: State) -> Columns:
    """Give the activities; `account` is the place of each deal's account."""
    dice = world.dice(ROWS + 4)
    rows = Rows()
    of_touches(world, ids, dice, rows)
    _future(dice, still_open, rows)
    _called_off(world, ids, dice, rows)
    _of_no_deal(world, dice, rows)
    columns = rows.columns()
    entered_on, day = columns[7], columns[5]
    known = (np.where(entered_on >= 0, entered_on, 0) <= timeline.LAST) & (day >= timeline.GO_LIVE_DAY)
    order = np.flatnonzero(known)
    order = order[np.lexsort((columns[0][order], columns[6][order], day[order]))]
    deal, rep, contact, kind, inbound, day, second, entered_on, entered_at, done = (c[order] for c in columns)
    person = ids.accounts[account[deal]] + np.array([f"-C{n}" for n in range(8)], dtype=object)[contact]
    return {
        "activity_id": np.array([f"T{n + 1:07d}" for n in range(len(deal))], dtype=object),
        "deal_id": optional(ids.deals[deal], deal >= 0),
        "rep_id": ids.reps[rep],
        "contact_id": optional(person, (contact > 0) & (deal >= 0)),
        "kind": KINDS[kind],
        "direction": np.where(inbound, "inbound", "outbound").astype(object),
        "occurred_at": stamps(day, second),
        "recorded_at": optional(stamps(np.maximum(entered_on, 0), entered_at), entered_on >= 0),
        "completed": np.where(done, "true", "false").astype(object),
    }


def _future(dice: Dice, still_open: State, rows: Rows) -> None:
    """Plan something for some of the deals that are open on the last day."""
    which = np.flatnonzero(dice.uniform(still_open.size) < _FUTURE)
    u = dice.uniform(5, len(which))
    day = timeline.WORKDAY_FROM[timeline.LAST + 1 + (26 * u[0]).astype(np.int64)]
    kind = np.where(u[1] < 0.7, MEETING, CALL)
    contact = np.minimum(1, still_open.contacts[which])
    entered = np.maximum(timeline.LAST - (8 * u[2]).astype(np.int64), still_open.created[which])
    none = np.zeros(len(which), dtype=bool)
    second = (1800 * (18 + (16 * u[3]).astype(np.int64))).astype(np.int64)
    at = (3600 * (9 + 8 * u[4])).astype(np.int64)
    rows.add(
        still_open.deal[which], still_open.owner[which], contact, kind, none, day, second, entered, at, none
    )


def _called_off(world: World, ids: Ids, dice: Dice, rows: Rows) -> None:
    """Leave meetings that were planned for after a deal was lost, and never took place."""
    lost = world.events.of(h.LOST)
    u = dice.uniform(4, len(lost.deal))
    day = timeline.WORKDAY_FROM[lost.day + 1 + (9 * u[1]).astype(np.int64)]
    entered = lost.day - 1 - (8 * u[2]).astype(np.int64)
    fits = (u[0] < _CALLED_OFF) & ids.kept[lost.deal] & (day <= timeline.LAST)
    fits &= entered >= np.maximum(world.births.created[lost.deal], timeline.GO_LIVE_DAY)
    fits &= world.births.origin[lost.deal] < 0
    owner = _owner_at(world, lost.deal[fits], lost.day[fits])
    size = int(fits.sum())
    none = np.zeros(size, dtype=bool)
    half_past = (1800 * (18 + (16 * u[3][fits]).astype(np.int64))).astype(np.int64)
    at = np.full(size, 15 * 3600)
    rows.add(lost.deal[fits], owner, np.zeros(size, int), np.full(size, MEETING), none, day[fits], half_past,
             entered[fits], at, none)  # fmt: skip


def _owner_at(world: World, deal: Array, day: Array) -> Array:
    """Give who was last in touch about each deal by `day`; else its first owner."""
    touches = world.touches
    order = np.lexsort((touches.day, touches.deal))
    key = touches.deal[order] * 10_000 + touches.day[order]
    at = np.searchsorted(key, deal * 10_000 + day, side="right") - 1
    same = (at >= 0) & (touches.deal[order][np.maximum(at, 0)] == deal)
    return np.where(same, touches.owner[order][np.maximum(at, 0)], world.births.owner[deal])


def _of_no_deal(world: World, dice: Dice, rows: Rows) -> None:
    """Add calls and tasks that were logged without a deal."""
    size = int(len(world.touches.deal) * _WITHOUT_DEAL)
    u = dice.uniform(4, size)
    day = timeline.WORKDAY_FROM[
        timeline.GO_LIVE_DAY + (u[0] * (timeline.LAST - timeline.GO_LIVE_DAY)).astype(int)
    ]
    rep = (u[1] * len(world.staff.reps)).astype(np.int64)
    here = world.staff.team_on[rep, day] >= 0
    size = int(here.sum())
    kind = np.where(u[2] < 0.5, CALL, TASK)[here]
    second = (3600 * (9 + 8 * u[3])).astype(np.int64)[here]
    nobody, unknown, none = np.zeros(size, int), np.full(size, -1), np.zeros(size, dtype=bool)
    rows.add(unknown, rep[here], nobody, kind, none, day[here], second, unknown, nobody, ~none)
