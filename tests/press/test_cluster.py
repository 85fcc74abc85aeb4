"""Reports made on a Dask cluster: a real scheduler and two workers in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from spm_lib.errors import RunError
from spm_lib.press.kernels import SERVER_VARIABLE
from spm_lib.press.run import run
from spm_lib.press.shelf import state_of

from .conftest import NOW, PUBLISH, Project, book

MakeProject = Callable[..., Project]

#: Says in which worker's kernel it is; the first report holds up its worker until that one is killed.
HOLDS_ON = """
import os, pathlib, time
here = pathlib.Path("..")
first = not (here / "held").exists() and team == "a"
if first:
    (here / "held").write_text(str(os.getppid()))
    time.sleep(300)
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    found = tmp_path / "scheduler.json"
    environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    environment.pop(SERVER_VARIABLE, None)
    dask = [sys.executable, "-m", "dask"]
    there = ["--scheduler-file", str(found), "--no-dashboard"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *there]]
    commands += [[*dask, "worker", "--no-nanny", "--nthreads", "1", *there]] * 2
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen(c, cwd=tmp_path, env=environment, **quiet) for c in commands]  # type: ignore[call-overload]
    try:
        yield _address(found), started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def _address(file: Path) -> str:
    """Wait for what a scheduler writes of itself."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        with suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.05)
    raise AssertionError("the scheduler did not start")


def wait_for_workers(address: str) -> None:
    from distributed import Client

    with Client(address, timeout="240s", set_as_default=False) as client:
        client.wait_for_workers(2, timeout=240)


def test_a_cluster_makes_the_reports_though_a_worker_is_killed(
    make_project: MakeProject, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    project = make_project({name: name.upper() for name in "abcdef"})
    project.notebook(book(HOLDS_ON, PUBLISH))
    jobs = project.plan()
    wait_for_workers(address)
    killed: list[int] = []

    def kill_the_one_that_holds_on() -> None:
        held = project.root / "held"
        end = time.monotonic() + 240
        while not (held.exists() and held.read_text()) and time.monotonic() < end:
            time.sleep(0.05)
        # The kernel's parent is its worker's server, whose parent is the worker.
        server = Path(f"/proc/{held.read_text()}/stat").read_text().rsplit(")", 1)[1].split()[1]
        killed.append(int(server))
        os.kill(int(server), signal.SIGKILL)

    helper = threading.Thread(target=kill_the_one_that_holds_on)
    helper.start()
    summary = run(jobs, clock=lambda: NOW, cluster=address)
    helper.join()
    assert killed and killed[0] in {worker.pid for worker in workers}
    assert [result.status for result in summary.results] == ["done"] * 6, [r.failure for r in summary.failed]
    assert all(state_of(job) == "fresh" for job in jobs)
    assert sum(worker.poll() is None for worker in workers) == 1
    again = run(jobs, clock=lambda: NOW, cluster=address)
    assert [result.status for result in again.results] == ["skipped"] * 6


def test_where_no_scheduler_answers_it_says_so(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_lib.press.workers.ANSWER_SECONDS", 1)
    project = make_project({"a": "North"})
    project.notebook(book(PUBLISH))
    with pytest.raises(RunError, match="no Dask scheduler answers there"):
        run(project.plan(), clock=lambda: NOW, cluster="tcp://127.0.0.1:9")
