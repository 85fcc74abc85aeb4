"""Feedback in a sheet: its rows, each with its line."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spm_lib.data.sources.files import LINE, open_file, rewrite
from spm_lib.errors import SourceError, did_you_mean, one_line

COLUMNS = ("rep_id", "lever", "action", "review_on")
OPTIONAL = ("agreed_on",)


@dataclass(frozen=True)
class FeedbackRow:
    """One row of a sheet.

    Parameters
    ----------
    line
        Its line in the file, from 1.
    cells
        Text by column, those of `OPTIONAL` that the sheet lacks as empty text; None where the line cannot be split into as
        many cells as the header has.
    """

    line: int
    cells: Mapping[str, str] | None


def read_feedback_file(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None
) -> tuple[FeedbackRow, ...]:
    """Read a sheet of feedback; rows without any text are left out.

    Parameters
    ----------
    path
        A CSV, TSV or Excel file (``file.xlsx#sheet`` names a sheet) with the columns `COLUMNS`, and `OPTIONAL` where there
        are.
    encoding, delimiter
        By default they are found out.

    Raises
    ------
    SourceError
        Where the file cannot be read, or has other columns.
    """
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise SourceError("a delimiter is one character", mend="Write it like --delimiter ';'")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            relation = open_file(path.parent, path.name, scratch, encoding=encoding, delimiter=delimiter)
        except SourceError as error:
            raise SourceError(error.what, where=error.where, mend=_without_spec(error.mend)) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            mend = "Name a CSV or Excel file"
            raise SourceError(f"the file cannot be read: {reason}", where=str(path), mend=mend) from None
        if relation.kind != "text":
            raise SourceError("feedback is read from text or Excel", where=str(path), mend="Save it as CSV")
        # Spreadsheets write empty columns at the end; text in one is a cell too many.
        unnamed = [name for name in relation.header if not name or name.startswith("unnamed_")]
        _check_columns([name for name in relation.header if name not in (LINE, *unnamed)], path)
        refused: list[tuple[int, str]] = []
        if LINE not in relation.header:
            relation, refused = rewrite(relation, scratch)
        rows = [FeedbackRow(line, None) for line, _ in refused]
        # The header is the file's own; columns are found in whatever case they are written.
        names = [name if name == LINE else name.casefold() for name in relation.header]
        with relation.path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, delimiter=relation.delimiter)
            next(reader)
            for row in reader:
                cells = dict(zip(names, row, strict=True))
                line = int(cells.pop(LINE))
                if any([cells.pop(name).strip() for name in unnamed]):
                    rows.append(FeedbackRow(line, None))
                elif any(cell.strip() for cell in cells.values()):
                    rows.append(FeedbackRow(line, {**dict.fromkeys(OPTIONAL, ""), **cells}))
    return tuple(sorted(rows, key=lambda row: row.line))


def _check_columns(header: list[str], path: Path) -> None:
    where = f"{path}:1"
    given = [name.casefold() for name in header]
    for name, folded in zip(header, given, strict=True):
        if folded not in (*COLUMNS, *OPTIONAL):
            mend = f"{did_you_mean(folded, {*COLUMNS, *OPTIONAL} - set(given))} (leave other columns out)"
            if len(given) == 1:
                mend = "Name what parts the columns, for instance --delimiter ';'"
            raise SourceError(f"feedback has no column '{one_line(name, 80)}'", where=where, mend=mend)
    for name in COLUMNS:
        if name not in given:
            mend = f"Columns are {', '.join(COLUMNS)} and, where you like, {', '.join(OPTIONAL)}"
            raise SourceError(f"there is no column {name}", where=where, mend=mend)


def _without_spec(mend: str) -> str:
    """Give a mend for a file that no source spec names."""
    return mend.replace(
        "in the spec, for instance encoding: cp1252", "with --encoding, for instance --encoding cp1252"
    ).replace("Point to another folder with --path DIR", "Check the path")
