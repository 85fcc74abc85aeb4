"""The mails to a spec's owner: what they have told, what was lost with one that was not taken, and the next one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

from spm_lib.press.deliver.digest import OF_MAILS, Digest, Item, digest_in
from spm_lib.press.deliver.digest_mail import fitted
from spm_lib.press.deliver.entry import NOT_TAKEN, REACHED, Entry
from spm_lib.press.deliver.message import message_id_of

#: How long an owner who could not be told is told again, day by day.
REMEMBERED = dt.timedelta(days=30)


def marks_told(digests: Iterable[Entry], today: dt.date) -> frozenset[str]:
    """Give the marks of what an owner was told, or will be, by the owner's mails of some time.

    What stands in a mail that did not arrive, or was but counted in one, counts as told for its day, and is told again
    another day.
    """
    return frozenset(
        item.mark
        for each in digests
        if each.state in REACHED or each.as_of == today
        for section in _digest(each).sections
        for item in (section.items if each.as_of == today else section.shown)
        if item.mark
    )


def with_lost(digest: Digest, digests: Iterable[Entry], today: dt.date) -> Digest:
    """Give a digest with what was lost with the mails of earlier days that were not taken.

    Parameters
    ----------
    digest
        What there is to tell.
    digests
        The mails to this spec's owners, in order.
    today
        The day.
    """
    lost = _lost(tuple(digests), today)
    sections = {section.title: section.items for section in digest.sections}
    said = {item.key for item in digest.items}
    for title, items in lost.items():
        new = tuple(item for item in items if item.key not in said)
        sections[title] = (*sections.get(title, ()), *new)
    return digest_in(digest.spec, sections)


def _lost(digests: Sequence[Entry], today: dt.date) -> dict[str, tuple[Item, ...]]:
    """Give, by kind, the troubles that only mails of earlier days told that were not taken.

    Mails are not among them: what became of them stands in the outbox, and is told from there.
    """
    heard = {
        item.key
        for each in digests
        if each.state in REACHED or each.as_of == today
        for item in _digest(each).items
    }
    found: dict[str, dict[tuple[str, str], Item]] = {}
    for each in digests:
        if each.state not in NOT_TAKEN:
            continue
        for section in _digest(each).sections:
            for item in section.items if section.title != OF_MAILS else ():
                since = item.since or each.as_of
                if item.key not in heard and today - since <= REMEMBERED:
                    kind = found.setdefault(section.title, {})
                    kind.setdefault(item.key, item.model_copy(update={"since": since}))
    return {title: tuple(items.values()) for title, items in found.items()}


def owner_entries(
    digest: Digest, addresses: Iterable[str], digests: Sequence[Entry], day: dt.date, domain: str
) -> tuple[Entry, ...]:
    """Give the mails of a digest; none where it says nothing that those of the day have not said.

    Parameters
    ----------
    digest
        What there is to tell.
    addresses
        The owners'.
    digests
        The mails to this spec's owners in the outbox, in order.
    day
        Today.
    domain
        The sender's.
    """
    body = fitted(digest).model_dump_json()
    said = {item.key for item in digest.items}
    found = []
    for address in addresses:
        earlier = [each for each in digests if (each.as_of, each.recipient) == (day, address)]
        if said <= _said(earlier):
            continue
        revision = max((each.revision for each in earlier), default=0) + 1
        mark = hashlib.sha256(body.encode()).hexdigest()
        found.append(
            Entry(
                kind="owner",
                spec=digest.spec,
                subject="digest",
                period="",
                as_of=day,
                revision=revision,
                recipient=address,
                message_id=message_id_of("owner", digest.spec, day, revision, address, mark, domain=domain),
                headline=digest.headline,
                report="",
                body=body,
            )
        )
    return tuple(found)


def is_told(digest: Digest, digests: Iterable[Entry], day: dt.date) -> bool:
    """Tell whether mails of the day that a server accepted have told an owner all of a digest."""
    taken = [each for each in digests if each.as_of == day and each.state == "accepted"]
    return bool(digest.sections) and {item.key for item in digest.items} <= _said(taken)


def _said(digests: Iterable[Entry]) -> set[tuple[str, str]]:
    return {item.key for each in digests for item in _digest(each).items}


def _digest(entry: Entry) -> Digest:
    return Digest.model_validate_json(entry.body) if entry.body else Digest(spec=entry.spec)
