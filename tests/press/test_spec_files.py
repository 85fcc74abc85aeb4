"""Which files of ``params/`` are run specs: all but those that say something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spm_lib.errors import SpecError
from spm_lib.press.spec import OTHER_FILES, load_spec, run_specs

from .conftest import SPEC, Project

ROOT = Path(__file__).parents[2]


def test_what_is_shipped_is_a_run_spec_or_known_to_be_none() -> None:
    folder = ROOT / "params"
    specs = run_specs(folder)
    assert {path.name for path in folder.glob("*.y*ml")} - {path.name for path in specs} <= OTHER_FILES
    assert (folder / "team_performance.yml") in specs
    for path in specs:
        assert load_spec(path).name == path.stem


def test_other_files_are_not_taken_for_run_specs(make_project: Callable[..., Project]) -> None:
    project = make_project()
    for name in OTHER_FILES:
        (project.root / "params" / name).write_text("actions: {}\n", "utf-8")
    # A file with a mistake in its keys is a run spec all the same, or nobody would be told.
    wrong = project.spec(SPEC.replace("notebook", "notbook"), "wrong")
    assert run_specs(project.root / "params") == (project.root / "params" / "summary.yml", wrong)
    with pytest.raises(SpecError, match=r"unknown key 'notbook'\. Did you mean 'notebook'"):
        load_spec(wrong)


@pytest.mark.parametrize("name", sorted(OTHER_FILES))
def test_other_files_are_neither_run_nor_linked_to(make_project: Callable[..., Project], name: str) -> None:
    project = make_project()
    other = project.root / "params" / name
    other.write_text("actions: {}\n", "utf-8")
    with pytest.raises(SpecError, match=r"this file is no run spec. Known: summary\.yml"):
        load_spec(other)
    spec = project.spec(SPEC + f"links_to: {other.stem}\n", "overview")
    with pytest.raises(SpecError, match=r"there is no spec '.*' to link to\. Known: overview, summary"):
        load_spec(spec)
