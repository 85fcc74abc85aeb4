"""Markdown to HTML: what looks like HTML in it stays text, and dollar signs are money, not mathematics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import mistune

from spm_lib.press.render.clean import Cleaned, clean

_PLUGINS = ("table", "strikethrough", "def_list")


class _Renderer(mistune.HTMLRenderer):
    def __init__(self, *, links: bool, attachments: Mapping[str, Any]) -> None:
        super().__init__(escape=True)
        self._links = links
        self._attachments = attachments

    def link(self, text: str, url: str, title: str | None = None) -> str:
        # In computed text a link can only come from a name.
        return super().link(text, url, title) if self._links else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not self._links:
            return text
        data = self._attachments.get(url.removeprefix("attachment:"), {})
        for kind, encoded in data.items():
            if kind in ("image/png", "image/jpeg", "image/gif"):
                url = f"data:{kind};base64,{''.join(str(encoded).split())}"
        return super().image(text, url, title)

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        # A header cell must say what it heads.
        tag = 'th scope="col"' if head else "td"
        style = f' style="text-align:{align}"' if align else ""
        return f"  <{tag}{style}>{text}</{tag[:2]}>\n"


def render_markdown(source: str, *, own: bool, attachments: Mapping[str, Any] | None = None) -> Cleaned:
    """Render Markdown.

    Parameters
    ----------
    source
        The text.
    own
        Whether the notebook's author wrote it; text that a cell computed may hold names, and makes no link or
        picture.
    attachments
        Pictures pasted into the cell.
    """
    renderer = _Renderer(links=own, attachments=attachments or {})
    markdown = mistune.create_markdown(escape=True, renderer=renderer, plugins=_PLUGINS)
    return clean(str(markdown(source)), links=own)


def split_title(source: str) -> tuple[str, str]:
    """Give the text of a Markdown cell's first top heading, where it begins with one, and the rest."""
    lines = source.lstrip().split("\n", 1)
    found = re.fullmatch(r"#\s+(.+?)\s*#*\s*", lines[0])
    if not found:
        return "", source
    return found[1], lines[1] if len(lines) > 1 else ""
