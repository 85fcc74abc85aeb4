"""Reports that went out before: who was missed gets them, a correction takes their place, and nobody is sent two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from spm_lib.data.store import Store
from spm_lib.press.deliver.deliveries import deliveries
from spm_lib.press.deliver.delivery import decide
from spm_lib.press.deliver.dispatch_ledger import DispatchLedger
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox

from .companies import MEMBERS, NAMES, TEAMS, at, rep
from .smtp_servers import Fault
from .test_delivery import SPEC, Office, office, words
from .test_outbox import NOW, entry, outbox
from .test_post import CHAT, away, both, states, to_owner, waits

__all__ = ["office", "outbox"]

MakeStore = Callable[..., Store]
TWO = SPEC.replace('["{team.manager.email}"]', f'["{{team.manager.email}}", {at("ceo")}]').replace(
    "  subject:", f"  leaders: [{at('ceo')}]\n  subject:"
)


def crm(office: Office, make_store: MakeStore, **addresses: str | None) -> None:
    """The office's CRM, with other addresses of its people from now on."""
    office.store = make_store(
        teams=[team for team in TEAMS if team["team_id"] != "lost"],
        reps=[rep(name, **({"email": addresses[name]} if name in addresses else {})) for name in NAMES],
        team_members=[{"rep_id": name, "team_id": team} for name, team in MEMBERS.items()],
        deals=[{"deal_id": "d", "owner_id": "ann", "outcome": "open", "created_on": dt.date(2030, 5, 1)}],
    )


def sent_to(office: Office) -> list[str]:
    return [name for name in office.readers() if name != at("ops")]


# Who was missed


def test_a_corrected_address_gets_the_report_and_nobody_else_a_second_one(
    office: Office, make_store: MakeStore
) -> None:
    spec = both(office, TWO)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('mia')}"))
    office.deliver(spec)
    told = to_owner(office)[0]
    assert (
        f"Where the address was wrong, correct it, then: spm send {spec.document.path} --as-of 2030-06-01"
        in told
    )
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}, "nobody new is there"
    crm(office, make_store, mia="mia.new@x.example")
    found = office.deliver(spec)
    assert words(found) == {"west": "send", "east": "sent"}
    (west,) = [each for each in found.dispatches if each.subject == "west"]
    assert west.revision == 1 and west.reason.endswith("and had not reached these readers")
    assert sent_to(office) == sorted([at("ceo"), at("ceo"), at("max"), "mia.new@x.example"])
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"} and len(sent_to(office)) == 4
    (kept,) = [each for each in DispatchLedger(office.ledger).all_latest() if each.subject == "west"]
    assert kept.reason == "it is always sent", "the decision by which it went out stands"


def test_one_who_had_no_address_gets_the_report_once_there_is_one(
    office: Office, make_store: MakeStore
) -> None:
    crm(office, make_store, mia=None)
    spec = both(office, TWO)
    office.deliver(spec)
    assert sent_to(office) == sorted([at("ceo"), at("ceo"), at("max")])
    assert "has no address in the store. Once the CRM has one: spm send" in to_owner(office)[0]
    crm(office, make_store)
    assert words(office.deliver(spec)) == {"west": "send", "east": "sent"}
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}
    assert sent_to(office) == sorted([at("ceo"), at("ceo"), at("max"), at("mia")])


def test_whoever_was_reached_at_an_old_address_is_not_written_to_at_the_new_one(
    office: Office, make_store: MakeStore
) -> None:
    spec = both(office, TWO)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('ceo')}"))
    office.deliver(spec)
    crm(office, make_store, mia="mia.new@x.example", max=at("max").upper())
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}
    assert sent_to(office) == sorted([at("max"), at("mia")])


def test_a_new_manager_gets_no_report_that_reached_everybody(office: Office, make_store: MakeStore) -> None:
    spec = both(office)
    office.deliver(spec)
    crm(office, make_store, mia="another@x.example")
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}


@pytest.mark.parametrize("why", ["a gate", "made again"])
def test_what_is_held_or_another_one_now_does_not_go_to_who_was_missed(
    office: Office, make_store: MakeStore, why: str
) -> None:
    spec = both(office, TWO)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('mia')}"))
    office.deliver(spec)
    crm(office, make_store, mia="mia.new@x.example")
    if why == "made again":
        office.make(spec, "west", 11, fingerprint="another")
    office.deliver(spec, shut=("The CRM is not finance",) if why == "a gate" else ())
    assert "mia.new@x.example" not in office.readers()


