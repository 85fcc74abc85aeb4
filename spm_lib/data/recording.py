"""Changes seen between two loads: how a CRM that keeps no history gains one from the day it is connected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from spm_lib.data.gate import first_row
from spm_lib.data.rules import name
from spm_lib.data.schema import TABLES
from spm_lib.data.store import StoreMeta

#: Changes found by comparing loads, kept apart from those that the source brings, which each load replaces.
RECORDED_TABLE = "spm_recorded_changes"

#: Ids of deals that the source has but the gate refused: these are not gone.
REFUSED_DEALS = "refused_deals"


@dataclass(frozen=True)
class Recording:
    """What comparing with the last load gave.

    Parameters
    ----------
    changes
        Changes of fields appended now.
    gone
        Deals that the source no longer has; kept, with the day on which they were first missed.
    lost
        Deals that the source no longer has, nor their owner: these cannot be kept.
    """

    changes: int = 0
    gone: int = 0
    lost: int = 0


def record_changes(
    connection: duckdb.DuckDBPyConnection,
    old: str | None,
    source_fields: Iterable[str],
    loaded_at: dt.datetime,
) -> Recording:
    """Compare the new ``deals`` with those of the last load and append what changed.

    Parameters
    ----------
    connection
        Writes the new store, whose ``deals`` and ``deal_changes`` hold what the source brings.
    old
        Name under which the old store is attached; None on the first load.
    source_fields
        Columns whose changes the source itself brings: these are not recorded twice.
    loaded_at
        The time of this load, in the source's time zone.
    """
    columns = ", ".join(f'"{c.name}" {c.sql_type}' for c in TABLES["deal_changes"].columns)
    connection.execute(f"create table {RECORDED_TABLE} ({columns})")
    if old is None:
        return Recording()
    connection.execute(
        f"insert into {RECORDED_TABLE} select c.* from {old}.{RECORDED_TABLE} c "
        f"where field not in (select unnest(?::varchar[]))",
        [list(source_fields)],
    )
    skipped = {"deal_id", "removed_on", *source_fields}
    fields = [
        c for c in _columns(connection, "deals") if c in set(_columns(connection, f"{old}.deals")) - skipped
    ]
    before = first_row(connection, f"select count(*) from {RECORDED_TABLE}")
    for field in fields:
        connection.execute(
            f"insert into {RECORDED_TABLE} select n.deal_id, ?, o.v, n.v, ? from "
            f"(select deal_id, cast({name(field)} as varchar) as v from deals) n "
            f"join (select deal_id, cast({name(field)} as varchar) as v from {old}.deals) o using (deal_id) "
            "where n.v is distinct from o.v",
            [field, loaded_at],
        )
    after = first_row(connection, f"select count(*) from {RECORDED_TABLE}")
    gone, lost = _keep_the_gone(connection, old, loaded_at.date())
    # The record of a deal that is refused today is kept for the day on which it comes back.
    connection.execute(
        f"insert into deal_changes select r.* from {RECORDED_TABLE} r semi join deals using (deal_id) "
        "anti join deal_changes c on c.deal_id = r.deal_id and c.field = r.field and c.changed_at = r.changed_at"
    )
    return Recording(after[0] - before[0], gone, lost)


def tracked_from(
    connection: duckdb.DuckDBPyConnection,
    previous: StoreMeta | None,
    recorded_from: dt.date | None,
    recorded_fields: Iterable[str],
    loaded_on: dt.date,
) -> Mapping[str, dt.date]:
    """Give, for each column of deals, the first day that its recorded history covers.

    What the source declares wins; else the source's first change of that column; else the first load, from
    which on changes are seen by comparing loads.
    """
    first = connection.execute(
        f"select field, cast(min(changed_at) as date) from deal_changes c anti join {RECORDED_TABLE} r "
        "on c.deal_id = r.deal_id and c.field = r.field and c.changed_at = r.changed_at group by 1"
    ).fetchall()
    days: dict[str, dt.date] = dict(first)
    if recorded_from:
        days = dict.fromkeys((*days, *recorded_fields), recorded_from)
    since = previous.tracked_from if previous else {}
    for column in _columns(connection, "deals"):
        days.setdefault(column, since.get(column, loaded_on))
    return days


def _keep_the_gone(connection: duckdb.DuckDBPyConnection, old: str, today: dt.date) -> tuple[int, int]:
    shared = [c for c in _columns(connection, "deals") if c in set(_columns(connection, f"{old}.deals"))]
    columns = ", ".join(name(c) for c in shared)
    values = ", ".join("coalesce(removed_on, ?)" if c == "removed_on" else name(c) for c in shared)
    count = "select count(*), count(*) filter (where removed_on is null) from {}.deals where deal_id in ({})"
    gone = (
        f"select o.deal_id from {old}.deals o anti join deals n using (deal_id) "
        f"anti join {REFUSED_DEALS} using (deal_id)"
    )
    owned = f"select d.deal_id from {old}.deals d semi join reps r on d.owner_id = r.rep_id"
    kept = f"({gone}) intersect ({owned})"
    lost = first_row(connection, f"select count(*) from (({gone}) except ({owned}))")
    new = first_row(connection, count.format(old, kept))
    connection.execute(
        f"insert into deals ({columns}) select {values} from {old}.deals where deal_id in ({kept})", [today]
    )
    return int(new[1]), int(lost[0])


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {table}").fetchall()]
