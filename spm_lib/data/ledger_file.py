"""The ledger's file: its tables and version, readers that never wait, writers one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from spm_lib.errors import StoreError, one_line

#: Version of the tables, kept in the file's ``user_version``; 0 is a file in which nothing was written yet.
LEDGER_VERSION = 3

#: How long a writer waits for another one, and a reader for a file that is just being made.
BUSY_SECONDS = 60.0

#: The tables of each version that its predecessor lacks.
TABLES = {
    1: """
create table models (
    model_id text primary key, kind text not null, fitted_on text not null, made_at text not null, library text not null,
    file text, card text not null
) without rowid;
create table scorings (
    as_of text primary key, model_id text references models, made_at text not null, deals integer not null, note text
) without rowid;
create table deal_scores (
    as_of text not null references scorings, deal_id text not null, horizon text not null,
    model_id text references models, horizon_ends_on text not null, expected_close_on text, due integer not null,
    won real, lost real, open real, at_risk real, promised_won real, usual_at_risk real, raw_score real,
    flagged integer not null, reasons text not null, rules text not null,
    primary key (as_of, deal_id, horizon)
) without rowid;
""",
    # The id of feedback that was taken back is never given again, and nothing that was measured of it stays behind.
    2: """
create table coachings (as_of text primary key, made_at text not null, card text not null) without rowid;
create table lever_scores (
    as_of text not null references coachings, rep_id text not null, lever text not null, part text not null,
    n integer not null, observed real, expected real, difference real, low real, high real, behind real,
    named integer not null, worth real,
    deals text not null, primary key (as_of, rep_id, lever, part)
) without rowid;
create table quota_outlooks (
    as_of text not null references coachings, rep_id text not null, starts_on text not null, ends_on text not null,
    quota real not null, revenue real not null, expected real not null, low real not null, high real not null,
    miss real not null, primary key (as_of, rep_id)
) without rowid;
create table agreements (
    agreement_id integer primary key autoincrement, rep_id text not null, lever text not null, action text not null,
    agreed_on text not null, review_on text not null, made_at text not null, unique (rep_id, lever, agreed_on, action)
);
create table agreement_progress (
    as_of text not null references coachings,
    agreement_id integer not null references agreements on delete cascade,
    n_before integer not null, before real, n_since integer not null, since real,
    difference real, low real, high real, primary key (as_of, agreement_id)
) without rowid;
""",
    # A mail is written down before anything of it leaves; no two of one report, day, revision and recipient.
    3: """
