"""The owner's mail: every failure and hold of a run, and what became of mails, in one digest that readers never get."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Collection, Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from spm_lib.errors import one_line
from spm_lib.press.deliver.addressing import Dropped
from spm_lib.press.deliver.dispatch import Dispatch
from spm_lib.press.deliver.entry import TO_READERS, Entry
from spm_lib.press.deliver.sent import Sent
from spm_lib.press.spec import Spec

#: The section of mails: they stand in the outbox, so that what is told of them is always of today.
OF_MAILS = "mails in trouble"


class Item(BaseModel):
    """One trouble: what it is about, and what there is to know and to do.

    Parameters
    ----------
    about, text
        For the owner to read.
    mark
        Of what is told once, the same wherever it would be told again; empty for what is told as long as it is so.
    since
        The day of which it is, where no mail of that day told it; None for the day of the mail.
    """

    model_config = ConfigDict(frozen=True)

    about: str
    text: str
    mark: str = ""
    since: dt.date | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same, whenever it is told."""
        return self.about, self.text


class Section(BaseModel):
    """Troubles of one kind.

    Parameters
    ----------
    title
        What they are.
    items
        All of them.
    listed
        How many of them, from the first, the mail lists; the others are counted. None for all.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    items: tuple[Item, ...]
    listed: int | None = None

    @property
    def shown(self) -> tuple[Item, ...]:
        """Those that the mail lists."""
        return self.items[: self.listed]


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
    def items(self) -> tuple[Item, ...]:
        """All troubles."""
        return tuple(item for section in self.sections for item in section.items)

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
        Marks of what the owner was told before, see `spm_lib.press.deliver.owner_mails.marks_told`.
    """
    found = list(dispatches)
    name = spec if isinstance(spec, str) else spec.name
    first = [*(Item(about="A gate is shut", text=text) for text in shut)]
    first += [Item(about="", text=one_line(text)) for text in troubles]
    dropped = [
        Item(about=each.job.label, text=_left_out(one, each, spec))
        for each in found
        if each.goes_out
        for one in each.addressed.dropped
    ]
    # What nobody knows first: it waits for the owner alone.
    ends = sorted(mails, key=lambda each: each.state != "unknown")
    sections = {
        OF_MAILS: [*(_ended(each, spec) for each in ends), *_waiting(name, sent)],
        "to look at first": first,
        "held or failed": [_held(each) for each in found if each.word == "hold"],
        "changed since they were sent": [_changed(each, spec) for each in found if each.news],
        "left out as recipients": dropped,
    }
    new = {title: tuple(each for each in items if each.mark not in told) for title, items in sections.items()}
    return digest_in(name, new)


def digest_in(spec: str, sections: Mapping[str, tuple[Item, ...]]) -> Digest:
    """Give a digest of troubles by their kind."""
    return Digest(
        spec=spec,
        sections=tuple(Section(title=title, items=items) for title, items in sections.items() if items),
    )


def _held(dispatch: Dispatch) -> Item:
    text = dispatch.reason
    if dispatch.run is not None and dispatch.run.ipynb.is_file():
        given = ", ".join(f"{name}={value}" for name, value in dispatch.run.record.parameters.items())
        command = shlex.join(["spm", "open", dispatch.report.removesuffix(".html")])
        text += f". Parameters: {one_line(given, 300) or 'none'}. Look at it with: {command}"
    return Item(about=dispatch.job.label, text=text[:1].upper() + text[1:])


def _left_out(dropped: Dropped, dispatch: Dispatch, spec: Spec | str) -> str:
    text = f"{dropped.recipient} is sent nothing: {dropped.why}"
    if not dropped.wants_address:
        return text
    return f"{text}. Once the CRM has one: {_send(spec, dispatch.job.as_of)}"


def _changed(dispatch: Dispatch, spec: Spec | str) -> Item:
    record = dispatch.run.record if dispatch.run else None
    mark = f"changed {dispatch.report} {dispatch.revision}"
    if record is not None:
        mark += f" {record.status} {record.fingerprint.partition('.')[0]}"
    news = dispatch.news[:1].upper() + dispatch.news[1:]
    command = _send(spec, dispatch.job.as_of, "--resend")
    text = f"{news}. For the readers to get that day's reports anew: {command}"
    return Item(about=dispatch.job.label, text=text, mark=mark)


def _send(spec: Spec | str, as_of: dt.date, *more: str) -> str:
    """Give the command that sends a day's reports."""
    path = spec if isinstance(spec, str) else str(spec.document.path)
    return shlex.join(["spm", "send", path, "--as-of", as_of.isoformat(), *more])


def _ended(entry: Entry, spec: Spec | str) -> Item:
    """Tell of a mail that ended badly: once, unless nobody knows whether it arrived and somebody has to find out."""
    again = f"spm outbox --again {entry.mail_id}"
    if entry.state == "unknown":
        text = (
            f"Nobody knows whether it arrived ({entry.reply}). Ask the recipient, then: "
            f"spm outbox --accepted {entry.mail_id}, or {again}"
        )
    else:
        text = f"{entry.state.replace('_', ' ').capitalize()}: {entry.reply}. When that is mended: {again}"
        if entry.kind in TO_READERS:
            # The mail keeps its recipient; a corrected address is another one.
            text += f". Where the address was wrong, correct it, then: {_send(spec, entry.as_of)}"
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
