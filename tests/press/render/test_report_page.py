"""The report page."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import spm_lib
from spm_lib.errors import RunError
from spm_lib.press.index_lines import STATUSES
from spm_lib.press.notebook import PUBLISHED_MIME
from spm_lib.press.render.blocks import body_of
from spm_lib.press.render.facts import Facts
from spm_lib.press.render.pages import TEMPLATES
from spm_lib.press.render.report import ReportExporter, render
from spm_lib.press.standing import VERDICTS

from ..books import book, chart, report, strip
from ..books import shown as drawn
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
    made = new_notebook(cells=list(cells))
    return render(made, facts, body_of(made, code=code))[0]


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
    assert '<p class="context">West &lt;b&gt; · Q4 2017</p>' in html
    assert re.findall(r'<h2 id="([\w-]*)-name"><a class="name" href="#\1">(.*?)</a></h2>', main_of(html)) == [
        ("another-top-heading", "Another top heading"),
        ("section", "Section"),
    ]
    assert 'href="#main"' in html and '<main id="main"' in html
    about = "data to Dec 31, 2017, 2 days before the day of this report · amounts in USD"
    assert f'<p class="question">Are we on track? · {about}</p>' in html
    assert "Old &lt;data&gt;" in html
    footer = html.split("<footer")[1]
    for text in (
        "Jan 2, 2018",
        "Data to Dec 31, 2017, 2 days before the day of this report; source maven",
        "w&lt;i&gt;",
        "top_deals",
        "python 3.11.1",
        "a\\u003cu",
    ):
        assert text in footer
    assert "http:" not in html and "https:" not in html and "<script" not in html


def test_without_a_headline_the_notebooks_title_heads_the_page() -> None:
    html = page(new_markdown_cell("# Are we on track?"), facts=Facts())
    assert html.count("Are we on track?</h1>") == 1
    assert 'class="question"' not in html and 'class="context"' not in html
    assert "<h1>Report</h1>" in page(cell(), facts=Facts())


def test_a_headline_that_the_notebook_shows_too_is_said_once() -> None:
    said = shown({"text/html": '<h2 class="spm-headline">West &amp; co  is late</h2>'})
    other = shown({"text/html": "<h2>West is early</h2><p>West &amp; co is late</p>"})
    html = page(cell(said), cell(other), cell(shown({PUBLISHED_MIME: {"headline": "West & co is late"}})))
    assert re.findall(r"<h1>.*?</h1>|<h2>.*?</h2>", html.split("<footer")[0]) == [
        "<h1>West &amp; co is late</h1>",
        "<h2>West is early</h2>",
    ]
    assert html.count("West &amp; co is late") == 3, "title, heading, and another output"


def test_code_is_not_shown_but_folded_on_request() -> None:
    cells = (
        cell(source="team = 'a'", tag="parameters"),
        cell(source="team = 'secret'", tag="injected-parameters"),
        cell(new_output("stream", text="hidden words"), source="hidden()", tag="hide"),
        cell(new_output("stream", text="42\n"), source="a < b"),
    )
    html = main_of(page(*cells))
    assert "a &lt; b" not in html
    assert '<pre class="scroll" role="group" tabindex="0" aria-label="Output of cell 3">42</pre>' in html
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
    assert "hush-hush" not in render(book, FACTS, body_of(book, code=True))[0]


class _Shape(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


LONG = [f"## Section {letter}\n\ntext" for letter in "ABC"]


@pytest.mark.parametrize("code", [False, True])
def test_every_section_can_be_linked_to_and_every_reference_leads_somewhere(code: bool) -> None:
    made = book(
        *report().cells, *LONG, drawn(chart("Ann", "Bob")), drawn(chart("Cy")), drawn(strip("Revenue"))
    )
    html = render(made, FACTS, body_of(made, code=code))[0]
    shape = _Shape(html)
    ids = shape.all("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in shape.all("href") if link.startswith("#")} <= set(ids)
    assert {ref for refs in shape.all("aria-labelledby") for ref in refs.split()} <= set(ids)
    contents = html.split("<nav")[1].split("</nav>")[0]
    assert re.findall(r'href="#([^"]*)">([^<]*)<', contents) == [
        ("who-is-on-track", "Who is on track"), ("what-it-means", "What it means"), ("section-a", "Section A"),
        ("section-b", "Section B"), ("section-c", "Section C"), ("about", "About this report"),
    ]  # fmt: skip
    assert (shape.count("main"), shape.count("header"), shape.count("footer"), shape.count("h1")) == (
        1,
        1,
        1,
        1,
    )
    levels = [int(tag[1]) for tag, _ in shape.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels


def test_a_short_page_has_no_contents_list() -> None:
    assert "<nav" not in page(new_markdown_cell("## A\n\ntext"), new_markdown_cell("## B\n\ntext"))


def test_a_section_reads_as_its_finding_with_its_name_above() -> None:
    html = main_of(render(report(), FACTS)[0])
    name = '<a class="name" href="#who-is-on-track">Who is on track</a>'
    finding = '<span class="finding">One is behind.</span>'
    assert f'<h2 id="who-is-on-track-name">{name}<span class="spm-sr">: </span>{finding}</h2>' in html
    assert html.count("One is behind.") == 1
    assert html.index("spm-kpis") < html.index("Every figure has its n.") < html.index("One is behind.")


def test_whatever_scrolls_can_be_reached_and_says_what_it_is() -> None:
    table = shown({"text/html": "<table><tr><td>1</td></tr></table>"})
    html = page(cell(table, source="other()"), cell(new_output("stream", text="long"), source="a"), code=True)
    scrolling = [attrs for _, attrs in _Shape(html).tags if "scroll" in (attrs.get("class") or "").split()]
    assert [attrs["aria-label"] for attrs in scrolling] == [
        "Code of cell 1",
        "Output of cell 1",
        "Code of cell 2",
        "Output of cell 2",
    ]
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "group" for attrs in scrolling)


@pytest.mark.parametrize(
    "attack", [*ATTACKS, 'x"}</style><script>', "\\", "\n}", "\x00", "\ud800", "x" * 500]
)
def test_a_name_in_the_foot_of_printed_pages_is_only_ever_text(attack: str) -> None:
    html = page(cell(), facts=Facts(team_name=attack))
    style = html.split("<style>")[1].split("</style>")[0]
    foot = re.search(r'@bottom-left\{content:"([^}]*)"\}', style)
    assert foot is not None and re.fullmatch(r"(?:[A-Za-z0-9]|\\[0-9a-f]{6})*", foot[1])
    said = re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found[1], 16)), foot[1])
    assert said == attack[:120]


def test_a_team_named_in_an_output_links_to_its_page_and_in_the_authors_text_does_not() -> None:
    name = '<span class="spm-team-link" data-team="w">West</span>'
    facts = Facts(team_pages={"w": "../west.html"})
    html = main_of(page(new_markdown_cell(name), cell(shown({"text/html": f"<p>{name}</p>"})), facts=facts))
    assert re.findall(r'href="([^"]*)"', html) == ["../west.html"]


def test_the_exporter_alone_takes_facts_from_the_notebook() -> None:
    html, resources = ReportExporter().from_notebook_node(report())
    assert resources["output_extension"] == ".html" and resources["notes"] == ()
    footer = html.split("<footer")[1]
    for text in (
        "Data to Dec 30, 2017",
        "<code>team</code></dt><dd>w</dd>",
        "<code>limit</code></dt><dd>5</dd>",
        "python 3.11.9",
    ):
        assert text in footer
    assert '<details class="code">' not in html
    assert '<details class="code">' in ReportExporter(code=True).from_notebook_node(report())[0]


def test_half_a_character_in_an_output_is_no_failure() -> None:
    assert "<p>a?b</p>" in page(cell(shown({"text/html": "<p>a\ud800b</p>"})))


def given_classes() -> set[str]:
    """Give the classes that templates, scripts and the library's own markup give to elements."""
    tags = [
        re.findall(r"<[^>]*class=[^>]*>|block kind %}[^{]*", path.read_text())
        for path in TEMPLATES.glob("*.j2")
    ]
    library = [path.read_text("utf-8") for path in Path(spm_lib.__file__).parent.rglob("*.py")]
    written = [found for text in library for found in re.findall(r'class="([^"]*)"|"(spm-[a-z]+)"', text)]
    by_name = [*(status.key for status in STATUSES.values()), *VERDICTS, "text", "output", "code", "alone"]
    return set(
        re.findall(r"[a-z][\w-]*", " ".join([*itertools.chain(*tags), *map(" ".join, written), *by_name]))
    )


@pytest.mark.parametrize("sheet", sorted(TEMPLATES.glob("*.css")), ids=lambda path: path.name)
def test_every_style_is_used(sheet: Path) -> None:
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "{}", sheet.read_text("utf-8"), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][\w-]*)", rules))
    assert classes
    assert classes - given_classes() == set()
