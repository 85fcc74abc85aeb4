"""How large deals were to begin with, in bands: large ones are won less often and take longer, whoever sells them."""

from __future__ import annotations

import ibis

from spm_lib.data.history import Snapshot
from spm_lib.metrics.populations import converted
from spm_lib.metrics.question import Question
from spm_lib.models.coaching.changes import first_changes
from spm_lib.models.recorded import EVER, Keep
from spm_lib.periods import Period

#: The column that tells how large a deal is.
SIZE = "size_band"
#: Bands hold as many of the company's deals each.
_ENDS = (0.25, 0.5, 0.75)
_UNKNOWN = "unknown"
#: Amounts tell nothing of size where those of won and of lost deals are unknown in shares further apart than this.
_MOST_APART = 0.05


def size_bands(deals: ibis.Table, snapshot: Snapshot, keep: Keep) -> ibis.Table | None:
    """Tell how large deals were at the end of the day on which they were created, or as far back as is on record.

    Parameters
    ----------
    deals
        deal_id, outcome, amount (as it stands), currency, created_on.
    snapshot
        The company on the day.
    keep
        Computes a table once.

    Returns
    -------
    ibis.Table or None
        deal_id and `SIZE`: the quarter of the company's known amounts that the deal's lies in, in the reporting currency, or
        that it was unknown, which is a kind of its own. None where sizes are not told apart.

    Notes
    -----
    An amount that was written down later counts as unknown: who loses deals before there is one would otherwise be compared
    with others on lost deals alone. For the same reason nothing is told where only won deals carry an amount and no
    record says what there was before.
    """
    changes = snapshot.table("deal_changes")
    changes = changes.filter(changes.field == "amount").inner_join(
        deals.select("deal_id", "created_on"), "deal_id"
    )
    # What was put right on the day of creation never was.
    later = changes.filter((changes.changed_at.date() > changes.created_on).fill_null(True))
    rows = deals.select("deal_id", "outcome", "amount", "currency", "created_on").left_join(
        first_changes(later), "deal_id"
    )
    begun = ibis.ifelse(rows.first_day.isnull(), rows.amount, rows.old_value.try_cast("decimal(18, 2)"))
    known = priced(rows, begun, snapshot)
    known = keep(
        known.select(
            "deal_id", "outcome", amount=ibis.ifelse(known.amount > 0, known.amount.cast("float64"), None)
        )
    )
    share = {name: known.amount.notnull().mean(where=known.outcome == name) for name in ("won", "lost")}
    ends = {f"end {at}": known.amount.quantile(at) for at in _ENDS}
    found = known.aggregate(**share, **ends).to_pyarrow().to_pylist()[0]
    apart = [found[name] for name in share if found[name] is not None]
    if found[f"end {_ENDS[0]}"] is None or max(apart, default=0.0) - min(apart, default=0.0) > _MOST_APART:
        return None
    bands = [(known.amount <= found[f"end {at}"], f"up to {at:g}") for at in _ENDS]
    band = ibis.cases((known.amount.isnull(), _UNKNOWN), *bands, else_="above")
    return keep(known.select("deal_id", **{SIZE: band}))


def priced(rows: ibis.Table, amount: ibis.Value, snapshot: Snapshot) -> ibis.Table:
    """Give deals with `amount` as their ``amount``, in the reporting currency at the rate of the day of creation."""
    rows = rows.mutate(
        row_amount=amount.cast("decimal(18, 2)"), row_currency=rows.currency, row_day=rows.created_on
    )
    ever = Period("ever", EVER, snapshot.date, "range")
    return converted(rows.drop("amount"), Question(snapshot, (ever,), ()))
