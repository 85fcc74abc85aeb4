"""What is asked: which snapshot, which periods, by which dimensions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from spm_lib.errors import UnknownNameError, did_you_mean

if TYPE_CHECKING:
    import ibis

    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

T = TypeVar("T")

PERIOD_KEY = "period_no"

#: Dimensions with a name beside the id: where the id stands in a population, and the table with the name.
_NAMED = {
    "team": ("team_members", "team_id"),
    "rep": ("deals", "owner_id"),
    "product": ("deals", "product_id"),
}


@dataclass(frozen=True)
class Dimension:
    """One way to divide rows.

    Parameters
    ----------
    name
        What the reader calls it, and the column of the result.
    table, column
        Where its value stands; for teams the membership on the metric's date.
    """

    name: str
    table: str
    column: str

    @property
    def named(self) -> bool:
        """Whether a column with the name stands beside the id."""
        return self.name in _NAMED


@dataclass(frozen=True)
class Question:
    """Periods of one snapshot, divided by dimensions."""

    snapshot: Snapshot
    periods: tuple[Period, ...]
    dimensions: tuple[Dimension, ...] = ()
    _answers: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: tuple[object, ...], answer: Callable[[], T]) -> T:
        """Give `answer`, worked out once for this question whoever asks; see `Snapshot.once` too."""
        if key not in self._answers:
            whole = (*key, self.periods, self.dimensions)
            self._answers[key] = self.snapshot.once(whole, answer)
        found: T = self._answers[key]
        return found

    @property
    def keys(self) -> list[str]:
        """The key columns of every frame that answers this question: period first, then dimensions."""
        return [PERIOD_KEY, *(f"key_{i}" for i in range(len(self.dimensions)))]

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions' names."""
        return tuple(d.name for d in self.dimensions)

    @property
    def start(self) -> dt.date:
        """First day of the first period."""
        return min(p.start for p in self.periods)

    @property
    def end(self) -> dt.date:
        """Last day of the last period."""
        return max(p.end for p in self.periods)

    def filled(self, name: str) -> bool:
        """Tell whether the store has any row of table `name`; empty tables are never joined."""
        return self.snapshot.meta.rows.get(name, 0) > 0

    def members(self) -> ibis.Table:
        """Give the memberships that count: all, or those of the scope's teams."""
        members = self.snapshot.table("team_members")
        if self.snapshot.team_ids is None:
            return members
        return members.filter(members.team_id.isin(self.snapshot.own_teams))

    @cached_property
    def names_of(self) -> dict[str, dict[str, str]]:
        """For each dimension with names, the name by id; the id where there is no name."""
        return self.once(("names",), self._find_names)

    def _find_names(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for dimension in self.dimensions:
            if dimension.name == "team":
                found["team"] = {key: team.name for key, team in self.snapshot.teams.items()}
            elif dimension.named:
                column = "rep_id" if dimension.name == "rep" else "product_id"
                table = self.snapshot.table(f"{dimension.name}s")
                pairs = table.select(column, "name").to_pyarrow().to_pydict()
                found[dimension.name] = {
                    key: key if name is None else name
                    for key, name in zip(pairs[column], pairs["name"], strict=True)
                }
        return found

    def named(self, dimension: str, ids: pd.Series[str]) -> pd.Series[str]:
        """Give the names of `ids`, or the ids where there is none."""
        known = self.names_of.get(dimension, {})
        return pd.Series([known.get(i, i) for i in ids], index=ids.index, dtype="str")

    @cached_property
    def roster(self) -> pd.DataFrame:
        """Give the groups that exist whether or not they have rows, for all periods.

        They are the teams with direct members and the people in teams, during the periods or on the snapshot's
        day; all people where nobody is in a team; the company. Other dimensions exist where rows have them.
        """
        names = self.names
        keys = self.keys[1:]
        if not names:
            groups = pd.DataFrame(index=[0])
        elif set(names) <= {"team", "rep"} and self.filled("team_members"):
            members = self.once(("members",), lambda: self._members_between().to_pyarrow())
            groups = members.to_pandas()
        elif names == ("rep",) and self.snapshot.team_ids is None:
            groups = pd.DataFrame({keys[0]: list(self.names_of["rep"])})
        else:
            groups = pd.DataFrame(columns=keys)
        count, size = len(self.periods), len(groups)
        every = groups.take(np.tile(np.arange(size), count)).reset_index(drop=True)
        every.insert(0, PERIOD_KEY, np.repeat(np.arange(count), size))
        return every[self.keys]

    def _members_between(self) -> ibis.Table:
        members = self.members()
        first, last = members.valid_from, members.valid_to
        day = self.snapshot.date
        in_period = (first.isnull() | (first <= self.end)) & (last.isnull() | (last >= self.start))
        on_day = (first.isnull() | (first <= day)) & (last.isnull() | (last >= day))
        column = {"team": members.team_id, "rep": members.rep_id}
        chosen = {key: column[name] for key, name in zip(self.keys[1:], self.names, strict=True)}
        return members.filter(in_period | on_day).select(**chosen).distinct()


def read_dimensions(snapshot: Snapshot, by: str | Sequence[str]) -> tuple[Dimension, ...]:
    """Find the dimensions called `by`.

    Parameters
    ----------
    snapshot
        Its deals may have custom columns.
    by
        ``company`` (no dimension), ``team``, ``rep``, ``product``, or any column of deals, accounts or products;
        one or several. A column that several of these tables have is that of deals, else of accounts.

    Raises
    ------
    UnknownNameError
        Where there is no such dimension.
    """
    asked = (by,) if isinstance(by, str) else tuple(by)
    wanted = dict.fromkeys(name for name in asked if name != "company")
    if not wanted:
        return ()
    known = {name: Dimension(name, *place) for name, place in _NAMED.items()}
    if not set(wanted) <= set(known):
        for table in ("deals", "accounts", "products"):
            for column in snapshot.table(table).columns:
                known.setdefault(column, Dimension(column, table, column))
    for name in wanted:
        if name not in known:
            raise UnknownNameError(
                f"there is no dimension '{name}'", where="by", mend=did_you_mean(name, ["company", *known])
            )
    return tuple(known[name] for name in wanted)
