"""The three factors of revenue, and what each did to a change of it: exact, and with its variance.

Revenue is decided deals × win rate × revenue per won deal, identically: a refund counts as a won deal, as it does in the
win rate, and makes the average smaller. What each of the three did to revenue is its Shapley value: the
change that it makes when the three move from the earlier period's values to this one's one after another, averaged over
the six orders in which they can (Shapley 1953; Shorrocks, Journal of Economic Inequality 11, 2013; for three factors the
complete decomposition of Sun, Energy Economics 20, 1998). So the parts add up to the change, none depends on an order that
somebody chose, and the other way round in time they are the same with the other sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from spm_lib.metrics.metric import Unit

#: The three factors of revenue, and the unit of each.
FACTORS: Mapping[str, Unit] = {"decided_deals": "count", "win_rate": "share", "deal_size": "currency"}

#: Under so many won deals in either period the delta method promises more than it holds, and no interval is told.
LEAST_WON = 10


class Side(NamedTuple):
    """What one group closed in one period; revenue in cents, squares in squared money."""

    won: int = 0
    lost: int = 0
    cents: int = 0
    squares: float = 0.0
    unpriced: int = 0

    @property
    def decided(self) -> int:
        """Deals won with a known amount, or lost."""
        return self.won + self.lost

    def factor(self, name: str) -> float:
        """Give a factor as people know it; null where there is none."""
        if name == "decided_deals":
            return float(self.decided)
        if name == "win_rate":
            return self.won / self.decided if self.decided else float("nan")
        return self.cents / self.won / 100 if self.won else float("nan")

    @property
    def is_known(self) -> bool:
        """Whether revenue is: not where deals were won and none has an amount."""
        return self.won > 0 or self.unpriced == 0


class Steps(NamedTuple):
    """What explains one group: both sides, three steps in cents in the order of `FACTORS`, and their variances."""

    before: Side
    now: Side
    cents: tuple[int, ...]
    variances: tuple[float, ...]


def explain(before: Side, now: Side) -> Steps:
    """Give what each factor did to revenue, exactly; a factor that one side does not have did not move.

    Without wins there is no deal size, and without decided deals no win rate either: such a factor is taken as on
    the other side, so that what it might have been explains nothing.
    """
    exact = _shapley(_factors(before, now), _factors(now, before))
    return Steps(before, now, _to_the_cent(exact, now.cents - before.cents), _variances(before, now))


def _factors(side: Side, other: Side) -> tuple[Fraction, Fraction, Fraction]:
    """Give decided deals, win rate and cents per won deal, taken from the `other` side where there are none."""
    rated = side if side.decided else other
    sized = side if side.won else other
    return (
        Fraction(side.decided),
        Fraction(rated.won, rated.decided) if rated.decided else Fraction(0),
        Fraction(sized.cents, sized.won) if sized.won else Fraction(0),
    )


def _shapley(before: Sequence[Fraction], now: Sequence[Fraction]) -> list[Fraction]:
    """Give the Shapley values of a product of three: the six orders put together."""
    steps = []
    for at in range(3):
        (b0, b1), (c0, c1) = ((before[i], now[i]) for i in range(3) if i != at)
        steps.append((now[at] - before[at]) * (2 * b0 * c0 + 2 * b1 * c1 + b0 * c1 + b1 * c0) / 6)
    return steps


def _to_the_cent(exact: Sequence[Fraction], total: int) -> tuple[int, ...]:
    """Round to whole cents that add up to `total`: the largest remainders are rounded up."""
    whole = [value.numerator // value.denominator for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (whole[at] - exact[at], at))
    for at in by_remainder[: total - sum(whole)]:
        whole[at] += 1
    return tuple(whole)


def _variances(before: Side, now: Side) -> tuple[float, ...]:
    """Give the variance of each step by the delta method, in squared money.

    Deals are decided as in a Poisson process, won as in a binomial trial, and as large as those won were: together
    that is the variance Σ amount² of the revenue on either side, which intervals of revenue rest on.
    """
    sides = [_estimates(before, now), _estimates(now, before)]
    (old, old_spread), (new, new_spread) = sides
    found = []
    for at in range(3):
        i, j = (k for k in range(3) if k != at)
        change = new[at] - old[at]
        level = (2 * old[i] * old[j] + 2 * new[i] * new[j] + old[i] * new[j] + new[i] * old[j]) / 6
        spread = level**2 * (old_spread[at] + new_spread[at])
        for one, other in ((i, j), (j, i)):
            spread += (change * (2 * old[other] + new[other]) / 6) ** 2 * old_spread[one]
            spread += (change * (2 * new[other] + old[other]) / 6) ** 2 * new_spread[one]
        found.append(spread)
    return tuple(found)


def _estimates(side: Side, other: Side) -> tuple[list[float], list[float]]:
    """Give the three factors as money and counts, and their variances; a factor taken from the other side has none."""
    deals, rate, cents = (float(value) for value in _factors(side, other))
    size = cents / 100
    rated = rate * (1 - rate) / side.decided if side.decided else 0.0
    sized = max(side.squares / side.won - size**2, 0.0) / side.won if side.won else 0.0
    return [deals, rate, size], [deals, rated, sized]
