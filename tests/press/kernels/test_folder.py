"""Folders for sockets: private, swept when their makers have ended, and never under somebody's hands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from spm_lib.press.kernels import folder as folders
from spm_lib.press.kernels import master
from spm_lib.press.kernels.folder import new_folder, sweep

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders are swept by their users' numbers")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "_places", lambda: iter([tmp_path]))
    monkeypatch.setattr(folders, "_LONGEST", 10_000)
    monkeypatch.setattr(folders, "_held", [])
    return tmp_path


def test_what_a_killed_process_left_is_swept_and_nothing_else(base: Path) -> None:
    mine = new_folder()
    left, fresh, other = (base / name for name in ("spm-kernels-left", "spm-kernels-fresh", "other"))
    for place in (left, fresh, other):
        place.mkdir()
    (left / "lock").touch()
    (other / "lock").touch()
    sweep()
    assert mine is not None and mine.stat().st_mode & 0o777 == 0o700
    assert {each.name for each in base.iterdir()} == {mine.name, "spm-kernels-fresh", "other"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_folder_that_is_swept_while_it_is_made_is_made_anew(
    base: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    acquire, swept = FileLock.acquire, []

    def meanwhile(self: FileLock, *args: object, **options: object) -> object:
        place = Path(self.lock_file)
        if not swept:
            swept.append(place.parent)
            place.touch()
            if moment == "before":
                sweep()
            else:
                # It has opened the file, and another one holds its lock.
                with FileLock(place):
                    return acquire(self, *args, **options)  # type: ignore[arg-type]
        return acquire(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(FileLock, "acquire", meanwhile)
    made = new_folder()
    assert swept and made is not None and made != swept[0]
    with pytest.raises(Timeout):
        acquire(FileLock(made / "lock", blocking=False))


def test_a_server_whose_master_is_gone_imports_nothing_more(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir()
    code = (
        "import sys; from pathlib import Path; from spm_lib.press.kernels.server import _end_without;"
        "_end_without(0, Path(sys.argv[1])); print('goes on')"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
        assert living.stdout is not None and living.stdout.readline() == "goes on\n"
        assert folder.exists()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert done.stdout == "" and not folder.exists()


def test_an_inherited_server_that_is_busy_counts_as_there_and_one_that_ended_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[int] = []

    def ask(error: type[OSError]) -> None:
        def fails(_: str) -> None:
            raise error

        monkeypatch.setattr(master, "_ask_state", fails)

    monkeypatch.setattr(master, "_server", None)
    monkeypatch.setattr(master, "server_address", lambda: "/somewhere/server")
    monkeypatch.setattr(master, "_started", lambda folder, threads: started.append(threads))
    ask(AssertionError)  # type: ignore[arg-type]
    assert master.start_server() is None and started == []
    ask(TimeoutError)
    assert master.start_server(2) is None and started == []
    ask(ConnectionResetError)
    with pytest.raises(AttributeError):  # of the server that was not really started
        master.start_server(2)
    assert started == [2]
