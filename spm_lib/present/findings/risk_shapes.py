"""What sentences and tables need of flags and of how they turned out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd


class MoneyAtRisk(Protocol):
    """The money of the deals due, and how much of it is at risk."""

    @property
    def due(self) -> float:
        """All of it."""

    @property
    def at_risk(self) -> float:
        """What is expected to be lost or to slip."""

    @property
    def usual(self) -> float:
        """What would be, by past rates."""

    @property
    def low(self) -> float:
        """The lower end of its interval."""

    @property
    def high(self) -> float:
        """The upper end."""

    @property
    def n(self) -> int:
        """Deals due."""

    @property
    def unknown(self) -> int:
        """Those of them without an amount."""


class Flagged(Protocol):
    """What the ledger tells of a report's open deals; see `spm_lib.models.flags.Flags`."""

    @property
    def asked_on(self) -> dt.date:
        """The report's day."""

    @property
    def scored_on(self) -> dt.date | None:
        """The day of the scores."""

    @property
    def ends_on(self) -> dt.date | None:
        """The last day of the horizon."""

    @property
    def signal(self) -> bool:
        """Whether the model has shown skill."""

    @property
    def why(self) -> str:
        """Why not."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Why not, in figures."""

    @property
    def deals(self) -> pd.DataFrame:
        """All deals."""

    @property
    def flagged(self) -> pd.DataFrame:
        """Those flagged."""

    @property
    def money(self) -> MoneyAtRisk:
        """What they are worth."""

    @property
    def earlier_on(self) -> dt.date | None:
        """The scoring compared with."""

    @property
    def left(self) -> pd.DataFrame:
        """The deals that were flagged and are not now."""

    @property
    def unscored(self) -> int:
        """Open deals without a score."""

    @property
    def damaged(self) -> str:
        """Why the ledger cannot be read."""

    @property
    def age(self) -> int:
        """Days since the scoring."""


class Judged(Protocol):
    """How earlier flags turned out; see `spm_lib.models.flag_record.FlagRecord`."""

    @property
    def scored_on(self) -> dt.date | None:
        """When they were flagged."""

    @property
    def ends_on(self) -> dt.date | None:
        """The last day that counts."""

    @property
    def flagged(self) -> Mapping[str, float]:
        """Of the deals flagged."""

    @property
    def other(self) -> Mapping[str, float]:
        """Of the others."""
