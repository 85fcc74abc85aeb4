"""Reaching a mail server: the line, TLS and the login, and what to do where one of them fails."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from dataclasses import dataclass

from spm_lib.errors import DeliveryError, one_line
from spm_lib.press.deliver.mail_server import (
    CA_FILE,
    PASSWORD,
    PASSWORD_COMMAND,
    TOKEN_COMMAND,
    URL,
    MailServer,
)
from spm_lib.press.deliver.outcome import PassingError

#: Replies by which a server wants a login, or a better one: no mail will pass.
LOGIN_WANTED = frozenset({530, 534, 535, 538})
_LOGGED_IN = frozenset({235, 503})

# What OpenSSL says of a certificate that does not hold: X509_V_ERR_… in its x509_vfy.h.
_NOT_YET, _EXPIRED, _SELF_SIGNED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 18, 62, 64
_UNKNOWN_AUTHORITY = frozenset({2, 19, 20, 21})

# What OpenSSL, older and newer, makes of an answer that is no TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for what, in seconds.

    Parameters
    ----------
    connect
        For the line.
    reply
        For the replies before the content.
    last_reply
        For the content to leave, and again for the reply to it. Under 600 s, mails are delivered twice: the server has
        taken what nobody waited to hear of.
    """

    connect: float = 30.0
    reply: float = 60.0
    last_reply: float = 600.0


def logged_in(server: MailServer, timeouts: Timeouts) -> smtplib.SMTP:
    """Connect to the server, with TLS unless it is on this machine, and log in.

    Raises
    ------
    DeliveryError
        Where no mail can be sent; a `PassingError` where it may go another time.
    """
    context = _context(server)
    smtp = _connected(server, context, timeouts)
    try:
        if server.security == "starttls":
            _start_tls(smtp, server, context)
        _greet(smtp, server)
        if server.user is not None:
            _log_in(smtp, server, server.user)
    except smtplib.SMTPException as error:
        smtp.close()
        raise _no_line(server, error) from None
    except BaseException:
        smtp.close()
        raise
    return smtp


def login_wanted(server: MailServer, reply: str) -> DeliveryError:
    """Give the error for a server that takes mail only from whom it knows."""
    if server.user is None:
        mend = f"Write the user before the host in {URL}, and set {PASSWORD}"
    else:
        mend = "Ask whoever runs the server which login it wants"
    return DeliveryError(f"the server wants a login: {reply}", where=server.place, mend=mend)


def _context(server: MailServer) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except OSError:
        mend = "Name a PEM file with the certificates of your authority"
        raise DeliveryError("there are no certificates in it", where=CA_FILE, mend=mend) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _connected(server: MailServer, context: ssl.SSLContext, timeouts: Timeouts) -> smtplib.SMTP:
    # A name of ours is given so that the library does not ask the network for one, which may take long.
    ours = "localhost"
    try:
        smtp = (
            smtplib.SMTP_SSL(server.host, server.port, ours, timeout=timeouts.connect, context=context)
            if server.security == "tls"
            else smtplib.SMTP(server.host, server.port, ours, timeout=timeouts.connect)
        )
    except smtplib.SMTPResponseException as error:
        raise _no(server, "the server takes no mail", error) from None
    except (OSError, smtplib.SMTPException) as error:
        raise _no_line(server, error) from None
    assert smtp.sock is not None
    smtp.sock.settimeout(timeouts.reply)
    address = str(smtp.sock.getsockname()[0]).partition("%")[0]
    smtp.local_hostname = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    return smtp


