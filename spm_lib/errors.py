"""One family of errors: each says what is wrong, where, and what to type instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpmError(Exception):
    """A mistake that the person at the keyboard can mend.

    Parameters
    ----------
    what
        What is wrong, in one sentence without a full stop.
    where
        The file, line, table or parameter it was found in.
    mend
        What to do or type instead.
    passing
        Whether it passes by itself, as another program's lock does: the same may be tried again later.

    Notes
    -----
    The command line prints ``str(error)``, one line, and ends with exit code 2.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "", passing: bool = False) -> None:
        self.what = one_line(what)
        self.where = one_line(where)
        self.mend = one_line(mend)
        self.passing = passing
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.mend}" if self.mend else text

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would call __init__ with the whole line alone.
        return (_rebuild, (type(self), self.what, self.where, self.mend, self.passing))


class SpecError(SpmError):
    """A YAML file (source or report) that says something impossible."""


class SourceError(SpmError):
    """Incoming data that cannot be read or breaks the schema as a whole."""


class StoreError(SpmError):
    """A store that is missing, locked, corrupt or of another version."""


class PeriodError(SpmError):
    """A period, date or calendar that cannot be understood."""


class ParameterError(SpmError):
    """A parameter that a notebook does not have, or a value of the wrong type."""


class UnknownNameError(SpmError):
    """A team, metric, dimension or other name that does not exist."""


class ModelError(SpmError):
    """A model that cannot be fitted, or a saved one that cannot be read."""


class RunError(SpmError):
    """A report that could not be made, shelved or found."""


class DeliveryError(SpmError):
    """Mail that nobody can be sent: no server, a wrong password, a certificate that does not hold."""


class ScheduleError(SpmError):
    """A schedule that cannot be kept or installed."""


def _rebuild(kind: type[SpmError], what: str, where: str, mend: str, passing: bool) -> SpmError:
    return kind(what, where=where, mend=mend, passing=passing)


def one_line(text: str, limit: int = 400) -> str:
    """Give `text` on one line of at most `limit` characters, without control characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str], limit: int = 8) -> str:
    """Give a sentence with the nearest known name, or the known names where none is near.

    Parameters
    ----------
    name
        What was typed.
    known
        The names that exist.
    limit
        How many names to list at most where none is near.

    Returns
    -------
    str
        ``"Did you mean 'West'?"``, ``"Known: a, b"`` or ``"There are none"``.
    """
    names = sorted({str(k) for k in known})
    folded = {n.casefold(): n for n in reversed(names)}
    near = difflib.get_close_matches(str(name).casefold(), list(folded), n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{one_line(folded[near[0]], 80)}'?"
    if not names:
        return "There are none"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return "Known: " + ", ".join(one_line(n, 40) for n in names[:limit]) + more
