"""Charts of differences: sign, colour, and how sure it is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgba

from spm_lib.present import Chart, bridge_chart, gap_chart, team_gaps
from spm_lib.present.drawing import board, drawing
from spm_lib.present.rows import forecasts
from spm_lib.theme import LIGHT


def drawn(block: object) -> list[tuple[float, float, str, float]]:
    """Give each bar's beginning, end, edge and opacity, from the top."""
    assert isinstance(block, Chart)
    with drawing():
        (axes,) = block.paint().axes
    bars = sorted((p for p in axes.patches if p.get_height() < 1), key=lambda p: p.get_y())
    return [
        (p.get_x(), p.get_x() + p.get_width(), to_hex(p.get_edgecolor()).upper(), p.get_facecolor()[3])
        for p in bars
    ]


def test_each_step_begins_where_the_last_one_ended(samples: SimpleNamespace) -> None:
    frame = samples.change(samples.steps, sure=("deal_size", "change"))
    bars = drawn(bridge_chart(frame, period="Q4 2017", previous="Q3 2017"))
    assert [(b, e) for b, e, _, _ in bars] == [(0, 2000), (2000, 2500), (2500, 1000), (0, 1000)]
    assert [edge for _, _, edge, _ in bars] == [LIGHT.good, LIGHT.good, LIGHT.bad, LIGHT.good]


def test_what_chance_explains_as_well_is_pale_and_its_figure_has_no_colour(samples: SimpleNamespace) -> None:
    frame = samples.change(samples.steps, sure=("deal_size",))
    chart = bridge_chart(frame, period="Q4 2017", previous="Q3 2017")
    assert [opacity for *_, opacity in drawn(chart)] == pytest.approx([0.22, 0.22, 1, 0.22])
    (picture,) = samples.pictures(chart.html)
    coloured = [
        e.text
        for e in picture.iter()
        if LIGHT.good.lower() in e.get("style", "") or LIGHT.bad.lower() in e.get("style", "")
    ]
    assert [text for text in coloured if text] == ["▼ −$1,500"]
    assert "Pale: within it" in chart.text


def test_the_steps_say_from_what_to_what(samples: SimpleNamespace) -> None:
    chart = bridge_chart(samples.change(samples.steps), period="Q4 2017", previous="Q3 2017")
    words = samples.texts(samples.pictures(chart.html)[0])
    assert {"50 to 40", "30.0% to 25.0%", "$900 to $1,000", "$10K to $11K"} <= set(words)
    assert "Mix of teams" not in words
    assert (
        "Revenue ▲ +$1,000 on Q3 2017: deals decided ▲ +$2,000, win rate ▲ +$500, deal size ▼ −$1,500."
        in chart.text
    )


def test_of_several_teams_it_says_in_how_many_a_factor_went_up(samples: SimpleNamespace) -> None:
    frame = samples.change(
        {"decided_deals": 2000.0, "team_mix": -300.0, "win_rate": 500.0, "deal_size": -1500.0}
    )
    frame.loc[frame["part"] == "win_rate", ["up", "down"]] = (3, 1)
    words = samples.texts(samples.pictures(bridge_chart(frame).html)[0])
    assert {"Mix of teams", "up in 3, down in 1 team", "50 to 40"} <= set(words)
    # The company's own rate may have fallen where all teams' rose: it is not shown beside their effect.
    assert "30.0% to 25.0%" not in words


@pytest.mark.parametrize(
    ("ways", "said"),
    [((0, 3), "down in 3 teams"), ((1, 0), "up in 1 team"), ((0, 0), "the same in every team")],
)
def test_no_team_is_told_of_that_did_not_move(
    samples: SimpleNamespace, ways: tuple[int, int], said: str
) -> None:
    frame = samples.change(
        {"decided_deals": 2000.0, "team_mix": 1.0, "win_rate": 500.0, "deal_size": -1500.0}
    )
    frame.loc[frame["part"] == "deal_size", ["up", "down"]] = (2, 2)
    frame.loc[frame["part"] == "win_rate", ["up", "down"]] = ways
    assert said in samples.texts(samples.pictures(bridge_chart(frame).html)[0])


def test_nothing_moved_is_drawn_and_an_unknown_change_says_why(samples: SimpleNamespace) -> None:
    still = samples.change({"decided_deals": 0.0, "win_rate": 0.0, "deal_size": 0.0})
    assert isinstance(bridge_chart(still), Chart)
    unknown = samples.change(samples.steps).assign(
        value=None, note="the data do not reach back to all of 2017-Q3"
    )
    assert bridge_chart(unknown).text == (
        "What moved revenue cannot be shown: the data do not reach back to all of 2017-Q3."
    )


