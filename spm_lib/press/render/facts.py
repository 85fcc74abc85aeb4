"""What a page says of a report besides the notebook's own words: from its job, or read off the notebook."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from spm_lib.errors import one_line
from spm_lib.press.notebook import INJECTED_TAG, PARAMETERS_TAG, published, tags
from spm_lib.press.render.locales import locale_of
from spm_lib.settings import DEFAULT_LOCALE
from spm_lib.theme import Look

#: Longer than this, a name is no heading.
_NAME = 200


@dataclass(frozen=True)
class Facts:
    """What a page says of the report besides the notebook's own words.

    Parameters
    ----------
    team_name, period_title
        Whom and when it is about.
    as_of, data_date
        The day it speaks of, and the last one of its data.
    currency, source
        Of the data.
    parameters
        All that the notebook was given.
    versions
        Of Python and the libraries.
    warnings
        What the reader must know first.
    locale
        How days and counts are written.
    team_pages
        Where the page of each team stands, by the team's id, relative to this page.
    """

    team_name: str = ""
    period_title: str = ""
    as_of: dt.date | None = None
    data_date: dt.date | None = None
    currency: str = ""
    source: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    locale: str = DEFAULT_LOCALE
    team_pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """Whom and when the report is about, in one line."""
        return " · ".join(part for part in (self.team_name, self.period_title) if part)

    @property
    def age(self) -> str:
        """How old the data are, in words: ``data to Dec 31, 2017, 2 days before the day of this report``."""
        if self.data_date is None:
            return ""
        said = f"data to {self.day(self.data_date)}"
        days = (self.as_of - self.data_date).days if self.as_of else 0
        if days <= 0:
            return said
        return f"{said}, {self.count(days)} {'day' if days == 1 else 'days'} before the day of this report"

    def day(self, day: dt.date) -> str:
        """Write a day as people do."""
        return Look(locale=self.locale).date(day)

    def count(self, number: int) -> str:
        """Write a count as people do, whole: ``1,234``."""
        return Look(locale=self.locale).value(number, "count", compact=False)


def headline_of(book: NotebookNode) -> str:
    """Give the headline that a notebook published last; empty where it published none."""
    found = [each.get("headline") for each in published(book) if isinstance(each, dict)]
    return next((text for text in reversed(found) if isinstance(text, str)), "")


def facts_of(book: NotebookNode) -> Facts:
    """Read the facts off an executed notebook that no press has run: what it published, and its parameters."""
    said: dict[str, Any] = next((each for each in reversed(published(book)) if isinstance(each, dict)), {})
    parameters = _parameters(book)

    def text(name: str, otherwise: object = "") -> str:
        value = said.get(name, otherwise)
        return one_line(value, _NAME) if isinstance(value, str) else ""

    language = book.metadata.get("language_info", {})
    version = language.get("version") if language.get("name") == "python" else None
    return Facts(
        team_name=text("name"),
        period_title=text("period", parameters.get("period")),
        as_of=_day(said.get("as_of")) or _day(parameters.get("as_of")),
        data_date=_day(said.get("data_date")),
        currency=text("currency"),
        source=text("source"),
        parameters=parameters,
        versions={"python": one_line(version, 40)} if isinstance(version, str) else {},
        locale=locale_of(said.get("locale")),
    )


def _parameters(book: NotebookNode) -> dict[str, Any]:
    """Give the values that the notebook ran with: its own defaults, and those put in their place."""
    found: dict[str, Any] = {}
    for tag in (PARAMETERS_TAG, INJECTED_TAG):
        for cell in book.cells:
            if cell.cell_type == "code" and tag in tags(cell):
                found |= _assigned(cell.source)
    return found


def _assigned(source: str) -> dict[str, Any]:
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        body = ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError):
        return {}
    found = {}
    for statement in body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = _literal(value)
    return found


def _literal(node: ast.expr) -> Any:
    """Give a value that a page can show: what is no literal, or holds what JSON does not have, as it is written."""
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
    except (ValueError, TypeError, SyntaxError):
        return ast.unparse(node)
    return value


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
