"""The report page: an nbconvert exporter with a template of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from traitlets import default

from spm_lib import theme
from spm_lib.press.notebook import published
from spm_lib.press.render.blocks import body_of

#: Rule of all pages: no request, no script, no form.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

TEMPLATES = Path(__file__).parent / "templates"


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


class ReportExporter(TemplateExporter):
    """Exports an executed notebook as one page that asks for nothing else.

    The page's facts come as ``resources["facts"]``; ``resources["code"]`` keeps the code, folded. What was
    left out comes back as ``resources["notes"]``.
    """

    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "base"

    @default("template_file")
    def _template_file_default(self) -> str:
        return "report.html.j2"

    @default("extra_template_basedirs")
    def _default_extra_template_basedirs(self) -> list[str]:
        return []  # nbconvert's default is the current folder, where anybody's template may lie

    def _create_environment(self) -> jinja2.Environment:
        return environment()

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Render `nb`."""
        resources = dict(resources or {})
        body = body_of(nb, code=bool(resources.get("code")))
        resources["notes"] = body.notes
        headline = _headline(nb)
        resources["page"] = {
            "title": body.title,
            # The headline heads the page: where the notebook shows it too, once is enough.
            "blocks": [block for block in body.blocks if not block.is_heading(headline)],
            "headline": headline,
            "facts": resources.get("facts", Facts()),
        }
        html, given = super().from_notebook_node(nb, resources, **kw)
        return html, given


def environment() -> jinja2.Environment:
    """Give the environment of all pages: what is not marked as clean is escaped, an unknown name an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(policy=Markup(POLICY), css=Markup(style()), lang="en")
    return made


def style() -> str:
    """Give the style sheet of all pages."""
    return theme.css() + (TEMPLATES / "page.css").read_text("utf-8")


def render(book: NotebookNode, facts: Facts, *, code: bool = False) -> tuple[str, tuple[str, ...]]:
    """Render an executed notebook.

    Parameters
    ----------
    book
        The notebook.
    facts
        What the page says besides.
    code
        Whether to keep the code, folded.

    Returns
    -------
    tuple
        The page, and notes on what was left out.

    Raises
    ------
    RunError
        Where a picture has no text for those who do not see it.
    """
    exporter = ReportExporter()  # type: ignore[no-untyped-call]
    html, resources = exporter.from_notebook_node(book, {"facts": facts, "code": code})
    return html, resources["notes"]


def _headline(book: NotebookNode) -> str:
    found = [each.get("headline") for each in published(book) if isinstance(each, dict)]
    return next((text for text in reversed(found) if isinstance(text, str)), "")
