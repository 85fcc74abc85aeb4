"""The pace of a sending: at most so many mails a minute, over all its connections together."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable


class Pace:
    """Lets one mail after the other go, evenly: a burst at the start is what mail servers throttle.

    Parameters
    ----------
    a_minute
        How many mails a minute at most; None for as fast as they come.
    clock
        Gives the time.
    sleep
        Waits for so many seconds.
    """

    def __init__(
        self, a_minute: float | None, *, clock: Callable[[], dt.datetime], sleep: Callable[[float], None]
    ) -> None:
        self._apart = 60 / a_minute if a_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._last: dt.datetime | None = None
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until the next mail may go."""
        if not self._apart:
            return
        # Held while asleep: who comes next waits for this one's turn, and then for its own.
        with self._lock:
            if self._last is not None:
                passed = (self._clock() - self._last).total_seconds()
                # A clock that was put back does not make anybody wait for it to come round again.
                self._sleep(min(max(self._apart - passed, 0.0), self._apart))
            self._last = self._clock()
