"""The values of deals day by day, as far as changes of them are recorded; whether they were known is another question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import ibis

from spm_lib.data.history import Snapshot
from spm_lib.data.replay import at_highest

#: Beyond all days of any record.
NEVER = dt.date(9999, 12, 31)
EVER = dt.date(1, 1, 1)

#: What closing overwrites.
SNAPPED = ("stage", "forecast_category")
_MARKED = ("closed_on", *SNAPPED)

#: Where the record of one of these begins, a deal may be another than it was until then.
_TURNING = ("outcome", "stage", "pipeline", "merged_into_id", "amount")

_FRAME = ("deal_id", "since", "removed_on", "seen_on")
_EPOCH = dt.datetime.combine(dt.date(1970, 1, 1), dt.time())

Keep = Callable[[ibis.Table], ibis.Table]


def tracked_from(snapshot: Snapshot, column: str) -> dt.date:
    """Give the first day that the record of a column covers."""
    return snapshot.meta.tracked_from.get(column, NEVER)


def settled_from(snapshot: Snapshot) -> dt.date:
    """Give the day from which on deals are as they stand in the store."""
    return snapshot.meta.last_data_date or EVER


@dataclass(frozen=True)
class Recorded:
    """What is recorded of all deals.

    Parameters
    ----------
    snapshot
        Of the whole company.
    fields
        The columns of deals wanted.
    """

    snapshot: Snapshot
    fields: tuple[str, ...]

    def table(self, keep: Keep) -> ibis.Table:
        """Give a row for each deal and day on which anything of it may have become different.

        Returns
        -------
        ibis.Table
            ``deal_id``, ``since`` (the day), ``removed_on``, ``seen_on`` (the first sign of life, of deals without a day of
            creation), the columns; ``told_outcome`` and ``told_stage``: the last day on which a change of it was
            recorded; ``marked_`` with a column's name: whether any change of it is recorded, before or after.
        """
        sources = self.snapshot.replay().sources
        recorded = [name for name in self.fields if name in self.snapshot.store.changed_fields]
        stored = self._with_first_sign(sources.deals.select("deal_id", "removed_on", *self.fields))
        changes = sources.changes.filter(sources.changes.field.isin(recorded)) if recorded else None
        begins = self._begins(stored, changes)
        stored = stored.rename({f"was_{name}": name for name in self.fields})
        rows = begins.inner_join(stored, "deal_id")
        if changes is None:
            nothing = {f"told_{name}": ibis.null("date") for name in ("outcome", "stage")}
            values = {name: rows[f"was_{name}"] for name in self.fields}
            unmarked = {f"marked_{name}": ibis.literal(False) for name in _MARKED}
            return rows.select(*_FRAME, **values, **nothing, **unmarked)
        told, first = _by_day(changes, recorded), _first(changes, recorded)
        rows = rows.left_join(told, [rows.deal_id == told.told_id, rows["since"] == told["told_on"]])
        rows = keep(rows)
        filled = self._carried(rows, recorded)
        rows = filled.left_join(first, filled.deal_id == first.first_id)
        settled = rows["since"] >= ibis.literal(settled_from(self.snapshot))
        values = {}
        for name in self.fields:
            value = was = rows[f"was_{name}"]
            if name in recorded:
                text = ibis.coalesce(rows[f"new_{name}"], rows[f"old_{name}"])
                then = ibis.ifelse(text == "", ibis.null("string"), text.substr(1)).try_cast(was.type())
                value = ibis.ifelse(settled | text.isnull(), was, then)
            values[name] = value
        marked = {
            f"marked_{name}": rows[f"old_{name}"].notnull() if name in recorded else ibis.literal(False)
            for name in _MARKED
        }
        told_days = {name: rows[name] for name in ("told_outcome", "told_stage")}
        return rows.select(*_FRAME, **values, **told_days, **marked)

    def _carried(self, rows: ibis.Table, recorded: Sequence[str]) -> ibis.Table:
        """Carry what a day told on, until the next that tells of the same column."""
        so_far = by_time(so_far=True)
        rank = rows["since"].delta(ibis.literal(EVER), unit="day")
        # Not Ibis' own last(), which keeps nulls over windows.
        carried = {f"new_{name}": at_highest(rows[f"new_{name}"], rank).over(so_far) for name in recorded}
        days = {
            f"told_{name}": ibis.ifelse(rows[f"new_{name}"].notnull(), rows["since"], ibis.null("date"))
            .max()
            .over(so_far)
            if name in recorded
            else ibis.null("date")
            for name in ("outcome", "stage")
        }
        return rows.mutate(**carried, **days)

    def _with_first_sign(self, deals: ibis.Table) -> ibis.Table:
        """Add ``seen_on``, the first sign of life of deals without a day of creation."""
        undated = deals
        if "created_on" not in self.snapshot.store.changed_fields:
            undated = deals.filter(deals.created_on.isnull())
        latest = replace(self.snapshot, date=NEVER - dt.timedelta(days=1)).replay()
        signs = latest.first_evidence(undated).select(seen_id="deal_id", seen_on=lambda t: t.seen_at.date())
        joined = deals.left_join(signs, deals.deal_id == signs.seen_id)
        return joined.select(*deals.columns, "seen_on")

    def _begins(self, deals: ibis.Table, changes: ibis.Table | None) -> ibis.Table:
        """Give the days on which anything may have become different, deal by deal."""
        turns = {tracked_from(self.snapshot, name) for name in _TURNING} | {settled_from(self.snapshot)}
        turns = {day for day in turns if day <= settled_from(self.snapshot)}
        own = [deals[name] for name in ("created_on", "closed_on", "removed_on", "seen_on")]
        days = deals.select("deal_id", since=ibis.array([*own, *map(ibis.literal, sorted(turns))]).unnest())
        if changes is not None:
            dated = changes.filter(changes.field.isin(["created_on", "closed_on"]))
            sides = [dated.old_value.try_cast("date"), dated.new_value.try_cast("date")]
            days = ibis.union(
                days,
                changes.select("deal_id", since=changes.changed_at.date()),
                dated.select("deal_id", since=ibis.array(sides).unnest()),
            )
        return days.filter(days["since"].notnull()).distinct()


def by_time(*, so_far: bool = False) -> ibis.expr.builders.WindowBuilder:
    """Give the window of one deal's stretches in order, whole or up to each."""
    if so_far:
        return ibis.window(group_by="deal_id", order_by="since", preceding=None, following=0)
    return ibis.window(group_by="deal_id", order_by="since")


