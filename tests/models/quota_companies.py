"""Small companies whose reps carry quotas: rows for a store, regular enough to be reckoned by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

DAY = dt.date(2025, 5, 15)
START = dt.date(2024, 1, 1)
Row = dict[str, Any]
#: What the source declares unchanged, so that open deals of past days are known.
META: Row = {
    "fixed": ("amount", "currency", "stage", "pipeline", "owner_id", "expected_close_on"),
    "last_data_date": DAY,
    "first_data_date": START,
}


def quarters() -> Iterator[tuple[dt.date, dt.date]]:
    """Give the quarters from 2024 to the second of 2025."""
    for number in range(6):
        first = dt.date(2024 + number // 4, number % 4 * 3 + 1, 1)
        after = dt.date(2024 + (number + 1) // 4, (number + 1) % 4 * 3 + 1, 1)
        yield first, after - dt.timedelta(days=1)


def quota(rep: str, first: dt.date, last: dt.date, amount: float | None, **more: Any) -> Row:
    """Give a row of quotas."""
    row = {"owner_kind": "rep", "owner_id": rep, "kind": "individual", "starts_on": first, "ends_on": last}
    return {**row, "amount": amount, "currency": "USD", **more}


def deals_of(
    rep: str,
    *,
    every: int = 6,
    takes: int = 30,
    amount: float = 1000.0,
    since: dt.date = START,
    shift: int = 0,
) -> list[Row]:
    """Give a rep's deals: one every few days, decided after some, every second one won; open where that is after `DAY`."""
    rows = []
    for number in range((DAY - since).days // every + 1):
        created = since + dt.timedelta(days=every * number + shift)
        if created > DAY:
            break
        closed = created + dt.timedelta(days=takes)
        won = number % 2 == 0
        row: Row = {
            "deal_id": f"{rep}-{number:03d}",
            "owner_id": rep,
            "created_on": created,
            "amount": amount,
        }
        row |= {"currency": "USD", "stage": "Offer", "pipeline": "New", "expected_close_on": closed}
        row |= (
            {"outcome": "open"}
            if closed > DAY
            else {"outcome": "won" if won else "lost", "closed_on": closed}
        )
        rows.append(row)
    return rows


def company(*reps: str, amount: float = 7000.0, **more: Any) -> dict[str, Any]:
    """Give the tables of a company of `reps`, all in one team, each with a quota of `amount` in every quarter."""
    tables: dict[str, Any] = {
        "reps": [{"rep_id": rep, "name": rep, "hired_on": dt.date(2020, 1, 1)} for rep in reps],
        "teams": [{"team_id": "N", "name": "North"}, {"team_id": "S", "name": "South"}],
        "team_members": [{"rep_id": rep, "team_id": "N", "valid_from": dt.date(2020, 1, 1)} for rep in reps],
        "deals": [row for place, rep in enumerate(reps) for row in deals_of(rep, shift=place)],
        "quotas": [quota(rep, first, last, amount) for rep in reps for first, last in quarters()],
        "meta": META,
    }
    for name, rows in more.items():
        tables[name] = [*tables.get(name, ()), *rows]
    return tables
