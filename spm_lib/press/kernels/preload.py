"""What the server imports before it forks, so that no kernel has to."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

#: Named as text: the press must not depend on the study, and its rule of imports shall hold. What the reports' notebooks
#: have imported at their end is here.
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "ipykernel.zmqshell",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
    "faulthandler",
    "pdb",
    "psutil",
    "sqlite3",
    "numpy",
    "pandas",
    "pandas.core.methods.to_dict",
    "pyarrow.pandas_compat",
    "duckdb",
    "ibis.backends.duckdb",
    "ibis.backends.duckdb.converter",
    "ibis.expr.types.groupby",
    "ibis.formats.numpy",
    "ibis.formats.pandas",
    "ibis.formats.pyarrow",
    "scipy.stats",
    "scipy.special",
    "sklearn.ensemble",
    "threadpoolctl",
    "matplotlib.pyplot",
    "matplotlib.style.core",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_mixed",
    "matplotlib.backends.backend_svg",
    "seaborn",
    "babel.dates",
    "babel.numbers",
    "markupsafe",
    "spm_lib.data",
    "spm_lib.data.compiled",
    "spm_lib.data.history",
    "spm_lib.data.store",
    "spm_lib.metrics",
    "spm_lib.models",
    "spm_lib.present",
    "spm_lib.present.findings",
    "spm_lib.report",
    "spm_lib.settings",
    "spm_lib.theme",
)

#: Left to the kernel: at its import the inline backend looks for a shell to draw in, and there is none before the fork.
_CHOOSES_AT_IMPORT = "matplotlib_inline"


def preload(before_each: Callable[[], None] = lambda: None) -> tuple[str, ...]:
    """Import `MODULES`.

    Parameters
    ----------
    before_each
        Called before each of them.

    Returns
    -------
    tuple of str
        Those that are not installed here or cannot be imported: kernels are right without them, but slower.
    """
    missing = []
    for name in MODULES:
        before_each()
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 -- whatever a library raises, a cell that imports it will raise again
            missing.append(name)
    if "matplotlib" in sys.modules:
        # It looks through all installed packages for backends when one is first named, which each kernel does.
        importlib.import_module("matplotlib.backends.registry").backend_registry.list_all()
    for name in [name for name in sys.modules if name.partition(".")[0] == _CHOOSES_AT_IMPORT]:
        del sys.modules[name]
    return tuple(missing)
