"""Deals at risk: the list, the tables and what is said of them."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd

from spm_lib import findings, present
from spm_lib.models.flag_record import FlagRecord
from spm_lib.models.flags import Flags
from spm_lib.models.risk_figures import risk_figures
from spm_lib.models.risk_money import money_by
from spm_lib.press.render.parts import Words, parts_of
from spm_lib.theme import Look

LOOK = Look()
DAY = dt.date(2017, 8, 14)


def test_the_list_says_worth_why_and_what_first_and_counts_the_rest(samples: SimpleNamespace) -> None:
    text = present.risk_list(samples.risk.flags(["Acme", "Bolt", "Cog"]), limit=2).text
    first, second, rest = text.splitlines()
    assert first == (
        "- Acme, $3,000. Acme, Acme, expected Sep 1, 2017. 80% at risk, where 50% is usual. No activity for 23 days "
        "(usually 6); close date pushed 3 times, by 61 days in all. "
        "First: Call the customer, and leave the call with a next step and a date."
    )
    assert second.startswith("- Bolt, $2,000.")
    assert rest == "1 more deal is flagged."


def test_a_mail_leads_each_deal_by_its_name_and_worth(samples: SimpleNamespace) -> None:
    block = present.risk_list(samples.risk.flags(["Acme & Söhne", "Bolt"]), limit=1)
    item, rest = parts_of(str(block.html))
    assert isinstance(item, Words) and (item.kind, item.lead) == ("item", "Acme & Söhne, $2,000")
    assert item.text.startswith("Acme & Söhne · Acme & Söhne · expected Sep 1, 2017. 80% at risk")
    assert rest == Words("note", "1 more deal is flagged.")


def test_without_signal_no_chance_is_shown_anywhere(samples: SimpleNamespace) -> None:
    shut = samples.risk.flags(["Acme", "Bolt"], signal=False, why="too few deals", left=["Gone"])
    blocks = [present.risk_list(shut), present.risk_table(shut), present.changes_table(shut)]
    said = [
        findings.risk_finding(shut, LOOK),
        findings.risk_headline(shut, "West", LOOK),
        findings.risk_caveat(shut, LOOK),
    ]
    assert not any("%" in text for text in [*(block.text for block in blocks), *said])
    assert present.risk_chart(money_by(shut.deals, "rep"), shut).text == ""
    assert said[0] == "2 of 2 open deals are flagged by rules."
    assert said[1] == "West has 2 deals to look at by rules alone: the data hold no reliable signal."
    assert said[2] == "No reliable signal in this data, rules only: too few deals."
    calm = samples.risk.flags(deals=samples.risk.deals(["Acme"], flagged=False), signal=False)
    assert findings.risk_headline(calm, "West", LOOK) == (
        "West: no deal can be told to be at risk, as the data hold no reliable signal."
    )
    hidden = money_by(shut.deals.assign(at_risk=float("nan")), "rep")
    assert findings.money_finding(hidden, "rep_name", LOOK) == "How much of it is at risk cannot be told."
    assert "No activity for 14 days; close date pushed twice or more." in blocks[0].text


def test_money_is_told_with_n_interval_and_what_is_usual(samples: SimpleNamespace) -> None:
    flags = samples.risk.flags(["Acme", "Bolt", "Cog"])
    money = flags.money
    assert findings.risk_finding(flags, LOOK) == (
        f"Of $6,000 due by Sep 30, 2017 (3 deals), $4,800 is at risk ({LOOK.interval(money.low, money.high, 'currency')}), "
        "where $3,000 is usual; 3 of 3 open deals are flagged."
    )
    assert findings.risk_headline(flags, "West", LOOK) == (
        "West has $4,800 of $6,000 due by Sep 30, 2017 at risk, and 3 deals to look at."
    )
    strip = present.risk_kpis(risk_figures(flags, samples.risk.record()), flags, samples.risk.record()).text
    assert strip.splitlines()[0].startswith(
        "Money at risk: $4,800; of $6,000 due by Sep 30, 2017, $3,000 is usual; n 3 · "
    )
    assert (
        "Flags that came true: 75.0%; of those of Jun 19, 2017, 50% is usual; n 12 · 47.0% to 91.0%" in strip
    )


def test_unknown_amounts_leave_counts(samples: SimpleNamespace) -> None:
    dark = samples.risk.deals(["Acme", "Bolt"], amount=float("nan"), expected_loss=float("nan"))
    flags = samples.risk.flags(deals=dark)
    assert findings.risk_headline(flags, "West", LOOK) == "West has 2 deals to look at among 2 open deals."
    assert findings.risk_finding(flags, LOOK) == "2 of 2 open deals are flagged."
    meant = findings.risk_meaning(flags, LOOK)
    assert "2 flagged deals without a known amount stand last." in meant
    assert "2 deals due have no known amount, and count for nothing in the sums." in meant
    calm = samples.risk.flags(deals=dark.assign(flagged=False, due=False))
    assert "amount" not in findings.risk_meaning(calm, LOOK)
    strip = present.risk_kpis(risk_figures(flags, samples.risk.record()), flags, samples.risk.record()).text
    assert "no amount due by Sep 30, 2017 is known" in strip and "of $0" not in strip
    assert "amount unknown" in present.risk_list(flags).text
    assert present.risk_chart(money_by(dark, "rep"), flags).text == ""


def test_nothing_scored_is_one_clear_line(samples: SimpleNamespace) -> None:
    none = Flags(DAY, None, "period")
    assert (
        findings.risk_basis(none, LOOK)
        == "Deals at risk are not shown: not scored as of Aug 14, 2017: run spm score."
    )
    assert findings.risk_finding(none, LOOK) == findings.risk_meaning(none, LOOK) == ""
    for said in (
        findings.first_finding(none, 3, LOOK),
        findings.changes_finding(none, LOOK),
        findings.money_finding(money_by(none.deals, "rep"), "rep_name", LOOK),
    ):
        assert said == "No open deal is scored."
    assert findings.risk_headline(none, "West", LOOK) == "West: deals are not scored as of Aug 14, 2017."
    blocks = [present.risk_list(none), present.risk_table(none), present.changes_table(none)]
    assert [block.html for block in blocks] == ["", "", ""]
    assert findings.record_finding(FlagRecord(), LOOK) == ""
    assert findings.risk_actions(none, LOOK) == []
    damaged = Flags(DAY, None, "period", damaged="this is no ledger")
    assert findings.risk_basis(damaged, LOOK) == "Deals at risk cannot be shown: this is no ledger."


def test_an_old_scoring_is_told_with_its_age(samples: SimpleNamespace) -> None:
    old = samples.risk.flags(asked_on=DAY + dt.timedelta(days=8), unscored=1)
    assert (
        findings.risk_caveat(old, LOOK)
        == "Mind: scored on Aug 14, 2017, 8 days before this report: run spm score."
    )
    assert "1 open deal carries no score." in findings.risk_meaning(old, LOOK)
    week = samples.risk.flags(asked_on=DAY + dt.timedelta(days=7))
    assert findings.risk_caveat(week, LOOK) == ""


def test_no_flags_and_no_deals_are_told_apart(samples: SimpleNamespace) -> None:
    calm = samples.risk.flags(deals=samples.risk.deals(["Acme"], flagged=False))
    assert present.risk_list(calm).text == "No open deal is flagged as of Aug 14, 2017."
    assert "none of 1 open deal is flagged" in findings.risk_finding(calm, LOOK)
    empty = samples.risk.flags(deals=samples.risk.deals([]))
    assert present.risk_list(empty).text == "There are no open deals as of Aug 14, 2017."
    assert findings.risk_headline(empty, "West", LOOK) == "West has no open deals to watch."


def test_changes_are_counted_and_listed(samples: SimpleNamespace) -> None:
    deals = samples.risk.deals(["a", "b", "c"], change=["new", "up", ""])
    flags = samples.risk.flags(deals=deals, left=["gone", "fled"])
    assert findings.changes_finding(flags, LOOK) == (
        "Since Aug 7, 2017: 1 newly flagged and 1 at higher risk; of those flagged then, 2 lost."
    )
    lines = present.changes_table(flags).text.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["a", "b", "gone", "fled"]
    same = samples.risk.flags(["a"])
    assert findings.changes_finding(same, LOOK) == "No flag has changed since Aug 7, 2017."
    assert findings.changes_finding(samples.risk.flags(["a"], earlier_on=None), LOOK) == (
        "No day of about a week before was scored to compare with."
    )
    assert lines[-1].split()[-1] == "closed"
    fell = samples.risk.deals(["a"], change="new", at_risk_before=0.9)
    assert (
        "a flag may come though the risk fell" in present.changes_table(samples.risk.flags(deals=fell)).text
    )


def test_the_record_is_told_with_n_and_interval(samples: SimpleNamespace) -> None:
    assert findings.record_finding(samples.risk.record(), LOOK) == (
        "Of the 12 deals flagged over 30 days on Jun 19, 2017, 9 were lost or had slipped by Jul 19, 2017: 75% (47% to "
        "91%), where 50% is usual; too few to judge by."
    )
    every = samples.risk.record({"n": 3, "came_true": 3, "value": 1.0, "low": 0.44, "high": 1.0})
    assert "all were lost or had slipped by Jul 19, 2017: 100% (44% to 100%)" in findings.record_finding(
        every, LOOK
    )
    assert "12" in present.record_table(samples.risk.record()).text


def test_where_the_money_at_risk_is(samples: SimpleNamespace) -> None:
    flags = samples.risk.flags(["Ann", "Bob"])
    groups = money_by(flags.deals, "rep")
    assert (
        findings.money_finding(groups, "rep_name", LOOK)
        == "Ann has most at risk, $1,600, 67% of all that is."
    )
    chart = present.risk_chart(groups, flags)
    assert isinstance(chart, present.Chart)
    assert chart.alt == "Ann has most at risk: $1,600 of $2,000 due in 1 deal."
    assert findings.money_finding(groups.head(1), "rep_name", LOOK) == "", "one group is all there is"
    assert findings.first_finding(flags, 1, LOOK) == (
        "The first deal of 2 holds 67% of what may be lost beyond what is usual: $600 of $900."
    )


def test_calibration_is_told_by_how_many_groups_agree() -> None:
    frame = pd.DataFrame(
        {"said": [0.2, 0.8], "value": [0.2, 0.5], "low": [0.1, 0.4], "high": [0.3, 0.6], "n": [50.0, 50.0]}
    )
    assert findings.calibration_finding(frame, LOOK) == (
        "Chances told over 30 days agree with what happened in 1 of 2 groups of 100 deals."
    )
    assert (
        findings.calibration_finding(frame.head(1), LOOK)
        == "Chances told over 30 days agree with what happened to 50 deals."
    )
    assert findings.calibration_finding(frame.tail(1), LOOK).startswith(
        "Chances told over 30 days do not agree"
    )
    assert "too few" in present.calibration_chart(frame.head(0)).text


def test_actions_name_deal_amount_and_owner(samples: SimpleNamespace) -> None:
    (said, *rest) = findings.risk_actions(samples.risk.flags(["Acme", "Bolt"]), LOOK, limit=1)
    assert (
        said == "Acme ($2,000, Acme): Call the customer, and leave the call with a next step and a date."
        and not rest
    )
