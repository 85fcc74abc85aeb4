"""Papermill's engine ``spm``: each notebook in a warm kernel of its own, within limits, saved once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spm_lib.press.kernels.environment import MEMORY_VARIABLE
from spm_lib.press.kernels.limits import CellLimitError, NotebookLimitError

__all__ = ["CellLimitError", "NotebookLimitError", "WarmEngine"]


class WarmEngine:
    """Executes notebooks in warm kernels; where there can be none, in ordinary ones.

    ``papermill --engine spm in.ipynb out.ipynb``, or ``papermill.execute_notebook(..., engine_name="spm")``.

    Notes
    -----
    Not derived from Papermill's engine, and it imports what it needs late: Papermill loads all engines while it is
    being imported itself, and for each of its users.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 0,
        keep: Callable[[Any], None] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute a notebook; see `execute_managed_notebook`.

        Parameters
        ----------
        nb, kernel_name, output_path, progress_bar, log_output
            As Papermill has them.
        autosave_cell_every
            Not used: the file is written once, at the end.
        keep
            Called at the end, however it comes, with the notebook as far as it was executed.

        Returns
        -------
        nbformat.NotebookNode
            The executed notebook, up to the failing cell where one failed.
        """
        from spm_lib.press.kernels.keeper import Keeper

        keeper = Keeper(nb, output_path, log_output, progress_bar, autosave_cell_every=0)
        keeper.notebook_start()
        try:
            cls.execute_managed_notebook(keeper, kernel_name, log_output=log_output, **kwargs)
        except BaseException:
            keeper.cleanup_pbar()
            keeper.notebook_complete()
            keeper.write()  # Papermill does it only for errors of cells
            raise
        finally:
            if keep is not None:
                keep(keeper.nb)
        keeper.notebook_complete()
        return keeper.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        total_timeout: float | None = None,
        kernel_env: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        kernel_cwd: str | Path | None = None,
        kernel_memory: int | None = None,
        text_limit: int = 1_000_000,
        display_limit: int = 20_000_000,
        **kwargs: Any,
    ) -> None:
        """Execute a notebook's cells.

        Parameters
        ----------
        nb_man
            Papermill's keeper of the notebook.
        kernel_name
            The kernel spec.
        log_output, stdout_file, stderr_file
            Where printed text goes besides, as Papermill has them.
        start_timeout
            Seconds that the kernel has to start.
        execution_timeout
            Seconds that each cell may take; None: no limit.
        total_timeout
            Seconds that the whole may take, the kernel's start included; None: no limit.
        kernel_env
            Variables of the kernel's environment. They are written nowhere.
        inherit_env
            Whether the kernel is given the variables of this process besides.
        kernel_cwd
            The kernel's folder; by default this process's, which Papermill sets to its ``cwd``. Where threads execute
            notebooks side by side, give this and no ``cwd``: a process has one folder.
        kernel_memory
            Bytes of data that the kernel may have, on Linux; beyond, Python raises MemoryError. By default what
            ``SPM_KERNEL_MEMORY`` says, else no limit.
        text_limit
            Characters of printed text kept of each cell.
        display_limit
            Characters (of base64, JSON or text) kept of each display.
        **kwargs
            See `nbclient.NotebookClient`.

        Raises
        ------
        CellLimitError, NotebookLimitError
            Where time ran out.
        nbclient.exceptions.DeadKernelError
            Where the kernel ended of itself.
        RuntimeError
            Where it did not start.
        """
        from papermill.log import logger

        from spm_lib.press.kernels.outputs import OutputLimits
        from spm_lib.press.kernels.runner import NotebookRunner

        env = {**(os.environ if inherit_env else {}), **(kernel_env or {})}
        if kernel_memory is not None:
            env[MEMORY_VARIABLE] = str(kernel_memory)
        for name in ("input_path", "timeout", "startup_timeout"):
            kwargs.pop(name, None)
        NotebookRunner(
            nb_man,
            limits=OutputLimits(text_limit, display_limit),
            total_timeout=total_timeout,
            launch={"env": env, "cwd": str(kernel_cwd or Path.cwd())},
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            **kwargs,
        ).execute()

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Give the notebook's kernel spec, or `name`."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Give the notebook's language, or `language`."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
