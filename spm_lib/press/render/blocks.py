"""A notebook's cells as the blocks of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

from spm_lib.errors import RunError
from spm_lib.press.notebook import PUBLISHED_MIME, UNSHOWN_TAGS, first_line, number_of, tags
from spm_lib.press.render.clean import Cleaned, clean
from spm_lib.press.render.markdown import render_markdown, split_title

#: What nbconvert and matplotlib write where an author wrote nothing.
_FILLER = ("no description has been provided for this image", "<figure size")

#: What a page never shows; an output that has one is left out whole, as its text twin says nothing.
_DROPPED = (
    "application/javascript",
    "text/javascript",
    "image/svg+xml",
    "application/pdf",
    "application/vnd.jupyter.widget-view+json",
)
_IMAGES = ("image/png", "image/jpeg")


@dataclass(frozen=True)
class Block:
    """A piece of the page: ``text`` of the author, ``output`` of a cell, or its ``code``."""

    kind: str
    html: Markup

    def is_heading(self, text: str) -> bool:
        """Tell whether the block is a heading that says `text`, and nothing else."""
        found = re.fullmatch(r"<(h[1-6])\b[^>]*>(.*)</\1>", self.html.strip(), re.DOTALL)
        return found is not None and Markup(found[2]).striptags() == " ".join(text.split())


@dataclass
class _Found:
    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Body:
    """What a notebook gives a page.

    Parameters
    ----------
    title
        The notebook's own first heading.
    blocks
        The rest, in order.
    notes
        What was left out, and of which cell.
    """

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def body_of(book: NotebookNode, *, code: bool = False) -> Body:
    """Render an executed notebook's cells.

    Parameters
    ----------
    book
        The notebook.
    code
        Whether to keep the code, folded.

    Raises
    ------
    RunError
        Where a picture has no text for those who do not see it; it names the cell.
    """
    found = _Found()
    for cell in book.cells:
        if tags(cell) & UNSHOWN_TAGS:
            continue
        where = f"cell {number_of(book, cell)} ({first_line(cell)})"
        if cell.cell_type == "markdown":
            source = cell.source
            if not found.title and not found.blocks:
                found.title, source = split_title(source)
            cleaned = render_markdown(source, own=True, attachments=cell.get("attachments"))
            _add(found, "text", cleaned, where)
        elif cell.cell_type == "code":
            if code and cell.source.strip():
                pieces = "<pre tabindex='0'><code>{}</code></pre>"
                found.blocks.append(Block("code", Markup(pieces).format(cell.source)))
            for output in cell.outputs:
                for cleaned in _shown(output, where, found.notes):
                    _add(found, "output", cleaned, where)
    return Body(found.title, tuple(found.blocks), tuple(found.notes))


def _add(found: _Found, kind: str, cleaned: Cleaned, where: str) -> None:
    for alt in cleaned.pictures:
        _check_alt(alt, where)
    if cleaned.lost:
        found.notes.append(f"{where}: a picture that is no part of the notebook was left out")
    if cleaned.html.strip():
        found.blocks.append(Block(kind, Markup(cleaned.html)))


def _shown(output: NotebookNode, where: str, notes: list[str]) -> Iterator[Cleaned]:
    if output.output_type == "stream":
        yield _text(output.text)
    elif output.output_type == "error":
        yield _text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}")
    else:
        data = output.data
        dropped = [kind for kind in _DROPPED if kind in data]
        if PUBLISHED_MIME in data:
            return
        if "text/html" in data:
            yield clean(_joined(data["text/html"]))
        elif "text/markdown" in data:
            yield render_markdown(_joined(data["text/markdown"]), own=False)
        elif picture := next((kind for kind in _IMAGES if kind in data), None):
            yield _image(picture, data[picture], output.get("metadata", {}), where)
        elif dropped:
            notes.append(f"{where}: an output of type {dropped[0]} was left out")
        elif "text/plain" in data:
            yield _text(data["text/plain"])


def _image(kind: str, encoded: Any, metadata: Any, where: str) -> Cleaned:
    own = metadata.get(kind, {})
    own = own if isinstance(own, dict) else {}
    alt = own.get("alt", metadata.get("alt"))
    _check_alt(alt, where)
    size = Markup("").join(
        Markup(' {}="{}"').format(name, int(own[name]))
        for name in ("width", "height")
        if isinstance(own.get(name), (int, float))
    )
    source = f"data:{kind};base64,{''.join(_joined(encoded).split())}"
    return clean(str(Markup('<img src="{}" alt="{}"{}>').format(source, alt, size)))


def _check_alt(alt: object, where: str) -> None:
    text = alt.strip().casefold() if isinstance(alt, str) else ""
    if not text or text.startswith(_FILLER):
        raise RunError(
            "a picture has no text for those who do not see it",
            where=where,
            mend="Show it with an alt that states the finding, like Image(data, alt='Revenue fell in May')",
        )


def _text(text: Any) -> Cleaned:
    plain = str(strip_ansi(_joined(text))).strip("\n")  # type: ignore[no-untyped-call]
    return Cleaned(str(Markup("<pre tabindex='0'>{}</pre>").format(plain)) if plain.strip() else "", (), 0)


def _joined(text: Any) -> str:
    """Notebook files may hold text as a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text)
