"""Links from one report to others: planned with the job, resolved where a page stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spm_lib.errors import SpecError
from spm_lib.press.make import facts

from .conftest import SPEC, Project

MakeProject = Callable[..., Project]

TEAMS = {"a": "North", "b": "South / East", "c": "West"}
OVER_ALL = "notebook: summary\nfor_each: {company: true}\nperiod: this-quarter\nlinks_to: summary\n"


def stands(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<p>page")
    return path


def test_links_lead_to_pages_that_stand_for_the_same_period_and_day(make_project: MakeProject) -> None:
    project = make_project(TEAMS)
    north, south, west = project.plan(SPEC)
    project.spec(SPEC)
    (job,) = project.plan(OVER_ALL, "over all")
    assert job.team_pages == {}
    stands(south.html)
    stands(west.html.parents[1] / "2017-12-30" / west.html.name)
    (linking,) = project.plan(OVER_ALL, "over all")
    assert list(linking.team_pages) == ["b"]
    assert (linking.html.parent / linking.team_pages["b"]).resolve() == south.html
    assert facts(linking).team_pages == linking.team_pages
    assert linking.fingerprint != job.fingerprint, "a page that came since makes the report stale"
    (other,) = project.plan(OVER_ALL, "over all", period="2017-Q3")
    assert other.team_pages == {}
    (coming,) = project.plan(OVER_ALL, "over all", upcoming=[north.html])
    assert sorted(coming.team_pages) == ["a", "b"]


def test_a_report_links_to_others_and_not_to_itself(make_project: MakeProject) -> None:
    project = make_project(TEAMS)
    for job in project.plan(SPEC):
        stands(job.html)
    linking = project.plan(f"{SPEC}links_to: summary\n")
    assert [sorted(job.team_pages) for job in linking] == [["b", "c"], ["a", "c"], ["a", "b"]]
    assert all(job.team_pages == {} for job in project.plan(SPEC))


def test_a_spec_that_is_not_there_is_named_with_the_nearest(make_project: MakeProject) -> None:
    project = make_project(TEAMS)
    with pytest.raises(SpecError, match=r":4: there is no spec 'sumary' to link to.*Did you mean 'summary'"):
        project.plan(OVER_ALL.replace("links_to: summary", "links_to: sumary"), "summary")
