"""The report page: an nbconvert exporter with a template of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from traitlets import Bool, default

from spm_lib.press.render.blocks import Block, Body, body_of
from spm_lib.press.render.facts import Facts, facts_of, headline_of
from spm_lib.press.render.links import link_teams
from spm_lib.press.render.pages import environment
from spm_lib.press.render.sections import outline


class ReportExporter(TemplateExporter):
    """Exports an executed notebook as one page that asks for nothing else.

    The page's facts come as ``resources["facts"]``, its cells as ``resources["body"]``; without them both are read off
    the notebook. What was left out of the page comes back as ``resources["notes"]``.
    """

    export_from_notebook = "Sales report (HTML)"
    output_mimetype = "text/html"

    code = Bool(False, help="Keep the notebook's code, folded.").tag(config=True)

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
        facts = resources.get("facts") or facts_of(nb)
        body = resources.get("body") or body_of(nb, code=self.code)
        headline = headline_of(nb)
        blocks = [_linked(block, facts) for block in body.blocks]
        resources["notes"] = body.notes
        resources["page"] = {
            "title": body.title,
            "headline": headline,
            "outline": outline(blocks, headline=headline),
            "facts": facts,
            "running_foot": Markup(_css_text(facts.about or headline or body.title)),
        }
        html, given = super().from_notebook_node(nb, resources, **kw)
        return html, given


def render(book: NotebookNode, facts: Facts, body: Body | None = None) -> tuple[str, tuple[str, ...]]:
    """Render an executed notebook.

    Parameters
    ----------
    book
        The notebook.
    facts
        What the page says besides.
    body
        Its cells, where they are at hand; otherwise they are read off it, without code.

    Returns
    -------
    tuple
        The page, and notes on what was left out.

    Raises
    ------
    RunError
        Where a picture has no text for those who do not see it.
    """
    html, resources = _exporter().from_notebook_node(book, {"facts": facts, "body": body})
    return html, resources["notes"]


@lru_cache
def _exporter() -> ReportExporter:
    """Give this process's exporter: with each new one Jinja would compile the templates anew."""
    return ReportExporter()  # type: ignore[no-untyped-call]


def _linked(block: Block, facts: Facts) -> Block:
    return replace(block, html=link_teams(block.html, facts.team_pages)) if block.kind == "output" else block


def _css_text(text: str) -> str:
    """Give text as it may stand in a string of a style sheet: any name, each odd character by its number."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in text[:120])
