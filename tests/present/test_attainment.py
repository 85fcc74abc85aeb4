"""Charts against the plan."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from spm_lib.present import Chart, attainment_chart, coverage_chart
from spm_lib.present.drawing import drawing
from spm_lib.theme import LIGHT


def bars_of(chart: Chart) -> list[tuple[float, float]]:
    """Give start and width of each solid bar of what is actual, from the top."""
    with drawing():
        (axes,) = chart.paint().axes
    solid = [p for p in axes.patches if p.get_facecolor()[:3] == pytest.approx((0x40 / 255,) * 3)]
    assert LIGHT.actual == "#404040"
    return [(p.get_x(), p.get_width()) for p in sorted(solid, key=lambda p: p.get_y())]


@pytest.mark.parametrize("count", [1, 2, 40, 41, 100])
def test_one_to_a_hundred_reps(count: int, samples: SimpleNamespace) -> None:
    names = [f"Rep {i}" for i in range(count)]
    chart = attainment_chart(samples.attainment(names, [(i + 1) / count for i in range(count)]), expected=0.5)
    assert isinstance(chart, Chart)
    drawn = bars_of(chart)
    assert len(drawn) == min(count, 40)
    assert all(x == 0 for x, _ in drawn)
    assert [w for _, w in drawn] == sorted((w for _, w in drawn), reverse=True)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert f"Rep {count - 1}" in words
    assert "Rep 0" in words
    assert ("between them" in chart.text) == (count > 40)
    assert all(name in chart.text for name in names)


def test_people_of_one_name_are_two_bars(samples: SimpleNamespace) -> None:
    chart = attainment_chart(samples.attainment(["Ann", "Ann", "Bob"], [1.0, 0.5, 0.2]))
    assert isinstance(chart, Chart)
    assert bars_of(chart) == [(0, 1.0), (0, 0.5), (0, 0.2)]


def test_those_without_quota_are_named_and_not_drawn(samples: SimpleNamespace) -> None:
    chart = attainment_chart(samples.attainment(["Ann", "Bob", "Cy"], [1.0, None, 0.0]))
    assert isinstance(chart, Chart)
    assert len(bars_of(chart)) == 2
    assert "No quota: Bob." in chart.text
    assert "Bob" not in samples.texts(samples.pictures(chart.html)[0])


def test_the_pace_is_drawn_and_judged_by_the_interval(samples: SimpleNamespace) -> None:
    frame = samples.attainment(["far above", "close", "far below"], [1.2, 0.65, 0.2])
    chart = attainment_chart(frame, expected=0.6)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert "usual by now 60.0%" in words
    assert words.count("▲") == words.count("▼") == 1
    assert "2 are at or above the 60.0% that is usual by now" in chart.text
    without = attainment_chart(frame)
    assert "▲" not in samples.texts(samples.pictures(without.html)[0])


def test_a_pace_that_is_the_plan_is_one_line(samples: SimpleNamespace) -> None:
    chart = attainment_chart(samples.attainment(["a", "b"], [1.5, 0.2]), expected=1.0)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert "PL 100%" in words
    assert not any(w.startswith("usual") for w in words)
    assert words.count("▲") == words.count("▼") == 1


def test_without_an_interval_five_points_make_the_difference(samples: SimpleNamespace) -> None:
    frame = samples.attainment(["a", "b", "c"], [0.7, 0.62, 0.5]).assign(low=None, high=None)
    words = samples.texts(samples.pictures(attainment_chart(frame, expected=0.6).html)[0])
    assert words.count("▲") == words.count("▼") == 1


def test_one_giant_does_not_press_the_others_flat(samples: SimpleNamespace) -> None:
    chart = attainment_chart(samples.attainment(["giant", "b"], [40.0, 0.5]))
    assert isinstance(chart, Chart)
    assert bars_of(chart) == [(0, 2.0), (0, 0.5)]
    assert "Bars beyond 200.0% are cut" in chart.text
    assert "4,000.0%" in samples.texts(samples.pictures(chart.html)[0])


def test_refunds_run_to_the_left_of_zero(samples: SimpleNamespace) -> None:
    chart = attainment_chart(samples.attainment(["a", "b"], [0.5, -0.2]))
    assert isinstance(chart, Chart)
    assert bars_of(chart)[1] == (0, -0.2)
    with drawing():
        assert chart.paint().axes[0].get_xlim()[0] == -0.2


def test_a_scale_can_be_shared(samples: SimpleNamespace) -> None:
    one = attainment_chart(samples.attainment(["a"], [0.5]), scale=1.5)
    two = attainment_chart(samples.attainment(["b"], [1.4]), scale=1.5)
    assert isinstance(one, Chart)
    assert isinstance(two, Chart)
    with drawing():
        assert one.paint().axes[0].get_xlim() == two.paint().axes[0].get_xlim()
    assert "own scale" not in one.title


def test_coverage_of_two_periods(samples: SimpleNamespace) -> None:
    frame = pd.DataFrame(
        {"period": ["2017-Q4", "2018-Q1"], "value": [None, 0.84], "n": [5, 3], "note": ["met", None]}
    )
    chart = coverage_chart(frame)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert {"2017-Q4", "2018-Q1", "quota met", "0.84×", "PL 1×"} <= set(words)
    assert "in 2017-Q4: quota met, in 2018-Q1: 0.84×." in chart.text


def test_coverage_that_is_met_throughout_is_still_shown() -> None:
    frame = pd.DataFrame({"value": [float("nan")], "n": [5], "note": ["met"]})
    assert isinstance(coverage_chart(frame, names=["Q4 2017"]), Chart)
