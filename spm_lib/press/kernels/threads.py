"""Threads of a kernel: what the libraries could not be told before the fork."""

from __future__ import annotations

import functools
import importlib
from typing import Any


def allow(threads: int) -> None:
    """Let OpenBLAS and DuckDB use `threads` threads.

    OpenBLAS starts its threads when it is loaded, so the server loads it with one; DuckDB takes every core unless each
    connection is told otherwise, and reads no variable. A connection that names its own number keeps it.
    """
    if threads > 1:
        controller = importlib.import_module("threadpoolctl").ThreadpoolController()
        controller.select(user_api="blas").limit(limits=threads)
    duckdb: Any = importlib.import_module("duckdb")
    plain = duckdb.connect

    @functools.wraps(plain)
    def connect(database: Any = ":memory:", read_only: bool = False, config: Any = None, **more: Any) -> Any:
        return plain(database, read_only, {"threads": threads, **(config or {})}, **more)

    duckdb.connect = connect
