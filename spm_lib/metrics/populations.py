"""Which rows metrics count: each population is one Ibis expression that reads only what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from spm_lib.metrics import intervals
from spm_lib.metrics.question import PERIOD_KEY, Dimension, Question

if TYPE_CHECKING:
    import datetime as dt

    from spm_lib.metrics.metric import Statistic

#: Keys by which a deal finds its account and product.
_JOINED = {"accounts": "account_id", "products": "product_id"}

MONEY = "decimal(38, 2)"


@dataclass(frozen=True)
class Column:
    """A column that statistics may read, made of the table's own columns `reads`."""

    reads: tuple[str, ...]
    of: Callable[[ibis.Table, Question], ibis.Value] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Population:
    """Rows of one table, each with the metric's date.

    Parameters
    ----------
    name
        What it is called.
    table
        ``deals`` or ``leads``.
    keep
        Which rows; its `reads` are the columns that this takes.
    day
        The metric's date: whose team, and which exchange rate. None: the snapshot's day, and then several periods
        cannot be asked at once.
    columns
        What statistics may read besides ``amount`` (converted) and the table's own columns.
    """

    name: str
    table: str
    keep: Column
    day: str | None
    columns: Mapping[str, Column] = field(repr=False, compare=False)

    @property
    def batches(self) -> bool:
        """Whether several periods can be asked at once."""
        return self.day is not None

    def lacks(self, question: Question) -> list[str]:
        """Name the dimensions that rows of this population cannot be divided by."""
        own = {"team", "rep", "source"}
        return [] if self.table == "deals" else [name for name in question.names if name not in own]

    def rows(self, question: Question, reads: Iterable[str]) -> ibis.Table:
        """Give the rows with the question's key columns (the period's only where there are several) and `reads`."""
        reads = list(dict.fromkeys(reads))
        keys = dict(zip(question.keys[1:], question.dimensions, strict=True))
        joins = sorted({d.table for d in keys.values()} & set(_JOINED))
        if question.snapshot.keeps:
            return self._of_prepared(question, reads, keys, joins)
        in_teams = question.snapshot.team_ids is not None or "team" in question.names
        exchanged = "amount" in reads and question.filled("fx_rates")
        made = {name: self.columns[name] for name in reads if name in self.columns}
        own = {name: name for name in reads if name not in made and name != "amount"}
        own |= {key: d.column for key, d in keys.items() if d.table == "deals"}
        own |= {f"row_{table}": _JOINED[table] for table in joins}
        if in_teams:
            own["row_owner"] = "owner_id"
        if "amount" in reads:
            own |= {"row_amount": "amount", "row_currency": "currency"}
        needed = {*self.keep.reads, *own.values(), *(name for c in made.values() for name in c.reads)}
        needed |= {self.day} if self.day else set()
        source = question.snapshot.table(self.table, sorted(needed))
        kept = source.filter(self.keep.of(source, question))
        day = kept[self.day] if self.day else ibis.literal(question.snapshot.date)
        ready = {new: kept[old] for new, old in own.items()}
        ready |= {name: column.of(kept, question) for name, column in made.items()}
        if len(question.periods) > 1:
            ready[PERIOD_KEY] = _period_number(day, question)
        if in_teams or exchanged:
            ready["row_day"] = day
        if "amount" in reads and not exchanged:
            ready["amount"] = _in_own_currency(
                ready.pop("row_amount"), ready.pop("row_currency"), question.snapshot.meta.currency
            )
        rows = kept.select(**ready) if ready else kept
        if exchanged:
            rows = converted(rows, question)
        for table in joins:
            rows = _joined(rows, question, table, {k: d for k, d in keys.items() if d.table == table})
        if in_teams:
            rows = question.snapshot.in_scope(question.snapshot.with_team(rows, "row_owner", "row_day"))
            rows = rows.rename({key: "team" for key, d in keys.items() if d.name == "team"})
        return _chosen(rows, question, reads)

    def _of_prepared(
        self, question: Question, reads: Sequence[str], keys: Mapping[str, Dimension], joins: Sequence[str]
    ) -> ibis.Table:
        """Give the same rows from a table in which each has its team and its converted amount already."""
        prepared = question.snapshot.kept(f"{self.table} by {self.day}", lambda: self._prepare(question))
        kept = prepared.filter(self.keep.of(prepared, question))
        ready = {
            name: self.columns[name].of(kept, question) if name in self.columns else kept[name]
            for name in reads
        }
        ready |= {
            key: kept[d.name if d.name == "team" else d.column]
            for key, d in keys.items()
            if d.table not in _JOINED
        }
        ready |= {f"row_{table}": kept[_JOINED[table]] for table in joins}
        if len(question.periods) > 1:
            ready[PERIOD_KEY] = _period_number(kept[str(self.day)], question)
        rows = kept.select(**ready) if ready else kept
        for table in joins:
            rows = _joined(rows, question, table, {k: d for k, d in keys.items() if d.table == table})
        return _chosen(rows, question, reads)

    def _prepare(self, question: Question) -> ibis.Table:
        snapshot = question.snapshot
        source = snapshot.table(self.table)
        rows = source.mutate(row_day=source[self.day] if self.day else ibis.literal(snapshot.date))
        if "amount" in source.columns:
            rows = rows.mutate(row_amount=rows.amount, row_currency=rows.currency).drop("amount")
            rows = converted(rows, question)
        return snapshot.in_scope(snapshot.with_team(rows, "owner_id", "row_day"))

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give the statistics of every group that has rows, in one query."""
        if self.lacks(question):
            return pd.DataFrame(columns=[*question.keys, *(s.name for s in statistics)])

        def ask() -> pd.DataFrame:
            return aggregate(
                self.rows(question, (name for s in statistics for name in s.reads)), question, statistics
            )

        frame = question.once(("collect", self.name, *((s.name, s.reads) for s in statistics)), ask)
        return frame.copy(deep=False)


def _chosen(rows: ibis.Table, question: Question, reads: Sequence[str]) -> ibis.Table:
    wanted = [key for key in question.keys if key in rows.columns] + list(reads)
    return rows.select(*wanted) if wanted else rows


def any_open(question: Question) -> bool:
    """Tell whether the source lists open deals at all: one without any tells nothing of a pipeline, on no day.

    It is the whole source's, whatever the snapshot's scope: a team without open deals has a pipeline of 0.
    """
    return question.snapshot.store.lists_open_deals


def aggregate(
    rows: ibis.Table, question: Question, statistics: Sequence[Statistic], more: Sequence[str] = ()
) -> pd.DataFrame:
    """Compute `statistics` of `rows` by the question's keys and the columns `more`, in one query."""
    keys = [key for key in question.keys if key in rows.columns]
    values = {s.name: s.of(rows) for s in statistics}
    table = rows.group_by([*keys, *more]).aggregate(**values) if keys or more else rows.aggregate(**values)
    frame = _frame(table.to_pyarrow(), [s.name for s in statistics if s.ordered])
    if PERIOD_KEY in frame:
        return frame[frame[PERIOD_KEY].notna()].astype({PERIOD_KEY: "int64"})
    frame.insert(0, PERIOD_KEY, np.zeros(len(frame), dtype=np.int64))
    return frame


