"""Composing: a mail of the outbox as it travels, from the report on the shelf or from what the outbox holds."""

from __future__ import annotations

import datetime as dt
import threading
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from spm_lib.errors import RunError
from spm_lib.press.deliver.attachments import Attachment, TooLarge, attachment_of
from spm_lib.press.deliver.basis import Basis
from spm_lib.press.deliver.digest import Digest
from spm_lib.press.deliver.digest_mail import digest_mail
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.message import Body, Envelope, body_of
from spm_lib.press.deliver.outcome import PassingError
from spm_lib.press.deliver.readership import Readership
from spm_lib.press.deliver.report_mail import report_mail
from spm_lib.press.records import RunRecord, read_record
from spm_lib.press.render.eml import Mail
from spm_lib.press.render.letter import Letter
from spm_lib.press.render.mail import letter_mail
from spm_lib.press.shelf import Shelved
from spm_lib.press.spec import Spec

#: So many reports' bodies are kept: those of one report go to its recipients one after the other.
_KEPT = 8


@dataclass
class Composer:
    """Writes the mails of an outbox; called from several threads.

    Parameters
    ----------
    reports
        Folder of all reports.
    server
        Whose sender, size of attachments and address of the reports are used.
    specs
        The specs by name: whether a report is attached, and in which zone a mail's date is written.
    clock
        Gives the time, aware.
    readership
        Who may be sent what today; None where nobody is sent anything.
    """

    reports: Path
    server: MailServer
    specs: Mapping[str, Spec]
    clock: Callable[[], dt.datetime]
    readership: Readership | None = None
    _bodies: OrderedDict[tuple[str, str], tuple[RunRecord, Body]] = field(
        default_factory=OrderedDict, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, entry: Entry) -> bytes:
        """Give the message as it travels.

        Raises
        ------
        RunError
            Where its report is gone from the shelf, failed since, is another one than it was decided of, or cannot be sent.
        DeliveryError
            Where it may not go to its recipient any more; a `PassingError` where that cannot be told now.
        """
        return self._body(entry).to(self.envelope(entry))

    def report(self, entry: Entry) -> RunRecord:
        """Give the report of which a chat is told, as it stands on the shelf.

        Raises
        ------
        RunError, DeliveryError
            Where the chat may not be told of it any more; as of a mail.
        """
        record = read_record(self._record(entry))
        self._check(entry, record)
        return record

    def envelope(self, entry: Entry) -> Envelope:
        """Give who writes to whom about what."""
        return Envelope(
            sender=self.server.sender,
            sender_name=self.server.sender_name,
            recipient=entry.recipient,
            subject=entry.headline,
            message_id=entry.message_id,
            list_id=f"{entry.spec}.{self.server.domain}",
            date=self.clock().astimezone(self._zone(entry.spec)),
            reply_to=self.server.reply_to,
            revision=entry.revision if entry.kind != "owner" else 1,
        )

    def _zone(self, name: str) -> dt.tzinfo | None:
        """Give the zone of a spec's schedule; None, this machine's, where it has none."""
        spec = self.specs.get(name)
        schedule = spec.content.schedule if spec else None
        return None if schedule is None else zoneinfo.ZoneInfo(schedule.timezone)

    def _body(self, entry: Entry) -> Body:
        if entry.kind == "owner":
            if self.readership is not None:
                self.readership.check_owner(entry)
            return body_of(digest_mail(Digest.model_validate_json(entry.body or "{}")))
        key = entry.kind, entry.report
        # One at a time: to write the same body three times at once takes longer than to wait for it.
        with self._lock:
            if key not in self._bodies:
                self._bodies[key] = self._written(entry)
                while len(self._bodies) > _KEPT:
                    self._bodies.popitem(last=False)
            record, body = self._bodies[key]
        self._check(entry, record)
        return body

    def _check(self, entry: Entry, record: RunRecord) -> None:
        """Raise where the report on the shelf is not the one that was decided of, or may not go to its recipient."""
        differs = Basis.model_validate_json(entry.body).differs(record) if entry.body else ""
        if differs:
            raise RunError(differs, mend="Where it shall go out as it is now: spm send, or spm send --resend")
        if self.readership is not None:
            self.readership.check_report(entry, record)

    def _record(self, entry: Entry) -> Path:
        return (self.reports / entry.report).with_suffix(".json")

    def _written(self, entry: Entry) -> tuple[RunRecord, Body]:
        path = self._record(entry)
        run = Shelved(path, read_record(path))
        if entry.kind == "notice":
            return run.record, body_of(_notice(run.record))
        mail, _ = report_mail(run, link=self._link(entry.report))
        files, note = self._files(entry, run)
        # Made again in between, the page would be another one's than the record.
        if read_record(path) != run.record:
            raise PassingError("the report was just made again", mend="Try again: spm send")
        return run.record, body_of(mail, files, note=note)

    def _link(self, report: str) -> str:
        base = self.server.reports_url
        return f"{base.rstrip('/')}/{quote(report)}" if base else ""

    def _files(self, entry: Entry, run: Shelved) -> tuple[tuple[Attachment, ...], str]:
        """Give what is attached, and what the reader is told of it."""
        spec = self.specs.get(entry.spec)
        deliver = spec.content.deliver if spec else None
        if deliver is not None and not deliver.attach:
            if not self.server.reports_url:
                raise RunError(
                    "the spec says attach: false, and there is no address that leads to the report",
                    mend="Set SPM_REPORTS_URL, or leave attach out",
                )
            return (), ""
        name = "-".join((entry.spec, entry.subject, entry.period))
        file = attachment_of(run.html, name=name, limit_mb=self.server.attachment_mb)
        if isinstance(file, TooLarge):
            where = "" if self.server.reports_url else " Ask the sender for it."
            return (), file.sentence + where
        return (file,), "The whole report is attached: one page that opens in any browser, without a network."


def _notice(record: RunRecord) -> Mail:
    said = f"Nothing to report on {record.name} for {record.period_title}"
    return letter_mail(
        Letter(
            headline=said,
            about=f"{record.name} · {record.period_title}",
            aside=f"As of {record.as_of}",
            preheader=said,
            warnings=(),
            parts=(),
            closing="The report was made and holds no figure that is known yet, so it is not sent.",
        )
    )