def _marked(value: ibis.Value) -> ibis.Value:
    """Mark what is there and leave null empty: aggregates skip nulls, and null is a value here."""
    return ibis.coalesce(ibis.literal("=").concat(value), ibis.literal(""))


def _instant(changes: ibis.Table) -> ibis.Value:
    return changes.changed_at.delta(ibis.literal(_EPOCH), unit="microsecond")


def _by_day(changes: ibis.Table, recorded: Sequence[str]) -> ibis.Table:
    """Give the last new value of each column by deal and day."""
    rows = changes.mutate(
        value=_marked(changes.new_value), at=_instant(changes), day=changes.changed_at.date()
    )
    return rows.group_by(told_id=rows.deal_id, told_on=rows["day"]).agg(
        **{
            f"new_{name}": at_highest(rows["value"], rows["at"], where=rows.field == name)
            for name in recorded
        }
    )


def _first(changes: ibis.Table, recorded: Sequence[str]) -> ibis.Table:
    """Give what stood in each column before its first change, by deal."""
    rows = changes.mutate(value=_marked(changes.old_value), before=-_instant(changes))
    return rows.group_by(first_id=rows.deal_id).agg(
        **{
            f"old_{name}": at_highest(rows["value"], rows["before"], where=rows.field == name)
            for name in recorded
        }
    )
