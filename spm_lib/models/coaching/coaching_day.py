"""One day's coaching: levers of all reps, and what came of what was agreed, as rows for the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from spm_lib.data.coaching_ledger import OUTLOOK_COLUMNS, PROGRESS_COLUMNS, Agreement, CoachingLedger
from spm_lib.data.history import Snapshot
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.lever_scores import ALPHA, MOST, SURE, lever_scores, measure
from spm_lib.models.coaching.progress import BEFORE, followed, progress
from spm_lib.models.coaching.review_deals import review_deals
from spm_lib.models.coaching.usual_quarter import usual_quarters
from spm_lib.models.coaching.work import read_work
from spm_lib.models.features import deal_features
from spm_lib.models.quota_outlook import Calibration, fit_calibration, quota_outlook
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


def record_day(
    snapshot: Snapshot,
    coached: CoachingLedger,
    *,
    clock: Callable[[], dt.datetime],
    refit_days: int,
    progress: Callable[[str], None],
    even_nothing: bool = True,
) -> bool:
    """Find what there is to know of the people on a day and write it down, once.

    Parameters
    ----------
    snapshot
        The whole company on the day; nothing later is known.
    coached
        Where it is written.
    clock
        Gives the time that is written beside what is found.
    refit_days
        How long what was learned from earlier quarters serves; 0 has it learned in any case.
    progress
        Called with a word on each step.
    even_nothing
        Whether to write down that nothing was found, so that it is not sought again.

    Returns
    -------
    bool
        False where nothing was found, or the day was written already.
    """
    progress("comparing people on the same work")
    open_deals = deal_features(snapshot, (snapshot.date,))
    agreements = coached.agreements(until=snapshot.date)
    found = coach_day(snapshot, open_deals, agreements, _steps(coached, agreements))
    outlooks = pd.DataFrame(columns=list(OUTLOOK_COLUMNS))
    if snapshot.meta.rows.get("quotas"):
        progress("looking ahead to the end of the quarter")
        learned = _learned(coached, snapshot, refit_days)
        outlooks = quota_outlook(snapshot, calibration=learned.calibration)
        found.card["calibration"] = {"learned_on": learned.on.isoformat(), **asdict(learned.calibration)}
    if found.levers.empty and outlooks.empty and not even_nothing:
        return False
    card = {**found.card, "outlooks": len(outlooks)}
    return coached.record(snapshot.date, found.levers, outlooks, found.progress, card, made_at=clock())


def record_missing(snapshot: Snapshot, coached: CoachingLedger) -> int:
    """Measure what came of agreements that were written down after their day was, and write that down, too.

    Parameters
    ----------
    snapshot
        The whole company on a day that is written.
    coached
        Where it is written.

    Returns
    -------
    int
        Of how many agreements something was measured. All that were looked at are noted, so that none is tried again.
    """
    day = snapshot.date
    missing = coached.unmeasured(day)
    if not missing:
        return 0
    kept = followed(missing, day)
    moved = pd.DataFrame(columns=list(PROGRESS_COLUMNS))
    if kept:
        with keeping(snapshot) as keep:
            work = read_work(snapshot, min(one.agreed_on for one in kept) - BEFORE, keep)
            moved = progress(work, kept, _steps(coached, kept))
    return coached.add_progress(day, moved, missing)


def _steps(coached: CoachingLedger, agreements: Iterable[Agreement]) -> dict[int, str]:
    """Give the part that each agreement is about: the one that was named of the rep when it was made.

    It is read where it was written down on that day, and so stays the same, whatever becomes the worst one later.
    """
    found = {}
    for one in agreements:
        day = coached.latest(one.agreed_on)
        if day is None:
            continue
        rows = coached.levers(day)
        told = rows[rows["named"] & (rows["rep_id"] == one.rep_id) & (rows["lever"] == one.lever)]
        if len(told):
            found[one.agreement_id] = str(told["part"].iloc[0])
    return found


@dataclass(frozen=True)
class _Learned:
    """What was learned from earlier quarters, and on which day."""

    on: dt.date
    calibration: Calibration


def _learned(coached: CoachingLedger, snapshot: Snapshot, refit_days: int) -> _Learned:
    """Take what was learned on the last day written, where that is not too long ago; else learn it."""
    day = snapshot.date
    before = coached.latest(day)
    told = dict((coached.card(before) or {}).get("calibration") or {}) if before else {}
    if told:
        on = dt.date.fromisoformat(told.pop("learned_on"))
        if (day - on).days < refit_days:
            return _Learned(on, Calibration(**told))
    return _Learned(day, fit_calibration(snapshot))


def coach_day(
    snapshot: Snapshot,
    open_deals: pd.DataFrame,
    agreements: Sequence[Agreement],
    steps: Mapping[int, str] | None = None,
) -> CoachingDay:
    """Find what each rep could work on, as known on the snapshot's day.

    Parameters
    ----------
    snapshot
        Of the whole company.
    open_deals
        Features of the deals open on the day.
    agreements
        All that were agreed by the day.
    steps
        The part of a lever that each is about, by its number, where one was named: see `spm_lib.models.coaching.progress`.
    """
    day = snapshot.date
    start = day - dt.timedelta(days=WINDOW_DAYS - 1)
    kept = followed(agreements, day)
    first = min((start, *(one.agreed_on - BEFORE for one in kept)))
    with keeping(snapshot) as keep:
        work = read_work(snapshot, first, keep)
        year = work.during(start, day)
        measured = [found for evidence in evidence_of(year) if (found := measure(evidence)) is not None]
        moved = progress(work, kept, steps or {})
    levers = lever_scores(measured, usual_quarters(snapshot, start, work.away))
    named = levers[levers["named"]]
    shown = dict(zip(named.index, review_deals(named, open_deals), strict=True))
    deals = pd.Series([shown.get(place, []) for place in levers.index], index=levers.index, dtype=object)
    card = {
        "starts_on": start.isoformat(),
        "ends_on": day.isoformat(),
        "alpha": ALPHA,
        "sure": SURE,
        "most": MOST,
        "agreements": sorted(one.agreement_id for one in agreements),
        "reps": int(levers["rep_id"].nunique()),
        "named": int(named["rep_id"].nunique()),
        "levers": [each.fact for each in measured],
    }
    return CoachingDay(levers.assign(deals=deals), moved, card)
