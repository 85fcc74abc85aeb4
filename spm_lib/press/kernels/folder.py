"""A private folder with a short path: Unix sockets bear no long one."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

#: Longest path of a Unix socket, less the longest name that is made in a folder.
_LONGEST = 107 - len("/k-123456789012-5")


def new_folder() -> Path | None:
    """Make a folder that only this user may enter, short enough for sockets; None where there is no such place."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and os.access(base, os.W_OK | os.X_OK):
            folder = Path(tempfile.mkdtemp(prefix="spm-kernels-", dir=base))
            if len(os.fsencode(folder)) <= _LONGEST:
                return folder
            folder.rmdir()
    return None


def plain_folder() -> Path:
    """Give this process's folder for the connection files of ordinary kernels, removed at its end."""
    return _plain_folder(os.getpid())


@functools.lru_cache(maxsize=1)
def _plain_folder(pid: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spm-kernels-"))
    atexit.register(_remove, folder, pid)
    return folder


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not at the end of a forked child
        shutil.rmtree(folder, ignore_errors=True)
