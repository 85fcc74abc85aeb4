"""Writing a store: one writer at a time, beside the old one, in its place only when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spm_lib.errors import StoreError, one_line
from spm_lib.lock import locked


@contextmanager
def writing(store: Path) -> Iterator[Path]:
    """Hold the store's lock and give a fresh scratch folder beside it, gone at the end whatever happens."""
    if store.is_dir():
        raise StoreError(
            "this is a folder", where=str(store), mend="Name a file, for instance data/store.duckdb"
        )
    busy = StoreError(
        "another ingest is writing this store",
        where=str(store),
        mend="Wait for it to end, or name another --store",
        passing=True,
    )
    lock = store.with_name(store.name + ".lock")
    with locked(lock, busy=busy, denied=lambda error: cannot_write(error, store)):
        scratch = store.with_name(f".{store.name}.loading")
        # A load that was killed left its scratch behind; the lock says that nobody uses it.
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            scratch.mkdir()
        except OSError as error:
            raise cannot_write(error, store) from error
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def swap(new: Path, store: Path) -> None:
    """Put the new file in the old one's place in one step; who reads the old one keeps it."""
    try:
        with new.open("rb") as stream:
            os.fsync(stream.fileno())
        new.replace(store)
    except OSError as error:
        raise cannot_write(error, store) from error


def cannot_write(error: Exception, store: Path) -> StoreError:
    """Give the error of a place that cannot be written: a full disk, a missing right."""
    return StoreError(
        f"the store cannot be written ({one_line(str(error), 160)})",
        where=str(store),
        mend="Free some space or name another place with --store; the old store stands as it was",
    )
