"""A forked process becomes an IPython kernel: as an ordinary one, but for what only costs time."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import random
import select
import shutil
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ipykernel.kernelapp import IPKernelApp
from IPython.core.profiledir import ProfileDir

from spm_lib.press.kernels.environment import for_kernel, threads_of
from spm_lib.press.kernels.messages import send
from spm_lib.press.kernels.streams import CutStream, TextBudget, end_cell
from spm_lib.press.kernels.threads import allow
from spm_lib.settings import COMPILED_VARIABLE

if TYPE_CHECKING:
    from spm_lib.press.kernels.server import Birth

#: New objects until Python looks for garbage; its own number suits programs with few of them.
_COLLECT_AFTER = 50_000


class ForkedKernelApp(IPKernelApp):
    """A kernel that reads no IPython profile, keeps no history file and does not look after its parent.

    A report must not depend on the profile of whoever runs the press; and the kernel's end is seen to elsewhere.
    """

    def __init__(self, birth: Birth, **more: Any) -> None:
        super().__init__(**more)  # type: ignore[no-untyped-call]
        self._birth = birth

    def parse_command_line(self, argv: Any = None) -> None:
        """Parse what the asker adds; most add nothing."""
        if argv:
            super().parse_command_line(argv)

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read nothing."""

    def init_profile_dir(self) -> None:
        """Give the shell an empty folder of its own, in which nothing outlives the kernel."""
        folder = self._birth.order["profile"]
        self.profile_dir = ProfileDir.create_profile_dir(folder)  # type: ignore[no-untyped-call]

    def init_config_files(self) -> None:
        """Copy nothing."""

    def init_poller(self) -> None:
        """Watch nothing: see `_end_with`."""

    def init_shell(self) -> None:
        """Let the shell say at each cell's end what was left out."""
        super().init_shell()  # type: ignore[no-untyped-call]
        assert self.shell is not None
        self.shell.events.register("post_run_cell", end_cell)

    def write_connection_file(self, **_: Any) -> None:
        """Tell the asker that the sockets are bound; the file is there already."""
        send(self._birth.connection, {"ready": True})


def become_kernel(birth: Birth) -> None:
    """Be a kernel until it is told to end.

    Parameters
    ----------
    birth
        Its order holds ``arguments`` (of ``ipykernel_launcher``: ``-f``, the connection file, and what else the asker
        adds), ``env``, ``cwd``, ``profile`` (a folder to make), ``text_limit`` in characters and ``memory`` in bytes,
        or None.
    """
    order = birth.order
    threads = threads_of(os.environ)
    os.environ.clear()
    os.environ.update(for_kernel(order["env"], threads) | {COMPILED_VARIABLE: str(birth.folder / "sql")})
    time.tzset()
    os.chdir(order["cwd"])
    _renew_chance()
    # A kernel lives for one report: what it looks through in search of garbage would go with it soon anyway.
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    threading.Thread(target=_end_with, args=(birth,), daemon=True).start()
    allow(threads)
    if order["memory"]:
        limit_memory(order["memory"])
    CutStream.budget = TextBudget(order["text_limit"])
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [(launcher and launcher.origin) or "", *order["arguments"]]
    app = ForkedKernelApp.instance(birth=birth, connection_file=order["arguments"][1])
    app.outstream_class = f"{CutStream.__module__}.{CutStream.__name__}"
    app.config.HistoryManager.enabled = False
    app.initialize(order["arguments"][2:])  # type: ignore[no-untyped-call]
    _choose_backend()
    app.start()  # type: ignore[no-untyped-call]


def _choose_backend() -> None:
    """Let matplotlib, imported before the kernel chose, read the kernel's choice now, as at its import."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


def limit_memory(size: int) -> None:
    """Let this process have no more than `size` bytes of data: beyond, Python raises MemoryError."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _renew_chance() -> None:
    """Give this process random numbers of its own; `random`, `uuid`, `secrets` and `tempfile` see to it themselves."""
    random.seed()
    importlib.import_module("numpy").random.seed()


def _end_with(birth: Birth) -> None:
    """End this kernel and what its cells started when its asker or its server is gone."""
    watch = select.poll()
    watch.register(birth.connection, 0)  # an end is told even where nothing is asked for
    watch.register(birth.server, 0)
    ended = [descriptor for descriptor, _ in watch.poll()]
    if birth.server in ended:
        shutil.rmtree(birth.folder, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
