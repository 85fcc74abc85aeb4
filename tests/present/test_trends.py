"""Values over time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from spm_lib.present import Chart, trend_chart, trend_grid
from spm_lib.present.drawing import drawing


def test_signals_are_marked_named_and_judged(samples: SimpleNamespace) -> None:
    frame = samples.months([0.6, 0.61, 0.9, 0.6, 0.62], signal=2)
    chart = trend_chart(frame, label="Win rate", better="higher")
    words = samples.texts(samples.pictures(chart.html)[0])
    assert "▲ 90.0%" in words
    assert "▲ Mar 2017, 90.0%: outside the limits" in chart.text
    assert "Signals: Mar 2017" in chart.text
    assert "▼ 90.0%" in samples.texts(samples.pictures(trend_chart(frame, label="w", better="lower").html)[0])


def test_the_last_value_has_its_n_and_says_that_it_is_not_over(samples: SimpleNamespace) -> None:
    chart = trend_chart(samples.months([0.6, 0.61, 0.62]), label="Win rate")
    assert "Mar 2017 so far: 62.0%, n 40." in chart.text
    assert "No signal among the periods" in chart.text
    over = trend_chart(samples.months([0.6, 0.61]).assign(complete=True), label="Win rate")
    assert "Feb 2017: 61.0%, n 40." in over.text


def test_a_gap_is_a_gap(samples: SimpleNamespace) -> None:
    chart = trend_chart(samples.months([0.6, 0.61, None, 0.6, 0.62, 0.6]), label="Win rate")
    assert isinstance(chart, Chart)
    with drawing():
        (axes,) = chart.paint().axes
    joined = [np.asarray(line.get_xdata(), dtype=float) for line in axes.lines if len(line.get_xdata()) > 1]
    assert not any((xs < 2).any() and (xs > 2).any() for xs in joined if len(set(xs)) > 1 and xs.max() > 1)
    assert all(0.5 < y < 0.7 for line in axes.lines for y in line.get_ydata() if len(line.get_xdata()) > 2)


def test_limits_are_a_band_and_without_them_there_is_none(samples: SimpleNamespace) -> None:
    frame = samples.months([0.6, 0.61, 0.62])
    for given, patches in ((frame, 1), (frame.assign(lower=None, centre=None, upper=None), 0)):
        chart = trend_chart(given, label="Win rate")
        assert isinstance(chart, Chart)
        with drawing():
            assert len(chart.paint().axes[0].patches) == patches
    assert isinstance(trend_chart(frame[["period", "value", "n", "unit"]], label="Win rate"), Chart)


def test_one_period_is_enough_and_so_is_a_flat_line(samples: SimpleNamespace) -> None:
    assert isinstance(trend_chart(samples.months([0.6]), label="Win rate"), Chart)
    assert isinstance(trend_chart(samples.months([0.0, 0.0, 0.0]), label="Win rate"), Chart)
    assert isinstance(trend_chart(samples.months([None, None, 0.5]), label="Win rate"), Chart)


def test_months_are_named_with_their_year_once(samples: SimpleNamespace) -> None:
    chart = trend_chart(samples.months([0.6] * 12), label="Win rate")
    assert isinstance(chart, Chart)
    assert chart.title == "Win rate in %, Jan to Dec 2017, AC · own scale"
    words = samples.texts(samples.pictures(chart.html)[0])
    assert words.count("2017") == 1
    weeks = samples.months([0.6] * 3).assign(period=["2017-W40", "2017-W41", "2017-W42"])
    assert "W42 2017 so far" in trend_chart(weeks, label="w").text
    fiscal = samples.months([0.6] * 2).assign(period=["FY2018-M11", "FY2018-M12"])
    assert "M12 FY2018" in trend_chart(fiscal, label="w").text


def test_small_multiples(samples: SimpleNamespace) -> None:
    other = SimpleNamespace(name="revenue", label="Revenue", better="higher")
    block = trend_grid(samples.months([0.6, 0.61, 0.62]), [samples.win_rate, other])
    assert len(samples.pictures(block.html)) == 1
    assert "Revenue cannot be shown: " in block.text
    assert "scale of its own" in block.text
    assert trend_grid(samples.months([0.6]), []).text == "No metrics were given."


@pytest.mark.parametrize(("sure", "marked"), [(True, True), (False, False), (None, True)])
def test_a_signal_that_did_not_survive_is_not_marked_anywhere(
    sure: bool | None, marked: bool, samples: SimpleNamespace
) -> None:
    """The section's heading says then that the month is within normal variation."""
    frame = samples.watched([0.6, 0.61, 0.62, 0.9, 0.6], signal=True)
    frame = frame.drop(columns="significant") if sure is None else frame.assign(significant=sure)
    chart = trend_chart(frame, label="Win rate", better="higher")
    assert isinstance(chart, Chart)
    assert ("▲ 90.0%" in samples.texts(samples.pictures(chart.html)[0])) == marked
    assert ("Signals: Apr 2017" in chart.alt) == marked
    assert ("No signal among the periods" in chart.alt) != marked
    assert ("outside the limits" in chart.text) == marked
    # An earlier month is no claim that this report makes.
    earlier = frame.assign(latest=False)
    assert "Signals: Apr 2017" in trend_chart(earlier, label="Win rate").text


def test_no_signal_is_a_word_and_not_unknown(samples: SimpleNamespace) -> None:
    chart = trend_chart(samples.months([0.6, 0.61, 0.9, 0.6, 0.62], signal=2), label="Win rate")
    table = chart.html.split("<tbody>")[1]
    assert [row.rstrip("</tr>").rsplit("<bdi>", 1)[1].split("<")[0] for row in table.split("</tr>")[:-1]] == [
        "none", "none", "outside the limits", "none", "not over yet"
    ]  # fmt: skip
    assert "unknown" not in table
