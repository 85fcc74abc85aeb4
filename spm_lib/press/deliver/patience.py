"""Patience: how often and how long a mail that could not be sent is tried again, and how it ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from spm_lib.errors import one_line
from spm_lib.press.deliver.entry import Entry, State

#: Seconds to wait before the second try, the third, and so on; the last for all that follow.
WAITS = (5, 30, 120, 600, 3600)

#: After so many tries, or so long, nobody tries again by itself.
MOST_TRIES = 12
LONGEST = dt.timedelta(hours=24)


def tried_again(tried: Entry, now: dt.datetime) -> Entry:
    """Give a mail that could not be sent as it waits for the next try, or as given up."""
    if tried.attempts >= MOST_TRIES or (tried.made_at is not None and now - tried.made_at >= LONGEST):
        return given_up(tried)
    wait = dt.timedelta(seconds=WAITS[min(tried.attempts, len(WAITS)) - 1])
    return replace(tried, state="waiting", next_try_at=now + wait)


def given_up(entry: Entry) -> Entry:
    """Give a mail as given up, with what was said of it last."""
    tries = "1 try" if entry.attempts == 1 else f"{entry.attempts} tries"
    said = f": {entry.reply}" if entry.reply else ""
    return ended(replace(entry, reply=one_line(f"Given up after {tries}{said}")), "given_up")


def ended(entry: Entry, state: State) -> Entry:
    """Give a mail in a state in which nobody tries it again by itself."""
    return replace(entry, state=state, next_try_at=None)
