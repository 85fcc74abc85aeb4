"""Pages in a real browser: no request, no script, no sideways scrolling, nothing cut in two on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from .conftest import Watched
from .shelves import PAGES, Shelf

#: A mail shows no policy of its own: mail programs have theirs.
WITH_POLICY = [kind for kind in PAGES if not kind.startswith("mail")]

INJECT = """() => {
  const script = document.createElement("script");
  script.textContent = "window.injected = true";
  document.body.append(script);
  const picture = document.createElement("img");
  picture.setAttribute("onerror", "window.injected = true");
  picture.src = "data:,";
  document.body.append(picture);
  return new Promise(done => setTimeout(() => done(window.injected === true), 50));
}"""

WIDE = """() => {
  const edge = document.documentElement.clientWidth + 1;
  // What is set absolutely leaves each box between it and the one that it is set in.
  const holder = each => getComputedStyle(each).position === "absolute" ? each.offsetParent : each.parentElement;
  const boxed = each => {
    for (let box = holder(each); box && box !== document.body; box = holder(box)) {
      if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(box).overflowX)) return true;
    }
    return false;
  };
  return [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > edge && !boxed(each) && each.checkVisibility())
    .map(each => each.outerHTML.slice(0, 120));
}"""

UNREACHABLE = """() => [...document.querySelectorAll("body *")]
  .filter(each => ["auto", "scroll"].includes(getComputedStyle(each).overflowX)
    && each.scrollWidth > each.clientWidth + 1 && each.tabIndex < 0)
  .map(each => each.outerHTML.slice(0, 120))"""

CUT = """() => [...document.querySelectorAll("body *")]
  .filter(each => each.checkVisibility() && each.clientWidth && each.scrollWidth > each.clientWidth
    && !each.classList.contains("spm-sr"))
  .map(each => `${each.scrollWidth} > ${each.clientWidth} px: ${each.outerHTML.slice(0, 120)}`)"""

BLANK = """() => [...document.images].filter(each => !(each.complete && each.naturalWidth > 0))
  .map(each => each.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_is_asked_for_and_nothing_goes_wrong(
    kind: str, demo: Shelf, watch: Callable[..., Watched]
) -> None:
    watched = watch()
    if kind.startswith("mail"):
        # Its pictures come as parts of the mail; here they lie beside it.
        beside = demo.page(kind).parent
        watched.page.route(
            lambda url: url.startswith(beside.as_uri()) and url.endswith(".png"),
            lambda route: route.continue_(),
        )
    page = watched.open(demo.page(kind))
    page.emulate_media(color_scheme="dark")
    page.emulate_media(media="print")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(BLANK) == []
    assert watched.wrongs == []


@pytest.mark.parametrize("kind", WITH_POLICY)
def test_the_policy_stands_and_holds(kind: str, demo: Shelf, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.open(demo.page(kind))
    assert page.locator("meta[http-equiv=Content-Security-Policy]").count() == 1
    assert page.evaluate(INJECT) is False
    assert any("Content Security Policy" in wrong for wrong in watched.wrongs), watched.wrongs
    page.evaluate("fetch('https://x.invalid/').catch(() => 0)")
    assert not any(wrong.startswith("asked for") for wrong in watched.wrongs), watched.wrongs


def test_without_the_policy_the_injected_script_would_run(demo: Shelf, watch: Callable[..., Watched]) -> None:
    assert watch(bypass_csp=True).open(demo.page("report")).evaluate(INJECT) is True


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_scrolls_sideways_on_a_phone(kind: str, demo: Shelf, watch: Callable[..., Watched]) -> None:
    page = watch(viewport={"width": 375, "height": 812}, device_scale_factor=2).open(demo.page(kind))
    for opened in (False, True):
        page.evaluate(
            f"document.querySelectorAll('details').forEach(each => {{ each.open = {str(opened).lower()}; }})"
        )
        widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths[0] <= widths[1], page.evaluate(WIDE)
        assert page.evaluate(WIDE) == []
        assert page.evaluate(UNREACHABLE) == [], "what scrolls in its own box can be reached by keyboard"


@pytest.mark.parametrize("kind", WITH_POLICY)
def test_it_can_be_read_without_scripts(kind: str, demo: Shelf, watch: Callable[..., Watched]) -> None:
    with_scripts = watch().open(demo.page(kind)).inner_text("main")
    without = watch(java_script_enabled=False).open(demo.page(kind))
    lost = set(with_scripts.split("\n")) - set(without.inner_text("main").split("\n"))
    if kind == "index":
        assert without.locator("form").is_hidden()
        assert without.locator(".run:visible").count() == without.locator(".run:not(.older .run)").count()
        assert lost & set(without.locator("table.shelf").first.inner_text().split("\n")) == set()
    else:
        assert not lost and len(with_scripts) > 1_000


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("kind", WITH_POLICY)
def test_paper_cuts_nothing_in_two(
    kind: str, paper: str, demo: Shelf, watch: Callable[..., Watched], tmp_path: Path
) -> None:
    page = watch().open(demo.page(kind))
    pdf = tmp_path / "page.pdf"
    page.pdf(path=pdf, format=paper, tagged=True)
    assert cut_in_two(pdf) == []
    reader = pypdf.PdfReader(pdf)
    words = "".join(each.extract_text() for each in reader.pages)
    heading = page.locator("h1").inner_text()
    assert "".join(heading.split()) in "".join(words.split())
    width, height = {"A4": (595, 842), "Letter": (612, 792)}[paper]
    assert all(abs(p.mediabox.width - width) < 2 > abs(p.mediabox.height - height) for p in reader.pages)
    assert all(len(each.extract_text().strip()) > 20 for each in reader.pages), "a page with nothing on it"


@pytest.mark.parametrize("width", [688, 710], ids=["A4", "Letter"])
@pytest.mark.parametrize("kind", WITH_POLICY)
def test_paper_is_as_wide_as_what_stands_on_it(
    kind: str, width: int, demo: Shelf, watch: Callable[..., Watched]
) -> None:
    """Nobody scrolls on paper: what is too wide is lost."""
    page = watch(viewport={"width": width, "height": 900}).open(demo.page(kind))
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    assert page.evaluate(WIDE) == []


def test_the_judge_of_paper_knows_a_cut(demo: Shelf, watch: Callable[..., Watched], tmp_path: Path) -> None:
    page = watch(bypass_csp=True).open(demo.page("report"))
    page.add_style_tag(
        content="figure, li, img, tr { break-inside: auto !important } figcaption { height: 40cm }"
    )
    page.evaluate("""() => {
      const cell = [...document.querySelectorAll("main tbody td")].find(each => each.checkVisibility());
      cell.innerText = "long ".repeat(3000);
    }""")
    pdf = tmp_path / "page.pdf"
    page.pdf(path=pdf, format="A4", tagged=True)
    assert any(each.startswith("TR") for each in cut_in_two(pdf))
    assert any(each.startswith("Figure") for each in cut_in_two(pdf))


def cut_in_two(pdf: Path) -> list[str]:
    """Give the figures, rows and tiles that stand on more than one page, by the structure that a tagged PDF holds.

    Chromium sets a table's foot at the end of each page that the table reaches: totals in mid-table count as cut, too.
    """
    reader = pypdf.PdfReader(pdf)
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
    cut: list[str] = []

    def pages_of(element: Any) -> set[int]:
        on: set[int] = set()
        kinds = set()
        for kid in _kids(element):
            if isinstance(kid, int):
                on.add(numbers[element.raw_get("/Pg").idnum])
            elif kid.get("/Type") == "/MCR":
                on.add(numbers[kid.raw_get("/Pg").idnum])
            elif "/S" in kid:
                kinds.add(str(kid["/S"]))
                on |= pages_of(kid)
        kind = str(element.get("/S", ""))
        # A table's head stands again on each page that the table reaches.
        if len(on) > 1 and kind in ("/Figure", "/TR", "/LI") and kinds != {"/TH"}:
            cut.append(f"{kind[1:]} on pages {sorted(on)}: {element.get('/Alt', '')}")
        return on

    pages_of(reader.trailer["/Root"]["/StructTreeRoot"])
    return cut


def _kids(element: Any) -> Iterator[Any]:
    found = element.get("/K")
    found = found.get_object() if found is not None else []
    for kid in found if isinstance(found, list) else [found]:
        yield kid.get_object() if hasattr(kid, "get_object") else kid
