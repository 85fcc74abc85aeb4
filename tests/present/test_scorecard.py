"""The rep's own scorecard in words and pictures: what it says, what it leaves unsaid, and of whom."""

from __future__ import annotations

import datetime as dt
import math
import re
from types import SimpleNamespace
from typing import Any

import pytest

from spm_lib import present
from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.playbook import Playbook
from spm_lib.models.scorecard_target import Rate
from spm_lib.periods import parse_period
from spm_lib.present import findings
from spm_lib.theme import Look

from . import scorecard_samples as make

LOOK = Look()
NAN = float("nan")
BEFORE = "Q2 2017 at the same point"
OVER = {"as_of": dt.date(2017, 10, 5)}


def headline(**changes: Any) -> str:
    return findings.scorecard_headline(make.card(**changes), LOOK)


def test_the_headline_says_what_is_won_and_what_is_left() -> None:
    assert (
        headline()
        == "You have won $46K from 12 deals in Q3 2017, 46.0% of your quota, with $54K to go by Sep 30, 2017."
    )
    assert (
        headline(target=make.target(days_left=0), **OVER)
        == "You won $46K from 12 deals in Q3 2017, 46.0% of your quota."
    )


def test_the_headline_of_a_quota_that_is_reached() -> None:
    reached = make.target(quota=40_000.0, reached_on=dt.date(2017, 8, 12))
    assert headline(target=reached) == (
        "You reached your Q3 2017 quota on Aug 12, 2017: $46K from 12 deals, of $40K, 15.0% beyond it."
    )
    assert "beyond" not in headline(target=make.target(quota=46_000.0)) and " on " not in headline(
        target=make.target(quota=4e4)
    )


def test_the_headline_without_a_quota_or_a_deal() -> None:
    nothing = make.figures(revenue={"value": 0.0, "n": 0})
    none_due = make.target(revenue=0.0, due=0.0, due_n=0, due_unknown=0)
    assert (
        headline(target=make.target(quota=NAN, note="no quota"))
        == "You have won $46K from 12 deals in Q3 2017."
    )
    assert headline(figures=nothing, target=none_due) == "Q3 2017 is open towards your quota of $100K."
    assert headline(figures=nothing, target=make.target(revenue=0.0)) == (
        "Q3 2017 is open towards your quota of $100K: 5 open deals worth $72K (1 without a known amount) are expected to "
        "close by Sep 30, 2017."
    )
    assert headline(figures=nothing, target=none_due, **OVER) == "No deal of yours was won in Q3 2017."
    assert (
        headline(figures=make.figures(revenue={"value": NAN, "n": 0}))
        == "What you won in Q3 2017 is not known."
    )


def test_a_refund_is_no_deal_won() -> None:
    won = make.deals("Deal").assign(amount=[50_000.0, 2_000.0, -6_000.0])
    some = make.figures(revenue={"n": 3})
    assert headline(figures=some, won=won).startswith(
        "You have won $46K from 2 deals less 1 refund in Q3 2017"
    )
    assert findings.won_finding(make.card(won=won), LOOK) == "You have won 2 deals in Q3 2017 so far."
    alone, minus = make.figures(revenue={"value": -200.0, "n": 1}), make.target(revenue=-200.0, quota=500.0)
    only = make.deals("Deal", 1).assign(amount=-200.0)
    assert headline(figures=alone, target=minus, won=only) == (
        "Refunds have taken $200 in Q3 2017, with $700 to go to your quota by Sep 30, 2017."
    )
    assert headline(figures=alone, target=minus, won=only, **OVER) == "Refunds took $200 in Q3 2017."
    assert findings.won_finding(make.card(won=only), LOOK) == "You have created 20 deals in Q3 2017 so far."
    both = make.figures(revenue={"value": -200.0, "n": 2})
    more = make.deals("Deal", 2).assign(amount=[300.0, -500.0])
    none = make.target(quota=NAN, note="no quota")
    assert headline(figures=both, target=none, won=more) == (
        "Refunds have taken $200 more than you won from 1 deal in Q3 2017."
    )


