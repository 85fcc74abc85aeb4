"""Strict parameters."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from spm_lib.errors import ParameterError
from spm_lib.press.parameters import checked, declared

from .conftest import book

DECLARED = """
import datetime as dt
from typing import Literal, Optional
%matplotlib inline
team: str | None = None  # the team's id
period = "a=b"
as_of: dt.date = dt.date(2017, 12, 31)
top: int = 5
share: float = 0.5
loud = False
names: list[str] = []
more: Optional[dict] = None
how: Literal["short", "long"] = "short"
free = None
computed = 2 * 3
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "book.ipynb"
    nbformat.write(book(parameters=DECLARED), path)
    return path


def test_names_types_and_defaults(notebook: Path) -> None:
    found = {name: (sorted(p.kinds), p.default) for name, p in declared(notebook).items()}
    assert found == {
        "team": (["none", "str"], "None"),
        "period": (["str"], "'a=b'"),
        "as_of": (["date"], "dt.date(2017, 12, 31)"),
        "top": (["int"], "5"),
        "share": (["float"], "0.5"),
        "loud": (["bool"], "False"),
        "names": (["list"], "[]"),
        "more": (["dict", "none"], "None"),
        "how": (["str"], "'short'"),
        "free": ([], "None"),
        "computed": ([], "2 * 3"),
    }


def test_papermills_own_inspection_misses_what_is_found_here(notebook: Path) -> None:
    """Why the press reads the cell itself; where this fails, `inspect_notebook` may serve after all."""
    assert not {"team", "period"} & set(papermill.inspect_notebook(str(notebook)))


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"team": "west"}, {"team": "west"}),
        ({"team": None}, {"team": None}),
        ({"period": 2017}, {"period": "2017"}),
        ({"period": dt.date(2017, 10, 1)}, {"period": "2017-10-01"}),
        ({"as_of": dt.date(2017, 12, 31)}, {"as_of": "2017-12-31"}),
        ({"as_of": "2017-12-31"}, {"as_of": "2017-12-31"}),
        ({"share": 1}, {"share": 1}),
        ({"names": ("a", dt.date(2017, 1, 1))}, {"names": ["a", "2017-01-01"]}),
        ({"more": {"a": [1, None]}}, {"more": {"a": [1, None]}}),
        ({"free": [1]}, {"free": [1]}),
        ({"computed": "x"}, {"computed": "x"}),
    ],
)
def test_values_that_fit(notebook: Path, given: dict[str, Any], values: dict[str, Any]) -> None:
    assert checked(declared(notebook), given) == values


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"taem": "west"}, "no parameter 'taem'. Did you mean 'team'?"),
        ({"x; import os": 1}, "no parameter"),
        ({"team": 7}, "'team' is text or null, not a whole number (7)"),
        ({"top": "ten"}, "'top' is a whole number, not text ('ten'). The notebook's default is 5"),
        ({"top": True}, "not true or false"),
        ({"top": 1.5}, "not a number"),
        ({"period": 2017.5}, "'period' is text"),
        ({"period": True}, "'period' is text"),
        ({"loud": "yes"}, "'loud' is true or false"),
        ({"as_of": "yesterday"}, "'as_of' is a date"),
        ({"names": "a"}, "'names' is a list"),
        ({"free": float("nan")}, "not a finite number"),
        ({"free": {1: 2}}, "a key that is not text"),
        ({"free": {"a": {1, 2}}}, "type set"),
        ({"free": b"x"}, "type bytes"),
        ({"free": "\ud800"}, "half a character"),
    ],
)
def test_values_that_do_not(notebook: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError) as caught:
        checked(declared(notebook), given, where="summary.yml:4")
    assert says in str(caught.value)
    assert str(caught.value).startswith("summary.yml:4: ")


def test_a_notebook_without_parameters_takes_none(tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    nbformat.write(book(parameters=None), path)
    with pytest.raises(ParameterError, match="There are none"):
        checked(declared(path), {"team": "x"})


@pytest.mark.parametrize(
    ("cells", "says"),
    [(["team = ("], "not Python"), (["team = 1", "team = 2"], "two cells are tagged")],
)
def test_a_parameters_cell_that_cannot_be_read(tmp_path: Path, cells: list[str], says: str) -> None:
    path = tmp_path / "book.ipynb"
    nbformat.write(book(*((cell, "parameters") for cell in cells), parameters=None), path)
    with pytest.raises(ParameterError, match=says):
        declared(path)
