"""Pictures for mails."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from spm_lib.errors import RunError
from spm_lib.press.render.parts import Picture, parts_of
from spm_lib.press.render.pictures import WIDEST, shown_size, to_png

from ..books import chart

RED = (255, 0, 0)


def uri(content: str | bytes, kind: str = "svg+xml") -> str:
    raw = content.encode() if isinstance(content, str) else content
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def svg(inside: str, size: str = 'width="100" height="50"', more: str = "") -> Picture:
    return Picture(uri(f'<svg xmlns="http://www.w3.org/2000/svg" {more} {size}>{inside}</svg>'), "A")


def pixels(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def red_png(size: tuple[int, int] = (40, 20), kind: str = "png") -> bytes:
    sheet = io.BytesIO()
    Image.new("RGB", size, RED).save(sheet, kind)
    return sheet.getvalue()


def test_a_drawing_is_drawn_on_white_in_twice_its_size() -> None:
    picture = svg('<rect x="50" width="50" height="50" fill="#f00"/>')
    assert shown_size(picture) == (130, 65)
    seen = pixels(to_png(picture))
    assert seen.size == (260, 130)
    assert seen.getpixel((10, 60)) == (255, 255, 255) and seen.getpixel((250, 60)) == RED
    assert pixels(to_png(picture, 1.0)).size == (130, 65)


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (420, 220, (546, 286)),
        (1000, 500, (WIDEST, 276)),
        (100, 5000, (24, 1200)),
        (1, 1, (1, 1)),
        (None, None, (130, 65)),
    ],
)
def test_sizes_are_numbers_that_mails_bear(
    width: int | None, height: int | None, shown: tuple[int, int]
) -> None:
    source = svg("").source
    assert shown_size(Picture(source, "A", width, height)) == shown


def test_a_charts_words_are_drawn_with_fonts_that_are_brought_along() -> None:
    """Letters leave ink where a board without them has none, whatever fonts the machine has."""
    picture = next(part for part in parts_of(str(chart("Ann Lee").html)) if isinstance(part, Picture))
    found = base64.b64decode(picture.source.split(",")[1]).decode()
    assert "Ann Lee" in found
    mute = Picture(uri(found.replace("Ann Lee", "")), "A", picture.width, picture.height)
    with_name, without = (pixels(to_png(each)) for each in (picture, mute))
    assert with_name.size == without.size and with_name.tobytes() != without.tobytes()
    assert to_png(picture) == to_png(picture)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_photographs_become_png_of_the_size_shown(kind: str) -> None:
    picture = Picture(uri(red_png(kind=kind), kind), "A", 40, 20)
    seen = pixels(to_png(picture))
    assert seen.format is None and seen.size == (104, 52)
    assert all(abs(a - b) < 8 for a, b in zip(seen.getpixel((50, 25)), RED, strict=True))


def test_no_file_of_this_machine_is_drawn(tmp_path: Path) -> None:
    """The painter reads files that a drawing names by their path: none may be named."""
    (tmp_path / "secret.png").write_bytes(red_png())
    inside = tmp_path / "nested.svg"
    inside.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    for target in (str(tmp_path / "secret.png"), (tmp_path / "secret.png").as_uri(), str(inside), "//evil.example/x.png",
                   "https://evil.example/x.png", "data:image/svg+xml;base64,PHN2Zy8+", "&#47;etc/x.png", ""):  # fmt: skip
        for name in ("href", "xlink:href", "HREF"):
            for quote in "\"'":
                picture = svg(
                    f"<image {name} = {quote}{target}{quote} width='9' height='9'/>",
                    more='xmlns:xlink="http://www.w3.org/1999/xlink"',
                )
                with pytest.raises(RunError, match="outside itself"):
                    to_png(picture)
    own = svg("<defs><rect id='r' width='100' height='50' fill='#f00'/></defs><use href='#r'/>")
    assert pixels(to_png(own)).getpixel((5, 5)) == RED
    held = svg(f'<image href="{uri(red_png(), "png")}" width="100" height="50" preserveAspectRatio="none"/>')
    assert pixels(to_png(held)).getpixel((5, 5)) == RED


@pytest.mark.parametrize(
    "source", ["", "x.png", "cid:x", uri("no drawing"), uri(b"", "png"), "data:image/png;base64,abc"]
)
def test_what_cannot_be_drawn_is_named(source: str) -> None:
    with pytest.raises(RunError, match="picture 'A'"):
        to_png(Picture(source, "A", 10, 10))


def test_drawing_needs_no_matplotlib_in_the_press() -> None:
    code = (
        "import sys; from spm_lib.press.render.pictures import _fonts; from pathlib import Path; "
        "assert all(Path(font).is_file() for font in _fonts()) and len(_fonts()) == 2; "
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
