"""Reaching a server: which are not talked to, who is let in, and what may go another time."""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from spm_lib.errors import DeliveryError
from spm_lib.press.deliver.connection import check_login, open_connection
from spm_lib.press.deliver.handshake import Timeouts
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outcome import PassingError

from .conftest import IMPATIENT, PATIENT, Authority, MakeServer
from .smtp_servers import Fault

SENDER = "reports@example.com"
SECRET = "s3cr3t-Wörd"
LOGIN = {"user": "jo", "password": SECRET}
KNOWS_JO = {"passwords": {"jo": SECRET}}

# On this machine a test's server asks for passwords without TLS too.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


# Logins


@pytest.mark.parametrize("offers", [["PLAIN"], ["LOGIN"], ["LOGIN", "PLAIN", "XOAUTH2"]])
@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_password_lets_us_in(make_server: MakeServer, security: str, offers: list[str]) -> None:
    theirs, ours = make_server(security, of_server=KNOWS_JO | {"offers": offers}, **LOGIN)
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert connection.alive
    assert f"AUTH {'PLAIN' if 'PLAIN' in offers else 'LOGIN'}" in theirs.heard


def token(*words: str) -> str:
    return f"'{sys.executable}' -c \"{'; '.join(words)}\""


def test_a_token_is_fetched_for_each_connection(make_server: MakeServer, tmp_path: Path) -> None:
    count = tmp_path / "asked"
    words = token(f"open('{count}', 'a').write('x')", "print('ya29.token')")
    theirs, ours = make_server(
        "tls", of_server={"tokens": {"jo": "ya29.token"}}, user="jo", token_command=words
    )
    for _ in range(2):
        with open_connection(ours, timeouts=PATIENT) as connection:
            assert connection.alive
    assert count.read_text() == "xx" and theirs.heard.count("AUTH XOAUTH2") == 2


def refusal(ours: MailServer, kind: type[DeliveryError] = DeliveryError, timeouts: Timeouts = PATIENT) -> str:
    """One line that says where, and what to do; whether it may pass is as told."""
    with pytest.raises(DeliveryError) as caught:
        open_connection(ours, timeouts=timeouts)
    assert type(caught.value) is kind
    line = str(caught.value)
    assert "\n" not in line and caught.value.where and caught.value.mend
    assert SECRET not in line and base64.b64encode(SECRET.encode()).decode() not in line
    return line


def test_a_wrong_password_or_token_is_told_with_the_variable_to_check(make_server: MakeServer) -> None:
    for offers in (["PLAIN"], ["LOGIN"]):
        _, ours = make_server("tls", of_server={"passwords": {"jo": "other"}, "offers": offers}, **LOGIN)
        line = refusal(ours)
        assert "jo is not let in: 535" in line and "Check SPM_SMTP_PASSWORD" in line
    _, ours = make_server(
        "tls", of_server={"tokens": {"jo": "b"}}, user="jo", token_command=token("print('a')")
    )
    line = refusal(ours)
    assert "jo is not let in: 535" in line and "SPM_SMTP_TOKEN_COMMAND" in line


@pytest.mark.parametrize("deed", ["echo", "echo-plain"])
@pytest.mark.parametrize("offers", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_a_server_that_repeats_the_secret_has_it_written_down_nowhere(
    make_server: MakeServer, offers: str, deed: str
) -> None:
    ours_too = LOGIN if offers != "XOAUTH2" else {"user": "jo", "token_command": token(f"print({SECRET!r})")}
    theirs, ours = make_server(
        of_server=KNOWS_JO | {"offers": [offers], "faults": [Fault("auth", deed)]}, **ours_too
    )
    line = refusal(ours)
    assert "jo is not let in: 535 (its words hold the secret, and are not shown)" in line
    bare = line.replace("=", "")
    for form in (f"\0jo\0{SECRET}", f"user=jo\x01auth=Bearer {SECRET}\x01\x01"):
        assert base64.b64encode(form.encode()).decode().rstrip("=") not in bare
    assert f"AUTH {offers}" in theirs.heard


def test_a_server_without_a_login_or_with_another_is_told(make_server: MakeServer) -> None:
    _, ours = make_server("tls", **LOGIN)
    assert "the server offers no login" in refusal(ours)
    _, ours = make_server("tls", of_server=KNOWS_JO | {"offers": ["XOAUTH2"]}, **LOGIN)
    assert "offers XOAUTH2 to log in, not PLAIN or LOGIN" in refusal(ours)
    _, ours = make_server("tls", of_server=KNOWS_JO | {"offers": ["PLAIN"]}, user="jo", token_command="token")
    assert "offers PLAIN to log in, not XOAUTH2" in refusal(ours)


# Servers that are not talked to


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        ("expired", "certificate has expired"),
        ("not yet", "not valid yet"),
        ("self-signed", "signed its certificate itself"),
        ("unknown", "nobody known has signed"),
        ("other host", "certificate is not for localhost"),
    ],
)
def test_a_certificate_that_does_not_hold_is_told_before_anybody_logs_in(
    make_server: MakeServer, security: str, certificate: str, told: str
) -> None:
    theirs, ours = make_server(security, certificate=certificate, of_server=KNOWS_JO, **LOGIN)
    assert told in refusal(ours)
    assert not [each for each in theirs.heard if each.startswith("AUTH")]