def test_a_first_period_a_move_and_quiet_weeks_are_said() -> None:
    since = dt.date(2017, 7, 20)
    begun = findings.scorecard_basis(make.card("West", since=since), LOOK)
    assert begun.startswith("You began on Jul 20, 2017. What takes more") and "West" not in begun
    moved = findings.scorecard_basis(make.card("West", since=since, moved=True), LOOK)
    assert (
        moved
        == "You have been in West since Jul 20, 2017. All figures, and the quota, count for the days since then."
    )
    quiet = findings.scorecard_basis(make.card(quiet_since=dt.date(2017, 7, 3)), LOOK)
    assert "The last activity of yours on record is of Jul 3, 2017" in quiet
    assert findings.scorecard_basis(make.card(since=dt.date(2016, 1, 1)), LOOK) == ""


def test_only_what_chance_does_not_explain_is_called_a_change() -> None:
    assert (
        findings.past_finding(make.card(), BEFORE, LOOK)
        == "No figure of yours differs from your past beyond chance."
    )
    moved = make.figures(
        win_rate={"usual_significant": True}, sales_cycle={"significant": True, "usual": NAN}
    )
    said = findings.past_finding(make.card(figures=moved), BEFORE, LOOK)
    assert said == (
        "Win rate: down 2.5 pts on your usual 27.5%. Sales cycle: up 4.4 days on Q2 2017 at the same point. "
        "The other 3 are within your normal variation."
    )


def test_without_a_past_it_says_so() -> None:
    blank = make.no_past(make.figures())
    new = make.card(figures=blank, since=dt.date(2017, 5, 20))
    assert findings.past_finding(new, BEFORE, LOOK) == (
        "You have been here since May 20, 2017, and have no whole quarter before this one to compare with."
    )
    few = make.card(figures=make.figures(**{name: {"p_value": NAN} for name in make.VALUES}))
    assert findings.past_finding(few, BEFORE, LOOK) == (
        "There are too few deals of yours in Q3 2017 to compare with your past."
    )
    assert (
        findings.past_finding(make.card(figures=blank), BEFORE, LOOK)
        == f"No figure can be compared with {BEFORE}."
    )


def test_a_period_to_come_asks_for_nothing_yet() -> None:
    card = make.card(
        as_of=dt.date(2017, 6, 20), figures=make.no_past(make.figures(revenue={"value": NAN, "n": 0}))
    )
    assert findings.scorecard_headline(card, LOOK).startswith(
        "Q3 2017 begins on Jul 1, 2017: 5 open deals worth $72K"
    )
    assert findings.target_finding(card, LOOK) == "" == findings.past_finding(card, BEFORE, LOOK)


def needed(**changes: Any) -> str:
    return findings.target_finding(make.card(target=make.target(**changes)), LOOK)


def test_what_it_takes_in_money_weeks_and_deals() -> None:
    assert (
        needed()
        == "$54K more by Sep 30, 2017 makes your quota: $8,043 a week, or 3 more deals like your average."
    )
    assert (
        needed(days_left=5) == "$54K more by Sep 30, 2017 makes your quota: 3 more deals like your average."
    )
    assert needed(size=Rate(NAN, 2)) == "$54K more by Sep 30, 2017 makes your quota: $8,043 a week."
    assert needed(size=Rate(54_000.0, 9)).endswith("or 1 more deal like your average.")
    assert needed(quota=40_000.0) == "Your Q3 2017 quota is reached, and all that follows comes on top."
    assert needed(days_left=0) == "$54K were missing to your quota of $100K."
    assert needed(quota=NAN, note="no quota") == "You carry no quota in Q3 2017."
    assert "no quota of yours is on record: a quota is in a currency" in needed(
        quota=NAN, note="a quota is in a currency without a rate"
    )


