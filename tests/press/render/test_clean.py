"""HTML that cells put out."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from spm_lib.press.render.clean import clean

#: Ways to run a script or send a request, collected from public lists; one name may be any of these.
ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src=http://evil.example/x.png alt=x>",
    "<img src=`javascript:alert(1)`>",
    '<img """><script>alert(1)</script>">',
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=//evil.example>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href=//evil.example>x</a>",
    "<a href='/\\evil.example'>x</a>",
    "<a href='https:evil.example'>x</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=vbscript:x>x</a>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video src=//evil.example><source onerror=alert(1)></video>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>x</button></form>",
    "<input onfocus=alert(1) autofocus>",
    "<style>@import '//evil.example';</style>",
    "<div style='background:url(//evil.example)'>x</div>",
    "<div style='position:fixed;inset:0'>x</div>",
    "<p style=\"background-color:expression(alert(1))\">x</p>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<title><a href='</title><img src=x onerror=alert(1)>'>",
    "<!--<img src='--><img src=x onerror=alert(1)>'>",
    "<x onclick=alert(1)>x</x>",
    "</pre><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<table background=//evil.example><tr><td>x",
    "<area href=javascript:alert(1)>",
]  # fmt: skip


_BAD_TAGS = {
    "script", "svg", "math", "iframe", "object", "embed", "link", "meta", "base", "form", "input",
    "button", "style", "template", "noscript", "title", "video", "audio", "source", "area", "body",
    "head", "html",
}  # fmt: skip


class _Judge(HTMLParser):
    """Notes what would run, fetch, submit, lead away or lie over something else."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BAD_TAGS:
            self.found.append(tag)
        for name, value in attrs:
            text = re.sub(r"\s", "", value or "").lower()
            if name.startswith("on") or name in ("srcset", "background", "action", "autofocus", "xlink:href"):
                self.found.append(name)
            if name == "href" and re.search(r"^(//|/\\\\|javascript|vbscript|data)|evil", text):
                self.found.append(text)
            if name == "src" and not text.startswith("data:image/"):
                self.found.append(text)
            if name == "style" and re.search(r"url\(|position|expression", text):
                self.found.append(text)

    def handle_comment(self, data: str) -> None:
        self.found.append(data)


def dangers(html: str) -> list[str]:
    """Give what in `html` could do harm."""
    judge = _Judge()
    judge.feed(html)
    judge.close()
    return judge.found


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_survives(attack: str) -> None:
    for wrapped in (
        attack,
        f"<p>{attack}</p>",
        f"<table><tr><td>{attack}</td></tr></table>",
        f"<h2>{attack}",
    ):
        assert not dangers(clean(wrapped).html), clean(wrapped).html


def test_the_judge_of_attacks_knows_one() -> None:
    assert sum(bool(dangers(attack)) for attack in ATTACKS) > 0.9 * len(ATTACKS)


def test_what_a_report_needs_is_kept() -> None:
    html = (
        '<section class="spm" id="pace" aria-labelledby="t"><h2 id="t">Title</h2><figure role="group">'
        '<img src="data:image/png;base64,iVBORw0KGgo=" alt="A &quot;finding&quot;" width="30" height="20">'
        '<figcaption>Revenue, USD</figcaption></figure><details><summary>Data</summary><table class="t">'
        '<caption>Figures</caption><colgroup><col span="2"></colgroup><thead><tr><th scope="col">A</th></tr></thead>'
        '<tbody><tr><th scope="row">x</th><td colspan="2" style="text-align:right;color:var(--spm-good)">1</td></tr>'
        "</tbody></table></details></section>"
    )
    assert clean(html).html == html


def test_pictures_are_counted_with_their_texts() -> None:
    found = clean('<img src="data:image/png;base64,aa==" alt="a>b"><img src="x.png" alt=""><img>')
    assert found.pictures == ("a>b", "", None)
    assert found.lost == 2


def test_links_lead_out_only_from_the_notebooks_own_text() -> None:
    html = '<a href="../w.html#x">w</a><a href="https://example.com">e</a><a href="mailto:a@b.c">m</a>'
    assert re.findall(r'href="([^"]*)"', clean(html).html) == ["../w.html#x"]
    assert re.findall(r'href="([^"]*)"', clean(html, links=True).html) == [
        "../w.html#x",
        "https://example.com",
        "mailto:a@b.c",
    ]


def test_the_page_keeps_its_one_h1() -> None:
    assert clean("<h1 class='x'>Title</h1><h2>b</h2>").html == '<h2 class="x">Title</h2><h2>b</h2>'


def test_a_drawing_is_a_picture_but_not_a_program() -> None:
    def source(svg: str) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()

    plain = source(
        '<svg xmlns="http://www.w3.org/2000/svg"><style>path{fill:red}</style><path d="M0 0"/></svg>'
    )
    assert clean(f'<img alt="A" src="{plain}">').html == f'<img alt="A" src="{plain}">'
    for svg in (
        "<svg><script>x</script></svg>",
        "<svg onload='x'>",
        "<svg><a href='javascript:x'/>",
        "<svg><SCRIPT/>",
    ):
        assert clean(f'<img alt="A" src="{source(svg)}">').lost == 1
    assert clean('<img alt="A" src="data:image/svg+xml,<svg/>">').lost == 1
    assert clean('<img alt="A" src="data:image/svg+xml;base64,abc">').lost == 1


def test_an_ornament_needs_no_words_but_must_say_so() -> None:
    picture = 'src="data:image/png;base64,aa=="'
    assert (
        clean(f'<img alt="" role="presentation" {picture}><img alt="" aria-hidden="true" {picture}>').pictures
        == ()
    )
    assert clean(f'<img alt="" {picture}><img role="presentation" {picture}>').pictures == ("", None)
