"""What a cell may leave in a notebook: text and displays within limits, printed text in one piece."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from spm_lib.press.kernels.streams import TEXT_LIMIT, text_left_out

#: Characters (of base64, JSON or text) of one display.
DISPLAY_LIMIT = 20_000_000

_DISPLAYS = ("display_data", "execute_result", "update_display_data")

#: The kernel has cut the text already, and said so in a line of its own.
_KERNELS_LINE = 200


@dataclass(frozen=True)
class OutputLimits:
    """How much of a cell's output is kept.

    Parameters
    ----------
    text
        Characters of printed text of one cell; also of an error's message and traceback.
    display
        Characters (of base64, JSON or text) of one display.
    """

    text: int = TEXT_LIMIT
    display: int = DISPLAY_LIMIT


class CellOutputs:
    """Keeps one cell's outputs within limits.

    Parameters
    ----------
    limits
        See `OutputLimits`.
    """

    def __init__(self, limits: OutputLimits) -> None:
        self._limits = limits
        self._used = 0
        self._left_out = 0

    def shrink(self, message: dict[str, Any]) -> None:
        """Shorten a kernel's message in place where it is beyond the limits."""
        content = message["content"]
        kind = message["msg_type"]
        if kind == "stream":
            content["text"] = self._cut(content["text"])
        elif kind in _DISPLAYS:
            size = sum(_size(value) for value in content["data"].values())
            if size > self._limits.display:
                content["data"] = {
                    "text/plain": display_left_out(content["data"], size, self._limits.display)
                }
                content["metadata"] = {}
        elif kind == "error":
            self._shrink_error(content)

    def _cut(self, text: str) -> str:
        whole = self._limits.text + _KERNELS_LINE
        if self._used + len(text) <= whole:
            self._used += len(text)
            return text
        kept = text[: max(0, self._limits.text - self._used)]
        self._used = whole
        self._left_out += len(text) - len(kept)
        return kept

    def _shrink_error(self, content: dict[str, Any]) -> None:
        limit = self._limits.text
        for name in ("ename", "evalue"):
            content[name] = _shortened(content[name], limit)
        if sum(len(line) for line in content["traceback"]) > limit:
            content["traceback"] = [_shortened("\n".join(content["traceback"]), limit)]

    def end(self, outputs: list[NotebookNode]) -> None:
        """Finish a cell's outputs: say what was left out, and leave of overwritten lines what was seen last."""
        if self._left_out:
            text = text_left_out(self._left_out, self._limits.text)
            outputs.append(
                new_output("stream", name="stderr", text=text.lstrip("\n"))  # type: ignore[no-untyped-call]
            )
            self._left_out = 0
        for output in outputs:
            if output.output_type == "stream" and "\r" in output.text:
                output.text = "\n".join(_seen_last(line) for line in output.text.split("\n"))


def joined(outputs: list[NotebookNode], message: dict[str, Any]) -> bool:
    """Add a message of printed text to the last output, where that is of the same stream."""
    if message["msg_type"] != "stream" or not outputs:
        return False
    last, content = outputs[-1], message["content"]
    if last.output_type != "stream" or last.name != content["name"]:
        return False
    last.text += content["text"]
    return True


def display_left_out(kinds: Iterable[str], size: int, limit: int) -> str:
    """Give the note that stands in place of a display that is too large."""
    return (
        f"[A display of {size / 1e6:,.1f} MB ({', '.join(sorted(kinds))}) left out: "
        f"up to {limit / 1e6:,.1f} MB are kept]"
    )


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, default=str))


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + text_left_out(len(text) - limit, limit)


def _seen_last(line: str) -> str:
    """Give what a terminal shows of a line that was written over and over, as progress bars are."""
    return line.rstrip("\r").rpartition("\r")[2]
