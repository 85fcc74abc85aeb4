"""What the company is: its regions and teams, pipelines, products, currencies and territories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import timeline, words
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.timeline import Array

REPORTING_CURRENCY = "USD"
CURRENCIES = ("USD", "EUR", "GBP")
SEGMENTS = ("SMB", "Mid-Market", "Enterprise")
REGIONS = ("EMEA", "Americas", "APAC")
ACCOUNTS_PER_TEAM = 480


@dataclass(frozen=True)
class Team:
    """A team of reps; `seats` are filled on the first day."""

    team_id: str
    name: str
    region: int
    segment: int
    seats: int
    currencies: tuple[float, ...]  # weights over CURRENCIES


@dataclass(frozen=True)
class Stage:
    """A stage that an open deal can be in."""

    pipeline: str
    name: str
    position: int
    probability: float


@dataclass(frozen=True)
class Product:
    """Something to sell; `appeal` are its weights in the three segments."""

    product_id: str
    name: str
    family: str
    list_price: int
    appeal: tuple[float, float, float]


@dataclass(frozen=True)
class Account:
    """A customer or prospect in one team's territory."""

    account_id: str
    name: str
    industry: str
    segment: str
    region: str
    employees: int | None
    annual_revenue: int | None


_TEAMS = (
    Team("emea-enterprise", "EMEA Enterprise", 0, 2, 6, (0.35, 0.45, 0.20)),
    Team("uki-mid-market", "UK & Ireland Mid-Market", 0, 1, 6, (0.05, 0.10, 0.85)),
    Team("dach-mid-market", "DACH Mid-Market", 0, 1, 5, (0.05, 0.95, 0.0)),
    Team("americas-enterprise", "Americas Enterprise", 1, 2, 7, (1.0, 0.0, 0.0)),
    Team("americas-mid-market", "Americas Mid-Market", 1, 1, 7, (1.0, 0.0, 0.0)),
    Team("americas-smb", "Americas SMB", 1, 0, 5, (1.0, 0.0, 0.0)),
    Team("apac-enterprise", "APAC Enterprise", 2, 2, 5, (1.0, 0.0, 0.0)),
    Team("apac-growth", "APAC Growth", 2, 1, 5, (1.0, 0.0, 0.0)),
)

NEW_BUSINESS, RENEWAL = "New Business", "Renewal"

#: Stages that an open deal can be in; the simulation knows them by their place here.
STAGES = (
    Stage(NEW_BUSINESS, "Qualification", 1, 0.20),
    Stage(NEW_BUSINESS, "Discovery", 2, 0.40),
    Stage(NEW_BUSINESS, "Proposal", 3, 0.60),
    Stage(NEW_BUSINESS, "Negotiation", 4, 0.80),
    Stage(RENEWAL, "Renewal Due", 1, 0.75),
    Stage(RENEWAL, "Renewal Quoted", 2, 0.85),
    Stage(RENEWAL, "Renewal Committed", 3, 0.95),
)
FIRST_RENEWAL_STAGE = 4
LAST_STAGES = (3, 6)

#: Where a won and a lost deal of a pipeline ends.
ENDS = {NEW_BUSINESS: ("Closed Won", "Closed Lost"), RENEWAL: ("Renewed", "Churned")}

PRODUCTS = (
    Product("P-ATL-CORE", "Atlas Core", "Atlas Platform", 4800, (5.0, 2.0, 0.3)),
    Product("P-ATL-PLUS", "Atlas Plus", "Atlas Platform", 14400, (1.0, 4.0, 2.0)),
    Product("P-ATL-ENT", "Atlas Enterprise", "Atlas Platform", 48000, (0.0, 0.8, 5.0)),
    Product("P-LED-BASE", "Ledgerline", "Ledgerline Finance", 7200, (2.0, 2.0, 0.5)),
    Product("P-LED-CONS", "Ledgerline Consolidation", "Ledgerline Finance", 36000, (0.0, 0.6, 2.0)),
    Product("P-FLD-MOB", "Fieldnote Mobile", "Fieldnote Service", 6000, (2.0, 1.5, 0.4)),
    Product("P-FLD-OPT", "Fieldnote Optimizer", "Fieldnote Service", 24000, (0.0, 1.2, 1.5)),
    Product("P-SVC-ONB", "Onboarding Package", "Services", 3500, (0.8, 0.8, 0.2)),
    Product("P-SVC-PREM", "Premium Support", "Services", 18000, (0.0, 0.5, 1.0)),
)

