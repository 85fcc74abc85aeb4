"""Teams side by side."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_lib.present import Block, moved_table, ranking_table, signal_table, team_gaps
from spm_lib.present.findings import latest_name
from spm_lib.theme import LIGHT, Look

NAMES = ["Alpha", "Beta", "Gamma"]
PROPERTY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
RATE = SimpleNamespace(name="win_rate", label="Win rate", better="higher")
MONEY = SimpleNamespace(name="revenue", label="Revenue", better="higher")


def cells(text: str, name: str) -> list[str]:
    """Give the cells of one row of the plain-text twin."""
    line = next(line for line in text.splitlines() if line.startswith(name))
    return re.split(r"\s{2,}", line.strip())


@pytest.fixture
def teams(samples: SimpleNamespace) -> SimpleNamespace:
    gaps = (300.0, -900.0, None)
    plans = samples.by_team(NAMES, lambda at: samples.plan(gaps[at], sure=at == 1))
    moved = samples.by_team(
        NAMES,
        lambda at: samples.change(
            {part: v * (at + 1) for part, v in samples.steps.items()}, sure=("deal_size",)
        ),
    )
    trends = samples.by_team(NAMES, lambda at: samples.watched([0.6, 0.5, 0.62, 0.9, 0.6], signal=at == 0))
    money = trends.assign(metric="revenue", unit="currency", value=trends["value"] * 1000)
    return SimpleNamespace(plans=plans, moved=moved, trends=pd.concat([money, trends], ignore_index=True))


def ranking(teams: SimpleNamespace, samples: SimpleNamespace, gaps: pd.DataFrame) -> Block:
    whole = samples.change({"decided_deals": 1.0, "team_mix": 0.0, "win_rate": 2.0, "deal_size": 3.0})
    return ranking_table(
        gaps,
        teams.trends,
        plan=samples.plan(-600.0, sure=True),
        change=whole,
        period="Q4",
        previous="Q3",
        look=Look(),
    )


def test_teams_stand_by_their_gap_and_those_without_plan_last(teams: SimpleNamespace) -> None:
    gaps = team_gaps(teams.plans, teams.moved)
    assert list(gaps["team_name"]) == ["Beta", "Alpha", "Gamma"]
    assert list(gaps["against"]) == ["plan", "plan", "previous"]
    assert list(gaps["significant"]) == [True, False, False]
    assert gaps["value"].tolist()[:2] == [-900.0, 300.0]
    assert pd.isna(gaps["value"].iloc[2])
    # Its revenue is told all the same.
    assert gaps["revenue"].iloc[2] == 13_000


def test_where_nobody_has_a_plan_teams_stand_by_their_change(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    plans = samples.by_team(NAMES, lambda _: samples.plan(None))
    gaps = team_gaps(plans, teams.moved)
    assert list(gaps["team_name"]) == ["Alpha", "Beta", "Gamma"]
    assert gaps["value"].tolist() == [1000, 2000, 3000]
    assert set(gaps["against"]) == {"previous"}
    block = ranking(teams, samples, gaps)
    assert block.text.startswith("Change in revenue on Q3, USD, Q4, the largest fall first")
    assert "Plan" not in block.text


def test_deals_of_nobody_s_team_are_a_row_only_where_there_are_any(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    homeless = samples.change(samples.steps)
    homeless.insert(0, "team", None)
    homeless.insert(1, "team_name", None)
    moved = pd.concat([teams.moved, homeless], ignore_index=True)
    assert "No team" not in list(team_gaps(teams.plans, moved)["team_name"])
    without = samples.by_team(NAMES, lambda _: samples.plan(None))
    assert "No team" in list(team_gaps(without, moved)["team_name"])


def test_a_ranking_row_has_all_that_judges_it_and_the_whole_stands_last(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    block = ranking(teams, samples, team_gaps(teams.plans, teams.moved))
    assert cells(block.text, "Beta") == [
        "Beta",
        "▼ −$900",
        "−$1,000 to −$800",
        "0.78×",
        "$3,100",
        "$4,000",
        "12",
        "$600 to $900",
    ]
    assert cells(block.text, "Gamma")[1] == "–"
    assert cells(block.text, "All teams") == [
        "All teams",
        "▼ −$600",
        "−$700 to −$500",
        "0.85×",
        "$3,400",
        "$4,000",
        "12",
    ]
    found = samples.taken_apart(block.html)
    assert [span["data-team"] for span in found.named("span") if "data-team" in span] == ["t1", "t0", "t2"]
    assert len(found.named("tfoot")) == 1
    # Red for Beta and the whole; Alpha's gap is none.
    assert block.html.count('class="spm-bad"') == 2
    assert 'class="spm-good"' not in block.html


def test_trends_are_pictures_with_a_band_and_words_for_them(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    block = ranking(teams, samples, team_gaps(teams.plans, teams.moved))
    alts = [img["alt"] for img in samples.taken_apart(block.html).named("img")]
    assert alts == ["Revenue, complete months · own scale: from $600 to $900"] * 3
    svg = base64.b64decode(re.findall(r"base64,([^\"]+)", str(block.html))[0]).decode()
    assert LIGHT.band in svg


def test_what_moved_each_team_adds_up_across_and_down(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    whole = samples.change(
        {"decided_deals": 10_000.0, "team_mix": 2000.0, "win_rate": 3000.0, "deal_size": -9000.0},
        before=30_000.0,
    )
    block = moved_table(teams.moved, whole, period="Q4", previous="Q3", look=Look())
    assert cells(block.text, "Alpha")[1:-1] == ["$10K", "▲ +$2,000", "▲ +$500", "▼ −$1,500", "$11K"]
    assert cells(block.text, "All teams")[1:-1] == ["$30K", "▲ +$12K", "▲ +$3,000", "▼ −$9,000", "$36K"]
    assert block.html.count('class="spm-bad"') == 3, "one deal size a team is beyond chance"


def test_one_team_has_no_total(samples: SimpleNamespace) -> None:
    moved = samples.by_team(["Alpha"], lambda _: samples.change(samples.steps))
    whole = samples.change(samples.steps | {"team_mix": 0.0})
    assert "<tfoot>" not in moved_table(moved, whole, period="Q4", previous="Q3", look=Look()).html


def test_only_what_survives_is_called_a_signal(teams: SimpleNamespace) -> None:
    block = signal_table(teams.trends, [RATE], look=Look())
    assert block.text.startswith("April 2017 against the range within which a month varies by chance alone")
    assert cells(block.text, "Alpha")[2:] == ["▲ 90.0%", "50.0% to 70.0%"]
    assert cells(block.text, "Beta")[2:] == ["90.0%", "50.0% to 70.0%"]
    assert block.html.count('class="spm-good"') == 1


@pytest.mark.parametrize("frame", ["no rows", "no month is over"])
def test_without_months_there_is_one_quiet_line(frame: str, teams: SimpleNamespace) -> None:
    trends = teams.trends.head(0) if frame == "no rows" else teams.trends.assign(latest=False)
    assert (
        signal_table(trends, [], look=Look()).text
        == "Signal and noise cannot be shown: no month is complete yet."
    )


def test_no_teams_is_said(teams: SimpleNamespace, samples: SimpleNamespace) -> None:
    gaps = team_gaps(teams.plans.head(0), teams.moved.head(0))
    assert gaps.empty
    assert ranking(teams, samples, gaps).text == "There are no teams."
    nothing = samples.change(samples.steps).assign(
        value=float("nan"), note="the data do not cover this period"
    )
    moved = samples.by_team(NAMES, lambda _: nothing.copy())
    assert moved_table(moved, nothing, period="Q4", previous="Q3", look=Look()).text == (
        "What moved each team cannot be shown: the data do not cover this period."
    )


@PROPERTY
@given(latest=st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=3, max_size=3))
def test_one_month_is_named_and_no_team_shows_another_under_its_name(
    latest: list[int | None], samples: SimpleNamespace
) -> None:
    """A team without a win last month has a latest month of its own."""

    def months(at: int) -> pd.DataFrame:
        frame = samples.watched([0.11, 0.22, 0.33, 0.44, 0.55])
        own = latest[at]
        if own is not None:
            frame.loc[own + 1 : 3, "value"] = float("nan")
        return frame.assign(latest=[own == month for month in range(5)])

    frame = samples.by_team(NAMES, months)
    known = [at for at in latest if at is not None]
    block = signal_table(frame, [RATE], look=Look())
    if not known:
        assert "no month is complete yet" in block.text
        return
    named = ["January 2017", "February 2017", "March 2017", "April 2017"][max(known)]
    assert latest_name(frame) == named
    assert block.text.startswith(named)
    for name, at in zip(NAMES, latest, strict=True):
        written = ["11.0%", "22.0%", "33.0%", "44.0%"][max(known)] if at == max(known) else "–"
        assert cells(block.text, name)[2] == written


@PROPERTY
@given(last=st.floats(0, 1e9), other=st.floats(0, 1e9))
def test_what_the_running_month_holds_is_in_no_small_trend(
    last: float, other: float, teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    gaps = team_gaps(teams.plans, teams.moved)
    shown = []
    for value in (last, other):
        running = ~teams.trends["complete"].astype(bool)
        trends = teams.trends.assign(value=teams.trends["value"].where(~running, value))
        case = SimpleNamespace(trends=trends)
        shown.append(
            ranking(case, samples, gaps).html + signal_table(trends, [MONEY, RATE], look=Look()).html
        )
    assert shown[0] == shown[1]


def heights(samples: SimpleNamespace, block: Block) -> list[list[float]]:
    """Give how high the points of each small trend stand."""
    found = []
    for svg in samples.pictures(block.html):
        line = next(e.get("d") for e in svg.iter() if e.tag.endswith("path") and e.get("fill") == "none")
        found.append([float(y) for y in re.findall(r"[ML][\d.]+ ([\d.-]+)", line)])
    return found


def test_rates_share_a_scale_and_money_has_its_own_and_says_so(samples: SimpleNamespace) -> None:
    values = {"Alpha": [0.1, 0.2, 0.3, 0.5], "Beta": [0.3, 0.1, 0.3, 0.2]}
    trends = samples.by_team(list(values), lambda at: samples.watched(list(values.values())[at]))
    rates = signal_table(trends, [RATE], look=Look())
    (_, _, first), (second, _, third) = heights(samples, rates)
    # 30 % stands at one height in either picture; at the top of the second it would not be 50 %.
    assert first == second == third
    assert "own scale" not in rates.html.split("<tbody>")[0]
    money = trends.assign(metric="revenue", unit="currency")
    own = signal_table(money, [MONEY], look=Look())
    assert "Revenue, complete months · own scale" in own.html.split("<tbody>")[0]
    assert min(map(min, heights(samples, own))) == min(heights(samples, own)[1])


@PROPERTY
@given(
    rows=st.lists(st.integers(-10_000_00, 10_000_00), min_size=2, max_size=3),
    apart=st.one_of(st.just(0), st.integers(-50_000_00, 50_000_00)),
)
def test_a_last_row_that_is_not_the_sum_of_the_rows_says_by_how_much(
    rows: list[int], apart: int, samples: SimpleNamespace
) -> None:
    """A parent's own quota stands in the place of its teams'."""
    names = NAMES[: len(rows)]
    plans = samples.by_team(names, lambda at: samples.plan(rows[at] / 100))
    moved = samples.by_team(names, lambda _: samples.change(samples.steps))
    whole = samples.plan(0.0).set_index("metric")
    total = {
        "plan_revenue": sum(rows) / 100 + 4000 * len(rows),
        "plan_to_date": 4000 * len(rows) - apart / 100,
    }
    for metric, value in total.items() | {("plan_gap", (sum(rows) + apart) / 100)}:
        whole.loc[metric, "value"] = value
    block = ranking_table(
        team_gaps(plans, moved), samples.by_team(names, lambda _: samples.watched([0.6] * 5, metric="revenue")),
        plan=whole.reset_index(), change=samples.change(samples.steps), period="Q4", previous="Q3", look=Look(),
    )  # fmt: skip
    look = Look()
    written = {
        name: apart != 0
        and look.value(total + apart / 100 * sign, "currency") != look.value(total, "currency")
        for name, total, sign in (
            ("plan to date", 4000 * len(rows), -1),
            ("gap", sum(rows) / 100, 1),
        )
    }
    said = "".join(line for line in block.text.splitlines() if "is not the sum of the rows" in line)
    assert bool(said) == any(written.values())
    by = look.value(abs(apart) / 100, "currency")
    for name, seen in written.items():
        way = "more" if (apart > 0) == (name == "gap") else "less"
        assert (f"{name} {by} {way}" in said) == seen


def test_a_team_without_a_quota_has_no_revenue_beside_plans_and_is_told_below(
    teams: SimpleNamespace, samples: SimpleNamespace
) -> None:
    block = ranking(teams, samples, team_gaps(teams.plans, teams.moved))
    assert "$13K" not in " ".join(cells(block.text, "Gamma"))
    assert "Without a quota: Gamma ($13K of revenue)." in block.text
