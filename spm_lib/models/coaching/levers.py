"""Levers: what a rep can be coached on. Each is named, described and defined here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spm_lib.errors import UnknownNameError, did_you_mean, one_line

#: What a lever's values are counted in: see `Lever.unit`.
Unit = Literal["share", "money", "days", "per_month", "per_day", "percent_off"]


@dataclass(frozen=True)
class Lever:
    """One thing a rep can be coached on.

    Parameters
    ----------
    name
        Its name in files, commands and the ledger.
    label
        Its name for readers, in the middle of a sentence.
    unit
        ``share`` (0 to 1), ``money`` (reporting currency), ``days``, ``per_month``, ``per_day`` or ``percent_off``
        (0 to 1).
    better
        Which direction is better.
    definition
        One sentence that says what is counted.
    """

    name: str
    label: str
    unit: Unit
    better: Literal["up", "down"]
    definition: str


_LEVERS = (
    Lever(
        "deals_created",
        "deals created",
        "per_month",
        "up",
        "Deals that came to a rep in a month at work, against reps of the same team kind and tenure.",
    ),
    Lever(
        "stage_conversion",
        "stage conversion",
        "share",
        "up",
        "Of the deals that left a stage, the share that went on rather than being lost.",
    ),
    Lever("win_rate", "win rate", "share", "up", "Of the deals decided, the share that was won."),
    Lever("deal_size", "deal size", "money", "up", "What a deal is worth when it is opened: the typical amount."),
    Lever(
        "discount",
        "amount cuts at closing",
        "percent_off",
        "down",
        "How much of the amount is given away between the last offer and the win.",
    ),
    Lever(
        "cycle_length",
        "time in stages",
        "days",
        "down",
        "How long a deal stays in a stage before it moves on or ends.",
    ),
    Lever(
        "activity",
        "activity",
        "per_day",
        "up",
        "Activities on own deals on a day on which there was any.",
    ),
    Lever(
        "activity_spread",
        "spread of activity",
        "share",
        "up",
        "Of the open deals in a week, the share that somebody was in touch with.",
    ),
    Lever(
        "follow_up",
        "follow-up time",
        "share",
        "up",
        "Of the messages that came in, the share answered by the end of the same day.",
    ),
    Lever(
        "slippage",
        "realistic close dates",
        "share",
        "up",
        "Of the close dates that came due or were moved, the share that held.",
    ),
    Lever(
        "hygiene",
        "pipeline hygiene",
        "share",
        "up",
        "Of the weeks of open deals, the share with a next step noted.",
    ),
)

#: The levers by name, in the order in which readers meet them.
LEVERS: Mapping[str, Lever] = {lever.name: lever for lever in _LEVERS}


def lever_named(name: str, *, where: str = "") -> Lever:
    """Give a lever by its name.

    Raises
    ------
    UnknownNameError
        Where there is no such lever, with the nearest known name.
    """
    if name not in LEVERS:
        raise UnknownNameError(
            f"there is no lever '{one_line(name, 80)}'", where=where, mend=did_you_mean(name, LEVERS)
        )
    return LEVERS[name]
