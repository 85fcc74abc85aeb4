"""What came of what was agreed: a lever before the agreement and since, each against peers on the same work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from spm_lib.data.coaching_ledger import PROGRESS_COLUMNS, Agreement
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.lever_scores import Measured, measure
from spm_lib.models.coaching.shrinkage import COVERAGE
from spm_lib.models.coaching.work import Work

#: How long before an agreement is looked at, and how long an agreement is followed.
BEFORE, FOLLOWED = dt.timedelta(days=365), dt.timedelta(days=365)


def followed(agreements: Iterable[Agreement], day: dt.date) -> tuple[Agreement, ...]:
    """Give the agreements that are young enough to be measured on a day."""
    return tuple(one for one in agreements if one.agreed_on < day <= one.agreed_on + FOLLOWED)


def progress(work: Work, agreements: Sequence[Agreement]) -> pd.DataFrame:
    """Measure what came of agreements.

    Parameters
    ----------
    work
        As known on the day, reaching a year back from the first agreement.
    agreements
        Those that are followed.

    Returns
    -------
    DataFrame
        `PROGRESS_COLUMNS`: n and observed − expected before the agreement and since, in the lever's unit; their
        difference with its 90 % interval. Of an agreement with too little evidence on either side there is no row.

    Notes
    -----
    Both sides are compared with what peers reached at that time, so a season or a change for all is no progress. A rep
    who is
    picked when things were worst gets better by chance alone: the interval does not know of that, and reports say so.
    """
    rows = []
    days = sorted({one.agreed_on for one in agreements})
    for day in days:
        then = [one for one in agreements if one.agreed_on == day]
        levers = sorted({one.lever for one in then})
        before = _measured(work.during(day - BEFORE + dt.timedelta(days=1), day), levers)
        since = _measured(work.during(day + dt.timedelta(days=1), work.end), levers)
        for one in then:
            if one.lever in before and one.lever in since:
                rows.append(_compared(one, before[one.lever], since[one.lever]))
    found = [row for row in rows if row is not None]
    return pd.DataFrame(found, columns=list(PROGRESS_COLUMNS))


def _measured(work: Work, levers: Sequence[str]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for evidence in evidence_of(work, levers):
        measured = measure(evidence)
        if measured is not None:
            found.setdefault(evidence.lever, []).append(measured)
    return found


def _compared(one: Agreement, before: list[Measured], since: list[Measured]) -> dict[str, float] | None:
    """Compare the two sides; of a lever with parts the one in which the rep was furthest behind."""
    old = _rows(before, one.rep_id)
    if old.empty:
        return None
    was = old.sort_values("score").iloc[0]
    new = _rows([each for each in since if each.evidence.part == was["part"]], one.rep_id)
    if new.empty:
        return None
    now = new.iloc[0]
    gap = _gap(now) - _gap(was)
    error = np.hypot(_error(now), _error(was))
    half = float(stats.norm.ppf((1 + COVERAGE) / 2) * error)
    return {
        "agreement_id": one.agreement_id,
        "n_before": int(was["n"]),
        "before": _gap(was),
        "n_since": int(now["n"]),
        "since": _gap(now),
        "difference": gap,
        "low": gap - half,
        "high": gap + half,
    }


def _rows(measured: list[Measured], rep_id: str) -> pd.DataFrame:
    frames = [each.frame[each.frame["rep_id"] == rep_id] for each in measured]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _gap(row: pd.Series) -> float:
    return float(row["observed"] - row["expected"])


def _error(row: pd.Series) -> float:
    """Give the standard error of a gap in the lever's unit, from the width of its interval."""
    return float((row["high"] - row["low"]) / (2 * stats.norm.ppf((1 + COVERAGE) / 2)))
