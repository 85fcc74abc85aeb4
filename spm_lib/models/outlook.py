"""What is foretold over one horizon: won, lost, still open, at risk, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spm_lib.models.baselines import StageRates
from spm_lib.models.inputs import Flags, Floats, Inputs
from spm_lib.models.past import Past
from spm_lib.models.training import FEWEST, Chance, train

#: Share of the landmarks that must be due, or not, before it is learned what that means.
FEWEST_SHARE = 0.01


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
    learned
        Whether there was enough to learn from of deals not due, and of deals due. A source without a history tells of
        no day but its last which deals were due.
    """

    at_risk: Chance
    rest: Chance | None
    rates: tuple[float, float]
    usual: StageRates
    learned: tuple[bool, bool] = (True, True)

    def asked(self, due: Flags) -> Flags:
        """Give what deals are taken for, due or not: those of a kind that nothing was learned of, for the other."""
        return due if all(self.learned) else np.full(len(due), self.learned[1])

    def foretold(self, inputs: Inputs, raw: Floats) -> dict[str, Floats]:
        """Give the chances of each landmark, and what is usual.

        Parameters
        ----------
        inputs
            The landmarks, due or not as they are.
        raw
            Their raw scores, of what they are taken for, see `asked`.

        Notes
        -----
        What is at risk is another thing for deals that are due. Of those that are taken for the other kind it is told
        from their chances of being won and lost.
        """
        due = inputs.due
        taken = inputs.within(self.asked(due))
        risk = self.at_risk.calibrated(raw)
        won, lost, still = self.split(taken, risk)
        usual, promised = self.usual.predict(taken)
        other = due != taken.due
        risk = np.where(other, np.where(due, 1 - won, lost), risk)
        usual = np.where(other, np.where(due, 1 - promised, usual * self.rates[1]), usual)
        chances = {"won": won, "lost": lost, "open": still, "at_risk": risk}
        return chances | {"promised_won": promised, "usual_at_risk": usual, "raw_score": raw}

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
            "learned": list(self.learned),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Outlook:
        """Read what `to_plain` gave."""
        return cls(
            at_risk=Chance.from_plain(plain["at_risk"]),
            rest=Chance.from_plain(plain["rest"]) if plain["rest"] else None,
            rates=(plain["rates"][0], plain["rates"][1]),
            usual=StageRates.from_plain(plain["usual"]),
            learned=(bool(plain["learned"][0]), bool(plain["learned"][1])),
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
    counts = [int((came.due[came.known] == due).sum()) for due in (False, True)]
    needed = min(max(FEWEST, FEWEST_SHARE * sum(counts)), max(counts))
    return Outlook(chance, rest, (rates[0], rates[1]), usual, (counts[0] >= needed, counts[1] >= needed))


def _rate(target: Flags) -> float:
    return float((target.sum() + 0.5) / (len(target) + 1))
