"""Reasons: grouped, present, weighty, in order."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from spm_lib.models import features, reasons
from spm_lib.models.reasons import Reason

from .companies import company

USUAL = {"days_since_activity": 4.0, "days_in_stage": 10.0, "owner_win_rate": 0.3, "owner_open_deals": 20.0}


def one(facts: dict[str, object], points: dict[str, float], limit: int = 3) -> list[Reason]:
    frame = company()[0].head(1).assign(**facts)
    return reasons.told(frame, pd.DataFrame([points]), USUAL, limit)[0]


def test_every_feature_belongs_to_one_group() -> None:
    named = [
        name for groups in (reasons.GROUPS, reasons.BACKGROUND) for some in groups.values() for name in some
    ]
    assert len(named) == len(set(named))
    assert {*features.NUMBERS, *features.CATEGORIES} <= set(named)


def test_groups_add_up_to_what_features_do() -> None:
    shares = pd.DataFrame([{"base": 1.0, "context": -0.5, "pushes": 0.3, "days_pushed": 0.2, "x_a": 0.1}])
    grouped = reasons.grouped(shares)
    assert grouped.loc[0, "pushed"] == 0.5 and grouped.loc[0, "x_a"] == 0.1
    np.testing.assert_allclose(grouped.sum(axis=1), shares.sum(axis=1))


def test_the_weightiest_come_first_and_background_never() -> None:
    facts = {"days_since_activity": 30.0, "pushes": 2.0, "contacts": 1.0, "x_rival": "Kestrel"}
    points = {"base": 9.0, "context": 5.0, "log_amount": 3.0, "deal_type": 2.0}
    points |= {
        "days_since_activity": 0.4,
        "activities_7": 0.3,
        "pushes": 0.5,
        "contacts": 0.2,
        "x_rival": 1.0,
    }
    told = one(facts, points)
    assert [reason.group for reason in told] == ["x_rival", "quiet", "pushed"]
    assert told[0].facts == {"x_rival": "Kestrel"}
    assert told[1].points == 0.7
    assert told[1].facts["days_since_activity"] == 30 and told[1].facts["usual_days_since_activity"] == 4
    assert [reason.group for reason in one(facts, points, limit=1)] == ["x_rival"]


def test_what_adds_little_or_is_not_there_is_no_reason() -> None:
    assert one({"pushes": 2.0}, {"pushes": 0.1}) == []
    assert one({"pushes": 0.0}, {"days_pushed": 2.0}) == []
    assert one({"days_since_activity": 3.0}, {"activities_30": 2.0}) == []
    assert one({"days_since_activity": np.nan}, {"days_since_activity": 2.0}) == []
    assert one({"days_to_expected_close": 0.0}, {"days_to_expected_close": 2.0}) == []
    assert one({"x_rival": None}, {"x_rival": 2.0}) == []
    assert one({"contacts": 0.0}, {"contacts": 2.0}) == []


def test_a_reason_survives_json() -> None:
    (reason,) = one({"owner_win_rate": 0.1, "owner_open_deals": np.nan}, {"owner_win_rate": 0.5})
    assert reason.facts["owner_open_deals"] is None
    assert Reason.from_json(json.loads(json.dumps(reason.to_json()))) == reason
