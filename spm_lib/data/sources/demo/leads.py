"""Enquiries, and which of them become deals.

Planted here: leads from referrals convert about twice as often as all others (`CONVERTING`), which are alike;
how long converting takes is the same for all. A rep with a weakness in `deals_created` is given fewer leads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.company import SEGMENTS
from spm_lib.data.sources.demo.people import Staff
from spm_lib.data.sources.demo.timeline import Array

#: Sources of leads, with their share.
SOURCES = ("Website", "Webinar", "Trade Show", "Partner", "Referral")
_SHARES = (0.34, 0.20, 0.14, 0.16, 0.16)
#: The source that converts better, and the chance to convert of each.
BEST_SOURCE = SOURCES.index("Referral")
CONVERTING = np.array([0.20, 0.20, 0.20, 0.20, 0.42])
#: Median days to convert, and the spread of their logarithm.
_DAYS, _DAYS_SPREAD = 17.0, 0.85
#: Leads a rep is given a month, by segment, with full skill, in a season of 1.
_A_MONTH = (26.0, 18.0, 11.5)
_DUPLICATE = 0.03
_SLOTS = 4  # a rep is given at most this many leads a day
#: Share of a weekday's leads that come in on a day off.
_DAY_OFF = 0.2


@dataclass(frozen=True)
class Leads:
    """All leads, in order of creation; arrays by lead.

    Parameters
    ----------
    created, owner, source
        Day, rep and place in `SOURCES`.
    converted
        The day on which it became a deal, or -1.
    converted_by
        The rep whose deal it became.
    merged_into
        The lead it duplicates, or -1.
    given_up
        The day on which an unconverted one was closed, should the records go on that long.
    """

    created: Array
    owner: Array
    source: Array
    converted: Array
    converted_by: Array
    merged_into: Array
    given_up: Array


def draw_leads(dice: Dice, staff: Staff, intake: Array, segment_of_team: Array) -> Leads:
    """Draw every lead.

    Parameters
    ----------
    dice
        Where chance comes from.
    staff
        The reps, and where they are on each day.
    intake
        Factor on the leads of each rep on each day: skill, ramp and season.
    segment_of_team
        The segment of each team.
    """
    days = timeline.LAST + 1
    team = staff.team_on[:, :days]
    monthly = np.array(_A_MONTH)[: len(SEGMENTS)][segment_of_team[np.maximum(team, 0)]]
    week = np.where(timeline.IS_WORKDAY[:days], 1.0, _DAY_OFF) / (21 + 9.4 * _DAY_OFF)
    rate = np.where(team >= 0, monthly * intake * week, 0.0)
    hits = dice.uniform(_SLOTS, *rate.shape) < rate / _SLOTS
    day, owner, _ = np.nonzero(hits.transpose(2, 1, 0))
    size = len(day)

    source = dice.pick(_SHARES, size)
    wait = 1 + _DAYS * np.exp(_DAYS_SPREAD * dice.normal(size))
    converted = timeline.WORKDAY_FROM[day + wait.astype(np.int64)]
    converts = (dice.uniform(size) < CONVERTING[source]) & (converted <= timeline.LAST)

    # Some enquiries come in twice: a second lead a few days later that is merged into the first.
    again = dice.uniform(size) < _DUPLICATE
    delay = 1 + dice.below(12, size)
    again &= day + delay <= timeline.LAST
    first = np.flatnonzero(again)
    created = np.concatenate([day, (day + delay)[again]])
    owner = np.concatenate([owner, owner[again]])
    source = np.concatenate([source, source[again]])
    into = np.concatenate([np.full(size, -1), first])
    converted = np.where(converts, converted, -1)
    converted = np.concatenate([converted, np.full(len(first), -1)])
    given_up = created + 45 + dice.below(60, len(created))

    by = owner.copy()
    gone = np.flatnonzero((converted >= 0) & (staff.team_on[owner, np.maximum(converted, 0)] < 0))
    for lead, draw in zip(gone, dice.uniform(len(gone)), strict=True):
        by[lead] = staff.cover(int(owner[lead]), int(converted[lead]), float(draw))

    order = np.argsort(created, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    into = np.where(into >= 0, place[into], -1)
    return Leads(
        created[order],
        owner[order],
        source[order],
        converted[order],
        by[order],
        into[order],
        given_up[order],
    )
