"""Runs: side by side, resumable, and one failure stops no other."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from nbformat.v4 import new_output

from spm_lib.errors import RunError
from spm_lib.press import make as making
from spm_lib.press import run as runs
from spm_lib.press import shelf
from spm_lib.press.deliver.report_mail import report_mail
from spm_lib.press.execute import Executed
from spm_lib.press.index import write_index
from spm_lib.press.make import make
from spm_lib.press.notebook import PUBLISHED_MIME
from spm_lib.press.plan import Job
from spm_lib.press.records import Made, read_record
from spm_lib.press.run import Result, Summary, run
from spm_lib.press.sweep import alone
from spm_lib.press.workers import WorkerLostError, Workers

from .conftest import NOW, PUBLISH, SPEC, Project, book

MakeProject = Callable[..., Project]

FAILS_ONCE = """
import os
if team == "b" and not os.path.exists("mended"):
    raise ValueError("no <b>data</b> for " + team)
"""
MEETS = """
import os, time
open(f"../here-{team}", "w").close()
patience = time.monotonic() + 120
while sum(name.startswith("here-") for name in os.listdir("..")) < 2 and time.monotonic() < patience:
    time.sleep(0.05)
print("threads", os.environ["OMP_NUM_THREADS"], "met", sum(n.startswith("here-") for n in os.listdir("..")) >= 2)
"""


def go(jobs: tuple[Job, ...], **more: object) -> tuple[Summary, list[Result]]:
    told: list[Result] = []
    summary = run(jobs, clock=lambda: NOW, workers=2, progress=told.append, **more)  # type: ignore[arg-type]
    return summary, told


def statuses(summary: Summary) -> dict[str | None, str]:
    return {result.job.team: result.status for result in summary.results}


def test_one_failing_team_and_what_a_rerun_does(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    project.notebook(book("md:# Are we on track?", MEETS, FAILS_ONCE, PUBLISH))
    jobs = project.plan(SPEC + "gates: {max_age_days: 2}\n")
    summary, told = go(jobs)

    assert statuses(summary) == {"a": "done", "b": "failed", "c": "done"}
    assert sorted(str(r.job.team) for r in told) == ["a", "b", "c"]
    assert [(r.job.team_name, str(r.failure)) for r in summary.failed] == [
        ("South", "cell 4 (import os): ValueError: no <b>data</b> for b")
    ]
    north, south, _ = jobs
    page = north.html.read_text("utf-8")
    assert "<h1>Team a is on track</h1>" in page
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    assert f"threads {threads} met True" in page, "the two workers did not run at the same time"
    assert "4385 days before" in page
    assert not south.html.exists() and "ValueError" in south.ipynb.read_text("utf-8")
    mail, _ = report_mail(shelf.find(project.reports, "North"))
    assert mail.subject == "Team a is on track" and "10.50" in mail.text and "4385 days before" in mail.text
    with pytest.raises(RunError, match="no page to send"):
        report_mail(shelf.find(project.reports, "South"))
    kept = read_record(north.record)
    assert kept.status == "done" and kept.fingerprint == north.fingerprint
    assert kept.published is not None and kept.published.kpis[0].text == "10.50"
    assert kept.finished == NOW and kept.started < NOW and kept.seconds["cells"] > 0
    assert kept.warnings == north.warnings and "python" in kept.versions
    failed = read_record(south.record)
    assert failed.failure is not None and (failed.failure.cell, failed.status) == (4, "failed")
    assert str(project.root) not in north.record.read_text("utf-8") + page
    index = write_index(project.reports).read_text("utf-8")
    assert "ValueError: no &lt;b&gt;data&lt;/b&gt; for b" in index and "10.50" in index

    before = north.html.stat().st_mtime_ns
    (project.root / "notebooks" / "mended").touch()
    summary, told = go(jobs)
    assert statuses(summary) == {"a": "skipped", "b": "done", "c": "skipped"}
    assert [r.status for r in told] == ["skipped", "skipped", "done"]
    assert north.html.stat().st_mtime_ns == before
    assert statuses(go(jobs)[0]) == {"a": "skipped", "b": "skipped", "c": "skipped"}

    made: list[Job] = []
    monkeypatch.setattr(
        runs, "_made", lambda due, *_: (Result(made.append(job) or job, "done") for job in due)
    )
    assert go(jobs, force=True)[0].done and made == list(jobs)
    left = [
        path.name for path in project.reports.rglob("*") if path.name.startswith(".") or "tmp" in path.name
    ]
    assert left == [".lock"]


@contextmanager
def here(count: int, *_: object) -> Iterator[Workers]:
    """Workers that are no processes."""
    with ThreadPoolExecutor(count) as executor:
        yield Workers(executor, count)


def test_what_cannot_be_shown_or_published_is_a_failure_or_a_warning(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project({"a": "North"})
    figures = {"version": 1, "headline": "West is late", "kpis": []}
    good = new_output("display_data", data={PUBLISHED_MIME: figures})
    late = new_output("display_data", data={PUBLISHED_MIME: figures | {"headline": "West is later"}})
    newer = new_output("display_data", data={PUBLISHED_MIME: figures | {"version": 9}})
    picture = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    script = new_output("display_data", data={"application/javascript": "x"})
    shown = {
        "silent": [],
        "twice": [good, late],
        "newer": [newer],
        "blind": [picture, good],
        "lost": [script, good],
    }

    def canned(job: Job, **_: object) -> Executed:
        ran = book("show()")
        ran.cells[1].outputs = shown[job.spec]
        return Executed(ran, None, 1.0, 0.5)

    monkeypatch.setattr(runs, "local_workers", here)
    monkeypatch.setattr(making, "execute", canned)
    jobs = [job for name in shown for job in project.plan(SPEC, name)]
    results = {result.job.spec: result for result in go(tuple(jobs))[0].results}
    assert {name: result.status for name, result in results.items()} == {
        "silent": "done", "twice": "done", "newer": "failed", "blind": "failed", "lost": "done",
    }  # fmt: skip
    assert results["silent"].warnings == ("The notebook published nothing: the index shows no figures",)
    assert results["twice"].warnings == ("The notebook published 2 times: the last counts",)
    assert results["lost"].warnings == (
        "cell 2 (show()): an output of type application/javascript was left out",
    )
    records = {name: read_record(result.job.record) for name, result in results.items()}
    assert {name: record.publications for name, record in records.items()} == {
        "silent": 0, "twice": 2, "newer": 1, "blind": 1, "lost": 1,
    }  # fmt: skip
    figures_of_twice = records["twice"].published
    assert figures_of_twice is not None and figures_of_twice.headline == "West is later"
    assert "<h1>West is later</h1>" in results["twice"].job.html.read_text("utf-8")
    assert "what was published is wrong at 'version'" in str(results["newer"].failure)
    assert "cell 2 (show()): a picture has no text" in str(results["blind"].failure)
    for name in ("newer", "blind"):
        assert records[name].published is None
        assert not results[name].job.html.exists()
        assert results[name].job.ipynb.exists()


def test_what_a_lost_worker_did_not_make_leaves_no_older_page(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project({"a": "North"})

    def canned(job: Job, **_: object) -> Executed:
        return Executed(book("show()"), None, 1.0, 0.5)

    def lost(job: Job) -> Made:
        raise WorkerLostError("the worker process ended")

    monkeypatch.setattr(runs, "local_workers", here)
    monkeypatch.setattr(making, "execute", canned)
    jobs = project.plan()
    assert go(jobs)[0].done and jobs[0].html.exists() and jobs[0].ipynb.exists()
    monkeypatch.setattr(runs, "_make", lost)
    (result,) = go(jobs, force=True)[0].results
    assert (result.status, result.failure and result.failure.error) == ("failed", "WorkerLost")
    assert not jobs[0].html.exists() and not jobs[0].ipynb.exists()
    assert read_record(jobs[0].record).status == "failed"


def test_drafts_of_killed_runs_go_though_nothing_is_due(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project({"a": "North"})
    monkeypatch.setattr(runs, "local_workers", here)
    monkeypatch.setattr(making, "execute", lambda job, **_: Executed(book("show()"), None, 1.0, 0.5))
    (job,) = project.plan()
    go((job,))
    drafts = (project.reports / ".dead.tmp", job.html.parent / ".dead.tmp")
    for draft in drafts:
        draft.touch()
    with alone(project.reports):
        assert statuses(go((job,))[0]) == {"a": "skipped"}
        # Whoever is at work in the folder may be writing them.
        drafts[1].touch()
        assert statuses(go((job,))[0]) == {"a": "skipped"}
        assert drafts[1].exists()
    assert statuses(go((job,))[0]) == {"a": "skipped"}
    assert not any(draft.exists() for draft in drafts)


def test_a_shelf_that_cannot_be_written(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project({"a": "North"})
    (tmp_path / "taken").write_text("a file, not a folder")
    jobs = project.plan(reports=tmp_path / "taken")
    assert "could not be written" in str(make(jobs[0]).failure)


SCRIPT = """
import datetime as dt, pickle, sys
from pathlib import Path
from spm_lib.press.run import run

