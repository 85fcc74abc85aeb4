"""Whether a mail that waits may still go to its recipient: people leave, specs change, while a server is away."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from spm_lib.data.store import open_store
from spm_lib.errors import DeliveryError, SpmError
from spm_lib.press.audience import audience_of
from spm_lib.press.deliver.addressing import Addressed, addressees_among
from spm_lib.press.deliver.contacts import Contacts, read_contacts
from spm_lib.press.deliver.directory import DIRECTORY_FILE, Directory, load_directory
from spm_lib.press.deliver.entry import Entry
from spm_lib.press.deliver.outcome import PassingError
from spm_lib.press.recipients import address_key
from spm_lib.press.records import RunRecord
from spm_lib.press.spec import Spec


@dataclass
class Readership:
    """Who may be sent what today, looked up once a sending; called from several threads.

    Parameters
    ----------
    specs
        The specs by name.
    store
        The store's file.
    today
        The day.
    """

    specs: Mapping[str, Spec]
    store: Path
    today: dt.date
    _contacts: Contacts | None = field(default=None, repr=False)
    _directories: dict[Path, Directory] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, str], tuple[Addressed, frozenset[str]]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def check_report(self, entry: Entry, record: RunRecord) -> None:
        """Raise where the mail of a report may not go to its recipient.

        Parameters
        ----------
        entry
            The mail.
        record
            The report as it stands on the shelf.

        Raises
        ------
        PassingError
            Where that cannot be told now: the spec or the store cannot be read.
        DeliveryError
            Where it may not; it says why.
        """
        spec = self.specs.get(entry.spec)
        if spec is None:
            raise PassingError(
                f"the spec '{entry.spec}' cannot be read, so who gets its reports is not known"
            )
        if record.audience != audience_of(spec):
            raise DeliveryError(f"the report was made for the {record.audience}, and the spec has others now")
        try:
            with self._lock:
                found, keys = self._addressed(spec, entry, record)
        except (SpmError, duckdb.Error) as error:
            raise PassingError(f"who gets the report cannot be looked up: {error}") from None
        key = address_key(entry.recipient)
        if key in keys:
            return
        why = (each.why for each in found.dropped if address_key(each.recipient) == key)
        raise DeliveryError(
            f"{entry.recipient} gets this report no more: {next(why, 'the spec names others now')}"
        )

    def check_owner(self, entry: Entry) -> None:
        """Raise where a spec's owner may be written to no more, as `check_report` does; no store is needed for it."""
        spec = self.specs.get(entry.spec)
        if spec is None:
            return
        try:
            with self._lock:
                directory = self._directory(spec)
        except SpmError as error:
            raise PassingError(f"who may be written to cannot be looked up: {error}") from None
        if directory.has_left(entry.recipient) or not directory.allows(entry.recipient):
            raise DeliveryError(
                f"{entry.recipient} has left, or its domain is not allowed, says {DIRECTORY_FILE}"
            )

    def _addressed(self, spec: Spec, entry: Entry, record: RunRecord) -> tuple[Addressed, frozenset[str]]:
        key = spec.name, entry.report
        if key not in self._found:
            if self._contacts is None:
                with open_store(self.store) as opened:
                    self._contacts = read_contacts(opened, self.today)
            found = addressees_among(self._contacts, record, spec, self._directory(spec))
            self._found[key] = found, frozenset(address_key(each.address) for each in found.to)
        return self._found[key]

    def _directory(self, spec: Spec) -> Directory:
        folder = spec.document.path.parent
        if folder not in self._directories:
            self._directories[folder] = load_directory(folder)
        return self._directories[folder]
