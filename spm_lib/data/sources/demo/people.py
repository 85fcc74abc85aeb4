"""Who works here: reps who join, leave and move between teams, and the people who lead them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import timeline, words
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.company import REGIONS, Team
from spm_lib.data.sources.demo.timeline import Array

#: For every eight teams: people who join, leave and move after the first day. 46 seats and 14 who join make 60.
JOINERS, LEAVERS, MOVERS = 14, 9, 5
_FIRST_JOIN, _LAST_JOIN = dt.date(2024, 8, 1), dt.date(2026, 6, 10)
_FIRST_LEAVE, _LAST_LEAVE = dt.date(2024, 9, 15), dt.date(2026, 6, 20)


@dataclass(frozen=True)
class Stay:
    """A rep's time in one team, by place; `until` is the last day, None while it lasts."""

    rep: int
    team: int
    since: int
    until: int | None


@dataclass(frozen=True)
class Person:
    """A name and its mail address."""

    name: str
    email: str


@dataclass(frozen=True)
class Staff:
    """The people of the company.

    Parameters
    ----------
    reps
        Who owns deals, by place.
    hired, left
        First day, and last day or None, of each rep.
    stays
        Every rep's teams, one after the other.
    team_on
        Team of each rep on each day of the simulation, -1 where not at work.
    managers, directors, chief
        Who leads each team, each region, and the company.
    """

    reps: tuple[Person, ...]
    hired: tuple[int, ...]
    left: tuple[int | None, ...]
    stays: tuple[Stay, ...]
    team_on: Array
    managers: tuple[Person, ...]
    directors: tuple[Person, ...]
    chief: Person

    def cover(self, rep: int, day: int, draw: float) -> int:
        """Give a colleague of `rep`'s last team on `day` or, where there is none, of any team."""
        history = self.team_on[rep, : day + 1]
        known = history[history >= 0]
        present = np.flatnonzero(self.team_on[:, day] >= 0)
        present = present[present != rep]
        if len(known):
            team = present[self.team_on[present, day] == known[-1]]
            present = team if len(team) else present
        return int(present[int(draw * len(present))])


def hire(dice: Dice, teams: tuple[Team, ...], scale: int) -> Staff:
    """Give the staff: the seats filled on the first day, then joiners, leavers and movers."""
    homes = [t for t, team in enumerate(teams) for _ in range(team.seats)]
    first = len(homes)
    hired = [-int(d) for d in 40 + 1900 * dice.uniform(first) ** 1.5]
    left: list[int | None] = [None] * first

    order = dice.shuffled(first)
    leavers, movers = order[: LEAVERS * scale], order[LEAVERS * scale : (LEAVERS + MOVERS) * scale]
    for rep, day in zip(leavers, _spread(dice, len(leavers), _FIRST_LEAVE, _LAST_LEAVE), strict=True):
        left[rep] = _friday(day)

    # Those who join take the seats of those who left, a month later; the others are growth.
    joins = sorted(_spread(dice, (JOINERS - LEAVERS) * scale, _FIRST_JOIN, _LAST_JOIN))
    seats = [(_monday(min(day, timeline.LAST - 50)), int(dice.below(len(teams), 1)[0])) for day in joins]
    for rep in leavers:
        gone = left[rep]
        assert gone is not None
        seats.append((_monday(min(gone + 35, timeline.LAST - 32)), homes[rep]))
    for day, team in sorted(seats):
        homes.append(team)
        hired.append(day)
        left.append(None)

    stays = {rep: [Stay(rep, homes[rep], hired[rep], left[rep])] for rep in range(len(homes))}
    days = _spread(dice, len(movers), dt.date(2024, 11, 1), dt.date(2025, 12, 20))
    for i, (rep, day) in enumerate(zip(movers, days, strict=True)):
        stays[int(rep)] = _move(int(rep), homes[rep], hired[rep], day, teams, there_and_back=i == 0)

    every = tuple(stay for rep in sorted(stays) for stay in stays[rep])
    people = _people(dice, len(homes) + len(teams) + len(REGIONS) + 1)
    after = len(homes) + len(teams)
    return Staff(
        reps=people[: len(homes)],
        hired=tuple(hired),
        left=tuple(left),
        stays=every,
        team_on=_team_on(every, len(homes)),
        managers=people[len(homes) : after],
        directors=people[after : after + len(REGIONS)],
        chief=people[-1],
    )


def _move(
    rep: int, home: int, hired: int, day: int, teams: tuple[Team, ...], *, there_and_back: bool
) -> list[Stay]:
    """Give the stays of a rep who moves in mid-quarter to the next team, and perhaps back half a year later."""
    at = int(timeline.WORKDAY_FROM[day])
    like = [t for t, team in enumerate(teams) if t != home and team.segment == teams[home].segment]
    goal = like[rep % len(like)] if like else (home + 1) % len(teams)
    if not there_and_back:
        return [Stay(rep, home, hired, at - 1), Stay(rep, goal, at, None)]
    back = int(timeline.WORKDAY_FROM[at + 190])
    return [Stay(rep, home, hired, at - 1), Stay(rep, goal, at, back - 1), Stay(rep, home, back, None)]


def _team_on(stays: tuple[Stay, ...], reps: int) -> Array:
    table = np.full((reps, timeline.LAST + 400), -1, dtype=np.int32)
    for stay in stays:
        end = table.shape[1] if stay.until is None else stay.until + 1
        table[stay.rep, max(stay.since, 0) : end] = stay.team
    return table


def _spread(dice: Dice, size: int, first: dt.date, last: dt.date) -> list[int]:
    """Draw `size` days evenly between two dates, each in a stretch of its own."""
    low, high = timeline.number(first), timeline.number(last)
    return [int(low + (high - low) * (i + u) / size) for i, u in enumerate(dice.uniform(size))]


def _friday(day: int) -> int:
    """Give the next Friday, or the working day before it where that one is free."""
    friday = day + (4 - timeline.date(day).weekday()) % 7
    return next(d for d in range(friday, day - 7, -1) if timeline.IS_WORKDAY[d])


def _monday(day: int) -> int:
    return day - timeline.date(day).weekday()


def _people(dice: Dice, size: int) -> tuple[Person, ...]:
    people: list[Person] = []
    taken: dict[str, int] = {}
    pairs = len(words.FIRST_NAMES) * len(words.LAST_NAMES)
    for pair in dice.shuffled(max(size, pairs))[:size] % pairs:
        first = words.FIRST_NAMES[pair // len(words.LAST_NAMES)]
        last = words.LAST_NAMES[pair % len(words.LAST_NAMES)]
        address = f"{first[1]}.{last[1]}"
        taken[address] = taken.get(address, 0) + 1
        namesake = str(taken[address]) if taken[address] > 1 else ""
        people.append(Person(f"{first[0]} {last[0]}", f"{address}{namesake}@example.com"))
    return tuple(people)
