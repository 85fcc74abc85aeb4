"""Commands that print a secret: a password manager's, or one that fetches a token."""

from __future__ import annotations

import shlex
import subprocess

from spm_lib.errors import DeliveryError
from spm_lib.press.deliver.outcome import PassingError


def printed_secret(command: str, *, variable: str, timeout_seconds: float) -> str:
    """Run a command and give what it printed.

    Parameters
    ----------
    command
        Program and arguments, as in a shell; no shell reads it.
    variable
        The variable that names it, for errors.
    timeout_seconds
        How long it may take.

    Raises
    ------
    DeliveryError
        Where it fails or prints anything but one line; a `PassingError` where it takes too long. What it printed is
        never repeated: it may be the secret.
    """
    mend = "Try the command in a terminal: it shall print the secret and nothing else"
    try:
        ran = subprocess.run(
            shlex.split(command), capture_output=True, timeout=timeout_seconds, stdin=subprocess.DEVNULL
        )
        secret = ran.stdout.decode("utf-8").strip()
    except subprocess.TimeoutExpired:
        what = f"the command gave no secret within {timeout_seconds:g} s"
        raise PassingError(what, where=variable, mend=mend) from None
    except OSError as error:
        what = f"the command cannot be run: {error.strerror}"
        raise DeliveryError(what, where=variable, mend=mend) from None
    except ValueError:
        what = "the command or what it printed cannot be read"
        raise DeliveryError(what, where=variable, mend=mend) from None
    if ran.returncode != 0:
        what = f"the command failed with exit code {ran.returncode}"
        raise DeliveryError(what, where=variable, mend=mend)
    if not secret or not secret.isprintable():
        what = "the command printed several lines" if secret else "the command printed nothing"
        raise DeliveryError(what, where=variable, mend=mend)
    return secret
