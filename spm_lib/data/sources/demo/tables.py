"""The company's tables, as a CRM would export them."""

from __future__ import annotations

from spm_lib.data.sources.demo import company, timeline, words
from spm_lib.data.sources.demo.activities import activities
from spm_lib.data.sources.demo.changes import changes
from spm_lib.data.sources.demo.deals import accounts_of_deals, deals
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.leads import SOURCES
from spm_lib.data.sources.demo.quotas import quotas
from spm_lib.data.sources.demo.simulation import World
from spm_lib.data.sources.demo.writing import Columns, optional

_NEW_DAYS = 7  # a lead is new for so long


def tables(world: World) -> dict[str, Columns]:
    """Give every canonical table by name."""
    ids = Ids(world)
    account = accounts_of_deals(world)
    told, final = changes(world, ids)
    return {
        "teams": _teams(world, ids),
        "reps": _reps(world, ids),
        "team_members": _members(world, ids),
        "accounts": _accounts(world),
        "products": _products(),
        "stages": _stages(),
        "deals": deals(world, ids, account, final),
        "deal_changes": told,
        "activities": activities(world, ids, account, world.still_open),
        "leads": _leads(world, ids),
        "quotas": quotas(world, ids),
        **_initiatives(world, ids),
        "fx_rates": _fx_rates(world),
    }


def _teams(world: World, ids: Ids) -> Columns:
    regions = [region.lower() for region in company.REGIONS]
    return {
        "team_id": [*regions, *ids.teams],
        "name": [*company.REGIONS, *(team.name for team in world.teams)],
        "parent_team_id": [*[None] * len(regions), *(regions[team.region] for team in world.teams)],
        "manager_id": [*ids.directors, *ids.managers],
        "email": [f"{team_id}@example.com" for team_id in [*regions, *ids.teams]],
    }


def _reps(world: World, ids: Ids) -> Columns:
    staff = world.staff
    people = (*staff.reps, *staff.managers, *staff.directors, staff.chief)
    size = len(staff.reps)
    last_team = {stay.rep: stay.team for stay in staff.stays}
    senior = [words.ROLES[hired < timeline.GO_LIVE_DAY - 900] for hired in staff.hired]
    leaders = len(people) - size
    return {
        "rep_id": [*ids.reps, *ids.managers, *ids.directors, ids.chief],
        "name": [person.name for person in people],
        "email": [person.email for person in people],
        "role": [
            *senior,
            *["Sales Manager"] * len(staff.managers),
            *["Regional Director"] * len(staff.directors),
            "Chief Revenue Officer",
        ],
        "manager_id": [
            *(ids.managers[last_team[rep]] for rep in range(size)),
            *(ids.directors[team.region] for team in world.teams),
            *[ids.chief] * len(staff.directors),
            None,
        ],
        "hired_on": [
            *(timeline.date(day).isoformat() for day in staff.hired),
            *(timeline.date(-400 - 131 * n % 2100).isoformat() for n in range(leaders)),
        ],
        "left_on": [
            *(None if day is None else timeline.date(day).isoformat() for day in staff.left),
            *[None] * leaders,
        ],
    }


def _members(world: World, ids: Ids) -> Columns:
    stays = world.staff.stays
    return {
        "rep_id": [ids.reps[stay.rep] for stay in stays],
        "team_id": [ids.teams[stay.team] for stay in stays],
        "valid_from": [timeline.date(stay.since).isoformat() for stay in stays],
        "valid_to": [None if stay.until is None else timeline.date(stay.until).isoformat() for stay in stays],
    }


def _accounts(world: World) -> Columns:
    accounts = world.accounts
    return {
        "account_id": [one.account_id for one in accounts],
        "name": [one.name for one in accounts],
        "industry": [one.industry for one in accounts],
        "segment": [one.segment for one in accounts],
        "region": [one.region for one in accounts],
        "employees": [None if one.employees is None else str(one.employees) for one in accounts],
        "annual_revenue": [
            None if one.annual_revenue is None else f"{one.annual_revenue}.00" for one in accounts
        ],
    }


def _products() -> Columns:
    return {
        "product_id": [one.product_id for one in company.PRODUCTS],
        "name": [one.name for one in company.PRODUCTS],
        "family": [one.family for one in company.PRODUCTS],
        "list_price": [f"{one.list_price}.00" for one in company.PRODUCTS],
    }


def _stages() -> Columns:
    rows = [
        (one.pipeline, one.name, one.position, f"{one.probability:.2f}", "open") for one in company.STAGES
    ]
    for pipeline, (won, lost) in company.ENDS.items():
        last = max(one.position for one in company.STAGES if one.pipeline == pipeline)
        rows.append((pipeline, won, last + 1, "1.00", "won"))
        rows.append((pipeline, lost, last + 2, "0.00", "lost"))
    rows.sort(key=lambda row: (row[0], row[2]))
    return {
        "pipeline": [row[0] for row in rows],
        "stage": [row[1] for row in rows],
        "position": [str(row[2]) for row in rows],
        "probability": [row[3] for row in rows],
        "outcome": [row[4] for row in rows],
    }


def _leads(world: World, ids: Ids) -> Columns:
    leads, order = world.leads, ids.lead_order
    deal_of = {lead: deal for deal, lead in enumerate(world.births.lead.tolist()) if lead >= 0}
    converted, merged = leads.converted[order], leads.merged_into[order]
    status = []
    for lead in order.tolist():
        if leads.converted[lead] >= 0:
            status.append("converted")
        elif leads.merged_into[lead] >= 0:
            status.append("merged")
        elif leads.given_up[lead] <= timeline.LAST:
            status.append("disqualified")
        else:
            status.append("new" if leads.created[lead] > timeline.LAST - _NEW_DAYS else "working")
    return {
        "lead_id": ids.leads[order],
        "source": [SOURCES[source] for source in leads.source[order]],
        "owner_id": ids.reps[leads.owner[order]],
        "created_on": timeline.texts(leads.created[order]),
        "converted_on": optional(timeline.texts(converted), converted >= 0),
        "converted_deal_id": [ids.deals[deal_of[n]] if n in deal_of else None for n in order.tolist()],
        "status": status,
        "merged_into_id": optional(ids.leads[merged], merged >= 0),
    }


def _initiatives(world: World, ids: Ids) -> dict[str, Columns]:
    some = world.initiatives
    pairs = [(one.initiative_id, ids.reps[rep]) for one in some for rep in one.members]
    return {
        "initiatives": {
            "initiative_id": [one.initiative_id for one in some],
            "name": [one.name for one in some],
            "starts_on": [one.starts.isoformat() for one in some],
            "ends_on": [one.ends.isoformat() if one.ends else None for one in some],
            "target_metric": [one.target for one in some],
            "hypothesis": [one.hypothesis for one in some],
        },
        "initiative_members": {
            "initiative_id": [pair[0] for pair in pairs],
            "rep_id": [pair[1] for pair in pairs],
        },
    }


def _fx_rates(world: World) -> Columns:
    return {
        "currency": [row[0] for row in world.rates],
        "valid_from": [timeline.date(row[1]).isoformat() for row in world.rates],
        "rate": [row[2] for row in world.rates],
    }
