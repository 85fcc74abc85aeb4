"""The deal-risk model's card in sentences: what it learned from, how good it is, and when not to trust it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from spm_lib.present.display import clean
from spm_lib.present.findings.risk import NOT_SCORED
from spm_lib.present.findings.risk_features import feature_words, features_words
from spm_lib.present.findings.risk_words import chance, gate_words
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

#: A population stability index from which a feature has moved, and clearly so (Siddiqi, Credit Risk Scorecards, 2006).
MOVED, CLEARLY_MOVED = 0.1, 0.25
#: The horizon that a card tells of first.
FIRST = "30"
#: A model older than this is told with its age.
OLD_DAYS = 60
BASELINES = {
    "stage": "the past rate of deals as old in the same stage",
    "rules": "the number of rules that hold",
}
ESTIMATORS = {"boosting": "boosted trees", "logistic": "logistic regression"}


class Card(Protocol):
    """What is known of a model; see `spm_lib.models.risk_card.RiskCard`."""

    asked_on: dt.date
    note: str

    @property
    def record(self) -> Any:
        """The ledger's record; None where nothing was scored."""

    @property
    def is_model(self) -> bool:
        """Whether there is a model."""

    @property
    def judged(self) -> pd.DataFrame:
        """How it fared, by horizon."""

    @property
    def lacking(self) -> Mapping[str, Any]:
        """How many more won and lost deals a model takes."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What it learned from."""

    @property
    def used(self) -> tuple[str, ...]:
        """Features used."""

    @property
    def absent(self) -> tuple[str, ...]:
        """Features that the source cannot give."""

    @property
    def drift(self) -> pd.DataFrame:
        """How far features have moved."""

    @property
    def origins(self) -> tuple[dt.date, ...]:
        """Days of the past on which models were fitted to be judged."""

    @property
    def rules(self) -> pd.DataFrame:
        """What rules have told."""

    def segments(self, horizon: str) -> pd.DataFrame:
        """Give how it fared on parts."""

    def calibration(self, horizon: str) -> pd.DataFrame:
        """Give what was foretold and what came about."""

    def split(self, horizon: str) -> Mapping[str, Any]:
        """Give what it was fitted on."""


def horizon_words(horizon: object) -> str:
    """Name a horizon: ``30 days``, ``end of quarter``."""
    return "end of quarter" if str(horizon) == "period" else f"{horizon} days"


def model_headline(card: Card, look: Look) -> str:
    """Say whether the model can be trusted."""
    if card.record is None:
        why = f": {clean(card.note, 200)}" if card.note else f": {NOT_SCORED}"
        return sentence(f"deals are not scored as of {look.date(card.asked_on)}{why}")
    judged = card.judged
    if not card.is_model or judged.empty:
        why = gate_words(card.note, card.lacking, look)
        return sentence(f"there is no model, and rules stand in{f': {why}' if why else ''}")
    shown = judged[judged["open"].astype(bool)]
    if len(shown) == len(judged):
        return "The model tells more than what a manager has for free, over every horizon."
    if shown.empty:
        return "The model tells no more than what a manager has for free: no chance is shown, rules stand in."
    names = join_names([horizon_words(each) for each in shown["horizon"]], limit=4)
    return sentence(
        f"the model tells more than what a manager has for free for {names}, and is shown there alone"
    )


def model_summary(card: Card, look: Look) -> str:
    """Say in plain words how good it was on the past over the first horizon."""
    row = _first(card)
    if not row:
        return ""
    days = horizon_words(row["horizon"])
    return sentences(
        [
            f"judged on {plural(row['deals'], 'deal', look=look)} from {day_words(row['from_day'], look)} to "
            f"{day_words(row['to_day'], look)}, each time by a model that knew nothing later, over {days}",
            f"of the tenth told riskiest, {chance(min(1.0, row['top_lift'] * row['base_rate']), look)} were lost or "
            f"slipped, where {chance(row['base_rate'], look)} of all were",
            f"its chances were off by {look.value(row['calibration_error'], 'points')} on average",
        ]
    )


def model_data_finding(card: Card, look: Look) -> str:
    """Say what it learned from."""
    data = card.data
    if not data:
        return "There is no model yet."
    span = f"{day_words(data.get('from'), look)} to {day_words(data.get('until'), look)}"
    return sentence(
        f"{'it has learned from' if card.is_model else 'the record holds'} {plural(data.get('deals'), 'deal', look=look)}, "
        f"{_count(data.get('won'), look)} won and {_count(data.get('lost'), look)} lost, as they stood on "
        f"{plural(data.get('days'), 'day', look=look)} from {span}"
    )


def model_features(card: Card) -> str:
    """Say which features it sees, and which the source cannot give."""
    said = [f"it sees {features_words(card.used)}"] if card.used else []
    if card.absent:
        said.append(f"the source does not tell {features_words(card.absent)}")
    return sentences(said)


def skill_finding(card: Card, look: Look) -> str:
    """Say how much better than the best baseline it is; see `spm_lib.present.risk_model.skill_chart`."""
    judged = card.judged
    if judged.empty:
        return ""
    first = judged.iloc[0]
    baseline = BASELINES.get(str(first["baseline"]), "the baseline")
    said = (
        f"over {horizon_words(first['horizon'])} its squared error is {chance(abs(first['brier_skill']), look)} "
        f"{'below' if first['brier_skill'] >= 0 else 'above'} that of {baseline} "
        f"({_interval(first, look)}, {plural(first['deals'], 'deal', look=look)})"
    )
    closed = [horizon_words(row["horizon"]) for row in judged.to_dict("records") if not row["open"]]
    if closed:
        said += f", and for {join_names(closed, limit=4)} it shows no clear skill"
    return sentence(said)


