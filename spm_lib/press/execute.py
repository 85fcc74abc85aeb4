"""One job's notebook, executed through Papermill. A notebook that fails is an answer, not an exception."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillException, PapermillExecutionError

from spm_lib.errors import RunError, one_line
from spm_lib.press.kernels.limits import NotebookLimitError
from spm_lib.press.notebook import cleaned, first_error, first_line, number_of, read_notebook
from spm_lib.press.plan import Job
from spm_lib.press.records import Failure
from spm_lib.press.secrets import Mask, ordinary
from spm_lib.settings import LOCALE_VARIABLE, STORE_VARIABLE

#: How the study says that a store is being written, see `spm_lib.data.store.open_store`.
_BUSY = ("StoreError", "has this store open for writing")

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
    ordinary
        Why the kernel was an ordinary one; None where it was warm.
    """

    book: NotebookNode | None
    failure: Failure | None
    seconds: float
    cell_seconds: float
    ordinary: str | None = None

    @property
    def busy(self) -> bool:
        """Whether it failed of a store that another program had open for writing."""
        return (
            self.failure is not None and self.failure.error == _BUSY[0] and _BUSY[1] in self.failure.message
        )


def execute(job: Job, *, secrets: Mapping[str, str] | None = None) -> Executed:
    """Execute the job's notebook in a kernel of its own, in the notebook's folder, as JupyterLab would.

    Parameters
    ----------
    job
        What to run, and what it may take. The kernel finds the store through ``SPM_STORE``.
    secrets
        Variables that the kernel is given besides; their values are masked in all that is returned.

    Returns
    -------
    Executed
    """
    begun = time.perf_counter()
    kept: list[NotebookNode] = []
    # Before anything is made of what a cell says, or cut from it: a part of a value is no longer known for one.
    mask = Mask(secrets or {})
    failure = _attempt(job, dict(secrets or {}), kept.append, mask)
    if not kept:
        failure = failure or Failure(error="RunError", message="the executed notebook could not be kept")
        return Executed(None, failure, time.perf_counter() - begun, 0.0)
    book = mask.anything(kept[-1])
    failure = _blamed(book, failure)
    cells = sum(cell.metadata.get("papermill", {}).get("duration") or 0.0 for cell in book.cells)
    ordinary = book.metadata.get("papermill", {}).get("ordinary_kernel")
    return Executed(cleaned(book), failure, time.perf_counter() - begun, cells, ordinary)


def _attempt(
    job: Job, secrets: dict[str, str], keep: Callable[[NotebookNode], None], mask: Mask
) -> Failure | None:
    def said(error: Exception) -> str:
        return one_line(mask.text(str(error)))

    limits = job.limits
    variables = ordinary(os.environ) | secrets | {STORE_VARIABLE: str(job.store)}
    if job.locale:
        variables[LOCALE_VARIABLE] = job.locale
    try:
        papermill.execute_notebook(
            _literal(job.notebook),
            None,
            parameters=dict(job.parameters),
            kernel_name=read_notebook(job.notebook).metadata.kernelspec.name,
            language="python",
            progress_bar=False,
            engine_name="spm",
            execution_timeout=limits.cell_seconds,
            total_timeout=limits.seconds,
            start_timeout=START_TIMEOUT,
            kernel_env=variables,
            inherit_env=False,
            kernel_cwd=job.notebook.parent,
            kernel_memory=limits.memory_mb * 1_000_000 if limits.memory_mb else None,
            keep=keep,
        )
    except PapermillExecutionError:
        return None  # the kept notebook says which cell and why
    except PapermillException as error:
        return Failure(error=type(error).__name__, message=said(error))
    except NotebookLimitError:
        return Failure(error="Timeout", message=f"the notebook took longer than {limits.seconds} s in all")
    except CellTimeoutError:
        return Failure(error="Timeout", message=f"the cell took longer than {limits.cell_seconds} s")
    except (DeadKernelError, RuntimeError) as error:
        died = isinstance(error, DeadKernelError) or "Kernel died" in str(error)
        message = "the kernel died, perhaps for want of memory" if died else said(error)
        return Failure(error="DeadKernel" if died else type(error).__name__, message=message)
    except NoSuchKernel as error:
        message = f"there is no kernel '{error.name}' on this machine"
        return Failure(error="NoSuchKernel", message=message)
    except (CellControlSignal, RunError, OSError) as error:
        return Failure(error=type(error).__name__, message=said(error))
    return None


def _literal(path: Path) -> str:
    """Escape braces: Papermill fills them in."""
    return str(path).replace("{", "{{").replace("}", "}}")


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
