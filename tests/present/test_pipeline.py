"""Charts of the pipeline."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from spm_lib.present import Chart, funnel_chart, movement_chart
from spm_lib.present.drawing import drawing


def test_the_funnel_in_words_and_bars(samples: SimpleNamespace) -> None:
    chart = funnel_chart(
        samples.stages(["Prospecting", "Engaging"], [812, 1]).assign(value=[0.4, 1.0]), period="Q4 2017"
    )
    assert isinstance(chart, Chart)
    assert chart.alt.startswith(
        "812 deals reached Prospecting, and the lowest share to go on is 40.0% of 812 deals from Prospecting"
    )
    with drawing():
        (axes,) = chart.paint().axes
    assert axes.get_xlim() == (0, 812)
    words = samples.texts(samples.pictures(chart.html)[0])
    assert {"Prospecting", "Engaging", "812", "1", "40.0%", "40.0% to 60.0%"} <= set(words)


def test_a_single_deal_is_not_one_deals(samples: SimpleNamespace) -> None:
    chart = funnel_chart(samples.stages(["Only"], [1]))
    assert "1 deal reached Only" in chart.text
    assert "1 deals" not in chart.text


def test_the_movement_steps_from_start_to_end(samples: SimpleNamespace) -> None:
    chart = movement_chart(samples.movement(**samples.moved), period="Q4 2017")
    assert isinstance(chart, Chart)
    with drawing():
        (axes,) = chart.paint().axes
    assert axes.get_xlim()[0] == 0
    places = {round(p.get_y() + p.get_height() / 2): p for p in axes.patches if p.get_width()}
    ends = [places[at].get_x() + places[at].get_width() for at in sorted(places)]
    assert ends == pytest.approx([1000, 1500, 1550, 1530, 1230, 1100, 1100])
    words = samples.texts(samples.pictures(chart.html)[0])
    assert [w for w in words if w[:1] in "+−"] == ["+$500", "+$50", "−$20", "−$300", "−$130"]
    assert "$1,000" in words
    assert "the largest step is new with +$500" in chart.alt


def test_parts_in_any_order_are_told_in_theirs(samples: SimpleNamespace) -> None:
    upside_down = dict(reversed(samples.moved.items()))
    one, two = (movement_chart(samples.movement(**parts)) for parts in (samples.moved, upside_down))
    assert one.html == two.html


def test_what_did_not_happen_is_said_and_not_drawn(samples: SimpleNamespace) -> None:
    frame = samples.movement(start=10.0, new=0.0, lost=0.0, end=10.0)
    frame.loc[frame["part"].isin(["new", "lost"]), "n"] = 0
    chart = movement_chart(frame)
    assert isinstance(chart, Chart)
    assert "Nothing was new, transferred in, reopened," in chart.text
    assert "new" not in samples.texts(samples.pictures(chart.html)[0])


def test_an_empty_pipeline_that_stays_empty_is_drawn(samples: SimpleNamespace) -> None:
    assert isinstance(movement_chart(samples.movement(start=0.0, end=0.0)), Chart)


def test_a_movement_that_is_not_known_says_why(samples: SimpleNamespace) -> None:
    frame = samples.movement(start=0.0).assign(
        part=None, value=None, n=0, note="Not known: amounts are not recorded"
    )
    assert movement_chart(frame).text == "What moved the pipeline cannot be shown: amounts are not recorded."


def test_scales_of_money_are_shared_or_marked(samples: SimpleNamespace) -> None:
    own, shared = (movement_chart(samples.movement(**samples.moved), scale=s) for s in (None, 5000.0))
    assert isinstance(own, Chart)
    assert isinstance(shared, Chart)
    assert own.title.endswith("own scale")
    assert not shared.title.endswith("own scale")
    with drawing():
        assert shared.paint().axes[0].get_xlim() == (0, 5000)


def test_two_pipelines_are_two_funnels_on_one_scale(samples: SimpleNamespace) -> None:
    frame = samples.stages(["Talk", "Offer", "Due", "Quoted"], [80, 40, 9, 5])
    frame["pipeline"] = ["New", "New", "Renewal", "Renewal"]
    chart = funnel_chart(frame)
    assert isinstance(chart, Chart)
    (picture,) = samples.pictures(chart.html)
    words = samples.texts(picture)
    names = [w for w in words if w in ("New", "Talk", "Offer", "Renewal", "Due", "Quoted")]
    assert names == ["New", "Talk", "Offer", "Renewal", "Due", "Quoted"]
    with drawing():
        (axes,) = chart.paint().axes
    assert [p.get_width() for p in axes.patches] == [0, 80, 40, 0, 9, 5]
    assert "Renewal" in chart.text
    alone = funnel_chart(frame.assign(pipeline="New"))
    assert "New" not in samples.texts(samples.pictures(alone.html)[0])


def test_the_stage_that_most_deals_reached_is_named_by_its_own_name(samples: SimpleNamespace) -> None:
    frame = samples.stages(["Due", "Quoted", "Talk", "Offer"], [9, 5, 80, 40])
    frame["pipeline"] = ["Early", "Early", "New", "New"]
    chart = funnel_chart(frame)
    assert isinstance(chart, Chart)
    assert chart.alt.startswith("80 deals reached Talk, ")
