"""The work of a stretch of time: the deals open in it, whose they were on each day, and what kind of work they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import ibis
import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.models.coaching.absence import COLUMNS, time_away
from spm_lib.models.coaching.changes import first_changes
from spm_lib.models.coaching.deal_sizes import SIZE, size_bands
from spm_lib.models.recorded import EVER, NEVER, Keep
from spm_lib.models.stretches import whole_company

#: Days of a mean month.
MONTH_DAYS = 30.44

#: What the kind of a deal's work is told by, where the data tell it.
_OF_DEALS = ("pipeline", "deal_type", "source", "product_id")
_OF_ACCOUNTS = ("segment", "region")
#: More values than this are names rather than kinds.
_MOST_KINDS = 40
#: What tells how a deal is handled, apart from how it ends: a few columns are enough, and many reps are then soon compared.
HANDLING = ("pipeline", "deal_type", "segment", "region")


@dataclass(frozen=True)
class Work:
    """What was done from one day to another, as known on a day.

    Parameters
    ----------
    snapshot
        The whole company on the day.
    start, end
        The first and the last day counted.
    deals
        The deals that were open at any time since `start`, neither merged into another nor refunds: deal_id, name of the
        columns of deals, and the columns of `attributes`.
    owners
        Whose each deal was: deal_id, rep_id, since, until (the first day after).
    changes
        The changes of these deals since `start`: deal_id, field, old_value, new_value, changed_at, day.
    attributes
        The columns by which the kind of work is told, but for how large deals are, which does not go with every lever.
    bands
        How large each deal was, see `spm_lib.models.coaching.deal_sizes.size_bands`; None where that is not told.
    filled
        The columns of deals that hold anything.
    keep
        Computes a table once.
    away
        When a rep was away, see `absence.time_away`.
    """

    snapshot: Snapshot
    start: dt.date
    end: dt.date
    deals: ibis.Table
    owners: ibis.Table
    changes: ibis.Table
    attributes: tuple[str, ...]
    bands: ibis.Table | None
    filled: frozenset[str]
    keep: Keep = field(repr=False, compare=False)
    away: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)), compare=False)
    _kept: dict[str, ibis.Table] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, what: str, find: Callable[[], ibis.Table]) -> ibis.Table:
        """Give a table that several levers read, worked out when it is first asked for."""
        if what not in self._kept:
            self._kept[what] = self.keep(find())
        return self._kept[what]

    @property
    def after(self) -> dt.date:
        """The first day after the last one counted."""
        return self.end + dt.timedelta(days=1)

    @property
    def handling(self) -> tuple[str, ...]:
        """The attributes by which the handling of deals is told."""
        return tuple(name for name in self.attributes if name in HANDLING)

    def during(self, start: dt.date, end: dt.date) -> Work:
        """Give the part of the work between two days; what was read reaches no further back than it was read for."""
        return replace(self, start=max(start, self.start), end=min(end, self.end))

    def recorded_from(self, column: str) -> dt.date | None:
        """Give the first day counted on which changes of a column are on record; None where none are."""
        first = self.snapshot.meta.tracked_from.get(column)
        if first is None or first > self.end or column not in self.filled:
            return None
        return max(first, self.start)

    def changed(self, column: str, start: dt.date) -> ibis.Table:
        """Give the changes of a column from `start` to the last day counted."""
        return self.changes.filter(self.changes.field == column, self.changes.day.between(start, self.end))

    def stood(self, column: str) -> ibis.Table:
        """Give what a column of each deal held at the end of the last day counted: deal_id, stood (as text).

        What was changed later is wound back: deals closed since were open then.
        """
        later = first_changes(
            self.changes.filter(self.changes.field == column, self.changes.day > ibis.literal(self.end))
        )
        deals = self.deals.select("deal_id", stands=self.deals[column].cast("string"))
        joined = deals.left_join(later, "deal_id")
        return joined.select(
            "deal_id", stood=ibis.ifelse(joined.first_day.isnull(), joined.stands, joined.old_value)
        )

    def owned(self, rows: ibis.Table, day: str) -> ibis.Table:
        """Add ``rep_id``, whose the deal was on the day in the column `day`; rows of nobody's are left out."""
        owners = self.owners
        joined = rows.inner_join(
            owners, [rows.deal_id == owners.deal_id, rows[day] >= owners["since"], rows[day] < owners.until]
        )
        return joined.select(*rows.columns, "rep_id")

    def by_owner(self, rows: ibis.Table, begins: str, ends: str) -> ibis.Table:
        """Cut rows from the day `begins` to before the day `ends` where their deal changed hands, and add ``rep_id``.

        Each piece is of the owner in that time, whose time away is cut out.
        """
        owners = self.owners
        met = [
            rows.deal_id == owners.deal_id,
            rows[begins] < owners.until,
            rows[ends] > owners["since"],
        ]
        joined = rows.inner_join(owners, met)
        pieces = joined.select(
            *(name for name in rows.columns if name not in (begins, ends)),
            "rep_id",
            **{
                begins: ibis.greatest(rows[begins], owners["since"]),
                ends: ibis.least(rows[ends], owners.until),
            },
        )
        return self.attended(pieces.filter(pieces[begins] < pieces[ends]), begins, ends)

    def attended(self, rows: ibis.Table, begins: str, ends: str) -> ibis.Table:
        """Cut the time away of each rep out of rows with ``rep_id``, from the day `begins` to before the day `ends`."""
        if self.away.empty:
            return rows
        there = self.once("there", self._there)
        joined = rows.inner_join(
            there,
            [rows.rep_id == there.rep_id, rows[begins] < there.there_until, rows[ends] > there.there_since],
        )
        return joined.select(
            *(name for name in rows.columns if name not in (begins, ends)),
            **{
                begins: ibis.greatest(rows[begins], joined.there_since),
                ends: ibis.least(rows[ends], joined.there_until),
            },
        )

    def attending(self, rows: ibis.Table, day: str) -> ibis.Table:
        """Leave out the rows with ``rep_id`` of a day on which that rep was away."""
        if self.away.empty:
            return rows
        there = self.once("there", self._there)
        met = [rows.rep_id == there.rep_id, rows[day] >= there.there_since, rows[day] < there.there_until]
        return rows.semi_join(there, met)

    def _there(self) -> ibis.Table:
        """Give the stretches between the times away of everybody: rep_id, there_since, there_until (first day after)."""
        rows = [
            {"rep_id": rep, "since": since.date(), "until": until.date()}
            for rep, since, until in self.away[["rep_id", "since", "until"]].itertuples(index=False)
        ]
        known = ibis.literal(rows, "array<struct<rep_id: string, since: date, until: date>>")
        away = known.unnest().name("away").as_table()
        away = away.select(**{name: away.away[name] for name in ("rep_id", "since", "until")})
        turns = ibis.window(group_by="rep_id", order_by="since")
        ever, never = ibis.literal(EVER), ibis.literal(NEVER)
        gaps = away.select(
            "rep_id", there_since="until", there_until=ibis.coalesce(away["since"].lead().over(turns), never)
        )
        first = away.group_by("rep_id").agg(there_until=away["since"].min())
        first = first.select("rep_id", there_since=ever, there_until="there_until")
        reps = self.owners.select("rep_id").distinct().anti_join(away, "rep_id")
        steady = reps.select("rep_id", there_since=ever, there_until=never)
        return ibis.union(gaps, first, steady).filter(lambda t: t.there_since < t.there_until)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The column by which it is told how large deals are; empty where they are not told apart."""
        return () if self.bands is None else (SIZE,)

    def sized(self, rows: ibis.Table) -> ibis.Table:
        """Add the column `sizes` to rows with ``deal_id``."""
        return rows if self.bands is None else rows.inner_join(self.bands, "deal_id")

    def of_kind(self, rows: ibis.Table, attributes: Sequence[str] | None = None) -> ibis.Table:
        """Add the attributes to rows with ``deal_id``; rows of deals that do not count are left out."""
        told = self.deals.select("deal_id", *(self.attributes if attributes is None else attributes))
        return rows.inner_join(told, "deal_id")


def read_work(snapshot: Snapshot, start: dt.date, keep: Keep) -> Work:
    """Read the work from `start` to the snapshot's day."""
    company = whole_company(snapshot)
    deals = keep(_deals(company, start))
    filled, attributes = _told(deals)
    counted = deals.select("deal_id")
    changes = company.table("deal_changes")
    changes = changes.filter(changes.changed_at.date() >= ibis.literal(start)).semi_join(counted, "deal_id")
    changes = keep(
        changes.select(
            "deal_id", "field", "old_value", "new_value", "changed_at", day=changes.changed_at.date()
        ).filter(lambda t: t.field.isin(["stage", "expected_close_on", "next_step", "amount", "owner_id"]))
    )
    owners = keep(_owners(deals, changes))
    away = time_away(company, deals, owners, changes, start)
    bands = size_bands(deals, company, keep)
    return Work(company, start, snapshot.date, deals, owners, changes, attributes, bands, filled, keep, away)


