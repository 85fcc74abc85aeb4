"""Who is sent what: looked up anew at each sending, and nobody dropped without a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from spm_lib.errors import SpecError
from spm_lib.press.deliver.addressing import Addressed, addressees_of, check_roles, owners_of
from spm_lib.press.deliver.contacts import read_contacts
from spm_lib.press.deliver.directory import Directory
from spm_lib.press.recipients import OwnerAddress
from spm_lib.press.records import RunRecord
from spm_lib.press.spec import Spec, load_spec
from spm_lib.spec_file import SpecDocument

from ..conftest import Project
from .companies import (
    REP_MANAGER,
    TEAM_MANAGER,
    THE_REP,
    THE_TEAM,
    TODAY,
    about,
    addressed,
    at,
    company,
    sent,
    spec_of,
    why,
)

# What each report finds for itself.


def test_each_report_finds_its_own_recipients() -> None:
    store = company()
    found = addressed(store, TEAM_MANAGER, THE_TEAM, audience="team")
    assert [(each.address, each.why) for each in found.to] == [
        (at("mia"), "Mia, the manager of West"),
        (at("west"), "the team West"),
    ]
    assert found.dropped == () and found.hold == ""
    card = addressed(store, THE_REP, TEAM_MANAGER, cc=[REP_MANAGER], report=about("west-1", "dee"))
    assert [(each.address, each.why) for each in card.to] == [
        (at("dee"), "Dee, whom the report is about"),
        (at("wes"), "Wes, the manager of West 1"),
    ]


def test_the_manager_is_who_leads_the_team_now() -> None:
    assert sent(addressed(company(team_west={"manager_id": "wes"}), TEAM_MANAGER)) == [at("wes")]


def test_a_rep_who_moved_is_told_to_the_manager_of_today() -> None:
    moved = dt.date(2030, 5, 1)
    before = moved - dt.timedelta(days=1)
    store = company(in_bo={"valid_to": before}, in_bo_then={"valid_from": moved}, bo={"manager_id": "max"})
    report = about("west", "bo")
    assert sent(addressed(store, TEAM_MANAGER, report=report)) == [at("max")]
    assert sent(addressed(store, TEAM_MANAGER, report=report, today=before)) == [at("mia")]
    assert sent(addressed(store, REP_MANAGER, report=report)) == [at("max")]
    # Mia led him then, and is nobody to him now.
    old = addressed(store, at("mia"), report=report, audience="team")
    assert old.to == () and "Mia stands outside Bo" in old.hold
    # Between two teams, the report's own team answers.
    between = company(in_bo={"valid_to": before})
    assert sent(addressed(between, TEAM_MANAGER, report=report)) == [at("mia")]


@pytest.mark.parametrize(
    ("changed", "to", "report", "says"),
    [
        ({"team_west": {"manager_id": None}}, TEAM_MANAGER, about(), "the team West has no manager in the store"),
        ({"team_west": {"manager_id": "m9"}}, TEAM_MANAGER, about(), "'m9', the manager of West, is nobody that the store"),
        ({"mia": {"email": None}}, TEAM_MANAGER, about(), "Mia, the manager of West, has no address in the store"),
        ({"mia": {"email": "  "}}, TEAM_MANAGER, about(), "Mia, the manager of West, has no address in the store"),
        ({"mia": {"email": "Mia <m@x.example>"}}, TEAM_MANAGER, about(), "cannot be written to: 'Mia <m@x.example>'"),
        ({"mia": {"email": "m@x.example\r\nBcc: a@b.c"}}, TEAM_MANAGER, about(), "cannot be written to"),
        ({"mia": {"email": "m@x.example, a@b.c"}}, TEAM_MANAGER, about(), "cannot be written to"),
        ({"mia": {"left_on": dt.date(2030, 5, 31)}}, TEAM_MANAGER, about(), "Mia, the manager of West, left on 2030-05-31"),
        ({"mia": {"hired_on": dt.date(2030, 6, 2)}}, TEAM_MANAGER, about(), "begins on 2030-06-02"),
        ({}, TEAM_MANAGER, about("gone"), "the store has no team 'gone' any more"),
        ({}, THE_TEAM, about("lost"), "the team Lost, has no address in the store"),
        ({}, TEAM_MANAGER, about(None), "the report is about the whole company"),
        ({}, THE_REP, about(None), "the report is about the whole company"),
        ({}, THE_REP, about(), "the report is about no one rep"),
        ({}, REP_MANAGER, about(), "the report is about no one rep"),
        ({"ann": {"manager_id": None}}, REP_MANAGER, about("west", "ann"), "Ann has no manager in the store"),
        ({"ann": {"left_on": dt.date(2030, 1, 1)}}, THE_REP, about("west", "ann"), "whom the report is about, left on"),
        ({}, THE_REP, about("west", "zed"), "'zed', whom the report is about, is nobody that the store knows"),
    ],
)  # fmt: skip
def test_what_resolves_to_nobody_is_held_with_its_reason(
    changed: dict[str, Any], to: str, report: RunRecord, says: str
) -> None:
    found = addressed(company(**changed), to, report=report)
    ((recipient, reason),) = why(found)
    assert found.to == () and recipient == to and says in reason
    assert found.hold.startswith(f"nobody is left to get it ({to}: ") and found.hold.isprintable()


def test_the_last_day_of_work_is_a_day_of_work() -> None:
    store = company(mia={"left_on": TODAY})
    assert sent(addressed(store, TEAM_MANAGER)) == [at("mia")]
    assert addressed(store, TEAM_MANAGER, today=TODAY + dt.timedelta(days=1)).to == ()


def test_others_get_theirs_where_one_is_dropped() -> None:
    found = addressed(company(ann={"email": None}), THE_REP, cc=[TEAM_MANAGER], report=about("west", "ann"))
    assert sent(found) == [at("mia")] and len(found.dropped) == 1 and found.hold == ""


# Roles, people who left, domains.

ROLES = Directory(roles={"vps": ["vp@y.example", at("vera"), at("cy")], "ops": ["ops@y.example"]})


def test_a_role_stands_for_those_who_hold_it() -> None:
    store = company()
    found = addressed(store, "{role.vps}", "{role.ops}", directory=ROLES, audience="team")
    assert [(each.address, each.why) for each in found.to] == [
        ("vp@y.example", "holds the role vps"),
        (at("vera"), "holds the role vps"),
        ("ops@y.example", "holds the role ops"),
    ]
    assert [recipient for recipient, _ in why(found)] == [at("cy")]
    # To hold a role is no word of the spec: the role must be named as leader or other.
    assert sent(addressed(store, "{role.vps}", directory=ROLES)) == [at("vera")]
    for word in ("leaders", "others"):
        named = addressed(store, "{role.vps}", directory=ROLES, **{word: ["{role.vps}"]})
        assert sent(named) == ROLES.roles["vps"] and {each.why for each in named.to} == {
            f"holds the role vps, under {word}"
        }


def test_a_role_that_nobody_holds_drops_nobody_else() -> None:
    found = addressed(company(), "{role.vp}", TEAM_MANAGER, directory=ROLES)
    assert sent(found) == [at("mia")]
    assert why(found) == [("{role.vp}", "there is no role 'vp' in recipients.yml. Did you mean 'vps'?")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("deliver:\n  to: [jo@x.example]\n  cc:\n    - al@x.example\n    - '{role.vp}'\n", 7),
        ("owner: '{role.vp}'\n", 3),
        ("deliver:\n  to: ['{role.vp}']\n  leaders: ['{role.vp}']\n", 4),
    ],
)
def test_a_check_names_the_line_of_a_role_that_nobody_holds(
    make_project: Callable[..., Project], text: str, line: int
) -> None:
    spec = load_spec(make_project().spec("notebook: summary\nfor_each: {team: all}\n" + text))
    with pytest.raises(
        SpecError, match=rf"summary\.yml:{line}: there is no role 'vp'.* Did you mean 'vps'"
    ) as caught:
        check_roles(spec, ROLES)
    assert "\n" not in str(caught.value)
    check_roles(spec, Directory(roles={"vp": ["jo@x.example"]}))


def test_who_left_by_the_directory_gets_nothing_whoever_names_them() -> None:
    gone = Directory(left=["MIA@x.example"], roles={"vps": [at("mia")]})
    named = (TEAM_MANAGER, at("mia"), "{role.vps}")
    found = addressed(company(), *named, directory=gone, leaders=[at("mia"), "{role.vps}"])
    assert found.to == () and why(found) == [(at("mia"), "has left, says recipients.yml")]


def test_mail_leaves_the_allowed_domains_for_nobody() -> None:
    directory = Directory(domains=["y.example"], roles={"ops": ["ops@y.example", "ops@z.example"]})
    found = addressed(company(), TEAM_MANAGER, "{role.ops}", directory=directory, others=["{role.ops}"])
    assert sent(found) == ["ops@y.example"]
    assert [recipient for recipient, _ in why(found)] == [at("mia"), "ops@z.example"]
    assert all("not among those that recipients.yml allows" in reason for _, reason in why(found))


def test_one_address_is_written_to_once() -> None:
    store = company(vera={"email": "Vera@X.Example"}, team_west={"manager_id": "vera"})
    found = addressed(store, TEAM_MANAGER, "Vera@x.EXAMPLE", cc=["Vera@x.example"])
    assert [(each.address, each.why) for each in found.to] == [
        ("Vera@x.example", "Vera, the manager of West")
    ]
    assert sent(addressed(store, TEAM_MANAGER, "vera@x.example", "VERA@x.example")) == ["Vera@x.example"]


def test_a_spec_without_delivery_addresses_nobody() -> None:
    spec = spec_of([at("mia")])
    content = spec.content.model_copy(update={"deliver": None})
    silent = Spec("summary", SpecDocument(content, Path("s.yml"), {(): 1}), spec.notebook)
    assert addressees_of(about(), silent, company(), Directory(), today=TODAY) == Addressed()


# Owners.


def test_owners_are_found_by_address_and_role_and_never_scoped() -> None:
    store = company(max={"left_on": dt.date(2030, 1, 1)})

    def owners(owner: str | None, directory: Directory = ROLES) -> Addressed:
        return owners_of(spec_of([at("mia")], owner), store, directory, today=TODAY)

    assert sent(owners("ops@elsewhere.example")) == ["ops@elsewhere.example"]
    assert sent(owners("{role.vps}")) == ROLES.roles["vps"]
    assert "Max left on 2030-01-01" in owners(at("max")).hold
    assert "recipients.yml allows" in owners("ops@y.example", Directory(domains=["x.example"])).hold
    assert owners(None).hold == "nobody is left to get it (owner: the spec names no owner)"


def test_an_owner_is_one_of_its_own_words(make_project: Callable[..., Project]) -> None:
    text = "notebook: summary\nfor_each: {team: all}\n"
    project = make_project()
    assert load_spec(project.spec(text + "owner: ops@x.example\n")).content.owner == "ops@x.example"
    assert load_spec(project.spec(text + "owner: '{role.ops}'\n")).content.owner == "{role.ops}"
    owner = TypeAdapter(OwnerAddress)
    assert owner.validate_python(" ops@x.example ") == "ops@x.example"
    with pytest.raises(ValidationError, match="another person for each report"):
        owner.validate_python(TEAM_MANAGER)
    with pytest.raises(ValidationError, match="is no address"):
        owner.validate_python("=?utf-8?q?a=0D=0ABcc=3A_x?=@x.example")
    with pytest.raises(ValidationError, match="is no address"):
        owner.validate_python("ops@x.example\nBcc: jo@x.example")


def test_contacts_read_once_serve_all_reports() -> None:
    store = company()
    contacts = read_contacts(store, TODAY)
    spec, directory = spec_of([TEAM_MANAGER, THE_TEAM], audience="team"), Directory()
    for team in ("emea", "west", "west-1", "east", "lost"):
        anew = addressees_of(about(team), spec, store, directory, today=TODAY)
        assert addressees_of(about(team), spec, store, directory, today=TODAY, contacts=contacts) == anew
