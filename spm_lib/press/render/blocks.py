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

#: What this library drew.
_OWN = re.compile(r'\s*<\w+[^>]* class="spm[ "]')

#: Cells with this tag go into the mail too.
EMAIL_TAG = "email"


@dataclass(frozen=True)
class Block:
    """A piece of the page.

    Parameters
    ----------
    kind
        ``text`` of the author, ``output`` of a cell, or its ``code``.
    html
        Clean HTML.
    cell
        The cell's number, as its author counts.
    email
        Whether the cell goes into the mail too.
    """

    kind: str
    html: Markup
    cell: int = 0
    email: bool = False

    @property
    def heading(self) -> Markup | None:
        """What the block says, where it is a heading and nothing else."""
        found = re.fullmatch(r"<(h[1-6])\b[^>]*>(.*)</\1>", self.html.strip(), re.DOTALL)
        return Markup(found[2]) if found and not re.search(r"</h[1-6]>", found[2]) else None

    def is_heading(self, text: str) -> bool:
        """Tell whether the block is a heading that says `text`, and nothing else."""
        return self.heading is not None and self.heading.striptags() == " ".join(text.split())


@dataclass(frozen=True)
class _Place:
    """The cell that something comes from."""

    number: int
    line: str
    email: bool

    def __str__(self) -> str:
        return f"cell {self.number} ({self.line})"


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
        place = _Place(number_of(book, cell), first_line(cell), EMAIL_TAG in tags(cell))
        if cell.cell_type == "markdown":
            source = cell.source
            if not found.title and all(block.kind == "code" for block in found.blocks):
                found.title, source = split_title(source)
            cleaned = render_markdown(source, own=True, attachments=cell.get("attachments"))
            _add(found, "text", cleaned, place)
        elif cell.cell_type == "code":
            if code and cell.source.strip():
                listing = Markup("<code>{}</code>").format(cell.source)
                found.blocks.append(Block("code", _scrolling("pre", listing, "Code", place), place.number))
            for output in cell.outputs:
                for cleaned in _shown(output, place, found.notes):
                    _add(found, "output", cleaned, place)
    return Body(found.title, tuple(found.blocks), tuple(found.notes))


def _add(found: _Found, kind: str, cleaned: Cleaned, place: _Place) -> None:
    for alt in cleaned.pictures:
        _check_alt(alt, place)
    if cleaned.lost:
        found.notes.append(f"{place}: a picture that is no part of the notebook was left out")
    if not cleaned.html.strip():
        return
    html = Markup(cleaned.html)
    if kind == "output" and not _OWN.match(html) and "<table" in html:
        # A table of another library knows nothing of narrow screens.
        html = _scrolling("div", html, "Output", place)
    found.blocks.append(Block(kind, html, place.number, place.email))


def _scrolling(tag: str, html: Markup, what: str, place: _Place) -> Markup:
    """Wrap what may be wider than the page so that a keyboard can scroll it."""
    return Markup('<{} class="scroll" role="group" tabindex="0" aria-label="{} of cell {}">{}</{}>').format(
        Markup(tag), what, place.number, html, Markup(tag)
    )


def _shown(output: NotebookNode, place: _Place, notes: list[str]) -> Iterator[Cleaned]:
    if output.output_type == "stream":
        yield _text(output.text, place)
    elif output.output_type == "error":
        yield _text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}", place)
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
            yield _image(picture, data[picture], output.get("metadata", {}), place)
        elif dropped:
            notes.append(f"{place}: an output of type {dropped[0]} was left out")
        elif "text/plain" in data:
            yield _text(data["text/plain"], place)


def _image(kind: str, encoded: Any, metadata: Any, place: _Place) -> Cleaned:
    own = metadata.get(kind, {})
    own = own if isinstance(own, dict) else {}
    alt = own.get("alt", metadata.get("alt"))
    _check_alt(alt, place)
    size = Markup("").join(
        Markup(' {}="{}"').format(name, int(own[name]))
        for name in ("width", "height")
        if isinstance(own.get(name), (int, float))
    )
    source = f"data:{kind};base64,{''.join(_joined(encoded).split())}"
    return clean(str(Markup('<img src="{}" alt="{}"{}>').format(source, alt, size)))


def _check_alt(alt: object, place: _Place) -> None:
    text = alt.strip().casefold() if isinstance(alt, str) else ""
    if not text or text.startswith(_FILLER):
        raise RunError(
            "a picture has no text for those who do not see it",
            where=str(place),
            mend="Show it with an alt that states the finding, like Image(data, alt='Revenue fell in May')",
        )


def _text(text: Any, place: _Place) -> Cleaned:
    plain = str(strip_ansi(_joined(text))).strip("\n")  # type: ignore[no-untyped-call]
    shown = _scrolling("pre", Markup("{}").format(plain), "Output", place) if plain.strip() else ""
    return Cleaned(str(shown), (), 0)


def _joined(text: Any) -> str:
    """Notebook files may hold text as a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text)
