"""Where teams stand: read off published figures, in the words that reports use."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.press.records import RunRecord, check_published
from spm_lib.press.standing import headline, verdict_of

from .test_records import FIGURES, record

DURING, OVER = dt.date(2017, 11, 1), dt.date(2017, 12, 31)

BEHIND, ON, AHEAD, UNSURE, NOTHING = "behind", "level", "ahead", "unsure", "nothing"


def run(team: str | None, standing: Any = None, attainment: float | None = None, **more: Any) -> RunRecord:
    """A record of the last quarter of 2017; without a given day in its middle."""
    kpis = [] if attainment is None else [{"metric": "quota_attainment", "label": "Quota", "text": "x"}]
    for kpi in kpis:
        kpi["value"] = attainment
    figures = check_published(FIGURES | {"kpis": kpis, "standing": standing})
    words = {"team": team, "team_name": (team or "company").title()}
    return record(**words | {"as_of": DURING, "published": figures} | more)


def said(*records: RunRecord) -> str:
    return headline(records)[0]


@pytest.mark.parametrize("word", ["odd", 5, None, ["behind"], ""])
def test_no_other_word_is_taken_for_one(word: Any) -> None:
    assert verdict_of(run("a", word)) is None


def test_while_the_period_runs_the_report_says_so_and_then_the_attainment() -> None:
    over = {"as_of": OVER}
    records = [
        run("a", BEHIND, 1.2),
        run("a", UNSURE, 0.2),
        run("a", None, 0.2),
        run("a", ON, 0.99, **over),
        run("a", BEHIND, 1.0, **over),
        run("a", ON, **over),
        record(published=None, as_of=OVER),
    ]
    keys = [verdict.key if (verdict := verdict_of(each)) else None for each in records]
    assert keys == ["behind", "unsure", None, "missed", "made", None, None]


@pytest.mark.parametrize(
    ("standings", "sentence"),
    [
        ([BEHIND], "A is behind pace for Q4 2017"),
        ([ON, ON], "Both teams are on pace for Q4 2017"),
        ([AHEAD] * 3, "All 3 teams are ahead of pace for Q4 2017"),
        ([BEHIND, ON, ON], "1 of 3 teams is behind pace for Q4 2017, 2 on pace"),
        ([ON, BEHIND, AHEAD, BEHIND], "2 of 4 teams are behind pace for Q4 2017, 1 ahead and 1 on pace"),
        ([UNSURE] * 2, "Both teams are within normal variation of their pace for Q4 2017"),
        (
            [UNSURE, ON, BEHIND],
            "1 of 3 teams is behind pace for Q4 2017, 1 on pace and 1 within normal variation",
        ),
        ([AHEAD, ON, None], "1 of 3 teams is ahead of pace for Q4 2017, 1 on pace and 1 not known"),
        ([ON, None], "1 of 2 teams is on pace for Q4 2017, 1 not known"),
        (
            [NOTHING, ON, BEHIND],
            "1 of 3 teams is behind pace for Q4 2017, 1 without a win yet and 1 on pace",
        ),
        ([NOTHING, NOTHING, ON], "2 of 3 teams have won nothing yet of their quota for Q4 2017, 1 on pace"),
        ([NOTHING], "A has won nothing yet of its quota for Q4 2017"),
        ([None], ""),
        ([], ""),
    ],
)
def test_the_sentence(standings: list[Any], sentence: str) -> None:
    assert said(*(run("abcdef"[n], pace) for n, pace in enumerate(standings))) == sentence


def test_the_sentence_of_a_period_that_is_over() -> None:
    over = {"as_of": OVER}
    records = [run("a", None, 0.7, **over), run("b", None, 1.2, **over), run("c", None, 1.0, **over)]
    text, behind = headline(records)
    assert text == "1 of 3 teams missed its quota for Q4 2017, 2 made it"
    assert [each.team for each in behind] == ["a"]


def test_only_the_latest_period_counts_and_each_team_once() -> None:
    past = {"period": "2017-Q3", "period_title": "Q3 2017", "period_end": dt.date(2017, 9, 30)}
    records = [
        run("a", BEHIND, as_of=dt.date(2017, 10, 15)),
        run("a", ON, spec="other", as_of=DURING),
        run("a", None, spec="third", as_of=DURING),
        run("b", ON),
        run("c", None, 0.5, as_of=dt.date(2017, 9, 30), **past),
        run(None, None, 0.5),
    ]
    text, behind = headline(records)
    assert (text, behind) == ("Both teams are on pace for Q4 2017", ())


def test_those_behind_are_named_by_name() -> None:
    _, behind = headline([run("b", BEHIND), run("a", BEHIND), run("c", ON), run("d", NOTHING)])
    assert [each.team_name for each in behind] == ["A", "B", "D"]


@given(
    standings=st.lists(st.sampled_from([BEHIND, ON, AHEAD, UNSURE, NOTHING, None]), min_size=1, max_size=9),
    lost=st.integers(0, 9),
)
def test_every_team_is_counted_and_those_that_nobody_can_read_as_not_known(
    standings: list[str | None], lost: int
) -> None:
    read = [run(f"r{n}", standing) for n, standing in enumerate(standings)]
    absent = [run(f"x{n}", BEHIND) for n in range(lost)]
    text, behind = headline(read, absent)
    if not any(standings):
        assert text == ""
        return
    total, unknown = len(standings) + lost, standings.count(None) + lost
    assert {each.team for each in behind} == {
        f"r{n}" for n, standing in enumerate(standings) if standing in (BEHIND, NOTHING)
    }
    assert (f"{unknown} not known" in text) == (unknown > 0)
    assert text.startswith("All") == (total > 2 and len(set(standings)) == 1 and unknown == 0)
    if unknown:
        assert f" of {total} teams " in text


def test_a_team_with_another_report_that_can_be_read_is_known() -> None:
    failed = {"spec": "other", "status": "failed", "published": None}
    assert headline([run("a", ON)], [run("a", **failed)])[0] == "A is on pace for Q4 2017"
    assert headline([run("a", ON)], [run(None, **failed)])[0] == "A is on pace for Q4 2017"
