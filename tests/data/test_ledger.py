"""The ledger: once per day, whole or not at all, never in a reader's way."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.data import ledger_file
from spm_lib.data.ledger import CHANCES, SCORE_COLUMNS, Ledger, ModelRecord, ledger_path, models_folder
from spm_lib.data.ledger_file import LedgerFile
from spm_lib.errors import StoreError

DAY = dt.date(2026, 10, 25)
NOW = dt.datetime(2026, 10, 26, 6, 30, tzinfo=dt.UTC)
MODEL = ModelRecord(
    "deal-risk-2026-10-25-0a1b2c3d", "deal_risk", DAY, NOW, "made 1", "x.skops", {"n": [1, None]}
)


def frame(
    deals: int = 2, horizons: tuple[str, ...] = ("30", "period"), at_risk: float = 0.25
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "deal_id": f"d-{number}",
                "horizon": horizon,
                "horizon_ends_on": DAY + dt.timedelta(days=30),
                "expected_close_on": None if number == 1 else dt.datetime(2026, 11, 3),
                "due": number != 1,
                "won": 1 - at_risk,
                "lost": at_risk / 2,
                "open": at_risk / 2,
                "at_risk": at_risk,
                "promised_won": 0.5,
                "usual_at_risk": 0.2,
                "raw_score": -1.5,
                "flagged": number == 0,
                "reasons": [
                    {"group": "quiet", "points": 0.5, "facts": {"days": 14.0, "who": 'Zoë "x"', "n": None}}
                ],
                "rules": ["quiet", "overdue"],
            }
            for number in range(deals)
            for horizon in horizons
        ]
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(ledger_path(tmp_path / "crm.duckdb"))


def write(ledger: Ledger, day: dt.date = DAY, **of_frame: object) -> bool:
    return ledger.record_scores(day, None, frame(**of_frame), made_at=NOW)  # type: ignore[arg-type]


def test_files_lie_beside_the_store() -> None:
    assert ledger_path(Path("/data/crm.duckdb")) == Path("/data/crm.ledger.sqlite")
    assert models_folder(Path("/data/crm.duckdb")) == Path("/data/crm.models")


def test_a_missing_ledger_is_empty_and_stays_missing(ledger: Ledger) -> None:
    assert ledger.scored_days() == ()
    assert ledger.latest(DAY) is None
    assert ledger.scoring(DAY) is None
    assert ledger.models("deal_risk") == ()
    assert list(ledger.scores(DAY).columns)[:3] == ["as_of", "deal_id", "horizon"]
    assert ledger.scores(DAY).empty
    assert ledger.digest(DAY) == Ledger(ledger.path.with_name("other")).digest(DAY)
    with pytest.raises(StoreError, match="no model 'x'"):
        ledger.model("x")
    assert not list(ledger.path.parent.iterdir())


def test_what_was_written_is_read_again(ledger: Ledger) -> None:
    assert ledger.record_model(MODEL)
    assert ledger.record_scores(DAY, MODEL.model_id, frame(), "a note", made_at=NOW)
    assert ledger.model(MODEL.model_id) == MODEL
    assert ledger.models("deal_risk") == (MODEL,)
    assert ledger.models("coaching") == ()
    scoring = ledger.scoring(DAY)
    assert scoring is not None
    assert (scoring.model_id, scoring.made_at, scoring.deals, scoring.note) == (
        MODEL.model_id,
        NOW,
        2,
        "a note",
    )
    found = ledger.scores(DAY)
    assert len(found) == 4
    assert set(found["as_of"]) == {pd.Timestamp(DAY)}
    assert set(found["model_id"]) == {MODEL.model_id}
    for name in ("as_of", "horizon_ends_on", "expected_close_on"):
        assert found[name].dtype == "datetime64[ns]"
    expected = frame()
    for name in ("horizon_ends_on", "expected_close_on"):
        expected[name] = pd.to_datetime(expected[name]).astype("datetime64[ns]")
    pd.testing.assert_frame_equal(found[list(SCORE_COLUMNS)], expected, check_dtype=False)
    assert found["due"].dtype == found["flagged"].dtype == bool
    assert list(ledger.scores(DAY, "period")["deal_id"]) == ["d-0", "d-1"]


def test_rules_alone_have_no_chances(ledger: Ledger) -> None:
    rules_only = frame().assign(
        won=None,
        lost=None,
        open=None,
        at_risk=float("nan"),
        promised_won=None,
        usual_at_risk=None,
        raw_score=None,
    )
    assert ledger.record_scores(DAY, None, rules_only, "45 won deals: 155 more are needed", made_at=NOW)
    found = ledger.scores(DAY)
    assert found["at_risk"].dtype == "float64"
    assert found[list(CHANCES)].isna().to_numpy().all()
    assert found["model_id"].isna().all()
    assert list(found["flagged"]) == [True, True, False, False]


def test_a_day_is_scored_once(ledger: Ledger) -> None:
    assert write(ledger, at_risk=0.25)
    before = ledger.digest(DAY)
    assert not write(ledger, at_risk=0.75)
    assert set(ledger.scores(DAY)["at_risk"]) == {0.25}
    assert ledger.digest(DAY) == before


def test_a_model_is_written_once(ledger: Ledger) -> None:
    assert ledger.record_model(MODEL)
    assert not ledger.record_model(ModelRecord(MODEL.model_id, "deal_risk", DAY, NOW, "made 2"))
    assert ledger.model(MODEL.model_id) == MODEL


def test_scores_of_an_unknown_model_are_refused(ledger: Ledger) -> None:
    with pytest.raises(StoreError, match="a row contradicts what the ledger holds"):
        ledger.record_scores(DAY, "nobody", frame(), made_at=NOW)
    assert ledger.scored_days() == ()


def test_a_day_without_deals_is_scored_all_the_same(ledger: Ledger) -> None:
    assert ledger.record_scores(DAY, None, frame().iloc[:0], "no deal is open", made_at=NOW)
    assert ledger.latest(DAY) == DAY
    assert ledger.scores(DAY).empty


def test_one_bad_row_keeps_the_whole_day_out(ledger: Ledger) -> None:
    twice = pd.concat([frame(), frame().tail(1)])
    with pytest.raises(StoreError):
        ledger.record_scores(DAY, None, twice, made_at=NOW)
    assert ledger.scored_days() == ()
    assert ledger.scores(DAY).empty
    assert write(ledger)


@given(
    st.sets(st.dates(dt.date(2020, 1, 1), dt.date(2020, 3, 1)), max_size=6),
    st.dates(dt.date(2019, 12, 1), dt.date(2020, 4, 1)),
)
def test_days_up_to_a_day(
    tmp_path_factory: pytest.TempPathFactory, days: set[dt.date], asked: dt.date
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    digests = [ledger.digest(asked)]
    for day in days:
        assert write(ledger, day, deals=1, horizons=("30",))
        digests.append(ledger.digest(asked))
        assert (digests[-1] != digests[-2]) == (day <= asked)
    assert ledger.scored_days() == tuple(sorted(days))
    assert ledger.latest(asked) == max((day for day in days if day <= asked), default=None)


# Other files, other versions


def test_a_ledger_of_a_newer_version_is_left_alone(ledger: Ledger) -> None:
    write(ledger)
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("pragma user_version = 9")
    held = ledger.path.read_bytes()
    for act in (
        lambda: ledger.scores(DAY),
        lambda: ledger.digest(DAY),
        lambda: write(ledger, dt.date(2026, 11, 1)),
    ):
        with pytest.raises(
            StoreError,
            match=rf"schema 9, this library reads schema {ledger_file.LEDGER_VERSION}\. Update spm_lib",
        ):
            act()
    assert ledger.path.read_bytes() == held


@pytest.mark.parametrize(
    "made", [b"no database at all, but text that is long enough " * 40, b"SQLite format 3\0" + b"\1" * 2000]
)
def test_another_file_in_its_place_is_told(ledger: Ledger, made: bytes) -> None:
    ledger.path.write_bytes(made)
    for act in (lambda: ledger.latest(DAY), lambda: write(ledger)):
        with pytest.raises(StoreError, match=r"no ledger, or it is damaged.*Move it away"):
            act()
    assert ledger.path.read_bytes() == made


def test_another_database_in_its_place_is_told(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("create table mine (x)")
    for act in (lambda: ledger.latest(DAY), lambda: write(ledger)):
        with pytest.raises(StoreError, match="is no ledger"):
            act()


def test_an_empty_file_is_an_empty_ledger(ledger: Ledger) -> None:
    ledger.path.touch()
    assert ledger.latest(DAY) is None
    assert write(ledger)


def test_a_folder_in_its_place_is_told(ledger: Ledger) -> None:
    ledger.path.mkdir()
    with pytest.raises(StoreError, match="cannot be used"):
        write(ledger)


def test_a_path_with_marks_of_an_address(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "100% sure? #1 {x}" / "é.sqlite")
    assert write(ledger)
    assert ledger.latest(DAY) == DAY


def test_a_full_disk_leaves_what_was_there(ledger: Ledger) -> None:
    write(ledger)
    code = (
        "import resource, sys; from pathlib import Path; import test_ledger as t\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "t.write(t.Ledger(Path(sys.argv[1])), t.dt.date(2026, 11, 1), deals=3000)"
    )
    done = run_here(code, ledger)
    assert "StoreError" in done.stderr and "the ledger cannot be used" in done.stderr
    assert ledger.scored_days() == (DAY,)
    assert write(ledger, dt.date(2026, 11, 1))


# Older versions

#: The tables as version 1 made them: files like this one are on people's machines.
VERSION_1 = """
create table models (
    model_id text primary key, kind text not null, fitted_on text not null, made_at text not null, library text not null,
    file text, card text not null
) without rowid;
create table scorings (
    as_of text primary key, model_id text references models, made_at text not null, deals integer not null, note text
) without rowid;
create table deal_scores (
    as_of text not null references scorings, deal_id text not null, horizon text not null,
    model_id text references models, horizon_ends_on text not null, expected_close_on text, due integer not null,
    won real, lost real, open real, at_risk real, promised_won real, usual_at_risk real, raw_score real,
    flagged integer not null, reasons text not null, rules text not null,
    primary key (as_of, deal_id, horizon)
) without rowid;
pragma user_version = 1;
"""


@pytest.fixture
def old(ledger: Ledger) -> Ledger:
    """A ledger of version 1 with a day's scores, none of it made by what is tested."""
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript(VERSION_1)
        with connection:
            connection.execute(
                "insert into scorings values (?, null, ?, 1, 'a note')", (str(DAY), NOW.isoformat())
            )
            connection.execute(
                "insert into deal_scores values (?, 'd-0', '30', null, '2026-11-24', null, 1, 0.5, 0.25, 0.25, 0.5, null, "
                "null, null, 1, '[]', '[\"quiet\"]')",
                (str(DAY),),
            )
    return ledger


