"""Who is sent a report, today: recipients looked up in the store and the directory, and kept within the report's scope."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spm_lib.data.roster import Rep
from spm_lib.data.store import Store
from spm_lib.errors import did_you_mean, one_line
from spm_lib.press.audience import AUDIENCE, MANAGER, TEAM
from spm_lib.press.deliver.contacts import Contacts, away, read_contacts
from spm_lib.press.deliver.deliver_spec import Deliver
from spm_lib.press.deliver.directory import DIRECTORY_FILE, Directory
from spm_lib.press.recipients import (
    FOUND,
    REP_MANAGER,
    TEAM_MANAGER,
    THE_REP,
    THE_TEAM,
    address_key,
    is_address,
    role_of,
)
from spm_lib.press.records import RunRecord
from spm_lib.press.spec import Spec

if TYPE_CHECKING:
    from spm_lib.data.history import Team

_MANAGERS_ALONE = (
    "the report was made for managers alone: name the address under leaders, or make the report again"
)
_OTHERS = "name the address under others in deliver to send it all the same"


@dataclass(frozen=True)
class Addressee:
    """One who is sent the report.

    Parameters
    ----------
    address
        As it was written, with its domain in small letters.
    why
        Who this is, or where the spec says so.
    """

    address: str
    why: str


@dataclass(frozen=True)
class Dropped:
    """One whom the spec names and who is sent nothing.

    Parameters
    ----------
    recipient
        The address, or the recipient as the spec writes it.
    why
        Why.
    wants_address
        Whether nothing but an address to write to is missing.
    """

    recipient: str
    why: str
    wants_address: bool = False


@dataclass(frozen=True)
class Addressed:
    """Who is sent a report, each address once, and who is not."""

    to: tuple[Addressee, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def hold(self) -> str:
        """Why the report must be held as nobody is left to get it, in one line; empty where somebody is."""
        if self.to:
            return ""
        reasons = "; ".join(f"{each.recipient}: {each.why}" for each in self.dropped)
        return one_line(f"nobody is left to get it ({reasons or 'the spec names nobody'})")


def addressees_of(
    record: RunRecord,
    spec: Spec,
    store: Store,
    directory: Directory,
    *,
    today: dt.date,
    contacts: Contacts | None = None,
) -> Addressed:
    """Give those who are sent a report, as teams and people stand today and not as they stood on the report's day.

    Parameters
    ----------
    record
        The run. Of a report on a rep, the team is the one that the rep is in today or, where there is none, the report's.
    spec
        Its recipients. What each report finds for itself, leaders and others of the spec are named in words. Any other
        address must belong to somebody in the report's team or the teams below, to a manager of these or of a team above,
        to the rep that it is about or the rep's manager; with ``audience: team`` also to somebody whom the store does not
        know. A report on the company may go to every address. A report that was made with coaching in it goes to managers,
        the rep whom it is about, and leaders, whatever the spec has come to say since.
    store
        The store in which teams and people are looked up.
    directory
        Roles, people who left, and the domains to which mail may go. Nobody who left is sent anything, whoever names them.
    today
        The day.
    contacts
        What `read_contacts` gave for this store and day, where many reports are sent.

    Returns
    -------
    Addressed
        Everybody whom the spec names is in it, as one who is sent the report or as one who is not, with the reason.
    """
    return addressees_among(contacts or read_contacts(store, today), record, spec, directory)


def addressees_among(contacts: Contacts, record: RunRecord, spec: Spec, directory: Directory) -> Addressed:
    """Give those who are sent a report, see `addressees_of`, as `contacts` have them."""
    deliver = spec.content.deliver
    if deliver is None:
        return Addressed()
    case = _Case(contacts, directory, record, deliver)
    return _sorted_out(each for recipient in (*deliver.to, *deliver.cc) for each in case.looked_up(recipient))


def owners_of(
    spec: Spec, store: Store, directory: Directory, *, today: dt.date, contacts: Contacts | None = None
) -> Addressed:
    """Give those who hear of a spec's failures and held reports, as `addressees_of` does, but for the scope of a report."""
    return owners_among(contacts or read_contacts(store, today), spec, directory)


