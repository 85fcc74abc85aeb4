"""The gatekeeper: reports that wait stay where they are while a gate of their spec is shut."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from spm_lib.data.ledger_file import LedgerFile
from spm_lib.data.store import open_store
from spm_lib.errors import SpmError
from spm_lib.press.gates import shut_gates
from spm_lib.press.gates_spec import Gates
from spm_lib.press.spec import Spec


def held_specs(
    names: Iterable[str],
    specs: Mapping[str, Spec],
    store: Path,
    ledger: Path,
    *,
    now: dt.datetime,
    today: dt.date,
    looked_at: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """Say why reports that wait are held back, by the spec's name; of a spec whose gates are open nothing.

    Parameters
    ----------
    names
        The specs of which reports wait.
    specs
        The specs by name.
    store, ledger
        The files of the store and of the ledger.
    now
        The time, aware.
    today
        The day by which data are old, for specs without a schedule and so without a zone of their own.
    looked_at
        Why gates are shut, by the name of a spec at whose gates somebody has looked just now.
    """
    found: dict[str, Sequence[str]] = {}
    for name in names:
        spec = specs.get(name)
        if name in looked_at:
            found[name] = looked_at[name]
        elif spec is not None and spec.content.gates != Gates():
            found[name] = _shut(spec, store, ledger, now, today)
    return {name: f"A gate is shut: {'; '.join(shut)}" for name, shut in found.items() if shut}


def _shut(spec: Spec, store: Path, ledger: Path, now: dt.datetime, today: dt.date) -> Sequence[str]:
    schedule = spec.content.schedule
    day = today if schedule is None else now.astimezone(schedule.zone).date()
    try:
        with open_store(store) as opened:
            return shut_gates(spec, opened, LedgerFile(ledger), today=day, now=now, keep=False)
    except (SpmError, duckdb.Error) as error:
        # As of any gate: what cannot be told is no pass.
        return (f"it cannot be looked at ({error})",)
