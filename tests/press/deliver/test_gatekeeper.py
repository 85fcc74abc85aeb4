"""While a gate of a spec is shut, its reports that wait stay where they are, whoever sends."""

from __future__ import annotations

import datetime as dt

import pytest

from spm_lib.press.deliver.delivery import deliver, owners_alone
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.patience import LONGEST

from .companies import at
from .test_delivery import SPEC, TODAY, Office, office, words
from .test_post import away, both, states, to_owner, waits

__all__ = ["office"]

SHUT = "A gate is shut: The CRM is not finance"
#: The office has one deal.
GATED = SPEC + "gates: {reconcile: [{name: Deals, query: select count(*) from deals, expected: 1}]}\n"


def close(office: Office) -> None:
    office.spec(GATED.replace("expected: 1", "expected: 9"))


def test_a_shut_gate_keeps_what_waits_and_says_so(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    office.now += dt.timedelta(minutes=5)
    found = office.deliver(spec, shut=("The CRM is not finance",))
    assert [each.reply for each in found.sent.waiting] == [SHUT, SHUT]
    assert set(states(office).values()) == {"waiting"} and set(office.readers()) == {at("ops")}
    assert f"Waits for the next spm send: {SHUT}" in to_owner(office)[-1]
    assert office.deliver(spec).complete and set(states(office).values()) == {"accepted"}


def test_what_sends_what_waits_looks_at_the_gates(office: Office) -> None:
    away(office, both(office, GATED))
    close(office)
    office.now += dt.timedelta(minutes=5)
    made = waits(office)
    assert made is not None and not made.complete
    assert all(
        each.reply.startswith("A gate is shut: Deals does not agree: 1.00") for each in made.sent.waiting
    )
    assert set(states(office).values()) == {"waiting"} and set(office.readers()) == {at("ops")}
    office.spec(GATED)
    waits(office)
    assert set(states(office).values()) == {"accepted"}


def test_a_shut_gate_keeps_no_mails_of_other_specs(office: Office) -> None:
    away(office, both(office, GATED))
    close(office)
    other = office.spec(name="other")
    office.make(other, "west")
    office.make(other, "east")
    office.now += dt.timedelta(minutes=5)
    found = office.deliver(other)
    assert [each.spec for each in found.sent.waiting] == ["summary", "summary"]
    sent = {each.spec: each.state for each in Outbox(office.ledger).states() if each.kind == "report"}
    assert sent == {"summary": "waiting", "other": "accepted"}


def test_what_was_decided_by_a_named_day_goes_by_its_gates(office: Office) -> None:
    spec = both(office, GATED)
    away(office, spec)
    close(office)
    office.now += dt.timedelta(minutes=5)
    assert words(office.deliver(spec, shut=())) == {"west": "sent", "east": "sent"}
    assert set(states(office).values()) == {"accepted"}, "somebody has looked just now"


def test_word_to_an_owner_alone_releases_nothing(office: Office) -> None:
    away(office, both(office, GATED))
    close(office)
    office.now += dt.timedelta(minutes=5)
    deliver(
        owners_alone(office.specs["summary"], office.store.path, today=TODAY), office.ours, office.specs, office.reports,
        office.ledger, clock=lambda: office.now, today=TODAY, environ={}, troubles=("a slot was missed",),
    )  # fmt: skip
    assert set(states(office).values()) == {"waiting"} and set(office.readers()) == {at("ops")}


@pytest.mark.parametrize("what", ["store", "query"])
def test_a_gate_that_cannot_be_looked_at_is_shut(office: Office, what: str) -> None:
    away(office, both(office, GATED))
    office.now += dt.timedelta(minutes=5)
    if what == "query":
        office.spec(GATED.replace("count(*) from deals", "count(*) from nothing"))
    else:
        office.store.close()
        office.store.path.write_bytes(b"no store")
    made = waits(office)
    assert made is not None and all("A gate is shut: " in each.reply for each in made.sent.waiting)
    assert set(states(office).values()) == {"waiting"}


def test_what_a_gate_kept_for_a_day_is_given_up_and_its_owner_hears_why(office: Office) -> None:
    away(office, both(office, GATED))
    close(office)
    office.now += LONGEST + dt.timedelta(minutes=1)
    waits(office)
    assert set(states(office).values()) == {"given_up"}
    assert "Given up after 0 tries: A gate is shut: Deals does not agree" in to_owner(office)[-1]
