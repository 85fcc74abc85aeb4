"""Delivery as a whole, over a real mail server: each report to its readers once, and its owner hears of the rest."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from spm_lib.data.store import Store
from spm_lib.errors import DeliveryError, RunError, SpecError
from spm_lib.press.deliver.deliveries import deliveries
from spm_lib.press.deliver.delivery import Decisions, Delivered, decide, deliver
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.sole_sender import alone
from spm_lib.press.index import write_index
from spm_lib.press.notebook import PUBLISHED_MIME
from spm_lib.press.plan import Job, plan
from spm_lib.press.records import Failure, Published
from spm_lib.press.shelf import commit, place
from spm_lib.press.spec import Spec, load_spec

from ..conftest import PUBLISH, book
from ..test_records import record
from .companies import MEMBERS, NAMES, TEAMS, at, rep
from .conftest import MakeServer
from .smtp_servers import Fault, MailLogServer

TODAY = dt.date(2030, 6, 3)
MONDAY = dt.datetime(2030, 6, 3, 6, 0, tzinfo=dt.UTC)
SPEC = """
notebook: summary
for_each: {team: [west, east]}
as_of: "2030-06-01"
deliver:
  to: ["{team.manager.email}"]
  subject: "{team.name}: {kpi.revenue}"
owner: ops@x.example
"""


def shown(value: float | None, headline: str = "On track") -> dict[str, Any]:
    text = "–" if value is None else f"${value:,.0f}"
    kpi = {"metric": "revenue", "label": "Revenue", "value": value, "text": text}
    return {"version": 1, "headline": headline, "kpis": [kpi]}


def executed(figures: dict[str, Any]) -> str:
    data = {"text/html": f"<p>{figures['headline']}</p>", PUBLISHED_MIME: figures}
    cell = new_code_cell(
        "show()", metadata={"tags": ["email"]}, outputs=[new_output("display_data", data=data)]
    )
    return str(nbformat.writes(new_notebook(cells=[cell])))


@dataclass
class Office:
    """A project, its store, a mail server, and a clock that somebody moves."""

    root: Path
    store: Store
    theirs: MailLogServer
    ours: MailServer
    now: dt.datetime = MONDAY
    specs: dict[str, Spec] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    def spec(self, text: str = SPEC, name: str = "summary") -> Spec:
        path = self.root / "params" / f"{name}.yml"
        path.write_text(text, "utf-8")
        self.specs[name] = load_spec(path)
        return self.specs[name]

    def jobs(self, spec: Spec, as_of: str = "2030-06-01") -> dict[str, Job]:
        found = plan(spec, self.store, today=TODAY, reports=self.reports, as_of=as_of)
        return {job.html.stem: job for job in found}

    def make(
        self, spec: Spec, team: str, value: float | None = 10.0, *, as_of: str = "2030-06-01", **more: Any
    ) -> Job:
        """Put a report on the shelf as a run would have."""
        job, figures = self.jobs(spec, as_of)[team], shown(value)
        good = more.get("status", "done") == "done"
        place(job, html="<!doctype html><p>whole page</p>" if good else None, notebook=executed(figures))
        told = {
            "spec": job.spec, "team": job.team, "team_name": job.team_name, "period": job.period, "as_of": job.as_of,
            "fingerprint": job.fingerprint, "published": Published.model_validate(figures), "warnings": (),
        }  # fmt: skip
        commit(job, record(**told | more))
        return job

    def decide(self, spec: Spec, **more: Any) -> Decisions:
        return decide(spec, self.store.path, self.reports, self.ledger, **{"today": self.now.date()} | more)

    def deliver(self, spec: Spec, *, troubles: tuple[str, ...] = (), **more: Any) -> Delivered:
        decisions = self.decide(spec, **more)
        return deliver(
            decisions, self.ours, self.specs, self.reports, self.ledger, clock=lambda: self.now,
            today=self.now.date(), environ=self.environ, troubles=troubles,
        )  # fmt: skip

    @property
    def mails(self) -> list[EmailMessage]:
        found = []
        for each in self.theirs.received:
            message = email.message_from_bytes(each.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found

    def readers(self) -> list[str]:
        return sorted(each.recipient for each in self.theirs.received)


@pytest.fixture
def office(tmp_path: Path, make_store: Callable[..., Store], make_server: MakeServer) -> Iterator[Office]:
    root = tmp_path / "project"
    (root / "params").mkdir(parents=True)
    (root / "notebooks").mkdir()
    nbformat.write(book(PUBLISH), root / "notebooks" / "summary.ipynb")
    store = make_store(
        teams=[team for team in TEAMS if team["team_id"] != "lost"],
        reps=[rep(name) for name in NAMES],
        team_members=[{"rep_id": name, "team_id": team} for name, team in MEMBERS.items()],
        deals=[{"deal_id": "d", "owner_id": "ann", "outcome": "open", "created_on": dt.date(2030, 5, 1)}],
    )
    theirs, ours = make_server("none", a_minute=None)
    yield Office(root, store, theirs, ours)


def words(found: Delivered) -> dict[str, str]:
    return {each.subject: each.word for each in found.dispatches}


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def flat(message: EmailMessage) -> str:
    return " ".join(text_of(message).split())


def test_each_report_goes_to_its_reader_once(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east", 20)
    found = office.deliver(spec)
    assert found.complete and found.sent.accepted == 2
    assert office.readers() == [at("max"), at("mia")]
    for mail in office.mails:
        assert [part.get_filename() for part in mail.iter_attachments()] == [
            f"summary-{'west' if 'West' in mail['Subject'] else 'east'}-2030-q2.html"
        ]
        assert mail["Auto-Submitted"] == "auto-generated" and mail["List-Id"]
    assert sorted(mail["Subject"] for mail in office.mails) == ["East: $20", "West: $10"]
    again = office.deliver(spec)
    assert words(again) == {"west": "sent", "east": "sent"}
    assert again.complete and len(office.mails) == 2


def test_a_corrected_report_goes_out_only_when_asked_for(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    office.deliver(spec)
    office.make(spec, "west", 11, fingerprint="another")
    again = office.deliver(spec)
    assert "--resend sends it as corrected" in {e.subject: e.reason for e in again.dispatches}["west"]
    assert office.readers() == [at("max"), at("mia"), at("ops")], "the owner alone hears of it"
    assert f"spm send {spec.document.path} --as-of 2030-06-01 --resend" in flat(office.mails[-1])
    office.now += dt.timedelta(days=1)
    assert office.deliver(spec).complete and len(office.mails) == 3, "and once"
    office.deliver(spec, resend=True)
    subjects = sorted(mail["Subject"] for mail in office.mails[3:])
    assert subjects == ["East: $10 (corrected)", "West: $11 (corrected)"]
    assert len({mail["Message-ID"] for mail in office.mails}) == 5
    assert {each.revision for each in Outbox(office.ledger).states() if each.kind == "report"} == {1, 2}


def test_what_failed_is_held_and_its_owner_alone_is_told(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    failure = Failure(error="ValueError", message="no data", cell=4, line="figures = report.evaluate()")
    office.make(spec, "east", status="failed", failure=failure, published=None, parameters={"team": "east"})
    found = office.deliver(spec)
    assert words(found) == {"west": "send", "east": "hold"} and not found.complete
    assert office.readers() == [at("mia"), at("ops")]
    told = next(mail for mail in office.mails if mail["To"] == at("ops"))
    text = " ".join(text_of(told).split())
    assert "cell 4 (figures = report.evaluate()): ValueError: no data" in text
    assert "team=east" in text and "spm open summary/2030-Q2/2030-06-01/east" in text
    assert "no data" not in "".join(text_of(mail) for mail in office.mails if mail["To"] == at("mia"))
    # The same again says nothing new; once it is made it goes out.
    office.deliver(spec)
    assert len(office.mails) == 2
    office.make(spec, "east")
    assert office.deliver(spec).complete and office.readers() == [at("max"), at("mia"), at("ops")]


def test_a_report_that_was_not_made_is_told_to_the_owner(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    found = office.deliver(spec)
    assert words(found) == {"west": "send", "east": "hold"}
    assert "The report was not made" in text_of(office.mails[-1])


def test_a_shut_gate_holds_all_mails_of_a_spec(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    found = office.deliver(
        spec, shut=("The CRM's total is not finance's",), troubles=("The slot of May 27 was missed",)
    )
    assert set(words(found).values()) == {"hold"} and office.readers() == [at("ops")]
    text = " ".join(text_of(office.mails[0]).split())
    assert "The CRM's total is not finance's" in text and "The slot of May 27 was missed" in text
    assert office.deliver(spec).complete, "once the gate opens they go out"
    assert office.readers() == [at("max"), at("mia"), at("ops")]


def test_unchanged_figures_are_not_sent_again(office: Office) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  when: changed\n  subject:"))
    office.make(spec, "west", 10)
    office.make(spec, "east", 10)
    assert office.deliver(spec).sent.accepted == 2
    for team, value in (("west", 10), ("east", 12)):
        office.make(spec, team, value, as_of="2030-06-02")
    found = office.deliver(spec)
    assert words(found) == {"west": "withhold", "east": "send"} and found.complete
    assert len(office.mails) == 3
    index = write_index(office.reports, deliveries(office.ledger)).read_text("utf-8")
    assert "Not sent: " in index and "Sent to 1 reader (1 accepted)" in index
    assert at("mia") not in index


def test_what_a_server_rejected_counts_as_unsent(office: Office) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  when: changed\n  subject:"))
    office.make(spec, "west", 10)
    office.make(spec, "east", 10)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('mia')}"))
    found = office.deliver(spec)
    assert [each.recipient for each in found.sent.rejected] == [at("mia")] and not found.complete
    assert "550" in text_of(office.mails[-1]) and office.mails[-1]["To"] == at("ops")
    for team in ("west", "east"):
        office.make(spec, team, 10, as_of="2030-06-02")
    assert words(office.deliver(spec)) == {"west": "send", "east": "withhold"}


@pytest.mark.parametrize(("policy", "word"), [("send", "send"), ("notice", "notice"), ("hold", "hold")])
def test_an_empty_report_goes_as_the_spec_says(office: Office, policy: str, word: str) -> None:
    spec = office.spec(SPEC.replace("  subject:", f"  empty: {policy}\n  subject:"))
    office.make(spec, "west", None)
    office.make(spec, "east")
    assert words(office.deliver(spec)) == {"west": word, "east": "send"}
    to_mia = [mail for mail in office.mails if mail["To"] == at("mia")]
    assert len(to_mia) == (policy != "hold")
    if policy == "notice":
        assert "Nothing to report on West" in text_of(to_mia[0]) and not list(to_mia[0].iter_attachments())


def test_a_drop_after_the_last_dot_is_unknown_and_named_to_the_owner(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    office.theirs.faults.append(Fault.parse(f"dot:drop:1:{at('mia')}"))
    found = office.deliver(spec)
    (unknown,) = found.sent.unknown
    assert unknown.recipient == at("mia")
    text = " ".join(text_of(office.mails[-1]).split())
    assert f"spm outbox --again {unknown.mail_id}" in text
    office.deliver(spec)
    assert office.readers().count(at("mia")) == 1, "never sent again by itself"
    assert unknown.mail_id is not None
    Outbox(office.ledger).resolve(unknown.mail_id, "again", office.now)
    office.deliver(spec)
    assert office.readers().count(at("mia")) == 2


def test_a_person_who_left_is_sent_nothing_and_the_owner_hears_of_it(office: Office) -> None:
    (office.root / "params" / "recipients.yml").write_text(f"left: [{at('mia')}]\n")
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    found = office.deliver(spec)
    assert words(found) == {"west": "hold", "east": "send"}
    assert "Nobody is left to get it" in text_of(office.mails[-1])


def test_no_owner_to_tell_is_said(office: Office) -> None:
    (office.root / "params" / "recipients.yml").write_text(f"left: [{at('ops')}]\n")
    spec = office.spec()
    office.make(spec, "west")
    found = office.deliver(spec)
    assert found.untold and not found.complete and office.readers() == [at("mia")]


def test_a_server_that_is_away_loses_nothing(office: Office, make_server: MakeServer) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    here = office.ours
    office.ours = MailServer("localhost", 9, "none", here.sender)
    found = office.deliver(spec)
    assert found.sent.stopped is not None and len(found.sent.waiting) == 2
    office.ours = here
    found = office.deliver(spec)
    assert found.sent.accepted >= 2 and office.readers().count(at("mia")) == 1


def test_a_report_that_is_gone_is_given_up_and_named(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    gone = office.make(spec, "east")
    decisions = office.decide(spec)
    gone.html.unlink()
    found = deliver(
        decisions,
        office.ours,
        office.specs,
        office.reports,
        office.ledger,
        clock=lambda: office.now,
        today=TODAY,
        environ={},
    )
    assert [each.subject for each in found.sent.given_up] == ["east"]
    assert "there is no page to send" in " ".join(text_of(office.mails[-1]).split())


def test_a_large_report_is_linked_to(office: Office) -> None:
    spec = office.spec()
    for team in ("west", "east"):
        job = office.make(spec, team)
        job.html.write_bytes(b"<!doctype html>" + b"x" * 40_000_000)
    office.ours = MailServer(
        office.ours.host,
        office.ours.port,
        "none",
        office.ours.sender,
        reports_url="https://reports.x.example/r",
    )
    assert office.deliver(spec).sent.accepted == 2
    for mail in office.mails:
        assert not list(mail.iter_attachments()) and "is not attached" in text_of(mail)
        assert "https://reports.x.example/r/summary/2030-Q2/2030-06-01/" in text_of(mail)


def test_a_report_made_for_managers_stays_with_them(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east", audience="team")
    found = office.deliver(spec)
    assert words(found) == {"west": "send", "east": "hold"}


def test_nothing_made_and_nobody_named_are_told(office: Office) -> None:
    with pytest.raises(RunError, match="none of the reports of 'summary' was made"):
        office.decide(office.spec())
    with pytest.raises(SpecError, match="does not say who gets its reports"):
        office.decide(office.spec(SPEC.partition("deliver:")[0]))
    unknown = office.spec(SPEC.replace("{team.manager.email}", "{role.leaders}"))
    with pytest.raises(SpecError, match="leaders"):
        office.decide(unknown)


def test_two_senders_at_once_are_told_apart(office: Office) -> None:
    spec = office.spec()
    office.make(spec, "west")
    with alone(office.ledger), pytest.raises(DeliveryError, match="another spm send is at it"):
        office.deliver(spec)
    assert office.mails == []
    assert [each.recipient for each in Outbox(office.ledger).waiting()] == [at("mia"), at("ops")], (
        "east is held"
    )
    assert office.deliver(spec).sent.accepted == 2 and office.readers() == [at("mia"), at("ops")]


class Room(BaseHTTPRequestHandler):
    """A chat that takes notices as JSON, or says that it does not."""

    told: ClassVar[list[dict[str, Any]]] = []
    reply = 200

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.reply)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def chat() -> Iterator[str]:
    Room.told.clear()
    Room.reply = 200
    with HTTPServer(("127.0.0.1", 0), Room) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}/?rto=60&cto=60"
        server.shutdown()


def test_a_chat_is_told_headline_and_address_once(office: Office, chat: str) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  chat: [SALES_CHAT]\n  subject:"))
    office.environ = {"SALES_CHAT": chat}
    office.ours = dataclasses.replace(office.ours, reports_url="https://reports.x.example/r/")
    office.make(spec, "west")
    office.make(spec, "east")
    assert office.deliver(spec).complete and office.deliver(spec).complete
    assert sorted((each["title"], each["message"]) for each in Room.told) == [
        ("East: $10", "On track\nhttps://reports.x.example/r/summary/2030-Q2/2030-06-01/east.html"),
        ("West: $10", "On track\nhttps://reports.x.example/r/summary/2030-Q2/2030-06-01/west.html"),
    ]
    assert chat not in office.ledger.read_bytes().decode("latin-1")


@pytest.mark.parametrize("why", ["the chat did not take it", "SALES_CHAT is not set"])
def test_a_chat_that_took_nothing_is_told_to_the_owner(office: Office, chat: str, why: str) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  chat: [SALES_CHAT]\n  subject:"))
    Room.reply = 500
    office.environ = {} if "not set" in why else {"SALES_CHAT": chat}
    office.make(spec, "west")
    office.make(spec, "east")
    found = office.deliver(spec)
    assert not found.complete and found.sent.accepted == 3
    assert why in " ".join(text_of(office.mails[-1]).split())
