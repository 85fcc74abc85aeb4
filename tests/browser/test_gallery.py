"""The pictures of the README and the gallery."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURE = re.compile(
    r'!\[(?P<alt>[^\]]*)\]\((?P<path>[^)\s]+)\)|<img [^>]*?src="(?P<src>[^"]+)"[^>]*?alt="(?P<text>[^"]*)"'
)


@pytest.mark.parametrize("name", ["README.md", "docs/gallery.md"])
def test_pages_that_show_the_product_have_pictures(name: str) -> None:
    assert PICTURE.search((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_exists_and_is_described(page: Path) -> None:
    found = [
        (m["path"] or m["src"], m["alt"] or m["text"]) for m in PICTURE.finditer(page.read_text("utf-8"))
    ]
    for name, alt in found:
        picture = page.parent / name
        assert picture.is_file(), f"{name} is not there: make gallery"
        assert picture.stat().st_size < (200_000 if picture.name == "report.png" else 150_000)
        with Image.open(picture) as opened:
            assert opened.width >= 375 and opened.height >= 600
        assert len(alt) > 20


def test_no_picture_is_left_over() -> None:
    named = {
        (page.parent / (m["path"] or m["src"])).resolve()
        for page in PAGES
        for m in PICTURE.finditer(page.read_text("utf-8"))
    }
    assert {path.resolve() for path in (ROOT / "docs").glob("*.png")} == named
