"""Coaching in words: money with its range and how often it comes, quarters that are over, and who is not to be named."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib import findings, present
from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.coaching.coaching_figures import coaching_figures
from spm_lib.models.coaching.playbook import Playbook
from spm_lib.present.findings.coaching_words import middle_words, quotas_words, worth_words
from spm_lib.theme import Look

from . import coaching_samples as made

LOOK, PLAYBOOK = Look(), Playbook()
NO_RANGE = {"worth_low": made.NAN, "worth_high": made.NAN}
PEERS = "peers on the same work beyond chance"


def tiles(coaching: Coaching) -> list[str]:
    return present.coaching_kpis(coaching_figures(coaching), coaching).text.splitlines()


def named(at: int, name: str, lever: str = "win_rate", **more: Any) -> dict[str, Any]:
    return made.lever(at, name, lever, named=True, **more)


# -- Money --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (named(0, "Ann"), "worth $51K to $140K a quarter"),
        (named(0, "Ann", worth_high=51_000.0), "worth $51K a quarter"),
        (named(0, "Ann", **NO_RANGE), "worth about $92K a quarter"),
        (named(0, "Ann", "cycle_length"), "worth $51K to $140K once, as the same revenue comes earlier"),
        (named(0, "Ann", worth=made.NAN), "not told in money"),
    ],
)
def test_money_is_told_with_its_range_and_how_often_it_comes(row: dict[str, Any], said: str) -> None:
    assert worth_words(row, LOOK) == said


def test_the_middle_is_the_one_that_was_used() -> None:
    of = {whose: named(0, "Ann", middle_of=whose) for whose in ("team", "company")}
    assert worth_words(of["company"], LOOK, middle=True).endswith("a quarter, at the company's middle")
    assert middle_words([of["team"]]) == "the team's middle"
    both = middle_words(of.values())
    assert "team's middle" in both and "company's where fewer than 5" in both
    (tile,) = [
        line for line in tiles(made.coaching([made.person(0, "Ann")], [of["company"]])) if "Worth" in line
    ]
    assert "; at the company's middle;" in tile


def test_money_that_comes_once_is_no_attainment_and_has_a_figure_of_its_own() -> None:
    then = {f"attainment_then{end}": made.NAN for end in ("", "_low", "_high")}
    people = [made.person(0, "Ann", **then), made.person(1, "Bob")]
    both = made.coaching(people, [named(0, "Ann", "cycle_length"), named(1, "Bob", worth=10_000.0)])
    first, second = present.coaching_list(both, PLAYBOOK).text.splitlines()
    assert "once, as the same revenue comes earlier" in first and "would go from" not in first
    assert "would go from 84% to between 88% and 97% of quota" in second
    worth = [line for line in tiles(both) if line.startswith("Worth")]
    assert [line.partition(":")[0].rpartition(", ")[2] for line in worth] == ["each quarter", "once"]
    assert "$90.2K" in worth[1] and "$9,800" in worth[0]
    # Where there is but one kind, no tile says that the other is unknown.
    for rows, often in (([named(0, "Ann")], "each quarter"), ([named(0, "Ann", "cycle_length")], "once")):
        (only,) = [line for line in tiles(made.coaching(people, rows)) if line.startswith("Worth")]
        assert often in only


@given(st.floats(0.5, 1.5), st.floats(0.0, 0.4), st.floats(0.0, 0.4))
def test_attainment_then_is_told_between_its_ends_or_not_at_all(
    then: float, below: float, above: float
) -> None:
    ends = {
        "attainment_then": then,
        "attainment_then_low": then - below,
        "attainment_then_high": then + above,
    }
    text = present.coaching_list(
        made.coaching([made.person(0, "Ann", **ends)], [named(0, "Ann")]), PLAYBOOK
    ).text
    found = re.search(r"from 84% to (?:between (\d+)% and (\d+)%|(\d+)%) of quota", text)
    low, high = round(100 * (then - below)), round(100 * (then + above))
    if found is None:
        assert low == high == 84
    else:
        told = [int(each) for each in found.groups() if each]
        assert told == pytest.approx([low] if low == high else [low, high], abs=1)


# -- All quotas together ------------------------------------------------------------------------------------


def test_the_quotas_are_those_of_all_and_rounded_once() -> None:
    people = [made.person(at, name, miss=1.112) for at, name in enumerate(("Ann", "Bob", "Cem"))]
    found = made.coaching(people, [named(0, "Ann"), made.lever(1, "Bob"), made.lever(2, "Cem")])
    assert findings.coaching_finding(found, LOOK) == (
        f"1 of 3 people is behind {PEERS}. The 3 quotas together: $252K of $300K is to be expected by Sep 30, 2017, and 3.3 "
        "of them may be missed."
    )
    (tile,) = [line for line in tiles(found) if "may be missed" in line]
    assert tile.startswith("Quotas that may be missed: 3.3; of 3 quotas")


def test_a_team_of_one_reads_of_one() -> None:
    found = made.coaching([made.person(0, "Ann", miss=0.03)], [named(0, "Ann")])
    assert findings.coaching_finding(found, LOOK) == (
        f"The one person at work is behind {PEERS}. The one quota: $84K of $100K is to be expected by Sep 30, 2017, with a "
        "chance of 3% to miss it."
    )
    assert any(
        line.startswith("Quotas that may be missed: less than: 0.1; of 1 quota") for line in tiles(found)
    )


@given(st.floats(0.0, 60.0))
def test_some_chance_is_never_told_as_none(value: float) -> None:
    said = quotas_words(value, LOOK)
    assert (said == "0") is (value == 0)
    assert said.removeprefix("less than ") == LOOK.value(round(max(value, 0.1 if value else 0), 1), "count")


def test_those_without_evidence_are_counted_apart() -> None:
    people = [made.person(at, name) for at, name in enumerate(("Ann", "Bob", "Cem"))]
    found = made.coaching(people, [named(0, "Ann"), made.lever(1, "Bob")])
    assert findings.coaching_finding(found, LOOK).startswith(
        "1 of the 2 people with enough evidence is behind peers on the same work beyond chance; of 1 other there is too "
        "little to tell."
    )
    assert "of 2 with enough evidence, 3 people in all; n 2" in tiles(found)[0]
    alone = made.coaching(people, [named(0, "Ann")])
    assert findings.coaching_finding(alone, LOOK).startswith("The one person with enough evidence is behind")


def test_who_comes_first_is_told_as_people() -> None:
    one, many = made.coaching([made.person(0, "Ann")], [named(0, "Ann")]), made.team()
    assert findings.people_finding(one, 5) == "Talk to one person about win rate."
    assert (
        findings.people_finding(many, 5)
        == "Talk to the first 2 people about win rate and close dates put off."
    )
    assert findings.people_finding(many, 1) == "Talk to the first of 2 people about win rate."


def test_the_page_says_who_stands_first_as_far_as_it_concerns_its_people() -> None:
    when = "People were looked at on Aug 14, 2017, on work since Aug 15, 2016."
    rule = "what the first lever is worth a quarter × how surely the person is behind on it."
    blank = {name: made.NAN for name in ("quota", "expected", "low", "high", "miss", "attainment_then")}
    people = [made.person(0, "Ann"), made.person(1, "Bob", **blank)]
    ann, bob, unknown = named(0, "Ann"), named(1, "Bob"), named(1, "Bob", "slippage", worth=made.NAN)

    def basis(people: list[dict[str, Any]], *rows: dict[str, Any]) -> str:
        return findings.coaching_basis(made.coaching(people, rows), LOOK)

    assert basis(people, ann) == when, "of one person there is no order to explain"
    alike = basis([people[0], made.person(1, "Bob")], ann, bob)
    assert alike == f"{when} First stands for whom most is at stake: the chance to miss the quota × {rule}"
    assert basis([made.person(0, "Ann", **blank), people[1]], ann, bob) == (
        f"{when} First stands for whom most is at stake: {rule}"
    )
    mixed = basis(people, named(0, "Ann", "cycle_length"), unknown)
    assert "Of who has no quota the chance counts as full." in mixed
    assert "Of money that comes once a quarter of it counts." in mixed
    assert "What is not told in money counts like the middle of" in mixed


# -- A quarter that is over ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "over"), [(1, False), (0, True)])
def test_where_no_day_is_left_the_quarter_is_told_in_the_past(left: int, over: bool) -> None:
    ends = {"low": 40_000.0, "high": 40_000.0, "expected": 40_000.0}
    people = [
        made.person(0, "Ann", **ends, miss=0.995),
        made.person(1, "Bob", **ends, revenue=120_000.0, miss=0.001),
    ]
    end = made.DAY.replace(day=made.DAY.day + left)
    found = made.coaching(people, [named(0, "Ann"), named(1, "Bob")], ends_on=end)
    text = present.coaching_list(found, PLAYBOOK).text
    finding, shown = findings.coaching_finding(found, LOOK), "\n".join(tiles(found))
    assert ("Won $40K of $100K: the quota was missed." in text) is over
    assert ("Won $120K of $100K: the quota was made." in text) is over
    assert ("eading for" in text) is not over and ("to miss" in text) is not over
    assert ("ended on Aug 14, 2017: $160K of $200K was won, and 1 of them was missed." in finding) is over
    assert ("may be" in finding + shown) is not over
    assert ("Quotas missed: 1;" in shown and "Attainment: 80.0%" in shown.splitlines()[1]) is over


# -- The funnel ---------------------------------------------------------------------------------------------


def test_where_the_test_finds_nothing_the_funnel_names_and_colours_nobody(samples: SimpleNamespace) -> None:
    rows = [
        made.lever(0, "Ann", observed=0.1, expected=0.4),
        made.lever(1, "Bob", observed=0.4, expected=0.4),
    ]
    for differ, named_ones in ((True, ["Ann"]), (False, [])):
        block = present.win_rate_funnel(
            made.coaching([], rows, tests=[made.test_row(differ=differ, p_value=0.4)])
        )
        (svg,) = samples.pictures(block.html)
        assert [text for text in samples.texts(svg) if text in ("Ann", "Bob")] == named_ones
        styles = " ".join(each.get("style", "") for each in svg.iter())
        assert ("#b34700" in styles) is differ
        assert isinstance(block, present.Chart)
        assert ("Ann" in block.alt) is differ and ("Ann" in block.text.partition("\n")[0]) is differ
    assert block.alt == (
        "The company's win rates do not differ beyond chance: luck alone sets them as far apart with a chance of 4 in 10."
    )
