"""Coaching in pictures, for a manager alone: people by lever as a heatmap, win rates in a funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.coaching import for_manager, withheld
from spm_lib.present.display import EMPTY, Block, clean
from spm_lib.present.drawing import board
from spm_lib.present.findings.coaching import MANAGER, funnel_finding_of
from spm_lib.present.findings.coaching_words import lever_label, lever_number
from spm_lib.present.letters import SMALL, TEXT, fitted, width_of
from spm_lib.present.prose import plural
from spm_lib.present.tables import Column, table
from spm_lib.theme import LIGHT, Look

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching

Floats = npt.NDArray[np.float64]

#: Beyond so many standard errors colours grow no darker.
_MOST = 4.0
_CELL, _HEAD, _TILT, _ROWS = 22.0, 134.0, 44.0, 40
_HALF = float(stats.norm.ppf(0.95))
#: Limits of the funnel: chance alone puts so many within.
LIMITS = (0.95, 0.998)


def lever_heatmap(
    coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None, message: str = ""
) -> Block:
    """Draw how far each person is ahead of or behind peers on each lever, in standard errors; who is named is marked.

    Parameters
    ----------
    coaching
        See `spm_lib.models.coaching.coaching.Coaching`.
    audience, look, message
        As in `coaching_list`, and in `attainment_chart`.
    """
    if audience != MANAGER:
        return withheld()
    look = look or Look()
    levers = coaching.levers
    if levers.empty:
        return EMPTY
    rows = levers.assign(_label=[lever_label(row) for row in levers.to_dict("records")])
    half = (rows["high"] - rows["low"]) / 2 / _HALF
    sign = np.where(rows["better"] == "down", -1.0, 1.0)
    rows["_score"] = (rows["difference"] * sign / half).clip(-_MOST, _MOST)
    order = list(dict.fromkeys(sorted(rows["_label"], key=list(coaching_labels(coaching)).index)))
    grid = rows.pivot_table(index=["rep_name", "rep_id"], columns="_label", values="_score")[order].head(
        _ROWS
    )
    marks = rows.pivot_table(index=["rep_name", "rep_id"], columns="_label", values="named", aggfunc="max")
    marks = marks.reindex(index=grid.index, columns=grid.columns).fillna(0).astype(bool)

    def paint() -> Figure:
        # Late: what draws no heatmap need not load it.
        import seaborn as sns
        from matplotlib.colors import LinearSegmentedColormap

        colors = LinearSegmentedColormap.from_list("behind to ahead", [LIGHT.bad, LIGHT.paper, LIGHT.good])
        names = [fitted(clean(name), 120, TEXT) for name, _ in grid.index]
        left = max(width_of(name, TEXT) for name in names) + 8
        figure, axes = board(_HEAD + _CELL * len(grid) + 16, left=left, right=_TILT, top=_HEAD, bottom=16)
        axes.set_axis_on()
        sns.heatmap(
            grid, ax=axes, cmap=colors, vmin=-_MOST, vmax=_MOST, cbar=False, linewidths=1, linecolor=LIGHT.paper,
            yticklabels=names, xticklabels=[clean(_short(label), 24) for label in grid.columns],
        )  # fmt: skip
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_xticklabels(axes.get_xticklabels(), rotation=60, ha="left", fontsize=SMALL)
        axes.set_xlabel("")
        axes.set_ylabel("")
        for at, person in enumerate(marks.to_numpy()):
            for place in np.flatnonzero(person):
                axes.text(
                    place + 0.5, at + 0.5, "▼", ha="center", va="center", fontsize=TEXT, color=LIGHT.ink
                )
        axes.annotate(
            "▼ behind beyond chance; empty: too little evidence",
            (0, 0), (-left, -13), xycoords="axes fraction", textcoords="offset points", fontsize=SMALL, color=LIGHT.muted,
        )  # fmt: skip
        return figure

    told = rows.sort_values(["rep_name", "rep_id"], kind="stable")
    facts = told.to_dict("records")
    data = table(
        told.assign(
            _observed=[lever_number(row, row["observed"], look) for row in facts],
            _expected=[lever_number(row, row["expected"], look) for row in facts],
            _low=[lever_number(row, row["low"], look) for row in facts],
            _high=[lever_number(row, row["high"], look) for row in facts],
        ),
        {
            "rep_name": "Person",
            "_label": "Lever",
            "_observed": Column("Own", "written"),
            "_expected": Column("Peers", "written"),
            "_low": Column("Difference from", "written"),
            "_high": Column("to (90%)", "written"),
            "n": Column("n", "count"),
        },
        caption="Own figures against peers on the same work",
        look=look,
        limit=1_000,
    )
    title = title_of("People by lever, standard errors behind (brown) or ahead (blue) of peers", "", "AC")
    people = rows[rows["named"].astype(bool)]["rep_id"].nunique()
    made = f"Of {plural(len(grid), 'person', 'people', look=look)}, {people} behind peers on some lever beyond chance."
    return for_manager(draw_chart(paint, alt=made, title=title, message=message, data=data))


def _short(label: str) -> str:
    """Give a step's name without the lever's, which its neighbours make plain."""
    return label.removeprefix("stage ")


def coaching_labels(coaching: Coaching) -> dict[str, None]:
    """Give the levers' names in the order in which readers meet them."""
    return dict.fromkeys(lever_label(row) for row in coaching.tests.to_dict("records"))


