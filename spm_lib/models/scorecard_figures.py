"""The figures of a scorecard: one rep's own, beside the own past and the team's middle.

A figure of few deals says little of a rep. Under `LEAST_DEALS` no interval of money is told, and nothing is tested.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spm_lib.errors import PeriodError
from spm_lib.metrics.behaviour import behaviour, behaviour_limits
from spm_lib.metrics.catalogue import CATALOGUE
from spm_lib.metrics.comparison import compare, earlier
from spm_lib.metrics.evaluation import evaluate, evaluate_periods
from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.intervals import difference
from spm_lib.metrics.metric import Figures, Metric, Statistic
from spm_lib.metrics.signals import LEAST, latest_p_value
from spm_lib.models.scorecard_created import CreatedDeals, poisson
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: The team's middle is told where so many people have a value.
LEAST_PEOPLE = 5
#: The middle is a mean of so many values, as one value alone would be a colleague's: of an even number of people one more.
MIDDLE_PEOPLE = 3
#: An interval is told of so many deals.
LEAST_DEALS = 3
#: The own usual rests on the last periods, so many at most and at least.
MOST_EARLIER, LEAST_EARLIER = 4, 2
#: Months of own revenue.
MONTHS = 12

_BOUNDS = ("value", "low", "high")
#: What is compared, in the columns of `compare`.
_COMPARED = [
    "previous",
    "previous_low",
    "previous_high",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
]
_USUAL = ["usual", "usual_difference", "usual_low", "usual_high", "usual_p_value"]
_NUMBERS = [*_BOUNDS, *_COMPARED, *_USUAL, "middle"]
_COUNTS = ["n", "previous_n", "usual_n", "usual_deals", "n_people"]
#: Why the number of deals created is not known.
UNDATED = "open deals have no day of creation"


_CREATED = CreatedDeals()


def _finish_created(evidence: Evidence) -> Figures:
    """Give the number of deals created with the interval of a Poisson's mean; null where the data do not reach."""
    n = evidence.count(_CREATED, "created")
    covered = evidence.covered(evidence.question.snapshot.meta.first_data_date)
    return Figures.of(n, n, poisson(n)).where((n > 0) | covered)


#: No metric of the catalogue: who owns a deal on the day of the report is taken for who began it.
DEALS_CREATED = Metric(
    "deals_created",
    "Deals created",
    "count",
    "higher",
    "Deals created in the period, of whoever owns them on the day of the report.",
    {_CREATED: (Statistic("created", (), lambda t: t.count()),)},
    _finish_created,
)

#: What a scorecard tells, in this order.
FIGURES: tuple[Metric, ...] = (
    *(CATALOGUE[name] for name in ("revenue", "quota_attainment", "quota_pace")),
    DEALS_CREATED,
    *(CATALOGUE[name] for name in ("win_rate", "sales_cycle", "average_deal_size")),
)
#: What adds up from day to day: of a period that is not over, earlier ones count as far as it has come.
_ADDED = (CATALOGUE["revenue"], DEALS_CREATED)
#: Sums of money, and what is money by a quota: of a few deals their intervals are no more than guesses.
_MONEY = ("revenue", "quota_attainment", "quota_pace")
#: What says of a rep what revenue says: told, and not tested besides.
_SAID_BY_REVENUE = ("quota_attainment", "quota_pace")
_POOLED = tuple(metric for metric in FIGURES if metric not in _ADDED and metric.name != "quota_pace")


def earlier_periods(snapshot: Snapshot, period: Period, since: dt.date | None) -> tuple[Period, ...]:
    """Give the last periods that were over by the day and of which all is known, the latest last.

    Parameters
    ----------
    snapshot
        The day.
    period
        The period before which they lie.
    since
        The rep's first day; a period that began before it is not the rep's own. None where it is not known.
    """
    first = _first_day(snapshot, since)
    found: list[Period] = []
    try:
        for _ in range(MOST_EARLIER):
            period = period.previous()
            if first is None or period.start < first:
                break
            if period.is_complete(snapshot.date):
                found.append(period)
    except PeriodError:  # the calendar reaches no further back
        pass
    return tuple(found[::-1])


