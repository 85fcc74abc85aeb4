"""Estimators of a chance, which tell exactly what each feature adds to a landmark's score.

The raw score is in log-odds. For every landmark, the base, the context's share and the share of each feature add up
to it: for `Logistic` as it is a sum, for `Boosting` as its trees are grown so (see there).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from spm_lib.models.boosting import TREES, Boosting
from spm_lib.models.inputs import Floats, Inputs
from spm_lib.models.logistic import Logistic

__all__ = ["TREES", "Boosting", "Estimator", "Logistic", "estimator_from_plain"]


class Estimator(Protocol):
    """What `Boosting` and `Logistic` have in common."""

    @property
    def kind(self) -> str:
        """``"boosting"`` or ``"logistic"``."""

    @property
    def used(self) -> tuple[str, ...]:
        """The features that it reads, beside the context."""

    def raw(self, inputs: Inputs) -> Floats:
        """Give each landmark's log-odds, before calibration."""

    def contributions(self, inputs: Inputs) -> pd.DataFrame:
        """Give what adds up to `raw`: base, context, days_to_expected_close (being overdue), each feature."""

    def to_plain(self) -> dict[str, Any]:
        """Give the estimator as values that can be saved without code."""


def estimator_from_plain(plain: Mapping[str, Any]) -> Estimator:
    """Read what an estimator's `to_plain` gave."""
    kinds: dict[str, type[Boosting] | type[Logistic]] = {"boosting": Boosting, "logistic": Logistic}
    return kinds[plain["kind"]].from_plain(plain)
