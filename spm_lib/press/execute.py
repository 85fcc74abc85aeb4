"""One job's notebook, executed through Papermill. A notebook that fails is an answer, not an exception."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillException, PapermillExecutionError

from spm_lib.errors import RunError, one_line
from spm_lib.press.notebook import cleaned, first_error, first_line, number_of, read_notebook
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure
from spm_lib.settings import LOCALE_VARIABLE, STORE_VARIABLE

#: The kernel's own log goes to the terminal; whatever ends a report is in the record.
_QUIET = ["--log-level=CRITICAL"]

#: A kernel that has not answered by then is not coming.
START_TIMEOUT = 120


@dataclass(frozen=True)
class Executed:
    """What came of executing a notebook.

    Parameters
    ----------
    book
        The executed notebook, up to the failing cell where one failed; None where not even that was kept.
    failure
        Why it failed; None where it did not.
    seconds, cell_seconds
        Time taken by all, kernel start included, and by the cells alone.
    """

    book: NotebookNode | None
    failure: Failure | None
    seconds: float
    cell_seconds: float


def execute(job: Job, *, timeout: int) -> Executed:
    """Execute the job's notebook in a kernel of its own, in the notebook's folder, as JupyterLab would.

    Parameters
    ----------
    job
        What to run. The kernel finds the store through ``SPM_STORE``.
    timeout
        Longest time one cell may take, in seconds.

    Returns
    -------
    Executed
    """
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="spm-") as folder:
        output = Path(folder) / "executed.ipynb"
        book, failure = _attempt(job, output, timeout)
        if book is None:
            book = _saved(output)
    cells = 0.0
    if book is None:
        failure = failure or Failure(error="RunError", message="the executed notebook could not be kept")
    else:
        failure = _blamed(book, failure)
        cells = sum(cell.metadata.get("papermill", {}).get("duration") or 0.0 for cell in book.cells)
        book = cleaned(book)
    return Executed(book, failure, time.perf_counter() - begun, cells)


def _attempt(job: Job, output: Path, timeout: int) -> tuple[NotebookNode | None, Failure | None]:
    variables = {STORE_VARIABLE: str(job.store)} | ({LOCALE_VARIABLE: job.locale} if job.locale else {})
    try:
        with _environment(variables):
            book = papermill.execute_notebook(
                _literal(job.notebook),
                _literal(output),
                parameters=dict(job.parameters),
                kernel_name=read_notebook(job.notebook).metadata.kernelspec.name,
                language="python",
                progress_bar=False,
                cwd=job.notebook.parent,
                execution_timeout=timeout,
                start_timeout=START_TIMEOUT,
                autosave_cell_every=0,
                extra_arguments=_QUIET,
            )
    except PapermillExecutionError:
        return None, None  # the saved notebook says which cell and why
    except PapermillException as error:
        return None, Failure(error=type(error).__name__, message=one_line(str(error)))
    except CellTimeoutError:
        return None, Failure(error="Timeout", message=f"the cell took longer than {timeout} s")
    except (DeadKernelError, RuntimeError) as error:
        died = isinstance(error, DeadKernelError) or "Kernel died" in str(error)
        message = "the kernel died, perhaps for want of memory" if died else one_line(str(error))
        return None, Failure(error="DeadKernel" if died else type(error).__name__, message=message)
    except NoSuchKernel as error:
        message = f"there is no kernel '{error.name}' on this machine"
        return None, Failure(error="NoSuchKernel", message=message)
    except (CellControlSignal, RunError, OSError) as error:
        return None, Failure(error=type(error).__name__, message=one_line(str(error)))
    return book, None


def _literal(path: Path) -> str:
    """Escape braces: Papermill fills them in."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _saved(output: Path) -> NotebookNode | None:
    try:
        return read_notebook(output)
    except RunError:
        return None


def _blamed(book: NotebookNode, failure: Failure | None) -> Failure | None:
    """Name the failing cell: the one with the error or, after a hang or a dead kernel, the last one begun."""
    found = first_error(book)
    if failure:  # before the error: a cell that hangs is interrupted, and shows that as an error of its own
        begun = [c for c in book.cells if c.metadata.get("papermill", {}).get("start_time")]
        if not begun:
            return failure
        cell, name, message = begun[-1], failure.error, failure.message
    elif found:
        cell, output = found
        name, message = output.ename, output.evalue
    else:
        return None
    return Failure(
        error=one_line(name, 80),
        message=one_line(message),
        cell=number_of(book, cell) or None,
        line=first_line(cell),
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the kernel that is started meanwhile; it inherits this process's."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
