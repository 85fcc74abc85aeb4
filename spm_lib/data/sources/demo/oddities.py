"""Deals that only a real CRM has: duplicates that are merged later, and refunds as negative won deals."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from spm_lib.data.sources.demo import history as h
from spm_lib.data.sources.demo import timeline
from spm_lib.data.sources.demo.births import REFUND, Births
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.people import Staff
from spm_lib.data.sources.demo.timeline import Array

_DUPLICATES, _REFUNDS = 0.016, 0.012  # of all deals; of new deals won
_CLOSED_AS_LOST = 0.4  # of the duplicates, with the reason "Duplicate"; the others stay open in their stage


def add_oddities(dice: Dice, staff: Staff, births: Births, events: h.Events) -> tuple[Births, h.Events]:
    """Give the deals and events with duplicates and refunds among them."""
    log = h.Log()
    births = _duplicates(dice, staff, births, log)
    births = _refunds(dice, staff, births, events, log)
    more = log.events()
    columns = (np.concatenate([getattr(events, f.name), getattr(more, f.name)]) for f in fields(h.Events))
    return births, h.Events(*columns)


def _duplicates(dice: Dice, staff: Staff, births: Births, log: h.Log) -> Births:
    u = dice.uniform(4, births.size)
    created = timeline.WORKDAY_FROM[births.created + 1 + (10 * u[1]).astype(np.int64)]
    merged = timeline.WORKDAY_FROM[created + 1 + (24 * u[2]).astype(np.int64)]
    fits = (u[0] < _DUPLICATES) & (births.created >= timeline.GO_LIVE_DAY) & (merged <= timeline.LAST)
    which = np.flatnonzero(fits)
    which = which[staff.team_on[births.owner[which], merged[which]] >= 0]
    grown = _more(
        births, which, created[which], births.kind[which], births.worth[which], births.priced[which]
    )
    for place, first in enumerate(which):
        deal = np.array([births.size + place])
        if u[3, first] < _CLOSED_AS_LOST:
            log.note(h.LOST, int(merged[first]), deal, h.DUPLICATE)
        log.note(h.MERGED, int(merged[first]), deal, int(first))
    return grown


def _refunds(dice: Dice, staff: Staff, births: Births, events: h.Events, log: h.Log) -> Births:
    won = events.of(h.WON)
    u = dice.uniform(4, len(won.deal))
    chosen = np.flatnonzero((u[0] < _REFUNDS) & (won.day >= timeline.GO_LIVE_DAY))
    amounts = events.of(h.PRICED, h.AMOUNT, h.DISCOUNTED)
    rows: list[tuple[int, int, int, int]] = []  # deal refunded, day created, day closed, amount
    for at in chosen:
        deal = int(won.deal[at])
        day = int(timeline.WORKDAY_FROM[int(won.day[at]) + 15 + int(120 * u[1, at])])
        closed = int(timeline.WORKDAY_FROM[day + 1 + int(4 * u[2, at])])
        if closed > timeline.LAST or staff.team_on[births.owner[deal], closed] < 0:
            continue
        of_deal = amounts.value[(amounts.deal == deal) & (amounts.day <= won.day[at])]
        paid = int(of_deal[-1]) if len(of_deal) else int(births.worth[deal])
        rows.append((deal, day, closed, -max(10, round(paid * (0.1 + 0.5 * u[3, at])))))
    if not rows:
        return births
    deals, days, closes, amounts_back = (np.array(column) for column in zip(*rows, strict=True))
    kinds = np.full(len(deals), REFUND)
    grown = _more(births, deals, days, kinds, amounts_back, np.ones(len(deals), dtype=bool))
    grown.stage[births.size :] = 3
    for place, closed in enumerate(closes):
        log.note(h.WON, int(closed), np.array([births.size + place]))
    return grown


def _more(births: Births, like: Array, created: Array, kind: Array, worth: Array, priced: Array) -> Births:
    """Give the births with copies of the deals `like` after them."""
    changed = {"created": created, "kind": kind, "worth": worth, "priced": priced, "origin": like}
    changed["expected"] = np.maximum(births.expected[like], created + 7)
    changed["lead"] = np.full(len(like), -1)
    return Births(
        **{
            f.name: np.concatenate(
                [getattr(births, f.name), changed.get(f.name, getattr(births, f.name)[like])]
            )
            for f in fields(Births)
        }
    )
