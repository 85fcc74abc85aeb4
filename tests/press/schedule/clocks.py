"""Slots by looking at a clock on the wall, minute by minute, without any library of schedules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

_MINUTE = dt.timedelta(minutes=1)


def on_the_wall(
    zone: str, wanted: Callable[[dt.date], bool], at: dt.time, start: dt.datetime, end: dt.datetime
) -> list[dt.datetime]:
    """Give the first minute, of each wanted day, at which a clock on the wall shows `at` or has just passed over it.

    The clock is looked at every minute from `start` on, both in UTC; what lies between `start` and `end` is given.
    """
    place, found, moment = ZoneInfo(zone), [], start
    done: set[dt.date] = set()
    while moment <= end:
        wall = moment.astimezone(place)
        if wall.date() not in done and wall.time() >= at:
            done.add(wall.date())
            if wanted(wall.date()) and moment > start:
                found.append(moment)
        # Nothing happens on this day before the clock shows the time, and clocks do not change by more than three hours.
        early = dt.datetime.combine(wall.date(), at) - wall.replace(tzinfo=None)
        if wall.date() in done:
            early += dt.timedelta(days=1)
        moment += max(_MINUTE, early - dt.timedelta(hours=3))
    return found
