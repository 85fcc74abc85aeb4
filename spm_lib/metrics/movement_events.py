"""What happened between two days to the deals that a pipeline movement is about, in the order it happened.

One row per event: the deal, what kind of event, when, and the new state of what changed; null: not changed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis

from spm_lib.data.history import Snapshot
from spm_lib.data.replay import at_highest, day_after, stage_outcomes
from spm_lib.periods import Period

#: What the state of a deal consists of: the column of deals and the type of each part. None is ever null.
STATE: Mapping[str, tuple[str, str]] = {
    "outcome": ("outcome", "string"),
    "merged": ("merged_into_id", "boolean"),
    "owner": ("owner_id", "string"),
    "due": ("expected_close_on", "boolean"),  # expected to close in the period
    "amount": ("amount", "decimal(18, 2)"),
    "currency": ("currency", "string"),
}

# Changes of one deal at the same instant count in this order, each followed by what no record tells. A day's move
# of an owner to another team comes first; the outcome comes before the close date: closing overwrites it.
_ORDER = {
    "team": 0,
    "initial": 1,
    "outcome": 2,
    "merged": 4,
    "owner": 6,
    "due": 8,
    "amount": 10,
    "currency": 12,
}
_UNRECORDED = 1
_REMOVAL = 14
_ORDERS = 16

_FILLED_AT_CREATION = ("owner", "due", "amount", "currency")

Keep = Callable[[ibis.Table], ibis.Table]


@dataclass(frozen=True)
class Window:
    """The time from the end of `first` to the end of `last`.

    Parameters
    ----------
    snapshot
        What is known.
    period
        The deals are those expected to close in it.
    first, last
        The two days.
    by_owner, by_team
        Whether it matters who owns a deal, and which team the owner is in.
    attributes
        Columns of deals to carry along, as they stand at `last`.
    """

    snapshot: Snapshot
    period: Period
    first: dt.date
    last: dt.date
    by_owner: bool
    by_team: bool
    attributes: tuple[str, ...] = ()

    def events(self, keep: Keep) -> ibis.Table:
        """Give what happened: ``deal_id``, ``kind``, ``key`` (sorts a deal's events), ``on``, state, attributes.

        Parameters
        ----------
        keep
            Computes a table once, where it is used several times.

        Notes
        -----
        Each deal's first event is of kind ``start`` (it was there), ``new`` or ``returned`` and sets all of its
        state. The other kinds are those of `STATE`, and ``team``, which sets nothing: the owner's team changes.
        """
        changes = keep(self._changes())
        deals = keep(self._timed(keep(self._deals(changes))))
        recorded = keep(self._recorded(deals, changes))
        entered = keep(self._entered(deals, recorded))
        lived = recorded.filter(recorded["at"] <= recorded["left_at"])
        rows = [self._initial(entered), self._rows(lived, {name: f"new_{name}" for name in STATE})]
        rows += [self._removals(entered), *(self._unrecorded(entered, name) for name in self._state)]
        if self.by_team:
            rows.append(self._team_moves(entered, recorded))
        return ibis.union(*rows)

    @cached_property
    def _before(self) -> Snapshot:
        return self.snapshot.as_of(self.first)

    @cached_property
    def _after(self) -> Snapshot:
        return self.snapshot.as_of(self.last)

    @cached_property
    def _types(self) -> Mapping[str, object]:
        return dict(self.snapshot.store.connection.table("deals").schema())

    @property
    def _state(self) -> tuple[str, ...]:
        return tuple(name for name in STATE if name != "owner" or self.by_owner)

    def _changes(self) -> ibis.Table:
        """Give what was recorded, the new and the old state each in the column of its kind."""
        changes = self._after.table("deal_changes")
        since, until = day_after(self.first), day_after(self.last)
        changes = changes.filter(changes.changed_at >= since, changes.changed_at < until)
        if not self._before.is_latest and self._before.replay().outcome_told_by == "stage":
            changes = self._outcomes_by_stage(changes)
        fields = {STATE[name][0]: name for name in self._state}
        changes = changes.filter(changes.field.isin(list(fields)))
        changes = changes.mutate(kind=changes.field.cases(*fields.items()))
        state = {
            f"{side}_{name}": ibis.ifelse(
                changes.kind == name, self._meaning(name, changes[f"{side}_value"]), ibis.null(type_)
            )
            for side in ("new", "old")
            for name, (_, type_) in STATE.items()
        }
        order = changes.kind.cases(*((name, _ORDER[name]) for name in STATE))
        return changes.select(
            "deal_id",
            "kind",
            at=changes.changed_at,
            key=_key(changes.changed_at, order),
            fills=changes.kind.isin(_FILLED_AT_CREATION) & changes.old_value.isnull(),
            **state,
        )

    def _outcomes_by_stage(self, changes: ibis.Table) -> ibis.Table:
        """Take changes of stage for changes of outcome, where the outcome itself is not recorded."""
        exact = self._after.is_latest or self._after.replay().knows("pipeline")
        stages = self._after.table("stages")
        moved = changes.filter(changes.field == "stage")
        moved = _beside(moved, self._after.every_deal(["deal_id", "pipeline"]).drop("present"))
        for side in ("old_value", "new_value"):
            named = stage_outcomes(moved.mutate(stage=moved[side]), stages, exact=exact)
            moved = named.mutate(**{side: named["stage_outcome"]}).drop("stage", "stage_outcome")
        told = moved.filter(moved.new_value.notnull()).mutate(field=ibis.literal("outcome"))
        return changes.filter(changes.field != "outcome").union(told.select(*changes.columns))

    def _deals(self, changes: ibis.Table) -> ibis.Table:
        """Give the deals that may ever be in the set: how they stood on both days, when they came and left."""
        fields = [field for field, _ in STATE.values()]
        dates = ["created_on", "closed_on", "removed_on"]
        columns = list(dict.fromkeys(["deal_id", *dates, *fields, *self.attributes]))
        # Where nobody recorded owners, they are taken not to have changed.
        was = self._before.every_deal(["deal_id", *fields], assumed_fixed=("owner_id",))
        now = self._after.every_deal(columns, assumed_fixed=("owner_id",))
        was = was.select("deal_id", was=was.present, **self._states("was", was))
        now = now.select(
            "deal_id",
            *dates,
            now=now.present,
            **self._states("now", now),
            **{f"by_{name}": now[name] for name in self.attributes},
        )
        touched = changes.group_by("deal_id").agg(
            outcome_touched=(changes.kind == "outcome").any(), due_touched=(changes.kind == "due").any()
        )
        deals = _beside(was.inner_join(now, "deal_id"), touched)
        first, last = ibis.literal(self.first), ibis.literal(self.last)
        passed = (deals.created_on > first) & (deals.created_on <= last) & (deals.removed_on > first)
        deals = deals.mutate(enters=~deals["was"] & (deals["now"] | passed.fill_null(False)))
        # A deal that never was open, or never expected in the period, is in no part.
        open_ever = (
            (deals["was_outcome"] == "open")
            | (deals["now_outcome"] == "open")
            | deals["enters"]
            | deals["outcome_touched"].fill_null(False)
        )
        due_ever = deals["was_due"] | deals["now_due"] | deals["due_touched"].fill_null(False)
        deals = deals.filter(deals["was"] | deals["enters"], open_ever, due_ever)
        return deals.drop("outcome_touched", "due_touched")

    def _timed(self, deals: ibis.Table) -> ibis.Table:
        """Add when each deal came into the window, and when it left."""
        first, last = ibis.literal(self.first), ibis.literal(self.last)
        undated = deals.filter(deals["enters"] & deals.created_on.isnull())
        deals = _beside(deals, self._after.replay().first_evidence(undated))
        # Without a day of creation and without a sign of life, a deal is first seen in the last load.
        day = ibis.coalesce(deals.created_on, deals["seen_at"].date(), last)
        day = ibis.greatest(ibis.least(day, last), (first + ibis.interval(days=1)).cast("date"))
        gone = ibis.ifelse(deals.removed_on.between(first, last), deals.removed_on, last)
        gone = ibis.greatest(ibis.coalesce(gone, last), day)
        return deals.mutate(
            leaves=~deals["now"],
            entered_at=ibis.ifelse(deals["enters"], day.cast("timestamp"), _day_end(self.first)),
            left_at=ibis.ifelse(deals["now"], _day_end(self.last), _day_end(gone)),
        )

    def _recorded(self, deals: ibis.Table, changes: ibis.Table) -> ibis.Table:
        """Give the changes that these deals saw after they came."""
        lives = deals.select("deal_id", "entered_at", "left_at")
        rows = changes.inner_join(lives, "deal_id")
        rows = rows.filter(rows["at"] >= rows["entered_at"])
        # Filled in on the day of creation: the deal had it from the beginning.
        fills = rows["fills"] & (rows["at"].date() == rows["entered_at"].date())
        filled = {
            f"old_{name}": ibis.ifelse(fills, rows[f"new_{name}"], rows[f"old_{name}"])
            for name in _FILLED_AT_CREATION
        }
        return rows.mutate(on=rows["at"].date(), **filled)

    def _entered(self, deals: ibis.Table, recorded: ibis.Table) -> ibis.Table:
        """Add the state in which each deal came, and the last that is recorded of it."""
        record = recorded.group_by("deal_id").agg(
            **{f"first_{name}": at_highest(recorded[f"old_{name}"], -recorded["key"]) for name in STATE},
            **{f"last_{name}": at_highest(recorded[f"new_{name}"], recorded["key"]) for name in STATE},
            outcome_at=recorded["at"].max(where=recorded["kind"] == "outcome"),
        )
        deals = _beside(deals, record)
        created = {name: ibis.coalesce(deals[f"first_{name}"], deals[f"now_{name}"]) for name in STATE}
        # Closed, nobody knows when: in no period, so it never was open here.
        never_open = (deals["now_outcome"] != "open") & deals.closed_on.isnull()
        told = ibis.ifelse(never_open, deals["now_outcome"], "open")
        created["outcome"] = ibis.coalesce(deals["first_outcome"], told)
        return deals.mutate(
            **{
                f"initial_{name}": ibis.ifelse(deals["enters"], created[name], deals[f"was_{name}"])
                for name in STATE
            }
        )

    def _initial(self, deals: ibis.Table) -> ibis.Table:
        before = (deals.created_on <= ibis.literal(self.first)).fill_null(False)
        rows = deals.mutate(
            kind=ibis.cases((~deals["enters"], "start"), (before, "returned"), else_="new"),
            key=_key(deals["entered_at"], _ORDER["initial"]),
            on=deals["entered_at"].date(),
        )
        return self._rows(rows, {name: f"initial_{name}" for name in STATE}, attributes=True)

    def _removals(self, deals: ibis.Table) -> ibis.Table:
        left = deals.filter(deals["leaves"])
        rows = left.mutate(
            kind=ibis.literal("merged"),
            key=_key(left["left_at"], _REMOVAL),
            on=left["left_at"].date(),
            gone=ibis.literal(True),
        )
        return self._rows(rows, {"merged": "gone"})

    def _unrecorded(self, deals: ibis.Table, name: str) -> ibis.Table:
        """Give what must have happened though no record tells: closings on their day, the rest at the end."""
        state = ibis.coalesce(deals[f"last_{name}"], deals[f"initial_{name}"])
        off = deals.filter(deals["now"], state != deals[f"now_{name}"])
        at = last = _day_end(self.last)
        if name == "outcome":
            earliest = ibis.coalesce(off["outcome_at"], off["entered_at"])
            closing = ibis.coalesce(_day_end(off.closed_on), last)
            closing = ibis.least(ibis.greatest(closing, earliest), last)
            at = ibis.ifelse(off["now_outcome"] == "open", last, closing)
        rows = off.mutate(kind=ibis.literal(name), key=_key(at, _ORDER[name] + _UNRECORDED), on=at.date())
        return self._rows(rows, {name: f"now_{name}"})

    def _team_moves(self, deals: ibis.Table, recorded: ibis.Table) -> ibis.Table:
        """Give a row wherever an owner may have moved to another team: it is to be looked up again."""
        members = self._after.table("team_members")
        since = members.select(owner=members.rep_id, on=members.valid_from)
        until = members.select(
            owner=members.rep_id, on=(members.valid_to + ibis.interval(days=1)).cast("date")
        )
        moves = since.union(until, distinct=True)
        moves = moves.filter(moves["on"] > ibis.literal(self.first), moves["on"] <= ibis.literal(self.last))
        handed = recorded.filter(recorded["kind"] == "owner")
        owners = ibis.union(
            deals.select("deal_id", "entered_at", owner=deals["initial_owner"]),
            deals.select("deal_id", "entered_at", owner=deals["now_owner"]),
            handed.select("deal_id", "entered_at", owner=handed["new_owner"]),
        )
        rows = owners.inner_join(moves, "owner").drop("owner").distinct()
        midnight = rows["on"].cast("timestamp")
        rows = rows.filter(midnight > rows["entered_at"])
        midnight = rows["on"].cast("timestamp")
        return self._rows(rows.mutate(kind=ibis.literal("team"), key=_key(midnight, _ORDER["team"])), {})

    def _states(self, prefix: str, deals: ibis.Table) -> dict[str, ibis.Value]:
        return {f"{prefix}_{name}": self._meaning(name, deals[field]) for name, (field, _) in STATE.items()}

    def _meaning(self, name: str, value: ibis.Value) -> ibis.Value:
        """Give the state that a value, as stored or as text, stands for."""
        if name == "outcome":
            return ibis.coalesce(value, ibis.literal("open"))
        if name == "merged":
            return value.notnull()
        if name == "due":
            within = value.try_cast("date").between(
                ibis.literal(self.period.start), ibis.literal(self.period.end)
            )
            return within.fill_null(False)
        type_ = STATE[name][1]
        return ibis.coalesce(value.try_cast(type_), ibis.literal(0 if name == "amount" else "").cast(type_))

    def _rows(self, table: ibis.Table, state: Mapping[str, str], *, attributes: bool = False) -> ibis.Table:
        return table.select(
            "deal_id",
            "kind",
            "key",
            "on",
            **{
                name: table[state[name]].cast(type_) if name in state else ibis.null(type_)
                for name, (_, type_) in STATE.items()
            },
            **{
                f"by_{name}": table[f"by_{name}"] if attributes else ibis.null(self._types[name])
                for name in self.attributes
            },
        )


def _day_end(day: dt.date | ibis.Value) -> ibis.Value:
    if isinstance(day, dt.date):
        return ibis.literal(dt.datetime.combine(day, dt.time.max))
    return (day + ibis.interval(days=1)).cast("timestamp") - ibis.interval(microseconds=1)


def _key(at: ibis.Value, order: ibis.Value | int) -> ibis.Value:
    """Give a number that sorts by time, then by `order`."""
    epoch = ibis.literal(dt.datetime.combine(dt.date(1970, 1, 1), dt.time()))
    return at.delta(epoch, unit="microsecond") * _ORDERS + order


def _beside(rows: ibis.Table, more: ibis.Table) -> ibis.Table:
    """Add what `more` knows of the same deals."""
    return rows.left_join(more, "deal_id").drop("deal_id_right")
