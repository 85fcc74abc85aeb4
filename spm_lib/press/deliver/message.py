"""Messages as they travel: a mail's body, what is attached to it, and who writes to whom about what."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from spm_lib.errors import RunError, one_line
from spm_lib.press.deliver.attachments import Attachment
from spm_lib.press.recipients import plain_domain
from spm_lib.press.render.eml import CODED, SUBJECT_LIMIT, Mail, header_text, to_message
from spm_lib.theme import LIGHT

#: What is longer and has no blank to break its line at would be written in a code that few programs read back.
_LONGEST_ID = 64
#: Of a hash: as many as make it certain that no two messages share a name.
_ID_DIGITS = 32
_NOTE_STYLE = (
    f"font-family:Segoe UI, Arial, sans-serif;font-size:13px;line-height:18px;color:{LIGHT.muted};"
    f"background-color:{LIGHT.panel};padding:0 24px 16px;text-align:center;"
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_LINK = re.compile(r"https://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


@dataclass(frozen=True)
class Envelope:
    """Who writes to whom, about what.

    Parameters
    ----------
    sender, recipient
        Addresses.
    subject
        The subject.
    message_id
        What names the message in all the world: see `message_id_of`.
    list_id
        What names the mails of one spec, for rules in mail programs: ``team-performance.example.com``.
    date
        When it was written, in the zone of its schedule.
    reply_to
        Where answers go; None for the sender.
    revision
        1, and more where it corrects one that was sent before.
    sender_name
        Name beside the sender's address.

    Raises
    ------
    RunError
        Where one of the addresses is none.
    """

    sender: str
    recipient: str
    subject: str
    message_id: str
    list_id: str
    date: dt.datetime
    reply_to: str | None = None
    revision: int = 1
    sender_name: str = ""

    def __post_init__(self) -> None:
        if self.date.tzinfo is None:
            raise ValueError("a mail's date needs a zone")
        for address in (self.sender, self.recipient, self.reply_to or self.sender):
            if not _ADDRESS.fullmatch(address) or not address.isprintable() or CODED in address:
                mend = "Correct it where it stands: the spec, the directory or the CRM"
                raise RunError(f"'{one_line(address, 60)}' is no address to write to", mend=mend)


@dataclass(frozen=True)
class Body:
    """A mail without its envelope, written once for all who get it.

    Parameters
    ----------
    content
        Its headers and parts as they travel.
    """

    content: bytes

    def to(self, envelope: Envelope) -> bytes:
        """Give the message as it travels to the envelope's recipient."""
        message = EmailMessage()
        for name, value in _headers(envelope):
            message[name] = value
        # Without content, the headers end in the empty line that the body's own headers stand before.
        return bytes_of(message).removesuffix(b"\r\n") + self.content


def body_of(mail: Mail, attachments: Sequence[Attachment] = (), *, note: str = "") -> Body:
    """Write what all recipients of a mail get alike.

    Parameters
    ----------
    mail
        The body that the press rendered.
    attachments
        What goes with it.
    note
        A sentence beneath it: what is attached, or where it is instead. Addresses in it become links.
    """
    message = _without_envelope(mail, attachments, note)
    # The library looks at each line of what it writes, of which nearly all are in what is attached: that is put in after it.
    contents: dict[bytes, bytes] = {}
    for part in message.iter_attachments() if attachments else ():
        text = str(part.get_payload())
        mark = f"spm-{hashlib.sha256(text.encode()).hexdigest()}"
        contents[f"{mark}\r\n".encode()] = text.replace("\n", "\r\n").encode()
        part.set_payload(f"{mark}\n")
    content = bytes_of(message)
    for marked, whole in contents.items():
        content = content.replace(marked, whole)
    return Body(content)


def message_of(
    mail: Mail, envelope: Envelope, attachments: Sequence[Attachment] = (), *, note: str = ""
) -> EmailMessage:
    """Give a mail as a message to one recipient; for many alike, `body_of` is faster.

    Parameters
    ----------
    mail, attachments, note
        See `body_of`.
    envelope
        Who writes to whom.
    """
    message = _without_envelope(mail, attachments, note)
    inner = message.items()
    for name, _ in inner:
        del message[name]
    for name, value in [*_headers(envelope), *inner]:
        message[name] = value
    return message


