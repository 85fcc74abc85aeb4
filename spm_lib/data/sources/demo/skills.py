"""What each rep is worse at than the others: exactly one lever, or none.

About half of the reps have a weakness. It works through one mechanism, written at its constant below, and
is made so that other levers barely move: the win rate is split at the moment a stage ends and does not
change how long that takes; cycle length changes how long it takes and not how it ends; and where a weakness
would cost wins by a detour (pushes, missing next steps and long stages raise the odds of losing),
the average cost is given back on the odds of each stage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.company import NEW_BUSINESS, STAGES
from spm_lib.data.sources.demo.people import Staff
from spm_lib.data.sources.demo.timeline import Array

#: The levers, and the size of a mild, a clear and a strong weakness in the unit of its mechanism.
LEVERS = {
    # Log of the factor on the leads a rep is given and the deals a rep opens alone.
    "deals_created": (-0.20, -0.45, -0.70),
    # Log-odds of losing, added whenever a deal leaves the one named stage.
    "stage_conversion": (0.9, 1.6, 2.3),
    # Log-odds of losing, added whenever a deal leaves any stage, in the proportions of _WIN_RATE_BY_STAGE.
    "win_rate": (0.45, 0.95, 1.45),
    # Log of the factor on the amounts of the deals a rep opens.
    "deal_size": (-0.16, -0.36, -0.55),
    # Percentage points of discount given on the day of winning, on top of what others give.
    "discount": (1.5, 4.0, 7.0),
    # Log of the factor on the time that a deal spends in each stage.
    "cycle_length": (0.25, 0.45, 0.65),
    # Touches that follow the first on a day with activity: fewer by this many. Days with activity stay as many.
    "activity": (-0.18, -0.33, -0.46),
    # Log of the factor on the days until an inbound message is answered.
    "follow_up": (0.5, 1.0, 1.5),
    # Optimism: log of the factor on the time to the first expected close date, and on each push of it.
    "slippage": (-0.25, -0.50, -0.80),
    # Log of the factor on what is left undone: next steps missing, overdue dates left as they are.
    "hygiene": (0.6, 1.1, 1.5),
}
GRADES = ("mild", "clear", "strong")
#: The grades that the reps with one lever have in turn, from any place on: most weaknesses can be seen.
_GRADE_TURNS = (1, 2, 1, 2, 0)

#: The steps at which a `stage_conversion` weakness may sit: the stage that is left.
WEAK_STEPS = (1, 2)

#: Log-odds of losing given back for each unit of a weakness that would cost wins by a detour.
GIVEN_BACK = {"cycle_length": 1.9, "slippage": 0.4, "hygiene": 0.58}
#: Later stages see fewer deals: with these, no single step shows a win-rate weakness as well as the whole does.
_WIN_RATE_BY_STAGE = np.array([0.55, 0.8, 1.05, 1.2, 1.0, 1.0, 1.0])
#: Log of the factor on the chance of activity, for each unit of a weakness that leaves more causes standing.
_CALLED_ON = {"cycle_length": 0.25, "hygiene": 0.03}


@dataclass(frozen=True)
class Weakness:
    """The one thing a rep is worse at; a rep without one has `lever` None and `gap` 0.

    Parameters
    ----------
    lever, grade
        Which, and how much in a word.
    stage
        The stage at whose end it shows, for `stage_conversion` alone; a place in `STAGES`.
    gap
        How much, in the unit of the lever's mechanism.
    """

    lever: str | None = None
    grade: str | None = None
    stage: int | None = None
    gap: float = 0.0


@dataclass(frozen=True)
class Skills:
    """What the weaknesses and initiatives mean for each rep, as the mechanisms read it: arrays by rep."""

    weaknesses: tuple[Weakness, ...]
    intake: Array  # factor on deals created
    size: Array  # factor on amounts
    loss: Array  # log-odds of losing at the end of each stage (rep × stage)
    pace: Array  # factor on the rate at which stages end
    discount: Array  # percentage points on top
    touches: Array  # mean of further touches on a day with activity
    answer: Array  # mean days until an inbound message is answered, where not on the same day
    same_day: Array  # share of inbound messages answered on the same day
    touching: Array  # factor on the chance of activity
    horizon: Array  # factor on expected time to close, and on pushes
    undone: Array  # factor on missing next steps
    tends: Array  # chance a day to mend an overdue close date
    lifted_from: Array  # first day on which an initiative lowers the odds of losing


MEAN_TOUCHES = 0.50
MEAN_ANSWER_DAYS = 1.0
SAME_DAY = 0.75
TENDS = 0.14


def draw_weaknesses(dice: Dice, staff: Staff) -> tuple[Weakness, ...]:
    """Draw a weakness for one rep in two, the levers in turn, so that each is met about as often."""
    size = len(staff.reps)
    found = [Weakness()] * size
    levers = list(LEVERS)
    first = int(dice.below(len(levers), 1)[0])
    turns = dice.below(len(_GRADE_TURNS), len(levers))
    steps = int(dice.below(len(WEAK_STEPS), 1)[0])
    for turn, rep in enumerate(dice.shuffled(size)[: size // 2]):
        place = (first + turn) % len(levers)
        lever = levers[place]
        stage = None
        if lever == "stage_conversion":
            stage = WEAK_STEPS[steps % len(WEAK_STEPS)]
            steps += 1
        grade = _GRADE_TURNS[(turns[place] + turn // len(levers)) % len(_GRADE_TURNS)]
        found[rep] = Weakness(lever, GRADES[grade], stage, LEVERS[lever][grade])
    return tuple(found)


def skills(weaknesses: tuple[Weakness, ...], lifted_from: Array) -> Skills:
    """Translate weaknesses into what the mechanisms read."""
    gap = {lever: np.array([w.gap if w.lever == lever else 0.0 for w in weaknesses]) for lever in LEVERS}
    loss = np.zeros((len(weaknesses), len(STAGES)))
    loss += gap["win_rate"][:, None] * _WIN_RATE_BY_STAGE
    for lever, cost in GIVEN_BACK.items():
        loss -= cost * np.abs(gap[lever])[:, None]
    for rep, weakness in enumerate(weaknesses):
        if weakness.stage is not None:
            assert STAGES[weakness.stage].pipeline == NEW_BUSINESS
            loss[rep, weakness.stage] += weakness.gap
    return Skills(
        weaknesses=weaknesses,
        intake=np.exp(gap["deals_created"]),
        size=np.exp(gap["deal_size"]),
        loss=loss,
        pace=np.exp(-gap["cycle_length"]),
        discount=gap["discount"],
        touches=MEAN_TOUCHES + gap["activity"],
        answer=MEAN_ANSWER_DAYS * np.exp(gap["follow_up"]),
        same_day=SAME_DAY * np.exp(-gap["follow_up"]),
        touching=np.exp(sum(share * np.abs(gap[lever]) for lever, share in _CALLED_ON.items())),
        horizon=np.exp(gap["slippage"] + gap["cycle_length"]),
        undone=np.exp(gap["hygiene"]),
        # Optimistic dates come due more often; tended sooner, they are not overdue more than others.
        tends=TENDS * np.exp(-gap["hygiene"] - 1.1 * gap["slippage"]),
        lifted_from=lifted_from,
    )


def never(size: int) -> Array:
    """Give, for `size` reps, a first day that never comes."""
    return np.full(size, timeline.LAST + 10_000, dtype=np.int64)
