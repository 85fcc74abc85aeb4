"""What becomes of mails after they were decided, and that owners hear of every bad end: once, whoever sent last."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from spm_lib.errors import DeliveryError, SpecError, StoreError
from spm_lib.press.deliver import chat as chats
from spm_lib.press.deliver.deliveries import deliveries
from spm_lib.press.deliver.delivery import deliver, owners_alone
from spm_lib.press.deliver.dispatch import decisions_of, entries_of
from spm_lib.press.deliver.dispatch_ledger import DispatchLedger
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.patience import LONGEST
from spm_lib.press.deliver.post import Post, Round, has_work
from spm_lib.press.plan import plan
from spm_lib.press.records import Failure, Published, read_record
from spm_lib.press.shelf import commit, place
from spm_lib.press.spec import Spec

from ..test_records import record
from .companies import at
from .smtp_servers import Fault
from .test_delivery import SPEC, TODAY, Office, executed, flat, office, shown, words

__all__ = ["office"]

DAY = dt.timedelta(days=1)
CHAT = SPEC.replace("  subject:", "  chat: [SALES_CHAT]\n  subject:")


def waits(office: Office) -> Round | None:
    """What a timer's call does with what an earlier one has left."""
    today = office.now.date()
    if not has_work(Outbox(office.ledger), now=office.now, today=today):
        return None
    post = Post(
        office.ours, office.specs, office.store.path, office.reports, office.ledger, lambda: office.now, today,
        office.environ,
    )  # fmt: skip
    return post.tell(post.send())


def away(office: Office, spec: Spec) -> None:
    """Decide and write down while the server is away."""
    here = office.ours
    office.ours = MailServer("localhost", 9, "none", here.sender)
    assert office.deliver(spec).sent.stopped is not None
    office.ours = here


def both(office: Office, text: str = SPEC) -> Spec:
    spec = office.spec(text)
    office.make(spec, "west")
    office.make(spec, "east")
    return spec


def states(office: Office, kind: str = "report") -> dict[str, str]:
    return {each.recipient: each.state for each in Outbox(office.ledger).states() if each.kind == kind}


def to_owner(office: Office) -> list[str]:
    return [flat(mail) for mail in office.mails if mail["To"] == at("ops")]


# What becomes of mails that an earlier call has left


def test_what_is_rejected_later_is_told_to_the_owner_once(office: Office) -> None:
    away(office, both(office))
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('mia')}"))
    office.now += dt.timedelta(minutes=5)
    made = waits(office)
    assert made is not None and not made.complete and made.untold == ()
    assert states(office) == {at("mia"): "rejected", at("max"): "accepted"}
    first, second = to_owner(office)
    assert "Waits for the next spm send" in first and "550" not in first
    (mia,) = [each for each in Outbox(office.ledger).states() if each.recipient == at("mia")]
    assert "Rejected: 550" in second and f"spm outbox --again {mia.mail_id}" in second
    office.now += dt.timedelta(minutes=5)
    assert waits(office) is None
    office.now += DAY
    assert waits(office) is None and len(to_owner(office)) == 2
    # Sent again and rejected again it is news again.
    assert mia.mail_id is not None
    Outbox(office.ledger).resolve(mia.mail_id, "again", office.now)
    assert waits(office) is not None and len(to_owner(office)) == 3