if __name__ == "__main__":
    jobs = pickle.loads(Path(sys.argv[1]).read_bytes())
    told = lambda result: print(result.status, result.job.team, flush=True)
    summary = run(jobs, clock=lambda: dt.datetime.now(dt.UTC), workers=2, progress=told)
    print("interrupted", summary.interrupted, len(summary.results), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals of POSIX systems")
def test_ctrl_c_leaves_what_was_finished_whole(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project()
    sleeps = (
        "import os, time\nopen(f'pid-{team}', 'w').write(str(os.getpid()))\n"
        "os.rename(f'pid-{team}', f'../pid-{team}')\nif team != 'a': time.sleep(300)"
    )
    project.notebook(book(sleeps, PUBLISH))
    jobs = project.plan()
    (tmp_path / "jobs").write_bytes(pickle.dumps(jobs))
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "jobs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "done a\n"
        begun = time.monotonic()
        while (
            not all((project.root / f"pid-{team}").exists() for team in "abc")
            and time.monotonic() < begun + 240
        ):
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        rest = child.stdout.read()
        assert child.wait(240) == 0
    assert rest == "interrupted True 1\n"
    assert [shelf.state_of(job) for job in jobs] == ["fresh", "missing", "missing"]
    assert not [path for path in project.reports.rglob("*") if path.suffix == ".tmp"]
    for team in "bc":
        pid = int((project.root / f"pid-{team}").read_text())
        begun = time.monotonic()
        while _lives(pid) and time.monotonic() < begun + 120:
            time.sleep(0.1)
        assert not _lives(pid), "a kernel outlived its press"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        # It was reaped meanwhile, or this system has no such folder.
        return not Path("/proc/self/stat").exists()


def test_nothing_to_do_starts_nothing(make_project: MakeProject) -> None:
    def never() -> dt.datetime:
        raise AssertionError("nothing was made")

    assert run((), clock=never) == Summary(())
