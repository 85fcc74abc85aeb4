"""Reasons and actions in a manager's words."""

from __future__ import annotations

from typing import Any

import pytest

from spm_lib.models.reasons import GROUPS
from spm_lib.models.rules import RULES
from spm_lib.present.findings.risk_features import FEATURES, feature_words
from spm_lib.present.findings.risk_words import (
    ACTIONS,
    RULE_LABELS,
    action_words,
    chance,
    reason_words,
    rule_words,
    why_words,
)
from spm_lib.theme import Look

LOOK = Look()


def words(group: str, **facts: Any) -> str:
    return reason_words({"group": group, "points": 0.5, "facts": facts}, LOOK)


@pytest.mark.parametrize(
    ("group", "facts", "said"),
    [
        ("quiet", {"days_since_activity": 23.0}, "no activity for 23 days"),
        ("quiet", {"days_since_activity": 23.0, "usual_days_since_activity": 6.2}, "no activity for 23 days (usually 6)"),
        ("quiet", {"days_since_activity": 3.0, "activities_14": 1.0, "activity_trend": -4.0},
         "1 in the last 14 days after 5 activities in the 14 before"),
        ("quiet", {"days_since_activity": 3.0, "activities_14": 0.0, "activity_trend": -1.0},
         "none in the last 14 days after 1 activity in the 14 before"),
        ("quiet", {"activities_30": 0.0}, "no activities in 30 days"),
        ("overdue", {"days_to_expected_close": -1.0}, "1 day past its close date"),
        ("pushed", {"pushes": 1.0, "days_pushed": -3.0}, "close date pushed once"),
        ("pushed", {"pushes": 4.0, "days_pushed": 61.0}, "close date pushed 4 times, by 61 days in all"),
        ("stalled", {"days_in_stage": 45.0, "stage_time_ratio": 1.2, "usual_days_in_stage": 20.0},
         "45 days in its stage, longer than 9 in 10 deals"),
        ("stalled", {"days_in_stage": 45.0, "stage_time_ratio": 0.8, "usual_days_in_stage": 20.0},
         "45 days in its stage (usually 20)"),
        ("stalled", {"age_days": 400.0}, "open for 400 days"),
        ("single_contact", {"contacts": 1.0}, "only one person at the customer"),
        ("single_contact", {"contacts": 2.0}, "only 2 people at the customer"),
        ("single_contact", {"contacts": 0.0}, "nobody at the customer is named"),
        ("amount_cut", {"amount_ratio": 0.8}, "amount cut by 20%"),
        ("moved_back", {"moves_back": 2.0}, "moved back 2 times"),
        ("no_next_step", {"next_step_missing": 1.0}, "no next step noted"),
        ("handed_over", {"owner_changes": 2.0}, "changed owner 2 times"),
        ("owner", {"owner_open_deals": 45.0, "usual_owner_open_deals": 20.0, "owner_win_rate": 0.4,
                   "usual_owner_win_rate": 0.3},
         "45 open deals on its owner's list (usually 20)"),
        ("owner", {"owner_open_deals": 5.0, "usual_owner_open_deals": 20.0, "owner_win_rate": 0.18,
                   "usual_owner_win_rate": 0.3},
         "its owner has won 18% of deals so far (usually 30%)"),
        ("x_budget_owner", {"x_budget_owner": "nobody"}, "budget owner is nobody"),
        ("x_score", {"x_score": 2.5}, "score is 2.5"),
        ("x_score", {}, "score is not filled in"),
        ("context", {"month": 3.0}, ""),
    ],
)  # fmt: skip
def test_a_reason_in_words(group: str, facts: dict[str, Any], said: str) -> None:
    assert words(group, **facts) == said


def test_every_group_of_reasons_has_words_without_any_fact_and_an_action() -> None:
    for group in GROUPS:
        assert words(group), group
        assert group in ACTIONS, group
    assert set(RULES) == set(RULE_LABELS)
    assert set(RULES) <= set(ACTIONS)
    assert all("log-odds" not in text for text in (*ACTIONS.values(), *RULE_LABELS.values()))


def test_every_feature_has_a_name() -> None:
    from spm_lib.models import features

    assert set(FEATURES) >= {*features.CONTEXT, *features.NUMBERS, *features.CATEGORIES}
    assert feature_words("x_deal_score") == "deal score"


def row(*groups: str, rules: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "reasons": [{"group": group, "points": 0.5, "facts": {}} for group in groups],
        "rules": list(rules),
    }


def test_what_says_that_something_is_amiss_gives_way_to_what_says_what() -> None:
    assert action_words(row("stalled", "pushed"), signal=True) == f"{ACTIONS['pushed']}."
    assert action_words(row("stalled"), signal=True) == f"{ACTIONS['stalled']}."
    assert "“champion”" in action_words(row("overdue", "x_champion"), signal=True)
    for value, said in (
        ("Kestrel", "Go through “competitor: Kestrel” with the owner"),
        (3.5, "Go through “competitor” with"),
        (None, "Have the owner find out and fill in “competitor”."),
    ):
        told = {"reasons": [{"group": "x_competitor", "facts": {"x_competitor": value}}], "rules": []}
        assert action_words(told, signal=True).startswith(said)
    assert action_words(row(), signal=True) == ""


def test_without_signal_only_rules_speak() -> None:
    both = row("quiet", rules=("amount_cut", "no_next_step"))
    assert why_words(both, LOOK, signal=False) == "Amount cut; no next step noted."
    assert action_words(both, signal=False) == f"{ACTIONS['amount_cut']}."
    assert why_words(both, LOOK, signal=True) == "Little activity."
    assert why_words(row(rules=("quiet",)), LOOK, signal=True) == "No activity for 14 days.", (
        "no reason is left: the rule is"
    )
    assert rule_words("some_new_rule") == "some new rule"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0%"),
        (0.004, "<1%"),
        (0.01, "1%"),
        (0.625, "62%"),
        (0.99, "99%"),
        (0.996, ">99%"),
        (1.0, "100%"),
        (None, "–"),
    ],
)
def test_a_chance_is_whole_and_never_falsely_sure(value: float | None, said: str) -> None:
    assert chance(value, LOOK) == said
    assert chance(0.5, Look(locale="de_DE")) == "50\N{NO-BREAK SPACE}%"
