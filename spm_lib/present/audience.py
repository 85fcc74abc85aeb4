"""What is the manager's alone: marked, so that no report for others can carry it, and left out of theirs."""

from __future__ import annotations

import re
from dataclasses import replace

from markupsafe import Markup

from spm_lib.present.display import EMPTY, Block, nothing
from spm_lib.present.findings.coaching_words import MANAGER as MANAGER
from spm_lib.present.findings.coaching_words import WITHHELD

_MARK = f' data-audience="{MANAGER}"'
_FIRST_TAG = re.compile(r"<\w+")


def managers_alone(block: Block, audience: str = MANAGER) -> Block:
    """Mark a block as the manager's alone; for other readers it is left out.

    Parameters
    ----------
    block
        One element, such as a heading or a table.
    audience
        Who reads the report: ``manager`` or ``team``.
    """
    if audience != MANAGER or not block.html:
        return EMPTY
    marked = _FIRST_TAG.sub(lambda tag: tag[0] + _MARK, str(block.html), count=1)
    return replace(block, html=Markup(marked))


def withheld() -> Block:
    """Say in one quiet line that coaching is not for these readers."""
    return nothing(WITHHELD)
