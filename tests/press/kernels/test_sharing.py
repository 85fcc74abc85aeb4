"""Kernels side by side: from threads, from worker processes, with the processor shared."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from spm_lib.press.kernels import server_state, start_server

from .running import printed, run

FIT = """
import time, numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
X = np.random.default_rng(0).normal(size=(20_000, 20)); y = X[:, 0] > 0
begun = time.perf_counter()
HistGradientBoostingClassifier(max_iter=30, early_stopping=False).fit(X, y)
print(time.perf_counter() - begun)
"""
TELL = """
import json, os, threadpoolctl, duckdb, ibis
numpy_threads = sorted({(p['user_api'], p['num_threads']) for p in threadpoolctl.threadpool_info()})
asked = "select current_setting('threads')"
print(json.dumps([os.environ['OMP_NUM_THREADS'], numpy_threads, duckdb.connect().execute(asked).fetchone()[0],
    ibis.duckdb.connect().raw_sql(asked).fetchone()[0], duckdb.connect(config={'threads': 3}).execute(asked).fetchone()[0]]))
"""


def test_two_models_side_by_side_do_not_hold_each_other_up() -> None:
    alone = float(printed(run(FIT)))
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda _: run(FIT, execution_timeout=60), range(2)))
    both = [float(printed(notebook)) for notebook in made]
    assert max(both) < 20 * alone + 5, (alone, both)  # with two threads each it was a hundred times as long


def test_threads_and_workers_start_kernels_of_one_server() -> None:
    run("1")
    state = server_state()
    assert state is not None
    with ThreadPoolExecutor(4) as threads:
        parents = list(threads.map(_parent, range(4)))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as workers:
        parents.append(workers.submit(_parent, 0).result(timeout=240))
    assert parents == [state.pid] * 5
    after = server_state()
    assert after is not None and after.threads_at_fork == 1


def _parent(_: int) -> int:
    return int(printed(run("import os; print(os.getppid())")))


def test_each_library_has_its_share_of_threads(small_server: None) -> None:
    cores = len(os.sched_getaffinity(0))
    for threads in (1, 2):
        assert start_server(threads=threads) is None
        omp, pools, duck, ibis_duck, asked = json.loads(printed(run(TELL)))
        assert (omp, duck, ibis_duck, asked) == (str(threads), threads, threads, 3)
        assert {count for kind, count in pools if kind == "blas"} == {min(threads, cores)}
        state = server_state()
        assert state is not None and (state.threads, state.threads_at_fork) == (threads, 1)
