"""SQL that was written before: the kernels of one run ask much the same, and Ibis takes its time to spell it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import os
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import ibis
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from ibis.common.exceptions import TableNotFound
from ibis.common.grounds import Concrete
from ibis.expr.datatypes import DataType
from ibis.expr.operations import InMemoryTable
from ibis.expr.operations.core import Node
from ibis.expr.operations.udf import AggUDF, ScalarUDF
from ibis.expr.schema import Schema

from spm_lib.settings import COMPILED_VARIABLE

#: As many statements a run at most: what all reports ask are some hundreds, the rest is asked by one alone.
_MOST = 2_000

#: What may stand in an expression as itself. Its type is told too: 1, 1.0 and True are equal, and other SQL.
_PLAIN = (bool, int, float, str, bytes, Decimal, dt.date, dt.time, dt.timedelta, Enum, type(None))


class CompilingBackend(Backend):  # type: ignore[misc]
    """Ibis on DuckDB; where ``SPM_COMPILED_SQL`` names a folder, an expression's SQL is looked for there first.

    `compile` and `get_schema` answer what Ibis' own do, sooner.
    """

    def compile(self, expr: Any, /, **options: Any) -> str:
        """Give the SQL of an expression; see Ibis."""
        folder = os.environ.get(COMPILED_VARIABLE)
        key = key_of(expr.op(), options) if folder else None
        if folder is None or key is None:
            return str(super().compile(expr, **options))
        file = Path(folder, key)
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            written = str(super().compile(expr, **options))
            _keep(file, written)
            return written

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> ibis.Schema:
        """Give the columns of a table of this connection; see Ibis, which reads each type anew, letter by letter."""
        if catalog is not None or database is not None:
            return super().get_schema(table_name, catalog=catalog, database=database)
        quoted = table_name.replace('"', '""')
        try:
            rows = self.con.execute(f'describe "{quoted}"').fetchall()
        except duckdb.CatalogException:
            raise TableNotFound(table_name) from None
        return ibis.Schema({name: _kind(spelled, null == "YES") for name, spelled, null, *_ in rows})


@functools.lru_cache
def _kind(spelled: str, nullable: bool) -> DataType:
    return DuckDBType.from_string(spelled, nullable=nullable)


def key_of(node: Node, options: Mapping[str, Any]) -> str | None:
    """Give a name for all that the SQL of an expression depends on.

    Parameters
    ----------
    node
        The expression's operation.
    options
        What `compile` is given besides.

    Returns
    -------
    str or None
        A digest of the whole expression, each operation with all its arguments; None where there is something in it
        of which that cannot be told.
    """
    lines: list[str] = []
    numbers: dict[Concrete, int] = {}
    try:
        for value in (options, ibis.options.sql.fuse_selects, ibis.options.sql.default_limit, node):
            lines.append(_spelled(value, numbers, lines))
    except (TypeError, RecursionError):
        return None
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()


def _spelled(value: Any, numbers: dict[Concrete, int], lines: list[str]) -> str:
    if isinstance(value, (DataType, Schema)):
        return f"{value!r}"
    if isinstance(value, Concrete):
        number = numbers.get(value)
        if number is None:
            if isinstance(value, InMemoryTable):
                raise TypeError("its rows are no part of the expression")
            told = [_spelled(each, numbers, lines) for each in value.__args__]
            number = numbers[value] = len(numbers)
            lines.append(f"{_named(value)}({','.join(told)})")
        return f"#{number}"
    if isinstance(value, (tuple, list)):
        return f"({','.join([_spelled(each, numbers, lines) for each in value])})"
    if isinstance(value, frozenset):
        return f"[{','.join(sorted([_spelled(each, numbers, lines) for each in value]))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join([f'{key!r}:{_spelled(each, numbers, lines)}' for key, each in value.items()])}}}"
    if isinstance(value, BaseBackend):
        return "here"
    if isinstance(value, _PLAIN):
        return f"{type(value).__name__} {value!r}"
    raise TypeError(type(value).__name__)


def _named(node: Concrete) -> str:
    kind = type(node)
    if isinstance(node, (ScalarUDF, AggUDF)):
        # Each use of a function of the engine's own has a class of its own, which is numbered.
        return f"{kind.__udf_namespace__!r}.{kind.__func_name__}:{kind.__input_type__}:{node.dtype!r}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _keep(file: Path, written: str) -> None:
    """Write the statement down whole or not at all; whether it can be is of no weight."""
    draft = file.with_name(f".{uuid4().hex}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        if sum(1 for _ in file.parent.iterdir()) < _MOST:
            draft.write_text(written, encoding="utf-8")
            draft.replace(file)
