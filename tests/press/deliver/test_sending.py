"""Sending: each mail is tried as often as it may be, none is lost, and what stops it says so."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_lib.errors import DeliveryError, RunError, StoreError
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.outcome import Outcome, PassingError
from spm_lib.press.deliver.pace import Pace
from spm_lib.press.deliver.patience import LONGEST
from spm_lib.press.deliver.sending import send_waiting
from spm_lib.press.deliver.sent import Sent
from spm_lib.press.deliver.sole_sender import alone

from ..kernels.running import eventually
from .test_outbox import NOW, SECOND, entry


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept = 0.0

    def __call__(self) -> dt.datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 1, "who asks to stop waits for no more than a second"
        self.slept += seconds
        self.now += dt.timedelta(seconds=seconds)


class Server:
    """What a mail server does with each recipient's next mails, and what it took."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = defaultdict(list)
        self.took: list[str] = []
        self.opened = 0
        self.open_now = 0
        self.most_open = 0
        self.refuses: list[Exception] = []
        self.meanwhile: Callable[[str], None] = lambda recipient: None
        self.lock = threading.Lock()

    def connect(self) -> Connection:
        with self.lock:
            if self.refuses:
                raise self.refuses.pop(0)
            self.opened += 1
            self.open_now += 1
            self.most_open = max(self.most_open, self.open_now)
        return Connection(self)


class Connection:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.alive = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.open_now -= 1

    def send(
        self, content: bytes, *, sender: str, recipient: str, before_last_dot: Callable[[], None]
    ) -> Outcome:
        assert self.alive and sender == "reports@example.com" and recipient.encode() in content
        self.server.meanwhile(recipient)
        answers = self.server.answers[recipient]
        answer = answers.pop(0) if answers else "accept"
        self.alive = not answer.startswith("drop")
        match answer:
            case "reject":
                return Outcome("rejected", "550 no such user")
            case "busy":
                return Outcome("retry", "450 busy")
            case "drop before":
                return Outcome("retry", "the line broke")
        before_last_dot()
        if answer == "drop after":
            return Outcome("unknown", "the line broke after the content")
        if answer == "busy after":
            return Outcome("retry", "451 try later")
        with self.server.lock:
            self.server.took.append(recipient)
        return Outcome("accepted", "250 ok")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "crm.ledger.sqlite")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def compose(mail: Entry) -> bytes:
    return f"To: {mail.recipient}".encode()


def send(outbox: Outbox, server: Server, clock: Clock, **more: Any) -> Sent:
    told: dict[str, Any] = {
        "compose": compose,
        "connect": server.connect,
        "sender": "reports@example.com",
        "connections": 1,
        "a_minute": None,
        "clock": clock,
        "sleep": clock.sleep,
    }
    return send_waiting(outbox, **told | more)


def fill(outbox: Outbox, count: int) -> list[str]:
    return [mail.recipient for mail in outbox.add([entry(number) for number in range(count)], now=NOW)]


def recipients(mails: tuple[Entry, ...]) -> list[str]:
    return [mail.recipient for mail in mails]


def test_every_mail_is_sent_once_over_one_connection(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 20)
    sent = send(outbox, server, clock)
    assert sent.complete and sent.accepted == 20
    assert server.took == everybody
    assert (server.opened, server.open_now, clock.slept) == (1, 0, 0)
    assert send(outbox, server, clock) == Sent(0, (), (), (), ())
    assert server.took == everybody


def test_connections_share_the_work(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 30)
    together = threading.Barrier(3)
    first: set[int] = set()

    def meet(_: str) -> None:
        # Nobody goes on until three mails are under way at once.
        if threading.get_ident() not in first:
            first.add(threading.get_ident())
            together.wait(60)

    server.meanwhile = meet
    assert send(outbox, server, clock, connections=3).accepted == 30
    assert sorted(server.took) == sorted(everybody)
    assert (server.opened, server.most_open, server.open_now) == (3, 3, 0)


