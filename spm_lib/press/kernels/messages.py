"""What master, server and kernel say to each other: one JSON object a line over a Unix socket."""

from __future__ import annotations

import json
import socket
from typing import Any

Message = dict[str, Any]


def send(connection: socket.socket, message: Message) -> None:
    """Send one message.

    Raises
    ------
    OSError
        Where the other end is gone.
    """
    connection.sendall(json.dumps(message).encode() + b"\n")


class Inbox:
    """Received bytes, taken apart into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, received: bytes) -> list[Message]:
        """Add what was received and give the messages that are whole now."""
        self._bytes += received
        *lines, rest = self._bytes.split(b"\n")
        self._bytes = bytearray(rest)
        return [json.loads(line) for line in lines]
