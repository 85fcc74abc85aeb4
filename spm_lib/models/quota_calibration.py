"""What quarters that are over teach about outlooks: each is looked at again as it stood at the same point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from spm_lib.metrics.pace import expected_share
from spm_lib.models import skill
from spm_lib.models.inputs import Flags, Floats
from spm_lib.models.quota_chances import OpenThen
from spm_lib.models.quota_correction import USUAL_CORRELATION, Calibration
from spm_lib.models.quota_new_deals import new_deals
from spm_lib.models.quota_simulation import Prospects, prospects_of, simulate
from spm_lib.models.quota_standing import (
    carriers,
    final_revenue,
    quarter_of,
    quarters_over,
    same_point,
    staff,
)
from spm_lib.models.stretches import whole_company

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: Earlier quarters, and outlooks on them, that it takes to learn from.
LEAST_QUARTERS, LEAST_OUTLOOKS = 3, 30
#: Quarters that are looked at again at most, the latest: of those before them chances are learned.
_MOST_LOOKS = 5
#: As so many quarters `USUAL_CORRELATION` weighs.
_PRIOR_QUARTERS = 1.0
_MOST_CORRELATION = 0.3
#: Draws for each outlook on the past.
_DRAWS = 500
#: Scikit-learn's C for pace alone: so weak that it only keeps the coefficients finite.
_FREEDOM = 100.0


def fit_calibration(snapshot: Snapshot, *, seed: int = 0) -> Calibration:
    """Learn from earlier quarters how outlooks are to be corrected.

    Parameters
    ----------
    snapshot
        The whole company on a day; nothing later is known.
    seed
        Of the draws by which outlooks on the past are judged.

    Returns
    -------
    Calibration
        Where fewer than `LEAST_QUARTERS` quarters can be looked at again, one that corrects nothing and says why.

    Notes
    -----
    Each of the last five quarters is looked at as it stood with as many days left, with chances of deals learned from the
    quarters before it alone. The shipped deal model has learned what came of these deals: its chances would flatter.

    - `correlation` by moments: Σ (deals won − chances)² − chance alone, over (Σφ)² − Σφ², what a correlation adds in first
      order, φ the normal density at the chance's quantile; `USUAL_CORRELATION` weighs as much as one quarter.
    - `scale` is the geometric mean over quarters of won / expected, drawn to 1 by max(0, 1 − 2 (standard error / mean)²) on
      the log scale: one odd quarter corrects nothing.
    """
    looks = list(_looks(whole_company(snapshot)))
    outlooks = sum(len(look.prospects.quota) for look in looks)
    if len(looks) < LEAST_QUARTERS or outlooks < LEAST_OUTLOOKS:
        told = "no earlier quarter" if not looks else f"{outlooks} outlooks on {len(looks)} earlier quarters"
        why = f"{told} can be looked at again, and {LEAST_QUARTERS} quarters with {LEAST_OUTLOOKS} are needed"
        return Calibration(why=why)
    kept = _kept(looks)
    correlation = _correlation(looks)
    scale = _scale([look.ratio(kept) for look in looks])
    found = Calibration(len(looks), outlooks, "", kept, correlation, scale)
    foretold: list[Floats] = []
    missed: list[Flags] = []
    for number, look in enumerate(looks):
        ends = simulate(
            found.corrected(look.prospects), correlation=correlation, draws=_DRAWS, seed=seed + number
        )
        foretold.append(ends.miss)
        missed.append(look.final < look.prospects.quota)
    chances, came = np.concatenate(foretold), np.concatenate(missed)
    error = skill.calibration_error(skill.calibration(chances, came))
    return Calibration(len(looks), outlooks, "", kept, correlation, scale, skill.brier(chances, came), error)


def pace_miss(snapshot: Snapshot) -> pd.DataFrame:
    """Give what pace alone tells: attainment so far beside the company's usual share at this point of a quarter.

    Parameters
    ----------
    snapshot
        The whole company on a day.

    Returns
    -------
    DataFrame
        rep_id, miss (0 to 1), for those of whom `quota_outlook` tells. NaN where no earlier quarter is over.

    Notes
    -----
    Logistic regression of a missed quota on attainment less usual share, over the reps at the same point of earlier
    quarters: what a manager has for free.
    """
    company = whole_company(snapshot)
    quarter = quarter_of(company.date, company.meta.calendar)
    lead: list[Floats] = []
    missed: list[Flags] = []
    for earlier in quarters_over(quarter, company.date, company.meta.first_closed_on):
        at = company.as_of(same_point(earlier, quarter, company.date))
        who = carriers(at, earlier, staff(at))
        final = final_revenue(company, earlier).reindex(who["rep_id"]).to_numpy()
        known = ~np.isnan(final)
        lead.append(_lead(at, earlier, who)[known])
        missed.append((final < who["quota"].to_numpy())[known])
    who = carriers(company, quarter, staff(company))
    return pd.DataFrame(
        {"rep_id": who["rep_id"], "miss": _by_lead(lead, missed, _lead(company, quarter, who))}
    )


def _lead(at: Snapshot, quarter: Period, who: pd.DataFrame) -> Floats:
    attained = who["revenue"].to_numpy(dtype=float) / who["quota"].to_numpy(dtype=float)
    return np.asarray(attained - expected_share(at, quarter).share)


def _by_lead(lead: Sequence[Floats], missed: Sequence[Flags], asked: Floats) -> Floats:
    came = np.concatenate(missed) if missed else np.zeros(0, dtype=bool)
    if not len(asked) or not len(came):
        return np.full(len(asked), np.nan)
    if came.all() or not came.any():
        return np.full(len(asked), (came.sum() + 0.5) / (len(came) + 1))
    model = LogisticRegression(C=_FREEDOM).fit(np.concatenate(lead)[:, None], came)
    return np.asarray(model.predict_proba(asked[:, None])[:, 1])


@dataclass(frozen=True)
class _Look:
    """An earlier quarter as it stood, and what came: by rep, and by deal in the order of `prospects`."""

    prospects: Prospects
    final: Floats
    won: Flags
    closed_at: Floats

    def ratio(self, kept: float) -> float:
        """Give what was won in the rest of the quarter over what was to be expected; NaN where that tells nothing."""
        came = float((self.final - self.prospects.revenue).sum())
        expected = float(self.prospects.times(deals=kept, new=1.0).to_come.sum())
        return came / expected if came > 0 and expected > 0 else float("nan")


def _looks(company: Snapshot) -> Iterator[_Look]:
    """Give the earlier quarters that can be looked at again, each from the same point."""
    quarter = quarter_of(company.date, company.meta.calendar)
    earlier = quarters_over(quarter, company.date, company.meta.first_closed_on)
    if len(earlier) < 2 or quarter.is_complete(company.date) or not company.meta.rows.get("quotas"):
        return
    at = [(same_point(each, quarter, company.date), each.end) for each in earlier]
    then = OpenThen.read(company, at)
    # Before the first there is nothing to learn chances from.
    for place, each in list(enumerate(earlier))[1:][-_MOST_LOOKS:]:
        day = company.as_of(at[place][0])
        people = staff(day)
        who = carriers(day, each, people)
        final: Floats = np.asarray(final_revenue(company, each).reindex(who["rep_id"]), dtype=np.float64)
        who, final = who[~np.isnan(final)].reset_index(drop=True), final[~np.isnan(final)]
        here = then.point == place
        deals = pd.DataFrame(
            {
                "deal_id": then.deal_id[here],
                "rep_id": then.owner_id[here],
                "amount": then.amount[here],
                "won": then.chances(place),
                "came": then.won[here],
                "closed_at": then.closed_at[here],
            }
        )
        new = new_deals(day, people, who["rep_id"], each)
        found = prospects_of(who, people, new, deals, day=day.date, end=each.end)
        if found is not None:
            prospects, kept, of = found
            closed_at = kept["closed_at"].to_numpy(dtype=np.float64)
            yield _Look(prospects, final[of], kept["came"].to_numpy(dtype=bool), closed_at)


def _kept(looks: Sequence[_Look]) -> float:
    """Give what deals won brought over what they were to bring."""
    then = np.concatenate([look.prospects.amount[look.won] for look in looks])
    came = np.concatenate([look.closed_at[look.won] for look in looks])
    known = ~np.isnan(came)
    if not then[known].sum() > 0 or not came[known].sum() > 0:
        return 1.0
    return float(came[known].sum() / then[known].sum())


def _correlation(looks: Sequence[_Look]) -> float:
    beyond = usual = 0.0
    for look in looks:
        prospects, people = look.prospects, len(look.prospects.quota)
        chance = np.clip(prospects.chance, 1e-4, 1 - 1e-4)
        density = norm.pdf(ndtri(chance))

        def by_rep(values: Floats, prospects: Prospects = prospects, people: int = people) -> Floats:
            return np.bincount(prospects.owner, weights=values, minlength=people).astype(np.float64)

        beyond += float((by_rep(look.won - chance) ** 2 - by_rep(chance * (1 - chance))).sum())
        usual += float((by_rep(density) ** 2 - by_rep(density**2)).sum())
    if not usual > 0:
        return USUAL_CORRELATION
    prior = _PRIOR_QUARTERS * usual / len(looks)
    return float(np.clip((beyond + USUAL_CORRELATION * prior) / (usual + prior), 0.0, _MOST_CORRELATION))


def _scale(ratios: Sequence[float]) -> float:
    logs = np.log([ratio for ratio in ratios if ratio == ratio])
    if len(logs) < LEAST_QUARTERS:
        return 1.0
    mean, scatter = float(logs.mean()), float(logs.std(ddof=1) / np.sqrt(len(logs)))
    if mean == 0.0:
        return 1.0
    return float(np.exp(mean * max(0.0, 1 - 2 * (scatter / mean) ** 2)))
