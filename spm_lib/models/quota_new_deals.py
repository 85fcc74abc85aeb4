"""Deals that are not created yet: how many of them each rep is to be expected to win by the end of the quarter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spm_lib.metrics.populations import CREATED
from spm_lib.metrics.question import Question, read_dimensions
from spm_lib.models.inputs import Flags, Floats, Whole
from spm_lib.models.quota_standing import points
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: What is looked back at: for how new hires start, for how often and how well each rep sells, in days.
_LONG, _RECENT = 730, 180
#: A month since the day of hiring, in days; from the seventh on a rep is no new hire.
_MONTH, _MONTHS = 30, 6
#: Deals that a group's rate leans on of the company's, and a new hire's month on that of the others.
_PSEUDO = 30.0
#: The same for amounts, of which few tell little: they scatter widely.
_PSEUDO_AMOUNTS = 8.0
#: Whoever is not told apart by what was seen differs by so much at least: squared coefficient of variation.
_LEAST_SPREAD = 0.02


@dataclass(frozen=True)
class NewDeals:
    """What deals not created yet may bring, by person of the staff.

    Parameters
    ----------
    won
        Deals created after the day and won by the end of the quarter, to be expected of a rep who stays until then; NaN
        where the record is too short to tell.
    spread
        Squared coefficient of variation of that number beyond chance.
    size, variation
        Mean amount of a deal won, and the squared coefficient of variation of amounts; NaN where nothing was ever won.
    """

    won: Floats
    spread: Floats
    size: Floats
    variation: Floats


def new_deals(
    snapshot: Snapshot, people: pd.DataFrame, carrying: pd.Series[str], quarter: Period
) -> NewDeals:
    """Tell what deals that are not created yet may bring by the end of a quarter.

    Parameters
    ----------
    snapshot
        The whole company on a day of the quarter; nothing later is known.
    people
        What `spm_lib.models.quota_standing.staff` gave of it.
    carrying
        The ids of those who carry a quota: they are there to sell, whether they ever owned a deal or not.
    quarter
        The quarter.

    Notes
    -----
    Deals created a day, by rep: those of the last half year, as a Gamma-Poisson mixture around the rate of the rep's team,
    which itself leans on the company's; the first months after hiring by what such months brought others. How many of
    them are won in time: the share that was won by the end of those created as late in earlier quarters, again by team
    and rep. Where no whole quarter is on record, the days up to the snapshot's stand for the end of one.
    """
    record = _Record.read(snapshot, people, carrying)
    left = (quarter.end - snapshot.date).days
    ramp = record.ramp()
    at_work = record.exposure(record.day - _RECENT + 1, record.day) @ ramp
    made = record.counts(record.made > record.day - _RECENT)
    usual = record.by_team(made, at_work)
    rate, _ = mixed(made, usual * at_work)
    ahead = _overlap(record, record.day + 1, record.day + left) @ ramp
    at = points(quarter, snapshot.date, snapshot.meta.first_closed_on)
    windows = [(_number(day), _number(end)) for day, end in at]
    late = np.zeros(len(record.made), dtype=bool)
    quick = np.zeros(len(record.made), dtype=bool)
    for after, end in windows:
        inside = (record.made > after) & (record.made <= end)
        late |= inside
        quick |= inside & record.won & (record.closed <= end)
    tried, won = record.counts(late), record.counts(quick)
    share = record.by_team(won, tried)
    skill, differing = mixed(won, share * tried)
    mean = usual * rate * ahead * share * skill if windows or not left else np.full(len(people), np.nan)
    spread = np.maximum(_between(record, windows, quick, won), _LEAST_SPREAD) + differing
    size, variation = record.amounts()
    return NewDeals(mean, spread, size, variation)


def mixed(counts: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Give each one's factor on what is expected of it, and the squared coefficient of variation that is left of it.

    Parameters
    ----------
    counts, expected
        What was counted of each, and what was to be expected by the rates of its peers.

    Returns
    -------
    tuple of arrays
        Mean, and variance over squared mean, of a gamma distribution of factors around 1 after what was counted; how much
        the factors differ is taken from the counts' variance beyond chance, by moments.
    """
    squares = float((expected**2).sum())
    beyond = float(((counts - expected) ** 2 - expected).sum())
    differing = min(max(beyond / squares, _LEAST_SPREAD), 4.0) if squares else 1.0
    weight = 1 / differing
    return (weight + counts) / (weight + expected), 1 / (weight + counts)


