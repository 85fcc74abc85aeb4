"""Private folders with a short path: Unix sockets bear no long one. What a killed process left is cleared away."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.util import Finalize
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "spm-kernels-"

#: Held as long as the folder's maker lives: the system lets go of it however that one ends.
_LOCK = "lock"

#: Longest path of a Unix socket, less the longest name that is made in a folder.
_LONGEST = 107 - len("/k-123456789012-5")

_held: list[FileLock] = []


def new_folder() -> Path | None:
    """Make a folder that only this user may enter, short enough for sockets; None where there is no such place."""
    for base in _places():
        folder = _made(base)
        if len(os.fsencode(folder)) <= _LONGEST:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    return None


def plain_folder() -> Path:
    """Give this process's folder for connection files of ordinary kernels and the like, removed at its end."""
    return _plain_folder(os.getpid())


def sweep() -> None:
    """Remove the folders whose makers ended without removing them; on Windows, which has no users by number, nothing."""
    if not hasattr(os, "getuid"):
        return
    for base in _places():
        for folder in base.glob(f"{_PREFIX}*"):
            # One without a lock is just being made.
            if (folder / _LOCK).exists() and folder.stat().st_uid == os.getuid() and _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _places() -> Iterator[Path]:
    for name in dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        if name and os.access(name, os.W_OK | os.X_OK):
            yield Path(name)


def _made(base: Path | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = FileLock(folder / _LOCK, blocking=False)
    lock.acquire()
    _held.append(lock)
    return folder


def _abandoned(folder: Path) -> bool:
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return False
    lock.release()
    return True


@functools.lru_cache(maxsize=1)
def _plain_folder(pid: int) -> Path:
    folder = _made()
    # After what multiprocessing has in it, which it removes itself; not at the end of a forked child.
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)
    return folder