def _first_day(snapshot: Snapshot, since: dt.date | None) -> dt.date | None:
    """Give the first day of which all of the rep's work is on record; None where no deal has closed.

    Of deals created before the first closing on record, those that closed sooner are not known.
    """
    first = snapshot.meta.first_closed_on
    return first if first is None or since is None else max(first, since)


def own_figures(
    snapshot: Snapshot,
    rep_id: str,
    period: Period,
    since: dt.date | None,
    people: Collection[str],
    *,
    undated: bool = False,
) -> pd.DataFrame:
    """Evaluate one rep's figures beside the own past and the team's middle.

    Parameters
    ----------
    snapshot
        The data; figures count for the days in its scope.
    rep_id
        The rep.
    period
        A whole period.
    since
        The rep's first day in the scope, None where it is not known: periods that began before it are not compared.
    people
        Ids of the people of the rep's team.
    undated
        Whether deals of the rep have no day of creation: then nobody knows how many were created when.

    Returns
    -------
    DataFrame
        For each of `FIGURES` a row of `compare`; then usual (the mean of the last periods of which all is known: sums as far
        into each as this one has come, rates and durations of all their deals together), usual_n (number of periods, 0 to
        4), usual_deals (what it rests on), usual_difference with usual_low, usual_high and usual_p_value; middle (see
        `middle_of`; null where fewer than `LEAST_PEOPLE` have a value, and of sums where the rep came in the period), and
        n_people (how many have one).

        Intervals of fewer than `LEAST_DEALS` deals are null, and none of what cannot fall below 0 does. Only what has an
        interval on both sides is tested, and of what says the same only revenue is.
    """
    compared = compare(FIGURES, snapshot, period, "rep")
    own = compared[compared["rep"] == rep_id].set_index("metric", drop=False)
    own = own.reindex([metric.name for metric in FIGURES])
    before, first = earlier(period, "previous"), _first_day(snapshot, since)
    if before is not None and (first is None or before.start < first):
        own[_COMPARED] = np.nan
        own["previous_n"] = 0
    past = earlier_periods(snapshot, period, since)
    own = _beside_usual(own, _usual(snapshot, rep_id, period, past), len(past))
    own = _tested(own)
    team = compared[compared["rep"].isin(people) & compared["value"].notna()].groupby("metric")["value"]
    own["n_people"] = team.count().reindex(own.index).fillna(0).astype("int64")
    own["middle"] = (
        team.agg(middle_of).astype("float64").reindex(own.index).where(own["n_people"] >= LEAST_PEOPLE)
    )
    if since is not None and since > period.start:
        # What adds up is less after fewer days: no middle of whole periods is one to stand beside.
        own.loc[own.index.isin([metric.name for metric in _ADDED]), "middle"] = np.nan
    if undated:
        own.loc[DEALS_CREATED.name, _NUMBERS] = np.nan
        own.loc[DEALS_CREATED.name, _COUNTS] = 0
        own.loc[DEALS_CREATED.name, "note"] = UNDATED
    return own.reset_index(drop=True)


