"""What the commands share: their options, and what is read of them."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from spm_lib.errors import ParameterError
from spm_lib.settings import Settings

StoreOption = Annotated[
    Path | None, typer.Option("--store", help="The store's file (else SPM_STORE, else data/store.duckdb).")
]
ReportsOption = Annotated[
    Path | None, typer.Option("--reports", help="The folder of reports (else SPM_REPORTS, else reports/).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", help="2017-Q4, 2017-10, FY2018-Q1, last-quarter …")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="The day to speak of: yyyy-mm-dd, latest (of the data) or today."),
]
RunSpecArgument = Annotated[
    Path, typer.Argument(metavar="SPEC", help="The run spec, for instance params/team_performance.yml.")
]
TeamsOption = Annotated[
    list[str] | None, typer.Option("--team", help="Only these teams' reports, or their reps'.")
]
RepsOption = Annotated[list[str] | None, typer.Option("--rep", help="Only these reps' reports.")]
ParameterOption = Annotated[
    list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE for the notebook.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Reports made side by side; by default one a core.")
]


def settings_of(*, store: Path | None = None, reports: Path | None = None) -> Settings:
    """Give the settings of the environment, with what the options say instead."""
    environ = dict(os.environ)
    if store is not None:
        environ["SPM_STORE"] = str(store)
    if reports is not None:
        environ["SPM_REPORTS"] = str(reports)
    return Settings.from_environment(environ, Path.cwd())


def now() -> dt.datetime:
    """Give the time here."""
    return dt.datetime.now(dt.UTC).astimezone()


def utc() -> dt.datetime:
    """Give the time in UTC."""
    return dt.datetime.now(dt.UTC)


def day_of(text: str | None) -> dt.date | None:
    """Give the day that ``--as-of`` means; None for the last one of the data."""
    from spm_lib.periods import parse_date

    if text in (None, "latest"):
        return None
    return now().date() if text == "today" else parse_date(str(text))


def split(values: list[str] | None) -> tuple[str, ...]:
    """Give the values of an option that takes several, by commas too."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def parameters_of(pairs: list[str] | None) -> dict[str, object]:
    """Read NAME=VALUE pairs."""
    found: dict[str, object] = {}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not sign:
            raise ParameterError(
                f"'{pair}' is no parameter", mend="Write NAME=VALUE, for instance -p top_deals=15"
            )
        found[name.strip()] = _plain(value)
    return found


def _plain(text: str) -> object:
    """Give `text` as JSON reads it, else as it is: 15 is a number, 2017-Q4 is text."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text
