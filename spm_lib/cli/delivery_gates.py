"""What a sending asks of a spec's gates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from spm_lib import terminal
from spm_lib.cli.project import shut_now
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
    from spm_lib.press.gates import uncounted

    for table in uncounted(spec, LedgerFile(ledger_path(settings.store))):
        terminal.complain(
            f"The rows of {table} are compared with nothing: no earlier number of them is known, and "
            + ("that of now is kept once all gates are open" if keep else "a mere look keeps none")
        )
    return shut_now(spec, settings, today=today, keep=keep)