def middle_of(values: pd.Series[float]) -> float:
    """Give the mean of the `MIDDLE_PEOPLE` values in the middle, of one more where the number of all is even."""
    ranked = np.sort(values.to_numpy(dtype=float))
    beside = max((len(ranked) - MIDDLE_PEOPLE) // 2, 0)
    return float(ranked[beside : len(ranked) - beside].mean())


def _tested(own: pd.DataFrame) -> pd.DataFrame:
    """Leave out intervals of too few deals and tests that say nothing of their own, and keep bounds where values can be."""
    own = own.copy()
    few, created = own["n"] < LEAST_DEALS, own["metric"] == DEALS_CREATED.name
    money, said = own["metric"].isin(_MONEY), own["metric"].isin(_SAID_BY_REVENUE)
    # A count has an exact interval, of none too; money of two deals has one that reaches far below nothing.
    untested = said | (money & (few | (own["previous_n"] < LEAST_DEALS)))
    own.loc[untested, ["difference_low", "difference_high", "p_value"]] = np.nan
    untested = said | (money & (few | (own["usual_deals"] < LEAST_DEALS)))
    own.loc[untested, ["usual_low", "usual_high", "usual_p_value"]] = np.nan
    nothing = created & (own["n"] + own["previous_n"] == 0)
    own.loc[nothing, ["difference_low", "difference_high", "p_value"]] = np.nan
    return _bounded(own)


def _bounded(rows: pd.DataFrame) -> pd.DataFrame:
    """Null the bounds of few deals, and keep those of others from falling below 0 where the value does not."""
    few = rows["n"] < LEAST_DEALS
    return rows.assign(
        low=rows["low"].where(rows["value"] < 0, rows["low"].clip(lower=0.0)).mask(few),
        high=rows["high"].mask(few),
    )


def _usual(snapshot: Snapshot, rep_id: str, period: Period, past: Sequence[Period]) -> pd.DataFrame:
    """Give value, low, high and n of the own usual by metric; nothing for those that it cannot be told of."""
    if len(past) < LEAST_EARLIER:
        return pd.DataFrame(columns=[*_BOUNDS, "n"], dtype="float64")
    whole = Period(f"{past[0].start}..{past[-1].end}", past[0].start, past[-1].end, "range", period.calendar)
    pooled = evaluate(_POOLED, snapshot, whole, "rep")
    found = pooled[pooled["rep"] == rep_id].set_index("metric")[[*_BOUNDS, "n"]]
    # Attainment of a whole period is what pace foretells of one that is not over.
    found.loc["quota_pace"] = found.loc["quota_attainment"]
    if not period.is_complete(snapshot.date):
        found = found.drop("quota_attainment")
    if snapshot.date < period.start:
        return found
    passed = snapshot.date - period.start
    cut = [p if period.is_complete(snapshot.date) else p.to_date(min(p.start + passed, p.end)) for p in past]
    each = evaluate_periods(_ADDED, snapshot, cut, "rep")
    each = each[each["rep"] == rep_id]
    squares = (each["value"] - each["low"]) ** 2
    sums = each.assign(squares=squares).groupby("metric").agg({"value": "sum", "squares": "sum", "n": "sum"})
    mean, half = sums["value"] / len(past), np.sqrt(sums["squares"]) / len(past)
    added = pd.DataFrame({"value": mean, "low": mean - half, "high": mean + half, "n": sums["n"]})
    # All that was created in the periods together is one count, and its interval is exact.
    low, high = (bound / len(past) for bound in poisson(added["n"].to_numpy(dtype=float)))
    counted = added.index == DEALS_CREATED.name
    added = added.assign(low=added["low"].mask(counted, low), high=added["high"].mask(counted, high))
    return pd.concat([found, added])


def _beside_usual(own: pd.DataFrame, usual: pd.DataFrame, periods: int) -> pd.DataFrame:
    beside = usual.reindex(own.index).astype("float64")
    now, then = (tuple(f[name].to_numpy(dtype=float) for name in _BOUNDS) for f in (own, beside))
    gap, low, high, p_value = difference(*now, *then)
    return own.assign(
        usual=beside["value"],
        usual_n=np.where(beside["value"].notna(), periods, 0),
        usual_deals=beside["n"].fillna(0).astype("int64"),
        usual_difference=gap,
        usual_low=low,
        usual_high=high,
        usual_p_value=p_value,
    )


def own_months(snapshot: Snapshot, rep_id: str, period: Period, since: dt.date | None) -> pd.DataFrame:
    """Follow one rep's revenue over the last months, in the form of `spm_lib.metrics.signals.signals`.

    Months before the rep's first day in the scope are left out, and the one with that day makes no limits. Of a month with
    few deals no interval is told, as of the figures.
    """
    frame = behaviour("revenue", snapshot, period, n=MONTHS, by="rep")
    own = frame[(frame["rep"] == rep_id) & frame["value"].notna()]
    own = own[own["end"] >= since] if since is not None else own
    first = _first_day(snapshot, since) or dt.date.max
    tested = (own["complete"] & (own["start"] >= first)).to_numpy(dtype=bool)
    values = own["value"].to_numpy(dtype=float)
    floor = None if (values < 0).any() else 0.0
    limits = behaviour_limits(values, tested=tested, floor=floor).set_index(own.index)
    latest = np.flatnonzero(tested)[-1:]
    own = own.assign(**limits[["centre", "lower", "upper", "signal", "rule"]], latest=False, p_value=np.nan)
    own.loc[own.index[latest], "latest"] = True
    if tested.sum() >= LEAST:
        own.loc[own.index[latest], "p_value"] = latest_p_value(values[tested])
    return _bounded(own).reset_index(drop=True)
