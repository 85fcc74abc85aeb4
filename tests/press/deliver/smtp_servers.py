"""A real mail server for tests and benchmarks, which misbehaves when asked to, and logs what it has accepted.

As a program: ``python smtp_servers.py --port 0 --log accepted.txt`` prints its port and serves until it is ended. Each
accepted mail is one line, ``<message-id> recipient``, written before the reply leaves.

A fault is written ``AT:DO`` or ``AT:DO:TIMES`` or ``AT:DO:TIMES:PATTERN``: at which step, what, how often (``*`` for
always) and for which recipients (a pattern as in file names). ``rcpt:550:*:gone-*`` rejects those; ``dot:drop:3`` accepts
three mails and never says so.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import fnmatch
import os
import random
import signal
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: `greeting`, `starttls`, `auth`: when a client comes; `mail`, `rcpt`, `data`: at those commands; `content`: in the midst of
#: it, before the last dot; `dot`: after it.
STEPS = ("greeting", "starttls", "auth", "mail", "rcpt", "data", "content", "dot")
#: `drop`: hang up (at the dot: after the mail was accepted); `lose`: hang up, nothing was accepted; `stall`: say nothing
#: more; `garbage`: say what is no reply; `break-tls`: send what is no TLS; `dawdle`: take a second, then do it right;
#: `hold`: wait until the test says `go_on`, then do it right;
#: `echo` and `echo-plain`, at the login: refuse, and repeat what came, as it came or read. A number is a reply's code.
DEEDS = ("drop", "lose", "stall", "garbage", "break-tls", "dawdle", "hold", "echo", "echo-plain")


@dataclass
class Fault:
    """What the server does wrong, where, how often and for whom."""

    at: str
    do: str
    times: int | None = None
    pattern: str = "*"

    def __post_init__(self) -> None:
        assert self.at in STEPS, self.at
        assert self.do in DEEDS or self.do.isdigit(), self.do

    @classmethod
    def parse(cls, text: str) -> Fault:
        at, do, times, pattern, *_ = [*text.split(":"), "*", "*"]
        return cls(at, do, None if times == "*" else int(times), pattern)

    def strikes(self, at: str, recipient: str) -> bool:
        if at != self.at or self.times == 0 or not fnmatch.fnmatchcase(recipient, self.pattern):
            return False
        self.times = self.times and self.times - 1
        return True


@dataclass
class Received:
    """A mail that was accepted."""

    sender: str
    recipient: str
    content: bytes
    options: Sequence[str]


@dataclass
class MailLogServer:
    """A mail server on a port of this machine; a context manager that serves in a thread.

    `security` is ``tls``, ``starttls`` or ``none``; `passwords` and `tokens` are by user, and without both it asks nobody.
    `offers` is what it offers to log in with. `delay` is how long each step takes at most, drawn by chance.
    """

    security: str = "none"
    tls: ssl.SSLContext | None = None
    passwords: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    offers: Sequence[str] = ("LOGIN", "PLAIN", "XOAUTH2")
    faults: list[Fault] = field(default_factory=list)
    log: Path | None = None
    size: int | None = 50_000_000
    unicode: bool = True
    delay: float = 0.0
    keep: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    #: Commands as they came, over all connections; and how many of those there were.
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> MailLogServer:
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(self._up.set)), daemon=True)
        self._thread.start()
        assert self._up.wait(30)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)

    def run(self) -> None:
        """Serve in this thread, after the port was printed, until the process is ended."""
        asyncio.run(self._serve(lambda: print(self.port, flush=True)))

    async def _serve(self, ready: Callable[[], None]) -> None:
        self._loop, self._over, self._chance = asyncio.get_running_loop(), asyncio.Event(), random.Random()
        self._log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if self.log else None
        at_once = self.tls if self.security == "tls" else None
        server = await self._loop.create_server(lambda: _Session(self), self.host, self.port, ssl=at_once)
        self.port = server.sockets[0].getsockname()[1]
        for name in (
            (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
        ):
            self._loop.add_signal_handler(name, self._over.set)
        ready()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        if self._log is not None:
            os.close(self._log)

    def fault(self, at: str, recipient: str = "") -> str | None:
        return next((each.do for each in self.faults if each.strikes(at, recipient)), None)

    async def pause(self) -> None:
        if self.delay:
            await asyncio.sleep(self._chance.uniform(0, self.delay))

    def accept(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            if self._log is not None:
                # One write, straight to the system: it is there even if this process is killed in a moment.
                os.write(self._log, f"{message_id(content)} {recipient}\n".encode())
            if self.keep:
                assert envelope.mail_from is not None
                self.received.append(Received(envelope.mail_from, recipient, content, envelope.mail_options))


def message_id(content: bytes) -> str:
    for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"message-id":
            return value.strip().decode()
    return "-"


def accepted(log: Path) -> list[tuple[str, str]]:
    """Read a server's log: message id and recipient of each accepted mail."""
    if not log.exists():
        return []
    return [
        (key, who) for key, _, who in (line.partition(" ") for line in log.read_text("utf-8").splitlines())
    ]


