"""The mail body: cells tagged ``email`` as HTML that all mail programs show, pictures beside it, and plain text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import css_inline
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from traitlets import default

from spm_lib.errors import ParameterError, RunError, one_line
from spm_lib.press.notebook import published
from spm_lib.press.render.blocks import Body, body_of
from spm_lib.press.render.eml import SUBJECT_LIMIT, Mail, to_eml
from spm_lib.press.render.facts import Facts, facts_of, headline_of
from spm_lib.press.render.letter import Letter, Shown, plain
from spm_lib.press.render.pages import environment
from spm_lib.press.render.parts import (
    KeyFigure,
    KeyFigures,
    Line,
    Part,
    Picture,
    Table,
    Words,
    parts_of,
)
from spm_lib.press.render.pictures import shown_size, to_png
from spm_lib.theme import DARK, LIGHT

#: What Gmail cuts begins near 102 KB; a mail that is cut shows no end.
HTML_LIMIT = 80_000
PICTURE_LIMIT = 8
#: Of HTML and pictures, in the letters in which they travel.
TOTAL_LIMIT = 600_000

_ROWS = 12
_COLUMNS = 6
_CHARACTERS = 2_000


def mail_of(
    book: NotebookNode, facts: Facts, body: Body | None = None, *, link: str = ""
) -> tuple[Mail, tuple[str, ...]]:
    """Write the mail body of an executed notebook.

    Parameters
    ----------
    book
        The notebook. Its cells tagged ``email`` are the mail; where none of them shows key figures, those that it
        published do.
    facts
        What the mail says besides.
    body
        The notebook's cells, where they are at hand: to clean them is half of the work.
    link
        Address of the report, for a button at the end; http or https.

    Returns
    -------
    tuple
        The mail, and notes on what was left out of it.

    Raises
    ------
    RunError
        Where a picture has no text for those who do not see it.
    ParameterError
        Where `link` is no address.
    """
    if link and not re.match(r"https?://[^\s/]", link):
        raise ParameterError(
            "this is no address of a report", where=one_line(link, 80), mend="Write https://…"
        )
    headline = headline_of(book)
    body = body or body_of(book)
    blocks = [b for b in body.blocks if b.email and b.kind != "code" and not b.is_heading(headline)]
    notes: list[str] = []
    parts = [part for block in blocks for part in _short(parts_of(block.html), facts)]
    if not any(isinstance(part, KeyFigures) for part in parts):
        figures = tuple(_figures_of(book, facts))
        parts = [*([KeyFigures(figures)] if figures else []), *parts]
    pictures: dict[str, bytes] = {}
    shown = tuple(_with_pictures(parts, pictures, notes))
    title = one_line(headline or body.title or "Report", SUBJECT_LIMIT)
    letter = Letter(
        headline=title,
        about=facts.about,
        aside=_aside(facts),
        preheader=_preheader(title, facts, parts),
        warnings=facts.warnings,
        parts=shown,
        closing="The report holds what is not in this mail: all sections, the data of every figure, "
        "definitions and parameters.",
        link=link,
    )
    return _fitted(letter, pictures, notes), tuple(notes)


def letter_mail(letter: Letter, whole: Letter | None = None) -> Mail:
    """Write a letter without pictures as a mail.

    Parameters
    ----------
    letter
        What its HTML says; whoever writes it sees to its length.
    whole
        What its plain text says, where that is more: mail programs cut long HTML alone.
    """
    return _written(letter, whole or letter, {})


class EmailExporter(Exporter):
    """Exports an executed notebook's mail body as an ``.eml`` draft.

    One file, as that is what JupyterLab downloads: any mail program opens it and shows what its readers will
    get, pictures as parts and the plain text included. HTML alone would need ``data:`` pictures, which mail
    programs drop. The frozen value comes back as ``resources["mail"]``, what was left out as
    ``resources["notes"]``.
    """

    export_from_notebook = "Sales report, mail body (EML)"
    output_mimetype = "message/rfc822"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".eml"

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Write the mail body of `nb`."""
        book, given = super().from_notebook_node(nb, resources, **kw)
        facts = given.get("facts") or facts_of(book)
        given["mail"], given["notes"] = mail_of(book, facts)
        return to_eml(given["mail"]), given


def _aside(facts: Facts) -> str:
    said = " · ".join(p for p in (facts.age, f"amounts in {facts.currency}" if facts.currency else "") if p)
    return said[:1].upper() + said[1:]


def _figures_of(book: NotebookNode, facts: Facts) -> Iterator[KeyFigure]:
    """Give the key figures that a notebook published, for a mail whose cells show none."""
    said = [each for each in published(book) if isinstance(each, dict)]
    for kpi in said[-1].get("kpis", ()) if said else ():
        if isinstance(kpi, dict) and kpi.get("label") and kpi.get("text"):
            n = f"n {facts.count(kpi['n'])}" if isinstance(kpi.get("n"), int) else ""
            yield KeyFigure(
                one_line(kpi["label"], 80), one_line(kpi["text"], 80), _compared(kpi.get("comparison")), n
            )


