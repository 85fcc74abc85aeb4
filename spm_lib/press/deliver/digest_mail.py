"""A digest as a mail: as many troubles of each kind as mail programs show, the others counted; its plain text has all."""

from __future__ import annotations

from collections.abc import Iterable

from spm_lib.press.deliver.digest import Digest, Item, Section
from spm_lib.press.render.eml import Mail
from spm_lib.press.render.letter import Letter
from spm_lib.press.render.mail import HTML_LIMIT, letter_mail
from spm_lib.press.render.parts import Part, Words

#: Of one kind: no mail that is shown whole holds more.
_MOST = 300


def digest_mail(digest: Digest) -> Mail:
    """Write a digest as a mail."""
    return _fitted(digest)[1]


def fitted(digest: Digest) -> Digest:
    """Give a digest with the number of troubles that its mail lists in each section: what is counted alone is not told."""
    return _fitted(digest)[0]


def _fitted(digest: Digest) -> tuple[Digest, Mail]:
    """Find how many of each kind fit; a kind that has fewer leaves its place to the others."""
    fits, high = _listing(digest, _MOST), _MOST
    if fits[1].size <= HTML_LIMIT:
        return fits
    fits, low = _listing(digest, 0), 0
    while high - low > 1:
        middle = (low + high) // 2
        found = _listing(digest, middle)
        if found[1].size <= HTML_LIMIT:
            fits, low = found, middle
        else:
            high = middle
    return fits


def _listing(digest: Digest, most: int) -> tuple[Digest, Mail]:
    sections = tuple(
        section.model_copy(update={"listed": min(most, len(section.shown))}) for section in digest.sections
    )
    return digest.model_copy(update={"sections": sections}), _mail(digest.headline, sections)


def _mail(headline: str, sections: Iterable[Section]) -> Mail:
    short: list[Part] = []
    whole: list[Part] = []
    for section in sections:
        heading = Words("heading", section.title.capitalize())
        short += [heading, *map(_item, section.shown)]
        whole += [heading, *map(_item, section.items)]
        left = len(section.items) - len(section.shown)
        if left:
            short.append(
                Words(
                    "note", f"And {left:,} more: in this mail's plain text, in spm outbox and in the index."
                )
            )
    return letter_mail(_letter(headline, short), _letter(headline, whole))


def _letter(headline: str, parts: Iterable[Part]) -> Letter:
    return Letter(
        headline=headline,
        about="For the owner of these reports alone",
        aside="",
        preheader=headline,
        warnings=(),
        parts=tuple(parts),
        closing="Readers were not told of any of this. You get this mail as the owner that the spec names.",
    )


def _item(item: Item) -> Words:
    if item.since is None:
        return Words("item", item.text, lead=item.about)
    lead = f"{item.about}, on {item.since}" if item.about else f"On {item.since}"
    return Words("item", item.text, lead=lead)
