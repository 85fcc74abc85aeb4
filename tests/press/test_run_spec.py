"""Run specs: what they say, and what is said of one that is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from spm_lib.errors import SpecError
from spm_lib.press.deliver.deliver_spec import Threshold
from spm_lib.press.spec import Below, load_spec

from .conftest import SPEC, Project

FULL = """\
notebook: summary
for_each: {team: [007, west, 8], period: last-4-quarters}
period: 2017
as_of: 2017-12-31
parameters: {top_deals: 15}
gates: {max_age_days: 2}
score: true
schedule: {cron: "0 7 * * MON", timezone: Europe/London}
deliver:
  to: ["{team.manager.email}"]
  when: {metric: quota_attainment, below: 0.8}
  subject: "{team.name}"
owner: revops@example.com
"""


def test_every_key_is_read(make_project: Callable[..., Project]) -> None:
    project = make_project()
    spec = load_spec(project.spec(FULL))
    said = spec.content
    assert spec.name == "summary"
    assert spec.notebook == project.root / "notebooks" / "summary.ipynb"
    assert said.for_each.team == ["007", "west", "8"]
    assert (said.period, said.as_of) == ("2017", dt.date(2017, 12, 31))
    assert said.deliver is not None and said.deliver.when == Threshold(metric="quota_attainment", below=0.8)
    assert said.gates.max_age_days == 2
    assert said.score is True


@pytest.mark.parametrize(
    ("for_each", "team", "rep", "company"),
    [
        ("{team: all}", "all", None, None),
        ("{team: {parent: emea}}", Below(parent="emea"), None, None),
        ("{rep: all}", None, "all", None),
        ("{company: true}", None, None, True),
    ],
)
def test_subjects(
    make_project: Callable[..., Project], for_each: str, team: object, rep: object, company: object
) -> None:
    found = load_spec(make_project().spec(f"notebook: summary\nfor_each: {for_each}\n")).content.for_each
    assert (found.team, found.rep, found.company) == (team, rep, company)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (SPEC.replace("summary", "sumary"), 1, "no notebook 'sumary'. Did you mean 'summary'?"),
        (SPEC.replace("summary", "../params/x"), 1, "no notebook"),
        (SPEC + "parametres: {a: 1}\n", 4, "Did you mean 'parameters'?"),
        (SPEC + "period: 2017\n", 4, "twice"),
        (
            "notebook: summary\nfor_each: {team: all, company: true}\n",
            2,
            "exactly one of team, rep and company",
        ),
        ("notebook: summary\nfor_each: {}\n", 2, "exactly one"),
        ("notebook: summary\nfor_each: {team: []}\n", 2, "team"),
        ("notebook: summary\nfor_each: {company: false}\n", 2, "company"),
        ("notebook: summary\n", 1, "for_each"),
        (SPEC.replace("this-quarter", "this-quater"), 3, "Did you mean 'this-quarter'?"),
        (SPEC + "as_of: todya\n", 4, "Did you mean 'today'?"),
        (SPEC + "as_of: 2017-13-31\n", 4, "2017-13-31"),
        (SPEC + "gates: {max_age_days: -1}\n", 4, "max_age_days"),
        (SPEC + "score: 1\n", 4, "score"),
        (SPEC + "score: daily\n", 4, "score"),
        (SPEC + "gates: {max_age: 1}\n", 4, "Did you mean 'max_age_days'?"),
        (SPEC + "schedule: {cron: 0 7 * *, timezone: Europe/London}\n", 4, "five fields"),
        (
            SPEC + "schedule: {cron: 0 7 * * MON, timezone: Europe/Londn}\n",
            4,
            "Did you mean 'Europe/London'?",
        ),
        (SPEC + "deliver:\n  to: [a@b.c]\n  when: sometimes\n", 6, "when"),
        (
            SPEC + "deliver:\n  to: [a@b.c]\n  when: {metric: x, below: 1, above: 0}\n",
            6,
            "either below or above",
        ),
        (SPEC + "parameters:\n  team: west\n", 4, "'team' is not set here"),
    ],
)
def test_mistakes_name_file_line_and_mend(
    make_project: Callable[..., Project], text: str, line: int, says: str
) -> None:
    path = make_project().spec(text)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert f"summary.yml:{line}: " in str(caught.value)
    assert says in str(caught.value)


def test_a_project_without_notebooks(make_project: Callable[..., Project]) -> None:
    project = make_project()
    (project.root / "notebooks").rename(project.root / "books")
    with pytest.raises(SpecError, match="no folder notebooks"):
        load_spec(project.spec())
