"""Previews: one mail of each report to one address, at the server's pace, over a line that may break."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from spm_lib.errors import DeliveryError
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.preview import preview

from .companies import at
from .smtp_servers import Fault
from .test_delivery import Office, office

__all__ = ["office"]


def test_a_preview_goes_to_one_address_and_is_not_written_down(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    sent = preview(office.decide(spec), office.ours, office.reports, "me@x.example", clock=lambda: office.now)
    assert len(sent) == 2 and office.readers() == ["me@x.example"] * 2
    assert sorted(mail["Subject"] for mail in office.mails) == [
        f"[For {at('max')}] East: $10",
        f"[For {at('mia')}] West: $10",
    ]
    assert Outbox(office.ledger).states() == ()
    (office.root / "params" / "recipients.yml").write_text("domains: [x.example]\n")
    with pytest.raises(DeliveryError, match=r"mail may not go to me@elsewhere\.example"):
        preview(
            office.decide(spec), office.ours, office.reports, "me@elsewhere.example", clock=lambda: office.now
        )


def test_previews_keep_the_pace_and_outlive_a_connection(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    office.ours = dataclasses.replace(office.ours, a_minute=30)
    slept: list[float] = []

    def sent() -> list[str]:
        found = preview(
            office.decide(spec), office.ours, office.reports, "me@x.example",
            clock=lambda: office.now, sleep=slept.append,
        )  # fmt: skip
        return [outcome.state for _, outcome in found]

    office.theirs.faults.append(Fault.parse("mail:drop:1"))
    assert sent() == ["retry", "accepted"] and slept == [2.0]
    office.now += dt.timedelta(seconds=9)
    assert sent() == ["accepted", "accepted"]
    names = [mail["Message-ID"] for mail in office.mails]
    assert len(names) == len(set(names)) == 3, "a mail program would show one of a name alone"


def test_a_report_that_makes_no_mail_keeps_no_other_from_being_looked_at(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east").html.unlink()
    found = preview(
        office.decide(spec), office.ours, office.reports, "me@x.example", clock=lambda: office.now
    )
    assert {entry.subject: outcome.state for entry, outcome in found} == {
        "west": "accepted",
        "east": "rejected",
    }
