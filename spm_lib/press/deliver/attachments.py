"""Files that go with a mail, or a sentence in their place where they are too large."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path

from spm_lib.errors import RunError
from spm_lib.press.slugs import slug

#: In a mail, three bytes become four letters, in lines with ends.
GROWTH = 1.37
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail.

    Parameters
    ----------
    name
        Its file name: letters, digits, hyphens, and an ending that says what it is.
    content
        What is in it.
    content_type
        What it is: ``text/html``.
    """

    name: str
    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class TooLarge:
    """A file that no mail can carry.

    Parameters
    ----------
    name
        The name that it would have had.
    size_mb, limit_mb
        Megabytes as it would travel, and how many a mail may carry.
    """

    name: str
    size_mb: float
    limit_mb: float

    @property
    def sentence(self) -> str:
        """What the reader is told instead."""
        return (
            f"The report {self.name} is not attached: it would take {self.size_mb:.1f} MB, "
            f"and mails carry up to {self.limit_mb:g} MB."
        )


def attachment_of(path: Path, *, name: str, limit_mb: float) -> Attachment | TooLarge:
    """Read a file for a mail.

    Parameters
    ----------
    path
        The file.
    name
        What to call it; letters, digits and hyphens of it are kept. Its ending follows from what is in it.
    limit_mb
        Megabytes that it may take as it travels.

    Returns
    -------
    Attachment or TooLarge

    Raises
    ------
    RunError
        Where there is no such file, or it cannot be read.
    """
    try:
        size_mb = path.stat().st_size * GROWTH / _MEGABYTE
        # A file that is far too large is not read.
        content = path.read_bytes() if size_mb <= limit_mb else _beginning(path)
    except OSError as error:
        mend = "Make the report again: spm run"
        raise RunError(f"it cannot be attached: {error.strerror}", where=str(path), mend=mend) from None
    content_type, ending = _kind(content)
    full_name = f"{slug(name) or 'report'}.{ending}"
    if size_mb > limit_mb:
        return TooLarge(full_name, size_mb, limit_mb)
    return Attachment(full_name, content, content_type)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _kind(content: bytes) -> tuple[str, str]:
    """Say what a file is by what is in it: its type, and the ending of its name."""
    if content.startswith(b"%PDF-"):
        return "application/pdf", "pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", "png"
    if content.startswith(b"PK\x03\x04"):
        if b"xl/" in content or b"[Content_Types].xml" in content[:4096]:
            return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"
        return "application/zip", "zip"
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html", "html"
    try:
        # Not to the last letter: the beginning of a file may end within one.
        codecs.utf_8_decode(content, "strict", False)
    except UnicodeDecodeError:
        return "application/octet-stream", "bin"
    return "text/plain", "txt"
