"""The ledger: what the product itself has learned, in one SQLite file beside the store that no ingest touches.

A day is scored once and stays as it was written: a later report judges by it how good the flags of that day were. Readers
never wait for a writer and never create the file: a ledger that is not there is an empty one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger_columns import Kind, to_frame, to_rows
from spm_lib.data.ledger_file import LedgerFile
from spm_lib.errors import StoreError, one_line

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of records: fitted models, and rules that were measured where no model could be fitted.
MODEL, RULES = "deal_risk", "deal_rules"

#: Columns of a day's scores that are numbers which may be unknown.
CHANCES = ("won", "lost", "open", "at_risk", "promised_won", "usual_at_risk", "raw_score")

_SCORES: dict[str, Kind] = {
    "deal_id": "text",
    "horizon": "text",
    "horizon_ends_on": "day",
    "expected_close_on": "day",
    "due": "truth",
    **dict.fromkeys(CHANCES, "number"),
    "flagged": "truth",
    "reasons": "json",
    "rules": "json",
}

#: What `Ledger.record_scores` writes of each row, besides day and model.
SCORE_COLUMNS = tuple(_SCORES)


@dataclass(frozen=True)
class ModelRecord:
    """A model that was fitted.

    Parameters
    ----------
    model_id
        Its name, unique in the ledger.
    kind
        What it tells: ``deal_risk``.
    fitted_on
        The last day of which it knows anything.
    made_at
        When it was fitted.
    library
        Versions of the libraries that can read its file.
    file
        Its file's name in the folder of models (`models_folder`); None where none is kept.
    card
        What is known of it, as plain JSON values: data, splits, evaluation, gate.
    """

    model_id: str
    kind: str
    fitted_on: dt.date
    made_at: dt.datetime
    library: str
    file: str | None = None
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scoring:
    """A day that was scored.

    Parameters
    ----------
    as_of
        The day.
    model_id
        The model that scored it; None where rules alone did.
    made_at
        When.
    deals
        Number of open deals scored.
    note
        What a reader should know, for instance why there is no model; None where there is nothing.
    """

    as_of: dt.date
    model_id: str | None
    made_at: dt.datetime
    deals: int
    note: str | None = None


def ledger_path(store: Path) -> Path:
    """Give the path of the ledger beside the store's file at `store`."""
    return store.with_name(f"{store.stem}.ledger.sqlite")


def models_folder(store: Path) -> Path:
    """Give the folder beside the store's file at `store` in which fitted models are kept."""
    return store.with_name(f"{store.stem}.models")


