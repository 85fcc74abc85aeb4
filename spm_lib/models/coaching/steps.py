"""The steps of stage conversion by name: a stage, with its pipeline where several pipelines have one of that name."""

from __future__ import annotations

import pandas as pd


def step_name(stage: pd.Series, pipeline: pd.Series) -> pd.Series:
    """Name stages of a name that several pipelines have: ``Proposal (Renewal)``."""
    return stage + " (" + pipeline + ")"


def stage_of(step: str) -> str:
    """Give the stage of a name that `step_name` gave: ``Proposal``; of another name all of it."""
    stage, bracket, _ = step.rpartition(" (")
    return stage if bracket and step.endswith(")") else step
