"""What an owner is told, and told again: nothing is lost with a mail that was not taken, or left out of one that is long."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from spm_lib.press.deliver.digest import OF_MAILS, Digest, Item, Section, digest_of
from spm_lib.press.deliver.digest_mail import digest_mail, fitted
from spm_lib.press.deliver.entry import Entry, State
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.owner_mails import REMEMBERED, is_told, marks_told, owner_entries, with_lost
from spm_lib.press.render.mail import HTML_LIMIT

from .companies import at
from .smtp_servers import Fault
from .test_delivery import SPEC, Office, flat, office
from .test_outbox import entry
from .test_post import DAY, away, both, directory, states, to_owner, waits

__all__ = ["office"]

TODAY = dt.date(2030, 6, 3)
LONG = "The report failed: cell 7 (deals = report.deals()): KeyError: none of these columns is there. " * 3


def items(name: str, count: int, text: str = LONG) -> tuple[Item, ...]:
    return tuple(Item(about=f"{name} {n:04d}", text=text, mark=f"{name} {n}") for n in range(count))


def digest(**sections: tuple[Item, ...]) -> Digest:
    told = tuple(Section(title=title.replace("_", " "), items=found) for title, found in sections.items())
    return Digest(spec="summary", sections=told)


def mail_to_owner(body: Digest, state: State, day: dt.date = TODAY) -> Entry:
    more: dict[str, Any] = {"kind": "owner", "spec": body.spec, "as_of": day, "state": state}
    return entry(body=body.model_dump_json(), **more)


# What was lost with a mail that was not taken


def test_what_a_rejected_mail_was_to_tell_is_told_another_day(office: Office) -> None:
    spec = both(office)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('ops')}"))
    office.deliver(spec, shut=("The CRM is not finance",), troubles=("The slot of May 27 was missed",))
    assert states(office, "owner") == {at("ops"): "rejected"} and office.mails == []
    assert waits(office) is None, "not at each call of a timer"
    office.now += DAY
    assert waits(office) is not None
    (told,) = to_owner(office)
    assert "A gate is shut, on 2030-06-03. The CRM is not finance" in told
    assert "On 2030-06-03. The slot of May 27 was missed" in told
    assert "West, 2030-Q2, on 2030-06-03. The CRM is not finance" in told
    office.now += DAY
    assert waits(office) is None and len(to_owner(office)) == 1


def test_what_was_lost_stands_in_the_next_mail_and_is_not_told_twice_there(office: Office) -> None:
    spec = both(office)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('ops')}"))
    office.deliver(spec, shut=("The CRM is not finance",), troubles=("The slot of May 27 was missed",))
    office.now += DAY
    office.deliver(spec, shut=("The CRM is not finance",))
    (told,) = to_owner(office)
    assert told.count("A gate is shut") == 1 and "On 2030-06-03. The slot of May 27 was missed" in told


def test_an_owner_who_is_never_reached_is_told_for_the_days_remembered() -> None:
    lost = mail_to_owner(digest(held_or_failed=items("West", 1)), "given_up")
    for day in (1, REMEMBERED.days):
        (section,) = with_lost(Digest(spec="summary"), [lost], TODAY + dt.timedelta(day)).sections
        assert [item.since for item in section.items] == [TODAY]
        again = mail_to_owner(digest(held_or_failed=section.items), "rejected", TODAY + dt.timedelta(day))
        assert with_lost(Digest(spec="summary"), [lost, again], TODAY + dt.timedelta(day)).sections == ()
    late = TODAY + REMEMBERED + dt.timedelta(1)
    assert with_lost(Digest(spec="summary"), [lost, again], late).sections == ()


@pytest.mark.parametrize("state", ["waiting", "accepted", "unknown"])
def test_what_another_mail_told_or_will_tell_is_not_lost(state: State) -> None:
    told = digest(held_or_failed=items("West", 1))
    mails = [mail_to_owner(told, "rejected"), mail_to_owner(told, state, TODAY + dt.timedelta(1))]
    assert with_lost(Digest(spec="summary"), mails, TODAY + dt.timedelta(2)).sections == ()


def test_mails_are_told_as_they_are_now_and_not_as_a_lost_mail_had_them() -> None:
    lost = mail_to_owner(
        Digest(spec="s", sections=(Section(title=OF_MAILS, items=items("m", 3)),)), "rejected"
    )
    assert with_lost(Digest(spec="summary"), [lost], TODAY + dt.timedelta(1)).sections == ()


# A long digest


def test_a_long_digest_lists_what_fits_of_each_kind_and_counts_the_rest() -> None:
    long = digest(
        held_or_failed=items("West", 300), changed=items("East", 200), mails_in_trouble=items("m", 3)
    )
    mail = digest_mail(long)
    assert mail.size <= HTML_LIMIT
    assert all(f"m {n:04d}" in mail.html for n in range(3)), "a kind that has few keeps its place"
    shown = [len(section.shown) for section in fitted(long).sections]
    assert shown[0] == shown[1] > 20 and shown[2] == 3
    left = re.findall(r"And (\d+) more", mail.html)
    assert left == [str(300 - shown[0]), str(200 - shown[1])]
    assert f"West {shown[0] - 1:04d}" in mail.html and f"West {shown[0]:04d}" not in mail.html
    assert all(f"{name} {n:04d}." in mail.text for name, n in (("West", 299), ("East", 199), ("m", 2)))
    assert "more: in this" not in mail.text
    assert digest_mail(fitted(long)) == mail


def test_only_what_a_mail_lists_is_told_and_the_rest_another_day() -> None:
    long = digest(mails_in_trouble=items("m", 400))
    (mail,) = owner_entries(long, [at("ops")], (), TODAY, "x.example")
    assert owner_entries(long, [at("ops")], [mail], TODAY, "x.example") == (), "once a day"
    assert len(marks_told([mail], TODAY)) == 400
    told = marks_told([mail], TODAY + dt.timedelta(1))
    assert told == {f"m {n}" for n in range(len(told))} and 50 < len(told) < 400


def test_an_owner_is_told_of_many_mails_day_by_day(office: Office) -> None:
    spec = both(office)
    box = Outbox(office.ledger)
    for number in range(600):
        (mail,) = box.add(
            [entry(number, spec=spec.name, subject=f"team-with-a-long-name-{number}")], now=office.now
        )
        claimed = box.claim(mail, office.now)
        assert claimed is not None
        box.give_up(claimed, "no file " * 25, office.now)
    found = 0
    for _ in range(12):
        made = waits(office)
        if made is None:
            break
        assert waits(office) is None, "one mail a day"
        found += 1
        office.now += DAY
    said = "".join(str(each.get_body(("html",)).get_content()) for each in office.mails)  # type: ignore[union-attr]
    assert found == len(office.mails) > 1
    assert all(f"spm outbox --again {number + 1}." in said for number in range(600))


def test_mails_in_trouble_stand_first_and_the_unknown_before_all() -> None:
    bad = [entry(n, state=state) for n, state in enumerate(("rejected", "unknown", "given_up"))]
    made = digest_of("summary", mails=bad, shut=("The CRM is not finance",), troubles=("a slot was missed",))
    assert [section.title for section in made.sections] == [OF_MAILS, "to look at first"]
    assert [item.text.partition(" ")[0] for item in made.sections[0].items] == [
        "Nobody",
        "Rejected:",
        "Given",
    ]


# Whether an owner was told


def test_an_owner_is_told_once_the_server_has_the_mail(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    office.now += dt.timedelta(minutes=5)
    found = office.deliver(spec, shut=("The CRM is not finance",))
    assert found.owner_told and not found.untold
    assert office.deliver(spec, shut=("The CRM is not finance",)).owner_told, "by the mail of this day"


@pytest.mark.parametrize("state", ["waiting", "rejected", "unknown", "given_up"])
def test_an_owner_whose_mail_is_not_taken_is_not_told(state: State) -> None:
    body = digest(held=items("West", 1))
    assert is_told(body, [mail_to_owner(body, "accepted")], TODAY)
    assert not is_told(body, [mail_to_owner(body, state)], TODAY)
    assert not is_told(body, [mail_to_owner(body, "accepted", TODAY - dt.timedelta(1))], TODAY)
    assert not is_told(Digest(spec="summary"), [], TODAY)


# Who the owner is


def test_what_another_call_tells_at_the_same_time_loses_no_digest(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, add = both(office), Outbox.add
    others = [mail_to_owner(digest(failed=items("another", 1)), "waiting", office.now.date())]
    others[0] = replace(others[0], recipient=at("ops"), subject="digest", period="", revision=1)

    def second(self: Outbox, entries: Iterable[Entry], **more: Any) -> tuple[Entry, ...]:
        found = tuple(entries)
        if found and found[0].kind == "owner" and others:
            # Between the reading of what was told and the writing.
            assert add(self, [others.pop()], now=office.now)
        return add(self, found, **more)

    monkeypatch.setattr(Outbox, "add", second)
    office.deliver(spec, shut=("The CRM is not finance",))
    told = to_owner(office)
    assert not others and len(told) == 2
    assert sum("The CRM is not finance" in each for each in told) == 1


def test_one_who_is_not_the_owner_any_more_is_told_nothing(office: Office) -> None:
    away(office, both(office))
    office.spec(SPEC.replace(at("ops"), at("vera")))
    office.now += dt.timedelta(minutes=5)
    waits(office)
    assert states(office, "owner") == {at("ops"): "given_up"} and at("ops") not in office.readers()
    (mail,) = [each for each in Outbox(office.ledger).states() if each.kind == "owner"]
    assert f"{at('ops')} is not the owner any more: the spec names others now" in mail.reply


def test_the_next_owner_hears_what_the_last_one_did_not(office: Office) -> None:
    spec = both(office)
    here = office.ours
    office.ours = type(here)("localhost", 9, "none", here.sender)
    office.deliver(spec, shut=("The CRM is not finance",))
    office.ours = here
    office.spec(SPEC.replace(at("ops"), at("vera")))
    office.now += dt.timedelta(minutes=5)
    waits(office)
    office.now += DAY
    waits(office)
    (told,) = [flat(mail) for mail in office.mails if mail["To"] == at("vera")]
    assert "The CRM is not finance" in told and to_owner(office) == []


@pytest.mark.parametrize("store", ["there", "gone"])
def test_an_owner_by_a_role_is_looked_up_again_with_a_store_and_without(office: Office, store: str) -> None:
    directory(office, f"roles: {{keepers: [{at('ops')}, {at('ceo')}]}}")
    away(office, both(office, SPEC.replace(f"owner: {at('ops')}", 'owner: "{role.keepers}"')))
    directory(office, f"roles: {{keepers: [{at('vera')}, {at('ceo')}]}}")
    if store == "gone":
        office.store.close()
        office.store.path.unlink()
    office.now += dt.timedelta(minutes=5)
    waits(office)
    assert at("ops") not in office.readers() and at("ceo") in office.readers()