def version_of(ledger: Ledger) -> int:
    with closing(sqlite3.connect(ledger.path)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0])


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of version 1 hold, read past the library."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: connection.execute(f"select * from {name} order by 1, 2").fetchall()
            for name in ("models", "scorings", "deal_scores")
        }


def test_a_new_ledger_has_the_newest_version(ledger: Ledger) -> None:
    write(ledger)
    assert version_of(ledger) == max(ledger_file.TABLES) == ledger_file.LEDGER_VERSION
    with pytest.raises(StoreError, match="no such table"):
        LedgerFile(ledger.path).rows("select * from absent")


def test_reading_an_old_ledger_changes_nothing(old: Ledger) -> None:
    held, digest = old.path.read_bytes(), old.digest(DAY)
    assert old.scored_days() == (DAY,)
    assert list(old.scores(DAY)["rules"]) == [["quiet"]]
    assert LedgerFile(old.path).rows("select * from coachings") == []
    with pytest.raises(StoreError, match="no such column"):
        LedgerFile(old.path).rows("select absent from scorings")
    assert old.path.read_bytes() == held
    assert version_of(old) == 1
    write(old, dt.date(2026, 11, 1))
    assert old.digest(DAY) == digest, "an upgrade alone makes no report stale"


def test_a_writer_upgrades_an_old_ledger_and_keeps_its_rows(old: Ledger) -> None:
    before, scores = contents(old.path), old.scores(DAY)
    assert write(old, dt.date(2026, 11, 1))
    assert version_of(old) == ledger_file.LEDGER_VERSION
    pd.testing.assert_frame_equal(old.scores(DAY), scores)
    after = contents(old.path)
    assert all(set(rows) <= set(after[name]) for name, rows in before.items())
    assert len(after["deal_scores"]) == 5
    made_new = Ledger(old.path.with_name("new.sqlite"))
    write(made_new)
    assert tables_of(old) == tables_of(made_new)


