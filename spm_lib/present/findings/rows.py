"""What sentences need of rows: the one of a metric, those that are known, whose they are, and why one is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from spm_lib.present.display import NO_TEAM, clean, is_null
from spm_lib.theme import is_unknown

Row = Mapping[Any, Any]


class Expected(Protocol):
    """The share of a period's result to expect by now."""

    @property
    def share(self) -> float:
        """0 to 1."""

    @property
    def method(self) -> str:
        """How it was found."""

    @property
    def n(self) -> int:
        """Number of earlier periods it rests on."""


def row_of(frame: pd.DataFrame, metric: str) -> dict[Any, Any]:
    """Give the one row of `metric`, an empty one where there is none."""
    rows = frame[frame["metric"] == metric].to_dict("records")
    return (
        rows[0]
        if rows
        else {"metric": metric, "value": None, "n": 0, "unit": "count", "note": "not asked for"}
    )


def team_of(row: Row) -> str:
    """Name a row's team within a sentence; nobody's in quotes, as "No team fell most" would say the contrary."""
    return f"“{NO_TEAM}”" if is_null(row.get("team")) else clean(row.get("team_name"))


def known_of(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Give the rows whose value is known."""
    return [row for row in frame.to_dict("records") if not is_unknown(row["value"])]


def lower(label: str) -> str:
    """Give a label as it stands within a sentence; one that begins with an abbreviation stays."""
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def note_of(row: Row) -> str:
    """Say why a row's value is unknown."""
    note = row.get("note")
    return "no data" if is_null(note) else clean(note, 300)
