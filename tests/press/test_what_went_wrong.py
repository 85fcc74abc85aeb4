"""How a person learns what went wrong in a run, and looks at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from spm_lib.press.notebook import tags

from .. import command
from .conftest import PUBLISH, Project, book

MakeProject = Callable[..., Project]

#: Stands in for Jupyter: says what it was started with.
JUPYTER = "import json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ['SPM_STORE']]))\n"


def spm(project: Project, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return command.spm(*words, *_places(project), cwd=project.root, **environment)


def process(project: Project, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `spm`, in a process of its own, whose output is also that of the programs that it starts."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPM_")}
    return subprocess.run(
        [sys.executable, "-m", "spm_lib.cli", *words, *_places(project)],
        cwd=project.root, env=inherited | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _places(project: Project) -> tuple[str, ...]:
    return "--store", str(project.store.path), "--reports", "reports"


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    made = make_project({"a": "North", "b": "[South]"})
    made.notebook(book("if team == 'b':\n    raise ValueError('no [bold]figures[/bold]')", PUBLISH))
    made.spec()
    return made


def test_a_failure_names_cell_error_parameters_and_how_to_open_it(project: Project, tmp_path: Path) -> None:
    ran = spm(project, "run", "params/summary.yml", "-p", "top_deals=7")
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    said = " ".join(ran.stdout.split())
    assert "1 made" in said and "1 failed" in said
    for words in (
        "ValueError: no [bold]figures[/bold]",
        "top_deals=7",
        "spm open summary/2017-Q4/2017-12-31/south",
    ):
        assert words in said, words
    assert "failed at cell 2" in ran.stderr

    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "jupyter.py").write_text(JUPYTER)
    opened = process(project, "open", "summary/2017-Q4/2017-12-31/south", PYTHONPATH=str(fake))
    (command, store) = json.loads(opened.stdout)
    notebook = Path(command[-1])
    assert command[0] == "lab" and store == str(project.store.path)
    given = [cell.source for cell in nbformat.read(notebook, 4).cells if "injected-parameters" in tags(cell)]
    assert len(given) == 1 and 'team = "b"' in given[0] and "top_deals = 7" in given[0]


def test_a_run_that_is_not_there(project: Project) -> None:
    ran = spm(project, "open", "nowhere")
    assert ran.returncode == 2 and "there is no run 'nowhere'" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_programs_read_the_same_as_json(project: Project) -> None:
    ran = spm(project, "run", "params/summary.yml", "--json")
    told = json.loads(ran.stdout)
    assert (told["done"], told["failed"], told["held"], told["skipped"]) == (1, 1, 0, 0)
    assert told["ordinary_kernels"] is None
    failed = next(report for report in told["reports"] if report["status"] == "failed")
    assert failed["html"] is None and "no [bold]figures[/bold]" in failed["failure"]


def test_without_a_fork_it_says_that_kernels_are_ordinary(project: Project) -> None:
    ran = spm(project, "run", "params/summary.yml", "--team", "a", SPM_WARM_KERNELS="never")
    assert ran.returncode == 0
    assert "Kernels were started one by one, which is slower: SPM_WARM_KERNELS is 'never'." in " ".join(
        ran.stdout.split()
    )
