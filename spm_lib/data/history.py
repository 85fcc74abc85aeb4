"""The store as it was known at the end of a day, and as far as one team may see it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from spm_lib.data.schema import ALWAYS_FIXED
from spm_lib.errors import PeriodError, UnknownNameError, did_you_mean
from spm_lib.periods import period_at
from spm_lib.settings import COMPILED_VARIABLE

# Ibis is imported late: what plans and skips reports looks at no table, and is done sooner than Ibis is imported.
if TYPE_CHECKING:
    import ibis

    from spm_lib.data.replay import Replay
    from spm_lib.data.store import Store, StoreMeta

T = TypeVar("T")


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
    """Every table as it was known at the end of `date`, for one team or, where None, the whole company.

    Parameters
    ----------
    store
        The store.
    date
        The day.
    report_date
        The day of the report that asks. It stays where the report looks back, see `as_of`.
    team_id
        Whose.
    keeps
        Whether tables are worked out once and kept, see `keeping`.
    """

    store: Store
    date: dt.date
    report_date: dt.date
    team_id: str | None = None
    keeps: bool = False
    _shared: dict[str, ibis.Table] = field(default_factory=dict, init=True, repr=False, compare=False)
    _answers: dict[tuple[object, ...], Any] = field(
        default_factory=dict, init=True, repr=False, compare=False
    )

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
        if name == "deals" and self.keeps:
            known = self.kept("deals then", lambda: self._known(name, None))
            return known if columns is None else known.select(*columns)
        return self._known(name, columns)

    def _known(self, name: str, columns: Sequence[str] | None) -> ibis.Table:
        if name == "deals" and not self.is_latest:
            return self.replay().deals(columns)
        stored = self._stored(name)
        if name == "deals":
            known = stored.filter(stored.removed_on.isnull() | (stored.removed_on > self.date))
        elif self.is_latest:
            known = stored
        else:
            from spm_lib.data.known import known_at

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
        present = stored.removed_on.isnull() | (stored.removed_on > self.date)
        return stored.select(*columns, present=present)

    def replay(self, *, assumed_fixed: Iterable[str] = ()) -> Replay:
        """Give what winds deals back to the day; `assumed_fixed` adds to what the source declares fixed."""
        from spm_lib.data.replay import Replay, Sources

        stored = self._stored
        return Replay(
            sources=Sources(stored("deals"), stored("deal_changes"), stored("activities"), stored("stages")),
            date=self.date,
            tracked_from=self.meta.tracked_from,
            fixed=ALWAYS_FIXED | frozenset(self.meta.fixed) | frozenset(assumed_fixed),
            changed=self.store.changed_fields,
            has_stages=bool(self.meta.rows.get("stages")),
        )

    def keeping(self) -> Snapshot:
        """Give the same for many questions: what a team can read of is picked out once, and deals are wound back once.

        For one question over many deals this costs more than it saves.
        """
        import ibis

        # To merge selects takes longer than DuckDB takes to look through them, but where it is done once for all kernels.
        ibis.options.sql.fuse_selects = bool(os.environ.get(COMPILED_VARIABLE))
        return replace(self, keeps=True, _shared={}, _answers={})

    def once(self, key: tuple[object, ...], answer: Callable[[], T], *, dated: bool = True) -> T:
        """Give `answer`: where tables are kept, worked out once for this scope and, where `dated`, day, whoever asks."""
        if not self.keeps:
            return answer()
        whole = (self.date if dated else None, self.report_date, self.team_id, *key)
        if whole not in self._answers:
            self._answers[whole] = answer()
        found: T = self._answers[whole]
        return found

    def as_of(self, date: dt.date) -> Snapshot:
        """Give the same scope at another day, of the same report."""
        return replace(self, date=date)

    @property
    def benchmarks(self) -> Snapshot:
        """The whole company as known at the end of the last of its quarters that was over before the report's day.

        What a team's report tells of the company is read here and nowhere else: all reports of one day agree on it, and
        no row recorded since makes them differ from those made before. Of deals, only closed ones may be read, and
        only the columns that `spm_lib.data.slices` counts.
        """
        calendar = self.meta.calendar
        try:
            quarter = period_at(calendar.own("quarter"), self.report_date, calendar)
        except PeriodError:  # the calendar's table does not reach so far
            quarter = period_at("quarter", self.report_date, calendar)
        before = max(quarter.start, dt.date.min + dt.timedelta(days=1)) - dt.timedelta(days=1)
        return replace(self, date=before, team_id=None, keeps=False)

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
        import ibis

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
        return table if self.team_ids is None else table.filter(table["team"].isin(self.own_teams))

    def _stored(self, name: str) -> ibis.Table:
        # To look a table up asks the store for its columns: once is enough for all snapshots made from this one.
        if name not in self._shared:
            self._shared[name] = self.store.connection.table(name)
        stored = self._shared[name]
        if self.keeps and self.team_ids is not None and name in ("deals", "deal_changes"):
            return self.kept(
                f"{name} of the team", lambda: stored.semi_join(self._own_deals, "deal_id"), dated=False
            )
        return stored

    @property
    def _own_deals(self) -> ibis.Table:
        """The ids of all deals that anybody ever in the scope's teams owns or owned."""
        import ibis

        def find() -> ibis.Table:
            connection = self.store.connection
            members, deals, changes = (connection.table(n) for n in ("team_members", "deals", "deal_changes"))
            people = members.filter(members.team_id.isin(self.own_teams)).select("rep_id").distinct()
            moved = changes.filter(changes.field == "owner_id")
            owners = [deals.select("deal_id", rep_id="owner_id")]
            owners += [moved.select("deal_id", rep_id=side) for side in ("old_value", "new_value")]
            return ibis.union(*owners).semi_join(people, "rep_id").select("deal_id").distinct()

        return self.kept("own deals", find, dated=False)

    def kept(self, what: str, find: Callable[[], ibis.Table], *, dated: bool = True) -> ibis.Table:
        """Give a table of the connection's own, in memory, worked out when it is first asked for.

        Parameters
        ----------
        what
            What it holds, for this scope.
        find
            Gives it as an expression.
        dated
            Whether it is another on another day.
        """
        key = f"{what}, {self.team_id}" + (f", {self.date}" if dated else "")
        if key not in self._shared:
            self._shared[key] = self.store.keep(find())
        return self._shared[key]

    @property
    def _spells(self) -> ibis.Table:
        return self.kept("spells", self._cut_spells) if self.keeps else self._cut_spells()

    def _cut_spells(self) -> ibis.Table:
        """Give memberships as closed intervals, cut so that no two of one rep overlap whatever the data say."""
        import ibis

        members = self.table("team_members")
        since = ibis.coalesce(members.valid_from, ibis.date(1, 1, 1))
        until = ibis.coalesce(members.valid_to, ibis.date(9999, 12, 31))
        spells = members.select(_rep=members.rep_id, _team=members.team_id, _from=since, _to=until)
        following = spells._from.lead().over(
            ibis.window(group_by=spells._rep, order_by=[spells._from, spells._to, spells._team])
        )
        cut = ibis.coalesce(following - ibis.interval(days=1), spells._to).cast("date")
        return spells.mutate(_to=ibis.least(spells._to, cut))

    @property
    def teams(self) -> dict[str, Team]:
        """All teams of the company by id."""
        return self.store.teams

    @cached_property
    def staffed(self) -> frozenset[str]:
        """The ids of all teams that have members of their own on the day."""
        day = f"date '{self.date}'"
        found = self.store.rows(
            f"select distinct team_id from team_members where (valid_from is null or valid_from <= {day}) "
            f"and (valid_to is null or valid_to >= {day})"
        )
        return frozenset(team for (team,) in found)

    @property
    def own_teams(self) -> Sequence[str] | ibis.Column:
        """The `team_ids` as an expression looks for them: where tables are kept, in one that every team has of its own."""
        ids = self.team_ids or ()
        if not self.keeps:
            return ids

        def find() -> ibis.Table:
            teams = self._stored("teams")
            return teams.filter(teams.team_id.isin(ids)).select("team_id")

        return self.kept("own teams", find, dated=False).team_id

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
