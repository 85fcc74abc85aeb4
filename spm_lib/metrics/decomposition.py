"""Why revenue changed: more or fewer decided deals, a better or worse win rate, larger or smaller deals.

Every team is explained by its own three factors (see `revenue_factors`), and a whole is the sum of its teams: a win rate
that rose in every team has added to revenue, even where the company's own fell as more deals went to the teams with lower
ones. What the teams' numbers of deals did is then told in two: what the number alone would have done at the company's rate
and size, and the mix of teams, which is the rest. It is nothing where there is one team, or where all are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spm_lib.metrics import sales
from spm_lib.metrics.comparison import NO_DATA, Against, earlier, same_point
from spm_lib.metrics.evidence import Evidence, union_of
from spm_lib.metrics.intervals import Z
from spm_lib.metrics.metric import NOT_COVERED, Better, Unit, counted
from spm_lib.metrics.populations import CLOSED
from spm_lib.metrics.question import PERIOD_KEY, Question, read_dimensions
from spm_lib.metrics.revenue_factors import FACTORS, LEAST_WON, Side, Steps, explain

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: What a whole is told by; a group has no mix.
STEPS = ("decided_deals", "team_mix", "win_rate", "deal_size")
PARTS = ("before", *STEPS, "now", "change")

_STATISTICS = (sales.WON, sales.LOST, sales.REVENUE, sales.REVENUE_N, sales.REVENUE_SQUARES)


@dataclass(frozen=True)
class Explanation:
    """What a reader needs to know of the decomposition, as of a metric."""

    name: str = "revenue_change"
    label: str = "What moved revenue"
    unit: Unit = "currency"
    better: Better | None = "higher"
    definition: str = (
        "Revenue is decided deals × win rate × revenue per won deal; what each did to it is the average over the orders in "
        "which they could have moved, for every team by itself, and adds up exactly. The mix of teams is what it did that "
        "deals were decided by other teams than before."
    )


REVENUE_CHANGE = Explanation()


@dataclass(frozen=True)
class RevenueChange:
    """Why revenue changed, of the whole scope and of each group.

    Parameters
    ----------
    whole
        Seven rows: part (before, decided_deals, team_mix, win_rate, deal_size, now, change), value (money; before and the
        four steps add up to now, and the steps to the change, to the cent), n (decided deals: of the period, of the
        earlier one for ``before``, of both for steps and change), low, high and p_value of steps and change (of the mix
        none is told), unit, note, against (the earlier period's label), of the steps factor, previous_factor and
        factor_unit, and in how many groups a step is up and down.
    groups
        The same with the dimension's columns first, without the mix. The values of a part over all groups add up to the
        whole's; those of decided_deals to decided_deals and team_mix together.
    """

    whole: pd.DataFrame
    groups: pd.DataFrame


def explain_revenue(
    snapshot: Snapshot,
    period: Period,
    by: str | Sequence[str] = "team",
    against: Against = "previous",
) -> RevenueChange:
    """Explain the change of revenue on an earlier period, seen from the same point of it as `compare` does.

    Parameters
    ----------
    snapshot, period, against
        As for `compare`.
    by
        The groups, each explained by its own factors.

    Returns
    -------
    RevenueChange
        Everything is null, and the note says why, where the data do not reach back to the earlier period, or no
        amount of the won deals is known. Won deals without a known amount are left out, and counted in the note.
    """
    dimensions = read_dimensions(snapshot, by)
    question = Question(snapshot, (period,), dimensions)
    now = CLOSED.collect(question, _STATISTICS)
    before = earlier(period, against)
    label = before.label if before is not None else None
    missing = _lacking(snapshot, period, before)
    if before is None or missing:
        groups = union_of(question, [question.roster, now])
        nothing = pd.DataFrame(_unknown(missing, PARTS), columns=list(_COLUMNS)).assign(against=label)
        return RevenueChange(nothing, _by_group(question, groups, [_unknown(missing)] * len(groups), label))
    then = Question(snapshot.as_of(same_point(snapshot.date, period, before)), (before,), dimensions)
    past = CLOSED.collect(then, _STATISTICS)
    groups = union_of(question, [question.roster, now, past])
    sides = [_sides(Evidence(of, {CLOSED: found}, groups)) for of, found in ((then, past), (question, now))]
    steps = [explain(*pair) for pair in zip(*sides, strict=True)]
    whole = pd.DataFrame(_whole(steps), columns=list(_COLUMNS)).assign(against=label)
    return RevenueChange(whole, _by_group(question, groups, [_rows(one) for one in steps], label))


def _lacking(snapshot: Snapshot, period: Period, before: Period | None) -> str:
    """Say what the data lack to compare the two periods; nothing where they have both."""
    first = snapshot.meta.first_closed_on
    if first is None or not first <= period.end or period.start > snapshot.date:
        return NOT_COVERED
    if before is None or first > before.start:
        return NO_DATA.format(label=before.label if before is not None else "the period before")
    return ""


def _sides(evidence: Evidence) -> list[Side]:
    won, lost, revenue, priced, squares = (evidence.count(CLOSED, s.name) for s in _STATISTICS)
    return [
        Side(int(k), int(m), round(money * 100), float(square), int(w - k))
        for w, k, m, money, square in zip(won, priced, lost, revenue, squares, strict=True)
    ]


_COLUMNS = (
    *("metric", "part", "value", "n", "low", "high", "unit", "note", "p_value"),
    *("factor", "previous_factor", "factor_unit", "up", "down"),
)
_GROUP_PARTS = tuple(part for part in PARTS if part != "team_mix")
_NO_AMOUNT = "no amount of the won deals is known"
Row = tuple[object, ...]


def _by_group(
    question: Question, groups: pd.DataFrame, rows: Sequence[list[Row]], against: str | None
) -> pd.DataFrame:
    """Put the rows of each group in a tidy frame, the dimensions first."""
    frame = groups.iloc[np.repeat(np.arange(len(groups)), len(_GROUP_PARTS))].reset_index(drop=True)
    frame = frame.drop(columns=PERIOD_KEY)
    for key, dimension in zip(question.keys[1:], question.dimensions, strict=True):
        frame = frame.rename(columns={key: dimension.name})
        if dimension.named:
            ids = frame[dimension.name] = frame[dimension.name].astype("str")
            names = ids.map(question.names_of[dimension.name]).astype("str").fillna(ids)
            frame.insert(list(frame.columns).index(dimension.name) + 1, f"{dimension.name}_name", names)
    told = pd.DataFrame([row for of in rows for row in of], columns=list(_COLUMNS))
    return frame.join(told).assign(against=against)


def _unknown(note: str, parts: Sequence[str] = _GROUP_PARTS) -> list[Row]:
    return [_row(part, np.nan, 0, note=note) for part in parts]


def _rows(steps: Steps) -> list[Row]:
    """Give the rows of one group."""
    if not (steps.before.is_known and steps.now.is_known):
        return _unknown(_NO_AMOUNT)
    return _between(steps.before, steps.now, dict(zip(FACTORS, steps.cents, strict=True)), [steps])


def _whole(steps: Sequence[Steps]) -> list[Row]:
    """Give the rows of a sum of groups: what their numbers of deals did is told as the number's and the mix's."""
    before, now = (
        Side(*(sum(values) for values in zip(Side(), *sides, strict=True)))
        for sides in ([one.before for one in steps], [one.now for one in steps])
    )
    if not (before.is_known and now.is_known):
        return _unknown(_NO_AMOUNT, PARTS)
    summed = [sum(one.cents[at] for one in steps) for at in range(len(FACTORS))]
    number = summed[0] if len(steps) == 1 else explain(before, now).cents[0]
    cents = dict(zip(STEPS, (number, summed[0] - number, *summed[1:]), strict=True))
    return _between(before, now, cents, steps)


def _between(before: Side, now: Side, cents: Mapping[str, int], steps: Sequence[Steps]) -> list[Row]:
    unpriced = before.unpriced + now.unpriced
    note: str | None = counted([unpriced], *sales.UNPRICED)[0]
    both = before.decided + now.decided
    sure = min(before.won, now.won) >= LEAST_WON
    rows = [_row("before", before.cents / 100, before.decided, note=note)]
    for part, value in cents.items():
        if part == "team_mix":
            rows.append(_row(part, value / 100, both, note=note))
            continue
        at = list(FACTORS).index(part)
        number_alone = part == "decided_deals" and "team_mix" in cents
        spread = (
            explain(before, now).variances[0] if number_alone else sum(one.variances[at] for one in steps)
        )
        error = float(np.sqrt(spread)) if sure else np.nan
        factors = (now.factor(part), before.factor(part), FACTORS[part])
        ways = tuple(sum(one.cents[at] * sign > 0 for one in steps) for sign in (1, -1))
        rows.append(_row(part, value / 100, both, error=error, factors=factors, ways=ways, note=note))
    rows.append(_row("now", now.cents / 100, now.decided, note=note))
    # The change is judged as any difference of revenues is: each ± 1.96 √Σ amount².
    change, error = (now.cents - before.cents) / 100, float(np.sqrt(before.squares + now.squares))
    rows.append(_row("change", change, both, error=error, note=note))
    return rows


def _row(
    part: str,
    value: float,
    n: int,
    *,
    error: float = np.nan,
    factors: tuple[float, float, str | None] = (np.nan, np.nan, None),
    ways: tuple[int, ...] = (0, 0),
    note: str | None,
) -> Row:
    known = (value, n, value - Z * error, value + Z * error)
    return (
        REVENUE_CHANGE.name,
        part,
        *known,
        REVENUE_CHANGE.unit,
        note,
        _p_value(value, error),
        *factors,
        *ways,
    )


def _p_value(value: float, error: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * stats.norm.sf(abs(value) / error))
