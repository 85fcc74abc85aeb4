"""Quotas on the tree of teams, beside what those who carry them have sold and what they have open.

A team's quota is its own row where it has one, else the sum over the teams below it and the individual quotas of its
direct members; what is counted against it follows the same recursion. Roll-up rows of people are never added to
anything. A row counts by days: those that it shares with the period and with the membership, of all its days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.metrics.metric import Statistic
from spm_lib.metrics.populations import CLOSED, OPEN, converted
from spm_lib.metrics.question import Dimension, Question

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: What is summed on the tree: quotas, then won deals, then open ones expected in the period.
QUOTA = ("quota_rows", "quota", "unknown_quotas")
SOLD = ("revenue", "revenue_squares", "won", "won_unknown")
OPENED = ("open", "open_squares", "open_n", "open_unknown", "open_undated")
COLUMNS = (*QUOTA, *SOLD, *OPENED)

_AMOUNT = ("won", "amount")
_SOLD = (
    Statistic("revenue", _AMOUNT, lambda t: t.amount.sum(where=t.won).cast("float64")),
    Statistic(
        "revenue_squares",
        _AMOUNT,
        lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum(where=t.won),
    ),
    Statistic("won", _AMOUNT, lambda t: t.amount.count(where=t.won)),
    Statistic("won_unknown", _AMOUNT, lambda t: t.count(where=t.won & t.amount.isnull())),
)
_DATED = ("expected", "amount")
_OPEN = (
    Statistic("open", _DATED, lambda t: t.amount.sum(where=t.expected).cast("float64")),
    Statistic(
        "open_squares",
        _DATED,
        lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum(where=t.expected),
    ),
    Statistic("open_n", _DATED, lambda t: t.amount.count(where=t.expected)),
    Statistic("open_unknown", _DATED, lambda t: t.count(where=t.expected & t.amount.isnull())),
    Statistic("open_undated", ("undated",), lambda t: t.count(where=t.undated)),
)
_TEAM = Dimension("team", "team_members", "team_id")
_REP = Dimension("rep", "deals", "owner_id")

Totals = npt.NDArray[np.float64]
Pair = tuple[str | None, str]


def carries_quota(question: Question) -> bool:
    """Tell whether quotas can be told by the question's dimensions."""
    return set(question.names) <= {"team", "rep"}


