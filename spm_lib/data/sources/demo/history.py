"""What happened to the deals, as lists of events in the order in which they were noted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spm_lib.data.sources.demo.timeline import Array

#: Kinds of events, with what their value means.
STAGE = 0  # place of the new stage
WON = 1  # -
LOST = 2  # place in LOSS_REASONS
REOPENED = 3  # place of the stage
EXPECTED = 4  # day
STEP = 5  # 1 noted, 0 cleared
PRICED = 6  # amount, where there was none
AMOUNT = 7  # amount
DISCOUNTED = 8  # amount after a discount
DISCOUNT = 9  # tenths of a percent
COMPETITOR = 10  # place in hazards.COMPETITORS
OWNER = 11  # rep
REMOVED = 12  # -
MERGED = 13  # the deal it was merged into

LOSS_REASONS = (
    "Price", "Competitor", "No decision", "No response", "Budget cut", "Timing", "Missing feature", "Duplicate",
)  # fmt: skip
DUPLICATE = LOSS_REASONS.index("Duplicate")


@dataclass(frozen=True)
class Events:
    """Events of all deals; arrays by event."""

    kind: Array
    deal: Array
    day: Array
    value: Array

    def of(self, *kinds: int) -> Events:
        """Give the events of these kinds."""
        return self.take(np.isin(self.kind, kinds))

    def take(self, which: Array) -> Events:
        """Give the events at `which`: places, or a mask."""
        return Events(self.kind[which], self.deal[which], self.day[which], self.value[which])


@dataclass(frozen=True)
class Touches:
    """Days on which somebody was in touch about a deal; arrays by deal and day.

    Parameters
    ----------
    deal, day, owner
        Places, and the day.
    inbound, answered, same_day
        The customer made the first move; an earlier message was answered; it was answered the same day.
    newcomers, contacts
        People met for the first time; people known at the end of the day.
    """

    deal: Array
    day: Array
    owner: Array
    inbound: Array
    answered: Array
    same_day: Array
    newcomers: Array
    contacts: Array


@dataclass(frozen=True)
class Log:
    """Where the simulation notes what happens."""

    _events: list[tuple[Array, Array, Array, Array]] = field(default_factory=list)
    _touches: list[tuple[Array, ...]] = field(default_factory=list)

    def note(self, kind: int, day: int, deals: Array, values: Array | int = 0) -> None:
        """Note events of one kind and day."""
        size = len(deals)
        if size:
            value = np.broadcast_to(np.asarray(values, dtype=np.int64), (size,))
            self._events.append((np.full(size, kind), deals, np.full(size, day), value))

    def touch(self, day: int, *columns: Array) -> None:
        """Note the touches of one day: deal, then the columns of `Touches` from owner on."""
        self._touches.append((columns[0], np.full(len(columns[0]), day), *columns[1:]))

    def events(self) -> Events:
        """Give all events."""
        return Events(*(np.concatenate(column) for column in zip(*self._events, strict=True)))

    def touches(self) -> Touches:
        """Give all touches."""
        return Touches(*(np.concatenate(column) for column in zip(*self._touches, strict=True)))
