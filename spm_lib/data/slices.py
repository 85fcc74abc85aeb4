"""Slices: the rows that a team's report can read, told by digests; one pass over each table serves all teams.

A deal is in the slice of every team that one of its owners, of today or earlier, was in at a time when the deal could
count for somebody: from its creation to its closing, and to this day while it is open. With it come its changes,
activities and account. People bring their memberships, quotas, leads and activities to all teams that they were ever in.
The slice of a team with others below it is theirs together with its own. What all reports read alike, small tables and
the benchmarks of the company (see `Snapshot.benchmarks`), is in every slice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spm_lib.data.store import META_TABLE, NAMES_TABLE, QUARANTINE_TABLE

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.data.store import Store

#: All that a report may read of the company's closed deals through `Snapshot.benchmarks`.
BENCHMARK_COLUMNS = (
    "deal_id",
    "pipeline",
    "outcome",
    "amount",
    "currency",
    "created_on",
    "closed_on",
    "merged_into_id",
)

#: Tables of which every slice holds all rows.
SHARED_TABLES = ("products", "stages", "fx_rates", "initiatives")

#: Who owned each deal at any time, and which account it was with.
OWNERS = """
owners as (
    select deal_id, owner_id from deals
    union select deal_id, unnest([old_value, new_value]) from deal_changes where field = 'owner_id'
)
"""
BOUGHT = """
bought as (
    select deal_id, account_id from deals
    union select deal_id, unnest([old_value, new_value]) from deal_changes where field = 'account_id'
)
"""

RELATIONS = f"""
spells as materialized (
    select rep_id, team_id, coalesce(valid_from, date '0001-01-01') as since, coalesce(valid_to, date '9999-12-31') as until
    from team_members
),
people as materialized (select distinct rep_id, team_id from spells),
dated as (
    select deal_id, field, unnest([try_cast(old_value as date), try_cast(new_value as date)]) as day
    from deal_changes where field in ('created_on', 'closed_on')
),
days as (
    select deal_id, min(day) as earliest, max(day) as latest, bool_or(day is null and field = 'created_on') as was_undated
    from dated group by deal_id
),
changed as (select deal_id, cast(max(changed_at) as date) as changed_on from deal_changes group by deal_id),
lives as (
    select d.deal_id,
        case when created_on is null or was_undated then date '0001-01-01'
            else least(created_on, closed_on, earliest) end as begins,
        case when outcome = 'open' or closed_on is null or stage in (select stage from stages where outcome = 'open')
            then date '9999-12-31'
            else greatest(created_on, closed_on, removed_on, latest, changed_on) end as ends
    from deals d left join days using (deal_id) left join changed using (deal_id)
),
{OWNERS},
reach as materialized (
    select distinct l.deal_id, s.team_id
    from lives l join owners o on o.deal_id = l.deal_id join spells s on s.rep_id = o.owner_id
    where s.since <= l.ends and s.until >= l.begins
),
{BOUGHT},
customers as (select distinct team_id, account_id from bought join reach using (deal_id))
"""

#: How the rows `t` of each table find the teams that may read them; a table may have several ways.
WAYS: Mapping[str, tuple[str, ...]] = {
    "teams": ("teams t",),
    "team_members": ("team_members t join people p on p.rep_id = t.rep_id",),
    "reps": ("reps t join people p on p.rep_id = t.rep_id",),
    "quotas": (
        "quotas t join people p on p.rep_id = t.owner_id and t.owner_kind = 'rep'",
        "quotas t join teams p on p.team_id = t.owner_id and t.owner_kind = 'team'",
    ),
    "deals": ("deals t join reach p on p.deal_id = t.deal_id",),
    "deal_changes": ("deal_changes t join reach p on p.deal_id = t.deal_id",),
    "activities": (
        "activities t join reach p on p.deal_id = t.deal_id",
        "activities t join spells p on p.rep_id = t.rep_id and cast(t.occurred_at as date) between p.since and p.until",
    ),
    "leads": ("leads t join spells p on p.rep_id = t.owner_id and t.created_on between p.since and p.until",),
    "accounts": ("accounts t join customers p on p.account_id = t.account_id",),
    "initiative_members": ("initiative_members t join people p on p.rep_id = t.rep_id",),
}

# Sums do not mind the order in which a table's rows happen to lie.
_DIGEST = "count(*), sum(hash(t)), bit_xor(hash(t))"

Digest = list[str]


@dataclass(frozen=True)
class Slices:
    """Digests of what reports of one day read.

    Parameters
    ----------
    shared
        Of what all teams' reports read alike.
    of_teams
        Of each team's own rows, by team and table; a team without any row of a table has none.
    """

    shared: Mapping[str, Any]
    of_teams: Mapping[str, Mapping[str, Digest]]

    def of(self, scope: Snapshot, also: Iterable[str] = ()) -> str:
        """Give all digests that a report rests on: text that is equal where they are.

        Parameters
        ----------
        scope
            The snapshot of the report's team.
        also
            Ids of other teams whose own rows it reads: a report on a rep reads of the teams that the rep was in.
        """
        read = {team: self.of_teams.get(team, {}) for team in (*(scope.team_ids or ()), *also)}
        return json.dumps([self.shared, scope.team_id, read], sort_keys=True)


def read_slices(snapshot: Snapshot) -> Slices:
    """Read the slices of all teams for reports on the day of `snapshot`."""
    ways = [(f"{name} {number}", way) for name, several in WAYS.items() for number, way in enumerate(several)]
    told = " union all ".join(
        f"select '{name}', {'t' if name == 'teams 0' else 'p'}.team_id, {_DIGEST} from {way} group by all"
        for name, way in ways
    )
    of_teams: dict[str, dict[str, Digest]] = {}
    for name, team, *digest in snapshot.store.rows(f"with {RELATIONS} {told}"):
        of_teams.setdefault(team, {})[name] = [str(each) for each in digest]
    return Slices(_shared(snapshot), of_teams)


def whole_store(store: Store) -> str:
    """Give digests of every row, and what the store knows of itself but when it was loaded."""
    meta = json.loads(store.meta.to_json())
    meta.pop("loaded_at")
    tables = store.rows(
        "select table_name from information_schema.tables "
        "where table_catalog = current_database() and table_schema = 'main' order by 1"
    )
    others = (META_TABLE, NAMES_TABLE, QUARANTINE_TABLE)
    rows = {name: _digest(store, name) for (name,) in tables if name not in others}
    return json.dumps([meta, rows], sort_keys=True)


def _shared(snapshot: Snapshot) -> dict[str, Any]:
    store, meta = snapshot.store, json.loads(snapshot.meta.to_json())
    # When rows were loaded, and how many of the whole company, is no figure of a team's report.
    meta.pop("loaded_at")
    meta.pop("quarantined")
    meta["rows"] = sorted(name for name, rows in meta["rows"].items() if rows)
    # Of the days after the report's it does not matter which is the last.
    meta["last_data_date"] = meta["last_data_date"] if snapshot.is_latest else "later"
    columns = store.rows(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema = 'main' order by all"
    )
    return {
        # Where no closing day is known of any deal, what can be told hangs on the outcomes of all (pipeline movement).
        "everything": whole_store(store) if snapshot.meta.first_closed_on is None else None,
        "meta": meta,
        "columns": columns,
        "lists_open_deals": store.lists_open_deals,
        "tables": {name: _digest(store, name) for name in SHARED_TABLES},
        "benchmarks": _benchmarks(snapshot.benchmarks),
    }


def _benchmarks(company: Snapshot) -> list[Any]:
    """Digest what benchmarks rest on: the closed deals known then, and the stages that deals had been in."""
    deals = company.table("deals", BENCHMARK_COLUMNS)
    closed = company.store.connection.compile(deals.filter(deals.outcome != "open"))
    stages = "select * from deal_changes where field = 'stage'"
    if not company.is_latest:
        stages += f" and changed_at < date '{company.date}' + interval 1 day"
    return [company.date.isoformat(), *(_digest(company.store, f"({rows})") for rows in (closed, stages))]


def _digest(store: Store, rows: str) -> Digest:
    (found,) = store.rows(f"select {_DIGEST} from {rows} t")
    return [str(each) for each in found]
