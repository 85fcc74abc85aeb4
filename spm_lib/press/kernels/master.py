"""The master's side: one server for this process and those that it starts."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from spm_lib.press.kernels.environment import SERVER_VARIABLE, WARM_VARIABLE, for_server, threads_of
from spm_lib.press.kernels.folder import new_folder
from spm_lib.press.kernels.messages import Inbox, Message, send

#: Seconds until a server must have answered: it imports all libraries before.
ANSWER_TIMEOUT = 60

_START = "import sys; from spm_lib.press.kernels.server import main; main(sys.argv[1:])"


@dataclass(frozen=True)
class ServerState:
    """What the server says of itself.

    Parameters
    ----------
    pid
        Its process.
    threads
        Threads that each kernel's libraries may use.
    threads_at_fork
        Threads that the server itself had when it last forked; before the first kernel, that it has now.
    kernels
        Processes of the kernels that live.
    missing
        Modules that it could not import beforehand.
    modules
        Number of modules that it holds.
    """

    pid: int
    threads: int
    threads_at_fork: int
    kernels: tuple[int, ...]
    missing: tuple[str, ...]
    modules: int


@dataclass(frozen=True)
class _Server:
    folder: Path
    threads: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return str(self.folder / "server")


_lock = threading.RLock()
_server: _Server | None = None


def warm_available() -> str | None:
    """Say why kernels cannot be warm on this machine.

    Returns
    -------
    str or None
        The reason, in a few words; None where they can be. A single kernel may still be ordinary, for its kernelspec or
        for variables that are its own; its provisioner's ``why_ordinary`` says so.

    Notes
    -----
    ``SPM_WARM_KERNELS=never`` makes all kernels ordinary. On macOS they are, as its own libraries do not survive a fork;
    ``SPM_WARM_KERNELS=always`` forks there nevertheless.
    """
    wish = os.environ.get(WARM_VARIABLE, "").strip().lower()
    if wish == "never":
        return f"{WARM_VARIABLE} is 'never'"
    if not all(hasattr(os, name) for name in ("fork", "waitid", "killpg")) or not hasattr(socket, "AF_UNIX"):
        return "this system cannot fork"
    if sys.platform == "darwin" and wish != "always":
        return f"a fork is not safe on macOS (try {WARM_VARIABLE}=always)"
    return None


def start_server(threads: int | None = None) -> str | None:
    """Have a server: the one that runs, else a new one, which imports its libraries while the caller goes on.

    Parameters
    ----------
    threads
        Threads that each kernel's libraries may use: as a rule cores by kernels at a time. By default what
        ``OMP_NUM_THREADS`` says, else 1. A server of this process that was started for another number is replaced,
        and its kernels end.

    Returns
    -------
    str or None
        Why there is none, as `warm_available` says it.

    Notes
    -----
    Processes that this one starts use its server too: they find it in the variable ``SPM_KERNEL_SERVER``.
    """
    global _server
    reason = warm_available()
    if reason is not None:
        return reason
    with _lock:
        address = server_address()
        if address is not None:
            if threads is None or _threads_there(address) in (None, threads):
                return None
            stop_server()
        folder = new_folder()
        if folder is None:
            return "no folder for sockets has a path that is short enough"
        _server = _started(folder, threads_of(os.environ) if threads is None else threads)
        os.environ[SERVER_VARIABLE] = _server.address
    return None


def _threads_there(address: str) -> int | None:
    """Give how many threads a server's kernels may use, 0 where it has just ended, None where it is busy importing."""
    if _server is not None:
        return _server.threads
    try:
        return _ask_state(address).threads
    except TimeoutError:
        return None
    except OSError:
        return 0


def _started(folder: Path, threads: int) -> _Server:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "server"))
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-c", _START, str(listener.fileno()), str(folder)],
            # The master's life: nobody else holds the other end of this pipe.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env=for_server(os.environ, threads),
            cwd=folder,
            start_new_session=True,
        )
    return _Server(folder, threads, process)


def stop_server() -> None:
    """End this process's server, and with it all of its kernels; do nothing where there is none."""
    global _server
    with _lock:
        server, _server = _server, None
        os.environ.pop(SERVER_VARIABLE, None)
        if server is None:
            return
        assert server.process.stdin is not None
        server.process.stdin.close()
        try:
            server.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(server.folder, ignore_errors=True)


def server_address() -> str | None:
    """Give the socket of the server that this process would use; None where none runs."""
    with _lock:
        if _server is not None:
            if _server.process.poll() is None:
                return _server.address
            stop_server()
        inherited = os.environ.get(SERVER_VARIABLE)
    if not inherited:
        return None
    try:
        connect(inherited).close()
    except OSError:
        return None
    return inherited


def server_state() -> ServerState | None:
    """Ask the server about itself; None where none runs."""
    address = server_address()
    try:
        return None if address is None else _ask_state(address)
    except OSError:
        return None


def connect(address: str) -> socket.socket:
    """Connect to the server.

    Raises
    ------
    OSError
        Where it is gone.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_TIMEOUT)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def receive(connection: socket.socket, inbox: Inbox) -> list[Message]:
    """Wait for messages.

    Raises
    ------
    OSError
        Where none came in time or the other end is gone.
    """
    while True:
        received = connection.recv(1 << 16)
        if not received:
            raise ConnectionResetError("the kernels' server ended")
        messages = inbox.add(received)
        if messages:
            return messages


def _ask_state(address: str) -> ServerState:
    with connect(address) as connection:
        send(connection, {"do": "state"})
        (plain,) = receive(connection, Inbox())
    return ServerState(
        pid=plain["pid"],
        threads=plain["threads"],
        threads_at_fork=plain["threads_at_fork"],
        kernels=tuple(plain["kernels"]),
        missing=tuple(plain["missing"]),
        modules=plain["modules"],
    )


def _leave_to_parent() -> None:
    """In a forked child: the server is its parent's, and must end with that one."""
    global _server, _lock
    _lock = threading.RLock()
    server, _server = _server, None
    if server is not None and server.process.stdin is not None:
        with contextlib.suppress(OSError):
            server.process.stdin.close()


atexit.register(stop_server)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