def test_no_chat_is_told_again_because_a_reader_was_missed(
    office: Office, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        "spm_lib.press.deliver.chat._apprise", lambda: lambda address, notice: bool(told.append(notice.title))
    )
    office.environ = {"SALES_CHAT": "json://localhost/"}
    spec = both(office, TWO.replace("  subject:", "  chat: [SALES_CHAT]\n  subject:"))
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('mia')}"))
    office.deliver(spec)
    crm(office, make_store, mia="mia.new@x.example")
    assert words(office.deliver(spec))["west"] == "send"
    assert "mia.new@x.example" in office.readers() and sorted(told) == ["East: $10", "West: $10"]


# A correction that is held


def test_a_correction_that_was_held_does_not_go_out_by_itself(office: Office) -> None:
    spec = both(office)
    office.deliver(spec)
    found = office.deliver(spec, shut=("The CRM is not finance",), resend=True)
    assert set(words(found).values()) == {"hold"} and not found.complete
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}
    assert sent_to(office) == [at("max"), at("mia")]
    assert {(each.revision, each.decision) for each in DispatchLedger(office.ledger).all_latest()} == {
        (1, "send")
    }
    assert set(deliveries(office.ledger).values()) == {"Sent to 1 reader (1 accepted)"}
    assert {each.revision for each in office.deliver(spec, resend=True).dispatches} == {2}
    assert sent_to(office) == [at("max"), at("max"), at("mia"), at("mia")]


def test_a_correction_that_nobody_took_is_not_sent_again_by_itself(office: Office) -> None:
    spec = both(office)
    office.deliver(spec)
    office.theirs.faults.append(Fault.parse("rcpt:550:2"))
    office.deliver(spec, resend=True)
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}
    assert {each.revision for each in office.decide(spec, resend=True).dispatches} == {2}


# A correction while the first one waits


def test_a_correction_takes_the_place_of_what_waits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = both(office, CHAT)
    here = office.ours
    office.ours = MailServer("localhost", 9, "none", here.sender)
    monkeypatch.setattr("spm_lib.press.deliver.chat._apprise", lambda: lambda address, notice: True)
    office.deliver(spec)
    office.make(spec, "west", 11, fingerprint="another")
    office.ours = here
    office.deliver(spec, resend=True)
    assert sent_to(office) == [at("max"), at("mia")]
    assert sorted(mail["Subject"] for mail in office.mails if mail["To"] != at("ops")) == [
        "East: $10 (corrected)",
        "West: $11 (corrected)",
    ]
    old = [each for each in Outbox(office.ledger).states() if each.kind == "report" and each.revision == 1]
    assert {(each.state, each.reply) for each in old} == {("cancelled", "Replaced by revision 2")}
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}


def test_only_what_waits_of_lower_revisions_of_the_same_report_is_replaced(outbox: Outbox) -> None:
    others = {"kind": "owner"}, {"subject": "else"}, {"period": "2026-10"}, {"spec": "other"}, {"revision": 3}
    kept: list[Entry] = [entry(1, **{"subject": "west"} | more) for more in others]
    taken = entry(2, subject="west")
    outbox.add([*kept, taken], now=NOW)
    claimed = outbox.claim(outbox.states()[-1], NOW)
    assert claimed is not None
    gone = [entry(n, subject="west", kind=kind) for n, kind in enumerate(("report", "notice", "chat"), 3)]
    outbox.add(gone, now=NOW)
    (new,) = outbox.add([entry(9, subject="west", revision=2)], now=NOW)
    cancelled = {each.recipient for each in outbox.states() if each.state == "cancelled"}
    assert cancelled == {each.recipient for each in gone}
    assert {each.state for each in outbox.states() if each.recipient == taken.recipient} == {"sending"}
    assert new.state == "waiting"


def test_a_first_report_replaces_nothing(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    assert decide(spec, office.store.path, office.reports, office.ledger, today=office.now.date()).dispatches
    office.now += dt.timedelta(minutes=5)
    assert waits(office) is not None and set(states(office).values()) == {"accepted"}