def _deals(snapshot: Snapshot, start: dt.date) -> ibis.Table:
    deals = snapshot.table("deals")
    accounts = snapshot.table("accounts").select("account_id", *_OF_ACCOUNTS)
    counted = deals.filter(
        deals.merged_into_id.isnull(),
        ~(deals.amount < 0).fill_null(False),
        (deals.outcome == "open") | (deals.closed_on >= ibis.literal(start)),
    )
    return counted.left_join(accounts, "account_id").select(
        "deal_id",
        "owner_id",
        *_OF_DEALS,
        *_OF_ACCOUNTS,
        "stage",
        "outcome",
        "amount",
        "currency",
        "created_on",
        "expected_close_on",
        "next_step",
        # Deals without a day of closing are open.
        closed_on=ibis.ifelse(counted.outcome == "open", ibis.null("date"), counted.closed_on),
    )


def _told(deals: ibis.Table) -> tuple[frozenset[str], tuple[str, ...]]:
    """Give the columns that hold anything, and those that tell kinds of work apart."""
    kinds = (*_OF_DEALS, *_OF_ACCOUNTS)
    counts = {f"count {name}": deals[name].count() for name in deals.columns}
    different = {f"kinds {name}": deals[name].nunique() for name in kinds}
    found = deals.aggregate(**counts, **different).to_pyarrow().to_pylist()[0]
    filled = frozenset(name for name in deals.columns if found[f"count {name}"])
    return filled, tuple(name for name in kinds if 1 < found[f"kinds {name}"] <= _MOST_KINDS)


def _owners(deals: ibis.Table, changes: ibis.Table) -> ibis.Table:
    """Give whose each deal was from day to day; who was recorded last on a day has it on that day."""
    moved = changes.filter(changes.field == "owner_id")
    order = ibis.window(group_by=moved.deal_id, order_by=[moved.day, moved.changed_at])
    first = first_changes(moved)
    ever, never = ibis.literal(EVER), ibis.literal(NEVER)
    before = first.select("deal_id", rep_id="old_value", since=ever, until="first_day")
    then = moved.select(
        "deal_id",
        rep_id="new_value",
        since=moved.day,
        until=ibis.coalesce(moved.day.lead().over(order), never),
    )
    steady = deals.anti_join(moved, "deal_id").select("deal_id", rep_id="owner_id", since=ever, until=never)
    return ibis.union(steady, before, then).filter(
        lambda t: t.rep_id.notnull(), lambda t: t["since"] < t.until
    )
