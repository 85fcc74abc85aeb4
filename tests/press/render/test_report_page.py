"""The report page."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from spm_lib.errors import RunError
from spm_lib.press.notebook import PUBLISHED_MIME
from spm_lib.press.render.report import Facts, render

from .test_clean import ATTACKS, dangers

PNG = "iVBORw0KGgo="
FACTS = Facts(
    team_name="West <b>",
    period_title="Q4 2017",
    as_of=dt.date(2018, 1, 2),
    data_date=dt.date(2017, 12, 31),
    currency="USD",
    source="maven",
    parameters={"team": "w<i>", "top_deals": 5, "names": ["a<u>"]},
    versions={"python": "3.11.1"},
    warnings=("Old <data>",),
)


def cell(*outputs: nbformat.NotebookNode, source: str = "show()", tag: str = "") -> nbformat.NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": [tag]} if tag else {})


def shown(data: dict[str, Any], **metadata: Any) -> nbformat.NotebookNode:
    return new_output("display_data", data=data, metadata=metadata)


def page(*cells: nbformat.NotebookNode, facts: Facts = FACTS, code: bool = False) -> str:
    return render(new_notebook(cells=list(cells)), facts, code=code)[0]


def main_of(html: str) -> str:
    return html.split("<main", 1)[1].split("</main>")[0]


def test_the_frame_of_a_page() -> None:
    html = page(
        new_markdown_cell("# Are we on track?\n\nWhat changed?"),
        cell(shown({PUBLISHED_MIME: {"version": 1, "headline": "West is late & <slow>"}})),
        new_markdown_cell("# Another top heading\n\n## Section"),
    )
    assert html.startswith('<!doctype html>\n<html lang="en">')
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert html.index("Content-Security-Policy") < html.index("<style>")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert "<title>West is late &amp; &lt;slow&gt; · West &lt;b&gt; · Q4 2017</title>" in html
    assert re.findall(r"<h1.*?</h1>", html) == ["<h1>West is late &amp; &lt;slow&gt;</h1>"]
    assert '<p class="question">Are we on track?</p>' in html
    assert re.findall(r"<h2>(.*?)</h2>", main_of(html)) == ["Another top heading", "Section"]
    assert 'href="#main"' in html and '<main id="main"' in html
    assert "West &lt;b&gt; · Q4 2017 · data to 2017-12-31 · amounts in USD" in html
    assert "Old &lt;data&gt;" in html
    footer = html.split("<footer")[1]
    for text in (
        "2018-01-02",
        "2017-12-31, from maven",
        "w&lt;i&gt;",
        "top_deals",
        "python 3.11.1",
        "a\\u003cu",
    ):
        assert text in footer
    assert "http:" not in html and "https:" not in html and "<script" not in html


def test_without_a_headline_the_notebooks_title_heads_the_page() -> None:
    html = page(new_markdown_cell("# Are we on track?"))
    assert html.count("Are we on track?</h1>") == 1
    assert 'class="question"' not in html
    assert "<h1>Report</h1>" in page(cell(), facts=Facts())


def test_a_headline_that_the_notebook_shows_too_is_said_once() -> None:
    said = shown({"text/html": '<h2 class="spm-headline">West &amp; co  is late</h2>'})
    other = shown({"text/html": "<h2>West is early</h2><p>West &amp; co is late</p>"})
    html = page(cell(said), cell(other), cell(shown({PUBLISHED_MIME: {"headline": "West & co is late"}})))
    assert re.findall(r"<h\d.*?</h\d>", html.split("<footer")[0]) == [
        "<h1>West &amp; co is late</h1>",
        "<h2>West is early</h2>",
    ]


def test_code_is_not_shown_but_folded_on_request() -> None:
    cells = (
        cell(source="team = 'a'", tag="parameters"),
        cell(source="team = 'secret'", tag="injected-parameters"),
        cell(new_output("stream", text="hidden words"), source="hidden()", tag="hide"),
        cell(new_output("stream", text="42\n"), source="a < b"),
    )
    html = main_of(page(*cells))
    assert "a &lt; b" not in html and "<pre tabindex='0'>42</pre>" in html
    folded = main_of(page(*cells, code=True))
    assert folded.count("<details") == 1 and "<code>a &lt; b</code>" in folded
    for text in ("team = ", "secret", "hidden"):
        assert text not in html + folded


@pytest.mark.parametrize("attack", [*ATTACKS, "\x1b[31mred\x1b[0m <b>", "</code></pre><script>x</script>"])
def test_one_hostile_text_through_every_part(attack: str) -> None:
    facts = Facts(
        team_name=attack, period_title=attack, currency=attack, source=attack, parameters={"a": attack, "b": [attack]},
        versions={"x": attack}, warnings=(attack,),
    )  # fmt: skip
    error = new_output("error", ename=attack, evalue=attack, traceback=[attack])
    cells = (
        new_markdown_cell(f"# {attack}\n\n{attack}"),
        cell(new_output("stream", text=attack), source=attack),
        cell(error),
        cell(new_output("error", ename=attack, evalue=attack, traceback=[])),
        cell(shown({"text/plain": attack})),
        cell(shown({"text/html": f"<table><tr><td>{attack}</td></tr></table>".replace("<img", "<hr")})),
        cell(shown({"text/markdown": f"**{attack}**"})),
        cell(shown({"image/png": PNG}, **{"image/png": {"alt": attack, "width": attack}})),
        cell(shown({"application/javascript": attack, "text/plain": attack})),
        cell(shown({"image/svg+xml": attack})),
        cell(shown({PUBLISHED_MIME: {"version": 1, "headline": attack}})),
    )
    html = page(*cells, facts=facts, code=True)
    head, body = html.split("</head>")
    assert dangers(body) == ["body"]
    assert re.findall(r"<(\w+)", head.split("<style>")[0] + head.split("</style>")[1]) == [
        "html", "head", "meta", "meta", "meta", "meta", "title",
    ]  # fmt: skip


def test_outputs_that_a_page_cannot_show_are_named() -> None:
    book = new_notebook(
        cells=[
            cell(shown({"application/javascript": "x", "text/plain": "<Javascript>"}), source="script()"),
            cell(shown({"image/svg+xml": "<svg/>", "image/png": PNG}, **{"image/png": {"alt": "Shown"}})),
            cell(shown({"text/html": '<img src="a.png" alt="Lost">'}), source="lost()"),
        ]
    )
    html, notes = render(book, FACTS)
    assert notes == (
        "cell 1 (script()): an output of type application/javascript was left out",
        "cell 3 (lost()): a picture that is no part of the notebook was left out",
    )
    assert "Javascript" not in html and 'alt="Shown"' in html


@pytest.mark.parametrize(
    "output",
    [
        shown({"image/png": PNG}),
        shown({"image/png": PNG}, **{"image/png": {"alt": "  "}}),
        shown(
            {"image/png": PNG}, **{"image/png": {"alt": "No description has been provided for this image"}}
        ),
        shown({"image/png": PNG}, alt="<Figure size 640x480 with 1 Axes>"),
        shown({"image/jpeg": PNG}, **{"image/png": {"alt": "of another picture"}}),
        shown({"text/html": f'<p><img src="data:image/png;base64,{PNG}"></p>'}),
        shown({"text/html": f'<p><img src="data:image/png;base64,{PNG}" alt=""></p>'}),
    ],
)
def test_a_picture_without_words_fails_the_build(output: nbformat.NotebookNode) -> None:
    injected = cell(source="team = 'a'", tag="injected-parameters")
    with pytest.raises(RunError, match=r"cell 2 \(plot\(\)\): a picture has no text"):
        page(new_markdown_cell("# Title"), injected, cell(output, source="# see\nplot()"))


def test_a_picture_with_words() -> None:
    html = page(
        cell(shown({"image/png": f"{PNG[:4]}\n{PNG[4:]}"}, **{"image/png": {"alt": 'A "b"', "width": 30}}))
    )
    assert f'<img src="data:image/png;base64,{PNG}" alt="A &quot;b&quot;" width="30">' in html


def test_papermills_metadata_do_not_reach_the_page() -> None:
    book = new_notebook(cells=[cell()], metadata={"papermill": {"parameters": {"token": "hush-hush"}}})
    assert "hush-hush" not in render(book, FACTS, code=True)[0]
