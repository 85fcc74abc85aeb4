"""Every notebook keeps the house's form, and runs unchanged under plain papermill and nbconvert."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
PUBLISHED = "application/vnd.spm.published+json"


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", ()))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_form(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert 15 <= len(book.cells) <= 40
    assert book.cells[0].cell_type == "markdown"
    assert book.cells[0].source.startswith("# ")
    assert "?" in book.cells[0].source.splitlines()[0], "a notebook asks one question"
    assert [tags(cell) for cell in code].count({"parameters"}) == 1
    assert "open_report" in "".join(cell.source for cell in code[:4])
    assert "report.publish(" in code[-1].source
    for cell in code:
        assert tags(cell) <= {"parameters", "email", "hide", "nbval-check-output", "nbval-skip"}
        if "nbval-check-output" not in tags(cell):
            assert not cell.outputs, "outputs are stripped in git"
            assert cell.execution_count is None
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 12, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_metric_is_computed_in_a_cell(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    found = re.findall(r"\.(?:sum|mean|median|groupby|agg|quantile|std|pivot\w*)\(", source)
    assert not found
    assert "import pandas" not in source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_parameters_are_typed(path: Path) -> None:
    inspected = papermill.inspect_notebook(path)
    assert {"team", "period", "as_of"} <= set(inspected)
    for name, parameter in inspected.items():
        assert parameter["inferred_type_name"] in ("str", "int", "float", "bool"), name


def published(path: Path) -> list[dict[str, object]]:
    book = nbformat.read(path, as_version=4)
    found = [
        o.data[PUBLISHED] for c in book.cells for o in c.get("outputs", ()) if PUBLISHED in o.get("data", {})
    ]
    return [json.loads(f) if isinstance(f, str) else f for f in found]


def test_plain_papermill(demo_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOKS[0].with_name("team_performance.ipynb")),
        str(out),
    ]
    command += [
        "-p",
        "period",
        "2025",
        "-p",
        "as_of",
        "2026-01-15",
        "--log-level",
        "ERROR",
        "--no-progress-bar",
    ]
    env = {**os.environ, "SPM_STORE": str(demo_store)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (figures,) = published(out)
    assert "2025" in str(figures["headline"]), "a period that arrives as the integer 2025"
    assert figures["data_date"] == "2026-01-15"


def test_a_mistyped_team_is_told_with_the_nearest(
    demo_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_STORE", str(demo_store))
    out = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match=r"there is no team 'nowhere'"):
        papermill.execute_notebook(
            NOTEBOOKS[0].with_name("team_performance.ipynb"),
            out,
            {"team": "nowhere"},
            progress_bar=False,
        )


def test_nbconvert_runs_it_with_its_defaults(demo_store: Path, tmp_path: Path) -> None:
    path = NOTEBOOKS[0].with_name("team_performance.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--execute", "--to", "notebook", str(path)]
    command += ["--output-dir", str(tmp_path), "--log-level", "ERROR"]
    env = {**os.environ, "SPM_STORE": str(demo_store)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(published(tmp_path / path.name)) == 1
