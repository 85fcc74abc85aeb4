"""Slots are run once, caught up once, or told to be missed, whatever happens to timers, processes and clocks."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from spm_lib.errors import DeliveryError, ScheduleError, StoreError
from spm_lib.press.schedule.due import WorkOutcome, run_due
from spm_lib.press.schedule.slot_ledger import SlotLedger

from .conftest import HOUR, MONDAY, WEEKLY, Bench, Killed, spec

WEEK = dt.timedelta(days=7)
MINUTE = dt.timedelta(minutes=1)


def test_nothing_before_a_schedule_is_known_is_due(bench: Bench) -> None:
    assert bench.due(at=MONDAY + HOUR) == ()
    assert bench.runs == [] and bench.heard == []
    assert bench.ledger.known("weekly") is not None


def test_a_slot_is_run_once_however_often_a_timer_calls(bench: Bench) -> None:
    bench.due()
    assert bench.due(at=MONDAY - MINUTE) == ()
    (told,) = bench.due(at=MONDAY)
    assert (told.spec, told.at, told.state, told.note) == ("weekly", MONDAY, "done", "3 reports")
    for later in range(0, 40):
        assert bench.due(at=MONDAY + later * HOUR) == ()
    assert bench.runs == [("weekly", MONDAY)]
    (slot,) = bench.ledger.slots()
    assert (slot.state, slot.claimed_at, slot.ended_at) == ("done", MONDAY, MONDAY)


def test_a_slot_is_caught_up_within_its_window_and_missed_after_it(bench: Bench) -> None:
    bench.due()
    assert bench.due(at=MONDAY + 12 * HOUR)[0].state == "done"
    (told,) = bench.due(at=MONDAY + WEEK + 12 * HOUR + MINUTE)
    assert (told.at, told.state) == (MONDAY + WEEK, "missed")
    assert bench.runs == [("weekly", MONDAY)]
    assert bench.heard == [
        "The run due on Monday 2026-01-12, 07:00 (UTC) was missed: nothing called spm schedule run-due in time"
    ]
    assert bench.due(at=MONDAY + WEEK + 13 * HOUR) == () and len(bench.heard) == 1


def test_after_an_outage_the_newest_slot_is_run_and_the_others_are_told_together(bench: Bench) -> None:
    hourly = spec(cron="0 * * * *", timezone="Europe/London", catch_up_hours=2)
    bench.due(hourly)
    told = bench.due(hourly, at=MONDAY + 30 * MINUTE)
    assert [t.state for t in told].count("done") == 1 and bench.runs == [("weekly", MONDAY)]
    assert len(told) == 24
    (said,) = bench.heard
    assert said.startswith(
        "23 runs were missed, the first due on Sunday 2026-01-04, 08:00 (Europe/London), the last"
    )


def test_what_is_missed_is_told_until_the_owner_has_heard(bench: Bench) -> None:
    bench.due()
    bench.deaf = DeliveryError("the server does not answer")
    first = bench.due(at=MONDAY + 13 * HOUR)
    assert [t.state for t in first] == ["missed", "failed"]
    assert first[-1].note == "the owner could not be told: the server does not answer"
    bench.deaf = None
    assert [t.state for t in bench.due(at=MONDAY + 14 * HOUR)] == ["missed"]
    assert bench.due(at=MONDAY + 15 * HOUR) == ()
    assert len(bench.heard) == 1


def test_a_slot_whose_run_was_killed_is_taken_up_again(bench: Bench) -> None:
    bench.due()
    bench.fails = Killed()
    for hours in (0, 1, 5):
        with pytest.raises(Killed):
            bench.due(at=MONDAY + hours * HOUR)
        assert bench.states() == {"01-05 07:00": "claimed"}
    bench.fails = None
    assert [t.state for t in bench.due(at=MONDAY + 6 * HOUR)] == ["done"]
    assert bench.due(at=MONDAY + 7 * HOUR) == ()


def test_a_slot_whose_run_was_killed_is_missed_once_its_window_is_over(bench: Bench) -> None:
    bench.due()
    bench.fails = Killed()
    with pytest.raises(Killed):
        bench.due(at=MONDAY)
    bench.fails = None
    (told,) = bench.due(at=MONDAY + 13 * HOUR)
    assert told.state == "missed" and "cut off" in told.note
    assert len(bench.runs) == 1 and len(bench.heard) == 1


def test_a_failure_is_told_and_not_tried_again(bench: Bench) -> None:
    bench.due()
    bench.fails = ValueError("boom\nsecond line")
    (told,) = bench.due(at=MONDAY)
    assert (told.state, told.note) == ("failed", "ValueError: boom second line")
    assert bench.heard == [
        "The run due on Monday 2026-01-05, 07:00 (UTC) failed: ValueError: boom second line"
    ]
    assert bench.due(at=MONDAY + HOUR) == ()
    assert len(bench.runs) == 1


def test_a_failure_killed_before_it_was_told_is_told_later(bench: Bench) -> None:
    bench.due()
    bench.fails = StoreError("there is no store here")
    bench.deaf = DeliveryError("no server")
    assert [t.state for t in bench.due(at=MONDAY)] == ["failed", "failed"]
    bench.fails = bench.deaf = None
    bench.due(at=MONDAY + HOUR)
    assert bench.heard == ["The run due on Monday 2026-01-05, 07:00 (UTC) failed: there is no store here"]
    assert len(bench.runs) == 1


def test_one_failure_stops_no_other_spec(bench: Bench) -> None:
    names = ("a", "b", "c")
    specs = [spec(name) for name in names]
    bench.due(*specs)
    work = bench.work

    def some(one, slot, troubles):  # type: ignore[no-untyped-def]
        bench.fails = RuntimeError("no") if one.name == "b" else None
        return work(one, slot, troubles)

    bench.work = some  # type: ignore[method-assign]
    told = bench.due(*specs, at=MONDAY)
    assert {t.spec: t.state for t in told} == {"a": "done", "b": "failed", "c": "done"}


def test_work_that_was_not_good_is_failed_and_was_told_by_itself(bench: Bench) -> None:
    bench.due()
    bench.good = False
    assert [t.state for t in bench.due(at=MONDAY)] == ["failed"]
    assert bench.heard == [] and bench.due(at=MONDAY + HOUR) == ()


def test_work_of_which_the_owner_has_not_heard_is_told_by_the_next_call(bench: Bench) -> None:
    bench.due()
    bench.work = lambda *_: WorkOutcome(False, "no server", heard=False)  # type: ignore[method-assign]
    assert [t.state for t in bench.due(at=MONDAY)] == ["failed"]
    assert [t.state for t in bench.due(at=MONDAY + HOUR)] == ["failed"]
    assert bench.heard == ["The run due on Monday 2026-01-05, 07:00 (UTC) failed: no server"]
    assert bench.due(at=MONDAY + 2 * HOUR) == ()


def test_a_clock_that_jumps_backwards_repeats_nothing(bench: Bench) -> None:
    bench.due()
    bench.due(at=MONDAY + HOUR)
    for minutes in range(-180, 180, 7):
        assert bench.due(at=MONDAY + minutes * MINUTE) == ()
    assert bench.runs == [("weekly", MONDAY)] and bench.heard == []
    assert [t.at for t in bench.due(at=MONDAY + WEEK)] == [MONDAY + WEEK]


def test_what_a_clock_far_ahead_took_for_missed_comes_in_its_time(bench: Bench) -> None:
    bench.due()
    bench.due(at=MONDAY + 52 * WEEK + HOUR)
    assert bench.runs == [("weekly", MONDAY + 52 * WEEK)]
    assert bench.due(at=MONDAY - HOUR) == ()
    assert [t.state for t in bench.due(at=MONDAY)] == ["done"]
    assert [t.state for t in bench.due(at=MONDAY + WEEK)] == ["done"]
    # The one that was run then is not run again.
    for week in range(2, 52):
        bench.due(at=MONDAY + week * WEEK)
    assert bench.due(at=MONDAY + 52 * WEEK) == ()
    assert len(bench.runs) == len(set(bench.runs)) == 53


def test_a_schedule_known_by_a_clock_far_ahead_is_due_all_the_same(bench: Bench) -> None:
    bench.due(at=MONDAY + 100 * WEEK)
    bench.due(at=MONDAY - HOUR)
    assert [t.state for t in bench.due(at=MONDAY)] == ["done"]


def test_a_changed_schedule_is_known_from_now_on_and_what_was_due_before_is_told(bench: Bench) -> None:
    bench.due()
    later = spec(cron="0 9 * * MON", timezone="UTC")
    (told,) = bench.due(later, at=MONDAY + HOUR)
    assert (told.at, told.state) == (MONDAY, "missed") and "was changed" in told.note
    assert [t.at for t in bench.due(later, at=MONDAY + 2 * HOUR)] == [MONDAY + 2 * HOUR]
    # Earlier than now, on the same day: it is not due any more.
    assert bench.due(spec(cron="0 6 * * MON", timezone="UTC"), at=MONDAY + 3 * HOUR) == ()
    assert bench.runs == [("weekly", MONDAY + 2 * HOUR)]


def test_a_schedule_changed_and_changed_back_repeats_nothing(bench: Bench) -> None:
    bench.due()
    bench.due(at=MONDAY)
    bench.due(spec(cron="0 9 * * MON", timezone="UTC"), at=MONDAY + MINUTE)
    for hour in range(1, 24):
        assert bench.due(at=MONDAY + hour * HOUR) == ()
    assert bench.runs == [("weekly", MONDAY)]


def test_a_longer_window_is_no_other_schedule(bench: Bench) -> None:
    bench.due()
    (told,) = bench.due(spec(**WEEKLY, catch_up_hours=48), at=MONDAY + 40 * HOUR)
    assert (told.at, told.state) == (MONDAY, "done")


def test_a_schedule_that_was_taken_away_for_months_is_not_missed(bench: Bench) -> None:
    bench.due()
    none = spec(cron=None)
    assert bench.due(none, at=MONDAY - 23 * HOUR) == ()
    assert bench.ledger.known("weekly") is not None
    assert [t.state for t in bench.due(none, at=MONDAY + HOUR)] == ["missed"]
    assert bench.ledger.known("weekly") is None
    assert bench.due(at=MONDAY + 10 * WEEK + HOUR) == ()
    assert [t.at for t in bench.due(at=MONDAY + 11 * WEEK)] == [MONDAY + 11 * WEEK]
    (said,) = bench.heard
    assert said.endswith("07:00 (UTC) was missed: the schedule was taken away before it had run")


def test_a_spec_that_is_not_there_for_a_moment_loses_no_slot(bench: Bench) -> None:
    bench.due()
    other = spec("other", cron="0 0 1 1 *", timezone="UTC")
    bench.due(spec(), other, at=MONDAY - HOUR)
    for minutes in range(-10, 120, 30):
        assert bench.due(other, at=MONDAY + minutes * MINUTE) == ()
    assert [(t.spec, t.state) for t in bench.due(spec(), other, at=MONDAY + 2 * HOUR)] == [("weekly", "done")]
    # Nor is one lost of which its owner had not heard.
    bench.deaf = DeliveryError("no server")
    bench.due(spec(), other, at=MONDAY + WEEK + 13 * HOUR)
    bench.deaf = None
    assert bench.due(other, at=MONDAY + WEEK + 14 * HOUR) == ()
    bench.due(spec(), other, at=MONDAY + WEEK + 15 * HOUR)
    assert len(bench.heard) == 1


def test_after_an_outage_a_spec_that_one_call_does_not_find_loses_no_slot(bench: Bench) -> None:
    other = spec("other", cron="0 0 1 1 *", timezone="UTC")
    bench.due(spec(), other, at=MONDAY - 60 * HOUR)
    assert bench.due(other, at=MONDAY + HOUR) == ()
    assert [t.state for t in bench.due(spec(), other, at=MONDAY + HOUR + 5 * MINUTE)] == ["done"]
    # Nor is it remembered that it was absent once.
    assert bench.due(other, at=MONDAY + 30 * HOUR) == ()
    assert bench.ledger.known("weekly") is not None


def test_a_spec_that_does_not_come_back_is_forgotten_and_what_was_due_is_told_once(bench: Bench) -> None:
    bench.due()
    other = spec("other", cron="0 0 1 1 *", timezone="UTC")
    bench.due(other)
    told = bench.due(other, at=MONDAY + HOUR)
    assert [(t.spec, t.at, t.state) for t in told] == [("weekly", MONDAY, "missed")]
    assert "taken away" in told[0].note and bench.ledger.known("weekly") is None
    assert bench.due(other, at=MONDAY + WEEK) == () and bench.runs == []


def test_an_owner_who_could_not_be_told_of_a_schedule_taken_away_is_told_later(bench: Bench) -> None:
    bench.due()
    none, bench.deaf = spec(cron=None), DeliveryError("no server")
    bench.due(none)
    assert [t.state for t in bench.due(none, at=MONDAY + HOUR)] == ["missed", "failed"]
    bench.deaf = None
    assert [t.state for t in bench.due(none, at=MONDAY + 2 * HOUR)] == ["missed"]
    assert bench.due(none, at=MONDAY + 3 * HOUR) == () and len(bench.heard) == 1


def test_a_project_whose_specs_have_all_gone_forgets_nothing_and_says_so(bench: Bench) -> None:
    bench.due()
    with pytest.raises(ScheduleError, match=r"no specs here, though the schedules of weekly are known. Put"):
        run_due((), bench.ledger, clock=lambda: MONDAY + WEEK, work=bench.work, tell=bench.tell)
    assert [t.state for t in bench.due(at=MONDAY + WEEK + HOUR)] == ["missed", "done"]


def test_a_spec_that_cannot_be_read_for_a_while_stays_known(bench: Bench) -> None:
    bench.due()
    other = spec("other")
    for hours in (1, 1.1):
        told = bench.due(other, at=MONDAY + hours * HOUR, unread={"weekly": "line 3 is no YAML"})
        assert [(t.spec, t.state) for t in told] == ([("weekly", "waits")] if hours == 1 else [])
    # Nobody was named as its owner.
    assert bench.heard == [] and bench.ledger.hanging(now=MONDAY + 9 * HOUR) is None
    assert [(t.spec, t.at) for t in bench.due(spec(), other, at=MONDAY + 2 * HOUR)] == [("weekly", MONDAY)]


def test_the_owner_hears_at_once_that_what_is_due_cannot_be_read_and_what_became_of_it(bench: Bench) -> None:
    weekly = spec("weekly", owner="revops@example.com")
    bench.due(weekly)
    told: list[tuple[str, str | None]] = []
    tell = bench.tell
    bench.tell = lambda one, at, said: (told.append((one.name, one.content.owner)), tell(one, at, said))[1]  # type: ignore[method-assign]
    unread = {"weekly": "line 3 is no YAML. Mend it"}
    for minutes in (1, 6):
        bench.due(spec("other"), at=MONDAY + minutes * MINUTE, unread=unread)
    assert told == [("weekly", "revops@example.com")]
    assert bench.heard == [
        "The run due on Monday 2026-01-05, 07:00 (UTC) waits, as its spec cannot be read: line 3 is no YAML. Mend it. "
        "It is made and sent once that is mended, until 12 hours after it was due"
    ]
    late = bench.due(weekly, at=MONDAY + 13 * HOUR)
    assert [t.state for t in late] == ["missed"] and bench.runs == []
    assert bench.heard[1].endswith("something else was in its way for too long: line 3 is no YAML. Mend it")


def test_what_was_due_with_a_long_run_is_not_made_after_its_window(bench: Bench) -> None:
    short = {**WEEKLY, "catch_up_hours": 1}
    specs = (spec("a", **short), spec("b", **short))
    bench.due(*specs)

    def long(one, slot, troubles):  # type: ignore[no-untyped-def]
        bench.runs.append((one.name, slot))
        bench.now += 14 * HOUR
        return WorkOutcome(True)

    bench.work = long  # type: ignore[method-assign]
    told = bench.due(*specs, at=MONDAY)
    assert [(t.spec, t.state) for t in told] == [("a", "done"), ("b", "missed")]
    assert bench.runs == [("a", MONDAY)] and "took too long" in bench.heard[0]
    assert bench.due(*specs) == ()


def test_a_killed_slot_whose_spec_has_gone_is_told(bench: Bench) -> None:
    bench.due()
    bench.fails = Killed()
    with pytest.raises(Killed):
        bench.due(at=MONDAY)
    assert bench.due(spec("other"), at=MONDAY + HOUR) == ()
    (told,) = bench.due(spec("other"), at=MONDAY + 26 * HOUR)
    assert (told.spec, told.state) == ("weekly", "missed") and "taken away" in told.note


def test_what_stood_in_a_slots_way_for_a_while_does_not_fail_it(bench: Bench) -> None:
    bench.due()
    work, bench.work = bench.work, lambda *_: WorkOutcome(False, "another run is at it", again=True)  # type: ignore[method-assign]
    for minutes in (0, 5, 10):
        (told,) = bench.due(at=MONDAY + minutes * MINUTE)
        assert (told.state, told.note) == ("waits", "another run is at it")
        assert bench.states() == {"01-05 07:00": "claimed"} and bench.heard == []
    assert bench.ledger.slots()[0].note == "another run is at it"
    bench.work = work  # type: ignore[method-assign]
    assert [t.state for t in bench.due(at=MONDAY + 15 * MINUTE)] == ["done"]
    assert bench.due(at=MONDAY + HOUR) == ()


def test_what_stood_in_a_slots_way_for_too_long_is_told(bench: Bench) -> None:
    bench.due()
    bench.work = lambda *_: WorkOutcome(False, "another run is at it", again=True)  # type: ignore[method-assign]
    bench.due(at=MONDAY + HOUR)
    (told,) = bench.due(at=MONDAY + 13 * HOUR)
    assert told.state == "missed"
    (said,) = bench.heard
    assert said.endswith("was missed: something else was in its way for too long: another run is at it")


def test_a_slot_that_has_been_at_work_for_hours_hangs(bench: Bench) -> None:
    bench.due(spec("a"), spec("b"))
    assert bench.ledger.hanging(now=MONDAY + 7 * HOUR) is None

    def long(one, slot, troubles):  # type: ignore[no-untyped-def]
        # What was claimed with the first one and comes after it does not hang.
        assert bench.ledger.hanging(now=bench.now + 5 * HOUR) is None
        hanging = bench.ledger.hanging(now=bench.now + 6 * HOUR)
        assert hanging is not None and (hanging.spec, hanging.at) == (one.name, MONDAY)
        bench.now += 5 * HOUR
        return WorkOutcome(True)

    bench.work = long  # type: ignore[method-assign]
    assert [t.state for t in bench.due(spec("a"), spec("b"), at=MONDAY)] == ["done", "done"]


def test_two_specs_with_one_name_are_told_and_stop_no_other(bench: Bench) -> None:
    twins, other = (spec(), spec(folder=Path("params/more"))), spec("other")
    (told,) = bench.due(*twins, other)
    assert (told.spec, told.state) == ("weekly", "failed")
    assert told.note.startswith(
        "two specs have the name 'weekly': params/weekly.yml and params/more/weekly.yml. Rename"
    )
    assert bench.ledger.known("weekly") is None
    assert [(t.spec, t.state) for t in bench.due(*twins, other, at=MONDAY)] == [
        ("weekly", "failed"),
        ("other", "done"),
    ]


def test_a_second_call_at_the_same_time_does_nothing(bench: Bench) -> None:
    bench.due()
    seen = []

    def work(one, slot, troubles):  # type: ignore[no-untyped-def]
        bench.runs.append((one.name, slot))
        seen.append(run_due((spec(),), bench.ledger, clock=lambda: MONDAY, work=bench.work, tell=bench.tell))
        return bench.work(one, slot, troubles)

    told = run_due((spec(),), bench.ledger, clock=lambda: MONDAY, work=work, tell=bench.tell)
    assert seen == [None]
    assert told is not None and [t.state for t in told] == ["done"]


def test_a_project_without_schedules_gets_no_ledger(bench: Bench) -> None:
    assert bench.due(spec(cron=None)) == ()
    assert not bench.path.exists()


def test_a_ledger_of_a_newer_version_runs_nothing(bench: Bench) -> None:
    bench.due()
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(StoreError, match=r"schema 99.*Update spm_lib"):
        bench.due(at=MONDAY)
    assert bench.runs == []


def test_a_full_disk_runs_nothing_and_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.due()
    connect = sqlite3.connect

    def full(*arguments, **options):  # type: ignore[no-untyped-def]
        connection = connect(*arguments, **options)
        if not options.get("uri"):
            connection.execute("pragma max_page_count = 1")
        return connection

    many = spec(cron="* * * * *", timezone="UTC")
    bench.due(many)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", full)
        with pytest.raises(StoreError, match="full"):
            bench.due(many, at=bench.now + 24 * HOUR)
    assert bench.runs == []
    assert len(bench.due(many)) == 24 * 60


def test_a_lock_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScheduleError, match="the lock cannot be written") as caught:
        run_due(
            (spec(),),
            SlotLedger(tmp_path / "file" / "x.sqlite"),
            clock=lambda: MONDAY,
            work=lambda *_: pytest.fail("no work"),
            tell=lambda *_: None,
        )
    assert "\n" not in str(caught.value)


KILLED = """
import datetime as dt, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from spm_lib.press.schedule.slot_ledger import SlotLedger
from spm_lib.press.schedule.schedule_spec import Schedule
ledger = SlotLedger(Path({path!r}))
with ledger.alone() as alone:
    assert alone
    ledger.take({{"weekly": Schedule(cron="0 7 * * MON", timezone="UTC")}}, now=dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC))
    # A program that outlives its parent does not keep the lock.
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_9_frees_the_lock_and_the_slot_is_taken_up(bench: Bench) -> None:
    bench.due()
    root = str(Path(__file__).parents[3])
    code = KILLED.format(root=root, path=str(bench.path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = int(process.stdout.readline())
        try:
            with bench.ledger.alone() as alone:
                assert not alone
            process.kill()
            process.wait()
            assert bench.states() == {"01-05 07:00": "claimed"}
            assert [t.state for t in bench.due(at=MONDAY + MINUTE)] == ["done"]
        finally:
            os.kill(left, signal.SIGKILL)
