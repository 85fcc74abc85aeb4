"""Columns of the ledger's tables: frames into rows that SQLite keeps, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

#: What a column holds: text, dates that may be unknown, numbers that may be unknown, whole numbers, yes or no, plain values
#: kept as JSON.
Kind = Literal["text", "day", "number", "count", "truth", "json"]

_NUMERIC: dict[Kind, Any] = {"number": "float64", "count": "int64", "truth": "bool"}


def to_rows(frame: pd.DataFrame, columns: Mapping[str, Kind]) -> Iterator[tuple[Any, ...]]:
    """Give the rows of `frame` as SQLite keeps them, with these columns alone.

    Parameters
    ----------
    frame
        Dates as dates or datetimes; what is unknown as None, NaN or NaT.
    columns
        Names and kinds, in order.
    """
    return zip(*(_kept(frame[name], kind) for name, kind in columns.items()), strict=True)


def to_frame(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, Kind]) -> pd.DataFrame:
    """Give rows that SQLite kept as a frame: dates as datetimes, unknown numbers as NaN.

    Parameters
    ----------
    rows
        As `to_rows` gave them.
    columns
        Names and kinds, in order.
    """
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns), dtype=object)
    for name, kind in columns.items():
        if kind == "day":
            frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d").astype("datetime64[ns]")
        elif kind == "json":
            # All at once: a call for each row takes as long as all else.
            values = json.loads(f"[{','.join(frame[name])}]")
            frame[name] = pd.Series(values, index=frame.index, dtype=object)
        elif kind in _NUMERIC:
            frame[name] = frame[name].astype(_NUMERIC[kind])
    return frame


def _kept(column: pd.Series[Any], kind: Kind) -> list[Any]:
    if kind == "json":
        return [json.dumps(value, ensure_ascii=False, allow_nan=False) for value in column]
    if kind in ("truth", "count"):
        return [int(value) for value in column]
    if kind == "number":
        # NaN is no number for SQLite: it becomes null, which is what is meant.
        return [float(value) for value in column.astype("float64")]
    if kind == "day":
        known = column.notna()
        return [value.isoformat()[:10] if there else None for value, there in zip(column, known, strict=True)]
    return [str(value) for value in column]
