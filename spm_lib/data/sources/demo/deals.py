"""Deals as they stand on the last day of the records."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from spm_lib.data.schema import TABLES
from spm_lib.data.sources.demo import company, timeline
from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo.births import DEAL_SOURCES, DEAL_TYPES, EXPANSION, REFUND, RENEWAL
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.simulation import ROWS, World
from spm_lib.data.sources.demo.timeline import Array
from spm_lib.data.sources.demo.writing import Columns, optional

_NO_CURRENCY = 0.004  # of the deals in the reporting currency
_NO_CREATION_DAY = 7  # so many old closed deals lost the day they were created

_PIPELINES = np.array([stage.pipeline for stage in company.STAGES], dtype=object)


def deals(world: World, ids: Ids, account: Array, final: dict[str, Array]) -> Columns:
    """Give the rows of deals; `final` holds the last values of the fields that change."""
    births, dice = world.births, world.dice(ROWS + 2)
    created = timeline.texts(births.created)
    closed = np.array([text is not None for text in final["closed_on"]])
    old = np.flatnonzero(ids.kept & closed & (births.created < timeline.GO_LIVE_DAY))
    created[old[:: max(1, len(old) // _NO_CREATION_DAY)][:_NO_CREATION_DAY]] = None
    currency = np.array(company.CURRENCIES, dtype=object)[births.currency]
    currency[(births.currency == 0) & (dice.uniform(births.size) < _NO_CURRENCY)] = None
    removed = np.full(births.size, None, dtype=object)
    gone = world.events.of(h.REMOVED)
    removed[gone.deal] = timeline.texts(gone.day)
    columns: dict[str, Array] = {
        "deal_id": ids.deals,
        "name": _names(world, account),
        "account_id": ids.accounts[account],
        "pipeline": _PIPELINES[births.stage],
        "currency": currency,
        "created_on": created,
        "deal_type": np.array(DEAL_TYPES, dtype=object)[births.kind],
        "source": optional(np.array(DEAL_SOURCES, dtype=object)[births.source], births.kind != REFUND),
        "removed_on": removed,
        **final,
    }
    names = (*TABLES["deals"].names, *(name for name in final if name.startswith("x_")))
    return {name: columns[name][ids.deal_order] for name in names}


def accounts_of_deals(world: World) -> Array:
    """Give each deal an account in its team's territory; renewals and expansions go to former customers."""
    births, dice = world.births, world.dice(ROWS + 3)
    u = dice.uniform(2, births.size)
    account = births.team * company.ACCOUNTS_PER_TEAM + (company.ACCOUNTS_PER_TEAM * u[0] ** 1.3).astype(
        np.int64
    )
    won = world.events.of(h.WON)
    order = np.argsort(won.day, kind="stable")
    days: list[list[int]] = [[] for _ in world.teams]
    customers: list[list[int]] = [[] for _ in world.teams]
    for deal, day in zip(won.deal[order].tolist(), won.day[order].tolist(), strict=True):
        if births.kind[deal] < EXPANSION:
            days[births.team[deal]].append(day)
            customers[births.team[deal]].append(int(account[deal]))
    for deal in np.flatnonzero((births.kind == RENEWAL) | (births.kind == EXPANSION)).tolist():
        team = births.team[deal]
        age = 270 if births.kind[deal] == RENEWAL else 45
        known = bisect_left(days[team], int(births.created[deal]) - age)
        if known:
            account[deal] = customers[team][int(u[1, deal] * known)]
    copies = np.flatnonzero(births.origin >= 0)
    account[copies] = account[births.origin[copies]]
    return np.asarray(account)


def _names(world: World, account: Array) -> Array:
    births = world.births
    names = np.array([one.name for one in world.accounts], dtype=object)[account]
    products = np.array([product.name for product in company.PRODUCTS], dtype=object)[births.product]
    tails = np.array(["", " (expansion)", " renewal", " credit note"], dtype=object)[births.kind]
    tails[(births.origin >= 0) & (births.kind != REFUND)] = " (2)"
    return np.asarray(names + " – " + products + tails)
