"""Pictures for mails: PNG drawn from a page's own SVG, on white, in twice the size at which they are shown."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import resvg_py

from spm_lib.errors import RunError
from spm_lib.press.render.parts import Picture
from spm_lib.press.render.svg import PICTURE, elements, leads_out
from spm_lib.theme import CHART_FONT, LIGHT

#: The widest picture that a mail shows, in points.
WIDEST = 552

#: Higher ones are shrunk: nobody scrolls through one picture.
_HIGHEST = 1200

#: Drawings are made for pages' columns; a mail may show them this much larger.
_LARGER = 1.3

_SIZE = re.compile(r"<svg\b[^>]*?\bwidth=\"([\d.]+)\"[^>]*?\bheight=\"([\d.]+)\"", re.DOTALL)

#: Letters for which Matplotlib's font has no sign: from Devanagari on, and from the Chinese radicals on.
_OTHER_SCRIPTS = re.compile(
    "[\u0900-\u0dff\u0f00-\u109f\u1100-\u13ff\u1700-\u1cff\u2e80-\ua48f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001f300-\U0001faff\U00020000-\U0003ffff]"
)


def shown_size(picture: Picture) -> tuple[int, int]:
    """Give width and height at which a mail shows a picture, in points."""
    width, height = float(picture.width or 0), float(picture.height or 0)
    if not (width and height):
        found = _SIZE.search(_decoded(picture)[1][:2000].decode("utf-8", "replace"))
        width, height = (float(found[1]), float(found[2])) if found else (WIDEST, WIDEST * 2 / 3)
    scale = min(WIDEST / width, _HIGHEST / height, _LARGER)
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_png(picture: Picture, scale: float = 2.0) -> bytes:
    """Draw a picture as PNG on white.

    Parameters
    ----------
    picture
        A page's picture: SVG as `spm_lib.present` draws it, or any picture that browsers show.
    scale
        Pixels to a point.

    Raises
    ------
    RunError
        Where it cannot be drawn, or refers to anything outside itself.
    """
    width, height = shown_size(picture)
    kind, content = _decoded(picture)
    if kind == "svg+xml":
        svg = content.decode("utf-8", "replace")
        # The painter reads files: those of this machine would be drawn into the mail.
        if leads_out(elements(content) or []):
            raise RunError("a drawing refers to a file outside itself", where=f"picture '{picture.alt[:60]}'")
    else:
        # The same painter reads photographs, and brings them to the size that is shown.
        source = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<image href="{source}" width="{width}" height="{height}"/></svg>'
        )
    try:
        return resvg_py.svg_to_bytes(
            svg_string=svg,
            width=round(width * scale),
            height=round(height * scale),
            background=LIGHT.paper,
            # Pictures are the same on every machine, but where only the machine has the letters.
            skip_system_fonts=_OTHER_SCRIPTS.search(svg) is None,
            font_files=_fonts(),
            font_family=CHART_FONT,
            sans_serif_family=CHART_FONT,
        )
    except ValueError as error:
        raise RunError(
            f"a picture cannot be drawn ({error})", where=f"picture '{picture.alt[:60]}'"
        ) from None


def _decoded(picture: Picture) -> tuple[str, bytes]:
    found = PICTURE.fullmatch(picture.source)
    try:
        content = base64.b64decode(found[2]) if found else b""
    except binascii.Error:
        content = b""
    if found is None or not content:
        raise RunError("this is no picture that a mail can hold", where=f"picture '{picture.alt[:60]}'")
    return found[1], content


@lru_cache(maxsize=1)
def _fonts() -> list[str]:
    """Find the font files that Matplotlib brings along, without importing it."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:  # pragma: no cover - a dependency
        return []
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return [str(folder / f"DejaVuSans{weight}.ttf") for weight in ("", "-Bold")]
