"""The outbox: every mail is written down before anything of it leaves, and what became of it after.

A mail is `waiting`, then `sending` while a connection is about it, and `handed` from the moment before its content leaves.
What ends in between is told apart by that: what was `sending` has not left and is sent again, what was `handed` may have
arrived and is `unknown`, which is never sent again unless a person says so.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spm_lib.data.ledger_file import BUSY_SECONDS, LedgerFile
from spm_lib.errors import DeliveryError, UnknownNameError, one_line
from spm_lib.press.deliver.dispatch_ledger import Decided, write_decisions
from spm_lib.press.deliver.entry import (
    ABOUT_REPORTS,
    COLUMNS,
    Entry,
    State,
    marks,
    row_of,
    time_text,
)
from spm_lib.press.deliver.mail_register import MailRegister, held_back, selected
from spm_lib.press.deliver.outcome import Outcome
from spm_lib.press.deliver.patience import LONGEST, ended, given_up, tried_again

Verdict = Literal["accepted", "again", "cancel"]

#: What is written of a mail anew where it waits again, and what changes on its way.
_WRITTEN = ("headline", "report", "body")
_CHANGING = ("state", "reply", "attempts", "next_try_at", "made_at", "changed_at")

#: Which mails a person may settle how, and how that is said of others.
_SETTLED: dict[Verdict, tuple[tuple[State, ...], str]] = {
    "accepted": (("unknown",), "only an unknown one can have arrived after all"),
    "again": (
        ("unknown", "rejected", "given_up", "cancelled"),
        "only one that is unknown, rejected, given up or cancelled can be sent again",
    ),
    "cancel": (("waiting",), "only one that waits can be cancelled"),
}

#: SQLite knows no larger number.
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Outbox(MailRegister):
    """The mails in the ledger at a path; each call is one transaction.

    Notes
    -----
    Whoever sends holds `alone` meanwhile; adding, looking and resolving need no lock. Times are aware. Every method raises
    `StoreError` where the ledger cannot be used.
    """

    def add(
        self, entries: Iterable[Entry], *, now: dt.datetime, decided: Iterable[Decided] = ()
    ) -> tuple[Entry, ...]:
        """Write mails down as waiting; of the same key, what was or may be taken stands as it is.

        Parameters
        ----------
        entries
            The mails. One that was rejected, given up or cancelled waits again, as it is written now. Where they are of a
            corrected report, what waits of its lower revisions is cancelled: nobody is sent both.
        now
            When this is.
        decided
            The decisions by which they go out, kept with them or not at all.

        Returns
        -------
        tuple of Entry
            Those that wait now and did not, with their ids.
        """
        names = [name for name in COLUMNS if name != "mail_id"]
        key = "kind, spec, subject, period, as_of, revision, recipient"
        anew = ", ".join(f"{name} = excluded.{name}" for name in (*_WRITTEN, *_CHANGING))
        insert = (
            f"insert into mails ({', '.join(names)}) values ({', '.join('?' * len(names))}) on conflict ({key}) "
            f"do update set {anew} where state in ('rejected', 'given_up', 'cancelled') returning mail_id, message_id"
        )
        new, added = [], tuple(entries)
        with self.writing() as connection:
            write_decisions(connection, decided)
            _replace_lower(connection, added, now)
            for entry in added:
                fresh = replace(
                    entry,
                    state="waiting",
                    reply="",
                    attempts=0,
                    next_try_at=None,
                    made_at=now,
                    changed_at=now,
                )
                row = row_of(fresh)
                done = connection.execute(insert, [row[name] for name in names]).fetchall()
                new += [replace(fresh, mail_id=number, message_id=name) for number, name in done]
        return tuple(new)

    def claim(self, entry: Entry, now: dt.datetime) -> Entry | None:
        """Take a waiting mail in hand; None where it is not waiting any more."""
        with _Unhurried(self.path).writing() as connection:
            for current in selected(connection, "where mail_id = ? and state = 'waiting'", (entry.mail_id,)):
                return _write(connection, replace(current, state="sending", next_try_at=None, changed_at=now))
        return None

    def handed(self, entry: Entry, now: dt.datetime) -> None:
        """Write down, durably, that the content is about to leave.

        Parameters
        ----------
        entry
            The mail as `claim` gave it.
        now
            When this is.

        Raises
        ------
        DeliveryError
            Where the mail is not in hand, or in another's: nothing of it may leave then.
        """
        with self.writing() as connection:
            current = _in_hand(connection, entry, ("sending",))
            # A sender that was broken off may still be about it when the next one has taken it.
            if current.changed_at != entry.changed_at:
                raise _not_in_hand(entry)
            _write(connection, replace(current, state="handed", changed_at=now))

    def settle(self, entry: Entry, outcome: Outcome, now: dt.datetime) -> Entry:
        """Write down what became of a mail in hand.

        Parameters
        ----------
        entry
            The mail.
        outcome
            See `spm_lib.press.deliver.outcome.Outcome`; after ``retry`` it waits again, or is given up.
        now
            When this is.

        Returns
        -------
        Entry
            The mail as it is now.

        Raises
        ------
        DeliveryError
            Where the mail is not in hand.
        """
        with _Unhurried(self.path).writing() as connection:
            current = _in_hand(connection, entry, ("sending", "handed"))
            tried = replace(
                current, reply=one_line(outcome.reply), attempts=current.attempts + 1, changed_at=now
            )
            return _write(
                connection,
                tried_again(tried, now) if outcome.state == "retry" else ended(tried, outcome.state),
            )

    def give_up(self, entry: Entry, reason: str, now: dt.datetime) -> Entry:
        """Write down that a mail in hand, none of which has left, is not tried again, and why.

        Raises
        ------
        DeliveryError
            Where the mail is not in hand, or may have left.
        """
        with self.writing() as connection:
            current = _in_hand(connection, entry, ("sending",))
            return _write(
                connection, ended(replace(current, reply=one_line(reason), changed_at=now), "given_up")
            )

    def expire(self, now: dt.datetime, held: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
        """Give up what has waited for longer than a day, and give these mails.

        Parameters
        ----------
        now
            When this is.
        held
            Why reports are held back, by the spec's name: that is why they are given up.
        """
        with self.writing() as connection:
            late = selected(
                connection,
                "where state = 'waiting' and made_at <= ? order by mail_id",
                (time_text(now - LONGEST),),
            )
            return tuple(
                _write(connection, given_up(replace(entry, changed_at=now)))
                for entry in held_back(late, held or {})
            )

    def recover(self, now: dt.datetime) -> tuple[Entry, ...]:
        """Sort out what a sender that was killed had in hand; to be called while `alone` is held.

        Returns
        -------
        tuple of Entry
            Those that were being handed over and are ``unknown`` now. What was not handed over waits again.
        """
        reply = "The sender ended while the content was being handed over"
        with self.writing() as connection:
            lost = selected(connection, "where state = 'handed' order by mail_id")
            connection.execute(
                "update mails set state = 'waiting', changed_at = ? where state = 'sending'",
                (time_text(now),),
            )
            return tuple(
                _write(
                    connection,
                    ended(replace(e, reply=reply, attempts=e.attempts + 1, changed_at=now), "unknown"),
                )
                for e in lost
            )

    def resolve(self, mail_id: int, verdict: Verdict, now: dt.datetime) -> Entry:
        """Write down what a person found out about a mail, or wants of it.

        Parameters
        ----------
        mail_id
            The mail.
        verdict
            ``accepted``: it was unknown and has arrived. ``again``: it was not taken, or did not arrive; it waits as if it
            had just been written down. ``cancel``: it waits and shall not go.
        now
            When this is.

        Raises
        ------
        UnknownNameError
            Where there is no such mail.
        DeliveryError
            Where its state does not allow it.
        """
        if abs(mail_id) > _LARGEST_ID:
            raise _no_mail(mail_id, self.path)
        allowed, otherwise = _SETTLED[verdict]
        with self.writing() as connection:
            for current in selected(connection, "where mail_id = ?", (mail_id,)):
                if current.state not in allowed:
                    raise DeliveryError(
                        f"mail {mail_id} is {current.state.replace('_', ' ')}, and {otherwise}",
                        where=str(self.path),
                        mend="See: spm outbox",
                    )
                told = replace(current, changed_at=now)
                if verdict == "accepted":
                    return _write(connection, ended(told, "accepted"))
                if verdict == "cancel":
                    return _write(connection, ended(told, "cancelled"))
                return _write(connection, replace(told, state="waiting", attempts=0, made_at=now))
        raise _no_mail(mail_id, self.path)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Keep the file open meanwhile: the last one to close it tidies it up, which takes longer than a mail's state."""
        with self._told(), closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
            connection.execute("select count(*) from mails").fetchall()
            yield

    def _prepare(self, connection: sqlite3.Connection) -> None:
        super()._prepare(connection)
        # That content is about to leave must be known after a power cut too; a Mac's disk is asked in words of its own.
        connection.execute("pragma synchronous = full")
        connection.execute("pragma fullfsync = on")


