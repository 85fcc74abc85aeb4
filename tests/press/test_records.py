"""Run records, written and read back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from spm_lib.errors import RunError
from spm_lib.press.records import Failure, RunRecord, check_published, read_record, to_json

FIGURES = {
    "version": 1,
    "headline": "West is late",
    "kpis": [
        {"metric": "win_rate", "label": "Win rate", "value": 0.5, "text": "50.0%", "n": 8, "low": 0.2, "high": 0.8,
         "unit": "share", "comparison": {"against": "PY", "text": "▲ +4.1 pts"}},
        {"metric": "revenue", "label": "Revenue", "value": None, "text": "–", "extra": [1]},
    ],
    "actions": ["Call Kan-code"],
    "people": [{"rep": "r-1"}],
    "deals": [],
    "data_date": "2017-12-31",
}  # fmt: skip


def record(**more: Any) -> RunRecord:
    plain: dict[str, Any] = {
        "spec": "summary",
        "notebook": "summary",
        "team": "a",
        "team_name": "North \u202e<b>",
        "period": "2017-Q4",
        "period_title": "Q4 2017",
        "period_end": dt.date(2017, 12, 31),
        "as_of": dt.date(2017, 12, 31),
        "data_date": dt.date(2017, 12, 31),
        "source": "made",
        "parameters": {"team": "a", "names": ["ä", None, {"x": 1.5}]},
        "fingerprint": "f" * 64,
        "status": "done",
        "warnings": ("mind",),
        "started": dt.datetime(2030, 1, 1, 7, tzinfo=dt.UTC),
        "finished": dt.datetime(2030, 1, 1, 7, 0, 5, tzinfo=dt.UTC),
        "seconds": {"execute": 4.5},
        "publications": 1,
        "published": check_published(FIGURES),
        "versions": {"python": "3.11.1"},
    }
    return RunRecord(**plain | more)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for each in (
        record(),
        record(team=None, data_date=None, published=None, publications=0),
        record(status="failed", failure=Failure(error="ValueError", message="no", cell=3, line="int('x')")),
    ):
        path.write_text(to_json(each), "utf-8")
        assert read_record(path) == each


def test_what_was_published_is_kept_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(to_json(record()), "utf-8")
    kept = json.loads(path.read_text("utf-8"))["published"]
    assert {k: v for k, v in kept["kpis"][0].items() if k in FIGURES["kpis"][0]} == FIGURES["kpis"][0]  # type: ignore[index]
    assert kept["kpis"][1]["extra"] == [1]
    assert {k: kept[k] for k in FIGURES if k != "kpis"} == {k: v for k, v in FIGURES.items() if k != "kpis"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "version"),
        ({"status": "maybe"}, "status"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"surprise": 1}, "surprise"),
        ({"team": 7}, "team"),
    ],
)
def test_a_record_is_read_strictly(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(json.loads(to_json(record())) | change))
    with pytest.raises(RunError, match=says):
        read_record(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}'])
def test_a_damaged_record(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(RunError, match="not a record"):
        read_record(path)
    with pytest.raises(RunError, match="no record here"):
        read_record(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"headline": ""}, "headline"),
        ({"headline": None}, "headline"),
        ({"version": 2}, "version"),
        ({"kpis": [{"metric": "a", "label": "A"}]}, "kpis.0.text"),
        ({"kpis": [{"metric": "a", "label": "A", "text": "x", "value": float("nan")}]}, "not JSON"),
        ({"data_date": "soon"}, "data_date"),
    ],
)
def test_what_cannot_be_shown_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RunError, match=says):
        check_published(FIGURES | change)
    with pytest.raises(RunError):
        check_published(["no", "object"])


def test_a_failure_in_one_line() -> None:
    failure = Failure(error="ValueError", message="two\nlines", cell=3, line="int('x')")
    assert str(failure) == "cell 3 (int('x')): ValueError: two lines"
    assert str(Failure(error="Timeout", message="")) == "Timeout"
