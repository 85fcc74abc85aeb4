"""What became of the mails of one sending."""

from __future__ import annotations

from dataclasses import dataclass

from spm_lib.errors import SpmError
from spm_lib.press.deliver.entry import Entry


@dataclass(frozen=True)
class Sent:
    """What became of the mails of one sending.

    Parameters
    ----------
    accepted
        How many mails the server took: that says nothing of their being read, nor even of their arrival.
    rejected, unknown, given_up
        The mails that ended so now. Among the unknown are those that an earlier sender, which was killed, had in hand.
    waiting
        All mails that wait for the next sending; the reply of one that is held back says why.
    stopped
        Why nothing more was tried though mails wait; None where nothing kept it.
    interrupted
        Whether a person, or the system, asked it to stop.
    """

    accepted: int
    rejected: tuple[Entry, ...]
    unknown: tuple[Entry, ...]
    given_up: tuple[Entry, ...]
    waiting: tuple[Entry, ...]
    stopped: SpmError | None = None
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every mail was accepted and nothing is left to be told."""
        troubles = self.rejected or self.unknown or self.given_up or self.waiting
        return not troubles and self.stopped is None

    def then(self, later: Sent) -> Sent:
        """Give what became of the mails of this sending and a later one."""
        return Sent(
            self.accepted + later.accepted,
            (*self.rejected, *later.rejected),
            (*self.unknown, *later.unknown),
            (*self.given_up, *later.given_up),
            later.waiting,
            later.stopped,
            later.interrupted,
        )