class _Session(SMTP):
    """One client's session: what the library does, and the faults."""

    #: Of the whole content, see smtp_DATA; how long a command may be is limited elsewhere.
    line_length_limit = 100_000_000

    def __init__(self, owner: MailLogServer) -> None:
        self.owner = owner
        super().__init__(
            _Handler(owner),
            data_size_limit=owner.size,
            enable_SMTPUTF8=owner.unicode,
            hostname="mail.test",
            tls_context=owner.tls if owner.security == "starttls" else None,
            auth_require_tls=False,
            auth_required=bool(owner.passwords or owner.tokens),
            auth_exclude_mechanism={"LOGIN", "PLAIN", "XOAUTH2"} - set(owner.offers),
            authenticator=self._let_in,
            loop=asyncio.get_running_loop(),
        )

    def _let_in(self, _: SMTP, __: Session, ___: Envelope, ____: str, shown: Any) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        known = self.owner.passwords.get(shown.login.decode())
        return AuthResult(success=known == shown.password.decode(), handled=False)

    async def push(self, status: Any) -> None:
        text = status.decode() if isinstance(status, bytes) else status
        if text.startswith("220 mail.test"):
            self.owner.connections += 1
            deed = self.owner.fault("greeting")
            if deed is not None:
                text = await self.done(deed)
                await super().push(text)
                assert self.transport is not None
                self.transport.close()
                return
        await super().push(text)

    async def done(self, deed: str) -> str:
        """Do a deed; give the reply where it is one."""
        if deed.isdigit():
            return f"{deed} {deed[0]}.0.0 as the test asked"
        if deed == "garbage":
            return "hello?"
        assert self.transport is not None
        if deed == "break-tls":
            # Past the encryption, straight into the socket.
            os.write(self.transport.get_extra_info("socket").fileno(), b"this is no TLS at all\r\n" * 20)
        elif deed != "stall":
            self.transport.abort()  # type: ignore[attr-defined]
        await asyncio.Event().wait()  # ended with the connection
        raise AssertionError

    async def misbehaves(self, at: str, recipient: str = "") -> str | None:
        await self.owner.pause()
        deed = self.owner.fault(at, recipient)
        if deed == "dawdle":
            await asyncio.sleep(1)
        if deed == "hold":
            await asyncio.to_thread(self.owner.go_on.wait, 60)
        return None if deed in (None, "dawdle", "hold") else await self.done(deed)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        self.owner.heard.append(f"EHLO {hostname}")
        await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        reply = await self.misbehaves("starttls")
        await (self.push(reply) if reply else super().smtp_STARTTLS(arg))

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        self.owner.heard.append(f"AUTH {arg.split()[0]}")
        deed = self.owner.fault("auth")
        if deed in ("echo", "echo-plain"):
            came = arg.split()[-1]
            if arg.startswith("LOGIN"):
                await self.push("334 UGFzc3dvcmQ6")
                came = (await self._reader.readline()).decode().strip()
            shown = came if deed == "echo" else base64.b64decode(came).decode().replace("\0", " ")
            await self.push(f"535-5.7.8 this is no login:\r\n535 {shown}")
            return
        reply = await self.done(deed) if deed else None
        await (self.push(reply) if reply else super().smtp_AUTH(arg))

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        self.owner.heard.append("QUIT")
        await super().smtp_QUIT(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        self.owner.heard.append("RSET")
        await super().smtp_RSET(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        assert self.envelope is not None
        self.owner.heard.append("DATA")
        to = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
        reply = await self.misbehaves("data", to)
        if reply:
            await self.push(reply)
            return
        await self.push("354 Go on")
        deed = self.owner.fault("content", to)
        if deed is not None:
            await self._reader.read(64)
            await self.push(await self.done(deed))
            return
        # The library reads line by line, which for large mails takes longer than all that a benchmark would measure.
        content = (await self._reader.readuntil(b"\r\n.\r\n"))[:-3]
        self.envelope.original_content = self.envelope.content = content.replace(b"\r\n..", b"\r\n.")
        status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()
        await self.push(status)


class _Handler:
    """What the library asks at each step."""

    def __init__(self, owner: MailLogServer) -> None:
        self.owner = owner

    async def handle_EHLO(  # noqa: N802
        self, server: _Session, session: Session, envelope: Envelope, hostname: str, offered: list[str]
    ) -> list[str]:
        session.host_name = hostname
        login = bool(self.owner.passwords or self.owner.tokens) and bool(self.owner.offers)
        return [each for each in offered if login or not each.startswith("250-AUTH")]

    async def handle_MAIL(  # noqa: N802
        self, server: _Session, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.owner.heard.append("MAIL")
        reply = await server.misbehaves("mail")
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Session, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.owner.heard.append("RCPT")
        reply = await server.misbehaves("rcpt", address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await self.owner.pause()
        deed = self.owner.fault("dot", envelope.rcpt_tos[0])
        if deed == "dawdle":
            await asyncio.sleep(1)
        if deed is None or not (deed.isdigit() or deed == "lose"):
            self.owner.accept(envelope)
        await self.owner.pause()
        return "250 2.0.0 Taken" if deed in (None, "dawdle") else await server.done(deed)

    async def auth_XOAUTH2(self, server: _Session, args: list[str]) -> AuthResult:  # noqa: N802
        said = base64.b64decode(args[1]).decode()
        user = said.partition("\x01")[0].removeprefix("user=")
        token = self.owner.tokens.get(user)
        if token is not None and said == f"user={user}\x01auth=Bearer {token}\x01\x01":
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="A mail server that logs what it accepts.")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free; it is printed")
    parser.add_argument("--log", type=Path, required=True, help="gets a line for each accepted mail")
    parser.add_argument("--fault", action="append", default=[], help="AT:DO[:TIMES[:PATTERN]], several times")
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds that a step takes at most, by chance"
    )
    said = parser.parse_args()
    faults = [Fault.parse(each) for each in said.fault]
    MailLogServer(port=said.port, log=said.log, faults=faults, delay=said.delay, keep=False).run()


if __name__ == "__main__":
    main()
