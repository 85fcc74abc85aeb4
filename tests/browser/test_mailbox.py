"""A report's mail through Debian's OpenSMTPD into a mailbox, read back and opened as its reader opens it."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import os
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from spm_lib.press.deliver.delivery import decide, deliver
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.shelf import listing
from spm_lib.press.spec import load_spec

from .shelves import TEAMS, Shelf

NOW = dt.datetime(2026, 8, 17, 6, tzinfo=dt.UTC)
_PROGRAM = shutil.which("smtpd", path="/usr/sbin:/usr/local/sbin")
_PATIENCE = 90


@dataclass
class Mailbox:
    """A folder that the mail server delivers everything to."""

    server: MailServer
    folder: Path

    def wait(self, count: int) -> list[EmailMessage]:
        until = time.monotonic() + _PATIENCE
        while len(files := sorted(self.folder.glob("new/*"))) < count and time.monotonic() < until:
            time.sleep(0.05)
        found = [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]
        return [each for each in found if isinstance(each, EmailMessage)]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    if _PROGRAM is None or os.geteuid() != 0:
        pytest.skip("OpenSMTPD runs as root only, and is installed with: make mailserver")
    # Of those that no system hands out by itself: one that was free a moment ago may be another server's by now.
    port = 20_000 + os.getpid() % 10_000
    # The server's own user must find its way to the mailbox.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        box = folder / "mailbox"
        box.mkdir()
        shutil.chown(box, "nobody", "nogroup")
        settings = folder / "smtpd.conf"
        settings.write_text(
            'table everybody { "@" = "nobody" }\n'
            f"listen on 127.0.0.1 port {port} hostname localhost\n"
            f'action "keep" maildir "{box}" virtual <everybody>\n'
            'match from any for any action "keep"\n'
        )
        running = subprocess.Popen(
            [_PROGRAM, "-d", "-f", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _listens(port)
            yield Mailbox(MailServer("localhost", port, "none", "reports@example.com", a_minute=None), box)
        finally:
            running.terminate()
            running.wait(_PATIENCE)


def _listens(port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            smtplib.SMTP("localhost", port, timeout=5).quit()
        except OSError:
            assert time.monotonic() < until, "the mail server did not start"
            time.sleep(0.05)
        else:
            return


def test_a_report_arrives_whole_and_is_read_without_a_network(
    shelves: tuple[Shelf, Shelf], demo_scored: Path, mailbox: Mailbox, browser: Browser, tmp_path: Path
) -> None:
    spec, reports = load_spec(TEAMS), shelves[0].folder / "reports"
    of_team = [
        e for e in listing(reports)[0] if (e.record.spec, e.record.team) == (spec.name, "emea-enterprise")
    ]
    run = max(of_team, key=lambda each: each.record.as_of)
    ledger = tmp_path / "ledger.sqlite"
    decisions = decide(spec, demo_scored, reports, ledger, today=run.record.as_of, as_of=run.record.as_of)
    found = deliver(
        decisions, mailbox.server, {spec.name: spec}, reports, ledger, clock=lambda: NOW, today=run.record.as_of,
        environ={},
    )  # fmt: skip
    assert found.sent.accepted >= 1 and not found.sent.rejected and not found.sent.unknown
    (mail,) = [
        each for each in mailbox.wait(found.sent.accepted) if "EMEA Enterprise" in str(each["Subject"])
    ]
    body = mail.get_body(("html",))
    assert body is not None and run.record.published is not None
    html = str(body.get_content())
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert pictures
    for number, part in enumerate(pictures):
        (tmp_path / f"{number}.png").write_bytes(part.get_content())
        html = html.replace("cid:" + str(part["Content-ID"]).strip("<> "), f"{number}.png")
    (tmp_path / "mail.html").write_text(html, "utf-8")
    (attached,) = mail.iter_attachments()
    (tmp_path / str(attached.get_filename())).write_bytes(str(attached.get_content()).encode())
    context = browser.new_context(viewport={"width": 700, "height": 900}, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "mail.html").as_uri())
    assert page.locator("h1").inner_text() == run.record.published.headline
    drawn = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 0)")
    assert drawn == [True] * len(pictures)
    page.goto((tmp_path / str(attached.get_filename())).as_uri())
    assert page.locator("h1").first.inner_text() == run.record.published.headline
    context.close()