def test_gaps_begin_at_zero_with_the_largest_shortfall_first(samples: SimpleNamespace) -> None:
    plans = samples.by_team(["a", "b", "c"], lambda at: samples.plan((300.0, -900.0, 10.0)[at], sure=at == 1))
    moved = samples.by_team(["a", "b", "c"], lambda _: samples.change(samples.steps))
    chart = gap_chart(team_gaps(plans, moved), period="Q4 2017")
    bars = drawn(chart)
    assert [(b, e) for b, e, _, _ in bars] == [(0, -900), (0, 10), (0, 300)]
    assert [opacity for *_, opacity in bars] == pytest.approx([1, 0.22, 0.22])
    words = samples.texts(samples.pictures(chart.html)[0])
    assert {"▼ −$900", "▲ +$300", "AC − PL", "pace", "0.78×"} <= set(words)
    assert isinstance(chart, Chart)
    assert chart.title == "Gap to plan in USD, Q4 2017, AC − PL · own scale"


def test_without_a_plan_it_is_the_change(samples: SimpleNamespace) -> None:
    plans = samples.by_team(["a"], lambda _: samples.plan(None))
    moved = samples.by_team(["a"], lambda _: samples.change(samples.steps))
    chart = gap_chart(team_gaps(plans, moved))
    assert isinstance(chart, Chart)
    assert chart.title.startswith("Change in revenue in USD, AC − PP")
    assert gap_chart(team_gaps(plans, moved).assign(value=float("nan"))).text.startswith(
        "Change in revenue cannot"
    )


def test_many_teams_are_cut_to_both_ends(samples: SimpleNamespace) -> None:
    names = [f"team {i}" for i in range(60)]
    plans = samples.by_team(names, lambda at: samples.plan(float(at - 30)))
    moved = samples.by_team(names, lambda _: samples.change(samples.steps))
    chart = gap_chart(team_gaps(plans, moved))
    words = samples.texts(samples.pictures(chart.html)[0])
    assert "team 0" in words
    assert "team 59" in words
    assert "team 30" not in words
    assert "The table holds 20 teams between them." in chart.text
    assert all(name in chart.text for name in names)


def test_scales_reach_equally_far_either_way_where_they_are_shared(samples: SimpleNamespace) -> None:
    chart = bridge_chart(samples.change(samples.steps), scale=9000.0)
    assert isinstance(chart, Chart)
    with drawing():
        assert chart.paint().axes[0].get_xlim() == (-9000, 9000)
    assert "own scale" not in chart.title


def test_a_forecast_is_hatched_and_outlined_on_top_of_what_is_actual() -> None:
    with drawing():
        _, axes = board(60)
        forecasts(axes, [5.0, 7.0], begins=[10.0, 0.0])
    assert [(p.get_x(), p.get_width()) for p in axes.patches] == [(10, 5), (0, 7)]
    for patch in axes.patches:
        assert patch.get_hatch()
        assert patch.get_facecolor() == to_rgba(LIGHT.paper)
        assert patch.get_edgecolor() == to_rgba(LIGHT.actual)


money = st.integers(-10_000_00, 10_000_00).map(lambda cents: cents / 100)
ways = st.sampled_from([(0, 0), (1, 0), (0, 1), (2, 1)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    steps=st.fixed_dictionaries(
        {part: money for part in ("decided_deals", "team_mix", "win_rate", "deal_size")}
    ),
    moved=st.fixed_dictionaries({part: ways for part in ("decided_deals", "win_rate", "deal_size")}),
    mixed=st.booleans(),
)
def test_the_steps_that_are_drawn_come_to_the_change_whoever_moved(
    steps: dict[str, float], moved: dict[str, tuple[int, int]], mixed: bool, samples: SimpleNamespace
) -> None:
    frame = samples.change(steps if mixed else {part: steps[part] for part in moved})
    for part, (up, down) in moved.items():
        frame.loc[frame["part"] == part, ["up", "down"]] = (up, down)
    *parts, whole = drawn(bridge_chart(frame))
    assert sum(end - begin for begin, end, *_ in parts) == pytest.approx(whole[1] - whole[0], abs=0.01)
    assert parts[-1][1] == pytest.approx(whole[1], abs=0.01)


def test_the_companys_own_factor_never_stands_beside_an_effect_that_the_mix_is_taken_from(
    samples: SimpleNamespace,
) -> None:
    frame = samples.change({"decided_deals": 2000.0, "team_mix": -300.0, "win_rate": 500.0, "deal_size": 0.0})
    words = samples.texts(samples.pictures(bridge_chart(frame).html)[0])
    assert {"Mix of teams", "up in 1 team"} <= set(words)
    assert "30.0% to 25.0%" not in words
