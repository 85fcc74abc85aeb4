"""A Monday morning in one go: sources loaded, reports made, gates checked, mails sent, the owner told. Nothing stands in."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from spm_lib.cli import data, delivery, delivery_gates, making, reports, schedule, turn
from spm_lib.cli.application import app
from spm_lib.cli.schedule import schedule_app
from spm_lib.data.ledger import ledger_path
from spm_lib.data.ledger_file import LedgerFile
from spm_lib.data.swap import writing
from spm_lib.press.deliver import sending
from spm_lib.press.sweep import alone

from ..conftest import PUBLISH, book
from .conftest import MakeServer
from .smtp_servers import Fault, MailLogServer

#: Has the clock strike and whatever is due be done; and the mail server.
Monday = tuple[Callable[..., Any], MailLogServer]
MONDAY = dt.datetime(2030, 1, 7, 7, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WEEK = dt.timedelta(days=7)
SOURCE = """
kind: files
path: ../../exports
timezone: Europe/London
currency: EUR
tables:
  reps: {from: people.csv, columns: {rep_id: id, name: name, email: mail}}
  teams: {from: teams.csv, columns: {team_id: id, name: name, manager_id: lead}}
  team_members: {from: people.csv, columns: {rep_id: id, team_id: team}}
  deals:
    from: deals.csv
    columns: {deal_id: id, owner_id: owner, outcome: outcome, amount: amount, created_on: made, closed_on: ended}
"""
SPEC = """
notebook: summary
for_each: {team: all}
period: last-quarter
as_of: today
ingest_first: [crm]
schedule: {cron: "0 7 * * MON", timezone: Europe/London}
gates:
  max_age_days: 30
  reconcile:
    - name: CRM against finance
      query: select sum(amount) from deals
      expected: {file: ../finance.csv, column: total}
      tolerance: 0.01
deliver: {to: ["{team.manager.email}"], subject: "{team.name}: {kpi.revenue}"}
owner: ops@x.example
"""


@pytest.fixture
def monday(
    tmp_path: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[Callable[..., Any], MailLogServer]:
    """Give what calls ``spm schedule run-due`` at a time, and the server that the mails reach."""
    files = {
        "params/sources/crm.yml": SOURCE,
        "params/summary.yml": SPEC,
        "exports/people.csv": "id,name,mail,team\nann,Ann,ann@x.example,west\nbo,Bo,bo@x.example,east\n",
        "exports/teams.csv": "id,name,lead\nwest,West,ann\neast,East,bo\n",
        "exports/deals.csv": "id,owner,outcome,amount,made,ended\n"
        "1,ann,won,60,2029-10-01,2029-12-31\n2,bo,won,40,2029-10-01,2029-12-31\n",
        "finance.csv": "month,total\n2029-12,100.5\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "notebooks").mkdir()
    nbformat.write(book(PUBLISH), tmp_path / "notebooks" / "summary.ipynb")
    theirs, ours = make_server("none")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPM_STORE", str(tmp_path / "store.duckdb"))
    monkeypatch.setenv("SPM_SMTP_URL", f"smtp+plain://localhost:{ours.port}")
    monkeypatch.setenv("SPM_MAIL_FROM", "reports@x.example")
    monkeypatch.setenv("SPM_MAIL_PER_MINUTE", "none")

    def due(at: dt.datetime, *words: str) -> Any:
        for module in (data, delivery, delivery_gates, making, reports, schedule, turn):
            for name in ("now", "utc"):
                monkeypatch.setattr(module, name, lambda: at, raising=False)
        return CliRunner().invoke(schedule_app, list(words or ("run-due", "--json")), catch_exceptions=False)

    return due, theirs


def readers(server: MailLogServer) -> list[str]:
    return sorted(each.recipient for each in server.received)


def told(server: MailLogServer) -> str:
    """What the owner was told last, on one line."""
    assert server.received[-1].recipient == "ops@x.example"
    mail = email.message_from_bytes(server.received[-1].content, policy=email.policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def unreached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server down, and nobody wait for it."""
    # A port that no system hands out: one that was free a moment ago may be another server's by now.
    monkeypatch.setenv("SPM_SMTP_URL", "smtp+plain://localhost:9")
    monkeypatch.setattr(sending, "WAITS", (600,))