@dataclass(frozen=True)
class QuotaSource:
    """Quotas and what counts against them, by company, team, rep, or team and rep."""

    name: str = "quota"
    with_open: bool = False

    @property
    def batches(self) -> bool:
        """Whether several periods can be asked at once."""
        return not self.with_open

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give `COLUMNS` for every group that carries a quota."""
        del statistics  # all come from one recursion
        keys = question.keys
        rows: list[tuple[object, ...]] = []
        if carries_quota(question) and question.filled("quotas"):
            for number, period in enumerate(question.periods):
                tree = question.snapshot.once(
                    ("quotas", period, self.with_open),
                    partial(QuotaTree.read, question, period, with_open=self.with_open),
                )
                staffed = question.roster["key_0"] if question.names == ("team",) else ()
                found = tree.groups(question.names, staffed)
                rows += [(number, *group, *totals) for group, totals in found.items()]
        return pd.DataFrame(rows, columns=[*keys, *COLUMNS])


@dataclass(frozen=True)
class QuotaTree:
    """The quotas of one period on the tree of teams, each figure in the order of `COLUMNS`.

    Parameters
    ----------
    snapshot
        The data, and whose.
    own
        Each team's own quota.
    people
        By team and rep: quotas of the days in the team, and what was sold and is open there. The team is None for people
        who were in none.
    """

    snapshot: Snapshot
    own: Mapping[str, Totals]
    people: Mapping[Pair, Totals]

    @classmethod
    def read(cls, asked: Question, period: Period, *, with_open: bool) -> QuotaTree:
        """Read quotas, sales and, where asked, open deals of one of the periods asked."""
        snapshot = asked.snapshot
        rows = asked.once(("quotas", period), lambda: prorated(snapshot, period).to_pyarrow().to_pylist())
        own: dict[str, dict[str, Totals]] = {}
        people: dict[Pair, Totals] = {}
        for row in rows:
            if row["owner_kind"] == "team":
                totals = own.setdefault(row["owner_id"], {}).setdefault(row["kind"], np.zeros(len(COLUMNS)))
            else:
                totals = people.setdefault((row["team_id"], row["owner_id"]), np.zeros(len(COLUMNS)))
            totals[: len(QUOTA)] += [row[name] or 0 for name in QUOTA]
        question = Question(snapshot, (period,), (_TEAM, _REP))
        parts = [(CLOSED, _SOLD, SOLD), (OPEN, _OPEN, OPENED)]
        for population, statistics, names in parts if with_open else parts[:1]:
            frame = asked.once((population.name, period), partial(population.collect, question, statistics))
            place = [COLUMNS.index(name) for name in names]
            values = np.nan_to_num(frame[list(names)].to_numpy(dtype=float))
            for team, rep, figures in zip(frame["key_0"], frame["key_1"], values, strict=True):
                pair = (None if pd.isna(team) else team, rep)
                people.setdefault(pair, np.zeros(len(COLUMNS)))[place] += figures
        # A team with rows of both kinds has one quota, not two: the one set for it, not the one added up.
        chosen = {
            team: kinds["individual" if "individual" in kinds else "roll_up"] for team, kinds in own.items()
        }
        return cls(snapshot, chosen, people)

    def groups(self, names: Sequence[str], staffed: Iterable[str]) -> dict[tuple[str | None, ...], Totals]:
        """Give the totals of each group that carries a quota, by some of team and rep.

        Teams are told that are `staffed`, or whose people carry a quota or sold.
        """
        scope = self.snapshot.team_ids
        found: dict[tuple[str | None, ...], Totals]
        if not names:
            found = {(): self._whole()}
        elif tuple(names) == ("team",):
            active = {t for t in self._members if t is not None and (scope is None or t in scope)}
            found = {(team,): self.of_team(team) for team in active.union(staffed)}
            if scope is None:
                found[(None,)] = self._of_people(None)
        elif tuple(names) == ("rep",):
            found = {(rep,): _sum(pairs) for rep, pairs in self._of_rep.items()}
        else:
            found = {tuple(p[n == "rep"] for n in names): totals for p, totals in self._in_scope.items()}
        return {group: totals for group, totals in found.items() if totals[0] > 0}

    def of_team(self, team: str, above: frozenset[str] = frozenset()) -> Totals:
        """Give the totals of a team with the teams below it."""
        above = above | {team}
        below = [child for child in self._children.get(team, ()) if child not in above]
        if team in self.own:
            return _sum([self.own[team], *(self._sold_below(t) for t in self._subtree(team))])
        return _sum([self._of_people(team), *(self.of_team(child, above) for child in below)])

    def _whole(self) -> Totals:
        if self.snapshot.team_id is not None:
            return self.of_team(self.snapshot.team_id)
        teams = self.snapshot.teams
        roots = [t.team_id for t in teams.values() if t.parent_team_id not in teams]
        return _sum([*(self.of_team(root) for root in roots), self._of_people(None)])

    def _of_people(self, team: str | None) -> Totals:
        """Give what a team's direct members carry and have sold, and what those who carry a quota have open."""
        found = []
        for rep, totals in self._members.get(team, ()):
            counted = totals * _IS_OPENED if rep in self._carriers else np.zeros(len(COLUMNS))
            found.append(counted + totals * ~_IS_OPENED if totals[0] > 0 else counted)
        return _sum(found)

    def _sold_below(self, team: str) -> Totals:
        return _sum([totals * ~_IS_QUOTA for _, totals in self._members.get(team, ())])

    def _subtree(self, team: str) -> set[str]:
        found: set[str] = set()
        waiting = [team]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._children.get(one, ())
        return found

    @cached_property
    def _children(self) -> dict[str | None, list[str]]:
        found: dict[str | None, list[str]] = {}
        for team in self.snapshot.teams.values():
            found.setdefault(team.parent_team_id, []).append(team.team_id)
        return found

    @cached_property
    def _members(self) -> dict[str | None, list[tuple[str, Totals]]]:
        found: dict[str | None, list[tuple[str, Totals]]] = {}
        for (team, rep), totals in self.people.items():
            found.setdefault(team, []).append((rep, totals))
        return found

    @cached_property
    def _carriers(self) -> set[str]:
        return {rep for (_, rep), totals in self.people.items() if totals[0] > 0}

    @cached_property
    def _in_scope(self) -> dict[Pair, Totals]:
        scope = self.snapshot.team_ids
        return {pair: totals for pair, totals in self.people.items() if scope is None or pair[0] in scope}

    @cached_property
    def _of_rep(self) -> dict[str, list[Totals]]:
        found: dict[str, list[Totals]] = {}
        for (_, rep), totals in self._in_scope.items():
            found.setdefault(rep, []).append(totals)
        return found


def prorated(snapshot: Snapshot, period: Period) -> ibis.Table:
    """Give each owner's quota for the days of `period`, a person's by the team of those days.

    Returns
    -------
    Table
        owner_kind, owner_id, kind, team_id, quota_rows, quota, unknown_quotas. A person who was never in a team
        counts on all days, with a null team.
    """
    quotas = snapshot.table("quotas")
    individual = (quotas.owner_kind == "rep") & (quotas.kind == "individual")
    kept = quotas.filter(
        quotas.starts_on <= period.end,
        quotas.ends_on >= period.start,
        (quotas.owner_kind == "team") | individual,
    )
    question = Question(snapshot, (period,))
    rows = kept.select(
        "owner_kind",
        "owner_id",
        "kind",
        "starts_on",
        "ends_on",
        row_amount=kept.amount,
        row_currency=kept.currency,
        row_day=ibis.least(kept.starts_on, ibis.literal(snapshot.date)),
    )
    rows = converted(rows, question)
    members = snapshot.table("team_members")
    members = members.select(member="rep_id", team_id="team_id", since="valid_from", until="valid_to")
    joined = rows.left_join(members, [rows.owner_kind == "rep", rows.owner_id == members.member])
    first = ibis.greatest(joined.starts_on, joined.since.coalesce(joined.starts_on), period.start)
    last = ibis.least(joined.ends_on, joined.until.coalesce(joined.ends_on), period.end)
    shared = last.delta(first, unit="day") + 1
    days = joined.ends_on.delta(joined.starts_on, unit="day") + 1
    parts = joined.mutate(part=joined.amount.cast("float64") * (shared / days), shared=shared)
    parts = parts.filter(parts.shared > 0)
    return parts.group_by("owner_kind", "owner_id", "kind", "team_id").aggregate(
        quota_rows=parts.count(),
        quota=parts.part.sum(),
        unknown_quotas=parts.count(where=parts.part.isnull()),
    )


_IS_QUOTA = np.array([name in QUOTA for name in COLUMNS])
_IS_OPENED = np.array([name in OPENED for name in COLUMNS])


def _sum(totals: Iterable[Totals]) -> Totals:
    total: Totals = np.sum([np.zeros(len(COLUMNS)), *totals], axis=0)
    return total