def test_the_reading_tells_the_range_and_never_a_chance_to_miss() -> None:
    said = findings.target_reading(make.card(), make.coaching(), LOOK)
    assert (
        "you are heading for $70K to $110K by then" in said
        and "3 wins come out of about 12 decided deals" in said
    )
    assert "1.33× what is missing" in said and "73" not in said and "miss " not in said
    other = make.coaching(ends_on=dt.date(2017, 12, 31))
    assert "heading" not in findings.target_reading(make.card(), other, LOOK)
    assert "heading" not in findings.target_reading(make.card(), Coaching(make.DAY), LOOK)
    assert findings.target_reading(make.card(target=make.target(quota=NAN)), make.coaching(), LOOK) == ""


def test_the_chart_states_its_finding_and_is_not_drawn_of_what_is_over(samples: SimpleNamespace) -> None:
    chart = present.target_chart(make.card(), make.coaching(), make.EXPECTED)
    assert isinstance(chart, present.Chart)
    assert chart.alt == (
        "Won $46K of a quota of $100K, $72K open and expected by Sep 30, 2017, heading for $70K to $110K."
    )
    drawn = samples.texts(samples.pictures(chart.html)[0])
    assert {
        "Won",
        "Open and due",
        "Heading for",
        "PL $100K",
        "usual by now $40K",
        "$46K",
        "$72K",
        "$90K",
    } <= set(drawn)
    alone = present.target_chart(
        make.card(target=make.target(due_n=0, due=0.0)), Coaching(make.DAY), make.EXPECTED
    )
    assert {"Open and due", "Heading for"}.isdisjoint(samples.texts(samples.pictures(alone.html)[0]))
    for changes in ({"quota": NAN}, {"days_left": 0}, {"revenue": NAN}):
        assert (
            present.target_chart(
                make.card(target=make.target(**changes)), make.coaching(), make.EXPECTED
            ).text
            == ""
        )


def test_a_refund_that_outweighs_what_is_won_is_drawn() -> None:
    chart = present.target_chart(
        make.card(target=make.target(revenue=-5_000.0)), make.coaching(), make.EXPECTED
    )
    assert "Won −$5,000 of a quota" in chart.text


def test_key_figures_carry_n_past_and_the_teams_middle() -> None:
    lines = present.scorecard_kpis(make.card(), BEFORE).text.splitlines()
    assert lines[0] == "Revenue: $46K; team's middle $46K; +$4,600 on Q2 2017, within normal variation; n 12"
    assert len([line for line in lines if "; n 12" in line]) == 6
    assert lines[-1] == "Q2 2017 is seen at the same point of it."
    early = make.no_past(make.figures()).assign(note="the data do not reach back to all of 2017-Q2")
    assert "reach back" not in present.scorecard_kpis(make.card(figures=early), BEFORE).text
    alone = make.no_past(make.figures(quota_attainment={"value": NAN})).assign(middle=NAN, n_people=4)
    text = present.scorecard_kpis(make.card(figures=alone), BEFORE).text
    assert (
        "middle" not in text and "Q2" not in text and "Quota attainment" not in text and "unknown" not in text
    )


def test_the_table_marks_what_differs_and_nothing_else() -> None:
    moved = make.figures(win_rate={"usual_significant": True}, sales_cycle={"significant": True})
    block = present.scorecard_table(make.card(figures=moved), BEFORE)
    marked = [line for line in block.text.splitlines()[1:-1] if "▲" in line or "▼" in line]
    assert len(marked) == 2 and marked[0].startswith("Win rate") and "▼ 27.5%" in marked[0]
    assert "▲ 39.6 days" in marked[1]
    assert (
        '<span class="spm-bad">▼ 27.5%</span>' in block.html
        and '<span class="spm-bad">▲ 39.6 days</span>' in block.html
    )


def test_too_few_people_to_tell_a_middle_is_said() -> None:
    few = make.figures().assign(middle=NAN, n_people=4)
    assert "too few people in your team to tell a middle" in findings.middle_note(
        make.card(figures=few), LOOK
    )
    told = findings.middle_note(make.card(), LOOK)
    assert "the last 4 complete quarters" in told and "the 6 people of your team" in told
    assert "Your usual" not in findings.middle_note(make.card(figures=make.no_past(make.figures())), LOOK)


