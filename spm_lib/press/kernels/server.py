"""The server: a Python that has imported the study's libraries and forks itself for each kernel.

It has one thread, opens no database and no ZMQ context: what would not survive a fork is never there. Not built on
`multiprocessing`'s fork server, which imports the master's ``__main__`` again in each child, has daemonic workers (as
Dask's are) start none, and passes neither environment nor folder.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import selectors
import shutil
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from spm_lib.press.kernels.environment import frozen, threads_of
from spm_lib.press.kernels.messages import Inbox, Message, send

#: From a terminal they reach everybody at once: what shall end is the master's to say.
_TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Birth:
    """What a newly forked process needs to become a kernel.

    Parameters
    ----------
    connection
        To whoever asked for it: it tells there that it is ready, and ends when it is closed.
    server
        Read end of a pipe that the server alone can write to.
    folder
        The server's, which it removes at its end, where it can.
    order
        What was asked for, see `spm_lib.press.kernels.kernel.become_kernel`.
    """

    connection: socket.socket
    server: int
    folder: Path
    order: Message


@dataclass
class _Asker:
    connection: socket.socket
    inbox: Inbox = field(default_factory=Inbox)
    pid: int | None = None


class Server:
    """Answers askers until its master is gone.

    Parameters
    ----------
    listener
        A listening Unix socket.
    master
        Descriptor of a pipe that the master alone can write to.
    folder
        Where the socket is.
    missing
        Modules that could not be preloaded.
    """

    def __init__(
        self, listener: socket.socket, master: int, folder: Path, missing: tuple[str, ...] = ()
    ) -> None:
        self._listener = listener
        self._master = master
        self._folder = folder
        self._missing = missing
        self._frozen = frozen(os.environ)
        self._askers: dict[int, _Asker] = {}
        self._selector = selectors.DefaultSelector()
        self._alive, self._alive_writer = os.pipe()
        self._ended, self._ended_writer = socket.socketpair()
        self._threads_at_fork = 0
        self._kernels: dict[int, _Asker] = {}

    def serve(self) -> Birth | None:
        """Fork until the master is gone.

        Returns
        -------
        Birth or None
            In a forked process what it shall become; None in the server itself, when the master is gone.
        """
        for side in (self._ended, self._ended_writer):
            side.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._ended_writer.fileno(), warn_on_full_buffer=False)
        for watched in (self._listener, self._ended, self._master):
            self._selector.register(watched, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == self._master:
                    if not os.read(self._master, 1024):
                        self._end()
                        return None
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._ended:
                    with contextlib.suppress(BlockingIOError):
                        self._ended.recv(1024)
                    self._reap()
                elif key.fd in self._askers:
                    birth = self._hear(self._askers[key.fd])
                    if birth is not None:
                        return birth

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._askers[connection.fileno()] = _Asker(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, asker: _Asker) -> Birth | None:
        try:
            received = asker.connection.recv(1 << 20)
        except OSError:
            received = b""
        if not received:
            self._forget(asker)
            return None
        for message in asker.inbox.add(received):
            match message.get("do"):
                case "kernel":
                    birth = self._fork(asker, message)
                    if birth is not None:
                        return birth
                case "signal" if asker.pid is not None:
                    _signal_group(asker.pid, int(message["number"]))
                case "state":
                    self._tell(asker, self._state())
        return None

    def _fork(self, asker: _Asker, order: Message) -> Birth | None:
        refused = self._refusal(order)
        if refused:
            self._tell(asker, {"refused": refused})
            return None
        pid = os.fork()
        if pid == 0:
            return self._born(asker, order)
        # Said by both sides, as neither knows which of them runs first.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        asker.pid = pid
        self._kernels[pid] = asker
        self._tell(asker, {"pid": pid})
        return None

    def _refusal(self, order: Message) -> str:
        self._threads_at_fork = count_threads()
        if self._threads_at_fork > 1:
            return (
                f"a preloaded library has threads ({self._threads_at_fork - 1}), which do not survive a fork"
            )
        asked = frozen(order["env"])
        other = sorted(name for name in asked | self._frozen if asked.get(name) != self._frozen.get(name))
        if other:
            return f"{', '.join(other)}: read once, when Python starts, and other for this kernel"
        return ""

    def _born(self, asker: _Asker, order: Message) -> Birth:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        # Another kernel's connection held open here would keep that kernel alive without its asker.
        for other in self._askers.values():
            if other is not asker:
                other.connection.close()
        self._selector.close()
        for ours in (self._listener, self._ended, self._ended_writer):
            ours.close()
        os.close(self._alive_writer)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, self._master)
        os.close(nowhere)
        return Birth(asker.connection, self._alive, self._folder, order)

    def _state(self) -> Message:
        return {
            "pid": os.getpid(),
            "threads": threads_of(os.environ),
            "threads_at_fork": self._threads_at_fork or count_threads(),
            "kernels": list(self._kernels),
            "missing": self._missing,
            "modules": len(sys.modules),
        }

    def _reap(self) -> None:
        for pid, asker in list(self._kernels.items()):
            # The group is killed before its number is free to be given to others.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _signal_group(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            del self._kernels[pid]
            if asker.pid == pid:
                asker.pid = None
                self._tell(asker, {"exit": os.waitstatus_to_exitcode(status)})

    def _forget(self, asker: _Asker) -> None:
        """Let go of someone who is gone; a kernel goes with its asker."""
        self._selector.unregister(asker.connection)
        del self._askers[asker.connection.fileno()]
        asker.connection.close()
        if asker.pid is not None:
            _signal_group(asker.pid, signal.SIGKILL)
            asker.pid = None

    def _tell(self, asker: _Asker, message: Message) -> None:
        with contextlib.suppress(OSError):  # the end of the connection is heard when it is read
            send(asker.connection, message)

    def _end(self) -> None:
        for asker in list(self._askers.values()):
            self._forget(asker)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def count_threads() -> int:
    """Give the number of threads of this process, those of C libraries too where the system tells."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return threading.active_count()


def _end_without(master: int, folder: Path) -> None:
    """End this process where its master is gone, which writes nothing into the pipe, only closes it."""
    if select.select([master], [], [], 0)[0]:
        _leave(folder)


def _leave(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout = sys.stderr = None
    os._exit(0)  # nothing of ours is left to close, and libraries would take their time


def main(arguments: list[str]) -> None:
    """Be the server; in forked processes, a kernel.

    Parameters
    ----------
    arguments
        Descriptor of the listening socket, and the folder to remove at the end.
    """
    listener, folder = socket.socket(fileno=int(arguments[0])), Path(arguments[1])
    # The entry for the folder that Python was started in; a kernel adds its own.
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    for number in _TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    gc.disable()
    from spm_lib.press.kernels.kernel import become_kernel
    from spm_lib.press.kernels.preload import preload

    missing = preload(lambda: _end_without(0, folder))
    gc.collect()
    gc.freeze()  # else the first collection in each kernel would copy every page
    gc.enable()
    birth = Server(listener, 0, folder, missing).serve()
    if birth is not None:
        become_kernel(birth)
        return
    _leave(folder)
