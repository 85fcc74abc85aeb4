"""Who may read coaching: recipients are refused before a run, blocks are held after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from spm_lib.errors import ParameterError, SpecError
from spm_lib.press.audience import MANAGERS_TAG, audience_of, managers_alone
from spm_lib.press.notebook import PUBLISHED_MIME, content
from spm_lib.press.plan import check
from spm_lib.press.run import run
from spm_lib.press.shelf import state_of
from spm_lib.press.spec import load_spec

from .conftest import NOW, PARAMETERS, PUBLISH, Project, book

MakeProject = Callable[..., Project]

COACHING = PARAMETERS + 'audience: str = "manager"\n'
CARD = COACHING + 'rep: str = ""\n'
SAYS = "would read what is for managers alone. Write audience: team"


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    made = make_project()
    made.notebook(book(PUBLISH, parameters=COACHING), "coaching")
    made.notebook(book(PUBLISH, parameters=CARD), "card")
    return made


def spec_text(notebook: str, for_each: str, **deliver: object) -> str:
    lines = [f"notebook: {notebook}", f"for_each: {for_each}", "deliver:"]
    return "\n".join([*lines, *(f"  {key}: {value}" for key, value in deliver.items())]) + "\n"


TEAM, REP, COMPANY = "{team: all}", "{rep: all}", "{company: true}"
TEAM_MANAGER, REP_MANAGER = '"{team.manager.email}"', '"{rep.manager.email}"'
THE_TEAM, THE_REP, PLAIN = '"{team.email}"', '"{rep.email}"', "vp@example.com"


@pytest.mark.parametrize(
    ("notebook", "for_each", "allowed"),
    [
        ("coaching", TEAM, {TEAM_MANAGER, REP_MANAGER}),
        ("card", REP, {TEAM_MANAGER, REP_MANAGER, THE_REP}),
        ("coaching", COMPANY, set()),
        ("summary", TEAM, {TEAM_MANAGER, REP_MANAGER, THE_TEAM, THE_REP, PLAIN}),
        ("summary", COMPANY, {TEAM_MANAGER, REP_MANAGER, THE_TEAM, THE_REP, PLAIN}),
    ],
)
def test_coaching_goes_to_managers_and_to_the_rep_it_is_about(
    project: Project, notebook: str, for_each: str, allowed: set[str]
) -> None:
    for recipient in (TEAM_MANAGER, REP_MANAGER, THE_TEAM, THE_REP, PLAIN):
        for key in ("to", "cc"):
            # A company's report has no recipient of its own that may read coaching: a leader stands beside.
            beside = "ceo@example.com"
            deliver = {"to": f"[{beside}]", "cc": "[]", "leaders": f"[{beside}]"}
            deliver[key] = f"[{beside}, {recipient}]" if key == "to" else f"[{recipient}]"
            path = project.spec(spec_text(notebook, for_each, **deliver), "case")
            if recipient in allowed:
                check(load_spec(path))
                continue
            with pytest.raises(SpecError) as caught:
                check(load_spec(path))
            assert f"case.yml:{4 if key == 'to' else 5}: " in str(caught.value)
            assert recipient.strip('"') in str(caught.value) and SAYS in str(caught.value)
            # With the word, and for those who may read it by name, it goes.
            check(load_spec(project.spec(spec_text(notebook, for_each, **deliver, audience="team"), "case")))
            if recipient == PLAIN:
                deliver["leaders"] = f"[{beside}, VP@example.com]"
                check(load_spec(project.spec(spec_text(notebook, for_each, **deliver), "case")))


@pytest.mark.parametrize(("notebook", "for_each"), [("coaching", TEAM), ("card", REP)])
def test_no_chat_is_told_of_what_is_for_managers_alone(
    project: Project, notebook: str, for_each: str
) -> None:
    told = spec_text(notebook, for_each, to=f"[{TEAM_MANAGER}]", chat="[SALES_CHAT]")
    with pytest.raises(SpecError, match=r"case\.yml:5: a chat would be told .* Write audience: team"):
        check(load_spec(project.spec(told, "case")))
    check(load_spec(project.spec(told + "  audience: team\n", "case")))
    check(load_spec(project.spec(told.replace(notebook, "summary").replace(REP, TEAM), "case")))


def test_a_plan_refuses_them_as_the_check_does(project: Project) -> None:
    with pytest.raises(SpecError, match=r"'\{team.email\}' would read"):
        project.plan(spec_text("coaching", TEAM, to=f"[{THE_TEAM}]"))
    assert len(project.plan(spec_text("coaching", TEAM, to=f"[{THE_TEAM}]", audience="team"))) == 3


def test_a_report_on_a_rep_is_personal_whatever_its_notebook_declares(project: Project) -> None:
    project.notebook(book(PUBLISH, parameters=PARAMETERS + 'rep: str = ""\n'), "card")
    with pytest.raises(SpecError, match="for managers alone"):
        check(load_spec(project.spec(spec_text("card", REP, to=f"[{THE_TEAM}]"))))
    check(load_spec(project.spec(spec_text("card", REP, to=f"[{THE_REP}]", cc=f"[{TEAM_MANAGER}]"))))


def test_a_page_for_managers_alone_is_not_made_for_a_team(project: Project) -> None:
    project.notebook(
        book(("md:# Whom to help first?", "managers"), PUBLISH, parameters=COACHING), "priorities"
    )
    asked = spec_text("priorities", TEAM, to=f"[{TEAM_MANAGER}]", audience="team")
    for refuses in (
        lambda: check(load_spec(project.spec(asked, "case"))),
        lambda: project.plan(asked, "case"),
    ):
        with pytest.raises(SpecError) as caught:
            refuses()
        assert "case.yml:5: 'priorities' is for managers alone" in str(caught.value)
        assert "Take out audience: team" in str(caught.value)
    check(load_spec(project.spec(spec_text("priorities", TEAM, to=f"[{TEAM_MANAGER}]"), "case")))
    # Of a page that has more to say, the rest is made for the team.
    check(load_spec(project.spec(asked.replace("priorities", "coaching"), "case")))


def test_the_companys_page_on_coaching_is_for_managers_alone() -> None:
    notebook = Path(__file__).parents[2] / "notebooks" / "coaching_priorities.ipynb"
    assert MANAGERS_TAG in content(notebook).cells[0].tags


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('to: ["{team.manger.email}"]', "no recipient '{team.manger.email}'. Did you mean '{team.manager.email}'?"),
        ('to: ["{rep.mail}"]', "Did you mean '{rep.email}'?"),
        ('to: ["{team.name}@example.com"]', "no recipient"),
        ('to: ["{x"]', "no recipient '{x'. Known: "),
        ("to: [jo]", "'jo' is no address. Write the address alone"),
        ("to: ['Jo <jo@example.com>']", "is no address"),
        ("to: ['jo@example.com, al@example.com']", "is no address"),
        ('to: ["jo@example.com\\nBcc: al@example.com"]', "is no address"),
        (f"to: [{'j' * 250}@example.com]", "is no address"),
        ("to: [7]", "to"),
        ("to: []", "to"),
        ("cc: [jo@example.com]", "'to' is missing"),
        ("to: [jo@example.com]\n  cc: jo@example.com", "cc"),
        ("to: [jo@example.com]\n  bcc: [jo@example.com]", "unknown key 'bcc'"),
        ("to: [jo@example.com]\n  leaders: [al@example.com]", "'al@example.com' is sent nothing. Add the address to cc"),
        ('to: ["{team.email}"]\n  leaders: ["{team.email}"]', "is not one person"),
        ("to: [jo@example.com]\n  audience: everybody", "'everybody'"),
    ],
)  # fmt: skip
def test_what_is_no_recipient_is_told_with_its_line(project: Project, line: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(project.spec(f"notebook: summary\nfor_each: {TEAM}\ndeliver:\n  {line}\n", "case"))
    assert "case.yml:" in str(caught.value) and says in str(caught.value)


@pytest.mark.parametrize(
    ("notebook", "for_each", "deliver", "audience", "given"),
    [
        ("coaching", TEAM, {"to": f"[{TEAM_MANAGER}]"}, "manager", "manager"),
        ("coaching", TEAM, {"to": f"[{THE_TEAM}]", "audience": "team"}, "team", "team"),
        ("summary", TEAM, {"to": f"[{THE_TEAM}]", "audience": "team"}, "team", None),
        ("card", REP, {"to": f"[{TEAM_MANAGER}]"}, "manager", "manager"),
        ("card", REP, {"to": f"[{TEAM_MANAGER}]", "cc": f"[{THE_REP}]"}, "rep", "manager"),
        ("card", REP, {"to": f"[{THE_REP}]", "audience": "team"}, "team", "team"),
    ],
)
def test_the_notebook_is_told_who_reads(
    project: Project, notebook: str, for_each: str, deliver: dict[str, str], audience: str, given: str | None
) -> None:
    text = spec_text(notebook, for_each, **deliver)
    jobs = project.plan(text, "case")
    assert {job.audience for job in jobs} == {audience} == {audience_of(load_spec(project.spec(text)))}
    assert {job.parameters.get("audience") for job in jobs} == {given}


def test_who_reads_is_not_set_as_a_parameter(project: Project) -> None:
    text = f"notebook: coaching\nfor_each: {TEAM}\n"
    with pytest.raises(SpecError, match=r"'audience' is not set here\. Set it by .*audience under deliver"):
        load_spec(project.spec(text + "parameters: {audience: team}\n"))
    with pytest.raises(ParameterError, match="'audience' is not set as a parameter"):
        project.plan(text, parameters={"audience": "team"})


def shown(data: Any, source: str = "report.coaching()", **more: Any) -> Any:
    """A notebook whose second cell shows something."""
    cells = [
        new_code_cell("1 + 1", outputs=[new_output("execute_result", data={"text/plain": "2"})]),
        new_code_cell(source, outputs=[new_output("display_data", data=data)], **more),
    ]
    return new_notebook(cells=cells)


MARKED = '<section class="spm" data-audience="manager">Ann</section>'


@pytest.mark.parametrize(
    ("data", "is_marked"),
    [
        ({"text/html": MARKED}, True),
        ({"text/html": ["<section\n", ' data-audience="manager">Ann</section>']}, True),
        ({"text/html": "<p title='a > b' DATA-Audience = manager>Ann"}, True),
        ({"text/html": "<p><b data-audience=' Manager '/>"}, True),
        ({"text/html": '<p data-audience="team">', "text/markdown": MARKED}, True),
        ({PUBLISHED_MIME: {"version": 1, "headline": "x", "audience": "manager"}}, True),
        ({PUBLISHED_MIME: {"people": [{"rep": "r-1"}, {"rep": "r-2", "audience": "manager"}]}}, True),
        ({PUBLISHED_MIME: {"headline": "The manager", "people": ["Ann"], "audience": "team"}}, False),
        ({"text/html": '<p data-audience="team">manager'}, False),
        ({"text/html": '<p>A deal called &lt;p data-audience="manager"&gt;'}, False),
        ({"text/html": '<p title="data-audience=manager" data-audience="">'}, False),
        ({"text/html": "<p>manager</p>", "image/png": "iVBO"}, False),
    ],
)  # fmt: skip
def test_marks_are_found_and_nothing_else(data: Any, is_marked: bool) -> None:
    assert managers_alone(shown(data)) == (("cell 2 (report.coaching())",) if is_marked else ())


def test_hidden_cells_count_as_the_notebook_stands_on_the_shelf() -> None:
    assert managers_alone(shown({"text/html": MARKED}, metadata={"tags": ["hide"]}))


def test_a_notebook_that_forgets_to_drop_coaching_is_held_from_all_but_managers(project: Project) -> None:
    forgets = f"from IPython.display import HTML, display\ndisplay(HTML({MARKED!r}))"
    minds = f'if audience == "manager":\n    {forgets.splitlines()[0]}\n    {forgets.splitlines()[1]}'
    text = spec_text("coaching", "{team: [a]}", to=f"[{TEAM_MANAGER}]")
    team = text + "  audience: team\n"
    project.notebook(book(forgets, PUBLISH, parameters=COACHING), "coaching")
    (for_manager,) = project.plan(text, "case")
    assert run([for_manager], clock=lambda: NOW).held == ()
    # The same page for the team is another one, and is not kept for it.
    (job,) = project.plan(team, "case")
    assert job.html == for_manager.html and state_of(job) == "stale"
    (held,) = run([job], clock=lambda: NOW).held
    assert "goes to the team and holds what is the manager's alone: cell 2 (from IPython" in str(held.failure)
    assert not job.html.exists()
    project.notebook(book(minds, PUBLISH, parameters=COACHING), "coaching")
    (mended,) = project.plan(team, "case")
    assert len(run([mended], clock=lambda: NOW).done) == 1
    # Also where the notebook does not ask who reads.
    prints = {
        p.fingerprint for t in (text, team) for p in project.plan(t.replace("coaching", "summary"), "case")
    }
    assert len(prints) == 2
    # To the rep whom it is about goes nothing of the manager's either.
    project.notebook(book(forgets, PUBLISH, parameters=CARD), "card")
    card = spec_text("card", "{rep: [r-0]}", to=f"[{THE_REP}]", cc=f"[{TEAM_MANAGER}]")
    (held,) = run(project.plan(card, "case"), clock=lambda: NOW).held
    assert "goes to the rep and holds" in str(held.failure)
