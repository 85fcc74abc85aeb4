"""Demo companies as landmarks, made once each: what the sections of `deal_risk.py` measure on."""

from __future__ import annotations

import datetime as dt
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from spm_lib.calendars import Calendar
from spm_lib.data.ingest import ingest
from spm_lib.data.store import open_store
from spm_lib.models.features import deal_features
from spm_lib.models.landmarks import deal_endings, landmark_days

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

SPEC = """\
kind: demo
timezone: Europe/London
calendar: {{fiscal_year_starts: 1, week_starts: monday}}
currency: USD
seed: {seed}
scale: {scale}
"""


@dataclass(frozen=True)
class Asked:
    """How much to measure: see the options of `deal_risk.py`."""

    folder: Path
    seeds: int = 20
    scale: int = 9
    rounds: int = 10
    rivals_python: Path | None = None
    bohanec: Path = Path()


@dataclass(frozen=True)
class Company:
    """A demo company's landmarks, what became of them, and the seconds that looking at them took."""

    seed: int
    frame: pd.DataFrame
    endings: pd.DataFrame
    cut: dt.date
    calendar: Calendar
    seconds: float

    def shuffled(self) -> Company:
        """Give the same landmarks with the endings of each day dealt out anew: nothing foretells them."""
        rng = np.random.default_rng(self.seed)
        order = np.arange(len(self.frame))
        for places in pd.Series(order).groupby(self.frame["as_of"].to_numpy()).groups.values():
            order[places] = rng.permutation(order[places])
        return replace(self, endings=self.endings.iloc[order].reset_index(drop=True))


def company(folder: Path, seed: int, scale: int = 1) -> Company:
    """Make the store of a demo company where it is not there yet, and look at it weekly over its past."""
    store = folder / f"demo-{seed}-{scale}.duckdb"
    if not store.exists():
        source = folder / f"demo-{seed}-{scale}.yml"
        source.write_text(SPEC.format(seed=seed, scale=scale), "utf-8")
        making = store.with_suffix(f".{os.getpid()}.duckdb")
        ingest(source, making, now=NOW, strict=True)
        making.rename(store)
    with open_store(store) as opened:
        snapshot = opened.as_of()
        begun = time.perf_counter()
        frame = deal_features(snapshot, landmark_days(snapshot))
        seconds = time.perf_counter() - begun
        endings = deal_endings(snapshot, frame)
        return Company(seed, frame, endings, snapshot.date, snapshot.meta.calendar, seconds)
