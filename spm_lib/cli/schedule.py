"""Commands about schedules: list them, run what is due, do so every minute, have a timer do so."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from spm_lib import terminal
from spm_lib.cli.options import JobsOption, JsonOption, ReportsOption, StoreOption, settings_of, utc
from spm_lib.cli.project import specs_of, warnings_of
from spm_lib.cli.turn import Turn, slot_ledger
from spm_lib.errors import ScheduleError, SpmError, one_line
from spm_lib.settings import LOCALE_VARIABLE, Settings

schedule_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Make and send reports by themselves: what is due, once each, whatever happens to timers and clocks.",
)

#: A schedule that nobody has looked at for so long has no timer.
_UNSEEN = dt.timedelta(hours=3)

_MINUTE = 60


class Timer(StrEnum):
    """What calls ``spm schedule run-due``."""

    systemd = "systemd"
    cron = "cron"


@schedule_app.command("list")
def list_schedules(store: StoreOption = None, json: JsonOption = False) -> None:
    """Show each spec's schedule, its next slot, and what became of the last one."""
    from spm_lib.press.schedule.due import spoken
    from spm_lib.press.schedule.slots import next_slot

    settings = settings_of(store=store)
    specs, broken = specs_of(settings)
    ledger, moment = slot_ledger(settings), utc()
    found: list[dict[str, Any]] = []
    for spec in specs:
        schedule = spec.content.schedule
        if schedule is None:
            continue
        coming, known = next_slot(schedule, moment), ledger.known(spec.name)
        last = next((slot for slot in ledger.slots(spec.name, limit=1)), None)
        warnings = list(warnings_of(spec))
        if coming is None:
            warnings.append("It has ended: there is no slot to come")
        elif known is None or moment - known.seen > _UNSEEN:
            warnings.append(
                "Nothing calls spm schedule run-due: have a timer do so with spm schedule install"
            )
        found.append(
            {
                "spec": spec.name,
                "schedule": schedule.text,
                "next": spoken(coming, schedule) if coming else None,
                "next_utc": coming,
                "last": None
                if last is None
                else {"slot": spoken(last.at, schedule), "state": last.state, "note": last.note},
                "looked_at": known.seen if known else None,
                "warnings": warnings,
            }
        )
    if json:
        terminal.show_json(found)
    else:
        _show_list(found)
    for error in broken.values():
        terminal.complain(str(error))
    raise typer.Exit(2 if broken else 0)


@schedule_app.command("run-due")
def run_due_now(
    store: StoreOption = None,
    reports: ReportsOption = None,
    jobs: JobsOption = None,
    json: JsonOption = False,
) -> None:
    """Load, make, check and send what is due, each slot once; a timer may call this as often as it likes."""
    turn = Turn(settings_of(store=store, reports=reports), jobs, json)
    # What the steps print goes elsewhere: a program reads one document.
    with redirect_stdout(sys.stderr) if json else nullcontext():
        told = turn.run()
    if json:
        terminal.show_json({"at_it": told is None, "slots": [vars(one) for one in told or ()]})
    elif sys.stdout.isatty() and not told:
        # On a terminal alone: cron mails whatever is printed.
        terminal.say("Another call is at it; nothing was done" if told is None else "Nothing is due")
    raise typer.Exit(turn.code)


@schedule_app.command()
def serve(store: StoreOption = None, reports: ReportsOption = None, jobs: JobsOption = None) -> None:
    """Run what is due every minute until stopped, where there is no timer."""
    settings = settings_of(store=store, reports=reports)
    terminal.say("Looking every minute which reports are due; stop with Ctrl-C")
    try:
        with _stopping() as sleep:
            every_minute(lambda: _turn_told(settings, jobs), clock=utc, sleep=sleep)
    except KeyboardInterrupt:
        terminal.say("Stopped")


