"""Our notebooks under Airflow: run with the call that its PapermillOperator makes, and shown in docs/airflow.md as it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "airflow.md"

#: What version 2 and later of the provider hands on, besides the notebooks and their parameters.
OPERATOR_ARGUMENTS = {"input_nb", "output_nb", "parameters", "kernel_name", "language_name", "task_id"}


def operator_on_the_page() -> dict[str, Any]:
    """The arguments of the operator as the page writes them."""
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PapermillOperator":
                return {word.arg or "": ast.literal_eval(word.value) for word in node.keywords}
    raise AssertionError("the page shows no PapermillOperator")


def test_the_page_uses_arguments_that_the_operator_has_and_a_notebook_that_is_there() -> None:
    shown = operator_on_the_page()
    assert set(shown) <= OPERATOR_ARGUMENTS
    name = Path(shown["input_nb"]).name
    assert (ROOT / "notebooks" / name).is_file()
    known = papermill.inspect_notebook(str(ROOT / "notebooks" / name))
    assert set(shown["parameters"]) <= set(known)


@pytest.mark.slow
def test_a_notebook_runs_with_the_call_that_the_operator_makes(
    demo_scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = operator_on_the_page()
    monkeypatch.setenv("SPM_STORE", str(demo_scored))
    output = tmp_path / "summary.ipynb"
    # As the operator does, with nothing of ours: no engine, no folder, no other parameters.
    papermill.execute_notebook(
        str(ROOT / "notebooks" / Path(shown["input_nb"]).name),
        str(output),
        parameters=shown["parameters"],
        progress_bar=False,
        report_mode=True,
        kernel_name=shown["kernel_name"],
        language=shown["language_name"],
    )
    book = nbformat.read(output, as_version=4)
    outputs = [out for cell in book.cells for out in cell.get("outputs", [])]
    published = [out for out in outputs if "application/vnd.spm.published+json" in out.get("data", {})]
    assert len(published) == 1
    assert not [out for out in outputs if out.output_type == "error"]
    given = [cell for cell in book.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    assert len(given) == 1 and "this-quarter" in given[0].source
