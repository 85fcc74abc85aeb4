"""A kernel serves one report: nothing of it is seen by the next, and nothing of the server's is shared."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from spm_lib.press.kernels import server_state, start_server

from .running import printed, run

LEAVES = """
import os, sys, json, decimal, pandas as pd, numpy as np, matplotlib as mpl, matplotlib.pyplot as plt, spm_lib.theme
json.left_behind = spm_lib.theme.left_behind = True
sys.path.append('/left'); os.environ['LEFT'] = 'behind'; os.chdir('/'); os.umask(0)
pd.set_option('display.max_rows', 3); mpl.rcParams['lines.linewidth'] = 9; np.seterr(all='raise'); plt.figure()
decimal.getcontext().prec = 3
left = 1
%store left
"""
FINDS = """
import os, sys, json, decimal, pandas as pd, numpy as np, matplotlib as mpl, matplotlib.pyplot as plt, spm_lib.theme
print(hasattr(json, 'left_behind'), hasattr(spm_lib.theme, 'left_behind'), '/left' in sys.path, 'LEFT' in os.environ)
print(pd.get_option('display.max_rows'), mpl.rcParams['lines.linewidth'], np.geterr()['divide'], plt.get_fignums())
print(decimal.getcontext().prec, 'left' in globals(), os.umask(0o22), os.getcwd())
%store -r
print('left' in globals())
"""


def test_nothing_leaks_from_one_kernel_to_the_next() -> None:
    before = printed(run(FINDS))
    run(LEAVES)
    assert printed(run(FINDS)) == before
    assert before.splitlines()[0] == "False False False False" and before.endswith("False")


def test_chance_is_each_kernels_own() -> None:
    draw = (
        "import json, os, random, tempfile, uuid, secrets, numpy as np\n"
        "from scipy import stats\n"
        "print(json.dumps([os.getpid(), random.random(), str(uuid.uuid4()), secrets.token_hex(4), tempfile.mktemp(),"
        " np.random.random(), np.random.default_rng().random(), stats.norm.rvs()]))"
    )
    first, second = (json.loads(printed(run(draw))) for _ in range(2))
    assert [a == b for a, b in zip(first, second, strict=True)] == [False] * 8


def test_the_server_has_one_thread_when_it_forks() -> None:
    assert printed(run("print(1)")) == "1"
    state = server_state()
    assert state is not None and state.threads_at_fork == 1
    assert set(state.missing) <= {"spm_lib.models"}
    assert len(list(Path(f"/proc/{state.pid}/task").iterdir())) == 1


def test_modules_are_there_before_the_first_cell() -> None:
    loaded = json.loads(
        printed(
            run(
                "import json, sys\n"
                "print(json.dumps([n in sys.modules for n in"
                " ('pandas', 'duckdb', 'ibis.backends.duckdb', 'matplotlib.pyplot', 'spm_lib.report', 'seaborn')]))"
            )
        )
    )
    assert loaded == [True] * 6
    assert printed(run("import sys; print('matplotlib_inline.backend_inline' in sys.modules)")) == "False"


def test_environment_and_folder_are_each_kernels_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test may have left a server for more.
    assert start_server(threads=1) is None
    monkeypatch.setenv("SPM_STORE", "the-masters.duckdb")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    tell = (
        "import json, os, time\n"
        "print(json.dumps([os.environ.get(n) for n in ('SPM_STORE', 'SPM_KERNEL_SERVER', 'OMP_NUM_THREADS')]"
        " + [os.getcwd(), time.strftime('%z', time.localtime(0)), 'JE_ARROW_MALLOC_CONF' in os.environ]))"
    )
    given = json.loads(printed(run(tell, kernel_env={"SPM_STORE": "its-own.duckdb"}, kernel_cwd=tmp_path)))
    assert given == ["its-own.duckdb", None, "1", str(tmp_path), "+0900", False]
    monkeypatch.setenv("TZ", "UTC")
    assert json.loads(printed(run(tell)))[:5] == ["the-masters.duckdb", None, "1", str(Path.cwd()), "+0000"]
    assert os.environ["SPM_STORE"] == "the-masters.duckdb"


def test_what_only_the_start_of_python_can_read_makes_a_kernel_ordinary() -> None:
    made = run("import sys; print(sys.flags.optimize)", kernel_env={"PYTHONOPTIMIZE": "1"})
    assert printed(made) == "1"
    assert made.metadata.papermill.ordinary_kernel.startswith("PYTHONOPTIMIZE: ")


def test_the_terminal_is_spared(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where ipykernel sees it, it listens to Python's streams alone
    made = run(
        "import ctypes, faulthandler, os, sys\n"
        "os.write(1, b'low\\n'); ctypes.CDLL(None).puts(b'C'); os.write(2, b'x' * 300_000)\n"
        "sys.__stderr__.write('under'); faulthandler.dump_traceback(); print('done')"
    )
    assert "done" in printed(made)
    assert capfd.readouterr() == ("", "")


def test_memory_has_a_limit() -> None:
    hungry = (
        "import numpy as np\ntry:\n    np.ones(400_000_000)\nexcept MemoryError:\n    print('no more')\n"
        "else:\n    print('enough')"
    )
    assert printed(run(hungry, kernel_memory=1_000_000_000)) == "no more"
    assert (
        printed(
            run(
                "import pandas as pd; print(len(pd.DataFrame({'a': range(10)})))", kernel_memory=1_000_000_000
            )
        )
        == "10"
    )
    with pytest.raises(ValueError, match="SPM_KERNEL_MEMORY is '2 GB': write a number of bytes"):
        run("1", kernel_env={"SPM_KERNEL_MEMORY": "2 GB"})
