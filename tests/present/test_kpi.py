"""Key figures."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from spm_lib.present import Against, Kpi, kpi_strip
from spm_lib.present.drawing import sparkline
from spm_lib.theme import Look


def test_a_key_figure_says_all_that_a_reader_needs() -> None:
    kpi = Kpi(
        "Win rate", 0.632, "share", 46, 0.581, 0.679, "higher", (Against("Q3 2017", 0.041, True),), "goal 60%"
    )
    block = kpi_strip([kpi], Look())
    assert block.text == "Win rate: 63.2%; goal 60%; ▲ +4.1 pts on Q3 2017, better; n 46 · 58.1% to 67.9%"
    assert 'class="spm-kpi-against spm-good"' in block.html


def test_colour_is_never_alone_and_noise_is_neutral() -> None:
    worse = Kpi(
        "Cycle", 52, "days", 9, better="lower", against=(Against("Q3", 4, True), Against("2016", -4, False))
    )
    block = kpi_strip([worse])
    assert "▲ +4 days on Q3, worse" in block.text
    assert "▼ −4 days on 2016, within normal variation" in block.text
    assert "spm-bad" in block.html
    assert "spm-good" not in block.html


def test_without_an_interval_a_difference_is_judged_but_not_excused() -> None:
    text = kpi_strip([Kpi("Revenue", 10, "currency", 3, better="higher", against=(Against("Q3", -5),))]).text
    assert text == "Revenue: $10; ▼ −$5 on Q3, worse; n 3"


def test_the_unknown_is_a_dash_for_eyes_and_a_word_for_ears() -> None:
    block = kpi_strip([Kpi("Conversion", None, "share", 0, note="there is no table of leads")])
    assert '<span aria-hidden="true">–</span><span class="spm-sr">unknown</span>' in block.html
    assert block.text == "Conversion: unknown; n 0 · there is no table of leads"


def test_a_quota_that_is_met_says_so() -> None:
    assert kpi_strip([Kpi("Coverage", None, "ratio", 4, note="met")]).text == "Coverage: met; n 4"


def test_a_row_of_a_comparison_makes_a_key_figure() -> None:
    row = pd.DataFrame(
        {
            "metric": ["win_rate"], "value": [0.6], "n": [46], "low": [0.5], "high": [0.7], "unit": ["share"],
            "note": [None], "difference": [0.02], "significant": [False],
        }
    ).to_dict("records")[0]  # fmt: skip
    kpi = Kpi.from_row(row, "Win rate", better="higher", against="Q3 2017", trend=[0.5, None, 0.6])
    assert kpi.against == (Against("Q3 2017", 0.02, False),)
    assert kpi.note is None
    assert kpi.trend == (0.5, None, 0.6)
    assert Kpi.from_row(row, "Win rate").against == ()


def test_a_row_with_nothing_to_compare_says_unknown() -> None:
    row = {"value": 0.6, "n": 4, "unit": "share", "difference": float("nan"), "significant": float("nan")}
    assert "on Q3: unknown" in kpi_strip([Kpi.from_row(row, "Win rate", against="Q3")]).text


def test_no_key_figures_is_said() -> None:
    assert kpi_strip([]).text == "No key figures were given."


def test_a_trend_is_drawn_only_where_there_is_one(samples: SimpleNamespace) -> None:
    block = kpi_strip([Kpi("A", 1, "count", trend=(1, 2, 3)), Kpi("B", 1, "count", trend=(None, 2))])
    assert len(samples.pictures(block.html)) == 1
    assert [attrs["alt"] for attrs in samples.taken_apart(block.html).named("img")] == [
        "A over 3 complete periods: from 1 to 3"
    ]


def test_sparklines() -> None:
    def path(*values: object) -> str:
        return sparkline(values).split(' d="')[1].split('"')[0]

    assert sparkline([]) == sparkline([None, 1.0]) == ""
    assert path(1, 2, 3).count("M") == 1
    assert "<circle" in sparkline([1, 2, 3])
    gap = path(1, 2, None, 3, 4)
    assert gap.count("M") == 2
    assert gap.count("L") == 2
    assert "<circle" not in sparkline([1, 2, None])
    assert "nan" not in sparkline([5, 5, 5])
