"""How good the model was on the company's own past, and whether that is clearly better than having none.

The past is gone through as it was lived: at each of some origins a model is fitted on what was known then, and judged on
landmarks after it. Nothing that it is judged by was known when it was fitted.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spm_lib.errors import ModelError
from spm_lib.models import skill
from spm_lib.models.baselines import RuleRates, StageRates
from spm_lib.models.cores import side_by_side
from spm_lib.models.inputs import STAGE, Flags, Floats, Whole
from spm_lib.models.judgement import Evaluation, Judged, Segment
from spm_lib.models.landmarks import HORIZONS
from spm_lib.models.past import Past
from spm_lib.models.scoring import Gate
from spm_lib.models.training import train
from spm_lib.periods import Calendar

__all__ = ["Evaluation", "Gate", "Judged", "Segment", "evaluate", "evaluate_past"]

#: The first origin lies after this share of the record: what is known before it is too little to learn from.
FIRST_ORIGIN, LAST_ORIGIN = 0.45, 0.85
#: Landmarks that a segment needs to be judged alone, and deals that a gate needs to open.
FEWEST_LANDMARKS, FEWEST_DEALS = 100, 100
#: Skill under which a model is not worth believing, however sure it is that there is some.
LEAST_SKILL = 0.01
#: The features whose drift is followed, as far as the source gives them, and over how many of the newest days.
DRIFTING = (
    "days_to_expected_close", "age_days", "days_in_stage", "stage_time_ratio", "pushes", "days_since_activity",
    "activities_30", "contacts", "next_step_missing", "amount_ratio", "log_amount", "owner_open_deals", "owner_win_rate",
)  # fmt: skip
DRIFT_DAYS = 28


def evaluate(
    frame: pd.DataFrame, endings: pd.DataFrame, *, cut: dt.date, calendar: Calendar, origins: int = 4
) -> Evaluation:
    """Judge the way in which models are fitted on the company's past.

    Parameters
    ----------
    frame
        Features of landmarks, in any order; those after `cut` are left out.
    endings
        What became of them, the same rows in the same order; what ended after `cut` counts as open.
    cut
        The last day that anything is known of.
    calendar
        The company's.
    origins
        How many models to fit over the past.

    Returns
    -------
    Evaluation
        Where no origin has enough to learn from, every gate is closed and its `why` says so.
    """
    return evaluate_past(Past.of(frame, endings, cut=cut, calendar=calendar), origins=origins)


def evaluate_past(past: Past, *, origins: int = 4) -> Evaluation:
    """Judge the way in which models are fitted on a past; see `evaluate`."""
    days, why = _origins(past, origins)
    fitted = [(horizon, day) for horizon in HORIZONS for day in days]
    until = dict(itertools.pairwise([*days, past.cut]))
    parts = side_by_side(lambda each: _foretold(past, each[0], each[1], until[each[1]]), fitted)
    by_horizon: dict[str, list[_Foretold]] = {horizon: [] for horizon in HORIZONS}
    for (horizon, _), part in zip(fitted, parts, strict=True):
        if part is not None and len(part.rows):
            by_horizon[horizon].append(part)
    judged = side_by_side(lambda horizon: _judged(past, horizon, by_horizon[horizon], why), HORIZONS)
    return Evaluation(past.cut, tuple(days), dict(zip(HORIZONS, judged, strict=True)), _drift(past))


@dataclass(frozen=True)
class _Foretold:
    """What was foretold from one origin: places of landmarks, chances, the baselines', and who was new."""

    rows: Whole
    model: Floats
    stage: Floats
    rules: Floats
    new: Flags
    estimator: str


def _origins(past: Past, many: int) -> tuple[list[dt.date], str]:
    """Give the origins with enough to learn from, and why there is none."""
    if not len(past.days):
        return [], "there is no landmark"
    first = dt.date.fromisoformat(str(past.days[0]))
    shares = np.linspace(FIRST_ORIGIN, LAST_ORIGIN, many)
    days = [first + dt.timedelta(days=round((past.cut - first).days * share)) for share in shares]
    kept, why = [], ""
    for day in dict.fromkeys(days):
        try:
            past.check_enough(day)
            kept.append(day)
        except ModelError as error:
            why = error.what
    return kept, "" if kept else why


def _foretold(past: Past, horizon: str, origin: dt.date, until: dt.date) -> _Foretold | None:
    came = past.outcomes[horizon]
    known = came.known_on(origin)
    whole = past.landmarks(horizon, came.at_risk)
    chance = train(whole, known)
    if chance is None:
        return None
    after = (past.days > np.datetime64(origin)) & (past.days <= np.datetime64(until)) & came.known
    rows = np.flatnonzero(after)
    inputs, learned = whole.inputs.take(rows), whole.inputs.take(known)
    model = chance.probability(inputs)
    stages = StageRates.fit(learned, came.at_risk[known], came.won[known])
    by_rules = RuleRates.fit(learned, past.rules[known], came.at_risk[known])
    return _Foretold(
        rows=rows,
        model=model,
        stage=stages.predict(inputs)[0],
        rules=by_rules.predict(inputs, past.rules[rows]),
        new=~np.isin(past.deals[rows], past.deals[known]),
        estimator=chance.estimator.kind,
    )


