"""The mail server as the environment or a file ``.env`` names it, and its secrets, fetched just before use."""

from __future__ import annotations

import io
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import TypeAdapter, ValidationError

from spm_lib.errors import DeliveryError, did_you_mean, one_line
from spm_lib.press.deliver.secret_command import printed_secret
from spm_lib.press.recipients import Address

URL = "SPM_SMTP_URL"
PASSWORD = "SPM_SMTP_PASSWORD"
PASSWORD_COMMAND = "SPM_SMTP_PASSWORD_COMMAND"
TOKEN_COMMAND = "SPM_SMTP_TOKEN_COMMAND"
CA_FILE = "SPM_SMTP_CA_FILE"
SENDER = "SPM_MAIL_FROM"
REPLY_TO = "SPM_MAIL_REPLY_TO"
PER_MINUTE = "SPM_MAIL_PER_MINUTE"
CONNECTIONS = "SPM_MAIL_CONNECTIONS"
ATTACHMENT_MB = "SPM_MAIL_ATTACHMENT_MB"
REPORTS_URL = "SPM_REPORTS_URL"

VARIABLES = (
    *(URL, PASSWORD, PASSWORD_COMMAND, TOKEN_COMMAND, CA_FILE, SENDER, REPLY_TO),
    *(PER_MINUTE, CONNECTIONS, ATTACHMENT_MB, REPORTS_URL),
)

