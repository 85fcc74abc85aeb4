"""Sweeping: one run at a time in a folder of reports, which first clears away what killed ones left half-written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spm_lib.errors import RunError
from spm_lib.lock import locked
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
    where = str(reports)
    with locked(
        reports / LOCK,
        busy=RunError(
            "another run is making reports here",
            where=where,
            mend="Wait until it is done, or name another folder with --reports",
            passing=True,
        ),
        denied=lambda error: RunError(
            f"the folder of reports cannot be written ({error.strerror or type(error).__name__})", where=where
        ),
    ):
        for draft in (*reports.glob(DRAFTS), *reports.glob(f"*/*/*/{DRAFTS}")):
            draft.unlink(missing_ok=True)
        kernels.sweep()
        yield


def sweep(reports: Path) -> None:
    """Clear away what killed runs left half-written, where nobody is at work in the folder."""
    with suppress(RunError), alone(reports):
        pass
