"""Making reports: scored, planned, made and indexed, for ``spm run``, the demo and schedules alike."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spm_lib import terminal
from spm_lib.cli.options import now, parameters_of, utc
from spm_lib.cli.project import readers, today_of
from spm_lib.errors import RunError, SpmError, one_line
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.plan import Job
    from spm_lib.press.run import Result


@dataclass(frozen=True)
class ReportsMade:
    """How the reports of a spec were made.

    Parameters
    ----------
    code
        The exit code: 130 where it was stopped, 1 where a report failed or is held.
    day
        The day that the reports speak of; None where none was planned.
    failed
        Each report that failed or is held, with its cell and error, how to look at it, and its parameters.
    unscored
        Each day that could not be scored, and why: its reports tell of no scores.
    """

    code: int
    day: dt.date | None = None
    failed: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()


def put_index(settings: Settings) -> Path:
    """Write the index over all reports, with what became of their delivery.

    Raises
    ------
    RunError
        Where it cannot be written.
    """
    from spm_lib.data.ledger import ledger_path
    from spm_lib.press.deliver.deliveries import deliveries
    from spm_lib.press.index import write_index

    try:
        return write_index(settings.reports, deliveries(ledger_path(settings.store)))
    except OSError as error:
        raise RunError(
            f"the index cannot be written ({one_line(str(error), 160)})",
            where=str(settings.reports),
            mend="Free some space, or name another folder with --reports; reports that were made stand",
        ) from error


def score_days(
    store: Path,
    days: Collection[dt.date],
    *,
    json: bool = False,
    raise_passing: bool = False,
) -> tuple[bool, tuple[str, ...]]:
    """Score days that are not scored yet; what cannot be scored is told, and stops nothing.

    Parameters
    ----------
    store, days, json
        The store's file, the days, and whether a program reads what is printed.
    raise_passing
        Whether a reason that passes, as another one who scores does, is raised after all: the caller comes again.

    Returns
    -------
    tuple of bool and tuple of str
        Whether any day was scored now; and why days could not be, a sentence each.
    """
    from spm_lib.models.scoring import score_store

    anything, failed = False, []
    for day in sorted(days):
        try:
            with terminal.working(f"Scoring open deals as of {day}", quiet=json) as say:
                scored = score_store(store, day, clock=utc, progress=say)
        except SpmError as error:
            if raise_passing and error.passing:
                raise
            failed.append(f"Open deals are not scored as of {day}: {error}")
            terminal.complain(f"Not scored: {error}")
            continue
        if scored.state == "scored":
            anything = True
            if not json:
                terminal.show_scored(scored, brief=True)
    return anything, tuple(failed)


def run_reports(
    spec: Path,
    settings: Settings,
    *,
    today: dt.date | None = None,
    period: str | None = None,
    as_of: str | None = None,
    teams: list[str] | None = None,
    reps: list[str] | None = None,
    parameters: list[str] | None = None,
    jobs: int | None,
    cluster: str | None = None,
    force: bool = False,
    code: bool = False,
    json: bool = False,
    raise_passing: bool = False,
) -> ReportsMade:
    """Plan, run, write the index, tell.

    Parameters
    ----------
    spec, settings, period, as_of, teams, reps, parameters, jobs, cluster, force, code, json
        As the command's options.
    today
        What ``as_of: today`` means; by default today where the spec's schedule is at home, else here.
    raise_passing
        See `score_days`.
    """
    from spm_lib.data.store import open_store
    from spm_lib.press import spec as specs
    from spm_lib.press.plan import plan as jobs_of
    from spm_lib.press.run import run as make

    content = specs.load_spec(spec)
    if content.content.env:
        from spm_lib.press.deliver.mail_server import settings_said

        # Nobody has a say in a timer's environment: what reports are given may stand in the file of settings.
        said = settings_said(os.environ, settings.root / ".env")
        os.environ.update({name: said[name] for name in content.content.env if name in said})
    # A slip in the company's own words would fail each report that tells them, one by one.
    for name, reader in readers().items():
        if (spec.parent / name).is_file():
            reader(spec.parent / name)

    def plan_jobs() -> tuple[Job, ...]:
        with open_store(settings.store) as opened:
            return jobs_of(
                content,
                opened,
                today=today or today_of(content, now()),
                reports=settings.reports,
                period=period,
                as_of=as_of,
                teams=teams,
                reps=reps,
                parameters=parameters_of(parameters),
                code=code,
                locale=settings.locale,
            )

    planned = plan_jobs()
    # Planned first, as a mistake is told at once and scoring may take a minute; and again, as reports tell of scores.
    unscored: tuple[str, ...] = ()
    if content.content.score:
        scored, unscored = score_days(
            settings.store, {job.as_of for job in planned}, json=json, raise_passing=raise_passing
        )
        planned = plan_jobs() if scored else planned
    with terminal.counting(f"Making {len(planned)} reports", len(planned), quiet=json) as tell:
        summary = make(planned, clock=utc, workers=jobs, cluster=cluster, force=force, progress=tell)
    place = put_index(settings)
    terminal.show_run(summary, place, json=json)
    troubles = (*summary.failed, *summary.held)
    return ReportsMade(
        130 if summary.interrupted else min(len(troubles), 1),
        next((job.as_of for job in planned), None),
        tuple(map(_trouble, troubles)),
        unscored,
    )


def _trouble(result: Result) -> str:
    """Say in one line what is wrong with a report, and how to look at it."""
    job = result.job
    name = job.html.relative_to(job.reports).with_suffix("").as_posix()
    given = ", ".join(f"{key}={value}" for key, value in job.parameters.items()) or "none"
    return (
        f"{job.label}: {'failed at' if result.status == 'failed' else 'held:'} {one_line(str(result.failure), 160)}. "
        f"Look at it with: {shlex.join(['spm', 'open', name])}. Parameters: {one_line(given, 120)}"
    )
