"""Readable by everyone: axe-core's rules of WCAG 2.2 AA and its best practices, in light and dark, wide and narrow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from .conftest import Watched
from .shelves import PAGES, Shelf

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {name: {"enabled": True} for name in ("target-size", "table-fake-caption", "p-as-heading")},
    "resultTypes": ["violations"],
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


def violations(page: Any, options: Mapping[str, Any] = OPTIONS) -> list[str]:
    """Give each broken rule with where it is broken."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then(result => result.violations)")
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("kind", PAGES)
def test_no_rule_is_broken(kind: str, demo: Shelf, watch: Callable[..., Watched]) -> None:
    page = watch().open(demo.page(kind))
    page.evaluate(UNFOLD)
    found = []
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 900})
        # What depends on light or dark is contrast alone.
        for scheme, options in (("light", OPTIONS), ("dark", CONTRAST)):
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} px, {scheme}: {each}" for each in violations(page, options)]
    assert not found, "\n".join(found)


def test_the_judge_knows_what_is_wrong(tmp_path: Path, watch: Callable[..., Watched]) -> None:
    """Each of the rules that are off by default, and a few that are not, on a page that breaks them."""
    page = tmp_path / "wrong.html"
    page.write_text(
        "<!doctype html><title>x</title><img src='data:,'><p style='color:#999'>pale</p>"
        "<p><b style='font-size:2em'>As a heading</b></p><p>Words that follow it, and are a good deal longer.</p>"
        "<table border=1><tr><td colspan=2>Caption</td></tr><tr><th>a</th><th>b</th></tr>"
        "<tr><td>c</td><td>d</td></tr><tr><td>e</td><td>f</td></tr></table>"
        "<a href=#a style='position:absolute;left:0;top:0;width:9px;height:9px'>a</a>"
        "<a href=#b style='position:absolute;left:9px;top:0;width:9px;height:9px'>b</a>"
    )
    rules = {each.split(" ")[0] for each in violations(watch().open(page))}
    wanted = {
        "html-has-lang",
        "color-contrast",
        "p-as-heading",
        "table-fake-caption",
        "target-size",
        "region",
    }
    assert rules >= wanted | {"image-alt", "landmark-one-main"}
