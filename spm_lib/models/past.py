"""The company's past as models learn from it: landmarks in one order, and what became of each over each horizon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.errors import ModelError
from spm_lib.models import landmarks, rules
from spm_lib.models.inputs import Flags, Inputs, Whole, inputs_of
from spm_lib.models.training import Days, Landmarks
from spm_lib.periods import Calendar

#: Deals won, and deals lost, that a model needs at least.
FEWEST_WON, FEWEST_LOST = 200, 200


@dataclass(frozen=True)
class Outcomes:
    """What became of each landmark by the end of one horizon; arrays by landmark."""

    ends: Days
    due: Flags
    won: Flags
    lost: Flags
    at_risk: Flags
    known: Flags

    def known_on(self, day: dt.date) -> Flags:
        """Tell of which landmarks the outcome was known on `day`."""
        return self.known & (self.ends <= np.datetime64(day))


@dataclass(frozen=True)
class Past:
    """Landmarks sorted by day and deal, up to a cut, with all that is known of them on the cut.

    Parameters
    ----------
    frame
        The features.
    days
        The day of each.
    deals
        A code for each one's deal.
    inputs
        What estimators read; nothing is due in it.
    rules
        How many rules hold for each.
    outcomes
        By horizon.
    ended_on, ended_as
        Each one's first end after its day, where that was by the cut.
    cut
        The last day that anything is known of.
    calendar
        The company's.
    """

    frame: pd.DataFrame
    days: Days
    deals: Whole
    inputs: Inputs
    rules: Whole
    outcomes: Mapping[str, Outcomes]
    ended_on: Days
    ended_as: npt.NDArray[np.object_]
    cut: dt.date
    calendar: Calendar

    @classmethod
    def of(cls, frame: pd.DataFrame, endings: pd.DataFrame, *, cut: dt.date, calendar: Calendar) -> Past:
        """Sort, and keep what is known on `cut`; `endings` has the rows of `frame` in its order."""
        endings = endings.reset_index(drop=True)
        frame = frame.reset_index(drop=True)
        frame = frame[frame["as_of"] <= pd.Timestamp(cut)].sort_values(["as_of", "deal_id"], kind="stable")
        endings = endings.loc[frame.index].reset_index(drop=True)
        frame = frame.reset_index(drop=True)
        # What ended after the cut had not ended on it.
        later = ~(endings["ended_on"] <= pd.Timestamp(cut))
        endings["ended_on"] = endings["ended_on"].mask(later)
        endings["ended_as"] = endings["ended_as"].astype(object).mask(later, None)
        deals, _ = pd.factorize(frame["deal_id"].astype(object), sort=True)
        return cls(
            frame=frame,
            days=frame["as_of"].to_numpy().astype("datetime64[D]"),
            deals=deals.astype(np.int64),
            inputs=inputs_of(frame),
            rules=rules.holding(frame).to_numpy().sum(axis=1),
            outcomes={
                horizon: _outcomes(landmarks.label(frame, endings, horizon, calendar, cut))
                for horizon in landmarks.HORIZONS
            },
            ended_on=endings["ended_on"].to_numpy().astype("datetime64[D]"),
            ended_as=endings["ended_as"].to_numpy(dtype=object),
            cut=cut,
            calendar=calendar,
        )

    def ended(self, kind: str, day: dt.date) -> int:
        """Count the deals whose landmarks ended so by `day`."""
        return len(np.unique(self.deals[(self.ended_as == kind) & (self.ended_on <= np.datetime64(day))]))

    def check_enough(self, day: dt.date) -> None:
        """Refuse where too few deals were won or lost by `day`.

        Raises
        ------
        ModelError
            It says how many more it takes.
        """
        lacking = [
            f"{count} {kind} deals: {fewest - count} more are needed"
            for kind, fewest in (("won", FEWEST_WON), ("lost", FEWEST_LOST))
            if (count := self.ended(kind, day)) < fewest
        ]
        if lacking:
            mend = f"A model needs {FEWEST_WON} won and {FEWEST_LOST} lost deals whose past is on record"
            what = f"by {day} the record tells the past of " + " and of ".join(lacking)
            raise ModelError(what, mend=mend)

    def landmarks(self, horizon: str, target: Flags) -> Landmarks:
        """Give what a chance over `horizon` is learned from."""
        outcomes = self.outcomes[horizon]
        inputs = self.inputs.within(outcomes.due)
        return Landmarks(inputs, self.days, outcomes.ends, self.deals, target, np.ones(len(self.days)))


def _outcomes(labels: pd.DataFrame) -> Outcomes:
    flags = {name: labels[name].to_numpy(dtype=bool) for name in ("due", "won", "lost", "at_risk", "known")}
    return Outcomes(ends=labels["horizon_ends_on"].to_numpy().astype("datetime64[D]"), **flags)
