"""The store as it was known at the end of a day, and as far as one team may see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import ibis

from spm_lib.data.known import known_at
from spm_lib.data.replay import Replay, Sources
from spm_lib.data.schema import ALWAYS_FIXED
from spm_lib.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from spm_lib.data.store import Store, StoreMeta


@dataclass(frozen=True)
class Team:
    """A team and where it stands in the tree."""

    team_id: str
    name: str
    parent_team_id: str | None
    manager_id: str | None
    email: str | None


@dataclass(frozen=True)
class Snapshot:
    """Every table as it was known at the end of `date`, for one team or, where None, the whole company."""

    store: Store
    date: dt.date
    team_id: str | None = None
    _shared: dict[str, ibis.Table] = field(default_factory=dict, init=True, repr=False, compare=False)

    @property
    def meta(self) -> StoreMeta:
        """What the store knows of itself."""
        return self.store.meta

    def table(self, name: str, columns: Sequence[str] | None = None) -> ibis.Table:
        """Give the canonical table `name` as it was known at the end of the day, of the whole company.

        Parameters
        ----------
        name
            A table of the schema.
        columns
            The columns wanted, by default all. Fewer cost less where deals are wound back.

        Returns
        -------
        ibis.Table
            An expression; nothing runs until it is asked for.

        Notes
        -----
        On or after the last data date tables are as they are stored, but for deals that the source lacks by then.
        """
        if name == "deals" and not self.is_latest:
            return self.replay().deals(columns)
        stored = self._stored(name)
        if name == "deals":
            known = stored.filter(stored.removed_on.isnull() | (stored.removed_on > ibis.literal(self.date)))
        elif self.is_latest:
            known = stored
        else:
            known = known_at(name, stored, self.date, self._stored)
        return known if columns is None else known.select(*columns)

    @property
    def is_latest(self) -> bool:
        """Whether the day is the last data date or later, so that nothing need be wound back."""
        last = self.meta.last_data_date
        return last is None or self.date >= last

    def every_deal(self, columns: Sequence[str], *, assumed_fixed: Iterable[str] = ()) -> ibis.Table:
        """Give every stored deal as it was at the end of the day, and whether it existed then.

        Parameters
        ----------
        columns
            The columns wanted.
        assumed_fixed
            Columns to take as unchanged before their record begins.

        Returns
        -------
        ibis.Table
            `columns` and ``present``; of a deal that did not exist, the values are those it was created with.
        """
        if not self.is_latest:
            return self.replay(assumed_fixed=assumed_fixed).deals(columns, all_rows=True)
        stored = self._stored("deals")
        present = stored.removed_on.isnull() | (stored.removed_on > ibis.literal(self.date))
        return stored.select(*columns, present=present)

    def replay(self, *, assumed_fixed: Iterable[str] = ()) -> Replay:
        """Give what winds deals back to the day; `assumed_fixed` adds to what the source declares fixed."""
        stored = self._stored
        return Replay(
            sources=Sources(stored("deals"), stored("deal_changes"), stored("activities"), stored("stages")),
            date=self.date,
            tracked_from=self.meta.tracked_from,
            fixed=ALWAYS_FIXED | frozenset(self.meta.fixed) | frozenset(assumed_fixed),
            changed=self._changed,
            has_stages=bool(self.meta.rows.get("stages")),
        )

    def as_of(self, date: dt.date) -> Snapshot:
        """Give the same scope at another day."""
        return replace(self, date=date)

    def scope(self, team: str) -> Snapshot:
        """Keep `team` (an id) and the teams below it."""
        if team not in self.teams:
            raise UnknownNameError(f"there is no team '{team}'", mend=did_you_mean(team, self.teams))
        return replace(self, team_id=team)

    def with_team(self, table: ibis.Table, owner: str, date: str | dt.date | ibis.Value) -> ibis.Table:
        """Add the team that a rep belonged to on a day, as column ``team``.

        Parameters
        ----------
        table
            Any table with a column of reps.
        owner
            Name of that column.
        date
            The day: a column's name, a date, or an expression over `table`.

        Returns
        -------
        ibis.Table
            `table` with ``team``, null where the rep had none that day; as many rows as before, always.
        """
        day = (
            table[date]
            if isinstance(date, str)
            else ibis.literal(date)
            if isinstance(date, dt.date)
            else date
        )
        left = table.mutate(_on=day.cast("date"))
        spells = self._spells
        joined = left.left_join(
            spells,
            [left[owner] == spells._rep, left._on >= spells._from, left._on <= spells._to],
        )
        kept = [name for name in table.columns if name != "team"]
        return joined.select(*kept, team=joined._team)

    def in_scope(self, table: ibis.Table) -> ibis.Table:
        """Keep the rows of `table` whose ``team`` is in scope; all of them where the scope is the company."""
        return table if self.team_ids is None else table.filter(table["team"].isin(self.team_ids))

    def _stored(self, name: str) -> ibis.Table:
        # To look a table up asks the store for its columns: once is enough for all snapshots made from this one.
        if name not in self._shared:
            self._shared[name] = self.store.connection.table(name)
        return self._shared[name]

    @cached_property
    def _changed(self) -> frozenset[str]:
        run = self.store.connection.con.execute
        return frozenset(row[0] for row in run("select distinct field from deal_changes").fetchall())

    @property
    def _spells(self) -> ibis.Table:
        """Memberships as closed intervals, cut so that no two of one rep overlap whatever the data say."""
        members = self.table("team_members")
        since = ibis.coalesce(members.valid_from, ibis.date(1, 1, 1))
        until = ibis.coalesce(members.valid_to, ibis.date(9999, 12, 31))
        spells = members.select(_rep=members.rep_id, _team=members.team_id, _from=since, _to=until)
        following = spells._from.lead().over(
            ibis.window(group_by=spells._rep, order_by=[spells._from, spells._to, spells._team])
        )
        cut = ibis.coalesce(following - ibis.interval(days=1), spells._to).cast("date")
        return spells.mutate(_to=ibis.least(spells._to, cut))

    @cached_property
    def teams(self) -> dict[str, Team]:
        """All teams of the company by id."""
        rows = self.store.connection.con.execute(
            "select team_id, coalesce(name, team_id), parent_team_id, manager_id, email from teams order by 1"
        ).fetchall()
        return {row[0]: Team(*row) for row in rows}

    @cached_property
    def team_ids(self) -> tuple[str, ...] | None:
        """The ids of the scope's team and all teams below it; None: the whole company."""
        if self.team_id is None:
            return None
        below = {self.team_id}
        grown = True
        while grown:
            more = {t.team_id for t in self.teams.values() if t.parent_team_id in below} - below
            below |= more
            grown = bool(more)
        return tuple(sorted(below))
