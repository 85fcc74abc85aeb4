"""Levers: what a rep can be coached on. Each is named, described and defined here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spm_lib.errors import UnknownNameError, did_you_mean, one_line

#: What a lever's values are told in: shares from 0 to 1, money in the reporting currency, days, or so many a month or day.
Unit = Literal["share", "money", "days", "per_month", "per_day"]
#: Whether what a lever is worth comes each quarter, or once.
Comes = Literal["each quarter", "once"]


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
        What its values are told in.
    better
        Which direction is better.
    counted
        What its evidence is counted in, in the plural.
    least
        With fewer of these nothing is said of a rep.
    definition
        One sentence that says what is counted.
    comes
        Whether its money comes each quarter, or once.
    """

    name: str
    label: str
    unit: Unit
    better: Literal["up", "down"]
    counted: str
    least: int
    definition: str
    comes: Comes = "each quarter"


_LEVERS = (
    Lever(
        "deals_created",
        "deals created",
        "per_month",
        "up",
        "months at work",
        3,
        "Deals that began with a rep in a month at work, against reps with such customers and as long with us.",
    ),
    Lever(
        "stage_conversion",
        "stage conversion",
        "share",
        "up",
        "deals",
        15,
        "Of the deals that left a stage, the share that went on rather than being lost.",
    ),
    Lever(
        "win_rate", "win rate", "share", "up", "deals", 15, "Of the deals decided, the share that was won."
    ),
    Lever(
        "deal_size",
        "deal size",
        "money",
        "up",
        "deals",
        15,
        "The typical (geometric mean) first amount of the deals that began with a rep.",
    ),
    Lever(
        "discount",
        "discount at closing",
        "share",
        "down",
        "deals won",
        15,
        "The share of the amount that is given away on the day of winning.",
    ),
    Lever(
        "cycle_length",
        "time in stages",
        "days",
        "down",
        "stays in a stage",
        15,
        "How many days deals are open for each time that one leaves its stage, going on or ending.",
        # The same revenue, earlier.
        "once",
    ),
    Lever(
        "activity",
        "activity",
        "per_day",
        "up",
        "deals",
        15,
        "Activities on a deal on a day on which the rep made the first move.",
    ),
    Lever(
        "activity_spread",
        "spread of activity",
        "per_month",
        "up",
        "deals",
        15,
        "Days with any activity, for each deal and month that it is open.",
    ),
    Lever(
        "follow_up",
        "follow-up",
        "share",
        "up",
        "deals with messages",
        15,
        "Of the messages that came in, the share answered on the same day.",
    ),
    Lever(
        "slippage",
        "close dates put off",
        "per_month",
        "down",
        "deals",
        15,
        "How often the close date is put off, for each deal and month that it is open.",
    ),
    Lever(
        "hygiene",
        "pipeline hygiene",
        "share",
        "up",
        "deals",
        15,
        "Of the time that deals are open, the share with a next step noted and a close date that is not past.",
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
