"""A connection to a real server: what each of its answers, silences and breaks means."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spm_lib.errors import DeliveryError
from spm_lib.press.deliver.connection import Connection, open_connection
from spm_lib.press.deliver.handshake import Timeouts
from spm_lib.press.deliver.mail_server import MailServer
from spm_lib.press.deliver.outcome import Outcome

from ..kernels.running import eventually
from . import smtp_servers
from .conftest import IMPATIENT, IMPATIENT_AT_LAST, PATIENT, MakeServer
from .smtp_servers import Fault, MailLogServer, accepted

CONTENT = b"Message-ID: <one@example.com>\r\nSubject: West\r\n\r\nOn track.\r\n"
SENDER, JO, ANN = "reports@example.com", "jo@example.com", "ann@example.com"


def send(connection: Connection, to: str = JO, content: bytes = CONTENT, **more: Any) -> Outcome:
    told = {"sender": SENDER, "recipient": to, "before_last_dot": lambda: None} | more
    return connection.send(content, **told)


def faults(*texts: str, **more: Any) -> dict[str, Any]:
    return {"faults": [Fault.parse(text) for text in texts]} | more


def log_of(server: MailLogServer) -> list[str]:
    return [each.recipient for each in server.received]


# What an answer means


def test_a_mail_that_is_taken_arrives_as_it_was_sent(make_server: MakeServer) -> None:
    theirs, ours = make_server()
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection) == Outcome("accepted", "250 2.0.0 Taken")
        assert send(connection, ANN) == Outcome("accepted", "250 2.0.0 Taken")
        assert connection.alive
    assert not connection.alive and theirs.heard[-1] == "QUIT" and theirs.connections == 1
    assert [(m.sender, m.recipient, m.content) for m in theirs.received] == [
        (SENDER, JO, CONTENT),
        (SENDER, ANN, CONTENT),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    lines=st.lists(st.sampled_from([b".", b"..", b".x", b"", b"x", b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\n"]))
)
def test_no_content_ends_early_whatever_dots_and_line_ends_it_has(
    make_server: MakeServer, lines: list[bytes]
) -> None:
    theirs, ours = make_server()
    content = b"Subject: x\r\n\r\n" + b"\r\n".join(lines)
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection, content=content).state == send(connection, ANN).state == "accepted"
    assert [b"\r\n".join(re.split(rb"\r\n|\r|\n", content)).rstrip(b"\r\n"), CONTENT.rstrip()] == [
        m.content.rstrip(b"\r\n") for m in theirs.received
    ]


MEANINGS = [
    (at, code, "rejected" if code in (550, 552, 554) and (at, code) != ("rcpt", 552) else "retry")
    for at in ("mail", "rcpt", "data", "dot")
    for code in (421, 450, 451, 452, 550, 552, 554)
]


@pytest.mark.parametrize(("at", "code", "state"), MEANINGS)
def test_each_answer_means_one_thing_and_the_next_mail_goes_on(
    make_server: MakeServer, at: str, code: int, state: str
) -> None:
    theirs, ours = make_server(of_server=faults(f"{at}:{code}:1"))
    with open_connection(ours, timeouts=PATIENT) as connection:
        outcome = send(connection)
        assert (outcome.state, outcome.reply) == (state, f"{code} {code // 100}.0.0 as the test asked")
        assert connection.alive == (code != 421)
        again = send(connection, ANN)
    assert again.state == ("retry" if code == 421 else "accepted")
    assert log_of(theirs) == ([] if code == 421 else [ANN])


@pytest.mark.parametrize("deed", ["drop", "lose", "stall", "garbage"])
@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "content", "dot"])
def test_a_break_before_the_content_is_tried_again_and_one_after_it_is_unknown(
    make_server: MakeServer, at: str, deed: str
) -> None:
    theirs, ours = make_server(of_server=faults(f"{at}:{deed}:1"))
    handed: list[str] = []
    # In the midst of it: longer than what a socket takes without being read.
    content = CONTENT + b"\r\n" * (4_000_000 if at == "content" and deed != "garbage" else 1)
    with open_connection(ours, timeouts=PATIENT) as connection:
        if deed == "stall":
            connection._timeouts = IMPATIENT_AT_LAST if at in ("content", "dot") else IMPATIENT
        outcome = send(connection, content=content, before_last_dot=lambda: handed.append("now"))
        assert not connection.alive, "what a broken connection says next cannot be told from what it owes"
    begun = at in ("content", "dot")
    assert outcome.state == ("unknown" if begun else "retry")
    assert handed == ["now"] * begun
    assert outcome.reply and "\n" not in outcome.reply
    taken = at == "dot" and deed != "lose"
    assert not taken or eventually(lambda: bool(theirs.received))
    assert log_of(theirs) == [JO] * taken


@pytest.mark.parametrize(
    ("at", "state"), [("mail", "retry"), ("rcpt", "retry"), ("data", "retry"), ("dot", "unknown")]
)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_when_tls_breaks_it_is_as_when_the_line_does(
    make_server: MakeServer, security: str, at: str, state: str
) -> None:
    _, ours = make_server(security, of_server=faults(f"{at}:break-tls:1"))
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection).state == state
        assert not connection.alive


def test_a_connection_that_is_gone_sends_nothing_more(make_server: MakeServer) -> None:
    theirs, ours = make_server()
    with open_connection(ours, timeouts=PATIENT) as connection:
        pass
    connection.close()
    assert send(connection).state == "retry"
    assert log_of(theirs) == [] and "MAIL" not in theirs.heard


# What happens before the content leaves


@pytest.mark.parametrize("fault", ["mail:550", "rcpt:450", "data:554", "data:drop", "rcpt:stall"])
def test_who_keeps_the_outbox_is_not_told_of_content_that_is_not_wanted(
    make_server: MakeServer, fault: str
) -> None:
    def told() -> None:
        raise AssertionError("nothing is handed over")

    _, ours = make_server(of_server=faults(fault))
    with open_connection(ours, timeouts=PATIENT) as connection:
        if "stall" in fault:
            connection._timeouts = IMPATIENT
        send(connection, before_last_dot=told)


def test_it_is_told_once_before_a_byte_has_left(make_server: MakeServer) -> None:
    theirs, ours = make_server()
    seen: list[tuple[str, int]] = []
    with open_connection(ours, timeouts=PATIENT) as connection:
        send(connection, before_last_dot=lambda: seen.append((theirs.heard[-1], len(theirs.received))))
    assert seen == [("DATA", 0)] and log_of(theirs) == [JO]


@pytest.mark.parametrize("kind", [OSError, RuntimeError, KeyboardInterrupt])
def test_no_byte_leaves_where_the_outbox_cannot_write_it_down(
    make_server: MakeServer, kind: type[BaseException]
) -> None:
    def full_disk() -> None:
        raise kind("no space left")

    theirs, ours = make_server()
    connection = open_connection(ours, timeouts=PATIENT)
    with pytest.raises(kind, match="no space left"):
        send(connection, before_last_dot=full_disk)
    assert not connection.alive
    connection.close()
    with open_connection(ours, timeouts=PATIENT) as other:
        assert send(other, ANN).state == "accepted"
    assert log_of(theirs) == [ANN]


def test_the_last_reply_is_waited_for_longer_than_the_others(make_server: MakeServer) -> None:
    _, ours = make_server(of_server=faults("dot:dawdle:1", "rcpt:dawdle:1:ann*"))
    with open_connection(ours, timeouts=PATIENT) as connection:

        def loses_patience() -> None:
            connection._timeouts = Timeouts(reply=0.4, last_reply=30)

        assert send(connection, before_last_dot=loses_patience).state == "accepted", (
            "the server took a second"
        )
        outcome = send(connection, ANN)
    assert outcome.state == "retry" and "timed out" in outcome.reply
    assert Timeouts().last_reply >= 600 and Timeouts().reply <= 60


# What a server wants, and what it can take


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("code", [530, 535])
def test_a_server_that_wants_a_login_stops_all_mails(make_server: MakeServer, at: str, code: int) -> None:
    theirs, ours = make_server(of_server=faults(f"{at}:{code}"))
    connection = open_connection(ours, timeouts=PATIENT)
    with pytest.raises(DeliveryError, match=f"wants a login: {code}") as caught:
        send(connection)
    assert "SPM_SMTP_URL" in caught.value.mend and not connection.alive
    assert log_of(theirs) == []


def test_content_that_was_refused_for_want_of_a_login_is_known_not_to_have_gone(
    make_server: MakeServer,
) -> None:
    _, ours = make_server(of_server=faults("dot:530:1"))
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection).state == "retry"
        assert not connection.alive


def test_a_mail_that_the_server_finds_too_large_is_not_tried(make_server: MakeServer) -> None:
    theirs, ours = make_server(of_server={"size": 2_000_000})
    with open_connection(ours, timeouts=PATIENT) as connection:
        outcome = send(connection, content=CONTENT + b"x\r\n" * 1_000_000)
        assert outcome == Outcome(
            "rejected", "localhost takes mails of up to 2.0 MB, and this one has 3.0 MB"
        )
        assert send(connection).state == "accepted"
    assert theirs.heard.count("MAIL") == 1 and "SIZE=" in theirs.received[0].options[0]


@pytest.mark.parametrize(
    "said", ["SIZE", "SIZE 0", "SIZE \u00b2", "SIZE lots", "SIZE -1", "SIZE 9" + "9" * 300]
)
def test_a_server_that_names_no_size_is_tried(make_server: MakeServer, said: str) -> None:
    _, ours = make_server()
    with open_connection(ours, timeouts=PATIENT) as connection:
        connection._smtp.esmtp_features["size"] = said.partition(" ")[2]
        assert send(connection).state == "accepted"


@pytest.mark.parametrize(("to", "sender"), [("jö@example.com", SENDER), (JO, "bericht-ä@example.com")])
def test_letters_beyond_ascii_go_where_the_server_takes_them(
    make_server: MakeServer, to: str, sender: str
) -> None:
    theirs, ours = make_server()
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection, to, sender=sender).state == "accepted"
        assert send(connection).state == "accepted"
    assert (theirs.received[0].recipient, theirs.received[0].sender) == (to, sender)
    assert "SMTPUTF8" in theirs.received[0].options and "SMTPUTF8" not in theirs.received[1].options
    theirs, ours = make_server(of_server={"unicode": False})
    with open_connection(ours, timeouts=PATIENT) as connection:
        outcome = send(connection, to, sender=sender)
        assert outcome.state == "rejected" and "SMTPUTF8" in outcome.reply
        assert send(connection).state == "accepted"
    assert theirs.heard.count("MAIL") == 1


def test_a_domain_beyond_ascii_is_written_as_every_server_takes_it(make_server: MakeServer) -> None:
    theirs, ours = make_server(of_server={"unicode": False})
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection, "jo@köln.example", sender="bericht@exämple.com").state == "accepted"
    (received,) = theirs.received
    assert (received.recipient, received.sender) == ("jo@xn--kln-sna.example", "bericht@xn--exmple-cua.com")


@pytest.mark.parametrize(
    "to",
    ["jo@example.com\r\nRCPT TO:<ann@example.com>", "jo@example.com\n", "a b@c.example", "\ud800@x.example"],
)
def test_an_address_with_a_line_break_never_reaches_the_server(make_server: MakeServer, to: str) -> None:
    theirs, ours = make_server()
    with open_connection(ours, timeouts=PATIENT) as connection:
        assert send(connection, to).state == "rejected"
        assert connection.alive
    assert "MAIL" not in theirs.heard and "RCPT" not in theirs.heard


# The server as a program


def test_the_servers_log_outlives_it(tmp_path: Path) -> None:
    log = tmp_path / "accepted.txt"
    words = [
        sys.executable,
        smtp_servers.__file__,
        "--port",
        "0",
        "--log",
        str(log),
        "--fault",
        "rcpt:550:*:gone-*",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        server = MailServer("127.0.0.1", int(program.stdout.readline()), "none", SENDER)
        with open_connection(server, timeouts=PATIENT) as connection:
            assert [send(connection, to).state for to in (JO, "gone-1@example.com", ANN)] == [
                "accepted",
                "rejected",
                "accepted",
            ]
        program.kill()
    assert accepted(log) == [("<one@example.com>", JO), ("<one@example.com>", ANN)]
