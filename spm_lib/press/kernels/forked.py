"""A kernel that was forked, as its asker sees it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket

from spm_lib.press.kernels.master import connect, receive, server_address, start_server
from spm_lib.press.kernels.messages import Inbox, Message, send


class NotForkedError(Exception):
    """Says why a kernel could not be forked."""


class ForkedKernel:
    """A process that ends when this object's connection is closed. Get one from `fork_kernel`.

    Parameters
    ----------
    connection
        The one over which the kernel was asked for.
    inbox
        What has been received and not yet been taken.
    pid
        The kernel's process, which leads a group of its own.
    """

    def __init__(self, connection: socket.socket, inbox: Inbox, pid: int) -> None:
        self.pid = pid
        self.ready = False
        self._connection = connection
        self._inbox = inbox
        self._exit: int | None = None
        connection.setblocking(False)

    def fileno(self) -> int:
        """Give the descriptor that can be read from when something happened to the kernel."""
        return self._connection.fileno()

    def poll(self) -> int | None:
        """Give the exit code, negative for the signal that ended it; None while it lives."""
        while self._exit is None:
            try:
                received = self._connection.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                received = b""
            if received:
                self.take(self._inbox.add(received))
            else:
                # The server is gone, and cannot kill the group any more.
                self._exit = -signal.SIGKILL
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
        return self._exit

    def take(self, messages: list[Message]) -> None:
        """Keep what the messages say."""
        for message in messages:
            self.ready = self.ready or "ready" in message
            self._exit = message.get("exit", self._exit)

    def wait(self, timeout: float) -> int | None:
        """Wait until something happens to the kernel, for `timeout` seconds at most, and poll."""
        if self._exit is None:
            select.select([self._connection], [], [], timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Signal the kernel and what its cells started. The server does it: it knows whose number the process's is."""
        if self._exit is None:
            with contextlib.suppress(OSError):
                send(self._connection, {"do": "signal", "number": int(number)})

    def kill(self) -> None:
        """End the kernel and what its cells started, without waiting: nothing can refuse."""
        self.send_signal(signal.SIGKILL)
        if self._exit is None:
            self._exit = -signal.SIGKILL

    def close(self) -> None:
        """Let go of the kernel, which ends."""
        self._connection.close()


def fork_kernel(order: Message) -> ForkedKernel:
    """Have the server fork a kernel, starting a server where none runs.

    Parameters
    ----------
    order
        See `spm_lib.press.kernels.kernel.become_kernel`.

    Raises
    ------
    NotForkedError
        Where the server refuses or there is none; an ordinary kernel will do.
    """
    reason = "the kernels' server ended before it forked"
    for _ in range(2):  # the server may have ended since it was last used
        missing = start_server()
        address = server_address()
        if missing is not None or address is None:
            raise NotForkedError(missing or reason)
        try:
            connection = connect(address)
        except OSError as error:
            reason = f"the kernels' server cannot be reached: {error.strerror or error}"
            continue
        inbox = Inbox()
        try:
            send(connection, {"do": "kernel", **order})
            said = receive(connection, inbox)
            # The kernel may say that it is ready before its server has said which process it is.
            while not any("pid" in message or "refused" in message for message in said):
                said += receive(connection, inbox)
        except OSError as error:
            reason = f"the kernels' server does not answer: {error.strerror or error}"
            connection.close()
            continue
        answer = next(message for message in said if "pid" in message or "refused" in message)
        if "refused" in answer:
            connection.close()
            raise NotForkedError(answer["refused"])
        kernel = ForkedKernel(connection, inbox, answer["pid"])
        kernel.take(said)
        return kernel
    raise NotForkedError(reason)
