"""Sentences made of computed figures: plurals, lists of names, what changed on what."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from spm_lib.present.display import EMPTY, TITLE_LIMIT, Block, clean
from spm_lib.theme import DOWN, LEVEL, UP, Look, difference_unit, format_value, is_unknown

SENTENCE_LIMIT = 1200


def headline(text: str) -> Block:
    """Show the report's message, in one sentence, as its first heading."""
    said = clean(text, TITLE_LIMIT)
    return Block(Markup('<h2 class="spm spm-headline">{}</h2>').format(said), said)


def claim(text: str) -> Block:
    """Show the finding of a section as its heading; nothing, where nothing was found."""
    if not text.strip():
        return EMPTY
    said = clean(text, TITLE_LIMIT)
    return Block(Markup('<h2 class="spm spm-claim">{}</h2>').format(said), said)


def reading(*sentences: str) -> Block:
    """Show how to read the figure above, in one paragraph; empty sentences are left out."""
    said = " ".join(clean(s, SENTENCE_LIMIT) for s in sentences if s and s.strip())
    if not said:
        return EMPTY
    return Block(Markup('<p class="spm spm-reading">{}</p>').format(said), said)


def note(text: str) -> Block:
    """Show a remark in small type; nothing, where there is none."""
    if not text.strip():
        return EMPTY
    said = clean(text, SENTENCE_LIMIT)
    return Block(Markup('<p class="spm spm-note">{}</p>').format(said), said)


def plural(count: object, one: str, many: str | None = None, *, look: Look | None = None) -> str:
    """Count things in words: ``no deals``, ``1 deal``, ``1,234 deals``; ``an unknown number of deals`` for null.

    Parameters
    ----------
    count
        How many.
    one, many
        The word for one, and for more where it is not formed by an s.
    look
        How numbers are written.
    """
    many = many or f"{one}s"
    if is_unknown(count):
        return f"an unknown number of {many}"
    written = (look or Look()).value(count, "count", compact=False)
    if written == "1":
        return f"1 {one}"
    return f"no {many}" if written == "0" else f"{written} {many}"


def join_names(
    names: Iterable[object],
    *,
    limit: int = 3,
    what: str = "other",
    many: str | None = None,
    last: str = "and",
) -> str:
    """Join names in words: ``A, B and 3 others``.

    Parameters
    ----------
    names
        Names, cleaned and cut here.
    limit
        The most names to say; the rest is counted, but a single one more is said all the same.
    what, many
        The word for the rest, one and several.
    last
        The word before the last one.
    """
    said = [clean(name) for name in names]
    if not said:
        return "nobody" if what == "other" else f"no {many or what + 's'}"
    if len(said) > limit + 1:
        rest = len(said) - limit
        said = [*said[:limit], plural(rest, what, many)]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} {last} {said[-1]}"


def describe_change(
    difference: object,
    unit: str,
    against: str,
    *,
    significant: bool | None = True,
    look: Look | None = None,
) -> str:
    """Say what changed: ``up 4.1 pts on Q3 2017``, ``down $12.3K on Q3 2017, within normal variation``.

    Parameters
    ----------
    difference
        The later value less the earlier one.
    unit
        The unit of the values compared.
    against
        What it is compared with; left out where empty.
    significant
        Whether its interval says that it is a change; None where there is no interval.
    look
        How numbers are written.
    """
    look = look or Look()
    on = f" on {clean(against)}" if against else ""
    if is_unknown(difference):
        return f"change{on} unknown"
    direction = arrow(difference, unit)
    if direction == LEVEL:
        return f"unchanged{on}"
    size = format_value(
        abs(float(difference)),  # type: ignore[arg-type]
        difference_unit(unit),
        currency=look.currency,
        locale=look.locale,
    )
    caution = ", within normal variation" if significant is False else ""
    return f"{'up' if direction == UP else 'down'} {size}{on}{caution}"


def arrow(difference: object, unit: str) -> str:
    """Give the arrow of a difference as written: what rounds to nothing points nowhere."""
    written = Look().difference(difference, unit)
    return written[0] if written[0] in (UP, DOWN, LEVEL) else LEVEL


def sentences(parts: Iterable[str]) -> str:
    """Make each part a sentence: the first letter large, a full stop; empty ones are left out."""
    return " ".join(sentence(p) for p in parts if p and p.strip())


def sentence(text: str) -> str:
    """Make a clause a sentence: the first letter large, a full stop. Empty text stays empty."""
    said = text.strip().rstrip(".")
    return f"{said[0].upper()}{said[1:]}." if said else ""
