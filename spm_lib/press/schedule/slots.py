"""Slots: the moments that a schedule means. A time that clocks pass over comes once, just after; one that comes twice, once.

But minutes or hours with a star go by elapsed time: in an hour that comes twice they come twice, in one passed over not.
Pure: what is due, was run or was missed is for others to say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import takewhile

from cronsim import CronSim

from spm_lib.press.schedule.schedule_spec import Schedule, working_days

_DAY = dt.timedelta(days=1)
_MINUTE = dt.timedelta(minutes=1)
_MONTHS = {"month": 1, "quarter": 3}


def slots_between(schedule: Schedule, after: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """Give the slots after one moment, up to and with another.

    Parameters
    ----------
    schedule
        When.
    after, until
        The moments, with their zones.

    Returns
    -------
    list of datetime.datetime
        In UTC, earliest first, none twice.
    """
    return list(takewhile(lambda slot: slot <= until, _slots(schedule, after)))


def next_slot(schedule: Schedule, after: dt.datetime) -> dt.datetime | None:
    """Give the first slot after a moment, in UTC; None where the schedule has ended by then."""
    return next(_slots(schedule, after), None)


def _slots(schedule: Schedule, after: dt.datetime) -> Iterator[dt.datetime]:
    if schedule.starts_on is not None:
        begin = dt.datetime.combine(schedule.starts_on, dt.time(), schedule.zone).astimezone(dt.UTC)
        after = max(after, begin - _MINUTE)
    last = after.astimezone(dt.UTC)
    for local in _by_cron(schedule, after) if schedule.cron is not None else _by_working_day(schedule, after):
        if schedule.ends_on is not None and local.date() > schedule.ends_on:
            return
        slot = local.astimezone(dt.UTC)
        # Asked from within an hour that comes twice, cron semantics begin in the first of both.
        if slot > last:
            yield slot
            last = slot


def _by_cron(schedule: Schedule, after: dt.datetime) -> Iterator[dt.datetime]:
    yield from CronSim(schedule.cron or "", after.astimezone(schedule.zone))


def _by_working_day(schedule: Schedule, after: dt.datetime) -> Iterator[dt.datetime]:
    months = _MONTHS[schedule.of or "month"]
    hour, minute = (schedule.at or "").split(":")
    day = after.astimezone(schedule.zone).date()
    month = day.year * 12 + day.month - 1
    month -= (month - schedule.fiscal_year_starts + 1) % months
    while True:
        due = _nth(schedule, _first(month), _first(month + months))
        # By cron semantics too, so that both ways agree on a time that clocks pass over.
        midnight = dt.datetime.combine(due, dt.time(), schedule.zone)
        yield next(CronSim(f"{int(minute)} {int(hour)} {due.day} {due.month} *", midnight - _MINUTE))
        month += months


def _first(month: int) -> dt.date:
    """Give the first day of a month, counted from year 0."""
    return dt.date(month // 12, month % 12 + 1, 1)


def _nth(schedule: Schedule, start: dt.date, end: dt.date) -> dt.date:
    """Give the working day of the span from `start` to the day before `end`."""
    calendar, number = working_days(schedule.holidays), schedule.working_day or 1
    return calendar.get_nth_working_day(start - _DAY if number > 0 else end, number)
