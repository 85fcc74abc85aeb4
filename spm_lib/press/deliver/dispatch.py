"""Dispatch: what becomes of each report of a spec's newest run, and to whom it goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spm_lib.data.store import Store
from spm_lib.errors import RunError, one_line
from spm_lib.press.audience import audience_of
from spm_lib.press.deliver.addressing import Addressed, Addressee, addressees_of
from spm_lib.press.deliver.basis import Basis
from spm_lib.press.deliver.contacts import Contacts, read_contacts
from spm_lib.press.deliver.deliver_spec import Deliver, When
from spm_lib.press.deliver.directory import Directory
from spm_lib.press.deliver.dispatch_ledger import Before, Decided, DispatchLedger
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.message import message_id_of
from spm_lib.press.deliver.send_rules import Decision, Word, decide, figures_of
from spm_lib.press.deliver.subject_line import subject_of
from spm_lib.press.fingerprint import is_unchanged
from spm_lib.press.plan import Job
from spm_lib.press.records import RunRecord, read_record
from spm_lib.press.shelf import Shelved
from spm_lib.press.spec import Spec


@dataclass(frozen=True)
class Dispatch:
    """What becomes of one report.

    Parameters
    ----------
    job
        The report as the spec's plan means it.
    run
        It on the shelf; None where it was not made.
    word
        As in `spm_lib.press.deliver.send_rules.Decision`, or ``sent``: it went out before.
    reason
        Why, in one line.
    revision
        1, or more where it corrects what went out before.
    addressed
        Who is sent it, and who is not and why.
    subject_line
        The mail's subject.
    news
        Of a report that went out before, what has become of it since and its owner has to hear, once.
    recorded
        Whether the ledger keeps the decision in the place of the last: not of a report that went out before, unless it
        goes out to all of its readers anew.
    """

    job: Job
    run: Shelved | None
    word: Word | str
    reason: str
    revision: int = 1
    addressed: Addressed = field(default_factory=Addressed)
    subject_line: str = ""
    news: str = ""
    recorded: bool = True

    @property
    def subject(self) -> str:
        """What the report is about: its file's name."""
        return self.job.html.stem

    @property
    def goes_out(self) -> bool:
        """Whether its readers are written to now."""
        return self.word in ("send", "notice")

    @property
    def report(self) -> str:
        """Path of its page, in the folder of reports."""
        return self.job.html.relative_to(self.job.reports).as_posix()


def dispatches_of(
    spec: Spec,
    jobs: Sequence[Job],
    ledger: DispatchLedger,
    store: Store,
    directory: Directory,
    *,
    today: dt.date,
    shut: Sequence[str] = (),
    resend: bool = False,
) -> tuple[Dispatch, ...]:
    """Decide what becomes of each report; nothing is written.

    Parameters
    ----------
    spec
        The spec; it has a part ``deliver``.
    jobs
        Its plan for the day of its newest run.
    ledger
        What was decided before: what went out does not go out again.
    store, directory
        Where recipients are looked up, as they stand `today`.
    today
        The day.
    shut
        Why gates are shut, a sentence each: then everything is held.
    resend
        Whether what went out before goes out once more, as a corrected report.
    """
    deliver = spec.content.deliver
    if deliver is None or not jobs:
        return ()
    before = ledger.latest(spec.name, jobs[0].as_of)
    sent = ledger.figures_sent(spec.name)
    desk = _Desk(spec, deliver, store, directory, today, tuple(shut), read_contacts(store, today))
    found = []
    for job in jobs:
        run = _on_the_shelf(job)
        earlier = before.get((job.html.stem, job.period))
        if earlier is not None and earlier.went_out and not resend:
            found.append(desk.sent_before(job, run, earlier))
            continue
        revision = 1 if earlier is None else earlier.next_revision
        # What is held of a correction leaves its readers with what they have.
        held_apart = earlier is not None and earlier.went_out
        if run is None:
            reason = "the report was not made"
            found.append(Dispatch(job, None, "hold", reason, revision, recorded=not held_apart))
            continue
        if earlier is not None and earlier.was_cancelled and not resend:
            found.append(
                Dispatch(job, run, "withhold", "its mail was cancelled: --resend sends it", revision)
            )
            continue
        addressed = desk.addressed(run.record)
        # A correction tells what its readers were told wrongly, however little that is.
        when = deliver.when if revision == 1 else "always"
        last = _last_sent(sent, job, one_period=len({each.period for each in jobs}) == 1)
        decision = desk.decided(run.record, addressed, last, when)
        line = desk.subject_line(run.record, revision)
        recorded = not (held_apart and decision.word == "hold")
        found.append(
            Dispatch(job, run, decision.word, decision.reason, revision, addressed, line, recorded=recorded)
        )
    return tuple(found)


