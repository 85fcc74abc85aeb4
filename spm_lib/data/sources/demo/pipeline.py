"""One working day of every open deal: touched, tended, advanced, pushed, won or lost.

The company's history and the truth's look ahead both run through `live`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spm_lib.data.sources.demo import hazards, timeline
from spm_lib.data.sources.demo.chance import Dice, place
from spm_lib.data.sources.demo.company import FIRST_RENEWAL_STAGE, LAST_STAGES
from spm_lib.data.sources.demo.skills import Skills
from spm_lib.data.sources.demo.state import State
from spm_lib.data.sources.demo.timeline import Array

#: Share of advances that skip a stage; chance a working day to move back one.
SKIPPING, MOVING_BACK = 0.06, 0.0045
#: Share of days with activity on which the customer made the first move.
INBOUND = 0.24
#: Chance that activity brings in another person, by how many there are already.
_NEW_CONTACT = np.array([1.0, 0.15, 0.12, 0.08, 0.05, 0.02, 0.0])
#: Chance a working day that a next step is done with and no new one noted; and to note one, when in touch.
_STEP_LOST, _STEP_NOTED = 0.007, 0.35
#: Chance a working day that a competitor becomes known, and which: weights over `hazards.COMPETITORS`.
COMPETITOR_SEEN, COMPETITOR_WEIGHTS = 0.006, (0.0, 0.45, 0.30, 0.25)
#: Chance a working day that the amount is cut (Proposal and Negotiation), that a date not yet due is pushed.
_CUT, _PUSHED_EARLY = 0.009, 0.005
#: Mean days of a push, before `Skills.horizon`.
_PUSH_DAYS = 20
_DRAWS = 18


@dataclass(frozen=True)
class Day:
    """What happened to each deal on one day; masks and values in the order of the state it began with.

    Parameters
    ----------
    after
        The state at the end of the day; rows of deals won or lost still in it.
    touched, inbound, answered, met
        Activity; the customer made the first move; an inbound message of an earlier day was answered; one
        more activity came with the advance.
    same_day
        An inbound message was answered on the same day.
    newcomers
        People met for the first time.
    noted, cleared
        A next step was noted where there was none; the next step was taken away.
    rival
        A competitor became known.
    cut
        The amount was cut.
    advanced, back, redated
        The stage moved on or back; the expected close date changed.
    won, lost
        The end.
    winning, losing
        The chances of it, before it was drawn.
    causes
        The causes of loss present when it was drawn.
    """

    after: State
    touched: Array
    inbound: Array
    answered: Array
    met: Array
    same_day: Array
    newcomers: Array
    noted: Array
    cleared: Array
    rival: Array
    cut: Array
    advanced: Array
    back: Array
    redated: Array
    won: Array
    lost: Array
    winning: Array
    losing: Array
    causes: Array


def live(before: State, day: int, skills: Skills, dice: Dice, *, staying: bool = False) -> Day:
    """Let one working day pass.

    Parameters
    ----------
    before
        Deals open in the morning.
    day
        Number of the day.
    skills
        The reps' skills.
    dice
        Where the day's chance comes from.
    staying
        Whether to draw the day on condition that no deal is won or lost on it.
    """
    u = dice.uniform(_DRAWS, before.size)
    owner, stage = before.owner, before.stage

    # In touch: the day's own activity, or the answer that is due from an earlier one.
    answered = before.answer == day
    calling = hazards.touching(before, day, hazards.causes(before, day)) * skills.touching[owner]
    touched = answered | (u[0] < calling)
    inbound = touched & ~answered & (u[1] < INBOUND)
    same_day = inbound & (u[2] < skills.same_day[owner])
    wait = 1 - np.log1p(-u[3] * 0.98) * (skills.answer[owner] - 0.5)
    answer = timeline.WORKDAY_FROM[day + np.minimum(wait, 12).astype(np.int64)]
    newcomers = (touched & (u[4] < _NEW_CONTACT[before.contacts])).astype(np.int64)
    newcomers += (newcomers > 0) & (before.contacts == 0) & (u[5] < 0.75)

    # Tended: next step, competitor, amount.
    undone = skills.undone[owner]
    noted = touched & ~before.step & (u[6] < _STEP_NOTED / undone)
    cleared = before.step & (u[7] < _STEP_LOST * undone)
    rival = (before.competitor == 0) & (u[8] < COMPETITOR_SEEN)
    seen = place(u[9], COMPETITOR_WEIGHTS)
    cut = ((stage == 2) | (stage == 3)) & ~before.cut & (u[10] < _CUT)
    tended = replace(
        before,
        last=np.where(touched, day, before.last),
        answer=np.where(inbound & ~same_day, answer, np.where(answered, -1, before.answer)),
        contacts=np.minimum(before.contacts + newcomers, 6),
        step=(before.step | noted) & ~cleared,
        competitor=np.where(rival, seen, before.competitor),
        cut=before.cut | cut,
    )

    # Leaving the stage.
    present = hazards.causes(tended, day)
    leaving = hazards.leaving(tended, day, skills)
    share_lost = 1 / (1 + np.exp(-hazards.odds_of_loss(tended, day, present, skills)))
    last = np.isin(stage, LAST_STAGES)
    skip = np.where(stage >= FIRST_RENEWAL_STAGE, 0.0, SKIPPING)
    jumps = u[11] < skip
    losing = leaving * share_lost
    advancing = leaving - losing
    one_left = np.isin(stage + 1, LAST_STAGES)
    winning = advancing * np.where(last, 1.0, np.where(one_left, skip, 0.0))
    draw = u[12]
    if staying:
        draw = losing + winning + draw * (1 - losing - winning)
    lost = draw < losing
    won = ~lost & (draw < losing + winning)
    # Of the advances, those that are not wins; a skip from two stages before the end is one of the wins.
    advanced = ~lost & ~won & (draw < leaving)
    stays = ~lost & ~won & ~advanced
    back = stays & (stage > 0) & (stage < FIRST_RENEWAL_STAGE) & (u[13] < MOVING_BACK)
    reached = stage + np.where(advanced, 1 + (jumps & ~one_left), 0) - back
    met = advanced & ~touched & (u[14] < 0.6)

    # The expected close date: pushed when it comes due, seldom before; pulled in when the last stage comes early.
    ends = lost | won
    due = tended.expected <= day
    pushing = ~ends & (u[15] < np.where(due, skills.tends[owner], _PUSHED_EARLY))
    length = np.maximum(7, _PUSH_DAYS * skills.horizon[owner] * (0.4 + 1.2 * u[16]))
    pushed_to = _date_on(np.maximum(tended.expected, day) + length.astype(np.int64), u[17])
    pulled_to = _date_on(day + 8 + (20 * u[16]).astype(np.int64), u[17])
    last_comes = advanced & np.isin(reached, LAST_STAGES)
    pulling = last_comes & ~pushing & (tended.expected - day > 35) & (u[15] < 0.5)
    pulling &= pulled_to < tended.expected
    expected = np.where(pushing, pushed_to, np.where(pulling, pulled_to, tended.expected))
    after = replace(
        tended,
        stage=reached,
        since=np.where(advanced | back, day, tended.since),
        last=np.where(met, day, tended.last),
        expected=expected,
        pushes=tended.pushes + (pushing & (expected > tended.expected)),
        back=tended.back | back,
    )
    return Day(
        after=after,
        touched=touched,
        inbound=inbound,
        answered=answered,
        met=met,
        same_day=same_day,
        newcomers=after.contacts - before.contacts,
        noted=noted & ~cleared,
        cleared=cleared & before.step,
        rival=rival,
        cut=cut,
        advanced=advanced,
        back=back,
        redated=expected != before.expected,
        won=won,
        lost=lost,
        winning=winning,
        losing=losing,
        causes=present,
    )


def _date_on(day: Array, draw: Array) -> Array:
    """Give a day that a rep would name: two in five are a month's last, the others working days."""
    return np.where(draw < 0.4, timeline.MONTH_END[day], timeline.WORKDAY_FROM[day])
