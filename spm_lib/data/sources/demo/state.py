"""What is known of each open deal on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from spm_lib.data.sources.demo.timeline import Array


@dataclass(frozen=True)
class State:
    """Open deals, one place of each array per deal; days as numbers.

    Parameters
    ----------
    deal, owner, stage
        Places in the births, the staff and `company.STAGES`.
    since, created, last, answer, expected
        The day the stage was entered, of creation, of the last activity, on which an inbound message will
        be answered (or -1), and of the expected close.
    contacts, pushes
        People on the customer's side so far; times that the expected close was pushed out.
    step, cut, back
        Whether a next step is noted, the amount was cut, the deal was moved back.
    competitor
        Place in `hazards.COMPETITORS`, 0 while none is known.
    tempo, bias
        Factor on the chance to leave a stage, by segment; log-odds of losing, by source and kind.
    """

    deal: Array
    owner: Array
    stage: Array
    since: Array
    created: Array
    last: Array
    answer: Array
    expected: Array
    contacts: Array
    pushes: Array
    step: Array
    cut: Array
    back: Array
    competitor: Array
    tempo: Array
    bias: Array

    @property
    def size(self) -> int:
        """Number of deals."""
        return len(self.deal)

    def take(self, which: Array) -> State:
        """Give the deals at `which`: places, or a mask."""
        return State(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


def joined(states: Sequence[State]) -> State:
    """Give the deals of several states as one."""
    return State(**{f.name: np.concatenate([getattr(s, f.name) for s in states]) for f in fields(State)})


# Columns as the panel keeps them; those missing here follow from the births and are not kept.
_PACKED = {
    "deal": np.int32, "owner": np.int32, "stage": np.int8, "since": np.int16, "created": np.int16,
    "last": np.int16, "answer": np.int16, "expected": np.int16, "contacts": np.int8, "pushes": np.int8,
    "step": np.bool_, "cut": np.bool_, "back": np.bool_, "competitor": np.int8,
}  # fmt: skip


def packed(state: State) -> dict[str, Array]:
    """Give a state in a tenth of the memory."""
    return {name: getattr(state, name).astype(kind) for name, kind in _PACKED.items()}


def unpacked(columns: dict[str, Array], tempo: Array, bias: Array) -> State:
    """Give back what `packed` took."""
    wide = {name: v if v.dtype == np.bool_ else v.astype(np.int64) for name, v in columns.items()}
    return State(**wide, tempo=tempo, bias=bias)
