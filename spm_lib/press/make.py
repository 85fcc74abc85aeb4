"""One job from notebook to shelf, in a worker process of its own."""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
import time
from importlib.metadata import version
from typing import Any

import nbformat
from nbformat import NotebookNode

from spm_lib.errors import RunError, one_line
from spm_lib.press.execute import execute
from spm_lib.press.notebook import published
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure, Made, Published, check_published
from spm_lib.press.render.eml import to_eml
from spm_lib.press.render.facts import Facts
from spm_lib.press.render.mail import mail_of
from spm_lib.press.render.report import render
from spm_lib.press.shelf import place
from spm_lib.settings import DEFAULT_LOCALE

#: Each kernel's own share of the processor: libraries that each take all cores get in each other's way.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

#: Whose versions a report names.
_LIBRARIES = ("spm-lib", "duckdb", "ibis-framework", "pandas", "matplotlib", "papermill", "nbconvert")


def prepare(threads: int) -> None:
    """Make this process a worker: limit threads, be quiet, leave Ctrl-C to the one that hands out jobs."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(threads))
    # The kernel's debugger otherwise warns of frozen modules, once a kernel, on everybody's terminal.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    logging.getLogger("papermill").addHandler(logging.NullHandler())
    logging.getLogger("papermill").propagate = False
    # A handler, not SIG_IGN, as kernels would inherit that.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def make(job: Job, timeout: int) -> Made:
    """Execute, check, render and shelve one report; the record is the caller's to write."""
    executed = execute(job, timeout=timeout)
    seconds = {"execute": executed.seconds, "cells": executed.cell_seconds}
    book, failure = executed.book, executed.failure
    found: list[Any] = published(book) if book is not None else []
    figures: Published | None = None
    html: str | None = None
    mail: str | None = None
    notes: tuple[str, ...] = ()
    begun = time.perf_counter()
    if failure is None and book is not None:
        try:
            figures = check_published(found[-1]) if found else None
            html, notes = render(book, facts(job), code=job.code)
            body, left_out = mail_of(book, facts(job))
            mail, notes = to_eml(body).decode("ascii"), (*notes, *left_out)
        except RunError as error:
            html = None
            failure = Failure(error="RunError", message=str(error))
    seconds["render"] = time.perf_counter() - begun
    try:
        place(job, html=html, mail=mail, notebook=_written(book))
    except OSError as error:
        failure = Failure(error=type(error).__name__, message=f"the report could not be written: {error}")
    if failure is not None:
        figures = None
    rounded = {name: round(value, 3) for name, value in seconds.items()}
    return Made(failure, len(found), figures, notes, rounded, versions())


def facts(job: Job) -> Facts:
    """Give what the page says besides the notebook's own words."""
    return Facts(
        # Without marks that turn the reading direction, and no longer than a heading bears.
        team_name=one_line(job.team_name, 200),
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


def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that shape a report."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def _written(book: NotebookNode | None) -> str | None:
    return None if book is None else str(nbformat.writes(book)) + "\n"  # type: ignore[no-untyped-call]
