"""What a run spec means on a store at a date."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from spm_lib.errors import ParameterError, PeriodError, RunError, UnknownNameError
from spm_lib.press.plan import check
from spm_lib.press.spec import load_spec

from .conftest import PARAMETERS, PUBLISH, SPEC, TODAY, Project, book
from .test_slugs import HOSTILE

MakeProject = Callable[..., Project]
DAY = dt.date(2017, 12, 31)


def test_one_job_for_every_team_with_members(make_project: MakeProject) -> None:
    project = make_project()
    jobs = project.plan(SPEC + "parameters: {top_deals: 7}\n")
    assert [(j.team, j.team_name, j.period, j.period_title, j.as_of) for j in jobs] == [
        ("a", "North", "2017-Q4", "Q4 2017", DAY),
        ("b", "South", "2017-Q4", "Q4 2017", DAY),
        ("c", "West", "2017-Q4", "Q4 2017", DAY),
    ]
    assert jobs[1].parameters == {"team": "b", "period": "2017-Q4", "as_of": "2017-12-31", "top_deals": 7}
    assert jobs[1].html == project.reports / "summary" / "2017-Q4" / "2017-12-31" / "south.html"
    assert (jobs[1].ipynb.name, jobs[1].record.name) == ("south.ipynb", "south.json")
    assert len({j.fingerprint for j in jobs}) == 3
    assert not project.reports.exists()
    assert pickle.loads(pickle.dumps(jobs)) == jobs


def test_members_count_on_the_as_of_date(make_project: MakeProject) -> None:
    members = [
        {"rep_id": "r-0", "team_id": "a", "valid_to": dt.date(2017, 12, 30)},
        {"rep_id": "r-0", "team_id": "b", "valid_from": dt.date(2017, 12, 31)},
        {"rep_id": "r-1", "team_id": "c", "valid_from": dt.date(2018, 1, 1)},
    ]
    project = make_project(members=members)
    assert [j.team for j in project.plan()] == ["b"]
    assert [j.team for j in project.plan(as_of="2017-12-30")] == ["a"]
    with pytest.raises(RunError, match="no team has members on 2017-12-30"):
        project.plan(SPEC.replace("all", "{parent: c}"), as_of="2017-12-30")


def test_teams_by_id_and_below_a_parent(make_project: MakeProject) -> None:
    teams = {"emea": "EMEA", "uk": "UK", "de": "DE", "us": "US"}
    members = [{"rep_id": f"r-{i}", "team_id": t} for i, t in enumerate(("uk", "de", "us"))]
    project = make_project(teams, parents={"uk": "emea", "de": "emea"}, members=members)
    assert [j.team for j in project.plan(SPEC.replace("all", "{parent: emea}"))] == ["de", "uk"]
    assert [j.team for j in project.plan(SPEC.replace("all", "[us, emea, us]"))] == ["us", "emea"]
    assert [j.team for j in project.plan(teams=["uk"])] == ["uk"]


@pytest.mark.parametrize(
    ("team", "says"),
    [("b2", "Did you mean 'b'?"), ("south", "The team of that name has the id 'b'"), ("x", "Known: a, b, c")],
)
def test_an_unknown_team(make_project: MakeProject, team: str, says: str) -> None:
    project = make_project()
    for more in ({"text": SPEC.replace("all", f"[{team}]")}, {"teams": [team]}):
        with pytest.raises(UnknownNameError) as caught:
            project.plan(**more)
        assert says in str(caught.value)
        assert "summary.yml:2: there is no team" in str(caught.value)


def test_the_company(make_project: MakeProject) -> None:
    project = make_project()
    text = SPEC.replace("team: all", "company: true")
    (job,) = project.plan(text)
    assert (job.team, job.team_name, job.html.name) == (None, "Company", "company.html")
    assert job.parameters["team"] is None
    with pytest.raises(UnknownNameError, match="whole company"):
        project.plan(text, teams=["a"])
    project.notebook(book(PUBLISH, parameters=PARAMETERS.replace(" | None", "")))
    assert project.plan(text)[0].parameters["team"] == ""
    project.notebook(book(PUBLISH, parameters=PARAMETERS.replace("str | None", "Literal[1]")))
    with pytest.raises(ParameterError, match="'team' is a whole number, not null"):
        project.plan(text)


def test_several_periods(make_project: MakeProject) -> None:
    jobs = make_project().plan("notebook: summary\nfor_each: {company: true, period: last-4-quarters}\n")
    assert [j.period for j in jobs] == ["2016-Q4", "2017-Q1", "2017-Q2", "2017-Q3"]
    assert len({j.html for j in jobs}) == 4


@pytest.mark.parametrize(
    ("spec", "asked", "day", "period"),
    [
        ("", {}, DAY, "2017-Q4"),
        ("as_of: latest\n", {}, DAY, "2017-Q4"),
        ("as_of: today\n", {}, TODAY, "2030-Q1"),
        ("as_of: 2017-05-01\n", {}, dt.date(2017, 5, 1), "2017-Q2"),
        ("as_of: today\n", {"as_of": "2017-05-01"}, dt.date(2017, 5, 1), "2017-Q2"),
        ("as_of: today\n", {"as_of": dt.date(2017, 5, 1)}, dt.date(2017, 5, 1), "2017-Q2"),
        ("", {"period": 2017}, DAY, "2017"),
        ("", {"period": "2017-10-01..2017-11-15"}, DAY, "2017-10-01..2017-11-15"),
    ],
)
def test_days_and_periods(
    make_project: MakeProject, spec: str, asked: dict[str, Any], day: dt.date, period: str
) -> None:
    job = make_project().plan(SPEC + spec, **asked)[0]
    assert (job.as_of, job.period) == (day, period)
    assert (job.parameters["as_of"], job.parameters["period"]) == (day.isoformat(), period)
    assert job.data_date == min(day, DAY)


def test_a_period_that_is_none(make_project: MakeProject) -> None:
    with pytest.raises(PeriodError, match="this-quarter"):
        make_project().plan(period="this-quater")


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (
            SPEC + "parameters:\n  top_dels: 7\n",
            {},
            "summary.yml:4: the notebook has no parameter 'top_dels'. Did",
        ),
        (SPEC + "parameters:\n  top_deals: many\n", {}, "'top_deals' is a whole number, not text ('many')"),
        (SPEC, {"parameters": {"top_dels": 7}}, "Did you mean 'top_deals'?"),
        (SPEC, {"parameters": {"team": "a"}}, "'team' is not set as a parameter"),
    ],
)
def test_unknown_and_mistyped_parameters_stop_the_plan(
    make_project: MakeProject, text: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(ParameterError) as caught:
        make_project().plan(text, **more)
    assert says in str(caught.value)


def test_parameters_asked_for_win(make_project: MakeProject) -> None:
    jobs = make_project().plan(SPEC + "parameters: {top_deals: 7}\n", parameters={"top_deals": 9})
    assert {j.parameters["top_deals"] for j in jobs} == {9}


@pytest.mark.parametrize(
    ("missing", "text", "fails"),
    [
        ("team", SPEC, True),
        ("period", SPEC, True),
        ("period", SPEC.replace("period: this-quarter\n", ""), False),
        ("as_of", SPEC, False),
        ("as_of", SPEC + "as_of: 2017-12-01\n", True),
    ],
)
def test_a_notebook_must_take_what_tells_its_reports_apart(
    make_project: MakeProject, missing: str, text: str, fails: bool
) -> None:
    project = make_project()
    lines = [line for line in PARAMETERS.splitlines() if not line.startswith(missing)]
    project.notebook(book(PUBLISH, parameters="\n".join(lines)))
    if fails:
        with pytest.raises(ParameterError, match=f"no parameter '{missing}'"):
            project.plan(text)
        with pytest.raises(ParameterError, match=f"no parameter '{missing}'"):
            check(load_spec(project.spec(text)))
    else:
        assert all(missing not in j.parameters for j in project.plan(text))


def test_check_needs_no_store(make_project: MakeProject) -> None:
    project = make_project()
    check(load_spec(project.spec()))
    with pytest.raises(ParameterError, match="top_deals"):
        check(load_spec(project.spec(SPEC + "parameters: {top_deals: many}\n")))
    with pytest.raises(ParameterError, match="no parameter 'rep'"):
        check(load_spec(project.spec("notebook: summary\nfor_each: {rep: all}\n")))


def test_stale_data_are_told(make_project: MakeProject) -> None:
    project = make_project()
    gates = SPEC + "gates: {max_age_days: 2}\n"
    told = "The data end on 2017-12-31, 4385 days before 2030-01-02: more than the 2 allowed"
    assert project.plan(gates + "as_of: latest\n")[0].warnings == (told,)
    assert project.plan(gates + "as_of: today\n")[0].warnings == (told,)
    assert project.plan(gates, as_of="latest")[0].warnings == ()
    assert project.plan(gates, as_of="2018-01-02")[0].warnings == ()
    assert len(project.plan(gates, as_of="2018-01-03")[0].warnings) == 1


def test_hostile_team_names_stay_inside(make_project: MakeProject) -> None:
    project = make_project({f"id-{i}": name for i, name in enumerate(HOSTILE)})
    jobs = project.plan()
    assert len({j.html for j in jobs}) == len(HOSTILE)
    folder = project.reports.resolve() / "summary" / "2017-Q4" / "2017-12-31"
    assert all(j.html.resolve().parent == folder for j in jobs)
    assert all(j.label.isprintable() and len(j.label) <= 80 for j in jobs)
    assert {j.team_name for j in jobs} == set(HOSTILE)


def test_a_fingerprint_changes_with_what_the_report_is_made_of(make_project: MakeProject) -> None:
    project = make_project()
    before = project.plan()[0].fingerprint
    assert project.plan()[0].fingerprint == before
    assert project.plan(parameters={"top_deals": 9})[0].fingerprint != before
    assert project.plan(code=True)[0].fingerprint != before
    assert project.plan(locale="de_DE")[0].fingerprint != before
    path: Path = project.root / "notebooks" / "summary.ipynb"
    made = nbformat.read(path, as_version=4)
    made.cells[-1].outputs = [nbformat.v4.new_output("stream", text="saved in JupyterLab\n")]
    nbformat.write(made, path)
    assert project.plan()[0].fingerprint == before
    made.cells[-1].source += "\n1 + 1"
    nbformat.write(made, path)
    assert project.plan()[0].fingerprint != before
