"""Coaching in pictures, for a manager alone: people by lever as a heatmap, win rates in a funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from spm_lib.models.coaching.levers import LEVERS
from spm_lib.present.audience import MANAGER, managers_alone, withheld
from spm_lib.present.chart import draw_chart, title_of
from spm_lib.present.display import EMPTY, Block, clean
from spm_lib.present.drawing import board
from spm_lib.present.findings.coaching import funnel_finding_of
from spm_lib.present.findings.coaching_words import lever_label, lever_number, percent, span
from spm_lib.present.letters import SMALL, TEXT, fitted, width_of
from spm_lib.present.prose import plural, sentence
from spm_lib.present.tables import Column, table
from spm_lib.theme import LIGHT, UNKNOWN, Look

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching

Floats = npt.NDArray[np.float64]

#: Beyond so many standard errors colours grow no darker.
_MOST = 4.0
#: On darker cells than this marks are light.
_DARK = 2.5
_CELL, _HEAD, _TILT, _FOOT, _NAMES = 22.0, 90.0, 46.0, 30.0, 106.0
#: The most people that are drawn.
_ROWS = 40
_HALF = float(stats.norm.ppf(0.95))
#: Limits of the funnel: chance alone puts so many within.
LIMITS = (0.95, 0.998)


def lever_heatmap(
    coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None, message: str = ""
) -> Block:
    """Draw how far each person is ahead of or behind peers on each lever, in standard errors; who is named is marked.

    People stand in alphabetical order. Of more than fit, those who are named are drawn. Others are marked as behind or ahead
    on levers alone on which the test of all people says that they differ: on others one in ten is so by luck.

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
    if coaching.levers.empty:
        return EMPTY
    rows = _alphabetical(coaching.levers)
    kept = _drawn(rows)
    shown = rows[rows["rep_id"].isin(kept)]
    cells = _cells(shown, coaching.tests)
    scores = cells.pivot(index="rep_id", columns="lever", values="score").reindex(index=kept)
    scores = scores[[name for name in LEVERS if name in scores]]
    marks = cells.pivot(index="rep_id", columns="lever", values="mark").reindex_like(scores).fillna("")
    names = dict(zip(shown["rep_id"], shown["rep_name"], strict=True))

    def paint() -> Figure:
        # Late: what draws no heatmap need not load it.
        import seaborn as sns

        labels = [fitted(names[rep], _NAMES) for rep in scores.index]
        left = max(width_of(label) for label in labels) + 8
        height = _HEAD + _CELL * len(scores) + _FOOT
        figure, axes = board(height, left=left, right=_TILT, top=_HEAD, bottom=_FOOT)
        axes.set_axis_on()
        colors = LinearSegmentedColormap.from_list("behind to ahead", [LIGHT.bad, LIGHT.panel, LIGHT.good])
        sns.heatmap(
            scores, ax=axes, cmap=colors, vmin=-_MOST, vmax=_MOST, cbar=False, linewidths=1, linecolor=LIGHT.paper,
            yticklabels=labels, xticklabels=[LEVERS[str(name)].label for name in scores],
        )  # fmt: skip
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_xticklabels(axes.get_xticklabels(), rotation=60, ha="left", fontsize=SMALL, color=LIGHT.ink)
        axes.set(xlabel="", ylabel="")
        sure, written = np.abs(scores.to_numpy(dtype=float)), marks.to_numpy(dtype=str)
        for at, place in np.argwhere(written != ""):
            axes.text(
                place + 0.5, at + 0.5, written[at, place], ha="center", va="center_baseline", fontsize=TEXT,
                color=LIGHT.paper if sure[at, place] > _DARK else LIGHT.ink,
            )  # fmt: skip
        for line, text in enumerate(_KEY):
            axes.annotate(
                text, (0, 0), (-left, -13 - 12 * line), xycoords="axes fraction", textcoords="offset points",
                fontsize=SMALL, color=LIGHT.muted,
            )  # fmt: skip
        return figure

    behind = shown[shown["named"].astype(bool)]["rep_id"].nunique()
    people = plural(rows["rep_id"].nunique(), "person", "people", look=look)
    made = f"Of {people}, {behind or 'none'} {'is' if behind <= 1 else 'are'} behind peers on some lever beyond chance."
    left_out = rows["rep_id"].nunique() - len(kept)
    notes = [f"{plural(left_out, 'person is', 'people are', look=look)} not drawn."] if left_out else []
    if shown.duplicated(["rep_id", "lever"]).any():
        notes.append(
            "Stage conversion: the stage in which each is furthest behind; all stages are in the data beneath."
        )
    title = title_of(
        "People by lever, in standard errors behind or ahead of peers on the same work", "", "AC"
    )
    data = _data(shown, title, look)
    return managers_alone(draw_chart(paint, alt=made, title=title, message=message, data=data, notes=notes))


