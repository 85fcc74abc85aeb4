"""Whom the reports of a spec are about: reps, teams, or the company."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spm_lib.data.history import Snapshot
from spm_lib.data.roster import Rep, managers_above, read_roster
from spm_lib.errors import RunError, UnknownNameError, did_you_mean, one_line
from spm_lib.press.slugs import COMPANY, slugs
from spm_lib.press.spec import Below, Spec

COMPANY_NAME = "Company"


@dataclass(frozen=True)
class Subject:
    """Whom one report is about.

    Parameters
    ----------
    team, team_name
        Id and name of the team or, of a report on a rep, of the team that the rep belongs to on the day; None and
        "Company" for the whole company.
    rep, rep_name
        Id and name of the rep; None and empty in a report on a team or the company.
    file
        Name of the report's files, without an ending.
    scope
        Ids of the team and those below it; none for the company.
    above
        Ids and names of the teams above; of a report on a rep also of the team itself and of the rep's managers.
    earlier
        Teams that the rep was in at other times: the rep's past stands in their rows.
    """

    team: str | None
    team_name: str
    file: str
    rep: str | None = None
    rep_name: str = ""
    scope: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


def subjects_of(
    spec: Spec,
    snapshot: Snapshot,
    teams: Sequence[str] | None = None,
    reps: Sequence[str] | None = None,
) -> list[Subject]:
    """Give what a spec makes reports for: reps by team and name, teams by name, or the company.

    Parameters
    ----------
    spec
        Its ``for_each`` says which. All teams are those with members of their own on the day; all reps those who are in
        a team and at work that day. A rep whom the spec lists and who is not there that day has no report.
    snapshot
        The store on the as-of date.
    teams
        Ids of teams to report on instead; of reports per rep, those to keep the reps of, teams below them included.
    reps
        Ids of the reps to keep.

    Raises
    ------
    UnknownNameError
        Where there is no such team or rep, or the rep asked for is not there on the day.
    RunError
        Where no team has members on the day, or no rep is there.
    """
    for_each = spec.content.for_each
    if for_each.rep is not None:
        return _reps(spec, snapshot, teams, reps)
    if reps:
        raise UnknownNameError(
            "this spec makes no reports per rep",
            where=spec.document.where("for_each"),
            mend="Leave the rep out",
        )
    if for_each.team is not None:
        return _teams(spec, snapshot, list(teams) if teams else for_each.team)
    if teams:
        raise UnknownNameError(
            "this spec makes one report for the whole company",
            where=spec.document.where("for_each"),
            mend="Leave the team out",
        )
    return [Subject(None, COMPANY_NAME, COMPANY)]


def _teams(spec: Spec, snapshot: Snapshot, wanted: str | list[str] | Below) -> list[Subject]:
    names = {team.team_id: team.name for team in snapshot.teams.values()}
    if isinstance(wanted, list):
        found = [_known_team(team, snapshot, spec) for team in dict.fromkeys(wanted)]
    else:
        manned = set(snapshot.staffed) & set(names)
        if isinstance(wanted, Below):
            manned &= _below([wanted.parent], snapshot, spec)
        found = sorted(manned, key=lambda team: (names[team].casefold(), team))
    if not found:
        raise RunError(
            f"no team has members on {snapshot.date}",
            where=spec.document.where("for_each"),
            mend="Choose another as-of date, or for_each: {company: true}",
        )
    files = slugs(names)
    return [
        Subject(
            team=team,
            team_name=names[team],
            file=files[team],
            scope=snapshot.scope(team).team_ids or (),
            above=_named(names, _teams_above(snapshot, team)),
        )
        for team in found
    ]


def _reps(
    spec: Spec, snapshot: Snapshot, teams: Sequence[str] | None, asked: Sequence[str] | None
) -> list[Subject]:
    roster = read_roster(snapshot)
    there = _at_work(spec, snapshot, roster, teams)
    if asked:
        there = {rep: _asked(rep, roster, there, snapshot, spec) for rep in dict.fromkeys(asked)}
    if not there:
        raise RunError(
            f"no rep of these is at work in a team on {snapshot.date}",
            where=_where(spec),
            mend="Choose another as-of date, or other reps; who is in which team stands in the table team_members",
        )
    names = {team.team_id: team.name for team in snapshot.teams.values()}
    files = slugs({rep.rep_id: rep.name for rep in roster.values()}, otherwise="rep")
    found = []
    for team, reps in itertools.groupby(sorted(there.values(), key=_team_of), key=_team_of):
        scope, line = snapshot.scope(team).team_ids or (), (team, *_teams_above(snapshot, team))
        leaders = [snapshot.teams[each].manager_id for each in line]
        for rep in reps:
            managers = managers_above(rep, leaders, roster)
            found.append(
                Subject(
                    team=team,
                    team_name=names[team],
                    file=files[rep.rep_id],
                    rep=rep.rep_id,
                    rep_name=rep.name,
                    scope=scope,
                    above=(*_named(names, line), *managers, *managers.values()),
                    earlier=tuple(each for each in rep.teams if each not in scope),
                )
            )
    return sorted(found, key=lambda s: (s.team_name.casefold(), s.team, s.rep_name.casefold(), s.rep))


def _at_work(
    spec: Spec, snapshot: Snapshot, roster: Mapping[str, Rep], teams: Sequence[str] | None
) -> dict[str, Rep]:
    """Give the reps whom the spec means, of these teams where some are named, and who are there on the day."""
    said = spec.content.for_each.rep
    listed = {_known_rep(rep, roster, spec) for rep in said} if isinstance(said, list) else set(roster)
    within = set(snapshot.teams)
    if isinstance(said, Below):
        within &= _below([said.parent], snapshot, spec)
    if teams:
        within &= _below(teams, snapshot, spec)
    return {
        rep.rep_id: rep
        for rep in roster.values()
        if rep.rep_id in listed and rep.team_id in within and rep.is_at_work(snapshot.date)
    }


def _team_of(rep: Rep) -> str:
    return rep.team_id or ""


def _asked(
    rep: str, roster: Mapping[str, Rep], there: Mapping[str, Rep], snapshot: Snapshot, spec: Spec
) -> Rep:
    """Give a rep who was asked for; raise, saying why, where there is no report on that one."""
    found, day = roster[_known_rep(rep, roster, spec)], snapshot.date
    if rep in there:
        return found
    if found.left_on is not None and found.left_on < day:
        why, mend = f"left on {found.left_on}", "Choose an earlier as-of date, or leave the rep out"
    elif found.hired_on is not None and found.hired_on > day:
        why, mend = f"begins on {found.hired_on}", "Choose a later as-of date, or leave the rep out"
    elif found.team_id is None:
        why, mend = f"is in no team on {day}", "Choose another as-of date, or leave the rep out"
    else:
        why, mend = f"is not among the reps asked for on {day}", "Leave the team out, or name another rep"
    raise UnknownNameError(
        f"the rep '{one_line(rep, 60)}' ({one_line(found.name, 60)}) {why}", where=_where(spec), mend=mend
    )


def _below(teams: Iterable[str], snapshot: Snapshot, spec: Spec) -> set[str]:
    """Give the ids of teams and those below them."""
    return {
        each for team in teams for each in snapshot.scope(_known_team(team, snapshot, spec)).team_ids or ()
    }


def _teams_above(snapshot: Snapshot, team: str) -> tuple[str, ...]:
    found: list[str] = []
    parent = snapshot.teams[team].parent_team_id
    while parent is not None and parent in snapshot.teams and parent not in found:
        found.append(parent)
        parent = snapshot.teams[parent].parent_team_id
    return tuple(found)


def _named(names: Mapping[str, str], ids: Iterable[str]) -> tuple[str, ...]:
    found = tuple(ids)
    return (*found, *(names[each] for each in found))


def _known_team(team: str, snapshot: Snapshot, spec: Spec) -> str:
    names = {each.team_id: each.name for each in snapshot.teams.values()}
    return _known("team", team, names, spec)


def _known_rep(rep: str, roster: Mapping[str, Rep], spec: Spec) -> str:
    if rep in roster:
        return rep
    return _known("rep", rep, {each.rep_id: each.name for each in roster.values()}, spec)


def _known(kind: str, given: str, names: Mapping[str, str], spec: Spec) -> str:
    if given in names:
        return given
    called = [f"'{key}'" for key, name in names.items() if name.casefold() == given.casefold()]
    if len(called) > 1:
        mend = f"Several are called so: their ids are {', '.join(called[:8])}"
    elif called:
        mend = f"The {kind} of that name has the id {called[0]}"
    else:
        mend = did_you_mean(given, names)
    raise UnknownNameError(f"there is no {kind} '{one_line(given, 80)}'", where=_where(spec), mend=mend)


def _where(spec: Spec) -> str:
    for_each = spec.content.for_each
    return spec.document.where("for_each", "team" if for_each.rep is None else "rep")