Security = Literal["tls", "starttls", "none"]

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtps": ("tls", 465),
    "smtp": ("starttls", 587),
    "smtp+plain": ("none", 25),
}
_URL_MEND = "Write it like smtps://jo%40example.com@mail.example.com:465, or smtp://… for STARTTLS"
_PASSWORD_MEND = f"Set {PASSWORD}, {PASSWORD_COMMAND} or {TOKEN_COMMAND}"
#: A password manager or a token's issuer may ask a server of its own.
_COMMAND_SECONDS = 30.0
_LONGEST_NAME = 60

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class MailServer:
    """A mail server, how to reach it, and what it may be asked to do.

    Parameters
    ----------
    host, port
        Where it listens.
    security
        ``tls`` from the first byte, ``starttls`` before anything is said, or ``none``, on this machine alone.
    sender
        Address that mails come from.
    user
        Who logs in; None where the server asks nobody.
    sender_name
        Name beside the sender's address.
    reply_to
        Address that answers go to; None for the sender's.
    password
        The password; None where a command gives it, or a token.
    password_command, token_command
        Command that prints the password, or an OAuth 2 access token.
    ca_file
        Certificates of the authority that signed the server's; None for the authorities that the system trusts.
    connections
        Connections at the same time, at most.
    a_minute
        Mails a minute, at most; None for no limit.
    attachment_mb
        Megabytes of an attachment as it travels, at most.
    reports_url
        Address under which the folder of reports is served; None where it is not.
    """

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    sender_name: str = ""
    reply_to: str | None = None
    password: str | None = field(default=None, repr=False)
    password_command: str | None = field(default=None, repr=False)
    token_command: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    connections: int = 3
    a_minute: float | None = 30
    attachment_mb: float = 10
    reports_url: str | None = None

    @property
    def place(self) -> str:
        """Where the server listens, for messages: ``mail.example.com:465``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def domain(self) -> str:
        """The domain that mails come from, for their Message-ID and List-Id."""
        return self.sender.rpartition("@")[2]

    @property
    def with_token(self) -> bool:
        """Whether it is logged in with a token, not a password."""
        return self.token_command is not None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], env_file: Path | None) -> MailServer:
        """Read the server from `environ`, and from the file `env_file` what is not set there.

        Parameters
        ----------
        environ
            The environment. A variable that is set to nothing hides the file's.
        env_file
            A file of ``NAME=value`` lines; None or a file that is not there says nothing. Its values go nowhere else.

        Raises
        ------
        DeliveryError
            Where a variable is missing, unknown or says something impossible; it names the variable.
        """
        said = _said(environ, env_file)
        security, host, port, user = _server(_needed(said, URL, _URL_MEND))
        name, sender = _sender(_needed(said, SENDER, "Write it like Sales reports <reports@example.com>"))
        _check_login(said, user)
        return cls(
            host,
            port,
            security,
            sender,
            user,
            sender_name=name,
            reply_to=_address(said[REPLY_TO], REPLY_TO) if REPLY_TO in said else None,
            password=said.get(PASSWORD),
            password_command=said.get(PASSWORD_COMMAND),
            token_command=said.get(TOKEN_COMMAND),
            ca_file=_ca_file(said),
            connections=_number(said, CONNECTIONS, int, cls.connections, 1, 50),
            a_minute=_a_minute(said, cls.a_minute),
            attachment_mb=_number(said, ATTACHMENT_MB, float, cls.attachment_mb, 0.1, 150),
            reports_url=_reports_url(said),
        )

    def secret(self, *, timeout_seconds: float = _COMMAND_SECONDS) -> str:
        """Give the password or the token that the user logs in with, asking the command where one is named.

        Raises
        ------
        DeliveryError
            Where there is none, or the command fails; a `PassingError` where it takes too long.
        """
        for name, command in ((TOKEN_COMMAND, self.token_command), (PASSWORD_COMMAND, self.password_command)):
            if command is not None:
                return printed_secret(command, variable=name, timeout_seconds=timeout_seconds)
        if self.password is None:
            raise DeliveryError(f"there is no password for {self.user}", where=URL, mend=_PASSWORD_MEND)
        return self.password


def _said(environ: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    said = settings_said(environ, env_file)
    unknown = [n for n in said if n.startswith(("SPM_SMTP_", "SPM_MAIL_")) and n not in VARIABLES]
    if unknown:
        mend = did_you_mean(unknown[0], VARIABLES, limit=len(VARIABLES))
        raise DeliveryError("there is no such variable", where=unknown[0], mend=mend)
    # Blanks around a password belong to it.
    trimmed = {n: said.get(n, "") if n == PASSWORD else said.get(n, "").strip() for n in VARIABLES}
    return {name: text for name, text in trimmed.items() if text}


def settings_said(environ: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    """Give the environment, and from a file of ``NAME=value`` lines what is not set there.

    Raises
    ------
    DeliveryError
        Where the file is there and cannot be read.
    """
    return _file_values(env_file) | dict(environ)


def _file_values(env_file: Path | None) -> dict[str, str]:
    if env_file is None or not env_file.is_file():
        return {}
    try:
        text = env_file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, ValueError) else error.strerror
        mend = "Write NAME=value lines in UTF-8, readable for you"
        raise DeliveryError(f"the file cannot be read: {reason}", where=str(env_file), mend=mend) from None
    # Without interpolation: a password may well have a dollar sign.
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value or "" for name, value in found.items()}


def _needed(said: Mapping[str, str], name: str, mend: str) -> str:
    if name not in said:
        raise DeliveryError("it is not set, so no mail can be sent", where=name, mend=mend)
    return said[name]


def _server(url: str) -> tuple[Security, str, int, str | None]:
    # What is wrong here is never repeated: it may have a password in it.
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")
    except ValueError:
        raise DeliveryError("this is no address of a server", where=URL, mend=_URL_MEND) from None
    if parts.password is not None:
        mend = f"Take it out, write the user alone before the @, and put the password into {PASSWORD}"
        raise DeliveryError("a password stands in the address", where=URL, mend=mend)
    if parts.scheme not in _SCHEMES or not host or port == 0:
        raise DeliveryError("this is no address of a server", where=URL, mend=_URL_MEND)
    if parts.path.strip("/") or parts.query or parts.fragment:
        mend = "Write nothing after the port; signs like / # ? in the user's name as %2F %23 %3F"
        raise DeliveryError("something stands after host and port", where=URL, mend=mend)
    security, usual = _SCHEMES[parts.scheme]
    if security == "none" and not _on_this_machine(host):
        mend = "Write smtps://… or smtp://…; smtp+plain:// is for localhost alone"
        raise DeliveryError(
            f"without TLS, passwords and reports would travel openly to {host}", where=URL, mend=mend
        )
    user = unquote(parts.username) if parts.username else None
    if user is not None and not user.isprintable():
        raise DeliveryError("the user's name has signs that cannot be typed", where=URL, mend=_URL_MEND)
    return security, host, port or usual, user


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sender(text: str) -> tuple[str, str]:
    found = re.fullmatch(r'\s*"?([^<>"]*?)"?\s*<([^<>]*)>\s*', text)
    name, address = found.groups() if found else ("", text)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        mend = f"Write at most {_LONGEST_NAME} letters before the address"
        raise DeliveryError("the sender's name is too long or cannot be typed", where=SENDER, mend=mend)
    return name, _address(address, SENDER)


def _address(text: str, variable: str) -> str:
    try:
        address = TypeAdapter[str](Address).validate_python(text)
    except ValidationError:
        address = ""
    # "=?" begins a word in another code, which no address may hold: see `spm_lib.press.deliver.message`.
    if not address or "{" in address or "=?" in address:
        mend = "Write one address like reports@example.com"
        raise DeliveryError(f"'{one_line(text, 60)}' is no address", where=variable, mend=mend)
    return address


def _check_login(said: Mapping[str, str], user: str | None) -> None:
    named = [name for name in (PASSWORD, PASSWORD_COMMAND, TOKEN_COMMAND) if name in said]
    if len(named) > 1:
        mend = "Keep one of them, and set the other to nothing"
        raise DeliveryError(f"{' and '.join(named)} are both set", where=named[0], mend=mend)
    if user is None and named:
        mend = f"Write the user before the host in {URL}, like smtps://jo%40example.com@mail.example.com"
        raise DeliveryError("there is a secret, and no user that it belongs to", where=named[0], mend=mend)
    if user is not None and not named:
        raise DeliveryError("the user has no password", where=URL, mend=_PASSWORD_MEND)
    if not said.get(PASSWORD, "").isprintable():
        mend = "Write it on one line, in quotes where it has blanks"
        raise DeliveryError("the password has signs that cannot be typed", where=PASSWORD, mend=mend)


def _ca_file(said: Mapping[str, str]) -> Path | None:
    if CA_FILE not in said:
        return None
    path = Path(said[CA_FILE]).expanduser()
    if not path.is_file():
        mend = "Name a PEM file with the certificates of your authority"
        raise DeliveryError(f"there is no file {path}", where=CA_FILE, mend=mend)
    return path


def _a_minute(said: Mapping[str, str], usual: float | None) -> float | None:
    if said.get(PER_MINUTE, "").lower() == "none":
        return None
    return _number(said, PER_MINUTE, float, usual or 0, 0.1, 100_000, or_else=", or none for no limit")


def _number(
    said: Mapping[str, str],
    name: str,
    read: Callable[[str], N],
    usual: N,
    least: float,
    most: float,
    or_else: str = "",
) -> N:
    if name not in said:
        return usual
    kind = "whole number" if read is int else "number"
    mend = f"Write a {kind} from {least:g} to {most:g}{or_else}"
    try:
        number = read(said[name])
    except ValueError:
        raise DeliveryError(f"'{one_line(said[name], 40)}' is no {kind}", where=name, mend=mend) from None
    if not least <= number <= most:
        raise DeliveryError(f"{one_line(said[name], 40)} is out of bounds", where=name, mend=mend)
    return number


def _reports_url(said: Mapping[str, str]) -> str | None:
    if REPORTS_URL not in said:
        return None
    text = said[REPORTS_URL]
    mend = "Write it like https://reports.example.com/sales"
    try:
        parts = urlsplit(text)
        known = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise DeliveryError("this is no https address of a folder", where=REPORTS_URL, mend=mend)
    return text.rstrip("/")
