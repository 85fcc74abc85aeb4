"""What holds for everything that is shown: safe with any text, styled, one output, light, and drawn in peace."""

from __future__ import annotations

import re
import unicodedata
import warnings
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import pytest
from IPython.core.formatters import DisplayFormatter

from spm_lib.present import Chart, style
from spm_lib.theme import css

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x="',
    "single quotes": "' onfocus='alert(1)' x='",
    "comment": "<!-- --> ]]> <![CDATA[ <?php ?> &amp; &#x3C;b&#x3E;",
    "template": "{{ 7*7 }} {0} {x} %s %(x)s ${y} {% raw %}",
    "mathtext": "$x^2$ \\frac{1}{2} $100 & $200 _a_ ^b^ \\alpha $",
    "lines": "one\ntwo\r\nthree\ttab\x00nul\x1b[31mred\x7f\u2028para\u2029graph",
    "directions": "\u202egnp.exe\u202c \u2066abc\u2069 \u200fx\u200e \u061c",
    "arabic": "مرحبا بالعالم",
    "chinese": "王小明有限公司",
    "emoji": "👩\u200d💻🎉 team",
    "surrogate": "lone \ud800 surrogate \udfff and \ufffe",
    "long": "x" * 100_000,
    "long words": "word " * 20_000,
    "long and hostile": "<b>" * 30_000,
    "spaces": " \t\n ",
    "empty": "",
    "combining": "e" + "\u0301" * 500,
    "traversal": "../../etc/passwd",
    "javascript": "javascript:alert(1)",
}
TAGS = {
    "h2",
    "p",
    "ul",
    "li",
    "span",
    "b",
    "img",
    "figure",
    "figcaption",
    "details",
    "summary",
    "div",
    "section",
} | {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "bdi", "dl", "dt", "dd", "style"}
ATTRIBUTES = {
    "class",
    "alt",
    "src",
    "width",
    "height",
    "title",
    "scope",
    "role",
    "tabindex",
    "aria-label",
} | {"aria-hidden", "data-team", "data-audience", "style"}


#: Blocks that name nobody.
NAMELESS = {"movement", "coverage", "risk figures", "flag record", "rules", "model figures", "model facts"}
NAMELESS |= {"skill by horizon", "drift", "own figures", "own target", "coaching figures", "coaching terms"}


@pytest.fixture(scope="module")
def plain(samples: SimpleNamespace) -> dict[str, Any]:
    """All blocks with a harmless name, taken apart."""
    return {
        what: samples.taken_apart(block.html) for what, block in samples.every_block("Plain name").items()
    }


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_becomes_markup(kind: str, samples: SimpleNamespace, plain: dict[str, Any]) -> None:
    for what, block in samples.every_block(HOSTILE[kind]).items():
        found = samples.taken_apart(block.html)
        names = {tag for tag, _ in found.tags}
        assert names <= TAGS, what
        assert {a for _, attrs in found.tags for a in attrs} <= ATTRIBUTES, what
        # The markup is the same as with a harmless name; lines that would be empty are left out.
        assert kind in ("empty", "spaces") or [t for t, _ in found.tags] == [
            t for t, _ in plain[what].tags
        ], what
        for attrs in found.named("img"):
            assert (attrs["src"] or "").startswith("data:image/svg+xml;base64,")
        shown = "".join(
            [*found.words, *(v or "" for _, attrs in found.tags for v in attrs.values()), block.text]
        )
        bad = {
            c
            for c in shown
            if unicodedata.category(c) in {"Cc", "Cs"} or c in "\u202e\u202c\u2066\u2069\u200f\u200e"
        }
        assert bad <= {"\n"}, what
        block.html.encode("utf-8")
        assert len(block.html) < 80_000, what


