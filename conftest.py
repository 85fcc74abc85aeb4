"""For tests and notebooks alike: the demo company's store, made once per version of what makes it."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

ROOT = Path(__file__).parent
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

# What is started in the background is deaf to Ctrl-C, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Side by side, libraries that each take all cores get in each other's way.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# A landing must not hang on the luck of the draw: new examples are found by people, on their machines.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Have one worker more than cores: some tests wait for processes, mail servers and limits of time."""
    return (os.cpu_count() or 1) + 1


def demo_store_path(config: pytest.Config) -> Path:
    """Give the path of the demo company's store, made where it is not there yet."""
    sources = sorted([*(ROOT / "spm_lib" / "data").rglob("*.py"), ROOT / "params" / "sources" / "demo.yml"])
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = config.rootpath / ".pytest_cache" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / f"{digest}.duckdb"
    with FileLock(folder / "lock"):
        if not store.exists():
            from spm_lib.data.ingest import ingest

            for old in folder.glob("*.duckdb"):
                old.unlink()
            ingest(ROOT / "params" / "sources" / "demo.yml", store, now=NOW, strict=True)
    return store


@pytest.fixture(scope="session")
def demo_store(pytestconfig: pytest.Config) -> Path:
    """Give the path of the demo company's store; open it for reading only."""
    return demo_store_path(pytestconfig)


def demo_scored_path(config: pytest.Config) -> Path:
    """Give the path of a copy of the demo store with deals scored, on the last day and one and eight weeks before."""
    demo = demo_store_path(config)
    sources = [
        demo.stem.encode(),
        *(p.read_bytes() for p in sorted((ROOT / "spm_lib" / "models").rglob("*.py"))),
    ]
    digest = hashlib.sha256(b"\0".join(sources)).hexdigest()[:16]
    folder = demo.parent / f"scored-{digest}"
    # A lock of its own: who wants the store alone does not wait for the scores.
    with FileLock(demo.parent / "scores.lock"):
        if not folder.exists():
            from spm_lib.data.store import open_store
            from spm_lib.models.scoring import score_store

            for old in demo.parent.glob("scored-*"):
                shutil.rmtree(old)
            # What was begun and not ended is no folder of that name.
            making = demo.parent / "scoring"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            shutil.copyfile(demo, making / "store.duckdb")
            with open_store(making / "store.duckdb") as store:
                last = store.as_of().date
            for weeks in (8, 1, 0):
                # The first day's model serves the others too: to fit another takes half a minute more.
                day = last - dt.timedelta(weeks=weeks)
                score_store(making / "store.duckdb", day, clock=lambda: NOW, refit_days=63)
            making.rename(folder)
    return folder / "store.duckdb"


@pytest.fixture(scope="session")
def demo_scored(pytestconfig: pytest.Config) -> Path:
    """Give the path of the demo company's store with scored deals; open store and ledger for reading only."""
    return demo_scored_path(pytestconfig)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the notebooks the demo store, as `spm demo` does."""
    if any(type(item).__name__ == "IPyNbCell" for item in items):
        os.environ["SPM_STORE"] = str(demo_scored_path(config))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """In CI everything that tests need is there: a skip is a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