def _start_tls(smtp: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    _greet(smtp, server)
    if not smtp.has_extn("starttls"):
        mend = f"Write smtps:// with its TLS port, mostly 465, into {URL}, or ask whoever runs it"
        raise DeliveryError(
            "the server offers no TLS on this port (no STARTTLS)", where=server.place, mend=mend
        )
    try:
        smtp.starttls(context=context)
    except smtplib.SMTPResponseException as error:
        raise _no(server, "the server begins no TLS", error) from None
    except OSError as error:
        raise _no_line(server, error) from None


def _greet(smtp: smtplib.SMTP, server: MailServer) -> None:
    try:
        smtp.ehlo_or_helo_if_needed()
    except smtplib.SMTPResponseException as error:
        raise _no(server, "the server does not greet back", error) from None


def _log_in(smtp: smtplib.SMTP, server: MailServer, user: str) -> None:
    if not smtp.has_extn("auth"):
        mend = f"Take the user out of {URL} if it asks nobody, or try its other port: 465 with smtps, 587 with smtp"
        raise DeliveryError("the server offers no login", where=server.place, mend=mend)
    offered = smtp.esmtp_features["auth"].upper().split()
    known = ("XOAUTH2",) if server.with_token else ("PLAIN", "LOGIN")
    way = next((each for each in known if each in offered), None)
    if way is None:
        other = f"Set {TOKEN_COMMAND} where it wants a token, {PASSWORD} where it wants a password"
        what = f"the server offers {', '.join(offered) or 'nothing'} to log in, not {' or '.join(known)}"
        raise DeliveryError(what, where=server.place, mend=other)
    # Fetched now: a token lives for minutes.
    secret = server.secret()
    code, words = _shown(smtp, way, user, secret)
    if code in _LOGGED_IN:
        return
    error = smtplib.SMTPAuthenticationError(code, _without_secret(words, user, secret))
    raise _no(server, f"{user} is not let in", error, mend=_login_mend(server))


def _shown(smtp: smtplib.SMTP, way: str, user: str, secret: str) -> tuple[int, bytes]:
    """Show who we are; what the library has for it knows ASCII alone and no tokens."""
    if way == "LOGIN":
        code, words = smtp.docmd("AUTH", f"LOGIN {_base64(user)}")
        return smtp.docmd(_base64(secret)) if code == 334 else (code, words)
    if way == "PLAIN":
        return smtp.docmd("AUTH", f"PLAIN {_plain(user, secret)}")
    code, words = smtp.docmd("AUTH", f"XOAUTH2 {_bearer(user, secret)}")
    # Before it refuses, the server says why, and wants an empty line for it.
    return smtp.docmd("") if code == 334 else (code, words)


def _plain(user: str, secret: str) -> str:
    return _base64(f"\0{user}\0{secret}")


def _bearer(user: str, secret: str) -> str:
    return _base64(f"user={user}\x01auth=Bearer {secret}\x01\x01")


def _without_secret(words: bytes, user: str, secret: str) -> str:
    """Give a reply's words, or what stands for them where the server repeats the secret: errors are written down."""
    text = words.decode("utf-8", "replace")
    # A server may break what it repeats over lines; what ends a code of several bytes depends on what comes after.
    forms = (
        secret,
        *(form.rstrip("=") for form in (_base64(secret), _plain(user, secret), _bearer(user, secret))),
    )
    told = "".join(text.split())
    return (
        "(its words hold the secret, and are not shown)"
        if any("".join(form.split()) in told for form in forms)
        else text
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _login_mend(server: MailServer) -> str:
    if server.with_token:
        return f"Check what the command in {TOKEN_COMMAND} prints, and that {URL} names its user"
    name = PASSWORD_COMMAND if server.password_command else PASSWORD
    return f"Check {name} and the user in {URL}; some servers want a password made for programs"


def _no_line(server: MailServer, error: Exception) -> DeliveryError:
    """Say why there is no line to the server, and whether it may be there later."""
    where = server.place
    if isinstance(error, ssl.SSLCertVerificationError):
        what, mend = _certificate(server, error)
        return DeliveryError(what, where=where, mend=mend)
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        mend = f"Write smtp:// with the port for STARTTLS, mostly 587, into {URL}"
        return DeliveryError("the server speaks no TLS on this port", where=where, mend=mend)
    if isinstance(error, ssl.SSLError) and error.reason and "PROTOCOL" in error.reason:
        mend = "Ask whoever runs the server for TLS 1.2 or newer"
        return DeliveryError("the server's TLS is older than 1.2", where=where, mend=mend)
    if isinstance(error, socket.gaierror):
        mend = f"Check the host in {URL}, and this machine's network"
        if error.errno == socket.EAI_AGAIN:
            return PassingError("nobody could be asked for the host", where=where, mend=mend)
        return DeliveryError("there is no such host", where=where, mend=mend)
    if isinstance(error, ConnectionRefusedError):
        mend = f"Check host and port in {URL}: 465 with smtps, 587 with smtp"
        return DeliveryError("nobody takes mail there", where=where, mend=mend)
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        mend = f"Try again later; if it stays so, check the port in {URL}: 465 with smtps, 587 with smtp"
        return PassingError("the server does not answer in time", where=where, mend=mend)
    reason = getattr(error, "strerror", None) or str(error)
    return PassingError(f"the line broke: {one_line(reason, 120)}", where=where, mend="Try again later")


def _certificate(server: MailServer, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    code = error.verify_code
    own = f"Name the file of its authority in {CA_FILE} if it is your company's own"
    if code == _EXPIRED:
        return "the server's certificate has expired", "Ask whoever runs the server to renew it"
    if code == _NOT_YET:
        return "the server's certificate is not valid yet", "Check this machine's clock"
    if code in (_OTHER_HOST, _OTHER_ADDRESS):
        return f"the server's certificate is not for {server.host}", f"Check the host in {URL}"
    if code == _SELF_SIGNED:
        return "the server has signed its certificate itself", own
    if code in _UNKNOWN_AUTHORITY:
        return "nobody known has signed the server's certificate", own
    return f"the server's certificate does not hold: {error.verify_message}", "Ask whoever runs the server"


def _no(
    server: MailServer,
    what: str,
    error: smtplib.SMTPResponseException,
    mend: str = "Ask whoever runs the server",
) -> DeliveryError:
    """Give the error for a server's no: one that may pass, where the server says so."""
    words = error.smtp_error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    what = f"{what}: {error.smtp_code} {one_line(text, 200)}"
    if 400 <= error.smtp_code <= 499:
        return PassingError(what, where=server.place, mend="Try again later")
    return DeliveryError(what, where=server.place, mend=mend)
