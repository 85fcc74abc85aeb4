"""The command line: exit codes, one-line errors, JSON for programs."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from spm_lib.data.store import Store

from .command import spm

ROOT = Path(__file__).parent.parent


def mistake(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


def test_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    mistake(spm("metrics", "--store", str(tmp_path / "no.duckdb")), "there is no store here", "spm ingest")


def test_missing_spec(tmp_path: Path) -> None:
    mistake(spm("ingest", "params/sources/mavn.yml"), "no such file", "maven.yml")
    mistake(spm("run", "params/team_performence.yml"), "no such file", "team_performance.yml")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--period", "2017-Q5"), ("2017-Q5",)),
        (("--period", "someday"), ("someday",)),
        (("--as-of", "31.12.2017"), ("31.12.2017",)),
        (("--metric", "winrate"), ("there is no metric 'winrate'", "Did you mean 'win_rate'?")),
        (("--by", "taem"), ("taem", "team")),
        (("--team", "nowhere"), ("there is no team 'nowhere'",)),
    ],
)
def test_mistakes_in_metrics(demo_store: Path, options: tuple[str, ...], words: tuple[str, ...]) -> None:
    mistake(spm("metrics", "--store", str(demo_store), *options), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--team", "nowhere"), ("there is no team 'nowhere'",)),
        (("-p", "top_deal=5"), ("top_deal", "top_deals")),
        (("-p", "top_deals=many"), ("top_deals",)),
        (("-p", "top_deals"), ("NAME=VALUE",)),
        (("--period", "2026-Q9"), ("2026-Q9",)),
    ],
)
def test_mistakes_in_run_stop_before_a_kernel(
    demo_store: Path, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    reports = tmp_path / "reports"
    command = ("run", "params/team_performance.yml", "--store", str(demo_store), "--reports", str(reports))
    mistake(spm(*command, *options), *words)
    assert not list(tmp_path.rglob("*.ipynb"))


def test_what_belongs_to_no_team_is_called_that(make_store: Callable[..., Store]) -> None:
    day = dt.date(2026, 6, 1)
    made = {"owner_id": "r", "outcome": "won", "created_on": day, "closed_on": day, "amount": 7}
    store = make_store(reps=[{"rep_id": "r", "name": "R"}], deals=[{"deal_id": "d", **made}])
    store.close()
    done = spm("metrics", "--store", str(store.path), "--by", "team", "--metric", "revenue")
    assert done.returncode == 0 and "no team" in done.stdout and "None" not in done.stdout


def test_metrics_as_records(demo_store: Path) -> None:
    done = spm(
        "metrics",
        "--store",
        str(demo_store),
        "--by",
        "team,product",
        "--metric",
        "revenue,win_rate",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert {
        "team",
        "team_name",
        "product",
        "product_name",
        "metric",
        "value",
        "n",
        "low",
        "high",
        "unit",
    } <= set(records[0])
    whole = json.loads(spm("metrics", "--store", str(demo_store), "--metric", "revenue", "--json").stdout)
    parts = [r["value"] for r in records if r["metric"] == "revenue"]
    assert sum(parts) == pytest.approx(whole[0]["value"])


def test_plan_names_every_team_and_makes_nothing(demo_store: Path, tmp_path: Path) -> None:
    command = (
        "plan",
        "params/team_performance.yml",
        "--store",
        str(demo_store),
        "--reports",
        str(tmp_path / "r"),
        "--json",
    )
    done = spm(*command)
    assert done.returncode == 0, done.stderr
    jobs = json.loads(done.stdout)
    assert len(jobs) == 8
    assert len({job["html"] for job in jobs}) == 8
    assert {job["state"] for job in jobs} == {"missing"}
    assert not (tmp_path / "r").exists()


def test_check_finds_nothing_wrong_with_what_is_shipped() -> None:
    done = spm("check")
    assert done.returncode == 0, done.stderr


def test_check_names_file_line_and_nearest(tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").mkdir()
    text = (ROOT / "params" / "team_performance.yml").read_text().replace("owner:", "ownr:")
    (tmp_path / "params" / "bad.yml").write_text(text)
    done = spm("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "bad.yml:" in done.stderr
    assert "Did you mean 'owner'?" in done.stderr


def test_demo_refuses_to_replace_other_data(real_data: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "m.duckdb")
    assert spm("ingest", "params/sources/maven.yml", "--store", store).returncode == 0
    mistake(spm("demo", "--store", store), "holds other data than the demo", "--store")


def test_doctor(demo_store: Path) -> None:
    done = spm("doctor", "--store", str(demo_store), "--json")
    assert done.returncode == 0, done.stdout
    findings = {f["what"]: f for f in json.loads(done.stdout)}
    assert findings["store"]["state"] == "good"
    assert "deals" in findings["store"]["found"]


def test_version() -> None:
    assert spm("--version").stdout.startswith("spm 0.")
