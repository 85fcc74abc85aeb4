"""Errors: one family that crosses process borders whole."""

from __future__ import annotations

import pickle

import pytest

from spm_lib import errors
from spm_lib.errors import SpmError, StoreError

FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SpmError)]


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("passing", [False, True])
def test_errors_cross_process_borders_whole(kind: type[SpmError], passing: bool) -> None:
    error = kind("it is locked", where="a\nb", mend="Wait", passing=passing)
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), copied.passing) == (kind, "a b: it is locked. Wait", passing)


def test_what_is_wrong_passes_only_where_that_is_said() -> None:
    assert not StoreError("the disk is full").passing