_EMPLOYEES = ((8, 90), (100, 950), (1100, 42000))
_REVENUE_A_HEAD = 160_000


def teams(scale: int) -> tuple[Team, ...]:
    """Give the teams: eight, times `scale`; the copies bear numbers."""
    return tuple(
        team
        if copy == 1
        else Team(
            f"{team.team_id}-{copy}",
            f"{team.name} {copy}",
            team.region,
            team.segment,
            team.seats,
            team.currencies,
        )
        for copy in range(1, scale + 1)
        for team in _TEAMS
    )


def accounts(dice: Dice, of_teams: tuple[Team, ...]) -> tuple[Account, ...]:
    """Give every team's territory, `ACCOUNTS_PER_TEAM` accounts each, one team after the other."""
    made: list[Account] = []
    taken: set[str] = set()
    for team in of_teams:
        region = REGIONS[team.region]
        low, high = _EMPLOYEES[team.segment]
        for draw in dice.uniform(ACCOUNTS_PER_TEAM, 7):
            heads = int(low * (high / low) ** draw[3])
            name = next(n for n in _names(draw, region) if n not in taken)
            taken.add(name)
            made.append(
                Account(
                    f"A{len(made) + 1:06d}",
                    name,
                    _of(words.INDUSTRIES, draw[4]),
                    SEGMENTS[team.segment],
                    region,
                    heads if draw[5] > 0.03 else None,
                    int(round(heads * _REVENUE_A_HEAD * (0.5 + draw[6]), -4)) if draw[5] > 0.06 else None,
                )
            )
    # The awkward names go to accounts that many teams have, one after the other.
    for i, name in enumerate(words.AWKWARD_NAMES):
        at = (i * ACCOUNTS_PER_TEAM + 7 * i + 3) % len(made)
        old = made[at]
        made[at] = Account(
            old.account_id, name, old.industry, old.segment, old.region, old.employees, old.annual_revenue
        )
    return tuple(made)


def fx_rates(dice: Dice) -> list[tuple[str, int, str]]:
    """Give monthly rates as (currency, first day, rate): a slow walk that is pulled back to its middle."""
    rows = []
    for currency, middle in (("EUR", 1.09), ("GBP", 1.28)):
        rate = middle
        months = sorted({int(d) + 1 for d in timeline.MONTH_END if d < timeline.LAST})
        for month, shock in zip([0, *months], dice.normal(len(months) + 1), strict=True):
            rate += 0.25 * (middle - rate) + 0.012 * shock
            rows.append((currency, month, f"{rate:.4f}"))
    return rows


def dollars_per_unit(rates: list[tuple[str, int, str]], currency: Array, day: Array) -> Array:
    """Give the rate of each deal's currency (a place in `CURRENCIES`) on its day."""
    out = np.ones(len(day))
    for code in (1, 2):
        starts = np.array([row[1] for row in rates if row[0] == CURRENCIES[code]])
        values = np.array([float(row[2]) for row in rates if row[0] == CURRENCIES[code]])
        at = np.clip(np.searchsorted(starts, day, side="right") - 1, 0, None)
        out = np.where(currency == code, values[at], out)
    return out


def _of(values: tuple[str, ...], draw: float) -> str:
    return values[int(draw * len(values))]


def _names(draw: Array, region: str) -> Iterator[str]:
    """Give a name, then longer ones for where it is taken."""
    body = _of(words.ACCOUNT_STEMS, draw[0]) + _of(words.ACCOUNT_TAILS, draw[1])
    form = _of(words.ACCOUNT_FORMS[region], draw[2])
    yield f"{body} {form}"
    for stem in words.ACCOUNT_STEMS:
        yield f"{body} {stem} {form}"
