"""What the engine returned for a question, lined up with the groups that exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.metrics.question import PERIOD_KEY, Question

if TYPE_CHECKING:
    import datetime as dt

    from spm_lib.metrics.metric import Metric, Source, Statistic
    from spm_lib.periods import Period

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Statistics of each source for a question, and the groups they are told for.

    Parameters
    ----------
    question
        What was asked.
    frames
        What each source returned: key columns, then statistics.
    groups
        One row of key columns per group.
    """

    question: Question
    frames: Mapping[Source, pd.DataFrame] = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    _lined_up: dict[int, pd.DataFrame] = field(default_factory=dict, repr=False)

    def of(self, source: Source, column: str) -> Floats:
        """Give a statistic per group, null where the group has no rows."""
        frame = self.frames[source]
        if id(source) not in self._lined_up:
            self._lined_up[id(source)] = self.line_up(frame)
        values = self._lined_up[id(source)][column].to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(values, dtype=np.float64)

    def count(self, source: Source, column: str) -> Floats:
        """Give a statistic per group, 0 where the group has no rows."""
        values = self.of(source, column)
        return np.where(np.isnan(values), 0.0, values)

    def line_up(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give `frame` with a row per group, in the groups' order."""
        keys, plain = self.question.keys, _plain(frame, self.question)
        if plain[keys].equals(self.groups[keys]):  # as of a whole, which has one row a period
            return plain
        return self.groups.merge(plain, on=keys, how="left")

    def per_period(self, values: Iterable[float]) -> Floats:
        """Give each group its period's value."""
        return np.array(list(values), dtype=float).take(self.groups[PERIOD_KEY].to_numpy())

    def covered(self, first: dt.date | None) -> Mask:
        """Tell for each group whether data from `first` to the snapshot's day reach into its period."""
        day = self.question.snapshot.date

        def reached(period: Period) -> bool:
            return first is not None and first <= period.end and period.start <= day

        return self.per_period(reached(p) for p in self.question.periods) > 0


def gather(metrics: Sequence[Metric], question: Question) -> Evidence:
    """Ask each source once for all that `metrics` need; the groups are those that exist or have rows."""
    needs: dict[Source, dict[str, Statistic]] = {}
    for metric in metrics:
        for source, statistics in metric.needs.items():
            needs.setdefault(source, {}).update({s.name: s for s in statistics})
    frames = {source: source.collect(question, list(found.values())) for source, found in needs.items()}
    return Evidence(question, frames, union_of(question, [question.roster, *frames.values()]))


def union_of(question: Question, frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Give every group of `frames` once, in order, the group of unknowns last."""
    keys = question.keys
    if not question.dimensions:  # the whole, in each period
        return question.roster
    parts = [_plain(frame[keys], question) for frame in frames]
    found = pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
    return found.sort_values(keys, ignore_index=True, na_position="last")


def _plain(frame: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Give key columns one type whatever they hold, so that frames from everywhere can be lined up."""
    kinds: dict[str, Any] = {PERIOD_KEY: "int64"} | dict.fromkeys(question.keys[1:], "object")
    return frame.assign(
        **{key: frame[key].astype(kind) for key, kind in kinds.items() if frame[key].dtype != kind}
    )
