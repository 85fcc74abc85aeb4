"""The same reports through a Dask cluster of two workers on this machine, beside two local jobs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from press_company import JOBS, TEAM_SPEC, Asked, CommandError, Company, environment, output_of, spm
from timing import Section, at_least, in_turn

SHARE = 0.85
WHAT = "reports an hour on a Dask cluster of two workers, as a share of two local jobs'"
PATIENCE = 60  # seconds until scheduler and workers are there


def dask(company: Company, asked: Asked) -> Section:
    """Make the team reports both ways in turn; the cluster stands before and after, as a company's would."""
    section = Section("Seconds a call: Dask and local")
    if missing := lacking():
        section.unmeasured.append(f"{WHAT}: {missing}")
        return section
    teams = [job["team"] for job in company.plan(TEAM_SPEC, asked.teams)]
    with cluster(company.folder / "dask") as address:
        sides = (
            (f"{JOBS} local jobs", lambda: company.run(TEAM_SPEC, "local", teams, "--force")),
            (
                f"Dask, {JOBS} workers",
                lambda: company.run(TEAM_SPEC, "dask", teams, "--force", "--cluster", address),
            ),
        )
        section.timed = list(in_turn(sides, asked.rounds))
    local, spread = (side.median for side in section.timed)
    section.claim(at_least(WHAT, SHARE, local / spread), full=asked.full)
    return section


def lacking() -> str:
    """Say what is missing here for measuring; nothing where all is there."""
    if "--cluster" not in output_of([*spm(), "run", "--help"], variables=environment(COLUMNS="200")):
        return "spm run has no --cluster here: skipped"
    if importlib.util.find_spec("distributed") is None:
        return "distributed is not installed: skipped; install it with pip install distributed"
    return ""


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Start a scheduler and two workers of one thread each; give the scheduler's address, and end them after."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "scheduler.json"
    told.unlink(missing_ok=True)
    scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker = ["dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
    with ExitStack() as stack:
        stack.enter_context(started([*scheduler, "--scheduler-file", str(told)], folder / "scheduler.log"))
        address = address_in(told)
        for number in range(JOBS):
            own = ["--name", f"worker-{number}", "--local-directory", str(folder)]
            log = folder / f"worker-{number}.log"
            stack.enter_context(started([worker[0], address, *worker[1:], *own], log))
        await_workers(address)
        yield address


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator[None]:
    """Run one of Dask's programs meanwhile."""
    module, *options = command
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *options],
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def address_in(told: Path) -> str:
    """Wait for the scheduler's file, and give the address in it."""
    for _ in range(PATIENCE * 10):
        if told.exists() and (text := told.read_text("utf-8")):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise CommandError(f"the scheduler did not start: see {told.parent}")


def await_workers(address: str) -> None:
    """Wait until both workers have joined."""
    # Not at the top: most machines do not have it.
    from distributed import Client

    with Client(address, timeout=PATIENCE) as client:
        client.wait_for_workers(JOBS, timeout=PATIENCE)