def test_where_nothing_was_earned_nothing_is_said_of_it() -> None:
    none = make.recognition("x").head(0)
    assert present.own_wins(make.card(won=make.deals("Deal", 0)), none, {}).text == ""
    block = present.own_wins(
        make.card("Acme"), make.recognition("Acme"), {"biggest_deal": "Biggest deal"}, limit=2
    )
    assert (
        block.text.startswith("- Biggest deal: Acme (Acme) for $9,000")
        and "1 more row not shown" in block.text
    )
    none_won = {"won": make.deals("Deal", 0)}
    assert findings.won_finding(make.card(**none_won), LOOK) == "You have created 20 deals in Q3 2017 so far."
    for value in (0.0, NAN):
        begun = make.figures(deals_created={"value": value})
        assert findings.won_finding(make.card(**none_won, figures=begun), LOOK) == ""
    assert findings.won_finding(make.card(), LOOK) == "You have won 3 deals in Q3 2017 so far."


def test_a_lever_tells_how_one_stands_with_an_own_deal_and_one_thing_to_try() -> None:
    told = make.coaching(make.lever(deal="Acme renewal"))
    playbook = Playbook(by_lever={"win_rate": ("Ask who signs", "Something else")})
    assert findings.own_levers_finding(told, LOOK) == "One thing is worth a closer look: win rate."
    assert present.own_lever_list(told, playbook).text == (
        "- Win rate: You: 24.8%. Colleagues on the same kind of work: 39.6% (157 deals; most likely behind by 8.0 to "
        "19.0 pts). At the middle of your team a quarter would bring $61K to $124K more. For example: Acme renewal "
        "($5,000, 34 days in its stage). Worth trying: Ask who signs."
    )
    assert present.own_actions(told, playbook) == ["Ask who signs."]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.01, 0.11, "from 1.0 pts ahead to 11.0 pts behind"),
        (0.02, 0.11, "behind by 2.0 to 11.0 pts"),
        (-0.03, -0.01, "ahead by 1.0 to 3.0 pts"),
    ],
)
def test_a_gap_says_on_which_side_its_ends_are(low: float, high: float, said: str) -> None:
    row = make.lever("discount", deals=[], observed=0.12, expected=0.07, low=low, high=high)
    text = present.own_lever_list(make.coaching(row), Playbook()).text
    assert f"(157 deals won; most likely {said})." in text


def test_what_is_not_known_of_a_lever_is_left_out() -> None:
    row = make.lever("deals_created", worth=NAN, deals=[], observed=6.42, expected=12.48, low=-6.9, high=-4.6)
    text = present.own_lever_list(make.coaching(row), Playbook()).text
    assert text.startswith(
        "- Deals created: You: 6.4 deals a month. Colleagues on the same kind of work: 12.5 (157 "
    )
    assert "middle of your team" not in text and "For example" not in text and "nan" not in text


def test_nothing_beyond_chance_stands_out() -> None:
    quiet = make.coaching(make.lever(named=False))
    assert findings.own_levers_finding(quiet, LOOK) == ("There is nothing you are behind on beyond chance.")
    assert (
        present.own_lever_list(quiet, Playbook()).text == "" and present.own_actions(quiet, Playbook()) == []
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Coaching(make.DAY), "run spm score"),
        (Coaching(make.DAY, damaged="the ledger is damaged"), "cannot be told: the ledger is damaged"),
        (make.coaching(), "too little work of yours"),
        (
            make.coaching(make.lever(), asked_on=make.DAY + dt.timedelta(days=3)),
            "3 days earlier, on Aug 14, 2017",
        ),
    ],
)
def test_why_nothing_is_told_or_how_old_it_is(told: Coaching, said: str) -> None:
    assert said in findings.own_levers_basis(told, LOOK)
    if told.levers.empty:
        assert findings.own_levers_finding(told, LOOK) == "" == findings.strengths_finding(told, LOOK)


