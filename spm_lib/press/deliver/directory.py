"""The directory: what ``params/recipients.yml`` says of the company's addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from spm_lib.errors import one_line
from spm_lib.press.recipients import PlainAddress, address_key, is_address, is_role_name, plain_domain
from spm_lib.spec_file import SpecPart, mistake, read_document

DIRECTORY_FILE = "recipients.yml"

#: Before a domain, each of them says that the domains beneath it count too.
_WIDE = ("*.", ".")


def _domain(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    wide = next((mark for mark in _WIDE if text.startswith(mark)), "")
    bare = text.removeprefix(wide)
    if "*" in bare or not is_address(f"x@{bare}"):
        raise mistake(
            f"'{one_line(text, 60)}' is no domain",
            "Write it like example.com, or *.example.com for the domains beneath it too",
        )
    return ("." if wide else "") + plain_domain(bare)


Domain = Annotated[str, BeforeValidator(_domain)]


class Directory(SpecPart):
    """What ``params/recipients.yml`` says, key by key.

    Parameters
    ----------
    domains
        Where they are given, mail goes to addresses of these domains and to no others. ``*.example.com`` and
        ``.example.com`` allow example.com and all domains beneath it, ``example.com`` itself alone.
    roles
        The people who hold a role: a spec writes ``{role.sales_leaders}`` for all of them.
    left
        Addresses of people who left and are sent nothing, whoever names them.
    """

    domains: list[Domain] | None = None
    roles: dict[str, list[PlainAddress]] = Field(default_factory=dict)
    left: list[PlainAddress] = Field(default_factory=list)

    @field_validator("domains")
    @classmethod
    def _some_domain(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and not value:
            raise mistake("no domain is named", "Write at least one, or leave domains out to allow all")
        return value

    @field_validator("roles", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        for name in value if isinstance(value, dict) else ():
            if not is_role_name(name):
                raise mistake(
                    f"'{one_line(str(name), 60)}' is no name of a role", "Write it like sales_leaders"
                )
        return value

    @field_validator("roles")
    @classmethod
    def _held(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, holders in value.items():
            if not holders:
                raise mistake(
                    f"nobody holds the role '{name}'", "Write at least one address, or leave it out"
                )
        return value

    def has_left(self, address: str) -> bool:
        """Tell whether the directory says that whose address this is has left."""
        return address_key(address) in map(address_key, self.left)

    def allows(self, address: str) -> bool:
        """Tell whether mail may go to the domain of an address."""
        if self.domains is None:
            return True
        domain = plain_domain(address.rpartition("@")[2])
        return any(_covers(allowed, domain) for allowed in self.domains)


def load_directory(folder: Path) -> Directory:
    """Read the directory of a folder of specs.

    Parameters
    ----------
    folder
        The folder ``params``. Where it has no ``recipients.yml``, nothing is known and every domain is allowed.

    Raises
    ------
    SpecError
        Where the file cannot be read or says something impossible; it names the line.
    """
    path = folder / DIRECTORY_FILE
    # A file that is there and cannot be read must not pass for none: its allow-list would be gone.
    if not path.exists() and not path.is_symlink():
        return Directory()
    return read_document(path, Directory).model


def _covers(allowed: str, domain: str) -> bool:
    return domain == allowed.removeprefix(".") or (allowed.startswith(".") and domain.endswith(allowed))
