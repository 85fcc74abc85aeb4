"""Workers: the processes that make reports, on this machine or on a Dask cluster, behind one executor."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, TypeVar

from spm_lib.errors import RunError
from spm_lib.press.kernels.environment import for_server
from spm_lib.press.kernels.folder import plain_folder

_T = TypeVar("_T")

#: How long a Dask scheduler has to answer.
ANSWER_SECONDS = 10

#: Reports handed to a cluster's worker at a time: while it makes one, the next is on its way.
_AHEAD = 2


@dataclass(frozen=True)
class Workers:
    """An open set of workers.

    Parameters
    ----------
    executor
        Takes the work. Where a worker is lost, its future alone raises, and a new worker takes the place.
    slots
        How many pieces of work to hand out at a time.
    """

    executor: Executor
    slots: int


#: A path as `multiprocessing` makes them for its sockets, and the longest that a Unix socket bears.
_SOCKET = "pymp-12345678/listener-12345678"
_LONGEST = 107


class WorkerLostError(RunError):
    """A worker process ended, or was ended, before its work was done."""


def cores() -> int:
    """Give the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


class LocalWorkers(ThreadPoolExecutor):
    """Processes of this machine. Each has a pool to itself: one that is killed takes no other's work with it.

    Parameters
    ----------
    count
        How many.
    modules
        The module that imports what they need. Where the system can fork, one process does, and they are forked from that.
    setup
        Called once in each process; a module's function.
    *arguments
        What `setup` is given.
    """

    def __init__(self, count: int, modules: str, setup: Callable[..., None], *arguments: Any) -> None:
        super().__init__(count, thread_name_prefix="worker")
        self._context = _context(modules)
        self._setup = setup
        self._arguments = arguments
        self._mine = threading.local()
        self._pools: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Hand out work; see `concurrent.futures.Executor.submit`.

        The future raises `WorkerLostError` where the process ended on it.
        """
        return super().submit(self._in_a_process, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when their work is done."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._lock:
            pools, self._pools = self._pools, set()
        for pool in pools:
            pool.shutdown(wait=wait, cancel_futures=True)

    def stop(self) -> None:
        """End the processes now: they end their kernels and leave."""
        with self._lock:
            self._stopped = True
            pools = list(self._pools)
        for pool in pools:
            for process in list((pool._processes or {}).values()):
                process.terminate()

    def _in_a_process(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
        pool = self._pool()
        try:
            future = pool.submit(fn, *args, **kwargs)
        except (BrokenProcessPool, OSError, EOFError):
            # What it would have been forked from has just ended.
            raise self._lost(pool) from None
        try:
            return future.result()
        except BrokenProcessPool:
            raise self._lost(pool) from None

    def _lost(self, pool: ProcessPoolExecutor) -> WorkerLostError:
        with self._lock:
            self._pools.discard(pool)
        self._mine.pool = None
        pool.shutdown(wait=False)
        return WorkerLostError("the worker process ended")

    def _pool(self) -> ProcessPoolExecutor:
        pool: ProcessPoolExecutor | None = getattr(self._mine, "pool", None)
        if pool is None:
            with self._lock:
                if self._stopped:
                    raise WorkerLostError("the run was stopped")
                pool = ProcessPoolExecutor(
                    1,
                    mp_context=self._context,
                    initializer=_set_up,
                    initargs=(dict(os.environ), self._setup, *self._arguments),
                )
                self._pools.add(pool)
            self._mine.pool = pool
        return pool


def _context(modules: str) -> BaseContext:
    """Give the way in which workers are started; never by forking this process, which may hold threads and databases."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    # Its socket stands in a folder that is swept where this process is killed; sockets bear no long path.
    folder = plain_folder()
    if len(os.fsencode(folder / _SOCKET)) > _LONGEST:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([modules])
    # What is forked must have one thread: libraries start theirs when they are imported, unless their variables say not to.
    with _environment(for_server(os.environ, 1)), _temporary_files_in(folder):
        forkserver.ensure_running()
    return context


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environ)
    try:
        yield
    finally:
        for name in environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _set_up(environ: Mapping[str, str], setup: Callable[..., None], *arguments: Any) -> None:
    # The process that it was forked from has the environment of its own start.
    os.environ.clear()
    os.environ.update(environ)
    setup(*arguments)


@contextmanager
def local_workers(count: int, modules: str, setup: Callable[..., None], *arguments: Any) -> Iterator[Workers]:
    """Have `count` processes of this machine; see `LocalWorkers`."""
    workers = LocalWorkers(count, modules, setup, *arguments)
    try:
        yield Workers(workers, count)
    except BaseException:
        workers.stop()
        raise
    finally:
        workers.shutdown(cancel_futures=True)


@contextmanager
def cluster_workers(address: str) -> Iterator[Workers]:
    """Have the workers of a running Dask cluster.

    Parameters
    ----------
    address
        The scheduler's, such as ``tcp://scheduler:8786``. Its workers need this library, the store and the folder of
        reports under the same paths.

    Raises
    ------
    RunError
        Where Dask is not installed, no scheduler answers, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        mend = "Install it with: pip install 'spm-lib[cluster]'"
        raise RunError("Dask is not installed", where="--cluster", mend=mend) from None
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        mend = "Write it like tcp://scheduler:8786"
        raise RunError(
            f"no Dask scheduler answers there ({type(error).__name__})", where=address, mend=mend
        ) from None
    with client:
        threads = sum(client.nthreads().values())  # type: ignore[no-untyped-call]
        if not threads:
            mend = "Start some with: dask worker " + address
            raise RunError("the Dask cluster has no workers", where=address, mend=mend)
        executor = client.get_executor(pure=False)  # type: ignore[no-untyped-call]
        try:
            yield Workers(executor, threads * _AHEAD)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
