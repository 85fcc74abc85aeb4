"""Slots: known ones by hand in two zones, and years of them against a clock on the wall."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.press.schedule.schedule_spec import LARGEST, Schedule, working_days
from spm_lib.press.schedule.slots import next_slot, slots_between

from .clocks import on_the_wall

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
ZONES = ("Europe/London", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "America/Santiago")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def slots(after: str, until: str, **says: Any) -> list[str]:
    found = slots_between(Schedule(**says), utc(after), utc(until))
    assert all(slot.tzinfo is dt.UTC for slot in found)
    return [f"{slot:%m-%d %H:%M}" for slot in found]


@pytest.mark.parametrize(
    ("zone", "cron", "after", "until", "expected"),
    [
        # Clocks in London go forward on 29 March 2026 at 01:00, back on 25 October at 02:00.
        (
            "Europe/London",
            "0 7 * * SAT,SUN,MON",
            "2026-03-27",
            "2026-03-31",
            ["03-28 07:00", "03-29 06:00", "03-30 06:00"],
        ),
        (
            "Europe/London",
            "30 1 * * *",
            "2026-03-28",
            "2026-03-31",
            ["03-28 01:30", "03-29 01:00", "03-30 00:30"],
        ),
        (
            "Europe/London",
            "30 1 * * *",
            "2026-10-24",
            "2026-10-27",
            ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
        ),
        (
            "Europe/London",
            "0 7 * * SAT,SUN,MON",
            "2026-10-23",
            "2026-10-27",
            ["10-24 06:00", "10-25 07:00", "10-26 07:00"],
        ),
        # Clocks in New York go forward on 8 March 2026 at 02:00, back on 1 November at 02:00.
        (
            "America/New_York",
            "30 2 * * *",
            "2026-03-07",
            "2026-03-10",
            ["03-07 07:30", "03-08 07:00", "03-09 06:30"],
        ),
        (
            "America/New_York",
            "0 7 * * *",
            "2026-03-07",
            "2026-03-10",
            ["03-07 12:00", "03-08 11:00", "03-09 11:00"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31",
            "2026-11-03",
            ["10-31 05:30", "11-01 05:30", "11-02 06:30"],
        ),
        (
            "America/New_York",
            "0 7 * * *",
            "2026-10-31",
            "2026-11-03",
            ["10-31 11:00", "11-01 12:00", "11-02 12:00"],
        ),
        # Every hour goes on every hour: cron follows what has no time of its own through both.
        (
            "Europe/London",
            "0 * * * *",
            "2026-03-29T00:00",
            "2026-03-29T03:00",
            ["03-29 01:00", "03-29 02:00", "03-29 03:00"],
        ),
        (
            "Europe/London",
            "0 * * * *",
            "2026-10-25T00:00",
            "2026-10-25T03:00",
            ["10-25 01:00", "10-25 02:00", "10-25 03:00"],
        ),
    ],
)
def test_known_slots_around_clock_changes(
    zone: str, cron: str, after: str, until: str, expected: list[str]
) -> None:
    assert slots(after, until, cron=cron, timezone=zone) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [dt.time(0, 0), dt.time(1, 30), dt.time(2, 15), dt.time(7, 0)])
def test_a_year_of_slots_is_what_a_clock_on_the_wall_shows(zone: str, at: dt.time) -> None:
    start, end = utc("2025-12-31T23:59"), utc("2026-12-31T12:00")
    cron = Schedule(cron=f"{at.minute} {at.hour} * * SUN,WED", timezone=zone)
    seen = on_the_wall(zone, lambda day: day.weekday() in (6, 2), at, start - dt.timedelta(days=1), end)
    assert slots_between(cron, start, end) == [slot for slot in seen if slot > start]


@given(
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(range(7)), min_size=1),
    st.times(max_value=dt.time(4)).map(lambda t: t.replace(second=0, microsecond=0)),
    st.datetimes(dt.datetime(2024, 1, 2), dt.datetime(2026, 12, 1), timezones=st.just(dt.UTC)),
    st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=6),
)
def test_slots_do_not_hang_on_when_they_are_asked_for(
    zone: str, days: set[int], at: dt.time, start: dt.datetime, minutes: list[int]
) -> None:
    names = ",".join(WEEKDAYS[day] for day in sorted(days))
    schedule = Schedule(cron=f"{at.minute} {at.hour} * * {names}", timezone=zone)
    cuts = [start, *(start + dt.timedelta(minutes=m) for m in sorted(minutes))]
    whole = slots_between(schedule, cuts[0], cuts[-1])
    parts = [slot for a, b in pairwise(cuts) for slot in slots_between(schedule, a, b)]
    assert whole == parts == sorted(set(whole))
    assert whole[:1] == [slot for slot in (next_slot(schedule, cuts[0]),) if slot and slot <= cuts[-1]]


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_asked_in_the_second_of_two_equal_hours_the_first_is_over(minute: int) -> None:
    schedule = Schedule(cron="30 1 * * *", timezone="Europe/London")
    asked = utc("2026-10-25T01:00") + dt.timedelta(minutes=minute)
    assert next_slot(schedule, asked) == utc("2026-10-26T01:30")


def test_second_working_day_of_the_month_in_england() -> None:
    # 1 January is a Thursday and a holiday, 3 April is Good Friday, 4 May and 31 August are bank holidays.
    says = {"working_day": 2, "of": "month", "at": "07:00", "timezone": "Europe/London", "holidays": "GB-ENG"}
    found = slots("2026-01-01", "2026-12-31", **says)
    days = [
        "01-05",
        "02-03",
        "03-03",
        "04-02",
        "05-05",
        "06-02",
        "07-02",
        "08-04",
        "09-02",
        "10-02",
        "11-03",
        "12-02",
    ]
    assert found == [f"{d} {'06' if '03-29' < d < '10-25' else '07'}:00" for d in days]


def test_last_working_day_of_the_quarter_in_california() -> None:
    says = {
        "working_day": -1,
        "of": "quarter",
        "at": "16:30",
        "timezone": "America/Los_Angeles",
        "holidays": "US-CA",
    }
    # 31 March is Cesar Chavez Day; in 2026 the 30th is the last.
    assert slots("2026-01-02", "2027-01-01T12:00", **says) == [
        "03-30 23:30",
        "06-30 23:30",
        "09-30 23:30",
        "01-01 00:30",
    ]


def test_quarters_follow_the_fiscal_year() -> None:
    says = {"working_day": 1, "of": "quarter", "at": "12:00", "timezone": "UTC"}
    assert slots("2026-01-01T13:00", "2026-12-31", **says) == ["04-01 12:00", "07-01 12:00", "10-01 12:00"]
    fiscal = slots("2026-01-01", "2026-12-31", **says, fiscal_year_starts=2)
    assert fiscal == ["02-02 12:00", "05-01 12:00", "08-03 12:00", "11-02 12:00"]


@given(
    st.sampled_from(["month", "quarter"]),
    st.integers(1, 10),
    st.booleans(),
    st.sampled_from([None, "GB-SCT", "US-NY", "JP", "DE-BY", "IL", "AZ"]),
    st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(dt.UTC)),
)
def test_working_days_are_counted_day_by_day(
    of: str, number: int, end: bool, place: str | None, after: dt.datetime
) -> None:
    schedule = Schedule(
        working_day=-number if end else number, of=of, at="09:00", timezone="Europe/Berlin", holidays=place
    )
    slot = next_slot(schedule, after)
    assert slot is not None and after < slot < after + dt.timedelta(days=200)
    day = slot.astimezone(ZoneInfo("Europe/Berlin")).date()
    months = 1 if of == "month" else 3
    first = dt.date(day.year, (day.month - 1) // months * months + 1, 1)
    calendar, step = working_days(place), dt.timedelta(days=1)
    assert calendar.is_working_day(day)
    counted, look = 0, day
    while (
        first <= look
        and (look.month - 1) // months == (first.month - 1) // months
        and look.year == first.year
    ):
        counted += calendar.is_working_day(look)
        look += step if end else -step
    assert counted == number


def test_every_month_has_the_largest_working_day_in_every_country() -> None:
    import holidays

    for country in (code for code in holidays.list_supported_countries() if len(code) == 2):
        calendar = working_days(country)
        for year, month in ((y, m) for y in (2025, 2026) for m in range(1, 13)):
            start = dt.date(year, month, 1) - dt.timedelta(days=1)
            assert calendar.get_nth_working_day(start, LARGEST["month"]).month == month, (
                country,
                year,
                month,
            )


def test_a_schedule_starts_and_ends_on_local_days() -> None:
    says = {
        "cron": "0 7 * * *",
        "timezone": "Australia/Sydney",
        "starts_on": "2026-06-10",
        "ends_on": "2026-06-12",
    }
    # 07:00 in Sydney is 21:00 UTC of the day before.
    assert slots("2026-01-01", "2027-01-01", **says) == ["06-09 21:00", "06-10 21:00", "06-11 21:00"]
    assert next_slot(Schedule(**says), utc("2026-06-11T21:00")) is None
    midnight = {**says, "cron": "0 0 * * *"}
    assert slots("2026-01-01", "2027-01-01", **midnight) == ["06-09 14:00", "06-10 14:00", "06-11 14:00"]


def test_a_schedule_in_the_past_has_no_slot() -> None:
    schedule = Schedule(cron="0 7 * * MON", timezone="Europe/London", ends_on="2020-12-31")
    assert next_slot(schedule, utc("2026-01-01")) is None
    assert slots_between(schedule, utc("2026-01-01"), utc("2027-01-01")) == []
