"""Papermill's engine ``spm``: what it keeps, what it limits, what it costs."""

from __future__ import annotations

import json
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from spm_lib.press.engine import CellLimitError, NotebookLimitError

from .kernels.running import book, printed, run

SOON = 60
"""Seconds in which a machine that does much else at once still answers; what hangs takes longer."""
LITTLE = 4
"""What a report of twenty cells takes of processor time, above what its kernel does, in yardsticks: 1.3 when written."""

ALIKE = (
    "import asyncio, subprocess, sys\nimport matplotlib.pyplot as plt\nfrom IPython.display import HTML, display",
    "plt.plot([1, 2]); plt.title('first')",
    "print('no chart here', plt.get_fignums())",
    "figure, axes = plt.subplots(); axes.bar(['a'], [3]); print('drawn'); 'value'",
    "import seaborn\nseaborn.lineplot(x=[1, 2], y=[2, 1]);",
    "plt.plot([3, 4]); plt.show(); plt.get_backend(), plt.isinteractive()",
    "display(HTML('<b>bold</b>'), metadata={'kept': True}); display(1, display_id='one')",
    "from IPython.display import update_display\nupdate_display(2, display_id='one')",
    "%%capture taken\nprint('hidden'); display('hidden')",
    "taken.stdout",
    "print(subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True).stdout)",
    "!echo shell",
    "await asyncio.sleep(0.01); 'awaited'",
    "import warnings; warnings.warn('beware'); print('out'); print('err', file=sys.stderr)",
    "import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()",
    "_, __, In[1][:6], len(Out) > 2, __name__, '__file__' in globals()",
    "%matplotlib inline\nplt.plot([1]);",
    "import pickle\nclass Own: ...\ntype(pickle.loads(pickle.dumps(Own()))).__qualname__",
    "import multiprocessing as mp\nwith mp.get_context('fork').Pool(1) as pool: print(pool.map(abs, [-1]))",
    "input.__name__, sys.path[0], [n for n in dir() if n.startswith('spm')]",
    "def fail(): return 1 / 0\nfail()",
)


def plain(cell: nbformat.NotebookNode) -> str:
    """A cell's number and outputs, without what differs from one process to the next.

    Where a kernel is slow, its ordinary streams, too, come in pieces and change places.
    """
    said = {"stdout": "", "stderr": ""}
    for output in cell.outputs:
        if output.output_type == "stream":
            said[output.name] += output.text
    others = [output for output in cell.outputs if output.output_type != "stream"]
    text = json.dumps([cell.execution_count, said, others]).replace("\\r\\n", "\\n")
    return re.sub(r"0x[0-9a-f]+", "0x", re.sub(r"ipykernel_\\?/?\d+/\d+|ipykernel_\d+", "ipykernel", text))


