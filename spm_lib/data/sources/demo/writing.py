"""Rows to CSV text: UTF-8, commas, one line feed a row, the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.timeline import Array

#: A table: its columns by name, each the text of its rows, None where unknown.
Columns = Mapping[str, Sequence[str | None] | Array]

_CLOCK = np.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)], dtype=object)


def stamps(day: Array, second: Array) -> Array:
    """Give times as ``yyyy-mm-dd hh:mm:ss``."""
    return np.asarray(timeline.texts(day) + " " + _CLOCK[second])


def optional(texts: Array, known: Array) -> Array:
    """Give `texts` where `known`, else None."""
    out = np.full(len(texts), None, dtype=object)
    out[known] = texts[known]
    return out


def write(folder: Path, table: str, columns: Columns) -> None:
    """Write one table as ``<table>.csv``."""
    cells = [_cells(list(column)) for column in columns.values()]
    lines = [",".join(columns), *map(",".join, zip(*cells, strict=True)), ""]
    (folder / f"{table}.csv").write_bytes("\n".join(lines).encode())


def _cells(column: list[str | None]) -> list[str]:
    texts = [text or "" for text in column]
    if any(mark in "".join(texts) for mark in ',"\n\r'):
        return [_quoted(text) for text in texts]
    return texts


def _quoted(text: str) -> str:
    if any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text
