"""Scope: who may be sent a report because of who they are, and who only because the spec says so in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.press.deliver.directory import Directory
from spm_lib.press.records import RunRecord

from ..test_records import record
from .companies import (
    NAMES,
    REP_MANAGER,
    TEAM_MANAGER,
    THE_REP,
    THE_TEAM,
    TODAY,
    Rows,
    about,
    addressed,
    at,
    company,
    sent,
    store_of,
    why,
)

EVERYBODY = [at(name) for name in (*NAMES, "emea", "west", "west-1", "east")]
READERS = {
    ("west", None): {"ann", "bo", "dee", "mia", "wes", "vera", "west", "west-1"},
    ("west-1", None): {"dee", "wes", "mia", "vera", "west-1"},
    ("east", None): {"cy", "max", "vera", "east"},
    ("emea", None): {"ann", "bo", "cy", "dee", "mia", "max", "wes", "vera", "emea", "west", "west-1", "east"},
    ("west", "ann"): {"ann", "bo", "dee", "mia", "wes", "vera", "west", "west-1"},
    ("lost", None): set(),
    ("gone", None): set(),
    (None, None): {*NAMES, "emea", "west", "west-1", "east"},
}


@pytest.mark.parametrize("whose", READERS, ids=str)
@pytest.mark.parametrize("audience", ["manager", "team"])
def test_nobody_whom_the_store_knows_outside_the_scope_is_sent_it(
    whose: tuple[str | None, str | None], audience: str
) -> None:
    found = addressed(company(), *EVERYBODY, report=about(*whose), audience=audience)
    assert set(sent(found)) == {at(name) for name in READERS[whose]}
    assert {recipient for recipient, _ in why(found)} == set(EVERYBODY) - set(sent(found))
    assert all(reason.endswith("under others in deliver to send it all the same") for _, reason in why(found))
    # Unless the spec says so in words.
    for word in ("leaders", "others"):
        named = addressed(company(), *EVERYBODY, report=about(*whose), audience=audience, **{word: EVERYBODY})
        assert sent(named) == EVERYBODY and named.dropped == ()


@pytest.mark.parametrize(("team", "about_rep"), [("west", None), ("west", "ann"), (None, None)])
@pytest.mark.parametrize("words", [{"audience": "team"}, {"others": [at("bo"), at("mia"), "vp@y.example"]}])
def test_a_report_that_was_made_with_coaching_stays_with_managers_though_the_spec_changed(
    team: str | None, about_rep: str | None, words: dict[str, Any]
) -> None:
    everyone = (THE_TEAM, at("bo"), at("mia"), "vp@y.example", at("ceo"), TEAM_MANAGER, THE_REP)
    found = {
        made: addressed(
            company(),
            *everyone,
            report=about(team, about_rep).model_copy(update={"parameters": {"audience": made}}),
            leaders=[at("ceo")],
            **words,
        )
        for made in ("manager", "team")
    }
    managers = {at("ceo")} | ({at("mia")} if team else set()) | ({at("ann")} if about_rep else set())
    assert set(sent(found["manager"])) == managers
    assert {at("bo"), "vp@y.example"} <= set(sent(found["team"]))
    assert all(
        "made for managers alone" in dict(why(found["manager"]))[each] for each in (at("bo"), "vp@y.example")
    )


def test_a_manager_outside_the_tree_may_get_the_reports_of_those_who_report_there() -> None:
    store = company(ann={"manager_id": "ceo"})
    card = about("west", "ann")
    assert sent(addressed(store, REP_MANAGER, at("ceo"), report=card, audience="team")) == [at("ceo")]
    assert addressed(store, at("ceo"), report=about("west", "bo"), audience="team").to == ()
    assert addressed(store, at("ceo"), report=about(), audience="team").to == ()


@pytest.mark.parametrize(
    ("report", "deliver", "goes"),
    [
        (about(), {}, False),
        (about("west", "ann"), {}, False),
        (about(), {"audience": "team"}, True),
        (about(), {"leaders": ["vp@y.example"]}, True),
        (about(), {"others": ["VP@y.example"]}, True),
        (about(None), {}, True),
    ],
)
def test_whom_the_store_does_not_know_gets_it_only_where_the_spec_says_so(
    report: RunRecord, deliver: dict[str, Any], goes: bool
) -> None:
    found = addressed(company(), "vp@y.example", report=report, **deliver)
    assert sent(found) == (["vp@y.example"] if goes else [])
    assert goes or f"nobody in {report.name} has this address: name the address under others" in found.hold


@pytest.mark.parametrize("written", ["CY@X.Example", "cy@x.EXAMPLE", "Cy@x.example"])
def test_somebody_outside_does_not_get_in_by_another_way_of_writing(written: str) -> None:
    found = addressed(company(), written, audience="team")
    assert found.to == () and "Cy stands outside West" in found.hold
    store = company(cy={"email": "cy@köln.example"})
    assert addressed(store, "cy@xn--kln-sna.example", audience="team").to == ()


def test_one_address_of_several_people_serves_where_one_of_them_may_read() -> None:
    # She came back: a record of hers ended in another team.
    again = {"email": at("ann"), "left_on": dt.date(2029, 1, 1), "name": "Ann (old)"}
    assert sent(addressed(company(ann_old=again), at("ann"), audience="team")) == [at("ann")]
    both = company(ann={"left_on": dt.date(2030, 1, 1)}, ann_old=again)
    for report in (about(), about(None)):
        found = addressed(both, at("ann"), report=report, leaders=[at("ann")])
        assert found.to == () and "Ann left on 2030-01-01" in found.hold


IDS = st.sampled_from([f"r{n}" for n in range(6)])
TEAM_IDS = st.sampled_from([f"t{n}" for n in range(5)])


@st.composite
def companies(draw: st.DrawFn) -> dict[str, Rows]:
    day = st.sampled_from([None, None, TODAY - dt.timedelta(days=1), TODAY])

    def address(name: str) -> str | None:
        return draw(st.sampled_from([None, at(name)]))

    # A team stands below one with a smaller number, or below none.
    above = [
        None if n == 0 else draw(st.sampled_from([None, *(f"t{m}" for m in range(n))])) for n in range(5)
    ]
    teams = [
        {"team_id": f"t{n}", "name": f"T{n}", "parent_team_id": above[n], "manager_id": draw(st.none() | IDS)}
        | {"email": address(f"t{n}")}
        for n in range(5)
    ]
    reps = [{"rep_id": f"r{n}", "email": address(f"r{n}"), "left_on": draw(day)} for n in range(6)]
    members = [{"rep_id": f"r{n}", "team_id": draw(TEAM_IDS)} for n in range(6)]
    return {"teams": teams, "reps": reps, "team_members": members}


def may_read(tables: dict[str, Rows], team: str) -> set[str]:
    """The addresses within a team's scope, worked out by walking the tree from each person upwards."""
    teams = {each["team_id"]: each for each in tables["teams"]}
    reps = {each["rep_id"]: each for each in tables["reps"]}
    home = {each["rep_id"]: each["team_id"] for each in tables["team_members"]}

    def ancestors(start: str | None) -> list[str]:
        return [] if start is None else [start, *ancestors(teams[start]["parent_team_id"])]

    inside = [each for each in teams if team in ancestors(each)]
    people = {name for name, its in home.items() if its in inside}
    people |= {teams[each]["manager_id"] for each in (*inside, *ancestors(team))} - {None}
    at_work = {name for name in people if reps[name]["left_on"] in (None, TODAY)}
    return ({reps[name]["email"] for name in at_work} | {teams[each]["email"] for each in inside}) - {None}


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


