"""The company's days: when it began, when its CRM went live, its working days, quarters and seasons.

Days are whole numbers counted from `ORIGIN`; the tables below are indexed by them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: The simulation starts half a year before the CRM, so that the pipeline is full when the records begin.
ORIGIN = dt.date(2023, 12, 1)
#: First day of the records. Deals still open on it were imported as they stood, without their history.
GO_LIVE = dt.date(2024, 6, 1)
#: Last day of the records, in the middle of a quarter.
LAST_DAY = dt.date(2026, 8, 14)

_BEFORE, _AFTER = 5000, 2200  # days that the tables cover on either side of ORIGIN
_DATES = [ORIGIN + dt.timedelta(days=i) for i in range(-_BEFORE, _AFTER)]
_TEXT = np.array([day.isoformat() for day in _DATES], dtype=object)

#: Intake by month: a wave with its crests in spring and autumn, its troughs in August and December.
_MONTH_WAVE = (0.98, 1.04, 1.10, 1.04, 1.02, 1.00, 0.92, 0.82, 1.10, 1.08, 1.06, 0.84)
#: Growth of each rep's intake a year.
_GROWTH = 0.06


def number(day: dt.date) -> int:
    """Give the number of `day`."""
    return (day - ORIGIN).days


def date(day: int) -> dt.date:
    """Give the date of the day with this number."""
    return ORIGIN + dt.timedelta(days=int(day))


def texts(days: Array) -> Array:
    """Give days as ``yyyy-mm-dd``."""
    return np.asarray(_TEXT[np.asarray(days, dtype=np.int64) + _BEFORE])


def quarter_start(day: dt.date) -> dt.date:
    """Give the first day of the calendar quarter that `day` is in."""
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def next_quarter(day: dt.date) -> dt.date:
    """Give the first day of the calendar quarter after the one that `day` is in."""
    return quarter_start(quarter_start(day) + dt.timedelta(days=100))


def _is_workday(day: dt.date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in {(1, 1), (12, 25), (12, 26)}


GO_LIVE_DAY = number(GO_LIVE)
LAST = number(LAST_DAY)

_AHEAD = _DATES[_BEFORE:]
_OFF = np.array([not _is_workday(day) for day in _AHEAD])

#: Whether the company works on a day.
IS_WORKDAY = ~_OFF
#: The first working day on or after a day.
WORKDAY_FROM = np.minimum.accumulate(np.where(_OFF, _AFTER - 1, np.arange(_AFTER))[::-1])[::-1].astype(
    np.int32
)
#: The working days of the simulation.
WORKDAYS = np.flatnonzero(IS_WORKDAY[: LAST + 1])
#: The last day of the month that a day is in.
MONTH_END = np.array(
    [number((day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)) - 1 for day in _AHEAD],
    dtype=np.int32,
)
#: Working days left in the quarter, the day itself included.
QUARTER_LEFT = np.array(
    [IS_WORKDAY[i : number(next_quarter(day))].sum() for i, day in enumerate(_AHEAD)], dtype=np.int32
)
#: How busy the intake is on a day: the yearly wave and the growth together.
SEASON = np.array([_MONTH_WAVE[day.month - 1] * (1 + _GROWTH * i / 365) for i, day in enumerate(_AHEAD)])