@schedule_app.command()
def install(
    store: StoreOption = None,
    reports: ReportsOption = None,
    timer: Annotated[
        Timer | None, typer.Option("--with", help="By default systemd, or cron where there is none.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write it; without, it is printed only.")] = False,
) -> None:
    """Have a systemd user timer or a crontab line call run-due every five minutes; printed first, written on --yes."""
    from spm_lib.press.kernels.environment import MEMORY_VARIABLE, WARM_VARIABLE
    from spm_lib.press.schedule.timers import crontab_line, put_line, put_units, systemd_units

    settings = settings_of(store=store, reports=reports)
    program = _program()
    options = [
        word
        for name, path in (("--store", settings.store), ("--reports", settings.reports))
        for word in (name, str(path.absolute()))
    ]
    # A timer has an environment of its own; what shapes reports goes along, so that its reports are those made by hand.
    shaping = (LOCALE_VARIABLE, WARM_VARIABLE, MEMORY_VARIABLE)
    environ = {name: os.environ[name] for name in shaping if os.environ.get(name)}
    if (timer or _timer_here()) is Timer.systemd:
        units = systemd_units(settings.root, program, options, environ)
        folder = _units_folder()
        for name, text in units.items():
            terminal.say(f"# {folder / name}\n{text}")
        if yes:
            put_units(units, folder)
            terminal.say("The timer runs while you are logged in; at all times with: loginctl enable-linger")
    else:
        line = crontab_line(settings.root, program, options, environ)
        terminal.say(line)
        if yes:
            terminal.say("Written" if put_line(settings.root, line) else "It stands in your crontab already")
    for warning in _left_behind(settings):
        terminal.say(f"Mind: {warning}")
    if not yes:
        terminal.say("Nothing was written yet; add --yes")


def _left_behind(settings: Settings) -> Iterator[str]:
    """Say which secrets of scheduled specs a timer does not have: they are written into no unit."""
    from spm_lib.press.deliver.mail_server import settings_said

    written = settings_said({}, settings.root / ".env")
    for spec in specs_of(settings)[0]:
        missing = [name for name in spec.content.env if name not in written]
        if missing and spec.content.schedule is not None:
            yield (
                f"{spec.name} is given {', '.join(missing)} of the environment, which a timer does not have: write "
                f"{'it' if len(missing) == 1 else 'them'} into {settings.root / '.env'}"
            )


@contextmanager
def _stopping() -> Iterator[Callable[[float], None]]:
    """Have SIGTERM stop like Ctrl-C: what is at work ends as it does then, and is taken up again by the next call.

    Gives what to sleep with. Python drops an interrupt that falls into some of its own work, imports for one; there it is
    remembered.
    """
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.default_int_handler(number, frame)

    def sleep(seconds: float) -> None:
        if asked:
            raise KeyboardInterrupt
        time.sleep(seconds)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number, handler in before.items():
        # Started in the background, a program is deaf to Ctrl-C, and stays so.
        if number == signal.SIGTERM or handler is not signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield sleep
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def every_minute(
    turn: Callable[[], None], *, clock: Callable[[], dt.datetime], sleep: Callable[[float], None]
) -> None:
    """Call `turn` now and as each minute begins, never twice at once, until it or `sleep` raises."""
    while True:
        turn()
        moment = clock()
        sleep(_MINUTE - moment.second - moment.microsecond / 1e6)


def _turn_told(settings: Settings, jobs: int | None) -> None:
    """Take one turn; a mistake in what there is now is told and stops no later turn."""
    try:
        Turn(settings, jobs).run()
    except SpmError as error:
        terminal.complain(str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one turn is told as well, and stops no later one either
        terminal.complain(one_line(f"{type(error).__name__}: {error}"))


def _show_list(found: list[dict[str, Any]]) -> None:
    if not found:
        terminal.say(
            'No spec has a schedule; write one like schedule: {cron: "0 7 * * MON", timezone: Europe/London}'
        )
    for one in found:
        terminal.say(f"{one['spec']}: {one['schedule']}")
        terminal.say(f"  next: {one['next'] or 'none'}")
        if one["last"]:
            last = one["last"]
            terminal.say(
                f"  last: {last['slot']}: {last['state']}" + (f": {last['note']}" if last["note"] else "")
            )
        for warning in one["warnings"]:
            terminal.say(f"  Mind: {warning}")


def _program() -> Path:
    """Give the program ``spm`` of this installation."""
    beside = Path(sys.executable).with_name("spm")
    found = str(beside) if beside.is_file() else shutil.which("spm")
    if found is None:
        raise ScheduleError("the program spm is not found", mend="Install the package: pip install .")
    return Path(found)


def _timer_here() -> Timer:
    if shutil.which("systemctl"):
        return Timer.systemd
    if shutil.which("crontab"):
        return Timer.cron
    raise ScheduleError("there is neither systemd nor cron here", mend="Run: spm schedule serve")


def _units_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user"
