"""The ids under which people and things stand in the tables."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.simulation import World
from spm_lib.data.sources.demo.timeline import Array


class Ids:
    """Ids by place: `deals` and `leads` hold None for those that ended before the records began."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def reps(self) -> Array:
        """Ids of those who own deals."""
        return _numbered("R", np.arange(len(self._world.staff.reps)), 4)

    @cached_property
    def managers(self) -> Array:
        """Ids of the managers, by team."""
        return _numbered("M", np.arange(len(self._world.staff.managers)), 3)

    @cached_property
    def directors(self) -> Array:
        """Ids of the directors, by region."""
        return _numbered("V", np.arange(len(self._world.staff.directors)), 2)

    @property
    def chief(self) -> str:
        """Id of the head of sales."""
        return "V00"

    @cached_property
    def teams(self) -> Array:
        """Ids of the teams."""
        return np.array([team.team_id for team in self._world.teams], dtype=object)

    @cached_property
    def accounts(self) -> Array:
        """Ids of the accounts."""
        return np.array([account.account_id for account in self._world.accounts], dtype=object)

    @cached_property
    def kept(self) -> Array:
        """Which deals are in the records: those not closed before they begin."""
        ends = self._world.events.of(h.WON, h.LOST)
        kept = np.ones(self._world.births.size, dtype=bool)
        kept[ends.deal[ends.day < timeline.GO_LIVE_DAY]] = False
        return kept

    @cached_property
    def deal_order(self) -> Array:
        """The deals in the records, oldest first."""
        order = np.argsort(self._world.births.created, kind="stable")
        return order[self.kept[order]]

    @cached_property
    def deals(self) -> Array:
        """Ids of the deals, numbered by age."""
        return _ranked("D", self.deal_order, self._world.births.size, 6)

    @cached_property
    def lead_order(self) -> Array:
        """The leads in the records, oldest first; a duplicate only with the lead that it duplicates."""
        leads = self._world.leads
        recent = leads.created >= timeline.GO_LIVE_DAY
        first = np.where(leads.merged_into >= 0, leads.merged_into, np.arange(len(recent)))
        return np.flatnonzero(recent & recent[first])

    @cached_property
    def leads(self) -> Array:
        """Ids of the leads."""
        return _ranked("L", self.lead_order, len(self._world.leads.created), 6)


def _numbered(letter: str, places: Array, width: int) -> Array:
    return np.array([f"{letter}{place + 1:0{width}d}" for place in places.tolist()], dtype=object)


def _ranked(letter: str, order: Array, size: int, width: int) -> Array:
    ids = np.full(size, None, dtype=object)
    ids[order] = _numbered(letter, np.arange(len(order)), width)
    return ids
