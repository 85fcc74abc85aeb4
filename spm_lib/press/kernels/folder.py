"""Private folders with a short path: Unix sockets bear no long one. What a killed process left is cleared away."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.util import Finalize
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "spm-kernels-"

#: Held as long as the folder's maker lives: the system lets go of it however that one ends.
_LOCK = "lock"

#: Longest path of a Unix socket, less the longest name that is made in a folder.
_LONGEST = 107 - len("/k-123456789012-5")

#: So often is a folder made that is swept away at once.
_TRIES = 5

_held: list[FileLock] = []


def new_folder() -> Path | None:
    """Make a folder that only this user may enter, short enough for sockets; None where there is no such place."""
    for base in _places():
        folder = _made(base)
        if bears_sockets(folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    return None


def bears_sockets(folder: Path) -> bool:
    """Tell whether a folder's path is short enough for the sockets of kernels in it."""
    return len(os.fsencode(folder)) <= _LONGEST


def plain_folder() -> Path:
    """Give this process's folder for connection files of ordinary kernels and the like, removed at its end."""
    return _plain_folder(os.getpid())


def sweep() -> None:
    """Remove the folders whose makers ended without removing them; on Windows, which has no users by number, nothing."""
    if not hasattr(os, "getuid"):
        return
    for base in _places():
        for folder in base.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):  # another one sweeps here too
                # One without a lock is just being made.
                if (folder / _LOCK).exists() and folder.stat().st_uid == os.getuid():
                    _remove_abandoned(folder)


def _places() -> Iterator[Path]:
    for name in dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        if name and os.access(name, os.W_OK | os.X_OK):
            yield Path(name)


def _made(base: Path | None = None) -> Path:
    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        lock = FileLock(folder / _LOCK, blocking=False)
        # Between the file and its lock, one who sweeps may take the folder for abandoned; another of its name is not ours.
        with _kept(folder) as ours, contextlib.suppress(Timeout, FileNotFoundError):
            lock.acquire()
            if ours() and (folder / _LOCK).exists():
                _held.append(lock)
                return folder
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
    raise OSError(f"no folder stays where it was made: {folder.parent}")


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[Callable[[], bool]]:
    """Give what tells whether a folder is still the one that it is now."""
    if not hasattr(os, "getuid"):
        yield lambda: True  # nobody sweeps here
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield lambda: os.path.samestat(os.fstat(handle), folder.stat())
    finally:
        os.close(handle)


def _remove_abandoned(folder: Path) -> None:
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        return
    # While the lock is held: who made the folder just now and waits for its lock must not find it and lose it.
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()


@functools.lru_cache(maxsize=1)
def _plain_folder(pid: int) -> Path:
    folder = _made()
    # After what multiprocessing has in it, which it removes itself; not at the end of a forked child.
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)
    return folder
