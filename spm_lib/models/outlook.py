"""What is foretold over one horizon: won, lost, still open, at risk, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spm_lib.models.baselines import StageRates
from spm_lib.models.inputs import Flags, Floats, Inputs
from spm_lib.models.past import Past
from spm_lib.models.training import Chance, train


@dataclass(frozen=True)
class Outlook:
    """What is foretold over one horizon.

    Parameters
    ----------
    at_risk
        The chance of being lost, or due and not won.
    rest
        Of the deals due and not won, the chance of being lost; of those not due and not lost, of being won.
        None where there are too few to learn it from.
    rates
        The same two as rates of all such deals: not due, due.
    usual
        The rates of a deal's stage.
    """

    at_risk: Chance
    rest: Chance | None
    rates: tuple[float, float]
    usual: StageRates

    def split(self, inputs: Inputs, risk: Floats) -> tuple[Floats, Floats, Floats]:
        """Give the chances of won, lost and open, which add up to 1."""
        rest = (
            self.rest.probability(inputs) if self.rest else np.where(inputs.due, self.rates[1], self.rates[0])
        )
        won = np.where(inputs.due, 1 - risk, (1 - risk) * rest)
        lost = np.where(inputs.due, risk * rest, risk)
        return won, lost, np.clip(1 - won - lost, 0.0, 1.0)

    def summary(self) -> dict[str, Any]:
        """Give which estimator was chosen, on what and how it was fitted, as values that JSON has."""
        plain = self.at_risk.to_plain()
        return {
            "estimator": self.at_risk.estimator.kind,
            "features": list(self.at_risk.estimator.used),
            **{name: plain[name] for name in ("trees", "briers", "slope", "intercept", "split")},
        }

    def to_plain(self) -> dict[str, Any]:
        """Give the outlook as values that can be saved without code."""
        return {
            "at_risk": self.at_risk.to_plain(),
            "rest": self.rest.to_plain() if self.rest else None,
            "rates": list(self.rates),
            "usual": self.usual.to_plain(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Outlook:
        """Read what `to_plain` gave."""
        return cls(
            at_risk=Chance.from_plain(plain["at_risk"]),
            rest=Chance.from_plain(plain["rest"]) if plain["rest"] else None,
            rates=(plain["rates"][0], plain["rates"][1]),
            usual=StageRates.from_plain(plain["usual"]),
        )


def fit_outlook(past: Past, horizon: str) -> Outlook | None:
    """Fit what is foretold over one horizon; None where the record is too short for it."""
    came = past.outcomes[horizon]
    chance = train(past.landmarks(horizon, came.at_risk), came.known)
    if chance is None:
        return None
    open_to = came.known & np.where(came.due, ~came.won, ~came.lost)
    target: Flags = np.where(came.due, came.lost, came.won)
    rest = train(past.landmarks(horizon, target), open_to)
    rates = [_rate(target[open_to & (came.due == due)]) for due in (False, True)]
    inputs = past.inputs.within(came.due).take(came.known)
    usual = StageRates.fit(inputs, came.at_risk[came.known], came.won[came.known])
    return Outlook(chance, rest, (rates[0], rates[1]), usual)


def _rate(target: Flags) -> float:
    return float((target.sum() + 0.5) / (len(target) + 1))
