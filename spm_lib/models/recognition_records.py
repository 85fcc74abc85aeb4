"""What each rep closed and carried, period by period, up to the one that is told: personal records are read off it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.errors import PeriodError
from spm_lib.metrics.comparison import same_point
from spm_lib.metrics.intervals import divide
from spm_lib.metrics.metric import Statistic
from spm_lib.metrics.populations import CLOSED, converted
from spm_lib.metrics.question import PERIOD_KEY, Question, read_dimensions
from spm_lib.metrics.sales import LOST, REVENUE, REVENUE_N, REVENUE_SQUARES, WON
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: The most periods looked back on.
MOST = 40

_AMOUNT = ("won", "amount")
_SUMS = (
    REVENUE,
    REVENUE_SQUARES,
    REVENUE_N,
    WON,
    LOST,
    Statistic("refunds", _AMOUNT, lambda t: t.count(where=t.won & (t.amount < 0))),
)
_LARGEST = Statistic("largest", _AMOUNT, lambda t: t.amount.max(where=t.won).cast("float64"))
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Records:
    """Figures of each rep (row) in each period (column).

    Parameters
    ----------
    reps
        Ids: all who decided a deal or carried a quota.
    periods
        Oldest first; the last is the one asked for.
    day
        The day that all is known of.
    sums
        revenue, revenue_squares (money, squared), revenue_n (wins with an amount), won, lost, refunds (counts).
    so_far
        The same up to the point of each period that the last one has reached.
    largest
        Amount of the largest deal won; NaN without one.
    quota
        The rep's own quota for the days in scope; NaN where there is none, or it runs beyond the period.
    partial
        Whether that is less than the whole quota, as the rep was elsewhere on some days.
    covered
        For each period, whether the data reach back to its start.
    """

    reps: npt.NDArray[np.object_]
    periods: tuple[Period, ...]
    day: dt.date
    sums: Mapping[str, Floats]
    so_far: Mapping[str, Floats]
    largest: Floats
    quota: Floats
    partial: Mask
    covered: Mask

    @property
    def revenue(self) -> Floats:
        """What was won; NaN where deals were won and none has an amount."""
        return np.where((self.sums["revenue_n"] > 0) | (self.unpriced == 0), self.sums["revenue"], np.nan)

    @property
    def unpriced(self) -> Floats:
        """Number of deals won without a known amount."""
        return self.sums["won"] - self.sums["revenue_n"]

    @property
    def wins(self) -> Floats:
        """Number of deals won; a refund is none."""
        return self.sums["won"] - self.sums["refunds"]

    @property
    def decided(self) -> Floats:
        """Number of deals won or lost."""
        return self.wins + self.sums["lost"]

    @property
    def attainment(self) -> Floats:
        """Revenue / quota; NaN where either is unknown or the quota is zero."""
        return divide(self.revenue, self.quota)

    def upto_point(self, at: int) -> Mapping[str, Floats]:
        """Give the sums that are like those of the period at `at`: whole ones where that one is over."""
        return self.sums if self.periods[at].is_complete(self.day) else self.so_far


def periods_told(period: Period, day: dt.date, just_ended_days: int) -> list[Period]:
    """Give the periods that a report tells of: the one asked for and, while that is young, the one before."""
    if period.is_complete(day) or period.elapsed_days(day) > just_ended_days:
        return [period]
    before = _before(period)
    return [period] if before is None else [before, period]


def read_records(snapshot: Snapshot, period: Period) -> Records:
    """Read what each rep of the scope closed and carried, in two queries.

    Parameters
    ----------
    snapshot
        The data, and whose: deals count for the scope that their owner belonged to when they closed, quotas by the days
        of membership, as they do in the metrics.
    period
        The period asked for.
    """
    periods = _periods_back(period, snapshot.meta.first_closed_on)
    closed = _closed(snapshot, periods)
    quotas = _quotas(snapshot, periods)
    reps = np.array(sorted({*closed["rep"], *quotas["rep"]}), dtype=object)
    shape = (len(reps), len(periods))
    at = np.searchsorted(reps, closed["rep"].to_numpy(dtype=object)), closed["period_at"].to_numpy()
    sums = {s.name: np.zeros(shape) for s in _SUMS}
    so_far = {s.name: np.zeros(shape) for s in _SUMS}
    early = closed["early"].to_numpy(dtype=bool)
    for name in sums:
        values = np.nan_to_num(closed[name].to_numpy(dtype=float, na_value=np.nan))
        np.add.at(sums[name], at, values)
        np.add.at(so_far[name], (at[0][early], at[1][early]), values[early])
    largest = np.full(shape, -np.inf)
    np.maximum.at(largest, at, closed["largest"].fillna(-np.inf).to_numpy(dtype=float))
    quota, partial = _laid_out(quotas, reps, periods)
    first = snapshot.meta.first_closed_on
    return Records(
        reps=reps,
        periods=tuple(periods),
        day=snapshot.date,
        sums=sums,
        so_far=so_far,
        largest=np.where(largest > 0, largest, np.nan),
        quota=quota,
        partial=partial,
        covered=np.array([first is not None and first <= p.start for p in periods]),
    )


def _periods_back(period: Period, first: dt.date | None) -> list[Period]:
    found = [period]
    while len(found) <= MOST and first is not None and found[-1].start > first:
        before = _before(found[-1])
        if before is None:
            break
        found.append(before)
    return found[::-1]


def _before(period: Period) -> Period | None:
    try:
        return period.previous()
    except PeriodError:  # the calendar reaches no further back
        return None


def _closed(snapshot: Snapshot, periods: Sequence[Period]) -> pd.DataFrame:
    """Give the sums of each rep by period, those up to the last one's point apart from the rest of each."""
    pieces: list[tuple[Period, int, bool]] = []
    for number, one in enumerate(periods):
        until = min(same_point(snapshot.date, periods[-1], one), one.end)
        pieces.append((_days(one, one.start, until), number, True))
        if until < one.end and number < len(periods) - 1:
            pieces.append((_days(one, until + _DAY, one.end), number, False))
    question = Question(snapshot, tuple(p for p, _, _ in pieces), read_dimensions(snapshot, "rep"))
    frame = CLOSED.collect(question, (*_SUMS, _LARGEST))
    piece = frame[PERIOD_KEY].to_numpy()
    return frame.assign(
        rep=frame[question.keys[1]],
        period_at=np.array([number for _, number, _ in pieces])[piece],
        early=np.array([early for _, _, early in pieces])[piece],
    )