def test_one_recipients_rejection_keeps_no_other(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 5)
    server.answers[everybody[1]] = ["reject"]
    sent = send(outbox, server, clock)
    assert recipients(sent.rejected) == [everybody[1]] and sent.rejected[0].reply == "550 no such user"
    assert server.took == [r for r in everybody if r != everybody[1]]
    assert not sent.complete and sent.stopped is None and sent.waiting == ()


def test_a_busy_server_is_tried_again_with_patience(outbox: Outbox, server: Server, clock: Clock) -> None:
    first, second = fill(outbox, 2)
    server.answers[first] = ["busy", "busy after"]
    server.answers[second] = ["drop before"]
    sent = send(outbox, server, clock)
    assert sent.complete and sent.accepted == 2
    assert sorted(server.took) == sorted([first, second])
    assert clock.slept == pytest.approx(35)
    # Closed while waiting: a server that is kept waiting hangs up.
    assert server.open_now == 0


def test_what_outlasts_patience_waits_for_the_next_call(outbox: Outbox, server: Server, clock: Clock) -> None:
    busy, fine = fill(outbox, 2)
    server.answers[busy] = ["busy"] * 3
    sent = send(outbox, server, clock, patience_seconds=34)
    assert clock.slept == pytest.approx(5)
    assert (sent.accepted, recipients(sent.waiting), sent.stopped) == (1, [busy], None)
    assert sent.waiting[0].attempts == 2 and server.took == [fine]
    assert recipients(send(outbox, server, clock, patience_seconds=0).waiting) == [busy]
    clock.now += 30 * SECOND
    assert recipients(send(outbox, server, clock, patience_seconds=0).waiting) == [busy]
    clock.now += 120 * SECOND
    assert send(outbox, server, clock, patience_seconds=0).complete
    assert server.took == [fine, busy]


