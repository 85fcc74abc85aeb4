"""When the data count as changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from spm_lib.data.slices import whole_store
from spm_lib.data.store import Store
from spm_lib.errors import RunError
from spm_lib.press import notebook
from spm_lib.press.notebook import content

from .conftest import PUBLISH, book


def test_the_same_rows_loaded_again_are_the_same_data(make_store: Callable[..., Store]) -> None:
    reps = [{"rep_id": "a", "name": "A"}, {"rep_id": "b", "name": "B"}]
    first = whole_store(make_store(reps=reps))
    assert whole_store(make_store(reps=reps[::-1], meta={"loaded_at": dt.datetime(2031, 1, 1)})) == first
    assert whole_store(make_store(reps=[reps[0], {"rep_id": "b", "name": "C"}])) != first
    assert whole_store(make_store(reps=[reps[0], {"rep_id": "b", "name": None}])) != first
    assert whole_store(make_store(reps=reps[:1])) != first
    assert whole_store(make_store(reps=reps, meta={"currency": "EUR"})) != first


def test_rows_that_are_alike_do_not_cancel_out(make_store: Callable[..., Store]) -> None:
    row = {"currency": "EUR", "valid_from": dt.date(2017, 1, 1), "rate": 1}
    hashes = {whole_store(make_store(fx_rates=[row] * n, meta={"rows": {}})) for n in range(5)}
    assert len(hashes) == 5


def test_what_a_notebook_says_is_read_alike_with_and_without_its_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    nbformat.write(book(("md:# Why?", "email"), (PUBLISH, "hide")), path)
    plain = content(path)
    assert [(cell.kind, sorted(cell.tags)) for cell in plain.cells] == [
        ("code", ["parameters"]),
        ("markdown", ["email"]),
        ("code", ["hide"]),
    ]
    monkeypatch.setattr(notebook, "_is_plain", lambda _: False)
    assert content(path) == plain


@pytest.mark.parametrize(
    "broken",
    [
        "[]",
        "{",
        '{"nbformat": 4}',
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}),
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [7]}),
    ],
)
def test_what_is_no_notebook_is_told_before_anything_runs(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(broken, "utf-8")
    with pytest.raises(RunError, match="this is not a notebook"):
        content(path)
