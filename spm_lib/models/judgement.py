"""What an evaluation says, as plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

from spm_lib.models.scoring import Gate
from spm_lib.models.skill import Bin


@dataclass(frozen=True)
class Segment:
    """How the model fared on a part of the landmarks; `kind` is ``pipeline``, ``stage`` or ``team``."""

    kind: str
    name: str
    n: int
    deals: int
    base_rate: float
    foretold: float
    auc: float
    brier: float
    brier_skill: float


@dataclass(frozen=True)
class Judged:
    """How the model fared over one horizon, all origins together.

    Parameters
    ----------
    n, deals
        Landmarks judged, and their deals.
    from_day, to_day
        The first and the last of them; None where there is none.
    base_rate
        Share that came to be at risk.
    auc
        Chance that of two landmarks the one that came to be at risk had the higher probability.
    auc_new_deals
        The same among landmarks of deals that no origin's fit had seen.
    brier, baseline_briers
        Mean squared error: the model's; of the rates by ``stage`` and by ``rules``.
    baseline
        The better of the two.
    brier_skill, low, high
        1 − Brier / the best baseline's, and its 95 % interval.
    calibration_error
        Mean distance of foretold and come about in ten bins of equal size, given in `calibration`.
    top_lift
        How many times oftener it came about in the tenth with the highest probabilities than in all.
    estimators
        Which one was chosen at each origin.
    segments
        How it fared by pipeline, stage and team.
    gate
        Whether it is to be believed.
    """

    n: int
    deals: int
    from_day: dt.date | None
    to_day: dt.date | None
    base_rate: float
    auc: float
    auc_new_deals: float
    brier: float
    baseline_briers: Mapping[str, float]
    baseline: str
    brier_skill: float
    low: float
    high: float
    calibration_error: float
    calibration: tuple[Bin, ...]
    top_lift: float
    estimators: tuple[str, ...]
    segments: tuple[Segment, ...]
    gate: Gate


@dataclass(frozen=True)
class Evaluation:
    """How good the model was on the company's past.

    Parameters
    ----------
    cut
        The last day that anything was known of.
    origins
        The days on which models were fitted.
    horizons
        By horizon.
    drift
        Population stability index of main features: the landmarks of the last four weeks against those of
        the year before them.
    """

    cut: dt.date
    origins: tuple[dt.date, ...]
    horizons: Mapping[str, Judged]
    drift: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Give the evaluation as values that JSON has; NaN is null."""
        plain = {
            "cut": self.cut,
            "origins": self.origins,
            "horizons": {
                horizon: asdict(judged) | {"calibration": [each._asdict() for each in judged.calibration]}
                for horizon, judged in self.horizons.items()
            },
            "drift": dict(self.drift),
        }
        told: dict[str, Any] = _plain(plain)
        return told

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(
            cut=dt.date.fromisoformat(plain["cut"]),
            origins=tuple(dt.date.fromisoformat(day) for day in plain["origins"]),
            horizons={horizon: _judged_from(each) for horizon, each in plain["horizons"].items()},
            drift={name: _number(value) for name, value in plain["drift"].items()},
        )


def _judged_from(plain: Mapping[str, Any]) -> Judged:
    kept = {each.name: plain[each.name] for each in fields(Judged)}
    for name, value in kept.items():
        if value is None and name not in ("from_day", "to_day"):
            kept[name] = float("nan")
    for name in ("from_day", "to_day"):
        kept[name] = kept[name] and dt.date.fromisoformat(kept[name])
    kept["baseline_briers"] = {name: _number(value) for name, value in plain["baseline_briers"].items()}
    kept["calibration"] = tuple(Bin(**each) for each in plain["calibration"])
    kept["estimators"] = tuple(plain["estimators"])
    kept["segments"] = tuple(
        Segment(
            **{name: value if name in ("kind", "name") else _number(value) for name, value in each.items()}
        )
        for each in plain["segments"]
    )
    kept["gate"] = Gate(**plain["gate"])
    return Judged(**kept)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _number(value: Any) -> Any:
    return float("nan") if value is None else value
