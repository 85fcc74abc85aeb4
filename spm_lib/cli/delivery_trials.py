"""Trials of a sending, by which no reader gets anything: mails as files, and mails to one address."""

from __future__ import annotations

import datetime as dt
import os
import re
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from spm_lib import terminal
from spm_lib.cli.delivery_gates import shut_aloud
from spm_lib.cli.delivery_tables import show_decisions, show_previews
from spm_lib.cli.options import now
from spm_lib.cli.project import today_of
from spm_lib.errors import DeliveryError, SpmError
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.deliver.delivery import Decisions
    from spm_lib.press.deliver.mail_server import MailServer
    from spm_lib.press.spec import Spec

#: How a mail's file ends.
_NUMBERED = re.compile(r".*-[0-9]{3,}\.eml")


def write_mails(
    spec: Path,
    settings: Settings,
    into: Path | None,
    *,
    day: dt.date | None,
    resend: bool,
    json: bool,
) -> int:
    """Write the mails as files and show who would get what; give the exit code.

    Parameters
    ----------
    spec, settings, day, resend, json
        See `spm_lib.cli.delivery.send_reports`.
    into
        The folder. What an earlier trial has left in it goes.

    Raises
    ------
    DeliveryError
        Where no file can be written there.
    """
    from spm_lib.press.deliver.composing import Composer
    from spm_lib.press.deliver.dispatch import entries_of
    from spm_lib.press.spec import load_spec

    content = load_spec(spec)
    server = _server_or_none(settings)
    decisions = _decided(content, settings, server, day=day, resend=resend)
    composer = Composer(settings.reports, server, {content.name: content}, now)
    folder = into or settings.root / "out" / "mails" / content.name
    written, failed = 0, 0
    try:
        _emptied(folder)
        for number, entry in enumerate(entries_of(decisions.dispatches, server.domain), 1):
            name = "-".join((entry.subject, entry.period, f"{number:03d}")) + ".eml"
            try:
                message = composer(entry)
            except SpmError as error:
                terminal.complain(f"{entry.name}: {error}")
                failed += 1
                continue
            (folder / name.replace("/", "-")).write_bytes(message)
            written += 1
    except OSError as error:
        raise DeliveryError(
            f"the mails cannot be written there ({error.strerror or error})",
            where=str(folder),
            mend="Name a folder that can be written, with --into",
        ) from error
    show_decisions(decisions, json=json)
    if not json:
        terminal.say(f"Nothing was sent. {written} mails as files: {folder}")
    return 1 if failed or _is_held(decisions) else 0


def send_previews(
    spec: Path, settings: Settings, address: str, *, day: dt.date | None, resend: bool, json: bool
) -> int:
    """Send one mail of each report to one address; give the exit code. Parameters as of `write_mails`.

    Raises
    ------
    ParameterError
        Where the address is none.
    """
    from spm_lib.press.deliver.mail_server import MailServer
    from spm_lib.press.deliver.preview import preview
    from spm_lib.press.spec import load_spec

    content = load_spec(spec)
    server = MailServer.from_environment(os.environ, settings.root / ".env")
    decisions = _decided(content, settings, server, day=day, resend=resend)
    outcomes = preview(decisions, server, settings.reports, address, clock=now)
    show_previews(decisions, outcomes, json=json)
    return 0 if all(outcome.state == "accepted" for _, outcome in outcomes) else 1


def _decided(
    spec: Spec, settings: Settings, server: MailServer, *, day: dt.date | None, resend: bool
) -> Decisions:
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.delivery import decide

    today = today_of(spec, now())
    return decide(
        spec,
        settings.store,
        settings.reports,
        ledger_path(settings.store),
        today=today,
        as_of=day,
        shut=shut_aloud(spec, settings, today=day or today, keep=False),
        resend=resend,
        linked=server.reports_url is not None,
    )


def _is_held(decisions: Decisions) -> bool:
    return bool(decisions.shut) or any(each.word == "hold" for each in decisions.dispatches)


def _server_or_none(settings: Settings) -> MailServer:
    """Give the mail server or, where the settings name none, what stands for it: nothing is sent."""
    from spm_lib.press.deliver.mail_server import REPORTS_URL, MailServer, settings_said

    file = settings.root / ".env"
    try:
        return MailServer.from_environment(os.environ, file)
    except DeliveryError:
        linked = settings_said(os.environ, file).get(REPORTS_URL) or None
        return MailServer("localhost", 25, "none", "reports@localhost", reports_url=linked)


def _emptied(folder: Path) -> None:
    """Make a folder, and take out of it the mails that an earlier trial wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.eml"):
        if _NUMBERED.fullmatch(path.name):
            with path.open("rb") as file:
                headers = BytesHeaderParser().parse(file)
            if headers["Auto-Submitted"] == "auto-generated" and headers["List-Id"]:
                path.unlink()
