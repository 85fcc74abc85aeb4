"""Time limits: what is raised when one ends."""

from __future__ import annotations

from nbclient.exceptions import CellTimeoutError


class CellLimitError(CellTimeoutError):
    """A cell took longer than one cell may.

    Parameters
    ----------
    seconds
        The limit.
    """

    what = "cell"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the {self.what} took longer than {seconds:g} s")

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would call __init__ with the sentence.
        return (type(self), (self.seconds,))


class NotebookLimitError(CellLimitError):
    """A notebook took longer than the whole of it may.

    Parameters
    ----------
    seconds
        The limit.
    """

    what = "notebook"
