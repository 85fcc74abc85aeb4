"""The post of a project: what waits is sent, chats are told, and owners hear of the mails that ended badly."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spm_lib.data.store import open_store
from spm_lib.errors import DeliveryError, SpmError
from spm_lib.press.deliver.addressing import Addressed, Dropped, owners_among
from spm_lib.press.deliver.chat import tell_chats
from spm_lib.press.deliver.composing import Composer
from spm_lib.press.deliver.connection import Connection, open_connection
from spm_lib.press.deliver.contacts import no_contacts, read_contacts
from spm_lib.press.deliver.digest import Digest, digest_of, mail_mark, marks_told, owner_entries
from spm_lib.press.deliver.directory import load_directory
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.readership import Readership
from spm_lib.press.deliver.sending import Sent, send_waiting
from spm_lib.press.spec import Spec

Progress = Callable[[Entry], None]

#: How long an owner who could not be told is told again, day by day.
_REMEMBERED = dt.timedelta(days=30)


@dataclass(frozen=True)
class Round:
    """What became of mails and notices in one round.

    Parameters
    ----------
    sent
        The mails, owners' among them.
    chats
        The notices in chats.
    troubles
        What kept chats from being told, a sentence each.
    untold
        Why an owner was not told of what there is to tell, a sentence for each.
    """

    sent: Sent
    chats: tuple[Entry, ...] = ()
    troubles: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every mail and notice was taken, and everybody told."""
        taken = all(each.state == "accepted" for each in self.chats)
        return self.sent.complete and taken and not self.troubles and not self.untold


@dataclass(frozen=True)
class Post:
    """What sending needs.

    Parameters
    ----------
    server
        The mail server.
    specs
        All specs by name: mails of any of them may wait.
    store, reports, ledger
        The store's file, the folder of reports, the ledger's file.
    clock
        Gives the time, aware.
    today
        The day.
    environ
        The environment, where the addresses of chats stand.
    progress
        Called after each mail.
    """

    server: MailServer
    specs: Mapping[str, Spec]
    store: Path
    reports: Path
    ledger: Path
    clock: Callable[[], dt.datetime]
    today: dt.date
    environ: Mapping[str, str]
    progress: Progress | None = None

    @property
    def outbox(self) -> Outbox:
        """The outbox."""
        return Outbox(self.ledger)

    def send(self) -> Round:
        """Send the mails that wait, and tell the notices.

        Raises
        ------
        DeliveryError
            Where another sender is at it.
        StoreError
            Where the ledger cannot be used.
        """
        sent = self._mails()
        if sent.interrupted:
            return Round(sent)
        try:
            return Round(
                sent, tell_chats(self.outbox, self.environ, self.server.reports_url, clock=self.clock)
            )
        except DeliveryError as error:
            return Round(sent, troubles=(str(error),))

    def told(self, name: str) -> frozenset[str]:
        """Give the marks of what a spec's owners were told of it, see `spm_lib.press.deliver.digest.marks_told`."""
        return _told(self.outbox, name, now=self.clock(), today=self.today)

    def mails_to_tell(self, name: str) -> tuple[Entry, ...]:
        """Give the mails of a spec that ended badly, of which its owner is to hear or to find something out."""
        told = self.told(name)
        mails = _ended_badly(self.outbox, self.clock()).get(name, ())
        return tuple(each for each in mails if each.state == "unknown" or mail_mark(each) not in told)

    def tell(self, made: Round, own: Digest | None = None, owners: Addressed | None = None) -> Round:
        """Tell owners, after a round: of a spec by its digest, of all others what became of their mails.

        Parameters
        ----------
        made
            The round.
        own, owners
            A spec's digest and those who get it.

        Returns
        -------
        Round
            With the owners' mails in it.
        """
        due: list[tuple[Digest, Addressed]] = []
        if own is not None and owners is not None and own.sections:
            due.append((own, owners))
        troubled = {
            each.spec for each in (*made.sent.rejected, *made.sent.unknown, *made.sent.given_up, *made.chats)
        }
        for name, mails in _news(self.outbox, now=self.clock(), today=self.today).items():
            if own is not None and name == own.spec:
                continue
            others = self._owners(name)
            # Where nobody can be told it is said once, and not at each call of a timer.
            if others.to or name in troubled:
                due.append((digest_of(self.specs.get(name, name), mails=mails), others))
        untold = [f"{digest.spec}: {found.hold}" for digest, found in due if found.hold]
        new = [entry for digest, found in due for entry in self.leave(digest, found)]
        sent = made.sent
        if new and sent.stopped is None and not sent.interrupted:
            after = self._mails()
            sent = _together(sent, after)
            ids = {each.mail_id for each in new}
            lost = [each for each in (*after.rejected, *after.given_up) if each.mail_id in ids]
            untold += [
                f"{each.spec}: the mail to {each.recipient} was not taken ({each.reply})" for each in lost
            ]
        return replace(made, sent=sent, untold=(*made.untold, *untold))

    def leave(self, digest: Digest, owners: Addressed) -> tuple[Entry, ...]:
        """Write the mails of a digest down, to be sent with what waits, and give those that are new."""
        entries = owner_entries(
            digest,
            [one.address for one in owners.to],
            _digests(self.outbox, digest.spec, self.clock()),
            self.today,
            self.server.domain,
        )
        return self.outbox.add(entries, now=self.clock())

    def _mails(self) -> Sent:
        readership = Readership(self.specs, self.store, self.today)
        return send_waiting(
            self.outbox,
            Composer(self.reports, self.server, self.specs, self.clock, readership),
            self._line,
            sender=self.server.sender,
            connections=self.server.connections,
            a_minute=self.server.a_minute,
            clock=self.clock,
            progress=self.progress,
        )

    def _line(self) -> Connection:
        return open_connection(self.server)

    def _owners(self, name: str) -> Addressed:
        spec = self.specs.get(name)
        if spec is None:
            return Addressed(dropped=(Dropped("owner", "the spec cannot be read"),))
        try:
            return owners_today(spec, self.store, today=self.today)
        except SpmError as error:
            return Addressed(dropped=(Dropped("owner", str(error)),))


