"""The command ``spm``: the only place that sees both halves of the house, and the only one that knows today."""

from __future__ import annotations

import os
import sys

from spm_lib import terminal

# In the order in which the help lists their commands.
from spm_lib.cli import data, delivery, demo, feedback, reports, tools  # noqa: F401
from spm_lib.cli.application import app
from spm_lib.cli.schedule import schedule_app
from spm_lib.errors import SpmError

__all__ = ["app", "main"]

app.add_typer(schedule_app, name="schedule")


def main() -> None:
    """Run the command line; a person's mistake ends with one line and exit code 2, never a traceback."""
    try:
        app()
    except SpmError as error:
        terminal.complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        terminal.complain("Stopped; what was there before stands as it was")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away: nothing is left to tell, and nobody to tell it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
