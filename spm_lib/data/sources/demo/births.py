"""How deals come into being: from leads, opened by reps alone, and renewals of what was sold before.

Planted here: the intake of a rep with a weakness in `deals_created` (through `Skills.intake`), the amounts of
one with a weakness in `deal_size`, the optimism of one with a weakness in `slippage`, and the next steps that
one with a weakness in `hygiene` does not note. A deal that was referred, like its lead, does better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import company, timeline
from spm_lib.data.sources.demo.chance import Dice, place
from spm_lib.data.sources.demo.leads import BEST_SOURCE, SOURCES, Leads
from spm_lib.data.sources.demo.people import Staff
from spm_lib.data.sources.demo.pipeline import COMPETITOR_WEIGHTS
from spm_lib.data.sources.demo.skills import Skills
from spm_lib.data.sources.demo.state import State
from spm_lib.data.sources.demo.timeline import Array

#: Sources of deals: those of leads, then two that have none.
DEAL_SOURCES = (*SOURCES, "Outbound", "Existing Customer")
OUTBOUND, EXISTING = len(SOURCES), len(SOURCES) + 1
DEAL_TYPES = ("New Business", "Expansion", "Renewal", "Refund")
NEW, EXPANSION, RENEWAL, REFUND = range(4)

#: Deals a rep opens a month without a lead, and renewals that fall due a month, by segment of the team.
_ALONE_A_MONTH = np.array([8.2, 6.0, 3.9])
_RENEWALS_A_MONTH = np.array([0.95, 0.85, 0.7])
_EXPANSION_SHARE = 0.22  # of the deals opened alone
#: Median amounts in dollars by segment, and the spread of their logarithm.
_MEDIAN = np.array([6_200.0, 17_500.0, 50_000.0])
_SPREAD = 0.55
_TYPE_SIZE = np.array([1.0, 0.7, 0.8, 1.0])
_PRICE_RISE = 0.03  # a year
#: Larger customers take longer.
_TEMPO = np.array([1.18, 1.0, 0.84])
#: Log-odds of losing, by source and by kind of deal.
_SOURCE_BIAS = np.where(np.arange(len(DEAL_SOURCES)) == BEST_SOURCE, -0.45, 0.0)
_TYPE_BIAS = np.array([0.0, -0.35, 0.0, 0.0])
#: Median days to the first expected close, before `Skills.horizon`.
_FIRST_EXPECTED = 54
_NO_AMOUNT, _NO_STEP, _RIVAL_KNOWN = 0.05, 0.10, 0.10
_STARTS_AT = (0.88, 0.12)  # a few deals are born in the second stage


@dataclass(frozen=True)
class Births:
    """All deals at creation, in order of creation; arrays by deal. Codes are places in the tuples above.

    `lead` is -1 where there was none; `worth` is in whole units of the deal's currency; `origin` is the deal
    that a duplicate or a refund goes back to, else -1.
    """

    created: Array
    owner: Array
    team: Array
    kind: Array
    source: Array
    lead: Array
    product: Array
    currency: Array
    worth: Array
    priced: Array
    stage: Array
    step: Array
    competitor: Array
    expected: Array
    origin: Array

    @property
    def size(self) -> int:
        """Number of deals."""
        return len(self.created)


def ramp(staff: Staff) -> Array:
    """Give each rep's share of full intake on each day: a new hire is given half, then most."""
    days = np.arange(timeline.LAST + 1)
    tenure = days[None, :] - np.array(staff.hired)[:, None]
    return np.where(tenure < 60, 0.5, np.where(tenure < 120, 0.8, 1.0))


