"""The part ``schedule`` of a run spec: when its reports are made by themselves."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from functools import cache
from typing import Annotated, Literal

import holidays as calendars
from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, Field, StrictInt, field_validator, model_validator

from spm_lib.errors import PeriodError, did_you_mean, one_line
from spm_lib.periods import parse_date
from spm_lib.spec_file import SpecPart, mistake

#: So many working days every month and quarter has, in every country.
LARGEST = {"month": 10, "quarter": 40}

#: Before this hour, local time, clocks change and sources may still be loading.
EARLY_HOUR = 4

#: They stand among the zones and are none that a person would mean: without summer time, or what a machine is set to.
_NO_PLACES = frozenset({"EST", "MST", "HST", "Factory", "localtime"})

_FIELDS = {
    "minute": ("minute", "Write 0 to 59"),
    "hour": ("hour", "Write 0 to 23"),
    "day-of-month": ("day of the month", "Write 1 to 31, no more than the month has; L is the last one"),
    "month": ("month", "Write 1 to 12, or JAN to DEC"),
    "day-of-week": ("weekday", "Write names from SUN to SAT, a week's end and start as SAT,SUN"),
}

#: The years that are counted: beyond them calendars of holidays and clocks know little.
_YEARS = (2000, 2100)

#: Any day will do to see whether a text is a schedule at all.
_SOME_DAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def _day(value: object) -> object:
    if value is None or isinstance(value, dt.date):
        return value
    try:
        return parse_date(str(value))
    except PeriodError as error:
        raise mistake(error.what, error.mend) from None


Day = Annotated[dt.date, BeforeValidator(_day)]


class Schedule(SpecPart):
    """When the reports are made by themselves: by cron's five fields, or on a working day of a month or quarter.

    A slot that was missed is caught up within `catch_up_hours`, and told to the owner after that. Working days are Monday
    to Friday, or those of the country or its part that `holidays` names, like GB or US-CA; a negative one counts from the
    end. Quarters are those of a year that begins in the month `fiscal_year_starts`. `starts_on` and `ends_on` are the first
    and the last day, local time.
    """

    timezone: str
    cron: str | None = None
    working_day: StrictInt | None = None
    of: Literal["month", "quarter"] | None = None
    at: str | None = None
    holidays: str | None = None
    fiscal_year_starts: Annotated[StrictInt, Field(ge=1, le=12)] = 1
    catch_up_hours: Annotated[float, Field(strict=True, gt=0, le=744)] = 12
    starts_on: Day | None = None
    ends_on: Day | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zones = zoneinfo.available_timezones() - _NO_PLACES
        if value not in zones:
            near = did_you_mean(value, zones)
            mend = near if near.startswith("Did") and "/" in value else "Write it like Europe/London"
            raise mistake(f"there is no time zone '{one_line(value, 60)}'", mend)
        return value

    @field_validator("cron")
    @classmethod
    def _possible(cls, value: str | None) -> str | None:
        if value is None:
            return None
        shown, fields = one_line(value, 60), value.split()
        if len(fields) != 5:
            raise mistake(f"'{shown}' has not five fields", "Write it like 0 7 * * MON")
        # Programs count weekdays from 0 or from 1, from Sunday or from Monday. Which one of the month is no weekday.
        if re.search("[0-9]", re.sub("#[0-9]", "", fields[4])):
            raise mistake(
                f"'{shown}' gives the weekday by number", "Write it by name: 0 7 * * MON, or MON-FRI"
            )
        # Cron takes a day of the month or a weekday where both are given: one that is no day would go unnoticed.
        for asked in (" ".join([*fields[:4], "*"]), value):
            try:
                CronSim(asked, _SOME_DAY)
            except CronSimError as error:
                what, mend = _FIELDS.get(
                    str(error).removeprefix("Bad "), ("whole", "Write it like 0 7 * * MON")
                )
                raise mistake(f"'{shown}' cannot be: its {what} is impossible", mend) from None
        if next(CronSim(value, _SOME_DAY), None) is None:
            raise mistake(f"'{shown}' never comes", "Write it like 0 7 * * MON")
        return value

    @field_validator("at")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise mistake(f"'{one_line(value, 60)}' is no time of day", "Write it like 07:00, in quotes")
        return value

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, value: str | None) -> str | None:
        if value is None:
            return None
        country, sign, part = value.partition("-")
        known = calendars.list_supported_countries()
        if country not in known:
            near = did_you_mean(country, known)
            mend = (
                near if near.startswith("Did") else "Write a country's code like GB, or US-CA with its part"
            )
            raise mistake(f"there are no holidays of '{one_line(country, 40)}'", mend)
        if sign and part not in known[country]:
            raise mistake(
                f"{country} has no part '{one_line(part, 40)}'", did_you_mean(part, known[country], 60)
            )
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Schedule:
        if (self.cron is None) == (self.working_day is None):
            raise mistake(
                "either cron or working_day is expected",
                'Write cron: "0 7 * * MON", or working_day: 2, of: month, at: "07:00"',
            )
        if self.cron is not None:
            for name in ("of", "at", "holidays"):
                if getattr(self, name) is not None:
                    raise mistake(f"'{name}' goes with working_day, not with cron", f"Leave {name} out")
        else:
            self._check_working_day()
        if self.fiscal_year_starts != 1 and self.of != "quarter":
            raise mistake("'fiscal_year_starts' goes with of: quarter", "Leave fiscal_year_starts out")
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise mistake(
                f"it ends on {self.ends_on}, before it starts on {self.starts_on}", "Mend one of the days"
            )
        return self

    @model_validator(mode="after")
    def _in_the_calendar(self) -> Schedule:
        """See that its days can be counted at all: what fails here would fail all that is due."""
        for name in ("starts_on", "ends_on"):
            day = getattr(self, name)
            if day is not None and not _YEARS[0] <= day.year <= _YEARS[1]:
                raise mistake(
                    f"{name} lies in the year {day.year}",
                    f"Write a day from {_YEARS[0]} to {_YEARS[1]}, or leave it out",
                )
        return self

    def _check_working_day(self) -> None:
        if self.of is None or self.at is None:
            raise mistake("working_day needs 'of' and 'at'", 'Write working_day: 2, of: month, at: "07:00"')
        largest = LARGEST[self.of]
        if not 1 <= abs(self.working_day or 0) <= largest:
            raise mistake(
                f"not every {self.of} has a working day {self.working_day}",
                f"Write 1 to {largest}, or -1 to -{largest} from the end",
            )

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def words(self) -> str:
        """What says when, as JSON: another text is another schedule. How long a slot is caught up is no part of it."""
        return self.model_dump_json(exclude={"catch_up_hours"}, exclude_defaults=True)

    @property
    def text(self) -> str:
        """What says when, for people."""
        if self.cron is not None:
            return f"{self.cron}, {self.timezone}"
        of = f" of {self.holidays}" if self.holidays else ""
        return f"working day {self.working_day}{of} of the {self.of} at {self.at}, {self.timezone}"

    @property
    def several_a_day(self) -> bool:
        """Whether a day may have more than one slot."""
        if self.cron is None:
            return False
        times = CronSim(self.cron, _SOME_DAY)
        return len(times.hours) * len(times.minutes) > 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and seldom meant, a sentence each."""
        found = []
        if self.cron is None:
            early = int((self.at or "")[:2]) < EARLY_HOUR
        else:
            early = any(hour < EARLY_HOUR for hour in CronSim(self.cron, _SOME_DAY).hours)
            day, _, weekday = self.cron.split()[2:]
            if not day.startswith("*") and not weekday.startswith("*"):
                found.append(
                    "It is due on the days of the month and on the weekdays too: cron asks for one of them, not both"
                )
        if self.holidays and (parts := _parts_with_more(self.holidays)):
            found.append(
                f"{self.holidays} stands for the holidays of all its parts, and each has more: name one, like "
                f"{self.holidays}-{parts[0]}"
            )
        if early:
            found.append(
                f"It is due between 00:00 and 03:59 in {self.timezone}, when clocks change and sources may still be loading"
            )
        return tuple(found)


@cache
def _parts_with_more(country: str) -> tuple[str, ...]:
    """Give a country's parts where every one has holidays that the country as a whole has not; else none.

    The country's own calendar is then nobody's: in the United Kingdom it lacks Easter Monday.
    """
    parts = tuple(calendars.list_supported_countries().get(country, ()))
    # Some parts keep a holiday every few years only.
    years = range(_SOME_DAY.year, _SOME_DAY.year + 4)
    shared = set(calendars.country_holidays(country, years=years)) if parts else set()
    more = (set(calendars.country_holidays(country, subdiv=part, years=years)) - shared for part in parts)
    return parts if all(more) else ()


@cache
def working_days(place: str | None) -> calendars.HolidayBase:
    """Give the calendar of a country or a part of it, like GB or US-CA; without one, all days from Monday to Friday."""
    if place is None:
        return calendars.HolidayBase()
    country, _, part = place.partition("-")
    return calendars.country_holidays(country, subdiv=part or None)
