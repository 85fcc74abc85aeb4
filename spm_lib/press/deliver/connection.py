"""A connection to the mail server: one mail, one recipient, one outcome at a time."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from spm_lib.press.deliver.handshake import LOGIN_WANTED, Timeouts, logged_in, login_wanted
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.message import travelling
from spm_lib.press.deliver.outcome import Outcome

_GOODBYE = 421
_START_CONTENT = 354
_MAILBOX_FULL = 552
_QUIT_SECONDS = 5.0


def open_connection(server: MailServer, *, timeouts: Timeouts | None = None) -> Connection:
    """Connect to the server and log in.

    Parameters
    ----------
    server
        Whom to connect to.
    timeouts
        How long to wait for what; None for what the standards ask for.

    Raises
    ------
    DeliveryError
        Where no mail can be sent: no such server, no TLS, a certificate that does not hold, a wrong password. A
        `PassingError` where it may go another time.
    """
    timeouts = timeouts or Timeouts()
    return Connection(logged_in(server, timeouts), server, timeouts)


def check_login(server: MailServer, *, timeouts: Timeouts | None = None) -> str:
    """Connect, log in and leave again without sending anything; say in one sentence what was found.

    Raises
    ------
    DeliveryError
        As `open_connection` does.
    """
    with open_connection(server, timeouts=timeouts) as connection:
        whom = f"lets {server.user} in" if server.user else "asks nobody who they are"
        return f"{server.place} {whom}, {connection.protection}"


class Connection:
    """A connection that is logged in, for one mail after the other; a context manager.

    After a drop, a timeout or the server's goodbye it is no longer `alive`: open another.

    Parameters
    ----------
    smtp
        The connection, logged in; see `open_connection`.
    server
        Whom it leads to.
    timeouts
        How long to wait for what.
    """

    def __init__(self, smtp: smtplib.SMTP, server: MailServer, timeouts: Timeouts) -> None:
        self._smtp = smtp
        self._server = server
        self._timeouts = timeouts
        self._alive = True

    @property
    def alive(self) -> bool:
        """Whether another mail can be sent over it."""
        return self._alive

    @property
    def protection(self) -> str:
        """How what is said is protected, in words."""
        sock = self._smtp.sock
        return f"over {sock.version()}" if isinstance(sock, ssl.SSLSocket) else "without TLS"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave of the server; nothing is done where the connection is gone already."""
        if self._alive and self._smtp.sock is not None:
            self._smtp.sock.settimeout(_QUIT_SECONDS)
            # It is over, whatever the server says to it.
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
        self._drop()

    def send(
        self, content: bytes, *, sender: str, recipient: str, before_last_dot: Callable[[], None]
    ) -> Outcome:
        """Hand one mail to the server.

        Parameters
        ----------
        content
            The mail as it travels.
        sender, recipient
            Addresses on the envelope.
        before_last_dot
            Called when the server is ready for the content, before the first byte of it leaves. Where it raises, no byte
            does: the connection is dropped, and the error goes on.

        Returns
        -------
        Outcome
            What came of it.

        Raises
        ------
        DeliveryError
            Where the server wants a login: no other mail would pass either.
        """
        if not self._alive:
            return Outcome("retry", "the connection was gone")
        content, sender, recipient = (
            _with_teleprinter_lines(content),
            travelling(sender),
            travelling(recipient),
        )
        unicode = not (sender.isascii() and recipient.isascii() and content.isascii())
        impossible = self._impossible(f"{sender}{recipient}", len(content), unicode)
        if impossible:
            return Outcome("rejected", impossible)
        try:
            refused = self._ask(sender, recipient, self._options(len(content), unicode))
            if refused is not None:
                return refused
            before_last_dot()
            return self._hand_over(content)
        except BaseException:
            # Whatever went wrong here, this connection may stand in the middle of a mail.
            self._drop()
            raise

    def _impossible(self, addresses: str, size: int, unicode: bool) -> str:
        """Say why such a mail need not be tried; empty where the server may take it."""
        if not addresses.isprintable() or " " in addresses:
            return "an address has blanks or signs that cannot be typed"
        if unicode and not self._smtp.has_extn("smtputf8"):
            return f"{self._server.host} takes no addresses with letters beyond ASCII (it offers no SMTPUTF8)"
        said = self._smtp.esmtp_features.get("size", "").strip()
        # Zero, or no number: the server names no limit.
        limit = int(said) if re.fullmatch("[0-9]{1,15}", said) else 0
        if 0 < limit < size:
            return f"{self._server.host} takes mails of up to {limit / 1e6:.1f} MB, and this one has {size / 1e6:.1f} MB"
        return ""

    def _options(self, size: int, unicode: bool) -> list[str]:
        options = [f"SIZE={size}"] if self._smtp.has_extn("size") else []
        return [*options, "BODY=8BITMIME", "SMTPUTF8"] if unicode else options

    def _ask(self, sender: str, recipient: str, options: list[str]) -> Outcome | None:
        """Say who writes to whom; give why it ends there, None where the server waits for the content."""
        self._wait_at_most(self._timeouts.reply)
        reply = _asked(lambda: self._smtp.mail(sender, options))
        if not reply.consent:
            return self._refused(reply)
        reply = _asked(lambda: self._smtp.rcpt(recipient))
        if not reply.consent:
            refused = self._refused(reply)
            # Of a mailbox that is full, some say 552 where 452 is meant.
            return replace(refused, state="retry") if reply.code == _MAILBOX_FULL else refused
        reply = _asked(lambda: self._smtp.docmd("DATA"))
        return None if reply.code == _START_CONTENT else self._refused(reply)

    def _hand_over(self, content: bytes) -> Outcome:
        """Hand the content over; from here on, what is not answered plainly is unknown."""

        def step() -> tuple[int, bytes]:
            self._smtp.send(_dotted(content))
            return self._smtp.getreply()

        # Not the patience of the other replies: who hangs up early makes the server deliver twice.
        self._wait_at_most(self._timeouts.last_reply)
        reply = _asked(step)
        if reply.consent:
            return Outcome("accepted", str(reply))
        if reply.code in LOGIN_WANTED:
            # An outcome all the same: that this content was refused is known.
            self._drop()
            return Outcome("retry", str(reply))
        if reply.temporary or reply.final:
            return self._refused(reply)
        self._drop()
        return Outcome("unknown", f"the content was handed over, then: {reply}")

    def _refused(self, reply: _Reply) -> Outcome:
        """Say what a reply means that is no consent, and make the connection ready for the next mail."""
        if reply.code in LOGIN_WANTED:
            raise login_wanted(self._server, str(reply))
        goes_on = (reply.temporary or reply.final) and reply.code != _GOODBYE
        self._wait_at_most(self._timeouts.reply)
        if not (goes_on and _asked(self._smtp.rset).consent):
            self._drop()
        return Outcome("rejected" if reply.final else "retry", str(reply))

    def _wait_at_most(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _drop(self) -> None:
        self._alive = False
        self._smtp.close()


@dataclass(frozen=True)
class _Reply:
    """A server's reply; its code is 0 where the line broke or what came is no reply."""

    code: int
    text: str

    @property
    def consent(self) -> bool:
        return 200 <= self.code <= 299

    @property
    def temporary(self) -> bool:
        return 400 <= self.code <= 499

    @property
    def final(self) -> bool:
        return 500 <= self.code <= 599

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code else self.text


def _asked(step: Callable[[], tuple[int, bytes]]) -> _Reply:
    try:
        code, text = step()
    except (smtplib.SMTPException, OSError) as error:
        # Its code, where it has one, is the library's and not the server's: the reply was too long.
        return _Reply(0, str(error))
    words = text.decode("utf-8", "replace")
    if not 200 <= code <= 599:
        return _Reply(0, f"the server said what is no reply: {words}")
    return _Reply(code, words)


def _with_teleprinter_lines(content: bytes) -> bytes:
    """Give content whose lines all end in CR LF: another end of line could be taken for the end of the mail."""
    ends = content.count(b"\r\n")
    if not content.count(b"\n") == content.count(b"\r") == ends:
        content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _dotted(content: bytes) -> bytes:
    """Give content as it is handed over: a dot more before each line's first, and one on a line alone at the end."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
