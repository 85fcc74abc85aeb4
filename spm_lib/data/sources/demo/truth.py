"""What is true of the demo company and stands in none of its tables: for tests and benchmarks alone.

Nothing in the library imports this module.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from spm_lib.data.sources.demo import hazards, pipeline, timeline
from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo.births import newborn
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.company import STAGES
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.leads import BEST_SOURCE, CONVERTING, SOURCES
from spm_lib.data.sources.demo.simulation import ROWS, World, simulate
from spm_lib.data.sources.demo.state import State, unpacked

#: Streams of chance for looking ahead; each day has its own.
_AHEAD = ROWS + 1000


@dataclass(frozen=True)
class Truth:
    """Everything planted in one company.

    Parameters
    ----------
    world
        The simulation, with the state of every open deal on every evening.

    Notes
    -----
    Frames have the ids of the tables. What happened to deals before the records began (activities, pushes,
    contacts) is known here and not there, so compare with the tables from about two months after `GO_LIVE` on.
    """

    world: World

    @cached_property
    def skills(self) -> pd.DataFrame:
        """Give one row for each rep: rep_id, lever, grade, stage, gap, lifted_from.

        `lever` is null and `gap` 0 for a rep without a weakness; otherwise `gap` is in the unit of the lever's
        mechanism (see `skills.LEVERS`). `stage` names the stage at whose end a `stage_conversion` weakness
        shows. `lifted_from` is the day from which the initiative that works helps the rep.
        """
        weaknesses = self.world.skills.weaknesses
        lifted = self.world.skills.lifted_from
        return pd.DataFrame(
            {
                "rep_id": self._ids.reps,
                "lever": [w.lever for w in weaknesses],
                "grade": [w.grade for w in weaknesses],
                "stage": [None if w.stage is None else STAGES[w.stage].name for w in weaknesses],
                "gap": [w.gap for w in weaknesses],
                "lifted_from": [timeline.date(day) if day <= timeline.LAST else None for day in lifted],
            }
        )

    @cached_property
    def causes(self) -> pd.DataFrame:
        """Give one row for each cause of loss: cause, log_odds (added whenever a deal leaves a stage)."""
        return pd.DataFrame({"cause": list(hazards.CAUSES), "log_odds": list(hazards.CAUSES.values())})

    @cached_property
    def sources(self) -> pd.DataFrame:
        """Give one row for each source of leads: source, converting (the chance, at any time), better."""
        better = [place == BEST_SOURCE for place in range(len(SOURCES))]
        return pd.DataFrame({"source": SOURCES, "converting": CONVERTING, "better": better})

    @cached_property
    def initiatives(self) -> pd.DataFrame:
        """Give one row for each initiative: initiative_id, target_metric, works, log_odds (of losing)."""
        some = self.world.initiatives
        return pd.DataFrame(
            {
                "initiative_id": [one.initiative_id for one in some],
                "target_metric": [one.target for one in some],
                "works": [one.works for one in some],
                "log_odds": [-hazards.LIFT if one.works else 0.0 for one in some],
            }
        )

    def open_deals(self, as_of: dt.date) -> pd.DataFrame:
        """Give the open deals on the evening of `as_of`: their state, and a column for each cause.

        Merged duplicates and refunds are left out: nothing drives them. Days are dates; `stage` a name.
        """
        _, state = self._evening(as_of)
        present = hazards.causes(state, timeline.number(as_of))
        frame = pd.DataFrame(
            {
                "deal_id": self._ids.deals[state.deal],
                "owner_id": self._ids.reps[state.owner],
                "pipeline": [STAGES[stage].pipeline for stage in state.stage],
                "stage": [STAGES[stage].name for stage in state.stage],
                "entered_on": timeline.texts(state.since),
                "created_on": timeline.texts(state.created),
                "last_activity_on": timeline.texts(state.last),
                "expected_close_on": timeline.texts(state.expected),
                "contacts": state.contacts,
                "pushes": state.pushes,
            }
        )
        for name in ("entered_on", "created_on", "last_activity_on", "expected_close_on"):
            frame[name] = pd.to_datetime(frame[name])
        for place, cause in enumerate(hazards.CAUSES):
            frame[cause] = present[:, place]
        return frame

    def probabilities(self, as_of: dt.date, horizon_days: int, *, draws: int = 64) -> pd.DataFrame:
        """Give, for each open deal, the true chances of what will have become of it.

        Parameters
        ----------
        as_of
            The evening looked ahead from.
        horizon_days
            How far, in calendar days.
        draws
            How many futures each deal is given. The chances of winning and losing are added up along each
            future rather than counted, so that few suffice: with 64 the error is near 0.01.

        Returns
        -------
        DataFrame
            deal_id, won, lost, open (they add up to 1), due (the expected close date falls on or before the
            horizon), at_risk: lost, or due and not won.

        Notes
        -----
        Of a deal that is lost and reopened later, the first end counts. Deals deleted from the CRM (a handful)
        and changes of owner in the future are not looked ahead to.
        """
        day, state = self._evening(as_of)
        last = timeline.number(as_of) + horizon_days
        many = state.take(np.tile(np.arange(state.size), draws))
        dice = Dice(self.world.seed, self.world.scale, _AHEAD + day, self.world.luck)
        alive = np.ones(many.size)
        won, lost = np.zeros(many.size), np.zeros(many.size)
        for then in range(timeline.number(as_of) + 1, last + 1):
            if not timeline.IS_WORKDAY[then]:
                continue
            passed = pipeline.live(many, then, self.world.skills, dice, staying=True)
            won += alive * passed.winning
            lost += alive * passed.losing
            alive *= 1 - passed.winning - passed.losing
            many = passed.after
        chances = [column.reshape(draws, state.size).mean(axis=0) for column in (won, lost, alive)]
        due = state.expected <= last
        return pd.DataFrame(
            {
                "deal_id": self._ids.deals[state.deal],
                "won": chances[0],
                "lost": chances[1],
                "open": chances[2],
                "due": due,
                "at_risk": np.where(due, 1 - chances[0], chances[1]),
            }
        )

    def at_risk_probability(self, as_of: dt.date, horizon_days: int, *, draws: int = 64) -> pd.Series:
        """Give the true chance of being at risk by deal_id; see `probabilities`."""
        chances = self.probabilities(as_of, horizon_days, draws=draws)
        return chances.set_index("deal_id")["at_risk"]

    def outcomes(self, as_of: dt.date, horizon_days: int) -> pd.DataFrame:
        """Give what did become of the deals open on the evening of `as_of`: the columns of `probabilities`."""
        if timeline.number(as_of) + horizon_days > timeline.LAST:
            raise ValueError(f"the records end on {timeline.LAST_DAY}")
        _, state = self._evening(as_of)
        first, last = timeline.number(as_of), timeline.number(as_of) + horizon_days
        ends = self.world.events.of(h.WON, h.LOST)
        inside = ends.take((ends.day > first) & (ends.day <= last))
        # The first end of a deal counts: write the later ones first.
        order = np.argsort(-inside.day, kind="stable")
        end = np.full(self.world.births.size, -1)
        end[inside.deal[order]] = inside.kind[order]
        won, lost = end[state.deal] == h.WON, end[state.deal] == h.LOST
        due = state.expected <= last
        return pd.DataFrame(
            {
                "deal_id": self._ids.deals[state.deal],
                "won": won,
                "lost": lost,
                "open": ~won & ~lost,
                "due": due,
                "at_risk": lost | (due & ~won),
            }
        )

    @cached_property
    def _ids(self) -> Ids:
        return Ids(self.world)

    def _evening(self, as_of: dt.date) -> tuple[int, State]:
        """Give the last working day up to `as_of`, and the deals open on its evening."""
        if not timeline.GO_LIVE < as_of <= timeline.LAST_DAY:
            raise ValueError(f"{as_of} is not between {timeline.GO_LIVE} and {timeline.LAST_DAY}")
        place = np.searchsorted(timeline.WORKDAYS, timeline.number(as_of), side="right") - 1
        day = int(timeline.WORKDAYS[place])
        columns = self.world.panel[day]
        born = newborn(self.world.births, columns["deal"].astype(np.int64), self.world.segment_of_team)
        return day, unpacked(columns, born.tempo, born.bias)


def truth(seed: int = 1, scale: int = 1, *, luck: int = 0) -> Truth:
    """Give the truth of the company that `generate` writes for the same numbers.

    Parameters
    ----------
    seed, scale
        Which company.
    luck
        The same people and skills in another run of chance: averages over several lucks give what a rep's
        weakness comes to in any metric.
    """
    return Truth(simulate(seed, scale, luck=luck, panel=True))
