"""Findings: plain sentences whose every number is computed, and that claim no more than is known."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_lib.present import findings, team_gaps
from spm_lib.theme import Look

LOOK = Look()
RUNNING = SimpleNamespace(share=0.4, method="earlier periods", n=8)
OVER = SimpleNamespace(share=1.0, method="complete", n=0)
YOUNG = SimpleNamespace(share=0.5, method="working days", n=2)
LABELS = {"revenue": "Revenue", "win_rate": "Win rate", "sales_cycle": "Sales cycle"}


def is_plain_english(text: str) -> None:
    """Hold a text to what any sentence must keep."""
    if not text:
        return
    assert text[0].isupper() or not text[0].isalpha(), text
    assert text.endswith("."), text
    assert not re.search(r"\b(is is|are are|the the|of of|to to|on on)\b|\s{2}|\.\.|,,| ,| \.|;", text), text
    assert not re.search(r"\b(nan|None(?! of )|NaN|inf|NaT)\b", text), text
    assert not re.search(r"\b1 (deals|people|teams|periods|figures|key figures|months)\b", text), text


def kpis(
    samples: SimpleNamespace, *, moved: tuple[str, ...] = (), compared: bool = True, n: int = 22
) -> pd.DataFrame:
    del samples
    rows = {
        "revenue": (500.0, -100.0, "currency"),
        "win_rate": (0.3, 0.041, "share"),
        "sales_cycle": (50.0, 8.0, "days"),
    }
    return pd.DataFrame(
        [
            {
                "metric": metric,
                "value": value,
                "n": n,
                "unit": unit,
                "note": None,
                "difference": difference if compared else float("nan"),
                "significant": metric in moved,
            }
            for metric, (value, difference, unit) in rows.items()
        ]
    )


def headline(figures: pd.DataFrame, plan: pd.DataFrame, expected: object) -> str:
    said = findings.standing(
        figures, plan, expected, name="West", period="Q4 2017", before="Q3 2017", look=LOOK
    )
    is_plain_english(said)
    return said


# -- Against plan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "sure", "said"),
    [
        (2000.0, True, "West is ahead of pace: 60.0% of the Q4 2017 quota, where 40.0% is usual by now."),
        (-2000.0, True, "West is behind pace: 20.0% of the Q4 2017 quota, where 40.0% is usual by now."),
        (
            -2000.0,
            False,
            "West is behind its usual pace, but within normal variation: 20.0% of the Q4 2017 quota, "
            "where 40.0% is usual by now.",
        ),
        # Two points are no gap, however sure.
        (100.0, True, "West is on pace: 41.0% of the Q4 2017 quota, where 40.0% is usual by now."),
    ],
)
def test_the_headline_of_a_period_that_runs(
    gap: float, sure: bool, said: str, samples: SimpleNamespace
) -> None:
    assert headline(kpis(samples), samples.plan(gap, sure=sure), RUNNING) == said


def test_a_period_without_a_win_yet_is_neither_on_pace_nor_behind_it(samples: SimpleNamespace) -> None:
    plan = samples.plan(-4000.0)
    plan.loc[plan["metric"] == "quota_attainment", ["value", "n"]] = [0.0, 0]
    said = headline(kpis(samples), plan, RUNNING)
    assert said == "West has won nothing yet of its Q4 2017 quota, where 40.0% is usual by now."


@pytest.mark.parametrize(("share", "said"), [(0.4, "nothing"), (0.02, "level"), (0.001, "level")])
def test_nothing_won_where_something_is_usual_is_a_verdict_of_its_own(
    share: float, said: str, samples: SimpleNamespace
) -> None:
    """No interval can judge it, and an index must not call it normal variation."""
    plan = samples.plan(-10_000.0 * share, share=share)
    plan.loc[plan["metric"] == "quota_attainment", ["value", "n"]] = [0.0, 0]
    begun = SimpleNamespace(share=share, method="earlier periods", n=8)
    assert findings.pace_verdict(plan, begun) == said
    assert headline(kpis(samples), plan, begun).startswith("West has won nothing yet")


def test_a_period_that_is_over_has_no_nothing_yet(samples: SimpleNamespace) -> None:
    plan = samples.plan(-4000.0)
    plan.loc[plan["metric"] == "quota_attainment", ["value", "n"]] = [0.0, 0]
    assert findings.pace_verdict(plan, OVER) != "nothing"
    assert findings.pace_verdict(samples.plan(None), RUNNING) is None


@given(short=st.integers(1, 10_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_quota_that_was_missed_is_never_said_to_be_met_in_full(
    short: int, samples: SimpleNamespace
) -> None:
    plan = samples.plan(6000.0)
    plan.loc[plan["metric"] == "quota_attainment", "value"] = 1 - short / 1_000_000
    said = headline(kpis(samples), plan, OVER)
    assert "missed its quota" in said
    assert ("just under 100.0%" in said) == (short <= 500)
    assert said.count("100.0%") == said.count("just under 100.0%")


def test_the_headline_of_a_period_that_is_over_states_the_fact(samples: SimpleNamespace) -> None:
    made = samples.plan(6100.0)
    assert (
        headline(kpis(samples), made, OVER)
        == "West made its quota for Q4 2017: 101.0%, $10.1K from 12 won deals."
    )
    assert "missed its quota for Q4 2017: 90.0%" in headline(kpis(samples), samples.plan(5000.0), OVER)


def test_the_headline_without_a_quota(samples: SimpleNamespace) -> None:
    without = samples.plan(None)
    assert headline(kpis(samples), without, OVER) == (
        "West won $500 in Q4 2017 from 22 deals, down $100 on Q3 2017, within normal variation."
    )
    assert (
        headline(kpis(samples, n=1, compared=False), without, RUNNING)
        == "West has won $500 in Q4 2017 from 1 deal."
    )
    assert (
        headline(kpis(samples, n=0, compared=False), without, RUNNING) == "West has won no deals in Q4 2017."
    )
    unknown = kpis(samples).assign(value=None, note="the data do not cover this period")
    assert headline(unknown, without, OVER) == (
        "West: the revenue of Q4 2017 is not known, as the data do not cover this period."
    )


def people(samples: SimpleNamespace, values: list[float | None], sure: list[bool]) -> pd.DataFrame:
    names = ["Ann", "Bob", "Cy", "Di", "Ed", "Flo"][: len(values)]
    frame = samples.attainment(names, values)
    return frame.assign(significant=sure, n=[0 if v == 0 else 7 for v in values])


@pytest.mark.parametrize(
    ("values", "sure", "said"),
    [
        ([0.1, 0.9, 0.4], [True, False, False], "Ann is clearly behind the usual pace."),
        ([0.1, 0.9, 0.4], [True, True, False], "Ann is clearly behind the usual pace, Bob is clearly ahead."),
        ([0.4, 0.9, 0.8], [False, True, True], "Bob and Cy are clearly ahead of the usual pace."),
        ([0.1, 0.2, 0.3, 0.4], [True] * 3 + [False], "3 of 4 people are clearly behind the usual pace."),
        ([0.1, 0.2, 0.3], [True] * 3, "All 3 people are clearly behind the usual pace."),
        ([0.5, None], [False, False], "Ann is neither clearly ahead of the usual pace nor behind it."),
        ([0.5, 0.3], [False, False], "None of 2 people is clearly ahead of the usual pace or behind it."),
        ([None, None], [False, False], ""),
    ],
)
def test_who_is_on_track(
    values: list[float | None], sure: list[bool], said: str, samples: SimpleNamespace
) -> None:
    found = findings.attainment_finding(people(samples, values, sure), RUNNING)
    is_plain_english(found)
    assert found == said


def test_who_made_the_quota_is_a_fact(samples: SimpleNamespace) -> None:
    over = [
        findings.attainment_finding(people(samples, values, [True] * len(values)), OVER)
        for values in ([1.1, 0.9, 1.0], [0.9, 0.8], [1.2], [0.2])
    ]
    assert over == [
        "2 of 3 people made their quota.",
        "None of 2 people made their quota.",
        "Ann made the quota.",
        "Ann missed the quota.",
    ]


def test_where_the_pace_comes_from_and_who_has_won_nothing(samples: SimpleNamespace) -> None:
    frame = people(samples, [0.0, 0.5, 0.0], [False] * 3)
    assert findings.attainment_reading(frame, RUNNING, LOOK) == (
        "By this point the company usually has 40.0% of a period's revenue, by the median of the last 8 periods. "
        "Ann and Cy have won nothing yet."
    )
    assert findings.attainment_reading(frame.head(1), OVER, LOOK) == (
        "The period is over, so the whole quota counts. Ann won nothing."
    )
    assert "50.0% of the working days are over." in findings.pace_basis(YOUNG, LOOK)
    assert findings.attainment_reading(frame.assign(value=None), RUNNING, LOOK) == ""


def gaps(samples: SimpleNamespace, values: list[float | None], sure: list[bool]) -> pd.DataFrame:
    names = ["Alpha", "Beta", "Gamma", "Delta"][: len(values)]
    plans = samples.by_team(names, lambda at: samples.plan(values[at], sure=sure[at]))
    moved = samples.by_team(
        names,
        lambda at: samples.change(
            {p: v * (at - 1) for p, v in samples.steps.items()}, sure=("change",) if sure[at] else ()
        ),
    )
    return team_gaps(plans, moved)


@pytest.mark.parametrize(
    ("values", "sure", "expected", "said"),
    [
        ([-900.0, 300.0], [True, False], RUNNING, "Alpha is clearly behind plan."),
        ([-900.0, 300.0], [True, True], RUNNING, "Alpha is clearly behind plan, Beta is clearly ahead."),
        ([-900.0, 300.0], [False, False], RUNNING, "None of 2 teams is clearly ahead of plan or behind it."),
        ([-900.0], [False], RUNNING, "Alpha is neither clearly ahead of plan nor behind it."),
        (
            [-900.0, 300.0],
            [True, False],
            OVER,
            "1 of 2 teams made its quota, and Alpha fell short by most, $900.",
        ),
        ([900.0, 300.0], [True, False], OVER, "2 of 2 teams made their quota."),
        ([-900.0], [True], OVER, "Alpha missed its quota."),
        (
            [None, None, None],
            [False] * 3,
            RUNNING,
            "No team's revenue differs from Q3 2017 by more than normal variation.",
        ),
        ([None], [False], RUNNING, "Revenue of Alpha is within normal variation of Q3 2017."),
        ([None] * 3, [True, False, True], RUNNING, "Alpha is clearly down, Gamma is clearly up on Q3 2017."),
    ],
)
def test_where_teams_stand(
    values: list[float | None], sure: list[bool], expected: object, said: str, samples: SimpleNamespace
) -> None:
    found = findings.teams_finding(gaps(samples, values, sure), expected, "Q3 2017", LOOK)
    is_plain_english(found)
    assert found == said


def test_what_the_gap_is_to(samples: SimpleNamespace) -> None:
    said = findings.teams_reading(gaps(samples, [-900.0, None], [True, False]), RUNNING, LOOK)
    assert said.endswith("The plan to date is that share of the quota. Beta has no quota.")
    without = findings.teams_reading(gaps(samples, [None, None], [False, False]), RUNNING, LOOK)
    assert without == "No team carries a quota, so teams are ranked by how their revenue changed."
    nothing = gaps(samples, [None], [False]).assign(value=float("nan"))
    assert findings.teams_finding(nothing, RUNNING, "Q3 2017", LOOK) == ""
    assert findings.teams_reading(nothing, RUNNING, LOOK) == ""


# -- Change -----------------------------------------------------------------------------------------------


def test_the_summary_says_what_was_won_and_what_moved(samples: SimpleNamespace) -> None:
    plan, before = samples.plan(10.0), "Q3 2017 at the same point"
    still = findings.summary(kpis(samples), plan, LABELS, before, LOOK)
    assert still == (
        "Revenue is $500 from 22 deals, down $100 on Q3 2017 at the same point, within normal variation. "
        "The other 2 key figures are within normal variation."
    )
    moved = findings.summary(kpis(samples, moved=("revenue", "win_rate")), plan, LABELS, before, LOOK)
    assert moved == (
        "Revenue is $500 from 22 deals, down $100 on Q3 2017 at the same point. "
        "Compared with Q3 2017 at the same point, win rate is up 4.1 pts. The other one is within normal variation."
    )
    alone = findings.summary(kpis(samples, compared=False), plan, LABELS, before, LOOK)
    assert (
        alone
        == "Revenue is $500 from 22 deals. The data hold nothing to compare with Q3 2017 at the same point."
    )
    # Without a plan the headline has told revenue.
    headed = findings.summary(kpis(samples), samples.plan(None), LABELS, before, LOOK)
    assert headed == "The other 2 key figures are within normal variation."
    for said in (still, moved, alone, headed):
        is_plain_english(said)


def test_key_figures_that_were_not_judged_together_are_refused(samples: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="keep_discoveries"):
        findings.change_finding(kpis(samples).drop(columns="significant"), LABELS, "Q3 2017", LOOK)


@pytest.mark.parametrize(
    ("steps", "sure", "said"),
    [
        ({"deal_size": -1500.0}, ("deal_size", "change"), "Smaller deals took $1,500 off revenue."),
        ({"win_rate": 1500.0}, ("win_rate",), "A higher win rate added $1,500 to revenue."),
        (
            {"decided_deals": -500.0, "win_rate": -1000.0},
            ("decided_deals", "win_rate"),
            "Fewer decided deals and a lower win rate took $1,500 off revenue.",
        ),
        (
            {"win_rate": -1500.0},
            ("change",),
            "Revenue is down $1,500 on Q3 2017, most of it by a lower win rate.",
        ),
        ({"win_rate": -1500.0}, (), "Revenue is within normal variation of Q3 2017."),
        # What is sure pulled the other way: the rest made up for it, and more.
        (
            {"win_rate": -500.0, "deal_size": 800.0},
            ("win_rate",),
            "A lower win rate moved revenue, and the rest made up for it.",
        ),
    ],
)
def test_what_moved_revenue(
    steps: dict[str, float], sure: tuple[str, ...], said: str, samples: SimpleNamespace
) -> None:
    frame = samples.change({"decided_deals": 0.0, "win_rate": 0.0, "deal_size": 0.0} | steps, sure=sure)
    found = findings.revenue_finding(frame, "Q3 2017", LOOK)
    is_plain_english(found)
    assert found == said


parts = st.integers(-2000, 2000).map(float)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.tuples(parts, parts, parts))
def test_a_cause_is_most_of_a_change_only_where_it_is_more_than_half_of_it(
    steps: tuple[float, float, float], samples: SimpleNamespace
) -> None:
    named = dict(zip(("decided_deals", "win_rate", "deal_size"), steps, strict=True))
    frame = samples.change(named, sure=("change",))
    total = sum(steps)
    most = any(step / total > 0.5 for step in steps) if total else False
    whole = findings.revenue_finding(frame, "Q3 2017", LOOK)
    assert ("most of it by" in whole) == most
    groups = samples.by_team(["Alpha", "Beta"], lambda _: frame.copy())
    teams = findings.teams_moved(groups, LOOK)
    assert ("mainly by" in teams) == most
    is_plain_english(whole)
    is_plain_english(teams)


def test_nobodys_team_is_named_so_that_no_sentence_says_the_contrary(samples: SimpleNamespace) -> None:
    names = ["Alpha", "Beta"]
    moved = samples.by_team(
        names, lambda at: samples.change({"deal_size": (500.0, -500.0)[at]}, sure=("change",))
    )
    moved.loc[moved["team"] == "t1", ["team", "team_name"]] = None
    assert findings.teams_moved(moved, LOOK).startswith("“No team” fell most, by $500")
    frame = team_gaps(samples.by_team(names, lambda _: samples.plan(None)).head(5), moved)
    assert findings.teams_finding(frame, RUNNING, "Q3 2017", LOOK) == (
        "“No team” is clearly down, Alpha is clearly up on Q3 2017."
    )
    months = samples.by_team(names, lambda _: samples.watched([0.6, 0.5, 0.62, 0.9, 0.6], signal=True))
    months.loc[months["team"] == "t1", ["team", "team_name"]] = None
    assert "of “No team” is above" in findings.signals_finding(months, LABELS, LOOK)
    for said in (findings.teams_moved(moved, LOOK), findings.signals_finding(months, LABELS, LOOK)):
        assert "(none)" not in said


def test_counts_in_sentences_are_in_the_readers_locale(samples: SimpleNamespace) -> None:
    frame = samples.watched([0.6, 0.5, 0.62, 0.9, 0.6], signal=True).assign(n=1234)
    assert "(n 1.234)" in findings.trend_finding(frame, LABELS, Look(locale="de_DE"))
    assert "(n 1,234)" in findings.trend_finding(frame, LABELS, LOOK)


def test_nothing_is_claimed_of_revenue_that_is_unknown_or_was_never_there(samples: SimpleNamespace) -> None:
    frame = samples.change(samples.steps)
    assert findings.revenue_finding(frame.assign(value=float("nan")), "Q3 2017", LOOK) == ""
    assert findings.moved_reading(frame.assign(value=float("nan")), LOOK) == ""
    none = samples.change({"decided_deals": 0.0, "win_rate": 0.0, "deal_size": 0.0}, before=0.0)
    assert findings.revenue_finding(none, "Q3 2017", LOOK) == "There was no revenue to move."


def test_few_deals_are_no_ground_for_a_cause(samples: SimpleNamespace) -> None:
    frame = samples.change(samples.steps)
    assert findings.moved_reading(frame, LOOK) == "This compares 90 decided deals with 90 decided deals."
    few = frame.assign(low=None, high=None)
    assert "too few to tell a cause from chance" in findings.moved_reading(few, LOOK)


def test_which_team_moved_most_and_by_what(samples: SimpleNamespace) -> None:
    names = ["Alpha", "Beta", "Gamma"]
    moved = samples.by_team(
        names,
        lambda at: samples.change(
            {part: value * (1, -1, 0)[at] for part, value in samples.steps.items()},
            sure=("change",) if at else (),
        ),
    )
    said = findings.teams_moved(moved, LOOK)
    is_plain_english(said)
    assert said == (
        "Beta fell most, by $1,000, mainly by fewer decided deals. "
        "Alpha grew most, by $1,000, mainly by more decided deals, within normal variation."
    )
    assert findings.teams_moved(moved[moved["team"] == "t0"], LOOK) == ""


# -- Signals ----------------------------------------------------------------------------------------------


def test_the_latest_month(samples: SimpleNamespace) -> None:
    quiet = samples.watched([0.6, 0.5, 0.62, 0.6, 0.6])
    both = pd.concat([quiet, quiet.assign(metric="revenue")], ignore_index=True)
    assert (
        findings.trend_finding(quiet, LABELS, LOOK)
        == "The win rate of April 2017 is within normal variation."
    )
    assert (
        findings.trend_finding(both, LABELS, LOOK)
        == "April 2017 is within normal variation in all 2 figures."
    )
    loud = samples.watched([0.6, 0.5, 0.62, 0.9, 0.6], signal=True)
    assert findings.trend_finding(loud, LABELS, LOOK) == (
        "Win rate is above its usual range: 90.0% (n 40) against 50.0% to 70.0%."
    )
    run = loud.assign(rule="eight in a row on one side")
    assert findings.trend_finding(run, LABELS, LOOK) == (
        "Win rate has been above its mean of 60.0% for eight months or more."
    )
    assert findings.trend_finding(quiet.assign(p_value=float("nan")), LABELS, LOOK) == ""


def test_the_latest_month_of_every_team(samples: SimpleNamespace) -> None:
    names = ["Alpha", "Beta", "Gamma", "Delta"]

    def told(signals: int) -> str:
        frame = samples.by_team(
            names, lambda at: samples.watched([0.6, 0.5, 0.6, 0.9, 0.6], signal=at < signals)
        )
        said = findings.signals_finding(frame, LABELS, LOOK)
        is_plain_english(said)
        return said

    assert told(0) == "April 2017 is within normal variation in every team."
    assert told(1) == "Win rate of Alpha is above its usual range: 90.0% (n 40) against 50.0% to 70.0%."
    assert told(3) == "3 of 4 figures stand out in April 2017, in Alpha, Beta and Gamma."


# -- Pipeline ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "notes", "said"),
    [
        (
            [1.82, 0.77],
            [None, None],
            "Open deals are worth 1.82× the quota that is left in Q3 (n 9) and 0.77× in Q4 (n 9).",
        ),
        (
            [None, 0.77],
            ["met", None],
            "The quota for Q3 is met, and open deals are worth 0.77× the quota that is left in Q4 (n 9).",
        ),
        ([None, None], ["met", "met"], "The quota for Q3 is met, and the quota for Q4 is met."),
        ([None, None], ["no quota", "no quota"], ""),
    ],
)
def test_coverage(values: list[float | None], notes: list[str | None], said: str) -> None:
    frame = pd.DataFrame({"value": values, "n": 9, "note": pd.Series(notes, dtype=object)})
    found = findings.coverage_finding(frame, ["Q3", "Q4"], LOOK)
    is_plain_english(found)
    assert found == said


def test_movement(samples: SimpleNamespace) -> None:
    found = findings.movement_finding(samples.movement(**samples.moved), LOOK)
    assert found == (
        "The open pipeline of this period grew from $1,000 to $1,100: 3 deals worth $500 were new and "
        "3 deals worth $300 were won."
    )
    one = samples.movement(**samples.moved).assign(n=1)
    assert "1 deal worth $500 was new" in findings.movement_finding(one, LOOK)
    still = findings.movement_finding(samples.movement(start=5.0, end=5.0), LOOK)
    assert still == "The open pipeline of this period stayed at $5, and nothing moved."
    assert findings.movement_finding(samples.movement(start=5.0).assign(part=None), LOOK) == ""


def test_a_stage_is_named_only_where_it_is_clearly_the_worst(samples: SimpleNamespace) -> None:
    frame = samples.stages(["Talk", "Offer", "Sign"], [90, 40, 20])
    assert findings.funnel_finding(frame, LOOK) == "No stage loses clearly more deals than all others."
    clear = frame.assign(value=[0.5, 0.2, 0.6], low=[0.4, 0.1, 0.5], high=[0.6, 0.3, 0.7])
    assert findings.funnel_finding(clear, LOOK) == (
        "20.0% of 40 decided deals went on from Offer, clearly fewer than from any other stage."
    )
    # Stages of another pipeline are no measure for it.
    apart = clear.assign(pipeline=["New", "Renewal", "New"])
    assert findings.funnel_finding(apart, LOOK) == "No stage loses clearly more deals than all others."
    assert findings.funnel_finding(frame.head(1), LOOK) == "50.0% of 90 decided deals went on from Talk."
    assert findings.funnel_finding(frame.assign(n=0), LOOK) == ""


def test_mix(samples: SimpleNamespace) -> None:
    frame = samples.compared(["Anvil", "Rocket"], [900.0, 100.0], [500.0, 90.0])
    found = findings.mix_finding(frame, "Q3 2017", LOOK)
    is_plain_english(found)
    assert found == (
        "Anvil brings in most, $900 from 9 deals, 90.0% of revenue. Compared with Q3 2017, Anvil is up $400."
    )
    still = frame.assign(significant=False)
    assert (
        findings.mix_finding(still, "Q3 2017", LOOK)
        == "Anvil brings in most, $900 from 9 deals, 90.0% of revenue."
    )
    nameless = samples.compared([None, "Rocket"], [900.0, 100.0], [900.0, 90.0])
    assert findings.mix_finding(nameless, "Q3 2017", LOOK).startswith("What has no name brings in most")
    assert findings.mix_finding(frame.assign(product_name=None), "Q3 2017", LOOK) == ""
    assert findings.mix_finding(frame.head(0), "Q3 2017", LOOK) == ""
    # Refunds may leave a total that no share can be taken of.
    refunds = samples.compared(["Anvil", "Rocket"], [100.0, -900.0], [None, None])
    assert findings.mix_finding(refunds, "Q3 2017", LOOK) == "Anvil brings in most, $100 from 9 deals."


def test_the_largest_deals() -> None:
    won = pd.DataFrame({"amount": [100.0, 50.0, 50.0, None]})
    assert findings.deals_finding(won, 2, LOOK) == (
        "The 2 largest of 3 won deals with a known amount are 75.0% of revenue."
    )
    assert findings.deals_finding(won, 10, LOOK) == (
        "The largest of 3 won deals with a known amount is 50.0% of revenue."
    )
    priced = won.head(3)
    assert findings.deals_finding(priced, 2, LOOK) == "The 2 largest of 3 won deals are 75.0% of revenue."
    assert findings.deals_finding(priced, 1, LOOK) == "The largest of 3 won deals is 50.0% of revenue."
    assert findings.deals_finding(won.iloc[[0, 3]], 10, LOOK) == "", (
        "the only deal known is not the only one won"
    )
    assert findings.deals_finding(won.head(1), 10, LOOK) == "The only deal won is all of the revenue."
    assert findings.deals_finding(won.head(0), 10, LOOK) == ""
    assert findings.deals_finding(won.assign(amount=-5.0), 10, LOOK) == ""


amounts = st.lists(
    st.one_of(st.none(), st.integers(-1000_00, 10_000_00).map(lambda cents: cents / 100)), max_size=6
)


@given(amounts=amounts, shown=st.integers(1, 4))
def test_no_share_of_the_largest_deals_is_beyond_all_or_of_too_few(
    amounts: list[float | None], shown: int
) -> None:
    said = findings.deals_finding(pd.DataFrame({"amount": pd.Series(amounts, dtype=float)}), shown, LOOK)
    is_plain_english(said)
    known = [amount for amount in amounts if amount is not None]
    if any(amount <= 0 for amount in known):
        assert said == ""
    if "only deal won" in said:
        assert len(amounts) == 1
    if len(known) < len(amounts):
        assert said == "" or "with a known amount" in said
    assert all(float(share) <= 100 for share in re.findall(r"([\d.]+)%", said))


# -- Whatever the figures ---------------------------------------------------------------------------------

figure = st.one_of(st.none(), st.floats(-1e12, 1e12, allow_nan=False).map(lambda v: round(v, 2)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    drawn=st.lists(st.tuples(figure, st.booleans()), min_size=1, max_size=4),
    expected=st.sampled_from([RUNNING, OVER, YOUNG]),
)
def test_any_figures_make_plain_sentences(
    drawn: list[tuple[float | None, bool]], expected: object, samples: SimpleNamespace
) -> None:
    values, sure = [v for v, _ in drawn], [s for _, s in drawn]
    table = gaps(samples, values, sure)
    plan = samples.plan(values[0], sure=sure[0])
    first, *_ = values
    change = samples.change(
        {"decided_deals": first or 0.0, "win_rate": -(first or 0.0), "deal_size": 1.0},
        sure=("deal_size",) if sure[0] else (),
    )
    said = [
        headline(kpis(samples), plan, expected),
        findings.teams_finding(table, expected, "Q3 2017", LOOK),
        findings.teams_reading(table, expected, LOOK),
        findings.revenue_finding(change, "Q3 2017", LOOK),
        findings.summary(kpis(samples), plan, LABELS, "Q3 2017", LOOK),
    ]
    for sentence in said:
        is_plain_english(sentence)
