"""Notebook files: reading them, what they declare, and what an executed one published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spm_lib.errors import RunError, one_line

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: The one output by which figures leave a notebook.
PUBLISHED_MIME = "application/vnd.spm.published+json"

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
HIDE_TAG = "hide"

#: Cells that are never shown.
UNSHOWN_TAGS = frozenset({PARAMETERS_TAG, INJECTED_TAG, HIDE_TAG})

_PAPERMILL_MARKER = "papermill-error-cell-tag"
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; a kernel that it does not name is ``python3``.

    Raises
    ------
    RunError
        Where the file is missing or no notebook.
    """
    # Imported late: with its schema it takes longer to import than a plan takes.
    import nbformat

    text = _text(path)
    try:
        book: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(book)
    except (ValueError, TypeError, KeyError, AttributeError, nbformat.ValidationError) as error:
        message = one_line(str(error), 120)
        raise RunError(
            f"this is not a notebook ({message})", where=str(path), mend="Save it again in JupyterLab"
        ) from None
    book.metadata.setdefault("kernelspec", nbformat.NotebookNode(_KERNEL))  # type: ignore[no-untyped-call]
    book.metadata.setdefault("language_info", nbformat.NotebookNode(name="python"))  # type: ignore[no-untyped-call]
    return book


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise RunError("there is no notebook here", where=str(path)) from None
    except UnicodeDecodeError:
        raise RunError("this file is not UTF-8 text, so it is no notebook", where=str(path)) from None


def tags(cell: Mapping[str, Any]) -> frozenset[str]:
    """Give a cell's tags."""
    return frozenset(cell.get("metadata", {}).get("tags", ()))


def outputs(book: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    """Give every output with the cell it stands in."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            yield cell, output


def published(book: NotebookNode) -> list[Any]:
    """Give what the notebook published: one object, where all is well."""
    found = [
        output["data"][PUBLISHED_MIME]
        for _, output in outputs(book)
        if PUBLISHED_MIME in output.get("data", {})
    ]
    return [json.loads(each) if isinstance(each, str) else each for each in found]


def first_error(book: NotebookNode) -> tuple[NotebookNode, NotebookNode] | None:
    """Give the first cell with an error, and the error; like Papermill, whatever the cell's tags say."""
    for cell, output in outputs(book):
        if output.output_type == "error":
            return cell, output
    return None


def number_of(book: NotebookNode, cell: NotebookNode) -> int:
    """Give a cell's number as its author counts: from 1, without the cells that Papermill adds."""
    own = [c for c in book.cells if not tags(c) & {INJECTED_TAG, _PAPERMILL_MARKER}]
    return next((i for i, c in enumerate(own, start=1) if c is cell), 0)


def first_line(cell: NotebookNode) -> str:
    """Give the first line of a cell that says something."""
    lines = [line for line in str(cell.source).splitlines() if line.strip()]
    code = [line for line in lines if not line.lstrip().startswith("#")]
    return one_line((code or lines or [""])[0], 120)


def cleaned(book: NotebookNode) -> NotebookNode:
    """Take out what Papermill adds: absolute paths, the parameters once more, and its marks at an error."""
    book.cells = [cell for cell in book.cells if _PAPERMILL_MARKER not in tags(cell)]
    book.metadata.pop("papermill", None)
    for cell in book.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
    return book


@dataclass(frozen=True)
class Cell:
    """What a cell says, without its outputs."""

    kind: str
    source: str
    tags: frozenset[str]
    attachments: Mapping[str, Any]


@dataclass(frozen=True)
class Content:
    """What a notebook says, without its outputs: saving it with other outputs changes no report.

    Parameters
    ----------
    kernel
        Name of its kernel.
    cells
        Its cells in order.
    """

    kernel: str | None
    cells: tuple[Cell, ...]

    def to_json(self) -> str:
        """Give the whole as JSON text."""
        cells = [[c.kind, c.source, sorted(c.tags), c.attachments] for c in self.cells]
        return json.dumps([self.kernel, cells], sort_keys=True)


def content(path: Path) -> Content:
    """Give what a notebook says.

    Raises
    ------
    RunError
        Where the file is missing or no notebook.

    Notes
    -----
    What a plan needs of a notebook in the present format is plain; any doubt, and notebooks in older formats, are left to
    `read_notebook`.
    """
    try:
        book = json.loads(_text(path))
        if book["nbformat"] == 4 and all(_is_plain(cell) for cell in book["cells"]):
            return _content(book)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    return _content(read_notebook(path))


def _is_plain(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell has what its kind must have."""
    needed = {"cell_type", "metadata", "source"}
    if cell["cell_type"] == "code":
        needed |= {"outputs", "execution_count"}
    source, marks = cell["source"], cell["metadata"].get("tags", [])
    return (
        needed <= cell.keys()
        and cell["cell_type"] in ("code", "markdown", "raw")
        and all(isinstance(part, str) for part in ([source] if isinstance(source, str) else source))
        and isinstance(marks, list)
        and all(isinstance(mark, str) for mark in marks)
    )


def _content(book: Mapping[str, Any]) -> Content:
    kernel = book["metadata"].get("kernelspec", _KERNEL).get("name")
    cells = (
        Cell(cell["cell_type"], "".join(cell["source"]), tags(cell), cell.get("attachments", {}))
        for cell in book["cells"]
    )
    return Content(kernel, tuple(cells))
