"""Notices in chats: headline and address of a report, through Apprise, which knows Slack, Teams and others."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from spm_lib.errors import DeliveryError, one_line
from spm_lib.press.deliver.basis import Basis
from spm_lib.press.deliver.dispatch import Dispatch
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_register import held_back
from spm_lib.press.deliver.message import message_id_of
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.outcome import Outcome, PassingError, reason_of
from spm_lib.press.deliver.sole_sender import alone
from spm_lib.press.records import RunRecord

_LONGEST = 1000

#: Signs by which links and calls to everybody begin in Slack, Teams and Discord, and what stands in their place.
_LOOK_ALIKE = str.maketrans({"<": "\u2039", ">": "\u203a", "[": "(", "]": ")", "@": "\uff20"})

#: Where an address of the web, or a coded sign, would be read: a blank without width goes behind it.
_ADDRESS = re.compile(r":(?=//)|(?<=\w)\.(?=[^\W\d_])|&(?=#?\w+;)")


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
            body=Basis.of(each.run.record).model_dump_json() if each.run else None,
        )
        for each in dispatches
        if each.word == "send" and each.recorded
        for name in named
    )


def tell_chats(
    outbox: Outbox,
    look_up: Callable[[Entry], RunRecord],
    environ: Mapping[str, str],
    reports_url: str | None,
    *,
    clock: Callable[[], dt.datetime],
    tell: Tell | None = None,
    held: Mapping[str, str] | None = None,
) -> tuple[Entry, ...]:
    """Tell the notices that wait, and give what became of each.

    Parameters
    ----------
    outbox
        The outbox; nobody else sends from it meanwhile.
    look_up
        Gives the report of which a chat is told. What it raises ends this one notice, while a `PassingError` leaves it to
        the next call.
    environ
        Where the chats' addresses stand.
    reports_url
        Address under which the folder of reports is served; None where it is not.
    clock
        Gives the time, aware.
    tell
        Tells a chat; by default Apprise does.
    held
        Why the reports of a spec are held back, by its name: no chat is told of them.

    Raises
    ------
    DeliveryError
        Where another sender is at it, or Apprise is not installed.
    """
    held = held or {}
    waiting = outbox.waiting(clock(), chats=True)
    found = [each for each in held_back(waiting, held) if each.spec in held]
    if len(found) == len(waiting):
        return tuple(found)
    tell = tell or _apprise()
    with alone(outbox.path):
        for entry in outbox.waiting(clock(), chats=True, without=held):
            claimed = outbox.claim(entry, clock())
            if claimed is None:
                continue
            address = environ.get(entry.recipient, "").strip()
            if not address:
                found.append(outbox.give_up(claimed, f"{entry.recipient} is not set", clock()))
                continue
            try:
                notice = _notice(claimed, look_up(claimed), reports_url)
            except PassingError as error:
                found.append(outbox.settle(claimed, Outcome("retry", str(error)), clock()))
                continue
            except Exception as error:  # noqa: BLE001 - whatever keeps a notice from being made keeps no other
                found.append(outbox.give_up(claimed, reason_of(error), clock()))
                continue
            outbox.handed(claimed, clock())
            found.append(outbox.settle(claimed, _told(tell, address, notice), clock()))
    return tuple(found)


def _told(tell: Tell, address: str, notice: Notice) -> Outcome:
    try:
        taken = tell(address, notice)
    except Exception as error:  # noqa: BLE001 - whatever it is, one chat keeps nothing from the others, nor from the owner
        # Its words may hold the chat's address, which is a secret.
        return Outcome("unknown", f"telling the chat ended with {type(error).__name__}")
    # It says neither why the chat took nothing nor whether it will: tried again later, it may be told twice.
    return Outcome("accepted") if taken else Outcome("rejected", "the chat did not take it")


def _notice(entry: Entry, record: RunRecord, reports_url: str | None) -> Notice:
    link = f"\n{reports_url.rstrip('/')}/{quote(entry.report)}" if reports_url else ""
    said = record.published.headline if record.published else ""
    return Notice(defused(one_line(entry.headline, 200)), defused(one_line(said, _LONGEST)) + link)


def defused(text: str) -> str:
    """Give text that no chat takes for a link, for a call to somebody or for a mark of its own.

    What a name in the CRM says must not ring in a room or lead out of it. Each program has marks and ways to escape them of
    its own, and Apprise escapes for some alone: so signs that begin a mark give way to others that look alike.
    """
    return _ADDRESS.sub("\\g<0>\u200b", text.translate(_LOOK_ALIKE))


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
