"""What clean HTML says, as plain values: words, key figures, pictures, tables. A mail is written from these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

#: A figure's data stand in a mail where they are no longer than this.
SHORT = 6

_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "wbr"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
#: Whatever begins a line of its own.
_BLOCKS = _HEADINGS | frozenset(
    {"article", "blockquote", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "hr", "li", "ol"}
    | {"p", "pre", "section", "table", "ul"}
)
_TONES = ("good", "bad", "neutral")


@dataclass(frozen=True)
class Words:
    """One paragraph: a ``heading``, ``message``, ``paragraph``, ``note``, ``item`` or ``pre``.

    Parameters
    ----------
    kind, text
        What it is, and what it says.
    lead
        For an item: what stands before the text, in bold.
    """

    kind: str
    text: str
    lead: str = ""


@dataclass(frozen=True)
class Line:
    """A line under a key figure, and whether it is good news: ``good``, ``bad``, ``neutral`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """One key figure.

    Parameters
    ----------
    label, value
        As a reader sees them.
    against
        What it is compared with.
    sureness
        What it rests on.
    """

    label: str
    value: str
    against: tuple[Line, ...] = ()
    sureness: str = ""


@dataclass(frozen=True)
class KeyFigures:
    """Key figures side by side."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Picture:
    """A picture: its ``data:`` address, what it shows in words, and its size in points where it has one."""

    source: str
    alt: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Cell:
    """A cell's text, whether it is set flush right, and whether it is good news, as of a `Line`."""

    text: str
    number: bool = False
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table: caption, heads, rows, and rows of totals."""

    caption: str
    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[tuple[Cell, ...], ...] = ()


Part = Words | KeyFigures | Picture | Table


def parts_of(html: str) -> list[Part]:
    """Read clean HTML.

    Parameters
    ----------
    html
        What `spm_lib.press.render.clean.clean` has left. Folded details are left out, but for a figure's data
        where they are short; so are small trends in key figures and cells.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return list(_walk(reader.root))


@dataclass
class _Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def below(self, *tags: str) -> Iterator[_Node]:
        """Give the elements of these kinds below, in order."""
        for child in self.children:
            if isinstance(child, _Node):
                if child.tag in tags:
                    yield child
                yield from child.below(*tags)


class _Reader(HTMLParser):
    """Makes a tree of HTML that is known to be well formed."""

    def __init__(self) -> None:
        super().__init__()
        self.root = _Node("root")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element of that kind."""
        if tag in (node.tag for node in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Note text."""
        self._open[-1].children.append(data)


def _walk(node: _Node) -> Iterator[Part]:
    inline: list[_Node | str] = []
    lead, children = _lead(node)
    for child in children:
        if isinstance(child, str) or not (child.tag in _BLOCKS or child.tag == "img" or _holds(child)):
            inline.append(child)
            continue
        yield from _said("paragraph", _text(inline))
        inline = []
        yield from _block(child)
    said = _text(inline)
    if said or lead:
        yield Words("item" if node.tag == "li" else "paragraph", said, lead)


def _lead(node: _Node) -> tuple[str, list[_Node | str]]:
    """Give the words that lead a list's item, and the rest of it."""
    first = next((child for child in node.children if not isinstance(child, str) or child.strip()), None)
    if node.tag != "li" or not isinstance(first, _Node) or "spm-lead" not in first.classes:
        return "", node.children
    return _text(first.children), [child for child in node.children if child is not first]


def _holds(node: _Node) -> bool:
    """Tell whether an element within a line holds something that stands on lines of its own."""
    return any(True for _ in node.below(*_BLOCKS, "img"))


def _block(node: _Node) -> Iterator[Part]:
    if node.tag in _HEADINGS:
        yield from _said("heading", _text(node.children))
    elif node.tag == "p" and not _holds(node):
        yield from _said("note" if "spm-note" in node.classes else "paragraph", _text(node.children))
    elif node.tag == "pre":
        yield from _said("pre", _raw(node).strip("\n"))
    elif node.tag == "ul" and "spm-kpis" in node.classes:
        yield KeyFigures(tuple(_key_figure(item) for item in node.below("li")))
    elif node.tag == "img":
        yield from _picture(node)
    elif node.tag == "table":
        yield from _table(node)
    elif node.tag == "figcaption":
        yield from _caption(node)
    elif node.tag == "details":
        if "spm-data" in node.classes:
            # The figure's title stands above already.
            short = (each for each in _tables(node) if len(each.rows) <= SHORT)
            yield from (replace(each, caption="Data of this figure") for each in short)
    else:
        yield from _walk(node)


def _said(kind: str, text: str) -> Iterator[Words]:
    if text:
        yield Words(kind, text)


def _caption(node: _Node) -> Iterator[Words]:
    spans = {name: _text(span.children) for span in node.below("span") for name in span.classes}
    if "spm-title" not in spans:
        yield from _said("message", _text(node.children))
        return
    yield from _said("message", spans.get("spm-message", ""))
    yield from _said("note", spans["spm-title"])


def _key_figure(item: _Node) -> KeyFigure:
    label, value, against, sureness = "", "", [], ""
    for span in item.below("span"):
        text = _text(span.children)
        if "spm-kpi-label" in span.classes:
            label = text
        elif "spm-kpi-value" in span.classes:
            value = text
        elif "spm-kpi-n" in span.classes:
            sureness = text
        elif "spm-kpi-against" in span.classes:
            against.append(Line(text, _tone(span)))
    return KeyFigure(label, value, tuple(against), sureness)


def _tone(span: _Node) -> str:
    return next((name for name in _TONES if f"spm-{name}" in span.classes), "")


def _picture(node: _Node) -> Iterator[Picture]:
    source = node.attributes.get("src", "")
    if source and node.attributes.get("alt", "").strip():
        sizes = (node.attributes.get(name, "") for name in ("width", "height"))
        width, height = (int(size) if size.isascii() and size.isdigit() else None for size in sizes)
        yield Picture(source, node.attributes["alt"].strip(), width, height)


def _tables(node: _Node) -> Iterator[Table]:
    for table in node.below("table"):
        yield from _table(table)


def _table(node: _Node) -> Iterator[Table]:
    caption = " ".join(_text(each.children) for each in node.below("caption"))
    grouped: dict[str, list[tuple[Cell, ...]]] = {"thead": [], "tbody": [], "tfoot": []}
    for place, row in _rows(node, "tbody"):
        cells = tuple(_cells(row))
        if cells:
            grouped[place].append(cells)
    heads = grouped["thead"][-1] if grouped["thead"] else ()
    rows, totals = grouped["tbody"], grouped["tfoot"]
    # A column of small pictures alone has nothing to say here.
    wide = max((len(row) for row in [heads, *rows, *totals]), default=0)
    kept = [at for at in range(wide) if any(at < len(row) and row[at].text for row in [*rows, *totals])]
    if kept:
        whole = all(len(row) == wide for row in [*([heads] if heads else []), *rows, *totals])

        def pick(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
            return tuple(row[at] for at in kept) if whole and row else row

        yield Table(caption, pick(heads), tuple(map(pick, rows)), tuple(map(pick, totals)))


def _rows(node: _Node, place: str) -> Iterator[tuple[str, _Node]]:
    for child in node.children:
        if isinstance(child, _Node):
            if child.tag == "tr":
                yield place, child
            elif child.tag in ("thead", "tbody", "tfoot"):
                yield from _rows(child, child.tag)


def _cells(row: _Node) -> Iterator[Cell]:
    for cell in row.children:
        if isinstance(cell, _Node) and cell.tag in ("th", "td"):
            style = cell.attributes.get("style", "").replace(" ", "")
            number = "spm-num" in cell.classes or "gt_right" in cell.classes or "text-align:right" in style
            tone = next((_tone(span) for span in cell.below("span") if _tone(span)), "")
            yield Cell(_text(cell.children), number, tone)
            span = cell.attributes.get("colspan", "1")
            yield from (Cell("") for _ in range(min(int(span), 50) - 1 if span.isdigit() else 0))


def _text(children: Iterable[_Node | str]) -> str:
    """Give what a reader sees on one line; what is only for those who do not see stays out."""
    return " ".join("".join(_pieces(children)).split())


def _pieces(children: Iterable[_Node | str]) -> Iterator[str]:
    for child in children:
        if isinstance(child, str):
            yield child
        elif child.tag == "br" or child.tag in _BLOCKS:
            yield " "
            yield from _pieces(child.children)
            yield " "
        elif "spm-sr" not in child.classes:
            yield from _pieces(child.children)


def _raw(node: _Node) -> str:
    return "".join(child if isinstance(child, str) else _raw(child) for child in node.children)
