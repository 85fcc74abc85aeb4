"""Scoring: every open deal of a day, once, into the ledger beside the store.

What decides whether there is anything to do is here and quick; what computes is imported only where there is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger import MODEL, RULES, Ledger, ModelRecord, Scoring, ledger_path
from spm_lib.data.store import Store, open_store
from spm_lib.errors import StoreError
from spm_lib.lock import locked

Clock = Callable[[], dt.datetime]
Progress = Callable[[str], None]

#: A model is used for this many days after the one it was fitted on.
REFIT_DAYS = 28
#: How long one who scores waits for another: as long as a large company's model takes to fit.
_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class Gate:
    """Whether a model is to be believed over one horizon.

    Parameters
    ----------
    open
        Whether its past forecasts were clearly better than what a manager has for free: see `evaluation.LEAST_SKILL`.
    why
        The same as a clause that can end a sentence, with its figures.
    """

    open: bool
    why: str


@dataclass(frozen=True)
class Scored:
    """What a call to score came to.

    Parameters
    ----------
    state
        ``scored`` now, scored ``already``, or ``nothing`` to score.
    as_of
        The day that was scored: the one asked for, or the last of the data where that is earlier.
    ledger
        Where scores are kept.
    deals
        Number of open deals scored.
    flagged
        How many of them are flagged, by horizon.
    model_id
        The model, or the rules where there is none; None where nothing was scored.
    fitted
        Whether the model was fitted by this call.
    gates
        Whether the model is believed, by horizon; none where there is no model.
    note
        What a reader should know: why there is no model, or nothing to score. Empty where there is nothing.
    reps, named, outlooks
        Number of people at work whose levers were measured, of those named on any, and of those with an outlook on a quota.
    """

    state: Literal["scored", "already", "nothing"]
    as_of: dt.date | None
    ledger: Path
    deals: int = 0
    flagged: Mapping[str, int] = field(default_factory=dict)
    model_id: str | None = None
    fitted: bool = False
    gates: Mapping[str, Gate] = field(default_factory=dict)
    note: str = ""
    reps: int = 0
    named: int = 0
    outlooks: int = 0


def score_store(
    store: Path,
    as_of: dt.date | None = None,
    *,
    clock: Clock,
    refit_days: int = REFIT_DAYS,
    refit: bool = False,
    progress: Progress = lambda _: None,
) -> Scored:
    """Score the open deals of a day, and what its people could work on, with what was known at its end, once.

    Parameters
    ----------
    store
        Path of the store; ledger and models are written beside it.
    as_of
        The day, by default the last of the data; a later one means that as well, as nothing is known of the days between.
    clock
        Gives the time that is written beside what is learned.
    refit_days
        How long a model serves: one fitted on this day or fewer than so many days before is used again.
    refit
        Whether to fit a model in any case.
    progress
        Called with a word on each step.

    Returns
    -------
    Scored

    Raises
    ------
    StoreError
        Where store or ledger cannot be read or written, or the ledger is of another source.
    """
    path = ledger_path(store)
    with open_store(store) as opened:
        meta = opened.meta
        if meta.last_data_date is None or meta.first_data_date is None:
            return Scored("nothing", None, path, note="the store holds no data")
        day = min(as_of or meta.last_data_date, meta.last_data_date)
        _refuse_other_source(Ledger(path), meta.source)
        if day < meta.first_data_date:
            note = f"the data begin on {meta.first_data_date}: no deal was open on {day}"
            return Scored("nothing", day, path, note=note)
        # Deals and people of a day are one piece of work: whoever waited for another finds both done.
        with nullcontext() if _is_done(opened, day, path) else _alone(path):
            deals = _score_deals(opened, day, path, clock, 0 if refit else refit_days, progress)
            people = _score_people(
                opened, day, path, clock, 0 if refit else refit_days, progress, deals.state != "nothing"
            )
    now = people.now and deals.state == "already"
    return replace(
        deals,
        state="scored" if now else deals.state,
        reps=people.reps,
        named=people.named,
        outlooks=people.outlooks,
    )


def _is_done(opened: Store, day: dt.date, path: Path) -> bool:
    """Tell whether a day's deals and people are written down, and what came of all feedback."""
    coached = CoachingLedger(path)
    deals = not opened.lists_open_deals or Ledger(path).scoring(day) is not None
    return deals and coached.card(day) is not None and not coached.unmeasured(day)


