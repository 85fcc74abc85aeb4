"""Previews: one mail of each report to one address, to look at it before its readers do."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from spm_lib.errors import DeliveryError, ParameterError, SpmError, one_line
from spm_lib.press.deliver.composing import Composer
from spm_lib.press.deliver.connection import Connection, open_connection
from spm_lib.press.deliver.delivery import Decisions
from spm_lib.press.deliver.dispatch import entries_of
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.message import message_id_of
from spm_lib.press.deliver.outcome import Outcome, PassingError
from spm_lib.press.deliver.pace import Pace
from spm_lib.press.recipients import is_address


def preview(
    decisions: Decisions,
    server: MailServer,
    reports: Path,
    address: str,
    *,
    clock: Callable[[], dt.datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[tuple[Entry, Outcome], ...]:
    """Send one mail of each report that would go out to one address; nothing of it is written down.

    Parameters
    ----------
    decisions
        See `spm_lib.press.deliver.delivery.decide`.
    server
        The mail server; its pace is kept.
    reports
        The folder of reports.
    address
        Who gets them.
    clock, sleep
        Give the time, aware, and wait for so many seconds.

    Returns
    -------
    tuple
        Each mail, and what came of it.

    Raises
    ------
    ParameterError
        Where the address is none.
    DeliveryError
        Where mail may not go to the address, or the server cannot be used.
    """
    if not is_address(address):
        raise ParameterError(
            f"'{one_line(address, 60)}' is no address, so nothing is sent",
            mend="Write the address alone, like jo@example.com",
        )
    if not decisions.directory.allows(address):
        raise DeliveryError(
            f"mail may not go to {address}: its domain is not among those allowed",
            mend="Add the domain to params/recipients.yml",
        )
    compose = Composer(reports, server, {decisions.spec.name: decisions.spec}, clock)
    pace = Pace(server.a_minute, clock=clock, sleep=sleep)
    found = []
    with _lines(server) as line:
        for entry in previews(decisions, server, address, moment=clock()):
            pace.wait()
            try:
                content = compose(entry)
            except SpmError as error:
                found.append((entry, Outcome("rejected", f"Not sent: {error}")))
                continue
            try:
                outcome = line().send(
                    content, sender=server.sender, recipient=address, before_last_dot=lambda: None
                )
            except PassingError as error:
                outcome = Outcome("retry", str(error))
            found.append((entry, outcome))
    return tuple(found)


@contextmanager
def _lines(server: MailServer) -> Iterator[Callable[[], Connection]]:
    """Give what gives a connection that is alive: the same one as long as it is."""
    with ExitStack() as opened:
        last = opened.enter_context(open_connection(server))

        def line() -> Connection:
            nonlocal last
            if not last.alive:
                last = opened.enter_context(open_connection(server))
            return last

        yield line


def previews(
    decisions: Decisions, server: MailServer, address: str, *, moment: dt.datetime
) -> tuple[Entry, ...]:
    """Give one mail of each report that goes out, to one address, with its readers in the subject.

    Each time they bear other names: a mail program shows one of a name alone.
    """
    first: dict[str, Entry] = {}
    readers: dict[str, list[str]] = {}
    for entry in entries_of(decisions.dispatches, server.domain):
        first.setdefault(entry.report, entry)
        readers.setdefault(entry.report, []).append(entry.recipient)
    return tuple(
        replace(
            entry,
            recipient=address,
            message_id=message_id_of(
                "preview", entry.message_id, address, moment.isoformat(), domain=server.domain
            ),
            headline=f"[For {', '.join(readers[report])}] {entry.headline}",
        )
        for report, entry in first.items()
    )