def test_what_is_given_up_after_a_day_is_told_to_the_owner(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    office.now += LONGEST + DAY
    made = waits(office)
    assert made is not None and set(states(office).values()) == {"given_up"}
    assert len(to_owner(office)) == 1, "the first one was given up too"
    assert "Given up: Given up after 0 tries" in to_owner(office)[0]
    assert waits(office) is None


def test_each_specs_owner_hears_of_its_own_mails(office: Office) -> None:
    first = both(office)
    away(office, first)
    second = office.spec(SPEC.replace(at("ops"), at("vera")), name="other")
    office.make(second, "west")
    office.make(second, "east")
    office.theirs.faults.append(Fault.parse(f"rcpt:550:2:{at('mia')}"))
    found = office.deliver(second)
    assert not found.untold
    (to_vera,) = [flat(mail) for mail in office.mails if mail["To"] == at("vera")]
    assert "other, west" in to_vera and "summary, west" not in to_vera
    assert ["summary, west" in text and "550" in text for text in to_owner(office)] == [False, True]


def test_an_owner_who_could_not_be_told_is_told_another_day(office: Office) -> None:
    spec = both(office)
    office.theirs.faults += [Fault.parse(f"rcpt:550:*:{at('mia')}"), Fault.parse(f"rcpt:550:1:{at('ops')}")]
    found = office.deliver(spec)
    assert f"the mail to {at('ops')} was not taken (550" in found.untold
    assert waits(office) is None, "not at each call of a timer"
    office.now += DAY
    assert waits(office) is not None and "Rejected: 550" in to_owner(office)[0]
    assert waits(office) is None


def test_without_an_owner_it_is_said_where_it_happens_and_not_at_each_call(office: Office) -> None:
    spec = both(office, SPEC.replace(f"owner: {at('ops')}", ""))
    office.theirs.faults.append(Fault.parse(f"rcpt:550:*:{at('mia')}"))
    assert "the spec names no owner" in office.deliver(spec).untold
    made = waits(office)
    assert made is None or (made.complete and office.readers() == [at("max")])


@pytest.mark.parametrize("kind", ["report", "owner"])
def test_what_a_killed_sender_had_in_hand_is_taken_up_by_the_next_call(office: Office, kind: str) -> None:
    away(office, both(office))
    box = Outbox(office.ledger)
    for each in box.waiting():
        claimed = box.claim(each, office.now)
        assert claimed is not None
        if each.kind == kind:
            box.handed(claimed, office.now)
    assert set(states(office, "report").values()) | set(states(office, "owner").values()) == {
        "sending",
        "handed",
    }
    office.now += dt.timedelta(minutes=5)
    assert waits(office) is not None, "nothing waits, and nothing is forgotten"
    other = "owner" if kind == "report" else "report"
    assert set(states(office, kind).values()) == {"unknown"} and "accepted" in states(office, other).values()
    if kind == "report":
        assert f"spm outbox --accepted {box.states()[0].mail_id}" in to_owner(office)[-1]
    assert waits(office) is None


# What a mail that waits is composed of, and to whom it may go


def test_a_mail_that_waits_is_of_the_report_that_it_was_decided_of(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    office.make(spec, "west", 11, fingerprint="another")
    office.make(spec, "east", 10, audience="team")
    waits(office)
    assert set(states(office).values()) == {"given_up"} and office.readers() == [at("ops")] * 2
    assert "the report was made again since, of something else" in to_owner(office)[1]
    assert "made for the manager then, and is made for the team now" in to_owner(office)[1]
    # It reached nobody, so that it goes out as it is now.
    office.make(spec, "east", 12)
    assert set(words(office.deliver(spec)).values()) == {"send"}
    subjects = sorted(mail["Subject"] for mail in office.mails if mail["To"] != at("ops"))
    assert subjects == ["East: $12", "West: $11"]


@pytest.mark.parametrize("status", ["failed", "held"])
@pytest.mark.parametrize("kind", ["report", "notice"])
def test_a_mail_of_a_report_that_failed_or_is_held_since_does_not_leave(
    office: Office, status: str, kind: str
) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  empty: notice\n  subject:"))
    value = 10.0 if kind == "report" else None
    jobs = [office.make(spec, team, value) for team in ("west", "east")]
    away(office, spec)
    for job in jobs:
        # Made again of the same, and not well: the fingerprint is the same one.
        failure = Failure(error="ValueError", message="no data")
        changed = {"status": status, "failure": failure, "published": None}
        commit(job, read_record(job.record).model_copy(update=changed))
    waits(office)
    assert set(states(office, kind).values()) == {"given_up"} and set(office.readers()) == {at("ops")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda o: directory(o, f"left: [{at('mia')}]"), "has left, says recipients.yml"),
        (lambda o: directory(o, "domains: [y.example]"), "its domain is not among those"),
        (lambda o: o.spec(SPEC.replace("{team.manager.email}", "{team.email}")), "the spec names others now"),
        (
            lambda o: o.spec(SPEC.replace("  subject", "  audience: team\n  subject")),
            "the spec has others now",
        ),
    ],
)
def test_who_may_not_be_written_to_any_more_is_not(
    office: Office, change: Callable[[Office], Any], said: str
) -> None:
    away(office, both(office))
    change(office)
    waits(office)
    assert states(office)[at("mia")] == "given_up" and at("mia") not in office.readers()
    (mia,) = [each for each in Outbox(office.ledger).states() if each.recipient == at("mia")]
    assert mia.reply.startswith("Not sent: ") and said in mia.reply


