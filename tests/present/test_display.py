"""Text made safe to show."""

from __future__ import annotations

import math
import re
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from spm_lib.present.display import NOBODY, Block, Blocks, clean, name_html, nothing


@given(st.text(), st.integers(10, 100))
def test_cleaned_text_is_one_short_line_that_turns_nothing_around(text: str, limit: int) -> None:
    short = clean(text, limit)
    assert 0 < len(short) <= max(limit, len(NOBODY))
    kept = {"\u200c", "\u200d"}
    assert not [c for c in short if unicodedata.category(c)[0] == "C" and c not in kept]
    assert short == " ".join(short.split())
    assert clean(short, limit) == short
    short.encode("utf-8")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60))
def test_harmless_names_stay_as_they_are(name: str) -> None:
    assert clean(name) == name


@pytest.mark.parametrize("null", [None, math.nan, pd.NA, pd.NaT, "", " \n", "\u202e"])
def test_a_name_that_is_none_says_so(null: object) -> None:
    assert clean(null) == NOBODY


def test_a_cut_is_marked_and_the_whole_is_in_the_tooltip() -> None:
    name = "A" * 70 + ' "b"'
    assert clean(name) == "A" * 59 + "…"
    assert name_html(name) == f'<bdi title="{"A" * 70} &#34;b&#34;">{"A" * 59}…</bdi>'
    assert name_html("<b>") == "<bdi>&lt;b&gt;</bdi>"
    assert len(name_html("x" * 100_000)) < 500


def test_long_junk_is_cut_even_where_nothing_of_it_is_left() -> None:
    assert clean("\u202e" * 100_000) == "…"


def test_blocks_go_into_one_another_unescaped() -> None:
    block = nothing("<b>")
    assert Markup("<div>{}</div>").format(block) == f"<div>{block.html}</div>"
    assert Markup("<hr>") + block == f"<hr>{block.html}"


def test_amounts_in_dollars_are_no_formulas() -> None:
    shown = str((nothing("$1 to $2") + nothing("two"))._repr_html_())
    assert re.findall('class="([^"]*)"', shown) == ["mathjax_ignore tex2jax_ignore spm spm-note"] * 2
    assert nothing("one")._repr_mimebundle_()["text/html"] == nothing("one")._repr_html_()


def test_nothing_says_why() -> None:
    assert nothing("no deal was won in May").text == "No deal was won in May."
    lost = nothing("there is no table of leads", "Conversion within 30 days")
    assert lost.text == "Conversion within 30 days cannot be shown: there is no table of leads."
    assert 'class="spm spm-note"' in lost.html


def test_blocks_add_up_to_one() -> None:
    both = nothing("one") + nothing("two")
    assert both.html == '<p class="spm spm-note">One.</p><p class="spm spm-note">Two.</p>'
    assert both.text == "One.\n\nTwo."
    with pytest.raises(TypeError):
        nothing("one") + "two"


def test_several_blocks_are_outputs_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr("spm_lib.present.display.display", shown.append)
    blocks = Blocks((nothing("one"), nothing("two")))
    blocks._ipython_display_()
    assert shown == list(blocks)
    assert all(isinstance(block, Block) for block in shown)
    assert repr(blocks) == blocks.text == "One.\n\nTwo."
