"""Names that are attacks, through the whole pipeline into a real browser: they are shown as text and do nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error

from spm_lib.present.display import clean

from .attacks import ATTACKS
from .conftest import Watched
from .shelves import Shelf

#: Whatever pages have no use for; the index alone has a form and one script.
STRANGE = """allowed => {
  const strange = "script, iframe, frame, object, embed, applet, form, input, textarea, button, select, base, link, "
    + "svg, math, video, audio, source, template, canvas, marquee, dialog, meta[http-equiv=refresh], body style, "
    + "[srcdoc], [autofocus]";
  const found = [...document.querySelectorAll(strange)].filter(each => !allowed || !each.matches(allowed));
  const leading = /^(href|src|action|formaction|background|poster|data|srcset|xlink:href)$/;
  const tame = (each, value) => each.matches("img")
    ? /^(data:image\\/|[\\w.-]+\\.png$)/.test(value)
    : /^(#|[\\w%.-]+(\\/|\\.html|\\.ipynb|$))/.test(value);
  for (const each of document.querySelectorAll("*")) {
    for (const { name, value } of each.attributes) {
      const leads = leading.test(name) && !tame(each, value);
      const styled = name === "style" && /url|expression|position/.test(value);
      if (/^on/.test(name) || leads || styled) found.push(each);
    }
  }
  return found.map(each => each.outerHTML.slice(0, 200));
}"""

#: Pointing, focusing, clicking, unfolding, pasting: whatever could set off a handler.
TOUCH = """() => {
  for (const each of document.querySelectorAll("body *")) {
    for (const kind of ["mouseover", "mouseenter", "pointerover", "focus", "focusin", "toggle", "error", "load", "begin"])
      each.dispatchEvent(new Event(kind, { bubbles: true }));
    if (!each.closest("a, summary")) each.click?.();
    if (each.tagName === "DETAILS") each.open = true;
  }
}"""


def opened(page: Path, watched: Watched) -> str:
    """Open a page without its policy, try everything on it, and give the text that it shows."""
    beside = page.parent.as_uri()
    watched.page.route(
        lambda url: url.startswith(beside) and url.endswith(".png"), lambda route: route.continue_()
    )
    watched.open(page)
    watched.page.evaluate(TOUCH)
    watched.page.wait_for_timeout(100)
    return " ".join(str(watched.page.evaluate("document.documentElement.textContent")).split())


def test_nothing_runs_asks_or_leads_away(hostile: Shelf, watch: Callable[..., Watched]) -> None:
    pages = [*hostile.folder.glob("reports/*/*/*/*.html"), *hostile.folder.glob("mails/*.html")]
    pages += [hostile.folder / "index" / "index.html", hostile.folder / "reports" / "index.html"]
    assert len(pages) >= 6
    for page in pages:
        watched = watch(bypass_csp=True)
        opened(page, watched)
        assert watched.wrongs == [], page.name
        own = "form, button, select, script" if page.name == "index.html" else ""
        assert watched.page.evaluate(STRANGE, own) == [], page.name
        assert watched.page.locator("script").count() == (page.name == "index.html")


@pytest.mark.parametrize("kind", ["report", "parade", "summary", "index", "mail"])
def test_names_are_shown_as_text(kind: str, hostile: Shelf, watch: Callable[..., Watched]) -> None:
    pattern = {
        "report": "reports/team_performance/*/*/*.html",
        "parade": "reports/parade/*/*/*.html",
        "summary": "reports/leadership_summary/*/*/*.html",
        "index": "index/index.html",
        "mail": "mails/parade-company.html",
    }[kind]
    text = opened(next(hostile.folder.glob(pattern)), watch(bypass_csp=True))
    lost = [attack for attack in ATTACKS if " ".join(clean(attack).rstrip("…").split()) not in text]
    assert not lost


def test_no_picture_is_lost_to_a_name(hostile: Shelf, watch: Callable[..., Watched]) -> None:
    page = next(hostile.folder.glob("reports/team_performance/*/*/*.html"))
    watched = watch(bypass_csp=True)
    opened(page, watched)
    pictures = watched.page.evaluate(
        "[...document.images].map(each => [each.naturalWidth, each.alt.slice(0, 80)])"
    )
    assert len(pictures) >= 8
    assert not [alt for width, alt in pictures if not width]


def test_the_browser_would_have_told(tmp_path: Path, watch: Callable[..., Watched]) -> None:
    """Attacks set into a page as they are: nearly all of those made of markup do something that is noticed."""
    told = []
    markup = [attack for attack in ATTACKS if "<" in attack and ">" in attack][::4]
    for number, attack in enumerate(markup):
        page = tmp_path / f"{number}.html"
        page.write_text(f"<!doctype html><title>x</title><p>{attack}</p>", "utf-8", errors="backslashreplace")
        watched = watch()
        try:
            opened(page, watched)
            told.append(bool(watched.wrongs or watched.page.evaluate(STRANGE, "")))
        except Error:  # it led the whole page away
            told.append(True)
    assert sum(told) > 0.7 * len(told)