def kept_by(path: Path) -> list[nbformat.NotebookNode]:
    """The code cells of a saved notebook, without what Papermill says above the failing one."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_outputs_are_an_ordinary_kernels(tmp_path: Path) -> None:
    made = {}
    for engine in (None, "spm"):
        with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
            run(*ALIKE, engine=engine, output=tmp_path / f"{engine}.ipynb")
        made[engine] = kept_by(tmp_path / f"{engine}.ipynb")
    for ordinary, warm in zip(made[None], made["spm"], strict=True):
        assert plain(warm) == plain(ordinary), warm.source
    charts = [sum("image/png" in o.get("data", {}) for o in cell.outputs) for cell in made["spm"]]
    assert [at for at, count in enumerate(charts) if count] == [1, 3, 4, 5, 16] and max(charts) == 1


def test_papermill_needs_only_the_engines_name(tmp_path: Path) -> None:
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    made = book("who = 'nobody'", "import os; print('hello', who, os.getcwd())")
    made.cells[0].metadata.tags = ["parameters"]
    nbformat.write(made, source)
    command = [sys.executable, "-m", "papermill", "--engine", "spm", "--no-progress-bar"]
    done = subprocess.run(
        [*command, str(source), str(target), "-p", "who", "West"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert printed(nbformat.read(target, as_version=4)) == f"hello West {tmp_path}"
    assert "ordinary_kernel" not in target.read_text("utf-8")


def test_the_file_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import papermill.engines
    import papermill.execute

    written: list[str] = []
    for module in (papermill.engines, papermill.execute):
        plain = module.write_ipynb
        monkeypatch.setattr(
            module, "write_ipynb", lambda nb, path, plain=plain: (written.append(path), plain(nb, path))
        )
    run("1", "2", output=tmp_path / "done.ipynb")
    assert written == [str(tmp_path / "done.ipynb")]
    with pytest.raises(DeadKernelError):
        run(
            "print('before')",
            # What a cell prints leaves by another thread of its process: a moment for that one.
            "import os, time; print('last', flush=True); time.sleep(2); os._exit(3)",
            "3",
            output=tmp_path / "dead.ipynb",
        )
    assert written == [str(tmp_path / name) for name in ("done.ipynb", "dead.ipynb")]
    kept = nbformat.read(tmp_path / "dead.ipynb", as_version=4)
    assert [printed(kept, at) for at in range(3)] == ["before", "last", ""]
    status = [c.metadata.papermill.status for c in kept.cells]
    assert status == ["completed", "failed", "pending"]


@pytest.mark.parametrize(
    "cell",
    [
        "import os; os._exit(1)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_a_kernel_that_dies_is_missed_at_once(cell: str) -> None:
    begun = time.monotonic()
    with pytest.raises(DeadKernelError):
        run(cell, execution_timeout=300)
    assert time.monotonic() - begun < SOON


def test_a_cell_out_of_time_is_interrupted(tmp_path: Path) -> None:
    kept = tmp_path / "kept.ipynb"
    begun = time.monotonic()
    with pytest.raises(CellLimitError, match=r"^the cell took longer than 10 s$"):
        run(
            "print('before')",
            "import time\nprint('partly', flush=True)\ntime.sleep(300)",
            "3",
            execution_timeout=10,
            output=kept,
        )
    assert time.monotonic() - begun < SOON
    cells = kept_by(kept)
    assert [o.text for o in cells[1].outputs[:-1]] == ["partly\n"]
    assert cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert cells[2].outputs == []


def test_a_notebook_out_of_time_is_interrupted(tmp_path: Path) -> None:
    kept = tmp_path / "kept.ipynb"
    run("1")  # a server's start is part of it, where there is none yet
    begun = time.monotonic()
    with pytest.raises(NotebookLimitError, match=r"^the notebook took longer than 12.5 s$"):
        run(
            *["import time; print('here', flush=True)", "print('here', flush=True); time.sleep(299)", "3"],
            execution_timeout=300,
            total_timeout=12.5,
            output=kept,
        )
    assert time.monotonic() - begun < SOON
    ends = [[o.output_type for o in c.outputs] for c in kept_by(kept)]
    assert ends == [["stream"], ["stream", "error"], []]


def test_a_cell_that_does_not_hear_the_interrupt_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spm_lib.press.kernels.runner.GRACE", 0.5)
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    begun = time.monotonic()
    with pytest.raises(CellLimitError):
        run(deaf, execution_timeout=1)
    assert time.monotonic() - begun < SOON


def test_limits_cross_process_borders() -> None:
    for error in (CellLimitError(2), NotebookLimitError(1.5)):
        assert isinstance(error, CellTimeoutError)  # which is what the press knows
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), copied.seconds) == (type(error), str(error), error.seconds)


def test_a_hundred_megabytes_of_text(tmp_path: Path) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = tmp_path / "kept.ipynb"
    made = run(
        "print('x' * 100_000_000)",
        "import sys\nfor _ in range(2_000): print('y' * 999); print('z', file=sys.stderr)",
        "print('short')",
        output=kept,
    )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 60, f"{grown:.0f} MB"
    assert kept.stat().st_size < 3_000_000
    first, second = printed(made, 0), printed(made, 1)
    assert first.startswith("xxx") and first.endswith(
        "\n[99,000,001 characters left out: the first 1,000,000 of a cell are kept]"
    )
    assert 1_000_000 <= len(first) < 1_000_200
    assert "[1,004,000 characters left out: the first 1,000,000 of a cell are kept]" in second
    assert printed(made, 2) == "short"


def test_text_is_cut_for_kernels_that_do_not_cut_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPM_WARM_KERNELS", "never")
    made = run("print('x' * 5_000)", "print('short')", text_limit=1_000)
    assert made.metadata.papermill.ordinary_kernel == "SPM_WARM_KERNELS is 'never'"
    assert printed(made, 0) == "x" * 1_000 + "[4,001 characters left out: the first 1,000 of a cell are kept]"
    assert printed(made, 1) == "short"


def test_displays_too_large_and_errors_too_long(tmp_path: Path) -> None:
    with pytest.raises(PapermillExecutionError):
        run(
            "from IPython.display import HTML, display, update_display\n"
            "display(HTML('x' * 50_000_000)); display('small')",
            "display({'application/json': {'rows': ['x' * 1_000] * 30_000}}, raw=True)",
            "display(1, display_id='late')",
            "update_display(HTML('x' * 50_000_000), display_id='late')",
            "'y' * 30_000_000",
            "raise ValueError('z' * 3_000_000)",
            output=tmp_path / "kept.ipynb",
        )
    cells = kept_by(tmp_path / "kept.ipynb")
    texts = [[o.data["text/plain"] for o in cell.outputs if "data" in o] for cell in cells]
    large = "[A display of 50.0 MB (text/html, text/plain) left out: up to 20.0 MB are kept]"
    assert texts[0] == [large, "'small'"]
    assert texts[1][0].startswith("[A display of 30.1 MB (application/json) left out")
    assert texts[2][0] == large
    assert texts[4][0].startswith("[A display of 30.0 MB (text/plain) left out")
    assert len(json.dumps(cells[5].outputs)) < 2_100_000 and cells[5].outputs[0].ename == "ValueError"


def test_progress_bars_end_as_they_were_last_seen() -> None:
    made = run("for i in range(101): print(f'{i} %', end='\\r', flush=True)\nprint('\\rdone')")
    assert printed(made) == "done" and len(made.cells[0].outputs) == 1


def test_secrets_are_written_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = tmp_path / "kept.ipynb"
    caplog.set_level("DEBUG")
    secret = "hunter2-hunter2"
    with pytest.raises(PapermillExecutionError):
        run(
            "import os; print(len(os.environ['SPM_TOKEN']))",
            "1 / 0",
            output=kept,
            kernel_env={"SPM_TOKEN": secret},
        )
    assert kept_by(kept)[0].outputs[0].text == f"{len(secret)}\n"
    assert secret not in kept.read_text("utf-8") and secret not in caplog.text


def test_the_overhead_of_a_report_is_small(record_property: Any) -> None:
    """Of the press's own processor time, which other work hardly changes; benchmarks/press.py measures by the clock."""
    run("1")

    def seconds(work: Callable[[], object]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    # Beside a piece of work of ever the same size, as what shares the core slows down both.
    size = range(1_000_000)
    found = [
        (seconds(lambda: run(*["x = 1"] * 20)), seconds(lambda: [n * n for n in size])) for _ in range(5)
    ]
    overhead, yardstick = (min(each) for each in zip(*found, strict=True))
    record_property("overhead_seconds", overhead)
    assert overhead < LITTLE * yardstick, f"{overhead:.3f} s beside {yardstick:.3f} s"


def test_signals_are_an_ordinary_kernels() -> None:
    made = run(
        "import signal\nprint(signal.getsignal(signal.SIGINT).__name__, signal.getsignal(signal.SIGTERM))"
    )
    assert printed(made) == f"default_int_handler {int(signal.SIG_DFL)}"