@dataclass(frozen=True)
class _Record:
    """The deals created, days as whole numbers, people and teams as places."""

    day: int
    people: int
    since: Whole
    until: Whole
    hired: Whole
    selling: Flags
    team: Whole
    owner: Whole
    made: Whole
    closed: Whole
    won: Flags
    amount: Floats

    @classmethod
    def read(cls, snapshot: Snapshot, people: pd.DataFrame, carrying: pd.Series[str]) -> _Record:
        day = _number(snapshot.date)
        first = snapshot.meta.first_closed_on or snapshot.date
        start = max(snapshot.date - dt.timedelta(days=_LONG), min(first, snapshot.date))
        period = Period("the past", start, snapshot.date, "range", snapshot.meta.calendar)
        question = Question(snapshot, (period,), read_dimensions(snapshot, "rep"))
        reads = ("created_on", "closed_on", "outcome", "amount")
        rows = CREATED.rows(question, reads)
        rows = rows.mutate(amount=rows.amount.cast("float64")).rename(rep=question.keys[1])
        # A refund is no deal that came to anybody.
        deals: pd.DataFrame = rows.filter(~(rows.amount < 0).fill_null(False)).to_pyarrow().to_pandas()
        owner = pd.Index(people["rep_id"]).get_indexer(deals["rep"])
        deals, owner = deals[owner >= 0], owner[owner >= 0].astype(np.int64)
        made = _days(deals["created_on"])
        # Sums of doubles are the same to the last bit only in one order.
        order = np.lexsort((deals["amount"].to_numpy(dtype=float), _days(deals["closed_on"]), made, owner))
        deals, owner, made = deals.iloc[order], owner[order], made[order]
        hired, left = _days(people["hired_on"]), _days(people["left_on"])
        # Of those hired nobody knows when, the first deal tells that they were there.
        earliest = np.full(len(people), day, dtype=np.int64)
        np.minimum.at(earliest, owner, made)
        begun = np.where(hired == _NEVER, earliest, hired)
        teams, _ = pd.factorize(people["team"], sort=True)
        return cls(
            day=day,
            people=len(people),
            since=np.maximum(begun, _number(start)),
            until=np.where(left == _NEVER, day, np.minimum(left, day)),
            hired=np.where(hired == _NEVER, -(10**6), hired),
            team=teams.astype(np.int64) + 1,
            selling=people["rep_id"].isin(carrying).to_numpy() | np.isin(np.arange(len(people)), owner),
            owner=owner,
            made=made,
            closed=_days(deals["closed_on"]),
            won=(deals["outcome"] == "won").to_numpy(dtype=bool),
            amount=deals["amount"].to_numpy(dtype=float),
        )

    def counts(self, which: Flags) -> Floats:
        """Count deals by owner."""
        return np.bincount(self.owner[which], minlength=self.people).astype(float)

    def exposure(self, first: int, last: int) -> Floats:
        """Give the days at work between two days: people × months since hiring, the last for all later ones.

        Of people who carry no quota and never owned a deal nobody knows that they sell: none.
        """
        found = _overlap(self, np.maximum(self.since, first), np.minimum(self.until, last))
        return found * self.selling[:, None]

    def ramp(self) -> Floats:
        """Give the share of the usual rate at which deals come in each month since hiring."""
        start = int(self.since.min(initial=self.day))
        days = self.exposure(start, self.day)
        months = _months(self.made, self.hired[self.owner])
        made = np.zeros((self.people, _MONTHS + 1))
        np.add.at(made, (self.owner, months), 1.0)
        usual = self.by_team(made[:, -1], days[:, -1])
        usual = np.where(days[:, -1:].sum() > 0, usual, self.by_team(made.sum(axis=1), days.sum(axis=1)))
        share = (made.sum(axis=0) + _PSEUDO) / (usual @ days + _PSEUDO)
        share[-1] = 1.0
        return np.asarray(share)

    def by_team(self, counts: Floats, exposure: Floats) -> Floats:
        """Give each person the rate of the team, leaning on the company's."""
        many = int(self.team.max(initial=0)) + 1
        whole = float(counts.sum() / exposure.sum()) if exposure.sum() > 0 else 0.0
        if not whole:
            return np.zeros(self.people)
        own = np.bincount(self.team, weights=counts, minlength=many)
        out_of = np.bincount(self.team, weights=exposure, minlength=many)
        return np.asarray((own + _PSEUDO) / (out_of + _PSEUDO / whole))[self.team]

    def amounts(self) -> tuple[Floats, Floats]:
        """Give each person the mean amount of deals won, and the squared coefficient of variation of the team's."""
        paid = self.won & (self.amount > 0)
        amount, owner = self.amount[paid], self.owner[paid]
        if not len(amount):
            return np.full(self.people, np.nan), np.full(self.people, np.nan)
        whole = float(amount.mean())
        sums = np.bincount(owner, weights=amount, minlength=self.people)
        squares = np.bincount(owner, weights=amount**2, minlength=self.people)
        n = np.bincount(owner, minlength=self.people).astype(float)
        many = int(self.team.max(initial=0)) + 1
        by_team = [np.bincount(self.team, weights=each, minlength=many) for each in (sums, squares, n)]
        of_team = (by_team[0] + _PSEUDO_AMOUNTS * whole) / (by_team[2] + _PSEUDO_AMOUNTS)
        second = (by_team[1] + _PSEUDO_AMOUNTS * float((amount**2).mean())) / (by_team[2] + _PSEUDO_AMOUNTS)
        variation = np.maximum(second / of_team**2 - 1, _LEAST_SPREAD)
        size = (sums + _PSEUDO_AMOUNTS * of_team[self.team]) / (n + _PSEUDO_AMOUNTS)
        return size, variation[self.team]