def has_work(outbox: Outbox, *, now: dt.datetime, today: dt.date) -> bool:
    """Tell whether anything waits and may be tried at this time, or ended badly and was told to nobody."""
    waits = outbox.waiting(now, 1) or outbox.waiting(now, 1, chats=True)
    return bool(waits or _news(outbox, now=now, today=today))


def owners_today(spec: Spec, store: Path, *, today: dt.date) -> Addressed:
    """Give those who hear of a spec's failures; where the store is the failure, as spec and directory name them.

    Raises
    ------
    SpecError
        Where the directory cannot be read.
    """
    directory = load_directory(spec.document.path.parent)
    try:
        with open_store(store) as opened:
            contacts = read_contacts(opened, today)
    except SpmError:
        contacts = no_contacts(today)
    return owners_among(contacts, spec, directory)


def _news(outbox: Outbox, *, now: dt.datetime, today: dt.date) -> dict[str, tuple[Entry, ...]]:
    """Give, by spec, the mails that ended badly and that no owner was told of."""
    found = {}
    for name, mails in _ended_badly(outbox, now).items():
        told = _told(outbox, name, now=now, today=today)
        if new := tuple(each for each in mails if mail_mark(each) not in told):
            found[name] = new
    return found


def _ended_badly(outbox: Outbox, now: dt.datetime) -> dict[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for each in outbox.ended_badly(now - _REMEMBERED):
        found[each.spec].append(each)
    return {name: tuple(mails) for name, mails in found.items()}


def _told(outbox: Outbox, name: str, *, now: dt.datetime, today: dt.date) -> frozenset[str]:
    return marks_told(_digests(outbox, name, now), today)


def _digests(outbox: Outbox, name: str, now: dt.datetime) -> tuple[Entry, ...]:
    return outbox.digests(name, now - _REMEMBERED - dt.timedelta(days=1))


def _together(first: Sent, then: Sent) -> Sent:
    return Sent(
        first.accepted + then.accepted,
        (*first.rejected, *then.rejected),
        (*first.unknown, *then.unknown),
        (*first.given_up, *then.given_up),
        then.waiting,
        then.stopped,
        then.interrupted,
    )
