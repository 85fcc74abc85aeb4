"""Links between reports."""

from __future__ import annotations

import pytest
from markupsafe import Markup, escape

from spm_lib.press.render.clean import clean
from spm_lib.press.render.links import link_teams

from .test_clean import ATTACKS, dangers

PAGES = {"w": "../west.html", 'a"b>': "../odd.html"}


def linked(html: str) -> str:
    return str(link_teams(Markup(clean(html).html), PAGES))


def test_a_team_with_a_page_is_a_link_and_one_without_is_text() -> None:
    html = '<td><span class="spm-team-link" data-team="{}"><bdi>West &amp; co</bdi></span></td>'
    name = "<bdi>West &amp; co</bdi>"
    assert (
        linked(f"<table><tr>{html.format('w')}</tr></table>").count(
            f'<td><a class="spm-team-link" href="../west.html">{name}</a></td>'
        )
        == 1
    )
    assert f"<td><span>{name}</span></td>" in linked(f"<table><tr>{html.format('east')}</tr></table>")
    assert 'href="../odd.html"' in linked(html.format(escape('a"b>')))


def test_other_spans_stay_as_they_are() -> None:
    for html in (
        '<span data-team="w">West</span>',
        '<span class="spm-team-linked" data-team="w">West</span>',
        '<span class="x">a<span>b</span></span>',
    ):
        assert linked(html) == html
    inner = '<p><span class="a">b <span class="x spm-team-link" data-team="w">West</span></span></p>'
    assert (
        linked(inner)
        == '<p><span class="a">b <a class="spm-team-link" href="../west.html">West</a></span></p>'
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_name_and_no_id_becomes_markup(attack: str) -> None:
    pages = {attack: "../x.html"}
    for team in (attack, "other"):
        html = f'<p><span class="spm-team-link" data-team="{escape(team)}"><bdi>{escape(attack)}</bdi></span></p>'
        found = link_teams(Markup(clean(html).html), pages)
        assert not dangers(found), found
        assert escape(attack).striptags() in found.striptags()
        assert ('href="../x.html"' in found) == (team == attack)
