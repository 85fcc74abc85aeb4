"""One slot as the ledger has it, and how it is read and written there."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from typing import Literal

State = Literal["claimed", "done", "failed", "missed"]

#: The columns of the table, in the order in which `slot_of` reads them.
COLUMNS = "spec, slot_at, state, claimed_at, ended_at, note"


@dataclass(frozen=True)
class Slot:
    """One slot as the ledger has it.

    Parameters
    ----------
    spec
        The spec's name.
    at
        The moment, in UTC.
    state
        ``claimed`` (at work, or killed at it), ``done``, ``failed`` or ``missed``.
    claimed_at
        When it was claimed last, in UTC; None where it never was.
    ended_at
        When it was over and its owner told, in UTC; None before.
    note
        What there is to say of it.
    """

    spec: str
    at: dt.datetime
    state: State
    claimed_at: dt.datetime | None
    ended_at: dt.datetime | None
    note: str


def read_slots(connection: sqlite3.Connection, condition: str, *parameters: str) -> tuple[Slot, ...]:
    """Give the slots of which a condition holds, earliest first, within a transaction."""
    query = f"select {COLUMNS} from slots where {condition} order by slot_at"
    return tuple(slot_of(row) for row in connection.execute(query, parameters))


def slot_of(row: tuple[str, str, State, str | None, str | None, str]) -> Slot:
    """Give the slot that a row tells of."""
    spec, at, state, claimed, ended, note = row
    return Slot(
        spec,
        moment_of(at),
        state,
        moment_of(claimed) if claimed else None,
        moment_of(ended) if ended else None,
        note,
    )


def text_of(moment: dt.datetime) -> str:
    """Give a moment as the ledger writes it: all in one zone and of one length, as they are compared as text."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def moment_of(text: str) -> dt.datetime:
    """Give the moment that `text_of` wrote."""
    return dt.datetime.fromisoformat(text)
