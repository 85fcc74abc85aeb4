"""One day's coaching: levers of all reps, and what came of what was agreed, as rows for the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spm_lib.data.coaching_ledger import Agreement
from spm_lib.data.history import Snapshot
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.lever_scores import ALPHA, MOST, SURE, lever_scores, measure
from spm_lib.models.coaching.progress import BEFORE, followed, progress
from spm_lib.models.coaching.review_deals import review_deals
from spm_lib.models.coaching.usual_quarter import usual_quarters
from spm_lib.models.coaching.work import read_work
from spm_lib.models.stretches import keeping

#: How far back evidence is taken from: a year, so that all seasons are in it once.
WINDOW_DAYS = 365


@dataclass(frozen=True)
class CoachingDay:
    """What was found.

    Parameters
    ----------
    levers
        See `lever_scores`; ``deals``: those to look at together, for the named rows.
    progress
        See `spm_lib.models.coaching.progress.progress`.
    card
        What holds of all: the window, the line of evidence, and each lever's test, as plain values.
    """

    levers: pd.DataFrame
    progress: pd.DataFrame
    card: dict[str, Any]


def coach_day(snapshot: Snapshot, open_deals: pd.DataFrame, agreements: Sequence[Agreement]) -> CoachingDay:
    """Find what each rep could work on, as known on the snapshot's day.

    Parameters
    ----------
    snapshot
        Of the whole company.
    open_deals
        Features of the deals open on the day.
    agreements
        All that were agreed by the day.
    """
    day = snapshot.date
    start = day - dt.timedelta(days=WINDOW_DAYS - 1)
    kept = followed(agreements, day)
    first = min((start, *(one.agreed_on - BEFORE for one in kept)))
    with keeping(snapshot) as keep:
        work = read_work(snapshot, first, keep)
        year = work.during(start, day)
        measured = [found for evidence in evidence_of(year) if (found := measure(evidence)) is not None]
        moved = progress(work, kept)
    levers = lever_scores(measured, usual_quarters(snapshot, start))
    named = levers[levers["named"]]
    deals = pd.Series([[]] * len(levers), index=levers.index, dtype=object)
    for place, found in zip(named.index, review_deals(named, open_deals), strict=True):
        deals[place] = found
    card = {
        "starts_on": start.isoformat(),
        "ends_on": day.isoformat(),
        "alpha": ALPHA,
        "sure": SURE,
        "most": MOST,
        "reps": int(levers["rep_id"].nunique()),
        "levers": [each.fact for each in measured],
    }
    return CoachingDay(levers.assign(deals=deals), moved, card)
