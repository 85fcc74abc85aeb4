"""Run records: what is known of one report, in a JSON file beside it, from which index and mails are made."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spm_lib.errors import RunError, one_line

#: What a report is about.
Kind = Literal["company", "team", "rep"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Published(BaseModel):
    # The study may publish more than the press needs; what it needs is checked.
    model_config = ConfigDict(extra="allow", frozen=True)


class Kpi(_Published):
    """One published figure; `text` is its value as a reader sees it."""

    metric: str
    label: str
    text: str
    value: float | int | str | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    comparison: Any = None


class Published(_Published):
    """What a notebook published: the only figures that leave it."""

    version: Literal[1]
    headline: str = Field(min_length=1)
    kpis: tuple[Kpi, ...] = ()
    actions: tuple[Any, ...] = ()
    people: tuple[Any, ...] = ()
    deals: tuple[Any, ...] = ()
    data_date: dt.date | None = None


class Failure(_Part):
    """Why there is no report.

    Parameters
    ----------
    error, message
        Name and message of the error.
    cell
        The cell, counted from 1 as in the notebook's source; None where no cell is to blame.
    line
        First line of the cell's source.
    """

    error: str
    message: str
    cell: int | None = None
    line: str = ""

    def __str__(self) -> str:
        at = f"cell {self.cell} ({one_line(self.line, 60)}): " if self.cell else ""
        return one_line(f"{at}{self.error}: {self.message}" if self.message else f"{at}{self.error}")


@dataclass(frozen=True)
class Made:
    """What a worker tells of one job.

    Parameters
    ----------
    failure
        Why there is no report; None where there is one.
    publications, published
        How often the notebook published, and what it published last.
    notes
        What was left out of the page.
    seconds
        Time taken, by step.
    versions
        Versions of Python and the libraries.
    held
        Whether the report was made and is kept from its readers for the reason in `failure`.
    ordinary
        Why its kernel was an ordinary one; None where it was warm.
    """

    failure: Failure | None
    publications: int = 0
    published: Published | None = None
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    held: bool = False
    ordinary: str | None = None


class RunRecord(_Part):
    """One run of one report.

    Parameters
    ----------
    spec, notebook, team, team_name, period, period_title, period_end, as_of, data_date, source
        As in the job; `team` is None for the company.
    rep, rep_name
        The rep that it is about, in the team of the report's day; None where it is about a team or the company.
    parameters, fingerprint
        What the notebook was given, and the hash of all that the report was made of.
    status
        ``done``, ``failed``, or ``held``: made, and kept from its readers until its owner has looked.
    warnings
        What a reader must know though the report was made, such as stale data or nothing published.
    notices
        Those of them that stand at the top of page and mail.
    audience
        Whom it was made for, see `spm_lib.press.audience`.
    started, finished
        When, in UTC.
    seconds
        Time taken: ``execute`` (kernel and cells), ``cells``, ``render``.
    failure
        Why there is no report or nobody gets it, where it failed or is held.
    publications
        How often the notebook published: once, where all is well.
    published
        What it published last.
    versions
        Versions of Python and the libraries.
    """

    version: Literal[1] = 1
    spec: str
    notebook: str
    team: str | None
    team_name: str
    period: str
    period_title: str
    period_end: dt.date
    as_of: dt.date
    data_date: dt.date | None
    source: str
    parameters: dict[str, Any]
    fingerprint: str
    status: Literal["done", "failed", "held"]
    warnings: tuple[str, ...] = ()
    started: dt.datetime
    finished: dt.datetime
    seconds: dict[str, float] = Field(default_factory=dict)
    failure: Failure | None = None
    publications: int = 0
    published: Published | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    rep: str | None = None
    rep_name: str | None = None
    notices: tuple[str, ...] = ()
    audience: str = "manager"

    @property
    def subject(self) -> tuple[str, str | None, str | None]:
        """Spec, team and rep: what one line of the index stands for. A rep who moves to another team stays the same."""
        return self.spec, self.team if self.rep is None else None, self.rep

    @property
    def kind(self) -> Kind:
        """What the report is about."""
        return "company" if self.team is None else "team" if self.rep is None else "rep"

    @property
    def name(self) -> str:
        """The name of the rep, or of the team."""
        return self.team_name if self.rep is None else self.rep_name or self.rep


def check_published(plain: object) -> Published:
    """Check what a notebook published.

    Raises
    ------
    RunError
        Where it is not what a mail or an index could show.
    """
    try:
        json.dumps(plain, allow_nan=False)
        return Published.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunError(f"what was published is wrong at '{place}': {first['msg']}") from None
    except (TypeError, ValueError):
        raise RunError("what was published is not JSON", mend="Unknown is null, never NaN") from None


def to_json(record: RunRecord) -> str:
    """Give the record as JSON text."""
    return json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_record(path: Path) -> RunRecord:
    """Read a record.

    Raises
    ------
    RunError
        Where the file is missing, damaged, or written by a newer version.
    """
    try:
        return RunRecord.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunError("there is no record here", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"the record cannot be read ({type(error).__name__})", where=str(path)) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"this is not a record this version reads ({place or 'file'}: {first['msg']})",
            where=str(path),
            mend="Make the report again with --force",
        ) from None
