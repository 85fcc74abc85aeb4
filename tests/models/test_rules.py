"""Rules: where each holds, and what it told in the past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spm_lib.models import rules
from spm_lib.models.landmarks import label

from .companies import CALENDAR, CUT, company

#: For each rule a value for which it holds, and one for which it does not, at its edge.
EDGES = {
    "quiet": ("days_since_activity", 14, 13),
    "overdue": ("days_to_expected_close", -1, 0),
    "pushed": ("pushes", 2, 1),
    "stalled": ("stage_time_ratio", 1.01, 1),
    "single_contact": ("contacts", 1, 2),
    "amount_cut": ("amount_ratio", 0.99, 1),
    "moved_back": ("moves_back", 1, 0),
    "no_next_step": ("next_step_missing", 1, 0),
}


@pytest.mark.parametrize("rule", rules.RULES)
def test_a_rule_holds_at_its_edge_and_never_where_nothing_is_known(rule: str) -> None:
    name, holds, holds_not = EDGES[rule]
    frame = company()[0].head(3).copy()
    frame[name] = [float(holds), float(holds_not), np.nan]
    assert rules.holding(frame)[rule].tolist() == [True, False, False]


def test_lift_and_coverage_are_those_counted_by_hand() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    measured = rules.measure(frame, labels).set_index("rule").loc["quiet"]
    known = labels["known"]
    quiet = known & (frame["days_since_activity"] >= 14)
    cells = [frame["stage"], labels["due"]]
    usual = labels["at_risk"].where(known).astype(float).groupby(cells).transform("mean")
    assert measured["n"] == quiet.sum()
    assert measured["coverage"] == pytest.approx(quiet.sum() / known.sum())
    assert measured["lift"] == pytest.approx(labels.loc[quiet, "at_risk"].mean() / usual[quiet].mean())
    assert 1 < measured["low"] < measured["lift"] < measured["high"]
    assert measured["shown"]


def test_a_rule_that_tells_nothing_is_not_shown() -> None:
    frame, endings = company()
    frame = frame.assign(contacts=np.where(frame["deal_id"].str[-1].astype(int) % 3 == 0, 1.0, 2.0))
    measured = rules.measure(frame, label(frame, endings, "30", CALENDAR, CUT)).set_index("rule")
    single = measured.loc["single_contact"]
    assert single["low"] <= 1 <= single["high"] and not single["shown"]
    never = measured.loc["moved_back"]
    assert never["n"] == 0 and np.isnan(never["lift"]) and not never["shown"]


def test_more_landmarks_of_the_same_deals_do_not_make_it_surer() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    once = rules.measure(frame, labels).set_index("rule").loc["quiet"]
    twice = rules.measure(
        pd.concat([frame, frame], ignore_index=True), pd.concat([labels, labels], ignore_index=True)
    )
    again = twice.set_index("rule").loc["quiet"]
    assert (again["low"], again["high"]) == pytest.approx((once["low"], once["high"]))


def test_no_landmark_gives_nothing() -> None:
    frame, endings = company()
    labels = label(frame, endings, "30", CALENDAR, CUT)
    measured = rules.measure(frame.head(0), labels.head(0))
    assert list(measured["rule"]) == list(rules.RULES) and not measured["shown"].any()


def test_where_nothing_tells_hardly_any_company_is_shown_a_rule() -> None:
    rng = np.random.default_rng(1)
    n, companies, shown = 600, 200, 0
    for _ in range(companies):
        columns = {name: np.where(rng.random(n) < 0.3, holds, not_) for name, holds, not_ in EDGES.values()}
        frame = pd.DataFrame(columns).assign(
            deal_id=[str(deal) for deal in range(n)], stage="s", pipeline="p"
        )
        labels = pd.DataFrame({"due": False, "at_risk": rng.random(n) < 0.4, "known": True})
        shown += bool(rules.measure(frame, labels)["shown"].any())
    # One in forty is meant. Each rule judged for itself would show one to one company in six.
    assert shown <= companies * 0.06
