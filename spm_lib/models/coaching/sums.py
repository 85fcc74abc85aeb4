"""Sums of what was counted, by rep and kind of work, in the form in which reps are compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import ibis
import pandas as pd

from spm_lib.models.coaching.expected import SUMS

#: Ages from one day to before another.
Bands = Sequence[tuple[int, int]]


def summed(rows: ibis.Table, by: Sequence[str], *, cluster: str | None = "deal_id") -> pd.DataFrame:
    """Add up ``y`` of ``x`` over the rows of each rep and kind of work.

    Parameters
    ----------
    rows
        ``rep_id``, `by`, ``y``, ``x`` and, unless None, `cluster`.
    by
        What the kind of work is told by.
    cluster
        What belongs together: its rows of one rep and kind count as one piece of evidence. None: each row is one.

    Returns
    -------
    DataFrame
        ``rep_id``, `by` and the columns of `spm_lib.models.coaching.expected.SUMS`.
    """
    rows = rows.mutate(y=rows.y.cast("float64"), x=rows.x.cast("float64"))
    if cluster is not None:
        rows = rows.group_by("rep_id", *by, cluster).agg(y=rows.y.sum(), x=rows.x.sum())
    rows = rows.filter(rows.rep_id.notnull(), rows.x > 0)
    sums = {
        "n": rows.count(),
        "y": rows.y.sum(),
        "x": rows.x.sum(),
        "yy": (rows.y * rows.y).sum(),
        "xy": (rows.x * rows.y).sum(),
        "xx": (rows.x * rows.x).sum(),
    }
    found: pd.DataFrame = rows.group_by("rep_id", *by).agg(**{name: sums[name] for name in SUMS}).to_pandas()
    return found


def summed_by_age(rows: ibis.Table, by: Sequence[str], bands: Bands) -> pd.DataFrame:
    """Add up what happened to things that grow older, a row of sums for each band of age; each thing is counted once.

    Parameters
    ----------
    rows
        A row for each rep and thing (a stay, a deal): ``rep_id``, `by`, ``deal_id``, ``step`` (ages of one are compared
        with those of the same), and for each band, by its place, ``y0`` (what happened at that age), ``x0`` (over how much)
        and so on.
    by
        What the kind of work is told by besides.
    bands
        The bands of age.

    Returns
    -------
    DataFrame
        ``rep_id``, `by`, ``age`` and the columns of `spm_lib.models.coaching.expected.SUMS`. A thing counts in the first
        band in which there is any of it.

    Notes
    -----
    What belongs to a deal belongs together, and its rows have different ages: of the square of Σ (y − u x) over a deal, with
    u what is usual at each age, each row holds its own share. That share takes u of the other rows, which follows from
    its own where a rep or a kind of work changes the rates of all ages alike, as the model has it: they are to each other
    as the company's are.
    """
    places = range(len(bands))
    ages = rows.group_by("step").agg(
        **{
            f"usual{at}": ibis.coalesce(rows[f"y{at}"].sum() / rows[f"x{at}"].sum().nullif(0), 0.0)
            for at in places
        }
    )
    told = rows.inner_join(ages, "step").select(*rows.columns, *(f"usual{at}" for at in places))
    deals = told.group_by("rep_id", "deal_id").agg(
        happened=reduce(add, (told[f"y{at}"] for at in places)).sum(),
        usual=reduce(add, (told[f"usual{at}"] * told[f"x{at}"] for at in places)).sum(),
    )
    told = told.inner_join(deals, ["rep_id", "deal_id"])
    sums: dict[str, ibis.Value] = {}
    for at in places:
        y, x, usual = told[f"y{at}"], told[f"x{at}"], told[f"usual{at}"]
        younger = reduce(add, (told[f"x{place}"] for place in range(at)), ibis.literal(0.0))
        whole = ibis.coalesce(told.usual / usual.nullif(0.0), x)
        band = (
            ((x > 0) & (younger <= 0)).cast("int64"),
            *(y, x, y * told.happened, x * told.happened, x * whole),
        )
        sums |= {f"{name}{at}": value.sum() for name, value in zip(SUMS, band, strict=True)}
    wide = told.group_by("rep_id", *by, "step").agg(**sums).to_pandas()
    parts = [
        wide[["rep_id", *by]].assign(
            age=wide["step"] + f"|{bands[at][0]}", **{name: wide[f"{name}{at}"] for name in SUMS}
        )
        for at in places
    ]
    found = pd.concat(parts, ignore_index=True)
    lived: pd.DataFrame = found[found["x"] > 0].reset_index(drop=True)
    return lived


def days_between(late: ibis.Value, early: ibis.Value) -> ibis.Value:
    """Give the days from `early` to `late`."""
    return late.delta(early, unit="day")


def overlap(low: ibis.Value, high: ibis.Value, least: ibis.Value, most: ibis.Value) -> ibis.Value:
    """Give how many of the days from `low` to before `high` lie from `least` to before `most`."""
    return ibis.greatest(days_between(ibis.least(high, most), ibis.greatest(low, least)), ibis.literal(0))
