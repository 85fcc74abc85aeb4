"""What moved the pipeline of a period between two days, event by event, balanced to the cent.

start + new + transferred_in + reopened + pulled_in + increased − decreased − pushed_out − transferred_out
− won − lost − removed = end: of values and, but for increased and decreased, of numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import ibis
import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.data.replay import at_highest
from spm_lib.errors import ParameterError, UnknownNameError, did_you_mean
from spm_lib.metrics.movement_events import STATE, Window
from spm_lib.periods import Period

#: The parts in the order they are told, and the sign with which each enters the balance; the end is what results.
PARTS: Mapping[str, int] = {
    "start": 1,
    "new": 1,
    "transferred_in": 1,
    "reopened": 1,
    "pulled_in": 1,
    "increased": 1,
    "decreased": -1,
    "pushed_out": -1,
    "transferred_out": -1,
    "won": -1,
    "lost": -1,
    "removed": -1,
    "end": 0,
}

_MONEY = "decimal(38, 2)"


def pipeline_movement(
    snapshot: Snapshot,
    period: Period,
    start: dt.date | None = None,
    end: dt.date | None = None,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Tell what moved the open deals that were expected to close in `period`.

    Parameters
    ----------
    snapshot
        What is known, and whose deals count.
    period
        The period in which deals are expected to close.
    start
        The movement begins at the end of this day; by default the day before the period, or the first
        data date where that is later.
    end
        It ends at the end of this day; by default the period's last, or the snapshot's where that is earlier.
    by
        ``team`` and ``rep``: a deal counts where it is at that moment, so that moves between them show as
        transfers; or columns of deals, as they stand at `end`.

    Returns
    -------
    pd.DataFrame
        The columns of `by`, then part, value, n and note. Values are magnitudes, negative only where amounts
        are. ``start`` and ``end`` count deals, the other parts events. Where history does not reach back to
        `start`: one row whose part and value are null, whose n is 0, and whose note says why.

    Raises
    ------
    ParameterError
        Where `end` is after the snapshot's date, or `start` after `end`.
    UnknownNameError
        Where `by` names no dimension.

    Notes
    -----
    Each event counts what the deal was worth just before it, at the exchange rates of `end`. Changes at the
    same instant count in the order creation, outcome, merge, owner, expected close date, amount. What was
    filled in on the day of creation belongs to it. An amount that is null counts 0.
    """
    last = min(period.end, snapshot.date) if end is None else end
    first = min(_default_start(snapshot, period), last) if start is None else start
    if last > snapshot.date:
        raise ParameterError(
            f"the movement would end on {last}, after the as-of date", mend=f"End it by {snapshot.date}"
        )
    if first > last:
        raise ParameterError(
            f"the movement would start on {first}, after its end", mend=f"Start it by {last}"
        )
    columns = snapshot.store.connection.table("deals").columns
    for name in by:
        if name not in ("team", "rep", *columns):
            raise UnknownNameError(
                f"deals have no dimension '{name}'", mend=did_you_mean(name, ("team", "rep", *columns))
            )
    movement = _Movement(snapshot, period, first, last, tuple(by))
    unknown = movement.unknown
    if unknown:
        return _frame([{"part": None, "value": None, "n": 0, "note": unknown}], by)
    with ExitStack() as kept:
        parts = movement.parts(lambda table: kept.enter_context(_kept(snapshot, table)))
        return _complete(parts.to_pandas(), by)


