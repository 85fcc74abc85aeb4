"""Work done side by side, each piece on one core, so that its figures do not depend on how many there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

#: As many pieces at a time at most: each holds its own copy of what it works on.
_MOST = 4

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Do `work` for each item, as many at a time as there are cores, four at most; results in the items' order.

    Each item has one core for its trees: sums that several cores share come out differently from run to run, and where the
    machine is busy they wait for each other longer than they work.
    """
    given = list(items)
    with ThreadPoolExecutor(max_workers=max(1, min(_MOST, os.cpu_count() or 1, len(given)))) as pool:
        return list(pool.map(lambda item: _alone(work, item), given))


def _alone(work: Callable[[_Item], _Result], item: _Item) -> _Result:
    with threadpool_limits(1, user_api="openmp"):
        return work(item)
