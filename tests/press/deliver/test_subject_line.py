"""Subjects: filled from what a report published, one line, whatever teams are called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spm_lib.press.deliver.deliver_spec import Deliver
from spm_lib.press.deliver.subject_line import FIELDS, subject_of
from spm_lib.press.records import RunRecord, check_published

from ..test_records import record

LIMIT = 200


def run(
    figures: Mapping[str, tuple[float | None, str]] | None = None,
    headline: str = "North is late",
    **more: Any,
) -> RunRecord:
    kpis = [
        {"metric": metric, "label": metric.title(), "value": value, "text": text}
        for metric, (value, text) in (figures or {}).items()
    ]
    published = check_published({"version": 1, "headline": headline, "kpis": kpis})
    return record(**{"team_name": "North", "published": published} | more)


def written(template: str) -> str | None:
    return Deliver(to=["jo@example.com"], subject=template).subject


def test_every_field_is_filled_with_what_was_published() -> None:
    known = run(
        {"win_rate": (0.382, "38.2 %"), "revenue": (0.0, "$0")}, rep="r-1", rep_name="Zoë Fox", as_of=dt.date(2017, 12, 30)
    )  # fmt: skip
    template = (
        "{team.name}|{rep.name}|{period.label}|{period.title}|{as_of}|{headline}|{kpi.win_rate}|{kpi.revenue}"
    )
    expected = "North|Zoë Fox|2017-Q4|Q4 2017|2017-12-30|North is late|38.2 %|$0"
    assert subject_of(written(template), known) == expected


@pytest.mark.parametrize(
    "figures", [{}, {"quota_attainment": (None, "–")}, {"revenue": (1.0, "$1")}, {"quota_attainment": (1.0, " \u202e")}]
)  # fmt: skip
def test_a_figure_that_is_not_known_leaves_the_headline(figures: dict[str, tuple[float | None, str]]) -> None:
    template = "{team.name}: {kpi.quota_attainment} of quota"
    assert subject_of(template, run(figures)) == "North is late"
    assert subject_of(template, run({"quota_attainment": (0.5, "50 %")})) == "North: 50 % of quota"


def test_without_a_rep_there_is_no_rep_to_name() -> None:
    assert subject_of("{rep.name}: your week", run()) == "North is late"


def test_a_headline_by_itself_says_whom_it_is_about() -> None:
    assert subject_of(None, run(headline="north is late")) == "north is late"
    assert subject_of(None, run(headline="Behind pace")) == "North: Behind pace"
    assert subject_of(None, run(headline="Behind pace", team=None, team_name="Company")) == "Behind pace"
    assert subject_of(None, run(headline="Behind pace", rep="r", rep_name="Bo Ray")) == "Bo Ray: Behind pace"
    nothing = record(team_name="North", published=None)
    assert subject_of("{headline}", nothing) == subject_of(None, nothing) == "North, Q4 2017"


@pytest.mark.parametrize("revision", [2, 3, 40])
def test_a_corrected_report_says_so_however_long_its_subject(revision: int) -> None:
    short, long = run(), run(headline="North " * 100)
    assert subject_of(None, short) == subject_of(None, short, revision=1) == "North is late"
    assert subject_of(None, short, revision=revision) == "North is late (corrected)"
    cut = subject_of(None, long, revision=revision)
    assert len(cut) == LIMIT and cut.endswith("… (corrected)")
    assert len(subject_of(None, long)) == LIMIT


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{team.nme}", "there is no field 'team.nme' for a subject. Did you mean 'team.name'?"),
        ("{team}", "there is no field 'team'"),
        ("{}", "there is no field ''"),
        ("{0}", "there is no field '0'"),
        ("{headline!r}", "there is no field 'headline!r'"),
        ("{headline:>999999999}", "there is no field"),
        ("{headline.__class__}", "there is no field"),
        ("{team.name[0]}", "there is no field"),
        ("{kpi.win_rate:.1f}", "names no metric. Write it like {kpi.win_rate}"),
        ("{kpi.}", "names no metric"),
        ("{kpi.win rate}", "names no metric"),
        ("{team.name", "a brace in the subject belongs to no field"),
        ("team.name}", "a brace in the subject"),
        ("{{team.name}}", "a brace in the subject"),
        (" \u200b\n", "the subject is empty"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_filled_is_refused_when_it_is_read(template: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        written(template)
    (error,) = caught.value.errors()
    assert says in f"{error['ctx']['what']}. {error['ctx']['mend']}"


HOSTILE = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("{}\r\n\t\u202e\u2066\u200f\u2028\x00\x1b")),
    max_size=60,
)
TEMPLATES = st.lists(
    st.sampled_from([*(f"{{{name}}}" for name in FIELDS), "{kpi.revenue}", "{kpi.other}", ": ", "%s", "\n", "x"]),
    min_size=1,
).map("".join)  # fmt: skip


@given(HOSTILE, HOSTILE.filter(bool), HOSTILE, TEMPLATES | st.none(), st.integers(1, 3))
def test_no_name_breaks_out_of_one_short_line(
    name: str, headline: str, text: str, template: str | None, revision: int
) -> None:
    hostile = record(
        team_name=name,
        published=check_published(
            {"version": 1, "headline": headline, "kpis": [{"metric": "revenue", "label": "R", "value": 1, "text": text}]}
        ),
    )  # fmt: skip
    subject = subject_of(template, hostile, revision=revision)
    assert subject and subject.isprintable() and len(subject) <= LIMIT
    assert subject.endswith("(corrected)") is (revision > 1) or "(corrected)" in name + headline + text


def test_what_a_team_is_called_is_never_taken_for_a_field() -> None:
    hostile = run({"revenue": (1.0, "$1")}, team_name="{kpi.revenue} {headline} {0.__class__}")
    assert subject_of("{team.name}", hostile) == "{kpi.revenue} {headline} {0.__class__}"
