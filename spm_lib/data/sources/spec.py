"""What a source spec in ``params/sources/`` says."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field

from spm_lib.data.schema import CUSTOM_PREFIX, TABLES
from spm_lib.errors import PeriodError, SpecError, did_you_mean
from spm_lib.periods import Calendar
from spm_lib.spec_file import SpecDocument, Text, read_document

_CUSTOM = re.compile(r"x_[a-z0-9_]{1,60}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class CalendarSpec(_Strict):
    """The company's calendar; `table` names explicit fiscal periods (4-4-5): label: [first day, last day]."""

    fiscal_year_starts: int = Field(default=1, ge=1, le=12)
    week_starts: str = "monday"
    table: dict[str, tuple[dt.date, dt.date]] = {}


class TableSpec(_Strict):
    """Where one canonical table comes from."""

    from_: str | None = Field(default=None, alias="from")
    query: str | None = None
    files: dict[str, str] = {}
    columns: dict[str, Text] = {}
    fixed: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    recorded_from: dt.date | None = None
    recorded_fields: tuple[str, ...] = ()


class SourceSpec(_Strict):
    """One data source."""

    kind: Literal["files", "demo"]
    path: str | None = None
    timezone: str = "UTC"
    calendar: CalendarSpec = CalendarSpec()
    currency: str = "USD"
    tables: dict[str, TableSpec] = {}
    seed: int = Field(default=1, ge=0)
    scale: int = Field(default=1, ge=1, le=1000)


class Source:
    """A source spec that has been read and found possible.

    Parameters
    ----------
    document
        The spec with its lines.
    """

    def __init__(self, document: SpecDocument[SourceSpec]) -> None:
        self.document = document
        self.spec = document.model
        self.name = document.path.stem

    @property
    def calendar(self) -> Calendar:
        """The company's calendar."""
        spec = self.spec.calendar
        table = tuple((label, first, last) for label, (first, last) in spec.table.items())
        return Calendar(spec.fiscal_year_starts, spec.week_starts, table)

    @property
    def folder(self) -> Path:
        """The folder of the source's files, relative to the spec."""
        return (self.document.path.parent / (self.spec.path or ".")).resolve()

    def error(self, what: str, *keys: str, mend: str = "") -> SpecError:
        """Give an error that names the line of the spec where `keys` lead."""
        return self.document.error(what, *keys, mend=mend)


def read_source(path: Path | str) -> Source:
    """Read and check a source spec.

    Parameters
    ----------
    path
        The YAML file.

    Raises
    ------
    SpecError
        Where the file says something impossible, with its line and the nearest known name.
    """
    source = Source(read_document(Path(path), SourceSpec))
    spec = source.spec
    try:
        ZoneInfo(spec.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise source.error(
            f"there is no time zone '{spec.timezone}'",
            "timezone",
            mend=did_you_mean(spec.timezone, available_timezones()),
        ) from None
    if not _CURRENCY.fullmatch(spec.currency):
        raise source.error(
            f"'{spec.currency}' is no currency", "currency", mend="Write the ISO code, for instance EUR"
        )
    try:
        _ = source.calendar
    except PeriodError as error:
        raise source.error(error.what, "calendar", mend=error.mend) from None
    if spec.kind == "demo":
        return source
    if not spec.tables:
        raise source.error("the source has no tables", mend="Add tables: with at least deals and reps")
    for table, part in spec.tables.items():
        _check_table(source, table, part)
    for needed in (t.name for t in TABLES.values() if t.required):
        if needed not in spec.tables:
            raise source.error(
                f"the table {needed} is missing", "tables", mend=f"Add {needed}: under tables:"
            )
    return source


def _check_table(source: Source, table: str, part: TableSpec) -> None:
    if table not in TABLES:
        raise source.error(f"there is no table '{table}'", "tables", table, mend=did_you_mean(table, TABLES))
    known = TABLES[table].names
    for column in part.columns:
        if column in known or (table == "deals" and _CUSTOM.fullmatch(column)):
            continue
        if column.startswith(CUSTOM_PREFIX):
            mend = "Custom fields stand on deals, as x_ and lower-case letters, digits and underscores"
        else:
            mend = did_you_mean(column, known)
        raise source.error(
            f"the table {table} has no column '{column}'", "tables", table, "columns", column, mend=mend
        )
    for column in part.fixed:
        if table != "deals":
            raise source.error("only deals have fixed columns", "tables", table, "fixed")
        if column not in known and not column.startswith(CUSTOM_PREFIX):
            raise source.error(
                f"deals has no column '{column}'", "tables", table, "fixed", mend=did_you_mean(column, known)
            )
    for column in part.recorded_fields:
        deals = TABLES["deals"].names
        if column not in deals and not column.startswith(CUSTOM_PREFIX):
            raise source.error(
                f"deals has no column '{column}'",
                "tables",
                table,
                "recorded_fields",
                mend=did_you_mean(column, deals),
            )
    if (part.recorded_from or part.recorded_fields) and table != "deal_changes":
        raise source.error("recorded_from and recorded_fields belong to deal_changes", "tables", table)
    if part.from_ and (part.query or part.files):
        raise source.error(
            "from: and query: exclude each other", "tables", table, mend="Keep from:, or files: with query:"
        )
    if part.query and not part.files:
        raise source.error(
            "query: needs files:", "tables", table, mend="Name its files: files: {orders: orders.csv}"
        )
    if part.files and not part.query:
        raise source.error(
            "files: needs query:", "tables", table, mend="Write one SELECT over the named files"
        )
    if not part.from_ and not part.query:
        raise source.error(f"the table {table} comes from nowhere", "tables", table, mend="Add from: FILE")