def test_the_systems_authorities_do_not_know_a_throw_away_one(make_server: MakeServer) -> None:
    _, ours = make_server("tls", ca_file=None)
    assert "SPM_SMTP_CA_FILE" in refusal(ours)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_tls_older_than_1_2_is_not_spoken(authority: Authority) -> None:
    context = authority.tls()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")

    def serve() -> None:
        client, _ = listening.accept()
        with client, pytest.raises(ssl.SSLError):
            context.wrap_socket(client, server_side=True)

    with socket.create_server(("localhost", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        assert "TLS is older than 1.2" in refusal(MailServer("localhost", port, "tls", SENDER))
        thread.join()


def test_a_password_is_never_told_to_a_server_without_tls(make_server: MakeServer) -> None:
    theirs, ours = make_server("none", security_of_ours="starttls", of_server=KNOWS_JO, **LOGIN)
    assert "no STARTTLS" in refusal(ours) and "AUTH PLAIN" not in theirs.heard


def test_a_server_that_speaks_no_tls_on_its_port_is_told(make_server: MakeServer) -> None:
    _, ours = make_server("none", security_of_ours="tls")
    assert "speaks no TLS on this port" in refusal(ours)


def test_a_server_that_waits_for_tls_where_none_is_spoken_is_told(make_server: MakeServer) -> None:
    _, ours = make_server("tls", security_of_ours="starttls")
    assert "465 with smtps" in refusal(ours, PassingError, IMPATIENT)


def test_nobody_at_home_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = MailServer("127.0.0.1", bound.getsockname()[1], "none", SENDER)
        assert "nobody takes mail there" in refusal(server)


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (socket.EAI_NONAME, DeliveryError, "there is no such host"),
        (socket.EAI_AGAIN, PassingError, "nobody could be asked"),
    ],
)
def test_a_host_that_does_not_exist_is_told_from_one_that_cannot_be_looked_up(
    monkeypatch: pytest.MonkeyPatch, number: int, kind: type[DeliveryError], told: str
) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "as the test asked")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert told in refusal(MailServer("no.such.host.example", 465, "tls", SENDER), kind)


def test_a_file_without_certificates_is_told(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate", "utf-8")
    _, ours = make_server("tls", ca_file=tmp_path / "ca.pem")
    assert refusal(ours).startswith("SPM_SMTP_CA_FILE")


PASSING = [
    ("none", "greeting:421", "421"),
    ("none", "greeting:450", "450"),
    ("none", "greeting:drop", "the line broke"),
    ("none", "greeting:stall", "in time"),
    ("starttls", "starttls:454", "454"),
    ("starttls", "starttls:drop", "the line broke"),
    ("tls", "auth:454", "454"),
    ("tls", "auth:421", "421"),
    ("tls", "auth:drop", "the line broke"),
    ("tls", "auth:stall", "in time"),
]


@pytest.mark.parametrize(("security", "fault", "told"), PASSING)
def test_what_may_pass_says_so(make_server: MakeServer, security: str, fault: str, told: str) -> None:
    login = {} if security == "none" else LOGIN
    _, ours = make_server(
        security, of_server=KNOWS_JO | {"faults": [Fault.parse(fault)], "offers": ["PLAIN"]}, **login
    )
    assert told in refusal(ours, PassingError, IMPATIENT if "stall" in fault else PATIENT)


@pytest.mark.parametrize(
    ("security", "fault"), [("none", "greeting:554"), ("starttls", "starttls:502"), ("tls", "auth:534")]
)
def test_what_will_not_pass_says_so(make_server: MakeServer, security: str, fault: str) -> None:
    login = {} if security == "none" else LOGIN
    _, ours = make_server(
        security, of_server=KNOWS_JO | {"faults": [Fault.parse(fault)], "offers": ["PLAIN"]}, **login
    )
    assert f" {fault[-3:]} " in refusal(ours)


# The doctor's check, and what the other end is told


def test_a_login_is_checked_without_a_mail(make_server: MakeServer) -> None:
    theirs, ours = make_server("tls", of_server=KNOWS_JO, **LOGIN)
    assert check_login(ours, timeouts=PATIENT) == f"localhost:{theirs.port} lets jo in, over TLSv1.3"
    assert theirs.heard[-2:] == ["AUTH PLAIN", "QUIT"]
    theirs, ours = make_server("none")
    assert (
        check_login(ours, timeouts=PATIENT)
        == f"localhost:{theirs.port} asks nobody who they are, without TLS"
    )
    _, ours = make_server("tls", of_server={"passwords": {"jo": "other"}}, **LOGIN)
    with pytest.raises(DeliveryError, match="535"):
        check_login(ours, timeouts=PATIENT)


def test_we_call_ourselves_by_our_address_and_ask_nobody_for_a_name(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = make_server()
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("may take long"))
    check_login(ours, timeouts=PATIENT)
    assert theirs.heard[0] == "EHLO [127.0.0.1]"


def test_contexts_check_certificates(monkeypatch: pytest.MonkeyPatch, make_server: MakeServer) -> None:
    made: list[ssl.SSLContext] = []
    real: Callable[..., ssl.SSLContext] = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **k: made.append(real(**k)) or made[-1])
    for security in ("tls", "starttls"):
        check_login(make_server(security)[1])
    for context in made:
        assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert len(made) == 2
