"""How heavy reports and mails are at demo size, and how soon a browser shows them from disk."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser.chromium import started
from browser.shelves import PAGES, SUMMARY, Shelf, demo_shelf
from timing import Promise, Timed, report

from spm_lib.data.ingest import ingest
from spm_lib.press.deliver.report_mail import report_mail
from spm_lib.press.records import read_record
from spm_lib.press.render.eml import to_eml
from spm_lib.press.shelf import Shelved

ROOT = Path(__file__).parent.parent

FIRST_PAINT = 0.5  # seconds until there is something to read
HTML_KB, MAIL_HTML_KB, MAIL_KB, MAIL_PICTURES = 400, 80, 600, 8

#: When the first text or picture of a page stood on the screen, in milliseconds after it was asked for.
PAINTED = """() => new Promise(tell => new PerformanceObserver(list => {
  for (const each of list.getEntriesByName("first-contentful-paint")) tell(each.startTime);
}).observe({ type: "paint", buffered: true }))"""


def first_paint(browser: Browser, page: Path, rounds: int) -> tuple[float, ...]:
    """Give the seconds until a page is first readable; each round in a new context, so that nothing is kept."""
    seconds = []
    for _ in range(rounds + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        opened.goto(page.as_uri())
        seconds.append(float(opened.evaluate(PAINTED)) / 1000)
        context.close()
    return tuple(seconds[1:])  # the first warms the disk


def mail_sizes(page: Path) -> tuple[float, int, float]:
    """Give the HTML of a report's mail as it travels in KB, its pictures, and all of it in KB."""
    record = page.with_suffix(".json")
    mail, _ = report_mail(Shelved(record, read_record(record)))
    return mail.size / 1000, len(mail.pictures), len(to_eml(mail)) / 1000


def promises_of(shelf: Shelf, timed: tuple[Timed, ...]) -> list[Promise]:
    """Set what was measured beside what is promised."""
    found = []

    def promise(what: str, limit: float, measured: float, *, below: bool = False) -> None:
        found.append(Promise(what, limit, measured, measured < limit if below else measured <= limit))

    for side in timed:
        promise(
            f"{side.name}: seconds until it is first readable from disk", FIRST_PAINT, side.median, below=True
        )
    for kind in kinds():
        page = shelf.page(kind)
        promise(f"{kind}: HTML, KB", HTML_KB, page.stat().st_size / 1000)
        html, pictures, everything = mail_sizes(page)
        promise(f"{kind}: mail's HTML, encoded, KB", MAIL_HTML_KB, html)
        promise(f"{kind}: mail's pictures", MAIL_PICTURES, pictures)
        promise(f"{kind}: mail with pictures, KB", MAIL_KB, everything, below=True)
    return found


def kinds() -> list[str]:
    """Give the kinds of reports that there are."""
    return [
        kind for kind in PAGES if kind in ("report", "summary") and (kind == "report" or SUMMARY.exists())
    ]


def main() -> int:
    """Make the demo's reports where they are not fresh, and measure them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the promises as JSON")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    folder = ROOT / "out" / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "demo.duckdb"
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    ingest(ROOT / "params" / "sources" / "demo.yml", store, now=now, strict=True)
    shelf = demo_shelf(store, folder)
    pages = {kind: shelf.page(kind) for kind in kinds()} | {"index": shelf.folder / "reports" / "index.html"}
    with started() as browser:
        timed = tuple(Timed(kind, first_paint(browser, page, asked.rounds)) for kind, page in pages.items())
    return report("First readable, from disk", timed, promises_of(shelf, timed), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