def test_a_monday_is_loaded_made_checked_and_sent_once(monday: Monday, tmp_path: Path) -> None:
    due, server = monday
    assert due(MONDAY - dt.timedelta(hours=1)).exit_code == 0
    done = due(MONDAY + dt.timedelta(minutes=3))
    assert done.exit_code == 0, done.output
    assert [each["state"] for each in json.loads(done.stdout)["slots"]] == ["done"]
    assert readers(server) == ["ann@x.example", "bo@x.example"]
    mail = email.message_from_bytes(server.received[0].content, policy=email.policy.default)
    assert mail["Subject"] in ("West: 10.50", "East: 10.50") and "Mon, 07 Jan 2030 07:03:00" in mail["Date"]
    assert due(MONDAY + dt.timedelta(minutes=8)).exit_code == 0 and len(server.received) == 2
    # A week later finance's total has moved away: nobody but the owner gets anything.
    (tmp_path / "finance.csv").write_text("month,total\n2029-12,130\n", "utf-8")
    done = due(MONDAY + dt.timedelta(days=7))
    assert done.exit_code == 1
    assert readers(server) == ["ann@x.example", "bo@x.example", "ops@x.example"]
    assert "CRM against finance does not agree: 100.00 here, 130.00 expected" in told(server)


def test_a_spec_that_cannot_be_read_is_told_to_the_owner_it_had_and_sent_once_it_can(
    monday: Monday, tmp_path: Path
) -> None:
    due, server = monday
    due(MONDAY - HOUR)
    spec = tmp_path / "params" / "summary.yml"
    spec.write_text(SPEC.replace("team: all", "taem: all"), "utf-8")
    for minutes in (1, 6):
        assert due(MONDAY + dt.timedelta(minutes=minutes)).exit_code == 1
    assert readers(server) == ["ops@x.example"]
    assert "waits, as its spec cannot be read" in told(server) and "taem" in told(server)
    spec.write_text(SPEC, "utf-8")
    assert due(MONDAY + HOUR).exit_code == 0
    assert readers(server) == ["ann@x.example", "bo@x.example", "ops@x.example"]


def test_a_source_that_is_gone_sends_old_figures_to_nobody(monday: Monday, tmp_path: Path) -> None:
    due, server = monday
    due(MONDAY - dt.timedelta(hours=1))
    due(MONDAY)
    (tmp_path / "exports" / "deals.csv").unlink()
    assert due(MONDAY + dt.timedelta(days=7)).exit_code == 1
    assert readers(server) == ["ann@x.example", "bo@x.example", "ops@x.example"]
    assert "could not be loaded" in told(server)
    # What was missed is told too, once.
    assert due(MONDAY + dt.timedelta(days=14, hours=13)).exit_code == 1
    assert due(MONDAY + dt.timedelta(days=14, hours=14)).exit_code == 0
    assert readers(server).count("ops@x.example") == 2 and len(server.received) == 4


def test_an_export_that_stands_still_is_told_though_its_reports_went_out_before(
    monday: Monday, tmp_path: Path
) -> None:
    due, server = monday
    still = SPEC.replace("as_of: today", "as_of: latest").replace("max_age_days: 30", "max_age_days: 10")
    (tmp_path / "params" / "summary.yml").write_text(still, "utf-8")
    due(MONDAY - HOUR)
    assert due(MONDAY).exit_code == 0 and len(server.received) == 2
    assert due(MONDAY + WEEK).exit_code == 1
    assert readers(server) == ["ann@x.example", "bo@x.example", "ops@x.example"]
    assert "The data end on 2029-12-31, 14 days before 2030-01-14: more than the 10 allowed" in told(server)


def test_a_morning_in_sydney_is_of_that_morning_wherever_the_machine_is(
    monday: Monday, tmp_path: Path
) -> None:
    due, server = monday
    first = '{working_day: 1, of: month, at: "07:00", timezone: Australia/Sydney}'
    text = SPEC.replace('{cron: "0 7 * * MON", timezone: Europe/London}', first)
    (tmp_path / "params" / "summary.yml").write_text(text.replace("last-quarter", "last-month"), "utf-8")
    there = dt.datetime(2029, 12, 31, 20, tzinfo=dt.UTC)
    due(there - HOUR)
    assert due(there + dt.timedelta(minutes=3)).exit_code == 0
    assert readers(server) == ["ann@x.example", "bo@x.example"]
    assert [path.name for path in (tmp_path / "reports" / "summary").glob("*/*")] == ["2030-01-01"]
    assert (tmp_path / "reports" / "summary" / "2029-12").is_dir()


