"""What clean HTML says, as plain values."""

from __future__ import annotations

import pandas as pd
import pytest

from spm_lib.present import Column, definitions, table
from spm_lib.present import clean as shown_name
from spm_lib.present.display import Block
from spm_lib.press.render.clean import clean
from spm_lib.press.render.markdown import render_markdown
from spm_lib.press.render.parts import KeyFigures, Picture, Table, Words, parts_of

from ..books import chart, strip
from .test_clean import ATTACKS


def parts(block: Block | str) -> list:
    return parts_of(clean(str(block.html if isinstance(block, Block) else block)).html)


def said(found: list) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in found if isinstance(part, Words)]


def test_key_figures() -> None:
    (found,) = parts(strip("Revenue", "Net <b>"))
    assert isinstance(found, KeyFigures)
    one, two = found.figures
    assert (one.label, one.value, one.sureness) == ("Revenue", "$1,000", "n 3 · $1 to $2")
    assert [(line.text, line.tone) for line in one.against] == [("▼ −$5,000 on Q3 2017, worse", "bad")]
    assert two.label == "Net <b>" and two.against[0].tone == "neutral"


def test_a_figure_is_its_message_title_picture_notes_and_short_data() -> None:
    found = parts(chart("Ann", "Bob"))
    assert [type(part) for part in found] == [Words, Words, Picture, Words, Table]
    assert found[0] == Words("message", "One is behind.")
    assert found[1].kind == "note" and found[1].text.startswith("Quota attainment in % of quota")
    assert found[2].source.startswith("data:image/svg+xml;base64,") and "Bob" in found[2].alt
    assert found[2].width and found[2].height
    assert [row[0].text for row in found[4].rows] == ["Ann", "Bob"]
    assert [cell.number for cell in found[4].heads][:2] == [False, True]
    assert not any(isinstance(part, Table) for part in parts(chart(*"ABCDEFG"))), (
        "seven rows are no short data"
    )


def test_tables_with_totals_tones_and_small_trends() -> None:
    frame = pd.DataFrame({"team": ["West", None], "gap": [-5.0, 5.0], "way": [(1, 2, 3), (3, 2, 1)]})
    columns = {
        "team": "Team",
        "gap": Column("Gap", "difference", of="currency", better="higher"),
        "way": Column("Way", "trend", of="count"),
    }
    found = next(
        p
        for p in parts(table(frame, columns, caption="Teams", total={"team": "Total", "gap": 0}))
        if isinstance(p, Table)
    )
    assert found.caption == "Teams"
    assert [cell.text for cell in found.heads] == ["Team", "Gap"], "a column of pictures alone is left out"
    assert [[c.text for c in row] for row in found.rows] == [["West", "▼ −$5"], ["–", "▲ +$5"]]
    assert [row[1].tone for row in found.rows] == ["bad", "good"]
    assert [[c.text for c in row] for row in found.totals] == [["Total", "► $0"]]


def test_words_of_all_kinds() -> None:
    html = (
        "<h2>A <b>b</b></h2><div>loose <em>text</em><p>para<br>graph</p>tail</div>"
        '<p class="spm spm-note">small</p><ul><li>one</li><li>two <p>deep</p></li></ul><pre>a\n  b</pre>'
        "<details><summary>more</summary><p>folded</p></details><p> </p>"
    )
    assert said(parts(html)) == [
        ("heading", "A b"), ("paragraph", "loose text"), ("paragraph", "para graph"), ("paragraph", "tail"),
        ("note", "small"), ("item", "one"), ("paragraph", "two"), ("paragraph", "deep"), ("pre", "a\n  b"),
    ]  # fmt: skip


def test_definitions_and_markdown_are_read_too() -> None:
    class Metric:
        label, unit, better, definition = "Win rate", "share", "higher", "Won of decided."

    assert said(parts(definitions([Metric()]))) == [
        ("paragraph", "Win rate"), ("paragraph", "Won of decided. In %; higher is better."),
    ]  # fmt: skip
    markdown = render_markdown("## Head\n\n- a\n- b\n\n| x | y |\n|---|--:|\n| 1 | 2 |", own=True).html
    found = parts_of(markdown)
    assert said(found) == [("heading", "Head"), ("item", "a"), ("item", "b")]
    assert isinstance(found[-1], Table) and [c.number for c in found[-1].rows[0]] == [False, True]


def test_tables_of_other_libraries() -> None:
    html = pd.DataFrame({"a": [1], "b": ["<x>"]}).to_html()
    (found,) = parts(html)
    assert [[c.text for c in row] for row in (found.heads, *found.rows)] == [
        ["", "a", "b"],
        ["0", "1", "<x>"],
    ]
    spanned = parts("<table><tr><th colspan='2'>head</th></tr><tr><td>1</td><td>2</td></tr></table>")
    assert [[c.text for c in row] for row in spanned[0].rows] == [["head", ""], ["1", "2"]]


def test_a_picture_inside_a_line_is_not_lost() -> None:
    picture = '<img alt="A" src="data:image/png;base64,aa==" width="30" height="20">'
    assert [type(p) for p in parts(f"<p>before <span>{picture}</span> after</p>")] == [Words, Picture, Words]


@pytest.mark.parametrize("attack", ATTACKS)
def test_any_text_stays_whole(attack: str) -> None:
    (found,) = parts(strip(attack))
    assert [figure.label for figure in found.figures] == [shown_name(attack)]
