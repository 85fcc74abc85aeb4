"""Deals as they were known at the end of a day: the stored rows, wound back through what was recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ibis

#: Beyond any number of microseconds between two days: changes after the day rank behind all before it.
_BEHIND = 10**18

#: What closing overwrites. A deal first seen when it was closed already has no earlier record of these.
_SNAPPED = frozenset({"stage", "forecast_category", "loss_reason"})


@dataclass(frozen=True)
class Sources:
    """The stored tables that tell how deals stood."""

    deals: ibis.Table
    changes: ibis.Table
    activities: ibis.Table
    stages: ibis.Table


@dataclass(frozen=True)
class Replay:
    """How deals stood at the end of `date`, as far as the record tells.

    Parameters
    ----------
    sources
        The stored tables, as they stand today.
    date
        The day.
    tracked_from
        For each column with recorded history, the first day that the record covers.
    fixed
        Columns that never change after creation, whatever the record covers.
    changed
        Columns of which any change is recorded at all.
    has_stages
        Whether the store lists stages, and so may tell a deal's outcome by its stage.
    """

    sources: Sources
    date: dt.date
    tracked_from: Mapping[str, dt.date]
    fixed: frozenset[str]
    changed: frozenset[str]
    has_stages: bool

    def knows(self, field: str) -> bool:
        """Whether the value of `field` on that day is known for deals that were open then."""
        if field in ("deal_id", "removed_on"):
            return True
        # A merge or a loss happens after creation: no source can declare it fixed.
        fixed = field in self.fixed and field not in ("merged_into_id", "loss_reason")
        return fixed or self._tracks(field)

    @property
    def outcome_told_by(self) -> str:
        """The column whose record tells outcomes then: outcome, stage or, for want of both, closed_on."""
        if self._tracks("outcome"):
            return "outcome"
        if self.has_stages and self._tracks("stage"):
            return "stage"
        return "closed_on"

    def deals(self, columns: Sequence[str] | None = None, *, all_rows: bool = False) -> ibis.Table:
        """Give the deals that existed, wound back.

        Parameters
        ----------
        columns
            The columns wanted, by default all; fewer cost less.
        all_rows
            Also give deals that did not exist then, and tell by a column ``present``; ``removed_on`` stays.
        """
        stored = self.sources.deals
        wanted = tuple(stored.columns) if columns is None else tuple(columns)
        needed = self._needed(wanted)
        wound = self._wind_back(needed)
        decided = self._decide(wound) if "outcome" in needed else wound
        present = self._present(decided)
        values = {name: self._value(decided, name) for name in wanted}
        if all_rows:
            if "removed_on" in values:
                values["removed_on"] = decided["removed_on"]
            return decided.select(**values, present=present)
        return decided.filter(present).select(**values)

    def first_evidence(self, among: ibis.Table) -> ibis.Table:
        """Give the first sign (``deal_id``, ``seen_at``), up to the day, of the deals named in `among`."""
        changes, activities = self.sources.changes, self.sources.activities
        recorded = activities.mutate(at=ibis.coalesce(activities.recorded_at, activities.occurred_at))
        # A deal closed on a day was there on it, whatever else is known of it.
        deals = self.sources.deals
        closed = deals.filter(deals.closed_on.notnull()).select(
            "deal_id", at=deals.closed_on.cast(changes.changed_at.type())
        )
        signs = ibis.union(
            changes.select("deal_id", at=changes.changed_at), recorded.select("deal_id", "at"), closed
        )
        known = signs.filter(signs["at"] < self._end, signs.deal_id.isin(among.deal_id))
        return known.group_by("deal_id").agg(seen_at=known["at"].min())

    @property
    def _end(self) -> ibis.Value:
        return day_after(self.date)

    def _tracks(self, field: str) -> bool:
        since = self.tracked_from.get(field)
        return since is not None and since <= self.date

    def _needed(self, wanted: Iterable[str]) -> tuple[str, ...]:
        asked = set(wanted)
        needed = asked | {"deal_id", "created_on", "removed_on"}
        by_outcome = {"outcome", "closed_on"} | _SNAPPED
        if asked & by_outcome or not all(self.knows(field) for field in asked):
            needed |= {"outcome", "closed_on"}
            if self.outcome_told_by == "stage":
                needed |= {"stage", "pipeline"}
        return tuple(name for name in self.sources.deals.columns if name in needed)

    def _wind_back(self, fields: Sequence[str]) -> ibis.Table:
        """Give each field's value of that day, where any record tells it, else the value stored.

        Beside the fields stand ``_told_at``, the last change up to the day of what tells the outcome, and
        ``_recorded_`` with a field's name: whether any change of it is recorded, before or after.
        """
        deals = self.sources.deals.select(*fields)
        recorded = [f for f in fields if f in self.changed and f != "deal_id"]
        asked = [f for f in ("closed_on", *_SNAPPED) if f in fields]
        if not recorded:
            unmarked = {f"_recorded_{f}": ibis.literal(False) for f in asked}
            return deals.mutate(_told_at=ibis.null("timestamp"), **unmarked)
        history = self._history(recorded)
        joined = deals.left_join(history, deals.deal_id == history.deal_id)
        wound = {
            f: ibis.ifelse(
                history[f"_{f}"].isnull(), deals[f], _unmarked(history[f"_{f}"]).try_cast(deals[f].type())
            )
            for f in recorded
        }
        marks = {
            f"_recorded_{f}": history[f"_{f}"].notnull() if f in recorded else ibis.literal(False)
            for f in asked
        }
        kept = {f: wound.get(f, deals[f]) for f in fields}
        return joined.select(**kept, **marks, _told_at=history["_told_at"])

    def _history(self, fields: Sequence[str]) -> ibis.Table:
        """Give what the record tells, a row per deal and a column per field: one pass over the changes."""
        changes = self.sources.changes
        before = changes.changed_at < self._end
        # Microseconds after the day's end; negative before it.
        apart = changes.changed_at.delta(self._end, unit="microsecond")
        value = ibis.ifelse(before, changes.new_value, changes.old_value)
        marked = changes.select(
            "deal_id",
            "field",
            "changed_at",
            before=before,
            # Aggregates skip nulls, and null is a value here: mark what is there, and leave null empty.
            value=ibis.coalesce(ibis.literal("=").concat(value), ibis.literal("")),
            # The nearest change up to the end of the day counts; where there is none, the nearest after it.
            rank=ibis.ifelse(before, apart, -apart - _BEHIND),
        )
        marked = marked.filter(marked.field.isin(list(fields)))
        telling = (marked.field == self.outcome_told_by) & (marked.field != "closed_on") & marked.before
        return marked.group_by("deal_id").agg(
            **{f"_{f}": at_highest(marked.value, marked["rank"], where=marked.field == f) for f in fields},
            _told_at=marked.changed_at.max(where=telling),
        )

    def _decide(self, wound: ibis.Table) -> ibis.Table:
        """Decide first what was open: everything else hangs on it."""
        day = ibis.literal(self.date)
        recorded = ibis.coalesce(wound.outcome, ibis.literal("open"))
        later = (wound.closed_on > day).fill_null(False)
        # Wound back to no closing day: it was open then. No closing day at all: closed, nobody knows when.
        emptied = wound.closed_on.isnull() & wound["_recorded_closed_on"]
        by_closing = ibis.ifelse(later | emptied, "open", recorded)
        told_by = self.outcome_told_by
        if told_by == "stage":
            wound = wound.mutate(_by_closing=by_closing, _later=later)
            wound = stage_outcomes(wound, self.sources.stages, exact=self.knows("pipeline"))
            by_closing, later = wound["_by_closing"], wound["_later"]
            recorded = ibis.coalesce(wound["stage_outcome"], by_closing)
        # Closed later, though no record says so: the deal was closed already when the source was first read.
        unseen = later & wound["_told_at"].isnull() & (recorded != "open")
        then = by_closing if told_by == "closed_on" else ibis.ifelse(unseen, "open", recorded)
        closing = ibis.ifelse(wound.closed_on <= day, wound.closed_on, ibis.null("date"))
        closing = ibis.coalesce(closing, wound["_told_at"].date())
        return wound.mutate(
            outcome=then,
            closed_on=ibis.ifelse(then == "open", ibis.null("date"), closing),
            _open=then == "open",
            _unseen=unseen if told_by != "closed_on" else ibis.literal(False),
        )

    def _value(self, decided: ibis.Table, field: str) -> ibis.Value:
        column = decided[field]
        nothing = ibis.null(column.type())
        if field in ("outcome", "closed_on"):
            return column
        if not self.knows(field):
            # Today's value of a deal that was open then is the answer, not a fact of that day.
            column = ibis.ifelse(decided["_open"], nothing, column)
        elif field in _SNAPPED:
            column = ibis.ifelse(decided["_unseen"] & ~decided[f"_recorded_{field}"], nothing, column)
        if field in ("qualified_on", "removed_on"):
            column = ibis.ifelse(column <= ibis.literal(self.date), column, nothing)
        return column

    def _present(self, deals: ibis.Table) -> ibis.Value:
        day = ibis.literal(self.date)
        rows = deals if "created_on" in self.changed else self.sources.deals
        undated = rows.filter(rows.created_on.isnull()).select("deal_id")
        seen = self.first_evidence(undated)
        created = (deals.created_on <= day) | (deals.created_on.isnull() & deals.deal_id.isin(seen.deal_id))
        return created.fill_null(False) & (deals.removed_on.isnull() | (deals.removed_on > day))


def at_highest(value: ibis.Value, rank: ibis.Value, where: ibis.Value | None = None) -> ibis.Value:
    """Give the `value` of the row that ranks highest, among those that have one; also over windows.

    Parameters
    ----------
    value
        Any column; rows where it is null are passed over.
    rank
        A column of 64-bit integers.
    where
        The rows to look at, by default all.

    Notes
    -----
    Ibis spells its own `argmax` as an ordered FIRST, which keeps nulls and which DuckDB refuses to filter in windows.
    """
    kind = value.type()
    arg_max = ibis.udf.agg.builtin(
        lambda value, rank: None, name="arg_max", signature=((kind, "int64"), kind)
    )
    return arg_max(value, rank) if where is None else arg_max(value, rank, where=where)


def day_after(date: dt.date) -> ibis.Value:
    """Give the first instant after `date`."""
    return ibis.literal(dt.datetime.combine(date, dt.time()) + dt.timedelta(days=1))


def stage_outcomes(deals: ibis.Table, stages: ibis.Table, *, exact: bool) -> ibis.Table:
    """Add what the stage of each deal means, as column ``stage_outcome``; null where no stage tells.

    Parameters
    ----------
    deals
        Rows with ``stage`` and, where `exact`, ``pipeline``.
    stages
        The stages of each pipeline.
    exact
        Whether the pipeline is known; without it a stage counts where all pipelines agree on it.
    """
    named = stages.group_by(_stage=stages.stage).agg(_low=stages.outcome.min(), _high=stages.outcome.max())
    agreed = named.filter(named["_low"] == named["_high"]).select("_stage", _any=named["_low"])
    joined = deals.left_join(agreed, deals.stage == agreed["_stage"]).drop("_stage")
    if not exact:
        return joined.rename(stage_outcome="_any")
    own = stages.select(_own_pipeline=stages.pipeline, _own_stage=stages.stage, _own=stages.outcome)
    both = joined.left_join(own, [joined.pipeline == own["_own_pipeline"], joined.stage == own["_own_stage"]])
    return both.mutate(stage_outcome=ibis.coalesce(both["_own"], both["_any"])).drop(
        "_own", "_any", "_own_pipeline", "_own_stage"
    )


def _unmarked(value: ibis.Value) -> ibis.Value:
    return ibis.ifelse(value == "", ibis.null("string"), value.substr(1))
