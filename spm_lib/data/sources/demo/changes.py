"""Every change of every deal, from first values and events.

A deal's last values are its first values with all its changes applied, so that the two cannot disagree.
Changes of before the records began are applied and not told: those deals were imported as they stood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spm_lib.data.sources.demo import company, hazards, timeline, words
from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo.ids import Ids
from spm_lib.data.sources.demo.simulation import ROWS, World
from spm_lib.data.sources.demo.timeline import Array
from spm_lib.data.sources.demo.writing import Columns, optional, stamps

#: Hours between which each kind of event is noted; kinds that can meet on one day have hours of their own.
_HOURS = {
    h.REOPENED: (7.5, 8.0), h.PRICED: (8.5, 9.5), h.AMOUNT: (9.5, 10.5), h.COMPETITOR: (9.0, 11.0),
    h.STEP: (10.0, 12.0), h.STAGE: (11.5, 15.0), h.EXPECTED: (15.0, 16.0), h.DISCOUNT: (16.0, 16.5),
    h.DISCOUNTED: (16.0, 16.5), h.WON: (16.5, 18.5), h.LOST: (16.5, 18.5), h.MERGED: (18.6, 18.9),
    h.OWNER: (19.0, 20.0), h.REMOVED: (20.0, 21.0),
}  # fmt: skip
_CATEGORIES = ("Pipeline", "Best Case", "Commit")
_CATEGORY_OF_STAGE = np.array([0, 0, 1, 2, 1, 2, 2])
#: Share of reps' deals told one category too high; chance that a move of stage changes the product.
_OPTIMISTS, _PRODUCT_CHANGES = 0.12, 0.01

_STAGE_NAMES = np.array([stage.name for stage in company.STAGES], dtype=object)
_ENDS = np.array([company.ENDS[stage.pipeline] for stage in company.STAGES], dtype=object)
_PRODUCT_IDS = np.array([product.product_id for product in company.PRODUCTS], dtype=object)
_COMPETITORS = np.array(hazards.COMPETITORS, dtype=object)
_REASONS = np.array(h.LOSS_REASONS, dtype=object)


@dataclass(frozen=True)
class Told:
    """Events with the second of the day at which each was noted, in order of day and second."""

    events: h.Events
    second: Array

    def of(self, *kinds: int) -> Told:
        """Give the events of these kinds."""
        return self.take(np.isin(self.events.kind, kinds))

    def take(self, which: Array) -> Told:
        """Give the events at `which`: places, or a mask."""
        return Told(self.events.take(which), self.second[which])


def changes(world: World, ids: Ids) -> tuple[Columns, dict[str, Array]]:
    """Give the table of changes, and the last values of each field that changes."""
    told = _told(world)
    fields = _fields(world, ids, told)
    final: dict[str, Array] = {}
    rows: list[tuple[Array, ...]] = []
    for place, name in enumerate(fields):
        first, deal, day, second, text = fields[name]
        old, order, final[name] = _chain(first, deal, text)
        tells = (old != text[order]) & (day[order] >= timeline.GO_LIVE_DAY) & ids.kept[deal[order]]
        at = order[tells]
        rows.append((deal[at], np.full(len(at), place), old[tells], text[at], day[at], second[at]))
    deal, field, old, new, day, second = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.lexsort((field, deal, second, day))
    table = {
        "deal_id": ids.deals[deal[order]],
        "field": np.array(list(fields), dtype=object)[field[order]],
        "old_value": old[order],
        "new_value": new[order],
        "changed_at": stamps(day[order], second[order]),
    }
    return table, final


def _told(world: World) -> Told:
    events = world.events
    # Of two events of one kind, deal and day, only the later was ever noted.
    order = np.lexsort((np.arange(len(events.kind)), events.day, events.deal, events.kind))
    key = np.column_stack([events.kind, events.deal, events.day])[order]
    events = events.take(order[np.append((key[1:] != key[:-1]).any(axis=1), True)])
    low, high = (np.array([_HOURS[k][end] for k in range(len(_HOURS))])[events.kind] for end in (0, 1))
    # A discount and the amount after it are noted at once, and so have one draw.
    draws = world.dice(ROWS).uniform(4096)
    draw = draws[(events.deal * 31 + events.day * 17 + events.kind // 2) % len(draws)]
    second = ((low + (high - low) * draw) * 3600).astype(np.int64)
    return Told(events, second).take(np.lexsort((second, events.day)))


def _fields(world: World, ids: Ids, told: Told) -> dict[str, tuple[Array, ...]]:
    """Give, for each field that changes: first values by deal, then deal, day, second and new text by event."""
    births, dice = world.births, world.dice(ROWS + 1)
    size = births.size
    nothing = np.full(size, None, dtype=object)
    optimist = (dice.uniform(size) < _OPTIMISTS).astype(np.int64)
    steps = np.array(words.NEXT_STEPS, dtype=object)
    fields: dict[str, tuple[Array, ...]] = {}

    def field(name: str, first: Array, some: Told, text: Array) -> None:
        fields[name] = (first, some.events.deal, some.events.day, some.second, text)

    life = told.of(h.STAGE, h.WON, h.LOST, h.REOPENED)
    kind, deal, value = life.events.kind, life.events.deal, life.events.value
    won, lost = kind == h.WON, kind == h.LOST
    ends = won | lost
    stage = np.where(ends, 0, value)
    end_names = np.where(won, _ENDS[births.stage[deal], 0], _ENDS[births.stage[deal], 1])
    field("stage", _STAGE_NAMES[births.stage], life, np.where(ends, end_names, _STAGE_NAMES[stage]))
    field("forecast_category", _category(births.stage, optimist), life,
          np.where(won, "Closed", np.where(lost, "Omitted", _category(stage, optimist[deal]))))  # fmt: skip

    closing = told.of(h.WON, h.LOST, h.REOPENED)
    kind, deal, value = closing.events.kind, closing.events.deal, closing.events.value
    won, lost = kind == h.WON, kind == h.LOST
    dates = timeline.texts(closing.events.day)
    open_ = np.full(size, "open", dtype=object)
    field("outcome", open_, closing, np.where(won, "won", np.where(lost, "lost", "open")).astype(object))
    field("closed_on", nothing, closing, optional(dates, won | lost))
    field("loss_reason", nothing, closing, optional(_REASONS[np.where(lost, value, 0)], lost))

    # The expected close date is overwritten with the actual day on closing.
    dated = told.of(h.EXPECTED, h.WON, h.LOST)
    day = np.where(dated.events.kind == h.EXPECTED, dated.events.value, dated.events.day)
    field("expected_close_on", timeline.texts(births.expected), dated, timeline.texts(day))

    priced = told.of(h.PRICED, h.AMOUNT, h.DISCOUNTED)
    first = optional(_money(births.worth), births.priced)
    field("amount", first, priced, _money(priced.events.value))
    discount = told.of(h.DISCOUNT)
    tenths = discount.events.value
    field("x_discount", nothing, discount, np.array([f"{t / 10:.1f}" for t in tenths.tolist()], dtype=object))

    seen = told.of(h.COMPETITOR)
    field("x_competitor", _COMPETITORS[births.competitor], seen, _COMPETITORS[seen.events.value])
    noted = told.of(h.STEP)
    drawn = steps[dice.below(len(steps), len(noted.second))]
    first = optional(steps[dice.below(len(steps), size)], births.step)
    field("next_step", first, noted, optional(drawn, noted.events.value == 1))
    owned = told.of(h.OWNER)
    field("owner_id", ids.reps[births.owner], owned, ids.reps[owned.events.value])
    merged = told.of(h.MERGED)
    field("merged_into_id", nothing, merged, ids.deals[merged.events.value])

    moves = told.of(h.STAGE)
    on = np.full(size, -1)
    on[births.stage > 0] = births.created[births.stage > 0]
    later = (moves.events.value > 0) & (births.stage[moves.events.deal] == 0)
    qualifying, first_move = np.unique(moves.events.deal[later], return_index=True)
    on[qualifying] = moves.events.day[later][first_move]
    texts = optional(timeline.texts(np.maximum(on, 0)), on >= 0)
    first = optional(texts, births.stage > 0)
    done = moves.events.day >= on[moves.events.deal]
    field(
        "qualified_on", first, moves, optional(texts[moves.events.deal], done & (on[moves.events.deal] >= 0))
    )

    sold = moves.take(dice.uniform(len(moves.second)) < _PRODUCT_CHANGES)
    others = _PRODUCT_IDS[(births.product[sold.events.deal] + 1) % len(_PRODUCT_IDS)]
    field("product_id", _PRODUCT_IDS[births.product], sold, others)
    return fields


def _chain(first: Array, deal: Array, text: Array) -> tuple[Array, Array, Array]:
    """Give the value before each event, the order of events in which they are given, and the last values.

    Events (there is at least one) come in order of time.
    """
    order = np.argsort(deal, kind="stable")
    grouped = deal[order]
    turns = np.flatnonzero(grouped[1:] != grouped[:-1])
    begins, ends = np.append(0, turns + 1), np.append(turns, len(grouped) - 1)
    new = text[order]
    old = np.empty(len(order), dtype=object)
    old[1:] = new[:-1]
    old[begins] = first[grouped[begins]]
    final = first.copy()
    final[grouped[ends]] = new[ends]
    return old, order, final


def _category(stage: Array, optimist: Array) -> Array:
    place = np.minimum(_CATEGORY_OF_STAGE[stage] + optimist, len(_CATEGORIES) - 1)
    return np.asarray(np.array(_CATEGORIES, dtype=object)[place])


def _money(units: Array) -> Array:
    return np.array([f"{amount}.00" for amount in units.tolist()], dtype=object)
