"""What an ingest makes stale, and what a call that finds nothing to do does not do."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from spm_lib.data import slices
from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger import SCORE_COLUMNS, Ledger, ledger_path
from spm_lib.data.store import open_store, write_meta
from spm_lib.metrics import compare, expected_share
from spm_lib.metrics.plan import against_plan
from spm_lib.periods import parse_period
from spm_lib.press import fingerprint, index
from spm_lib.press.plan import Job, plan
from spm_lib.press.shelf import state_of
from spm_lib.press.spec import load_spec

from .conftest import SPEC, Project
from .test_shelf import done

MakeProject = Callable[..., Project]

ROOT = Path(__file__).parents[2]
TODAY = dt.date(2026, 11, 2)
KPIS = ["revenue", "quota_attainment", "quota_pace", "win_rate", "sales_cycle", "average_deal_size"]


def planned(store: Path, reports: Path) -> list[Job]:
    """Plan the reports of all teams, and the leadership summary."""
    with open_store(store) as opened:
        return [
            job
            for name in ("team_performance", "leadership_summary")
            for job in plan(
                load_spec(ROOT / "params" / f"{name}.yml"),
                opened,
                today=TODAY,
                reports=reports,
                as_of="latest",
            )
        ]


def states(store: Path, reports: Path) -> dict[str | None, str]:
    return {job.team: state_of(job) for job in planned(store, reports)}


#: Deals that are open, and of nobody but people who were in one team only.
THEIRS = """
select deal_id from deals where outcome = 'open' and owner_id in (
    select rep_id from team_members group by rep_id having count(*) = 1 and any_value(team_id) = '{team}'
) and deal_id not in (select deal_id from deal_changes where field = 'owner_id') order by 1 limit 4
"""


def work_on(store: Path, team: str) -> None:
    """Let a team work for a day: deals that are won, come, change and go, each as the source records it."""
    with open_store(store) as opened:
        meta, rows = opened.meta, dict(opened.meta.rows)
    assert meta.last_data_date is not None
    day = meta.last_data_date
    with duckdb.connect(str(store)) as connection:
        run = connection.execute
        won, larger, copied, gone = (row[0] for row in run(THEIRS.format(team=team)).fetchall())
        for field, new in (("outcome", "won"), ("closed_on", str(day)), ("stage", "Closed Won")):
            old = f"(select cast({field} as varchar) from deals where deal_id = '{won}')"
            run(
                f"insert into deal_changes values ('{won}', '{field}', {old}, '{new}', timestamp '{day} 10:00:00')"
            )
            run(f"update deals set {field} = '{new}' where deal_id = '{won}'")
        run(f"update deals set amount = amount + 1000 where deal_id = '{larger}'")
        run(
            f"insert into deals select * replace ('{team} new' as deal_id, date '{day}' as created_on) "
            f"from deals where deal_id = '{copied}'"
        )
        run(
            f"insert into activities select * replace ('{team} new' as activity_id) from activities "
            f"where deal_id = '{copied}' limit 1"
        )
        run(f"update deals set removed_on = date '{day}' where deal_id = '{gone}'")
        loaded = meta.loaded_at + dt.timedelta(days=1)
        write_meta(connection, replace(meta, loaded_at=loaded, rows={**rows, "deals": rows["deals"] + 1}))


def test_only_the_reports_of_teams_that_worked_are_stale_and_the_summary(
    demo_store: Path, tmp_path: Path
) -> None:
    store, reports = tmp_path / "store.duckdb", tmp_path / "reports"
    shutil.copy(demo_store, store)
    store.chmod(0o644)
    jobs = planned(store, reports)
    assert len(jobs) == 9
    for job in jobs:
        done(job)
    # The summary links to reports that came after it was planned.
    for job in planned(store, reports)[-1:]:
        done(job)
    assert set(states(store, reports).values()) == {"fresh"}
    for team in ("dach-mid-market", "americas-smb"):
        work_on(store, team)
    found = states(store, reports)
    assert {team for team, state in found.items() if state == "stale"} == {
        "dach-mid-market",
        "americas-smb",
        None,
    }
    assert set(found.values()) == {"fresh", "stale"}
    # And the reports that stand say what they would say now.
    frames = []
    for path in (demo_store, store):
        with open_store(path) as opened:
            snapshot = opened.as_of().scope("apac-growth")
            period = parse_period("this-quarter", as_of=snapshot.date)
            share = expected_share(snapshot, period)
            assert share.method == "earlier periods"
            frames.append((compare(KPIS, snapshot, period), against_plan(snapshot, period, "rep"), share))
    for one, other in zip(*frames, strict=True):
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other, rtol=1e-12)
        else:
            assert one == other


def test_a_store_that_stands_as_it_was_is_not_sliced(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    for job in project.plan():
        done(job)
    before = [job.fingerprint for job in project.plan()]

    def sliced(_: object) -> slices.Slices:
        raise AssertionError("all rows are what they were")

    monkeypatch.setattr(fingerprint, "read_slices", sliced)
    assert [job.fingerprint for job in project.plan()] == before
    with pytest.raises(AssertionError, match="all rows are"):
        project.plan(parameters={"top_deals": 9})


def test_a_report_is_fresh_though_other_rows_changed_and_stale_though_all_hashes_end_alike() -> None:
    assert fingerprint.is_unchanged("own.all", "own.all then")
    assert not fingerprint.is_unchanged("own.all", "other.all")


def scored(project: Project, day: dt.date) -> None:
    ledger = Ledger(ledger_path(project.store.path))
    nobody = pd.DataFrame(columns=list(SCORE_COLUMNS))
    assert ledger.record_scores(day, None, nobody, made_at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC))


def test_a_report_is_stale_once_what_the_ledger_knows_of_its_days_has_changed(
    make_project: MakeProject,
) -> None:
    project = make_project()

    def states() -> set[str]:
        return {state_of(job) for job in project.plan()}

    def make() -> None:
        for job in project.plan():
            done(job)

    make()
    scored(project, dt.date(2018, 1, 1))
    assert states() == {"fresh"}
    for day in (dt.date(2017, 12, 31), dt.date(2017, 12, 1)):
        scored(project, day)
        assert states() == {"stale"}
        make()
        assert states() == {"fresh"}
    coached = CoachingLedger(ledger_path(project.store.path))
    agreed = dt.date(2017, 12, 30)
    coached.agree(
        "r-1", "win_rate", "Ask who decides", agreed, agreed, dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    )
    assert states() == {"stale"}


def test_a_name_that_may_stand_no_more_makes_reports_stale(make_project: MakeProject) -> None:
    project = make_project()
    for job in project.plan(SPEC + "shared_names: [Rival]\n"):
        done(job)
    assert {state_of(job) for job in project.plan(SPEC + "shared_names: [Rival]\n")} == {"fresh"}
    assert {state_of(job) for job in project.plan(SPEC)} == {"stale"}


def test_a_ledger_that_cannot_be_read_stops_no_plan(make_project: MakeProject) -> None:
    project = make_project()
    for job in project.plan():
        done(job)
    ledger_path(project.store.path).write_text(
        "no ledger, but some other file that happens to lie there" * 40
    )
    assert {state_of(job) for job in project.plan()} == {"stale"}


def test_an_index_of_the_same_records_stands_as_it_is(make_project: MakeProject) -> None:
    project = make_project()
    jobs = project.plan()
    for job in jobs:
        done(job)
    page = index.write_index(project.reports)
    first = page.stat()
    assert index.write_index(project.reports) == page
    assert (page.stat().st_mtime_ns, page.stat().st_ino) == (first.st_mtime_ns, first.st_ino)
    for change in (
        lambda: done(jobs[0], status="failed"),
        lambda: jobs[1].html.unlink(),
        lambda: jobs[2].record.unlink(),
        lambda: page.write_text("cut off", "utf-8"),
    ):
        change()
        index.write_index(project.reports)
        assert page.stat().st_ino != first.st_ino
        assert "</html>" in page.read_text("utf-8")
        first = page.stat()


def test_a_plan_imports_nothing_that_is_for_making_reports() -> None:
    code = "import sys, spm_lib.cli, spm_lib.press.run, spm_lib.press.index; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"nbformat", "nbconvert", "jsonschema", "ibis", "pandas", "papermill", "matplotlib"}
    assert not heavy & set(done.stdout.split())
