"""Periods and as-of dates.

A period is written ``2017``, ``2017-Q4``, ``2017-10``, ``2017-W40`` (ISO week), ``FY2018``, ``FY2018-Q1``,
``FY2018-M03``, ``2017-10-01..2017-11-15``, ``2017-10..2017-12`` (whole months) or ``2017-Q4..2017-11-15`` (a
quarter to date); or relative to the as-of date:

- ``this-``, ``last-``, ``next-`` with ``week``, ``month``, ``quarter``, ``year``, ``fiscal-quarter`` or
  ``fiscal-year``;
- ``week-to-date``, ``month-to-date``, ``quarter-to-date``, ``year-to-date``;
- ``last-8-weeks``, ``last-12-months``, ``last-4-quarters``, ``last-2-years``: the complete ones before the
  current.

A relative quarter or year is the company's own: the fiscal one where its calendar starts in another month
than January or has a table. A relative month is the table's where the table has months.
"""

from __future__ import annotations

import calendar as gregorian
import datetime as dt
import re
from dataclasses import dataclass, field

from spm_lib.calendars import (
    UNITS,
    WRITE,
    Calendar,
    bounds_of,
    check_year,
    index_at,
    label_of,
    out_of_reach,
    parse_date,
    parse_label,
    per_year,
    week_index,
    weeks_in,
)
from spm_lib.errors import PeriodError, did_you_mean, one_line

__all__ = ["Calendar", "Period", "last_periods", "parse_date", "parse_period", "period_at"]

_DAY = dt.timedelta(days=1)
_OWN = (*UNITS, "fiscal-quarter", "fiscal-year")
_RELATIVE = (
    *(f"{which}-{unit}" for which in ("this", "last", "next") for unit in _OWN),
    *(f"{unit}-to-date" for unit in _OWN),
)
_MANY = re.compile(r"last-([1-9]\d{0,2})-((?:fiscal-)?(?:week|month|quarter|year))s?", re.ASCII)


