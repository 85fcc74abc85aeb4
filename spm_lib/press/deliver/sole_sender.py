"""The sole sender: of several processes, one sends from a ledger at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spm_lib.errors import DeliveryError, one_line
from spm_lib.lock import locked


@contextmanager
def alone(ledger_path: Path) -> Iterator[None]:
    """Be the only one who sends from the ledger at a path; a process that is killed leaves no lock behind.

    Raises
    ------
    DeliveryError
        Where another one is sending.
    """
    where = str(ledger_path)
    with locked(
        ledger_path.with_name(ledger_path.name.removesuffix(".sqlite") + ".sending.lock"),
        busy=DeliveryError(
            "another spm send is at it", where=where, mend="Try again when it has ended", passing=True
        ),
        denied=lambda error: DeliveryError(
            f"nothing can be sent from here ({one_line(str(error), 160)})",
            where=where,
            mend="Name a store in a folder that can be written, with --store",
        ),
    ):
        yield
