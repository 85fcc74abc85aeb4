"""Variables of the environment: what the server must have, and what a kernel can have of its own."""

from __future__ import annotations

from collections.abc import Mapping

#: Read by the numerical libraries when they are loaded, so the server's count for all of its kernels.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

#: Where the server listens; processes that the master starts find it there.
SERVER_VARIABLE = "SPM_KERNEL_SERVER"

#: Bytes that a kernel may have for its data; none: no limit. What it has from the server counts (0.4 GB); a report of
#: the demo company ends with 0.6 GB.
MEMORY_VARIABLE = "SPM_KERNEL_MEMORY"

#: ``never`` or ``always``; on macOS kernels are warm with ``always`` only.
WARM_VARIABLE = "SPM_WARM_KERNELS"

_FOR_LIBRARIES = {
    # OpenBLAS starts its threads when it is loaded; kernels widen it after the fork.
    "OPENBLAS_NUM_THREADS": "1",
    # Arrow's second allocator, which nobody uses, starts a thread when it is loaded.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # Arrow's own allocator would book a gigabyte at once, and a limit of memory counts what is booked.
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

#: Read when Python or a preloaded library starts, and never again.
START_VARIABLES = frozenset(
    {"LANG", "LANGUAGE", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MATPLOTLIBRC", "MPLCONFIGDIR"}
    | {"LD_LIBRARY_PATH", "LD_PRELOAD"}
    | {
        f"PYTHON{name}"
        for name in (
            *(
                "ASYNCIODEBUG",
                "BREAKPOINT",
                "COERCECLOCALE",
                "DEBUG",
                "DEVMODE",
                "DONTWRITEBYTECODE",
                "DUMPREFS",
            ),
            *(
                "FAULTHANDLER",
                "HASHSEED",
                "HOME",
                "INSPECT",
                "INTMAXSTRDIGITS",
                "IOENCODING",
                "MALLOC",
                "MALLOCSTATS",
            ),
            *(
                "NODEBUGRANGES",
                "NOUSERSITE",
                "OPTIMIZE",
                "PATH",
                "PERFSUPPORT",
                "PLATLIBDIR",
                "PROFILEIMPORTTIME",
            ),
            *(
                "PYCACHEPREFIX",
                "SAFEPATH",
                "STARTUP",
                "TRACEMALLOC",
                "TZPATH",
                "UNBUFFERED",
                "USERBASE",
                "UTF8",
            ),
            *("VERBOSE", "WARNDEFAULTENCODING", "WARNINGS"),
        )
    }
)
_START_PREFIX = "LC_"


def for_server(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """Give the server's environment: nothing that starts threads, no backend, `threads` for each library."""
    environ = {name: value for name, value in environ.items() if name != "MPLBACKEND"}
    return environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | _FOR_LIBRARIES


def for_kernel(environ: Mapping[str, str], threads: int) -> dict[str, str]:
    """Give a kernel's environment: the asker's, with the server's numbers of threads."""
    kept = {name: value for name, value in environ.items() if name != SERVER_VARIABLE}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


def frozen(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that a forked kernel cannot have of its own."""
    return {
        name: value
        for name, value in environ.items()
        if name in START_VARIABLES or name.startswith(_START_PREFIX)
    }


def threads_of(environ: Mapping[str, str]) -> int:
    """Give the threads that the environment allows each library; 1 where it says nothing."""
    text = environ.get(THREAD_VARIABLES[0], "")
    return int(text) if text.isdecimal() and int(text) > 0 else 1


def memory_of(environ: Mapping[str, str]) -> int | None:
    """Give the limit of a kernel's memory in bytes; None where there is none.

    Raises
    ------
    ValueError
        Where the variable is not a number of bytes.
    """
    text = environ.get(MEMORY_VARIABLE, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{MEMORY_VARIABLE} is '{text}': write a number of bytes, such as 2000000000")
    return int(text)
