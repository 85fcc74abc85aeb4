"""Calendars: when fiscal years begin, when weeks begin, and which days a year, quarter, month or week holds.

A kind of period is ``year``, ``quarter``, ``month``, ``week``, ``fiscal_year``, ``fiscal_quarter`` or
``fiscal_month``. The periods of one kind are numbered so that neighbours differ by one: all arithmetic is
done on these numbers.
"""

from __future__ import annotations

import calendar as gregorian
import datetime as dt
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from spm_lib.errors import PeriodError, did_you_mean, one_line

Bounds = tuple[dt.date, dt.date]

UNITS = ("week", "month", "quarter", "year")
#: What to write, for error messages.
WRITE = "Write it like 2017-Q4, 2017-10, 2017-W40, FY2018-Q1, 2017-10-01..2017-11-15 or last-quarter"

_WEEKDAYS = tuple(name.lower() for name in gregorian.day_name)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAY = dt.timedelta(days=1)
_WEEK = dt.timedelta(days=7)
_EPOCH = dt.date(1, 1, 4)  # a Thursday: an ISO week belongs to the year of its Thursday
_YEARS = range(1900, 2200)  # a year outside is a slip of the finger
_LABEL = re.compile(r"(FY)?(\d{4})(?:-(?:(Q)(\d)|(W)(\d\d)|(M)(\d\d)|(\d\d)))?", re.ASCII)


