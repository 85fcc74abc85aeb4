"""The roster: every rep, the team that each belongs to on a day, and who stands above."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: A spell ends where the next one of the same rep begins, as in `Snapshot.with_team`: nobody is in two teams on a day.
_ROSTER = """
with spells as (
    select rep_id, team_id, coalesce(valid_from, date '0001-01-01') as since, coalesce(valid_to, date '9999-12-31') as until,
        lead(since) over (partition by rep_id order by since, until, team_id) as following
    from team_members
)
select r.rep_id, coalesce(r.name, r.rep_id), r.manager_id, r.hired_on, r.left_on,
    any_value(s.team_id) filter (s.since <= $day and s.until >= $day and (s.following is null or s.following > $day)),
    coalesce(list(distinct s.team_id order by s.team_id) filter (s.team_id is not null), [])
from reps r left join spells s on s.rep_id = r.rep_id
group by all order by r.rep_id
"""


@dataclass(frozen=True)
class Rep:
    """One rep, or manager, on one day.

    Parameters
    ----------
    rep_id, name
        Id, and name or, without one, the id.
    manager_id
        Whom the rep reports to.
    hired_on, left_on
        First and last day of work; None where not known, or not left.
    team_id
        The team on the day; None where there is none.
    teams
        All teams that the rep was ever in.
    """

    rep_id: str
    name: str
    manager_id: str | None
    hired_on: dt.date | None
    left_on: dt.date | None
    team_id: str | None
    teams: Sequence[str]

    def is_at_work(self, day: dt.date) -> bool:
        """Tell whether `day` is one from the first to the last day of work."""
        hired, left = self.hired_on or day, self.left_on or day
        return hired <= day <= left


def read_roster(snapshot: Snapshot) -> dict[str, Rep]:
    """Give every rep of the company by id, with the team of the day of `snapshot`."""
    rows = snapshot.store.rows(_ROSTER, {"day": snapshot.date})
    return {row[0]: Rep(*row) for row in rows}


def managers_above(rep: Rep, managers: Iterable[str | None], roster: Mapping[str, Rep]) -> dict[str, str]:
    """Give the names, by id, of those whom a rep reports to, directly or through others.

    Parameters
    ----------
    rep
        Who reports.
    managers
        Ids of those who lead the rep's team and the teams above it; they too report to others.
    roster
        See `read_roster`. A manager who is not in it has no name to give.
    """
    found: dict[str, str] = {}
    for first in (rep.manager_id, *managers):
        above = first
        while above is not None and above in roster and above not in found and above != rep.rep_id:
            found[above] = roster[above].name
            above = roster[above].manager_id
    return found