@dataclass(frozen=True)
class Period:
    """A stretch of days, both ends included. Made by `parse_period`.

    Parameters
    ----------
    label
        Canonical text; `parse_period` reads it back.
    start, end
        First and last day.
    kind
        year, quarter, month, week, fiscal_year, fiscal_quarter, fiscal_month or range; with ``_to_date``
        after it where the period was cut at a day.
    calendar
        The calendar that its neighbours are found by.
    whole
        The period that a to-date period is the beginning of.
    ends
        First and last period of a range of whole periods.
    """

    label: str
    start: dt.date
    end: dt.date
    kind: str
    calendar: Calendar = field(default_factory=Calendar, repr=False, compare=False)
    whole: Period | None = field(default=None, repr=False, compare=False)
    ends: tuple[Period, Period] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.label

    @property
    def title(self) -> str:
        """The period as a person writes it, like ``Q4 2017`` or ``1 Oct – 15 Nov 2017``."""
        if self.whole:
            return f"{self.whole.title} to {_spoken(self.end, year=False)}"
        if self.ends:
            return f"{self.ends[0].title} – {self.ends[1].title}"
        if self.kind == "range":
            if self.start == self.end:
                return _spoken(self.end)
            return f"{_spoken(self.start, year=self.start.year != self.end.year)} – {_spoken(self.end)}"
        if self.kind == "month":
            return f"{gregorian.month_name[self.start.month]} {self.start.year}"
        year, _, rest = self.label.partition("-")
        if self.kind == "week":
            return f"Week {int(rest[1:])}, {year}"
        return f"{rest} {year}" if self.kind == "quarter" else f"{year} {rest}".rstrip()

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    @property
    def working_days(self) -> int:
        """Number of days from Monday to Friday."""
        return _working_days(self.start, self.end)

    def contains(self, day: dt.date) -> bool:
        """Tell whether `day` is one of the period's."""
        return self.start <= day <= self.end

    def is_complete(self, as_of: dt.date) -> bool:
        """Tell whether the period has ended by the end of `as_of`."""
        return as_of >= self.end

    def elapsed_days(self, as_of: dt.date) -> int:
        """Count the days that have passed by the end of `as_of`."""
        return max(0, (min(as_of, self.end) - self.start).days + 1)

    def elapsed_share(self, as_of: dt.date) -> float:
        """Give the share of days that have passed by the end of `as_of`, 0 to 1."""
        return self.elapsed_days(as_of) / self.days

    def elapsed_working_days(self, as_of: dt.date) -> int:
        """Count the days from Monday to Friday that have passed by the end of `as_of`."""
        return _working_days(self.start, min(as_of, self.end))

    def elapsed_working_share(self, as_of: dt.date) -> float:
        """Give the share of working days that have passed, 0 to 1; of days, where none is a working day."""
        total = self.working_days
        return self.elapsed_working_days(as_of) / total if total else self.elapsed_share(as_of)

    def next(self) -> Period:
        """Give the period just after, of the same kind and, for a range, length."""
        return self._shift(1)

    def previous(self) -> Period:
        """Give the period just before, of the same kind; for one to date, as many days of the one before."""
        return self._shift(-1)

    def year_ago(self) -> Period:
        """Give the same period a year earlier.

        A week keeps its number; week 53 becomes week 52 in a year that has no 53. A range keeps its
        days, 29 February becoming the 28th, but a range of whole months stays one.
        """
        if self.whole:
            before = self.whole.year_ago()
            if self.whole.kind == "week" or self.calendar.table:
                return _cut(before, before.start + (self.end - self.start))
            return _cut(before, _year_before(self.end))
        if self.ends:
            return _span(self.ends[0].year_ago(), self.ends[1].year_ago())
        if self.kind == "range":
            start, end = _year_before(self.start), _year_before(self.end)
            if self.start.day == 1 and (self.end + _DAY).day == 1:
                end = end.replace(day=gregorian.monthrange(end.year, end.month)[1])
            return _range(start, end, self.calendar)
        if self.kind == "week":
            year, week = int(self.label[:4]) - 1, int(self.label[6:])
            return _period("week", week_index(year, min(week, weeks_in(year))), self.calendar)
        return self._shift(-per_year(self.kind))

    def to_date(self, as_of: dt.date) -> Period:
        """Cut the period at the end of `as_of`; itself where it is complete.

        Raises
        ------
        PeriodError
            Where the period has not begun by then.
        """
        if self.is_complete(as_of):
            return self
        if as_of < self.start:
            mend = f"Choose a period that begins by {as_of}, or a later as-of date"
            raise PeriodError(f"the period {self.label} has not begun on {as_of}", mend=mend)
        return _cut(self, as_of)

    def split(self, unit: str) -> list[Period]:
        """Cut the period into weeks, months, quarters or years, in order.

        Parameters
        ----------
        unit
            ``week``, ``month``, ``quarter`` or ``year``: the company's own, see `Calendar.own`; or any kind.

        Returns
        -------
        list of Period
            Together they cover the period exactly: what juts out at either end is cut off to a range.
        """
        kind = self.calendar.own(unit)
        per_year(kind)
        pieces = []
        piece = period_at(kind, self.start, self.calendar)
        while piece.start <= self.end:
            inside = piece.start >= self.start and piece.end <= self.end
            bounds = max(piece.start, self.start), min(piece.end, self.end)
            pieces.append(piece if inside else _range(*bounds, self.calendar))
            if piece.end >= self.end:
                break
            piece = piece.next()
        return pieces

    @property
    def _index(self) -> int:
        return index_at(self.kind, self.start, self.calendar)

    def _shift(self, steps: int) -> Period:
        if self.whole:
            beside = self.whole._shift(steps)
            return _cut(beside, _plus(beside.start, self.end - self.start))
        if self.ends:
            first, last = self.ends
            count = (last._index - first._index + 1) * steps
            return _span(first._shift(count), last._shift(count))
        if self.kind == "range":
            by = dt.timedelta(days=self.days) * steps
            return _range(_plus(self.start, by), _plus(self.end, by), self.calendar)
        return _period(self.kind, self._index + steps, self.calendar)


def parse_period(text: str | int, *, as_of: dt.date, calendar: Calendar | None = None) -> Period:
    """Read a period.

    Parameters
    ----------
    text
        As the head of this module says; the integer 2017 is the year.
    as_of
        The day that relative periods are relative to.
    calendar
        The company's calendar; by default fiscal years are calendar years.

    Returns
    -------
    Period

    Raises
    ------
    PeriodError
        Where the text is none, or the calendar has no such period.
    """
    calendar = calendar or Calendar()
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise PeriodError(f"a period is text, not '{text}'", mend=WRITE)
    written = str(text).strip()
    if len(written) > 60:
        raise PeriodError(f"'{one_line(written, 40)}' is not a period", mend=WRITE)
    if ".." in written:
        left, _, right = written.partition("..")
        return _between(_absolute(left.strip(), calendar), _absolute(right.strip(), calendar), written)
    if re.match(r"\d|FY|Q[1-4]", written, re.ASCII | re.IGNORECASE):
        return _absolute(written, calendar)
    return _relative(written, as_of, calendar)