def _days(period: Period, start: dt.date, end: dt.date) -> Period:
    return replace(period, label=f"{start}..{end}", start=start, end=end, kind="range")


def _quotas(snapshot: Snapshot, periods: Sequence[Period]) -> pd.DataFrame:
    """Give every person's own quotas with the days in each team: rep, starts_on, ends_on, amount, team, since, until."""
    columns = ["rep", "starts_on", "ends_on", "amount", "team", "since", "until"]
    if not snapshot.meta.rows.get("quotas"):
        return pd.DataFrame(columns=columns)
    quotas = snapshot.table("quotas")
    own = quotas.filter(
        quotas.owner_kind == "rep",
        quotas.kind == "individual",
        quotas.starts_on <= periods[-1].end,
        quotas.ends_on >= periods[0].start,
    )
    rows = converted(
        own.select(
            "starts_on",
            "ends_on",
            rep="owner_id",
            row_amount="amount",
            row_currency="currency",
            row_day=ibis.least(own.starts_on, ibis.literal(snapshot.date)),
        ),
        Question(snapshot, tuple(periods)),
    )
    members = snapshot.table("team_members")
    members = members.select(member="rep_id", team="team_id", since="valid_from", until="valid_to")
    rows = rows.mutate(amount=rows.amount.cast("float64"))
    joined = rows.left_join(members, [rows.rep == members.member])
    found: pd.DataFrame = joined.select(*columns).to_pyarrow().to_pandas(date_as_object=False)
    teams = snapshot.team_ids
    found["here"] = True if teams is None else found["team"].isin(teams)
    # Who never was here has no quota here; of who was, all teams tell whether it is the whole of it.
    return found[found["rep"].isin(found.loc[found["here"], "rep"])]


def _laid_out(
    quotas: pd.DataFrame, reps: npt.NDArray[np.object_], periods: Sequence[Period]
) -> tuple[Floats, Mask]:
    """Give the quota of each rep and period, by the days in scope, and whether that is but a part."""
    own, whole = np.zeros((len(reps), len(periods))), np.zeros((len(reps), len(periods)))
    if quotas.empty:
        return np.full_like(own, np.nan), np.zeros(own.shape, dtype=bool)
    rows = quotas.reset_index(drop=True)
    rep = np.searchsorted(reps, rows["rep"].to_numpy(dtype=object))
    starts, ends = (rows[name].to_numpy(dtype="datetime64[D]") for name in ("starts_on", "ends_on"))
    since, until = (rows[name].to_numpy(dtype="datetime64[D]") for name in ("since", "until"))
    first = np.where(np.isnat(since), starts, np.maximum(starts, since))
    last = np.where(np.isnat(until), ends, np.minimum(ends, until))
    days = np.maximum((last - first).astype(float) + 1, 0) * rows["here"].to_numpy(dtype=bool)
    amount = rows["amount"].to_numpy(dtype=float)
    begins = np.array([p.start for p in periods], dtype="datetime64[D]")
    finishes = np.array([p.end for p in periods], dtype="datetime64[D]")
    at = np.searchsorted(begins, starts, side="right") - 1
    inside = (at >= 0) & (ends <= finishes[at])
    # NaN, an amount without a rate, stays NaN: a sum that lacks a part is unknown.
    np.add.at(own, (rep[inside], at[inside]), (amount * days / ((ends - starts).astype(float) + 1))[inside])
    once = inside & ~rows.duplicated(["rep", "starts_on"]).to_numpy()
    np.add.at(whole, (rep[once], at[once]), amount[once])
    for number in range(len(periods)):  # a quota for a year is not a quarter's
        beyond = ~inside & (starts <= finishes[number]) & (ends >= begins[number]) & (days > 0)
        own[rep[beyond], number] = np.nan
    return np.where(own > 0, own, np.nan), own < whole * (1 - 1e-9)
