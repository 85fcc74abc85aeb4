"""The judgement of the model on the company's past, and the gate."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.store import open_store
from spm_lib.models import deal_risk
from spm_lib.models.evaluation import Evaluation, evaluate
from spm_lib.models.features import deal_features
from spm_lib.models.landmarks import HORIZONS, deal_endings, landmark_days

from .companies import CALENDAR, CUT, company


@lru_cache
def judged() -> Evaluation:
    return evaluate(*company(), cut=CUT, calendar=CALENDAR)


def test_the_gate_opens_where_causes_are_planted() -> None:
    found = judged().horizons["30"]
    assert found.gate.open and found.low > 0
    assert f"{found.deals:,} deals" in found.gate.why
    assert found.brier < min(found.baseline_briers.values())
    assert found.auc > 0.7 and found.auc_new_deals > 0.65
    assert sum(each.n for each in found.calibration) == found.n


def test_the_gate_stays_closed_where_outcomes_are_shuffled() -> None:
    frame, endings = company()
    order = np.arange(len(frame))
    rng = np.random.default_rng(0)
    for places in pd.Series(order).groupby(frame["as_of"].to_numpy()).groups.values():
        order[places] = rng.permutation(order[places])
    shuffled = evaluate(frame, endings.iloc[order].reset_index(drop=True), cut=CUT, calendar=CALENDAR)
    assert not any(each.gate.open for each in shuffled.horizons.values())
    assert all(each.gate.why for each in shuffled.horizons.values())


def test_judged_are_landmarks_after_the_first_origin_whose_outcome_is_known() -> None:
    for horizon, found in judged().horizons.items():
        assert found.from_day is not None and found.to_day is not None
        assert judged().origins[0] < found.from_day
        if horizon != "period":
            assert found.to_day + dt.timedelta(days=int(horizon)) <= CUT


def test_an_evaluation_survives_json() -> None:
    plain = json.loads(json.dumps(judged().to_json(), allow_nan=False))
    assert Evaluation.from_json(plain).to_json() == judged().to_json()
    segments = judged().horizons["30"].segments
    assert {each.kind for each in segments} == {"pipeline", "stage", "team"}
    assert "days_since_activity" in judged().drift and "stage_time_ratio" not in judged().drift


@pytest.mark.parametrize("below", ["D0000", "D0300"])
def test_too_little_to_judge_by_closes_every_gate_and_says_why(below: str) -> None:
    frame, endings = company()
    few = frame["deal_id"] < below
    found = evaluate(frame[few], endings[few], cut=CUT, calendar=CALENDAR)
    assert set(found.horizons) == set(HORIZONS)
    for each in found.horizons.values():
        assert not each.gate.open and each.gate.why
    assert Evaluation.from_json(found.to_json()).to_json() == found.to_json()


@pytest.mark.slow
def test_open_deals_of_the_demo_company_are_scored_exactly(demo_store: Path) -> None:
    with open_store(demo_store) as store:
        snapshot = store.as_of(dt.date(2025, 12, 31))
        frame = deal_features(snapshot, landmark_days(snapshot))
        # A third of the deals is enough to learn from, and takes a third of the time.
        frame = frame[frame["deal_id"].str[-1].isin(list("147"))].reset_index(drop=True)
        endings = deal_endings(snapshot, frame)
    model = deal_risk.fit(frame, endings, cut=snapshot.date, calendar=snapshot.meta.calendar)
    now = frame[frame["as_of"] == pd.Timestamp(snapshot.date)]
    scores = model.score(now)
    assert set(model.horizons) == set(HORIZONS) and scores["at_risk"].notna().all()
    for horizon in HORIZONS:
        raw = scores.loc[scores["horizon"] == horizon, "raw_score"].to_numpy()
        np.testing.assert_allclose(model.contributions(now, horizon).sum(axis=1).to_numpy(), raw, atol=1e-6)
