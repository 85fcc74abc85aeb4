"""Gives kernel managers warm kernels: kernel specs name it as ``spm-warm``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from spm_lib.press.kernels.environment import memory_of
from spm_lib.press.kernels.folder import bears_sockets, plain_folder
from spm_lib.press.kernels.forked import ForkedKernel, NotForkedError, fork_kernel
from spm_lib.press.kernels.master import server_address, start_server, warm_available
from spm_lib.press.kernels.streams import TEXT_LIMIT

#: Name of this provisioner in kernel specs and in the entry points.
NAME = "spm-warm"

#: Seconds until a forked process must be a kernel.
READY_TIMEOUT = 60

_IPC = zmq.has("ipc")

_OURS = re.compile(r"^(-X\s*frozen_modules=off|-m|ipykernel_launcher|ipykernel|-f|\{connection_file\})$")


class WarmProvisioner(LocalProvisioner):
    """Forks a kernel where it can; else starts it in the ordinary way, and says why.

    Notes
    -----
    Launch arguments beside the usual ones: ``text_limit``, characters of printed text that the kernel sends of each
    cell (1 million). The variable ``SPM_KERNEL_MEMORY`` in the kernel's environment limits the bytes of its data, on
    Linux.
    """

    #: Why the kernel is not warm; None where it is.
    why_ordinary: str | None = None
    _forked: ForkedKernel | None = None
    _text_limit = TEXT_LIMIT
    _profile: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose transport and folder, and have the connection file written."""
        self._text_limit = kwargs.pop("text_limit", TEXT_LIMIT)
        self.why_ordinary = why_not(self.kernel_spec.argv) or start_server()
        manager = self.parent
        if manager is not None and not manager.connection_file:
            address = server_address()
            folder = plain_folder() if address is None else Path(address).parent
            name = f"k-{uuid4().hex[:12]}"
            manager.connection_file = str(folder / f"{name}.json")
            # Ports would be chosen long before the kernel binds them, and another program may have taken one by then.
            if _IPC and "ipykernel_launcher" in self.kernel_spec.argv and bears_sockets(folder):
                manager.transport, manager.ip = "ipc", str(folder / name)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel and wait until it listens; else start it in the ordinary way.

        Raises
        ------
        RuntimeError
            Where the forked process ended before it listened.
        ValueError
            Where ``SPM_KERNEL_MEMORY`` is not a number of bytes.
        """
        memory = memory_of(kwargs["env"])
        if self.why_ordinary is None:
            try:
                self._forked = await asyncio.to_thread(fork_kernel, self._order(cmd, memory, **kwargs))
            except NotForkedError as error:
                self.why_ordinary = str(error)
        if self._forked is None:
            self.log.info("An ordinary kernel: %s", self.why_ordinary)
            if "ipykernel_launcher" in cmd and not any(word.startswith("--log-level") for word in cmd):
                cmd = [*cmd, "--log-level=CRITICAL"]  # it would write to the press's terminal
            info = await super().launch_kernel(cmd, **kwargs)
            if memory is not None and self.pid is not None:
                _limit(self.pid, memory)
            return info
        self.process = self._forked  # type: ignore[assignment]  # it has what is asked of a Popen
        self.pid = self.pgid = self._forked.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        deadline = time.monotonic() + READY_TIMEOUT
        while not self._forked.ready:
            await self._stirs(self._forked, deadline)
            if self._forked.poll() is not None or time.monotonic() > deadline:
                await self.cleanup()
                raise RuntimeError("Kernel died before it listened")
        return self.connection_info

    def _order(self, cmd: Sequence[str], memory: int | None, **kwargs: Any) -> dict[str, Any]:
        file = cmd.index("-f")
        self._profile = Path(cmd[file + 1]).with_suffix(".profile")
        return {
            # Without what is told of the history, as it keeps none: to read arguments takes as long as a socket's start.
            "arguments": [word for word in cmd[file:] if not word.startswith("--HistoryManager.")],
            "env": {"JPY_PARENT_PID": str(os.getpid())} | kwargs["env"],
            "cwd": str(kwargs.get("cwd") or Path.cwd()),
            "profile": str(self._profile),
            "text_limit": self._text_limit,
            "memory": memory,
        }

    @staticmethod
    async def _stirs(kernel: ForkedKernel, deadline: float) -> None:
        """Wait until something happened to the kernel."""
        loop, stirred = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(kernel.fileno(), stirred.set)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stirred.wait(), max(0.0, deadline - time.monotonic()))
        finally:
            loop.remove_reader(kernel.fileno())

    async def ended(self) -> None:
        """Wait until the kernel has ended."""
        while await self.poll() is None:
            if self._forked is None:
                await asyncio.sleep(0.5)
            else:
                await self._stirs(self._forked, float("inf"))

    async def wait(self) -> int | None:
        """Wait until the kernel has ended and give its exit code."""
        if self._forked is None:
            return await super().wait()
        await self.ended()
        code = self._forked.poll()
        self._forked.close()
        self._forked = self.process = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel and what its cells started."""
        if self._forked is None:
            await super().send_signal(signum)
        elif signum == signal.SIGKILL:
            self._forked.kill()
        else:
            self._forked.send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the kernel."""
        if self._forked is not None and not restart:
            self._forked.close()
            self._forked = self.process = None
        if self._profile is not None:
            shutil.rmtree(self._profile, ignore_errors=True)
        await super().cleanup(restart=restart)


def why_not(arguments: Sequence[str]) -> str | None:
    """Say why a kernel started with these arguments cannot be a fork of this Python.

    Parameters
    ----------
    arguments
        A kernel spec's ``argv``.

    Returns
    -------
    str or None
        The reason; None where it can.
    """
    reason = warm_available()
    if reason is not None:
        return reason
    python, *others = arguments
    version = sys.version_info
    same = ("python", f"python{version[0]}", f"python{version[0]}.{version[1]}")
    # Not resolved: a virtual environment's Python is a link to the one that it was made from.
    if python not in same and Path(python).absolute() != Path(sys.executable).absolute():
        return f"its kernel is another program: {python}"
    if "-f" not in others or not all(_OURS.match(word) for word in others):
        return f"its kernel is started with arguments of its own: {' '.join(others)}"
    return None


def _limit(pid: int, memory: int) -> None:
    if sys.platform != "linux":
        return
    import resource

    resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