def win_rate_funnel(coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None) -> Block:
    """Draw each person's win rate by the number of deals decided, with the limits of chance around what is expected.

    Notes
    -----
    A funnel plot (Spiegelhalter, Statistics in Medicine 24, 2005): the win rate is the observed less the expected on
    the own mix, put on the company's usual; limits are normal ones for a share of so many deals.
    """
    if audience != MANAGER:
        return withheld()
    look = look or Look()
    rows = coaching.levers[coaching.levers["lever"] == "win_rate"].sort_values(["rep_name", "rep_id"])
    usual = coaching.tests[coaching.tests["lever"] == "win_rate"]["usual"]
    if rows.empty or usual.empty:
        return EMPTY
    centre = float(usual.iloc[0])
    gap = (rows["observed"] - rows["expected"]).to_numpy(dtype=float)
    size = rows["n"].to_numpy(dtype=float)
    near, far = (_limit(centre, size, share) for share in LIMITS)
    outside = np.abs(gap) > near
    shown = rows.assign(gap=gap, rate=centre + gap, near=near, far=far)

    def paint() -> Figure:
        figure, axes = board(240, left=40, right=12, top=12, bottom=34)
        axes.set_axis_on()
        axes.spines[["top", "right"]].set_visible(False)
        most = float(size.max()) * 1.05
        counts = np.linspace(max(float(size.min()) * 0.7, 3), most, 80)
        for share, style in zip(LIMITS, ("-", ":"), strict=True):
            half = _limit(centre, counts, share)
            for side in (-1, 1):
                axes.plot(counts, centre + side * half, style, color=LIGHT.muted, linewidth=1)
        axes.axhline(centre, color=LIGHT.muted, linewidth=0.8)
        colors = np.where(~outside, LIGHT.muted, np.where(gap < 0, LIGHT.bad, LIGHT.good))
        axes.scatter(size, centre + gap, s=22, c=colors.tolist(), zorder=3)
        for row in shown[outside].to_dict("records"):
            right = row["n"] < 0.7 * most
            axes.annotate(
                fitted(clean(row["rep_name"]), 120, SMALL), (row["n"], row["rate"]), (6 if right else -6, 0),
                textcoords="offset points", ha="left" if right else "right", va="center", fontsize=SMALL, color=LIGHT.ink,
            )  # fmt: skip
        axes.set_xlim(0, most)
        spread = (
            max(float(np.abs(gap).max()), float(_limit(centre, np.array([size.min()]), LIMITS[1])[0])) * 1.1
        )
        axes.set_ylim(max(centre - spread, 0), min(centre + spread, 1))
        axes.yaxis.set_major_formatter(lambda value, _: look.value(value, "share"))
        axes.set_xlabel("deals decided", fontsize=SMALL)
        axes.tick_params(labelsize=SMALL, length=2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return figure

    data = table(
        shown,
        {
            "rep_name": "Person",
            "observed": Column("Win rate", "share"),
            "expected": Column("Peers, same work", "share"),
            "rate": Column("Drawn", "share"),
            "n": Column("n", "count"),
        },
        caption="Win rates against peers on the same work",
        look=look,
    )
    found = funnel_finding_of(shown[outside][["rep_name", "gap"]], len(rows), look)
    title = title_of("Win rate on the same work, %, limits of chance 95% and 99.8%", "", "AC")
    return for_manager(draw_chart(paint, alt=found, title=title, message=found, data=data))


def _limit(centre: float, size: Floats, share: float) -> Floats:
    """Give how far a share of so many deals may lie from its middle by chance."""
    return np.asarray(stats.norm.ppf((1 + share) / 2) * np.sqrt(centre * (1 - centre) / size))
