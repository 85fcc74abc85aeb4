"""A page's blocks in order."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from spm_lib.press.render.blocks import Block, body_of
from spm_lib.press.render.sections import Outline, Panel, Section, outline

from ..books import book, chart, report, shown


def text(html: str) -> Block:
    return Block("text", Markup(html), 1)


def output(html: str) -> Block:
    return Block("output", Markup(html), 2)


def claim(words: str) -> Block:
    return output(f'<h2 class="spm spm-claim">{words}</h2>')


def figure(message: str = "") -> Block:
    said = f'<span class="spm-message">{message}</span>' if message else ""
    return output(
        f'<figure class="spm spm-figure"><figcaption>{said}<span class="spm-title">T</span></figcaption></figure>'
    )


READING = output('<p class="spm spm-reading">So it is.</p>')
TABLE = output('<div class="spm spm-tablebox"></div>')
CODE = Block("code", Markup("<pre>x</pre>"), 2)


def told(found: Outline) -> list[tuple[str, str, str]]:
    return [(s.slug, s.name, str(s.finding)) for s in found.sections]


def all_of(section: Section) -> list[Panel]:
    return [*([section.opening] if section.opening else []), *section.panels]


def kinds(panels: Sequence) -> list[tuple[bool, int]]:
    return [(panel.figure, len(panel.blocks)) for panel in panels]


def test_a_name_and_the_claim_under_it_are_one_heading() -> None:
    found = outline(
        [text("<h2>Signal &amp; noise</h2>\n"), CODE, claim("No month stands &lt;out&gt;"), TABLE]
    )
    assert told(found) == [("signal-noise", "Signal & noise", "No month stands &lt;out&gt;")]
    assert [b.kind for p in found.sections[0].panels for b in p.blocks] == ["code", "output"]


def test_a_claim_after_something_else_begins_a_section_of_its_own() -> None:
    found = outline([text("<h2>A</h2>"), TABLE, claim("It fell"), claim("It rose"), READING])
    assert told(found) == [("a", "A", ""), ("it-fell", "", "It fell"), ("it-rose", "", "It rose")]


def test_the_one_figures_message_is_the_sections_finding_and_is_said_once() -> None:
    found = outline([text("<h2>Pace</h2>"), figure("One is behind"), READING])
    section = found.sections[0]
    assert section.finding == "One is behind" and section.narrow
    assert "One is behind" not in "".join(b.html for p in all_of(section) for b in p.blocks)
    assert kinds(all_of(section)) == [(True, 2)]


def test_figures_side_by_side_keep_their_findings() -> None:
    found = outline([text("<h2>Pace</h2>"), figure("A"), READING, CODE, figure("B"), TABLE, figure("C")])
    section = found.sections[0]
    assert section.finding == "" and [p.finding for p in section.panels] == ["A", "B", "", "C"]
    assert [(is_figure, len(panels)) for is_figure, panels in section.runs] == [
        (True, 2),
        (False, 1),
        (True, 1),
    ]
    assert kinds(section.panels) == [(True, 2), (True, 2), (False, 1), (True, 1)]


def test_two_narrow_sections_share_a_row() -> None:
    blocks = []
    for name, shows in (("A", [figure("a")]), ("B", [figure("b")]), ("C", [figure("c")]), ("D", [TABLE])):
        blocks += [text(f"<h2>{name}</h2>"), *shows]
    assert [[s.name for s in row] for row in outline(blocks).rows] == [["A", "B"], ["C"], ["D"]]


def test_names_make_stable_links_that_are_told_apart() -> None:
    names = ["Pace", "Pace", "About", "主要", "Main"]
    taken = output('<table id="pace-2" class="x"></table>')
    found = outline([text("".join(f"<h2>{name}</h2><p>x</p>" for name in names)), taken])
    assert [s.slug for s in found.sections] == ["pace", "pace-3", "about-2", "section-4", "main-2"]
    assert [s.name for s in found.sections] == names


def test_what_opens_the_page() -> None:
    blocks = [
        text("<p>How to read.</p>"),
        output('<h2 class="spm">Late</h2>'),
        READING,
        TABLE,
        text("<h2>A</h2><p>b</p>"),
    ]
    found = outline(blocks, headline="Late")
    assert found.summary == READING.html
    assert [b.html for b in found.lead] == [TABLE.html, "<p>How to read.</p>"]
    assert told(found) == [("a", "A", "")]
    # Without a headline the notebook's own order stands.
    assert [b.html for b in outline([blocks[0], READING, TABLE]).lead] == [
        b.html for b in (blocks[0], READING, TABLE)
    ]


def test_nothing_is_lost() -> None:
    made = book(
        "Intro",
        shown(chart("Ann", "Bob")),
        "## A\n\ntext\n\n## B\n\n### C\n\nmore",
        shown(chart("Cy")),
        "tail",
    )
    body = body_of(made, code=True)
    found = outline(body.blocks)
    kept = [*found.lead, *(b for s in found.sections for p in all_of(s) for b in p.blocks)]
    assert [b.kind for b in kept].count("code") == 2
    said = Markup(" ").join([*(b.html for b in kept), *(s.finding for s in found.sections)]).striptags()
    for words in ("Intro", "Ann", "Bob", "text", "more", "Cy", "tail", "One is behind."):
        assert words in said
    assert [s.name for s in found.sections] == ["A", "B"]


def test_a_report_as_notebooks_make_them() -> None:
    found = outline(body_of(report()).blocks, headline="x")
    assert told(found) == [
        ("who-is-on-track", "Who is on track", "One is behind."),
        ("what-it-means", "What it means", ""),
    ]


def test_figures_that_were_drawn_side_by_side_stay_so_and_are_headed_each() -> None:
    pair = output(f'<div class="spm spm-grid">{figure("A").html}{figure("B").html}</div>')
    lone = output(f'<div class="spm spm-grid">{figure("C").html}</div>')
    small = output(f'<div class="spm spm-grid">{figure().html}{figure("D").html}</div>')
    section = outline([text("<h2>Pace</h2>"), figure("X"), pair, figure("Y"), lone, small]).sections[0]
    runs = [(figures, [str(panel.finding) for panel in panels]) for figures, panels in section.runs]
    assert runs == [(True, ["X"]), (True, ["A", "B"]), (True, ["Y", "C"]), (False, [""])]
    assert "spm-message" not in "".join(b.html for p in section.panels[:-1] for b in p.blocks)
    assert section.panels[-1].blocks == (small,)


def test_a_figure_opens_a_section_where_it_shows_the_finding_and_nothing_stands_beside_it() -> None:
    def opens(*shows: Block) -> tuple[bool, int]:
        section = outline([text("<h2>Pace</h2>"), claim("It fell"), *shows]).sections[0]
        return section.opening is not None, len(section.panels)

    assert opens(figure()) == (True, 0)
    assert opens(figure(), figure()) == (False, 2), "two of a kind stand side by side"
    assert opens(figure(), figure(), figure()) == (True, 2)
    assert opens(figure(), figure("B")) == (True, 1)
    assert opens(figure("A"), figure("B")) == (False, 2)
    assert opens(figure(), TABLE) == (True, 1)
    assert opens(TABLE, figure()) == (False, 2)
    assert outline([text("<h2>Pace</h2>"), figure(), TABLE]).sections[0].opening is None, "it has no finding"


names = st.lists(
    st.sampled_from(
        ["Deals", "Deals name", "Deals 2", "Deals 2 name", "About", "About name", "Contents", "Main"]
    ),
    min_size=1,
    max_size=8,
)


@given(names)
def test_no_id_of_a_page_stands_twice(given_names: list[str]) -> None:
    found = outline([text(f"<h2>{name}</h2>") for name in given_names])
    slugs = [section.slug for section in found.sections]
    own = ["main", "contents", "contents-name", "about", "about-name"]
    ids = [*own, *slugs, *(f"{slug}-name" for slug in slugs)]
    assert len(ids) == len(set(ids))
