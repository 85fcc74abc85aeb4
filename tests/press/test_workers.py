"""Workers: forked from a process that has imported what they need, with the environment of their own run."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from spm_lib.press import workers
from spm_lib.press.workers import local_workers

MODULES = "spm_lib.press.worker_modules"

pytestmark = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)


def _ready() -> None:
    """Nothing is to be set up."""


def _told() -> dict[str, Any]:
    return {
        "parent": os.getppid(),
        "imported": "spm_lib.press.make" in sys.modules,
        "run": os.environ.get("SPM_TEST_RUN"),
        "folder": str(Path.cwd()),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


def asked() -> dict[str, Any]:
    with local_workers(1, MODULES, _ready) as opened:
        told: dict[str, Any] = opened.executor.submit(_told).result(timeout=240)
    return told


def test_each_run_has_its_own_environment_and_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    parents = set()
    for run in ("first", "second"):
        folder = tmp_path / run
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SPM_TEST_RUN", run)
        told = asked()
        parents.add(told.pop("parent"))
        assert told == {"imported": True, "run": run, "folder": str(folder), "threads": "7"}
    # Both came from one process, which is not this one, as this one has threads.
    assert len(parents) == 1 and os.getpid() not in parents
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_what_they_are_forked_from_has_one_thread() -> None:
    server = asked()["parent"]
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


def test_where_no_path_is_short_enough_for_a_socket_they_are_started_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "_LONGEST", 3)
    assert asked()["parent"] == os.getpid()


def test_a_killed_server_is_replaced() -> None:
    before = asked()["parent"]
    os.kill(before, 9)
    # It is over when the system says so; one that is to be forked before is lost, as any may be.
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert asked()["parent"] not in (before, os.getpid())