def _judged(past: Past, horizon: str, parts: Sequence[_Foretold], why: str) -> Judged:
    rows = np.concatenate([part.rows for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    chances = {
        name: np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0)
        for name in ("model", "stage", "rules")
    }
    new = np.concatenate([part.new for part in parts]) if parts else np.zeros(0, dtype=bool)
    came = past.outcomes[horizon].at_risk[rows]
    losses = {name: (foretold - came) ** 2 for name, foretold in chances.items()}
    deals, codes = np.unique(past.deals[rows], return_inverse=True)
    baselines = {name: losses[name] for name in ("stage", "rules")}
    found = skill.brier_skill(losses["model"], baselines, codes)
    table = skill.calibration(chances["model"], came)
    days = past.days[rows]
    return Judged(
        n=len(rows),
        deals=len(deals),
        from_day=_date(days.min()) if len(rows) else None,
        to_day=_date(days.max()) if len(rows) else None,
        base_rate=float(came.mean()) if len(rows) else float("nan"),
        auc=skill.auc(chances["model"], came),
        auc_new_deals=skill.auc(chances["model"][new], came[new]),
        brier=skill.brier(chances["model"], came),
        baseline_briers={name: skill.brier(chances[name], came) for name in baselines},
        baseline=found.baseline,
        brier_skill=found.value,
        low=found.low,
        high=found.high,
        calibration_error=skill.calibration_error(table),
        calibration=table,
        top_lift=skill.top_lift(chances["model"], came),
        estimators=tuple(part.estimator for part in parts),
        segments=_segments(past, rows, came, chances["model"], losses[found.baseline or "stage"]),
        gate=_gate(found, len(deals), why),
    )


def _gate(found: skill.Skill, deals: int, why: str) -> Gate:
    if not deals:
        return Gate(False, why or "the record is too short to judge a model by what came later")
    told = {"stage": "stage and age", "rules": "the number of rules that hold"}[found.baseline]
    if deals < FEWEST_DEALS:
        return Gate(False, f"it could be judged on {deals} deals only, and {FEWEST_DEALS} are needed")
    figures = (
        f"its squared error was {abs(found.value):.0%} {'below' if found.value >= 0 else 'above'} that of rates by {told} "
        f"(95 % interval of the improvement {found.low:.0%} to {found.high:.0%}, {deals:,} deals)"
    )
    return Gate(bool(found.low > 0 and found.value >= LEAST_SKILL), figures)


def _segments(past: Past, rows: Whole, came: Flags, chances: Floats, baseline: Floats) -> tuple[Segment, ...]:
    places = past.inputs.categories.index(STAGE)
    levels = np.array([*past.inputs.levels[places], "unknown"], dtype=object)
    columns = {
        "pipeline": past.frame["pipeline"].to_numpy(dtype=object)[rows],
        "stage": levels[past.inputs.codes[rows, places]],
        "team": past.frame["team"].to_numpy(dtype=object)[rows],
    }
    told = []
    for kind, values in columns.items():
        names = pd.Series(values, dtype=object)
        for name, group in names.groupby(names, sort=True):
            at = group.index.to_numpy()
            if len(at) >= FEWEST_LANDMARKS:
                told.append(
                    _segment(kind, str(name), past.deals[rows[at]], came[at], chances[at], baseline[at])
                )
    return tuple(told)


def _segment(kind: str, name: str, deals: Whole, came: Flags, chances: Floats, baseline: Floats) -> Segment:
    error, usual = skill.brier(chances, came), float(baseline.mean())
    return Segment(
        kind=kind,
        name=name,
        n=len(came),
        deals=len(np.unique(deals)),
        base_rate=float(came.mean()),
        foretold=float(chances.mean()),
        auc=skill.auc(chances, came),
        brier=error,
        brier_skill=1 - error / usual if usual else float("nan"),
    )


def _drift(past: Past) -> dict[str, float]:
    newest = past.days > np.datetime64(past.cut - dt.timedelta(days=DRIFT_DAYS))
    before = ~newest & (past.days > np.datetime64(past.cut - dt.timedelta(days=365)))
    told = {}
    for name in DRIFTING:
        values = past.inputs.number(name)
        if before.any() and newest.any() and not np.isnan(values).all():
            told[name] = skill.stability(values[before], values[newest])
    return told


def _date(day: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(str(day))