class Ledger:
    """The ledger at a path; each call opens the file and closes it again.

    Parameters
    ----------
    path
        Its file, see `ledger_path`.

    Notes
    -----
    Every method raises `StoreError` where the file is no ledger, of a newer version, damaged, or kept locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = LedgerFile(path)

    def record_model(self, record: ModelRecord) -> bool:
        """Write a model down.

        Returns
        -------
        bool
            False where there is a model of that id already, which stands as it was.
        """
        row = (
            record.model_id,
            record.kind,
            record.fitted_on.isoformat(),
            record.made_at.isoformat(),
            record.library,
            record.file,
            json.dumps(dict(record.card), sort_keys=True, allow_nan=False),
        )
        with self._file.writing() as connection:
            made = connection.execute(
                "insert into models values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing", row
            )
            return made.rowcount == 1

    def record_scores(
        self,
        as_of: dt.date,
        model_id: str | None,
        frame: pd.DataFrame,
        note: str | None = None,
        *,
        made_at: dt.datetime,
    ) -> bool:
        """Write a day's scores down, all or none, once.

        Parameters
        ----------
        as_of
            The day.
        model_id
            The model that scored; None for rules alone.
        frame
            A row per deal and horizon with the columns `SCORE_COLUMNS`: dates as dates or datetimes, chances NaN where
            unknown, `reasons` and `rules` as lists of plain JSON values. Other columns are left out.
        note
            What a reader should know.
        made_at
            When this is.

        Returns
        -------
        bool
            False where the day is scored already: nothing is written then.
        """
        day = as_of.isoformat()
        deals = int(frame["deal_id"].nunique())
        rows = to_rows(frame, _SCORES)
        names = ", ".join(("as_of", "model_id", *SCORE_COLUMNS))
        marks = ", ".join("?" * (len(SCORE_COLUMNS) + 2))
        with self._file.writing() as connection:
            made = connection.execute(
                "insert into scorings values (?, ?, ?, ?, ?) on conflict do nothing",
                (day, model_id, made_at.isoformat(), deals, note),
            )
            if made.rowcount != 1:
                return False
            connection.executemany(
                f"insert into deal_scores ({names}) values ({marks})", ((day, model_id, *row) for row in rows)
            )
            return True

    def scores(
        self, as_of: dt.date, horizon: str | None = None, deals: Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Give the scores of a day, in order of deal and horizon.

        Parameters
        ----------
        as_of
            A scored day, see `latest`; of any other there are no rows.
        horizon
            Only this one: ``"30"``, ``"60"``, ``"90"`` or ``"period"``.
        deals
            Only these: of a large company's, a team's are read sooner.

        Returns
        -------
        pandas.DataFrame
            Columns as_of, deal_id, horizon, model_id, horizon_ends_on and expected_close_on (datetimes), due and flagged
            (booleans), won, lost, open, at_risk, promised_won, usual_at_risk (0 to 1) and raw_score (NaN where rules
            alone scored), reasons (lists of plain values), rules (lists of names).
        """
        columns: dict[str, Kind] = {
            "as_of": "day",
            "deal_id": "text",
            "horizon": "text",
            "model_id": "text",
            **_SCORES,
        }
        rows = self._file.rows(
            f"select {', '.join(columns)} from deal_scores where as_of = ? and (? is null or horizon = ?) "
            f"{'' if deals is None else 'and deal_id in (select value from json_each(?)) '}order by deal_id, horizon",
            (as_of.isoformat(), horizon, horizon, *(() if deals is None else (json.dumps(list(deals)),))),
        )
        return to_frame(rows, columns)

    def horizon_ends_on(self, as_of: dt.date, horizon: str) -> dt.date | None:
        """Give the last day that the scores of a day look ahead to; None where there are none."""
        days = self._file.rows(
            "select max(horizon_ends_on) from deal_scores where as_of = ? and horizon = ?",
            (as_of.isoformat(), horizon),
        )
        return next((dt.date.fromisoformat(day) for (day,) in days if day), None)

    def latest(self, as_of: dt.date) -> dt.date | None:
        """Give the last scored day up to `as_of`; None where there is none."""
        days = self._file.rows("select max(as_of) from scorings where as_of <= ?", (as_of.isoformat(),))
        return next((dt.date.fromisoformat(day) for (day,) in days if day), None)

    def scored_days(self) -> tuple[dt.date, ...]:
        """Give every scored day, earliest first."""
        return tuple(
            dt.date.fromisoformat(day) for (day,) in self._file.rows("select as_of from scorings order by 1")
        )

    def scoring(self, as_of: dt.date) -> Scoring | None:
        """Give how and when a day was scored; None where it was not."""
        rows = self._file.rows(
            "select model_id, made_at, deals, note from scorings where as_of = ?", (as_of.isoformat(),)
        )
        for model_id, made_at, deals, note in rows:
            return Scoring(as_of, model_id, dt.datetime.fromisoformat(made_at), deals, note)
        return None

    def flagged(self, as_of: dt.date) -> dict[str, int]:
        """Give the number of deals flagged on a day, by horizon."""
        rows = self._file.rows(
            "select horizon, sum(flagged) from deal_scores where as_of = ? group by horizon order by 1",
            (as_of.isoformat(),),
        )
        return dict(rows)

    def models(self, kind: str) -> tuple[ModelRecord, ...]:
        """Give the models of a kind, newest first: by the day they were fitted on, then by when."""
        rows = self._file.rows(
            "select model_id, kind, fitted_on, made_at, library, file, card from models where kind = ? "
            "order by fitted_on desc, made_at desc, model_id",
            (kind,),
        )
        return tuple(_model(row) for row in rows)

    def model(self, model_id: str) -> ModelRecord:
        """Give a model by its id.

        Raises
        ------
        StoreError
            Where the ledger has none of that id.
        """
        rows = self._file.rows(
            "select model_id, kind, fitted_on, made_at, library, file, card from models where model_id = ?",
            (model_id,),
        )
        if not rows:
            raise StoreError(
                f"the ledger has no model '{one_line(model_id, 80)}'",
                where=str(self.path),
                mend="Score again with: spm score",
            )
        return _model(rows[0])

    def digest(self, as_of: dt.date) -> str:
        """Give a hash of what a report as of a day can read here: equal while nothing was scored or agreed up to it."""
        rows = self._file.rows(
            "select as_of, model_id, made_at, deals, note from scorings where as_of <= ? order by 1",
            (as_of.isoformat(),),
        )
        told = [rows, CoachingLedger(self.path).digest(as_of)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _model(row: tuple[Any, ...]) -> ModelRecord:
    model_id, kind, fitted_on, made_at, library, file, card = row
    day, when = dt.date.fromisoformat(fitted_on), dt.datetime.fromisoformat(made_at)
    return ModelRecord(model_id, kind, day, when, library, file, json.loads(card))
