"""Leaks: names of others' teams, people, deals and accounts in a report that is one team's, or one rep's."""

from __future__ import annotations

import base64
import html
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

from spm_lib.data.names import SHARED, Named, find_names, words_of
from spm_lib.data.store import open_store
from spm_lib.errors import one_line
from spm_lib.press.notebook import outputs
from spm_lib.press.plan import Job
from spm_lib.press.render.svg import DRAWN

#: Shorter numbers stand in every report.
_LEAST_DIGITS = 6

_STYLE = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
#: Marks within a word, which part nothing for who reads it.
_WITHIN = re.compile(
    r"(?<=\w)(?:</?(?:a|b|em|font|i|mark|small|span|strong|sub|sup|u)\b[^<>]*>)+(?=\w)", re.IGNORECASE
)
_SAID = re.compile(r"""(?:alt|title|aria-label|data-[a-z-]+|href)=(?:"([^"]*)"|'([^']*)')""")


def leaks(job: Job, book: NotebookNode) -> tuple[str, ...]:
    """Give the names and ids in a notebook's outputs that are others' than its team's or, of one on a rep, the rep's.

    Parameters
    ----------
    job
        Its team, and those below, may be named with all that was ever theirs; so may the teams above it by name. A rep's
        report names the rep, the deals that the rep ever owned or had an activity on, their accounts, and by name the
        rep's managers and teams; nobody else.
    book
        The executed notebook.

    Returns
    -------
    tuple of str
        Each as ``deal 'Acme renewal'``; none for a report on the whole company.
    """
    if job.team is None:
        return ()
    readers = set(job.scope) if job.rep is None else {job.rep}
    with open_store(job.store) as store:
        text, *shared = words_of(store, [" ".join(_said(book)), *job.shared_names, *job.above])
        words = text.split(" ")
        pairs = {" ".join(pair) for pair in itertools.pairwise(words)}
        found = find_names(store, {*words, *pairs}, "teams" if job.rep is None else "reps")
    allowed = {each.words for each in found if each.readers & readers or each.kind == SHARED} | set(shared)
    others = {each.words for each in found if _says_whose(each)} - allowed
    rest, standing = f" {text} ", set()
    # The longest first: a name may be part of one that may stand here, or one that may stand here of another's.
    for name in sorted((allowed | others) - {""}, key=len, reverse=True):
        while f" {name} " in rest and name not in standing:
            if name in allowed:
                rest = rest.replace(f" {name} ", "  \0  ")
            else:
                standing.add(name)
    return tuple(dict.fromkeys(_told(each) for each in found if each.words in standing))


def _says_whose(name: Named) -> bool:
    chance = name.words.isdigit() and len(name.words) < _LEAST_DIGITS
    return not chance and len(name.words) > 1


def _told(name: Named) -> str:
    return f"{name.kind} '{one_line(name.name, 60)}'"


def _said(book: NotebookNode) -> Iterator[str]:
    for _, output in outputs(book):
        for text in _texts(output):
            yield from _plain(text)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key == "metadata":
                yield from _alts(each)
            elif not (isinstance(each, str) and key in ("image/png", "image/jpeg")):
                yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _alts(metadata: Any) -> Iterator[str]:
    """Give what a page says of pictures to those who do not see them; of metadata it shows nothing else."""
    if isinstance(metadata, Mapping):
        for key, each in metadata.items():
            if key == "alt" and isinstance(each, str):
                yield each
            else:
                yield from _alts(each)


def _plain(text: str) -> Iterator[str]:
    """Give what a reader of HTML sees or hears, pictures drawn in text included; plain text as it is."""
    for picture in DRAWN.finditer(text):
        yield from _plain(base64.b64decode(picture[2] + "==").decode("utf-8", "replace"))
    text = _STYLE.sub(" ", DRAWN.sub(" ", text))
    for said in _SAID.finditer(text):
        yield html.unescape(said[1] or said[2] or "")
    yield html.unescape(_TAG.sub(" ", text))
    whole = _WITHIN.sub("", text)
    if whole != text:
        yield html.unescape(_TAG.sub(" ", whole))
