"""HTML that cells put out, cleaned by an allow-list: no name from a CRM becomes script, link or request."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3

from spm_lib.press.render.svg import PICTURE, elements, runs
from spm_lib.theme import NO_FORMULAS

_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"article", "section", "div", "p", "blockquote", "pre", "hr", "br", "figure", "figcaption", "img"}
_LISTS = {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary"}
_WORDS = {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "em", "i", "ins", "kbd", "mark"}
_MORE_WORDS = {"q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr"}
_TAGS = _TABLE | _HEADINGS | _BLOCKS | _LISTS | _WORDS | _MORE_WORDS

#: Elements that go with all that they hold.
_GONE = {"script", "style", "svg", "math", "iframe", "object", "embed", "template", "noscript", "noembed"}
_GONE |= {"noframes", "textarea", "select", "title", "xmp", "plaintext", "audio", "video", "canvas", "head"}

_ATTRIBUTES = {
    "*": {"class", "id", "style", "title", "lang", "dir", "role", "tabindex", "hidden"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "span": {"data-team"},
    "th": {"scope", "colspan", "rowspan", "headers", "abbr"},
    "td": {"colspan", "rowspan", "headers"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "reversed"},
    "li": {"value"},
    "details": {"open"},
    "time": {"datetime"},
    "data": {"value"},
}

_SIDES = ("top", "right", "bottom", "left")
#: Properties that can neither fetch a file nor lay an element over another.
_STYLES = {
    "align-items", "background-color", "border", "border-collapse", "border-color", "border-radius",
    "border-spacing", "border-style", "border-width", "box-sizing", "color", "column-gap", "display",
    "flex", "flex-basis", "flex-direction", "flex-grow", "flex-shrink", "flex-wrap", "font-family",
    "font-size", "font-style", "font-variant-numeric", "font-weight", "gap", "grid-template-columns",
    "height", "justify-content", "letter-spacing", "line-height", "list-style-type", "margin",
    "max-height", "max-width", "min-height", "min-width", "overflow", "overflow-x", "padding",
    "row-gap", "table-layout", "text-align", "text-decoration", "text-transform", "vertical-align",
    "white-space", "width", "word-break",
}  # fmt: skip
_STYLES |= {f"{name}-{side}" for name in ("margin", "padding", "border") for side in _SIDES}
_STYLES |= {f"border-{side}-{what}" for side in _SIDES for what in ("color", "style", "width")}

_FETCHES = re.compile(r"url|image|expression|@|\\|/\*", re.ASCII | re.IGNORECASE)
_LINK = re.compile(r"(https?:|mailto:)", re.ASCII | re.IGNORECASE)
_LOCAL = re.compile(r"(#|\?|\.{0,2}/(?!/)|[A-Za-z0-9_%.-]+(?![A-Za-z0-9_%.:-]))[^\\\s:]*", re.ASCII)


@dataclass(frozen=True)
class Cleaned:
    """Cleaned HTML.

    Parameters
    ----------
    html
        What is left.
    pictures
        The alternative text of each picture that is not marked as mere ornament; None where it has none.
    lost
        How many pictures were left out, as they are no part of the page.
    """

    html: str
    pictures: tuple[str | None, ...]
    lost: int


def clean(html: str, *, links: bool = False) -> Cleaned:
    """Keep what a report may hold.

    Parameters
    ----------
    html
        A fragment.
    links
        Whether links may lead out of the reports: those of a notebook's own text may, those of an output,
        which may hold a name from a CRM, may not.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":
            return value if _is_picture(value) else None
        if attribute == "href":
            return value if _LOCAL.fullmatch(value) or (links and _LINK.match(value)) else None
        if attribute == "class":
            # A page typesets no formulas.
            return value.removeprefix(f"{NO_FORMULAS} ")
        if attribute == "style":
            return None if _FETCHES.search(value) else value
        return value

    text = nh3.clean(
        # Half a character, as damaged exports hold them, is no text.
        html.encode("utf-8", "replace").decode("utf-8"),
        tags=_TAGS,
        clean_content_tags=_GONE,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        generic_attribute_prefixes={"aria-"},
        url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer",
    )
    # The page has one h1 of its own. Cleaned text holds no bare "<" but that of an element.
    text = re.sub(r"<(/?)h1\b", r"<\1h2", text)
    if "<img" not in text:
        return Cleaned(text, (), 0)
    finder = _Pictures()
    finder.feed(text)
    return Cleaned(text, tuple(finder.alts), finder.lost)


def _is_picture(source: str) -> bool:
    found = PICTURE.fullmatch(source)
    if not found:
        return False
    if found[1] != "svg+xml":
        return True
    try:
        drawn = elements(base64.b64decode(found[2]))
    except binascii.Error:
        return False
    return drawn is not None and not runs(drawn)


class _Pictures(HTMLParser):
    """Collects the alternative texts of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.alts: list[str | None] = []
        self.lost = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a picture."""
        if tag == "img":
            found = dict(attrs)
            ornament = found.get("role") in ("presentation", "none") or found.get("aria-hidden") == "true"
            if not (ornament and found.get("alt") == ""):
                self.alts.append(found.get("alt"))
            self.lost += "src" not in found