create table mails (
    mail_id integer primary key autoincrement, kind text not null, spec text not null, subject text not null,
    period text not null, as_of text not null, revision integer not null, recipient text not null,
    message_id text not null unique, headline text not null, report text not null, body text,
    state text not null, reply text not null, attempts integer not null, next_try_at text,
    made_at text not null, changed_at text not null,
    unique (kind, spec, subject, period, as_of, revision, recipient)
);
create index mails_by_state on mails (state);
create table dispatches (
    spec text not null, subject text not null, period text not null, as_of text not null, revision integer not null,
    decision text not null, reason text not null, figures text, fingerprint text not null, decided_at text not null,
    primary key (spec, subject, period, as_of, revision)
) without rowid;
create table schedules (
    spec text primary key, words text not null, owner text, known_since text not null, seen_at text not null,
    absent_since text
) without rowid;
create table slots (
    spec text not null, slot_at text not null, state text not null, claimed_at text, ended_at text, note text not null,
    primary key (spec, slot_at)
) without rowid;
create table row_counts (
    spec text not null, counted_at text not null, table_name text not null, counted integer not null,
    primary key (spec, counted_at, table_name)
) without rowid;
alter table lever_scores add column worth_low real;
alter table lever_scores add column worth_high real;
alter table lever_scores add column stands_out integer not null default 0;
alter table lever_scores add column middle_of text not null default 'company';
""",
}


@dataclass(frozen=True)
class LedgerFile:
    """The SQLite file at a path, opened for each call anew: no process that forks takes an open one along."""

    path: Path

    def rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a query and give its rows; none where nothing was written yet."""
        if not self.path.is_file():
            return []
        with self._told():
            try:
                return self._read(query, parameters, "mode=ro")
            except sqlite3.OperationalError as error:
                # In a folder that cannot be written SQLite finds no place for the file by which readers and writers share
                # pages; where no writer has left pages behind, none is needed.
                left = self.path.with_name(self.path.name + "-wal")
                refused = any(words in str(error) for words in ("unable to open", "readonly"))
                if not refused or (left.is_file() and left.stat().st_size):
                    raise
                return self._read(query, parameters, "mode=ro&immutable=1")

    def _read(self, query: str, parameters: tuple[object, ...], mode: str) -> list[tuple[Any, ...]]:
        address = f"{self.path.absolute().as_uri()}?{mode}"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            version = self._version(connection)
            if version == 0:
                return []
            try:
                return connection.execute(query, parameters).fetchall()
            except sqlite3.OperationalError as error:
                # Nobody wrote yet what an older ledger has no table for.
                if version < LEDGER_VERSION and "no such table" in str(error):
                    return []
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection of one transaction, kept whole or not at all; the file is made where it is not there."""
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(
                sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            ) as connection:
                self._prepare(connection)
                connection.execute("pragma foreign_keys = on")
                connection.execute("begin immediate")
                try:
                    yield connection
                except BaseException:
                    # A full disk has ended it already.
                    if connection.in_transaction:
                        connection.execute("rollback")
                    raise
                connection.execute("commit")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == LEDGER_VERSION:
            return
        # SQLite does not wait where two turn a new file into one with a log at the same time.
        with FileLock(self.path.with_name(self.path.name + ".lock"), timeout=BUSY_SECONDS):
            version = self._version(connection)
            missing = "".join(tables for since, tables in TABLES.items() if since > version)
            if not missing:
                return
            connection.execute("pragma journal_mode = wal")
            connection.executescript(
                f"begin immediate; {missing} pragma user_version = {LEDGER_VERSION}; commit;"
            )

    def _version(self, connection: sqlite3.Connection) -> int:
        """Give the version of the tables, 0 where nothing was written yet; raise where this library cannot read them."""
        # One statement, as another program may be making the file: its tables and their version come at once.
        told = "select user_version, (select count(*) from sqlite_master) from pragma_user_version"
        ((version, tables),) = connection.execute(told).fetchall()
        if version == 0 and tables:
            raise StoreError("this SQLite file is no ledger", where=str(self.path), mend="Move it away")
        if version > LEDGER_VERSION:
            raise StoreError(
                f"the ledger has schema {version}, this library reads schema {LEDGER_VERSION}",
                where=str(self.path),
                mend="Update spm_lib",
            )
        return int(version)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into what a person can mend."""
        where = str(self.path)
        try:
            yield
        except Timeout:
            what = "another program is making this ledger"
            raise StoreError(what, where=where, mend="Try again", passing=True) from None
        except OSError as error:
            raise _cannot_use(error, where) from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError(
                    "another program keeps writing this ledger",
                    where=where,
                    mend="Try again when it has ended",
                    passing=True,
                ) from None
            raise _cannot_use(error, where) from error
        except sqlite3.IntegrityError as error:
            raise StoreError(
                f"a row contradicts what the ledger holds ({one_line(str(error), 120)})",
                where=where,
                mend="Nothing of it was written; try again",
            ) from error
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"this is no ledger, or it is damaged ({one_line(str(error), 120)})",
                where=where,
                mend="Move it away and put a copy back where you have one: scores can be made again, feedback cannot",
            ) from None


def _cannot_use(error: Exception, where: str) -> StoreError:
    return StoreError(
        f"the ledger cannot be used ({one_line(str(error), 160)})",
        where=where,
        mend="Free some space, or name another place with --store; what was written stands as it was",
    )
