"""The drawing board: light vector pictures, and text that is only ever text.

Pictures are SVG inside an ``img``: sharp at any width, a third of the size of a PNG, scripts never run, and the
reader's own fonts show every script. `to_png` gives the same drawing for mails.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from spm_lib.present.letters import SMALL, TEXT, box_of
from spm_lib.theme import CHART_FONT, FONT_STACK, LIGHT, is_unknown

WIDTH = 390.0

_STYLE = {
    "font.family": [CHART_FONT],
    "font.size": TEXT,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "text.usetex": False,
    "text.color": LIGHT.ink,
    "axes.edgecolor": LIGHT.muted,
    "axes.labelcolor": LIGHT.muted,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "figure.facecolor": "none",
    "xtick.color": LIGHT.muted,
    "ytick.color": LIGHT.ink,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": TEXT,
    "hatch.linewidth": 0.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "spm",
    "path.sketch": None,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the theme's style whatever style the notebook has set, and without remarks on missing characters."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        yield


def board(
    height: float,
    *,
    width: float = WIDTH,
    left: float = 0,
    right: float = 0,
    top: float = 0,
    bottom: float = 0,
) -> tuple[Figure, Axes]:
    """Give a figure and its axes; all measures in points, which pages show as pixels."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    # Scales are written as text where they are needed: ticks that nobody sees take longer to make than bars.
    axes.set_axis_off()
    return figure, axes


class _Sheet(RendererSVG):
    """Writes SVG, its text measured by letters that have been measured before."""

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | Literal["TeX"]
    ) -> tuple[float, float, float]:
        """Give the size of a line of text, as `RendererSVG` does."""
        weight = prop.get_weight()
        if not ismath and weight in ("normal", "bold"):
            box = box_of(s, prop.get_size_in_points(), bold=weight == "bold")
            if box is not None:
                return box
        size: tuple[float, float, float] = super().get_text_width_height_descent(s, prop, ismath)  # type: ignore[no-untyped-call]
        return size


def to_svg(figure: Figure) -> str:
    """Give the figure as compact SVG with real text."""
    sheet = io.StringIO()
    figure.dpi = 72
    width, height = figure.get_size_inches() * 72
    renderer = _Sheet(width, height, sheet, image_dpi=72, metadata=_NO_METADATA)  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    renderer.finalize()  # type: ignore[no-untyped-call]
    svg = sheet.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', svg, count=2)
    svg = re.sub(r' (?:d|x|y|points|transform)="[^"]*"', lambda m: _short(m[0]), svg)
    svg = svg.replace(f"font-family: '{CHART_FONT}'", "font-family: " + FONT_STACK.replace("'", "&apos;"))
    return re.sub(r">\s*\n\s*<", "><", svg).strip()


def to_png(figure: Figure, scale: float = 2.0) -> bytes:
    """Give the figure as PNG on white, `scale` pixels to a point."""
    figure.set_dpi(72 * scale)
    figure.set_facecolor(LIGHT.paper)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    seen = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    pixels = Image.fromarray(seen).convert("RGB")
    # The theme has few colours: a palette of them with their edges weighs a third.
    few = pixels.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    sheet = io.BytesIO()
    few.save(sheet, "png", optimize=True)
    return sheet.getvalue()


def data_uri(svg: str) -> str:
    """Give SVG as the address of an ``img``."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def _short(attribute: str) -> str:
    attribute = re.sub(r"(\.\d\d)\d+", r"\1", attribute)
    attribute = re.sub(r" transform=\"rotate\(-0[^\"]*\"", "", attribute)
    return re.sub(r"\s*\n\s*", " ", attribute)


def sparkline(
    values: Sequence[object],
    width: int = 160,
    height: int = 28,
    *,
    limits: tuple[object, object] = (None, None),
    span: tuple[float, float] | None = None,
) -> str:
    """Give a small trend line as SVG, the last point marked; empty where fewer than two values are known.

    Parameters
    ----------
    values
        Oldest first; unknown ones leave a gap.
    width, height
        In pixels.
    limits
        The range of chance, drawn as a band as far as it reaches into the picture, where both ends are known.
    span
        The values at the bottom and the top, where several trends share a scale; those of the line where not given.
    """
    known = [(at, float(v)) for at, v in enumerate(values) if not is_unknown(v)]  # type: ignore[arg-type]
    if len(known) < 2:
        return ""
    band = [] if any(is_unknown(v) for v in limits) else [float(v) for v in limits]  # type: ignore[arg-type]
    low, high = span or (min(v for _, v in known), max(v for _, v in known))
    edge = 4.0
    across = (width - 2 * edge) / (len(values) - 1)
    # A flat line runs through the middle.
    up = (height - 2 * edge) / (high - low) if high > low else 0.0
    middle = edge if high > low else height / 2

    def y_of(value: float) -> float:
        return height - middle - (value - low) * up

    points = {at: (edge + at * across, y_of(v)) for at, v in known}
    path = ""
    for at, (x, y) in points.items():
        # A value between two unknown ones is a dot: a line of no length with round ends.
        path += f"L{x:.1f} {y:.1f}" if at - 1 in points else f"M{x:.1f} {y:.1f}h0"
    x, y = points[known[-1][0]]
    ends_known = known[-1][0] == len(values) - 1
    last = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{LIGHT.actual}"/>' if ends_known else ""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" preserveAspectRatio="xMinYMid"'
    line = f'fill="none" stroke="{LIGHT.actual}" stroke-width="1.6" stroke-linecap="round"'
    usual = ""
    if band:
        top, bottom = (min(max(y_of(end), 0.0), float(height)) for end in (band[1], band[0]))
        usual = f'<path d="M0 {top:.1f}H{width}V{bottom:.1f}H0Z" fill="{LIGHT.band}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{usual}<path d="{path}" {line}/>{last}</svg>'
