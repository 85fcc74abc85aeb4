"""Who may read what: whom a spec may send coaching to, and the parts of a report that are the manager's alone."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from spm_lib.errors import one_line
from spm_lib.press.notebook import content, first_line, number_of, outputs
from spm_lib.press.recipients import MANAGERS, THE_REP
from spm_lib.press.spec import Spec

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from spm_lib.press.parameters import Parameter

#: The parameter of a notebook that carries coaching: who reads the report.
AUDIENCE = "audience"

#: Who does: those who may read coaching, everybody in a team, or the one rep that the report is about.
MANAGER, TEAM, REP = "manager", "team", "rep"

#: Tag of the title of a notebook of which nothing is left without what is the manager's alone.
MANAGERS_TAG = "managers"

#: On what is the manager's alone stands ``data-audience="manager"``, among published figures ``"audience": "manager"``.
MARK = "data-audience"


def audience_of(spec: Spec) -> str:
    """Tell who gets a spec's reports: ``manager``, ``team`` or, of reports per rep, ``rep``."""
    deliver = spec.content.deliver
    if deliver is None:
        return MANAGER
    if deliver.audience == TEAM:
        return TEAM
    own = spec.content.for_each.rep is not None and THE_REP in (*deliver.to, *deliver.cc)
    return REP if own else MANAGER


def refuse_recipients(spec: Spec, known: Mapping[str, Parameter]) -> None:
    """Raise where a spec would send what is for managers alone to others, or a page of which nothing is left for them.

    Parameters
    ----------
    spec
        Its recipients. A report that carries coaching, or is about one rep, goes to managers, to the rep that it is
        about, and to those named under ``leaders``, and into no chat; with ``audience: team`` to anybody.
    known
        The parameters that its notebook declares. One that carries coaching has `AUDIENCE` among them.

    Raises
    ------
    SpecError
        It names the line of the recipient, or of the audience.
    """
    deliver, for_each = spec.content.deliver, spec.content.for_each
    if deliver is not None and deliver.audience == TEAM and _is_for_managers(spec):
        raise spec.document.error(
            f"'{one_line(spec.content.notebook, 80)}' is for managers alone: nothing of it is left for a team",
            "deliver",
            "audience",
            mend="Take out audience: team, and send it to managers or to those under leaders: [ADDRESS]",
        )
    personal = AUDIENCE in known or for_each.rep is not None
    if deliver is None or deliver.audience == TEAM or not personal:
        return
    allowed = {leader.casefold() for leader in deliver.leaders}
    # A report on the company is about all teams: no team's manager may read of the others' people.
    allowed |= set(MANAGERS) if for_each.company is None else set()
    allowed |= {THE_REP} if for_each.rep is not None else set()
    for key, addresses in (("to", deliver.to), ("cc", deliver.cc)):
        for at, address in enumerate(addresses):
            if address.casefold() not in allowed:
                raise spec.document.error(
                    f"'{one_line(address, 80)}' would read what is for managers alone",
                    "deliver",
                    key,
                    at,
                    mend="Write audience: team under deliver, which leaves that out, or leaders: [ADDRESS] for those who "
                    "may read it",
                )
    if deliver.chat:
        raise spec.document.error(
            "a chat would be told of what is for managers alone",
            "deliver",
            "chat",
            0,
            mend="Write audience: team under deliver, which leaves that out, or take the chat out",
        )


def _is_for_managers(spec: Spec) -> bool:
    return any(MANAGERS_TAG in cell.tags for cell in content(spec.notebook).cells)


def managers_alone(book: NotebookNode) -> tuple[str, ...]:
    """Give the cells of an executed notebook whose outputs hold what is the manager's alone.

    Returns
    -------
    tuple of str
        Each as ``cell 7 (report.coaching())``.
    """
    found = [cell for cell, output in outputs(book) if _marked(output)]
    return tuple(dict.fromkeys(f"cell {number_of(book, cell)} ({first_line(cell)})" for cell in found))


def _marked(value: Any) -> bool:
    if isinstance(value, str):
        return MARK in value.casefold() and _Marks(value).found
    if isinstance(value, Mapping):
        return value.get(AUDIENCE) == MANAGER or any(map(_marked, value.values()))
    if isinstance(value, list):
        # Notebook files may hold text as a list of lines.
        lines = all(isinstance(each, str) for each in value)
        return _marked("".join(value)) if lines else any(map(_marked, value))
    return False


class _Marks(HTMLParser):
    """Tells whether any element carries the mark."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the mark."""
        self.found |= any(name == MARK and (said or "").strip().casefold() == MANAGER for name, said in attrs)
