"""Demo companies for `coaching.py`: the same people and skills, in as many runs of chance as are asked for."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from deal_risk_company import NOW, SPEC

from spm_lib.data.ingest import ingest
from spm_lib.data.sources import demo

LAST_DAY = dt.date(2026, 8, 14)


def store_of(folder: Path, seed: int, luck: int = 0) -> Path:
    """Make the store of a demo company where it is not there yet."""
    store = folder / f"demo-{seed}-1{f'-{luck}' if luck else ''}.duckdb"
    if store.exists():
        return store
    source = store.with_suffix(".yml")
    source.write_text(SPEC.format(seed=seed, scale=1), "utf-8")
    making = store.with_suffix(".making.duckdb")
    if luck:
        _with_luck(luck, lambda: ingest(source, making, now=NOW, strict=True))
    else:
        ingest(source, making, now=NOW, strict=True)
    making.rename(store)
    return store


def _with_luck(luck: int, load: Callable[[], object]) -> None:
    """Load the demo source in another run of chance than a spec can ask for."""
    with mock.patch.object(demo, "generate", functools.partial(demo.generate, luck=luck)):
        load()