class _Unhurried(LedgerFile):
    """The ledger for what may reach the disk with the next state that must.

    A mail that was taken in hand before a power cut waits again, one whose end was not kept is unknown: neither is wrong.
    """

    def _prepare(self, connection: sqlite3.Connection) -> None:
        super()._prepare(connection)
        connection.execute("pragma synchronous = normal")


def _replace_lower(connection: sqlite3.Connection, added: Iterable[Entry], now: dt.datetime) -> None:
    """Cancel what waits of lower revisions of corrected reports."""
    corrected = {
        (each.spec, each.subject, each.period, each.as_of.isoformat(), each.revision)
        for each in added
        if each.kind in ABOUT_REPORTS and each.revision > 1
    }
    connection.executemany(
        "update mails set state = 'cancelled', reply = ?, next_try_at = null, changed_at = ? where state = 'waiting' and "
        f"kind in ({marks(ABOUT_REPORTS)}) and spec = ? and subject = ? and period = ? and as_of = ? and revision < ?",
        [(f"Replaced by revision {key[-1]}", time_text(now), *ABOUT_REPORTS, *key) for key in corrected],
    )


def _in_hand(connection: sqlite3.Connection, entry: Entry, states: tuple[State, ...]) -> Entry:
    for current in selected(connection, "where mail_id = ?", (entry.mail_id,)):
        if current.state in states:
            return current
    raise _not_in_hand(entry)


def _write(connection: sqlite3.Connection, entry: Entry) -> Entry:
    row = row_of(entry)
    connection.execute(
        f"update mails set {', '.join(f'{name} = ?' for name in _CHANGING)} where mail_id = ?",
        (*(row[name] for name in _CHANGING), entry.mail_id),
    )
    return entry


def _not_in_hand(entry: Entry) -> DeliveryError:
    mend = "Another program changed it meanwhile; see: spm outbox"
    return DeliveryError(f"the mail {entry.name} is not in hand", mend=mend)


def _no_mail(mail_id: int, path: Path) -> UnknownNameError:
    return UnknownNameError(f"there is no mail {mail_id}", where=str(path), mend="See: spm outbox")
