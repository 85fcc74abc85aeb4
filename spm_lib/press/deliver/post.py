"""The post of a project: what waits is sent, chats are told, and owners hear of the mails that ended badly."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from spm_lib.errors import DeliveryError, SpmError
from spm_lib.press.deliver.addressing import Addressed, Dropped
from spm_lib.press.deliver.chat import tell_chats
from spm_lib.press.deliver.composing import Composer
from spm_lib.press.deliver.connection import Connection, open_connection
from spm_lib.press.deliver.digest import Digest, digest_of, mail_mark
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.gatekeeper import held_specs
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.deliver.owner_mails import REMEMBERED, is_told, marks_told, owner_entries, with_lost
from spm_lib.press.deliver.readership import Readership
from spm_lib.press.deliver.sending import send_waiting
from spm_lib.press.deliver.sent import Sent
from spm_lib.press.spec import Spec

Progress = Callable[[Entry], None]


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
    held
        Why reports that wait are held back, by the spec's name.
    """

    sent: Sent
    chats: tuple[Entry, ...] = ()
    troubles: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)

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
    shut
        Why gates are shut, by the name of a spec at whose gates somebody has looked just now.
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
    shut: Mapping[str, Sequence[str]] = field(default_factory=dict)

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
        held = held_specs(
            self.outbox.specs(waiting=True),
            self.specs,
            self.store,
            self.ledger,
            now=self.clock(),
            today=self.today,
            looked_at=self.shut,
        )
        made = Round(self._mails(held), held=held)
        if made.sent.interrupted:
            return made
        try:
            chats = tell_chats(
                self.outbox,
                self._composer().report,
                self.environ,
                self.server.reports_url,
                clock=self.clock,
                held=held,
            )
        except DeliveryError as error:
            # Another sender that came between tells the chats itself.
            return made if error.passing else replace(made, troubles=(str(error),))
        return replace(made, chats=chats)

    def told(self, name: str) -> frozenset[str]:
        """Give the marks of what a spec's owners were told of it, see `marks_told`."""
        return marks_told(self._digests(name), self.today)

    def has_told(self, digest: Digest) -> bool:
        """Tell whether the server has accepted mails that tell an owner all of a digest."""
        return is_told(digest, self._digests(digest.spec), self.today)

    def with_lost(self, digest: Digest) -> Digest:
        """Give a digest with what earlier mails to the spec's owner were to tell and did not bring."""
        return with_lost(digest, self._digests(digest.spec), self.today)

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
                due.append((self.with_lost(digest_of(self.specs.get(name, name), mails=mails)), others))
        untold = [f"{digest.spec}: {found.hold}" for digest, found in due if found.hold]
        new = [entry for digest, found in due for entry in self.leave(digest, found)]
        sent = made.sent
        if new and sent.stopped is None and not sent.interrupted:
            after = self._mails(made.held)
            sent = sent.then(after)
            ids = {each.mail_id for each in new}
            lost = [each for each in (*after.rejected, *after.given_up) if each.mail_id in ids]
            untold += [
                f"{each.spec}: the mail to {each.recipient} was not taken ({each.reply})" for each in lost
            ]
        return replace(made, sent=sent, untold=(*made.untold, *untold))

    def leave(self, digest: Digest, owners: Addressed) -> tuple[Entry, ...]:
        """Write the mails of a digest down, to be sent with what waits, and give those that are new."""
        left: list[Entry] = []
        addresses = [one.address for one in owners.to]
        known: tuple[Entry, ...] | None = None
        # Where another call has written a mail of the day meanwhile, that one stands, and this digest is the next.
        while addresses and (digests := self._digests(digest.spec)) != known:
            known = digests
            entries = owner_entries(digest, addresses, digests, self.today, self.server.domain)
            left += self.outbox.add(entries, now=self.clock())
            done = {each.recipient for each in left}
            addresses = [each.recipient for each in entries if each.recipient not in done]
        return tuple(left)

    def _digests(self, name: str) -> tuple[Entry, ...]:
        return _digests(self.outbox, self.clock()).get(name, ())

    def _composer(self) -> Composer:
        readership = Readership(self.specs, self.store, self.today)
        return Composer(self.reports, self.server, self.specs, self.clock, readership)

    def _mails(self, held: Mapping[str, str]) -> Sent:
        return send_waiting(
            self.outbox,
            self._composer(),
            self._line,
            sender=self.server.sender,
            connections=self.server.connections,
            a_minute=self.server.a_minute,
            clock=self.clock,
            progress=self.progress,
            held=held,
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
    """Tell whether anything waits and may be tried, was in hand as a sender was killed, or ended badly and was not told."""
    waits = outbox.waiting(now, 1) or outbox.waiting(now, 1, chats=True)
    return bool(waits or outbox.in_hand() or _news(outbox, now=now, today=today))


def owners_today(spec: Spec, store: Path, *, today: dt.date) -> Addressed:
    """Give those who hear of a spec's failures, see `Readership.owners`."""
    return Readership({spec.name: spec}, store, today).owners(spec)


def _news(outbox: Outbox, *, now: dt.datetime, today: dt.date) -> dict[str, tuple[Entry, ...]]:
    """Give, by spec, the mails that ended badly and that no owner was told of: none where something else was lost."""
    found = {}
    ended, digests = _ended_badly(outbox, now), _digests(outbox, now)
    for name in dict.fromkeys((*ended, *digests)):
        told = marks_told(digests.get(name, ()), today)
        new = tuple(each for each in ended.get(name, ()) if mail_mark(each) not in told)
        if new or with_lost(Digest(spec=name), digests.get(name, ()), today).sections:
            found[name] = new
    return found


def _ended_badly(outbox: Outbox, now: dt.datetime) -> dict[str, tuple[Entry, ...]]:
    return _by_spec(outbox.ended_badly(now - REMEMBERED))


def _digests(outbox: Outbox, now: dt.datetime) -> dict[str, tuple[Entry, ...]]:
    """Give the mails to owners that are remembered, by spec."""
    return _by_spec(outbox.digests(now - REMEMBERED - dt.timedelta(days=1)))


def _by_spec(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        found[each.spec].append(each)
    return {name: tuple(mails) for name, mails in found.items()}
