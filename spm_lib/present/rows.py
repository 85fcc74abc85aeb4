"""The layout that most charts share: one row per name, bars from a common zero, figures flush right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from spm_lib.present.drawing import WIDTH, board
from spm_lib.present.letters import SMALL, TEXT, fitted, width_of
from spm_lib.theme import LIGHT

ROW = 25.0
GAP = 8.0
_TONES = {"good": LIGHT.good, "bad": LIGHT.bad, "neutral": LIGHT.ink}


@dataclass(frozen=True)
class Figures:
    """A column of figures beside the bars.

    Parameters
    ----------
    head
        What it holds, set small above.
    cells
        One text per row.
    tones
        good, bad or neutral per row; none for all neutral.
    small
        Whether it is set small and muted.
    """

    head: str
    cells: Sequence[str]
    tones: Sequence[str] = ()
    small: bool = False

    @property
    def size(self) -> float:
        """The size of its type."""
        return SMALL if self.small else TEXT

    @property
    def width(self) -> float:
        """The room it needs."""
        return max([width_of(c, self.size) for c in self.cells] + [width_of(self.head, SMALL)], default=0)


def rows_board(
    names: Sequence[object],
    columns: Sequence[Figures],
    *,
    span: tuple[float, float],
    top: float = 20,
    bottom: float = 4,
    row: float = ROW,
    width: float = WIDTH,
    beneath: Sequence[str] = (),
    room: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """Give a figure with a row per name, the names on the left and the columns of figures on the right.

    Parameters
    ----------
    names
        Labels of the rows, from the top.
    columns
        Figures beside the bars, from the left.
    span
        Lowest and highest value of the axis; where they are the same, one is left either side.
    top, bottom
        Room above and below the rows, in points.
    row
        Height of a row.
    width
        Of the whole figure.
    beneath
        A second, small line under each name.
    room
        Widths left and right of the bars, where figures side by side share them; see `room_of`.
    """
    left, right = room or room_of([(names, columns)], width=width, beneath=beneath)
    labels = [fitted(name, left - GAP) for name in names]
    figure, axes = board(
        top + bottom + row * len(names), width=width, left=left, right=right, top=top, bottom=bottom
    )
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(*(span if span[0] < span[1] else (span[0] - 1.0, span[1] + 1.0)))
    middle = axes.get_yaxis_transform()
    lift = 6.0 if beneath else 0.0
    for at, label in enumerate(labels):
        axes.annotate(
            label,
            (0, at),
            (-GAP, lift),
            xycoords=middle,
            textcoords="offset points",
            ha="right",
            va="center_baseline",
        )
    for at, below in enumerate(beneath):
        axes.annotate(
            below,
            (0, at),
            (-GAP, -7),
            xycoords=middle,
            textcoords="offset points",
            ha="right",
            va="center_baseline",
            fontsize=SMALL,
            color=LIGHT.muted,
        )
    offset = 0.0
    for column in columns:
        offset += column.width + GAP
        _column(axes, column, offset)
    axes.axvline(0, color=LIGHT.muted, linewidth=0.8, zorder=4)
    return figure, axes


def room_of(
    tables: Iterable[tuple[Sequence[object], Sequence[Figures]]],
    *,
    width: float = WIDTH,
    beneath: Sequence[str] = (),
) -> tuple[float, float]:
    """Give the room that names need left of the bars and columns right of them, the widest of several figures."""
    left = right = 0.0
    for names, columns in tables:
        widths = [width_of(fitted(name, 0.34 * width)) for name in names]
        left = max([left, *widths, *(width_of(text, SMALL) for text in beneath)])
        right = max(right, sum(c.width + GAP for c in columns))
    return left + GAP, right


def _column(axes: Axes, column: Figures, offset: float) -> None:
    if column.head:
        axes.annotate(
            column.head,
            (1, 1),
            (offset, 6),
            xycoords="axes fraction",
            color=LIGHT.muted,
            fontsize=SMALL,
            textcoords="offset points",
            ha="right",
        )
    tones = column.tones or ["neutral"] * len(column.cells)
    for at, (cell, tone) in enumerate(zip(column.cells, tones, strict=True)):
        axes.annotate(
            cell,
            (1, at),
            (offset, 0),
            xycoords=axes.get_yaxis_transform(),
            color=LIGHT.muted if column.small else _TONES[tone],
            fontsize=column.size,
            va="center_baseline",
            textcoords="offset points",
            ha="right",
        )


def bars(axes: Axes, values: Sequence[float], *, thickness: float = 0.56, shift: float = 0) -> None:
    """Draw solid bars, one per row: what is actual."""
    # Rows are places, not names: two people of one name are two rows.
    places = [at + shift for at in range(len(values))]
    axes.barh(places, values, thickness, facecolor=LIGHT.actual, linewidth=0, zorder=3)


def outlines(
    axes: Axes, values: Sequence[float], *, thickness: float = 0.84, shift: float = 0, color: str = "none"
) -> None:
    """Draw outlined bars: plan where they are empty, the previous period where they are filled lightly."""
    places = [at + shift for at in range(len(values))]
    axes.barh(places, values, thickness, facecolor=color, edgecolor=LIGHT.actual, linewidth=0.9, zorder=2)


def forecasts(
    axes: Axes, values: Sequence[float], *, begins: Sequence[float] = (), thickness: float = 0.56
) -> None:
    """Draw hatched bars: what is forecast, on top of what is actual where `begins` says where that ends."""
    axes.barh(
        range(len(values)), values, thickness, left=list(begins) or None, facecolor=LIGHT.paper,
        edgecolor=LIGHT.actual, linewidth=0.9, hatch="/////", zorder=3,
    )  # fmt: skip


def variances(
    axes: Axes, steps: Sequence[tuple[float, float]], tones: Sequence[str], sure: Sequence[bool]
) -> None:
    """Draw differences, one per row, from where they begin to where they end.

    Good and bad have their colours, always beside a sign; what chance explains as well is pale.
    """
    for at, ((begins, ends), tone, certain) in enumerate(zip(steps, tones, sure, strict=True)):
        color = _TONES[tone] if tone != "neutral" else LIGHT.muted
        axes.barh(
            at, ends - begins, 0.56, left=begins, facecolor=color if certain else to_rgba(color, 0.22),
            edgecolor=color, linewidth=1.0, zorder=3,
        )  # fmt: skip


def link(axes: Axes, at: int, value: float) -> None:
    """Draw the line from a step's end to the next step's beginning, one row below."""
    axes.plot([value] * 2, [at - 0.28, at + 1.28], color=LIGHT.muted, linewidth=0.7, zorder=2)


def whiskers(axes: Axes, bounds: Sequence[tuple[float, float] | None]) -> None:
    """Draw each row's interval as a thin line, seen on dark and on light."""
    for at, pair in enumerate(bounds):
        if pair is not None:
            for color, width in ((LIGHT.paper, 2.6), (LIGHT.ink, 1.0)):
                axes.plot(pair, [at, at], color=color, linewidth=width, solid_capstyle="butt", zorder=5)


def plan_line(axes: Axes, text: str, at: float = 1.0) -> None:
    """Name the plan above the right end of its outlines."""
    axes.annotate(
        text,
        (at, 1),
        (0, 6),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL,
        color=LIGHT.muted,
    )


def pace_line(axes: Axes, text: str, at: float) -> None:
    """Draw a broken line through all rows, seen on dark and on light, and name it below."""
    axes.axvline(at, color=LIGHT.paper, linewidth=3.2, zorder=5)
    axes.axvline(at, color=LIGHT.ink, linewidth=1.4, linestyle=(0, (3, 2)), zorder=6)
    axes.annotate(
        text,
        (at, 0),
        (0, -14),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL,
        color=LIGHT.ink,
    )


def cut_marks(axes: Axes, values: Sequence[float], longest: float) -> None:
    """Mark the bars that go on beyond `longest` by a stroke of paper near their end."""
    for at, value in enumerate(values):
        if value > longest:
            axes.plot([longest * 0.955] * 2, [at - 0.4, at + 0.4], color=LIGHT.paper, linewidth=3, zorder=5)
