"""The outbox: every mail is written down before anything of it leaves, and what became of it after.

A mail is `waiting`, then `sending` while a connection is about it, and `handed` from the moment before its content leaves.
What ends in between is told apart by that: what was `sending` has not left and is sent again, what was `handed` may have
arrived and is `unknown`, which is never sent again unless a person says so.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.errors import DeliveryError, UnknownNameError, one_line
from spm_lib.press.deliver.dispatch_ledger import Decided, write_decisions
from spm_lib.press.deliver.entry import (
    COLUMNS,
    ENDED_BADLY,
    Entry,
    Kind,
    State,
    entry_of,
    row_of,
    time_text,
)
from spm_lib.press.deliver.outcome import Outcome

__all__ = ["LONGEST", "MOST_TRIES", "WAITS", "Entry", "Kind", "Outbox", "State", "alone"]


Verdict = Literal["accepted", "again", "cancel"]

#: Seconds to wait before the second try, the third, and so on; the last for all that follow.
WAITS = (5, 30, 120, 600, 3600)

#: After so many tries, or so long, nobody tries again by itself.
MOST_TRIES = 12
LONGEST = dt.timedelta(hours=24)

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

_SELECT = f"select {', '.join(COLUMNS)} from mails"


@dataclass(frozen=True)
class Outbox(LedgerFile):
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
            The mails. One that was rejected, given up or cancelled waits again, as it is written now.
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
        new = []
        with self.writing() as connection:
            write_decisions(connection, decided)
            for entry in entries:
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

    def waiting(
        self, now: dt.datetime | None = None, limit: int | None = None, *, chats: bool = False
    ) -> tuple[Entry, ...]:
        """Give the mails that wait, those that were written down first in front.

        Parameters
        ----------
        now
            Only those that may be tried at this time.
        limit
            At most so many.
        chats
            Notices for chats instead, which no mail server takes.
        """
        most = -1 if limit is None else limit
        of_kind = f"where state = 'waiting' and (kind = 'chat') = {chats:d}"
        if now is None:
            return self._entries(f"{of_kind} order by mail_id limit ?", (most,))
        # No wait is longer than the longest: what is due after that was written before the clock was put back.
        horizon = now + dt.timedelta(seconds=WAITS[-1])
        return self._entries(
            f"{of_kind} and (next_try_at is null or next_try_at <= ? or next_try_at > ?) "
            "order by mail_id limit ?",
            (time_text(now), time_text(horizon), most),
        )

    def claim(self, entry: Entry, now: dt.datetime) -> Entry | None:
        """Take a waiting mail in hand; None where it is not waiting any more."""
        with _Unhurried(self.path).writing() as connection:
            for current in _select(connection, "where mail_id = ? and state = 'waiting'", (entry.mail_id,)):
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
                connection, _again(tried, now) if outcome.state == "retry" else _ended(tried, outcome.state)
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
                connection, _ended(replace(current, reply=one_line(reason), changed_at=now), "given_up")
            )

    def expire(self, now: dt.datetime) -> tuple[Entry, ...]:
        """Give up what has waited for longer than a day, and give these mails."""
        with self.writing() as connection:
            late = _select(
                connection,
                "where state = 'waiting' and made_at <= ? order by mail_id",
                (time_text(now - LONGEST),),
            )
            return tuple(_write(connection, _given_up(replace(entry, changed_at=now))) for entry in late)

    def recover(self, now: dt.datetime) -> tuple[Entry, ...]:
        """Sort out what a sender that was killed had in hand; to be called while `alone` is held.

        Returns
        -------
        tuple of Entry
            Those that were being handed over and are ``unknown`` now. What was not handed over waits again.
        """
        reply = "The sender ended while the content was being handed over"
        with self.writing() as connection:
            lost = _select(connection, "where state = 'handed' order by mail_id")
            connection.execute(
                "update mails set state = 'waiting', changed_at = ? where state = 'sending'",
                (time_text(now),),
            )
            return tuple(
                _write(
                    connection,
                    _ended(replace(e, reply=reply, attempts=e.attempts + 1, changed_at=now), "unknown"),
                )
                for e in lost
            )

    def states(self, spec: str | None = None) -> tuple[Entry, ...]:
        """Give the mails in the order in which they were written down; only those of a spec where one is named."""
        return self._entries("where ? is null or spec = ? order by mail_id", (spec, spec))

    def ended_badly(self, since: dt.datetime) -> tuple[Entry, ...]:
        """Give the mails and notices, but for owners' own, that ended since then in a way of which an owner has to hear."""
        marks = ", ".join("?" * len(ENDED_BADLY))
        return self._entries(
            f"where kind <> 'owner' and state in ({marks}) and (changed_at >= ? or state = 'unknown') order by mail_id",
            (*ENDED_BADLY, time_text(since)),
        )

    def digests(self, spec: str, since: dt.datetime) -> tuple[Entry, ...]:
        """Give the mails to a spec's owner that were written since then, in order."""
        return self._entries(
            "where kind = 'owner' and spec = ? and made_at >= ? order by mail_id", (spec, time_text(since))
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
        allowed, otherwise = _SETTLED[verdict]
        with self.writing() as connection:
            for current in _select(connection, "where mail_id = ?", (mail_id,)):
                if current.state not in allowed:
                    raise DeliveryError(
                        f"mail {mail_id} is {current.state.replace('_', ' ')}, and {otherwise}",
                        where=str(self.path),
                        mend="See: spm outbox",
                    )
                told = replace(current, changed_at=now)
                if verdict == "accepted":
                    return _write(connection, _ended(told, "accepted"))
                if verdict == "cancel":
                    return _write(connection, _ended(told, "cancelled"))
                return _write(connection, replace(told, state="waiting", attempts=0, made_at=now))
        raise _no_mail(mail_id, self.path)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Keep the file open meanwhile: the last one to close it tidies it up, which takes longer than a mail's state."""
        with self._told(), closing(sqlite3.connect(self.path)) as connection:
            connection.execute("select count(*) from mails").fetchall()
            yield

    def _entries(self, rest: str, parameters: tuple[object, ...] = ()) -> tuple[Entry, ...]:
        return tuple(entry_of(row) for row in self.rows(f"{_SELECT} {rest}", parameters))

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


@contextmanager
def alone(ledger_path: Path) -> Iterator[None]:
    """Be the only one who sends from the ledger at a path; a process that is killed leaves no lock behind.

    Raises
    ------
    DeliveryError
        Where another one is sending.
    """
    lock = FileLock(ledger_path.with_name(ledger_path.name.removesuffix(".sqlite") + ".sending.lock"))
    try:
        ledger_path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise DeliveryError(
            "another spm send is at it", where=str(ledger_path), mend="Try again when it has ended"
        ) from None
    except OSError as error:
        raise DeliveryError(
            f"nothing can be sent from here ({one_line(str(error), 160)})",
            where=str(ledger_path),
            mend="Name a store in a folder that can be written, with --store",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _again(tried: Entry, now: dt.datetime) -> Entry:
    """Give a mail that could not be sent as it waits for the next try, or as given up."""
    if tried.attempts >= MOST_TRIES or (tried.made_at is not None and now - tried.made_at >= LONGEST):
        return _given_up(tried)
    wait = dt.timedelta(seconds=WAITS[min(tried.attempts, len(WAITS)) - 1])
    return replace(tried, state="waiting", next_try_at=now + wait)


def _given_up(entry: Entry) -> Entry:
    tries = "1 try" if entry.attempts == 1 else f"{entry.attempts} tries"
    said = f": {entry.reply}" if entry.reply else ""
    return _ended(replace(entry, reply=one_line(f"Given up after {tries}{said}")), "given_up")


def _ended(entry: Entry, state: State) -> Entry:
    return replace(entry, state=state, next_try_at=None)


def _in_hand(connection: sqlite3.Connection, entry: Entry, states: tuple[State, ...]) -> Entry:
    for current in _select(connection, "where mail_id = ?", (entry.mail_id,)):
        if current.state in states:
            return current
    raise _not_in_hand(entry)


def _select(connection: sqlite3.Connection, rest: str, parameters: tuple[object, ...] = ()) -> list[Entry]:
    return [entry_of(row) for row in connection.execute(f"{_SELECT} {rest}", parameters).fetchall()]


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