def directory(office: Office, text: str) -> None:
    (office.root / "params" / "recipients.yml").write_text(text + "\n", "utf-8")


def test_while_it_cannot_be_told_who_may_be_written_to_mails_wait(office: Office) -> None:
    away(office, both(office))
    spec = office.specs.pop("summary")
    waits(office)
    assert set(states(office).values()) == {"waiting"}
    office.specs["summary"] = spec
    directory(office, "domains: [")
    office.now += dt.timedelta(hours=1)
    waits(office)
    assert set(states(office).values()) == {"waiting"} and at("mia") not in office.readers()
    (office.root / "params" / "recipients.yml").unlink()
    office.now += dt.timedelta(hours=1)
    waits(office)
    assert set(states(office).values()) == {"accepted"}


def test_what_was_cancelled_is_not_sent_until_somebody_asks(office: Office) -> None:
    spec = both(office)
    away(office, spec)
    for each in Outbox(office.ledger).waiting():
        if each.recipient == at("mia"):
            Outbox(office.ledger).resolve(each.mail_id or 0, "cancel", office.now)
    waits(office)
    assert at("mia") not in office.readers() and at("max") in office.readers()
    assert words(office.deliver(spec)) == {"west": "withhold", "east": "sent"}
    assert at("mia") not in office.readers()
    office.deliver(spec, resend=True)
    assert {mail["To"]: mail["Subject"] for mail in office.mails}[at("mia")] == "West: $10"


# Gates, and reports that went out before


def test_a_shut_gate_is_told_though_all_reports_went_out_before(office: Office) -> None:
    spec = both(office)
    assert office.deliver(spec).complete
    found = office.deliver(spec, shut=("The data end on 2030-05-01",))
    assert set(words(found).values()) == {"sent"} and not found.complete
    (told,) = to_owner(office)
    assert "A gate is shut" in told and "The data end on 2030-05-01" in told
    office.deliver(spec, shut=("The data end on 2030-05-01",))
    assert len(to_owner(office)) == 1, "once a day"


def test_a_report_that_failed_after_it_went_out_is_told_once(office: Office) -> None:
    spec = both(office)
    office.deliver(spec)
    failure = Failure(error="ValueError", message="no data")
    office.make(spec, "east", status="failed", failure=failure, published=None)
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}
    assert "and failed since: ValueError: no data" in to_owner(office)[0]
    office.deliver(spec)
    assert len(to_owner(office)) == 1


@pytest.mark.parametrize("why", ["a gate", "empty", "another audience", "no reader"])
def test_whatever_holds_a_report_it_can_be_opened(office: Office, why: str) -> None:
    spec = office.spec()
    more: dict[str, Any] = {"audience": "team"} if why == "another audience" else {}
    office.make(spec, "west", None if why == "empty" else 1.0, parameters={"team": "west"}, **more)
    if why == "no reader":
        directory(office, f"left: [{at('mia')}]")
    found = office.deliver(spec, shut=("The CRM is not finance",) if why == "a gate" else ())
    assert words(found)["west"] == "hold"
    assert "Parameters: team=west" in to_owner(office)[0]
    assert "Look at it with: spm open summary/2030-Q2/2030-06-01/west" in to_owner(office)[0]
    assert "spm open summary/2030-Q2/2030-06-01/east" not in to_owner(office)[0], "it was not made"


# Whether a report went out


def test_what_reached_nobody_did_not_go_out(office: Office) -> None:
    spec = both(office)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('mia')}"))
    office.deliver(spec)
    found = office.deliver(spec)
    assert words(found) == {"west": "send", "east": "sent"} and office.readers().count(at("mia")) == 1
    mia = next(mail for mail in office.mails if mail["To"] == at("mia"))
    assert mia["Subject"] == "West: $10", "nobody has one that it would correct"
    assert words(office.deliver(spec)) == {"west": "sent", "east": "sent"}


