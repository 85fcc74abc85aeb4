"""A measure by product or source."""

from __future__ import annotations

from types import SimpleNamespace

from spm_lib.present import Chart, mix_chart, mix_charts
from spm_lib.present.drawing import drawing


def test_actual_and_previous_with_judged_differences(samples: SimpleNamespace) -> None:
    frame = samples.compared(["a", "b", "c"], [900.0, 500.0, 80.0], [500.0, 700.0, 79.0])
    chart = mix_chart(frame, label="Revenue", period="Q4 2017", previous="Q3 2017")
    words = samples.texts(samples.pictures(chart.html)[0])
    assert {"▲ +$400", "▼ −$200", "▲ +$1", "$900", "AC", "AC − PP"} <= set(words)
    assert "In front: actual (AC). Behind it: Q3 2017 (PP)." in chart.text
    assert "Revenue is largest in a with $900, ▲ +$400 on Q3 2017" in chart.text
    fills = samples.pictures(chart.html)[0]
    coloured = [
        e.text for e in fills.iter() if "#0072b2" in e.get("style", "") or "#b34700" in e.get("style", "")
    ]
    assert coloured == ["▲ +$400", "▼ −$200"]


def test_without_a_comparison_there_is_none(samples: SimpleNamespace) -> None:
    frame = samples.compared(["a"], [900.0], [None]).drop(columns=["previous", "difference", "significant"])
    chart = mix_chart(frame, label="Deals")
    assert "PP" not in chart.text


def test_an_unknown_previous_is_not_zero(samples: SimpleNamespace) -> None:
    chart = mix_chart(samples.compared(["a", "b"], [900.0, 5.0], [None, 3.0]), label="Revenue")
    row = next(line for line in chart.text.splitlines() if line.startswith("a "))
    assert "–" in row
    assert "▲" not in row


def test_the_largest_are_drawn_and_the_table_holds_all(samples: SimpleNamespace) -> None:
    names = [f"p{i}" for i in range(20)]
    frame = samples.compared(names, [float(i) for i in range(20)], [1.0] * 20)
    chart = mix_chart(frame, label="Revenue", limit=12)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert "p19" in words
    assert "p7" not in words
    assert "8 smaller rows stand in the table." in chart.text
    assert all(name in chart.text for name in names)


def test_bars_begin_at_zero_even_where_refunds_are(samples: SimpleNamespace) -> None:
    chart = mix_chart(samples.compared(["a", "b"], [10.0, -5.0], [1.0, 1.0]), label="Revenue")
    assert isinstance(chart, Chart)
    with drawing():
        low, high = chart.paint().axes[0].get_xlim()
    assert low == -5
    assert high == 10


def test_a_group_without_a_name_is_shown(samples: SimpleNamespace) -> None:
    chart = mix_chart(samples.compared([None, "b"], [5.0, 6.0], [4.0, 4.0]), label="Revenue")
    assert "(none)" in samples.texts(samples.pictures(chart.html)[0])


def test_where_no_row_has_a_name_there_is_no_mix(samples: SimpleNamespace) -> None:
    block = mix_chart(samples.compared([None], [5.0], [4.0]), label="Revenue")
    assert block.text == "Revenue cannot be shown: the deals carry no product."


def test_side_by_side_they_have_one_scale_and_one_place_for_names_and_figures(
    samples: SimpleNamespace,
) -> None:
    frames = {
        "Revenue by person": samples.compared(["Ann", "Bob"], [900.0, 5.0], [500.0, 3.0]),
        "Revenue by product": samples.compared(["A product of a long name"], [100.0], [2000.0]),
        "Revenue by source": samples.compared([None], [5.0], [4.0]),
    }
    charts = mix_charts(frames, period="Q4 2017", messages={"Revenue by person": "Ann brings in most."})
    drawn = []
    for chart in charts:
        assert isinstance(chart, Chart)
        assert "own scale" not in chart.title
        with drawing():
            figure = chart.paint()
        (axes,) = figure.axes
        box = axes.get_position()
        drawn.append((axes.get_xlim(), round(box.x0, 6), round(box.x1, 6)))
    assert len(drawn) == 2, "what carries no source is left out"
    assert drawn[0] == drawn[1]
    assert drawn[0][0] == (0, 2000)
    assert "Ann brings in most." in charts.text


def test_where_nothing_can_be_split_one_line_says_so(samples: SimpleNamespace) -> None:
    charts = mix_charts({"Revenue by source": samples.compared([None], [5.0], [4.0])})
    assert [block.text for block in charts] == [
        "Revenue by source cannot be shown: the deals carry no product."
    ]
    assert mix_charts({}).text == "The split cannot be shown: no rows were given."


def test_nothing_but_refunds_is_drawn(samples: SimpleNamespace) -> None:
    chart = mix_chart(samples.compared(["a"], [-5.0], [-3.0]), label="Revenue")
    assert isinstance(chart, Chart)
    with drawing():
        assert chart.paint().axes[0].get_xlim() == (-5, 1)
