"""Markdown to HTML."""

from __future__ import annotations

import pytest

from spm_lib.press.render.markdown import render_markdown, split_title

from .test_clean import ATTACKS, dangers


@pytest.mark.parametrize(
    "attack", [*ATTACKS, "[x](javascript:alert(1))", "![x](//evil.example)", "<javascript:x>"]
)
@pytest.mark.parametrize("own", [True, False])
def test_html_stays_text(attack: str, own: bool) -> None:
    for source in (attack, f"# {attack}", f"**{attack}**", f"| a |\n|---|\n| {attack} |", f"- x\n- {attack}"):
        html = render_markdown(source, own=own).html
        assert not dangers(html), html


def test_a_computed_text_makes_no_link_and_no_picture() -> None:
    source = "[West](https://example.com) <https://example.com> ![x](data:image/png;base64,aa==) [y]\n\n[y]: z.html"
    html = render_markdown(source, own=False).html
    assert "<a" not in html and "<img" not in html
    assert render_markdown(source, own=True).html.count("<a ") == 3


def test_dollars_are_money() -> None:
    assert render_markdown("From $5 to $6_000_ more", own=True).html == "<p>From $5 to $6_000_ more</p>\n"


def test_tables_say_what_their_headers_head() -> None:
    html = render_markdown("| a | b |\n|---|--:|\n| 1 | 2 |", own=True).html
    assert html.count('<th scope="col"') == 2
    assert '<td style="text-align:right">2</td>' in html


def test_a_pasted_picture_is_part_of_the_page() -> None:
    found = render_markdown(
        "![A finding](attachment:a.png)", own=True, attachments={"a.png": {"image/png": "iVBO\nRw0="}}
    )
    assert '<img src="data:image/png;base64,iVBORw0=" alt="A finding">' in found.html
    assert (found.pictures, found.lost) == (("A finding",), 0)


@pytest.mark.parametrize(
    ("source", "title", "rest"),
    [
        ("# Are we on track?\n\nText", "Are we on track?", "\nText"),
        ("\n# Title #", "Title", ""),
        ("Text\n# Title", "", "Text\n# Title"),
        ("## Section", "", "## Section"),
        ("", "", ""),
    ],
)
def test_a_notebooks_title(source: str, title: str, rest: str) -> None:
    assert split_title(source) == (title, rest)
