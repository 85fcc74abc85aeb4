"""Files of any make as relations that DuckDB reads: text, Excel, Parquet and JSON lines."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spm_lib.errors import SourceError, did_you_mean

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})

#: Column that carries the line of the source where DuckDB cannot know it.
LINE = "spm_source_line"

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 16
_CHUNK = 1 << 20
_MAGIC = (
    (b"PK\x03\x04", "an Excel or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "a SQLite database"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class FileRelation:
    """A file that DuckDB can read.

    Parameters
    ----------
    path
        The file to read: the source's own, or a copy of it as UTF-8 text.
    name
        What the source calls it, for messages.
    kind
        ``text``, ``json`` or ``parquet``.
    header
        Column names in order; empty for Parquet and JSON, which bring their own.
    delimiter
        For text.
    first_line
        Line of the source on which the first row stands.
    """

    path: Path
    name: str
    kind: str
    header: tuple[str, ...] = ()
    delimiter: str = ","
    first_line: int = 2

    def sql(self) -> str:
        """Give a DuckDB table function that reads the file."""
        path = quoted(str(self.path))
        if self.kind == "parquet":
            return f"read_parquet({path})"
        if self.kind == "json":
            return f"read_json({path}, format='newline_delimited', sample_size=-1)"
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in self.header)
        return (
            f"read_csv({path}, auto_detect=false, columns={{{columns}}}, header=true, "
            f"delim={quoted(self.delimiter)}, quote='\"', escape='\"', store_rejects=true, rejects_limit=0)"
        )


def quoted(text: str) -> str:
    """Give `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def open_file(
    folder: Path, name: str, scratch: Path, *, encoding: str | None = None, delimiter: str | None = None
) -> FileRelation:
    """Look at a file and say how DuckDB reads it.

    Parameters
    ----------
    folder
        The source's folder.
    name
        The file's name under it; for Excel ``file.xlsx#sheet`` names a sheet.
    scratch
        A folder for copies, where the file is not UTF-8 text.
    encoding, delimiter
        As the source declares them; by default they are found out.

    Raises
    ------
    SourceError
        Where the file is missing, empty, or not what its name says.
    """
    name_of_file, _, sheet = name.partition("#")
    path = folder / name_of_file
    if not path.is_file():
        here = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
        mend = did_you_mean(name_of_file, here) if here else "Point to another folder with --path DIR"
        raise SourceError(f"there is no file {name_of_file}", where=str(folder), mend=mend)
    if path.stat().st_size == 0:
        raise SourceError("the file is empty", where=str(path), mend="Export it again")
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        return _text(path, name, scratch, encoding, delimiter)
    if suffix in EXCEL_SUFFIXES:
        return _excel(path, name, sheet, scratch)
    if suffix in JSON_SUFFIXES:
        return FileRelation(path, name, "json", first_line=1)
    if suffix in PARQUET_SUFFIXES:
        return FileRelation(path, name, "parquet", first_line=1)
    known = sorted(TEXT_SUFFIXES | EXCEL_SUFFIXES | JSON_SUFFIXES | PARQUET_SUFFIXES)
    raise SourceError(f"'{suffix}' files cannot be read", where=str(path), mend="Known: " + " ".join(known))


def rewrite(relation: FileRelation, scratch: Path) -> tuple[FileRelation, list[tuple[int, str]]]:
    """Copy a text file that DuckDB's strict reader refuses, row by row, with each row's line.

    Parameters
    ----------
    relation
        A text file.
    scratch
        A folder for the copy.

    Returns
    -------
    relation, refused
        The copy, with the column `LINE` last; rows with another number of fields than the header, as
        ``(line, text)``.
    """
    refused: list[tuple[int, str]] = []
    width = len(relation.header)

    def rows() -> Iterator[list[str]]:
        with relation.path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=relation.delimiter, strict=False)
            next(reader)
            start = reader.line_num + 1
            for row in reader:
                if len(row) == width:
                    yield [*row, str(start)]
                elif row:
                    refused.append((start, relation.delimiter.join(row)))
                start = reader.line_num + 1

    target = scratch / f"rewritten-{len(list(scratch.iterdir()))}.csv"
    header = (*relation.header, LINE)
    try:
        _write_csv(target, header, rows())
    except csv.Error as error:
        raise SourceError(
            f"the text cannot be split into fields ({error})",
            where=relation.name,
            mend="Look for a quote that is opened and never closed",
        ) from None
    return FileRelation(target, relation.name, "text", header), refused


def _text(path: Path, name: str, scratch: Path, encoding: str | None, delimiter: str | None) -> FileRelation:
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    for magic, what in _MAGIC:
        if sample.startswith(magic):
            raise SourceError(
                f"the name says text, the content is {what}",
                where=str(path),
                mend="Give it the right ending, or export it as CSV",
            )
    found = next((name for bom, name in _BOMS if sample.startswith(bom)), None)
    encoding = encoding or found or "utf-8"
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        raise SourceError(
            f"there is no encoding '{encoding}'",
            where=str(path),
            mend=did_you_mean(encoding, ("utf-8", "utf-16", "cp1252", "latin-1", "shift_jis", "gb18030")),
        ) from None
    if codec == "utf-8" and b"\x00" in sample:
        raise SourceError(
            "the file holds bytes that no text has",
            where=str(path),
            mend="Export it as CSV, or name its encoding",
        )
    target = path
    if codec in ("utf-8", "utf-8-sig"):
        _check_utf8(path)
    else:
        target = scratch / f"text-{len(list(scratch.iterdir()))}.csv"
        _transcode(path, codec, target)
    with target.open(encoding="utf-8-sig", newline="") as text:
        head = text.read(_SAMPLE)
    if head.lstrip()[:1] in ("<", "{"):
        kind = "HTML or XML" if head.lstrip()[0] == "<" else "JSON"
        raise SourceError(
            f"the name says text, the content looks like {kind}",
            where=str(path),
            mend="Export it as CSV" if kind != "JSON" else "Give it the ending .jsonl",
        )
    delimiter = delimiter or _sniff(head)
    header, lines = _header(head, delimiter, path)
    return FileRelation(target, name, "text", header, delimiter, first_line=lines + 1)


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                raise SourceError(
                    f"byte 0x{byte:02x} is not UTF-8",
                    where=f"{path}:{line}",
                    mend="Name the file's encoding in the spec, for instance encoding: cp1252",
                ) from None
            line += chunk.count(b"\n")


def _transcode(path: Path, codec: str, target: Path) -> None:
    try:
        with (
            path.open(encoding=codec, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as copy,
        ):
            while text := source.read(_CHUNK):
                copy.write(text)
    except UnicodeError as error:
        raise SourceError(
            f"the file is not {codec} ({error})", where=str(path), mend="Name the encoding it was written in"
        ) from None


def _sniff(head: str) -> str:
    first = head.splitlines()[0] if head.strip() else ""
    counts = {d: len(next(csv.reader([first], delimiter=d), [])) for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda d: counts[d])


def _header(head: str, delimiter: str, path: Path) -> tuple[tuple[str, ...], int]:
    reader = csv.reader(io.StringIO(head), delimiter=delimiter)
    header = next(reader, [])
    lines = reader.line_num
    while header and not header[-1].strip() and len(header) > 1:
        # A delimiter at the end of every line makes a column without a name; it keeps its place.
        header[-1] = f"unnamed_{len(header)}"
    names = tuple(name.strip() for name in header)
    if not any(names):
        raise SourceError(
            "the first line names no columns", where=f"{path}:1", mend="Export it with a header"
        )
    _check_names(names, f"{path}:1")
    return names, lines


def _check_names(names: Iterable[str], where: str) -> None:
    seen: dict[str, str] = {}
    for name in names:
        folded = name.casefold()
        if folded in seen:
            raise SourceError(
                f"the column '{name}' stands twice", where=where, mend="Rename one of the two in the export"
            )
        seen[folded] = name


def _excel(path: Path, name: str, sheet: str, scratch: Path) -> FileRelation:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise SourceError(
            f"the name says Excel, the content is not ({error})", where=str(path), mend="Export it again"
        ) from None
    if sheet and sheet not in book.sheet_names:
        raise SourceError(
            f"there is no sheet '{sheet}'", where=str(path), mend=did_you_mean(sheet, book.sheet_names)
        )
    if not book.sheet_names:
        raise SourceError("the workbook has no sheet", where=str(path), mend="Export it again")
    rows = book.get_sheet_by_name(sheet or book.sheet_names[0]).to_python(skip_empty_area=False)
    first = next((i for i, row in enumerate(rows) if any(cell != "" for cell in row)), None)
    if first is None:
        raise SourceError(
            "the sheet is empty", where=f"{path}#{sheet}", mend="Name another sheet, or export it again"
        )
    width = max(i + 1 for i, cell in enumerate(rows[first]) if cell != "")
    names = tuple(str(cell).strip() or f"unnamed_{i + 1}" for i, cell in enumerate(rows[first][:width]))
    _check_names(names, f"{path}:{first + 1}")
    header = (*names, LINE)
    target = scratch / f"sheet-{len(list(scratch.iterdir()))}.csv"
    body = (
        [*(_cell(cell) for cell in row[:width]), str(number)]
        for number, row in enumerate(rows[first + 1 :], start=first + 2)
        if any(cell != "" for cell in row)
    )
    _write_csv(target, header, body)
    return FileRelation(target, name, "text", header, first_line=first + 2)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(rows)