def tables_of(ledger: Ledger) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(ledger.path)) as connection:
        return connection.execute("select name, sql from sqlite_master order by 1").fetchall()


def test_an_upgrade_that_fails_leaves_the_old_ledger(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(old.path)
    broken = {**ledger_file.TABLES, 2: ledger_file.TABLES[2] + "create table scorings (twice);"}
    monkeypatch.setattr(ledger_file, "TABLES", broken)
    with pytest.raises(StoreError):
        write(old, dt.date(2026, 11, 1))
    assert (version_of(old), contents(old.path)) == (1, before)
    monkeypatch.undo()
    assert write(old, dt.date(2026, 11, 1))


def test_writers_who_upgrade_at_once(old: Ledger) -> None:
    before = contents(old.path)
    # One of the days is in the old ledger already.
    assert together(4, _write_own_days, old.path) == [9, 10, 10, 10]
    assert version_of(old) == ledger_file.LEDGER_VERSION
    assert set(before["deal_scores"]) <= set(contents(old.path)["deal_scores"])


def test_an_upgrade_waits_for_a_writer_of_the_old_version(
    old: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_file, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(old.path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        connection.execute("insert into scorings values ('2026-11-08', null, ?, 1, null)", (NOW.isoformat(),))
        with pytest.raises(StoreError, match=r"keeps writing this ledger. Try again"):
            write(old, dt.date(2026, 11, 1))
        connection.execute("commit")
    assert write(old, dt.date(2026, 11, 1))
    assert len(old.scored_days()) == 3


def test_an_upgrade_that_is_killed_leaves_the_old_ledger(old: Ledger) -> None:
    before = contents(old.path)
    # The tables of version 2 and then so much more that pages of it are in the log when the upgrade is killed.
    code = (
        "import sys; from pathlib import Path; import test_ledger as t\n"
        "t.ledger_file.TABLES[2] += 'create table much as with recursive c(n) as (select 1 union all select n + 1 from c "
        "where n < 1e9) select n, hex(randomblob(50)) from c;'\n"
        "t.write(t.Ledger(Path(sys.argv[1])), t.dt.date(2026, 11, 1))"
    )
    log = old.path.with_name(old.path.name + "-wal")
    with start_here(code, old) as writer:
        try:
            until = time.monotonic() + 240
            while not (log.is_file() and log.stat().st_size > 1_000_000):
                assert writer.poll() is None and time.monotonic() < until
                time.sleep(0.01)
            assert old.scored_days() == (DAY,), "readers do not wait for an upgrade"
        finally:
            writer.send_signal(signal.SIGKILL)
    assert log.stat().st_size > 1_000_000
    assert old.scored_days() == (DAY,)
    assert (version_of(old), contents(old.path)) == (1, before)
    assert write(old, dt.date(2026, 11, 1))
    assert version_of(old) == ledger_file.LEDGER_VERSION
    assert set(before["deal_scores"]) <= set(contents(old.path)["deal_scores"])


@pytest.mark.skipif(os.name != "posix", reason="rights of folders as POSIX has them")
def test_an_old_ledger_in_a_folder_that_cannot_be_written(old: Ledger) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = Path(shutil.copy(old.path, folder / "old.ledger.sqlite"))
        kept.chmod(0o444)
        folder.chmod(0o555)
        (found,) = together(1, _look_as_a_guest, kept)
        assert sorted(p.name for p in folder.iterdir()) == [kept.name]
        folder.chmod(0o755)
    days, coachings, refusal = found  # type: ignore[misc]
    assert (days, coachings) == ((DAY,), [])
    assert "the ledger cannot be used" in refusal


def _look_as_a_guest(path: Path, _: int) -> tuple[object, object, str]:
    """Read and write as somebody without rights: to root every folder is open."""
    if os.getuid() == 0:
        os.setuid(65534)
    ledger = Ledger(path)
    days, coachings = ledger.scored_days(), LedgerFile(path).rows("select * from coachings")
    try:
        write(ledger, dt.date(2026, 11, 1))
    except StoreError as error:
        return days, coachings, str(error)
    return days, coachings, ""


# Several at a time


def start_here(code: str, ledger: Ledger) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.Popen([sys.executable, "-c", code, str(ledger.path)], env=environment)


def run_here(code: str, ledger: Ledger) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, str(ledger.path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )


def together(count: int, act: Callable[[Path, int], object], path: Path) -> list[object]:
    with multiprocessing.get_context("fork").Pool(count) as pool:
        return pool.starmap(act, [(path, number) for number in range(count)], chunksize=1)


def _write_same_day(path: Path, number: int) -> bool:
    return write(Ledger(path), deals=300, at_risk=number / 10)


def _write_own_days(path: Path, number: int) -> int:
    days = (DAY + dt.timedelta(days=10 * n + number) for n in range(10))
    return sum(write(Ledger(path), day, deals=20) for day in days)


def test_of_writers_of_one_day_one_wins_whole(ledger: Ledger) -> None:
    assert sorted(together(4, _write_same_day, ledger.path)) == [False, False, False, True]  # type: ignore[type-var]
    found = ledger.scores(DAY)
    assert len(found) == 600
    assert found["at_risk"].nunique() == 1


def test_writers_of_several_days_wait_for_each_other(ledger: Ledger) -> None:
    assert together(4, _write_own_days, ledger.path) == [10] * 4
    assert len(ledger.scored_days()) == 40
    assert all(len(ledger.scores(day)) == 40 for day in ledger.scored_days())


def test_a_reader_does_not_wait_for_a_writer_and_sees_nothing_halfway(ledger: Ledger) -> None:
    write(ledger)
    later = DAY + dt.timedelta(days=7)
    before = ledger.digest(later)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        connection.execute("insert into scorings values (?, null, ?, 1, null)", (str(later), NOW.isoformat()))
        begun = time.perf_counter()
        assert ledger.scored_days() == (DAY,)
        assert ledger.digest(later) == before
        assert len(ledger.scores(DAY)) == 4
        assert time.perf_counter() - begun < ledger_file.BUSY_SECONDS / 2
        connection.execute("commit")
    assert ledger.scored_days() == (DAY, later)
    assert ledger.digest(later) != before


def test_a_writer_that_waits_too_long_says_so(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    write(ledger)
    monkeypatch.setattr(ledger_file, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        with pytest.raises(StoreError, match=r"keeps writing this ledger. Try again"):
            write(ledger, dt.date(2026, 11, 1))


def test_a_writer_that_is_killed_leaves_nothing_of_its_day(ledger: Ledger) -> None:
    write(ledger)
    code = (
        "import os, sys, time, sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('pragma cache_size = 1'); c.execute('begin immediate')\n"
        "c.execute(\"insert into scorings values ('2026-11-01', null, '2026-11-01T00:00:00+00:00', 1, null)\")\n"
        "c.executemany(\"insert into deal_scores values ('2026-11-01', ?, '30', null, '2026-12-01', null, 0, "
        "null, null, null, null, null, null, null, 0, '[]', '[]')\", ((str(n),) for n in range(5000)))\n"
        "print('halfway', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(ledger.path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"halfway\n"
        writer.send_signal(signal.SIGKILL)
    assert ledger.scored_days() == (DAY,)
    assert write(ledger, dt.date(2026, 11, 1))
    assert len(ledger.scores(dt.date(2026, 11, 1))) == 4


def test_a_ledger_whose_maker_was_killed_is_made_by_the_next(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("pragma journal_mode = wal")
    assert ledger.latest(DAY) is None
    assert write(ledger)


def test_reading_the_digest_imports_no_pandas(ledger: Ledger) -> None:
    write(ledger)
    code = (
        "import sys, datetime as dt; from pathlib import Path; from spm_lib.data.ledger import Ledger\n"
        "print(Ledger(Path(sys.argv[1])).digest(dt.date(2026, 10, 25))); print(*sys.modules)"
    )
    done = run_here(code, ledger)
    digest, modules = done.stdout.splitlines()
    assert digest == ledger.digest(DAY)
    assert not {"pandas", "numpy", "ibis", "sklearn"} & set(modules.split())
