"""Senders killed at any moment: by the server's own log no mail arrives twice, and none is lost without a word."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from spm_lib.press.deliver.outbox import Outbox

from .killing import CONNECTIONS, Senders, fill, killed_send, mail_server, now, verdict

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="senders are forked")

KILLS = 20
RECIPIENTS = 20


def test_killed_at_random_moments_no_mail_is_sent_twice_or_lost(tmp_path: Path) -> None:
    chance = random.Random()
    ledgers: list[Path] = []
    in_hand: list[int] = []
    handed: list[int] = []

    def filled() -> Path:
        ledgers.append(tmp_path / f"{len(ledgers)}.ledger.sqlite")
        fill(ledgers[-1], f"send-{len(ledgers)}", RECIPIENTS)
        return ledgers[-1]

    def undisturbed(senders: Senders, ledger: Path, port: int) -> float:
        begun = time.monotonic()
        assert not senders.send(ledger, port)
        return time.monotonic() - begun

    with mail_server(tmp_path) as server, Senders() as senders:
        took = min(undisturbed(senders, filled(), server.port) for _ in range(2))
        # Until kills struck some before the content left, and some after.
        while len(handed) < KILLS or not (sum(in_hand) and sum(handed)):
            assert len(ledgers) < 10 * KILLS
            most = max(1, KILLS - len(handed))
            kills = killed_send(senders, filled(), server.port, chance, most=most, within=took)
            in_hand += kills.in_hand
            handed += kills.handed
    found = verdict(ledgers, server.log)
    assert found.wrong == ()
    assert found.states.total() == RECIPIENTS * len(ledgers)
    # What the server hung up on after it took it, and of the kills only what was being handed over.
    assert 0 < found.states["unknown"] <= len(ledgers) + sum(handed)
    assert found.states["rejected"] == 2 * len(ledgers)


def test_where_nobody_is_killed_only_what_the_server_hung_up_on_is_unknown(tmp_path: Path) -> None:
    ledger = tmp_path / "l.ledger.sqlite"
    fill(ledger, "send", 20)
    with mail_server(tmp_path) as server, Senders() as senders:
        assert not senders.send(ledger, server.port)
    found = verdict([ledger], server.log)
    assert found.wrong == ()
    assert found.states == {"accepted": 17, "rejected": 2, "unknown": 1}
    assert found.arrived_unknown == 1
    # And a log that says otherwise is noticed.
    lines = server.log.read_text().splitlines(keepends=True)
    server.log.write_text("".join([lines[0], *lines, "<other@example.com> somebody@example.com\n"]))
    assert len(verdict([ledger], server.log).wrong) == 2
    server.log.write_text("")
    assert len(verdict([ledger], server.log).wrong) == 17


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_twice_to_stop_does_not_wait_for_a_server_that_says_no_more(
    tmp_path: Path, asked: signal.Signals
) -> None:
    outbox = Outbox(tmp_path / "l.ledger.sqlite")
    fill(outbox.path, "send", 6)
    with mail_server(tmp_path, ["dot:stall"]) as server, Senders() as senders:
        sender = senders.start(outbox.path, server.port)
        end = time.monotonic() + 60
        while sum(mail.state == "handed" for mail in outbox.states()) < CONNECTIONS:
            assert time.monotonic() < end
            time.sleep(0.02)
        os.kill(sender, asked)
        # The first time it waits for the server's word on what it has handed over.
        assert not senders.ended(within=2)
        os.kill(sender, asked)
        assert senders.exit_code() == -asked
    assert len(outbox.recover(now())) == CONNECTIONS
    assert [mail.state for mail in outbox.states()] == ["unknown"] * 3 + ["waiting"] * 3
