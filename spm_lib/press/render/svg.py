"""Pictures that a page holds itself; drawings read as elements and attributes: what a name says in one is neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat

#: An SVG inside an ``img`` runs nothing; opened on its own it would.
_RUN = re.compile(
    r"(?:.*:)?(?:script|foreignobject|iframe|handler|listener|set|animate\w*|discard)", re.IGNORECASE
)
#: The address of a picture that a page holds itself.
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,([A-Za-z0-9+/=\s]*)", re.ASCII)
#: A drawing within a longer text: its address up to the drawing, and the drawing.
DRAWN = re.compile(r"(data:image/svg\+xml;base64,)([A-Za-z0-9+/=]+)")
_WITHIN = re.compile(r"#|data:image/(?:png|jpeg|gif|webp);", re.ASCII)

Element = tuple[str, Mapping[str, str]]


def elements(svg: bytes) -> list[Element] | None:
    """Give the elements of a drawing with their attributes; None where it is none, or defines entities."""
    found: list[Element] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: found.append((name, attributes))

    def refuse(*_: object) -> None:
        raise ValueError("entities")

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(svg, True)
    except (expat.ExpatError, ValueError):
        return None
    return found if found and found[0][0].rpartition(":")[2] == "svg" else None


def runs(found: list[Element]) -> bool:
    """Tell whether anything in a drawing could run."""
    for name, attributes in found:
        if _RUN.fullmatch(name):
            return True
        for attribute, value in attributes.items():
            if (
                attribute.lower().startswith("on")
                or "javascript:" in re.sub(r"[\s\x00-\x1f]", "", value).lower()
            ):
                return True
    return False


def leads_out(found: list[Element]) -> bool:
    """Tell whether a drawing refers to anything that it does not hold itself."""
    return any(
        attribute.lower().rpartition(":")[2] == "href" and not _WITHIN.match(value)
        for _, attributes in found
        for attribute, value in attributes.items()
    )