def owners_among(contacts: Contacts, spec: Spec, directory: Directory) -> Addressed:
    """Give those who hear of a spec's failures, see `owners_of`, as `contacts` have them: without any, as they are named."""
    owner = spec.content.owner
    if owner is None:
        return Addressed(dropped=(Dropped("owner", "the spec names no owner"),))
    return _sorted_out(_Case(contacts, directory).looked_up(owner))


def check_roles(spec: Spec, directory: Directory) -> None:
    """Raise where a spec names a role that nobody holds.

    Raises
    ------
    SpecError
        It names the line, and the nearest role of the directory.
    """
    deliver, owner = spec.content.deliver, spec.content.owner
    named: list[tuple[tuple[str | int, ...], str]] = [] if owner is None else [(("owner",), owner)]
    for key in ("to", "cc", "leaders", "others") if deliver is not None else ():
        named += [(("deliver", key, at), each) for at, each in enumerate(getattr(deliver, key))]
    for keys, recipient in named:
        role = role_of(recipient)
        if role is not None and role not in directory.roles:
            what, mend = _no_role(role, directory)
            raise spec.document.error(what, *keys, mend=mend)


def _no_role(role: str, directory: Directory) -> tuple[str, str]:
    what = f"there is no role '{one_line(role, 60)}' in {DIRECTORY_FILE}"
    return what, did_you_mean(role, directory.roles)


def _sorted_out(candidates: Iterator[Addressee | Dropped]) -> Addressed:
    to: dict[str, Addressee] = {}
    dropped: dict[Dropped, None] = {}
    for each in candidates:
        if isinstance(each, Dropped):
            dropped[each] = None
        else:
            local, _, domain = each.address.rpartition("@")
            # Of two ways to write an address one serves: hardly a server tells Jo@ from jo@, and one person reads both.
            to.setdefault(address_key(each.address), Addressee(f"{local}@{domain.lower()}", each.why))
    return Addressed(tuple(to.values()), tuple(dropped))


