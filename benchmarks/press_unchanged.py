"""A hundred reports that nothing changed for: how long the call takes that finds so."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from press_company import TEAM_SPEC, Asked, Company, copy_notebook
from timing import Section, at_most, in_turn

LIMIT = 3.0  # seconds
REPORTS = 100
PERIODS = 4
ROUNDS = 5

SPEC = """\
# Exactly a hundred reports of the real kind.
notebook: team_performance
for_each: {{team: [{teams}], period: last-{periods}-quarters}}
as_of: latest
"""


def unchanged(company: Company, asked: Asked) -> Section:
    """Make the reports, then time the calls that have nothing to do."""
    copy_notebook(company)
    teams = [job["team"] for job in company.plan(TEAM_SPEC, min(asked.teams, REPORTS // PERIODS))]
    spec = company.new_spec("unchanged", SPEC.format(teams=", ".join(teams), periods=PERIODS))
    reports = len(company.run(spec, "unchanged").records)

    def again() -> None:
        made = company.run(spec, "unchanged").made
        assert made == 0, f"{made} reports were made again, though nothing changed"

    timed = in_turn([(f"spm run, {reports} unchanged reports", again)], ROUNDS)
    section = Section("Nothing to do", list(timed))
    what = f"seconds of the whole call for {reports} unchanged reports"
    section.claim(at_most(what, LIMIT, timed[0].median), full=reports >= REPORTS)
    return section
