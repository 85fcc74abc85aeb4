"""Pipeline movement as a metric: its parts, lined up with the groups of every other metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spm_lib.metrics.evidence import Evidence
from spm_lib.metrics.metric import Figures, Parts, Statistic
from spm_lib.metrics.movement import PARTS, pipeline_movement
from spm_lib.metrics.question import PERIOD_KEY, Question

_COLUMNS = ("part", "value", "n", "note")


@dataclass(frozen=True)
class Movement:
    """What `pipeline_movement` tells of one period."""

    name: str = "movement"
    batches: bool = False

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give part, value, n and note for every group that had deals in the movement."""
        del statistics  # the parts are what they are
        keys = question.keys
        if not _tells(question):
            return pd.DataFrame(columns=[*keys, *_COLUMNS])
        by = [d.name if d.name in ("team", "rep") else d.column for d in question.dimensions]
        found = pipeline_movement(question.snapshot, question.periods[0], by=by)
        found = found.set_axis([*keys[1:], *_COLUMNS], axis="columns")
        found.insert(0, PERIOD_KEY, 0)
        return found


def _tells(question: Question) -> bool:
    return all(d.table in ("deals", "team_members") for d in question.dimensions)


MOVEMENT = Movement()


def finish_movement(evidence: Evidence) -> Parts:
    """Give each part's figures; a group without any deals moved nothing."""
    found = evidence.frames[MOVEMENT]
    size = len(evidence.groups)
    if not _tells(evidence.question):
        return {None: Figures.unknown(size, "movement is told by team, rep and columns of deals")}
    unknown = found[found["part"].isna()]
    if len(unknown):
        return {None: Figures.unknown(size, str(unknown["note"].iloc[0]))}
    parts: dict[str | None, Figures] = {}
    for part in PARTS:
        lined = evidence.line_up(found[found["part"] == part].drop(columns="part"))
        value, n = (np.nan_to_num(lined[name].to_numpy(dtype=float)) for name in ("value", "n"))
        note = lined["note"].astype("object").where(lined["note"].notna(), None)
        parts[part] = Figures.of(value, n, note=note.to_numpy())
    return parts