@given(st.data())
def test_in_any_company_everybody_is_sent_it_or_told_why_not(
    engine: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    tables, team = data.draw(companies()), data.draw(TEAM_IDS)
    written = [*(at(f"r{n}") for n in range(6)), *(at(f"t{n}") for n in range(5)), "vp@y.example"]
    audience = data.draw(st.sampled_from(["manager", "team"]))
    named = data.draw(st.lists(st.sampled_from(written), unique=True))
    gone = data.draw(st.lists(st.sampled_from(written), max_size=2))
    report = record(team=team, team_name=team)
    found = addressed(
        store_of(tables, engine), *written, TEAM_MANAGER,
        report=report, directory=Directory(left=gone), others=named, audience=audience,
    )  # fmt: skip
    left = {each["email"] for each in tables["reps"] if each["left_on"] not in (None, TODAY)}
    strangers = set(written) - {each["email"] for each in (*tables["reps"], *tables["teams"])}
    allowed = may_read(tables, team) | set(named) | (strangers if audience == "team" else set())
    assert set(sent(found)) == allowed - left - set(gone)
    assert len(sent(found)) == len(set(sent(found)))
    assert set(written) <= {recipient for recipient, _ in why(found)} | set(sent(found))
    assert all(reason for _, reason in why(found)) and bool(found.hold) is not bool(found.to)
