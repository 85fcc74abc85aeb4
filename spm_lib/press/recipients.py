"""Recipients as a run spec writes them: addresses, roles of the directory, and what each report finds for itself."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import BeforeValidator

from spm_lib.errors import did_you_mean, one_line
from spm_lib.spec_file import mistake

THE_REP = "{rep.email}"
TEAM_MANAGER = "{team.manager.email}"
REP_MANAGER = "{rep.manager.email}"
THE_TEAM = "{team.email}"
MANAGERS = (TEAM_MANAGER, REP_MANAGER)

#: Each report finds them for itself.
FOUND = (*MANAGERS, THE_TEAM, THE_REP)

#: One at sign, and nothing that could begin another address or header; no part of the domain is empty.
_ADDRESS = re.compile(r"[^@\s,;:<>\"()\[\]\\]+@[^@\s,;:<>\"()\[\]\\.]+(\.[^@\s,;:<>\"()\[\]\\.]+)*")
_LONGEST = 254

_ROLE = re.compile(r"\{role\.([^{}.]*)\}")
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_ROLE_MEND = "Write it like {role.sales_leaders}"


def is_address(text: str) -> bool:
    """Tell whether `text` is one address alone, of whatever script."""
    # Mail libraries decode what begins like this, line ends too.
    plain = text.isprintable() and "=?" not in text
    return len(text) <= _LONGEST and plain and _ADDRESS.fullmatch(text) is not None


def is_role_name(text: str) -> bool:
    """Tell whether a role of the directory may be called so: in small letters, as two roles must not be taken for one."""
    return _ROLE_NAME.fullmatch(text) is not None


def role_of(recipient: str) -> str | None:
    """Give the name of the role that a recipient like ``{role.sales_leaders}`` stands for; None for any other."""
    found = _ROLE.fullmatch(recipient)
    return found[1] if found else None


def address_key(address: str) -> str:
    """Give what all ways of writing one address have in common, for rules that ask whose it is."""
    local, _, domain = address.rpartition("@")
    return f"{unicodedata.normalize('NFC', local).casefold()}@{plain_domain(domain)}"


def plain_domain(domain: str) -> str:
    """Give a domain as mail servers write it, in small ASCII letters: ``köln.example`` is ``xn--kln-sna.example``."""
    labels = unicodedata.normalize("NFC", domain.lower()).split(".")
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in labels
    )


def _plain_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not is_address(text):
        raise mistake(f"'{one_line(text, 60)}' is no address", "Write the address alone, like jo@example.com")
    return text


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if "{" not in text and "}" not in text:
        return _plain_address(text)
    role = role_of(text)
    if role is not None and not is_role_name(role):
        raise mistake(f"there is no role '{one_line(role, 60)}'", _ROLE_MEND)
    if role is None and text not in FOUND:
        near = _ROLE_MEND if text.startswith("{role") else did_you_mean(text, FOUND)
        raise mistake(f"there is no recipient '{one_line(text, 60)}'", near)
    return text


def _leader(value: object) -> object:
    address = _address(value)
    if address in FOUND:
        raise mistake(f"'{address}' is not one person", "Name leaders by their own addresses, or by a role")
    return address


def _owner(value: object) -> object:
    address = _address(value)
    if address in FOUND:
        raise mistake(
            f"'{address}' is another person for each report", "Name the owner by an address, or by a role"
        )
    return address


#: Anyone that a spec sends reports to.
Address = Annotated[str, BeforeValidator(_address)]
#: An address, and nothing to be looked up.
PlainAddress = Annotated[str, BeforeValidator(_plain_address)]
#: An address or a role: somebody who is named in words.
LeaderAddress = Annotated[str, BeforeValidator(_leader)]
#: Who hears of failures and held reports: an address or a role.
OwnerAddress = Annotated[str, BeforeValidator(_owner)]
