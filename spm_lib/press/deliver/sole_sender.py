"""The sole sender: of several processes, one sends from a ledger at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from spm_lib.errors import DeliveryError, one_line


@contextmanager
def alone(ledger_path: Path) -> Iterator[None]:
    """Be the only one who sends from the ledger at a path; a process that is killed leaves no lock behind.

    Raises
    ------
    DeliveryError
        Where another one is sending.
    """
    lock = FileLock(ledger_path.with_name(ledger_path.name.removesuffix(".sqlite") + ".sending.lock"))
    try:
        ledger_path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise DeliveryError(
            "another spm send is at it",
            where=str(ledger_path),
            mend="Try again when it has ended",
            passing=True,
        ) from None
    except OSError as error:
        raise DeliveryError(
            f"nothing can be sent from here ({one_line(str(error), 160)})",
            where=str(ledger_path),
            mend="Name a store in a folder that can be written, with --store",
        ) from error
    try:
        yield
    finally:
        lock.release()
