"""The provisioner: restarts and interrupts, and ordinary kernels where there can be no warm ones."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from spm_lib.press.kernels import warm_available
from spm_lib.press.kernels.manager import WarmKernelManager
from spm_lib.press.kernels.provisioner import WarmProvisioner, why_not

from .running import printed, run

ORDINARY = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def test_kernels_are_warm_here() -> None:
    assert warm_available() is None
    for python in ("python", "python3", sys.executable):
        assert why_not([python, *ORDINARY[1:]]) is None
    assert why_not([sys.executable, "-Xfrozen_modules=off", *ORDINARY[1:]]) is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["/usr/bin/python9", *ORDINARY[1:]], "its kernel is another program: /usr/bin/python9"),
        (
            ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"],
            "its kernel is another program: R",
        ),
        ([*ORDINARY, "--matplotlib=agg"], "its kernel is started with arguments of its own: "),
        ([*ORDINARY[:-2]], "its kernel is started with arguments of its own: "),
    ],
)
def test_other_kernels_are_ordinary(arguments: list[str], reason: str) -> None:
    found = why_not(arguments)
    assert found is not None and found.startswith(reason)


@pytest.mark.parametrize(
    ("platform", "wish", "reason"),
    [
        ("linux", "never", "SPM_WARM_KERNELS is 'never'"),
        ("darwin", "", "a fork is not safe on macOS (try SPM_WARM_KERNELS=always)"),
        ("darwin", "always", None),
        ("linux", "", None),
    ],
)
def test_where_kernels_are_warm(
    monkeypatch: pytest.MonkeyPatch, platform: str, wish: str, reason: str | None
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("SPM_WARM_KERNELS", wish)
    assert warm_available() == reason


def test_a_kernel_spec_of_another_program_is_executed_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "--no-stderr", "-f", "{connection_file}"]}
    folder = tmp_path / "kernels" / "other"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec | {"display_name": "Other", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    told: list[tuple[str, str]] = []
    launch = LocalProvisioner.launch_kernel

    async def launched(self: LocalProvisioner, cmd: list[str], **more: Any) -> Any:
        assert self.parent is not None
        told.append((self.parent.transport, str(Path(self.parent.ip).parent.stat().st_mode & 0o777)))
        return await launch(self, cmd, **more)

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", launched)
    made = run("print('hello')", "1 + 1", kernel="other")
    assert told == [("ipc", str(0o700))], "no port that another program may have taken before the kernel does"
    assert printed(made, 0) == "hello" and made.cells[1].outputs[0].data == {"text/plain": "2"}
    assert made.metadata.papermill.ordinary_kernel.startswith(
        "its kernel is started with arguments of its own"
    )


def test_a_kernel_that_is_not_there() -> None:
    with pytest.raises(NoSuchKernel, match="nonesuch"):
        run("1", kernel="nonesuch")


def test_restart_and_interrupt() -> None:
    seen = asyncio.run(_restarted())
    assert seen == ["1", "KeyboardInterrupt", "2", "NameError"]


async def _restarted() -> list[str]:
    manager = WarmKernelManager(kernel_name="python3")
    await manager.start_kernel()
    assert isinstance(manager.provisioner, WarmProvisioner) and manager.provisioner.why_ordinary is None
    first = manager.provisioner.pid
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        seen = [await _value(client, "kept = 1; kept")]
        begun = asyncio.Event()
        sleeps = "import time; print('begun', flush=True); time.sleep(300)"
        sleeping = asyncio.ensure_future(_value(client, sleeps, begun.set))
        await asyncio.wait_for(begun.wait(), 60)
        await manager.interrupt_kernel()
        seen += [await sleeping, await _value(client, "kept + 1")]
        await manager.restart_kernel(now=True)
        assert await manager.is_alive() and manager.provisioner.pid != first
        await client.wait_for_ready(timeout=60)
        seen.append(await _value(client, "kept"))
        await manager.shutdown_kernel()  # the polite way
        assert not await manager.is_alive()
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return seen


async def _value(client: object, source: str, printed: Callable[[], None] = lambda: None) -> str:
    """What a cell gives, or the name of its error; ``printed`` is called when it has printed something."""
    found: list[str] = []

    def hear(message: dict) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            printed()
        found.extend([content["data"]["text/plain"]] if "data" in content else [])

    reply = await client.execute_interactive(source, timeout=60, output_hook=hear)  # type: ignore[attr-defined]
    return str(reply["content"].get("ename") or "".join(found))


def test_sockets_are_in_a_private_folder() -> None:
    tell = "import json, sys\nfrom ipykernel import get_connection_info\nprint(sys.argv[2]); print(get_connection_info())"
    file, info = printed(run(tell)).split("\n", 1)
    plain = json.loads(info)
    assert plain["transport"] == "ipc" and plain["ip"].startswith(str(Path(file).parent))
    assert not Path(file).exists() and not list(Path(file).parent.glob(f"{Path(file).stem}*"))
