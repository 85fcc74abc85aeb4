"""The command ``spm`` in the tests' own process: one of its own imports for seconds what stands here already."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import traceback
from pathlib import Path
from unittest import mock

from rich.console import Console

from spm_lib import terminal
from spm_lib.cli import main
from spm_lib.press.kernels import SERVER_VARIABLE

ROOT = Path(__file__).parent.parent


def spm(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call ``spm`` as a shell in the folder `cwd` does, with `environment` and no other settings of the library's."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if name == SERVER_VARIABLE or not name.startswith("SPM_")
    }
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, inherited | environment, clear=True),
        mock.patch.object(sys, "argv", ["spm", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(terminal, "_out", Console(highlight=False, width=200)),
        mock.patch.object(terminal, "_err", Console(highlight=False, width=200, stderr=True)),
    ):
        code = _code()
        server = os.environ.get(SERVER_VARIABLE)
    # The server of kernels is this process's, whoever needed it first: what is started later looks for it here.
    if server is None:
        os.environ.pop(SERVER_VARIABLE, None)
    else:
        os.environ[SERVER_VARIABLE] = server
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def _code() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001 - a process would end with it, too
        traceback.print_exc()
        return 1
    return 0
