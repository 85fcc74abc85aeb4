"""What a schedule may say, and what is said of one that is wrong: file, line and mend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from spm_lib.errors import SpecError
from spm_lib.press.schedule.schedule_spec import Schedule
from spm_lib.press.schedule.slots import next_slot
from spm_lib.spec_file import SpecPart, read_spec


class File(SpecPart):
    name: str
    schedule: Schedule


def read(path: Path, schedule: str) -> Schedule:
    path.write_text(f"name: x\nschedule: {{{schedule}}}\n", "utf-8")
    return read_spec(path, File).schedule


def refusal(path: Path, schedule: str) -> str:
    with pytest.raises(SpecError) as caught:
        read(path, schedule)
    text = str(caught.value)
    assert text.startswith(f"{path}:2: ")
    assert "\n" not in text
    return text


ZONE = "timezone: Europe/London"


def test_every_key_is_read(tmp_path: Path) -> None:
    by_cron = read(
        tmp_path / "s.yml",
        f'cron: "0 7 * * MON", {ZONE}, catch_up_hours: 1.5, starts_on: 2026-01-05, ends_on: 2026-02-01',
    )
    assert by_cron.catch_up_hours == 1.5
    assert (by_cron.starts_on, by_cron.ends_on) == (dt.date(2026, 1, 5), dt.date(2026, 2, 1))
    by_day = read(
        tmp_path / "s.yml",
        f"working_day: -2, of: quarter, at: 07:00, {ZONE}, holidays: US-CA, fiscal_year_starts: 2",
    )
    assert (by_day.working_day, by_day.of, by_day.at, by_day.holidays) == (-2, "quarter", "07:00", "US-CA")
    assert by_day.catch_up_hours == 12


def test_norway_is_a_country_and_no_truth_value(tmp_path: Path) -> None:
    assert (
        read(tmp_path / "s.yml", f"working_day: 1, of: month, at: 07:00, {ZONE}, holidays: NO").holidays
        == "NO"
    )


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (f'cron: "0 7 * *", {ZONE}', "has not five fields"),
        (f'cron: "0 0 7 * * MON", {ZONE}', "has not five fields"),
        (f'cron: "0 7 * * 1", {ZONE}', "gives the weekday by number. Write it by name"),
        (f'cron: "0 7 * * 1-5", {ZONE}', "by number"),
        (f'cron: "0 7 * * */2", {ZONE}', "by number"),
        (f'cron: "0 7 * * 5L", {ZONE}', "by number"),
        (f'cron: "0 7 * * 1#2", {ZONE}', "by number"),
        (f'cron: "0 7 * * MON,2", {ZONE}', "by number"),
        (f'cron: "0 7 31 FEB *", {ZONE}', "its day of the month is impossible"),
        (f'cron: "0 7 31 4,6,9,11 *", {ZONE}', "its day of the month is impossible"),
        # Without a look of its own the 31st would never be missed: cron would come on Mondays alone.
        (f'cron: "0 7 31 FEB MON", {ZONE}', "its day of the month is impossible"),
        (f'cron: "0 7 32 * *", {ZONE}', "its day of the month is impossible"),
        (f'cron: "0 24 * * MON", {ZONE}', "its hour is impossible. Write 0 to 23"),
        (f'cron: "60 7 * * MON", {ZONE}', "its minute is impossible"),
        (f'cron: "0 7 * 13 MON", {ZONE}', "its month is impossible"),
        (f'cron: "0 7 * * FRI-MON", {ZONE}', "its weekday is impossible"),
        (f'cron: "0 7 * * MONDAY", {ZONE}', "its weekday is impossible"),
        ('cron: "0 7 * * MON", timezone: Europe/Londn', "Did you mean 'Europe/London'?"),
        ('cron: "0 7 * * MON", timezone: London', "Write it like Europe/London"),
        # These never have summer time.
        ('cron: "0 7 * * MON", timezone: EST', "there is no time zone 'EST'. Write it like"),
        ('cron: "0 7 * * MON", timezone: ../../etc/passwd', "there is no time zone"),
        ('cron: "0 7 * * MON"', "the key 'timezone' is missing"),
        (ZONE, "either cron or working_day"),
        (f'cron: "0 7 * * MON", working_day: 2, {ZONE}', "either cron or working_day"),
        (f'cron: "0 7 * * MON", at: "07:00", {ZONE}', "'at' goes with working_day"),
        (f'cron: "0 7 * * MON", holidays: GB, {ZONE}', "'holidays' goes with working_day"),
        (f"working_day: 2, at: 07:00, {ZONE}", "needs 'of' and 'at'"),
        (f"working_day: 2, of: month, {ZONE}", "needs 'of' and 'at'"),
        (f"working_day: 2, of: week, at: 07:00, {ZONE}", "'schedule.of' is 'week'"),
        (f"working_day: 0, of: month, at: 07:00, {ZONE}", "not every month has a working day 0"),
        (f"working_day: 11, of: month, at: 07:00, {ZONE}", "not every month has a working day 11"),
        (f"working_day: -41, of: quarter, at: 07:00, {ZONE}", "not every quarter has a working day -41"),
        (f"working_day: true, of: month, at: 07:00, {ZONE}", "working_day"),
        (f"working_day: 2, of: month, at: 7am, {ZONE}", "'7am' is no time of day"),
        (f"working_day: 2, of: month, at: 24:00, {ZONE}", "'24:00' is no time of day"),
        (f"working_day: 2, of: month, at: 07:00, {ZONE}, holidays: QQ", "there are no holidays of 'QQ'"),
        (f"working_day: 2, of: month, at: 07:00, {ZONE}, holidays: US-XX", "US has no part 'XX'"),
        (f"working_day: 2, of: month, at: 07:00, {ZONE}, holidays: GB-", "GB has no part ''"),
        (f"working_day: 2, of: month, at: 07:00, {ZONE}, fiscal_year_starts: 2", "goes with of: quarter"),
        (f'cron: "0 7 * * MON", {ZONE}, catch_up_hours: 0', "catch_up_hours"),
        (f'cron: "0 7 * * MON", {ZONE}, catch_up_hours: true', "catch_up_hours"),
        (f'cron: "0 7 * * MON", {ZONE}, catch_up_hours: 1000', "catch_up_hours"),
        (f'cron: "0 7 * * MON", {ZONE}, starts_on: 2026-02-31', "2026-02-31"),
        (f'cron: "0 7 * * MON", {ZONE}, starts_on: 2026', "starts_on"),
        (f'cron: "0 7 * * MON", {ZONE}, starts_on: 2026-02-02, ends_on: 2026-02-01', "before it starts"),
        (
            f'cron: "0 7 * * MON", {ZONE}, starts_on: 9999-12-31',
            "starts_on lies in the year 9999. Write a day from",
        ),
        (f'cron: "0 7 * * MON", {ZONE}, ends_on: 1026-02-01', "ends_on lies in the year 1026"),
        (f'cron: "0 7 * * MON", {ZONE}, start_on: 2026-02-02', "Did you mean 'starts_on'?"),
    ],
)
def test_mistakes_name_line_and_mend(tmp_path: Path, schedule: str, says: str) -> None:
    assert says in refusal(tmp_path / "s.yml", schedule)


@pytest.mark.parametrize(
    "cron",
    [
        "0 7 * * MON",
        "0 7 * * mon-fri",
        "30 6 1 * *",
        "0 7 L * *",
        "0 7 * * MON#1",
        "*/15 8-18 * * MON-FRI",
        "0 7 29 FEB *",
    ],
)
def test_what_cron_knows_is_allowed(cron: str) -> None:
    assert Schedule(cron=cron, timezone="Europe/London").cron == cron


@pytest.mark.parametrize(
    ("says", "warned"),
    [
        ({"cron": "59 3 * * MON"}, True),
        ({"cron": "0 4 * * MON"}, False),
        ({"cron": "0 0 * * MON"}, True),
        ({"cron": "0 * * * MON"}, True),
        ({"cron": "0 7,2 * * MON"}, True),
        ({"working_day": 2, "of": "month", "at": "03:59"}, True),
        ({"working_day": 2, "of": "month", "at": "04:00"}, False),
    ],
)
def test_the_hours_in_which_clocks_change_draw_a_warning(says: dict[str, object], warned: bool) -> None:
    found = Schedule(timezone="Europe/London", **says).warnings
    assert [("00:00 and 03:59 in Europe/London" in text) for text in found] == [True] * warned


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("GB", "GB-ENG"),
        ("DE", "DE-BB"),
        ("GB-ENG", None),
        ("US", None),
        ("US-CA", None),
        ("FR", None),
        (None, None),
    ],
)
def test_a_country_whose_own_calendar_is_nobodys_draws_a_warning(
    place: str | None, named: str | None
) -> None:
    found = Schedule(working_day=1, of="month", at="07:00", timezone="Europe/London", holidays=place).warnings
    assert [text.rpartition(" ")[2] for text in found] == ([named] if named else [])


def test_the_last_day_that_may_be_written_can_be_counted() -> None:
    says = {"timezone": "Europe/London", "starts_on": dt.date(2100, 12, 31)}
    for when in (
        {"cron": "0 7 * * MON"},
        {"working_day": -1, "of": "quarter", "at": "07:00", "holidays": "GB"},
    ):
        first = next_slot(Schedule(**says, **when), dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        assert first is not None and first.date() >= dt.date(2100, 12, 31)


def test_a_day_and_a_weekday_draw_a_warning_as_cron_takes_either() -> None:
    (said,) = Schedule(cron="0 7 1 * MON", timezone="Europe/London").warnings
    assert "one of them, not both" in said
    assert Schedule(cron="0 7 * * MON", timezone="Europe/London").warnings == ()


@pytest.mark.parametrize(
    ("says", "several"),
    [
        ({"cron": "0 7 * * MON"}, False),
        ({"cron": "0 7,15 * * MON"}, True),
        ({"cron": "*/30 7 * * MON"}, True),
        ({"cron": "0 * 1 * *"}, True),
        ({"working_day": 2, "of": "month", "at": "07:00"}, False),
    ],
)
def test_several_slots_on_one_day_are_known(says: dict[str, object], several: bool) -> None:
    assert Schedule(timezone="Europe/London", **says).several_a_day is several


def test_words_tell_schedules_apart_and_give_them_back() -> None:
    one = Schedule(cron="0 7 * * MON", timezone="Europe/London", starts_on="2026-01-01")
    assert Schedule.model_validate_json(one.words) == one
    assert one.words != Schedule(cron="0 7 * * MON", timezone="Europe/Paris", starts_on="2026-01-01").words
    # How long a slot may be caught up does not make it another slot.
    assert one.words == one.model_copy(update={"catch_up_hours": 3.0}).words
