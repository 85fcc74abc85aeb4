"""Senders that are killed in the middle of it, and what the server's own log says of that; for a test and a benchmark.

As a program it starts senders, one after the other: for each line with a port and a ledger's path on its input it forks one,
prints the process id, and when that has ended its exit code. All has been imported by then, so that kills strike the work.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import select
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from smtp_servers import accepted

from spm_lib.press.deliver.connection import open_connection
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.sending import send_waiting

RECIPIENTS = 60
CONNECTIONS = 3

#: The server rejects some recipients, and hangs up on others when it has taken their mail.
FAULTS = ("rcpt:550:*:gone-*", "dot:drop:*:lost-*")

#: Seconds that each step of the server takes at most, drawn by chance.
DELAY = 0.02

#: Seconds after its start within which a sender is killed: about as long as all mails take.
KILLED_WITHIN = 1.2


@dataclass(frozen=True)
class Server:
    """A mail server in a process of its own."""

    port: int
    log: Path


@contextmanager
def mail_server(folder: Path, faults: Sequence[str] = FAULTS) -> Iterator[Server]:
    """Have a server with these faults; what it logged stays."""
    log = folder / "accepted.txt"
    program = [sys.executable, str(Path(__file__).with_name("smtp_servers.py"))]
    options = ["--log", str(log), "--delay", str(DELAY), *(f"--fault={fault}" for fault in faults)]
    process = subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Server(int(process.stdout.readline()), log)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def fill(ledger: Path, name: str, recipients: int) -> None:
    """Write mails down: most are wanted, a tenth is rejected, of a twentieth nobody hears whether they arrived."""
    kinds = ["gone" if n % 10 == 3 else "lost" if n % 20 == 7 else "wanted" for n in range(recipients)]
    Outbox(ledger).add(
        [
            Entry(
                kind="report",
                spec="team_performance",
                subject=f"team-{number}",
                period="2026-Q4",
                as_of=dt.date(2026, 11, 1),
                revision=1,
                recipient=f"{kind}-{number}@example.com",
                message_id=f"<{name}.{number}@example.com>",
                headline="On track",
                report="",
            )
            for number, kind in enumerate(kinds)
        ],
        now=now(),
    )


class Senders:
    """The program that starts senders; a context manager."""

    def __enter__(self) -> Senders:
        self._program = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._program.communicate(timeout=60)

    def start(self, ledger: Path, port: int) -> int:
        """Have a sender at work; give its process id."""
        assert self._program.stdin is not None and self._program.stdout is not None
        self._program.stdin.write(f"{port} {ledger}\n".encode())
        return int(self._program.stdout.readline())

    def ended(self, within: float) -> bool:
        """Wait some seconds for the sender, and tell whether it has ended."""
        return bool(select.select([self._program.stdout], [], [], within)[0])

    def exit_code(self) -> int:
        """Wait for the sender; give its exit code, or the negative number of the signal that ended it."""
        assert self._program.stdout is not None
        return int(self._program.stdout.readline())

    def send(self, ledger: Path, port: int, *, kill_after: float | None = None) -> bool:
        """Have a sender at work, and kill it after some seconds; give whether it was killed before it had ended."""
        sender = self.start(ledger, port)
        if kill_after is not None and not self.ended(kill_after):
            os.kill(sender, signal.SIGKILL)
        code = self.exit_code()
        assert code in (0, -signal.SIGKILL), f"the sender ended with {code}"
        return code != 0


@dataclass(frozen=True)
class Kills:
    """What the kills of one send found: how many mails were in hand and being handed over, kill by kill."""

    in_hand: tuple[int, ...]
    handed: tuple[int, ...]


def killed_send(
    senders: Senders, ledger: Path, port: int, chance: random.Random, *, most: int, within: float
) -> Kills:
    """Send all that waits, killing one sender after the other at moments of chance until one gets through."""
    in_hand, handed = [], []
    while len(handed) < most and senders.send(ledger, port, kill_after=chance.uniform(0, within)):
        found = Counter(mail.state for mail in Outbox(ledger).states())
        in_hand.append(found["sending"])
        handed.append(found["handed"])
    if len(handed) == most:
        assert not senders.send(ledger, port)
    return Kills(tuple(in_hand), tuple(handed))


@dataclass(frozen=True)
class Verdict:
    """What became of all mails, by their own states and by the server's log."""

    states: Counter[str]
    arrived_unknown: int
    wrong: tuple[str, ...]


def verdict(ledgers: Sequence[Path], log: Path) -> Verdict:
    """Set what the outboxes say beside what the server accepted; to be called when the server has ended."""
    arrivals = Counter(accepted(log))
    states: Counter[str] = Counter()
    arrived_unknown = 0
    wrong = []
    for ledger in ledgers:
        for mail in Outbox(ledger).states():
            times = arrivals.pop((mail.message_id, mail.recipient), 0)
            states[mail.state] += 1
            arrived_unknown += times if mail.state == "unknown" else 0
            possible = {"accepted": (1,), "rejected": (0,), "unknown": (0, 1)}.get(mail.state, ())
            if times not in possible:
                wrong.append(f"{mail.message_id} is {mail.state} and was accepted {times} times")
    wrong += [f"{message_id} is in no outbox" for message_id, _ in arrivals]
    return Verdict(states, arrived_unknown, tuple(wrong))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def compose(mail: Entry) -> bytes:
    """Give a small mail that is large enough not to go into one packet."""
    head = f"From: reports@example.com\r\nTo: {mail.recipient}\r\nMessage-ID: {mail.message_id}\r\n"
    return f"{head}Subject: {mail.subject}\r\n\r\n{('figures ' * 9 + chr(13) + chr(10)) * 2000}".encode()


def send_all(ledger: Path, port: int) -> None:
    server = MailServer("127.0.0.1", port, "none", "reports@example.com")
    sent = send_waiting(
        Outbox(ledger),
        compose,
        lambda: open_connection(server),
        sender=server.sender,
        connections=CONNECTIONS,
        a_minute=None,
        clock=now,
    )
    assert sent.stopped is None and not sent.waiting, json.dumps([str(sent.stopped), len(sent.waiting)])


def main() -> None:
    sender = 0
    for line in sys.stdin:
        if sender:
            os.waitpid(sender, 0)
        port, _, ledger = line.rstrip("\n").partition(" ")
        sender = os.fork()
        if sender == 0:
            code = 1
            try:
                send_all(Path(ledger), int(port))
                code = 0
            except Exception:  # noqa: BLE001 - told, and the exit code says it too
                traceback.print_exc()
            os._exit(code)
        print(sender, flush=True)
        # Told while its process id is still its own: a kill that comes a moment too late strikes nobody.
        ended = os.waitid(os.P_PID, sender, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        print(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status, flush=True)


if __name__ == "__main__":
    main()
