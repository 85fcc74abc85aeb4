"""The part ``gates`` of a run spec: what must hold for its reports to be sent."""

from __future__ import annotations

from typing import Annotated

import duckdb
from pydantic import Discriminator, Field, Tag, field_validator

from spm_lib.data.schema import TABLES
from spm_lib.errors import did_you_mean, one_line
from spm_lib.spec_file import SpecPart, Text, mistake

Share = Annotated[float, Field(strict=True, ge=0, lt=1)]


class RowsGate(SpecPart):
    """How much fewer rows a table may have than the last time the gates were open, as a share of them."""

    fall_at_most: Share


class InFile(SpecPart):
    """A number from elsewhere: the sum of one column of a CSV file, whose path is relative to the spec."""

    file: Text
    column: Text


def _expected(value: object) -> str:
    return "file" if isinstance(value, (dict, InFile)) else "number"


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Expected = Annotated[
    Annotated[Number, Tag("number")] | Annotated[InFile, Tag("file")], Discriminator(_expected)
]


class Reconcile(SpecPart):
    """A number of the store that agrees with one from elsewhere, but for a share of that one.

    `query` is one SELECT in DuckDB's dialect that gives one number. An expected 0 is met by 0 alone.
    """

    name: Text
    query: str
    expected: Expected
    tolerance: Share = 0.005

    @field_validator("query")
    @classmethod
    def _one_select(cls, value: str) -> str:
        try:
            statements = duckdb.extract_statements(value)
        except duckdb.Error as error:
            raise mistake(f"this is no SQL ({one_line(str(error), 120)})", "Write one SELECT") from None
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise mistake("one SELECT is expected", "Write it like select sum(amount) from deals")
        return value


class Gates(SpecPart):
    """What must hold for a report to be sent; a report of data that are too old says so on its page."""

    max_age_days: Annotated[int, Field(ge=0)] | None = None
    rows: dict[str, RowsGate] = Field(default_factory=dict)
    reconcile: tuple[Reconcile, ...] = ()

    @field_validator("rows")
    @classmethod
    def _known_tables(cls, value: dict[str, RowsGate]) -> dict[str, RowsGate]:
        for name in value:
            if name not in TABLES:
                raise mistake(f"there is no table '{one_line(name, 60)}'", did_you_mean(name, TABLES))
        return value

    @field_validator("reconcile")
    @classmethod
    def _names_differ(cls, value: tuple[Reconcile, ...]) -> tuple[Reconcile, ...]:
        names = [one.name for one in value]
        for name in names:
            if names.count(name) > 1:
                raise mistake(f"two are called '{one_line(name, 60)}'", "Give each a name of its own")
        return value