def period_at(kind: str, day: dt.date, calendar: Calendar) -> Period:
    """Give the period of `kind` (year, quarter, month, week, fiscal_year …) that holds `day`."""
    return _period(kind, index_at(kind, day, calendar), calendar)


def last_periods(period: Period, count: int) -> list[Period]:
    """Give the `count` periods of the same kind just before `period`, oldest first."""
    found: list[Period] = []
    for _ in range(count):
        period = period.previous()
        found.append(period)
    return found[::-1]


def _absolute(text: str, calendar: Calendar) -> Period:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        day = parse_date(text)
        check_year(day.year, text)
        return _range(day, day, calendar)
    kind, index = parse_label(text)
    return _period(kind, index, calendar)


def _between(first: Period, last: Period, text: str) -> Period:
    """Put ``first..last`` together: a range of days or of whole periods, or the beginning of `first`."""
    if last.end < first.start:
        raise PeriodError(f"the period '{text}' ends before it begins", mend="Write the earlier day first")
    if first.kind != "range" and last.kind == "range" and first.contains(last.end):
        return _cut(first, last.end)
    if first.kind != "range" and first.kind == last.kind:
        return _span(first, last)
    return _range(first.start, last.end, first.calendar)


def _relative(text: str, as_of: dt.date, calendar: Calendar) -> Period:
    word = re.sub(r"[\s_]+", "-", text.lower())
    many = _MANY.fullmatch(word)
    if many:
        last = period_at(_kind(many[2], calendar), as_of, calendar).previous()
        return _span(last._shift(1 - int(many[1])), last)
    if word not in _RELATIVE:
        raise PeriodError(f"'{text}' is not a period", mend=_guess(text))
    if word.endswith("-to-date"):
        return period_at(_kind(word.removesuffix("-to-date"), calendar), as_of, calendar).to_date(as_of)
    which, _, unit = word.partition("-")
    current = period_at(_kind(unit, calendar), as_of, calendar)
    return current._shift({"last": -1, "this": 0, "next": 1}[which])


def _kind(unit: str, calendar: Calendar) -> str:
    return unit.replace("-", "_") if unit.startswith("fiscal-") else calendar.own(unit)


def _guess(text: str) -> str:
    near = did_you_mean(text, _RELATIVE)
    return near if near.startswith("Did") else WRITE


def _period(kind: str, index: int, calendar: Calendar) -> Period:
    start, end = bounds_of(kind, index, calendar)
    return Period(label_of(kind, index), start, end, kind, calendar)


def _range(start: dt.date, end: dt.date, calendar: Calendar) -> Period:
    return Period(f"{start}..{end}", start, end, "range", calendar)


def _span(first: Period, last: Period) -> Period:
    if first == last:
        return first
    label = f"{first.label}..{last.label}"
    return Period(label, first.start, last.end, "range", first.calendar, ends=(first, last))


def _cut(whole: Period, day: dt.date) -> Period:
    if day >= whole.end:
        return whole
    if whole.kind == "range":  # the beginning of a range is a range like any other
        return _range(whole.start, day, whole.calendar)
    if whole.whole:
        return _cut(whole.whole, day)
    label = f"{whole.label}..{day}"
    return Period(label, whole.start, day, f"{whole.kind}_to_date", whole.calendar, whole=whole)


def _year_before(day: dt.date) -> dt.date:
    if day.year == 1:
        raise out_of_reach()
    if (day.month, day.day) == (2, 29):
        return day.replace(year=day.year - 1, day=28)
    return day.replace(year=day.year - 1)


def _plus(day: dt.date, by: dt.timedelta) -> dt.date:
    try:
        return day + by
    except OverflowError:
        raise out_of_reach() from None


def _working_days(start: dt.date, end: dt.date) -> int:
    if end < start:
        return 0
    weeks, rest = divmod((end - start).days + 1, 7)
    return weeks * 5 + sum((start.weekday() + i) % 7 < 5 for i in range(rest))


def _spoken(day: dt.date, *, year: bool = True) -> str:
    text = f"{day.day} {gregorian.month_abbr[day.month]}"
    return f"{text} {day.year}" if year else text