def _compared(change: object) -> tuple[Line, ...]:
    """Give a published difference, and what it is against: alone it says nothing."""
    if not isinstance(change, dict) or not change.get("text"):
        return ()
    against = f" on {one_line(change['against'], 80)}" if change.get("against") else ""
    return (Line(f"{one_line(change['text'])}{against}"),)


def _short(parts: Iterable[Part], facts: Facts) -> Iterator[Part]:
    """Cut tables and long texts to what a mail bears, and say how much is left out."""
    for part in parts:
        if isinstance(part, Words) and len(part.text) > _CHARACTERS:
            yield replace(part, text=part.text[:_CHARACTERS].rstrip() + " … (the rest is in the report)")
            continue
        if not isinstance(part, Table):
            yield part
            continue
        over = len(part.rows) - _ROWS
        wide = max(len(row) for row in [part.heads, *part.rows]) - _COLUMNS
        yield Table(
            part.caption,
            part.heads[:_COLUMNS],
            tuple(row[:_COLUMNS] for row in part.rows[:_ROWS]),
            tuple(row[:_COLUMNS] for row in part.totals),
        )
        rest = [
            f"{facts.count(n)} more {what if n == 1 else what + 's'}"
            for n, what in ((over, "row"), (wide, "column"))
            if n > 0
        ]
        if rest:
            yield Words("note", f"In the report: {' and '.join(rest)}.")


def _with_pictures(
    parts: Iterable[Part], pictures: dict[str, bytes], notes: list[str]
) -> Iterator[Part | Shown]:
    for part in parts:
        if not isinstance(part, Picture):
            yield part
            continue
        try:
            png = to_png(part)
            if _travelling(*pictures.values(), png) > TOTAL_LIMIT:
                png = to_png(part, 1.0)
            width, height = shown_size(part)
        except RunError as error:
            notes.append(f"the mail shows no picture: {error}")
            yield Words("note", f"Picture: {part.alt}")
            continue
        if len(pictures) == PICTURE_LIMIT or _travelling(*pictures.values(), png) > TOTAL_LIMIT:
            yield Words("note", f"In the report: {part.alt}")
            continue
        cid = f"figure-{len(pictures) + 1}.{hashlib.sha256(png).hexdigest()[:16]}@spm"
        pictures[cid] = png
        yield Shown(cid, part.alt, width, height)


def _travelling(*pictures: bytes) -> float:
    """Give the bytes of a mail with these pictures at most, in the letters in which it travels."""
    return HTML_LIMIT + sum(map(len, pictures)) * 1.37


def _fitted(letter: Letter, pictures: dict[str, bytes], notes: list[str]) -> Mail:
    """Leave out what stands last until the mail is no longer than mail programs show."""
    left = list(letter.parts)
    while True:
        kept = {part.cid: pictures[part.cid] for part in left if isinstance(part, Shown)}
        now = replace(letter, parts=tuple(left))
        mail = _written(now, now, kept)
        if mail.size <= HTML_LIMIT or not left:
            return mail
        if len(left) == len(letter.parts):
            notes.append("the mail was too long: what stands last is in the report alone")
        del left[-max(1, len(left) // 10) :]


def _written(letter: Letter, whole: Letter, pictures: dict[str, bytes]) -> Mail:
    return Mail(letter.headline, _html(letter), _whole(plain(whole)), pictures)


def _preheader(headline: str, facts: Facts, parts: Sequence[Part]) -> str:
    """Give the fact first: lists of mails show some forty characters beside the subject."""
    rest = headline
    if facts.team_name and re.match(re.escape(facts.team_name) + r"(?!\w)", rest):
        # The subject names the team already.
        cut = re.sub(r"^[\s,:–-]*(?:(?:is|are|has|have)\s+)?", "", rest[len(facts.team_name) :])
        rest = cut[:1].upper() + cut[1:] if cut else rest
    if re.search(r"\d", rest[:40]):
        return rest
    figures = [f for part in parts if isinstance(part, KeyFigures) for f in part.figures]
    known = [f for f in figures if re.search(r"\d", f.value)]
    told = next((f for f in known if f.value in headline), known[0] if known else None)
    return rest if told is None else f"{one_line(told.label, 24)} {told.value}. {rest}"


def _html(letter: Letter) -> str:
    env = environment()
    page = env.get_template("mail.html.j2").render(letter=letter, css=_style(), light=LIGHT)
    return _inliner().inline(_whole(page)).replace("\r", "").strip() + "\n"


def _whole(text: str) -> str:
    """Give text without halves of characters, as damaged exports hold them: no mail can carry one."""
    return text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1)
def _style() -> Markup:
    return Markup(environment().get_template("mail.css.j2").render(light=LIGHT, dark=DARK))


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True, minify_css=True)