def test_a_chat_is_no_reader(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = both(office, CHAT.replace("  subject:", "  when: changed\n  subject:"))
    office.environ = {"SALES_CHAT": "json://localhost/"}
    monkeypatch.setattr(chats, "_apprise", lambda: lambda address, notice: True)
    office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('mia')}"))
    office.deliver(spec)
    assert set(states(office, "chat").values()) == {"accepted"}
    assert {name[0] for name in DispatchLedger(office.ledger).figures_sent("summary")} == {"east"}
    said = {name.rpartition("/")[2]: phrase for name, phrase in deliveries(office.ledger).items()}
    assert said["west"] == "Sent to 1 reader (1 rejected)" and said["east"] == "Sent to 1 reader (1 accepted)"


def test_figures_are_compared_with_those_of_their_own_period(office: Office) -> None:
    text = SPEC.replace("  subject:", "  when: changed\n  subject:").replace("[west, east]}", "[west]}")
    spec = office.spec(text.replace("[west]}", "[west], period: last-2-quarters}"))
    shelve(office, spec, {"2029-Q4": 10}, "2030-06-01")
    assert office.deliver(spec).sent.accepted == 2, "one, and word to the owner of the other"
    shelve(office, spec, {"2029-Q4": 10, "2030-Q1": 10}, "2030-06-02")
    found = office.deliver(spec, as_of=dt.date(2030, 6, 2))
    assert [(each.job.period, each.word) for each in found.dispatches] == [
        ("2029-Q4", "withhold"),
        ("2030-Q1", "send"),
    ]
    # Of a spec with one report each, the period before is what its readers know.
    for period, value, day, word in (
        ("2029-Q4", 10, "2030-06-01", "send"),
        ("2030-Q1", 10, "2030-06-02", "withhold"),
        ("2030-Q1", 20, "2030-06-03", "send"),
        ("2029-Q4", 10, "2030-06-04", "withhold"),
    ):
        spec = office.spec(f"{text}period: {period}\n", name="one")
        shelve(office, spec, {period: value}, day)
        assert words(office.deliver(spec, as_of=dt.date.fromisoformat(day))) == {"west": word}, day


def shelve(office: Office, spec: Spec, values: dict[str, float], as_of: str) -> None:
    """Put the reports of several periods on the shelf."""
    for job in plan(spec, office.store, today=TODAY, reports=office.reports, as_of=as_of):
        if job.period not in values:
            continue
        figures = shown(values[job.period])
        place(job, html="<!doctype html><p>whole page</p>", notebook=executed(figures))
        told = {
            "spec": job.spec, "team": job.team, "team_name": job.team_name, "period": job.period, "as_of": job.as_of,
            "fingerprint": job.fingerprint, "published": Published.model_validate(figures), "warnings": (),
        }  # fmt: skip
        commit(job, record(**told))


def test_what_is_sent_by_hand_is_of_the_run_that_ended_last(office: Office) -> None:
    spec = office.spec(SPEC.replace('as_of: "2030-06-01"', "as_of: today"))
    early, late = (dt.datetime(2030, 6, 3, hour, tzinfo=dt.UTC) for hour in (5, 7))
    for team in ("west", "east"):
        office.make(spec, team, 10, as_of="2030-06-02", finished=early)
        office.make(spec, team, 20, as_of="2030-06-01", finished=late)
    assert {each.job.as_of for each in office.decide(spec).dispatches} == {dt.date(2030, 6, 1)}
    named = office.decide(spec, as_of=dt.date(2030, 6, 2))
    assert {each.job.as_of for each in named.dispatches} == {dt.date(2030, 6, 2)}


def test_mails_that_could_only_link_and_have_no_link_are_refused(office: Office) -> None:
    spec = both(office, SPEC.replace("  subject:", "  attach: false\n  subject:"))
    with pytest.raises(SpecError, match=r"summary\.yml:7: .*Set SPM_REPORTS_URL"):
        office.decide(spec, linked=False)
    assert len(office.decide(spec).dispatches) == 2


# Kills


def test_mails_and_the_decisions_that_they_go_by_are_kept_together(office: Office) -> None:
    decisions = office.decide(both(office))
    mails, decided = (
        entries_of(decisions.dispatches, "x.example"),
        decisions_of(decisions.dispatches, office.now),
    )
    outbox = Outbox(office.ledger)
    outbox.add((), now=office.now)
    with sqlite3.connect(office.ledger) as connection:
        connection.execute(
            "create trigger full_disk before insert on mails begin select raise(abort, 'database or disk is full'); end"
        )
    with pytest.raises(StoreError):
        outbox.add(mails, now=office.now, decided=decided)
    assert DispatchLedger(office.ledger).all_latest() == () and outbox.states() == ()