@dataclass(frozen=True)
class _Case:
    """One report, or an owner's mail where there is none, and all that decides who is sent it."""

    contacts: Contacts
    directory: Directory
    record: RunRecord | None = None
    deliver: Deliver | None = None

    def looked_up(self, recipient: str) -> Iterator[Addressee | Dropped]:
        """Give everybody for whom a recipient of the spec stands."""
        role = role_of(recipient)
        if recipient in FOUND:
            yield self._allowed(self._found(recipient))
        elif role is None:
            yield self._allowed(self._named(recipient, "named in the spec"))
        elif role not in self.directory.roles:
            yield Dropped(recipient, ". ".join(_no_role(role, self.directory)))
        else:
            for holder in self.directory.roles[role]:
                yield self._allowed(self._named(holder, f"holds the role {role}"))

    def _allowed(self, each: Addressee | Dropped) -> Addressee | Dropped:
        if isinstance(each, Dropped):
            return each
        if self.directory.has_left(each.address):
            return Dropped(each.address, f"has left, says {DIRECTORY_FILE}")
        if not self.directory.allows(each.address):
            return Dropped(each.address, f"its domain is not among those that {DIRECTORY_FILE} allows")
        return each

    def _found(self, recipient: str) -> Addressee | Dropped:
        """Look up what each report finds for itself."""
        record, contacts = self.record, self.contacts
        if record is None or record.team is None:
            return Dropped(recipient, "the report is about the whole company")
        if recipient in (TEAM_MANAGER, THE_TEAM):
            team = contacts.teams.get(self._team)
            if team is None:
                return Dropped(recipient, f"the store has no team '{one_line(self._team, 60)}' any more")
            name = one_line(team.name, 60)
            if recipient == THE_TEAM and self._for_managers:
                return Dropped(recipient, _MANAGERS_ALONE)
            if recipient == THE_TEAM:
                return _addressee(recipient, team.email, f"the team {name}")
            if team.manager_id is None:
                return Dropped(recipient, f"the team {name} has no manager in the store")
            return self._person(recipient, team.manager_id, f"the manager of {name}")
        if record.rep is None:
            return Dropped(recipient, "the report is about no one rep")
        if recipient == THE_REP:
            return self._person(recipient, record.rep, "whom the report is about")
        assert recipient == REP_MANAGER
        rep = contacts.people.get(record.rep)
        manager = rep.manager_id if rep is not None else None
        if manager is None:
            return Dropped(recipient, f"{one_line(record.name, 60)} has no manager in the store")
        return self._person(recipient, manager, f"the manager of {one_line(record.name, 60)}")

    def _person(self, recipient: str, rep_id: str, part: str) -> Addressee | Dropped:
        rep = self.contacts.people.get(rep_id)
        if rep is None:
            return Dropped(recipient, f"'{one_line(rep_id, 60)}', {part}, is nobody that the store knows")
        said = f"{one_line(rep.name, 60)}, {part}"
        why = away(rep, self.contacts.day)
        if why:
            return Dropped(recipient, f"{said}, {why}")
        return _addressee(recipient, self.contacts.emails.get(rep_id), said)

    def _named(self, address: str, why: str) -> Addressee | Dropped:
        """Judge an address that a person wrote down."""
        key, day = address_key(address), self.contacts.day
        holders = self.contacts.holders.get(key, ())
        there = [each for each in holders if not (isinstance(each, Rep) and away(each, day))]
        if holders and not there:
            gone = next(each for each in holders if isinstance(each, Rep))
            return Dropped(address, f"{one_line(gone.name, 60)} {away(gone, day)}")
        record, deliver = self.record, self.deliver
        if record is None or deliver is None:
            return Addressee(address, why)
        if key in self._addresses(deliver.leaders):
            return Addressee(address, f"{why}, under leaders")
        if self._for_managers:
            return Dropped(address, _MANAGERS_ALONE)
        if key in self._addresses(deliver.others):
            return Addressee(address, f"{why}, under others")
        if record.team is None:
            return Addressee(address, why)
        about = one_line(record.name, 60)
        if not there:
            if deliver.audience == TEAM:
                return Addressee(address, why)
            return Dropped(address, f"nobody in {about} has this address: {_OTHERS}")
        if any(self._reaches(each) for each in there):
            return Addressee(address, why)
        names = " and ".join(one_line(each.name, 60) for each in there[:3])
        return Dropped(address, f"{names} stands outside {about}: {_OTHERS}")

    def _addresses(self, named: Sequence[str]) -> set[str]:
        """Give the keys of the addresses of those who are named by themselves or by their roles."""
        by_role = [holder for each in named for holder in self.directory.roles.get(role_of(each) or "", ())]
        return {address_key(address) for address in (*named, *by_role)}

    @property
    def _for_managers(self) -> bool:
        """Whether the report was made with coaching in it: the spec may have come to say something else since."""
        return self.record is not None and self.record.parameters.get(AUDIENCE) == MANAGER

    @property
    def _team(self) -> str:
        """The team that may read the report today."""
        assert self.record is not None and self.record.team is not None
        rep = self.contacts.people.get(self.record.rep or "")
        return rep.team_id if rep is not None and rep.team_id is not None else self.record.team

    def _reaches(self, holder: Rep | Team) -> bool:
        """Tell whether somebody belongs to those who may read the report without being named as somebody else."""
        record, contacts = self.record, self.contacts
        assert record is not None
        below, line = contacts.below(self._team), contacts.line(self._team)
        if not isinstance(holder, Rep):
            return holder.team_id in below
        managers = {contacts.teams[each].manager_id for each in (*below, *line)}
        rep = contacts.people.get(record.rep or "")
        own = {record.rep, rep.manager_id} if rep is not None else set()
        return holder.team_id in below or holder.rep_id in managers or holder.rep_id in own


def _addressee(recipient: str, email: str | None, who: str) -> Addressee | Dropped:
    address = (email or "").strip()
    if not address:
        return Dropped(recipient, f"{who}, has no address in the store", wants_address=True)
    if not is_address(address):
        said = f"{who}, has an address that cannot be written to: '{one_line(address, 60)}'"
        return Dropped(recipient, said, wants_address=True)
    return Addressee(address, who)
