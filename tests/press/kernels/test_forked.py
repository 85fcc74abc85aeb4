"""What a server and its kernel say comes in any order."""

from __future__ import annotations

import json
import socket

import pytest

from spm_lib.press.kernels import forked


@pytest.mark.parametrize("pieces", [[{"ready": True}, {"pid": 7}], [{"pid": 7}, {"ready": True}]])
@pytest.mark.parametrize("together", [True, False])
def test_a_kernel_may_be_ready_before_its_number_is_known(
    monkeypatch: pytest.MonkeyPatch, pieces: list[dict[str, object]], together: bool
) -> None:
    ours, theirs = socket.socketpair()
    lines = [json.dumps(piece).encode() + b"\n" for piece in pieces]
    monkeypatch.setattr(forked, "start_server", lambda: None)
    monkeypatch.setattr(forked, "server_address", lambda: "somewhere")
    monkeypatch.setattr(forked, "connect", lambda _: ours)
    theirs.sendall(b"".join(lines) if together else lines[0])
    if not together:
        original = forked.send

        def send(connection: socket.socket, message: dict[str, object]) -> None:
            original(connection, message)
            theirs.sendall(lines[1])

        monkeypatch.setattr(forked, "send", send)
    kernel = forked.fork_kernel({})
    assert kernel.pid == 7
    assert kernel.poll() is None and kernel.ready
    kernel.close()
    theirs.close()
