"""A throw-away authority for certificates, and mail servers that have one."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from spm_lib.press.deliver.handshake import Timeouts
from spm_lib.press.deliver.mail_server import MailServer

from .smtp_servers import MailLogServer

#: Long enough for a busy machine, short enough for a test that hangs.
PATIENT = Timeouts(connect=20, reply=20, last_reply=20)
#: For what does not come.
IMPATIENT = Timeouts(connect=0.4, reply=0.4, last_reply=0.4)
IMPATIENT_AT_LAST = Timeouts(connect=20, reply=20, last_reply=0.4)

MakeServer = Callable[..., tuple[MailLogServer, MailServer]]


class Authority:
    """Certificates for localhost, good and bad."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))
        self._folder = folder

    def tls(self, kind: str = "good") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "self-signed":
            # An authority's own certificate is one that nobody else has signed.
            alone = trustme.CA()
            alone.cert_pem.write_to_path(str(self._folder / "alone.pem"))
            alone.private_key_pem.write_to_path(str(self._folder / "alone.key"))
            context.load_cert_chain(self._folder / "alone.pem", self._folder / "alone.key")
            return context
        ca = trustme.CA() if kind == "unknown" else self._ca
        now = dt.datetime.now(dt.UTC)
        dates = {
            "expired": {"not_before": now - dt.timedelta(days=9), "not_after": now - dt.timedelta(days=1)},
            "not yet": {"not_before": now + dt.timedelta(days=1)},
        }.get(kind, {})
        host = "elsewhere.example" if kind == "other host" else "localhost"
        ca.issue_cert(host, **dates).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def make_server(authority: Authority) -> Iterator[MakeServer]:
    """Give a function that starts a server, and says how it is reached: ``make_server("tls", user="jo", password="x")``.

    What the server does differently stands in `of_server`, what we are told differently in the rest;
    `security_of_ours` is how we speak to it where it speaks otherwise.
    """
    with ExitStack() as running:

        def make(
            security: str = "none",
            *,
            certificate: str = "good",
            of_server: dict[str, Any] | None = None,
            **ours: Any,
        ) -> tuple[MailLogServer, MailServer]:
            tls = None if security == "none" else authority.tls(certificate)
            theirs = running.enter_context(
                MailLogServer(**{"security": security, "tls": tls} | (of_server or {}))
            )
            spoken = ours.pop("security_of_ours", security)
            known = {"security": spoken, "sender": "reports@example.com", "ca_file": authority.file} | ours
            return theirs, MailServer(**{"host": "localhost", "port": theirs.port} | known)

        yield make