def bytes_of(message: EmailMessage) -> bytes:
    """Give a message as it travels; in ASCII, unless an address has other letters.

    Raises
    ------
    RunError
        Where what stands in a header would begin another.
    """
    addresses = [
        each.addr_spec
        for name in ("From", "To", "Reply-To")
        for header in message.get_all(name, [])
        for each in header.addresses
    ]
    content = message.as_bytes(policy=SMTP if "".join(addresses).isascii() else SMTPUTF8)
    # What some versions of the library let through: see CODED.
    lines = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))]
    if names != message.keys():
        raise RunError("a name in the mail's headers breaks their lines", mend="Correct the name in the CRM")
    return content


def message_id_of(*key: object, domain: str) -> str:
    """Give the name of a message: the same for the same key, and no other's.

    Parameters
    ----------
    key
        What the message is: spec, subject, period, revision, recipient.
    domain
        The sender's domain.

    Returns
    -------
    str
        ``<…@domain>``.
    """
    # Each part with its length: ("a", "bc") is not ("ab", "c").
    parts = b"".join(
        b"%d:%s" % (len(part), part) for part in (str(k).encode("utf-8", "surrogatepass") for k in key)
    )
    return f"<{hashlib.sha256(parts).hexdigest()[:_ID_DIGITS]}@{_ascii_domain(domain)}>"


def _headers(envelope: Envelope) -> list[tuple[str, object]]:
    """Give the headers that differ from recipient to recipient, or from day to day."""
    found: list[tuple[str, object]] = [
        ("From", _address(envelope.sender, envelope.sender_name)),
        ("To", _address(envelope.recipient)),
        ("Subject", header_text(envelope.subject, SUBJECT_LIMIT)),
        ("Date", envelope.date),
        ("Message-ID", header_text(envelope.message_id)),
        ("List-Id", f"<{_list_id(envelope.list_id)}>"),
        ("Auto-Submitted", "auto-generated"),
        # Not "All": that a mail came back must still be told.
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
    ]
    if envelope.reply_to:
        found.append(("Reply-To", _address(envelope.reply_to)))
    if envelope.revision > 1:
        found.append(("X-Report-Revision", str(envelope.revision)))
    return found


def travelling(address: str) -> str:
    """Give an address as it travels: its domain in ASCII, unless letters before it need a server that knows more.

    Such an address takes no server that knows others (SMTPUTF8): ``jo@köln.example`` is ``jo@xn--kln-sna.example``.
    """
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{plain_domain(domain)}" if local.isascii() and not domain.isascii() else address


def _address(address: str, name: str = "") -> Address:
    user, _, domain = travelling(address).rpartition("@")
    return Address(header_text(name), user, domain)


def _list_id(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "reports"
    if len(plain) <= _LONGEST_ID:
        return plain
    return f"{plain[: _LONGEST_ID - 17]}-{hashlib.sha256(plain.encode()).hexdigest()[:16]}"


def _ascii_domain(domain: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", domain).strip("-.").lower()
    return plain or "localhost"


def _without_envelope(mail: Mail, attachments: Sequence[Attachment], note: str) -> EmailMessage:
    noted = _with_note(mail, note) if note else mail
    message = to_message(noted)
    # The draft's own headers; the envelope has others.
    del message["X-Unsent"]
    del message["Subject"]
    for each in attachments:
        kind, _, subtype = each.content_type.partition("/")
        params = {"charset": "utf-8"} if kind == "text" else None
        message.add_attachment(each.content, kind, subtype, filename=each.name, params=params)
    if attachments:
        # Left alone, the boundary is drawn by chance: the same mail shall be the same bytes.
        said = hashlib.sha256((noted.html + noted.text).encode("utf-8", "surrogatepass"))
        for each in attachments:
            said.update(hashlib.sha256(each.content).digest())
        message.set_boundary(f"=_spm-m-{said.hexdigest()[:24]}")
    return message


def _with_note(mail: Mail, note: str) -> Mail:
    said = one_line(note, 1000)
    row = (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td class="out small muted" align="center" bgcolor="{LIGHT.panel}" style="{_NOTE_STYLE}">'
        f'<p style="margin:0;">{_linked(said)}</p></td></tr></table>\n'
    )
    before, end, after = mail.html.rpartition("</body>")
    page = f"{before}{row}{end}{after}" if end else f"{mail.html}{row}"
    return replace(mail, html=page, text=f"{mail.text.rstrip()}\n\n{said}\n")


def _linked(text: str) -> str:
    """Give text as HTML, its addresses as links."""
    parts, at = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        parts += [
            html.escape(text[at : found.start()]),
            f'<a href="{address}" style="color:{LIGHT.good};">{address}</a>',
        ]
        at = found.end()
    return "".join([*parts, html.escape(text[at:])])
