"""Landmarks: an open deal on a day of the past, what became of it, and what counts as at risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.errors import ParameterError, PeriodError, did_you_mean
from spm_lib.models.recorded import EVER
from spm_lib.models.stretches import Stretches, keeping, whole_company
from spm_lib.periods import Calendar, period_at

#: How far a model looks ahead: days, or to the end of the company's own quarter.
HORIZONS = ("30", "60", "90", "period")

_STEPS = {"day": 1, "week": 7}


def landmark_days(
    snapshot: Snapshot, *, every: str = "week", until: dt.date | None = None
) -> tuple[dt.date, ...]:
    """Give the days of the past on which open deals can be looked at as they were known then.

    Parameters
    ----------
    snapshot
        What is known.
    every
        ``week`` or ``day``.
    until
        The last of the days, by default the snapshot's; not after it.

    Returns
    -------
    tuple of date
        In order, the last one being `until`; empty where nothing had happened by then.

    Raises
    ------
    ParameterError
        Where `every` is something else, or `until` lies after the snapshot's day.

    Notes
    -----
    They begin with the first closing on record. Of the time before it a source that was filled later knows only the deals
    that lived long enough: whoever learned from them would think that deals do not end.
    """
    if every not in _STEPS:
        raise ParameterError(f"there is no step '{every}'", where="every", mend=did_you_mean(every, _STEPS))
    last = until or snapshot.date
    if last > snapshot.date:
        raise ParameterError(f"{last} lies after the snapshot's day, {snapshot.date}", where="until")
    meta = snapshot.meta
    first = meta.first_data_date
    if first is None or last < first:
        return ()
    first = max(first, meta.first_closed_on or first)
    count = max(0, (last - first).days // _STEPS[every])
    step = dt.timedelta(days=_STEPS[every])
    return tuple(last - step * number for number in range(count, -1, -1))


def deal_endings(snapshot: Snapshot, frame: pd.DataFrame) -> pd.DataFrame:
    """Tell how each landmark's deal ended, as known on the snapshot's day.

    Parameters
    ----------
    snapshot
        What is known; the scope does not matter.
    frame
        Landmarks: ``as_of`` and ``deal_id``.

    Returns
    -------
    DataFrame
        With the index of `frame`: ``ended_on`` (datetime64, NaT where the deal is open still) and ``ended_as``: won, lost,
        gone (removed from the source, or merged into another deal) or None. The first end after ``as_of`` counts, whatever
        came after it. A closing that was entered on a later day than it happened counts by the day it happened, but
        never before the day after ``as_of``.
    """
    company = whole_company(snapshot)
    with keeping(company) as keep:
        rows = Stretches(company, columns=()).table(keep)
        ended = rows.filter(rows.state != "open", rows.since <= company.date, rows.since > EVER)
        ends = _plain(ended.select("deal_id", "since", "state", "ended_on").to_pyarrow().to_pandas())
    ends["since"] = pd.to_datetime(ends["since"]).astype("datetime64[s]")
    ends["ended_on"] = pd.to_datetime(ends["ended_on"]).astype("datetime64[s]")
    keys = pd.DataFrame(
        {
            "deal_id": pd.Series(frame["deal_id"].to_numpy(dtype=object), dtype=object),
            "as_of": frame["as_of"].to_numpy().astype("datetime64[s]"),
            "row": np.arange(len(frame)),
        }
    )
    found = pd.merge_asof(
        keys.sort_values(["as_of", "row"]),
        ends.sort_values(["since", "deal_id"]),
        left_on="as_of",
        right_on="since",
        by="deal_id",
        direction="forward",
        allow_exact_matches=False,
    ).sort_values("row")
    gone = found["state"] == "absent"
    on = found["ended_on"].where(~gone, found["since"])
    late = on.isna() | (on <= found["as_of"])
    # Nobody knows when: by the time it was first known to be closed. Known late: as early as it can be.
    on = on.where(~late, found["since"].where(on.isna(), found["as_of"] + pd.Timedelta(days=1)))
    state = found["state"].astype(object).where(found["state"].notna(), None)
    return pd.DataFrame(
        {
            "ended_on": on.where(found["since"].notna()).to_numpy(dtype="datetime64[s]"),
            "ended_as": pd.Series(state.replace({"absent": "gone"}).to_numpy(), dtype=object),
        }
    ).set_axis(frame.index)


def horizon_end(as_of: dt.date, horizon: str, calendar: Calendar) -> dt.date:
    """Give the last day of a horizon.

    Parameters
    ----------
    as_of
        The day looked ahead from.
    horizon
        One of `HORIZONS`: so many days, or to the end of the company's own quarter that holds `as_of`.
    calendar
        The company's.

    Raises
    ------
    ParameterError
        Where there is no such horizon.

    Notes
    -----
    Where the calendar's table does not reach so far, the quarter is that of the calendar year.
    """
    if horizon not in HORIZONS:
        raise ParameterError(
            f"there is no horizon '{horizon}'", where="horizon", mend=did_you_mean(horizon, HORIZONS)
        )
    if horizon != "period":
        return as_of + dt.timedelta(days=int(horizon))
    try:
        return period_at(calendar.own("quarter"), as_of, calendar).end
    except PeriodError:
        return period_at("quarter", as_of, calendar).end


def label(
    frame: pd.DataFrame, endings: pd.DataFrame, horizon: str, calendar: Calendar, known_until: dt.date
) -> pd.DataFrame:
    """Tell what had become of each landmark's deal at the end of a horizon.

    Parameters
    ----------
    frame
        Landmarks: ``as_of``, ``expected_close_on``.
    endings
        What `deal_endings` told of the same rows, in the same order.
    horizon
        One of `HORIZONS`.
    calendar
        The company's.
    known_until
        The day up to which endings are known.

    Returns
    -------
    DataFrame
        With the index of `frame`: ``horizon_ends_on`` (datetime64) and, as booleans, ``due`` (expected to close by then,
        overdue included), ``won``, ``lost``, ``open``, ``at_risk`` (lost, or due and not won), ``known`` (the horizon
        was over by `known_until`, and the deal was not removed or merged inside it). Where it is not known, the others
        mean nothing.
    """
    ends, due = due_by(frame, horizon, calendar)
    ended_on = endings["ended_on"].to_numpy().astype("datetime64[D]")
    ended_as = endings["ended_as"].to_numpy(dtype=object)
    inside = ~np.isnat(ended_on) & (ended_on <= ends)
    won, lost = inside & (ended_as == "won"), inside & (ended_as == "lost")
    return pd.DataFrame(
        {
            "horizon_ends_on": ends.astype("datetime64[s]"),
            "due": due,
            "won": won,
            "lost": lost,
            "open": ~won & ~lost,
            "at_risk": lost | (due & ~won),
            "known": (ends <= np.datetime64(known_until)) & ~(inside & (ended_as == "gone")),
        },
        index=frame.index,
    )


def due_by(frame: pd.DataFrame, horizon: str, calendar: Calendar) -> tuple[np.ndarray, np.ndarray]:
    """Give the last day of each landmark's horizon, as datetime64[D], and whether its deal is expected to close by then."""
    ends = each_day(frame["as_of"], lambda day: horizon_end(day, horizon, calendar))
    expected = frame["expected_close_on"].to_numpy().astype("datetime64[D]")
    return ends, ~np.isnat(expected) & (expected <= ends)


def each_day(days: pd.Series, tell: Callable[[dt.date], dt.date]) -> np.ndarray:
    """Give what `tell` says of each day, asked once for each different one, as datetime64[D]."""
    different, places = np.unique(days.to_numpy().astype("datetime64[D]"), return_inverse=True)
    told = np.array([tell(day) for day in different.tolist()], dtype="datetime64[D]")
    return told[places] if len(different) else different


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"deal_id": object, "state": object})
