"""The company's life, day by day, from the births of its deals to the last day of its records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spm_lib.data.sources.demo import company, hazards, timeline
from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo.births import RENEWAL, Births, draw_births, newborn, ramp
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.initiatives import Initiative, draw_initiatives, lifted_from
from spm_lib.data.sources.demo.leads import Leads, draw_leads
from spm_lib.data.sources.demo.oddities import add_oddities
from spm_lib.data.sources.demo.people import Staff, hire
from spm_lib.data.sources.demo.pipeline import Day, live
from spm_lib.data.sources.demo.skills import Skills, draw_weaknesses, skills
from spm_lib.data.sources.demo.state import State, joined, packed
from spm_lib.data.sources.demo.timeline import Array
from spm_lib.errors import SourceError

# Streams of chance: the company, which a replica shares, and its luck, which it does not.
_STAFF, _SKILLS, _ACCOUNTS, _RATES, _INITIATIVES, _LEADS, _BIRTHS, _LIFE, _ODDITIES = range(9)
#: First free stream, for what only turns a world into rows.
ROWS = 20

#: Chance a working day: a colleague takes a deal over; a deal is deleted from the CRM; the amount grows.
_REASSIGNED, _REMOVED, _GROWN = 0.0004, 3e-5, 0.004
#: Chance to note a missing amount a day from the Proposal on.
_PRICED_LATE = 0.12
_REOPENED_LOST, _REOPENED_WON = 0.025, 0.002
#: Percent of discount at winning: its middle, its spread, and the share of renewals that get one at all.
_DISCOUNT, _DISCOUNT_SPREAD, _RENEWAL_DISCOUNTS = 5.5, 3.0, 0.3


@dataclass(frozen=True)
class World:
    """Everything that was and happened, the causes with it.

    `still_open` are the deals open at the end; `panel` holds those open on the evening of each working day,
    packed, where it was asked for.
    """

    seed: int
    scale: int
    luck: int
    teams: tuple[company.Team, ...]
    accounts: tuple[company.Account, ...]
    rates: list[tuple[str, int, str]]
    staff: Staff
    skills: Skills
    initiatives: tuple[Initiative, ...]
    leads: Leads
    births: Births
    events: h.Events
    touches: h.Touches
    still_open: State
    panel: dict[int, dict[str, Array]]

    def dice(self, stream: int) -> Dice:
        """Give a stream of chance of this world."""
        return Dice(self.seed, self.scale, stream, self.luck)

    def dice_of_company(self, stream: int) -> Dice:
        """Give a stream of chance that replicas of this world share."""
        return Dice(self.seed, self.scale, stream)

    @property
    def segment_of_team(self) -> Array:
        """The segment of each team, a place in `company.SEGMENTS`."""
        return np.array([team.segment for team in self.teams])


def simulate(seed: int, scale: int = 1, *, luck: int = 0, panel: bool = False) -> World:
    """Let the company live.

    Parameters
    ----------
    seed, scale
        Which company, and how many times eight teams.
    luck
        The same people with the same skills in another run of chance.
    panel
        Whether to keep the state of open deals on every evening.

    Raises
    ------
    SourceError
        Where there is no such company.
    """
    if seed < 0 or scale < 1 or luck < 0:
        raise SourceError(
            f"there is no demo company with seed {seed}, scale {scale} and luck {luck}",
            mend="Seed and luck are whole numbers from 0, scale from 1",
        )

    def dice(stream: int, of: int = 0) -> Dice:
        return Dice(seed, scale, stream, of)

    teams = company.teams(scale)
    segment_of_team = np.array([team.segment for team in teams])
    staff = hire(dice(_STAFF), teams, scale)
    weaknesses = draw_weaknesses(dice(_SKILLS), staff)
    initiatives = draw_initiatives(dice(_INITIATIVES), staff, weaknesses)
    able = skills(weaknesses, lifted_from(initiatives, len(staff.reps)))
    rates = company.fx_rates(dice(_RATES))
    intake = able.intake[:, None] * ramp(staff) * timeline.SEASON[: timeline.LAST + 1]
    leads = draw_leads(dice(_LEADS, luck), staff, intake, segment_of_team)
    births = draw_births(dice(_BIRTHS, luck), staff, able, teams, rates, intake, leads)
    life = _Life(dice(_LIFE, luck), staff, able, births, segment_of_team)
    evenings = life.run(keep=panel)
    births, events = add_oddities(dice(_ODDITIES, luck), staff, births, life.log.events())
    return World(
        seed=seed,
        scale=scale,
        luck=luck,
        teams=teams,
        accounts=company.accounts(dice(_ACCOUNTS), teams),
        rates=rates,
        staff=staff,
        skills=able,
        initiatives=initiatives,
        leads=leads,
        births=births,
        events=events,
        touches=life.log.touches(),
        still_open=life.open,
        panel=evenings,
    )


class _Life:
    """The daily round. It keeps what changes from day to day: open deals, amounts, and deals to be reopened."""

    def __init__(
        self, dice: Dice, staff: Staff, able: Skills, births: Births, segment_of_team: Array
    ) -> None:
        self.dice, self.staff, self.able, self.births = dice, staff, able, births
        self.segment_of_team = segment_of_team
        self.log = h.Log()
        self.open = newborn(births, np.arange(0), segment_of_team)
        self.worth = births.worth.copy()
        self.priced = births.priced.copy()
        self.returning: dict[int, list[State]] = {}

    def run(self, *, keep: bool) -> dict[int, dict[str, Array]]:
        """Live through every working day; give the packed evenings where they are to be kept."""
        starts = np.searchsorted(self.births.created, np.arange(timeline.LAST + 2))
        leaving: dict[int, list[int]] = {}
        for rep, day in enumerate(self.staff.left):
            if day is not None:
                leaving.setdefault(day, []).append(rep)
        evenings = {}
        for day in timeline.WORKDAYS.tolist():
            today = live(self.open, day, self.able, self.dice)
            self._note(day, today)
            self._money(day, today)
            self._close(day, today)
            self._reassign(day)
            self._reopen(day)
            born = newborn(self.births, np.arange(starts[day], starts[day + 1]), self.segment_of_team)
            self.open = joined([self.open, born])
            for rep in leaving.get(day, ()):
                self._hand_over(day, np.flatnonzero(self.open.owner == rep))
            if keep:
                evenings[day] = packed(self.open)
        return evenings

    def _note(self, day: int, today: Day) -> None:
        after, deal = today.after, today.after.deal
        stays = ~(today.won | today.lost)
        moved = (today.advanced | today.back) & stays
        self.log.note(h.STAGE, day, deal[moved], after.stage[moved])
        self.log.note(h.EXPECTED, day, deal[today.redated], after.expected[today.redated])
        self.log.note(h.COMPETITOR, day, deal[today.rival], after.competitor[today.rival])
        self.log.note(h.STEP, day, deal[today.cleared], 0)
        again = today.touched & after.step & (self.dice.uniform(after.size) < 0.12)
        self.log.note(h.STEP, day, deal[today.noted | again], 1)
        met = today.touched | today.met
        self.log.touch(
            day,
            deal[met],
            after.owner[met],
            today.inbound[met],
            today.answered[met],
            today.same_day[met],
            today.newcomers[met],
            after.contacts[met],
        )

    def _money(self, day: int, today: Day) -> None:
        """Amounts found, grown, cut and, on the day of winning, discounted (`Skills.discount`)."""
        deal, stage = today.after.deal, today.after.stage
        u = self.dice.uniform(4, len(deal))
        late = (stage >= 2) & (u[0] < _PRICED_LATE)
        found = ~self.priced[deal] & (late | today.won | today.cut)
        self.priced[deal[found]] = True
        self.log.note(h.PRICED, day, deal[found], self.worth[deal[found]])

        ends = today.won | today.lost
        grown = self.priced[deal] & ~ends & ~today.cut & ~found & (stage >= 1) & (u[0] > 1 - _GROWN)
        share = np.where(today.cut, 0.60 + 0.24 * u[1], 1.1 + 0.5 * u[1])
        changed = deal[grown | today.cut]
        worth = np.floor(self.worth[changed] * share[grown | today.cut] / 10) * 10
        self.worth[changed] = np.maximum(worth, 50).astype(np.int64)
        self.log.note(h.AMOUNT, day, changed, self.worth[changed])

        extra = self.able.discount[today.after.owner]
        percent = np.round(10 * (_DISCOUNT + extra + _DISCOUNT_SPREAD * _triangle(u[2]))) / 10
        renews = self.births.kind[deal] == RENEWAL
        gives = today.won & (percent > 0) & (~renews | (u[3] < _RENEWAL_DISCOUNTS))
        given = deal[gives]
        self.worth[given] = np.round(self.worth[given] * (1 - percent[gives] / 100)).astype(np.int64)
        self.log.note(h.DISCOUNT, day, given, np.round(10 * percent[gives]).astype(np.int64))
        self.log.note(h.DISCOUNTED, day, given, self.worth[given])

    def _close(self, day: int, today: Day) -> None:
        after = today.after
        u = self.dice.uniform(4, after.size)
        self.log.note(h.WON, day, after.deal[today.won])
        reasons = _loss_reasons(u[0], u[1], today, after)
        self.log.note(h.LOST, day, after.deal[today.lost], reasons[today.lost])
        if day >= timeline.GO_LIVE_DAY:
            wrong = today.won & (u[2] < _REOPENED_WON)
            back = (today.lost & (u[2] < _REOPENED_LOST)) | wrong
            for at in np.flatnonzero(back):
                wait = 3 + 8 * u[3, at] if wrong[at] else 15 + 60 * u[3, at]
                then = int(timeline.WORKDAY_FROM[day + int(wait)])
                if then <= timeline.LAST:
                    self.returning.setdefault(then, []).append(after.take(np.array([at])))
        gone = (u[1] < _REMOVED) & ~(today.won | today.lost) & (day >= timeline.GO_LIVE_DAY)
        self.log.note(h.REMOVED, day, after.deal[gone])
        self.open = after.take(~(today.won | today.lost | gone))

    def _reopen(self, day: int) -> None:
        for one in self.returning.pop(day, ()):
            draw = self.dice.uniform(2)
            back = replace(
                one,
                since=np.full(1, day),
                last=np.full(1, day),
                answer=np.full(1, -1),
                expected=timeline.WORKDAY_FROM[day + np.array([25 + int(30 * draw[0])])],
                pushes=one.pushes + 1,
            )
            if self.staff.team_on[one.owner[0], day] < 0:
                heir = self.staff.cover(int(one.owner[0]), day, float(draw[1]))
                back = replace(back, owner=np.array([heir]))
                self.log.note(h.OWNER, day, one.deal, heir)
            self.log.note(h.REOPENED, day, back.deal, back.stage)
            self.log.note(h.EXPECTED, day, back.deal, back.expected)
            no, none = np.zeros(1, dtype=bool), np.zeros(1, dtype=np.int64)
            self.log.touch(day, back.deal, back.owner, no, no, no, none, back.contacts)
            # It joins the round the next day, so that nothing else is noted on the day it comes back.
            self.open = joined([self.open, back])

    def _reassign(self, day: int) -> None:
        self._hand_over(day, np.flatnonzero(self.dice.uniform(self.open.size) < _REASSIGNED))

    def _hand_over(self, day: int, which: Array) -> None:
        """Give deals in the evening to colleagues of their owners who will be there the next day."""
        owner = self.open.owner.copy()
        for at, draw in zip(which, self.dice.uniform(len(which)), strict=True):
            owner[at] = self.staff.cover(int(owner[at]), day + 1, float(draw))
        self.log.note(h.OWNER, day, self.open.deal[which], owner[which])
        self.open = replace(self.open, owner=owner)


def _triangle(draw: Array) -> Array:
    """Give a spread of about one deviation from one uniform draw: a triangle from -2.45 to 2.45."""
    low = np.sqrt(2 * draw) - 1
    high = 1 - np.sqrt(2 * (1 - draw))
    return np.asarray(np.where(draw < 0.5, low, high) * 2.449)


def _loss_reasons(first: Array, second: Array, today: Day, after: State) -> Array:
    """Give what the rep writes down: the cause that is seen, if the rep is candid, else anything."""
    names = list(hazards.CAUSES)
    any_reason = (second * h.DUPLICATE).astype(np.int64)
    reason = np.where(first < 0.88, any_reason, h.LOSS_REASONS.index("No decision"))
    candid = first < 0.55
    for cause, text in (("quiet", "No response"), ("amount_cut", "Budget cut")):
        seen = today.causes[:, names.index(cause)] & candid
        reason = np.where(seen, h.LOSS_REASONS.index(text), reason)
    return np.asarray(np.where((after.competitor > 0) & candid, h.LOSS_REASONS.index("Competitor"), reason))
