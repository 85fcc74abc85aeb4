"""The outbox: what is written down before a mail leaves, and what every end of it means."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from spm_lib.data.ledger import Ledger
from spm_lib.errors import DeliveryError, StoreError, UnknownNameError
from spm_lib.press.deliver.entry import Entry, State
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.outcome import Outcome
from spm_lib.press.deliver.patience import LONGEST, MOST_TRIES, WAITS
from spm_lib.press.deliver.sole_sender import alone

NOW = dt.datetime(2026, 11, 2, 7, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
FINAL = {"accepted", "rejected", "unknown", "given_up", "cancelled"}


def entry(number: int = 0, **more: Any) -> Entry:
    told: dict[str, Any] = {
        "kind": "report",
        "spec": "team_performance",
        "subject": f"team-{number}",
        "period": "2026-Q4",
        "as_of": dt.date(2026, 11, 1),
        "revision": 1,
        "recipient": f"leader-{number}@example.com",
        "headline": "On track",
        "report": f"team_performance/2026-Q4/2026-11-01/team-{number}.html",
    }
    told |= more
    key = "|".join(str(told[name]) for name in told if name not in ("headline", "report", "body"))
    return Entry(**{"message_id": f"<{key}@example.com>"} | told)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "crm.ledger.sqlite")


def in_state(outbox: Outbox, state: State, now: dt.datetime = NOW) -> Entry:
    (mail,) = outbox.add([entry()], now=now)
    if state == "waiting":
        return mail
    if state == "cancelled":
        return outbox.resolve(mail.mail_id or 0, "cancel", now)
    claimed = outbox.claim(mail, now)
    assert claimed
    if state == "given_up":
        return outbox.give_up(claimed, "no file", now)
    if state != "sending":
        outbox.handed(claimed, now)
    if state in ("accepted", "rejected", "unknown"):
        outbox.settle(claimed, Outcome(state, "said"), now)  # type: ignore[arg-type]
    return the_one(outbox)


def the_one(outbox: Outbox) -> Entry:
    (mail,) = outbox.states()
    return mail


def test_what_was_added_is_read_again(outbox: Outbox) -> None:
    first, second = entry(1, body="Zoë said\nhello"), entry(2, kind="owner", report="")
    made = outbox.add([first, second], now=NOW)
    assert [mail.mail_id for mail in made] == [1, 2]
    assert outbox.states() == made
    assert [replace(m, mail_id=None, made_at=None, changed_at=None) for m in made] == [first, second]
    assert {mail.state for mail in made} == {"waiting"}


def test_a_missing_ledger_is_an_empty_outbox_and_stays_missing(outbox: Outbox) -> None:
    assert outbox.states() == outbox.waiting() == outbox.waiting(NOW, 5) == ()
    assert not outbox.path.exists()


def test_the_same_mail_is_written_down_once(outbox: Outbox) -> None:
    in_state(outbox, "accepted")
    before = outbox.states()
    assert outbox.add([entry(), entry()], now=NOW + LONGEST) == ()
    assert outbox.states() == before


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "notice"},
        {"spec": "other"},
        {"subject": "team-9"},
        {"period": "2026-10"},
        {"as_of": dt.date(2026, 11, 2)},
        {"revision": 2},
        {"recipient": "other@example.com"},
    ],
)
def test_another_key_is_another_mail(outbox: Outbox, other: dict[str, Any]) -> None:
    assert len(outbox.add([entry(), entry(**other)], now=NOW)) == 2


def test_two_mails_never_share_a_message_id(outbox: Outbox) -> None:
    with pytest.raises(StoreError, match="contradicts"):
        outbox.add([entry(1, message_id="<same@x>"), entry(2, message_id="<same@x>")], now=NOW)
    assert outbox.states() == ()


def test_only_a_waiting_mail_can_be_taken_in_hand_and_only_once(outbox: Outbox) -> None:
    (mail,) = outbox.add([entry()], now=NOW)
    claimed = outbox.claim(mail, NOW)
    assert claimed == the_one(outbox) and claimed.state == "sending"
    assert outbox.claim(mail, NOW) is None


def test_a_sender_that_was_broken_off_hands_nothing_over_that_the_next_one_has_in_hand(
    outbox: Outbox,
) -> None:
    stale = in_state(outbox, "sending")
    outbox.recover(NOW + SECOND)
    claimed = outbox.claim(stale, NOW + SECOND)
    assert claimed
    with pytest.raises(DeliveryError, match="not in hand"):
        outbox.handed(stale, NOW + SECOND)
    outbox.handed(claimed, NOW + SECOND)


@pytest.mark.parametrize("state", [state for state in get_args(State) if state != "sending"])
def test_content_may_not_leave_unless_the_mail_is_in_hand(outbox: Outbox, state: State) -> None:
    mail = in_state(outbox, state)
    with pytest.raises(DeliveryError, match="not in hand"):
        outbox.handed(mail, NOW)
    assert the_one(outbox) == mail


@pytest.mark.parametrize("state", [state for state in get_args(State) if state not in ("sending", "handed")])
def test_what_is_not_in_hand_cannot_end(outbox: Outbox, state: State) -> None:
    mail = in_state(outbox, state)
    with pytest.raises(DeliveryError, match="not in hand"):
        outbox.settle(mail, Outcome("accepted", "250 ok"), NOW)
    assert the_one(outbox) == mail


def test_what_was_handed_over_is_not_given_up(outbox: Outbox) -> None:
    mail = in_state(outbox, "handed")
    with pytest.raises(DeliveryError, match="not in hand"):
        outbox.give_up(mail, "no file", NOW)


@pytest.mark.parametrize("state", ["accepted", "rejected", "unknown"])
@pytest.mark.parametrize("hand", ["sending", "handed"])
def test_an_end_is_written_down_with_the_servers_words(outbox: Outbox, hand: State, state: Any) -> None:
    mail = in_state(outbox, hand)
    later = NOW + SECOND
    ended = outbox.settle(mail, Outcome(state, "250 ok\r\nfine\x1b"), later)
    assert ended == the_one(outbox)
    assert (ended.state, ended.reply, ended.attempts, ended.changed_at) == (state, "250 ok fine", 1, later)
    assert outbox.waiting() == ()


def test_waits_between_tries_grow_until_it_is_given_up(outbox: Outbox) -> None:
    in_state(outbox, "waiting")
    now, waits = NOW, []
    while mails := outbox.waiting():
        (mail,) = mails
        now = mail.next_try_at or now
        assert outbox.waiting(now - SECOND / 10, 9) == (() if mail.next_try_at else mails)
        assert outbox.waiting(now, 9) == mails
        outbox.claim(mail, now)
        after = outbox.settle(mail, Outcome("retry", "450 busy"), now)
        if after.next_try_at:
            waits.append((after.next_try_at - now).total_seconds())
    expected = [*WAITS, *[WAITS[-1]] * MOST_TRIES][: MOST_TRIES - 1]
    assert waits == expected == sorted(expected)
    last = the_one(outbox)
    assert (last.state, last.attempts, last.next_try_at) == ("given_up", MOST_TRIES, None)
    assert last.reply == f"Given up after {MOST_TRIES} tries: 450 busy"


def test_after_a_day_a_refused_try_is_the_last(outbox: Outbox) -> None:
    mail = in_state(outbox, "sending")
    assert outbox.settle(mail, Outcome("retry", "450 busy"), NOW + LONGEST).state == "given_up"


def test_what_waited_for_a_day_is_given_up_untried(outbox: Outbox) -> None:
    outbox.add([entry(1)], now=NOW)
    outbox.add([entry(2)], now=NOW + SECOND)
    (late,) = outbox.expire(NOW + LONGEST)
    assert (late.subject, late.state, late.reply) == ("team-1", "given_up", "Given up after 0 tries")
    assert [mail.subject for mail in outbox.waiting()] == ["team-2"]
    assert outbox.expire(NOW + LONGEST) == ()


def test_a_clock_that_was_put_back_makes_no_mail_wait_for_it(outbox: Outbox) -> None:
    mail = in_state(outbox, "sending")
    outbox.settle(mail, Outcome("retry", "450 busy"), NOW)
    year_before = NOW - dt.timedelta(days=365)
    assert outbox.expire(year_before) == ()
    assert [mail.subject for mail in outbox.waiting(year_before, 1)] == ["team-0"]


def test_times_of_any_zone_are_compared_as_moments(outbox: Outbox) -> None:
    east = dt.timezone(dt.timedelta(hours=11))
    mail = in_state(outbox, "sending", NOW.astimezone(east))
    outbox.settle(mail, Outcome("retry", "450 busy"), NOW.astimezone(east))
    west = dt.timezone(dt.timedelta(hours=-8))
    assert outbox.waiting((NOW + 4 * SECOND).astimezone(west), 1) == ()
    assert len(outbox.waiting((NOW + 5 * SECOND).astimezone(west), 1)) == 1
    outbox.give_up(outbox.claim(mail, NOW) or mail, "no file", NOW.astimezone(east))
    assert len(outbox.ended_badly(NOW.astimezone(west))) == 1
    assert outbox.ended_badly(NOW.astimezone(west) + SECOND) == ()


def test_the_first_written_down_is_tried_first(outbox: Outbox) -> None:
    outbox.add([entry(number) for number in (3, 1, 2)], now=NOW)
    assert [mail.subject for mail in outbox.waiting(NOW, 2)] == ["team-3", "team-1"]


@pytest.mark.parametrize("state", get_args(State))
def test_after_a_kill_only_what_was_being_handed_over_is_unknown(outbox: Outbox, state: State) -> None:
    mail = in_state(outbox, state)
    lost = outbox.recover(NOW + SECOND)
    after = the_one(outbox)
    assert after.state == {"sending": "waiting", "handed": "unknown"}.get(state, state)
    assert lost == ((after,) if state == "handed" else ())
    if state not in ("sending", "handed"):
        assert after == mail
    assert outbox.recover(NOW + SECOND) == ()


def test_an_unknown_mail_is_sent_again_only_when_a_person_says_so(outbox: Outbox) -> None:
    mail = in_state(outbox, "unknown")
    later = NOW + 3 * LONGEST
    assert outbox.recover(later) == outbox.expire(later) == outbox.waiting() == ()
    assert outbox.add([entry()], now=later) == ()
    assert mail.mail_id is not None
    again = outbox.resolve(mail.mail_id, "again", later)
    assert outbox.expire(later) == ()
    assert outbox.waiting(later, 1) == (again,) == (the_one(outbox),)
    assert (again.message_id, again.attempts) == (mail.message_id, 0)


def test_a_person_can_say_that_an_unknown_mail_arrived(outbox: Outbox) -> None:
    mail = in_state(outbox, "unknown")
    assert mail.mail_id is not None
    assert outbox.resolve(mail.mail_id, "accepted", NOW).state == the_one(outbox).state == "accepted"


@pytest.mark.parametrize("state", ["rejected", "given_up", "cancelled"])
def test_what_was_not_taken_waits_again_when_a_person_or_a_new_decision_says_so(
    outbox: Outbox, state: State
) -> None:
    mail = in_state(outbox, state)
    later = NOW + 3 * LONGEST
    assert outbox.recover(later) == outbox.expire(later) == outbox.waiting() == ()
    (new,) = outbox.add([entry(headline="Late", body="{}")], now=later)
    assert (new,) == outbox.waiting(later, 1) and new.message_id == mail.message_id
    assert (new.mail_id, new.headline, new.body, new.reply) == (mail.mail_id, "Late", "{}", "")
    assert new.mail_id is not None
    outbox.resolve(new.mail_id, "cancel", later)
    again = outbox.resolve(new.mail_id, "again", later)
    assert (again,) == outbox.waiting(later, 1)


@pytest.mark.parametrize("state", ["waiting", "sending", "handed", "accepted", "unknown"])
def test_what_was_taken_or_may_be_is_not_written_anew(outbox: Outbox, state: State) -> None:
    mail = in_state(outbox, state)
    assert outbox.add([entry(headline="Late")], now=NOW) == () and the_one(outbox) == mail


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        *(("accepted", state) for state in get_args(State) if state != "unknown"),
        *(("again", state) for state in ("waiting", "sending", "handed", "accepted")),
        *(("cancel", state) for state in get_args(State) if state != "waiting"),
    ],
)
def test_only_what_its_state_allows_can_be_settled(outbox: Outbox, verdict: Any, state: State) -> None:
    mail = in_state(outbox, state)
    assert mail.mail_id is not None
    with pytest.raises(DeliveryError, match=f"mail 1 is {state.replace('_', ' ')}, and only "):
        outbox.resolve(mail.mail_id, verdict, NOW)
    assert the_one(outbox) == mail


def test_mails_that_are_not_there_are_told(outbox: Outbox) -> None:
    outbox.add([entry(1), entry(2)], now=NOW)
    with pytest.raises(UnknownNameError, match=r"there is no mail 7\. See: spm outbox"):
        outbox.resolve(7, "again", NOW)


def test_one_specs_mails(outbox: Outbox) -> None:
    outbox.add([entry(1), entry(2, spec="reps")], now=NOW)
    assert [mail.subject for mail in outbox.states("reps")] == ["team-2"]
    assert outbox.states("nothing") == ()


def test_a_ledger_of_a_newer_version_is_left_alone(outbox: Outbox) -> None:
    outbox.add([entry()], now=NOW)
    with closing(sqlite3.connect(outbox.path)) as connection:
        connection.execute("pragma user_version = 99")
    held = outbox.path.read_bytes()
    for act in (outbox.states, lambda: outbox.add([entry(2)], now=NOW), lambda: outbox.recover(NOW)):
        with pytest.raises(StoreError, match="Update spm_lib"):
            act()
    assert outbox.path.read_bytes() == held


def test_a_full_disk_keeps_the_state_that_was(outbox: Outbox) -> None:
    mail = in_state(outbox, "sending")
    code = (
        "import datetime as dt, resource, signal, sys; from pathlib import Path; "
        "from spm_lib.press.deliver.outbox import Outbox; from spm_lib.errors import StoreError\n"
        "box = Outbox(Path(sys.argv[1])); mail, = box.states()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: box.handed(mail, dt.datetime.now(dt.UTC))\n"
        "except StoreError as error: print(error); sys.exit(3)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(outbox.path)], capture_output=True, text=True)
    assert ran.returncode == 3, ran.stderr
    assert "Free some space" in ran.stdout
    assert the_one(outbox) == mail


def test_what_is_handed_over_is_on_the_disk_before_it_leaves(outbox: Outbox) -> None:
    outbox.add([entry()], now=NOW)
    with outbox.writing() as connection:
        assert connection.execute("pragma synchronous").fetchone() == (2,)


def test_the_ledgers_other_parts_are_untouched(outbox: Outbox) -> None:
    outbox.add([entry()], now=NOW)
    assert Ledger(outbox.path).scored_days() == ()


def test_a_second_sender_is_told(outbox: Outbox) -> None:
    with (
        alone(outbox.path),
        pytest.raises(DeliveryError, match=r"another spm send is at it\. Try again"),
        alone(outbox.path),
    ):
        pass
    with alone(outbox.path):
        pass


def test_a_sender_that_was_killed_leaves_no_lock(outbox: Outbox) -> None:
    code = (
        "import sys, time; from pathlib import Path; from spm_lib.press.deliver.sole_sender import alone\n"
        "with alone(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(outbox.path)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(DeliveryError, match="another spm send"), alone(outbox.path):
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.communicate()
    with alone(outbox.path):
        pass


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
@settings(max_examples=25)
def test_mails_added_in_two_goes_are_those_of_one(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], second: list[int]
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("outbox") / "l.sqlite")
    new = [outbox.add([entry(number) for number in each], now=NOW) for each in (first, second)]
    assert {mail.subject for mail in new[1]} == {f"team-{n}" for n in set(second) - set(first)}
    assert outbox.states() == (*new[0], *new[1])
    assert len(outbox.states()) == len({*first, *second})


class Life(RuleBasedStateMachine):
    """Whatever is called in whatever order: content leaves once, unless a person or a refusing server said again."""

    mails = Bundle("mails")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.outbox = Outbox(Path(self.folder.name) / "l.sqlite")
        self.now = NOW
        self.may_leave: dict[int, int] = {}
        self.left: dict[int, int] = {}
        self.claimed: dict[int, Entry] = {}
        self.ended: dict[int, State] = {}

    @rule(target=mails, number=st.integers(0, 2))
    def add(self, number: int) -> Any:
        new = self.outbox.add([entry(number)], now=self.now)
        for mail in new:
            assert mail.mail_id
            self.may_leave[mail.mail_id] = self.left.get(mail.mail_id, 0) + 1
            self.ended.pop(mail.mail_id, None)
        return multiple(*new)

    @rule(minutes=st.integers(-30, 90))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    @rule(mail=mails)
    def claim(self, mail: Entry) -> None:
        assert mail.mail_id
        (before,) = (each for each in self.outbox.states() if each.mail_id == mail.mail_id)
        claimed = self.outbox.claim(mail, self.now)
        assert (claimed is not None) == (before.state == "waiting")
        if claimed:
            self.claimed[mail.mail_id] = claimed

    @rule(mail=mails)
    def hand(self, mail: Entry) -> None:
        assert mail.mail_id
        try:
            self.outbox.handed(self.claimed.get(mail.mail_id, mail), self.now)
        except DeliveryError:
            return
        self.left[mail.mail_id] = self.left.get(mail.mail_id, 0) + 1

    @rule(mail=mails, state=st.sampled_from(["accepted", "rejected", "retry", "unknown"]))
    def settle(self, mail: Entry, state: Any) -> None:
        try:
            self.outbox.settle(mail, Outcome(state, state), self.now)
        except DeliveryError:
            return
        assert mail.mail_id
        if state == "retry":
            # The server said that it did not take what had left.
            self.may_leave[mail.mail_id] = self.left.get(mail.mail_id, 0) + 1

    @rule()
    def killed(self) -> None:
        for mail in self.outbox.recover(self.now):
            assert mail.mail_id and self.left[mail.mail_id]

    @rule()
    def expire(self) -> None:
        self.outbox.expire(self.now)

    @rule(mail=mails, verdict=st.sampled_from(["accepted", "again", "cancel"]))
    def resolve(self, mail: Entry, verdict: Any) -> None:
        assert mail.mail_id
        try:
            self.outbox.resolve(mail.mail_id, verdict, self.now)
        except DeliveryError:
            return
        self.ended.pop(mail.mail_id, None)
        if verdict == "again":
            self.may_leave[mail.mail_id] = self.left.get(mail.mail_id, 0) + 1

    @invariant()
    def content_left_no_more_often_than_it_may(self) -> None:
        for mail_id, times in self.left.items():
            assert times <= self.may_leave[mail_id]

    @invariant()
    def what_has_ended_stays_as_it_is(self) -> None:
        for mail in self.outbox.states():
            assert mail.mail_id
            assert self.ended.get(mail.mail_id, mail.state) == mail.state
            if mail.state in FINAL:
                self.ended[mail.mail_id] = mail.state

    def teardown(self) -> None:
        self.folder.cleanup()


def test_no_order_of_calls_lets_content_leave_twice() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))
