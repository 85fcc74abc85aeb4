"""Recognition that follows from a rep's own figures: quota reached, streaks, comebacks, personal bests, improvement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.errors import PeriodError
from spm_lib.metrics.comparison import keep_discoveries
from spm_lib.metrics.intervals import difference, divide, total, wilson
from spm_lib.metrics.revenue_factors import LEAST_WON
from spm_lib.models.recognition_records import Mask, Records
from spm_lib.models.recognition_rules import MostImproved, PersonalBest, RecognitionRules

Counts = npt.NDArray[np.int64]

#: Sums of cents divided by days are exact but for the last bits.
_HAIR = 1e-9


def from_quotas(records: Records, told: Sequence[int], rules: RecognitionRules) -> pd.DataFrame:
    """Find who reached the quota, in how many periods in a row, and who did after missing it.

    Parameters
    ----------
    records
        Of all reps.
    told
        Places of the periods that are told.
    rules
        One threshold of attainment serves all three kinds.

    Returns
    -------
    DataFrame
        rep_id, at, kind, value (share; for a streak a count), n (deals won), revenue, quota, partial, since (first day of a
        streak), compared_with and compared_period (of a comeback: the attainment before, and when).
    """
    attained = records.attainment
    reached = attained >= rules.kinds.quota_reached.attainment - _HAIR
    so_far: Counts = np.cumsum(reached, axis=1)
    runs: Counts = so_far - np.maximum.accumulate(np.where(reached, 0, so_far), axis=1)
    begins = np.array([period.start for period in records.periods], dtype="datetime64[s]")
    found = []
    for at in told:
        facts = {
            "value": attained[:, at],
            "n": records.wins[:, at],
            "revenue": records.revenue[:, at],
            "quota": records.quota[:, at],
            "partial": records.partial[:, at],
        }
        streak: Counts = runs[:, at]
        found += [
            _rows(records, reached[:, at], at, "quota_reached", facts),
            _rows(
                records,
                np.greater_equal(streak, rules.kinds.streak.periods),
                at,
                "streak",
                {
                    **facts,
                    "compared_with": facts["value"],
                    "value": streak,
                    "since": begins[np.minimum(at - streak + 1, at)],
                },
            ),
        ]
        if at > 0 and records.covered[at - 1]:
            before = attained[:, at - 1]
            back = reached[:, at] & (before < rules.kinds.comeback.missed_below)
            past = {"compared_with": before, "compared_period": records.periods[at - 1].title}
            found.append(_rows(records, back, at, "comeback", facts | past))
    return pd.concat(found, ignore_index=True)


def personal_bests(records: Records, told: Sequence[int], rule: PersonalBest) -> pd.DataFrame:
    """Find whose revenue is more than in any earlier period.

    Returns
    -------
    DataFrame
        rep_id, at, kind, value (money), n (deals won), compared_with (the best before), compared_n (earlier periods with a
        deal decided, of those that the data cover), unpriced (wins without an amount in all of them).
    """
    found = []
    for at in told:
        revenue, earlier = records.revenue[:, at], records.revenue[:, :at]
        best = np.max(np.where(np.isnan(earlier), -np.inf, earlier), axis=1, initial=-np.inf)
        counted = ((records.decided[:, :at] > 0) & records.covered[:at]).sum(axis=1)
        known = np.isfinite(best) & (counted >= rule.earlier_periods)
        is_best = known & (revenue > 0) & (revenue > best)
        facts = {
            "value": revenue,
            "n": records.wins[:, at],
            "compared_with": best,
            "compared_n": counted,
            "unpriced": records.unpriced[:, : at + 1].sum(axis=1),
        }
        found.append(_rows(records, is_best, at, "personal_best", facts))
    return pd.concat(found, ignore_index=True)


def most_improved(records: Records, told: Sequence[int], rule: MostImproved) -> pd.DataFrame:
    """Find whose win rate or revenue is above the own past by more than chance explains.

    The win rate is compared with that of the periods before together, revenue with that of the same period a year ago, as
    it has its seasons. A period that is not over is set beside the same part of the earlier ones. A refund is no win.

    Returns
    -------
    DataFrame
        rep_id, at, kind, measure (win_rate, revenue), value, n, compared_with, compared_n, compared_period, low and high (of
        the difference), p_value. One row a rep and period, the surer one.
    """
    both = [frame for at in told for frame in (_win_rates(records, at, rule), _revenues(records, at))]
    asked = [frame for frame in both if frame is not None]
    if not asked:
        return pd.DataFrame()
    claims = keep_discoveries(pd.concat(asked, ignore_index=True), rule.false_discovery_rate)
    risen = claims[claims["significant"] & (claims["value"] > claims["compared_with"])]
    surest = risen.sort_values(["p_value", "measure"]).drop_duplicates(["rep_id", "at"])
    return surest.drop(columns="significant")


def _win_rates(records: Records, at: int, rule: MostImproved) -> pd.DataFrame | None:
    first = at - rule.earlier_periods
    if first < 0 or not records.covered[first]:
        return None
    sums = records.upto_point(at)
    wins = sums["won"] - sums["refunds"]
    won, lost = wins[:, at], sums["lost"][:, at]
    before, lost_before = wins[:, first:at].sum(axis=1), sums["lost"][:, first:at].sum(axis=1)
    n, past_n = won + lost, before + lost_before
    value, past = divide(won, n), divide(before, past_n)
    gap = difference(value, *wilson(won, n), past, *wilson(before, past_n))
    enough = (n >= rule.deals_decided) & (past_n >= rule.deals_decided)
    facts: dict[str, object] = {
        "measure": "win_rate",
        "value": value,
        "n": n,
        "compared_with": past,
        "compared_n": past_n,
        "compared_period": f"{records.periods[first].title} – {records.periods[at - 1].title}",
        "low": gap.low,
        "high": gap.high,
        "p_value": gap.p_value,
    }
    if first == at - 1:
        facts["compared_period"] = records.periods[first].title
    return _rows(records, enough, at, "most_improved", facts)


def _revenues(records: Records, at: int) -> pd.DataFrame | None:
    ago = _year_ago(records, at)
    if ago is None:
        return None
    sums = records.upto_point(at)
    (value, past), (squares, past_squares) = (
        (sums[name][:, at], sums[name][:, ago]) for name in ("revenue", "revenue_squares")
    )
    wins = sums["won"] - sums["refunds"]
    gap = difference(value, *total(value, squares), past, *total(past, past_squares))
    # An amount that is not known may be the difference.
    known = (sums["won"] == sums["revenue_n"])[:, [at, ago]].all(axis=1)
    enough = known & (np.minimum(wins[:, at], wins[:, ago]) >= LEAST_WON)
    facts: dict[str, object] = {
        "measure": "revenue",
        "value": value,
        "n": wins[:, at],
        "compared_with": past,
        "compared_n": wins[:, ago],
        "compared_period": records.periods[ago].title,
        "low": gap.low,
        "high": gap.high,
        "p_value": gap.p_value,
    }
    return _rows(records, enough, at, "most_improved", facts)


def _year_ago(records: Records, at: int) -> int | None:
    """Give the place of the same period a year earlier, where the data cover it."""
    try:
        same = records.periods[at].year_ago()
    except PeriodError:  # the calendar reaches no further back
        return None
    places = [i for i, p in enumerate(records.periods) if (p.start, p.end) == (same.start, same.end)]
    return places[0] if places and records.covered[places[0]] else None


def _rows(records: Records, chosen: Mask, at: int, kind: str, facts: Mapping[str, object]) -> pd.DataFrame:
    """Give a row for each chosen rep; facts are one value for all, or one for each rep."""
    values = {name: fact[chosen] if isinstance(fact, np.ndarray) else fact for name, fact in facts.items()}
    return pd.DataFrame({"rep_id": records.reps[chosen], "at": at, "kind": kind} | values)
