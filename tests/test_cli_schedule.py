"""``spm schedule``: what it calls, in which order, what it tells and with which exit code it ends."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from spm_lib import terminal
from spm_lib.cli import delivery_gates, making, reports, turn
from spm_lib.cli import schedule as commands
from spm_lib.cli.application import app
from spm_lib.cli.delivery import SendingEnded
from spm_lib.cli.making import ReportsMade
from spm_lib.cli.options import settings_of
from spm_lib.cli.schedule import every_minute, schedule_app
from spm_lib.data import swap
from spm_lib.data.ledger import ledger_path
from spm_lib.data.store import Store
from spm_lib.errors import DeliveryError, RunError, SourceError, StoreError
from spm_lib.models import scoring
from spm_lib.press import gates, sweep
from spm_lib.press.deliver import sole_sender
from spm_lib.press.schedule.slot_ledger import SlotLedger
from spm_lib.press.spec import Spec

ROOT = Path(__file__).parent.parent
MONDAY = dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SPEC = """\
notebook: summary
for_each: {company: true}
ingest_first: [crm]
gates: {rows: {deals: {fall_at_most: 0.2}}}
schedule: {cron: "0 7 * * MON", timezone: Europe/London}
deliver: {to: [leaders@example.com]}
owner: revops@example.com
"""


class Works:
    """A project, a clock, and what its steps were called with: the steps themselves have tests of their own."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.store = store
        self.now = MONDAY - 24 * HOUR
        self.calls: list[tuple[str, Any]] = []
        self.codes = {"run": 0, "send": 0, "tell": 1, "wait": 0}
        self.made: dict[str, Any] = {"day": dt.date(2017, 12, 31)}
        self.raises: dict[str, Exception] = {}
        self.untold = ""
        self.raise_passing = False

    def spec(self, name: str = "weekly", text: str = SPEC) -> None:
        (self.root / "params" / f"{name}.yml").write_text(text, "utf-8")

    def ingest(self, source: Path, store: Path, **_: Any) -> str:
        self.calls.append(("ingest", source.name))
        self.fail("ingest")
        return "loaded"

    def run(self, spec: Path, settings: Any, *, today: dt.date, **more: Any) -> ReportsMade:
        self.raise_passing = more["raise_passing"]
        self.calls.append(("run", (spec.stem, today)))
        self.fail("run")
        sys.stdout.write("what a run prints\n")
        return ReportsMade(self.codes["run"], **self.made)

    def send(self, spec: Path, settings: Any, **more: Any) -> SendingEnded:
        self.calls.append(("send", (spec.stem, more)))
        self.fail("send")
        return SendingEnded(self.codes["send"], self.untold)

    def tell(self, spec: Spec, settings: Any, troubles: Sequence[str], **_: Any) -> SendingEnded:
        self.calls.append(("tell", (spec.name, {"troubles": tuple(troubles)})))
        self.fail("tell")
        return SendingEnded(self.codes["tell"], self.untold)

    def waiting(self, settings: Any, **_: Any) -> int:
        self.fail("wait")
        return self.codes["wait"]

    def fail(self, step: str) -> None:
        if step in self.raises:
            raise self.raises[step]

    def steps(self) -> list[str]:
        return [name for name, _ in self.calls]

    def sent(self) -> dict[str, Any]:
        (one,) = [given[1] for name, given in self.calls if name in ("send", "tell")]
        return one

    def spm(self, *words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(schedule_app, list(words), catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    def due(self, at: dt.datetime, *words: str, code: int = 0) -> Any:
        self.now = at
        self.calls.clear()
        return self.spm("run-due", *words, code=code)


@pytest.fixture
def works(
    tmp_path: Path, make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Works]:
    day = dt.date(2017, 12, 31)
    row = {
        "deal_id": "d",
        "owner_id": "r",
        "outcome": "won",
        "amount": 1,
        "created_on": day,
        "closed_on": day,
    }
    store = make_store(deals=[row])
    path = store.path
    store.close()
    for name in ("params", "notebooks"):
        (tmp_path / name).mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "notebooks" / "summary.ipynb")
    made = Works(tmp_path, path)
    made.spec()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPM_STORE", str(path))
    monkeypatch.setattr(commands, "utc", lambda: made.now)
    monkeypatch.setattr(turn, "utc", lambda: made.now)
    monkeypatch.setattr(turn, "now", lambda: made.now)
    monkeypatch.setattr(delivery_gates, "utc", lambda: made.now)
    monkeypatch.setattr("spm_lib.data.ingest.ingest", made.ingest)
    monkeypatch.setattr(terminal, "show_ingest", lambda *_, **__: None)
    monkeypatch.setattr(making, "run_reports", made.run)
    delivery = types.ModuleType("spm_lib.cli.delivery")
    delivery.SendingEnded = SendingEnded  # type: ignore[attr-defined]
    delivery.send_reports = made.send  # type: ignore[attr-defined]
    delivery.tell_owner = made.tell  # type: ignore[attr-defined]
    delivery.send_what_waits = made.waiting  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spm_lib.cli.delivery", delivery)
    made.due(made.now)
    yield made


def test_a_due_slot_is_loaded_made_checked_and_sent(works: Works) -> None:
    done = works.due(MONDAY)
    assert works.steps() == ["ingest", "run", "send"]
    assert works.calls[0] == ("ingest", "crm.yml")
    assert works.sent() == {"day": dt.date(2017, 12, 31), "shut": (), "troubles": (), "json": False}
    assert "weekly: 2026-01-05 07:00:00+00:00: done" in done.output
    works.due(MONDAY + HOUR)
    assert works.steps() == []


def test_nothing_is_printed_where_nothing_is_due_as_cron_would_mail_it(works: Works) -> None:
    assert works.due(MONDAY - HOUR).output == ""


def test_json_is_one_document_whatever_the_steps_print(works: Works) -> None:
    done = works.due(MONDAY, "--json")
    (slot,) = json.loads(done.stdout)["slots"]
    assert (slot["spec"], slot["state"]) == ("weekly", "done")
    assert json.loads(works.due(MONDAY + HOUR, "--json").stdout) == {"at_it": False, "slots": []}


def test_a_source_that_cannot_be_loaded_makes_no_reports_and_shuts_the_gate(works: Works) -> None:
    works.raises["ingest"] = SourceError("the file is empty", where="deals.csv")
    works.due(MONDAY, code=1)
    assert works.steps() == ["ingest", "tell"]
    assert works.sent()["troubles"] == ("The source crm could not be loaded: deals.csv: the file is empty",)


def test_specs_that_are_due_together_load_a_source_once(works: Works) -> None:
    works.spec("other")
    works.due(MONDAY - HOUR)
    works.due(MONDAY)
    assert works.steps() == ["ingest", "run", "send", "run", "send"]


def test_a_shut_gate_is_handed_on(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spm_lib.press.gates.shut_gates", lambda *_, **__: ("The table deals has 1 row",))
    done = works.due(MONDAY)
    assert works.sent()["shut"] == ("The table deals has 1 row",)
    assert "The table deals has 1 row" in done.output


def test_missed_slots_are_told_to_the_owner_and_end_with_1(works: Works) -> None:
    works.due(MONDAY + 13 * HOUR, code=1)
    assert works.steps() == ["tell"], "nothing was made, so nobody but the owner hears"
    (said,) = works.sent()["troubles"]
    assert "The run due on Monday 2026-01-05, 07:00 (Europe/London) was missed" in said


@pytest.mark.parametrize("step", ["run", "send"])
def test_failed_and_held_reports_end_with_1(works: Works, step: str) -> None:
    works.codes[step] = 1
    assert "done" in works.due(MONDAY, code=1).output
    works.due(MONDAY + HOUR)
    assert works.steps() == []


def test_an_error_is_told_to_the_owner(works: Works) -> None:
    works.raises["run"] = StoreError("there is no store here")
    works.due(MONDAY, code=1)
    assert works.steps() == ["ingest", "run", "tell"]
    (said,) = works.sent()["troubles"]
    assert said.endswith("failed: there is no store here")


def test_a_mail_server_that_takes_nothing_fails_the_slot_and_holds_nothing(works: Works) -> None:
    works.raises["send"] = DeliveryError("the password is wrong", mend="Set SPM_SMTP_PASSWORD")
    done = works.due(MONDAY, code=1)
    assert works.steps() == ["ingest", "run", "send"]
    assert "the password is wrong. Set SPM_SMTP_PASSWORD" in done.output
    # The owner hears of it once there is a server that takes mail.
    del works.raises["send"]
    works.due(MONDAY + HOUR, code=1)
    assert works.steps() == ["tell"]
    (said,) = works.sent()["troubles"]
    assert "failed: the password is wrong" in said
    works.due(MONDAY + 2 * HOUR)
    assert works.steps() == []


def test_a_spec_that_sends_to_nobody_is_made_and_tells_where_it_was_called(works: Works) -> None:
    works.spec(text=SPEC.replace("deliver: {to: [leaders@example.com]}\nowner: revops@example.com\n", ""))
    works.due(MONDAY)
    assert works.steps() == ["ingest", "run"]
    done = works.due(MONDAY + 7 * 24 * HOUR + 13 * HOUR, code=1)
    assert works.steps() == [] and "was missed" in done.output


@pytest.mark.parametrize(
    ("schedule", "known", "at", "day"),
    [
        # The first working day of a month is the last one of the month before where the machine is.
        (
            '{working_day: 1, of: month, at: "07:00", timezone: Australia/Sydney}',
            "2026-03-31T12:00",
            "2026-03-31T20:05",
            "2026-04-01",
        ),
        # Made up for after midnight, in another quarter: it is the report of the day on which it was due.
        (
            "{cron: 0 23 L * *, timezone: Europe/London}",
            "2026-03-31T12:00",
            "2026-04-01T05:00",
            "2026-03-31",
        ),
    ],
)
def test_a_slots_reports_and_gates_are_of_its_own_day_where_it_is_at_home(
    works: Works, monkeypatch: pytest.MonkeyPatch, schedule: str, known: str, at: str, day: str
) -> None:
    asked: list[dt.date] = []

    def gates(*_: Any, today: dt.date, **__: Any) -> tuple[str, ...]:
        asked.append(today)
        return ()

    monkeypatch.setattr("spm_lib.press.gates.shut_gates", gates)
    works.spec(text=SPEC.replace('{cron: "0 7 * * MON", timezone: Europe/London}', schedule))
    works.due(dt.datetime.fromisoformat(f"{known}+00:00"), code=1)
    works.due(dt.datetime.fromisoformat(f"{at}+00:00"))
    wanted = dt.date.fromisoformat(day)
    assert works.calls[1] == ("run", ("weekly", wanted)) and asked == [wanted]


def test_what_was_not_scored_is_told_to_the_owner(works: Works) -> None:
    works.made["unscored"] = ("Open deals are not scored as of 2017-12-31: no model",)
    done = works.due(MONDAY, code=1)
    assert works.sent()["troubles"] == ("Open deals are not scored as of 2017-12-31: no model",)
    assert "not scored" in done.output


def test_reports_for_nobody_that_failed_are_named_to_the_owner(works: Works) -> None:
    works.spec(text=SPEC.replace("deliver: {to: [leaders@example.com]}\n", ""))
    works.codes["run"] = 1
    works.made["failed"] = ("West, 2017-Q4: failed at cell 2 (1 / 0): ZeroDivisionError",)
    works.due(MONDAY, code=1)
    assert works.steps() == ["ingest", "run", "tell"]
    assert works.sent()["troubles"] == ("West, 2017-Q4: failed at cell 2 (1 / 0): ZeroDivisionError",)


def test_reports_that_failed_are_named_where_no_mail_server_is(works: Works) -> None:
    works.codes["run"], works.raises["send"] = 1, DeliveryError("no server is named")
    works.made["failed"] = ("West, 2017-Q4: failed at cell 2",)
    works.due(MONDAY, code=1)
    del works.raises["send"]
    works.due(MONDAY + HOUR, code=1)
    (said,) = works.sent()["troubles"]
    assert said.endswith("failed: no server is named; West, 2017-Q4: failed at cell 2")


@pytest.mark.parametrize("step", ["ingest", "run", "send"])
def test_a_slot_waits_while_another_run_load_or_sending_is_at_work(
    works: Works, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def collide() -> None:
        lock = works.root / f"{step}.lock"
        if step == "ingest":
            with swap.writing(lock), swap.writing(lock):
                pytest.fail("two load")
        elif step == "run":
            with sweep.alone(works.root), sweep.alone(works.root):
                pytest.fail("two run")
        else:
            with sole_sender.alone(lock), sole_sender.alone(lock):
                pytest.fail("two send")

    plain = works.fail
    monkeypatch.setattr(works, "fail", lambda each: collide() if each == step else plain(each))
    done = works.due(MONDAY)
    assert "weekly: 2026-01-05 07:00:00+00:00: waits" in done.output and "another" in done.output
    assert step == works.steps()[-1], "nobody is told of what passes"
    monkeypatch.setattr(works, "fail", plain)
    assert "done" in works.due(MONDAY + HOUR).output
    assert works.steps() == ["ingest", "run", "send"]


def test_mails_that_another_sending_has_in_hand_are_no_failure(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collide(_: str) -> None:
        with sole_sender.alone(works.root / "x"), sole_sender.alone(works.root / "x"):
            pytest.fail("two send")

    monkeypatch.setattr(works, "fail", collide)
    assert "another spm send is at it" in works.due(MONDAY - HOUR).output


def test_calls_complain_of_a_run_that_hangs(works: Works) -> None:
    works.codes["run"] = 130
    works.now = MONDAY
    CliRunner().invoke(schedule_app, ["run-due"])
    with SlotLedger(ledger_path(works.store)).alone() as alone:
        assert alone
        assert works.due(MONDAY + 5 * HOUR).output == ""
        done = works.due(MONDAY + 7 * HOUR, code=1)
    assert "weekly: 2026-01-05 07:00:00+00:00: at work since 2026-01-05 07:00:00+00:00" in done.output


@pytest.mark.parametrize("step", ["send", "tell", "wait"])
def test_whatever_step_is_stopped_ends_the_call_and_leaves_the_rest_for_the_next(
    works: Works, step: str
) -> None:
    works.codes[step] = 130
    late = step == "tell"
    works.now = MONDAY + late * 13 * HOUR
    with pytest.raises(KeyboardInterrupt):
        turn.Turn(settings_of()).run()
    works.codes[step] = 1
    works.due(works.now + HOUR, code=1)
    assert ("tell" if late else "send") in works.steps() or step == "wait"


def test_a_load_that_was_stopped_is_no_failure(works: Works) -> None:
    works.raises["run"] = RuntimeError("Query interrupted")
    works.now = MONDAY
    with pytest.raises(KeyboardInterrupt):
        turn.Turn(settings_of()).run()
    (slot,) = SlotLedger(ledger_path(works.store)).slots()
    assert slot.state == "claimed"


def test_a_gate_is_stopped_at_once(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "select count(*) from range(1000000000000) as t(i) where i % 7 = 3"
    works.spec(
        text=SPEC.replace("gates: {", f'gates: {{reconcile: [{{name: a, query: "{query}", expected: 1}}], ')
    )
    works.now = MONDAY
    asked = threading.Event()
    ask = gates._rows

    def rows(*given: Any) -> Any:
        asked.set()
        return ask(*given)

    monkeypatch.setattr(gates, "_rows", rows)

    def stops() -> None:
        assert asked.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop = threading.Thread(target=stops, daemon=True)
    stop.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            turn.Turn(settings_of()).run()
    finally:
        stop.join()
        signal.signal(signal.SIGTERM, before)
    (slot,) = SlotLedger(ledger_path(works.store)).slots()
    assert slot.state == "claimed"


def test_several_slots_a_day_draw_a_warning_where_readers_are_sent_one(works: Works) -> None:
    works.spec(text=SPEC.replace("0 7 * * MON", "0 7,15 * * MON"))
    works.spec("silent", SPEC.replace("0 7 * * MON", "*/30 7 * * MON").split("deliver:")[0])
    found = {one["spec"]: one["warnings"] for one in json.loads(works.spm("list", "--json").stdout)}
    assert any("one report of a day: the first" in text for text in found["weekly"])
    assert not any("one report of a day" in text for text in found["silent"])
    (works.root / "params" / "sources").mkdir()
    (works.root / "params" / "sources" / "crm.yml").write_text("", "utf-8")
    said = CliRunner().invoke(app, ["check", "params/weekly.yml"]).output
    assert "params/weekly.yml: Mind: It is due several times a day" in said


def test_an_index_that_cannot_be_written_is_told_in_one_line(works: Works) -> None:
    (works.root / "reports").write_text("", "utf-8")
    with pytest.raises(RunError, match=r"the index cannot be written .*reports that were made stand"):
        making.put_index(settings_of())


def test_today_by_hand_is_today_where_the_schedule_is_at_home(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "now", lambda: dt.datetime(2026, 3, 31, 20, tzinfo=dt.UTC))
    cell = new_code_cell('period = "2026-03"', metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), works.root / "notebooks" / "summary.ipynb")
    for zone, day in (("Australia/Sydney", "2026-04-01"), ("Europe/London", "2026-03-31")):
        works.spec(text=SPEC.replace("Europe/London", zone) + "as_of: today\nperiod: this-month\n")
        (job,) = json.loads(CliRunner().invoke(app, ["plan", "params/weekly.yml", "--json"]).stdout)
        assert (job["as_of"], job["period"]) == (day, day[:7])


def test_a_stopped_run_is_taken_up_again(works: Works) -> None:
    works.codes["run"] = 130
    works.now = MONDAY
    done = CliRunner().invoke(schedule_app, ["run-due"])
    assert done.exit_code == 130 or isinstance(done.exception, KeyboardInterrupt)
    assert "send" not in works.steps()
    works.codes["run"] = 0
    works.due(MONDAY + HOUR)
    assert works.steps() == ["ingest", "run", "send"]


def test_a_spec_that_cannot_be_read_stops_no_other(works: Works) -> None:
    works.spec("broken", "notebook: nowhere\n")
    done = works.due(MONDAY, code=1)
    assert works.steps() == ["ingest", "run", "send"]
    assert "broken.yml" in done.output and "for_each" in done.output


def test_two_specs_with_one_name_are_told_to_their_owner_and_stop_no_other(works: Works) -> None:
    works.spec("other")
    works.due(MONDAY - HOUR)
    (works.root / "params" / "weekly.yaml").write_text(SPEC, "utf-8")
    done = works.due(MONDAY, code=1)
    assert "weekly: two specs have the name 'weekly'" in done.output
    assert [given for step, given in works.calls if step == "run"] == [("other", MONDAY.date())]
    ((name, said),) = [given for step, given in works.calls if step == "tell"]
    assert name == "weekly" and "waits, as its spec cannot be read: two specs" in said["troubles"][0]


def test_many_missed_slots_are_one_line(works: Works) -> None:
    works.spec(text=SPEC.replace("0 7 * * MON", "*/5 * * * *").replace("ingest_first: [crm]\n", ""))
    works.due(MONDAY - 48 * HOUR)
    done = works.due(MONDAY, code=1)
    (line,) = [line for line in done.output.splitlines() if "missed" in line]
    assert line.startswith(
        "weekly: 575 missed, from 2026-01-03 07:05:00+00:00 to 2026-01-05 06:55:00+00:00: a later"
    )


def test_a_mail_server_that_is_not_set_hides_no_shut_gate(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_lib.press.gates.shut_gates", lambda *_, **__: ("The data end too long ago",))
    works.made["unscored"] = ("Open deals are not scored as of 2017-12-31: the disk is full",)
    works.raises["send"] = DeliveryError("no mail server is set")
    works.due(MONDAY, code=1)
    note = SlotLedger(ledger_path(works.store)).slots()[0].note
    assert note == f"no mail server is set; The data end too long ago; {works.made['unscored'][0]}"


def test_what_no_owner_could_be_told_is_told_once_there_is_one(works: Works) -> None:
    works.raises["ingest"] = SourceError("the file is empty", where="deals.csv")
    works.untold = "revops@example.com is in no domain that params/recipients.yml allows"
    works.due(MONDAY, code=1)
    said = works.sent()["troubles"]
    del works.raises["ingest"]
    for untold in (works.untold, ""):
        works.untold = untold
        done = works.due(MONDAY + HOUR, code=1)
        assert works.steps() == ["tell"] and said[0] in works.sent()["troubles"][0]
        assert ("the owner could not be told: revops@" in done.output) == bool(untold)
    works.due(MONDAY + 2 * HOUR)
    assert works.steps() == []


def test_another_one_that_scores_is_waited_for(works: Works) -> None:
    works.due(MONDAY)
    assert works.raise_passing


@pytest.mark.parametrize("passing", [True, False])
def test_only_what_passes_keeps_a_day_from_being_told_without_scores(
    monkeypatch: pytest.MonkeyPatch, passing: bool
) -> None:
    def busy(*_: object, **__: object) -> NoReturn:
        raise StoreError("another program is scoring this store", passing=passing)

    monkeypatch.setattr(scoring, "score_store", busy)
    with pytest.raises(StoreError) if passing else nullcontext():
        scored, failed = making.score_days(Path("s.duckdb"), {MONDAY.date()}, json=True, raise_passing=True)
        assert not scored and len(failed) == 1 and "another program" in failed[0]
    assert not making.score_days(Path("s.duckdb"), {MONDAY.date()}, json=True)[0]


def test_serve_outlives_a_fault_of_ours(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    def fails(self: object) -> None:
        turns.append(1)
        raise OverflowError("date value out of range")

    monkeypatch.setattr(turn.Turn, "run", fails)
    monkeypatch.setattr(commands, "every_minute", lambda turn, **_: (turn(), turn()))
    before = signal.getsignal(signal.SIGTERM)
    done = works.spm("serve")
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(turns) == 2 and "OverflowError: date value out of range" in done.output


def test_serve_stops_though_python_drops_the_interrupt(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped_in_an_import(self: object) -> None:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(turn.Turn, "run", stopped_in_an_import)
    monkeypatch.setattr(commands.time, "sleep", lambda seconds: pytest.fail("it sleeps on"))
    done = works.spm("serve")
    assert done.exit_code == 0 and "Stopped" in done.output


def test_list_shows_the_next_slot_and_the_last(works: Works) -> None:
    works.due(MONDAY)
    (one,) = json.loads(works.spm("list", "--json").stdout)
    assert (one["spec"], one["schedule"]) == ("weekly", "0 7 * * MON, Europe/London")
    assert one["next"] == "Monday 2026-01-12, 07:00 (Europe/London)"
    assert one["last"]["state"] == "done" and one["warnings"] == []
    plain = works.spm("list").output
    assert "next: Monday 2026-01-12" in plain and "last: Monday 2026-01-05" in plain


def test_list_minds_what_is_seldom_meant(works: Works) -> None:
    works.spec(text=SPEC.replace("0 7 * * MON", "30 2 * * MON"))
    works.spec("over", SPEC.replace("Europe/London}", "Europe/London, ends_on: 2020-01-01}"))
    works.now = MONDAY + 5 * HOUR
    found = {one["spec"]: one for one in json.loads(works.spm("list", "--json").stdout)}
    night, over = found["weekly"], found["over"]
    assert any("00:00 and 03:59" in text for text in night["warnings"])
    assert any("spm schedule install" in text for text in night["warnings"])
    assert over["next"] is None and any("has ended" in text for text in over["warnings"])


def test_list_without_schedules_says_how_to_write_one(works: Works) -> None:
    works.spec(text="notebook: summary\nfor_each: {company: true}\n")
    assert "schedule: {cron:" in works.spm("list").output


def test_install_prints_first_and_writes_on_yes(
    works: Works, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    kept = programs / "tab"
    (programs / "crontab").write_text(
        f'#!/bin/sh\nif [ "$1" = -l ]; then cat "{kept}" 2>/dev/null; exit 0; fi; cat > "{kept}"\n'
    )
    (programs / "systemctl").write_text("#!/bin/sh\nexit 0\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "systemd" / "user"
    works.spec(text=SPEC + "env: [CRM_TOKEN, ERP_TOKEN]\n")
    monkeypatch.setenv("CRM_TOKEN", "s3cr3t-value")
    monkeypatch.setenv("SPM_LOCALE", "de_DE")
    (works.root / ".env").write_text("ERP_TOKEN=another-value\n")
    first = works.spm("install").output
    assert "weekly is given CRM_TOKEN of the environment, which a timer does not have" in first
    assert "SPM_LOCALE=de_DE" in first and "s3cr3t" not in first
    assert "OnCalendar=*:0/5" in first and "add --yes" in first and not folder.exists()
    assert "add --yes" in works.spm("install", "--with", "cron").output and not kept.exists()
    works.spm("install", "--yes")
    assert {path.suffix for path in folder.iterdir()} == {".service", ".timer"}
    assert str(works.store) in next(folder.glob("*.service")).read_text()
    assert "Written" in works.spm("install", "--with", "cron", "--yes").output
    assert "stands in your crontab already" in works.spm("install", "--with", "cron", "--yes").output
    assert kept.read_text().count("run-due --store") == 1


def test_the_loop_waits_for_each_minute_to_begin_and_is_never_at_it_twice() -> None:
    class EnoughError(Exception):
        pass

    now, slept, turns = MONDAY + dt.timedelta(seconds=42.5), [], []

    def turn() -> None:
        nonlocal now
        turns.append(now)
        now += dt.timedelta(seconds=70 * len(turns))

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += dt.timedelta(seconds=seconds)
        if len(slept) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        every_minute(turn, clock=lambda: now, sleep=sleep)
    assert [moment.second for moment in turns] == [42, 0, 0] and len(turns) == 3
    assert all(0 < seconds <= 60 for seconds in slept)


def test_serve_does_what_is_due_and_ends_on_sigterm(works: Works) -> None:
    # No slot is due, whatever day it is when this runs.
    works.spec(
        text=SPEC.replace("London}", "London, catch_up_hours: 0.01}").replace("0 7 * * MON", "0 7 1 1 *")
    )
    before = SlotLedger(ledger_path(works.store)).known("weekly")
    assert before is not None
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPM_")}
    code = """if True:
        from spm_lib.cli import schedule

        turn = schedule._turn_told
        schedule._turn_told = lambda *given: (turn(*given), print("turned", flush=True))
        schedule.schedule_app(["serve"])
    """
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=works.root,
        env={**environment, "SPM_STORE": str(works.store), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "every minute" in process.stdout.readline()
            assert "turned\n" in iter(process.stdout.readline, "")
            assert SlotLedger(ledger_path(works.store)).known("weekly") != before
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert "Stopped" in out and "Traceback" not in err