def test_a_drop_after_the_final_dot_is_unknown_and_never_sent_again(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    first, second = fill(outbox, 2)
    server.answers[first] = ["drop after"]
    sent = send(outbox, server, clock)
    assert (recipients(sent.unknown), sent.accepted, server.opened) == ([first], 1, 2)
    clock.now += 2 * LONGEST
    assert send(outbox, server, clock) == Sent(0, (), (), (), ())
    assert server.took == [second]


def test_a_server_that_loses_one_mail_after_the_other_is_sent_no_more(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    for recipient in fill(outbox, 40):
        server.answers[recipient] = ["drop after"]
    sent = send(outbox, server, clock)
    assert len(sent.unknown) == 10 and len(sent.waiting) == 30
    assert sent.stopped is not None and "nobody knows whether they arrived" in str(sent.stopped)


def test_a_mail_that_cannot_be_made_is_given_up_alone(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 4)

    def fails(mail: Entry) -> bytes:
        if mail.recipient == everybody[0]:
            raise RunError("the report is gone", mend="Make it again")
        if mail.recipient == everybody[2]:
            raise FileNotFoundError(2, "No such file", "page.html")
        return compose(mail)

    sent = send(outbox, server, clock, compose=fails)
    assert [(mail.recipient, mail.state) for mail in sent.given_up] == [
        (everybody[0], "given_up"),
        (everybody[2], "given_up"),
    ]
    assert sent.given_up[0].reply == "Not sent: the report is gone. Make it again"
    assert "FileNotFoundError" in sent.given_up[1].reply
    assert server.took == [everybody[1], everybody[3]] and sent.stopped is None


def test_a_wrong_password_stops_it_all_and_loses_nothing(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    everybody = fill(outbox, 5)
    wrong = DeliveryError("the server refused the password", mend="Set SPM_SMTP_PASSWORD")
    server.refuses = [wrong] * 9
    sent = send(outbox, server, clock, connections=3)
    assert sent.stopped is wrong
    assert recipients(sent.waiting) == everybody and {mail.attempts for mail in sent.waiting} == {0}
    assert clock.slept == 0
    server.refuses = []
    assert send(outbox, server, clock).accepted == 5


def test_a_server_that_is_down_for_a_moment_costs_no_mail_a_try(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    fill(outbox, 3)
    server.refuses = [PassingError("the server is busy")] * 2
    sent = send(outbox, server, clock)
    assert sent.complete and clock.slept == pytest.approx(35)
    assert {mail.attempts for mail in outbox.states()} == {1}


def test_a_server_that_stays_down_is_told(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 3)
    server.refuses = [PassingError(f"the server is busy {number}") for number in range(9)]
    sent = send(outbox, server, clock)
    assert isinstance(sent.stopped, PassingError)
    assert recipients(sent.waiting) == everybody and {mail.attempts for mail in sent.waiting} == {0}


def test_a_server_that_allows_fewer_connections_is_no_trouble(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    fill(outbox, 9)
    server.refuses = [PassingError("421 too many connections")] * 2
    assert send(outbox, server, clock, connections=3).complete
    assert clock.slept == 0


def test_a_server_that_keeps_hanging_up_is_left_in_peace(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    for recipient in fill(outbox, 20):
        server.answers[recipient] = ["drop before"] * 9
    sent = send(outbox, server, clock, patience_seconds=0)
    assert server.opened == 3 and len(sent.waiting) == 20
    assert "keeps hanging up" in str(sent.stopped)
    assert sum(mail.attempts for mail in sent.waiting) == 3


def test_what_a_killed_sender_had_in_hand(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 3)
    first, second, _ = outbox.waiting()
    claimed = outbox.claim(first, NOW)
    assert claimed and outbox.claim(second, NOW)
    outbox.handed(claimed, NOW)
    sent = send(outbox, server, clock)
    assert recipients(sent.unknown) == [everybody[0]] and sent.accepted == 2
    assert server.took == everybody[1:]


def test_what_waited_too_long_is_given_up_and_told(outbox: Outbox, server: Server, clock: Clock) -> None:
    everybody = fill(outbox, 2)
    clock.now += LONGEST
    sent = send(outbox, server, clock)
    assert recipients(sent.given_up) == everybody and server.opened == 0


def test_one_sends_at_a_time(outbox: Outbox, server: Server, clock: Clock) -> None:
    fill(outbox, 1)
    with alone(outbox.path), pytest.raises(DeliveryError, match="another spm send is at it"):
        send(outbox, server, clock)
    assert server.took == []


def full(*_: object) -> None:
    raise StoreError("the ledger cannot be used (disk is full)", mend="Free some space")


def test_nothing_leaves_that_could_not_be_written_down(
    outbox: Outbox, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = fill(outbox, 3)

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "handed", full)
        sent = send(outbox, server, clock)
    assert server.took == [] and isinstance(sent.stopped, StoreError)
    assert recipients(sent.waiting) == everybody
    assert send(outbox, server, clock).accepted == 3


def test_an_answer_that_could_not_be_written_down_is_unknown(
    outbox: Outbox, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = fill(outbox, 2)

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "settle", full)
        sent = send(outbox, server, clock)
    assert isinstance(sent.stopped, StoreError)
    assert recipients(sent.unknown) == server.took == everybody[:1]
    assert send(outbox, server, clock).accepted == 1
    assert server.took == everybody


def test_a_mistake_in_the_program_is_not_hidden(outbox: Outbox, server: Server, clock: Clock) -> None:
    fill(outbox, 2)

    def broken(_: Entry) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send(outbox, server, clock, progress=broken)
    # The lock is free again, and the signals are as they were.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert send(outbox, server, clock).accepted == 1


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_to_stop_gets_the_mail_in_hand_ended_and_the_rest_kept(
    outbox: Outbox, server: Server, clock: Clock, asked: signal.Signals
) -> None:
    everybody = fill(outbox, 5)
    before = signal.getsignal(asked)
    server.meanwhile = lambda recipient: os.kill(os.getpid(), asked) if recipient == everybody[2] else None

    def progress(mail: Entry) -> None:
        # Signals are taken between two steps of the main thread, which must have had its turn before the mail has ended.
        if mail.recipient == everybody[2]:
            eventually(lambda: signal.getsignal(asked) is before)

    sent = send(outbox, server, clock, progress=progress)
    assert sent.interrupted and sent.stopped is None
    assert server.took == everybody[:3] and recipients(sent.waiting) == everybody[3:]
    assert signal.getsignal(asked) is before


def test_who_asks_to_stop_does_not_wait_for_a_second_try(
    outbox: Outbox, server: Server, clock: Clock
) -> None:
    (busy,) = fill(outbox, 1)
    server.answers[busy] = ["busy"] * 9

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)

    sent = send(outbox, server, clock, sleep=sleep)
    assert sent.interrupted and clock.slept == 1 and recipients(sent.waiting) == [busy]


@pytest.mark.parametrize("a_minute", [30, 7])
def test_no_minute_sees_more_mails_than_it_may(
    outbox: Outbox, server: Server, clock: Clock, a_minute: int
) -> None:
    fill(outbox, 3 * a_minute)
    times: list[dt.datetime] = []
    server.meanwhile = lambda _: times.append(clock.now)
    assert send(outbox, server, clock, a_minute=a_minute).complete
    minute = 60 * SECOND - SECOND / 1000
    assert max(sum(start <= time < start + minute for time in times) for start in times) <= a_minute
    assert clock.slept == pytest.approx(60 * (3 * a_minute - 1) / a_minute)


def test_connections_share_one_pace(outbox: Outbox, server: Server, clock: Clock) -> None:
    fill(outbox, 21)
    assert send(outbox, server, clock, a_minute=7, connections=3).complete
    assert clock.slept == pytest.approx(60 * 20 / 7)


def test_a_clock_that_is_put_back_does_not_stop_the_pace(clock: Clock) -> None:
    slept: list[float] = []
    pace = Pace(30, clock=clock, sleep=slept.append)
    pace.wait()
    clock.now -= dt.timedelta(hours=5)
    pace.wait()
    assert slept == [2]


def test_time_that_sending_took_is_not_waited_for_again(clock: Clock) -> None:
    slept: list[float] = []
    pace = Pace(30, clock=clock, sleep=slept.append)
    for _ in range(3):
        pace.wait()
        clock.now += 5 * SECOND
    assert sum(slept) == 0


ANSWERS = st.sampled_from(["accept", "reject", "busy", "busy after", "drop before", "drop after"])


@given(st.lists(st.lists(ANSWERS, max_size=4), max_size=6), st.integers(1, 3), st.integers(0, 200))
@settings(max_examples=40)
def test_whatever_the_server_does_no_mail_is_lost_or_sent_twice(
    tmp_path_factory: pytest.TempPathFactory, answers: list[list[str]], connections: int, patience: int
) -> None:
    outbox, server, clock = Outbox(tmp_path_factory.mktemp("o") / "l.sqlite"), Server(), Clock()
    everybody = fill(outbox, len(answers))
    server.answers.update(zip(everybody, map(list, answers), strict=True))
    told: list[Entry] = []
    sent = send(
        outbox, server, clock, connections=connections, patience_seconds=patience, progress=told.append
    )
    assert len(server.took) == len(set(server.took)) == sent.accepted
    named = recipients((*sent.rejected, *sent.unknown, *sent.given_up, *sent.waiting))
    assert sorted([*server.took, *named]) == sorted(everybody)
    states = {mail.recipient: mail.state for mail in outbox.states()}
    assert {states[recipient] for recipient in server.took} <= {"accepted"}
    tried = {mail.recipient: mail.state for mail in told}
    # A server that keeps hanging up is left alone before all were tried.
    assert tried == {to: state for to, state in states.items() if to in tried}
    assert {mail.attempts for mail in outbox.states() if mail.recipient not in tried} <= {0}
    assert server.open_now == 0
    # Patience is spent on waiting alone, and never overdrawn.
    assert clock.slept <= patience
    ending = {"accept": "accepted", "reject": "rejected", "drop after": "unknown"}
    for recipient, planned in zip(everybody, answers, strict=True):
        end = next(ending[answer] for answer in [*planned, "accept"] if answer in ending)
        assert states[recipient] in (end, "waiting")