_NEVER = np.iinfo(np.int64).max


def _between(record: _Record, windows: Sequence[tuple[int, int]], quick: Flags, won: Floats) -> float:
    """Give how much a rep's number of such deals differs between quarters beyond chance, relative to it and squared.

    By moments: by chance alone, what a rep won in all windows falls into each by its share of the days at work.
    """
    bounds = [(np.maximum(record.since, a + 1), np.minimum(record.until, b)) for a, b in windows]
    days = [_overlap(record, *bound).sum(axis=1) for bound in bounds]
    total = np.maximum(np.sum(days, axis=0), 1.0)
    squares = beyond = 0.0
    for (after, end), each in zip(windows, days, strict=True):
        share = each / total
        expected = won * share
        counts = record.counts(quick & (record.made > after) & (record.made <= end))
        beyond += float(((counts - expected) ** 2 - expected * (1 - share)).sum())
        squares += float((expected**2 * (1 - share)).sum())
    return max(0.0, beyond / squares) if squares else 0.0


def _months(day: Whole, hired: Whole) -> Whole:
    return np.asarray(np.clip((day - hired) // _MONTH, 0, _MONTHS))


def _overlap(record: _Record, first: Whole | int, last: Whole | int) -> Floats:
    """Give the days from `first` to `last`: people × months since hiring."""
    edges = record.hired[:, None] + _MONTH * np.arange(_MONTHS + 1)
    begin = np.concatenate([edges[:, :1] - 10**7, edges[:, 1:]], axis=1)
    end = np.concatenate([edges[:, 1:] - 1, np.full((record.people, 1), 10**7)], axis=1)
    low = np.maximum(begin, np.broadcast_to(first, record.people)[:, None])
    high = np.minimum(end, np.broadcast_to(last, record.people)[:, None])
    return np.asarray(np.maximum(high - low + 1, 0), dtype=np.float64)


def _number(day: dt.date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))


def _days(column: pd.Series) -> Whole:
    """Give days as whole numbers; `_NEVER` where unknown."""
    days = pd.to_datetime(column).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), _NEVER, days.astype(np.int64))
