"""Sends mails with a report attached in a process of its own, and prints what it took; a part of `delivery.py`."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import time
from pathlib import Path

import psutil

from spm_lib.press.deliver.attachments import Attachment, attachment_of
from spm_lib.press.deliver.connection import open_connection
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.message import Envelope, body_of
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.report_mail import report_mail
from spm_lib.press.deliver.sending import send_waiting
from spm_lib.press.records import read_record
from spm_lib.press.shelf import Shelved

CONNECTIONS = 3
FIRST = 200  # mails after which memory should have settled
MARGIN = 50  # memory is the middle of what was seen over so many mails


def main() -> None:
    """Fill an outbox and send it."""
    port, ledger, page, mails = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    server = MailServer("127.0.0.1", port, "none", "reports@example.com", a_minute=None)
    record = page.with_suffix(".json")
    mail, _ = report_mail(Shelved(record, read_record(record)))
    outbox = Outbox(ledger)
    outbox.add([entry(number) for number in range(mails)], now=now())
    sizes: list[int] = []

    def compose(each: Entry) -> bytes:
        attached = attachment_of(page, name="report", limit_mb=server.attachment_mb)
        assert isinstance(attached, Attachment)
        envelope = Envelope(server.sender, each.recipient, each.headline, each.message_id, each.spec, now())
        content = body_of(mail, [attached]).to(envelope)
        sizes.append(len(content))
        return content

    process = psutil.Process()
    memory: list[int] = []
    begun, used = time.perf_counter(), time.process_time()
    sent = send_waiting(
        outbox,
        compose,
        lambda: open_connection(server),
        sender=server.sender,
        connections=CONNECTIONS,
        a_minute=server.a_minute,
        clock=now,
        progress=lambda _: memory.append(process.memory_info().rss),
    )
    seconds = time.perf_counter() - begun
    assert sent.complete and sent.accepted == mails, sent.stopped or sent
    told = {
        "seconds": seconds,
        "processor_seconds": time.process_time() - used,
        "size": statistics.fmean(sizes),
        "memory_at_first": statistics.median(memory[FIRST : FIRST + MARGIN] or memory),
        "memory_at_end": statistics.median(memory[-MARGIN:]),
    }
    print(json.dumps(told))


def entry(number: int) -> Entry:
    """Give a mail of its own subject and recipient."""
    return Entry(
        kind="report",
        spec="team_performance",
        subject=f"team-{number}",
        period="2026-Q4",
        as_of=dt.date(2026, 11, 1),
        revision=1,
        recipient=f"leader-{number}@example.com",
        message_id=f"<{number}@example.com>",
        headline="On track",
        report="",
    )


def now() -> dt.datetime:
    """Give the time."""
    return dt.datetime.now(dt.UTC)


if __name__ == "__main__":
    main()
