"""A small project for the press: a store of three teams, a notebook, a spec."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from spm_lib.data.store import Store
from spm_lib.press.plan import Job, plan
from spm_lib.press.spec import load_spec

TODAY = dt.date(2030, 1, 2)
NOW = dt.datetime(2030, 1, 2, 7, 30, tzinfo=dt.UTC)
SPEC = "notebook: summary\nfor_each: {team: all}\nperiod: this-quarter\n"

PARAMETERS = 'team: str | None = "a"\nperiod = "2017-Q4"\nas_of = "2017-12-31"\ntop_deals: int = 5\n'
PUBLISH = """
from IPython.display import display
display({"application/vnd.spm.published+json": {
    "version": 1, "headline": f"Team {team} is on track", "kpis": [
        {"metric": "revenue", "label": "Revenue", "value": 10.5, "text": "10.50", "n": 3, "low": None}],
    "actions": [], "people": [], "deals": [], "data_date": "2017-12-31"}}, raw=True)
"""


def book(*cells: tuple[str, str] | str, parameters: str | None = PARAMETERS) -> nbformat.NotebookNode:
    """A notebook of code cells, each a source or a pair of source and tag; ``md:`` begins Markdown."""
    made = []
    if parameters is not None:
        made.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for cell in cells:
        source, tag = cell if isinstance(cell, tuple) else (cell, "")
        kind = new_markdown_cell if source.startswith("md:") else new_code_cell
        made.append(kind(source.removeprefix("md:"), metadata={"tags": [tag]} if tag else {}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=made, metadata={"kernelspec": kernel})


@dataclass
class Project:
    """A folder with params/, notebooks/ and reports/, and a store."""

    root: Path
    load: Callable[[], Store]

    @cached_property
    def store(self) -> Store:
        return self.load()

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def spec(self, text: str = SPEC, name: str = "summary") -> Path:
        path = self.root / "params" / f"{name}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def notebook(self, made: nbformat.NotebookNode, name: str = "summary") -> Path:
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(made, path)
        return path

    def plan(self, text: str = SPEC, name: str = "summary", **more: Any) -> tuple[Job, ...]:
        spec = load_spec(self.spec(text, name))
        return plan(spec, self.store, **{"today": TODAY, "reports": self.reports} | more)


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path, make_store: Callable[..., Store]) -> MakeProject:
    def make(
        teams: Mapping[str, str] | None = None,
        *,
        members: Sequence[Mapping[str, Any]] | None = None,
        parents: Mapping[str, str] | None = None,
        **meta: Any,
    ) -> Project:
        names = teams or {"a": "North", "b": "South", "c": "West"}
        reps = [{"rep_id": f"r-{i}", "name": f"Rep {i}"} for i in range(len(names))]
        placed = [{"rep_id": f"r-{i}", "team_id": team} for i, team in enumerate(names)]
        load = partial(
            make_store,
            teams=[
                {"team_id": t, "name": n, "parent_team_id": (parents or {}).get(t)} for t, n in names.items()
            ],
            reps=reps,
            team_members=placed if members is None else members,
            deals=[
                {
                    "deal_id": "d-1",
                    "owner_id": "r-0",
                    "outcome": "won",
                    "amount": 10,
                    "created_on": dt.date(2017, 10, 1),
                    "closed_on": dt.date(2017, 12, 31),
                }
            ],
            meta=meta,
        )
        root = tmp_path / "project {curly}"
        root.mkdir()
        project = Project(root, load)
        project.spec()
        project.notebook(book(PUBLISH))
        return project

    return make
