"""Sending what waits in the outbox: over a few connections, at a pace, with patience, until a stop that loses nothing."""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Protocol, Self

from spm_lib.errors import DeliveryError, SpmError
from spm_lib.press.deliver.entry import Entry, State
from spm_lib.press.deliver.mail_register import held_back
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.outcome import Outcome, PassingError, reason_of
from spm_lib.press.deliver.pace import Pace
from spm_lib.press.deliver.patience import WAITS
from spm_lib.press.deliver.sent import Sent
from spm_lib.press.deliver.sole_sender import alone

#: How many mails are looked up at a time.
_ROUND = 500

#: How often in a row a connection may end on a mail before its server is left in peace for a while.
_HANG_UPS = 3

#: How many mails in a row may end as unknown: what befalls that many would befall all.
_UNKNOWN_IN_A_ROW = 10


class Line(Protocol):
    """An open connection to a mail server, see `spm_lib.press.deliver.connection.Connection`."""

    @property
    def alive(self) -> bool:
        """Whether it takes another mail."""

    def send(
        self, content: bytes, *, sender: str, recipient: str, before_last_dot: Callable[[], None]
    ) -> Outcome:
        """Send one message to one recipient."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def send_waiting(
    outbox: Outbox,
    compose: Callable[[Entry], bytes],
    connect: Callable[[], Line],
    *,
    sender: str,
    connections: int,
    a_minute: float | None,
    clock: Callable[[], dt.datetime],
    sleep: Callable[[float], None] = time.sleep,
    patience_seconds: float = 120.0,
    progress: Callable[[Entry], None] | None = None,
    held: Mapping[str, str] | None = None,
) -> Sent:
    """Send what waits in the outbox, and write down what becomes of it.

    Parameters
    ----------
    outbox
        The mails; one at a time sends from it.
    compose
        Gives a mail's message as it travels. What it raises ends this one mail, while a `PassingError` leaves it to the
        next call; called from several threads.
    connect
        Opens a connection. After a `PassingError` it is tried again; whatever else it raises stops the sending.
    sender
        The address that mails are sent from, to which a server returns what it cannot deliver.
    connections
        How many connections to have at most.
    a_minute
        How many mails a minute to send at most; None for no limit.
    clock
        Gives the time, aware.
    sleep
        Waits for so many seconds.
    patience_seconds
        How many seconds to spend, in all, on waiting for what may be tried again; the rest is for the next call.
    progress
        Called after each mail with what became of it, by one thread at a time.
    held
        Why the reports of a spec are held back, by its name: its mails to readers are not tried.

    Returns
    -------
    Sent
        After Ctrl-C or SIGTERM too: what was in hand is ended then, the rest waits. A second one ends the process.

    Raises
    ------
    DeliveryError
        Where another sender is at it.
    StoreError
        Where the ledger cannot be used from the start.
    """
    stop, held = threading.Event(), held or {}
    with alone(outbox.path), _stopping(stop):
        ended = [*outbox.recover(clock()), *outbox.expire(clock(), held)]
        sending = _Sending(outbox, compose, connect, sender, connections, clock, sleep, progress, stop, held)
        with outbox.at_hand():
            stopped = sending.run(a_minute, patience_seconds)
            try:
                # What an error left in hand.
                ended += [*sending.ended, *outbox.recover(clock())]
            except SpmError as error:
                stopped = stopped or error
        waiting = held_back(outbox.waiting(), held)
    return Sent(
        accepted=sending.accepted,
        rejected=_those(ended, "rejected"),
        unknown=_those(ended, "unknown"),
        given_up=_those(ended, "given_up"),
        waiting=waiting,
        stopped=stopped,
        interrupted=stop.is_set(),
    )


@dataclass
class _Sending:
    """The threads of one call, and what they tell each other."""

    outbox: Outbox
    compose: Callable[[Entry], bytes]
    connect: Callable[[], Line]
    sender: str
    connections: int
    clock: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    progress: Callable[[Entry], None] | None
    stop: threading.Event
    held: Mapping[str, str]
    accepted: int = 0
    ended: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._put_off: set[int | None] = set()
        self._unknown_in_a_row = 0
        self._troubles: list[BaseException] = []

    def run(self, a_minute: float | None, patience: float) -> SpmError | None:
        """Send round after round while there is something to try; give why it was stopped, None where it was not."""
        pace = Pace(a_minute, clock=self.clock, sleep=self._pause)
        fruitless = 0
        while not self.stop.is_set():
            now = self.clock()
            most = _ROUND + len(self._put_off)
            if due := self._others(self.outbox.waiting(now, most, without=self.held)):
                before = len(self.ended) + self.accepted
                unreached = self._round(due, pace)
                if self._troubles:
                    return self._first_trouble()
                if unreached is None:
                    continue
                fruitless = 0 if len(self.ended) + self.accepted > before else fruitless
                wait: float = WAITS[min(fruitless, len(WAITS) - 1)]
                fruitless += 1
            else:
                unreached = None
                left = self._others(self.outbox.waiting(without=self.held))
                times = [entry.next_try_at for entry in left if entry.next_try_at]
                if not times:
                    return None
                wait = (min(times) - now).total_seconds()
            if wait > patience:
                return unreached
            patience -= wait
            self._pause(wait)
        return None

    def _others(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Give those mails that are not put off to the next call."""
        return tuple(entry for entry in entries if entry.mail_id not in self._put_off)

    def _round(self, due: Sequence[Entry], pace: Pace) -> PassingError | None:
        """Try each mail once; give why some were left, where the server could not be reached or did not stay."""
        left = deque(due)
        unreached: list[PassingError] = []
        # A thread that waits for a server's last reply does not keep a process that was told twice to end.
        threads = [
            threading.Thread(
                target=self._guarded, args=(left, pace, unreached), name=f"mail-{number}", daemon=True
            )
            for number in range(min(self.connections, len(due)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return unreached[0] if unreached and left else None

    def _guarded(self, left: deque[Entry], pace: Pace, unreached: list[PassingError]) -> None:
        try:
            self._work(left, pace)
        except PassingError as error:
            unreached.append(error)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self._troubles.append(error)

    def _work(self, left: deque[Entry], pace: Pace) -> None:
        hang_ups = 0
        while left and self._going_on():
            with self.connect() as line:
                while line.alive and self._going_on() and (entry := _take(left)):
                    pace.wait()
                    if not self._going_on():
                        return
                    accepted = self._deliver(line, entry)
                    hang_ups = 0 if accepted or line.alive else hang_ups + 1
            if hang_ups >= _HANG_UPS:
                raise PassingError("the mail server keeps hanging up", mend="Try again later with: spm send")

    def _deliver(self, line: Line, entry: Entry) -> bool:
        """Send one mail, unless it is not waiting any more; give whether it was accepted."""
        claimed = self.outbox.claim(entry, self.clock())
        if claimed is None:
            return False
        try:
            content = self.compose(claimed)
        except PassingError as error:
            # Nothing that this call can wait for.
            with self._lock:
                self._put_off.add(claimed.mail_id)
            self._tell(self.outbox.settle(claimed, Outcome("retry", str(error)), self.clock()))
            return False
        except Exception as error:  # noqa: BLE001 - whatever keeps a mail from being made keeps no other
            self._tell(self.outbox.give_up(claimed, reason_of(error), self.clock()))
            return False
        outcome = line.send(
            content,
            sender=self.sender,
            recipient=claimed.recipient,
            before_last_dot=lambda: self.outbox.handed(claimed, self.clock()),
        )
        self._tell(self.outbox.settle(claimed, outcome, self.clock()))
        return outcome.state == "accepted"

    def _tell(self, entry: Entry) -> None:
        with self._lock:
            if entry.state == "accepted":
                self.accepted += 1
            elif entry.state != "waiting":
                self.ended.append(entry)
            self._unknown_in_a_row = self._unknown_in_a_row + 1 if entry.state == "unknown" else 0
            if self._unknown_in_a_row == _UNKNOWN_IN_A_ROW:
                self._troubles.append(
                    DeliveryError(
                        f"of the last {_UNKNOWN_IN_A_ROW} mails nobody knows whether they arrived",
                        mend="Ask whoever runs the mail server; then resolve them with: spm outbox",
                    )
                )
            if self.progress is not None:
                self.progress(entry)

    def _going_on(self) -> bool:
        return not (self.stop.is_set() or self._troubles)

    def _pause(self, seconds: float) -> None:
        """Sleep in short pieces: who asks to stop does not wait for the end of it."""
        while seconds > 0 and self._going_on():
            piece = min(seconds, 1.0)
            self.sleep(piece)
            seconds -= piece

    def _first_trouble(self) -> SpmError:
        for trouble in self._troubles:
            if not isinstance(trouble, SpmError):
                raise trouble
        first = self._troubles[0]
        assert isinstance(first, SpmError)
        return first


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM set `stop`; the second one of a kind does what it would have done."""
    # Signals are the main thread's: another one that sends cannot be asked this way.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def asked(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, asked)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take(left: deque[Entry]) -> Entry | None:
    try:
        return left.popleft()
    except IndexError:
        return None


def _those(entries: Sequence[Entry], state: State) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.state == state)
