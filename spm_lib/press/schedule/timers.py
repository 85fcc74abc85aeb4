"""Timers that call ``spm schedule run-due`` every few minutes: units for systemd, a line for cron."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from spm_lib.errors import ScheduleError, one_line
from spm_lib.press.slugs import slug

#: Each call asks the ledger what is due, so that often costs nothing and seldom makes reports late.
EVERY_MINUTES = 5

_SECONDS = 60


def timer_name(root: Path) -> str:
    """Give the name of the units for the project at `root`: two projects have two names."""
    digest = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:8]
    return "-".join(part for part in ("spm-schedule", slug(root.name), digest) if part)


def systemd_units(
    root: Path, spm: Path, options: Sequence[str] = (), environ: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Give a user's systemd service and timer that call ``spm schedule run-due``.

    Parameters
    ----------
    root
        The project's folder, which holds ``params/``.
    spm
        The program ``spm``.
    options
        Words after the command, such as ``--store`` and its path.
    environ
        Variables that a timer's own environment has not, such as ``SPM_LOCALE``.

    Returns
    -------
    dict
        Text by file name: the service and the timer.

    Raises
    ------
    ScheduleError
        Where a path or a variable cannot stand in a unit.
    """
    words = _words(root, spm, options, environ)
    name = timer_name(root)
    # By env, as systemd refuses quotes and dollar signs in the name of the program itself.
    command = " ".join(["/usr/bin/env", *map(_quoted, words)])
    folder = str(root.absolute()).replace("%", "%%")
    service = f"""\
[Unit]
Description=Make and send the reports that are due: {folder}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
"""
    timer = f"""\
[Unit]
Description=Look every {EVERY_MINUTES} minutes which reports are due: {folder}

[Timer]
OnCalendar=*:0/{EVERY_MINUTES}
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{name}.service": service, f"{name}.timer": timer}


def crontab_line(
    root: Path, spm: Path, options: Sequence[str] = (), environ: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Give a line of a crontab that calls ``spm schedule run-due``; parameters as of `systemd_units`."""
    words = _words(root, spm, options, environ)
    if environ:
        words = ["/usr/bin/env", *words]
    command = f"cd {shlex.quote(str(root.absolute()))} && {shlex.join(words)}"
    # Cron takes a percent sign for the end of the line, in quotes too.
    return f"*/{EVERY_MINUTES} * * * * " + command.replace("%", r"\%")


def put_units(units: Mapping[str, str], folder: Path) -> None:
    """Write units into a user's folder of units and start the timer; again, it changes nothing.

    Raises
    ------
    ScheduleError
        Where they cannot be written, or systemd does not take them.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise ScheduleError(
            f"the units cannot be written ({one_line(str(error), 160)})",
            where=str(folder),
            mend="Use --with cron, or call spm schedule run-due by a timer of your own",
        ) from error
    timer = next(name for name in units if name.endswith(".timer"))
    for words in (("daemon-reload",), ("enable", "--now", timer)):
        done = _run(["systemctl", "--user", *words])
        if done.returncode:
            raise ScheduleError(
                f"the units are written, and systemctl did not take them ({one_line(done.stderr, 160)})",
                where=str(folder),
                mend=f"Type: systemctl --user daemon-reload && systemctl --user enable --now {timer}",
            )


def put_line(root: Path, line: str) -> bool:
    """Write a line into the user's crontab, in place of what stood there for the same project.

    Returns
    -------
    bool
        False where it stood there already, and nothing was written.

    Raises
    ------
    ScheduleError
        Where the crontab cannot be read or written.
    """
    there = _run(["crontab", "-l"])
    if there.returncode and "no crontab" not in there.stderr.lower():
        raise _refused("read", there.stderr)
    mark = f"# {timer_name(root)}: spm schedule run-due"
    lines = there.stdout.splitlines()
    if (mark, line) in pairwise(lines):
        return False
    kept = [old for before, old in pairwise(["", *lines]) if mark not in (before, old)]
    wanted = [*kept, mark, line]
    done = _run(["crontab", "-"], "\n".join(wanted) + "\n")
    if done.returncode:
        raise _refused("written", done.stderr)
    return True


def _refused(how: str, why: str) -> ScheduleError:
    return ScheduleError(
        f"the crontab cannot be {how} ({one_line(why, 160)})",
        mend="Add the line by hand: crontab -e",
    )


def _run(words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ScheduleError(
            f"{words[0]} cannot be called ({one_line(str(error), 160)})",
            mend="Use the other kind of timer, see --with, or run spm schedule serve",
        ) from error


def _words(root: Path, spm: Path, options: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Give the words of the command, variables first, as env takes them."""
    words = [str(spm.absolute()), "schedule", "run-due", *options]
    _check(str(root), *words)
    _check(*environ.values())
    return [*(f"{name}={value}" for name, value in environ.items()), *words]


def _check(*words: str) -> None:
    for word in words:
        if not word.isprintable() or "=" in word:
            raise ScheduleError(
                "a path with an equals sign, a line break or another control character cannot stand in a timer",
                where=word,
                mend="Move the project to another folder",
            )


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
