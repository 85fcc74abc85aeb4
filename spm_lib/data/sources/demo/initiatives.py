"""Two initiatives: one that works and one that does not.

"Mutual action plans" takes `hazards.LIFT` off its members' log-odds of losing from its first day on, on every
deal and stage, so their win rate rises. "Bundle price book" was meant to raise the deal size and changes
nothing at all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.people import Staff
from spm_lib.data.sources.demo.skills import Weakness, never
from spm_lib.data.sources.demo.timeline import Array


@dataclass(frozen=True)
class Initiative:
    """An improvement initiative; `works` is the truth and is written nowhere."""

    initiative_id: str
    name: str
    starts: dt.date
    ends: dt.date | None
    target: str
    hypothesis: str
    members: tuple[int, ...]
    works: bool


def draw_initiatives(dice: Dice, staff: Staff, weaknesses: tuple[Weakness, ...]) -> tuple[Initiative, ...]:
    """Draw the members of the two initiatives: about one rep in five each.

    Members of the one that works have no weakness, so that what a weakness does is not mixed with it.
    """
    size = len(staff.reps)
    starts = (dt.date(2025, 7, 1), dt.date(2025, 4, 1))
    there = [
        [staff.hired[rep] < timeline.GO_LIVE_DAY and staff.left[rep] is None for rep in range(size)]
        for _ in starts
    ]
    plain = [rep for rep in dice.shuffled(size) if there[0][rep] and weaknesses[rep].lever is None]
    chosen = sorted(int(rep) for rep in plain[: size // 5])
    others = [rep for rep in dice.shuffled(size) if there[1][rep] and rep not in chosen]
    return (
        Initiative(
            "I-2025-MAP",
            "Mutual action plans",
            starts[0],
            None,
            "win_rate",
            "Deals with dated steps agreed with the customer are decided for us more often",
            tuple(chosen),
            True,
        ),
        Initiative(
            "I-2025-BPB",
            "Bundle price book",
            starts[1],
            dt.date(2026, 9, 30),
            "average_deal_size",
            "Bundles on one price sheet raise the amount of a deal",
            tuple(sorted(int(rep) for rep in others[: size // 5])),
            False,
        ),
    )


def lifted_from(initiatives: tuple[Initiative, ...], reps: int) -> Array:
    """Give, for each rep, the first day on which an initiative that works helps."""
    first = never(reps)
    for initiative in initiatives:
        if initiative.works:
            members = np.array(initiative.members, dtype=np.int64)
            first[members] = np.minimum(first[members], timeline.number(initiative.starts))
    return first
