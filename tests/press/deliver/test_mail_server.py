"""The mail server: what the environment says of it, what it must not say, and secrets that nobody is shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_lib.errors import DeliveryError
from spm_lib.press.deliver.mail_server import VARIABLES, MailServer
from spm_lib.press.deliver.outcome import PassingError

SECRET = "s3cr3t-Wörd"
ENOUGH = {
    "SPM_SMTP_URL": "smtps://jo@mail.example.com",
    "SPM_SMTP_PASSWORD": SECRET,
    "SPM_MAIL_FROM": "reports@example.com",
}
NOBODY_ASKED = {"SPM_SMTP_URL": "smtps://mail.example.com", "SPM_MAIL_FROM": "reports@example.com"}


def read(**more: str) -> MailServer:
    return MailServer.from_environment(ENOUGH | more, None)


def refusal(environ: dict[str, str], env_file: Path | None = None) -> str:
    with pytest.raises(DeliveryError) as caught:
        MailServer.from_environment(environ, env_file)
    line = str(caught.value)
    assert "\n" not in line and caught.value.where and caught.value.mend
    assert SECRET not in line
    return line


@pytest.mark.parametrize(
    ("url", "security", "host", "port", "user"),
    [
        ("smtps://jo@mail.example.com", "tls", "mail.example.com", 465, "jo"),
        ("smtps://jo@mail.example.com:4650/", "tls", "mail.example.com", 4650, "jo"),
        ("smtp://jo@mail.example.com", "starttls", "mail.example.com", 587, "jo"),
        ("SMTP://jo@MAIL.example.com:25", "starttls", "mail.example.com", 25, "jo"),
        ("smtps://jo%40example.com@mail.example.com", "tls", "mail.example.com", 465, "jo@example.com"),
        ("smtps://jo@example.com@mail.example.com:465", "tls", "mail.example.com", 465, "jo@example.com"),
        ("smtp+plain://jo@localhost", "none", "localhost", 25, "jo"),
        ("smtp+plain://jo@127.0.0.1:2525", "none", "127.0.0.1", 2525, "jo"),
        ("smtp+plain://jo@[::1]:2525", "none", "::1", 2525, "jo"),
    ],
)
def test_an_address_says_how_where_and_who(url: str, security: str, host: str, port: int, user: str) -> None:
    server = read(SPM_SMTP_URL=url)
    assert (server.security, server.host, server.port, server.user) == (security, host, port, user)


def test_the_usual_limits_hold_where_nothing_else_is_said() -> None:
    server = read()
    assert (server.connections, server.a_minute, server.attachment_mb) == (3, 30, 10)
    assert (server.reply_to, server.ca_file, server.reports_url, server.sender_name) == (None, None, None, "")
    assert MailServer.from_environment(NOBODY_ASKED, None).user is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    server = read(
        SPM_SMTP_CA_FILE=str(authority),
        SPM_MAIL_FROM='"Sales reports" <reports@example.com>',
        SPM_MAIL_REPLY_TO="revops@example.com",
        SPM_MAIL_PER_MINUTE="none",
        SPM_MAIL_CONNECTIONS="1",
        SPM_MAIL_ATTACHMENT_MB="2.5",
        SPM_REPORTS_URL="https://reports.example.com/sales/",
    )
    assert server == MailServer(
        "mail.example.com",
        465,
        "tls",
        "reports@example.com",
        "jo",
        sender_name="Sales reports",
        reply_to="revops@example.com",
        password=SECRET,
        ca_file=authority,
        connections=1,
        a_minute=None,
        attachment_mb=2.5,
        reports_url="https://reports.example.com/sales",
    )
    assert server.domain == "example.com"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "jo:s3cr3t-Wörd@mail.example.com",
        "smtps://",
        "smtps://jo@",
        "smtps://jo@mail.example.com:99999",
        "smtps://jo@mail.example.com:0",
        "smtps://jo@mail.example.com:s3cr3t-Wörd",
        "smtps://jo@mail.example.com/inbox",
        "smtps://jo@mail.example.com?tls=no",
        "smtps://jo@[::1",
        "imaps://jo@mail.example.com",
        "https://mail.example.com",
        "smtps://jo%0Aann@mail.example.com",
        "smtps://jo@..example..com",
    ],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    assert "SPM_SMTP_URL" in refusal(ENOUGH | {"SPM_SMTP_URL": url})


@pytest.mark.parametrize("port", ["", ":465"])
@pytest.mark.parametrize("password", [SECRET, "a:b", "p%40ss", ""])
def test_a_password_in_the_address_is_refused_and_not_shown(password: str, port: str) -> None:
    line = refusal(ENOUGH | {"SPM_SMTP_URL": f"smtps://jo:{password}@mail.example.com{port}"})
    assert "a password stands in the address" in line and "SPM_SMTP_PASSWORD" in line
    assert not password or password not in line


@pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.1", "localhost.example.com", "[2001:db8::1]"])
def test_without_tls_mail_goes_to_this_machine_alone(host: str) -> None:
    assert "without TLS" in refusal(ENOUGH | {"SPM_SMTP_URL": f"smtp+plain://{host}"})


@pytest.mark.parametrize("name", ["SPM_SMTP_URL", "SPM_MAIL_FROM"])
@pytest.mark.parametrize("text", [None, "", "  "])
def test_what_is_missing_is_named(name: str, text: str | None) -> None:
    environ = {key: value for key, value in ENOUGH.items() if key != name}
    assert refusal(environ | ({} if text is None else {name: text})).startswith(f"{name}: it is not set")


@pytest.mark.parametrize("name", ["SPM_SMTP_PASWORD", "SPM_MAIL_PER_MINUTES", "SPM_SMTP_HOST"])
def test_a_variable_with_a_mistyped_name_is_told_not_passed_over(name: str) -> None:
    line = refusal(ENOUGH | {name: SECRET})
    assert line.startswith(f"{name}: there is no such variable") and any(v in line for v in VARIABLES)


def test_other_programs_variables_are_left_alone() -> None:
    assert read(SPM_STORE="x", SPMX="y", SMTP_URL="z") == read()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SPM_MAIL_PER_MINUTE", "0"),
        ("SPM_MAIL_PER_MINUTE", "-3"),
        ("SPM_MAIL_PER_MINUTE", "nan"),
        ("SPM_MAIL_PER_MINUTE", "many"),
        ("SPM_MAIL_CONNECTIONS", "0"),
        ("SPM_MAIL_CONNECTIONS", "2.5"),
        ("SPM_MAIL_CONNECTIONS", "1000"),
        ("SPM_MAIL_ATTACHMENT_MB", "0"),
        ("SPM_MAIL_ATTACHMENT_MB", "inf"),
        ("SPM_MAIL_ATTACHMENT_MB", "10 MB"),
        ("SPM_MAIL_FROM", "reports"),
        ("SPM_MAIL_FROM", "a@example.com, b@example.com"),
        ("SPM_MAIL_FROM", "{team.email}"),
        ("SPM_MAIL_FROM", "=?utf-8?q?a=0D=0ABcc=3A_x?=@example.com"),
        ("SPM_MAIL_FROM", "Jo <jo@example.com> and more"),
        ("SPM_MAIL_FROM", "x" * 61 + " <jo@example.com>"),
        ("SPM_MAIL_FROM", "Jo\nBcc: all <jo@example.com>"),
        ("SPM_MAIL_REPLY_TO", "jo@example.com\r\nBcc: ann@example.com"),
        ("SPM_REPORTS_URL", "http://reports.example.com"),
        ("SPM_REPORTS_URL", "https://"),
        ("SPM_REPORTS_URL", "https://jo:x@reports.example.com"),
        ("SPM_REPORTS_URL", "https://reports.example.com/?a=b"),
        ("SPM_REPORTS_URL", "https://reports.example.com/a b"),
        ("SPM_REPORTS_URL", "javascript:alert(1)"),
        ("SPM_SMTP_CA_FILE", "/no/such/file.pem"),
        ("SPM_SMTP_PASSWORD", "two\nlines"),
    ],
)
def test_what_is_impossible_is_refused_by_name(name: str, text: str) -> None:
    assert refusal(ENOUGH | {name: text}).startswith(f"{name}: ")


def test_one_secret_and_one_user_belong_together() -> None:
    command = {"SPM_SMTP_TOKEN_COMMAND": "token"}
    assert "are both set" in refusal(ENOUGH | command)
    assert "no user" in refusal(NOBODY_ASKED | command)
    assert "no user" in refusal(NOBODY_ASKED | {"SPM_SMTP_PASSWORD": SECRET})
    assert "no password" in refusal(ENOUGH | {"SPM_SMTP_PASSWORD": ""})
    assert read(SPM_SMTP_PASSWORD="", **command).with_token and not read().with_token


def test_a_file_says_what_the_environment_does_not(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# mail\nexport SPM_SMTP_URL='smtps://ann@files.example.com'\nSPM_SMTP_PASSWORD=\"  a$HOME ${HOME} # x \"\n"
        "SPM_MAIL_FROM=file@example.com\nOTHER=1\n",
        "utf-8",
    )
    before = dict(os.environ)
    alone = MailServer.from_environment({}, path)
    assert (alone.host, alone.user, alone.sender) == ("files.example.com", "ann", "file@example.com")
    assert alone.password == "  a$HOME ${HOME} # x ", "nothing is put in, nothing cut off"
    both = MailServer.from_environment({"SPM_MAIL_FROM": "env@example.com"}, path)
    assert (both.host, both.sender) == ("files.example.com", "env@example.com")
    hidden = {"SPM_SMTP_PASSWORD": "", "SPM_SMTP_PASSWORD_COMMAND": "pass mail"}
    assert MailServer.from_environment(hidden, path).password is None
    assert dict(os.environ) == before, "what the file says goes nowhere else"


def test_a_file_that_is_missing_says_nothing_and_one_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert MailServer.from_environment(ENOUGH, tmp_path / "none") == read()
    (tmp_path / "latin").write_bytes("SPM_SMTP_PASSWORD=Wört".encode("latin-1"))
    assert "UTF-8" in refusal(ENOUGH, tmp_path / "latin")
    (tmp_path / "typo").write_text("SPM_SMTP_PASWORD=x", "utf-8")
    assert "SPM_SMTP_PASSWORD" in refusal(ENOUGH, tmp_path / "typo")


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=5))
def test_a_secret_is_never_in_what_is_printed(secret: str) -> None:
    made = [
        MailServer("mail.example.com", 465, "tls", "a@example.com", "jo", **{name: f"<{secret}>"})
        for name in ("password", "password_command", "token_command")
    ]
    for server in made:
        assert f"<{secret}>" not in repr(server) + str(server)


def command(*words: str) -> str:
    return f"'{sys.executable}' -c \"{'; '.join(words)}\""


def asked(words: str, timeout_seconds: float = 20) -> str:
    server = MailServer("mail.example.com", 465, "tls", "a@example.com", "jo", token_command=words)
    return server.secret(timeout_seconds=timeout_seconds)


def test_a_secret_comes_from_the_environment_or_is_printed_by_a_command() -> None:
    assert read().secret() == SECRET
    assert asked(command("print('töken')")) == "töken"
    passwords = {"SPM_SMTP_PASSWORD": "", "SPM_SMTP_PASSWORD_COMMAND": command("print(1 + 1)")}
    assert read(**passwords).secret() == "2"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (command("import sys", "sys.exit('s3cr3t-Wörd has expired')"), "exit code 1"),
        (command("print()"), "printed nothing"),
        (command("print('Password:')", "print('s3cr3t-Wörd')"), "several lines"),
        (command("import sys", "sys.stdout.buffer.write(bytes([200]))"), "cannot be read"),
        ("no-such-program-at-all --token", "No such file"),
        ("'never closed", "cannot be read"),
    ],
)
def test_a_command_that_gives_no_secret_is_told_in_a_line_without_what_it_printed(
    words: str, told: str
) -> None:
    with pytest.raises(DeliveryError, match=told) as caught:
        asked(words)
    assert not isinstance(caught.value, PassingError)
    assert caught.value.where == "SPM_SMTP_TOKEN_COMMAND" and SECRET not in str(caught.value)


def test_a_command_that_takes_too_long_is_ended_and_may_go_another_time() -> None:
    with pytest.raises(PassingError, match=r"within 0\.3 s"):
        asked(command("import time", "time.sleep(60)"), timeout_seconds=0.3)
