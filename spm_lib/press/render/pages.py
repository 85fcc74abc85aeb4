"""What all pages share: their policy, their style, and the environment of their templates."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from spm_lib import theme

#: Rule of all pages: no request, no script, no form.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Give the environment of all pages: what is not marked as clean is escaped, an unknown name an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        policy=Markup(POLICY),
        css=Markup(style()),
        report_css=Markup(sheet("report.css")),
        lang="en",
    )
    return made


def style() -> str:
    """Give the style sheet of all pages."""
    return theme.css() + sheet("page.css")


def sheet(name: str) -> str:
    """Give one of the style sheets beside the templates."""
    return (TEMPLATES / name).read_text("utf-8")
