"""A server for tests that start or end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spm_lib.press.kernels import master

from .running import FEW_MODULES


@pytest.fixture
def small_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Servers that import little; the others find a new one afterwards."""
    master.stop_server()
    monkeypatch.setattr(master, "_START", FEW_MODULES + master._START)
    yield
    master.stop_server()
