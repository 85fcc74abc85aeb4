"""The commands: spm send, spm outbox and the mail server in spm doctor."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import os
import signal
import threading
from pathlib import Path

import duckdb
import pytest

from spm_lib.cli import main
from spm_lib.cli.delivery import send_what_waits, tell_owner
from spm_lib.doctor import examine
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.settings import Settings

from ..kernels.running import eventually
from .companies import at
from .conftest import Authority, MakeServer
from .smtp_servers import Fault
from .test_delivery import SPEC, Office, office

__all__ = ["office"]


class Command:
    """``spm`` as a person calls it, in the office's folder."""

    def __init__(
        self, office: Office, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.office, self._patch, self._capture = office, patch, capture
        patch.chdir(office.root)
        patch.setenv("SPM_STORE", str(office.store.path))
        patch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{office.ours.port}")
        patch.setenv("SPM_MAIL_FROM", office.ours.sender)
        patch.setenv("SPM_MAIL_PER_MINUTE", "none")
        # One process has one connection to a store.
        office.store.close()

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self._patch.setattr("sys.argv", ["spm", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capture.readouterr()
        return int(ended.value.code or 0), told.out, told.err


@pytest.fixture
def spm(office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    spec = office.spec()
    office.make(spec, "west")
    office.make(spec, "east")
    return Command(office, monkeypatch, capsys)


def test_a_dry_run_sends_nothing_and_writes_each_mail(spm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPM_SMTP_URL")
    code, out, _ = spm("send", "params/summary.yml", "--dry-run", "--into", "mails")
    assert code == 0 and "Nothing was sent. 2 mails as files" in out
    files = sorted(Path("mails").glob("*.eml"))
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]
    assert sorted((mail["To"], mail["Subject"]) for mail in found) == [
        (at("max"), "East: $10"),
        (at("mia"), "West: $10"),
    ]
    assert spm.office.readers() == []
    told = json.loads(spm("send", "params/summary.yml", "--dry-run", "--json")[1])
    assert sorted((each["decision"], each["to"][0]["address"]) for each in told["reports"]) == [
        ("send", at("max")),
        ("send", at("mia")),
    ]


def test_send_sends_once_and_shows_it_in_the_index(spm: Command) -> None:
    code, out, _ = spm("send", "params/summary.yml")
    assert code == 0 and "2 mails accepted by the server" in out
    assert "Sent to 1 reader (1 accepted)" in (spm.office.reports / "index.html").read_text("utf-8")
    code, out, _ = spm("send", "params/summary.yml")
    assert code == 0 and "0 mails accepted by the server, 2 reports sent before" in out
    assert len(spm.office.mails) == 2
    code, out, _ = spm("outbox")
    assert code == 0 and "No mail is left to look at" in out
    assert len(json.loads(spm("outbox", "--all", "--json")[1])) == 2


def test_an_unknown_mail_is_listed_and_settled(spm: Command) -> None:
    spm.office.theirs.faults.append(Fault.parse(f"dot:drop:1:{at('mia')}"))
    code, out, _ = spm("send", "params/summary.yml")
    assert code == 1 and "1 unknown" in out
    (mail,) = json.loads(spm("outbox", "--json")[1])
    assert (mail["state"], mail["recipient"]) == ("unknown", at("mia"))
    code, out, _ = spm("outbox", "--accepted", str(mail["mail"]))
    assert code == 0 and "Accepted: " in out
    code, _, err = spm("outbox", "--again", str(mail["mail"]))
    assert code == 2 and "mail 1 is accepted, and only one that is unknown" in err.replace(
        f"mail {mail['mail']}", "mail 1"
    )
    code, _, err = spm("outbox", "--again", "999")
    assert code == 2 and "there is no mail 999" in err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SPM_SMTP_URL", "", "SPM_SMTP_URL: it is not set, so no mail can be sent"),
        ("SPM_SMTP_URL", "smtps://jo:secret@mail.example.com", "a password stands in the address"),
        ("SPM_MAIL_FROM", "nobody", "'nobody' is no address"),
        ("SPM_MAIL_FROMM", "a@x.example", "Did you mean 'SPM_MAIL_FROM'?"),
    ],
)
def test_a_slip_in_the_settings_is_one_line_and_sends_nothing(
    spm: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    code, _, err = spm("send", "params/summary.yml")
    assert code == 2 and said in err and "secret" not in err and err.count("\n") == 1
    assert spm.office.mails == []


def test_old_data_hold_everything_unless_the_day_is_named(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_lib.cli.delivery_trials.now", lambda: dt.datetime(2031, 1, 1, tzinfo=dt.UTC))
    path = spm.office.root / "params" / "summary.yml"
    path.write_text(
        SPEC.replace('as_of: "2030-06-01"', "as_of: latest") + "gates: {max_age_days: 40}\n", "utf-8"
    )
    code, out, _ = spm("send", "params/summary.yml", "--dry-run")
    assert code == 1 and "held" in out
    told = json.loads(spm("send", "params/summary.yml", "--dry-run", "--json")[1])
    assert all(each["decision"] == "hold" and "The data end on" in each["reason"] for each in told["reports"])
    told = json.loads(spm("send", "params/summary.yml", "--dry-run", "--json", "--as-of", "2030-06-01")[1])
    assert all(each["decision"] == "send" for each in told["reports"])


def test_two_options_that_contradict_are_refused(spm: Command) -> None:
    code, _, err = spm("send", "params/summary.yml", "--dry-run", "--preview", "me@x.example")
    assert code == 2 and "--dry-run sends nothing and --preview does" in err


def test_a_preview_goes_to_one_address(spm: Command) -> None:
    code, out, _ = spm("send", "params/summary.yml", "--preview", "me@x.example")
    assert code == 0 and "accepted" in out and spm.office.readers() == ["me@x.example"] * 2


@pytest.mark.parametrize("address", ["", " ", "me", "me@", "a@x.example, b@x.example", "Me <me@x.example>"])
def test_a_preview_to_what_is_no_address_sends_nothing(
    spm: Command, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    # Nor is the server asked: nobody answers there.
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    code, _, err = spm("send", "params/summary.yml", "--preview", address)
    assert code == 2 and "is no address, so nothing is sent" in err
    assert spm.office.mails == [] and not spm.office.ledger.exists()
    code, _, err = spm("send", "params/summary.yml", "--dry-run", "--preview", address)
    assert code == 2 and "--dry-run sends nothing and --preview does" in err


def test_doctor_logs_in_and_sends_nothing(
    tmp_path: Path, make_server: MakeServer, authority: Authority
) -> None:
    theirs, ours = make_server("tls", of_server={"passwords": {"jo": "right"}})

    def mail(password: str) -> tuple[str, str]:
        environ = {
            "SPM_SMTP_URL": f"smtps://jo@localhost:{ours.port}",
            "SPM_SMTP_PASSWORD": password,
            "SPM_SMTP_CA_FILE": str(authority.file),
            "SPM_MAIL_FROM": "reports@x.example",
        }
        settings = Settings(tmp_path, tmp_path / "s.duckdb", tmp_path / "reports")
        found = examine(settings, now=dt.datetime(2030, 1, 1, tzinfo=dt.UTC), environ=environ)
        (said,) = [each for each in found if each.what == "mail server"]
        return said.state, said.found + said.mend

    assert mail("right")[0] == "good"
    state, said = mail("wrong")
    assert state == "missing" and "wrong" not in said.replace("wrong password", "")
    assert theirs.received == [] and isinstance(ours, MailServer)


@pytest.mark.parametrize("into", ["params/summary.yml", "params/summary.yml/mails"])
def test_a_folder_that_cannot_be_written_is_one_line(spm: Command, into: str) -> None:
    code, _, err = spm("send", "params/summary.yml", "--dry-run", "--into", into)
    assert code == 2 and "the mails cannot be written there" in err and err.count("\n") == 1


def test_mails_of_an_earlier_trial_do_not_stay_among_the_new_ones(spm: Command) -> None:
    spm("send", "params/summary.yml", "--dry-run", "--into", "mails")
    Path("mails/my-own-001.eml").write_text("Subject: mine\n\nhello\n", "utf-8")
    (spm.office.reports / "summary/2030-Q2/2030-06-01/west.json").unlink()
    code, out, _ = spm("send", "params/summary.yml", "--dry-run", "--into", "mails")
    assert code == 1 and "1 mails as files" in out
    assert sorted(path.name for path in Path("mails").iterdir()) == ["east-2030-Q2-001.eml", "my-own-001.eml"]


def test_what_programs_read_is_one_document(spm: Command) -> None:
    told = json.loads(spm("send", "params/summary.yml", "--preview", "me@x.example", "--json")[1])
    assert [each["state"] for each in told["previews"]] == ["accepted", "accepted"] and len(
        told["reports"]
    ) == 2
    spm.office.theirs.faults.append(Fault.parse(f"dot:drop:1:{at('mia')}"))
    told = json.loads(spm("send", "params/summary.yml", "--json")[1])
    (unknown,) = told["unknown"]
    assert told["owner_told"] and told["untold"] == ""
    assert json.loads(spm("outbox", "--accepted", str(unknown["mail"]), "--json")[1]) == []


def test_mails_leave_though_the_index_cannot_be_written(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spm_lib.press.index.write_index", full)
    code, out, err = spm("send", "params/summary.yml")
    assert code == 1 and "2 mails accepted" in out and "the index cannot be written (" in err
    assert len(spm.office.mails) == 2


def test_a_mail_that_waits_is_cancelled_and_one_that_was_rejected_sent_again(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    assert spm("send", "params/summary.yml")[0] == 1
    waiting = {each["recipient"]: each["mail"] for each in json.loads(spm("outbox", "--json")[1])}
    code, out, _ = spm("outbox", "--cancel", str(waiting[at("mia")]))
    assert code == 0 and "Cancelled: summary, west" in out and at("mia") not in out.partition("\n")[2]
    monkeypatch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{spm.office.ours.port}")
    spm.office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('max')}"))
    spm("send", "params/summary.yml")
    assert spm.office.readers() == [at("ops")] * len(spm.office.mails)
    spm("outbox", "--again", str(waiting[at("max")]), "--again", str(waiting[at("mia")]))
    spm("send", "params/summary.yml")
    assert {at("max"), at("mia")} <= set(spm.office.readers())


def test_a_chats_address_may_stand_in_the_file_of_settings(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPM_SMTP_URL")
    told: list[str] = []
    monkeypatch.setattr(
        "spm_lib.press.deliver.chat._apprise", lambda: lambda address, notice: not told.append(address)
    )
    (spm.office.root / ".env").write_text(
        f"SALES_CHAT=json://chat/\nSPM_SMTP_URL=smtp+plain://localhost:{spm.office.ours.port}\n", "utf-8-sig"
    )
    (spm.office.root / "params" / "summary.yml").write_text(
        SPEC.replace("  subject:", "  chat: [SALES_CHAT]\n  subject:"), "utf-8"
    )
    assert spm("send", "params/summary.yml")[0] == 0 and told == ["json://chat/"] * 2


def test_an_owner_whose_mail_could_not_leave_was_not_told(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spm.office.reports / "summary/2030-Q2/2030-06-01/west.json").unlink()
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    told = json.loads(spm("send", "params/summary.yml", "--json")[1])
    assert told["stopped"] and not told["owner_told"] and told["untold"] == ""
    monkeypatch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{spm.office.ours.port}")
    assert json.loads(spm("send", "params/summary.yml", "--json")[1])["owner_told"]


@pytest.mark.parametrize("verdict", ["--accepted", "--again", "--cancel"])
@pytest.mark.parametrize("number", ["99999999999999999999", "-99999999999999999999", str(2**63)])
def test_a_number_that_no_mail_can_have_is_one_line(spm: Command, verdict: str, number: str) -> None:
    spm("send", "params/summary.yml")
    code, _, err = spm("outbox", verdict, number)
    assert code == 2 and f"there is no mail {number}" in err and err.count("\n") == 1


def test_the_outbox_of_an_unknown_spec_names_the_nearest(spm: Command) -> None:
    code, _, err = spm("outbox", "--spec", "sumary")
    assert code == 2 and "there is no spec 'sumary'" in err and "Did you mean 'summary'?" in err
    spm("send", "params/summary.yml")
    (spm.office.root / "params" / "summary.yml").rename(spm.office.root / "params" / "weekly.yml")
    assert spm("outbox", "--spec", "summary")[0] == spm("outbox", "--spec", "weekly")[0] == 0
    (spm.office.root / "params" / "broken.yml").write_text("notebook: [", "utf-8")
    assert spm("outbox", "--spec", "broken")[0] == 0
    code, _, err = spm("outbox", "--spec", "sumary", "--accepted", "1")
    assert code == 2 and "there is no spec 'sumary'" in err


def test_rows_are_counted_by_who_sends_by_hand_and_not_by_who_looks(spm: Command) -> None:
    path = spm.office.root / "params" / "summary.yml"
    path.write_text(SPEC + "gates: {rows: {deals: {fall_at_most: 0.2}}}\n", "utf-8")
    said = "The rows of deals are compared with nothing: no earlier number of them is known"
    for trial in (("--dry-run",), ("--preview", "me@x.example")):
        for _ in range(2):
            code, _, err = spm("send", "params/summary.yml", *trial)
            assert code == 0 and f"{said}, and a mere look keeps none" in err
    code, _, err = spm("send", "params/summary.yml")
    assert code == 0 and f"{said}, and that of now is kept" in err
    assert spm("send", "params/summary.yml")[2] == ""
    with duckdb.connect(str(spm.office.store.path)) as connection:
        connection.execute("delete from deals")
    code, _, err = spm("send", "params/summary.yml")
    assert code == 1 and "A gate is shut: The table deals has 0 rows, 100.0% fewer than the 1" in err


def waiting_call(spm: Command) -> tuple[int, str]:
    settings = Settings(spm.office.root, spm.office.store.path, spm.office.reports)
    return send_what_waits(settings), spm._capture.readouterr().err


def test_what_waits_is_sent_and_owners_told_by_a_timers_call(
    spm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert waiting_call(spm) == (0, "")
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    spm("send", "params/summary.yml")
    code, err = waiting_call(spm)
    assert code == 1 and "nobody takes mail there" in err
    monkeypatch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{spm.office.ours.port}")
    spm.office.theirs.faults.append(Fault.parse(f"rcpt:550:1:{at('mia')}"))
    assert waiting_call(spm)[0] == 1
    assert spm.office.readers() == [at("max"), at("ops"), at("ops")]
    assert waiting_call(spm) == (0, "")


def test_who_stops_what_waits_is_heard(spm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    spm("send", "params/summary.yml")
    monkeypatch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{spm.office.ours.port}")
    theirs, before = spm.office.theirs, signal.getsignal(signal.SIGTERM)
    theirs.faults.append(Fault.parse("rcpt:hold:1"))
    monkeypatch.setenv("SPM_MAIL_CONNECTIONS", "1")

    def stop() -> None:
        eventually(lambda: "RCPT" in theirs.heard)
        os.kill(os.getpid(), signal.SIGTERM)
        # It has been heard when the next one would end the process.
        eventually(lambda: signal.getsignal(signal.SIGTERM) is before)
        theirs.go_on.set()

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    assert waiting_call(spm)[0] == 130
    stopping.join()
    assert len(spm.office.mails) == 1
    assert waiting_call(spm)[0] == 0


def test_an_owner_is_told_where_there_is_no_store(spm: Command) -> None:
    settings = Settings(spm.office.root, spm.office.root / "gone" / "s.duckdb", spm.office.reports)
    spec = spm.office.specs["summary"]
    assert tell_owner(spec, settings, ("there is no store here",), today=dt.date(2030, 6, 3)).code == 1
    assert spm.office.readers() == [at("ops")]
