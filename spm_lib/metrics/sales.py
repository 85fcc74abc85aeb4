"""What closed deals tell: revenue, win rates, sales cycles, deal sizes, and how fast money comes in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spm_lib.metrics import intervals
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import divide
from spm_lib.metrics.metric import NO_PIPELINE, NOT_COVERED, Figures, Statistic, counted
from spm_lib.metrics.populations import CLOSED, OPEN, any_open

UNPRICED = ("won deal without a known amount left out", "won deals without a known amount left out")

# -- Statistics: what the engine computes -----------------------------------------------------------------

_AMOUNT = ("won", "amount")
_DAYS = ("won", "days")

WON = Statistic("won", ("won",), lambda t: t.count(where=t.won))
LOST = Statistic("lost", ("won",), lambda t: t.count(where=~t.won))

REVENUE = Statistic("revenue", _AMOUNT, lambda t: t.amount.sum(where=t.won).cast("float64"))
REVENUE_SQUARES = Statistic(
    "revenue_squares",
    _AMOUNT,
    lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum(where=t.won),
)
REVENUE_N = Statistic("revenue_n", _AMOUNT, lambda t: t.amount.count(where=t.won))

SIZE_N = Statistic("size_n", _AMOUNT, lambda t: t.count(where=t.won & (t.amount > 0)))
SIZE = Statistic("size", _AMOUNT, lambda t: t.amount.sum(where=t.won & (t.amount > 0)).cast("float64"))
SIZE_VARIANCE = Statistic(
    "size_variance",
    _AMOUNT,
    lambda t: t.amount.cast("float64").var(how="sample", where=t.won & (t.amount > 0)),
)
SIZES = Statistic(
    "sizes",
    _AMOUNT,
    lambda t: t.amount.cast("float64").collect(where=t.won & (t.amount > 0)),
    ordered=True,
)

CYCLES = Statistic("cycles", _DAYS, lambda t: t.days.collect(where=t.won), ordered=True)
CYCLE_N = Statistic("cycle_n", _DAYS, lambda t: t.days.count(where=t.won))
CYCLE = Statistic("cycle", _DAYS, lambda t: t.days.mean(where=t.won))
CYCLE_VARIANCE = Statistic(
    "cycle_variance", _DAYS, lambda t: t.days.cast("float64").var(how="sample", where=t.won)
)
SIZE_BY_CYCLE = Statistic(
    "size_by_cycle",
    ("won", "amount", "days"),
    lambda t: t.amount.cast("float64").cov(
        t.days.cast("float64"), how="sample", where=t.won & (t.amount > 0)
    ),
)

WORTH = {
    name: Statistic(name, _AMOUNT, of)
    for name, of in {
        "won_worth": lambda t: t.amount.sum(where=t.won & (t.amount > 0)).cast("float64"),
        "lost_worth": lambda t: t.amount.sum(where=~t.won & (t.amount > 0)).cast("float64"),
        "won_worth_squares": lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum(
            where=t.won & (t.amount > 0)
        ),
        "lost_worth_squares": lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum(
            where=~t.won & (t.amount > 0)
        ),
        "worth_n": lambda t: t.count(where=t.amount > 0),
        "lost_worth_n": lambda t: t.count(where=~t.won & (t.amount > 0)),
    }.items()
}

SIZE_AND_CYCLE_N = Statistic(
    "size_and_cycle_n",
    ("won", "amount", "days"),
    lambda t: t.days.count(where=t.won & (t.amount > 0)),
)
OPEN_N = Statistic("open_deals", (), lambda t: t.count())

SIZE_STATISTICS = (SIZE, SIZE_VARIANCE, SIZE_N)
CYCLE_STATISTICS = (CYCLE, CYCLE_VARIANCE, CYCLE_N)
VELOCITY = (WON, LOST, *SIZE_STATISTICS, *CYCLE_STATISTICS, SIZE_BY_CYCLE, SIZE_AND_CYCLE_N)

# -- Finishing: from statistics to figures ----------------------------------------------------------------


def finish_revenue(evidence: Evidence) -> Figures:
    """Give Σ amount ± 1.96 √Σ amount²; 0 where nothing was won, null where the data do not reach."""
    value, squares, n, won = (
        evidence.count(CLOSED, name) for name in ("revenue", "revenue_squares", "revenue_n", "won")
    )
    unpriced = won - n
    covered = evidence.covered(evidence.question.snapshot.meta.first_closed_on)
    figures = Figures.of(value, n, intervals.total(value, squares), counted(unpriced, *UNPRICED))
    return figures.where((won > 0) | covered, NOT_COVERED).where((n > 0) | (unpriced == 0))


def finish_win_rate(evidence: Evidence) -> Figures:
    """Give won / (won + lost) with Wilson's interval."""
    won = evidence.count(CLOSED, "won")
    n = won + evidence.count(CLOSED, "lost")
    return Figures.of(divide(won, n), n, intervals.wilson(won, n))