def draw_births(
    dice: Dice,
    staff: Staff,
    skills: Skills,
    teams: tuple[company.Team, ...],
    rates: list[tuple[str, int, str]],
    intake: Array,
    leads: Leads,
) -> Births:
    """Draw every deal of the company; `intake` is the factor of each rep on each day."""
    days = timeline.LAST + 1
    segment_of = np.array([team.segment for team in teams])
    team_on = staff.team_on[:, :days]
    segment = segment_of[np.maximum(team_on, 0)]
    working = (team_on >= 0) & timeline.IS_WORKDAY[:days]

    born = np.flatnonzero(leads.converted >= 0)
    parts = [
        (leads.converted[born], leads.converted_by[born], np.zeros(len(born), int), leads.source[born], born)
    ]
    alone = np.where(working, _ALONE_A_MONTH[segment] * intake / 21, 0.0)
    due = np.where(working, _RENEWALS_A_MONTH[segment] / 21, 0.0)
    for rate, renews in ((alone, False), (due, True)):
        day, owner, _ = np.nonzero((dice.uniform(2, *rate.shape) < rate / 2).transpose(2, 1, 0))
        grown = dice.uniform(len(day)) < _EXPANSION_SHARE
        kind = np.full(len(day), RENEWAL) if renews else np.where(grown, EXPANSION, NEW)
        source = np.where(kind == NEW, OUTBOUND, EXISTING)
        parts.append((day, owner, kind, source, np.full(len(day), -1)))
    day, owner, kind, source, lead = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(day, kind="stable")
    day, owner, kind, source, lead = (column[order] for column in (day, owner, kind, source, lead))

    size = len(day)
    team = staff.team_on[owner, day]
    segment = segment_of[team]
    usual = _MEDIAN[segment] * _TYPE_SIZE[kind] * (1 + _PRICE_RISE * day / 365)
    dollars = usual * np.exp(_SPREAD * dice.normal(size)) * skills.size[owner]
    currency, product = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    draws = dice.uniform(2, size)
    for t, one in enumerate(teams):
        here = team == t
        currency[here] = place(draws[0, here], one.currencies)
        product[here] = place(draws[1, here], tuple(p.appeal[one.segment] for p in company.PRODUCTS))
    worth = np.maximum(100, 50 * np.round(dollars / company.dollars_per_unit(rates, currency, day) / 50))
    first = np.where(kind == RENEWAL, company.FIRST_RENEWAL_STAGE, dice.pick(_STARTS_AT, size))
    ahead = _FIRST_EXPECTED / _TEMPO[segment] * np.exp(0.30 * dice.normal(size)) * skills.horizon[owner]
    ahead = np.where(kind == RENEWAL, 80 + 20 * dice.uniform(size), ahead)
    expected = timeline.WORKDAY_FROM[day + np.maximum(12, ahead).astype(np.int64)]
    expected = np.where(dice.uniform(size) < 0.4, timeline.MONTH_END[expected], expected)
    rival = dice.pick(COMPETITOR_WEIGHTS, size)
    return Births(
        created=day,
        owner=owner,
        team=team,
        kind=kind,
        source=source,
        lead=lead,
        product=product,
        currency=currency,
        worth=worth.astype(np.int64),
        priced=dice.uniform(size) >= _NO_AMOUNT,
        stage=first,
        step=dice.uniform(size) >= np.minimum(_NO_STEP * skills.undone[owner], 0.6),
        competitor=np.where(dice.uniform(size) < _RIVAL_KNOWN, rival, 0),
        expected=expected,
        origin=np.full(size, -1),
    )


def newborn(births: Births, which: Array, segment_of_team: Array) -> State:
    """Give the state of the deals `which` on the evening of their creation."""
    day = births.created[which]
    size = len(which)
    renews = births.kind[which] == RENEWAL
    return State(
        deal=which,
        owner=births.owner[which],
        stage=births.stage[which],
        since=day,
        created=day,
        last=day,
        answer=np.full(size, -1),
        expected=births.expected[which],
        contacts=np.zeros(size, dtype=np.int64),
        pushes=np.zeros(size, dtype=np.int64),
        step=births.step[which],
        cut=np.zeros(size, dtype=bool),
        back=np.zeros(size, dtype=bool),
        competitor=births.competitor[which],
        tempo=np.where(renews, 1.0, _TEMPO[segment_of_team[births.team[which]]]),
        bias=_SOURCE_BIAS[births.source[which]] + _TYPE_BIAS[births.kind[which]],
    )
