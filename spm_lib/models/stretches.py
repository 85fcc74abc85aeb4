"""Every deal's life in stretches of days within which nothing about it changed: one replay for all days at once.

What `Snapshot.as_of` tells of one day, the stretch that holds the day tells too. A deal's stretches begin where anything
was recorded of it, where it was created, closed or removed, and where the record itself begins to tell more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import ibis

from spm_lib.data.history import Snapshot
from spm_lib.data.replay import stage_outcomes
from spm_lib.data.schema import ALWAYS_FIXED, CUSTOM_PREFIX
from spm_lib.models.recorded import EVER, NEVER, SNAPPED, Keep, Recorded, by_time, settled_from, tracked_from

#: Columns of deals whose values are told, custom ones besides.
_VALUES = (
    "name",
    "account_id",
    "owner_id",
    "pipeline",
    "stage",
    "amount",
    "currency",
    "created_on",
    "expected_close_on",
    "closed_on",
    "outcome",
    "deal_type",
    "source",
    "product_id",
    "forecast_category",
    "next_step",
    "merged_into_id",
)

#: What it takes to tell whether a deal was open.
_DECIDING = ("pipeline", "stage", "created_on", "closed_on", "outcome", "merged_into_id")


@contextmanager
def keeping(snapshot: Snapshot) -> Iterator[Keep]:
    """Give what computes a table once; all of them are taken out of memory in the end."""
    kept: list[ibis.Table] = []

    def keep(table: ibis.Table) -> ibis.Table:
        kept.append(snapshot.store.keep(table))
        return kept[-1]

    try:
        yield keep
    finally:
        for table in kept:
            snapshot.store.let_go(table)


def whole_company(snapshot: Snapshot) -> Snapshot:
    """Give the same day for the whole company, whatever the scope."""
    return replace(snapshot, team_id=None, keeps=False)


@dataclass(frozen=True)
class Stretches:
    """The stretches of all deals of a company.

    Parameters
    ----------
    snapshot
        Of the whole company.
    columns
        The columns of deals wanted, by default all; fewer cost less.
    """

    snapshot: Snapshot
    columns: tuple[str, ...] | None = None

    @cached_property
    def custom(self) -> Mapping[str, str]:
        """The custom columns of deals, and what each is stored as: text, number, date or boolean."""
        schema = self._deals.schema()
        return {name: _kind(type_) for name, type_ in schema.items() if name.startswith(CUSTOM_PREFIX)}

    @cached_property
    def settled_from(self) -> dt.date:
        """The day from which on deals are as they stand in the store."""
        return settled_from(self.snapshot)

    def tracked_from(self, column: str) -> dt.date:
        """Give the first day that the record of a column covers."""
        return tracked_from(self.snapshot, column)

    def known_from(self, column: str) -> dt.date:
        """Give the first day on which the value of a column is known of deals that were open then."""
        fixed = ALWAYS_FIXED | frozenset(self.snapshot.meta.fixed)
        if column in fixed and column != "merged_into_id":
            return EVER
        return min(self.tracked_from(column), self.settled_from)

    def table(self, keep: Keep) -> ibis.Table:
        """Give a row for each stretch.

        Returns
        -------
        ibis.Table
            ``deal_id``, ``since``, ``until`` (the first day after it), the columns of deals as recorded, whether known of
            that day or not; ``state``: open, won, lost or absent (not there yet, removed, or merged into another);
            ``ended_on``: the day of closing; ``place``: the pipeline if known, else empty; ``position`` of the stage.
        """
        recorded = Recorded(self.snapshot, self.fields)
        decided = keep(self._decide(keep(recorded.table(keep))))
        closed = decided["outcome"] != "open"
        merged = decided.merged_into_id.notnull() & (
            closed | (decided["since"] >= ibis.literal(self.known_from("merged_into_id")))
        )
        state = ibis.ifelse(decided["present"] & ~merged, decided["outcome"], "absent")
        pipeline = self._known(decided, "pipeline")
        rows = decided.mutate(
            state=state,
            place=ibis.coalesce(pipeline, ibis.literal("")),
            until=decided["since"].lead().over(by_time()),
        )
        rows = rows.mutate(until=ibis.coalesce(rows["until"], ibis.literal(NEVER)))
        return keep(self._placed(rows).drop("present", "outcome", "closed_on", "merged_into_id"))

    @property
    def _deals(self) -> ibis.Table:
        return self.snapshot.replay().sources.deals

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The columns of deals that are told."""
        every = (*_VALUES, *self.custom)
        return every if self.columns is None else tuple(n for n in every if n in {*_DECIDING, *self.columns})

    def _known(self, rows: ibis.Table, column: str) -> ibis.Value:
        since = ibis.literal(self.known_from(column))
        return ibis.ifelse(rows["since"] >= since, rows[column], ibis.null(rows[column].type()))

    def _decide(self, rows: ibis.Table) -> ibis.Table:
        """Tell what each deal was, by the rules of `Replay`."""
        settled = rows["since"] >= ibis.literal(self.settled_from)
        recorded = ibis.coalesce(rows.outcome, ibis.literal("open"))
        later = (rows.closed_on > rows["since"]).fill_null(False)
        emptied = rows.closed_on.isnull() & rows["marked_closed_on"]
        by_closing = ibis.ifelse(later | emptied, "open", recorded)
        rows = rows.mutate(_by_closing=by_closing, _recorded=recorded, _later=later, _settled=settled)
        by_stage = bool(self.snapshot.meta.rows.get("stages"))
        if by_stage:
            pipeline, stored = self._known(rows, "pipeline"), rows.pipeline
            stages = self.snapshot.replay().sources.stages
            rows = stage_outcomes(rows.mutate(pipeline=pipeline, _pipeline=stored), stages, exact=True)
            rows = rows.mutate(
                pipeline=rows["_pipeline"], _staged=ibis.coalesce(rows["stage_outcome"], rows["_by_closing"])
            )
        since = rows["since"]
        by_outcome = since >= ibis.literal(self.tracked_from("outcome"))
        staged = since >= ibis.literal(self.tracked_from("stage")) if by_stage else ibis.literal(False)
        none = ibis.null("date")
        said = ibis.cases(
            (by_outcome, rows["_recorded"]),
            (staged, rows["_staged"] if by_stage else rows["_recorded"]),
            else_=rows["_by_closing"],
        )
        told = ibis.cases((by_outcome, rows["told_outcome"]), (staged, rows["told_stage"]), else_=none)
        # Closed later, though no record says so: the deal was closed already when the source was first read.
        unseen = (by_outcome | staged) & rows["_later"] & told.isnull() & (said != "open")
        outcome = ibis.cases((rows["_settled"], rows.outcome), (unseen, "open"), else_=said)
        closing = ibis.ifelse(rows.closed_on <= since, rows.closed_on, none)
        ended = ibis.ifelse(rows["_settled"], rows.closed_on, ibis.coalesce(closing, told))
        there = rows.removed_on.isnull() | (rows.removed_on > since)
        came = ibis.coalesce(rows.created_on, rows["seen_on"]) <= since
        present = there & (rows["_settled"] | came.fill_null(False))
        return rows.select(
            "deal_id",
            "since",
            *(name for name in self.fields if name not in ("outcome", *SNAPPED)),
            **self._unsnapped(rows, unseen & ~rows["_settled"]),
            outcome=outcome,
            ended_on=ibis.ifelse(outcome == "open", none, ended),
            present=present,
        )

    def _unsnapped(self, rows: ibis.Table, unseen: ibis.Value) -> dict[str, ibis.Value]:
        """Give what closing overwrites: of a deal that was closed when first seen no record tells it."""
        return {
            name: ibis.ifelse(unseen & ~rows[f"marked_{name}"], ibis.null(rows[name].type()), rows[name])
            for name in SNAPPED
            if name in self.fields
        }

    def _placed(self, rows: ibis.Table) -> ibis.Table:
        """Add the position of each deal's stage in its pipeline; without a pipeline, where all agree on it."""
        if not self.snapshot.meta.rows.get("stages"):
            return rows.mutate(position=ibis.null("float64"))
        stages = self.snapshot.table("stages")
        named = stages.group_by(_called=stages.stage).agg(
            _low=stages.position.min(), _high=stages.position.max()
        )
        own = stages.group_by(_in=stages.pipeline, _own=stages.stage).agg(_at=stages.position.min())
        joined = rows.left_join(named, rows.stage == named["_called"])
        joined = joined.left_join(own, [rows["place"] == own["_in"], rows.stage == own["_own"]])
        agreed = ibis.ifelse(joined["_low"] == joined["_high"], joined["_low"], ibis.null("int64"))
        position = ibis.coalesce(joined["_at"], agreed).cast("float64")
        return joined.select(*rows.columns, position=position)


def _kind(type_: ibis.expr.datatypes.DataType) -> str:
    if type_.is_date() or type_.is_timestamp():
        return "date"
    if type_.is_boolean():
        return "boolean"
    return "number" if type_.is_numeric() else "text"
