"""Fingerprints: when a report made before is still what a run would make now."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from spm_lib.data.store import META_TABLE, QUARANTINE_TABLE, Store
from spm_lib.press.notebook import content

_LIBRARY = Path(__file__).parent.parent
_SOURCES = ("*.py", "*.j2", "*.css")


def fingerprint(notebook: str, data: str, parameters: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """Give the hash of all that a report is made of.

    Parameters
    ----------
    notebook, data
        Their own hashes, see `notebook_hash` and `data_hash`.
    parameters
        As they are handed over.
    shown
        Whatever else shapes the page.
    """
    plain = [notebook, data, library_hash(), dict(parameters), dict(shown)]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, allow_nan=False).encode()).hexdigest()


def notebook_hash(notebook: Path) -> str:
    """Give the hash of a notebook's cells and tags; outputs saved in it change no report."""
    return hashlib.sha256(notebook.name.encode() + b"\0" + content(notebook)).hexdigest()


def data_hash(store: Store, team: str | None, as_of: dt.date) -> str:
    """Give the hash of the data that one report reads.

    Parameters
    ----------
    store
        The store.
    team, as_of
        Whose report and of which day. For now every report is taken to read the whole store.
    """
    return store_hash(store)


def store_hash(store: Store) -> str:
    """Give the hash of every row, and of what the store knows of itself but when it was loaded."""
    meta = json.loads(store.meta.to_json())
    meta.pop("loaded_at")
    run = store.connection.con.execute
    tables = run(
        "select table_name from information_schema.tables where table_schema = 'main' order by 1"
    ).fetchall()
    rows: dict[str, list[str]] = {}
    for (name,) in tables:
        if name not in (META_TABLE, QUARANTINE_TABLE):
            # Sums do not mind the order in which a table's rows happen to lie.
            quoted = '"' + name.replace('"', '""') + '"'
            found = run(f"select count(*), sum(hash(t)), bit_xor(hash(t)) from {quoted} t").fetchone()
            rows[name] = [str(each) for each in found]
    plain = json.dumps([meta, rows], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


@lru_cache(maxsize=1)
def library_hash() -> str:
    """Give the hash of this library's sources and templates."""
    found = hashlib.sha256()
    for path in sorted(p for pattern in _SOURCES for p in _LIBRARY.rglob(pattern)):
        found.update(path.relative_to(_LIBRARY).as_posix().encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
