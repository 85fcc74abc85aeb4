"""Periods: what they mean, and that their neighbours fit together."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.errors import PeriodError
from spm_lib.periods import Calendar, Period, last_periods, parse_date, parse_period, period_at

AS_OF = dt.date(2017, 11, 15)
JULY = Calendar(fiscal_year_starts=7)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def weeks_445(label_year: int, start: dt.date) -> list[tuple[str, dt.date, dt.date]]:
    rows = []
    for number, weeks in enumerate((4, 4, 5) * 4, 1):
        end = start + dt.timedelta(weeks=weeks, days=-1)
        rows.append((f"FY{label_year}-M{number:02}", start, end))
        start = end + dt.timedelta(days=1)
    return rows


# 2017-01-30 .. 2018-01-28, then .. 2019-01-27
RETAIL = Calendar(table=(*weeks_445(2017, day("2017-01-30")), *weeks_445(2018, day("2018-01-29"))))

days = st.dates(dt.date(1950, 1, 1), dt.date(2150, 12, 31))
calendars = st.builds(
    Calendar,
    fiscal_year_starts=st.integers(1, 12),
    week_starts=st.sampled_from(["monday", "sunday", "saturday", "thursday", "friday"]),
)
kinds = st.sampled_from(["year", "quarter", "month", "week", "fiscal_year", "fiscal_quarter", "fiscal_month"])
whole_periods = st.builds(period_at, kinds, days, calendars)


@st.composite
def ranges(draw: st.DrawFn) -> Period:
    first, last = sorted((draw(days), draw(days)))
    return parse_period(f"{first}..{last}", as_of=AS_OF, calendar=draw(calendars))


@st.composite
def spans(draw: st.DrawFn) -> Period:
    first = draw(whole_periods)
    last = first
    for _ in range(draw(st.integers(0, 5))):
        last = last.next()
    return parse_period(f"{first}..{last}", as_of=AS_OF, calendar=first.calendar)


@st.composite
def to_dates(draw: st.DrawFn) -> Period:
    whole = draw(whole_periods)
    return whole.to_date(whole.start + dt.timedelta(days=draw(st.integers(0, whole.days - 1))))


absolute = st.one_of(whole_periods, ranges(), spans())


@pytest.mark.parametrize(
    ("text", "start", "end", "kind", "title"),
    [
        (2017, "2017-01-01", "2017-12-31", "year", "2017"),
        ("2017", "2017-01-01", "2017-12-31", "year", "2017"),
        ("2017-Q4", "2017-10-01", "2017-12-31", "quarter", "Q4 2017"),
        ("2017-q4", "2017-10-01", "2017-12-31", "quarter", "Q4 2017"),
        ("2017-10", "2017-10-01", "2017-10-31", "month", "October 2017"),
        ("2016-02", "2016-02-01", "2016-02-29", "month", "February 2016"),
        ("2017-W40", "2017-10-02", "2017-10-08", "week", "Week 40, 2017"),
        ("2020-W53", "2020-12-28", "2021-01-03", "week", "Week 53, 2020"),
        ("2019-W01", "2018-12-31", "2019-01-06", "week", "Week 1, 2019"),
        ("FY2018", "2017-07-01", "2018-06-30", "fiscal_year", "FY2018"),
        ("FY2018-Q1", "2017-07-01", "2017-09-30", "fiscal_quarter", "FY2018 Q1"),
        ("fy2018-m03", "2017-09-01", "2017-09-30", "fiscal_month", "FY2018 M03"),
        ("2017-10-01..2017-11-15", "2017-10-01", "2017-11-15", "range", "1 Oct – 15 Nov 2017"),
        ("2016-12-01..2017-01-15", "2016-12-01", "2017-01-15", "range", "1 Dec 2016 – 15 Jan 2017"),
        ("2017-10-05", "2017-10-05", "2017-10-05", "range", "5 Oct 2017"),
        ("2017-10..2017-12", "2017-10-01", "2017-12-31", "range", "October 2017 – December 2017"),
        ("2017-Q4..2017-11-15", "2017-10-01", "2017-11-15", "quarter_to_date", "Q4 2017 to 15 Nov"),
        ("2017-Q4..2017-12-31", "2017-10-01", "2017-12-31", "quarter", "Q4 2017"),
        ("2017-Q4..2018-01-15", "2017-10-01", "2018-01-15", "range", "1 Oct 2017 – 15 Jan 2018"),
    ],
)
def test_absolute_periods(text: str | int, start: str, end: str, kind: str, title: str) -> None:
    period = parse_period(text, as_of=AS_OF, calendar=JULY)
    assert (period.start, period.end, period.kind, period.title) == (day(start), day(end), kind, title)


@pytest.mark.parametrize(
    ("text", "calendar", "label"),
    [
        ("this-week", Calendar(), "2017-W46"),
        ("last-week", Calendar(), "2017-W45"),
        ("next-week", Calendar(), "2017-W47"),
        ("this-month", Calendar(), "2017-11"),
        ("last-month", JULY, "2017-10"),
        ("this-quarter", Calendar(), "2017-Q4"),
        ("this-quarter", JULY, "FY2018-Q2"),
        ("this-quarter", Calendar(fiscal_year_starts=2), "FY2018-Q4"),
        ("this-fiscal-quarter", Calendar(), "FY2017-Q4"),
        ("next-quarter", Calendar(), "2018-Q1"),
        ("last-year", Calendar(), "2016"),
        ("this-year", JULY, "FY2018"),
        ("last-fiscal-year", JULY, "FY2017"),
        ("week-to-date", Calendar(), "2017-W46..2017-11-15"),
        ("month-to-date", Calendar(), "2017-11..2017-11-15"),
        ("quarter-to-date", Calendar(), "2017-Q4..2017-11-15"),
        ("year-to-date", Calendar(), "2017..2017-11-15"),
        ("year-to-date", JULY, "FY2018..2017-11-15"),
        ("last-4-quarters", Calendar(), "2016-Q4..2017-Q3"),
        ("last-12-months", Calendar(), "2016-11..2017-10"),
        ("last-8-weeks", Calendar(), "2017-W38..2017-W45"),
        ("last-1-months", Calendar(), "2017-10"),
        ("Last Quarter", Calendar(), "2017-Q3"),
        ("this-month", RETAIL, "FY2017-M10"),
        ("this-quarter", RETAIL, "FY2017-Q4"),
    ],
)
def test_relative_periods(text: str, calendar: Calendar, label: str) -> None:
    assert parse_period(text, as_of=AS_OF, calendar=calendar).label == label


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Q4 2017", "Did you mean '2017-Q4'?"),
        ("2017Q4", "Did you mean '2017-Q4'?"),
        ("lst-quarter", "Did you mean 'last-quarter'?"),
        ("2017-13", "the year has 12 months"),
        ("2017-Q5", "the year has 4 quarters"),
        ("2017-W53", "the year has 52 weeks"),
        ("FY2018-W40", "is not a period"),
        ("2017-M10", "is not a period"),
        ("2017-02-29..2017-03-01", "there is no day 2017-02-29"),
        ("2017-12..2017-10", "ends before it begins"),
        ("0217-10", "out of reach"),
        (201710, "is not a period"),
        (True, "a period is text"),
        (None, "a period is text"),
        ("", "is not a period"),
        ("..", "is not a period"),
        ("last-0-weeks", "is not a period"),
        ("٢٠١٧", "is not a period"),
        ("<b>2017\n</b>" * 999, "is not a period"),
    ],
)
def test_nonsense_is_one_line_with_a_mend(text: object, said: str) -> None:
    with pytest.raises(PeriodError) as caught:
        parse_period(text, as_of=AS_OF)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert caught.value.mend
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 900


@given(absolute)
def test_labels_are_read_back(period: Period) -> None:
    again = parse_period(period.label, as_of=AS_OF, calendar=period.calendar)
    assert again == period
    assert again.next() == period.next()
    assert again.year_ago() == period.year_ago()


@given(to_dates())
def test_labels_of_periods_to_date_are_read_back(period: Period) -> None:
    assert parse_period(period.label, as_of=AS_OF, calendar=period.calendar) == period


@given(absolute)
def test_neighbours_are_inverse_and_touch(period: Period) -> None:
    before = period.previous()
    assert before.next() == period
    assert period.next().previous() == period
    assert before.end + dt.timedelta(days=1) == period.start
    assert before.kind == period.kind


@given(kinds, days, calendars)
def test_the_period_at_a_day_holds_it(kind: str, on: dt.date, calendar: Calendar) -> None:
    period = period_at(kind, on, calendar)
    assert period.contains(on)
    assert period_at(kind, period.start, calendar) == period_at(kind, period.end, calendar) == period


@given(st.one_of(absolute, to_dates()), st.sampled_from(["week", "month", "quarter", "year"]))
def test_split_covers_exactly(period: Period, unit: str) -> None:
    if period.days > 1500:
        period = parse_period(f"{period.start}..{period.start + dt.timedelta(days=1500)}", as_of=AS_OF)
    pieces = period.split(unit)
    assert pieces[0].start == period.start
    assert pieces[-1].end == period.end
    for one, two in itertools.pairwise(pieces):
        assert one.end + dt.timedelta(days=1) == two.start
    whole = [p for p in pieces[1:-1] if p.kind == "range"]
    assert not whole, "only the first and the last piece may be cut"


@given(absolute)
def test_a_year_ago_lies_about_a_year_before(period: Period) -> None:
    before = period.year_ago()
    assert 355 <= (period.start - before.start).days <= 372
    assert abs(before.days - period.days) <= 7
    assert before.start <= before.end


@given(to_dates())
def test_a_period_to_date_is_compared_with_the_same_stretch(period: Period) -> None:
    before = period.previous()
    if period.whole is None:
        assert before == period.previous()
        return
    assert before.start == period.whole.previous().start
    assert before.days == min(period.days, period.whole.previous().days)
    assert period.year_ago().start == period.whole.year_ago().start
    assert abs(period.year_ago().days - period.days) <= 7


@given(st.one_of(absolute, to_dates()), st.integers(-400, 400))
def test_elapsed_days_against_counting(period: Period, offset: int) -> None:
    as_of = period.start + dt.timedelta(days=offset)
    last = min(period.end, period.start + dt.timedelta(days=1200))
    period = parse_period(f"{period.start}..{last}", as_of=AS_OF)
    every = [period.start + dt.timedelta(days=i) for i in range(period.days)]
    gone = [d for d in every if d <= as_of]
    assert period.elapsed_days(as_of) == len(gone)
    assert period.elapsed_working_days(as_of) == sum(d.weekday() < 5 for d in gone)
    assert period.working_days == sum(d.weekday() < 5 for d in every)
    assert period.elapsed_share(as_of) == len(gone) / len(every)
    assert 0 <= period.elapsed_working_share(as_of) <= 1
    assert period.is_complete(as_of) == (len(gone) == len(every))
    assert period.is_complete(as_of) <= (period.elapsed_working_share(as_of) == 1)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2020-W53", "2019-W52"),
        ("2021-W52", "2020-W52"),
        ("2016-02-29..2016-02-29", "2015-02-28..2015-02-28"),
        ("2017-02-01..2017-02-28", "2016-02-01..2016-02-29"),
        ("2016-02", "2015-02"),
        ("2016-02..2016-02-29", "2015-02"),
        ("2016-Q1..2016-02-29", "2015-Q1..2015-02-28"),
        ("2017-Q4..2017-11-15", "2016-Q4..2016-11-15"),
        ("2017-W40..2017-10-04", "2016-W40..2016-10-05"),
        ("2017-01..2017-03", "2016-01..2016-03"),
    ],
)
def test_a_year_ago(text: str, label: str) -> None:
    assert parse_period(text, as_of=AS_OF).year_ago().label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2017-01", "2016-12"),
        ("2017-W01", "2016-W52"),
        ("2021-W01", "2020-W53"),
        ("2017-03..2017-03-31", "2017-02"),
        ("2017-03..2017-03-30", "2017-02"),
        ("2017-03..2017-03-15", "2017-02..2017-02-15"),
        ("2017-Q4..2017-11-15", "2017-Q3..2017-08-15"),
        ("2017-10-01..2017-11-15", "2017-08-16..2017-09-30"),
        ("2016-Q4..2017-Q3", "2015-Q4..2016-Q3"),
    ],
)
def test_previous(text: str, label: str) -> None:
    assert parse_period(text, as_of=AS_OF).previous().label == label


def test_last_periods_are_oldest_first() -> None:
    quarter = parse_period("2017-Q2", as_of=AS_OF)
    assert [p.label for p in last_periods(quarter, 3)] == ["2016-Q3", "2016-Q4", "2017-Q1"]
    assert last_periods(quarter, 0) == []


def test_to_date_of_a_period_not_begun_is_an_error() -> None:
    with pytest.raises(PeriodError, match="has not begun"):
        parse_period("2018-Q1", as_of=AS_OF).to_date(AS_OF)
    assert parse_period("2017-Q3", as_of=AS_OF).to_date(AS_OF).label == "2017-Q3"


def test_weeks_that_start_on_sunday_hold_the_thursday_of_their_iso_week() -> None:
    week = parse_period("2017-W40", as_of=AS_OF, calendar=Calendar(week_starts="sunday"))
    assert (week.start, week.end) == (day("2017-10-01"), day("2017-10-07"))


def test_a_table_of_weeks() -> None:
    quarter = parse_period("FY2018-Q1", as_of=AS_OF, calendar=RETAIL)
    assert (quarter.start, quarter.days) == (day("2018-01-29"), 13 * 7)
    assert quarter.previous().label == "FY2017-Q4"
    assert quarter.year_ago().start == day("2017-01-30")
    assert [p.days for p in quarter.split("month")] == [28, 28, 35]
    assert parse_period("FY2018", as_of=AS_OF, calendar=RETAIL).end == day("2019-01-27")
    to_date = parse_period("FY2018-Q1..2018-02-10", as_of=AS_OF, calendar=RETAIL)
    assert to_date.year_ago().days == to_date.days == 13
    with pytest.raises(PeriodError, match="no FY2019-Q1"):
        parse_period("FY2018-Q4", as_of=AS_OF, calendar=RETAIL).next()
    with pytest.raises(PeriodError, match="holds 2030-01-01"):
        parse_period("this-quarter", as_of=day("2030-01-01"), calendar=RETAIL)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"fiscal_year_starts": 13}, "from 1 to 12"),
        ({"fiscal_year_starts": "July"}, "from 1 to 12"),
        ({"week_starts": "mondey"}, "Did you mean 'monday'?"),
        ({"week_start": "monday"}, "Did you mean 'week_starts'?"),
        ({"table": [["FY2018-M01", "2017-07-01"]]}, "Write \\[label, first day, last day\\]"),
        ({"table": [["2018-01", "2017-07-01", "2017-07-28"]]}, "Name its rows"),
        ({"table": [["FY2018-M01", "2017-07-01", "2017-06-28"]]}, "ends before it begins"),
        ({"table": [["FY2018-M01", "2017-07-01", "2017-07-28"]] * 2}, "twice"),
        (
            {
                "table": [
                    ["FY2018-M01", "2017-07-01", "2017-07-28"],
                    ["FY2018-M02", "2017-07-30", "2017-08-28"],
                ]
            },
            "gap or overlap",
        ),
        (
            {"table": [*RETAIL.to_plain()["table"], ["FY2017-Q1", "2017-01-30", "2017-04-29"]]},
            "not what its parts make",
        ),
    ],
)
def test_broken_calendars(plain: dict[str, object], said: str) -> None:
    with pytest.raises(PeriodError, match=said):
        Calendar.from_plain(plain)


@pytest.mark.parametrize("calendar", [Calendar(), JULY, RETAIL, Calendar(week_starts="sunday")])
def test_calendars_travel_as_json(calendar: Calendar) -> None:
    assert Calendar.from_plain(json.loads(json.dumps(calendar.to_plain()))) == calendar


def test_periods_travel_between_processes() -> None:
    period = parse_period("quarter-to-date", as_of=AS_OF, calendar=RETAIL)
    assert pickle.loads(pickle.dumps(period)).previous() == period.previous()


def test_the_edge_of_time_is_an_error_not_a_crash() -> None:
    with pytest.raises(PeriodError, match="outside of years"):
        period_at("month", dt.date(1, 1, 1), Calendar()).previous()
    with pytest.raises(PeriodError, match="outside of years"):
        period_at("year", dt.date(9998, 1, 1), Calendar()).next()
    with pytest.raises(PeriodError, match="outside of years"):
        parse_period("last-999-years", as_of=dt.date(900, 1, 1))


def test_dates() -> None:
    assert parse_date("2017-12-31") == parse_date(day("2017-12-31")) == day("2017-12-31")
    assert parse_date(dt.datetime(2017, 12, 31, 23, 59)) == day("2017-12-31")
    for nonsense in ("31.12.2017", "2017-12-32", "20171231", "today", ""):
        with pytest.raises(PeriodError) as caught:
            parse_date(nonsense)
        assert "2017-12-31" in caught.value.mend
