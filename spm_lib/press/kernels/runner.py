"""Runs a notebook's cells in a kernel: nbclient's way, without what waits, and with limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from queue import Empty
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbclient.util import ensure_async, run_hook, run_sync
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg
from papermill.clientwrap import PapermillNotebookClient

from spm_lib.press.kernels.limits import CellLimitError, NotebookLimitError
from spm_lib.press.kernels.manager import WarmKernelManager
from spm_lib.press.kernels.outputs import CellOutputs, OutputLimits, joined
from spm_lib.press.kernels.provisioner import WarmProvisioner

#: Seconds that a cell has to answer an interrupt, and outputs to arrive after the end of their cell.
GRACE = 5
OUTPUT_TIMEOUT = 60

#: In the notebook's metadata of Papermill: why its kernel was not warm; absent where it was.
ORDINARY = "ordinary_kernel"

#: Seconds in which the last outputs of a kernel that died arrive.
LAST_WORDS = 0.1


class NotebookRunner(PapermillNotebookClient):  # type: ignore[misc]
    """Executes a notebook in a warm kernel.

    Parameters
    ----------
    manager
        Papermill's keeper of the notebook.
    limits
        How much output is kept.
    total_timeout
        Seconds that the whole may take, the kernel's start included; None: no limit.
    launch
        Arguments to start the kernel with: ``env``, ``cwd``.
    options
        See `nbclient.NotebookClient`.
    """

    def __init__(
        self,
        manager: Any,
        *,
        limits: OutputLimits,
        total_timeout: float | None = None,
        launch: Mapping[str, Any],
        **options: Any,
    ) -> None:
        super().__init__(
            manager, kernel_manager_class=WarmKernelManager, shutdown_kernel="immediate", **options
        )
        self.iopub_timeout = OUTPUT_TIMEOUT
        self._limits = limits
        self._outputs = CellOutputs(limits)
        self._total_timeout = total_timeout
        self._end = float("inf") if total_timeout is None else time.monotonic() + total_timeout
        self._launch = dict(launch)

    def execute(self) -> None:
        """Execute all cells up to the first that fails; note in the notebook's metadata why a kernel is not warm.

        Raises
        ------
        CellLimitError, NotebookLimitError
            Where time ran out; the cell has been interrupted, and its output is in the notebook.
        nbclient.exceptions.DeadKernelError
            Where the kernel ended of itself.
        RuntimeError
            Where it did not start.
        """
        self.reset_execution_trackers()
        self.km = self.create_kernel_manager()
        own = {"text_limit": self._limits.text} if self.km.is_ours else {}
        with self.setup_kernel(cleanup_kc=True, **self._launch, **own):
            reason = getattr(self.km.provisioner, "why_ordinary", "its kernel spec names another provisioner")
            if reason is not None:
                self.nb.metadata.papermill[ORDINARY] = reason
            self.log.info(f"Executing notebook with kernel: {self.kernel_name}")
            self.papermill_execute_cells()
            self.set_widgets_metadata()

    def papermill_execute_cells(self) -> None:
        """Execute the cells up to the first that fails; what it printed before and its error stay in the notebook."""
        for index, cell in enumerate(self.nb.cells):
            self._outputs = CellOutputs(self._limits)
            if self._total_timeout is not None and time.monotonic() > self._end:
                raise NotebookLimitError(self._total_timeout)
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            except BaseException:
                self.nb_man.cell_exception(cell, cell_index=index)
                raise
            finally:
                if cell.cell_type == "code":
                    self._outputs.end(cell.outputs)
                self.nb_man.cell_complete(cell, cell_index=index)

    async def async_start_new_kernel_client(self) -> Any:
        """Connect to the kernel, with no heartbeat to look after and no wait for messages that do not come."""
        provisioner = self.km.provisioner
        if not isinstance(provisioner, WarmProvisioner) or provisioner.why_ordinary is not None:
            client = await super().async_start_new_kernel_client()
            reply = await ensure_async(client.kernel_info(reply=True, timeout=self.startup_timeout))
            self.nb.metadata["language_info"] = reply["content"]["language_info"]
            return client
        self.kc = self.km.client()
        try:
            self.kc.start_channels(hb=False, stdin=False)
            self.nb.metadata["language_info"] = (await self._hello())["language_info"]
        except BaseException:
            await self._async_cleanup_kernel()
            raise
        await run_hook(self.on_notebook_start, notebook=self.nb)
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _hello(self) -> dict[str, Any]:
        """Wait until the kernel answers and its outputs are heard."""
        deadline = time.monotonic() + self.startup_timeout
        while time.monotonic() < deadline:
            asked = self.kc.kernel_info()
            try:
                reply = await self._reply(asked, 1.0)
                await self.kc.iopub_channel.get_msg(timeout=0.2)
            except Empty:
                await self._async_check_alive()
                continue
            self.kc._handle_kernel_info_reply(reply)
            return dict(reply["content"])
        raise RuntimeError(f"Kernel didn't respond in {self.startup_timeout} seconds")

    async def _reply(self, asked: str, seconds: float | None) -> dict[str, Any]:
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            message: dict[str, Any] = await ensure_async(self.kc.shell_channel.get_msg(timeout=left))
            if message["parent_header"].get("msg_id") == asked:
                return message

    async def _async_poll_for_reply(
        self,
        msg_id: str,
        cell: NotebookNode,
        timeout: int | None,
        task_poll_output_msg: asyncio.Future[Any],
        task_poll_kernel_alive: asyncio.Future[Any],
    ) -> dict[str, Any]:
        left = self._end - time.monotonic()
        whole = timeout is None or left < timeout
        seconds = left if timeout is None else min(left, float(timeout))
        try:
            try:
                reply = await self._reply(msg_id, None if seconds == float("inf") else max(0.0, seconds))
            except Empty:
                await self._interrupt(msg_id, task_poll_output_msg)
                if self._total_timeout is not None and whole:
                    raise NotebookLimitError(self._total_timeout) from None
                raise CellLimitError(seconds) from None
            try:
                await asyncio.wait_for(task_poll_output_msg, self.iopub_timeout)
            except TimeoutError:
                message = "Timeout waiting for IOPub output"
                raise CellTimeoutError.error_from_timeout_and_cell(
                    message, self.iopub_timeout, cell
                ) from None
            return reply
        finally:
            task_poll_kernel_alive.cancel()

    async def _interrupt(self, msg_id: str, outputs: asyncio.Future[Any]) -> None:
        """Interrupt the cell and wait a little for its last outputs."""
        await self._async_check_alive()
        await ensure_async(self.km.interrupt_kernel())
        try:
            await self._reply(msg_id, GRACE)
            await asyncio.wait_for(outputs, GRACE)
        except (Empty, TimeoutError):
            self.log.warning("The cell did not answer the interrupt")

    async def _async_poll_kernel_alive(self) -> None:
        provisioner = self.km.provisioner
        if not isinstance(provisioner, WarmProvisioner):
            await super()._async_poll_kernel_alive()
            return
        await provisioner.ended()
        await asyncio.sleep(LAST_WORDS)
        assert self.task_poll_for_reply is not None
        self.task_poll_for_reply.cancel()

    def process_message(self, message: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Take a message from the kernel into the cell."""
        self._outputs.shrink(message)
        return super().process_message(message, cell, cell_index)

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> Any:
        """Add an output to the cell."""
        hooked = self.output_hook_stack[msg["parent_header"].get("msg_id")]
        if not hooked and not self.clear_before_next_output and joined(outs, msg):
            return output_from_msg(msg)  # type: ignore[no-untyped-call]
        return super().output(outs, msg, display_id, cell_index)
