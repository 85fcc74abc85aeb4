"""The rules that a mail body keeps, each read off the finished ``.eml``: what mail programs show, and what they drop."""

from __future__ import annotations

import email
import re
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

import numpy as np

from spm_lib.theme import contrast

HTML_LIMIT, STYLE_LIMIT, TOTAL_LIMIT, PICTURES, WIDTH = 80_000, 16_000, 600_000, 8, 600

TAGS = {
    "html", "head", "meta", "title", "style", "body", "div", "table", "caption", "tbody", "tr", "th", "td", "h1", "h2",
    "p", "b", "br", "span", "img", "a",
}  # fmt: skip
ATTRIBUTES = {
    "align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "charset", "class", "colspan", "content",
    "height", "href", "lang", "name", "role", "scope", "src", "style", "width",
}  # fmt: skip
#: No flex, grid, variables, web fonts, maximal widths, radii, places or floats.
PROPERTIES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-spacing", "border-top", "color",
    "display", "font-family", "font-size", "font-weight", "line-height", "margin", "padding", "padding-bottom",
    "padding-left", "padding-right", "padding-top", "text-align", "vertical-align", "white-space",
}  # fmt: skip
_VOID = {"meta", "br", "img"}


class Read(HTMLParser):
    """An HTML part, element by element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.style, self.preheader, self.text = "", "", ""
        self.pictures: list[str] = []
        self.links: list[str] = []
        self._in_body: list[str] = []
        self.feed(html)
        self.close()

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"a comment: {data}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.wrong += [f"<{tag}>"] * (tag not in TAGS)
        self.wrong += [f"{tag} {name}" for name in found if name not in ATTRIBUTES]
        for name, value in self._styles(found):
            if name not in PROPERTIES or re.search(r"url|var\(|expression|flex|grid", value):
                self.wrong.append(f"{tag} style {name}: {value}")
            if name.startswith("padding") and tag not in ("td", "th"):
                self.wrong.append(f"padding on {tag}")
        width = found.get("width", "100%")
        if width != "100%" and not (width.isdigit() and int(width) <= WIDTH):
            self.wrong.append(f"width {width}")
        if tag == "img":
            self._picture(found)
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag == "style" and not self._within("head"):
            self.wrong.append("a style element outside the head")
        if self._within("body"):
            self._in_body.append(tag)
            if len(self._in_body) == 1 and (tag, dict(self._styles(found)).get("display")) != ("div", "none"):
                self.wrong.append(f"the first node is {tag}, no preheader")
        if tag not in _VOID:
            self.open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._within("style"):
            self.style += data
        elif self._within("body") and data.strip():
            if self._in_body == ["div"]:
                self.preheader += data
                return
            self.text += f" {data}"
            self._colours(data)

    def _within(self, tag: str) -> bool:
        return any(name == tag for name, _ in self.open)

    @staticmethod
    def _styles(found: dict[str, str]) -> list[tuple[str, str]]:
        pairs = (each.split(":", 1) for each in found.get("style", "").split(";") if ":" in each)
        return [(name.strip().lower(), value.strip()) for name, value in pairs]

    def _picture(self, found: dict[str, str]) -> None:
        self.pictures.append(found.get("src", ""))
        alt = found.get("alt", "").strip()
        if not alt or "no description has been provided" in alt.lower():
            self.wrong.append("a picture without words")
        if not found.get("width", "").isdigit():
            self.wrong.append("a picture without a numeric width")

    def _nearest(self, name: str) -> str:
        return next(
            (
                dict(self._styles(found))[name]
                for _, found in reversed(self.open)
                if name in dict(self._styles(found))
            ),
            "",
        )

    def _at_night(self, name: str) -> str:
        """What a property is where the program is in dark mode and heeds the style element."""
        night = self.style.partition("prefers-color-scheme: dark)")[2]
        rules = re.findall(r"([^{}]*)\{([^{}]*)\}", night.partition("{")[2])
        for tag, found in reversed(self.open):
            ways = [f".{each}" for each in found.get("class", "").split()], [tag]
            for way in ways:  # a class weighs more than a tag, a later rule more than an earlier one
                for selectors, content in reversed(rules):
                    said = re.search(rf"(?:^|[;\s]){name}:\s*(#\w+)\s*!important", content)
                    if said and {each.strip() for each in selectors.split(",")} & set(way):
                        return said[1]
            if name in (own := dict(self._styles(found))):
                return own[name]
        return ""

    def _colours(self, data: str) -> None:
        ink, paper = self._at_night("color"), self._at_night("background-color")
        if ink and paper and contrast(ink, paper) < 4.5:
            self.wrong.append(f"{ink} on {paper} in the dark: {data.strip()[:40]}")
        ink, paper = self._nearest("color"), self._nearest("background-color")
        if not (ink and paper):
            self.wrong.append(f"text whose colours are left to the program: {data.strip()[:40]}")
        elif min(contrast(ink, paper), contrast(inverted(ink), inverted(paper))) < 4.5:
            self.wrong.append(f"{ink} on {paper}")


def inverted(colour: str) -> str:
    """What a program that inverts makes of a colour: its lightness turned round, its hue kept."""
    channels = 1 - np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    turned = 2 * (channels @ np.array([0.213, 0.715, 0.072])) - channels
    return "#" + "".join(f"{round(float(c) * 255):02X}" for c in np.clip(turned, 0, 1))


def parsed(eml: bytes) -> EmailMessage:
    """Read a draft as a mail program does."""
    message = email.message_from_bytes(eml, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def broken(eml: bytes, *, link: str = "") -> list[str]:
    """Give what in a draft breaks a rule; nothing, where all is well."""
    message = parsed(eml)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    if text is None or html is None:
        return ["no plain text or no HTML"]
    read = Read(html.get_content())
    wrong = list(read.wrong)
    pictures = {
        f"cid:{str(part['Content-ID'])[1:-1]}": part.get_content()
        for part in message.walk()
        if part["Content-ID"]
    }
    if len(html.get_payload()) > HTML_LIMIT:
        wrong.append(f"{len(html.get_payload())} bytes of HTML as it travels")
    if len(read.style) > STYLE_LIMIT:
        wrong.append("too long a style sheet")
    if re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", read.style).strip():
        wrong.append("a style sheet that something needs")
    if re.search(r"url|@import|@font-face|var\(|flex|grid", read.style):
        wrong.append("a style sheet that asks for more than colours and sizes")
    if len(eml) > TOTAL_LIMIT:
        wrong.append(f"{len(eml)} bytes in all")
    if len(pictures) > PICTURES or sorted(read.pictures) != sorted(pictures):
        wrong.append("pictures that are too many, missing or not shown")
    wrong += [
        "a part that is no PNG" for png in pictures.values() if not png.startswith(b"\x89PNG\r\n\x1a\n")
    ]
    wrong += [f"a link to {found}" for found in read.links if found != link]
    kinds = [part.get_content_type() for part in message.walk()]
    if kinds[0] != "multipart/alternative" or kinds[1] != "text/plain" or "text/html" not in kinds:
        wrong.append(f"parts in the order {kinds}")
    if not eml.isascii() or any(len(line) > 998 for line in eml.split(b"\r\n")):
        wrong.append("lines that no server takes")
    if any(message[name] for name in ("To", "Cc", "Bcc", "From")):
        wrong.append("a draft with recipients")
    return wrong


def words(text: str) -> str:
    """Text without regard to where its lines break."""
    return " ".join(text.split())
