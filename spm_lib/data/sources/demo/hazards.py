"""Why deals are lost, and when they move: explicit functions of what anyone can see in the records.

Nothing here is hidden but the rep's weakness. On each working day a deal leaves its stage with `leaving`;
when it leaves, it is lost with the log-odds `odds_of_loss`, else it advances (and is won after the last stage).
A deal is quiet when nobody has been in touch for `QUIET_DAYS`; a quiet deal is touched less (`touching`), and
so are deals with other causes: doomed deals go quiet before they are lost, and quietness dooms them further.
"""

from __future__ import annotations

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.company import LAST_STAGES
from spm_lib.data.sources.demo.skills import Skills
from spm_lib.data.sources.demo.state import State
from spm_lib.data.sources.demo.timeline import Array

#: The causes, and what each adds to the log-odds of losing whenever a deal leaves a stage.
CAUSES = {
    "quiet": 2.6,  # no activity for QUIET_DAYS calendar days (or since creation)
    "pushed": 1.8,  # expected close date pushed out twice or more
    "stalled": 2.7,  # longer in its stage than STALLED_DAYS
    "single_contact": 1.8,  # only one person on the customer's side so far
    "amount_cut": 1.8,  # the amount was cut by 15 % or more while open
    "moved_back": 1.8,  # it was moved back a stage
    "no_next_step": 2.2,  # no next step is noted
    "competitor": 1.6,  # the competitor RIVAL is known to be in the deal
}
QUIET_DAYS = 14
PUSHED_TIMES = 2
#: About nine stages in ten end sooner; by stage.
STALLED_DAYS = np.array([36, 38, 42, 42, 60, 60, 50])
COMPETITORS = (None, "Kestrel", "Bluepeak", "In-house build")
RIVAL = 1  # the place of the competitor that matters; the others make no difference

#: Chance a working day to leave a stage, and log-odds of losing without any cause; by stage.
_LEAVING = np.array([0.074, 0.065, 0.060, 0.070, 0.055, 0.055, 0.060])
_BASE_LOSS = np.array([-2.78, -3.08, -3.36, -3.78, -6.4, -6.4, -6.4])
_TOUCHING = np.array([0.098, 0.104, 0.111, 0.130, 0.09, 0.11, 0.13])

#: What an initiative that works takes off the log-odds of losing for its members, from its first day.
LIFT = 0.85


def causes(state: State, day: int) -> Array:
    """Give which causes each deal has on `day`: a row per deal, a column per cause."""
    return np.column_stack(
        [
            day - state.last >= QUIET_DAYS,
            state.pushes >= PUSHED_TIMES,
            day - state.since >= STALLED_DAYS[state.stage],
            state.contacts == 1,
            state.cut,
            state.back,
            ~state.step,
            state.competitor == RIVAL,
        ]
    )


_EFFECTS = np.array(list(CAUSES.values()))


def odds_of_loss(state: State, day: int, present: Array, skills: Skills) -> Array:
    """Give the log-odds that a deal which leaves its stage on `day` is lost."""
    rep = skills.loss[state.owner, state.stage] - LIFT * (day >= skills.lifted_from[state.owner])
    return np.asarray(_BASE_LOSS[state.stage] + present @ _EFFECTS + state.bias + rep)


def leaving(state: State, day: int, skills: Skills) -> Array:
    """Give the chance that a deal leaves its stage on `day`.

    Slow in the first week of a stage, even after; slower for larger customers (`tempo`) and reps who take long
    (`pace`). The last stage ends sooner near its expected close date and, for all, at the quarter's end.
    """
    days = day - state.since
    settling = np.where(days < 3, 0.25, np.where(days < 8, 0.75, 1.0))
    chance = _LEAVING[state.stage] * settling * state.tempo * skills.pace[state.owner]
    left = timeline.QUARTER_LEFT[day]
    rush = 2.1 if left <= 10 else 1.15 if left <= 25 else 0.7
    due = np.where(state.expected - day <= 7, 1.3, 0.8)
    last = np.isin(state.stage, LAST_STAGES)
    return np.minimum(np.where(last, chance * rush * due, chance), 0.6)


def touching(state: State, day: int, present: Array) -> Array:
    """Give the chance of activity on a working day: low once a deal is quiet, lower with every other cause.

    A deal in which nobody was met yet is called on soon, and one not touched for a week sooner than others.
    """
    others = present[:, 1:].sum(axis=1)
    silence = day - state.last
    cadence = np.where(silence < 4, 0.65, np.where(silence < 7, 1.0, 2.5))
    cadence = np.where(present[:, 0], 0.35, np.where(state.contacts == 0, 2.0, cadence))
    return np.asarray(_TOUCHING[state.stage] * cadence * 0.90**others)
