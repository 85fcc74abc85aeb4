"""Links between reports: a team's name becomes a link where that team's page stands, and stays text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from markupsafe import Markup

#: As a notebook writes it: ``<span class="spm-team-link" data-team="west">West</span>``, without a span inside.
_SPAN = re.compile(
    r'<span(?P<attributes>(?: [a-z-]+="[^"]*")*)>(?P<name>(?:(?!</?span\b).)*)</span>', re.DOTALL
)
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def link_teams(html: Markup, pages: Mapping[str, str]) -> Markup:
    """Link the teams that cleaned HTML names.

    Parameters
    ----------
    html
        What `spm_lib.press.render.clean.clean` has left: every attribute quoted, every name escaped.
    pages
        Relative address of each team's page, by the team's id.
    """

    def linked(found: re.Match[str]) -> str:
        attributes = dict(_ATTRIBUTE.findall(found["attributes"]))
        if "spm-team-link" not in attributes.get("class", "").split():
            return found[0]
        page = pages.get(unescape(attributes.get("data-team", "")))
        name = Markup(found["name"])
        if page is None:
            return str(Markup("<span>{}</span>").format(name))
        return str(Markup('<a class="spm-team-link" href="{}">{}</a>').format(page, name))

    return Markup(_SPAN.sub(linked, html))
