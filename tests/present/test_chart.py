"""What every chart has: an alt text that states the finding, a title, its data, and words where there are no data."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from spm_lib import present
from spm_lib.errors import ParameterError
from spm_lib.present import Chart
from spm_lib.present.chart import dimension_of, draw_chart
from spm_lib.theme import Look


@pytest.mark.parametrize("alt", ["", "  \n", "No description has been provided for this image"])
def test_a_chart_without_alt_text_is_refused(alt: str) -> None:
    with pytest.raises(ParameterError, match="State the finding"):
        draw_chart(lambda: Figure(figsize=(1, 1)), alt=alt, title="t")


def test_every_chart_has_its_words_and_data(samples: SimpleNamespace) -> None:
    charts = {what: b for what, b in samples.every_block("Name").items() if isinstance(b, Chart)}
    assert len(charts) == 16
    for what, chart in charts.items():
        found = samples.taken_apart(chart.html)
        (image,) = found.named("img")
        assert image["alt"] == chart.alt
        assert len(chart.alt) > (3 if what == "attainment" else 30), what
        assert int(image["width"] or 0) > 100
        assert int(image["height"] or 0) > 50
        assert len(found.named("details")) == len(found.named("table")) == len(found.named("caption")) == 1
        assert chart.title in found.words
        assert "AC" in chart.title
        assert {"scope"} <= set(found.named("th")[0])


def test_money_names_its_currency_in_the_title(samples: SimpleNamespace) -> None:
    chart = present.mix_chart(
        samples.compared(["a"], [5.0], [4.0]), label="Revenue", period="Q4 2017", look=Look("EUR")
    )
    assert isinstance(chart, Chart)
    assert chart.title == "Revenue in EUR, Q4 2017, AC, PP · own scale"


EMPTY = [
    lambda f: present.attainment_chart(f),
    lambda f: present.coverage_chart(f),
    lambda f: present.mix_chart(f, label="Revenue"),
    lambda f: present.trend_chart(f, label="Win rate"),
    lambda f: present.movement_chart(f),
    lambda f: present.funnel_chart(f),
]


@pytest.mark.parametrize("draw", EMPTY)
def test_no_rows_and_no_values_are_told_with_the_reason(draw: object, samples: SimpleNamespace) -> None:
    frame = samples.attainment(["a", "b"], [None, None]).assign(
        note="there is no table of quotas", n=0, period="2017-Q4"
    )
    for empty in (
        frame,
        frame.head(0),
        frame.assign(note=None),
        frame.assign(value=pd.NA),
        frame.drop(columns="note"),
    ):
        block = draw(empty)  # type: ignore[operator]
        assert "cannot be shown: " in block.text
        assert not isinstance(block, Chart)
    assert "there is no table of quotas" in draw(frame).text  # type: ignore[operator]


def test_rows_are_named_by_names_where_there_are_any(samples: SimpleNamespace) -> None:
    assert dimension_of(samples.attainment(["a"], [1.0])) == "rep_name"
    assert dimension_of(pd.DataFrame({"period": [1], "source": ["web"], "value": [1.0]})) == "source"
    assert dimension_of(pd.DataFrame({"value": [1.0]})) == "value"
    assert dimension_of(pd.DataFrame({"a_name": [1], "b": [2]}), "b") == "b"


def test_png_for_mails(samples: SimpleNamespace) -> None:
    chart = samples.every_block("Name")["mix"]
    small, large = chart.png(1.0), chart.png(2.0)
    assert small.startswith(b"\x89PNG")
    assert int.from_bytes(large[16:20], "big") == 2 * int.from_bytes(small[16:20], "big") == 780
