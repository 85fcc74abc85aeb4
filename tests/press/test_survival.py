"""A run survives what may befall it, and the next one makes what is missing; nothing is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spm_lib.press.kernels import SERVER_VARIABLE
from spm_lib.press.records import read_record
from spm_lib.press.shelf import listing

from .conftest import PUBLISH, SPEC, Project, book
from .kernels.running import alive, eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")

MakeProject = Callable[..., Project]

#: Seconds until none of a killed run's processes lives, on a busy machine.
GONE = 60

#: Tells where it runs and waits there, until a file says that it need not.
WAITS = """
import os, pathlib, time
here = pathlib.Path("..")
(here / f"new-{team}").write_text(str(os.getpid()))
(here / f"new-{team}").rename(here / f"kernel-{team}")
while team != "a" and not (here / "go").exists():
    time.sleep(0.05)
"""


class Press:
    """``spm run`` in a process of its own."""

    def __init__(self, project: Project, folder: Path, *more: str) -> None:
        self.reports = project.reports
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "spm_lib.cli",
            "run",
            str(project.root / "params" / "summary.yml"),
            "--json",
        ]
        command += [
            "--store",
            str(project.store.path),
            "--reports",
            str(project.reports),
            "--jobs",
            "2",
            *more,
        ]
        # Whatever it leaves in the folder for temporary files is seen.
        environment = os.environ | {"TMPDIR": str(folder)}
        for name in ("XDG_RUNTIME_DIR", SERVER_VARIABLE):  # nor is another's server its own
            environment.pop(name, None)
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=project.root,
        )

    def summary(self) -> dict[str, Any]:
        out, err = self.process.communicate(timeout=240)
        assert out, err
        found: dict[str, Any] = json.loads(out)
        return found

    def family(self) -> set[int]:
        """The press and all that it started, and they did, kernels too."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = parent(int(entry.name))
                except OSError:
                    continue
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.fixture
def temporary() -> Iterator[Path]:
    # Sockets bear no long paths, so not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as name:
        yield Path(name)


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    return {report["team"]: report["status"] for report in summary["reports"]}


def left_behind(project: Project, temporary: Path) -> list[str]:
    drafts = [p.name for p in project.reports.rglob("*") if p.name.startswith(".") and p.name != ".lock"]
    return drafts + [p.name for p in temporary.iterdir()]


def test_kill_9_of_the_press(make_project: MakeProject, temporary: Path) -> None:
    project = make_project()
    project.notebook(book(WAITS, PUBLISH))
    project.spec()
    press = Press(project, temporary)
    north, *_ = project.plan()
    assert eventually(
        lambda: north.record.exists() and all((project.root / f"kernel-{t}").exists() for t in "bc")
    )
    family = press.family()
    assert {int((project.root / f"kernel-{t}").read_text()) for t in "bc"} <= family and len(family) >= 6
    before = north.html.stat().st_mtime_ns
    draft = north.html.parent / ".half-written.tmp"
    draft.write_text("as one killed in the middle of writing leaves it")
    press.process.kill()
    press.process.communicate()
    assert eventually(lambda: not any(map(alive, family)), GONE), [p for p in family if alive(p)]

    (project.root / "go").touch()
    assert statuses(Press(project, temporary).summary()) == {"a": "skipped", "b": "done", "c": "done"}
    assert north.html.stat().st_mtime_ns == before
    assert left_behind(project, temporary) == []


def test_kill_9_of_all_at_once_leaves_nothing_after_the_next_run(
    make_project: MakeProject, temporary: Path
) -> None:
    project = make_project({"b": "North"})
    project.notebook(book(WAITS, PUBLISH))
    project.spec()
    press = Press(project, temporary)
    assert eventually(lambda: (project.root / "kernel-b").exists())
    family = press.family()
    # None of them does anything between the first kill and the last.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in family:
            os.kill(pid, number)
    press.process.communicate()
    assert eventually(lambda: not any(map(alive, family)), GONE)
    (temporary / "spm-kernels-just-made").mkdir()
    (project.root / "go").touch()
    assert statuses(Press(project, temporary).summary()) == {"b": "done"}
    assert left_behind(project, temporary) == ["spm-kernels-just-made"]


def test_kill_9_of_a_worker_costs_one_report_a_second_attempt(
    make_project: MakeProject, temporary: Path
) -> None:
    project = make_project()
    project.notebook(book(WAITS, PUBLISH))
    project.spec()
    press = Press(project, temporary)
    assert eventually(lambda: all((project.root / f"kernel-{t}").exists() for t in "bc"))
    # The process that they are forked from is the press's own child, and they are not.
    workers = [
        pid
        for pid in press.family()
        if b"multiprocessing.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and parent(pid) != press.process.pid
    ]
    assert len(workers) == 2
    kernels = [int((project.root / f"kernel-{t}").read_text()) for t in "bc"]
    os.kill(workers[0], signal.SIGKILL)
    # Its kernel ends with it, and only its.
    assert eventually(lambda: sum(map(alive, kernels)) == 1, GONE)
    (project.root / "go").touch()
    summary = press.summary()
    assert statuses(summary) == {"a": "done", "b": "done", "c": "done"}
    assert sorted(w for r in summary["reports"] for w in r["warnings"]) == ["Made at attempt 2"]
    assert left_behind(project, temporary) == []


