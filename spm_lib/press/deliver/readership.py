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
from spm_lib.press.deliver.addressing import Addressed, addressees_among, owners_among
from spm_lib.press.deliver.contacts import Contacts, no_contacts, read_contacts
from spm_lib.press.deliver.directory import Directory, load_directory
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
        """Raise where the mail of a report may not go to its recipient, or a chat may not be told of it.

        Parameters
        ----------
        entry
            The mail or notice.
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
        if entry.kind == "chat":
            deliver = spec.content.deliver
            if deliver is None or entry.recipient not in deliver.chat:
                raise DeliveryError(
                    f"{entry.recipient} is told of this report no more: the spec names others"
                )
            return
        try:
            with self._lock:
                found, keys = self._addressed(spec, entry, record)
        except (SpmError, duckdb.Error) as error:
            raise PassingError(f"who gets the report cannot be looked up: {error}") from None
        if address_key(entry.recipient) not in keys:
            raise DeliveryError(f"{entry.recipient} gets this report no more: {_why(entry, found)}")

    def check_owner(self, entry: Entry) -> None:
        """Raise where somebody is not the owner of a spec any more, or may not be written to, as `check_report` does."""
        spec = self.specs.get(entry.spec)
        if spec is None:
            return
        try:
            found = self.owners(spec)
        except SpmError as error:
            raise PassingError(f"who may be written to cannot be looked up: {error}") from None
        if address_key(entry.recipient) not in {address_key(each.address) for each in found.to}:
            raise DeliveryError(f"{entry.recipient} is not the owner any more: {_why(entry, found)}")

    def owners(self, spec: Spec) -> Addressed:
        """Give those who hear of a spec's failures; where the store is the failure, as spec and directory name them.

        Raises
        ------
        SpecError
            Where the directory cannot be read.
        """
        with self._lock:
            directory = self._directory(spec)
            try:
                contacts = self._known()
            except (SpmError, duckdb.Error):
                contacts = no_contacts(self.today)
        return owners_among(contacts, spec, directory)

    def _addressed(self, spec: Spec, entry: Entry, record: RunRecord) -> tuple[Addressed, frozenset[str]]:
        key = spec.name, entry.report
        if key not in self._found:
            found = addressees_among(self._known(), record, spec, self._directory(spec))
            self._found[key] = found, frozenset(address_key(each.address) for each in found.to)
        return self._found[key]

    def _known(self) -> Contacts:
        if self._contacts is None:
            with open_store(self.store) as opened:
                self._contacts = read_contacts(opened, self.today)
        return self._contacts

    def _directory(self, spec: Spec) -> Directory:
        folder = spec.document.path.parent
        if folder not in self._directories:
            self._directories[folder] = load_directory(folder)
        return self._directories[folder]


def _why(entry: Entry, found: Addressed) -> str:
    """Say why somebody is not among those who are written to."""
    key = address_key(entry.recipient)
    why = (each.why for each in found.dropped if address_key(each.recipient) == key)
    return next(why, "the spec names others now")