def calibration_reading(card: Card, look: Look) -> str:
    """Say by how much its chances were off, and to which side."""
    frame = card.calibration(FIRST)
    if frame.empty:
        return ""
    gap = float(((frame["said"] - frame["value"]) * frame["n"]).sum() / frame["n"].sum())
    size = look.value(abs(gap), "points")
    side = (
        "neither too high nor too low on the whole"
        if abs(gap) < 0.005
        else f"{size} too {'high' if gap > 0 else 'low'} on the whole"
    )
    return sentences(
        [
            f"told on {plural(frame['n'].sum(), 'deal-day', look=look)} of the past, its chances were {side}",
            "intervals count a deal once, however many days it was told on",
        ]
    )


def segments_finding(card: Card, look: Look) -> str:
    """Say on which parts of the past it is no better than the baseline."""
    parts = card.segments(FIRST)
    known = parts[parts["brier_skill"].notna()] if len(parts) else parts
    if known.empty:
        return ""
    worse = known[known["brier_skill"] <= 0]
    if worse.empty:
        return sentence(
            f"it beats the baseline in all {len(known)} parts of the company that it was judged on"
        )
    return sentence(
        f"in {len(worse)} of {len(known)} parts it is no better than the baseline: {join_names(worse['name'], limit=4)}"
    )


def drift_finding(card: Card, look: Look) -> str:
    """Say which features have moved in the last four weeks."""
    drift = card.drift
    if drift.empty:
        return (
            "Without a model there is nothing to compare the last four weeks with."
            if not card.is_model
            else ""
        )
    moved = drift[drift["value"] >= MOVED]
    if moved.empty:
        return sentence(
            f"none of {plural(len(drift), 'feature', look=look)} has moved in the last four weeks"
        )
    names = join_names([feature_words(name) for name in moved["feature"]], limit=4)
    far = moved["value"].max() >= CLEARLY_MOVED
    return sentence(
        f"{len(moved)} of {plural(len(drift), 'feature', look=look)} {'has' if len(moved) == 1 else 'have'} moved in the "
        f"last four weeks{'' if far else ', none of them far'}: {names}"
    )


def model_cautions(card: Card, look: Look) -> list[str]:
    """Say when not to trust it, a sentence each: what its own figures give reason for, and what holds of any such model."""
    if card.record is None:
        return ["There is nothing to trust yet: no chance is told before deals are scored."]
    said = []
    judged = card.judged
    for row in judged.to_dict("records"):
        if not row["open"]:
            said.append(
                f"For {horizon_words(row['horizon'])} no chance is shown: {gate_words(row['why'], row, look)}"
            )
    first = _first(card)
    if first and not is_unknown(first["auc_new_deals"]) and first["auc"] - first["auc_new_deals"] > 0.02:
        said.append(
            f"For deals younger than the model: it tells them apart less well "
            f"({chance(first['auc_new_deals'], look)} of pairs against {chance(first['auc'], look)})"
        )
    parts = card.segments(FIRST)
    worse = parts[parts["brier_skill"] <= 0] if len(parts) else parts
    if len(worse):
        said.append(f"In {join_names(worse['name'], limit=6)}: there it was no better than the baseline")
    far = card.drift[card.drift["value"] >= CLEARLY_MOVED]
    if len(far):
        names = join_names([feature_words(name) for name in far["feature"]], limit=6)
        said.append(
            f"As long as {names} {'differs' if len(far) == 1 else 'differ'} from what it has learned on"
        )
    if card.absent:
        names = join_names([feature_words(name) for name in card.absent], limit=6)
        said.append(f"For what the source does not tell: {names}")
    amounts = card.data.get("amounts")
    if not is_unknown(amounts) and float(amounts) < 0.95:  # type: ignore[arg-type]
        share = f"on {chance(amounts, look)}" if float(amounts) > 0 else "on none"  # type: ignore[arg-type]
        said.append(
            f"In money: {'only ' if share != 'on none' else ''}{share} of the deal-days it saw is the amount known"
        )
    age = (card.asked_on - card.record.fitted_on).days
    if age > OLD_DAYS:
        said.append(
            f"It was fitted {plural(age, 'day', look=look)} before this report: score again with --refit"
        )
    said.append(
        "After a change of stages, prices, territories or CRM habits: it has learned from how things were before"
    )
    said.append(
        "To judge people: it tells of deals, from what the CRM holds of them, and of nothing that is not in it"
    )
    if card.is_model:
        told, rest = chance(0.7, look), "about three will be neither lost nor late"
        said.append(f"For one deal alone: of ten deals told {told}, {rest}")
    return [sentence(each) for each in said]


def _first(card: Card) -> dict[Any, Any]:
    rows = card.judged.to_dict("records")
    return next((row for row in rows if row["horizon"] == FIRST), rows[0] if rows else {})


def _interval(row: Any, look: Look) -> str:
    return f"{_signed(row['low'], look)} to {_signed(row['high'], look)}"


def _signed(value: object, look: Look) -> str:
    """Write a share that may be below nothing."""
    if is_unknown(value):
        return look.value(None, "share")
    return look.value(value, "share")


def day_words(text: object, look: Look) -> str:
    """Write a day kept as text."""
    try:
        return look.date(dt.date.fromisoformat(str(text)[:10]))
    except ValueError:
        return "an unknown day"


def _count(value: object, look: Look) -> str:
    return look.value(value, "count", compact=False)
