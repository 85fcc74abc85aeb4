"""A team's report holds nothing of another's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from nbformat.v4 import new_output

from spm_lib.data.store import Store
from spm_lib.press.index import write_index
from spm_lib.press.leaks import leaks
from spm_lib.press.make import make
from spm_lib.press.run import run

from .conftest import NOW, PUBLISH, SPEC, Project, book

MakeStore = Callable[..., Store]

TEAMS = [
    ("emea", "EMEA", None),
    ("north", "EMEA North", "emea"),
    ("south", "South", "emea"),
    ("ent", "Enterprise", None),
]
PEOPLE = [
    ("r-1", "Ann Lee", "north"),
    ("r-2", "Bo Li", "south"),
    ("r-3", "Mark", "ent"),
    ("r-4", "Cy Both", "north"),
]
LONG = "Zygmunt " * 12 + "renewal"


def deal(number: int, name: str, owner: str, **more: object) -> dict[str, object]:
    day = dt.date(2017, 10, number)
    return {
        "deal_id": f"D-{number:07}",
        "name": name,
        "owner_id": owner,
        "created_on": day,
        "outcome": "open",
    } | more


DEALS = [
    deal(1, "Acme – first", "r-1", account_id="a-1", source="Web"),
    deal(2, "Bolt & Sons", "r-2", account_id="a-2", product_id="p-1"),
    deal(3, LONG, "r-3", account_id="a-3"),
    deal(4, "Moved on", "r-2", account_id="a-1"),
    deal(5, "12345", "r-3"),
    deal(6, "“Quoted” deal", "r-3"),
    deal(7, "Odd\u00a0space\u00a0here", "r-3"),
]


@pytest.fixture
def project(make_store: MakeStore, tmp_path: object) -> Project:
    def load() -> Store:
        return make_store(
            teams=[{"team_id": t, "name": n, "parent_team_id": p} for t, n, p in TEAMS],
            reps=[{"rep_id": r, "name": n} for r, n, _ in PEOPLE],
            team_members=[{"rep_id": r, "team_id": t} for r, _, t in PEOPLE]
            + [{"rep_id": "r-4", "team_id": "south"}],
            accounts=[
                {"account_id": f"a-{i}", "name": n} for i, n in ((1, "Acme"), (2, "Bolt"), (3, "Ferro AG"))
            ],
            products=[{"product_id": "p-1", "name": "South"}],
            deals=DEALS,
            deal_changes=[
                {
                    "deal_id": "D-0000004",
                    "changed_at": dt.datetime(2017, 11, 1),
                    "field": "owner_id",
                    "old_value": "r-1",
                    "new_value": "r-2",
                }
            ],
            meta={"last_data_date": dt.date(2017, 12, 31)},
        )

    return Project(tmp_path, load)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Ann Lee works on Acme – first, D-0000001, in EMEA North of EMEA, with Cy Both", ()),
        ("Moved on was ours until November", ()),
        ("South is a product too, and 12345 a number", ()),
        ("Mark my words", ("person 'Mark'",)),
        ("remark, Marks, mark, Enterprises", ()),
        ("Bo  Li of <b>Bolt &amp; Sons</b>", ("person 'Bo Li'", "deal 'Bolt & Sons'", "account 'Bolt'")),
        ("D-0000002", ("deal 'D-0000002'",)),
        ("Enterprise", ("team 'Enterprise'",)),
        ("(Bolt & Sons, as ever)", ("deal 'Bolt & Sons'", "account 'Bolt'")),
        ("team_id='north', name='EMEA North'", ()),
        ("“Quoted” deal!", ("deal '“Quoted” deal'",)),
        ("Odd space here", ("deal 'Odd space here'",)),
        (LONG[:59] + "…", (f"deal '{LONG[:59]}…'",)),
        ('<img alt="Ferro AG grew">', ("account 'Ferro AG'",)),
        ("<b>Fer</b><i><u>r</u></i>o AG", ("account 'Ferro AG'",)),
    ],
)
def test_names_beyond_the_team_are_found_and_no_others(
    project: Project, said: str, found: tuple[str, ...]
) -> None:
    project.notebook(book(f"from IPython.display import HTML\nHTML({said!r})", PUBLISH))
    jobs = {job.team: job for job in project.plan()}
    from spm_lib.press.execute import execute

    made = execute(jobs["north"]).book
    assert made is not None
    assert set(leaks(jobs["north"], made)) == set(found)


def test_what_is_said_of_a_picture_is_looked_at_too(project: Project) -> None:
    project.notebook(book("show()", PUBLISH))
    (job,) = [job for job in project.plan() if job.team == "north"]
    alts = ({"alt": "Bo Li leads"}, {"image/png": {"alt": "Mark leads", "width": 9}})
    drawn = [new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata=each) for each in alts]
    seen = book("show()")
    seen.cells[-1].outputs = drawn
    assert set(leaks(job, seen)) == {"person 'Bo Li'", "person 'Mark'"}


def test_a_leaking_report_is_held_named_and_not_on_the_shelf(project: Project) -> None:
    drawn = (
        "import base64\nfrom IPython.display import HTML\n"
        "svg = '<svg xmlns=\"http://www.w3.org/2000/svg\"><text>Bo Li</text></svg>'\n"
        'HTML(f\'<img alt="x" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">\')'
    )
    project.notebook(book(drawn, PUBLISH))
    jobs = project.plan(SPEC.replace("{team: all}", "{team: [north, south]}"))
    north, _south = jobs
    summary = run(jobs, clock=lambda: NOW, workers=2)
    assert [r.job.team for r in summary.held] == ["north"] and [r.job.team for r in summary.done] == ["south"]
    assert "names what is not its team's: person 'Bo Li'" in str(summary.held[0].failure)
    assert not north.html.exists() and north.ipynb.exists()
    index = write_index(project.reports).read_text("utf-8")
    assert "1 report is held" in index and "person &#39;Bo Li&#39;" in index
    # Held is looked at again, and shelved once its owner has said that all may read the name.
    assert [r.job.team for r in run(jobs, clock=lambda: NOW).held] == ["north"]
    (north, _) = project.plan(
        SPEC.replace("{team: all}", "{team: [north, south]}") + "shared_names: [Bo Li]\n"
    )
    assert make(north).failure is None and north.html.exists()


def test_the_company_may_name_all(project: Project) -> None:
    project.notebook(book("print('Bo Li, Mark, Ann Lee')", PUBLISH))
    (job,) = project.plan(SPEC.replace("{team: all}", "{company: true}"))
    assert make(job).failure is None
