"""Sweeping: one run at a time in a folder of reports, which first clears away what killed ones left half-written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from spm_lib.errors import RunError
from spm_lib.press import kernels
from spm_lib.press.shelf import DRAFTS

LOCK = ".lock"


@contextmanager
def alone(reports: Path) -> Iterator[None]:
    """Have the folder to oneself, swept. The system lets go of it however the process ends.

    Raises
    ------
    RunError
        Where another run is at work there, or the folder cannot be written.
    """
    try:
        reports.mkdir(parents=True, exist_ok=True)
        lock = FileLock(reports / LOCK, blocking=False)
        lock.acquire()
    except Timeout:
        mend = "Wait until it is done, or name another folder with --reports"
        what = "another run is making reports here"
        raise RunError(what, where=str(reports), mend=mend, passing=True) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RunError(f"the folder of reports cannot be written ({reason})", where=str(reports)) from None
    try:
        for draft in (*reports.glob(DRAFTS), *reports.glob(f"*/*/*/{DRAFTS}")):
            draft.unlink(missing_ok=True)
        kernels.sweep()
        yield
    finally:
        lock.release()


def sweep(reports: Path) -> None:
    """Clear away what killed runs left half-written, where nobody is at work in the folder."""
    with suppress(RunError), alone(reports):
        pass