def _score_deals(
    opened: Store, day: dt.date, path: Path, clock: Clock, refit_days: int, progress: Progress
) -> Scored:
    """Score the open deals of a day that is not scored yet."""
    ledger = Ledger(path)
    if (scoring := ledger.scoring(day)) is not None:
        return _told(ledger, scoring, "already")
    if not opened.lists_open_deals:
        return Scored("nothing", day, path, note="the source lists no open deals")
    # Another one may have written it while this one waited.
    _refuse_other_source(ledger, opened.meta.source)
    from spm_lib.models.scoring_day import score_day

    done = score_day(opened.as_of(day), ledger, clock=clock, refit_days=refit_days, progress=progress)
    scoring = ledger.scoring(day)
    if scoring is None:
        return Scored("nothing", day, path, note=done.note)
    return _told(ledger, scoring, "scored", fitted=done.fitted)


@dataclass(frozen=True)
class _People:
    """How many people were looked at, and whether by this call."""

    now: bool
    reps: int
    named: int
    outlooks: int


def _score_people(
    opened: Store,
    day: dt.date,
    path: Path,
    clock: Clock,
    refit_days: int,
    progress: Progress,
    even_nothing: bool,
) -> _People:
    """Look at the people of a day, once, and at feedback that was written down after that."""
    coached, now = CoachingLedger(path), False
    if coached.card(day) is None:
        from spm_lib.models.coaching.coaching_day import record_day

        now = record_day(
            opened.as_of(day),
            coached,
            clock=clock,
            refit_days=refit_days,
            progress=progress,
            even_nothing=even_nothing,
        )
    elif coached.unmeasured(day):
        from spm_lib.models.coaching.coaching_day import record_missing

        progress("measuring what came of feedback that is new")
        record_missing(opened.as_of(day), coached)
    card = coached.card(day) or {}
    return _People(now, *(int(card.get(name, 0)) for name in ("reps", "named", "outlooks")))


def gates_of(record: ModelRecord) -> dict[str, Gate]:
    """Give whether a model is to be believed, by horizon, as its card says; none for rules alone."""
    horizons = record.card.get("evaluation", {}).get("horizons", {})
    gates = {horizon: judged["gate"] for horizon, judged in horizons.items()}
    return {horizon: Gate(bool(gate["open"]), str(gate["why"])) for horizon, gate in gates.items()}


def _told(
    ledger: Ledger, scoring: Scoring, state: Literal["scored", "already"], *, fitted: bool = False
) -> Scored:
    record = ledger.model(scoring.model_id) if scoring.model_id else None
    return Scored(
        state,
        scoring.as_of,
        ledger.path,
        deals=scoring.deals,
        flagged=ledger.flagged(scoring.as_of),
        model_id=scoring.model_id,
        fitted=fitted,
        gates=gates_of(record) if record else {},
        note=scoring.note or "",
    )


def _refuse_other_source(ledger: Ledger, source: str) -> None:
    for kind in (MODEL, RULES):
        for record in ledger.models(kind)[:1]:
            other = record.card.get("source", source)
            if other != source:
                raise StoreError(
                    f"this ledger holds scores of the source '{other}', the store holds '{source}'",
                    where=str(ledger.path),
                    mend="Move the ledger away, or name another store with --store",
                )


def _alone(ledger: Path) -> AbstractContextManager[None]:
    """Let one at a time score: fitting a model twice side by side takes long and gives the same."""
    where = str(ledger)
    return locked(
        ledger.with_name(ledger.name.removesuffix(".sqlite") + ".scoring.lock"),
        busy=StoreError(
            "another program is scoring this store",
            where=where,
            mend="Try again when it has ended",
            passing=True,
        ),
        denied=lambda error: StoreError(
            f"scores cannot be written ({error})", where=where, mend="Free some space, or check its rights"
        ),
        seconds=_WAIT_SECONDS,
    )