def converted(rows: ibis.Table, question: Question) -> ibis.Table:
    """Add ``amount``: ``row_amount`` in the reporting currency at the rate of ``row_day``, to the cent."""
    if not question.filled("fx_rates"):
        currency = question.snapshot.meta.currency
        return rows.mutate(amount=_in_own_currency(rows.row_amount, rows.row_currency, currency))
    rates = question.snapshot.table("fx_rates")
    following = ibis.window(group_by=rates.currency, order_by=rates.valid_from)
    rates = rates.select(
        "rate",
        rate_currency=rates.currency,
        since=rates.valid_from,
        until=rates.valid_from.lead().over(following),
    )
    joined = rows.left_join(
        rates,
        [
            rows.row_currency == rates.rate_currency,
            rows.row_day >= rates.since,
            rates.until.isnull() | (rows.row_day < rates.until),
        ],
    )
    own = joined.row_currency.isnull() | (joined.row_currency == question.snapshot.meta.currency)
    # Widened first: the product of two narrow decimals overflows.
    exact = joined.row_amount.cast("decimal(20, 2)") * joined.rate.cast("decimal(20, 8)")
    amount = ibis.cases((own, joined.row_amount.cast(MONEY)), else_=exact.cast(MONEY))
    return joined.select(*rows.columns, amount=amount)