def finish_win_rate_value(evidence: Evidence) -> Figures:
    """Give the same by amount; null where there are lost deals but none with an amount."""
    won, lost, won_squares, lost_squares, n, lost_n = (evidence.count(CLOSED, name) for name in WORTH)
    losses = evidence.count(CLOSED, "lost")
    left_out = evidence.count(CLOSED, "won") + losses - n
    note = counted(
        left_out, "deal without a positive amount left out", "deals without a positive amount left out"
    )
    bounds = intervals.weighted_share(won, lost, won_squares, lost_squares, n)
    figures = Figures.of(divide(won, won + lost), n, bounds, note)
    return figures.where((losses == 0) | (lost_n > 0), "lost deals carry no amount")


def finish_median(name: str) -> Callable[[Evidence], Figures]:
    """Give a function that tells the median of the ordered statistic `name`."""

    def finish(evidence: Evidence) -> Figures:
        value, low, high = (evidence.of(CLOSED, f"{name}_{part}") for part in ("median", "low", "high"))
        return Figures.of(value, evidence.count(CLOSED, f"{name}_n"), (low, high))

    return finish


def finish_cycle_mean(evidence: Evidence) -> Figures:
    """Give the mean of days with Student's interval."""
    value, n = evidence.of(CLOSED, "cycle"), evidence.count(CLOSED, "cycle_n")
    return Figures.of(value, n, intervals.mean(value, evidence.of(CLOSED, "cycle_variance"), n))


def finish_average_size(evidence: Evidence) -> Figures:
    """Give the mean of positive amounts with Student's interval."""
    n = evidence.count(CLOSED, "size_n")
    value = divide(evidence.of(CLOSED, "size"), n)
    return Figures.of(value, n, intervals.mean(value, evidence.of(CLOSED, "size_variance"), n))


def finish_velocity(evidence: Evidence) -> Figures:
    """Give open deals × win rate × size / cycle; the interval is the delta method's on the log scale.

    The number of open deals is a fact of the day and adds nothing to it.
    """
    waiting = evidence.count(OPEN, "open_deals")
    won = evidence.count(CLOSED, "won")
    n = won + evidence.count(CLOSED, "lost")
    sizes, cycles, both = (evidence.count(CLOSED, name) for name in ("size_n", "cycle_n", "size_and_cycle_n"))
    rate, size = divide(won, n), divide(evidence.of(CLOSED, "size"), sizes)
    cycle = evidence.of(CLOSED, "cycle")
    value = divide(waiting * rate * size, cycle)
    # Size and cycle are of the same deals, so what they share must not be counted twice.
    shared = np.nan_to_num(evidence.of(CLOSED, "size_by_cycle")) * divide(both, sizes * cycles)
    variance = (
        divide(1 - rate, n * rate)
        + divide(evidence.of(CLOSED, "size_variance"), sizes * size**2)
        + divide(evidence.of(CLOSED, "cycle_variance"), cycles * cycle**2)
        - 2 * divide(shared, size * cycle)
    )
    figures = Figures.of(value, n, intervals.log_delta(value, np.maximum(variance, 0)))
    known = waiting.any() or any_open(evidence.question)
    return figures.where(~np.isnan(value)) if known else figures.where(waiting > 0, NO_PIPELINE)
