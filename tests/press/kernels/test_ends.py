"""Nothing outlives its master, however the master ends; tried with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from spm_lib.press.kernels import server_state, start_server, stop_server
from spm_lib.press.kernels.forked import fork_kernel
from spm_lib.press.kernels.master import server_address

from .running import FEW_MODULES, alive, eventually, gone, printed, run

#: Executes a cell that starts a process of its own, tells all processes in a file, and hangs.
MASTER = """
    import sys
    from spm_lib.press.kernels import master
    master._START = {few!r} + master._START
    sys.path.insert(0, {root!r})
    from tests.press.kernels.running import run
    run('''
    import json, os, pathlib, subprocess
    child = subprocess.Popen(["sleep", "600"])
    told = json.dumps([os.getppid(), os.getpid(), child.pid])
    pathlib.Path({told!r} + ".new").write_text(told); os.rename({told!r} + ".new", {told!r})
    {hang}
    ''')
"""
ROOT = Path(__file__).parents[3]
#: Seconds, on a busy machine.
SOON = 60
SLEEPS = "import time; time.sleep(600)"
#: Holds the interpreter's lock, so that no thread of the kernel can look after anything.
HOLDS_LOCK = "import re; re.match('(a+)+$', 'a' * 64 + 'b')"


def started(folder: Path, hang: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A master, and the processes under it: server, kernel, the cell's."""
    told = folder / "told.json"
    script = textwrap.dedent(MASTER).format(root=str(ROOT), few=FEW_MODULES, told=str(told), hang=hang)
    environ = {name: text for name, text in os.environ.items() if name != "SPM_KERNEL_SERVER"}
    master = subprocess.Popen([sys.executable, "-c", script], env=environ, stderr=subprocess.DEVNULL)
    if not eventually(told.exists, 240):
        master.kill()
        raise AssertionError("the cell did not start")
    return master, json.loads(told.read_text("utf-8"))


def test_all_end_with_a_killed_master(tmp_path: Path) -> None:
    master, pids = started(tmp_path, HOLDS_LOCK)
    folder = Path(f"/proc/{pids[0]}/cwd").readlink()
    assert all(alive(pid) for pid in pids) and folder.stat().st_mode & 0o777 == 0o700
    master.kill()
    master.wait()
    assert gone(pids, SOON)
    assert eventually(lambda: not folder.exists(), SOON)


def test_kernels_end_with_a_killed_server(tmp_path: Path) -> None:
    master, pids = started(tmp_path, SLEEPS)
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids, SOON)
    assert master.wait(timeout=SOON) == 1  # the cell's error, told at once


def test_kernels_end_when_both_are_killed(tmp_path: Path) -> None:
    master, pids = started(tmp_path, SLEEPS)
    folder = Path(f"/proc/{pids[0]}/cwd").readlink()
    master.send_signal(signal.SIGSTOP)
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids[:1], SOON)
    master.kill()
    master.wait()
    assert gone(pids, SOON) and not folder.exists()


def test_a_killed_server_is_replaced(small_server: None) -> None:
    run("1")
    before = server_state()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    assert gone([before.pid], SOON)
    made = run("print(2)")
    after = server_state()
    assert printed(made) == "2" and "ordinary_kernel" not in made.metadata.papermill
    assert after is not None and after.pid != before.pid


def test_what_a_cell_started_ends_with_its_kernel(small_server: None) -> None:
    pid, child = json.loads(
        printed(run("import os, subprocess; print([os.getpid(), subprocess.Popen(['sleep', '600']).pid])"))
    )
    assert gone([pid, child], SOON)


def test_an_asker_that_lets_go_ends_its_kernel(tmp_path: Path, small_server: None) -> None:
    order = {
        "arguments": ["-f", str(tmp_path / "no-such-file.json")],
        "env": dict(os.environ),
        "cwd": str(tmp_path),
        "profile": str(tmp_path / "profile"),
        "text_limit": 10,
        "memory": None,
    }
    kernel = fork_kernel(order)
    pid = kernel.pid
    assert kernel.poll() is None and alive(pid)
    kernel.close()
    assert gone([pid], SOON)


def test_a_stopped_server_takes_its_folder_with_it(small_server: None) -> None:
    assert start_server() is None
    address, state = server_address(), server_state()
    assert address is not None and state is not None and Path(address).is_socket()
    stop_server()
    assert gone([state.pid], SOON) and not Path(address).parent.exists()
    assert server_state() is None and "SPM_KERNEL_SERVER" not in os.environ
