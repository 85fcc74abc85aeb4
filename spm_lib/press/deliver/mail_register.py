"""The register of mails in the ledger: what waits, what is in hand, what ended badly; looking at it changes nothing."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.errors import one_line
from spm_lib.press.deliver.entry import (
    ABOUT_REPORTS,
    COLUMNS,
    ENDED_BADLY,
    IN_HAND,
    Entry,
    entry_of,
    marks,
    time_text,
)
from spm_lib.press.deliver.patience import WAITS

_SELECT = f"select {', '.join(COLUMNS)} from mails"


@dataclass(frozen=True)
class MailRegister(LedgerFile):
    """The mails in the ledger at a path. Every method raises `StoreError` where the ledger cannot be used."""

    def waiting(
        self,
        now: dt.datetime | None = None,
        limit: int | None = None,
        *,
        chats: bool = False,
        without: Collection[str] = (),
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
        without
            Names of specs whose reports stay: only their owners' mails are given.
        """
        most = -1 if limit is None else limit
        of_kind = (
            f"where state = 'waiting' and (kind = 'chat') = {chats:d} "
            f"and (kind = 'owner' or spec not in ({marks(without)}))"
        )
        if now is None:
            return self._entries(f"{of_kind} order by mail_id limit ?", (*without, most))
        # No wait is longer than the longest: what is due after that was written before the clock was put back.
        horizon = now + dt.timedelta(seconds=WAITS[-1])
        return self._entries(
            f"{of_kind} and (next_try_at is null or next_try_at <= ? or next_try_at > ?) "
            "order by mail_id limit ?",
            (*without, time_text(now), time_text(horizon), most),
        )

    def specs(self, *, waiting: bool = False) -> tuple[str, ...]:
        """Give the names of the specs that have mails here; only those of which a report waits where that is asked."""
        of_reports = f"where state = 'waiting' and kind in ({marks(ABOUT_REPORTS)})" if waiting else ""
        parameters = ABOUT_REPORTS if waiting else ()
        found = self.rows(f"select distinct spec from mails {of_reports} order by spec", parameters)
        return tuple(str(name) for (name,) in found)

    def in_hand(self) -> tuple[Entry, ...]:
        """Give the mails that a sender has in hand, or had when it was killed."""
        return self._entries(f"where state in ({marks(IN_HAND)}) order by mail_id", IN_HAND)

    def states(self, spec: str | None = None) -> tuple[Entry, ...]:
        """Give the mails in the order in which they were written down; only those of a spec where one is named."""
        return self._entries("where ? is null or spec = ? order by mail_id", (spec, spec))

    def ended_badly(self, since: dt.datetime) -> tuple[Entry, ...]:
        """Give the mails and notices, but for owners' own, that ended since then in a way of which an owner has to hear."""
        return self._entries(
            f"where kind <> 'owner' and state in ({marks(ENDED_BADLY)}) and (changed_at >= ? or state = 'unknown') "
            "order by mail_id",
            (*ENDED_BADLY, time_text(since)),
        )

    def digests(self, since: dt.datetime) -> tuple[Entry, ...]:
        """Give the mails to owners that were written since then, in order."""
        return self._entries("where kind = 'owner' and made_at >= ? order by mail_id", (time_text(since),))

    def _entries(self, rest: str, parameters: tuple[object, ...] = ()) -> tuple[Entry, ...]:
        return tuple(entry_of(row) for row in self.rows(f"{_SELECT} {rest}", parameters))


def selected(connection: sqlite3.Connection, rest: str, parameters: tuple[object, ...] = ()) -> list[Entry]:
    """Give the mails of a query's end, within a transaction."""
    return [entry_of(row) for row in connection.execute(f"{_SELECT} {rest}", parameters).fetchall()]


def held_back(entries: Iterable[Entry], held: Mapping[str, str]) -> tuple[Entry, ...]:
    """Give mails with the reason in the reply of each that is held back.

    Parameters
    ----------
    entries
        The mails.
    held
        Why the reports of a spec are held back, by its name; what its owner is to hear never is.
    """
    return tuple(
        replace(each, reply=one_line(held[each.spec])) if each.kind != "owner" and each.spec in held else each
        for each in entries
    )
