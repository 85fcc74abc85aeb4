"""What a sending asks of a spec's gates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from spm_lib import terminal
from spm_lib.cli.options import utc
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.spec import Spec


def shut_aloud(spec: Spec, settings: Settings, *, today: dt.date, keep: bool) -> tuple[str, ...]:
    """Say which gates of a spec are shut, and on the error output which had nothing to compare with.

    Parameters
    ----------
    spec, settings
        The spec, and where the store is.
    today
        The day by which data are old.
    keep
        Whether the numbers of rows are kept for the next time: not where nothing is sent.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.data.ledger_file import LedgerFile
    from spm_lib.data.store import open_store
    from spm_lib.press.gates import shut_gates, uncounted

    file = LedgerFile(ledger_path(settings.store))
    for table in uncounted(spec, file):
        terminal.complain(
            f"The rows of {table} are compared with nothing: no earlier number of them is known, and "
            + ("that of now is kept once all gates are open" if keep else "a mere look keeps none")
        )
    with open_store(settings.store) as opened:
        return shut_gates(spec, opened, file, today=today, now=utc(), keep=keep)
