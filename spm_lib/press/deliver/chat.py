"""Notices in chats: headline and address of a report, through Apprise, which knows Slack, Teams and others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from spm_lib.errors import DeliveryError, one_line
from spm_lib.press.deliver.dispatch import Dispatch
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.message import message_id_of
from spm_lib.press.deliver.outbox import Outbox, alone
from spm_lib.press.deliver.outcome import Outcome

_LONGEST = 1000


@dataclass(frozen=True)
class Notice:
    """What a chat is told of a report.

    Parameters
    ----------
    title, text
        Its subject line, and its headline with the address of the page, if there is one.
    """

    title: str
    text: str


#: Tells a notice to the chat behind an address; False where the chat did not take it.
Tell = Callable[[str, Notice], bool]


def chat_entries(dispatches: Iterable[Dispatch], chats: Iterable[str], domain: str) -> tuple[Entry, ...]:
    """Give the notices of what goes out: one for each report and chat.

    Parameters
    ----------
    dispatches
        What becomes of each report.
    chats
        Names of the environment variables that hold the chats' addresses.
    domain
        The sender's, for the notices' names.
    """
    named = tuple(chats)
    return tuple(
        Entry(
            kind="chat",
            spec=each.job.spec,
            subject=each.subject,
            period=each.job.period,
            as_of=each.job.as_of,
            revision=each.revision,
            recipient=name,
            message_id=message_id_of(
                *("chat", each.job.spec, each.subject, each.job.period, each.job.as_of, each.revision, name),
                domain=domain,
            ),
            headline=each.subject_line,
            report=each.report,
            body=each.run.record.published.headline if each.run and each.run.record.published else None,
        )
        for each in dispatches
        if each.word == "send"
        for name in named
    )


def tell_chats(
    outbox: Outbox,
    environ: Mapping[str, str],
    reports_url: str | None,
    *,
    clock: Callable[[], dt.datetime],
    tell: Tell | None = None,
) -> tuple[Entry, ...]:
    """Tell the notices that wait, and give what became of each.

    Parameters
    ----------
    outbox
        The outbox; nobody else sends from it meanwhile.
    environ
        Where the chats' addresses stand.
    reports_url
        Address under which the folder of reports is served; None where it is not.
    clock
        Gives the time, aware.
    tell
        Tells a chat; by default Apprise does.

    Raises
    ------
    DeliveryError
        Where another sender is at it, or Apprise is not installed.
    """
    if not outbox.waiting(clock(), chats=True):
        return ()
    tell = tell or _apprise()
    found = []
    with alone(outbox.path):
        for entry in outbox.waiting(clock(), chats=True):
            claimed = outbox.claim(entry, clock())
            if claimed is None:
                continue
            address = environ.get(entry.recipient, "").strip()
            if not address:
                found.append(outbox.give_up(claimed, f"{entry.recipient} is not set", clock()))
                continue
            outbox.handed(claimed, clock())
            outcome = _told(tell, address, _notice(entry, reports_url))
            found.append(outbox.settle(claimed, outcome, clock()))
    return tuple(found)


def _told(tell: Tell, address: str, notice: Notice) -> Outcome:
    try:
        taken = tell(address, notice)
    except Exception as error:  # noqa: BLE001 - whatever it is, one chat keeps nothing from the others, nor from the owner
        # Its words may hold the chat's address, which is a secret.
        return Outcome("unknown", f"telling the chat ended with {type(error).__name__}")
    # It says neither why the chat took nothing nor whether it will: tried again later, it may be told twice.
    return Outcome("accepted") if taken else Outcome("rejected", "the chat did not take it")


def _notice(entry: Entry, reports_url: str | None) -> Notice:
    link = f"\n{reports_url.rstrip('/')}/{quote(entry.report)}" if reports_url else ""
    return Notice(one_line(entry.headline, 200), one_line(entry.body or "", _LONGEST) + link)


def _apprise() -> Tell:
    try:
        import apprise
    except ImportError:
        raise DeliveryError(
            "the package apprise is not installed, so no chat can be told",
            mend="Install it: pip install 'spm-lib[chat]'",
        ) from None

    def tell(address: str, notice: Notice) -> bool:
        room = apprise.Apprise()
        if not room.add(address):
            return False
        # As plain text: what a name of the CRM looks like in a chat's own marks is nobody's business here.
        return bool(room.notify(title=notice.title, body=notice.text, body_format=apprise.NotifyFormat.TEXT))

    return tell
