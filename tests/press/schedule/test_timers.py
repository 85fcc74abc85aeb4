"""Timers: units that systemd takes, a line that cron takes, both put in once however often they are."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from spm_lib.errors import ScheduleError
from spm_lib.press.schedule.timers import (
    EVERY_MINUTES,
    crontab_line,
    put_line,
    put_units,
    systemd_units,
    timer_name,
)

SPM = Path("/opt/spm tools/bin/spm")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a name that each kind of timer would misread in its own way."""
    folder = tmp_path / "sales 100% {a} $HOME it's"
    folder.mkdir()
    return folder


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_units(root: Path, tmp_path: Path) -> None:
    program = root / "spm"
    fake(root, "spm", "exit 0")
    folder = tmp_path / "units"
    folder.mkdir()
    for name, text in systemd_units(root, program, ("--store", str(root / "a $b.duckdb"))).items():
        (folder / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(folder.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if timer_name(root) in line]
    assert done.returncode == 0 and said == [], done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_reads_the_calendar_as_every_five_minutes(root: Path) -> None:
    (timer,) = (text for name, text in systemd_units(root, SPM).items() if name.endswith(".timer"))
    (asked,) = (
        line.removeprefix("OnCalendar=") for line in timer.splitlines() if line.startswith("OnCalendar=")
    )
    told = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=2", "--base-time=2026-01-01 00:01:00 UTC", asked],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
    ).stdout
    assert "00:05:00" in told and "00:10:00" in told
    assert EVERY_MINUTES == 5 and "Persistent=true" in timer


def test_two_projects_have_two_timers(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "sales", tmp_path / "b" / "sales"
    assert timer_name(one) != timer_name(two)
    assert timer_name(one) == timer_name(one)
    assert systemd_units(one, SPM) == systemd_units(one, SPM)


def test_the_line_of_cron_is_read_by_a_shell_as_it_was_meant(root: Path) -> None:
    fake(root, "spm", 'pwd; printf "%s\\n" "$@"')
    line = crontab_line(root, root / "spm", ("--store", "/a b/c%d.duckdb"))
    times, command = line.split(" * * * * ")
    assert times == "*/5" and "\n" not in line
    # What cron itself does to a line.
    given = command.replace(r"\%", "%")
    assert "%" in given and given.count("%") == command.count(r"\%")
    done = subprocess.run(["/bin/sh", "-c", given], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(root), "schedule", "run-due", "--store", "/a b/c%d.duckdb"]


def test_what_shapes_reports_goes_along(root: Path) -> None:
    fake(root, "spm", 'echo "$SPM_LOCALE"')
    line = crontab_line(root, root / "spm", (), {"SPM_LOCALE": "de_DE"})
    done = subprocess.run(
        ["/bin/sh", "-c", line.partition(" * * * * ")[2].replace(r"\%", "%")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "de_DE\n"
    (service,) = (
        text
        for name, text in systemd_units(root, SPM, (), {"SPM_LOCALE": "de_DE"}).items()
        if name.endswith(".service")
    )
    assert f'ExecStart=/usr/bin/env "SPM_LOCALE=de_DE" "{SPM}" "schedule" "run-due"' in service
    with pytest.raises(ScheduleError, match="control character"):
        crontab_line(root, SPM, (), {"SPM_LOCALE": "de\nDE"})


def test_a_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    for make in (systemd_units, crontab_line):
        with pytest.raises(ScheduleError, match="control character"):
            make(tmp_path / "a\nExecStart=evil", SPM)


def crontab(programs: Path, text: str | None) -> Path:
    kept = programs / "tab"
    if text is not None:
        kept.write_text(text)
    fake(
        programs,
        "crontab",
        f'if [ "$1" = -l ]; then test -f "{kept}" || {{ echo "no crontab for you" >&2; exit 1; }}; cat "{kept}"; '
        f'else cat > "{kept}"; fi',
    )
    return kept


@pytest.mark.parametrize("before", [None, "", "MAILTO=me@example.com\n0 1 * * * backup\n"])
def test_a_line_is_put_in_once_and_leaves_the_others(root: Path, programs: Path, before: str | None) -> None:
    kept = crontab(programs, before)
    line = crontab_line(root, SPM)
    assert put_line(root, line) is True
    first = kept.read_text()
    assert first.startswith(before or "") and first.endswith(f"\n{line}\n")
    assert put_line(root, line) is False
    assert kept.read_text() == first


def test_a_line_takes_the_place_of_the_one_before(root: Path, programs: Path, tmp_path: Path) -> None:
    kept = crontab(programs, "0 1 * * * backup\n")
    other = tmp_path / "other"
    put_line(root, crontab_line(root, SPM))
    put_line(other, crontab_line(other, SPM))
    put_line(root, crontab_line(root, Path("/new/spm")))
    lines = kept.read_text().splitlines()
    assert lines[0] == "0 1 * * * backup" and len(lines) == 5
    assert lines.count(crontab_line(root, Path("/new/spm"))) == 1 and crontab_line(root, SPM) not in lines
    assert crontab_line(other, SPM) in lines


def test_a_crontab_that_cannot_be_read_is_not_written_over(root: Path, programs: Path) -> None:
    fake(programs, "crontab", 'if [ "$1" = -l ]; then echo "not allowed" >&2; exit 1; fi; touch "$0.written"')
    with pytest.raises(ScheduleError, match=r"cannot be read \(not allowed\)"):
        put_line(root, crontab_line(root, SPM))
    assert not (programs / "crontab.written").exists()


def test_units_are_written_and_the_timer_started(root: Path, programs: Path, tmp_path: Path) -> None:
    fake(programs, "systemctl", f'echo "$@" >> "{programs / "log"}"')
    units, folder = systemd_units(root, SPM), tmp_path / "config" / "systemd" / "user"
    for _ in range(2):
        put_units(units, folder)
        assert {path.name: path.read_text() for path in folder.iterdir()} == units
    name = timer_name(root)
    assert (programs / "log").read_text() == f"--user daemon-reload\n--user enable --now {name}.timer\n" * 2


def test_where_systemd_does_not_answer_the_command_to_type_is_told(
    root: Path, programs: Path, tmp_path: Path
) -> None:
    fake(programs, "systemctl", 'echo "Failed to connect to bus" >&2; exit 1')
    with pytest.raises(
        ScheduleError, match=r"Failed to connect to bus\). Type: systemctl --user daemon-reload"
    ):
        put_units(systemd_units(root, SPM), tmp_path / "units")
