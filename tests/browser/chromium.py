"""The machine's own Chromium, for tests, benchmarks and the gallery."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

MISSING = "there is no Chromium on this machine: make browser installs it"

_NAMES = ("chromium", "chromium-browser", "google-chrome")

#: Quiet, and nothing fetched behind a test's back.
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Give the path of Chromium, None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium; FileNotFoundError where there is none."""
    executable = chromium()
    if executable is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=executable,
            chromium_sandbox=False,  # it wants rights that containers seldom have
            args=list(_FLAGS),
        )
        yield browser
        browser.close()
