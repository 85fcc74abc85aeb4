"""Compare a period with an earlier one, like with like, and say which differences chance does not explain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import pandas as pd
from scipy import stats

from spm_lib.errors import PeriodError, UnknownNameError, did_you_mean
from spm_lib.metrics.evaluation import find_metrics, tidy
from spm_lib.metrics.evidence import gather, union_of
from spm_lib.metrics.intervals import difference
from spm_lib.metrics.metric import Metric
from spm_lib.metrics.populations import CREATED, LEADS
from spm_lib.metrics.question import PERIOD_KEY, Dimension, Question, read_dimensions

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

Against = Literal["previous", "year_ago"]

NO_DATA = "the data do not reach back to all of {label}"
_BESIDE = ("value", "n", "low", "high")


def compare(
    metrics: str | Metric | Iterable[str | Metric],
    snapshot: Snapshot,
    period: Period,
    by: str | Sequence[str] = (),
    against: Against = "previous",
) -> pd.DataFrame:
    """Evaluate metrics and set an earlier period beside them.

    The earlier period is seen from the same point of it: where `period` is not over, from as many days after its
    start, else from as many days after its end. So nothing that was then unknown counts, and corrections have had the
    same time to come in.

    Parameters
    ----------
    metrics, snapshot, period, by
        As for `evaluate`. Groups of either period are told.
    against
        ``previous``, or ``year_ago``: the same period a year earlier.

    Returns
    -------
    DataFrame
        The columns of `evaluate`, then against (the earlier period's label), previous, previous_n, previous_low,
        previous_high, difference, difference_low, difference_high and p_value. They are null, and the note says
        so, where the data do not reach back to the earlier period's start.
    """
    if against not in ("previous", "year_ago"):
        raise UnknownNameError(
            f"there is nothing to compare with called '{against}'",
            where="against",
            mend=did_you_mean(against, ("previous", "year_ago")),
        )
    chosen = find_metrics(metrics)
    dimensions = read_dimensions(snapshot, by)
    now = gather(chosen, Question(snapshot, (period,), dimensions))
    before = earlier(period, against)
    covered = [m for m in chosen if before is not None and _reaches(m, snapshot, before)]
    groups = now.groups
    if before is not None and covered:
        then = snapshot.as_of(same_point(snapshot.date, period, before))
        past = gather(covered, Question(then, (before,), dimensions))
        groups = union_of(now.question, [now.groups, past.groups])
        keyed = _keyed(tidy(covered, past, groups), dimensions)
    else:
        keyed = None
    frame = tidy(chosen, now, groups)
    label = before.label if before is not None else None
    frame["against"] = label
    if keyed is None:
        beside = pd.DataFrame(np.nan, index=frame.index, columns=list(_BESIDE))
    else:
        keys = list(keyed.columns.difference([*_BESIDE, "note"], sort=False))
        beside = _keyed(frame, dimensions)[keys].merge(keyed, on=keys, how="left")
    for name in _BESIDE:
        frame["previous" if name == "value" else f"previous_{name}"] = beside[name].to_numpy(dtype=float)
    frame["previous_n"] = frame["previous_n"].fillna(0).astype("int64")
    columns = ("value", "low", "high", "previous", "previous_low", "previous_high")
    found = difference(*(frame[name].to_numpy(dtype=float) for name in columns))
    frame["difference"], frame["difference_low"], frame["difference_high"], frame["p_value"] = found
    uncovered = ~frame["metric"].isin([m.name for m in covered])
    silent = frame["note"].isna() & uncovered
    frame.loc[silent, "note"] = NO_DATA.format(label=label or "the period before")
    return frame.drop(columns=PERIOD_KEY)


def earlier(period: Period, against: Against) -> Period | None:
    """Give the period to compare with; None where the calendar reaches no further back."""
    try:
        return period.previous() if against == "previous" else period.year_ago()
    except PeriodError:
        return None


def same_point(day: dt.date, period: Period, before: Period) -> dt.date:
    """Give the day that is to `before` what `day` is to `period`: as far after its start or, once over, its end."""
    if period.is_complete(day):
        return before.end + (day - period.end)
    return min(before.start + (day - period.start), before.end)


def _reaches(metric: Metric, snapshot: Snapshot, period: Period) -> bool:
    """Tell whether the data reach back to the start of `period`: half a period is not like a whole one."""
    by_creation = all(getattr(source, "name", "") in _BY_CREATION for source in metric.needs)
    meta = snapshot.meta
    first = meta.first_data_date if by_creation else meta.first_closed_on
    return first is not None and first <= period.start


_BY_CREATION = {CREATED.name, LEADS.name, "time to decision"}


def _keyed(frame: pd.DataFrame, dimensions: Sequence[Dimension]) -> pd.DataFrame:
    """Give the frame by metric, part and group, without what stands beside or follows from them."""
    beside = [f"{d.name}_name" for d in dimensions if d.named]
    kept = frame.drop(columns=[PERIOD_KEY, "unit", *beside])
    return kept.astype({"metric": "str", "part": "str"})


@overload
def keep_discoveries(frames: pd.DataFrame, rate: float = ...) -> pd.DataFrame: ...
@overload
def keep_discoveries(frames: Sequence[pd.DataFrame], rate: float = ...) -> list[pd.DataFrame]: ...
def keep_discoveries(
    frames: pd.DataFrame | Sequence[pd.DataFrame], rate: float = 0.05
) -> pd.DataFrame | list[pd.DataFrame]:
    """Mark the differences that may be called ones, so that at most `rate` of all claims are expected to be false.

    Parameters
    ----------
    frames
        One or several frames with p_value: all that one report compares, together (Benjamini and Hochberg 1995).
    rate
        The false-discovery rate.

    Returns
    -------
    DataFrame or list of DataFrame
        Each with ``significant``; a difference without a p-value is none.
    """
    several = [frames] if isinstance(frames, pd.DataFrame) else list(frames)
    p_values = np.concatenate([f["p_value"].to_numpy(dtype=float) for f in several] or [np.array([])])
    known = ~np.isnan(p_values)
    significant = np.zeros(len(p_values), dtype=bool)
    if known.any():
        significant[known] = stats.false_discovery_control(p_values[known]) <= rate
    ends = np.cumsum([len(f) for f in several])
    marked = [
        f.assign(significant=significant[end - len(f) : end]) for f, end in zip(several, ends, strict=True)
    ]
    return marked[0] if isinstance(frames, pd.DataFrame) else marked
