"""Delivery: a spec's newest reports into the outbox, from there to their readers, and what went wrong to their owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spm_lib.data.store import open_store
from spm_lib.errors import DeliveryError, RunError
from spm_lib.press.deliver.addressing import Addressed, check_roles, owners_of
from spm_lib.press.deliver.chat import chat_entries
from spm_lib.press.deliver.digest import Digest, digest_of, mail_mark
from spm_lib.press.deliver.directory import Directory, load_directory
from spm_lib.press.deliver.dispatch import Dispatch, decisions_of, dispatches_of, entries_of
from spm_lib.press.deliver.dispatch_ledger import DispatchLedger
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import REPORTS_URL, MailServer
from spm_lib.press.deliver.post import Post, Progress, Round, owners_today
from spm_lib.press.deliver.sent import Sent
from spm_lib.press.plan import plan
from spm_lib.press.shelf import listing
from spm_lib.press.slugs import label_slug
from spm_lib.press.spec import Spec


@dataclass(frozen=True)
class Decisions:
    """What becomes of a spec's reports, and who its owners are.

    Parameters
    ----------
    spec
        The spec.
    directory
        Who holds which role, and where mail may go.
    dispatches
        One for each report that the spec means, in the plan's order.
    owners
        Who hears of what is held, and why somebody does not.
    store
        The store's file.
    shut
        Why gates are shut.
    """

    spec: Spec
    directory: Directory
    dispatches: tuple[Dispatch, ...]
    owners: Addressed
    store: Path
    shut: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivered:
    """How a delivery ended.

    Parameters
    ----------
    dispatches
        What became of each report.
    sent
        What became of mails, the owner's among them.
    digest
        What the owner was told.
    untold
        Why no owner was told of it; empty where one was, or there was nothing to tell.
    chats
        What became of notices in chats.
    shut
        Why gates are shut.
    owner_told
        Whether there was something to tell, and the server has accepted mails that tell an owner all of it.
    """

    dispatches: tuple[Dispatch, ...]
    sent: Sent
    digest: Digest
    untold: str = ""
    chats: tuple[Entry, ...] = ()
    shut: tuple[str, ...] = ()
    owner_told: bool = False

    @property
    def complete(self) -> bool:
        """Whether no gate is shut, nothing was held, and every mail was accepted."""
        told = all(each.state == "accepted" for each in self.chats)
        held = any(each.word == "hold" for each in self.dispatches)
        return self.sent.complete and told and not held and not self.shut


def decide(
    spec: Spec,
    store: Path,
    reports: Path,
    ledger: Path,
    *,
    today: dt.date,
    as_of: dt.date | None = None,
    shut: Sequence[str] = (),
    resend: bool = False,
    linked: bool = True,
) -> Decisions:
    """Decide what becomes of the reports of a spec's day; nothing is written.

    Parameters
    ----------
    spec
        The spec.
    store, reports, ledger
        The store's file, the folder of reports, the ledger's file.
    today
        The day on which recipients are looked up.
    as_of
        The day of the reports; None for that of the report which was made last.
    shut
        Why gates are shut, a sentence each.
    resend
        Whether what went out before goes out once more, as corrected.
    linked
        Whether an address leads readers to the reports.

    Raises
    ------
    SpecError
        Where the spec does not say who gets its reports, names a role that nobody holds, or has mails that carry no
        report and can link to none.
    RunError
        Where none of its reports was made.
    SpmError
        Where store or ledger cannot be read.
    """
    if spec.content.deliver is None:
        raise spec.document.error(
            "the spec does not say who gets its reports",
            mend='Add deliver: {to: ["{team.manager.email}"]}',
        )
    if not spec.content.deliver.attach and not linked:
        raise spec.document.error(
            "there is no address under which readers find the reports",
            *("deliver", "attach"),
            mend=f"Set {REPORTS_URL} to it, or leave attach: false out",
        )
    directory = load_directory(spec.document.path.parent)
    check_roles(spec, directory)
    day = as_of or _last_made(spec, reports)
    with open_store(store) as opened:
        jobs = plan(spec, opened, today=today, reports=reports, as_of=day)
        reasons = tuple(shut)
        dispatches = dispatches_of(
            spec, jobs, DispatchLedger(ledger), opened, directory, today=today, shut=reasons, resend=resend
        )
        owners = owners_of(spec, opened, directory, today=today)
    return Decisions(spec, directory, dispatches, owners, store, reasons)


def owners_alone(spec: Spec, store: Path, *, today: dt.date) -> Decisions:
    """Give decisions by which no report goes out, for what only a spec's owner has to hear; no store is needed.

    Raises
    ------
    SpecError
        Where the directory cannot be read.
    """
    directory = load_directory(spec.document.path.parent)
    return Decisions(spec, directory, (), owners_today(spec, store, today=today), store)


def _last_made(spec: Spec, reports: Path) -> dt.date:
    found = [each.record for each in listing(reports)[0] if each.record.spec == spec.name]
    if not found:
        raise RunError(
            f"none of the reports of '{spec.name}' was made",
            where=str(reports / label_slug(spec.name)),
            mend=f"Make them: spm run {spec.document.path}",
        )
    return max(found, key=lambda record: (record.finished, record.as_of)).as_of


def deliver(
    decisions: Decisions,
    server: MailServer,
    specs: Mapping[str, Spec],
    reports: Path,
    ledger: Path,
    *,
    clock: Callable[[], dt.datetime],
    today: dt.date,
    environ: Mapping[str, str],
    troubles: Sequence[str] = (),
    progress: Progress | None = None,
) -> Delivered:
    """Write down what goes out, send what waits, and tell the owner what went wrong.

    Parameters
    ----------
    decisions
        See `decide`.
    server
        The mail server.
    specs
        All specs by name: mails of others may wait too.
    reports, ledger
        The folder of reports, the ledger's file.
    clock
        Gives the time, aware.
    today
        The day.
    environ
        The environment, where the addresses of chats stand.
    troubles
        What else the owner has to hear.
    progress
        Called after each mail.

    Raises
    ------
    DeliveryError
        Where another sender is at it; what is written down by then, the owner's mail too, is sent by it or by the next.
    StoreError
        Where the ledger cannot be used.
    """
    spec, said = decisions.spec, decisions.spec.content.deliver
    # By what was decided of: nobody looks at the gates for a spec of which its owner alone hears.
    looked_at = {spec.name: decisions.shut} if decisions.dispatches or decisions.shut else {}
    post = Post(server, specs, decisions.store, reports, ledger, clock, today, environ, progress, looked_at)
    mails = entries_of(decisions.dispatches, server.domain)
    notices = chat_entries(decisions.dispatches, said.chat if said else (), server.domain)
    post.outbox.add((*mails, *notices), now=clock(), decided=decisions_of(decisions.dispatches, clock()))

    def digest(made: Round | None) -> Digest:
        open_ends = post.mails_to_tell(spec.name)
        own = digest_of(
            spec,
            dispatches=decisions.dispatches,
            shut=decisions.shut,
            troubles=(*troubles, *(made.troubles if made else ())),
            mails=open_ends,
            sent=made.sent if made else None,
            # Of a mail that may have arrived its owner hears until somebody has found out.
            told=post.told(spec.name) - {mail_mark(each) for each in open_ends},
        )
        return post.with_lost(own)

    try:
        made = post.send()
    except DeliveryError:
        # Whoever is at it, or comes next, sends it.
        post.leave(digest(None), decisions.owners)
        raise
    told = digest(made)
    made = post.tell(made, told, decisions.owners)
    return Delivered(
        decisions.dispatches,
        made.sent,
        told,
        "; ".join(made.untold),
        made.chats,
        decisions.shut,
        post.has_told(told),
    )