@dataclass(frozen=True)
class _Desk:
    """What decides of all reports of a spec alike."""

    spec: Spec
    deliver: Deliver
    store: Store
    directory: Directory
    today: dt.date
    shut: tuple[str, ...]
    contacts: Contacts

    def addressed(self, record: RunRecord) -> Addressed:
        return addressees_of(
            record, self.spec, self.store, self.directory, today=self.today, contacts=self.contacts
        )

    def subject_line(self, record: RunRecord, revision: int) -> str:
        return subject_of(self.deliver.subject, record, revision=revision) if record.published else ""

    def decided(self, record: RunRecord, addressed: Addressed, last_sent: str | None, when: When) -> Decision:
        reasons = [*self.shut]
        if record.status == "done" and record.audience != audience_of(self.spec):
            reasons.append(
                f"it was made for the {record.audience}, and the spec has others now: make it again"
            )
        decision = decide(record, when, self.deliver.empty, last_sent=last_sent, gates=reasons)
        if decision.word in ("send", "notice") and addressed.hold:
            return Decision("hold", addressed.hold)
        return decision

    def sent_before(self, job: Job, run: Shelved | None, earlier: Before) -> Dispatch:
        """Give a report that went out before; to readers of today whom it missed then, it goes now."""
        known = _sent_before(job, run, earlier.decided)
        if run is None or known.news or earlier.reached_all:
            return known
        late = Addressed(earlier.late(self.addressed(run.record)))
        decision = self.decided(run.record, late, None, "always")
        # Held now, or of another kind than what the others have.
        if decision.word != earlier.decided.decision:
            return known
        revision = earlier.decided.revision
        line = self.subject_line(run.record, revision)
        reason = f"{known.reason}, and had not reached these readers"
        return Dispatch(job, run, decision.word, reason, revision, late, line, recorded=False)


def _on_the_shelf(job: Job) -> Shelved | None:
    try:
        return Shelved(job.record, read_record(job.record))
    except RunError:
        return None


def _last_sent(sent: Mapping[tuple[str, str], str], job: Job, *, one_period: bool) -> str | None:
    """Give the figures that a report's readers were last sent: of its period or, where there is but one, of the last."""
    subject = job.html.stem
    if (subject, job.period) in sent or not one_period:
        return sent.get((subject, job.period))
    return next((figures for (whose, _), figures in reversed([*sent.items()]) if whose == subject), None)


def _sent_before(job: Job, run: Shelved | None, earlier: Decided) -> Dispatch:
    """Give a report that went out before, with what has become of it since."""
    said, since = f"it went out on {earlier.decided_at.date()}", ""
    if run is not None and run.record.status != "done":
        failure = f": {run.record.failure}" if run.record.failure else ""
        since = f"{'failed' if run.record.status == 'failed' else 'is held'} since{failure}"
    elif run is not None and not is_unchanged(earlier.fingerprint, run.record.fingerprint):
        since = "was made again since: --resend sends it as corrected"
    reason = one_line(f"{said}, and {since}" if since else said)
    return Dispatch(job, run, "sent", reason, earlier.revision, news=reason if since else "", recorded=False)


def entries_of(dispatches: Iterable[Dispatch], domain: str) -> tuple[Entry, ...]:
    """Give the mails of what goes out: one for each report and recipient.

    Parameters
    ----------
    dispatches
        See `dispatches_of`.
    domain
        The sender's, for the mails' names.
    """
    return tuple(
        Entry(
            kind="report" if each.word == "send" else "notice",
            spec=each.job.spec,
            subject=each.subject,
            period=each.job.period,
            as_of=each.job.as_of,
            revision=each.revision,
            recipient=one.address,
            message_id=message_id_of(
                *(each.word, each.job.spec, each.subject, each.job.period, each.job.as_of, each.revision),
                one.address,
                domain=domain,
            ),
            headline=each.subject_line,
            report=each.report,
            body=_basis(each, one),
        )
        for each in dispatches
        if each.goes_out
        for one in each.addressed.to
    )


def _basis(dispatch: Dispatch, reader: Addressee) -> str | None:
    if dispatch.run is None:
        return None
    left_out = any(each.wants_address for each in dispatch.addressed.dropped)
    return Basis.of(dispatch.run.record, reader.why, left_out=left_out).model_dump_json()


def decisions_of(dispatches: Iterable[Dispatch], now: dt.datetime) -> tuple[Decided, ...]:
    """Give what the ledger keeps of decisions that are new."""
    return tuple(
        Decided(
            each.job.spec,
            each.subject,
            each.job.period,
            each.job.as_of,
            each.revision,
            each.word,  # type: ignore[arg-type]
            each.reason,
            figures_of(each.run.record.published) if each.run else None,
            each.run.record.fingerprint if each.run else "",
            now,
        )
        for each in dispatches
        if each.recorded
    )