def _in_own_currency(amount: ibis.Value, currency: ibis.Value, reporting: str) -> ibis.Value:
    """Null amounts in any other currency: without rates they are unknown."""
    return ibis.cases((currency.isnull() | (currency == reporting), amount), else_=ibis.null())


def _period_number(day: ibis.Value, question: Question) -> ibis.Value:
    return ibis.cases(*((day.between(p.start, p.end), number) for number, p in enumerate(question.periods)))


def _joined(rows: ibis.Table, question: Question, table: str, keys: Mapping[str, Dimension]) -> ibis.Table:
    other = question.snapshot.table(table)
    other = other.select(join_key=other[_JOINED[table]], **{k: other[d.column] for k, d in keys.items()})
    joined = rows.left_join(other, rows[f"row_{table}"] == other.join_key)
    return joined.select(*rows.columns, *keys)


def _frame(table: pa.Table, ordered: Sequence[str]) -> pd.DataFrame:
    """Give a frame in which each list of values has given way to its median and bounds."""
    for name in ordered:
        lists = table.column(name).combine_chunks()
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        values = lists.flatten().to_numpy(zero_copy_only=False)
        found = intervals.median(values, counts.astype(np.int64))
        table = table.drop_columns([name])
        for part, column in zip(("median", "low", "high", "n"), found, strict=True):
            table = table.append_column(f"{name}_{part}", pa.array(column))
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    return frame


# -- The populations --------------------------------------------------------------------------------------


def _last_day(question: Question) -> dt.date:
    return min(question.end, question.snapshot.date)


def _is_closed(deals: ibis.Table, question: Question) -> ibis.Value:
    return (
        deals.closed_on.between(question.start, _last_day(question))
        & deals.outcome.isin(["won", "lost"])
        & deals.merged_into_id.isnull()
    )


def _is_open(deals: ibis.Table, _: Question) -> ibis.Value:
    return (deals.outcome == "open") & deals.merged_into_id.isnull()


def _is_created(deals: ibis.Table, question: Question) -> ibis.Value:
    return (
        deals.created_on.between(question.start, _last_day(question))
        & ((deals.outcome == "open") | (deals.closed_on <= question.snapshot.date))
        & deals.merged_into_id.isnull()
    )


def _is_lead(leads: ibis.Table, question: Question) -> ibis.Value:
    return leads.created_on.between(question.start, _last_day(question)) & leads.merged_into_id.isnull()


def _days_to_decision(deals: ibis.Table, question: Question) -> ibis.Value:
    until = ibis.ifelse(deals.outcome == "open", ibis.literal(question.snapshot.date), deals.closed_on)
    return until.delta(deals.created_on, unit="day")


#: Deals won or lost, by the day they closed.
CLOSED = Population(
    "closed",
    "deals",
    Column(("closed_on", "outcome", "merged_into_id"), _is_closed),
    "closed_on",
    {
        "won": Column(("outcome",), lambda deals, _: deals.outcome == "won"),
        "days": Column(
            ("created_on", "closed_on"), lambda deals, _: deals.closed_on.delta(deals.created_on, unit="day")
        ),
    },
)

#: Deals open on the snapshot's day.
OPEN = Population(
    "open",
    "deals",
    Column(("outcome", "merged_into_id"), _is_open),
    None,
    {
        "expected": Column(
            ("expected_close_on",), lambda deals, q: deals.expected_close_on.between(q.start, q.end)
        ),
        "undated": Column(("expected_close_on",), lambda deals, _: deals.expected_close_on.isnull()),
    },
)

#: Deals created in the period, open or decided.
CREATED = Population(
    "created",
    "deals",
    Column(("created_on", "outcome", "closed_on", "merged_into_id"), _is_created),
    "created_on",
    {
        "decided": Column(("outcome",), lambda deals, _: deals.outcome != "open"),
        "days": Column(("created_on", "closed_on", "outcome"), _days_to_decision),
    },
)

#: Leads created in the period.
LEADS = Population(
    "leads",
    "leads",
    Column(("created_on", "merged_into_id"), _is_lead),
    "created_on",
    {
        "age": Column(
            ("created_on",),
            lambda leads, q: ibis.literal(q.snapshot.date).delta(leads.created_on, unit="day"),
        ),
        "took": Column(
            ("created_on", "converted_on"),
            lambda leads, _: leads.converted_on.delta(leads.created_on, unit="day"),
        ),
    },
)
