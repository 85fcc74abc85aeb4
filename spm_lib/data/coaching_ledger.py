"""The ledger's part for coaching: what was found of each rep on a day, and what was agreed with them.

What was found of a day is written once and stays as it was. Feedback is written by people, who may take it back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spm_lib.data.ledger_columns import Kind, to_frame, to_rows
from spm_lib.data.ledger_file import LedgerFile

if TYPE_CHECKING:
    import pandas as pd

_LEVERS: dict[str, Kind] = {
    "rep_id": "text",
    "lever": "text",
    "part": "text",
    "n": "count",
    "observed": "number",
    "expected": "number",
    "difference": "number",
    "low": "number",
    "high": "number",
    "behind": "number",
    "named": "truth",
    "worth": "number",
    "deals": "json",
    "worth_low": "number",
    "worth_high": "number",
    "stands_out": "truth",
    "middle_of": "text",
}
#: What the rows of days hold that were written before there were such columns.
_BEFORE = {"worth_low": "null", "worth_high": "null", "stands_out": "0", "middle_of": "'company'"}
_OUTLOOKS: dict[str, Kind] = {
    "rep_id": "text",
    "starts_on": "day",
    "ends_on": "day",
    "quota": "number",
    "revenue": "number",
    "expected": "number",
    "low": "number",
    "high": "number",
    "miss": "number",
}
_PROGRESS: dict[str, Kind] = {
    "agreement_id": "count",
    "n_before": "count",
    "before": "number",
    "n_since": "count",
    "since": "number",
    "difference": "number",
    "low": "number",
    "high": "number",
}
_AGREEMENT = "rep_id, lever, action, agreed_on, review_on, agreement_id, made_at"

#: What `CoachingLedger.record` writes of each row of its three frames, besides the day.
LEVER_COLUMNS, OUTLOOK_COLUMNS, PROGRESS_COLUMNS = tuple(_LEVERS), tuple(_OUTLOOKS), tuple(_PROGRESS)


@dataclass(frozen=True)
class Feedback:
    """What a manager and a rep agree on.

    Parameters
    ----------
    rep_id
        The rep.
    lever
        What is worked on: the name of a lever.
    action
        What the rep is going to do, in the manager's words; to be escaped by whoever shows it.
    agreed_on
        The day on which it was agreed.
    review_on
        The day on which both look at what came of it.
    """

    rep_id: str
    lever: str
    action: str
    agreed_on: dt.date
    review_on: dt.date


@dataclass(frozen=True)
class Agreement(Feedback):
    """Feedback that is in the ledger.

    Parameters
    ----------
    agreement_id
        Its number, never given twice.
    made_at
        When it was written.
    """

    agreement_id: int
    made_at: dt.datetime


class CoachingLedger:
    """The ledger at a path; each call opens the file and closes it again.

    Parameters
    ----------
    path
        Its file, see `spm_lib.data.ledger.ledger_path`.

    Notes
    -----
    Every method raises `StoreError` where the file is no ledger, of a newer version, damaged, or kept locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = LedgerFile(path)

    def record(
        self,
        as_of: dt.date,
        levers: pd.DataFrame,
        outlooks: pd.DataFrame,
        progress: pd.DataFrame,
        card: Mapping[str, Any],
        *,
        made_at: dt.datetime,
    ) -> bool:
        """Write down what was found on a day, all or nothing, once.

        Parameters
        ----------
        as_of
            The day.
        levers
            A row per rep, lever and part with the columns `LEVER_COLUMNS`; unknown numbers NaN. Other columns are left out,
            here and below.
        outlooks
            A row per rep with a quota, with the columns `OUTLOOK_COLUMNS`.
        progress
            A row per agreement that has been measured, with the columns `PROGRESS_COLUMNS`.
        card
            What is known of the whole, as plain JSON values.
        made_at
            When this is.

        Returns
        -------
        bool
            False where the day is written already: nothing is written then.
        """
        day = as_of.isoformat()
        with self._file.writing() as connection:
            made = connection.execute(
                "insert into coachings values (?, ?, ?) on conflict do nothing",
                (day, made_at.isoformat(), _text(card)),
            )
            if made.rowcount != 1:
                return False
            _insert(connection, "lever_scores", day, levers, _LEVERS)
            _insert(connection, "quota_outlooks", day, outlooks, _OUTLOOKS)
            _insert_progress(connection, day, progress)
            return True

    def unmeasured(self, as_of: dt.date) -> tuple[Agreement, ...]:
        """Give the agreements that were written down after the day was; none where the day is not written."""
        card = self.card(as_of)
        if card is None:
            return ()
        looked_at = set(card.get("agreements", ()))
        return tuple(one for one in self.agreements(until=as_of) if one.agreement_id not in looked_at)

    def add_progress(self, as_of: dt.date, progress: pd.DataFrame, looked_at: Iterable[Agreement]) -> int:
        """Write down what came of agreements that were not there yet when the day was written.

        Parameters
        ----------
        as_of
            A day that was written; of any other nothing is.
        progress
            As for `record`.
        looked_at
            All agreements that were looked at, also those of which nothing could be measured: `unmeasured` leaves them out
            from then on.

        Returns
        -------
        int
            How many were written. What was written before of the same agreement and day stands.
        """
        day = as_of.isoformat()
        with self._file.writing() as connection:
            written = connection.execute("select card from coachings where as_of = ?", (day,)).fetchone()
            if written is None:
                return 0
            card = json.loads(written[0])
            card["agreements"] = sorted(
                {*card.get("agreements", ()), *(one.agreement_id for one in looked_at)}
            )
            connection.execute("update coachings set card = ? where as_of = ?", (_text(card), day))
            told = connection.execute("select agreement_id from agreement_progress where as_of = ?", (day,))
            new = progress[~progress["agreement_id"].isin({number for (number,) in told})]
            return _insert_progress(connection, day, new)

    def latest(self, as_of: dt.date) -> dt.date | None:
        """Give the last day up to `as_of` of which coaching was written; None where there is none."""
        days = self._file.rows("select max(as_of) from coachings where as_of <= ?", (as_of.isoformat(),))
        return next((dt.date.fromisoformat(day) for (day,) in days if day), None)

    def card(self, as_of: dt.date) -> Mapping[str, Any] | None:
        """Give what was written of a day as a whole; None where nothing was."""
        rows = self._file.rows("select card from coachings where as_of = ?", (as_of.isoformat(),))
        return next((json.loads(card) for (card,) in rows), None)

    def levers(self, as_of: dt.date) -> pd.DataFrame:
        """Give the levers of every rep on a day, in order of rep, lever and part.

        Parameters
        ----------
        as_of
            A day that was written, see `latest`; of any other there are no rows.

        Returns
        -------
        pandas.DataFrame
            Columns as_of (datetime), rep_id, lever, part (empty but for a stage), n (whole number), observed, expected,
            difference, low, high (in the lever's unit, NaN where unknown), behind (0 to 1), named (boolean), worth (money,
            NaN where unknown), deals (lists of plain values: those to look at together), worth_low, worth_high (as worth),
            stands_out (boolean: better than peers beyond chance), middle_of (``team`` or ``company``: whose middle the worth
            is told by). Days written by an earlier library hold NaN, False and ``company`` for the last four.
        """
        return self._read("lever_scores", _LEVERS, "as_of = ? order by rep_id, lever, part", as_of)

    def outlooks(self, as_of: dt.date) -> pd.DataFrame:
        """Give the outlook of every rep with a quota on a day, in order of rep.

        Parameters
        ----------
        as_of
            A day that was written, see `latest`; of any other there are no rows.

        Returns
        -------
        pandas.DataFrame
            Columns as_of (datetime), rep_id, starts_on, ends_on (datetimes), quota, revenue, expected, low, high (money),
            miss (0 to 1).
        """
        return self._read("quota_outlooks", _OUTLOOKS, "as_of = ? order by rep_id", as_of)

    def outlooks_before(self, as_of: dt.date) -> pd.DataFrame:
        """Give all outlooks of earlier days, in order of day and rep, with the columns of `outlooks`."""
        return self._read("quota_outlooks", _OUTLOOKS, "as_of < ? order by as_of, rep_id", as_of)

    def progress(self, as_of: dt.date) -> pd.DataFrame:
        """Give what had come of each agreement by a day, in order of agreement.

        Parameters
        ----------
        as_of
            A day that was written, see `latest`; of any other there are no rows.

        Returns
        -------
        pandas.DataFrame
            Columns as_of (datetime), agreement_id, n_before, n_since (whole numbers), before, since, difference, low, high
            (in the lever's unit, NaN where unknown).
        """
        return self._read("agreement_progress", _PROGRESS, "as_of = ? order by agreement_id", as_of)

    def last_progress(self, as_of: dt.date) -> pd.DataFrame:
        """Give what had come of each agreement when it was last measured, up to a day, with the columns of `progress`."""
        last = (
            "as_of = (select max(as_of) from agreement_progress as other "
            "where other.agreement_id = agreement_progress.agreement_id and other.as_of <= ?) order by agreement_id"
        )
        return self._read("agreement_progress", _PROGRESS, last, as_of)

    def _read(self, table: str, columns: Mapping[str, Kind], which: str, as_of: dt.date) -> pd.DataFrame:
        asked: dict[str, Kind] = {"as_of": "day", **columns}
        # Readers never change a file: one of an earlier version lacks columns until somebody writes to it.
        there = {name for (name,) in self._file.rows("select name from pragma_table_info(?)", (table,))}
        told = [name if name in there else f"{_BEFORE.get(name, name)} as {name}" for name in asked]
        query = f"select {', '.join(told)} from {table} where {which}"
        return to_frame(self._file.rows(query, (as_of.isoformat(),)), asked)

    def agree(
        self,
        rep_id: str,
        lever: str,
        action: str,
        agreed_on: dt.date,
        review_on: dt.date,
        made_at: dt.datetime,
    ) -> Agreement:
        """Write down one piece of feedback; see `agree_all`."""
        (made,) = self.agree_all((Feedback(rep_id, lever, action, agreed_on, review_on),), made_at=made_at)
        return made

    def agree_all(self, feedback: Iterable[Feedback], *, made_at: dt.datetime) -> tuple[Agreement, ...]:
        """Write feedback down, all or nothing.

        Parameters
        ----------
        feedback
            What was agreed; whether there are such reps and levers is not asked here.
        made_at
            When this is.

        Returns
        -------
        tuple of Agreement
            One for each, in order. The same rep, lever, action and day of agreement are not written twice: what was there
            stands, with its own `made_at` and `review_on`.
        """
        with self._file.writing() as connection:
            return tuple(_agree(connection, one, made_at) for one in feedback)

    def agreements(
        self, until: dt.date | None = None, reps: Collection[str] | None = None
    ) -> tuple[Agreement, ...]:
        """Give the feedback that was agreed on, earliest first.

        Parameters
        ----------
        until
            Only what was agreed on this day or before.
        reps
            Only with these reps.
        """
        rows = self._file.rows(
            f"select {_AGREEMENT} from agreements where (?1 is null or agreed_on <= ?1) "
            "and (?2 is null or rep_id in (select value from json_each(?2))) order by agreed_on, agreement_id",
            (until.isoformat() if until else None, None if reps is None else json.dumps(list(reps))),
        )
        return tuple(_agreement(row) for row in rows)

    def withdraw(self, agreement_id: int) -> bool:
        """Take feedback back, with all that was measured of it.

        Returns
        -------
        bool
            False where there is none of that number.
        """
        with self._file.writing() as connection:
            gone = connection.execute("delete from agreements where agreement_id = ?", (agreement_id,))
            return gone.rowcount == 1

    def digest(self, as_of: dt.date) -> str:
        """Give a hash of what a report as of a day can read here: of the days written and the feedback agreed up to it."""
        day = (as_of.isoformat(),)
        found = (
            # What was written of a day stands as it was, but for the progress of feedback taken back or added.
            self._file.rows("select as_of, made_at from coachings where as_of <= ? order by 1", day),
            self._file.rows(
                "select as_of, agreement_id from agreement_progress where as_of <= ? order by 1, 2", day
            ),
            self._file.rows(f"select {_AGREEMENT} from agreements where agreed_on <= ? order by 6", day),
        )
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _text(card: Mapping[str, Any]) -> str:
    return json.dumps(dict(card), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _insert(
    connection: sqlite3.Connection, table: str, day: str, frame: pd.DataFrame, columns: Mapping[str, Kind]
) -> None:
    marks = ", ".join("?" * (len(columns) + 1))
    connection.executemany(
        f"insert into {table} (as_of, {', '.join(columns)}) values ({marks})",
        ((day, *row) for row in to_rows(frame, columns)),
    )


def _insert_progress(connection: sqlite3.Connection, day: str, progress: pd.DataFrame) -> int:
    # Feedback may be taken back while its progress is measured; that is no reason to lose the rest.
    there = {number for (number,) in connection.execute("select agreement_id from agreements")}
    kept = progress[progress["agreement_id"].isin(there)]
    _insert(connection, "agreement_progress", day, kept, _PROGRESS)
    return len(kept)


def _agree(connection: sqlite3.Connection, one: Feedback, made_at: dt.datetime) -> Agreement:
    key = (one.rep_id, one.lever, one.action, one.agreed_on.isoformat())
    # Looked for first: an insert that comes to nothing would use up a number.
    there = connection.execute(
        f"select {_AGREEMENT} from agreements where (rep_id, lever, action, agreed_on) = (?, ?, ?, ?)", key
    ).fetchone()
    made = (
        there
        or connection.execute(
            "insert into agreements (rep_id, lever, action, agreed_on, review_on, made_at) "
            f"values (?, ?, ?, ?, ?, ?) returning {_AGREEMENT}",
            (*key, one.review_on.isoformat(), made_at.isoformat()),
        ).fetchone()
    )
    return _agreement(made)


def _agreement(row: tuple[Any, ...]) -> Agreement:
    rep_id, lever, action, agreed_on, review_on, agreement_id, made_at = row
    return Agreement(
        rep_id,
        lever,
        action,
        dt.date.fromisoformat(agreed_on),
        dt.date.fromisoformat(review_on),
        agreement_id,
        dt.datetime.fromisoformat(made_at),
    )