@dataclass(frozen=True)
class _Movement:
    """The movement from the end of `first` to the end of `last`."""

    snapshot: Snapshot
    period: Period
    first: dt.date
    last: dt.date
    by: tuple[str, ...]

    @property
    def unknown(self) -> str | None:
        """Why the movement cannot be told; None where it can."""
        before = self.snapshot.as_of(self.first)
        if before.is_latest:
            return None
        replay = before.replay()
        for field in ("amount", "expected_close_on"):
            if not replay.knows(field):
                return _unrecorded(field, before.meta.tracked_from.get(field), self.first)
        if replay.outcome_told_by == "closed_on" and before.meta.first_closed_on is None:
            deals = before.table("deals", ["outcome"])
            if deals.filter(deals.outcome != "open").count().execute():
                return "Not known: neither changes of outcome nor closing days are recorded"
        by_owner = self._by_team or "rep" in self.by
        if by_owner and not self.snapshot.is_latest and not self.snapshot.replay().knows("owner_id"):
            return _unrecorded("owner_id", before.meta.tracked_from.get("owner_id"), self.snapshot.date)
        return None

    def parts(self, keep: Callable[[ibis.Table], ibis.Table]) -> ibis.Table:
        """Give the value and number of every part that occurs, by group."""
        path = keep(self._path(keep))
        moves = self._moves(path)
        return moves.group_by([*self.by, "part"]).agg(
            value=moves["value"].sum(), n=moves.count(), unrated=moves["unrated"].max()
        )

    @property
    def _by_team(self) -> bool:
        return self.snapshot.team_ids is not None or "team" in self.by

    def _path(self, keep: Callable[[ibis.Table], ibis.Table]) -> ibis.Table:
        """Give how each deal stood after each of its events, and before: in the set, in which group, its worth."""
        attributes = tuple(name for name in self.by if name not in ("team", "rep"))
        by_owner = self._by_team or "rep" in self.by
        window = Window(
            self.snapshot, self.period, self.first, self.last, by_owner, self._by_team, attributes
        )
        events = window.events(keep)
        so_far = ibis.window(group_by="deal_id", order_by="key", preceding=None, following=0)
        carried = (*STATE, *(f"by_{name}" for name in attributes))
        path = events.mutate(
            **{name: at_highest(events[name], events["key"]).over(so_far) for name in carried}
        )
        path = self._worth(path)
        groups = {name: path[_GROUP_COLUMNS.get(name, f"by_{name}")] for name in self.by}
        path = path.select("deal_id", "kind", "key", "outcome", "inside", "worth", "unrated", **groups)
        along = ibis.window(group_by="deal_id", order_by="key")
        return path.mutate(
            was_inside=path["inside"].lag().over(along).fill_null(False),
            was_worth=path["worth"].lag().over(along),
            **{f"was_{name}": path[name].lag().over(along) for name in self.by},
            is_last=path["key"].lead().over(along).isnull(),
        )

    def _worth(self, path: ibis.Table) -> ibis.Table:
        """Add whether the deal is in the set, and what it is worth there at the rates of the last day."""
        at_end = replace(self.snapshot, date=self.last)
        inside = (path["outcome"] == "open") & ~path["merged"] & path["due"]
        path = path.mutate(inside=inside)
        if self._by_team:
            path = at_end.with_team(path, "owner", "on")
        if self.snapshot.team_ids is not None:
            mine = path["team"].isin(self.snapshot.own_teams).fill_null(False)
            path = path.mutate(inside=path["inside"] & mine)
        rates = at_end.table("fx_rates")
        rates = rates.filter(rates.valid_from <= ibis.literal(self.last))
        rates = rates.group_by(_currency=rates.currency).agg(_rate=rates.rate.argmax(rates.valid_from))
        path = path.left_join(rates, path["currency"] == rates["_currency"])
        own = path["currency"].isin(["", self.snapshot.meta.currency])
        rate = ibis.ifelse(own, ibis.literal(1).cast("decimal(18, 8)"), path["_rate"])
        nothing = ibis.literal(0).cast(_MONEY)
        # Wider on both sides: the engine would keep the product in 18 digits, too few for a large deal.
        converted = (path["amount"].cast("decimal(20, 2)") * rate.cast("decimal(20, 8)")).cast(_MONEY)
        worth = ibis.coalesce(converted, nothing)
        return path.mutate(
            worth=ibis.ifelse(path["inside"], worth, nothing),
            unrated=ibis.ifelse(path["inside"] & rate.isnull(), path["currency"], ibis.null("string")),
        )

    def _moves(self, path: ibis.Table) -> ibis.Table:
        """Give each event's part: a deal that comes, goes, does both (between groups), or changes its worth."""
        stays = path["inside"] & path["was_inside"]
        for name in self.by:
            stays = stays & path[name].identical_to(path[f"was_{name}"])
        path = path.mutate(stays=stays, gain=path["worth"] - path["was_worth"])
        went = path.filter(path["was_inside"] & ~path["stays"])
        came = path.filter(path["inside"] & ~path["stays"])
        changed = path.filter(path["stays"], path["gain"] != 0)
        last = path.filter(path["inside"], path["is_last"])
        out = went["kind"].cases(
            ("outcome", went["outcome"]),
            ("merged", "removed"),
            ("due", "pushed_out"),
            else_="transferred_out",
        )
        into = came["kind"].cases(
            ("start", "start"),
            ("new", "new"),
            ("returned", "reopened"),
            ("outcome", "reopened"),
            ("merged", "reopened"),
            ("due", "pulled_in"),
            else_="transferred_in",
        )
        rose = ibis.ifelse(changed["gain"] > 0, "increased", "decreased")
        return ibis.union(
            self._part(went, out, went["was_worth"], before="was_"),
            self._part(came, into, came["worth"]),
            self._part(changed, rose, changed["gain"].abs()),
            self._part(last, ibis.literal("end"), last["worth"]),
        )

    def _part(self, rows: ibis.Table, part: ibis.Value, value: ibis.Value, before: str = "") -> ibis.Table:
        groups = {name: rows[f"{before}{name}"] for name in self.by}
        return rows.select(**groups, part=part, value=value, unrated=rows["unrated"])


_GROUP_COLUMNS = {"team": "team", "rep": "owner"}


@contextmanager
def _kept(snapshot: Snapshot, table: ibis.Table) -> Iterator[ibis.Table]:
    kept = snapshot.store.keep(table)
    try:
        yield kept
    finally:
        snapshot.store.let_go(kept)


def _default_start(snapshot: Snapshot, period: Period) -> dt.date:
    before = period.start - dt.timedelta(days=1)
    first = snapshot.meta.first_data_date
    return before if first is None else max(before, first)


def _unrecorded(field: str, since: dt.date | None, start: dt.date) -> str:
    if since is None:
        return f"Not known: changes of {field} are not recorded"
    return f"Not known: changes of {field} are recorded since {since} only, and {start} is before that"


def _frame(rows: Sequence[Mapping[str, object]], by: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=[*by, "part", "value", "n", "note"])


def _complete(found: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Give every group all parts in order: what did not happen is 0."""
    told: dict[tuple[object, ...], dict[str, tuple[float, int, str | None]]] = {} if by else {(): {}}
    for row in found.to_dict("records"):
        group = tuple(None if pd.isna(row[name]) or row[name] == "" else row[name] for name in by)
        note = (
            None if pd.isna(row["unrated"]) else f"No exchange rate for {row['unrated']}: its deals count 0"
        )
        told.setdefault(group, {})[row["part"]] = (float(row["value"]), int(row["n"]), note)
    rows: list[dict[str, object]] = []
    for group in sorted(told, key=lambda values: [(v is None, str(v)) for v in values]):
        for part in PARTS:
            value, n, note = told[group].get(part, (0.0, 0, None))
            rows.append(
                {**dict(zip(by, group, strict=True)), "part": part, "value": value, "n": n, "note": note}
            )
    return _frame(rows, by)
