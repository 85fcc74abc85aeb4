"""A file's lock: of all processes, one at a time is at it, and one that is killed is at it no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from spm_lib.errors import SpmError


@contextmanager
def locked(
    file: Path, *, busy: SpmError, denied: Callable[[OSError], SpmError], seconds: float = 0.0
) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is not there yet, with its folder.

    Parameters
    ----------
    file
        The file that is locked; what it guards stands beside it.
    busy
        Raised where another process holds the lock.
    denied
        Gives what is raised where the file cannot be written, by the system's error.
    seconds
        How long another one is waited for.
    """
    lock = FileLock(file, timeout=seconds)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise denied(error) from error
    try:
        yield
    finally:
        lock.release()
