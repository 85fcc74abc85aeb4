"""What is on record of how deals changed."""

from __future__ import annotations

import datetime as dt

import ibis

from spm_lib.data.replay import at_highest

#: Far enough back for all changes.
_EPOCH = dt.datetime.combine(dt.date(1970, 1, 1), dt.time())


def first_changes(changes: ibis.Table) -> ibis.Table:
    """Give the first of some changes of each deal.

    Parameters
    ----------
    changes
        Of one column: deal_id, old_value, changed_at.

    Returns
    -------
    ibis.Table
        deal_id, old_value, first_day. What a deal held before it is the old value, which may be null.
    """
    early = -changes.changed_at.delta(ibis.literal(_EPOCH), unit="microsecond")
    # The first that has a value would be another one.
    marked = ibis.ifelse(changes.old_value.isnull(), "", "=" + changes.old_value)
    first = changes.group_by("deal_id").agg(
        marked=at_highest(marked, early), first_at=changes.changed_at.min()
    )
    return first.select(
        "deal_id",
        old_value=ibis.ifelse(first.marked == "", ibis.null("string"), first.marked.substr(1)),
        first_day=first.first_at.date(),
    )
