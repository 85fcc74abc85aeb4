"""How near the model comes to what is planted in the demo company: chances and causes."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pandas as pd
from deal_risk_company import Asked, company
from timing import Section, at_least, at_most

from spm_lib.data.sources.demo.hazards import CAUSES
from spm_lib.data.sources.demo.truth import Truth, truth
from spm_lib.models import deal_risk, skill
from spm_lib.models.deal_risk import DealRisk

#: The model knows what was known on this day, and scores days after it whose 30 days are over.
CUT, LAST = dt.date(2026, 1, 30), dt.date(2026, 7, 14)
HORIZON, DRAWS = "30", 64
#: Every so many weeks: the truth takes long to look ahead.
STEP = 2

#: The group of reasons that tells of each cause; the others bear the cause's name.
GROUPS = {"competitor": "x_competitor"}


def against_truth(asked: Asked) -> Section:
    """Measure discrimination, calibration, lift and reasons over 30 days."""
    demo = company(asked.folder, seed=1)
    planted = truth(1)
    model = deal_risk.fit(demo.frame, demo.endings, cut=CUT, calendar=demo.calendar)
    days = [day.date() for day in sorted(demo.frame["as_of"].unique()) if CUT < day.date() <= LAST]
    scored, found = [], Counter[tuple[str, bool, bool]]()
    for day in days[::STEP]:
        now = demo.frame[demo.frame["as_of"] == pd.Timestamp(day)]
        scores = model.score(now)
        risk = scores[scores["horizon"] == HORIZON].set_index("deal_id")["at_risk"]
        scored.append(_beside(planted, day, risk))
        _count_reasons(found, planted, day, now, model)
    both = pd.concat(scored)
    came, ours, true = both["came"].to_numpy(), both["ours"].to_numpy(), both["true"].to_numpy()
    section = Section(f"Demo company, {len(both):,} landmarks over {HORIZON} days")
    gap = skill.auc(true, came) - skill.auc(ours, came)
    section.notes.append(
        f"AUC of the truth: {skill.auc(true, came):.4f}; the model's: {skill.auc(ours, came):.4f}"
    )
    section.claim(at_most("AUC of the truth minus the model's", 0.02, gap))
    error = skill.calibration_error(skill.calibration(ours, came))
    section.claim(at_most("expected calibration error", 0.03, error))
    lift = skill.top_lift(ours, came) / skill.top_lift(true, came)
    section.claim(at_least("lift of the top tenth, of the truth's", 0.9, lift))
    for cause in CAUSES:
        for there, bound, limit in ((True, at_least, 0.80), (False, at_most, 0.20)):
            n = found[cause, there, True] + found[cause, there, False]
            said = "have it" if there else "do not"
            share = found[cause, there, True] / n
            section.claim(bound(f"{cause} among three reasons, of {n:,} deals that {said}", limit, share))
    return section


def _beside(planted: Truth, day: dt.date, risk: pd.Series) -> pd.DataFrame:
    horizon = int(HORIZON)
    true = planted.at_risk_probability(day, horizon, draws=DRAWS)
    came = planted.outcomes(day, horizon).set_index("deal_id")["at_risk"]
    return pd.concat([risk.rename("ours"), true.rename("true"), came.rename("came")], axis=1, join="inner")


def _count_reasons(
    found: Counter[tuple[str, bool, bool]], planted: Truth, day: dt.date, now: pd.DataFrame, model: DealRisk
) -> None:
    state = planted.open_deals(day).set_index("deal_id")
    for deal, reasons in zip(now["deal_id"], model.reasons(now, HORIZON, limit=3), strict=True):
        if deal not in state.index:
            continue
        given = {reason.group for reason in reasons}
        for cause in CAUSES:
            found[cause, bool(state.at[deal, cause]), GROUPS.get(cause, cause) in given] += 1
