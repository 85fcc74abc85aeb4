"""One day's scoring: features by replay, a model fitted or taken from the shelf; chances, reasons and rules as rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.data.ledger import CHANCES, Ledger, ModelRecord, models_folder
from spm_lib.errors import ModelError
from spm_lib.models import deal_risk, evaluation, rules
from spm_lib.models.deal_risk import DealRisk
from spm_lib.models.features import deal_features
from spm_lib.models.landmarks import HORIZONS, deal_endings, due_by, landmark_days
from spm_lib.models.model_card import card_of, measured_rules, plain_values
from spm_lib.models.model_shelf import keep_model, keep_rules, newest_model
from spm_lib.models.past import Past
from spm_lib.models.scoring import gates_of

#: How many reasons a deal is given at most, the weightiest first.
REASONS = 3


@dataclass(frozen=True)
class DayDone:
    """What scoring a day came to: whether a model was fitted for it, and why nothing was scored where nothing was."""

    fitted: bool = False
    note: str = ""


@dataclass(frozen=True)
class Learned:
    """What deals are scored by.

    Parameters
    ----------
    model
        The model; None where there is too little to learn from.
    record
        Its record in the ledger, or that of the rules.
    note
        Why there is no model; None where there is one.
    """

    model: DealRisk | None
    record: ModelRecord
    note: str | None = None

    @property
    def shown_rules(self) -> list[str]:
        """The rules that have told something in the company's past."""
        return [row["rule"] for row in self.record.card["rules"] if row["shown"]]

    def believed(self, horizon: str) -> bool:
        """Tell whether the model is clearly better than what a manager has for free."""
        gate = gates_of(self.record).get(horizon)
        return gate is not None and gate.open


def score_day(
    snapshot: Snapshot,
    ledger: Ledger,
    *,
    clock: Callable[[], dt.datetime],
    refit_days: int,
    progress: Callable[[str], None],
) -> DayDone:
    """Score the open deals of a snapshot's day and write them down.

    Parameters
    ----------
    snapshot
        The whole company on the day; nothing later is known.
    ledger
        Where scores are kept; the day must not be scored yet.
    clock
        Gives the time that is written beside what is learned.
    refit_days
        A model fitted fewer than so many days before serves again; 0 has one fitted in any case.
    progress
        Called with a word on each step.
    """
    day, folder = snapshot.date, models_folder(snapshot.store.path)
    shelved = newest_model(ledger, folder, day, days=refit_days, source=snapshot.meta.source)
    if shelved is not None and shelved.model.calendar != snapshot.meta.calendar:
        # It learned what comes of deals by the end of other quarters.
        shelved = None
    # A past day costs as much as any other: all are needed to fit, and one to score.
    days = landmark_days(snapshot) if shelved is None else (day,)
    progress("replaying history" if shelved is None else "looking at open deals")
    frame = deal_features(snapshot, days)
    open_now = frame[frame["as_of"] == pd.Timestamp(day)].reset_index(drop=True)
    if open_now.empty:
        return DayDone(note=f"no deal was open on {day}, as far as the source tells")
    if shelved is not None:
        learned = Learned(shelved.model, shelved.record)
    else:
        learned = _learn(snapshot, frame, ledger, clock, progress)
    progress("scoring")
    rows = score_rows(learned, open_now, snapshot)
    ledger.record_scores(day, learned.record.model_id, rows, learned.note, made_at=clock())
    return DayDone(fitted=shelved is None and learned.model is not None)


def _learn(
    snapshot: Snapshot,
    frame: pd.DataFrame,
    ledger: Ledger,
    clock: Callable[[], dt.datetime],
    progress: Callable[[str], None],
) -> Learned:
    """Fit, judge and keep a model; where there is too little to learn from, the rules alone."""
    day, calendar = snapshot.date, snapshot.meta.calendar
    endings = deal_endings(snapshot, frame)
    measured = measured_rules(snapshot, frame, endings)
    try:
        progress("fitting the model")
        past = Past.of(frame, endings, cut=day, calendar=calendar)
        model = deal_risk.fit_past(past)
    except ModelError as error:
        card = card_of(snapshot, frame, endings, measured)
        return Learned(None, keep_rules(ledger, day=day, made_at=clock(), card=card), error.what)
    progress("judging it on the past")
    judged = evaluation.evaluate_past(past)
    card = card_of(snapshot, frame, endings, measured, model=model.summary(), evaluation=judged.to_json())
    folder = models_folder(snapshot.store.path)
    return Learned(model, keep_model(ledger, folder, model, day=day, made_at=clock(), card=card))


def score_rows(learned: Learned, open_now: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    """Give what the ledger keeps of each open deal and horizon.

    Parameters
    ----------
    learned
        What to score by.
    open_now
        Features of the deals open on the day.
    snapshot
        The whole company on the day.

    Returns
    -------
    DataFrame
        With the columns `spm_lib.data.ledger.SCORE_COLUMNS`. Where the model is not believed, or there is none, a deal is
        flagged by rules alone, and no reasons of the model are given.
    """
    holding = rules.holding(open_now)[learned.shown_rules]
    names = learned.shown_rules
    held = [[name for name, holds in zip(names, row, strict=True) if holds] for row in holding.to_numpy()]
    by_rules = np.array([bool(each) for each in held], dtype=bool)
    scores = None if learned.model is None else learned.model.score(open_now)
    parts = []
    for horizon in HORIZONS:
        part = _unscored(open_now, horizon, snapshot) if scores is None else _of(scores, open_now, horizon)
        part["expected_close_on"] = open_now["expected_close_on"].to_numpy()
        part["rules"] = pd.Series(held, dtype=object)
        if learned.model is not None and learned.believed(horizon):
            given = learned.model.reasons(open_now, horizon, limit=REASONS)
            told = [[plain_values(reason.to_json()) for reason in each] for each in given]
        else:
            told = [[] for _ in held]
            part["flagged"] = by_rules
        part["reasons"] = pd.Series(told, dtype=object)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _of(scores: pd.DataFrame, open_now: pd.DataFrame, horizon: str) -> pd.DataFrame:
    """Give the scores of one horizon in the order of the deals."""
    found = scores[scores["horizon"] == horizon].set_index("deal_id")
    return found.loc[open_now["deal_id"].tolist()].reset_index()


def _unscored(open_now: pd.DataFrame, horizon: str, snapshot: Snapshot) -> pd.DataFrame:
    """Give rows without chances."""
    ends_on, due = due_by(open_now, horizon, snapshot.meta.calendar)
    plain = {
        "deal_id": open_now["deal_id"],
        "horizon": horizon,
        "horizon_ends_on": ends_on.astype("datetime64[s]"),
        "due": due,
    }
    return pd.DataFrame({**plain, **dict.fromkeys(CHANCES, np.nan), "flagged": False})