def test_strengths_are_told_of_levers_that_stand_out_and_of_no_others() -> None:
    better = make.lever(named=False, observed=0.5, low=0.05, high=0.15, behind=0.01, stands_out=True)
    fewer = make.lever("slippage", named=False, observed=0.2, expected=0.4, behind=0.02, stands_out=True)
    said = findings.strengths_finding(make.coaching(better, fewer), LOOK)
    assert said.startswith(
        "You do better than colleagues on the same kind of work on win rate (50.0%, theirs "
    )
    assert "close dates put off (0.2 times a month, theirs 0.4" in said
    # An interval on the better side alone is no strength: of many levers some have one by chance.
    alone = make.coaching(better | {"stands_out": False}, fewer | {"stands_out": NAN})
    assert findings.strengths_finding(alone, LOOK) == ""
    many = [make.lever(name, named=False, stands_out=True) for name in LEVERS]
    assert findings.strengths_finding(make.coaching(*many), LOOK).count("theirs") == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "At the middle of your team a quarter would bring $61K to $124K more."),
        ({"middle_of": "company"}, "At the middle of the company a quarter would bring $61K to $124K more."),
        ({"comes": "once"}, "At the middle of your team $61K to $124K would come in earlier, once."),
        ({"worth_low": NAN}, "At the middle of your team a quarter would bring about $92K more."),
    ],
)
def test_what_a_lever_is_worth_has_a_range_and_says_whose_middle(changes: dict[str, Any], said: str) -> None:
    told = make.coaching(make.lever(deals=[], **changes))
    assert f" {said} Worth trying" in present.own_lever_list(told, Playbook()).text


def test_one_win_comes_and_several_come() -> None:
    one = make.card(target=make.target(revenue=85_000.0))
    assert "1 win comes out of about 4 decided deals" in findings.target_reading(one, make.coaching(), LOOK)


def test_who_moved_has_no_outlook_of_another_quota() -> None:
    moved = make.card("West", moved=True, since=dt.date(2017, 7, 20))
    assert "heading" not in findings.target_reading(moved, make.coaching(), LOOK)
    assert "Heading" not in present.target_chart(moved, make.coaching(), make.EXPECTED).text


def test_a_new_rep_is_welcomed_and_shown_no_empty_figures(samples: SimpleNamespace) -> None:
    since = dt.date(2017, 7, 20)
    nothing = {
        name: {"value": 0.0 if name == "revenue" else NAN, "n": 0, "middle": NAN} for name in make.VALUES
    }
    nothing["deals_created"] = {"n": 4, "value": 4.0, "middle": NAN}
    new = make.card("West", since=since, figures=make.no_past(make.figures(**nothing)), months=make.months(2))
    assert findings.scorecard_headline(new, LOOK).startswith(
        "Welcome to West: your Q3 2017 quota is $100K, and 5 open"
    )
    assert findings.past_finding(new, BEFORE, LOOK) == "These are your first figures here."
    table = present.scorecard_table(new, BEFORE).text
    assert "Deals created" in table and "Revenue" not in table and "Before" not in table and "–" not in table
    assert present.scorecard_kpis(new, BEFORE).text == "Deals created: 4; n 4"
    assert present.own_months_chart(new).text == "" and "middle" not in findings.middle_note(new, LOOK)
    first_day = make.card(
        "West", since=make.DAY, figures=make.figures(**{name: {"n": 0} for name in make.VALUES})
    )
    assert (
        present.scorecard_kpis(first_day, BEFORE).text
        == ""
        == present.scorecard_table(first_day, BEFORE).text
    )


