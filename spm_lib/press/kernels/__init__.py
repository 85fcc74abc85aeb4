"""Warm kernels: forked from a process that has imported the study's libraries, one for each report.

A master (the process that executes notebooks) has one server; the server forks kernels. A kernel lives as long as the
connection over which it was asked for: it ends when its asker, its server or its server's master ends, however they end.
Where there can be no fork, a kernel is started in the ordinary way, and `warm_available` says why.
"""

from __future__ import annotations

from spm_lib.press.kernels.environment import SERVER_VARIABLE
from spm_lib.press.kernels.folder import sweep
from spm_lib.press.kernels.master import (
    ServerState,
    server_state,
    start_server,
    stop_server,
    warm_available,
)

__all__ = [
    "SERVER_VARIABLE",
    "ServerState",
    "server_state",
    "start_server",
    "stop_server",
    "sweep",
    "warm_available",
]