_KEY = (
    "▼ behind, beyond chance   − behind, + ahead: by the 90% interval, where people differ",
    "the stronger, the surer: brown behind, blue ahead; no colour: too little evidence",
)


def _alphabetical(levers: pd.DataFrame) -> pd.DataFrame:
    """Give the rows by person, each in the order in which readers meet levers, with scores: positive is ahead."""
    order = {name: at for at, name in enumerate(LEVERS)}
    half = (levers["high"] - levers["low"]).astype("float64") / 2 / _HALF
    sign = np.where(levers["better"] == "down", -1.0, 1.0)
    score: pd.Series[float] = levers["difference"].astype("float64") * sign / half.where(half > 0)
    rows = levers.assign(
        _name=[clean(name).casefold() for name in levers["rep_name"]],
        _lever=levers["lever"].map(order),
        _part=[clean(part) for part in levers["part"]],
        score=score,
    )
    return rows.sort_values(["_name", "rep_id", "_lever", "_part"], kind="stable").reset_index(drop=True)


def _drawn(rows: pd.DataFrame) -> list[str]:
    """Give the people to draw."""
    people = list(dict.fromkeys(rows["rep_id"]))
    if len(people) > _ROWS:
        named = set(rows.loc[rows["named"].astype(bool), "rep_id"])
        people = [rep for rep in people if rep in named] or people
    return people[:_ROWS]


