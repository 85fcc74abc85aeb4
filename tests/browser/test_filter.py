"""The index's filter, as a reader uses it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .conftest import Watched
from .shelves import Shelf


def shown(page: object) -> list[str]:
    return page.evaluate(  # type: ignore[attr-defined, no-any-return]
        """[...document.querySelectorAll(".run")].filter(each => each.checkVisibility())
             .map(each => [each.querySelector("th, h2").innerText.split("\\n")[0].trim(),
                           each.innerText.match(/as of (\\w+ \\d+)/)?.[1]].join(" | "))"""
    )


@pytest.fixture
def index(demo: Shelf, watch: Callable[..., Watched]) -> Watched:
    watched = watch()
    watched.open(demo.page("index"))
    return watched


def test_the_title_says_how_the_teams_stand(demo: Shelf, watch: Callable[..., Watched]) -> None:
    """Of the demo's own records, as their notebooks published them."""
    page = watch().open(demo.folder / "reports" / "index.html")
    assert re.search(r"(pace|quota) for Q\d 20\d\d", page.locator("h1").inner_text())


def test_a_team_a_period_and_back(index: Watched) -> None:
    page = index.page
    everything = shown(page)
    assert page.locator("#filter").is_visible()
    assert page.locator("#shown").inner_text() == ""

    page.get_by_label("Team", exact=True).select_option(label="EMEA Enterprise")
    assert len(shown(page)) == 2 and all(line.startswith("EMEA Enterprise") for line in shown(page))
    total = page.locator(".run").count()
    assert page.locator("#shown").inner_text() == f"6 reports shown of {total}"

    page.get_by_label("Period", exact=True).select_option(label="Q1 2026")
    assert [line.split(" | ")[0].split(" ▼")[0] for line in shown(page)] == ["Q1 2026"] * 2, (
        "the earlier one unfolds"
    )
    assert page.locator(".older.alone .of").first.is_visible(), "and says whose it is"
    assert page.locator("#shown").inner_text() == f"2 reports shown of {total}"

    page.get_by_label("Team", exact=True).select_option(label="Lost Team")
    assert shown(page) == []
    assert page.locator("main h2:visible").count() == 0, "no head without a body"

    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#shown")).to_have_text("")
    assert shown(page) == everything
    assert index.wrongs == []


def test_it_works_by_keyboard_alone(index: Watched) -> None:
    page = index.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.get_by_label("Team", exact=True).focus()
    # Letter by letter would hang on how long the browser waits for the next one.
    chosen = "document.activeElement.selectedOptions[0].label"
    while page.evaluate(chosen) != "APAC Enterprise":
        before = page.evaluate(chosen)
        page.keyboard.press("ArrowDown")
        assert page.evaluate(chosen) != before, "the last of the list"
    assert shown(page)[0].startswith("APAC Enterprise")
    page.locator("summary:visible").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1


def test_what_it_lists_is_there(index: Watched, demo: Shelf) -> None:
    addresses = index.page.eval_on_selector_all(
        "a[href]", "all => all.map(each => each.getAttribute('href'))"
    )
    paths = [each for each in addresses if not each.startswith("#")]
    assert len(paths) >= 7
    assert all((demo.folder / "index" / path).is_file() for path in paths)
