"""The shelf: files whole or not at all, and what stands on it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from spm_lib.errors import RunError
from spm_lib.press import shelf
from spm_lib.press.plan import Job
from spm_lib.press.records import to_json

from .conftest import Project
from .test_records import record

MakeProject = Callable[..., Project]


def done(job: Job, **more: object) -> None:
    shelf.place(job, html="<p>page", notebook="{}")
    shelf.commit(job, record(team=job.team, team_name=job.team_name, fingerprint=job.fingerprint, **more))


def everything(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_the_state_of_a_job(make_project: MakeProject) -> None:
    project = make_project()
    job = project.plan()[0]
    assert shelf.state_of(job) == "missing"
    done(job)
    assert shelf.state_of(job) == "fresh"
    assert shelf.state_of(project.plan(parameters={"top_deals": 9})[0]) == "stale"
    for path in (job.ipynb, job.html):
        path.unlink()
        assert shelf.state_of(job) == "missing"
        done(job)
    done(job, status="failed")
    assert shelf.state_of(job) == "failed"
    done(job)
    job.record.write_text("{")
    assert shelf.state_of(job) == "missing"


def test_a_file_is_whole_or_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "a.html"
    shelf.write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            shelf.write_whole(path, "half of the new")
    assert path.read_text() == "old"
    assert everything(tmp_path) == ["a.html"]
    shelf.write_whole(path, "n€w \ud800")
    assert path.read_text("utf-8") == "n€w \\ud800"
    mask = os.umask(0o022)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("step", range(3))
def test_a_record_never_speaks_of_another_runs_files(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The run ends between any two writes: what stands is whole, and is not taken for the new run's."""
    job = make_project().plan()[0]
    done(job)
    write, writes = shelf.write_whole, []

    def dies(path: Path, text: str) -> None:
        if len(writes) == step:
            raise KeyboardInterrupt
        writes.append(path)
        write(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "write_whole", dies)
        with pytest.raises(KeyboardInterrupt):
            done(job)
    assert shelf.state_of(job) == "missing"
    assert job.html.read_text() == "<p>page"
    assert not [name for name in everything(job.reports) if name.endswith(".tmp")]
    done(job)
    assert shelf.state_of(job) == "fresh"


def test_a_failed_run_leaves_no_page_of_an_earlier_one(make_project: MakeProject) -> None:
    job = make_project().plan()[0]
    done(job)
    shelf.place(job, html=None, notebook="{}")
    assert everything(job.reports) == ["north.ipynb"]


def test_newest_history_and_finding(tmp_path: Path) -> None:
    def put(name: str, **more: object) -> None:
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(record(**more)), "utf-8")

    q3, q4 = {"period_end": dt.date(2017, 9, 30)}, {"period_end": dt.date(2017, 12, 31)}
    later = {"finished": dt.datetime(2031, 1, 1, tzinfo=dt.UTC)}
    north, west = {"team_name": "North"}, {"team": "w", "team_name": "West"}
    put("summary/2017-Q4/2017-12-31/north", **north, **q4)
    put("summary/2017-Q3/2017-12-31/north", **north, **q3, **later)
    put("summary/2017-Q4/2017-12-30/north", **north, **q4, **later, as_of=dt.date(2017, 12, 30))
    put("summary/2017-Q4/2017-12-31/west", **west, **q4)
    put("other/2017-Q4/2017-12-31/company", spec="other", team=None, team_name="Company")
    put("summary/2017-Q4/2017-12-31/broken", **north)
    (tmp_path / "summary/2017-Q4/2017-12-31/broken.json").write_text("{")

    shelved, problems = shelf.listing(tmp_path)
    assert len(shelved) == 5
    assert [Path(p.where).name for p in problems] == ["broken.json"]
    histories = shelf.histories(shelved)
    assert [runs[0].name(tmp_path) for runs in histories] == [
        "other/2017-Q4/2017-12-31/company",
        "summary/2017-Q4/2017-12-31/north",
        "summary/2017-Q4/2017-12-31/west",
    ]
    assert [each.path.parent.name for each in histories[1]] == [
        "2017-12-31",
        "2017-12-31",
        "2017-12-30",
    ]
    for name in (
        "w",
        "West",
        "west",
        "2017-12-31/west",
        str(tmp_path / "summary/2017-Q4/2017-12-31/west.html"),
    ):
        assert shelf.find(tmp_path, name).record.team == "w"
    assert shelf.find(tmp_path, "north").name(tmp_path) == "summary/2017-Q4/2017-12-31/north"
    with pytest.raises(RunError, match="Did you mean 'West'"):
        shelf.find(tmp_path, "wset")