def test_claim_and_table_speak_of_the_same_figures() -> None:
    """What has an arrow in the table is in the claim, and a tile's arrow means the same."""
    for name in make.VALUES:
        row = {name: {"significant": True, "p_value": 0.001}}
        card = make.card(figures=make.figures(**row))
        arrows = [
            line for line in present.scorecard_table(card, BEFORE).text.splitlines()[:-1] if "▲ " in line
        ]
        assert len([line for line in arrows if not line.startswith("▲")]) == 1
        assert ": up " in findings.past_finding(card, BEFORE, LOOK)
    calm = present.scorecard_kpis(make.card(), BEFORE).text
    assert "▲" not in calm and "▼" not in calm and "►" not in calm


def test_how_old_the_data_are_is_said_in_one_line() -> None:
    day = make.DAY
    assert findings.data_basis("crm", day, day, LOOK) == "From crm, as known at the end of Aug 14, 2017."
    late = findings.data_basis("crm", day, day - dt.timedelta(days=3), LOOK)
    assert late.endswith("; the latest event in the data is of Aug 11, 2017.")


def test_what_is_no_longer_followed_is_told_as_last_measured() -> None:
    old = make.agreement(followed=False, measured_on=dt.date(2017, 4, 30))
    never = make.agreement(followed=False, difference=NAN, before=NAN, since=NAN, low=NAN, high=NAN)
    first, second = (present.own_agreed_list(make.coaching(agreed=(row,))).text for row in (old, never))
    assert "As last measured on Apr 30, 2017; a year after the agreement it is no longer followed." in first
    assert "too little to measure, and is no longer followed." in second and "not measured yet" not in second


def test_agreements_tell_the_review_and_what_came_of_them() -> None:
    rows = (
        make.agreement(),
        make.agreement("Ask early", due=False, difference=NAN, before=NAN, since=NAN, low=NAN, high=NAN),
    )
    told = make.coaching(agreed=rows)
    assert (
        findings.agreed_finding(told, LOOK)
        == "2 actions are agreed with you, and 1 of them is up for review."
    )
    first, second, remark = present.own_agreed_list(told).text.replace("\n\n", "\n").splitlines()
    assert first == (
        "- Name who signs. Agreed on May 1, 2017, for win rate. Up for review since Aug 1, 2017. What came of it: 12.0 pts "
        "below colleagues before (n 80), 2.0 pts below them since (n 40). Better, beyond chance: 2.0 to 18.0 pts better."
    )
    assert (
        second.endswith("Review on Aug 1, 2017. What came of it is not measured yet.")
        and "by chance alone" in remark
    )
    assert (
        present.own_agreed_list(make.coaching()).text == "" == findings.agreed_finding(make.coaching(), LOOK)
    )
    worse = make.agreement(difference=-0.1, low=-0.18, high=-0.02)
    assert (
        "further behind, beyond chance"
        in present.own_agreed_list(make.coaching(agreed=(worse,))).text.lower()
    )


def test_numbers_are_written_in_the_readers_locale() -> None:
    look = Look("EUR", "de_DE")
    told = make.coaching(make.lever(), agreed=(make.agreement(),))
    lists = present.own_lever_list(told, Playbook(), look=look) + present.own_agreed_list(told, look=look)
    figures = present.scorecard_kpis(make.card(), BEFORE, look=look)
    text = f"{(lists + figures).text} {findings.target_finding(make.card(), look)}"
    assert "24,8\xa0%" in text and "$" not in text and not re.search(r"\d\.\d%", text)


def test_nobody_is_named_in_any_block() -> None:
    """Neither the rep, who knows the own name, nor anybody else."""
    blocks = make.every_block("Deal")
    for what, block in blocks.items():
        assert "Ann Lee" not in block.html + block.text, what


def test_periods_of_other_kinds_have_their_own_words() -> None:
    month = parse_period("2017-08", as_of=make.DAY)
    assert "complete months" in findings.middle_note(make.card(period=month), LOOK)
    span = parse_period("2017-07-01..2017-08-20", as_of=make.DAY)
    assert "complete periods" in findings.middle_note(make.card(period=span), LOOK)
    assert not math.isnan(make.card().target.per_week)
