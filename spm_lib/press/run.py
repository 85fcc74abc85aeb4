"""Runs: the jobs of a plan, side by side, each in its own kernel; what is made and fresh is skipped."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from spm_lib.errors import one_line
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure, Made, RunRecord
from spm_lib.press.shelf import FRESH, commit, state_of

__all__ = ["Result", "Summary", "cores", "run", "state_of"]

DONE, FAILED, SKIPPED = "done", "failed", "skipped"

#: Longest time one cell may take, in seconds.
CELL_TIMEOUT = 600

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
        ``done``, ``failed`` or ``skipped``.
    failure
        Why it failed; None where it did not.
    warnings
        What the report's readers and owner should know.
    seconds
        Time it took, of its worker.
    """

    job: Job
    status: str
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


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
    def done(self) -> tuple[Result, ...]:
        """Reports made."""
        return self._of(DONE)

    @property
    def failed(self) -> tuple[Result, ...]:
        """Reports that failed, each with its failing cell."""
        return self._of(FAILED)

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
    force: bool = False,
    timeout: int = CELL_TIMEOUT,
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
    force
        Whether to make what is fresh as well.
    timeout
        Longest time one cell may take, in seconds.
    progress
        Called in this process with each result as it comes, skipped jobs first.

    Returns
    -------
    Summary
        With `interrupted` set after Ctrl-C: what was finished stands whole, and the next run makes the rest.
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
        made = _made(due, clock, min(workers or cores(), len(due)), timeout)
        try:
            with closing(made):
                for result in made:
                    results[result.job.html] = result
                    tell(result)
        except KeyboardInterrupt:
            interrupted = True
    return Summary(tuple(results[job.html] for job in jobs if job.html in results), interrupted)


def cores() -> int:
    """Give the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _made(due: Sequence[Job], clock: Clock, workers: int, timeout: int) -> Generator[Result, None, None]:
    # Not forked: this process may hold threads and open databases, which do not survive a fork.
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    threads = max(1, cores() // workers)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(threads,))
    try:
        futures = {pool.submit(_make, job, timeout): job for job in due}
        for future in as_completed(futures):
            yield _result(futures[future], future, clock)
    except BaseException:
        # Ctrl-C, or an error of our own: workers end their kernels and leave.
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# Papermill and nbconvert take over a second to import: workers need them, the process that plans does not.


def _prepare(threads: int) -> None:
    from spm_lib.press.make import prepare

    prepare(threads)


def _make(job: Job, timeout: int) -> Made:
    from spm_lib.press.make import make

    return make(job, timeout)


def _result(job: Job, future: Future[Made], clock: Clock) -> Result:
    error = future.exception()
    if error is None:
        made = future.result()
    elif isinstance(error, BrokenProcessPool):
        lost = Failure(error="WorkerLost", message="the worker process ended; run again to make this report")
        made = Made(lost)
    else:
        made = Made(Failure(error=type(error).__name__, message=one_line(str(error))))
    failure = made.failure
    warnings = (*job.warnings, *_publishing(made), *made.notes)
    seconds = made.seconds.get("execute", 0.0) + made.seconds.get("render", 0.0)
    try:
        commit(job, _record(job, made, warnings, clock(), seconds))
    except OSError as problem:
        failure = Failure(error=type(problem).__name__, message=f"the record could not be written: {problem}")
    return Result(job, FAILED if failure else DONE, failure, warnings, seconds)


def _publishing(made: Made) -> tuple[str, ...]:
    if made.failure or made.publications == 1:
        return ()
    if made.publications == 0:
        return ("The notebook published nothing: the index shows no figures",)
    return (f"The notebook published {made.publications} times: the last counts",)


def _record(job: Job, made: Made, warnings: tuple[str, ...], now: dt.datetime, seconds: float) -> RunRecord:
    finished = now.astimezone(dt.UTC)
    return RunRecord(
        spec=job.spec,
        notebook=job.notebook.stem,
        team=job.team,
        team_name=job.team_name,
        period=job.period,
        period_title=job.period_title,
        period_end=job.period_end,
        as_of=job.as_of,
        data_date=job.data_date,
        source=job.source,
        parameters=dict(job.parameters),
        fingerprint=job.fingerprint,
        status="failed" if made.failure else "done",
        warnings=warnings,
        started=finished - dt.timedelta(seconds=seconds),
        finished=finished,
        seconds=made.seconds,
        failure=made.failure,
        publications=made.publications,
        published=made.published,
        versions=made.versions,
    )