def test_a_notice_and_a_report_of_one_key_have_names_of_their_own(office: Office) -> None:
    spec = office.spec(SPEC.replace("  subject:", "  empty: notice\n  subject:"))
    office.make(spec, "west", None)
    office.make(spec, "east", None)
    noted = entries_of(office.decide(spec).dispatches, office.ours.domain)
    # Killed before the decision was written down, and made again with figures.
    Outbox(office.ledger).add(noted, now=office.now)
    office.make(spec, "west", 5)
    assert words(office.deliver(spec))["west"] == "send"
    assert "West: $5" in [mail["Subject"] for mail in office.mails]


# Without a store; chats


def test_an_owner_is_told_that_there_is_no_store(office: Office) -> None:
    directory(office, f"roles: {{keepers: [{at('ops')}, gone@x.example]}}\nleft: [gone@x.example]")
    spec = office.spec(SPEC.replace(f"owner: {at('ops')}", 'owner: "{role.keepers}"'))
    nowhere = office.root / "nowhere" / "store.duckdb"
    found = deliver(
        owners_alone(spec, nowhere, today=TODAY),
        office.ours,
        office.specs,
        office.reports,
        nowhere.with_suffix(".ledger.sqlite"),
        clock=lambda: office.now,
        today=TODAY,
        environ={},
        troubles=("there is no store here",),
    )
    assert not found.untold and office.readers() == [at("ops")]
    assert "there is no store here" in to_owner(office)[0]


def test_a_chat_that_ends_in_an_error_keeps_nothing_from_the_owner(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(address: str, notice: object) -> bool:
        raise ValueError(f"cannot reach {address}")

    monkeypatch.setattr(chats, "_apprise", lambda: breaks)
    office.environ = {"SALES_CHAT": "slack://secret"}
    found = office.deliver(both(office, CHAT))
    assert {each.state for each in found.chats} == {"unknown"}
    (told,) = to_owner(office)
    assert "telling the chat ended with ValueError" in told and "spm outbox --accepted" in told
    assert "secret" not in told and b"secret" not in office.ledger.read_bytes()


def test_chats_that_wait_are_told_by_a_later_call(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.environ = {"SALES_CHAT": "json://localhost/"}
    missing = DeliveryError("the package apprise is not installed")

    def absent() -> chats.Tell:
        raise missing

    monkeypatch.setattr(chats, "_apprise", absent)
    office.deliver(both(office, CHAT))
    assert (
        set(states(office, "chat").values()) == {"waiting"}
        and "apprise is not installed" in to_owner(office)[0]
    )
    monkeypatch.setattr(chats, "_apprise", lambda: lambda address, notice: True)
    made = waits(office)
    assert made is not None and [each.state for each in made.chats] == ["accepted", "accepted"]


def test_another_sender_who_comes_before_the_chats_is_no_trouble(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_it(_: Path) -> NoReturn:
        raise DeliveryError("another spm send is at it", passing=True)

    monkeypatch.setattr(chats, "_apprise", lambda: lambda address, notice: True)
    monkeypatch.setattr(chats, "alone", at_it)
    office.environ = {"SALES_CHAT": "json://localhost/"}
    assert office.deliver(both(office, CHAT)).complete
    assert set(states(office, "chat").values()) == {"waiting"} and to_owner(office) == []


def test_a_chat_notice_that_a_killed_call_left_in_hand_is_told(office: Office) -> None:
    spec = both(office, CHAT)
    outbox = Outbox(office.ledger)
    (notice,) = outbox.add((chat_notice(office),), now=office.now)
    claimed = outbox.claim(notice, office.now)
    assert claimed is not None
    outbox.handed(claimed, office.now)
    office.environ = {}
    office.deliver(spec)
    assert f"spm outbox --accepted {notice.mail_id}" in to_owner(office)[0]


def chat_notice(office: Office) -> Entry:
    about = record()
    return Entry(
        "chat",
        "summary",
        "north",
        about.period,
        about.as_of,
        1,
        "SALES_CHAT",
        "<chat@x.example>",
        "On track",
        "",
    )
