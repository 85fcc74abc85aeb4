"""Whom the reports of a spec are about: teams, or the company."""

from __future__ import annotations

from collections.abc import Sequence

from spm_lib.data.history import Snapshot
from spm_lib.errors import RunError, UnknownNameError, did_you_mean, one_line
from spm_lib.press.spec import Below, Spec


def subjects_of(spec: Spec, snapshot: Snapshot, asked: Sequence[str] | None) -> list[str | None]:
    """Give what a spec makes reports for: ids of teams in order of their names, or None for the company.

    Parameters
    ----------
    spec
        Its ``for_each`` says which teams; ``all`` are those with members of their own on the day.
    snapshot
        The store on the as-of date.
    asked
        Ids of teams to report on instead.

    Raises
    ------
    UnknownNameError
        Where there is no such team.
    RunError
        Where no team has members on the day.
    """
    refuse_reps(spec)
    said = spec.content.for_each.team
    if said is None:
        if asked:
            raise UnknownNameError(
                "this spec makes one report for the whole company",
                where=spec.document.where("for_each"),
                mend="Leave the team out",
            )
        return [None]
    wanted = list(asked) if asked else said
    if isinstance(wanted, list):
        return [_known(team, snapshot, spec) for team in dict.fromkeys(wanted)]
    manned = set(snapshot.staffed)
    if isinstance(wanted, Below):
        below = snapshot.scope(_known(wanted.parent, snapshot, spec)).team_ids or ()
        manned = {team for team in manned if team in below}
    found = [team for team in snapshot.teams.values() if team.team_id in manned]
    if not found:
        raise RunError(
            f"no team has members on {snapshot.date}",
            where=spec.document.where("for_each"),
            mend="Choose another as-of date, or for_each: {company: true}",
        )
    return [team.team_id for team in sorted(found, key=lambda team: (team.name.casefold(), team.team_id))]


def _known(team: str, snapshot: Snapshot, spec: Spec) -> str:
    if team in snapshot.teams:
        return team
    called = [t.team_id for t in snapshot.teams.values() if t.name.casefold() == team.casefold()]
    mend = f"The team of that name has the id '{called[0]}'" if called else did_you_mean(team, snapshot.teams)
    raise UnknownNameError(
        f"there is no team '{one_line(team, 80)}'", where=spec.document.where("for_each", "team"), mend=mend
    )


def refuse_reps(spec: Spec) -> None:
    """Raise where a spec asks for a report for each rep: specs may say so, nothing makes them yet."""
    if spec.content.for_each.rep:
        mend = "Write for_each: {team: all}"
        raise spec.document.error("reports per rep are not made yet", "for_each", "rep", mend=mend)
