"""The addresses that the store knows, and where their people stand on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spm_lib.data.roster import Rep, read_roster
from spm_lib.data.store import Store
from spm_lib.press.recipients import address_key

if TYPE_CHECKING:
    from spm_lib.data.history import Team


@dataclass(frozen=True)
class Contacts:
    """Who can be reached, and who leads whom. Made by `read_contacts`.

    Parameters
    ----------
    day
        The day.
    people, teams
        By id; people with the team of the day.
    emails
        Address by id of the person, as the CRM has it; a person without one is absent.
    holders
        Whose an address is: people and teams, by the address's key.
    """

    day: dt.date
    people: Mapping[str, Rep]
    teams: Mapping[str, Team]
    emails: Mapping[str, str]
    holders: Mapping[str, Sequence[Rep | Team]] = field(repr=False)

    def below(self, team: str) -> frozenset[str]:
        """Give the ids of a team and of all teams below it."""
        return frozenset(each for each in self.teams if team in self.line(each))

    def line(self, team: str) -> tuple[str, ...]:
        """Give the ids of a team and of the teams above it, upwards; none where the store has no such team."""
        found: list[str] = []
        above: str | None = team
        while above is not None and above in self.teams and above not in found:
            found.append(above)
            above = self.teams[above].parent_team_id
        return tuple(found)


def read_contacts(store: Store, today: dt.date) -> Contacts:
    """Read who can be reached and where everybody stands today, once for all reports of a sending."""
    people = read_roster(store.as_of(today))
    rows = store.rows("select rep_id, email from reps where email is not null order by rep_id")
    emails = {rep: email.strip() for rep, email in rows if email.strip()}
    holders: dict[str, list[Rep | Team]] = {}
    for rep, email in emails.items():
        holders.setdefault(address_key(email), []).append(people[rep])
    for team in store.teams.values():
        if team.email and team.email.strip():
            holders.setdefault(address_key(team.email.strip()), []).append(team)
    return Contacts(today, people, store.teams, emails, holders)


def no_contacts(today: dt.date) -> Contacts:
    """Give what is known where there is no store: nobody."""
    return Contacts(today, {}, {}, {}, {})


def away(rep: Rep, day: dt.date) -> str:
    """Say why a person is not at work on a day; empty where there is no reason."""
    if rep.is_at_work(day):
        return ""
    if rep.left_on is not None and rep.left_on < day:
        return f"left on {rep.left_on}"
    return f"begins on {rep.hired_on}"
