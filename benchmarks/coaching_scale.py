"""Seconds that coaching takes for a large company: 5,000 reps and 2 million deals with all that happened to them."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import duckdb
from coaching_company import store_of
from timing import Section, at_most

from spm_lib.data.store import open_store
from spm_lib.models.coaching.coaching_day import coach_day
from spm_lib.models.features import deal_features

REPS, DEALS = 5_000, 2_000_000

#: The columns of each table that hold ids of deals, reps, teams and accounts: each copy of the company has its own.
_IDS = {
    "deals": {"deal_id": "D", "owner_id": "R", "account_id": "R", "merged_into_id": "D"},
    "deal_changes": {"deal_id": "D", "old_value": "owner", "new_value": "owner"},
    "activities": {"activity_id": "D", "deal_id": "D", "rep_id": "R"},
    "reps": {"rep_id": "R", "manager_id": "R"},
    "team_members": {"rep_id": "R", "team_id": "R"},
    "teams": {"team_id": "R", "parent_team_id": "R", "manager_id": "R"},
    "accounts": {"account_id": "R"},
    "quotas": {"owner_id": "R"},
}
#: Tables whose rows belong to deals: they are copied again where a rep is to have more deals.
_OF_DEALS = ("deals", "deal_changes", "activities")


def scale(folder: Path, reps: int = REPS, deals: int = DEALS) -> Section:
    """Measure levers of all reps of a company made of copies of the demo company."""
    store = large_company(folder, reps, deals)
    with open_store(store) as opened:
        snapshot = opened.as_of()
        rows = snapshot.meta.rows
        section = Section(
            f"A large company: {rows['reps']:,} people, {rows['deals']:,} deals, {rows['deal_changes']:,} changes"
        )
        open_deals = deal_features(snapshot, (snapshot.date,))
        begun = time.perf_counter()
        found = coach_day(snapshot, open_deals, ())
        seconds = time.perf_counter() - begun
    full = rows["deals"] >= DEALS and found.card["reps"] >= 0.8 * REPS
    section.claim(at_most("seconds for the levers of all reps", 60, seconds), full=full)
    section.notes.append(
        f"{found.card['reps']:,} reps at work with evidence, {found.levers['named'].sum():,} levers named"
    )
    return section


def large_company(folder: Path, reps: int, deals: int) -> Path:
    """Make a store of as many reps and deals out of copies of the demo company, where it is not there yet."""
    target = folder / f"large-{reps}-{deals}.duckdb"
    if target.exists():
        return target
    small = store_of(folder, seed=1)
    making = target.with_suffix(".making.duckdb")
    shutil.copy(small, making)
    connection = duckdb.connect(str(making))
    connection.execute("set preserve_insertion_order = false")
    at_work, sold = (
        connection.execute(f"select count(*) from {table}").fetchone()[0]
        for table in ("(select distinct owner_id from deals)", "deals")
    )
    copies = -(-reps // at_work)
    rounds = -(-deals // (sold * copies))
    for table, ids in _IDS.items():
        connection.execute(f"alter table {table} rename to {table}_one")
        again = rounds if table in _OF_DEALS else 1
        columns = _columns(connection, f"{table}_one")
        told = ", ".join(f"{_copied(name, ids.get(name))} as {name}" for name in columns)
        connection.execute(
            f"create table {table} as select {told} from {table}_one, range({copies}) c(copy), range({again}) r(round)"
        )
        connection.execute(f"drop table {table}_one")
    counts = {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in _IDS}
    _recount(connection, counts)
    connection.close()
    making.rename(target)
    return target


def _copied(name: str, kind: str | None) -> str:
    if kind == "D":
        return f"{name} || '-' || copy || '-' || round"
    if kind == "R":
        return f"{name} || '-' || copy"
    if kind == "owner":
        return f"case when field = 'owner_id' then {name} || '-' || copy else {name} end"
    return name


def _recount(connection: duckdb.DuckDBPyConnection, counts: dict[str, int]) -> None:
    """Write into the store how many rows its tables have now."""
    (text,) = connection.execute("select meta from spm_meta").fetchone()
    meta = json.loads(text)
    meta["rows"] |= counts
    connection.execute("update spm_meta set meta = ?", [json.dumps(meta)])


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for (name,) in connection.execute(f"select column_name from (describe {table})").fetchall()]
