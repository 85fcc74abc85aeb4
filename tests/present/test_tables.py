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
        "Total        5                 –        –             –",
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
    assert (
        table(FRAME.head(0), COLUMNS, caption="c", empty="no deal was lost").text
        == "Nothing to show: no deal was lost"
    )


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
