"""What is won by the end of a quarter, drawn many times: deals that are open, and deals that are not there yet."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from spm_lib.models.inputs import Floats, Whole

if TYPE_CHECKING:
    from spm_lib.models.quota_new_deals import NewDeals

#: Deals × draws that are held in memory at once.
_AT_ONCE = 4_000_000
#: The range told: 80 %.
RANGE = (0.1, 0.9)


@dataclass(frozen=True)
class Prospects:
    """What the people of one day have, and may win; arrays by person, and by open deal.

    Parameters
    ----------
    quota, revenue
        By person, money.
    new, spread
        By person: how many deals not created yet are to be expected won by the end, and the squared coefficient of
        variation of that number beyond chance (that of a Gamma-Poisson mixture).
    size, variation
        By person: mean amount of a deal won, and the squared coefficient of variation of such amounts.
    owner
        By open deal, ascending: the place of its owner.
    chance, amount
        By open deal: the chance that it is won by the end, and what it would bring.
    """

    quota: Floats
    revenue: Floats
    new: Floats
    spread: Floats
    size: Floats
    variation: Floats
    owner: Whole
    chance: Floats
    amount: Floats

    @property
    def to_come(self) -> Floats:
        """What is to be expected beyond the revenue so far, by person."""
        deals = np.bincount(self.owner, weights=self.chance * self.amount, minlength=len(self.quota))
        return deals + self.new * self.size

    def times(self, *, deals: float, new: float) -> Prospects:
        """Give the same with the amounts of open deals, and of those not created yet, times a factor."""
        return replace(self, amount=self.amount * deals, size=self.size * new)


@dataclass(frozen=True)
class Ends:
    """How the quarter may end, by person: mean revenue, 80 % range, and the share of draws below the quota."""

    expected: Floats
    low: Floats
    high: Floats
    miss: Floats


def prospects_of(
    who: pd.DataFrame,
    people: pd.DataFrame,
    new: NewDeals,
    deals: pd.DataFrame,
    *,
    day: dt.date,
    end: dt.date,
) -> tuple[Prospects, pd.DataFrame, Whole] | None:
    """Put together what those who carry a quota may win.

    Parameters
    ----------
    who, people
        What `spm_lib.models.quota_standing` gave: `carriers`, and `staff`.
    new
        What deals not created yet may bring, by row of `people`.
    deals
        Open deals in any order: deal_id, rep_id, amount (NaN: what is usual for the rep), won (chance by `end`), others.
    day, end
        The day, and the quarter's last one.

    Returns
    -------
    tuple or None
        The prospects, the deals in their order, and the places in `who` of those told of: nobody whose deals have no
        chance that is known. None where nobody is left, or nothing was ever won that could tell what is to come.

    Notes
    -----
    A quota that ends before the quarter is over is looked ahead to its own end: a chance p to be won in the
    days that are left becomes 1 − (1 − p)^(share of these days).
    """
    left = (end - day).days
    place = pd.Index(people["rep_id"]).get_indexer(who["rep_id"])
    if not len(who) or (left and np.isnan(new.won[place] * new.size[place]).any()):
        return None
    last = who["ends_on"].to_numpy().astype("datetime64[D]")
    days = (last - np.datetime64(day)).astype(np.int64)
    share = np.clip(days, 0, left) / left if left else np.zeros(len(who))
    owner = pd.Index(who["rep_id"]).get_indexer(deals["rep_id"])
    unknown = (owner >= 0) & deals["won"].isna().to_numpy() & bool(left)
    told = np.setdiff1d(np.arange(len(who)), owner[unknown])
    if not len(told):
        return None
    # Each deal stands where it would whatever the order that it was read in.
    deals = deals.assign(_owner=pd.Index(told).get_indexer(owner))
    deals = deals[deals["_owner"] >= 0].sort_values(["_owner", "deal_id"], ignore_index=True)
    who, place, share = who.iloc[told], place[told], share[told]
    whose = deals.pop("_owner").to_numpy(dtype=np.int64)
    chance = np.nan_to_num(deals["won"].to_numpy(dtype=float))
    size = np.nan_to_num(new.size[place])
    amount = deals["amount"].to_numpy(dtype=float)
    prospects = Prospects(
        quota=who["quota"].to_numpy(dtype=float),
        revenue=who["revenue"].to_numpy(dtype=float),
        # Fewer come, and they have fewer days.
        new=new.won[place] * share**2,
        spread=new.spread[place],
        size=size,
        variation=np.nan_to_num(new.variation[place]),
        owner=whose,
        chance=1 - (1 - chance) ** share[whose],
        amount=np.where(np.isnan(amount), size[whose], amount),
    )
    return prospects, deals, told


def simulate(prospects: Prospects, *, correlation: float, draws: int, seed: int) -> Ends:
    """Draw how the quarter ends.

    Parameters
    ----------
    prospects
        What is open, and what may come.
    correlation
        0 to below 1: how much the deals of one person go well or badly together. Each keeps its own chance: it is won where
        √ρ z + √(1−ρ) e lies below the chance's quantile, z of the person and e of the deal standard normal (the one-factor
        model of Vasicek, "Loan portfolio value", Risk 15, 2002).
    draws
        How many.
    seed
        The same seed gives the same, whatever else was drawn before.

    Returns
    -------
    Ends
        The amount of n deals won that are not created yet is drawn from the gamma distribution with the mean and variance of
        such a sum. A share of draws is (k + ½) / (draws + 1), so that nothing is told as certain.
    """
    rng = np.random.default_rng(seed)
    people = len(prospects.quota)
    expected, low, high, miss = (np.empty(people) for _ in range(4))
    deals = np.bincount(prospects.owner, minlength=people)
    before = np.concatenate([[0], np.cumsum(deals)])
    # Blocks of whole people: their draws fit into memory however large the company is.
    block = (before[:-1] + np.arange(people)) * draws // _AT_ONCE
    for first, last in _runs(block):
        inside = slice(int(before[first]), int(before[last]))
        total = _new(prospects, slice(first, last), draws, rng)
        total += _open(prospects, inside, first, last, correlation, draws, rng)
        total += prospects.revenue[first:last, None]
        expected[first:last] = total.mean(axis=1)
        low[first:last], high[first:last] = np.quantile(total, RANGE, axis=1)
        below = (total < prospects.quota[first:last, None]).sum(axis=1)
        miss[first:last] = (below + 0.5) / (draws + 1)
    return Ends(expected, low, high, miss)


def _runs(block: Whole) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(block)) + 1
    bounds = [0, *edges.tolist(), len(block)]
    return [pair for pair in itertools.pairwise(bounds) if pair[0] < pair[1]]


def _new(prospects: Prospects, who: slice, draws: int, rng: np.random.Generator) -> Floats:
    """Draw the money of deals that are not created yet: people × draws."""
    mean, spread = prospects.new[who, None], np.maximum(prospects.spread[who, None], 1e-9)
    shape = (mean.shape[0], draws)
    many = rng.poisson(rng.gamma(1 / spread, mean * spread, shape))
    variation = np.maximum(prospects.variation[who, None], 1e-9)
    return np.asarray(rng.standard_gamma(many / variation) * variation * prospects.size[who, None])


def _open(
    prospects: Prospects,
    inside: slice,
    first: int,
    last: int,
    correlation: float,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw the money of deals that are open: people × draws."""
    owner = prospects.owner[inside] - first
    total = np.zeros((last - first, draws))
    shared = rng.standard_normal((last - first, draws), dtype=np.float32)
    if not len(owner):
        return total
    own = rng.standard_normal((len(owner), draws), dtype=np.float32)
    limit = ndtri(prospects.chance[inside]).astype(np.float32)
    own *= np.float32(np.sqrt(1 - correlation))
    own += np.float32(np.sqrt(correlation)) * shared[owner]
    money = np.where(own < limit[:, None], prospects.amount[inside, None].astype(np.float32), np.float32(0))
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    total[owner[starts]] = np.add.reduceat(money, starts, axis=0)
    return total
