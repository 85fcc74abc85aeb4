"""Mail bodies as files: an ``.eml`` draft without recipients, which any mail program opens, and back."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

from spm_lib.errors import RunError, one_line

#: Longest subject: more than that, no list of mails shows.
SUBJECT_LIMIT = 200

#: Begins a word that is written in another code. Before it writes a header, the library decodes such words in it; up to
#: Python 3.11.9, a line end that comes to light so begins a header of its own.
CODED = "=?"


@dataclass(frozen=True)
class Mail:
    """A mail's body.

    Parameters
    ----------
    subject
        The report's one sentence; whoever sends the mail may put another in its place.
    html, text
        The body, and its twin in plain text.
    pictures
        PNG of every picture, by the content id under which the HTML shows it.
    """

    subject: str
    html: str
    text: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many bytes the HTML takes as it travels; mail programs cut what is longer than they like."""
        part = EmailMessage()
        part.set_content(self.html, subtype="html", cte=_encoding(self.html))
        travelling = str(part.get_payload())
        return len(travelling) + travelling.count("\n")  # line ends travel as two


def header_text(text: str, limit: int = 400) -> str:
    """Give text for a header: on one line, without signs that hide or turn it, and nothing in it to be decoded."""
    return one_line(text.replace(CODED, "= ?"), limit)


def to_message(mail: Mail) -> EmailMessage:
    """Give the mail as a message without recipients: the plain text, and the HTML with its pictures."""
    message = EmailMessage()
    message["Subject"] = header_text(mail.subject, SUBJECT_LIMIT)
    # Tells mail programs that this is a draft to be sent, not one that came.
    message["X-Unsent"] = "1"
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    body = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(body, EmailMessage)
    for number, (cid, png) in enumerate(mail.pictures.items(), start=1):
        name = f"figure-{number}.png"
        body.add_related(png, "image", "png", cid=f"<{cid}>", filename=name, disposition="inline")
    # Left alone, boundaries are drawn by chance: the same report shall be the same file.
    digest = hashlib.sha256((mail.html + mail.text).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    message.set_boundary(f"=_spm-a-{digest}")
    if body.is_multipart():
        body.set_boundary(f"=_spm-r-{digest}")
    return message


def to_eml(mail: Mail) -> bytes:
    """Give the mail as the bytes of an ``.eml`` file."""
    return to_message(mail).as_bytes(policy=email.policy.SMTP)


def from_eml(content: bytes) -> Mail:
    """Read what `to_eml` wrote.

    Raises
    ------
    RunError
        Where it is no mail with HTML and plain text.
    """
    message = email.message_from_bytes(content, policy=email.policy.default)
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    if text is None or html is None:
        raise RunError("this is no mail body", mend="Make the report again with --force")
    pictures = {
        str(part["Content-ID"]).strip("<> "): part.get_content()
        for part in message.walk()
        if part.get_content_type() == "image/png" and part["Content-ID"]
    }
    return Mail(str(message["Subject"]), _lines(html.get_content()), _lines(text.get_content()), pictures)


def _lines(text: str) -> str:
    """Give text with plain line ends: mails travel with those of teleprinters."""
    return text.replace("\r\n", "\n")


def _encoding(text: str) -> str:
    """Choose the shorter way to write text in ASCII."""
    whole = len(text.encode("utf-8", "replace"))
    escaped = whole - len(text.encode("ascii", "ignore")) + text.count("=")
    return "quoted-printable" if 2 * escaped < 0.34 * whole else "base64"
