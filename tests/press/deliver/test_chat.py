"""Notices in chats: checked before they are told as mails are, and nothing in them that a chat takes for a mark."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from spm_lib.press.deliver import chat as chats
from spm_lib.press.deliver.chat import Notice, defused
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.records import Failure

from .companies import at
from .test_delivery import Office, Room, chat, office
from .test_post import CHAT, both, waits

__all__ = ["chat", "office"]

HOSTILE = (
    "West <!channel> @everyone <https://evil.example/a|open> [open](https://evil.example) &lt;!here&gt; "
    "www.evil.example"
)


@pytest.fixture
def told(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What a chat was told."""
    found: list[Notice] = []
    office.environ = {"SALES_CHAT": "json://localhost/"}
    monkeypatch.setattr(chats, "_apprise", lambda: lambda address, notice: not found.append(notice))
    return found


def left_waiting(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave notices that wait, while the mails went out."""
    here = chats._apprise
    monkeypatch.setattr(chats, "_apprise", absent)
    office.deliver(both(office, CHAT))
    monkeypatch.setattr(chats, "_apprise", here)
    assert {each.state for each in notices(office)} == {"waiting"}


def absent() -> chats.Tell:
    raise chats.DeliveryError("the package apprise is not installed")


def notices(office: Office) -> list[Entry]:
    return [each for each in Outbox(office.ledger).states() if each.kind == "chat"]


# What a chat takes for a mark


@pytest.mark.parametrize(
    "mark", ["<!", "@everyone", "https://", "](", "[open]", "&lt;", "evil.example", "www.evil"]
)
def test_nothing_of_a_name_calls_somebody_or_leads_elsewhere(mark: str) -> None:
    assert mark in HOSTILE + "[open]" and mark not in defused(HOSTILE)


@pytest.mark.parametrize("plain", ["West: $10.50, +3.2% on 2030-Q1 (n 12)", "R&D – Zoë's *best* team_1"])
def test_plain_words_and_figures_stay_as_they_are(plain: str) -> None:
    assert defused(plain) == plain


@pytest.mark.parametrize(
    "address",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "workflow://host/abcdefgh/ijklmn",
    ],
)
def test_what_leaves_for_each_chat_holds_no_mark(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    left: list[str] = []

    class Answer:
        status_code, content, text, headers = 200, b"ok", "ok", {"": ""}

    def post(url: str, data: Any = None, **_: Any) -> Answer:
        left.append(json.dumps(json.loads(data), ensure_ascii=False))
        return Answer()

    monkeypatch.setattr("requests.post", post)
    monkeypatch.setattr("requests.request", lambda method, url, **more: post(url, **more))
    assert chats._apprise()(address, Notice(defused(HOSTILE), defused(HOSTILE)))
    (body,) = left
    assert "West" in body
    for mark in ("<!", "&lt;!", "@everyone", "https://evil", "(https:/", "[open"):
        assert mark not in body.replace("https://github", ""), mark


def test_a_hostile_name_arrives_defused_and_the_link_whole(office: Office, chat: str) -> None:
    spec = both(office, CHAT.replace('"{team.name}: {kpi.revenue}"', f"'{HOSTILE}'"))
    office.environ = {"SALES_CHAT": chat}
    assert office.deliver(spec).complete
    assert {each["title"] for each in Room.told} == {defused(HOSTILE)}
    assert {each["message"] for each in Room.told} == {"On track"}


# What is checked again before it is told


def test_a_notice_that_waits_is_told_once_it_can_be(
    office: Office, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    left_waiting(office, monkeypatch)
    assert waits(office) is not None
    assert sorted((each.title, each.text) for each in told) == [
        ("East: $10", "On track"),
        ("West: $10", "On track"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda o, s: o.make(s, "west", 11, fingerprint="another"), "the report was made again since"),
        (
            lambda o, s: o.make(
                s, "west", status="failed", failure=Failure(error="E", message="no"), published=None
            ),
            "the report failed since",
        ),
        (lambda o, s: o.make(s, "west", audience="team"), "made for the manager then"),
        (lambda o, s: o.spec(CHAT.replace("SALES_CHAT", "OTHER_CHAT")), "the spec names others"),
        (lambda o, s: o.spec(CHAT.replace("  chat: [SALES_CHAT]\n", "")), "the spec names others"),
    ],
)
def test_what_may_not_be_told_any_more_is_not(
    office: Office,
    told: list[Notice],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[..., Any],
    said: str,
) -> None:
    left_waiting(office, monkeypatch)
    change(office, office.specs["summary"])
    waits(office)
    (west,) = [each for each in notices(office) if each.subject == "west"]
    assert west.state == "given_up" and said in west.reply
    assert "West: $10" not in {each.title for each in told}
    assert any(said in mail.as_string().replace("=\n", "").replace("\n", " ") for mail in office.mails[-1:])


def test_a_notice_waits_while_its_spec_cannot_be_read(
    office: Office, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    left_waiting(office, monkeypatch)
    spec = office.specs.pop("summary")
    waits(office)
    assert told == [] and {each.state for each in notices(office)} == {"waiting"}
    office.specs["summary"] = spec
    office.now += chats.dt.timedelta(minutes=1)
    waits(office)
    assert len(told) == 2 and at("mia") in office.readers()


def test_no_chat_is_told_of_a_report_behind_a_shut_gate(
    office: Office, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    left_waiting(office, monkeypatch)
    found = office.deliver(office.specs["summary"], shut=("The CRM is not finance",))
    assert told == [] and {each.reply for each in found.chats} == {"A gate is shut: The CRM is not finance"}
    assert {each.state for each in notices(office)} == {"waiting"} and not found.complete
    assert office.deliver(office.specs["summary"]).complete and len(told) == 2
