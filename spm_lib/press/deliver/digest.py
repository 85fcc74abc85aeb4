"""The owner's mail: every failure and hold of a run, and what became of mails, in one digest that readers never get."""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
from collections.abc import Collection, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from spm_lib.errors import one_line
from spm_lib.press.deliver.dispatch import Dispatch
from spm_lib.press.deliver.entry import REACHED, Entry
from spm_lib.press.deliver.message import message_id_of
from spm_lib.press.deliver.sending import Sent
from spm_lib.press.render.eml import Mail
from spm_lib.press.render.letter import Letter
from spm_lib.press.render.mail import letter_mail
from spm_lib.press.render.parts import Part, Words
from spm_lib.press.spec import Spec

#: More of one kind are counted, not listed: thousands fail for one reason.
_LISTED = 40


class Item(BaseModel):
    """One trouble: what it is about, and what there is to know and to do.

    Parameters
    ----------
    about, text
        For the owner to read.
    mark
        Of what is told once, the same wherever it would be told again; empty for what is told as long as it is so.
    """

    model_config = ConfigDict(frozen=True)

    about: str
    text: str
    mark: str = ""


class Section(BaseModel):
    """Troubles of one kind."""

    model_config = ConfigDict(frozen=True)

    title: str
    items: tuple[Item, ...]


class Digest(BaseModel):
    """What an owner is told of one sending.

    Parameters
    ----------
    spec
        The spec's name.
    sections
        Its troubles by kind; none where all is well, and then nothing is sent.
    """

    model_config = ConfigDict(frozen=True)

    spec: str
    sections: tuple[Section, ...] = ()

    @property
    def headline(self) -> str:
        """How many troubles there are, in one sentence."""
        counted = [f"{len(each.items)} {each.title}" for each in self.sections]
        return one_line(f"{self.spec}: {', '.join(counted)}", 180) if counted else ""


def digest_of(
    spec: Spec | str,
    *,
    dispatches: Iterable[Dispatch] = (),
    shut: Iterable[str] = (),
    troubles: Iterable[str] = (),
    mails: Iterable[Entry] = (),
    sent: Sent | None = None,
    told: Collection[str] = (),
) -> Digest:
    """Give what the owner of a spec is told.

    Parameters
    ----------
    spec
        The spec; its name where it cannot be read.
    dispatches
        What became of its reports.
    shut
        Why gates are shut, whether or not that held a report.
    troubles
        What else went wrong, a sentence each: missed slots, sources that could not be loaded.
    mails
        Those of its mails and notices that ended badly.
    sent
        The sending, of which those that wait are told; None where they are not.
    told
        Marks of what the owner was told before, see `marks_told`.
    """
    found = list(dispatches)
    name = spec if isinstance(spec, str) else spec.name
    first = [*(Item(about="A gate is shut", text=text) for text in shut)]
    first += [Item(about="", text=one_line(text)) for text in troubles]
    dropped = [
        Item(about=each.job.label, text=f"{one.recipient} is sent nothing: {one.why}")
        for each in found
        if each.goes_out
        for one in each.addressed.dropped
    ]
    sections = {
        "to look at first": first,
        "held or failed": [_held(each) for each in found if each.word == "hold"],
        "changed since they were sent": [_changed(each, spec) for each in found if each.news],
        "left out as recipients": dropped,
        "mails in trouble": [*map(_ended, mails), *_waiting(name, sent)],
    }
    new = {title: tuple(each for each in items if each.mark not in told) for title, items in sections.items()}
    return Digest(
        spec=name, sections=tuple(Section(title=title, items=items) for title, items in new.items() if items)
    )


def _held(dispatch: Dispatch) -> Item:
    text = dispatch.reason
    if dispatch.run is not None and dispatch.run.ipynb.is_file():
        given = ", ".join(f"{name}={value}" for name, value in dispatch.run.record.parameters.items())
        command = shlex.join(["spm", "open", dispatch.report.removesuffix(".html")])
        text += f". Parameters: {one_line(given, 300) or 'none'}. Look at it with: {command}"
    return Item(about=dispatch.job.label, text=text[:1].upper() + text[1:])


def _changed(dispatch: Dispatch, spec: Spec | str) -> Item:
    path = spec if isinstance(spec, str) else str(spec.document.path)
    command = shlex.join(["spm", "send", path, "--as-of", dispatch.job.as_of.isoformat(), "--resend"])
    record = dispatch.run.record if dispatch.run else None
    mark = f"changed {dispatch.report} {dispatch.revision}"
    if record is not None:
        mark += f" {record.status} {record.fingerprint.partition('.')[0]}"
    news = dispatch.news[:1].upper() + dispatch.news[1:]
    text = f"{news}. For the readers to get that day's reports anew: {command}"
    return Item(about=dispatch.job.label, text=text, mark=mark)


def _ended(entry: Entry) -> Item:
    """Tell of a mail that ended badly: once, unless nobody knows whether it arrived and somebody has to find out."""
    again = f"spm outbox --again {entry.mail_id}"
    if entry.state == "unknown":
        text = (
            f"Nobody knows whether it arrived ({entry.reply}). Ask the recipient, then: "
            f"spm outbox --accepted {entry.mail_id}, or {again}"
        )
    else:
        text = f"{entry.state.replace('_', ' ').capitalize()}: {entry.reply}. When that is mended: {again}"
    return Item(about=entry.name, text=text, mark=mail_mark(entry))


def mail_mark(entry: Entry) -> str:
    """Give the mark of a mail's end: another one where it was sent again since."""
    since = entry.made_at.isoformat() if entry.made_at else ""
    return f"mail {entry.mail_id} {entry.state} {since}"


def _waiting(spec: str, sent: Sent | None) -> Iterable[Item]:
    for entry in sent.waiting if sent else ():
        if entry.spec == spec and entry.kind != "owner":
            why = entry.reply or (str(sent.stopped) if sent and sent.stopped else "it was not its turn")
            yield Item(about=entry.name, text=f"Waits for the next spm send: {why}")


def digest_mail(digest: Digest) -> Mail:
    """Write a digest as a mail."""
    parts: list[Part] = []
    for section in digest.sections:
        parts.append(Words("heading", section.title.capitalize()))
        parts += [Words("item", item.text, lead=item.about) for item in section.items[:_LISTED]]
        if len(section.items) > _LISTED:
            parts.append(
                Words("note", f"And {len(section.items) - _LISTED:,} more; see: spm outbox, and the index")
            )
    return letter_mail(
        Letter(
            headline=digest.headline,
            about="For the owner of these reports alone",
            aside="",
            preheader=digest.headline,
            warnings=(),
            parts=tuple(parts),
            closing="Readers were not told of any of this. You get this mail as the owner that the spec names.",
        )
    )


def marks_told(digests: Iterable[Entry], today: dt.date) -> frozenset[str]:
    """Give the marks of what an owner was told, or will be, by the owner's mails of some time.

    What stands in a mail that did not arrive counts as told for its day, and is told again another day.
    """
    return frozenset(
        item.mark
        for each in digests
        if each.state in REACHED or each.as_of == today
        for item in _items(each.body)
        if item.mark
    )


def _items(body: str | None) -> Iterable[Item]:
    sections = Digest.model_validate_json(body).sections if body else ()
    return (item for section in sections for item in section.items)


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
    body = digest.model_dump_json()
    said = {(item.about, item.text) for section in digest.sections for item in section.items}
    found = []
    for address in addresses:
        earlier = [each for each in digests if (each.as_of, each.recipient) == (day, address)]
        if said <= {(item.about, item.text) for each in earlier for item in _items(each.body)}:
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
