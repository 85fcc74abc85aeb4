"""What the ledger knows of a model, for reports: its gate and, as frames, how it was judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spm_lib.data.ledger import Ledger, ModelRecord
from spm_lib.errors import StoreError
from spm_lib.metrics.intervals import wilson
from spm_lib.models.landmarks import HORIZONS

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

NOT_JUDGED = "the model was not judged for this horizon"
_GATE_FACTS = ("brier_skill", "low", "high", "deals", "baseline")
RULES = ("rule", "n", "deals", "coverage", "rate", "usual", "lift", "low", "high", "shown")
JUDGED = (
    "horizon", "n", "deals", "from_day", "to_day", "base_rate", "auc", "auc_new_deals", "brier", "baseline",
    "baseline_brier", "brier_skill", "low", "high", "calibration_error", "top_lift", "open", "why",
)  # fmt: skip
SEGMENTS = ("kind", "name", "n", "deals", "base_rate", "foretold", "auc", "brier", "brier_skill")
_BINS = {"said": "foretold", "value": "came", "n": "n"}
_TEXTS = frozenset(
    {"horizon", "from_day", "to_day", "baseline", "why", "kind", "name", "rule", "open", "shown"}
)


@dataclass(frozen=True)
class Gate:
    """Whether the model has shown skill for a horizon, and why not: as a clause, and as figures to say it with.

    Parameters
    ----------
    open, why
        As kept.
    facts
        brier_skill, low, high, deals, baseline of a model that was judged; won, lost: how many more such deals it takes
        where there are too few for one. Empty where neither is known.
    """

    open: bool
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RiskCard:
    """The card of a model.

    Parameters
    ----------
    record
        The ledger's; None where nothing was scored.
    asked_on
        The day of the report that asks.
    note
        What the scoring says, as why there is no model.
    teams
        Names of teams by id.
    """

    record: ModelRecord | None
    asked_on: dt.date
    note: str = ""
    teams: Mapping[str, str] = field(default_factory=dict)

    def gate(self, horizon: str) -> Gate:
        """Tell whether the model is shown for a horizon."""
        found = self._horizon(horizon).get("gate")
        if not isinstance(found, Mapping):
            return Gate(False, self.note or NOT_JUDGED, self.lacking)
        facts = {name: self._horizon(horizon).get(name) for name in _GATE_FACTS}
        told = all(value is not None for value in facts.values())
        return Gate(bool(found.get("open")), str(found.get("why") or ""), facts if told else {})

    @property
    def lacking(self) -> Mapping[str, Any]:
        """How many more won and lost deals a model takes; empty where there is one, or it is not for want of them."""
        if self.is_model or not self.data:
            return {}
        from spm_lib.models.past import FEWEST_LOST, FEWEST_WON

        more = {
            kind: max(0, fewest - int(self.data.get(kind) or 0))
            for kind, fewest in (("won", FEWEST_WON), ("lost", FEWEST_LOST))
        }
        return more if any(more.values()) else {}

    @property
    def rules(self) -> pd.DataFrame:
        """What each rule has told in the company's past: see `spm_lib.models.rules.measure`."""
        return _typed(_frame(self._card.get("rules"), RULES))

    @property
    def judged(self) -> pd.DataFrame:
        """How the model fared on the past, a row per horizon.

        horizon, n (landmarks), deals, from_day, to_day, base_rate, auc, auc_new_deals, brier, baseline (stage, rules),
        baseline_brier, brier_skill, low, high, calibration_error, top_lift, open, why; without the horizons that could not
        be judged.
        """
        rows = []
        for horizon in HORIZONS:
            each = self._horizon(horizon)
            if not each.get("n"):
                continue
            gate = self.gate(horizon)
            row = {name: each.get(name) for name in JUDGED}
            row["baseline_brier"] = (each.get("baseline_briers") or {}).get(each.get("baseline"))
            rows.append(row | {"horizon": horizon, "open": gate.open, "why": gate.why})
        return _typed(pd.DataFrame(rows, columns=list(JUDGED)))

    def calibration(self, horizon: str) -> pd.DataFrame:
        """Give what was foretold and what came about on the past: said, value, low, high, n (landmarks).

        A deal is many landmarks and one observation: the Wilson interval is that of n × deals / landmarks.
        """
        found = self._horizon(horizon)
        rows = [row for row in found.get("calibration") or () if row.get("n")]
        share = float(found["deals"]) / float(found["n"]) if rows else 1.0
        frame = pd.DataFrame(
            {name: [float(row[key]) for row in rows] for name, key in _BINS.items()}, columns=list(_BINS)
        )
        size = np.maximum(frame["n"] * share, 1.0)
        low, high = wilson(frame["value"] * size, size)
        return frame.assign(low=low, high=high)

    def segments(self, horizon: str) -> pd.DataFrame:
        """Give how the model fared on parts of the past; see `spm_lib.models.evaluation.Segment`."""
        found = _typed(_frame(self._horizon(horizon).get("segments"), SEGMENTS))
        names = [
            self.teams.get(name, name) if kind == "team" else name
            for kind, name in zip(found["kind"], found["name"], strict=True)
        ]
        return found.assign(name=pd.Series(names, index=found.index, dtype=object))

    @property
    def drift(self) -> pd.DataFrame:
        """How far main features have moved in the last four weeks: feature, value (population stability index)."""
        found = self._card.get("evaluation", {}).get("drift") or {}
        rows = [{"feature": name, "value": value} for name, value in found.items() if value is not None]
        frame = pd.DataFrame(rows, columns=["feature", "value"]).astype({"value": "float64"})
        return frame.sort_values(["value", "feature"], ascending=[False, True], ignore_index=True)

    @property
    def data(self) -> Mapping[str, Any]:
        """What it has learned from: from, until, days, landmarks, deals, won, lost, amounts."""
        return self._card.get("data") or {}

    @property
    def used(self) -> tuple[str, ...]:
        """The features that the source can give."""
        return tuple((self._card.get("features") or {}).get("used") or ())

    @property
    def absent(self) -> tuple[str, ...]:
        """Those that it cannot give."""
        return tuple((self._card.get("features") or {}).get("absent") or ())

    def split(self, horizon: str) -> Mapping[str, Any]:
        """Give what was fitted and calibrated on which days for a horizon, and the estimator chosen."""
        found = ((self._card.get("model") or {}).get("horizons") or {}).get(horizon) or {}
        return {"estimator": found.get("estimator"), **(found.get("split") or {})}

    @property
    def origins(self) -> tuple[dt.date, ...]:
        """The days of the past on which a model was fitted to be judged on later ones."""
        days = self._card.get("evaluation", {}).get("origins") or ()
        return tuple(dt.date.fromisoformat(day) for day in days)

    @property
    def is_model(self) -> bool:
        """Whether there is a model, and not rules alone."""
        return self.record is not None and bool(self._card.get("model"))

    @property
    def _card(self) -> Mapping[str, Any]:
        return self.record.card if self.record else {}

    def _horizon(self, horizon: str) -> Mapping[str, Any]:
        found = self._card.get("evaluation", {}).get("horizons", {}).get(horizon)
        return found if isinstance(found, Mapping) else {}


def read_card(snapshot: Snapshot, ledger: Ledger) -> RiskCard:
    """Read the card of the model that scored the latest day up to the snapshot's.

    Parameters
    ----------
    snapshot
        The report's day.
    ledger
        Where models are kept; a ledger that cannot be read gives a card that says so.
    """
    try:
        day = ledger.latest(snapshot.date)
        scoring = ledger.scoring(day) if day else None
        record = ledger.model(scoring.model_id) if scoring and scoring.model_id else None
    except StoreError as error:
        return RiskCard(None, snapshot.date, str(error))
    names = {team.team_id: team.name for team in snapshot.teams.values()}
    return RiskCard(record, snapshot.date, (scoring.note or "") if scoring else "", names)


def _frame(rows: object, columns: Sequence[str]) -> pd.DataFrame:
    """Give plain rows as a frame of `columns`, whatever else they hold."""
    plain = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, Iterable) else []
    rows_of = [{name: row.get(name) for name in columns} for row in plain]
    return pd.DataFrame(rows_of, columns=list(columns), dtype=object)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of what is none of the texts; null is NaN."""
    return frame.astype({name: "float64" for name in frame.columns if name not in _TEXTS})
