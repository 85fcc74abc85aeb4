"""One job's notebook in a kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import nbformat
import pytest

from spm_lib.errors import RunError
from spm_lib.press.execute import execute
from spm_lib.press.kernels import server_state, start_server
from spm_lib.press.make import make
from spm_lib.press.notebook import published

from .conftest import PUBLISH, SPEC, Project, book
from .kernels.running import eventually

MakeProject = Callable[..., Project]

SEES = """
import json, os
print(json.dumps([team, period, as_of, top_deals, os.environ["SPM_STORE"], os.getcwd(), os.environ["SPM_LOCALE"]]))
"""


def test_parameters_store_and_folder_reach_the_kernel(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_STORE", "another.duckdb")
    monkeypatch.delenv("SPM_LOCALE", raising=False)
    hostile = 'a"; raise SystemExit #\n\\{x}'
    project = make_project({hostile: "North"})
    project.notebook(book(SEES, PUBLISH))
    (job,) = project.plan(locale="de_DE")
    ran = execute(job)
    assert ran.failure is None and ran.book is not None
    seen = json.loads(ran.book.cells[2].outputs[0].text)
    assert seen == [
        hostile,
        "2017-Q4",
        "2017-12-31",
        5,
        str(job.store),
        str(project.root / "notebooks"),
        "de_DE",
    ]
    assert [p["headline"] for p in published(ran.book)] == [f"Team {hostile} is on track"]
    assert 0 < ran.cell_seconds < ran.seconds
    assert os.environ["SPM_STORE"] == "another.duckdb" and "SPM_LOCALE" not in os.environ
    kept = nbformat.writes(ran.book)
    assert "papermill" not in kept
    assert str(project.root / "notebooks" / "summary.ipynb") not in kept


@pytest.mark.parametrize(
    ("cell", "error", "message"),
    [
        ("# what fails\n\nint('x')", "ValueError", "invalid literal for int() with base 10: 'x'"),
        ("# what fails\nraise SystemExit(0)", "SystemExit", "0"),
        ("# what hangs\nimport time; time.sleep(300)", "Timeout", "the cell took longer than 15 s"),
        ("# what dies\nimport os; os._exit(1)", "DeadKernel", "the kernel died, perhaps for want of memory"),
    ],
)
def test_a_failing_cell_is_named_and_the_notebook_kept(
    make_project: MakeProject, cell: str, error: str, message: str
) -> None:
    project = make_project()
    project.notebook(book("md:# Title", "print('before')", cell, "print('after')"))
    begun = time.monotonic()
    ran = execute(project.plan(SPEC + "limits: {cell_seconds: 15}\n")[0])
    assert time.monotonic() - begun < 240
    assert ran.failure is not None and ran.book is not None
    line = next(text for text in cell.splitlines() if text and not text.startswith("#"))
    assert (ran.failure.cell, ran.failure.line) == (4, line)
    assert (ran.failure.error, ran.failure.message) == (error, message)
    sources = [c.source for c in ran.book.cells]
    assert sources[-2:] == [cell, "print('after')"] and len(sources) == 6
    assert ran.book.cells[3].outputs[0].text == "before\n"
    assert ran.book.cells[-1].outputs == []


def test_the_whole_notebook_has_a_limit_too(make_project: MakeProject) -> None:
    project = make_project()
    project.notebook(book("x = 1", "import time; time.sleep(299)", "3"))
    # A server's start is part of it, where there is none yet.
    assert start_server() is None and server_state() is not None
    ran = execute(project.plan(SPEC + "limits: {cell_seconds: 300, seconds: 15}\n")[0])
    assert ran.failure is not None and ran.failure.error == "Timeout"
    assert ran.failure.message == "the notebook took longer than 15 s in all"
    assert ran.failure.line == "import time; time.sleep(299)"


#: Has a store open for writing, as other programs do, until a file says that it need not.
HOLDS = """
import duckdb, pathlib, sys, time
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    while not pathlib.Path(sys.argv[2]).exists():
        time.sleep(0.05)
"""


def test_a_store_that_another_program_writes_is_waited_for(make_project: MakeProject) -> None:
    project = make_project({"a": "North"})
    opens = "import spm_lib as spm\nopen('../tried', 'a').write('x')\nspm.open_report(team, period, as_of)"
    project.notebook(book(opens, "open('../opened', 'w')", PUBLISH))
    (job,) = project.plan()
    project.store.close()
    tried, done = project.root / "tried", project.root / "done"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(job.store), str(done)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"

        def release() -> None:
            # The second time it tries, the first has been in vain; a third time it finds the store free.
            eventually(lambda: tried.exists() and len(tried.read_text()) >= 2)
            done.touch()

        releasing = threading.Thread(target=release, daemon=True)
        releasing.start()
        made = make(job)
        releasing.join()
    assert made.failure is None and len(tried.read_text()) >= 2 and job.html.exists()


def test_a_kernel_that_is_not_there(make_project: MakeProject) -> None:
    project = make_project()
    made = book(PUBLISH)
    made.metadata.kernelspec.name = "nonesuch"
    project.notebook(made)
    ran = execute(project.plan()[0])
    assert ran.failure is not None and ran.failure.cell is None
    assert str(ran.failure) == "NoSuchKernel: there is no kernel 'nonesuch' on this machine"


@pytest.mark.parametrize("text", ["", "{", '{"cells": 1}', "<html>"])
def test_a_file_that_is_no_notebook(make_project: MakeProject, text: str) -> None:
    project = make_project()
    (project.root / "notebooks" / "summary.ipynb").write_text(text)
    with pytest.raises(RunError, match="not a notebook"):
        project.plan()
