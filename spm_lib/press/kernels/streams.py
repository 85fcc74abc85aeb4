"""A kernel's printed text, cut where a cell prints more than anybody reads.

The text is cut here, and not by the reader alone: a hundred megabytes would otherwise stand in the memory of both, as
one message.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from ipykernel.iostream import OutStream

#: Characters of printed text kept of each cell, over its standard output and error together.
TEXT_LIMIT = 1_000_000


def text_left_out(count: int, limit: int) -> str:
    """Give the line that stands where `count` characters are missing."""
    return f"\n[{count:,} characters left out: the first {limit:,} of a cell are kept]\n"


class TextBudget:
    """What a cell may still print.

    Parameters
    ----------
    limit
        Characters kept of each cell.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._cell = ""
        self._used = 0
        self._left_out = 0

    def cut(self, text: str, cell: str) -> str:
        """Give what of `text` the cell `cell` may still print."""
        if cell != self._cell:
            self._cell, self._used, self._left_out = cell, 0, 0
        kept = text[: max(0, self.limit - self._used)]
        self._used += len(kept)
        self._left_out += len(text) - len(kept)
        return kept

    def end(self) -> str:
        """Give the line that says what was left out, once; empty where nothing was."""
        count, self._left_out = self._left_out, 0
        return text_left_out(count, self.limit) if count else ""


class CutStream(OutStream):
    """A standard stream that sends no more than the budget of all streams allows."""

    budget: ClassVar[TextBudget] = TextBudget(TEXT_LIMIT)

    def write(self, string: str) -> int | None:  # type: ignore[override]
        """Write what the cell may still print of `string`."""
        if not isinstance(string, str):
            return super().write(string)  # which says what is wrong with it
        kept = self.budget.cut(string, self.parent_header.get("msg_id", ""))
        if kept or not string:
            super().write(kept)
        return len(string)

    def write_past_budget(self, text: str) -> None:
        """Write all of `text`."""
        super().write(text)


def end_cell(*_: Any) -> None:
    """Say at a cell's end what was left out of it."""
    text = CutStream.budget.end()
    if text and isinstance(sys.stdout, CutStream):
        sys.stdout.write_past_budget(text)
