"""File names made of names that come from a CRM: safe on every system, and one for each team or person."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from spm_lib.errors import RunError

#: The report of the whole company; no team's file is called so.
COMPANY = "company"

_LONGEST = 60
_RESERVED = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        COMPANY,
        "index",
        *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
    }
)


def slug(name: str) -> str:
    """Give `name` as lower-case ASCII letters, digits and hyphens, at most 60 characters; may be empty."""
    # Cut first: a name of 100,000 characters costs nothing.
    folded = unicodedata.normalize("NFKD", name[: 20 * _LONGEST]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:_LONGEST].rstrip("-")


def slugs(names: Mapping[str, str], *, otherwise: str = "team") -> dict[str, str]:
    """Give each id a file name made of its name.

    Parameters
    ----------
    names
        Every name there is, by id: what a team is called must not depend on which teams are run together.
    otherwise
        The word before the hash where neither name nor id has a letter to give.

    Returns
    -------
    dict
        Slug by id. Where two would be the same, or one says nothing or is reserved by an operating system,
        the id's hash stands after it.
    """
    plain = {key: slug(name) or slug(key) for key, name in names.items()}
    taken = Counter(plain.values())
    found = {}
    for key, text in plain.items():
        alone = text and taken[text] == 1 and text not in _RESERVED
        # A name that ends like a hash could be another team's name with its hash.
        safe = alone and not re.search(r"-[0-9a-f]{8}$", text)
        found[key] = text if safe else f"{text or otherwise}-{_short_hash(key)}"
    return found


def label_slug(label: str) -> str:
    """Give a period's label or a spec's name as a folder: as it is where that is safe."""
    text = label.replace("..", "_to_")
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}", text) and text.lower() not in _RESERVED:
        return text
    return f"{slug(label) or 'x'}-{_short_hash(label)}"


def inside(root: Path, *parts: str) -> Path:
    """Give a path below `root`; RunError where it would lie elsewhere."""
    root = root.resolve()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root):
        raise RunError("a report would be written outside its folder", where=str(path))
    return path


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
