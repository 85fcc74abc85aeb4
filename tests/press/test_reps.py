"""One report for each rep: who gets one, where it stands, what makes it stale, and whom it may name."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from typer.testing import CliRunner

from spm_lib.cli.application import app
from spm_lib.data.roster import managers_above, read_roster
from spm_lib.data.store import Store, open_store
from spm_lib.errors import ParameterError, RunError, UnknownNameError
from spm_lib.press import shelf
from spm_lib.press.index import write_index
from spm_lib.press.leaks import leaks
from spm_lib.press.plan import check
from spm_lib.press.records import check_published, read_record
from spm_lib.press.run import run
from spm_lib.press.shelf import state_of
from spm_lib.press.spec import load_spec

from .conftest import NOW, PARAMETERS, PUBLISH, SPEC, Project, book
from .test_index import Page, put
from .test_records import FIGURES, record
from .test_slugs import HOSTILE

MakeStore = Callable[..., Store]
D = dt.date

CARD = PARAMETERS + 'rep: str = ""\n'
REPS = SPEC.replace("{team: all}", "{rep: all}")
DAY = D(2017, 12, 31)

TEAMS = [("emea", "EMEA", None, "boss"), ("north", "North", "emea", "lead"), ("south", "South", "emea", None),
         ("ent", "Enterprise", None, None), ("empty", "Nobody", None, None)]  # fmt: skip


def rep(rep_id: str, name: str | None, manager: str | None = None, **more: object) -> dict[str, object]:
    return {"rep_id": rep_id, "name": name, "manager_id": manager} | more


PEOPLE = [
    rep("ceo", "Cleo Top", "ceo"),
    rep("boss", "Bea Boss", "ceo"),
    rep("lead", "Leo Lead", "boss"),
    rep("r-1", "Ann Lee", "lead"),
    rep("r-2", "Bo Li", "lead", hired_on=D(2017, 12, 31)),
    rep("r-3", "Mark", "lead", left_on=D(2017, 12, 31)),
    rep("r-4", "Left Before", "lead", left_on=D(2017, 12, 30)),
    rep("r-5", "Not Yet", "lead", hired_on=D(2018, 1, 1)),
    rep("r-6", "Ann Lee"),
    rep("12345", "Ann Lee Smith"),
    rep("r-8", "Moved Today"),
    rep("r-9", "In Two"),
    rep("r-10", None),
    rep("r-11", "No Team"),
]
NORTH = ("r-1", "r-2", "r-3", "r-4", "r-5")
MEMBERS = [
    *({"rep_id": each, "team_id": "north"} for each in NORTH),
    *({"rep_id": each, "team_id": "south"} for each in ("r-6", "12345", "r-10")),
    {"rep_id": "r-8", "team_id": "north", "valid_to": D(2017, 12, 30)},
    {"rep_id": "r-8", "team_id": "south", "valid_from": D(2017, 12, 31)},
    {"rep_id": "r-9", "team_id": "ent", "valid_from": D(2017, 1, 1)},
    {"rep_id": "r-9", "team_id": "north", "valid_from": D(2017, 6, 1)},
    {"rep_id": "r-11", "team_id": "ent", "valid_to": D(2017, 11, 30)},
]


def deal(number: int, name: str, owner: str, **more: object) -> dict[str, object]:
    day = D(2017, 10, number)
    return {
        "deal_id": f"D-{number:07}",
        "name": name,
        "owner_id": owner,
        "created_on": day,
        "outcome": "open",
    } | more


DEALS = [
    deal(1, "Acme first", "r-1", account_id="a-1", source="Web"),
    deal(2, "Bolt expansion", "r-2", account_id="a-2", product_id="p-1"),
    deal(3, "Ferro renewal", "r-3", account_id="a-3"),
    deal(4, "Moved on", "r-2", account_id="a-4"),
    deal(5, "Helped along", "r-6", account_id="a-5"),
    deal(6, "Acme second", "r-6", account_id="a-1"),
    deal(7, "Untouched", "r-8", account_id="a-6"),
]  # fmt: skip
CHANGES = [{"deal_id": "D-0000004", "changed_at": dt.datetime(2017, 11, 1), "field": "owner_id", "old_value": "r-1",
            "new_value": "r-2"}]  # fmt: skip
ACTIVITIES = [
    {"activity_id": "c-1", "deal_id": "D-0000005", "rep_id": "r-1", "occurred_at": dt.datetime(2017, 11, 2)}
]
ACCOUNTS = ["Acme", "Bolt", "Ferro AG", "Quick Sand", "Helpers", "Mark Industries"]


def company(make_store: MakeStore, **other: Sequence[Mapping[str, Any]]) -> Store:
    return make_store(
        **{
            "teams": [dict(zip(("team_id", "name", "parent_team_id", "manager_id"), t, strict=True)) for t in TEAMS],
            "reps": PEOPLE,
            "team_members": MEMBERS,
            "accounts": [{"account_id": f"a-{i}", "name": n} for i, n in enumerate(ACCOUNTS, start=1)],
            "products": [{"product_id": "p-1", "name": "Mark"}],
            "deals": DEALS,
            "deal_changes": CHANGES,
            "activities": ACTIVITIES,
        }
        | other,  # type: ignore[arg-type]
        meta={"last_data_date": DAY, "first_closed_on": D(2017, 1, 1)},
    )  # fmt: skip


@pytest.fixture
def project(make_store: MakeStore, tmp_path: Path) -> Project:
    made = Project(tmp_path, lambda: company(make_store))
    made.spec(REPS)
    made.notebook(book(PUBLISH, parameters=CARD))
    return made


def test_everybody_at_work_in_a_team_that_day_has_a_report_by_team_and_name(project: Project) -> None:
    jobs = project.plan(REPS + "parameters: {top_deals: 7}\n")
    assert [(job.team, job.rep) for job in jobs] == [
        ("north", "r-1"), ("north", "r-2"), ("north", "r-9"), ("north", "r-3"),
        ("south", "r-6"), ("south", "12345"), ("south", "r-8"), ("south", "r-10"),
    ]  # fmt: skip
    first = jobs[0]
    assert first.parameters == {
        "team": "north", "rep": "r-1", "period": "2017-Q4", "as_of": "2017-12-31", "top_deals": 7
    }  # fmt: skip
    assert (first.team_name, first.rep_name, first.name) == ("North", "Ann Lee", "Ann Lee")
    assert first.label == "Ann Lee (North), 2017-Q4"
    assert jobs[1].html == project.reports / "summary" / "2017-Q4" / "2017-12-31" / "bo-li.html"
    assert jobs[-1].rep_name == "r-10" and jobs[-1].html.name == "r-10.html"
    namesakes = {job.html.name for job in jobs if job.rep_name == "Ann Lee"}
    assert len(namesakes) == 2 and all(name.startswith("ann-lee-") for name in namesakes)
    assert len({job.html for job in jobs}) == len({job.fingerprint for job in jobs}) == len(jobs)
    moved = {job.rep: job.team for job in project.plan(REPS, as_of="2017-12-30")}
    assert moved["r-8"] == "north" and moved["r-4"] == "north" and "r-2" not in moved


def test_several_periods_for_each_rep(project: Project) -> None:
    jobs = project.plan("notebook: summary\nfor_each: {rep: [r-1, r-2], period: last-4-quarters}\n")
    assert len(jobs) == len({job.html for job in jobs}) == 8
    assert [job.rep for job in jobs] == 4 * ["r-1"] + 4 * ["r-2"]


def test_a_file_does_not_hang_on_who_is_asked_for(project: Project) -> None:
    whole = {job.rep: job.html for job in project.plan(REPS)}
    for one in whole:
        assert [job.html for job in project.plan(REPS, reps=[one])] == [whole[one]]


@pytest.mark.parametrize(
    ("for_each", "asked", "found"),
    [
        ("{rep: [r-2, r-1, r-2]}", {}, ["r-1", "r-2"]),
        ("{rep: [r-1, r-4, r-5, r-11]}", {}, ["r-1"]),
        ("{rep: {parent: south}}", {}, ["r-6", "12345", "r-8", "r-10"]),
        ("{rep: {parent: emea}}", {"teams": ["north"]}, ["r-1", "r-2", "r-9", "r-3"]),
        ("{rep: all}", {"teams": ["emea"], "reps": ["r-8", "r-1"]}, ["r-1", "r-8"]),
        ("{rep: [12345]}", {}, ["12345"]),
        ("{rep: all}", {"teams": ["south", "ent"]}, ["r-6", "12345", "r-8", "r-10"]),
    ],
)
def test_some_reps(project: Project, for_each: str, asked: dict[str, Any], found: list[str]) -> None:
    jobs = project.plan(SPEC.replace("{team: all}", for_each), **asked)
    assert [job.rep for job in jobs] == found


@pytest.mark.parametrize(
    ("for_each", "asked", "says"),
    [
        ("{rep: all}", {"reps": ["r-100"]}, "there is no rep 'r-100'. Did you mean 'r-10'?"),
        ("{rep: [r-100]}", {}, "summary.yml:2: there is no rep 'r-100'"),
        ("{rep: all}", {"reps": ["bo li"]}, "The rep of that name has the id 'r-2'"),
        ("{rep: all}", {"reps": ["Ann Lee"]}, "Several are called so: their ids are 'r-1', 'r-6'"),
        ("{rep: all}", {"reps": ["r-1", "r-4"]}, "'r-4' (Left Before) left on 2017-12-30. Choose an earlier"),
        ("{rep: all}", {"reps": ["r-5"]}, "'r-5' (Not Yet) begins on 2018-01-01. Choose a later"),
        ("{rep: all}", {"reps": ["r-11"]}, "'r-11' (No Team) is in no team on 2017-12-31"),
        ("{rep: {parent: south}}", {"reps": ["r-1"]}, "'r-1' (Ann Lee) is not among the reps asked for"),
        ("{rep: all}", {"reps": ["r-1"], "teams": ["south"]}, "is not among the reps asked for"),
        ("{rep: {parent: suth}}", {}, "there is no team 'suth'. Did you mean 'south'?"),
        ("{rep: all}", {"teams": ["South"]}, "The team of that name has the id 'south'"),
        ("{team: all}", {"reps": ["r-1"]}, "this spec makes no reports per rep. Leave the rep out"),
        ("{company: true}", {"reps": ["r-1"]}, "this spec makes no reports per rep"),
    ],
)  # fmt: skip
def test_who_is_not_there_is_told(project: Project, for_each: str, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        project.plan(SPEC.replace("{team: all}", for_each), **asked)
    assert says in str(caught.value)


def test_a_day_or_a_team_without_anybody(project: Project, make_store: MakeStore, tmp_path: Path) -> None:
    for text, more in (
        (REPS, {"teams": ["empty"]}),
        (REPS.replace("all", "[r-4]"), {}),
        (REPS.replace("all", "{parent: empty}"), {}),
    ):
        with pytest.raises(RunError, match="no rep of these is at work in a team on 2017-12-31"):
            project.plan(text, **more)
    project.store = company(make_store, team_members=[], teams=[])
    with pytest.raises(RunError, match="team_members"):
        project.plan(REPS)


def test_a_notebook_must_take_the_rep_and_may_take_the_team(project: Project) -> None:
    project.notebook(book(PUBLISH, parameters='rep: str | None = "r-1"\n'))
    assert project.plan(REPS.replace("period: this-quarter\n", ""))[1].parameters == {"rep": "r-2"}
    # What the notebook is tried with does not stay in the reports on teams and on the company.
    assert project.plan("notebook: summary\nfor_each: {company: true}\n")[0].parameters == {"rep": None}
    project.notebook(book(PUBLISH, parameters=PARAMETERS))
    with pytest.raises(ParameterError, match="no parameter 'rep'"):
        project.plan(REPS)
    with pytest.raises(ParameterError, match="no parameter 'rep'"):
        check(load_spec(project.spec(REPS)))
    project.notebook(book(PUBLISH, parameters=CARD))
    check(load_spec(project.spec(REPS)))
    with pytest.raises(ParameterError, match="'rep' is not set as a parameter"):
        project.plan(REPS, parameters={"rep": "r-1"})
    assert {job.parameters["rep"] for job in project.plan(SPEC)} == {""}


def test_hostile_names_stay_inside(make_store: MakeStore, project: Project) -> None:
    people = [rep(f"株-{i}", name) for i, name in enumerate(HOSTILE)]
    members = [{"rep_id": each["rep_id"], "team_id": "north"} for each in people]
    project.store = company(make_store, reps=people, team_members=members)
    jobs = project.plan(REPS)
    folder = project.reports.resolve() / "summary" / "2017-Q4" / "2017-12-31"
    assert len({job.html for job in jobs}) == len(HOSTILE)
    assert all(job.html.resolve().parent == folder and job.html.name.isascii() for job in jobs)
    assert all(job.label.isprintable() and len(job.label) <= 80 for job in jobs)


def test_the_team_of_a_day_is_the_one_that_metrics_count_for(make_store: MakeStore) -> None:
    drawn = random.Random(7)
    days = [D(2017, 1, 1) + dt.timedelta(days=n) for n in range(40)]
    people = [rep(f"r-{i}", f"Rep {i}") for i in range(60)]
    members = []
    for each in people:
        for team in drawn.choices(["north", "south", "ent"], k=drawn.randint(0, 4)):
            since, until = drawn.choice([*days, None]), drawn.choice([*days, None])
            members.append(
                {"rep_id": each["rep_id"], "team_id": team, "valid_from": since, "valid_to": until}
            )
    store = company(make_store, reps=people, team_members=members)
    seen = set()
    for day in (days[0], days[17], days[39], DAY):
        snapshot = store.as_of(day)
        placed = snapshot.with_team(snapshot.table("reps"), "rep_id", day).execute()
        expected = {
            row.rep_id: row.team if isinstance(row.team, str) else None for row in placed.itertuples()
        }
        roster = read_roster(snapshot)
        assert {each.rep_id: each.team_id for each in roster.values()} == expected
        seen |= set(expected.values())
    assert seen == {"north", "south", "ent", None}
    assert {tuple(each.teams) for each in roster.values()} == {
        tuple(sorted({m["team_id"] for m in members if m["rep_id"] == each["rep_id"]})) for each in people
    }


def test_managers_above_in_a_circle_are_told_once(make_store: MakeStore) -> None:
    people = [rep("a", "A", "b"), rep("b", "B", "c"), rep("c", "C", "a"), rep("d", "D", "gone")]
    roster = read_roster(company(make_store, reps=people, team_members=[]).as_of(DAY))
    assert managers_above(roster["a"], [None, "gone", "d", "a"], roster) == {"b": "B", "c": "C", "d": "D"}


def done(job: Any) -> None:
    shelf.place(job, html="<p>page", notebook="{}")
    who = {"team": job.team, "team_name": job.team_name, "rep": job.rep, "rep_name": job.rep_name}
    shelf.commit(job, record(**who, fingerprint=job.fingerprint))


def test_a_report_is_stale_once_its_team_or_an_earlier_one_has_changed(project: Project) -> None:
    def stale(*statements: str) -> set[str | None]:
        for job in project.plan(REPS):
            done(job)
        assert {state_of(job) for job in project.plan(REPS)} == {"fresh"}
        project.store.close()
        with duckdb.connect(str(project.store.path)) as connection:
            for statement in statements:
                connection.execute(statement)
        project.store = open_store(project.store.path)
        return {job.rep for job in project.plan(REPS) if state_of(job) == "stale"}

    north, south = {"r-1", "r-2", "r-3"}, {"r-6", "12345", "r-10"}
    # Who was in both reads of both; nothing of Enterprise is read by any but the one who was there.
    assert stale("update deals set amount = 1 where deal_id = 'D-0000001'") == north | {"r-8", "r-9"}
    assert stale("update deals set amount = 2 where deal_id = 'D-0000006'") == south | {"r-8"}
    assert stale("update reps set role = 'x' where rep_id = 'r-11'") == {"r-9"}
    assert stale("update products set list_price = 1") == north | south | {"r-8", "r-9"}


def test_planning_many_reps_asks_the_store_no_more_than_planning_one(
    make_store: MakeStore, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = company(make_store)
    store.close()
    with duckdb.connect(str(store.path)) as connection:
        connection.execute(
            "insert into reps (rep_id, name) select 'x' || i, 'Rep ' || i from range(2000) r(i)"
        )
        connection.execute(
            "insert into team_members (rep_id, team_id) select 'x' || i, 'north' from range(2000) r(i)"
        )
    project.store = open_store(store.path)
    asked: list[str] = []
    rows = Store.rows
    monkeypatch.setattr(Store, "rows", lambda self, *more: asked.append(more[0]) or rows(self, *more))
    assert len(project.plan(REPS)) == 2008
    few = len(asked)
    assert len(project.plan(REPS, reps=["r-1"])) == 1
    assert few <= len(asked) - few + 10 < 60


def said(text: str) -> Any:
    """An executed notebook that says something."""
    output = new_output("display_data", data={"text/html": text})
    return new_notebook(cells=[new_code_cell("show()", outputs=[output])])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ann Lee, r-1, of North in EMEA, with Leo Lead, Bea Boss and boss, ceo Cleo Top", ()),
        ("Acme first for <b>Acme</b>, D-0000001 by Web", ()),
        ("Moved on was hers until November, with Quick Sand", ()),
        ("She helped: Helped along, D-0000005, Helpers", ()),
        ("Mark is a product too, and 12345 a number", ()),
        ("Bo Li", ("person 'Bo Li'",)),
        ("r-2", ("person 'r-2'",)),
        ("r-6 is called Ann Lee as well", ("person 'r-6'",)),
        ("Ann Lee Smith", ("person 'Ann Lee Smith'",)),
        ("Acme second", ("deal 'Acme second'",)),
        ("Mark Industries", ("account 'Mark Industries'",)),
        ("D-0000003 of Ferro AG", ("deal 'D-0000003'", "account 'Ferro AG'")),
        ("<i>Bolt&nbsp;expansion</i>", ("deal 'Bolt expansion'", "account 'Bolt'")),
        ("South, Enterprise", ("team 'South'", "team 'Enterprise'")),
        ('<img alt="Untouched">', ("deal 'Untouched'",)),
        ("Left Before, Not Yet", ("person 'Left Before'", "person 'Not Yet'")),
    ],
)  # fmt: skip
def test_a_rep_reads_of_own_work_own_line_and_nobody_else(
    project: Project, text: str, found: tuple[str, ...]
) -> None:
    (job,) = project.plan(REPS, reps=["r-1"])
    assert set(leaks(job, said(text))) == set(found)


def test_ones_own_name_said_twice_is_not_anothers_that_it_begins_with(project: Project) -> None:
    (job,) = project.plan(REPS, reps=["12345"])
    assert leaks(job, said("Ann Lee Smith Ann Lee Smith")) == ()
    assert set(leaks(job, said("Ann Lee Smith Ann Lee"))) == {"person 'Ann Lee'"}


def test_a_name_of_anothers_that_begins_like_one_of_ones_own_is_found_in_team_reports_too(
    project: Project,
) -> None:
    (job,) = project.plan(SPEC.replace("all", "[north]"))
    # Acme is North's as well; the deal is not.
    assert leaks(job, said("Acme and Acme second, Acme Acme first")) == ("deal 'Acme second'",)


def test_a_report_that_names_a_colleague_is_held_and_the_others_are_made(project: Project) -> None:
    tells = 'print("Won by", rep, "with Bo Li" if rep == "r-1" else "")'
    project.notebook(book(tells, PUBLISH, parameters=CARD))
    jobs = project.plan(REPS.replace("all", "[r-1, r-2]"))
    summary = run(jobs, clock=lambda: NOW, workers=2)
    assert [(r.job.rep, r.status) for r in summary.results] == [("r-1", "held"), ("r-2", "done")]
    assert "names what is not its rep's: person 'Bo Li'" in str(summary.held[0].failure)
    ann, bo = jobs
    assert not ann.html.exists() and ann.ipynb.exists()
    kept = read_record(bo.record)
    assert (kept.team, kept.rep, kept.rep_name, kept.kind) == ("north", "r-2", "Bo Li", "rep")
    assert "Bo Li" in bo.html.read_text("utf-8")
    assert shelf.find(project.reports, "Bo Li").html == bo.html == shelf.find(project.reports, "r-2").html
    html = write_index(project.reports).read_text("utf-8")
    assert "spm run params/summary.yml --period 2017-Q4 --as-of 2017-12-31 --rep r-1" in html
    allowed = REPS.replace("all", "[r-1]") + "shared_names: [Bo Li]\n"
    assert len(run(project.plan(allowed), clock=lambda: NOW).done) == 1


def test_the_command_line_takes_reps(project: Project) -> None:
    words = ["plan", str(project.spec(REPS)), "--store", str(project.store.path), "--json"]
    told = CliRunner().invoke(
        app, [*words, "--rep", "r-2", "--rep", "r-1", "--reports", str(project.reports)]
    )
    assert told.exit_code == 0, told.output
    assert [(row["rep"], row["rep_name"], row["team"]) for row in json.loads(told.stdout)] == [
        ("r-1", "Ann Lee", "north"),
        ("r-2", "Bo Li", "north"),
    ]
    assert CliRunner().invoke(app, [*words[:-1], "--team", "south"]).stdout.count("South") == 4


def test_the_index_shows_reps_with_their_team_and_never_who_is_behind(tmp_path: Path) -> None:
    day = D(2017, 12, 1)

    def behind(name: str, **more: Any) -> None:
        figures = check_published(FIGURES | {"standing": "behind"})
        put(tmp_path, f"{more['spec']}/2017-Q4/2017-12-01/{name}", as_of=day, published=figures, **more)

    for key, name, team in (("r-2", "Zoe", "North"), ("r-1", "ann", "North"), ("r-3", "Bo", "East")):
        behind(key, spec="card", team=team.lower(), team_name=team, rep=key, rep_name=name)
    level = check_published(FIGURES | {"standing": "level"})
    put(
        tmp_path,
        "summary/2017-Q4/2017-12-01/north",
        team="north",
        team_name="North",
        as_of=day,
        published=level,
    )
    html = write_index(tmp_path).read_text("utf-8")
    page = Page(html)
    assert page.within("newest", "name", without=("verdict",)) == ["North", "Bo", "ann", "Zoe"]
    assert page.within("newest", "note")[-3:] == ["East", "North", "North"]
    assert page.within("<thead>") == [
        "Team",
        "Win rate",
        "Revenue",
        "Report",
        "Rep",
        "Win rate",
        "Revenue",
        "Report",
    ]
    assert "3 reps, the newest report of each" in html and "1 team, the newest report" in html
    # The team's word is about the team; of its people none is counted or named.
    assert "<h1>North is on pace for Q4 2017</h1>" in html and "Behind" not in html
    assert html.count(">North</option>") == 1 and html.count(">East</option>") == 1


def test_a_rep_who_moves_keeps_one_line(tmp_path: Path) -> None:
    for month, team in ((10, "north"), (11, "south")):
        put(
            tmp_path, f"card/2017-Q4/2017-{month}-01/ann", spec="card", team=team, team_name=team.title(), rep="r-1",
            rep_name="Ann", as_of=D(2017, month, 1),
        )  # fmt: skip
    page = Page(write_index(tmp_path).read_text("utf-8"))
    assert page.within("newest", "note")[0] == "South"
    assert "1 earlier report" in " ".join(page.within("<summary>"))
