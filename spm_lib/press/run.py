"""Runs: the jobs of a plan, side by side, each in its own kernel; what is made and fresh is skipped."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spm_lib.errors import one_line
from spm_lib.press.kernels import start_server
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure, Made, RunRecord
from spm_lib.press.shelf import FRESH, commit, place, state_of
from spm_lib.press.sweep import alone, sweep
from spm_lib.press.workers import WorkerLostError, Workers, cluster_workers, cores, local_workers

__all__ = ["Result", "Summary", "run", "state_of"]

Status = Literal["done", "failed", "held"]

DONE: Literal["done"] = "done"
FAILED: Literal["failed"] = "failed"
HELD: Literal["held"] = "held"
SKIPPED = "skipped"

#: How often a report is tried, by what it failed of. What is not here fails for good.
ATTEMPTS = {"WorkerLost": 3, "DeadKernel": 2}

Clock = Callable[[], dt.datetime]
Progress = Callable[["Result"], None]


@dataclass(frozen=True)
class Result:
    """How one job ended.

    Parameters
    ----------
    job
        The job.
    status
        ``done``, ``failed``, ``held`` (made, and not for its readers) or ``skipped``.
    failure
        Why it failed or is held; None where it did not and is not.
    warnings
        What the report's readers and owner should know.
    seconds
        Time it took, of its worker.
    ordinary
        Why its kernel was started in the ordinary, slower way; None where it was warm.
    """

    job: Job
    status: str
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    ordinary: str | None = None


@dataclass(frozen=True)
class Summary:
    """How a run ended.

    Parameters
    ----------
    results
        One for each job that ended, in the plan's order.
    interrupted
        Whether it was stopped before all jobs ended.
    """

    results: tuple[Result, ...]
    interrupted: bool = False

    @property
    def ordinary(self) -> str | None:
        """Why kernels, or some of them, were started in the ordinary way; None where all were warm."""
        return next((result.ordinary for result in self.results if result.ordinary), None)

    @property
    def done(self) -> tuple[Result, ...]:
        """Reports made."""
        return self._of(DONE)

    @property
    def failed(self) -> tuple[Result, ...]:
        """Reports that failed, each with its failing cell."""
        return self._of(FAILED)

    @property
    def held(self) -> tuple[Result, ...]:
        """Reports that were made, and are kept from their readers until their owner has looked."""
        return self._of(HELD)

    @property
    def skipped(self) -> tuple[Result, ...]:
        """Reports that were there and fresh."""
        return self._of(SKIPPED)

    def _of(self, status: str) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.status == status)


def run(
    jobs: Sequence[Job],
    *,
    clock: Clock,
    workers: int | None = None,
    cluster: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Make what is missing, failed or stale; one failure stops no other job.

    Parameters
    ----------
    jobs
        See `spm_lib.press.plan.plan`.
    clock
        Gives the time; called in this process alone.
    workers
        Jobs at a time; by default as many as this process may use cores.
    cluster
        Address of a Dask scheduler whose workers make the reports, instead of this machine's.
    force
        Whether to make what is fresh as well.
    progress
        Called in this process with each result as it comes, skipped jobs first.

    Returns
    -------
    Summary
        With `interrupted` set after Ctrl-C: what was finished stands whole, and the next run makes the rest.

    Raises
    ------
    RunError
        Where another run is at work in the folder of reports, or there is no such cluster.
    """
    tell = progress or (lambda _: None)
    results: dict[Path, Result] = {}
    due: list[Job] = []
    for job in jobs:
        if force or state_of(job) != FRESH:
            due.append(job)
            continue
        results[job.html] = Result(job, SKIPPED)
        tell(results[job.html])
    interrupted = False
    if due:
        try:
            with (
                alone(due[0].reports),
                _crew(len(due), workers, cluster) as opened,
                closing(_made(due, clock, opened)) as made,
            ):
                for result in made:
                    results[result.job.html] = result
                    tell(result)
        except KeyboardInterrupt:
            interrupted = True
    elif jobs:
        sweep(jobs[0].reports)
    return Summary(tuple(results[job.html] for job in jobs if job.html in results), interrupted)


