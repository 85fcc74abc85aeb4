"""What the touches of each day look like in a CRM: a first activity, others that follow, answers.

Planted here: a rep with a weakness in `activity` follows a day's first touch with fewer others
(`Skills.touches`); one with a weakness in `follow_up` answers inbound messages later (drawn in `pipeline`).
One rep in each team, its helper, does most of what is done on colleagues' deals.
"""

from __future__ import annotations

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.chance import Dice, place
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.simulation import World
from spm_lib.data.sources.demo.timeline import Array

KINDS = np.array(["email", "call", "meeting", "task"], dtype=object)
EMAIL, CALL, MEETING, TASK = range(4)
_FIRST_KIND, _INBOUND_KIND, _FURTHER_KIND = (0.45, 0.33, 0.22), (0.7, 0.3), (0.52, 0.26, 0.12, 0.10)
_FURTHER_INBOUND = 0.12
#: Share recorded days later; of meetings, share planned days ahead; of the rest, share with a time of entry.
_LATE, _PLANNED, _STAMPED = 0.05, 0.40, 0.30
_HELPED, _BY_HELPER = 0.03, 0.6


class Rows:
    """Columns of activities that grow part by part; `contact` 0 is nobody, `entered_on` -1 unknown."""

    def __init__(self) -> None:
        self._parts: list[tuple[Array, ...]] = []

    def add(
        self,
        deal: Array,
        rep: Array,
        contact: Array,
        kind: Array,
        inbound: Array,
        day: Array,
        second: Array,
        entered_on: Array,
        entered_at: Array,
        done: Array,
    ) -> None:
        """Add rows."""
        columns = (deal, rep, contact, kind, inbound, day, second, entered_on, entered_at, done)
        self._parts.append(tuple(np.asarray(column) for column in columns))

    def columns(self) -> tuple[Array, ...]:
        """Give all rows, by column."""
        return tuple(np.concatenate(column) for column in zip(*self._parts, strict=True))


def of_touches(world: World, ids: Ids, dice: Dice, rows: Rows) -> None:
    """Turn each day's touches into rows: the first, others that follow, and answers of the same day."""
    touches, births = world.touches, world.births
    told = (touches.day >= timeline.GO_LIVE_DAY) & ids.kept[touches.deal]
    deal, day, owner = touches.deal[told], touches.day[told], touches.owner[told]
    inbound, same_day = touches.inbound[told], touches.same_day[told]
    newcomers, contacts = touches.newcomers[told], touches.contacts[told]
    size = len(deal)
    u = dice.uniform(6, size)

    more = _count(u[0], world.skills.touches[owner])
    more = np.where(newcomers > 1, np.maximum(more, 1), more)
    kind = np.where(inbound, place(u[1], _INBOUND_KIND), place(u[1], _FIRST_KIND))
    kind = np.where((newcomers > 0) & ~inbound & (u[2] < 0.5), MEETING, kind)
    contact = np.where(newcomers > 0, contacts, np.minimum(1 + (u[3] * contacts).astype(np.int64), contacts))
    second = (3600 * (9 + 6.5 * u[4])).astype(np.int64)

    # What follows comes within two hours; but before a message that is left for another day.
    first = np.repeat(np.arange(size), more)
    nth = np.arange(len(first)) - np.repeat(np.cumsum(more) - more, more)
    v = dice.uniform(4, len(first))
    shift = (600 + 1800 * nth + 1200 * v[0]).astype(np.int64)
    waiting = (inbound & ~same_day)[first]
    further_kind = place(v[1], _FURTHER_KIND)
    known = contacts[first]
    further_contact = np.minimum(1 + (v[2] * known).astype(np.int64), known)
    second_newcomer = (nth == 0) & (newcomers[first] > 1)
    further_contact = np.where(second_newcomer, known - 1, further_contact)
    further_contact = np.where((further_kind == TASK) & ~second_newcomer, 0, further_contact)
    further_in = (v[3] < _FURTHER_INBOUND) & (further_kind < MEETING) & ~waiting & (more[first] == nth + 1)
    further_in &= ~inbound[first]

    answer = np.flatnonzero(same_day)
    wait = (600 + 9000 * u[5][answer] ** 2).astype(np.int64)

    from_ = np.concatenate([np.arange(size), first, answer])
    kinds = np.concatenate([kind, further_kind, np.minimum(kind[answer], CALL)])
    ins = np.concatenate([inbound, further_in, np.zeros(len(answer), dtype=bool)])
    people = np.concatenate([contact, further_contact, contact[answer]])
    seconds = np.concatenate(
        [second, second[first] + np.where(waiting, -shift, shift), second[answer] + wait]
    )
    seconds = np.clip(seconds, 6 * 3600, 21 * 3600)
    days = day[from_]
    entered_on, entered_at = _entry(dice, kinds, ins, days, seconds, births.created[deal[from_]])
    who = _helped(world, dice, owner[from_], days, ins)
    done = np.ones(len(from_), dtype=bool)
    rows.add(deal[from_], who, people, kinds, ins, days, seconds, entered_on, entered_at, done)


def _count(draws: Array, mean: Array) -> Array:
    """Give Poisson counts, at most four."""
    term = np.exp(-mean)
    total, count = term.copy(), np.zeros(len(draws), dtype=np.int64)
    for k in range(1, 5):
        count += draws > total
        term = term * mean / k
        total = total + term
    return count


def _entry(
    dice: Dice, kind: Array, inbound: Array, day: Array, second: Array, created: Array
) -> tuple[Array, Array]:
    """Give when rows were entered: with the event, days late, or days ahead for planned meetings."""
    u = dice.uniform(3, len(day))
    late = u[0] < _LATE
    ahead = (kind == MEETING) & ~inbound & (u[0] > 1 - _PLANNED)
    with_time = ~late & ~ahead & (u[1] < _STAMPED)
    day_entered = np.where(late, day + 1 + (7 * u[1]).astype(np.int64), day)
    before = np.maximum(day - 1 - (9 * u[1]).astype(np.int64), np.maximum(created, timeline.GO_LIVE_DAY))
    ahead &= before < day
    day_entered = np.where(ahead, before, day_entered)
    at = np.where(
        with_time, second + (1500 * u[2]).astype(np.int64), (3600 * (8 + 10 * u[2])).astype(np.int64)
    )
    return np.where(late | ahead | with_time, day_entered, -1), at


def _helped(world: World, dice: Dice, owner: Array, day: Array, inbound: Array) -> Array:
    """Let colleagues of the team do a few of the outbound rows, the team's helper most of them."""
    on = world.staff.team_on
    who = owner.copy()
    u = dice.uniform(3, len(owner))
    reps = len(world.staff.reps)
    # A helper is whoever of a team was there longest.
    days_in = np.array([[(on[rep] == team).sum() for rep in range(reps)] for team in range(len(world.teams))])
    helper = days_in.argmax(axis=1)
    for at in np.flatnonzero((u[0] < _HELPED) & ~inbound).tolist():
        team = on[owner[at], day[at]]
        present = np.flatnonzero(on[:, day[at]] == team)
        if team < 0 or len(present) < 2:
            continue
        by_helper = u[1, at] < _BY_HELPER and on[helper[team], day[at]] == team
        who[at] = helper[team] if by_helper else present[int(u[2, at] * len(present))]
    return who
