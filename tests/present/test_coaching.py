"""Coaching for a manager: what is said of whom, where nothing is said, and that nobody else reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spm_lib import findings, present
from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.coaching.coaching_figures import coaching_figures
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.playbook import Playbook
from spm_lib.present.coaching_charts import LIMITS, chance_limit
from spm_lib.present.findings.coaching_words import odds, side, span, verdict
from spm_lib.press.audience import MARK, _Marks
from spm_lib.press.render.parts import Words, parts_of
from spm_lib.theme import Look

from . import coaching_samples as made

LOOK = Look()
PLAYBOOK = Playbook(by_lever={"win_rate": ("Go through the last losses",)})
NONE = Coaching(made.DAY)
ALIKE = made.coaching([made.person(0, "Ann")], [made.lever(0, "Ann")])

#: Everything on the page that is the manager's alone, made of coaching for an audience.
FOR_MANAGER: dict[str, Callable[[Coaching, str], present.Block]] = {
    "list": lambda found, who: present.coaching_list(found, PLAYBOOK, audience=who),
    "figures": lambda found, who: present.coaching_kpis(coaching_figures(found), found, audience=who),
    "agreements": lambda found, who: present.agreed_table(found, audience=who),
    "heatmap": lambda found, who: present.lever_heatmap(found, audience=who),
    "funnel": lambda found, who: present.win_rate_funnel(found, audience=who),
    "headline": lambda found, who: present.managers_alone(
        present.headline(findings.coaching_headline(found, "West", LOOK, audience=who)), who
    ),
}
SAID: dict[str, Callable[[Coaching, str], str]] = {
    "headline": lambda found, who: findings.coaching_headline(found, "West", LOOK, audience=who),
    "finding": lambda found, who: findings.coaching_finding(found, LOOK, audience=who),
    "people": lambda found, who: findings.people_finding(found, 5, audience=who),
    "agreed": lambda found, who: findings.team_agreed_finding(found, LOOK, audience=who),
    "grid": lambda found, who: findings.grid_finding(found, LOOK, audience=who),
    "actions": lambda found, who: str(findings.coaching_actions(found, PLAYBOOK, LOOK, audience=who)),
    "published": lambda found, who: str(findings.coached(found, audience=who)),
}


@pytest.mark.parametrize("what", FOR_MANAGER)
def test_what_is_the_managers_alone_carries_the_mark_and_keeps_its_class(what: str) -> None:
    html = str(FOR_MANAGER[what](made.team(), "manager").html)
    assert _Marks(html).found
    # Outermost, and beside the class by which pages know what they show.
    first = html.partition(">")[0]
    assert f'{MARK}="manager"' in first and 'class="spm ' in first


@pytest.mark.parametrize("what", FOR_MANAGER)
def test_others_read_no_name_in_any_block(what: str) -> None:
    block = FOR_MANAGER[what](made.team(["Zoe Zulu", "Bob Bravo", "Cem Charlie"]), "team")
    assert not any(name in block.html + block.text for name in ("Zoe", "Bravo", "Charlie"))
    assert MARK not in block.html
    assert block.text in ("", "Coaching is for the manager and is not shown here.")


@pytest.mark.parametrize("what", SAID)
def test_others_read_no_name_in_any_sentence(what: str) -> None:
    said = SAID[what](made.team(["Zoe Zulu", "Bob Bravo", "Cem Charlie"]), "team")
    assert not any(name in said for name in ("Zoe", "Bravo", "Charlie", "R0", "D1"))


def test_what_everybody_may_read_names_nobody_and_carries_no_mark() -> None:
    found = made.team(["Zoe Zulu", "Bob Bravo", "Cem Charlie"])
    for block in (present.coaching_terms(found), present.lever_tests_table(found)):
        assert MARK not in block.html
        assert "Bravo" not in block.text and "Charlie" not in block.text


def test_the_list_says_how_sure_what_it_is_worth_what_to_do_and_with_which_deals() -> None:
    first, second, *rest = present.coaching_list(made.team(), PLAYBOOK).text.splitlines()
    assert first == (
        "- Ann, win rate: 25.0%, where peers on the same work reach 40.0% (157 deals; behind by 8.0 to 19.0 pts). Worth "
        "$51K to $140K a quarter, at the team's middle; a quarter like this one would go from 84% to between 88% and 97% of "
        "quota. Heading for $84K of $100K ($70K to $95K), 87% to miss the quota. First: Go through the last losses. Look at "
        "together: Ann ($5,000, 34 days in its stage); Bob ($5,000, close date put off 3 times)."
    )
    assert second.startswith(
        "- Bob, close dates put off: 1 time a month, where peers on the same work reach 0.34"
    )
    assert "Not told in money" in second and not rest


def test_the_short_list_is_one_thought_a_person_and_counts_the_rest() -> None:
    (line, rest) = present.coaching_list(made.team(), PLAYBOOK, limit=1, short=True).text.splitlines()
    assert "Look at together" not in line and "Heading for" not in line and "First: " in line
    assert rest == "1 more person is behind beyond chance."


def test_a_mail_leads_each_person_by_name_and_lever() -> None:
    item, *_ = parts_of(str(present.coaching_list(made.team(), PLAYBOOK, limit=1).html))
    assert isinstance(item, Words) and (item.kind, item.lead) == ("item", "Ann, win rate")


def test_who_has_no_quota_has_no_chance_to_miss_it() -> None:
    blank = {name: made.NAN for name in ("quota", "expected", "low", "high", "miss", "attainment_then")}
    found = made.coaching([made.person(0, "Ann", **blank)], [made.lever(0, "Ann", named=True)])
    text = present.coaching_list(found, PLAYBOOK).text
    assert (
        "quota" not in text
        and "nan" not in text
        and "Worth $51K to $140K a quarter, at the team's middle." in text
    )
    assert (
        findings.coaching_finding(found, LOOK)
        == "The one person at work is behind peers on the same work beyond chance."
    )
    figures = coaching_figures(found).set_index("metric")
    assert figures["value"].isna().to_dict() == {
        "people_behind": False, "expected_attainment": True, "quotas_missed": True, "coaching_worth": False,
        "coaching_worth_once": True,
    }  # fmt: skip


def test_the_second_lever_is_one_line() -> None:
    two = [made.lever(0, "Ann", named=True), made.lever(0, "Ann", "follow_up", named=True, worth=made.NAN)]
    text = present.coaching_list(made.coaching([made.person(0, "Ann")], two), PLAYBOOK).text
    assert text.endswith("Then: follow-up: 25.0%, where peers on the same work reach 40.0%.")
    assert text.count("- Ann") == 1


def test_a_deal_without_name_or_amount_is_told_all_the_same() -> None:
    deal = made.shown_deal(None, "stage", "Proposal") | {"amount": made.NAN}
    found = made.coaching([made.person(0, "Ann")], [made.lever(0, "Ann", named=True, deals=[deal])])
    assert "Look at together: D1 (in Proposal)." in present.coaching_list(found, PLAYBOOK).text


def test_below_the_line_of_evidence_nobody_is_named() -> None:
    assert findings.coaching_headline(ALIKE, "West", LOOK) == (
        "West: no difference beyond chance from peers on the same work."
    )
    assert (
        present.coaching_list(ALIKE, PLAYBOOK).text
        == "No difference beyond chance from peers on the same work."
    )
    assert findings.people_finding(ALIKE, 5) == ""
    assert findings.coaching_actions(ALIKE, PLAYBOOK, LOOK) == []
    assert findings.coached(ALIKE) == {"people": [], "deals": []}
    thin = made.coaching([made.person(0, "Ann")])
    assert present.coaching_list(thin, PLAYBOOK).text == "Too little evidence to compare people."


def test_where_nobody_was_looked_at_one_line_says_what_to_do() -> None:
    assert findings.coaching_caveat(NONE, LOOK) == (
        "Coaching is not shown: nobody was looked at as of Aug 14, 2017: run spm score."
    )
    blocks = [shown(NONE, "manager").text for shown in FOR_MANAGER.values()]
    assert not any("run spm score" in text or "nan" in text for text in blocks)
    assert (
        findings.coaching_headline(NONE, "West", LOOK)
        == "West: people were not looked at as of Aug 14, 2017."
    )
    assert coaching_figures(NONE)["value"].isna().all() and coaching_figures(NONE)["note"].notna().all()
    damaged = Coaching(made.DAY, damaged="this is no ledger")
    assert findings.coaching_caveat(damaged, LOOK) == "Coaching cannot be shown: this is no ledger."


def test_old_findings_are_told_with_their_age() -> None:
    mind = "Mind: people were looked at on Aug 14, 2017, 8 days before this report: run spm score."
    for days, said in ((7, ""), (8, mind)):
        old = made.team(asked_on=made.DAY + dt.timedelta(days=days))
        assert findings.coaching_caveat(old, LOOK) == said


def test_agreements_due_stand_first_with_what_came_of_them() -> None:
    late = made.agreement(
        2, "Cem", review_on=dt.date(2017, 7, 1), low=-0.2, high=-0.02, difference=-0.1, since=-0.22
    )
    soon = made.agreement(1, "Bob", due=False, difference=made.NAN, low=made.NAN, high=made.NAN)
    none = made.agreement(3, "Dee", review_on=dt.date(2017, 8, 2), low=-0.02, high=0.1)
    found = made.coaching(agreed=[soon, made.agreement(0, "Ann"), late, none])
    # A row each; the plain twin cuts long cells.
    lines = str(present.agreed_table(found).html).split("<tr>")[2:]
    assert [line.partition("<bdi>")[2][:3] for line in lines] == ["Cem", "Ann", "Dee", "Bob"]
    assert "Further behind, beyond chance: 12.0 pts behind (n 80), now 22.0 pts behind (n 40)" in lines[0]
    assert "2.0 to 18.0 pts better" in lines[1] and "due since Aug 1, 2017" in lines[1]
    assert "No change beyond chance" in lines[2] and "from 2.0 pts worse to 10.0 pts better" in lines[2]
    assert "Too early to tell." in lines[3] and "due" not in lines[3]
    assert findings.team_agreed_finding(found, LOOK) == (
        "4 agreements, 3 due for review; 1 of 3 that can be told moved for the better, beyond chance."
    )


def test_what_is_no_longer_followed_is_told_as_last_measured() -> None:
    old = made.agreement(0, "Ann", followed=False, measured_on=dt.date(2017, 4, 30))
    never = made.agreement(1, "Bob", followed=False, difference=made.NAN, low=made.NAN, high=made.NAN)
    html = str(present.agreed_table(made.coaching(agreed=[old, never])).html)
    assert (
        "2.0 to 18.0 pts better. As last measured on Apr 30, 2017; a year after the agreement it is no"
        in html
    )
    assert "Too little to tell, and no longer followed." in html and "early" not in html
    assert "As last measured" not in str(
        present.agreed_table(made.coaching(agreed=[made.agreement(0, "Ann")])).html
    )
    assert findings.team_agreed_finding(made.coaching(agreed=[never]), LOOK).endswith(
        "too little to tell what came of it."
    )
    assert "1 of 1 that can be told" in findings.team_agreed_finding(made.coaching(agreed=[old, never]), LOOK)


def test_where_nothing_was_agreed_one_line_says_how() -> None:
    assert "spm feedback add REP --lever LEVER" in present.agreed_table(ALIKE).text


def test_fewer_discounts_and_delays_are_better() -> None:
    row = made.agreement(0, "Ann", better="down", before=0.04, since=0.01, low=-0.05, high=-0.01)
    assert verdict(row) == "better, beyond chance"
    assert (side(row, row["before"], LOOK), side(row, -0.02, LOOK)) == ("4.0 pts behind", "2.0 pts ahead")


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.3), st.sampled_from(["up", "down"]))
def test_an_interval_says_behind_only_where_all_of_it_is(middle: float, half: float, better: str) -> None:
    row = made.lever(0, "Ann", better=better, low=middle - half, high=middle + half)
    said, worse = span(row, LOOK), -middle if better == "up" else middle
    if worse - half > 0:
        assert said.startswith("behind by ")
    elif worse + half < 0:
        assert said.startswith("ahead by ")
    elif abs(abs(worse) - half) > 1e-9:
        assert said.startswith("from ") and said.endswith(" behind")
    # What is better one way is worse the other way.
    turned = row | {"better": {"up": "down", "down": "up"}[better], "low": -row["high"], "high": -row["low"]}
    assert span(turned, LOOK) == said


@pytest.mark.parametrize(
    ("p_value", "said"),
    [
        (0.00001, "less than 1 in 10,000"),
        (0.0037, "1 in 270"),
        (0.05, "1 in 20"),
        (0.43, "4 in 10"),
        (made.NAN, "–"),
    ],
)
def test_odds_are_what_the_p_value_says(p_value: float, said: str) -> None:
    assert odds(p_value, LOOK) == said


def test_levers_are_told_in_their_own_unit_and_usual_only_of_five_or_more() -> None:
    rows = [
        made.test_row("deal_size", usual=19_759.0),
        made.test_row("follow_up", reps=4, usual=0.61, differ=False, p_value=0.4),
    ]
    lines = present.lever_tests_table(made.coaching(tests=rows)).text.splitlines()
    assert lines[2].split()[-1] == "$19.8K" and lines[3].endswith("too few people")
    assert "not beyond chance" in lines[3]
    assert "too little evidence" in present.lever_tests_table(NONE).text
    assert findings.levers_finding(made.coaching(tests=rows), LOOK) == (
        "The company's people differ beyond chance on 1 of 2 levers, not on follow-up."
    )


def test_only_measured_levers_are_defined() -> None:
    text = present.coaching_terms(made.coaching(tests=[made.test_row("follow_up")])).text
    assert LEVERS["follow_up"].definition in text and LEVERS["win_rate"].definition not in text
    assert {"On the same work", "Beyond chance", "Worth", "To miss the quota"} <= {
        line.partition(":")[0] for line in text.splitlines()
    }


# -- The heatmap --------------------------------------------------------------------------------------------


def test_the_heatmap_stands_by_alphabet_and_marks_who_is_named(samples: SimpleNamespace) -> None:
    block = present.lever_heatmap(made.team(["zoe", "Bob", "Ann"]))
    (svg,) = samples.pictures(block.html)
    drawn = samples.texts(svg)
    assert [text for text in drawn if text in ("zoe", "Bob", "Ann")] == ["Ann", "Bob", "zoe"]
    assert drawn.count("▼") == 2
    assert isinstance(block, present.Chart) and block.alt == (
        "Of 3 people, 2 are behind peers on some lever beyond chance."
    )


def test_a_sign_says_what_colour_says_and_only_where_the_interval_does(samples: SimpleNamespace) -> None:
    rows = [
        made.lever(0, "Ann"),
        made.lever(1, "Bob", difference=0.14, low=0.08, high=0.19),
        made.lever(2, "Cem", difference=0.01, low=-0.05, high=0.06),
        made.lever(2, "Cem", "slippage", difference=0.3, low=0.2, high=0.4),
        made.lever(1, "Bob", "follow_up", difference=0.14, low=0.08, high=0.19),
    ]
    tests = [made.test_row(), made.test_row("slippage"), made.test_row("follow_up", differ=False)]
    (svg,) = samples.pictures(present.lever_heatmap(made.coaching([], rows, tests=tests)).html)
    drawn = samples.texts(svg)
    assert (drawn.count("−"), drawn.count("+"), drawn.count("▼")) == (2, 1, 0), (
        "on follow-up people do not differ, so that a sign would tell of luck"
    )


def test_of_several_stages_the_one_furthest_behind_is_drawn_and_all_are_in_the_data(
    samples: SimpleNamespace,
) -> None:
    rows = [
        made.lever(0, "Ann", "stage_conversion", part="Early", difference=0.14, low=0.08, high=0.19),
        made.lever(0, "Ann", "stage_conversion", part="Late", named=True),
    ]
    block = present.lever_heatmap(made.coaching([], rows))
    (svg,) = samples.pictures(block.html)
    assert samples.texts(svg).count("▼") == 1
    assert "from Early" in block.text and "from Late" in block.text
    assert "the stage in which each is furthest behind" in block.text


def test_of_many_people_those_who_are_named_are_drawn() -> None:
    rows = [made.lever(at, f"Person {at:02}", named=at in (7, 44)) for at in range(50)]
    text = present.lever_heatmap(made.coaching([], rows)).text
    assert "Person 07" in text and "Person 44" in text and "Person 08" not in text
    assert "48 people are not drawn." in text and "Of 50 people, 2 are behind" in text


def test_two_people_of_one_name_are_two_rows(samples: SimpleNamespace) -> None:
    rows = [made.lever(0, "Ann"), made.lever(1, "Ann")]
    (svg,) = samples.pictures(present.lever_heatmap(made.coaching([], rows)).html)
    assert samples.texts(svg).count("Ann") == 2


# -- The funnel ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", LIMITS)
def test_limits_hold_as_many_as_they_say(share: float) -> None:
    rng = np.random.default_rng(7)
    for size in (200, 800):
        won = rng.binomial(size, 0.32, 60_000) / size
        outside = float((np.abs(won - 0.32) > chance_limit(0.32, np.array([float(size)]), share)).mean())
        assert outside == pytest.approx(1 - share, rel=0.25)


def test_limits_narrow_with_the_root_of_the_number_of_deals() -> None:
    near, far = chance_limit(0.3, np.array([100.0, 400.0]), 0.95)
    assert near == pytest.approx(2 * far)
    assert near == pytest.approx(stats.norm.ppf(0.975) * (0.3 * 0.7 / 100) ** 0.5)


def test_only_who_lies_outside_the_limits_is_named_in_the_picture(samples: SimpleNamespace) -> None:
    rows = [
        made.lever(0, "Ann", observed=0.15, expected=0.32),
        made.lever(1, "Bob", observed=0.3, expected=0.32),
        made.lever(2, "Cem", observed=0.6, expected=0.32),
        # A low share of hard deals is no low win rate.
        made.lever(3, "Dee", observed=0.12, expected=0.12),
        made.lever(4, "Eli", n=16, observed=0.15, expected=0.32),
    ]
    block = present.win_rate_funnel(made.coaching([], rows, tests=[made.test_row()]))
    (svg,) = samples.pictures(block.html)
    drawn = samples.texts(svg)
    assert [name for name in ("Ann", "Bob", "Cem", "Dee", "Eli") if name in drawn] == ["Ann", "Cem"]
    assert isinstance(block, present.Chart)
    assert block.alt == "Of 5 people, Ann lies below and Cem lies above the limits of chance."
    assert all(name in block.text for name in ("Bob", "Dee", "Eli"))


def test_without_win_rates_there_is_no_funnel() -> None:
    rows = [made.lever(0, "Ann", "follow_up")]
    assert present.win_rate_funnel(made.coaching([], rows, tests=[made.test_row("follow_up")])).html == ""
    assert present.win_rate_funnel(NONE).html == "" and present.lever_heatmap(NONE).html == ""


# -- The figures --------------------------------------------------------------------------------------------


def test_figures_add_up_what_the_people_show() -> None:
    people = [made.person(0, "Ann"), made.person(1, "Bob", miss=0.5, expected=60_000.0, quota=50_000.0)]
    rows = [
        made.lever(0, "Ann", named=True, worth=10_000.0, behind=0.9),
        made.lever(0, "Ann", "follow_up", named=True, worth=4_000.0, behind=0.9),
        made.lever(1, "Bob", named=True, worth=made.NAN),
    ]
    figures = coaching_figures(made.coaching(people, rows)).set_index("metric")
    added = {
        "people_behind": 2,
        "expected_attainment": 144 / 150,
        "quotas_missed": 1.37,
        "coaching_worth": 9_000.0,
    }
    assert figures["value"].dropna().to_dict() == pytest.approx(added)
    assert figures.loc[list(added), "n"].to_list() == [2, 2, 2, 1]


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    look = Look("EUR", "de_DE")
    text = present.coaching_list(made.team(), PLAYBOOK, look=look).text
    assert "25,0" in text and "25.0%" not in text and "$" not in text and "8,0 to 19,0 pts" in text