def _crew(due: int, workers: int | None, cluster: str | None) -> AbstractContextManager[Workers]:
    if cluster is not None:
        return cluster_workers(cluster)
    count = min(workers or cores(), due)
    threads = max(1, cores() // count)
    # It imports its libraries while the workers import theirs.
    start_server(threads)
    return local_workers(count, "spm_lib.press.worker_modules", _prepare, threads)


def _made(due: Sequence[Job], clock: Clock, workers: Workers) -> Generator[Result, None, None]:
    waiting = deque((job, 1) for job in due)
    running: dict[Future[Made], tuple[Job, int]] = {}
    while waiting or running:
        # Handed out as they are needed: a worker that is lost takes with it only what it was at.
        while waiting and len(running) < workers.slots:
            job, attempt = waiting.popleft()
            running[workers.executor.submit(_make, job)] = job, attempt
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            job, attempt = running.pop(future)
            made = _outcome(future)
            if made.failure is not None and attempt < ATTEMPTS.get(made.failure.error, 1):
                waiting.append((job, attempt + 1))
                continue
            yield _result(job, made, attempt, clock)


def _prepare(threads: int) -> None:
    from spm_lib.press.worker_modules import make

    make.prepare(threads)


def _make(job: Job) -> Made:
    from spm_lib.press.worker_modules import make

    made: Made = make.make(job)
    return made


def _outcome(future: Future[Made]) -> Made:
    try:
        return future.result()
    except (WorkerLostError, CancelledError) as error:
        lost = Failure(
            error="WorkerLost", message=f"{error or 'the work was cancelled'}; run again to make this report"
        )
        return Made(lost)
    except Exception as error:  # noqa: BLE001 - whatever a worker raises is the failure of this report alone
        if type(error).__name__ == "KilledWorker":  # the cluster has tried often enough
            return Made(Failure(error="ClusterWorkersLost", message="its workers ended, time and again"))
        return Made(Failure(error=type(error).__name__, message=one_line(str(error))))


def _result(job: Job, made: Made, attempt: int, clock: Clock) -> Result:
    failure = made.failure
    tried = (f"Made at attempt {attempt}",) if attempt > 1 and failure is None else ()
    warnings = (*job.warnings, *tried, *_publishing(made), *made.notes)
    seconds = made.seconds.get("execute", 0.0) + made.seconds.get("render", 0.0)
    status: Status = DONE if failure is None else HELD if made.held else FAILED
    try:
        if failure is not None and not made.seconds:
            # Its worker ended before it came to that: what stands there is an earlier run's.
            place(job, html=None, notebook=None)
        commit(job, _record(job, made, status, warnings, clock(), seconds))
    except OSError as problem:
        status = FAILED
        failure = Failure(error=type(problem).__name__, message=f"the record could not be written: {problem}")
    return Result(job, status, failure, warnings, seconds, made.ordinary)


def _publishing(made: Made) -> tuple[str, ...]:
    if made.failure or made.publications == 1:
        return ()
    if made.publications == 0:
        return ("The notebook published nothing: the index shows no figures",)
    return (f"The notebook published {made.publications} times: the last counts",)


def _record(
    job: Job, made: Made, status: Status, warnings: tuple[str, ...], now: dt.datetime, seconds: float
) -> RunRecord:
    finished = now.astimezone(dt.UTC)
    return RunRecord(
        spec=job.spec,
        notebook=job.notebook.stem,
        team=job.team,
        team_name=job.team_name,
        rep=job.rep,
        rep_name=job.rep_name or None,
        period=job.period,
        period_title=job.period_title,
        period_end=job.period_end,
        as_of=job.as_of,
        data_date=job.data_date,
        source=job.source,
        parameters=dict(job.parameters),
        fingerprint=job.fingerprint,
        status=status,
        warnings=warnings,
        notices=job.warnings,
        audience=job.audience,
        started=finished - dt.timedelta(seconds=seconds),
        finished=finished,
        seconds=made.seconds,
        failure=made.failure,
        publications=made.publications,
        published=made.published,
        versions=made.versions,
    )