@pytest.mark.parametrize(
    "kind", ["script", "mathtext", "arabic", "chinese", "emoji", "surrogate", "combining", "lines"]
)
def test_pictures_are_well_formed_and_hold_text_as_text(kind: str, samples: SimpleNamespace) -> None:
    for what, block in samples.every_block(HOSTILE[kind]).items():
        for svg in samples.pictures(block.html):
            kinds = {element.tag.rpartition("}")[2] for element in svg.iter()}
            assert kinds <= {
                "svg",
                "defs",
                "style",
                "g",
                "path",
                "pattern",
                "text",
                "use",
                "clipPath",
                "rect",
                "circle",
            }, what
            assert not any(name.lower().startswith("on") for element in svg.iter() for name in element.attrib)


def test_a_dollar_sign_in_a_picture_is_a_dollar_sign(samples: SimpleNamespace) -> None:
    block = samples.every_block("$x^2$")["attainment"]
    assert "$x^2$" in samples.texts(samples.pictures(block.html)[0])


def test_nothing_warns_whatever_the_script(samples: SimpleNamespace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("arabic", "chinese", "emoji", "combining"):
            for block in samples.every_block(HOSTILE[kind]).values():
                if isinstance(block, Chart):
                    block.png(1.0)


def test_every_class_is_styled_and_every_style_is_used(samples: SimpleNamespace) -> None:
    html = "".join(block.html for block in samples.every_block("Name").values())
    given = {c for group in re.findall(r'class="([^"]+)"', html) for c in group.split()}
    styled = set(re.findall(r"\.(spm[\w-]*)", css()))
    # The press makes a link of a team's name, or nothing, and sets intervals and trends tighter on paper.
    assert given - styled - {"spm-team-link", "spm-interval", "spm-trend"} == set()
    assert styled - given - {"spm-neutral", "spm-empty"} == set()


def test_blocks_give_jupyter_one_html_output_and_its_text(samples: SimpleNamespace) -> None:
    for what, block in samples.every_block("Name").items():
        data, _ = DisplayFormatter().format(block)
        assert set(data) == {"text/html", "text/plain"}, what
        assert data["text/html"] == str(block._repr_html_())
        assert data["text/plain"] == repr(block) == block.text


def test_the_text_twin_has_no_markup_and_says_as_much(samples: SimpleNamespace) -> None:
    for what, block in samples.every_block("Some Name").items():
        assert "spm-" not in block.text, what
        assert "<" not in block.text, what
        if what not in NAMELESS:
            assert "Some Name" in block.text, what


def test_blocks_are_the_same_bytes_each_time(samples: SimpleNamespace) -> None:
    one, two = samples.every_block("Name"), samples.make_every_block("Name")
    assert {what: block.html for what, block in one.items()} == {
        what: block.html for what, block in two.items()
    }


def test_drawing_leaves_the_notebooks_own_settings_and_figures_alone(samples: SimpleNamespace) -> None:
    from matplotlib import pyplot

    own = {"font.family": ["serif"], "text.parse_math": True, "axes.facecolor": "red", "figure.dpi": 33.0}
    with mpl.rc_context(own):
        before = dict(mpl.rcParams)
        drawn = samples.make_every_block("Name")
        assert dict(mpl.rcParams) == before
    assert {what: b.html for what, b in drawn.items()} == {
        what: b.html for what, b in samples.every_block("Name").items()
    }
    assert pyplot.get_fignums() == []


def test_pictures_are_light(samples: SimpleNamespace) -> None:
    for what, block in samples.every_block("A name of usual length").items():
        if isinstance(block, Chart):
            assert len(block.svg) < 12_000, what
            assert len(block.png()) < 25_000, what


def test_the_style_sheet_is_a_block_of_its_own() -> None:
    html = str(style().html)
    assert html == f"<style>{css()}</style>"
    assert html.count("</") == 1


def test_mathjax_leaves_every_block_alone(samples: SimpleNamespace) -> None:
    for what, block in samples.every_block("$1 and $2").items():
        depth = 0
        for end, tag, rest in re.findall(r"<(/?)(\w+)([^>]*)>", str(block._repr_html_())):
            if depth == 0 and not end:
                assert "mathjax_ignore" in rest, what
            depth += 0 if tag in ("img", "br") else -1 if end else 1
