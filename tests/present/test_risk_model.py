"""The model's card: what it says of itself follows from its figures."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

from spm_lib import findings, present
from spm_lib.models.risk_card import RiskCard
from spm_lib.models.risk_figures import model_figures
from spm_lib.theme import Look

LOOK = Look()


def test_all_gates_open_some_or_none(samples: SimpleNamespace) -> None:
    card = samples.risk.card
    assert (
        findings.model_headline(card(), LOOK)
        == "The model tells more than what a manager has for free, over every horizon."
    )
    some = card(opened={"30": True, "60": False, "period": True})
    assert findings.model_headline(some, LOOK) == (
        "The model tells more than what a manager has for free for 30 days and end of quarter, and is shown there alone."
    )
    assert "rules stand in" in findings.model_headline(card(opened={"30": False}), LOOK)
    assert "for 60 days it shows no clear skill" in findings.skill_finding(some, LOOK)
    assert any(
        said.startswith(
            "For 60 days no chance is shown: tested on 600 deals of the past, a model's chances were not clearly better than"
        )
        for said in findings.model_cautions(some, LOOK)
    )


def test_without_a_score_or_a_model_it_says_so_and_shows_the_rest(samples: SimpleNamespace) -> None:
    none = RiskCard(None, dt.date(2017, 8, 14))
    assert findings.model_headline(none, LOOK) == "Deals are not scored as of Aug 14, 2017: run spm score."
    assert findings.model_cautions(none, LOOK) == [
        "There is nothing to trust yet: no chance is told before deals are scored."
    ]
    assert findings.model_data_finding(none, LOOK) == "There is no model yet."
    few = samples.risk.card(model=None, evaluation={"horizons": {}}, data={"won": 88, "lost": 199})
    assert findings.model_headline(few, LOOK) == (
        "There is no model, and rules stand in: a model takes 112 more won and 1 more lost deals."
    )
    assert not any("70%" in said for said in findings.model_cautions(few, LOOK))
    rules = samples.risk.card(model=None, evaluation={"horizons": {}})
    rules = RiskCard(rules.record, rules.asked_on, "45 deals were won: 155 more are needed")
    assert findings.model_headline(rules, LOOK) == (
        "There is no model, and rules stand in: 45 deals were won: 155 more are needed."
    )
    for card in (none, rules):
        shown = [
            present.model_kpis(model_figures(card)),
            present.model_facts(card),
            present.skill_table(card),
        ]
        shown += [present.skill_chart(card), present.segments_table(card), present.drift_table(card)]
        shown += [present.calibration_chart(card.calibration("30"))]
        said = [
            findings.model_summary(card, LOOK),
            findings.skill_finding(card, LOOK),
            findings.calibration_reading(card, LOOK),
        ]
        assert all("nan" not in text for text in [*(block.text for block in shown), *said])
        assert said == ["", "", ""]
    assert findings.model_data_finding(rules, LOOK).startswith(
        "The record holds 1,400 deals, 400 won and 900 lost"
    )


def test_sentences_with_their_figures(samples: SimpleNamespace) -> None:
    card = samples.risk.card()
    assert findings.model_summary(card, LOOK) == (
        "Judged on 600 deals from May 30, 2016 to Jul 3, 2017, each time by a model that knew nothing later, over 30 days. "
        "Of the tenth told riskiest, 96% were lost or slipped, where 48% of all were. "
        "Its chances were off by 1.9 pts on average."
    )
    assert findings.skill_finding(card, LOOK) == (
        "Over 30 days its squared error is 7% below that of the past rate of deals as old in the same stage "
        "(5.0% to 9.0%, 600 deals)."
    )
    assert findings.calibration_reading(card, LOOK).startswith(
        "Told on 6,000 deal-days of the past, its chances were 9.5 pts too high"
    )
    assert findings.segments_finding(card, LOOK) == "In 1 of 2 parts it is no better than the baseline: New."
    assert findings.drift_finding(card, LOOK) == (
        "2 of 3 features have moved in the last four weeks: times pushed out and people at the customer."
    )
    assert findings.rules_finding(card.rules, LOOK) == (
        "1 of 2 rules has told of trouble in the past, most of all “No activity for 14 days”: lost or slipped 1.40× as "
        "often as is usual."
    )
    blind = card.rules.assign(deals=0.0, shown=False)
    assert findings.rules_finding(blind, LOOK) == (
        "No rule could be measured: the source does not tell what the rules look at."
    )
    assert present.rules_table(blind).text == "What rules have told cannot be shown: no rule was measured."
    cautions = " ".join(findings.model_cautions(card, LOOK))
    for said in (
        "deals younger than the model",
        "times pushed out differ",
        "activities in 30 days",
        "only on 90%",
        "judge people",
    ):
        assert said in cautions, said
    assert "before this report" not in cautions


def test_an_old_model_is_told_with_its_age(samples: SimpleNamespace) -> None:
    card = samples.risk.card()
    old = RiskCard(card.record, dt.date(2017, 12, 1))
    assert any("116 days before this report" in said for said in findings.model_cautions(old, LOOK))


def test_a_bins_interval_counts_deals_and_not_days(samples: SimpleNamespace) -> None:
    frame = samples.risk.card().calibration("30")
    assert frame["n"].tolist() == [3000, 3000]
    # 600 deals in 6,000 deal-days: each bin is worth 300.
    assert frame["high"].iloc[0] - frame["low"].iloc[0] > 0.08


def test_a_part_that_is_a_team_bears_its_name(samples: SimpleNamespace) -> None:
    assert samples.risk.card(name="West").segments("30")["name"].tolist() == ["West", "West"]


def test_bare_numbers_are_written_as_the_locale_does(samples: SimpleNamespace) -> None:
    german = Look(locale="de_DE")
    card = samples.risk.card()
    fared, moved = present.skill_table(card, look=german).text, present.drift_table(card, look=german).text
    assert "50 % is guessing" in fared.replace("\xa0", " ")
    assert not re.search(r"\b0\.\d", fared + moved)
