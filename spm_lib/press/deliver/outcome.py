"""What came of handing a mail to the server, and errors that may pass by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spm_lib.errors import DeliveryError, SpmError, one_line

State = Literal["accepted", "retry", "rejected", "unknown"]

_REPLY_LIMIT = 300


@dataclass(frozen=True)
class Outcome:
    """What came of handing one mail to the server.

    Parameters
    ----------
    state
        ``accepted``: the server has answered for it, which is not yet delivered. ``retry``: it certainly has not, and may
        later. ``rejected``: it never will. ``unknown``: the content was on its way when the line broke; it may have
        arrived, so it must not be sent again by itself.
    reply
        The server's code and words, or what happened instead, on one line that may be shown.
    """

    state: State
    reply: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reply", one_line(self.reply, _REPLY_LIMIT))


class PassingError(DeliveryError):
    """What keeps all mails back now, and may be gone in a minute: a server too busy, a line that is down."""


def reason_of(error: Exception) -> str:
    """Say why a mail was not sent, of what kept it from being made."""
    said = str(error) if isinstance(error, SpmError) else f"{type(error).__name__}: {error}"
    return one_line(f"Not sent: {said}")
