"""What the index says of each report's delivery: to how many it went, or why to nobody."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from spm_lib.errors import StoreError, one_line
from spm_lib.press.deliver.dispatch_ledger import Decided, DispatchLedger
from spm_lib.press.deliver.entry import TO_READERS
from spm_lib.press.deliver.outbox import Outbox
from spm_lib.press.slugs import label_slug

#: What a state is called where its mails are counted, in this order.
_STATES = {
    "accepted": "accepted",
    "waiting": "waiting",
    "sending": "waiting",
    "handed": "unknown",
    "unknown": "unknown",
    "rejected": "rejected",
    "given_up": "given up",
    "cancelled": "cancelled",
}

_REASON = 160


def deliveries(ledger: Path) -> dict[str, str]:
    """Say what became of each report that was to be delivered; it names no recipient.

    Parameters
    ----------
    ledger
        The ledger's file.

    Returns
    -------
    dict
        A phrase by the report's name, see `spm_lib.press.shelf.Shelved.name`. Nothing where no ledger can be read: an index
        is made without one.
    """
    try:
        decided = DispatchLedger(ledger).all_latest()
        mails: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
        for each in Outbox(ledger).states():
            if each.kind in TO_READERS:
                key = (each.spec, each.subject, each.period, each.as_of, each.revision)
                mails[key][_STATES[each.state]] += 1
    except StoreError:
        return {}
    return {
        "/".join((label_slug(e.spec), label_slug(e.period), e.as_of.isoformat(), e.subject)): _phrase(
            e, mails[e.spec, e.subject, e.period, e.as_of, e.revision]
        )
        for e in decided
    }


def _phrase(decided: Decided, states: Counter[str]) -> str:
    if decided.decision == "hold":
        return f"Held from its readers: {one_line(decided.reason, _REASON)}"
    if decided.decision == "withhold":
        return f"Not sent: {one_line(decided.reason, _REASON)}"
    what = "Nothing to report, said to" if decided.decision == "notice" else "Sent to"
    if not states:
        return ""
    counts = ", ".join(f"{states[word]} {word}" for word in dict.fromkeys(_STATES.values()) if states[word])
    of = "reader" if states.total() == 1 else "readers"
    revised = f", revision {decided.revision}" if decided.revision > 1 else ""
    return f"{what} {states.total()} {of} ({counts}{revised})"