def test_a_report_made_by_hand_for_a_later_day_does_not_hide_the_slots(
    monday: Monday, tmp_path: Path
) -> None:
    due, server = monday
    (tmp_path / "params" / "summary.yml").write_text(SPEC.replace("team: all", "team: [west]"), "utf-8")
    due(MONDAY - HOUR)
    assert CliRunner().invoke(app, ["ingest", "params/sources/crm.yml"]).exit_code == 0
    # It ends after the slot has begun.
    due(MONDAY + HOUR, "list")
    made = CliRunner().invoke(app, ["run", "params/summary.yml", "--as-of", "2030-02-04"])
    assert made.exit_code == 0, made.output
    assert due(MONDAY).exit_code == 0
    (mail,) = server.received
    assert mail.recipient == "ann@x.example"
    days = LedgerFile(ledger_path(tmp_path / "store.duckdb")).rows("select as_of from mails")
    assert days == [("2030-01-07",)]


def test_a_mail_that_is_rejected_at_a_later_call_is_told_then(
    monday: Monday, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, server = monday
    up = os.environ["SPM_SMTP_URL"]
    due(MONDAY - HOUR)
    unreached(monkeypatch)
    assert due(MONDAY).exit_code == 1
    monkeypatch.setenv("SPM_SMTP_URL", up)
    server.faults.append(Fault("rcpt", "550", None, "ann@x.example"))
    assert due(MONDAY + dt.timedelta(minutes=5)).exit_code == 1
    assert set(readers(server)) == {"bo@x.example", "ops@x.example"}
    assert "ann@x.example" in told(server) and "550" in told(server)
    assert due(MONDAY + dt.timedelta(minutes=10)).exit_code == 0


def test_a_report_for_nobody_that_failed_is_told_with_its_cell_and_how_to_look_at_it(
    monday: Monday, tmp_path: Path
) -> None:
    due, server = monday
    nbformat.write(book("1 / 0"), tmp_path / "notebooks" / "summary.ipynb")
    alone_told = "\n".join(line for line in SPEC.splitlines() if not line.startswith("deliver:"))
    (tmp_path / "params" / "summary.yml").write_text(alone_told.replace("team: all", "team: [west]"), "utf-8")
    due(MONDAY - HOUR)
    assert due(MONDAY).exit_code == 1
    assert readers(server) == ["ops@x.example"]
    said = told(server)
    assert "West, 2029-Q4: failed at cell 2 (1 / 0): ZeroDivisionError: division by zero" in said
    assert "spm open summary/2029-Q4/2030-01-07/west" in said and "team=west" in said


def test_a_slot_waits_for_a_run_and_a_load_by_hand(monday: Monday, tmp_path: Path) -> None:
    due, server = monday
    due(MONDAY - HOUR)
    for busy in (writing(tmp_path / "store.duckdb"), alone(tmp_path / "reports")):
        with busy:
            done = due(MONDAY)
        assert done.exit_code == 0, done.output
        assert [each["state"] for each in json.loads(done.stdout)["slots"]] == ["waits"]
    assert server.received == []


def test_an_owner_hears_where_there_is_no_store(monday: Monday, tmp_path: Path) -> None:
    due, server = monday
    (tmp_path / "params" / "summary.yml").write_text(SPEC.replace("ingest_first: [crm]\n", ""), "utf-8")
    due(MONDAY - HOUR)
    assert due(MONDAY).exit_code == 1
    assert readers(server) == ["ops@x.example"] and "there is no store here" in told(server)


def test_serve_ends_on_sigterm_while_waiting_mails_are_sent(
    monday: Monday, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, server = monday
    up = os.environ["SPM_SMTP_URL"]
    due(MONDAY - HOUR)
    unreached(monkeypatch)
    due(MONDAY)
    monkeypatch.setenv("SPM_SMTP_URL", up)
    monkeypatch.setenv("SPM_MAIL_PER_MINUTE", "1")
    monkeypatch.setattr(schedule, "every_minute", lambda turn, **_: [turn() for _ in range(2)])

    def stop() -> None:
        while not server.received:
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    try:
        done = due(MONDAY + HOUR, "serve")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done.exit_code == 0 and "Stopped" in done.output
    assert len(server.received) == 1, "the other one waits for the next call"
