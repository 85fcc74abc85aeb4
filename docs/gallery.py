"""Makes the pictures of the README and of gallery.md from the demo company: make gallery."""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser.chromium import started
from browser.shelves import demo_shelf

from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.models.scoring import score_store

DOCS = Path(__file__).parent
ROOT = DOCS.parent
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

#: Page, width and height in pixels, and whether dark; the pages as on the shelf, the newest of several.
REPORT = "reports/team_performance/*/*/emea-enterprise.html"
PICTURES: dict[str, tuple[str, int, int, bool]] = {
    "report": (REPORT, 1280, 900, False),
    "report-dark": (REPORT, 1280, 900, True),
    "report-phone": (REPORT, 375, 812, False),
    "summary": ("reports/leadership_summary/*/*/company.html", 1280, 900, False),
    "risk": ("reports/deals_at_risk/*/*/emea-enterprise.html", 1280, 900, False),
    "risk-phone": ("reports/deals_at_risk/*/*/emea-enterprise.html", 375, 812, False),
    "model": ("reports/deal_risk_model/*/*/company.html", 1280, 900, False),
    "index": ("reports/index.html", 1280, 900, False),
    "mail": ("mails/team_performance-emea-enterprise.html", 640, 900, False),
}
LIMIT_KB = {"report": 200}
OTHERS_KB = 150


def main() -> int:
    """Make what is missing or stale of the demo's reports, and take all pictures."""
    folder = ROOT / "out" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "demo.duckdb"
    ingest(ROOT / "params" / "sources" / "demo.yml", store, now=NOW, strict=True)
    score(store)
    shelf = demo_shelf(store, folder, everyone=True)
    with started() as browser:
        for name, (pattern, width, height, dark) in PICTURES.items():
            pages = sorted(shelf.folder.glob(pattern))
            if not pages:
                print(f"{name}: there is no such page")
                continue
            raw = shot(browser, pages[-1], width, height, dark=dark)
            path = DOCS / f"{name}.png"
            size = save(raw, path, LIMIT_KB.get(name, OTHERS_KB))
            print(f"{path.relative_to(ROOT)}: {size:.0f} KB of {pages[-1].relative_to(folder)}")
    return 0


def score(store: Path) -> None:
    """Score the last day, and one and eight weeks before, so that reports tell what changed and how flags turned out."""
    with open_store(store) as opened:
        last = opened.as_of().date
    for weeks in (8, 1, 0):
        score_store(store, last - dt.timedelta(weeks=weeks), clock=lambda: NOW, refit_days=63)


def shot(browser: Browser, page: Path, width: int, height: int, *, dark: bool) -> bytes:
    """Take a picture of the top of a page; of a phone's page with the phone's pixels."""
    options: dict[str, Any] = {"viewport": {"width": width, "height": height}}
    options["color_scheme"] = "dark" if dark else "light"
    options["device_scale_factor"] = 2 if width < 500 else 1
    context = browser.new_context(**options)
    opened = context.new_page()
    opened.goto(page.as_uri())
    raw = opened.screenshot()
    context.close()
    return raw


def save(raw: bytes, path: Path, limit_kb: int) -> float:
    """Save a picture with as many colours as the limit allows; give its size in KB."""
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    for colours in (256, 128, 64, 32):
        small = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        size = path.stat().st_size / 1000
        if size < limit_kb:
            return size
    raise ValueError(f"{path.name} is heavier than {limit_kb} KB")


if __name__ == "__main__":
    sys.exit(main())
