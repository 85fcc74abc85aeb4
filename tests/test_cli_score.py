"""``spm score``, and the run specs that ask for scores."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.data.store import Store

from .command import spm

ROOT = Path(__file__).parent.parent
DAY = dt.date(2026, 6, 30)


def mistake(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in words), lines[0]


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Path:
    """A company of two open deals and one that was won."""
    day = dt.timedelta(days=1)
    deals = [
        {"deal_id": "a", "owner_id": "r", "outcome": "open", "created_on": DAY},
        {"deal_id": "b", "owner_id": "r", "outcome": "open", "created_on": DAY - day},
        {
            "deal_id": "c",
            "owner_id": "r",
            "outcome": "won",
            "created_on": DAY - 9 * day,
            "closed_on": DAY - 8 * day,
        },
    ]
    made = make_store(reps=[{"rep_id": "r", "name": "R"}], deals=deals)
    made.close()
    return made.path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one spec that asks for scores, whose notebook reads no store."""
    root = tmp_path / "project"
    for name in ("params", "notebooks"):
        (root / name).mkdir(parents=True)
    spec = "notebook: n\nfor_each: {company: true}\nscore: true\nparameters: {top: 3}\n"
    (root / "params" / "risk.yml").write_text(spec, "utf-8")
    cell = new_code_cell("top: int = 5", metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), root / "notebooks" / "n.ipynb")
    return root


def test_a_day_is_scored_once(store: Path) -> None:
    first = spm("score", "--store", str(store), "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["state"], told["as_of"], told["deals"], told["fitted"]) == ("scored", str(DAY), 2, False)
    assert told["ledger"] == str(ledger_path(store))
    again = spm("score", "--store", str(store), "--as-of", "latest", "--refit")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(f"2 open deals scored already as of {DAY}, 0 flagged")
    assert "Rules only: " in again.stdout and "more are needed" in again.stdout
    # What is scored already is told without what computes.
    code = (
        "import datetime as dt, sys; from pathlib import Path; from spm_lib.models.scoring import score_store\n"
        "print(score_store(Path(sys.argv[1]), clock=None).state, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=True
    )
    state, *modules = done.stdout.split()
    assert state == "already"
    assert not {"pandas", "ibis", "sklearn", "numpy"} & set(modules)


def test_nothing_to_score_is_no_failure(store: Path) -> None:
    done = spm("score", "--store", str(store), "--as-of", "2020-01-01")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.strip() == "Nothing scored: the data begin on 2026-06-21: no deal was open on 2020-01-01."
    )


def test_mistakes_are_told_in_one_line(store: Path, tmp_path: Path) -> None:
    mistake(spm("score", "--store", str(tmp_path / "no.duckdb")), "there is no store here", "spm ingest")
    mistake(spm("score", "--store", str(store), "--as-of", "30.6.2026"), "30.6.2026", "yyyy-mm-dd")
    ledger_path(store).write_bytes(b"something else" * 100)
    mistake(spm("score", "--store", str(store)), "this is no ledger, or it is damaged", "Move it away")


def test_a_run_scores_before_it_makes_reports_and_once(store: Path, project: Path) -> None:
    command = ("run", "params/risk.yml", "--store", str(store), "--reports", str(project / "out"), "--json")
    first = spm(*command, cwd=project)
    assert first.returncode == 0, first.stdout + first.stderr
    assert json.loads(first.stdout)["done"] == 1
    assert Ledger(ledger_path(store)).scored_days() == (DAY,)
    again = spm(*command, cwd=project)
    assert json.loads(again.stdout)["skipped"] == 1


def test_a_mistake_in_a_run_is_told_before_anything_is_scored(store: Path, project: Path) -> None:
    mistake(spm("run", "params/risk.yml", "--store", str(store), "-p", "tpo=1", cwd=project), "tpo", "top")
    assert not ledger_path(store).exists()


def test_reports_are_made_though_nothing_can_be_scored(store: Path, project: Path) -> None:
    ledger_path(store).write_bytes(b"something else" * 100)
    command = ("run", "params/risk.yml", "--store", str(store), "--reports", str(project / "out"))
    done = spm(*command, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not scored: " in done.stderr and "damaged" in done.stderr and "Traceback" not in done.stderr
    assert "1 made" in done.stdout
