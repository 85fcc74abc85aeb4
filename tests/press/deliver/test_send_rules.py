"""Send rules: what becomes of a report, and the reason that is told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spm_lib.press.deliver.deliver_spec import Deliver, Empty, Threshold, When
from spm_lib.press.deliver.send_rules import Decision, Word, changes, decide, figures_of, is_empty
from spm_lib.press.records import Failure, Published, RunRecord, check_published

from ..conftest import SPEC, Project
from ..test_records import record

Figures = Mapping[str, tuple[float | str | None, str]]

KNOWN: Figures = {"revenue": (10.5, "$10.50"), "win_rate": (0.25, "25.0%")}
UNKNOWN: Figures = {"revenue": (None, "–"), "win_rate": (None, "–")}
BEFORE = dt.datetime(2030, 1, 1, 7, tzinfo=dt.UTC)


def published(figures: Figures = KNOWN, headline: str = "North is late", **more: Any) -> Published:
    kpis = [
        {"metric": metric, "label": metric.replace("_", " ").capitalize(), "value": value, "text": text}
        for metric, (value, text) in figures.items()
    ]
    return check_published({"version": 1, "headline": headline, "kpis": kpis} | more)


def run(shown: Published | None = None, **more: Any) -> RunRecord:
    return record(**{"published": shown or published(), "warnings": ()} | more)


def decided(
    shown: Published | None, when: When = "always", empty: Empty = "hold", last_sent: str | None = None
) -> Decision:
    return decide(record(published=shown, warnings=()), when, empty, last_sent=last_sent)


def test_always_is_always() -> None:
    assert decided(published()).word == "send"
    assert decided(published(), last_sent=figures_of(published())).word == "send"


# Whatever the spec says, some reports reach nobody.

TROUBLES: Mapping[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "failed": ({"status": "failed", "published": None, "failure": Failure(error="KeyError", message="'x'", cell=3)},
               (), "the report failed: cell 3 (): KeyError: 'x'"),
    "held": ({"status": "held", "failure": Failure(error="Leak", message="deal 'Acme'")},
             (), "the report is held: Leak: deal 'Acme'"),
    "held for no known reason": ({"status": "held"}, (), "the report is held"),
    "a shut gate": ({}, ("the deals fell by 40%",), "the deals fell by 40%"),
    "two shut gates": ({}, ("one", "two"), "one; two"),
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("when", ["always", "changed", Threshold(metric="revenue", above=0)])
@pytest.mark.parametrize("empty", ["send", "notice", "hold"])
def test_trouble_holds_whatever_the_spec_says(trouble: str, when: When, empty: Empty) -> None:
    change, gates, reason = TROUBLES[trouble]
    for shown in (published(), published(UNKNOWN)):
        found = decide(run(shown, **{"published": shown} | change), when, empty, last_sent=None, gates=gates)
        assert found == Decision("hold", reason)


def test_what_the_plan_says_of_old_data_holds_the_mail(make_project: Callable[..., Project]) -> None:
    # The plan writes the warning, and this file knows it by its first words: they must stay the same.
    project = make_project()
    for days, word in ((2, "hold"), (9_999, "send")):
        job = project.plan(SPEC + f"as_of: today\ngates: {{max_age_days: {days}}}\n")[0]
        found = decide(
            run(notices=job.warnings, warnings=(*job.warnings, "Made at attempt 2")),
            "always",
            "hold",
            last_sent=None,
        )
        assert found.word == word
        assert (found.reason == "; ".join(job.warnings)) is (word == "hold")


def test_other_warnings_hold_nothing() -> None:
    assert decide(run(warnings=("Made at attempt 2",)), "always", "hold", last_sent=None).word == "send"


# Empty reports.


@pytest.mark.parametrize(
    ("shown", "empty"),
    [
        (None, True),
        (published({}), True),
        (published(UNKNOWN), True),
        (published(UNKNOWN, deals=["d-1"]), True),
        (published({"revenue": (0, "$0")}), False),
        (published(UNKNOWN | {"deals": (3, "3")}), False),
        (published({"coverage": ("met", "met")}), False),
        (published({}, people=["Ann"]), False),
        (published({}, deals=["d-1"]), False),
        (published({}, actions=["Call"]), False),
    ],
)
def test_a_report_without_a_known_figure_is_empty_and_nought_is_known(
    shown: Published | None, empty: bool
) -> None:
    assert is_empty(shown) is empty


@pytest.mark.parametrize("word", ["send", "notice", "hold"])
@pytest.mark.parametrize("when", ["always", "changed", Threshold(metric="revenue", below=1)])
@pytest.mark.parametrize("shown", [None, published(UNKNOWN)])
def test_an_empty_report_is_settled_by_its_policy(word: Empty, when: When, shown: Published | None) -> None:
    found = decided(shown, when, word)
    assert found.word == word
    assert found.reason == "the report published nothing" if shown is None else "no figure" in found.reason
    # Not so a report that shows something.
    assert decided(published(), "always", word).word == "send"


@pytest.mark.parametrize("shown", [None, published(UNKNOWN)])
def test_nothing_to_report_is_not_told_twice_where_changes_are_asked_for(shown: Published | None) -> None:
    last = figures_of(shown)
    assert decided(shown, "changed", "notice", last).word == "withhold"
    assert decided(shown, "changed", "send", last).word == "withhold"
    assert decided(shown, "changed", "hold", last).word == "hold"
    assert decided(shown, "always", "notice", last).word == "notice"
    assert decided(published(), "changed", "notice", last).word == "send"


def test_empty_reports_are_held_where_the_spec_says_nothing() -> None:
    assert Deliver(to=["jo@example.com"]).empty == "hold"


# Changed since the last sending.


def test_the_first_report_is_sent() -> None:
    found = decided(published(), "changed")
    assert found == Decision("send", "its readers were sent nothing before")


@pytest.mark.parametrize(
    "now",
    [
        published(),
        # Digits that no reader sees, when it was made, and the order of figures.
        published({"win_rate": (0.2504, "25.0%"), "revenue": (10.501, "$10.50")}),
        published(data_date="2017-12-31", as_of="2018-01-01", name="North"),
    ],
)
def test_what_no_reader_could_tell_apart_is_not_sent_again(now: Published) -> None:
    found = decided(now, "changed", last_sent=figures_of(published()))
    assert found == Decision("withhold", "its figures are those that were sent last")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (published(KNOWN | {"revenue": (11.0, "$11.00")}), "Revenue $11.00, was $10.50"),
        (published(KNOWN | {"revenue": (None, "–")}), "Revenue –, was $10.50"),
        (published(KNOWN | {"deals": (3, "3")}), "Deals 3, was not told"),
        (published({"revenue": (10.5, "$10.50")}), "win rate is told no more"),
        (published(headline="North is on pace"), "the headline has other words"),
        (
            published({"revenue": (1.0, "$1"), "win_rate": (0.5, "50%")}, headline="Other"),
            "Revenue $1, was $10.50; Win rate 50%, was 25.0%",
        ),
    ],
)
def test_what_changed_is_sent_and_said(now: Published, reason: str) -> None:
    assert decided(now, "changed", last_sent=figures_of(published())) == Decision("send", reason)


def test_many_changes_are_counted() -> None:
    before = published({f"m{at}": (at, str(at)) for at in range(20)})
    now = published({f"m{at}": (at + 100, str(at + 100)) for at in range(20)})
    reason = decided(now, "changed", last_sent=figures_of(before)).reason
    assert reason.count("was") == 6 and reason.endswith("; 14 more")


FIGURES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)),
    min_size=1,
)
SHOWN = st.builds(published, FIGURES, st.sampled_from(["x", "y ä\u202e"]))


@given(SHOWN, SHOWN)
def test_a_report_is_withheld_only_where_readers_would_read_the_same(
    one: Published, other: Published
) -> None:
    def read(shown: Published) -> object:
        return shown.headline, {(kpi.metric, kpi.text) for kpi in shown.kpis}

    before = figures_of(one)
    same = read(one) == read(other)
    assert (before == figures_of(other)) is same
    assert (changes(before, other) == ()) is same
    found = decided(other, "changed", last_sent=before)
    assert found.word == ("withhold" if same else "send")
    assert found.reason and found.reason.isprintable()
    # A ledger keeps it.
    assert json.loads(before.encode("utf-8").decode()) == json.loads(before)


# Thresholds.


@pytest.mark.parametrize(
    ("value", "limits", "word", "reason"),
    [
        (0.382, {"below": 0.8}, "send", "quota attainment is T, below 0.8"),
        (0.8, {"below": 0.8}, "withhold", "quota attainment is T, not below 0.8"),
        (0.9, {"below": 0.8}, "withhold", "quota attainment is T, not below 0.8"),
        (0.9, {"above": 0.8}, "send", "quota attainment is T, above 0.8"),
        (0.8, {"above": 0.8}, "withhold", "quota attainment is T, not above 0.8"),
        (0, {"below": 1}, "send", "quota attainment is T, below 1"),
        (-3.5, {"below": 0}, "send", "quota attainment is T, below 0"),
        (1, {"above": 0}, "send", "quota attainment is T, above 0"),
        (None, {"below": 0.8}, "withhold", "quota attainment is not known"),
        (None, {"above": -1}, "withhold", "quota attainment is not known"),
        ("met", {"below": 0.8}, "withhold", "quota attainment is T, no number"),
    ],
)
def test_thresholds(value: float | str | None, limits: dict[str, float], word: Word, reason: str) -> None:
    shown = published(KNOWN | {"quota_attainment": (value, "T")})
    assert decided(shown, Threshold(metric="quota_attainment", **limits)) == Decision(word, reason)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_value_is_never_on_both_sides(value: float, limit: float) -> None:
    shown = published({"revenue": (value, "T")})
    words = [decided(shown, Threshold(metric="revenue", **{side: limit})).word for side in ("below", "above")]
    assert words == ["send" if value < limit else "withhold", "send" if value > limit else "withhold"]


def test_a_metric_that_is_not_published_is_a_mistake_and_held() -> None:
    found = decided(published(), Threshold(metric="win_rat", below=1))
    assert found.word == "hold"
    assert (
        found.reason
        == "the report publishes no 'win_rat', which the spec waits for. Did you mean 'win_rate'?"
    )


def test_a_label_keeps_its_capitals_where_they_are_an_abbreviation() -> None:
    shown = published({"arr_growth": (0.1, "10%")})
    kpi = shown.kpis[0].model_copy(update={"label": "ARR growth"})
    found = decided(shown.model_copy(update={"kpis": (kpi,)}), Threshold(metric="arr_growth", below=1))
    assert found.reason == "ARR growth is 10%, below 1"


# What a spec may say.


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"when": {"metric": "x", "below": float("nan")}}, "finite"),
        ({"when": {"metric": "x", "below": float("inf")}}, "finite"),
        ({"when": {"metric": "x", "below": True}}, "valid number"),
        ({"when": {"metric": "x", "below": "0.8"}}, "valid number"),
        ({"when": {"metric": "x"}}, "either below or above"),
        ({"empty": "drop"}, "'send', 'notice' or 'hold'"),
        ({"attach": "no"}, "boolean"),
        ({"to": []}, "nobody is named"),
        ({"others": ["al@example.com"]}, "the other recipient 'al@example.com' is sent nothing"),
        ({"others": ["{team.email}"]}, "is not one person"),
        ({"leaders": ["{role.vps}"]}, "the leader '{role.vps}' is sent nothing"),
        ({"to": ["{role.}"]}, "there is no role ''"),
        ({"to": ["{role.VPs}"]}, "there is no role 'VPs'"),
        ({"to": ["{roles.vps}"]}, "there is no recipient '{roles.vps}'"),
    ],
)
def test_what_cannot_be_delivered_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Deliver.model_validate({"to": ["jo@example.com"]} | more)
    assert says in str(caught.value)


def test_whole_numbers_are_limits_and_roles_and_unicode_are_recipients() -> None:
    said = Deliver.model_validate(
        {
            "to": ["{role.vps}", "jürgen@köln.example"],
            "cc": ["al@example.com"],
            "leaders": ["{role.vps}"],
            "others": ["AL@example.com"],
            "when": {"metric": "deals", "above": 3},
            "attach": False,
        }
    )
    assert said.when == Threshold(metric="deals", above=3)
    assert (said.to, said.attach) == (["{role.vps}", "jürgen@köln.example"], False)
