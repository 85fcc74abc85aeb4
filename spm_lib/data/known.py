"""Every table but deals as it was known at the end of a day: what came later is absent or not yet so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import ibis

from spm_lib.data.replay import day_after


def known_at(name: str, stored: ibis.Table, date: dt.date, table: Callable[[str], ibis.Table]) -> ibis.Table:
    """Give the rows of a table, other than deals, that were known at the end of `date`.

    Parameters
    ----------
    name
        The table's name; teams, accounts, products, stages and quotas keep no history and stay as they are.
    stored
        Its rows as they stand today.
    date
        The day.
    table
        Gives another stored table by name.
    """
    if name == "initiative_members":
        started = _initiatives(table("initiatives"), date)
        return stored.filter(stored.initiative_id.isin(started.initiative_id))
    cut = _CUTS.get(name)
    return cut(stored, date) if cut else stored


def _deal_changes(stored: ibis.Table, date: dt.date) -> ibis.Table:
    return stored.filter(stored.changed_at < day_after(date))


def _activities(stored: ibis.Table, date: dt.date) -> ibis.Table:
    end = day_after(date)
    known = stored.filter(ibis.coalesce(stored.recorded_at, stored.occurred_at) < end)
    return known.mutate(completed=ibis.ifelse(known.occurred_at < end, known.completed, False))


def _leads(stored: ibis.Table, date: dt.date) -> ibis.Table:
    day = ibis.literal(date)
    known = stored.filter(stored.created_on <= day)
    later = known.converted_on > day
    # A lead's status has no history: only that it had been converted is known of the day.
    unsettled = later | known.converted_on.isnull()
    forgotten = {"converted_on": later, "converted_deal_id": later, "status": unsettled}
    return known.mutate(
        **{c: ibis.ifelse(gone, ibis.null(known[c].type()), known[c]) for c, gone in forgotten.items()}
    )


def _team_members(stored: ibis.Table, date: dt.date) -> ibis.Table:
    day = ibis.literal(date)
    return _until(stored.filter(stored.valid_from.isnull() | (stored.valid_from <= day)), "valid_to", day)


def _reps(stored: ibis.Table, date: dt.date) -> ibis.Table:
    day = ibis.literal(date)
    return _until(stored.filter(stored.hired_on.isnull() | (stored.hired_on <= day)), "left_on", day)


def _initiatives(stored: ibis.Table, date: dt.date) -> ibis.Table:
    return stored.filter(stored.starts_on <= ibis.literal(date))


def _fx_rates(stored: ibis.Table, date: dt.date) -> ibis.Table:
    return stored.filter(stored.valid_from <= ibis.literal(date))


def _until(table: ibis.Table, column: str, day: ibis.Value) -> ibis.Table:
    return table.mutate(**{column: ibis.ifelse(table[column] <= day, table[column], ibis.null("date"))})


_CUTS: dict[str, Callable[[ibis.Table, dt.date], ibis.Table]] = {
    "deal_changes": _deal_changes,
    "activities": _activities,
    "leads": _leads,
    "team_members": _team_members,
    "reps": _reps,
    "initiatives": _initiatives,
    "fx_rates": _fx_rates,
}
