"""Pages made once by the real pipeline, and one Chromium to open them in; where there is none, a skip that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Route, expect

from spm_lib.data.store import open_store

from .chromium import MISSING, chromium, started
from .hostile import hostile_jobs, hostile_store, index_of_attacks
from .shelves import Shelf, demo_jobs, index_of_many, make, stamp

# Limits tell what hangs from what is slow.
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all of them on one worker: pages are made once, and one browser opens them."""
    for item in items:
        if Path(str(item.fspath)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("browser"))


# Of the module, not the session: while it runs, nothing else in this process can run an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip(MISSING)
    with started() as opened:
        yield opened


@pytest.fixture(scope="session")
def shelves(demo_scored: Path, pytestconfig: pytest.Config) -> tuple[Shelf, Shelf]:
    """Pages of the demo company, and of one where every name is an attack; fresh ones are not made again."""
    if chromium() is None:
        pytest.skip(MISSING)
    folder = pytestconfig.rootpath / ".pytest_cache" / "pages"
    demo, hostile = folder / "demo", folder / "hostile"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(folder / "lock"),
        open_store(demo_scored) as opened,
        open_store(hostile_store(hostile)) as attacked,
    ):
        jobs = [*demo_jobs(opened, demo / "reports"), *hostile_jobs(attacked, hostile)]
        made, wanted = folder / "made", stamp(jobs)
        # Other workers may be reading what stands: it is left alone while it is what would be made.
        if not (made.exists() and made.read_text() == wanted):
            made.unlink(missing_ok=True)
            # In one run, side by side: most of the time is kernels that start.
            make(jobs)
            index_of_many(demo / "reports", demo / "index")
            index_of_attacks(hostile / "reports", hostile / "index")
            made.write_text(wanted)
    return Shelf(demo), Shelf(hostile)


@pytest.fixture(scope="session")
def demo(shelves: tuple[Shelf, Shelf]) -> Shelf:
    """Reports of the demo company, an index and the bodies of the mails."""
    return shelves[0]


@pytest.fixture(scope="session")
def hostile(shelves: tuple[Shelf, Shelf]) -> Shelf:
    """The same of a company where every name is an attack."""
    return shelves[1]


class Watched:
    """A page that notes whatever a report must never do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrongs: list[str] = []
        self.address = ""
        page.on("dialog", self._dialog)
        page.on("popup", lambda popup: self.wrongs.append(f"opened {popup.url}"))
        page.on("pageerror", lambda error: self.wrongs.append(f"script error: {error}"))
        page.on("console", self._console)
        page.route("**/*", self._request)

    def open(self, path: Path) -> Page:
        """Open a page, with nothing else allowed."""
        self.address = path.resolve().as_uri()
        self.page.goto(self.address)
        return self.page

    def _request(self, route: Route) -> None:
        if route.request.url.split("#")[0] == self.address:
            route.continue_()
        else:
            self.wrongs.append(f"asked for {route.request.url[:120]}")
            route.abort()

    def _dialog(self, dialog: Dialog) -> None:
        self.wrongs.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrongs.append(f"console: {message.text}")


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Give a function that opens a watched page; keywords go to the browser's context."""
    contexts = []

    def opened(**options: object) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        context.set_default_timeout(120_000)
        return Watched(context.new_page())

    yield opened
    for context in contexts:
        context.close()
