"""What several commands ask of a project: its specs and other files, and a spec's own day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spm_lib.errors import SpmError
from spm_lib.settings import Settings

if TYPE_CHECKING:
    from spm_lib.press.spec import Spec


def specs_of(settings: Settings) -> tuple[list[Spec], dict[str, SpmError]]:
    """Read all specs of the project; those that cannot be read by name, with why."""
    from spm_lib.press.spec import load_spec, run_specs

    good: list[Spec] = []
    broken: dict[str, SpmError] = {}
    for path in run_specs(settings.root / "params"):
        try:
            good.append(load_spec(path))
        except SpmError as error:
            broken[path.stem] = error
    return good, broken


def today_of(spec: Spec, moment: dt.datetime) -> dt.date:
    """Give the day of a moment where the spec's schedule is at home; without a schedule, in the moment's own zone."""
    schedule = spec.content.schedule
    return (moment if schedule is None else moment.astimezone(schedule.zone)).date()


def warnings_of(spec: Spec) -> tuple[str, ...]:
    """Say what of a spec's schedule is allowed and seldom meant, a sentence each."""
    schedule = spec.content.schedule
    if schedule is None:
        return ()
    found = schedule.warnings
    if spec.content.deliver is not None and schedule.several_a_day:
        found += (
            "It is due several times a day, and readers are sent one report of a day: the first. Those made later that day "
            "are sent by hand: spm send --resend",
        )
    return found


def readers() -> Mapping[str, Callable[[Path], object]]:
    """Give what reads each file in ``params/`` that is no run spec, by its name."""
    from spm_lib.models.coaching.playbook import PLAYBOOK_FILE, load_playbook
    from spm_lib.models.recognition_rules import RULES_FILE, load_recognition_rules
    from spm_lib.press.deliver.directory import DIRECTORY_FILE, load_directory

    return {
        PLAYBOOK_FILE: load_playbook,
        RULES_FILE.name: load_recognition_rules,
        DIRECTORY_FILE: lambda path: load_directory(path.parent),
    }
