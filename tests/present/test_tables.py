"""Tables."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd

from spm_lib.present import Column, table
from spm_lib.theme import Look

FRAME = pd.DataFrame(
    {
        "name": ["Ann", None],
        "value": [1234.0, float("nan")],
        "low": [1000.0, float("nan")],
        "high": [1500.0, float("nan")],
        "change": [-100.0, float("nan")],
        "unit": ["currency", "share"],
        "day": [dt.date(2017, 12, 31), None],
        "note": [None, "met"],
    }
)
COLUMNS = {
    "name": "Rep",
    "value": Column("Revenue", ":", of=":unit"),
    "low": Column("95% interval", "interval", high="high", of="currency"),
    "change": Column("Change", "difference", of="currency"),
    "day": Column("Closed", "date"),
}


def test_caption_scopes_and_figures(samples: SimpleNamespace) -> None:
    block = table(
        FRAME,
        COLUMNS,
        caption="Revenue by rep",
        look=Look(),
        total={"name": "Total", "value": 5, "unit": "count"},
    )
    found = samples.taken_apart(block.html)
    assert len(found.named("caption")) == 1
    assert [th["scope"] for th in found.named("th")] == ["col"] * 5 + ["row"] * 3
    assert len(found.named("tfoot")) == 1
    assert block.text.splitlines() == [
        "Revenue by rep",
        "Rep    Revenue      95% interval   Change        Closed",
        "Ann     $1,234  $1,000 to $1,500  ▼ −$100  Dec 31, 2017",
        "–          met                 –        –             –",
        "Total        5",
    ]


def test_the_unknown_is_read_aloud() -> None:
    html = table(FRAME, {"name": "Rep", "day": Column("Closed", "date")}, caption="c").html
    assert html.count('<span class="spm-sr">unknown</span>') == 2


def test_rows_left_out_are_counted() -> None:
    frame = pd.DataFrame({"name": [f"r{i}" for i in range(1203)]})
    assert table(frame, {"name": "Rep"}, caption="c").text.endswith("1,003 more rows not shown")
    assert table(frame.head(3), {"name": "Rep"}, caption="c", limit=2).text.endswith("1 more row not shown")
    assert "not shown" not in table(frame.head(3), {"name": "Rep"}, caption="c").text


def test_no_rows_is_said() -> None:
    assert table(FRAME.head(0), COLUMNS, caption="c", empty="no deal was lost").text == "No deal was lost."


def test_empty_text_stays_empty_and_prose_is_not_cut() -> None:
    long = "why " * 40
    block = table(
        pd.DataFrame({"a": [""], "b": [long], "c": [long]}),
        {"a": "A", "b": "B", "c": Column("C", "prose")},
        caption="c",
    )
    assert '<th scope="row"></th>' in block.html
    assert block.html.count("<bdi title=") == 1


def test_a_unit_that_does_not_exist_is_a_dash_and_no_crash() -> None:
    frame = pd.DataFrame({"a": ["x"], "v": [1.0], "unit": ["furlong"]})
    assert "–" in table(frame, {"a": "A", "v": Column("V", ":unit")}, caption="c").text


def test_differences_are_judged_by_sign_and_by_what_survives(samples: SimpleNamespace) -> None:
    frame = pd.DataFrame(
        {"name": ["a", "b", "c", "d"], "by": [5.0, -5.0, 5.0, 0.0], "sure": [True, True, None, True]}
    )
    column = Column("Change", "difference", of="days", better="lower", sure="sure")
    html = table(frame, {"name": "Rep", "by": column}, caption="c").html
    assert '<span class="spm-bad">▲ +5 days</span>' in html
    assert '<span class="spm-good">▼ −5 days</span>' in html
    assert html.count("<span class=") == 2, "what chance explains, and what did not move, has no colour"
    plain = table(frame, {"name": "Rep", "by": Column("Change", "difference", of="days")}, caption="c").html
    assert "<span class=" not in plain


def test_a_team_is_a_name_with_its_id_for_the_press_to_link(samples: SimpleNamespace) -> None:
    frame = pd.DataFrame({"team": ['w"><b>', None], "name": ["West <b>", "No team"]})
    block = table(frame, {"name": Column("Team", "team", key="team")}, caption="c")
    found = samples.taken_apart(block.html)
    assert [span["data-team"] for span in found.named("span") if "data-team" in span] == ['w"><b>']
    assert found.named("b") == []
    assert "West <b>" in block.text


def test_a_trend_is_a_small_picture_with_words(samples: SimpleNamespace) -> None:
    frame = pd.DataFrame({"name": ["a", "b", "c"], "low": [0.0, None, 0.0], "high": [9.0, None, 9.0]})
    frame["way"] = [[1.0, None, 3.0], [2.0, 4.0], [1.0]]
    block = table(
        frame,
        {"name": "Rep", "way": Column("Wins", "trend", of="count", low="low", high="high")},
        caption="c",
    )
    alts = [img["alt"] for img in samples.taken_apart(block.html).named("img")]
    assert alts == ["Wins: from 1 to 3", "Wins: from 2 to 4"]
    assert "1 to 3" in block.text
    assert block.html.count('class="spm-sr">unknown') == 1, "one value is no trend"
    one, two = samples.pictures(block.html)
    paths = [[e for e in svg.iter() if e.tag.endswith("path")] for svg in (one, two)]
    assert [len(p) for p in paths] == [2, 1], "a band only where there are limits"
    assert {(e.get("width"), e.get("height")) for e in (one, two)} == {("112", "26")}


def test_a_written_figure_is_shown_as_it_is_and_judged_beside() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "what": ["▼ 12.0%", None], "tone": ["bad", "neutral"]})
    html = table(frame, {"name": "Rep", "what": Column("July", "written", tone="tone")}, caption="c").html
    assert '<td class="spm-num"><span class="spm-bad">▼ 12.0%</span></td>' in html
    assert 'class="spm-sr">unknown' in html


def test_the_total_is_the_last_row_and_remarks_follow_the_table(samples: SimpleNamespace) -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "v": [1.0, 2.0], "text": ["x", "y"]})
    block = table(
        frame,
        {"name": "Rep", "v": Column("V", "count"), "text": "T"},
        caption="c",
        total={"name": "Total", "v": 3.0},
        notes=["n: deals.", ""],
    )
    assert block.text.splitlines()[-2:] == ["Total  3", "n: deals."]
    assert (
        '<tfoot><tr><th scope="row"><bdi>Total</bdi></th><td class="spm-num">3</td><td></td></tr></tfoot>'
        in block.html
    )
