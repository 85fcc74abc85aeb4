"""One job from notebook to shelf, in a worker process."""

from __future__ import annotations

import atexit
import gc
import logging
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from functools import lru_cache
from importlib.metadata import version
from multiprocessing.connection import wait
from typing import Any

import nbformat
from nbformat import NotebookNode
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
)
from tenacity.retry import RetryBaseT

from spm_lib.errors import RunError, StoreError, one_line
from spm_lib.press.audience import MANAGER, managers_alone
from spm_lib.press.execute import Executed, execute
from spm_lib.press.kernels.environment import THREAD_VARIABLES
from spm_lib.press.leaks import leaks
from spm_lib.press.notebook import published
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure, Made, Published, check_published
from spm_lib.press.render.blocks import body_of
from spm_lib.press.render.facts import Facts
from spm_lib.press.render.report import render
from spm_lib.press.secrets import secrets_of
from spm_lib.press.shelf import place
from spm_lib.settings import DEFAULT_LOCALE

#: Whose versions a report names.
_LIBRARIES = ("spm-lib", "duckdb", "ibis-framework", "pandas", "matplotlib", "papermill", "nbconvert")

#: How often, and after how many seconds at most, a store is tried that another program has open for writing.
_BUSY_ATTEMPTS = 4
_BUSY_SECONDS = 8


def prepare(threads: int) -> None:
    """Make this process a worker: quiet, gone with the process that hands out jobs, and deaf to Ctrl-C.

    Parameters
    ----------
    threads
        What the libraries of each kernel may use: those that each take all cores get in each other's way.
    """
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(threads))
    logging.getLogger("papermill").addHandler(logging.NullHandler())
    logging.getLogger("papermill").propagate = False
    # A handler, not SIG_IGN, as kernels would inherit that.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What is imported stays: to look through it for garbage time and again costs a tenth of a second each.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # At the end it goes like all else: DuckDB's binding prints a page about what it finds left over.
    atexit.register(gc.unfreeze)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        # Not sys.exit: this is no main thread, and nobody is left to tell.
        os._exit(1)


def make(job: Job) -> Made:
    """Execute, check, render and shelve one report; the record is the caller's to write."""
    try:
        secrets = secrets_of(job.env, os.environ)
    except RunError as error:
        return _unmade(job, Failure(error="RunError", message=str(error)))
    executed = _patiently(job, secrets)
    seconds = {"execute": executed.seconds, "cells": executed.cell_seconds}
    book, failure = executed.book, executed.failure
    found: list[Any] = published(book) if book is not None else []
    figures: Published | None = None
    html: str | None = None
    notes: tuple[str, ...] = ()
    held = False
    begun = time.perf_counter()
    if failure is None and book is not None:
        try:
            figures = check_published(found[-1]) if found else None
            html, notes = render(book, facts(job), body_of(book, code=job.code))
            failure = _untold(job, book) or _leaking(
                job, _waiting(retry_if_exception_type(StoreError))(leaks, job, book)
            )
            held = failure is not None
        except (RunError, StoreError) as error:
            failure = Failure(error=type(error).__name__, message=str(error))
        if failure is not None:
            html = figures = None
    seconds["render"] = time.perf_counter() - begun
    begun = time.perf_counter()
    try:
        place(job, html=html, notebook=_written(book))
    except OSError as error:
        return _unmade(job, _unplaced(error), seconds)
    seconds["place"] = time.perf_counter() - begun
    rounded = {name: round(value, 4) for name, value in seconds.items()}
    return Made(failure, len(found), figures, notes, rounded, versions(), held, executed.ordinary)


def _patiently(job: Job, secrets: dict[str, str]) -> Executed:
    """Execute; again where another program has the store open for writing, as that passes."""
    found: Executed = _waiting(retry_if_result(lambda executed: executed.busy))(execute, job, secrets=secrets)
    return found


def _waiting(retry: RetryBaseT) -> Retrying:
    return Retrying(
        retry=retry,
        stop=stop_after_attempt(_BUSY_ATTEMPTS),
        wait=wait_exponential(max=_BUSY_SECONDS),
        # What the last attempt came to, an exception too.
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )


def _untold(job: Job, book: NotebookNode) -> Failure | None:
    """Hold back what is the manager's alone from all others."""
    cells = managers_alone(book) if job.audience != MANAGER else ()
    if not cells:
        return None
    return Failure(
        error="Held",
        message=f"the report goes to the {job.audience} and holds what is the manager's alone: {_few(cells)}. Leave it "
        "out of the notebook where others than the manager read it",
    )


def _leaking(job: Job, names: tuple[str, ...]) -> Failure | None:
    if not names:
        return None
    whose = "team's" if job.rep is None else "rep's"
    return Failure(
        error="Held",
        message=f"the report names what is not its {whose}: {_few(names)}. Where all may read of it, "
        "say so in the spec: shared_names: [NAME]",
    )


def _few(told: tuple[str, ...]) -> str:
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    return f"{', '.join(told[:5])}{more}"


def _unmade(job: Job, failure: Failure, seconds: dict[str, float] | None = None) -> Made:
    """Take away what an earlier run has made, as far as that is possible, and tell why nothing takes its place."""
    try:
        place(job, html=None, notebook=None)
    except OSError as error:
        failure = _unplaced(error)
    return Made(failure, seconds=seconds or {})


def _unplaced(error: OSError) -> Failure:
    return Failure(error=type(error).__name__, message=one_line(f"the report could not be written: {error}"))


def facts(job: Job) -> Facts:
    """Give what the page says besides the notebook's own words."""
    return Facts(
        # Without marks that turn the reading direction, and no longer than a heading bears.
        team_name=one_line(job.name, 200),
        period_title=job.period_title,
        as_of=job.as_of,
        data_date=job.data_date,
        currency=job.currency,
        source=job.source,
        parameters=job.parameters,
        versions=versions(),
        warnings=job.warnings,
        locale=job.locale or DEFAULT_LOCALE,
        team_pages=job.team_pages,
    )


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that shape a report."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _written(book: NotebookNode | None) -> str | None:
    return None if book is None else str(nbformat.writes(book)) + "\n"  # type: ignore[no-untyped-call]
