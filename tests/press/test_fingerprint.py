"""When the data count as changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from spm_lib.data.store import Store
from spm_lib.press.fingerprint import store_hash


def test_the_same_rows_loaded_again_are_the_same_data(make_store: Callable[..., Store]) -> None:
    reps = [{"rep_id": "a", "name": "A"}, {"rep_id": "b", "name": "B"}]
    first = store_hash(make_store(reps=reps))
    assert store_hash(make_store(reps=reps[::-1], meta={"loaded_at": dt.datetime(2031, 1, 1)})) == first
    assert store_hash(make_store(reps=[reps[0], {"rep_id": "b", "name": "C"}])) != first
    assert store_hash(make_store(reps=[reps[0], {"rep_id": "b", "name": None}])) != first
    assert store_hash(make_store(reps=reps[:1])) != first
    assert store_hash(make_store(reps=reps, meta={"currency": "EUR"})) != first


def test_rows_that_are_alike_do_not_cancel_out(make_store: Callable[..., Store]) -> None:
    row = {"currency": "EUR", "valid_from": dt.date(2017, 1, 1), "rate": 1}
    hashes = {store_hash(make_store(fx_rates=[row] * n, meta={"rows": {}})) for n in range(5)}
    assert len(hashes) == 5
