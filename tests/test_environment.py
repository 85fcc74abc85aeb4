"""pyproject.toml is the one list of dependencies; environment.yml and the lock file are kept true to it."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
CONDA = {
    "css-inline": "css_inline",
    "duckdb": "python-duckdb",
    "ibis-framework": "ibis-duckdb",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
}
#: What conda-forge does not have.
PIP = ("resvg_py", "axe-playwright-python")


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(r) for r in project["dependencies"] + project["optional-dependencies"]["test"]]


def pins() -> dict[str, str]:
    lines = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line) for line in lines), lines
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_environment_yml_lists_what_pyproject_lists() -> None:
    listed = YAML(typ="safe").load(ROOT / "environment.yml")
    needed = requirements()
    wanted = [f"{CONDA.get(r.name, r.name)}{r.specifier}" for r in needed if r.name not in PIP]
    by_pip = {"pip": [str(r) for r in needed if r.name in PIP]}
    assert listed["dependencies"] == ["python>=3.11", *wanted, "pip", by_pip]
    assert listed["channels"] == ["conda-forge"]


def test_lock_holds_every_requirement_at_a_version_it_allows() -> None:
    locked = pins()
    for requirement in requirements():
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (requirement, version)


def test_lock_is_closed() -> None:
    """Everything that a locked package needs is locked too: nothing comes in at whatever version is newest."""
    locked = pins()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {canonicalize_name(Requirement(r).name): Requirement(r).extras for r in project["dependencies"]}
    for name in locked:
        for text in metadata.requires(name) or ():
            need = Requirement(text)
            environments = [{"extra": extra} for extra in extras.get(name, ())] or [{"extra": ""}]
            if need.marker is None or any(need.marker.evaluate(e) for e in environments):
                assert canonicalize_name(need.name) in locked, (name, text)


def test_lock_and_project_name_no_registry() -> None:
    for file in ("requirements.lock", "pyproject.toml", "environment.yml", "Makefile"):
        text = (ROOT / file).read_text()
        assert not re.search(r"https?://|file:|index-url|find-links", text), file
