"""A mail in the outbox: what it is, how far it is, and its row in the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, Literal

from spm_lib.errors import one_line

Kind = Literal["report", "notice", "owner", "chat"]
State = Literal["waiting", "sending", "handed", "accepted", "rejected", "unknown", "given_up", "cancelled"]

#: Mails to a report's readers; the others are its owner's, and notices in chats.
TO_READERS: tuple[Kind, ...] = ("report", "notice")

#: What is of a report: mails to its readers, and notices in chats.
ABOUT_REPORTS: tuple[Kind, ...] = (*TO_READERS, "chat")

#: What a sender is about; after a kill, what it was about.
IN_HAND: tuple[State, ...] = ("sending", "handed")

#: What a reader has, or may have: a mail that was rejected or given up told nobody anything.
REACHED: tuple[State, ...] = ("waiting", "sending", "handed", "accepted", "unknown")

#: Ends after which a mail certainly has not reached anybody, and is not tried again by itself.
NOT_TAKEN: tuple[State, ...] = ("rejected", "given_up")

#: Ends of which an owner has to hear.
ENDED_BADLY: tuple[State, ...] = (*NOT_TAKEN, "unknown")


@dataclass(frozen=True)
class Entry:
    """One mail to one recipient.

    Parameters
    ----------
    kind
        ``report``, ``notice`` (that there is nothing to report), ``owner`` (the digest of failures and holds) or ``chat``.
    spec, subject, period, as_of, revision
        What it is about: the spec's name, the file name of the team or rep, the period's label, the day that the report
        speaks of; a corrected report has a higher revision.
    recipient
        One address; of a chat, the environment variable that holds it.
    message_id
        With its angle brackets; of that key, so that a mail which was sent twice would bear it twice.
    headline
        What the report says in one sentence.
    report
        Path of the report's page, in the folder of reports; empty where there is none.
    body
        Of a report, a notice or a chat, what it was decided of, see `spm_lib.press.deliver.basis.Basis`: the report itself
        is its text. Of an owner's mail, the digest.
    mail_id
        None until it is written down.
    state, reply
        How far it is, and what the server, or the reason, last said. What a person ``cancelled`` is not sent.
    attempts
        How often it was tried to an end.
    next_try_at
        When it may be tried again; None for at once.
    made_at, changed_at
        When it was written down, and when its state last changed; None until it is written down.
    """

    kind: Kind
    spec: str
    subject: str
    period: str
    as_of: dt.date
    revision: int
    recipient: str
    message_id: str
    headline: str
    report: str
    body: str | None = None
    mail_id: int | None = None
    state: State = "waiting"
    reply: str = ""
    attempts: int = 0
    next_try_at: dt.datetime | None = None
    made_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None

    @property
    def name(self) -> str:
        """What the mail is called where a person reads of it."""
        return one_line(f"{self.spec}, {self.subject}, {self.period} to {self.recipient}", 160)


#: The columns of the ledger's table `mails`, in the order of `entry_of`.
COLUMNS = tuple(field.name for field in fields(Entry))

_DAYS, _TIMES = ("as_of",), ("next_try_at", "made_at", "changed_at")


def row_of(entry: Entry) -> dict[str, Any]:
    """Give what the ledger holds of a mail, by column."""
    row = {name: getattr(entry, name) for name in COLUMNS}
    row |= {name: row[name].isoformat() for name in _DAYS}
    return row | {name: time_text(row[name]) for name in _TIMES if row[name] is not None}


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Give the mail of a row with the columns `COLUMNS`."""
    told = dict(zip(COLUMNS, row, strict=True))
    told |= {name: dt.date.fromisoformat(told[name]) for name in _DAYS}
    return Entry(**told | {name: dt.datetime.fromisoformat(told[name]) for name in _TIMES if told[name]})


def marks(values: Collection[object]) -> str:
    """Give the marks that stand for so many values in a statement."""
    return ", ".join("?" * len(values))


def time_text(moment: dt.datetime) -> str:
    """Give an aware time so that the texts of two times are in the order of the times."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")
