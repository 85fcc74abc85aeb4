"""Recipients as a run spec writes them: addresses, and what each report finds for itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from spm_lib.errors import did_you_mean, one_line
from spm_lib.spec_file import mistake

THE_REP = "{rep.email}"
MANAGERS = ("{team.manager.email}", "{rep.manager.email}")

#: Each report finds them for itself.
FOUND = (*MANAGERS, "{team.email}", THE_REP)

#: One at sign, and nothing that could begin another address or header.
_ADDRESS = re.compile(r"[^@\s,;:<>\"()\[\]]+@[^@\s,;:<>\"()\[\]]+")
_LONGEST = 254


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if "{" in text or "}" in text:
        if text not in FOUND:
            raise mistake(f"there is no recipient '{one_line(text, 60)}'", did_you_mean(text, FOUND))
    elif len(text) > _LONGEST or not text.isprintable() or not _ADDRESS.fullmatch(text):
        raise mistake(f"'{one_line(text, 60)}' is no address", "Write the address alone, like jo@example.com")
    return text


def _leader(value: object) -> object:
    address = _address(value)
    if address in FOUND:
        raise mistake(f"'{address}' is not one person", "Name leaders by their own addresses")
    return address


Address = Annotated[str, BeforeValidator(_address)]
LeaderAddress = Annotated[str, BeforeValidator(_leader)]
