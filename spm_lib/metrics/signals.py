"""Whether the latest month is a signal, with a p-value, so that many teams can be watched without crying wolf."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spm_lib.metrics.behaviour import RUN, behaviour, behaviour_limits
from spm_lib.metrics.evaluation import RESULT
from spm_lib.metrics.metric import Metric

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: Under so many months limits say little, and the latest is not judged.
LEAST = 6


def signals(
    metrics: str | Metric | Iterable[str | Metric],
    snapshot: Snapshot,
    period: Period,
    unit: str = "month",
    n: int = 12,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Follow metrics as `behaviour` does, and tell how likely chance alone makes the latest complete month.

    Over many teams and months some points lie outside their limits by chance alone. So one month of each is judged, and
    its p-value goes through `keep_discoveries` with all else that a report claims.

    Parameters
    ----------
    metrics, snapshot, period, unit, n, by
        As for `behaviour`.

    Returns
    -------
    DataFrame
        As `behaviour`, with ``latest`` (the last complete month that the data reach into wholly) and ``p_value``, on that
        row alone: by its distance from the centre, or by how many in a row lie on its side, whichever tells more,
        doubled as there are two ways to find something. It is null under six months.
    """
    frame = behaviour(metrics, snapshot, period, unit, n, by)
    frame["latest"], frame["p_value"] = False, np.nan
    first = snapshot.meta.first_closed_on
    counts = frame["complete"] & (frame["start"] >= first if first is not None else False)
    groups = [c for c in frame.columns if c not in {*_PLACES, *RESULT}]
    for _, one in frame.groupby(["metric", "part", *groups], dropna=False, sort=False):
        known = one[counts[one.index] & one["value"].notna()]
        if known.empty:
            continue
        at = known.index[-1]
        frame.loc[at, "latest"] = True
        if len(known) >= LEAST and at == one.index[counts[one.index]][-1]:
            frame.loc[at, "p_value"] = latest_p_value(known["value"].to_numpy(dtype=float))
    return frame


def latest_p_value(values: Sequence[float] | np.ndarray) -> float:
    """Tell how likely chance alone puts the last of successive values where it is, or further out.

    Distances are measured in standard deviations as the moving ranges tell them, the last value included, which
    holds back just so much that a normal table is right (tests simulate it). A run of k on one side has 2 × 0.5 ** k.
    """
    series = np.asarray(values, dtype=float)
    limits = behaviour_limits(series).iloc[-1]
    spread = (limits["upper"] - limits["centre"]) / 3
    away = abs(series[-1] - limits["centre"])
    if not spread > 1e-9 * max(abs(limits["centre"]), 1e-300):
        return float("nan")  # values that never vary
    sides = np.sign(series - limits["centre"])
    other = np.flatnonzero(sides[::-1] != sides[-1])
    run = int(other[0]) if len(other) else len(sides)
    by_run = 2 * 0.5**run if run >= RUN else 1.0
    by_distance = 2 * stats.norm.sf(away / spread)
    return float(min(1.0, 2 * min(by_run, by_distance)))


_PLACES = {"period", "start", "end", "complete", "centre", "lower", "upper", "signal", "rule"} | {
    "latest",
    "p_value",
}