BEFALLS = """
import os, signal, sys
from IPython.display import HTML, display
marker = f"../been-{team}"
first = not os.path.exists(marker)
open(marker, "a").write("x")
if team == "killed-once" and first: os.kill(os.getpid(), signal.SIGKILL)
if team == "killed": os.kill(os.getpid(), signal.SIGKILL)
if team == "exits": os._exit(3)
if team == "eats": hoard = [bytearray(50_000_000) for _ in range(400)]
if team == "hangs":
    import time
    time.sleep(600)
if team == "prints":
    for _ in range(100): print("x" * 999_999)
if team == "draws": display(HTML(f'<img alt="large" src="data:image/png;base64,{"A" * 50_000_000}">'))
"""
TEAMS = ("fine", "killed-once", "killed", "exits", "eats", "hangs", "prints", "draws")


def test_a_notebook_that_misbehaves_harms_no_other(make_project: MakeProject, temporary: Path) -> None:
    project = make_project({name: name.title() for name in TEAMS})
    project.notebook(book(BEFALLS, PUBLISH))
    spec = SPEC + "limits: {cell_seconds: 20, memory_mb: 1500}\n"
    jobs = {job.team: job for job in project.plan(spec)}
    summary = Press(project, temporary).summary()
    found = {r["team"]: r for r in summary["reports"]}
    assert statuses(summary) == dict.fromkeys(TEAMS, "failed") | dict.fromkeys(
        ("fine", "killed-once", "prints", "draws"), "done"
    )
    assert "DeadKernel" in found["killed"]["failure"] and "DeadKernel" in found["exits"]["failure"]
    assert "MemoryError" in found["eats"]["failure"]
    assert "took longer than 20 s" in found["hangs"]["failure"]
    # What can pass is tried twice; what cannot is not.
    tried = {name: len((project.root / f"been-{name}").read_text()) for name in TEAMS}
    assert tried == dict.fromkeys(TEAMS, 1) | dict.fromkeys(("killed-once", "killed", "exits"), 2)
    assert found["killed-once"]["warnings"] == ["Made at attempt 2"]
    for name in ("prints", "draws"):
        written = sum(path.stat().st_size for path in (jobs[name].html, jobs[name].ipynb))
        assert written < 5_000_000, name
    assert "left out" in jobs["draws"].html.read_text("utf-8")
    assert left_behind(project, temporary) == []


def test_a_full_disk_fails_what_it_must_and_the_next_run_makes_it(
    make_project: MakeProject, temporary: Path
) -> None:
    project = make_project()
    project.notebook(book("print('x' * 300_000 if team == 'b' else '')", PUBLISH))
    project.spec()
    project.reports.mkdir()
    # What a disk without room says, at any file of more than 200 KB: mounting a small disk is not for everyone.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
    code = limit + "import sys; sys.argv[0] = 'spm'; from spm_lib.cli import main; main()"
    command = [
        "run",
        str(project.root / "params" / "summary.yml"),
        "--json",
        "--store",
        str(project.store.path),
    ]
    ran = subprocess.run(
        [sys.executable, "-c", code, *command, "--reports", str(project.reports), "--jobs", "2"],
        capture_output=True, text=True, cwd=project.root, env=os.environ | {"TMPDIR": str(temporary)}, timeout=240,
    )  # fmt: skip
    summary = json.loads(ran.stdout)
    assert statuses(summary) == {"a": "done", "b": "failed", "c": "done"}, ran.stderr
    assert "could not be written" in str(summary["reports"])
    _, south, _ = project.plan()
    assert not south.html.exists() and read_record(south.record).status == "failed"
    assert left_behind(project, temporary) == []
    assert statuses(Press(project, temporary).summary()) == {"a": "skipped", "b": "done", "c": "skipped"}


def test_killed_at_random_moments_it_gets_there_in_the_end(
    make_project: MakeProject, temporary: Path
) -> None:
    project = make_project({f"t{number}": f"Team {number}" for number in range(6)})
    project.notebook(book("import time; time.sleep(0.3)", PUBLISH))
    project.spec()
    chance = random.Random(20301)
    for _ in range(3):
        press = Press(project, temporary)
        time.sleep(chance.uniform(1.5, 6))
        family = press.family()
        press.process.kill()
        press.process.communicate()
        assert eventually(lambda gone=family: not any(map(alive, gone)), GONE)
        # What has a record is whole.
        for shelved in listing(project.reports)[0]:
            assert shelved.record.status == "done" and shelved.html.is_file()
    made = {shelved.record.team for shelved in listing(project.reports)[0]}
    summary = Press(project, temporary).summary()
    assert set(statuses(summary)) == {f"t{number}" for number in range(6)}
    assert {team for team, status in statuses(summary).items() if status == "skipped"} == made
    assert all(status in ("done", "skipped") for status in statuses(summary).values())
    assert left_behind(project, temporary) == []


def test_two_runs_in_one_folder_do_not_get_in_each_others_way(
    make_project: MakeProject, temporary: Path
) -> None:
    project = make_project()
    project.notebook(book(WAITS, PUBLISH))
    project.spec()
    press = Press(project, temporary)
    assert eventually(lambda: (project.root / "kernel-b").exists())
    other = Press(project, temporary)
    out, err = other.process.communicate(timeout=240)
    assert other.process.returncode == 2 and out == ""
    assert "another run is making reports here" in err and len(err.splitlines()) == 1
    (project.root / "go").touch()
    assert set(statuses(press.summary()).values()) == {"done"}