def _cells(rows: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """Give one row per person and lever: of several stages that which is named, else the one furthest behind."""
    named = rows["named"].astype(bool)
    apart = {(test["lever"], test["part"]) for test in tests.to_dict("records") if test["differ"]}
    differ = np.array([key in apart for key in zip(rows["lever"], rows["part"], strict=True)], dtype=bool)
    side = np.where(rows["score"] < -_HALF, "−", np.where(rows["score"] > _HALF, "+", ""))
    clear = np.where(differ, side, "")
    marked = rows.assign(mark=np.where(named, "▼", clear), _named=named)
    marked = marked.sort_values(["_named", "score"], ascending=[False, True], kind="stable")
    return marked.drop_duplicates(["rep_id", "lever"])


def _data(rows: pd.DataFrame, caption: str, look: Look) -> Block:
    facts = rows.to_dict("records")
    told = rows.assign(
        _label=[sentence(lever_label(row)).rstrip(".") for row in facts],
        _observed=[lever_number(row, row["observed"], look) for row in facts],
        _expected=[lever_number(row, row["expected"], look) for row in facts],
        _span=[span(row, look) or UNKNOWN for row in facts],
        _named=["behind beyond chance" if row["named"] else "" for row in facts],
    )
    columns: dict[str, Column | str] = {
        "rep_name": "Person",
        "_label": "Lever",
        "_observed": Column("Own", "written"),
        "_expected": Column("Peers", "written"),
        "_span": Column("90% interval", "written"),
        "n": Column("n", "count"),
        "_named": "Named",
    }
    return table(told, columns, caption=caption, look=look)


def win_rate_funnel(coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None) -> Block:
    """Draw each person's win rate by the number of deals decided, with the limits of chance around what is usual.

    Who lies outside is coloured and named where the test of all people says that win rates differ at all.

    Notes
    -----
    A funnel plot (Spiegelhalter, Statistics in Medicine 24, 2005). The rate is what is won less what is expected on the own
    mix, put on the company's usual; the limits are normal ones for a share of so many deals. On a mix of easy and hard deals
    a share varies a little less than that.
    """
    if audience != MANAGER:
        return withheld()
    look = look or Look()
    found = _alphabetical(coaching.levers[coaching.levers["lever"] == "win_rate"])
    tests = coaching.tests.to_dict("records") if len(coaching.tests) else []
    test = next((row for row in tests if row["lever"] == "win_rate"), None)
    if found.empty or test is None:
        return EMPTY
    centre = float(test["usual"])
    gap, size = ((found[name].to_numpy(dtype=float)) for name in ("observed", "n"))
    gap = gap - found["expected"].to_numpy(dtype=float)
    outside = (np.abs(gap) > chance_limit(centre, size, LIMITS[0])) & bool(test["differ"])
    rows = found.assign(gap=gap, rate=centre + gap)

    def paint() -> Figure:
        figure, axes = board(250, left=36, right=34, top=14, bottom=34)
        axes.set_axis_on()
        axes.spines[["top", "right"]].set_visible(False)
        most = float(size.max()) * 1.08
        counts = np.linspace(max(float(size.min()) * 0.7, 3), most, 30)
        for share, style in zip(LIMITS, ("-", ":"), strict=True):
            half = chance_limit(centre, counts, share)
            for up in (-1, 1):
                axes.plot(counts, centre + up * half, style, color=LIGHT.muted, linewidth=1)
                _end(axes, most, centre + up * half[-1], f"{100 * share:g}%")
        axes.axhline(centre, color=LIGHT.muted, linewidth=0.8)
        _end(axes, most, centre, "usual")
        colors = np.where(~outside, LIGHT.muted, np.where(gap < 0, LIGHT.bad, LIGHT.good))
        axes.scatter(size, rows["rate"], s=24, c=colors.tolist(), zorder=3)
        for row in rows[outside].to_dict("records"):
            right = row["n"] < 0.6 * most
            axes.annotate(
                fitted(row["rep_name"], _NAMES, SMALL), (row["n"], row["rate"]), (6 if right else -6, 0),
                textcoords="offset points", ha="left" if right else "right", va="center", fontsize=SMALL, color=LIGHT.ink,
                # No line runs through a name, and no name lies on a point.
                bbox={"facecolor": LIGHT.paper, "edgecolor": "none", "pad": 0.8}, zorder=2.5,
            )  # fmt: skip
        widest = float(chance_limit(centre, counts[:1], LIMITS[1])[0])
        low, high = float(rows["rate"].min()), float(rows["rate"].max())
        axes.set_ylim(min(max(centre - widest, 0.0), low - 0.02), max(min(centre + widest, 1.0), high + 0.02))
        axes.set_xlim(0, most)
        axes.yaxis.set_major_formatter(lambda value, _: percent(value, look))
        axes.set_xlabel("deals decided", fontsize=SMALL)
        axes.tick_params(labelsize=SMALL, length=2)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return figure

    title = title_of(
        "Win rate on the same work, by deals decided; limits of chance for 95% and 99.8%", "", "AC"
    )
    facts = rows.to_dict("records")
    data = table(
        rows.assign(_span=[span(row, look) or UNKNOWN for row in facts]),
        {
            "rep_name": "Person",
            "n": Column("n", "count"),
            "observed": Column("Won", "share"),
            "expected": Column("Peers, same work", "share"),
            "rate": Column("Drawn", "share"),
            "_span": Column("90% interval", "written"),
        },
        caption=title,
        look=look,
    )
    said = funnel_finding_of(rows[outside][["rep_name", "gap"]], len(rows), look, test=test)
    luck = "Luck alone puts 1 of 20 outside the inner limits"
    note = (
        f"{luck}, so that one who is outside need not be behind beyond chance: for that all people and levers are asked "
        "together."
        if test["differ"]
        else f"{luck}; all are asked together, and as luck explains how they differ, nobody is named."
    )
    return managers_alone(draw_chart(paint, alt=said, title=title, message=said, data=data, notes=[note]))


def chance_limit(centre: float, size: Floats, share: float) -> Floats:
    """Give how far from its middle chance alone takes a share of so many deals, with probability `share`."""
    return np.asarray(stats.norm.ppf((1 + share) / 2) * np.sqrt(centre * (1 - centre) / size))


def _end(axes: Axes, at: float, value: float, text: str) -> None:
    """Name a line at its right end."""
    axes.annotate(
        text, (at, value), (4, 0), textcoords="offset points", va="center", fontsize=SMALL, color=LIGHT.muted,
        annotation_clip=False,
    )  # fmt: skip
