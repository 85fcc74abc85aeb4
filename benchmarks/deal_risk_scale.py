"""Seconds that a large company's model takes: features, fit, and scores with reasons."""

from __future__ import annotations

import time

import pandas as pd
from deal_risk_company import Asked, Company, company
from timing import Section, at_most

from spm_lib.models import deal_risk
from spm_lib.models.deal_risk import DealRisk

LANDMARKS, DEALS = 1_000_000, 100_000


def scale(asked: Asked) -> Section:
    """Measure a million deal-weeks, and 100,000 open deals of one day."""
    demo = company(asked.folder, seed=1, scale=asked.scale)
    section = Section(f"A large company, {len(demo.frame):,} deal-weeks")
    full = len(demo.frame) >= LANDMARKS
    section.claim(at_most("seconds for features", 60, demo.seconds), full=full)
    begun = time.perf_counter()
    model = deal_risk.fit(demo.frame, demo.endings, cut=demo.cut, calendar=demo.calendar)
    section.claim(at_most("seconds for the fit", 120, time.perf_counter() - begun), full=full)
    seconds = _score_seconds(model, _one_day(demo))
    section.claim(at_most(f"seconds to score {DEALS:,} deals, with reasons over every horizon", 30, seconds))
    return section


def _one_day(demo: Company) -> pd.DataFrame:
    """Give as many open deals as asked, all of the last day: landmarks of other days are moved to it."""
    many = demo.frame.tail(DEALS)
    many = pd.concat([many] * -(-DEALS // len(many)), ignore_index=True).head(DEALS)
    today = pd.Timestamp(demo.cut)
    last = demo.frame.loc[demo.frame["as_of"] == today, ["days_left_in_period", "month"]].iloc[0]
    return many.assign(
        as_of=today,
        expected_close_on=today + pd.to_timedelta(many["days_to_expected_close"], unit="D"),
        deal_id=[f"D{number:06d}" for number in range(len(many))],
        **last.to_dict(),
    )


def _score_seconds(model: DealRisk, deals: pd.DataFrame) -> float:
    begun = time.perf_counter()
    model.score(deals)
    for horizon in model.horizons:
        model.reasons(deals, horizon)
    return time.perf_counter() - begun