@dataclass(frozen=True)
class Calendar:
    """A company's calendar.

    Parameters
    ----------
    fiscal_year_starts
        Month in which the fiscal year starts, 1 to 12. A fiscal year is named by the year it ends in.
    week_starts
        First day of the week. A week carries the number of the ISO week whose Thursday it holds.
    table
        For 4-4-5 and the like: ``(label, first day, last day)`` of each fiscal month (``FY2018-M03``),
        quarter (``FY2018-Q1``) or year (``FY2018``), without gaps. Quarters are put together from months and
        years from quarters where the table does not name them. With a table, fiscal periods come from it
        alone.
    """

    fiscal_year_starts: int = 1
    week_starts: str = "monday"
    table: tuple[tuple[str, dt.date, dt.date], ...] = ()

    def __post_init__(self) -> None:
        month = self.fiscal_year_starts
        if isinstance(month, bool) or not isinstance(month, int) or not 1 <= month <= 12:
            raise PeriodError(f"fiscal_year_starts is '{month}'", mend="Write a month from 1 to 12")
        if self.week_starts not in _WEEKDAYS:
            mend = did_you_mean(str(self.week_starts), _WEEKDAYS)
            raise PeriodError(f"week_starts is '{self.week_starts}'", mend=mend)
        _fiscal_table(self.table)

    def to_plain(self) -> dict[str, Any]:
        """Give the calendar as values that JSON has."""
        return {
            "fiscal_year_starts": self.fiscal_year_starts,
            "week_starts": self.week_starts,
            "table": [[label, start.isoformat(), end.isoformat()] for label, start, end in self.table],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Calendar:
        """Read what `to_plain` gave, or the same written by hand; a key left out has its default."""
        known = ("fiscal_year_starts", "week_starts", "table")
        for key in plain:
            if key not in known:
                raise PeriodError(f"a calendar has no '{key}'", mend=did_you_mean(str(key), known))
        rows = []
        for row in plain.get("table") or ():
            if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != 3:
                mend = "Write [label, first day, last day], like [FY2018-M01, 2017-07-01, 2017-07-28]"
                raise PeriodError(f"a row of the calendar's table is '{row}'", mend=mend)
            rows.append((str(row[0]), parse_date(row[1]), parse_date(row[2])))
        return cls(
            fiscal_year_starts=plain.get("fiscal_year_starts", 1),
            week_starts=str(plain.get("week_starts", "monday")).lower(),
            table=tuple(rows),
        )

    def own(self, unit: str) -> str:
        """Give the kind of period that this company means by `unit`: week, month, quarter or year."""
        if unit == "month":
            return "fiscal_month" if _fiscal_table(self.table).get("fiscal_month") else "month"
        if unit in ("quarter", "year") and (self.fiscal_year_starts != 1 or self.table):
            return f"fiscal_{unit}"
        return unit


def parse_date(value: str | dt.date) -> dt.date:
    """Read a day written yyyy-mm-dd; a date or datetime gives its day.

    Raises
    ------
    PeriodError
        Where it is neither.
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return dt.date.fromisoformat(text)
    except ValueError:
        raise PeriodError(f"there is no day {text}", mend="Write a date like 2017-12-31") from None
    raise PeriodError(f"'{one_line(text, 40)}' is not a date", mend="Write it as yyyy-mm-dd, like 2017-12-31")


def parse_label(text: str) -> tuple[str, int]:
    """Read the label of a whole period: give its kind and its number."""
    match = _LABEL.fullmatch(text.upper())
    if not match or (match[1] and (match[5] or match[9])) or (match[7] and not match[1]):
        raise PeriodError(f"'{text}' is not a period", mend=_guess(text))
    year = int(match[2])
    check_year(year, text)
    prefix = "fiscal_" if match[1] else ""
    if match[3]:
        return prefix + "quarter", year * 4 + _number(text, match[4], 4, "quarters") - 1
    if match[5]:
        return "week", week_index(year, _number(text, match[6], weeks_in(year), "weeks"))
    month = match[8] or match[9]
    if month:
        return prefix + "month", year * 12 + _number(text, month, 12, "months") - 1
    return prefix + "year", year


def label_of(kind: str, index: int) -> str:
    """Give the label that `parse_label` reads as `kind` and `index`."""
    if kind == "week":
        year, week, _ = (_EPOCH + _WEEK * index).isocalendar()
        return f"{year:04}-W{week:02}"
    year, number = divmod(index, per_year(kind))
    fiscal = kind.startswith("fiscal_")
    text = f"FY{year:04}" if fiscal else f"{year:04}"
    if kind.endswith("quarter"):
        return f"{text}-Q{number + 1}"
    if kind.endswith("month"):
        return f"{text}-{'M' if fiscal else ''}{number + 1:02}"
    return text


def bounds_of(kind: str, index: int, calendar: Calendar) -> Bounds:
    """Give the first and last day of the period of `kind` with number `index`."""
    if kind.startswith("fiscal_") and calendar.table:
        rows = _fiscal_table(calendar.table).get(kind, {})
        if index not in rows:
            raise PeriodError(f"the calendar's table has no {label_of(kind, index)}", mend="Add a row for it")
        return rows[index]
    try:
        if kind == "week":
            thursday = _EPOCH + _WEEK * index
            start = thursday - _DAY * ((3 - _WEEKDAYS.index(calendar.week_starts)) % 7)
            return start, start + 6 * _DAY
        months = _MONTHS[kind.removeprefix("fiscal_")]
        first = index * months + _fiscal_offset(kind, calendar)
        return _month_start(first), _month_start(first + months) - _DAY
    except (ValueError, OverflowError):
        raise out_of_reach() from None


def index_at(kind: str, day: dt.date, calendar: Calendar) -> int:
    """Give the number of the period of `kind` that holds `day`, counted so that neighbours differ by one."""
    months = 12 // per_year(kind)
    if kind.startswith("fiscal_") and calendar.table:
        for index, (start, end) in _fiscal_table(calendar.table).get(kind, {}).items():
            if start <= day <= end:
                return index
        what = f"the calendar's table has no {kind.replace('_', ' ')} that holds {day}"
        raise PeriodError(what, mend="Add rows to the table")
    if kind == "week":
        start = day - _DAY * ((day.weekday() - _WEEKDAYS.index(calendar.week_starts)) % 7)
        thursday = start + _DAY * ((3 - start.weekday()) % 7)
        return (thursday - _EPOCH).days // 7
    month = day.year * 12 + day.month - 1 - _fiscal_offset(kind, calendar)
    return month // months


def per_year(kind: str) -> int:
    """Give how many periods of `kind` a year has; 52 for weeks, though some have 53."""
    unit = kind.removeprefix("fiscal_")
    if unit not in UNITS or kind == "fiscal_week":
        raise PeriodError(f"there is no unit '{kind}'", mend=did_you_mean(kind, UNITS))
    return 52 if unit == "week" else 12 // _MONTHS[unit]


def week_index(year: int, week: int) -> int:
    """Give the number of an ISO week."""
    return (dt.date.fromisocalendar(year, week, 4) - _EPOCH).days // 7


def weeks_in(year: int) -> int:
    """Give how many ISO weeks a year has: 52 or 53."""
    return dt.date(year, 12, 28).isocalendar().week


def check_year(year: int, text: str) -> None:
    """Refuse a year that nobody means."""
    if year not in _YEARS:
        mend = f"Write a year from {_YEARS[0]} to {_YEARS[-1]}"
        raise PeriodError(f"the year of '{text}' is out of reach", mend=mend)


def out_of_reach() -> PeriodError:
    """Give the error for a period that no date can hold."""
    return PeriodError("the period lies outside of years 1 to 9999", mend="Choose a period within them")


def _guess(text: str) -> str:
    quarter = re.fullmatch(r"(?:(\d{4})\W?Q([1-4])|Q([1-4])\W*(\d{4}))", text, re.ASCII | re.IGNORECASE)
    return f"Did you mean '{quarter[1] or quarter[4]}-Q{quarter[2] or quarter[3]}'?" if quarter else WRITE


def _number(text: str, digits: str, most: int, units: str) -> int:
    if not 1 <= int(digits) <= most:
        raise PeriodError(f"'{text}' is not a period: the year has {most} {units}", mend=WRITE)
    return int(digits)


def _fiscal_offset(kind: str, calendar: Calendar) -> int:
    """Give the months from 1 January of a fiscal year's number to the year's first day."""
    if not kind.startswith("fiscal_") or calendar.fiscal_year_starts == 1:
        return 0
    return calendar.fiscal_year_starts - 13


@lru_cache(maxsize=32)
def _fiscal_table(table: tuple[tuple[str, dt.date, dt.date], ...]) -> dict[str, dict[int, Bounds]]:
    """Give the table's bounds by kind and number, wholes put together where it names only their parts."""
    found: dict[str, dict[int, Bounds]] = {}
    for label, start, end in table:
        kind, index = parse_label(label)
        if not kind.startswith("fiscal_"):
            mend = "Name its rows FY2018-M01, FY2018-Q1 or FY2018"
            raise PeriodError(f"the calendar's table names '{label}'", mend=mend)
        if end < start:
            raise PeriodError(f"in the calendar's table {label} ends before it begins", mend="Mend that row")
        if index in found.setdefault(kind, {}):
            raise PeriodError(f"the calendar's table has {label} twice", mend="Leave one of the rows out")
        found[kind][index] = (start, end)
    _put_together(found, "fiscal_month", "fiscal_quarter", 3)
    _put_together(found, "fiscal_quarter", "fiscal_year", 4)
    for kind, rows in found.items():
        found[kind] = dict(sorted(rows.items()))
        _check_neighbours(kind, found[kind])
    return found


def _put_together(found: dict[str, dict[int, Bounds]], part: str, whole: str, size: int) -> None:
    parts = found.get(part, {})
    for index in {i // size for i in parts}:
        first, last = parts.get(index * size), parts.get(index * size + size - 1)
        if first is None or last is None:
            continue
        bounds = (first[0], last[1])
        if found.setdefault(whole, {}).setdefault(index, bounds) != bounds:
            what = f"{label_of(whole, index)} of the calendar's table is not what its parts make together"
            raise PeriodError(what, mend="Leave that row out, or mend its days")


def _check_neighbours(kind: str, rows: Mapping[int, Bounds]) -> None:
    for (one, (_, end)), (two, (start, _)) in itertools.pairwise(rows.items()):
        if two != one + 1 or start != end + _DAY:
            names = f"{label_of(kind, one)} and {label_of(kind, two)}"
            what = f"{names} leave a gap or overlap in the calendar's table"
            raise PeriodError(what, mend="Let each row begin on the day after the one before")


def _month_start(index: int) -> dt.date:
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, 1)
