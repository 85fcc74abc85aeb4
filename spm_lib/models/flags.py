"""Which open deals are at risk as a report tells it: the latest scoring of its scope, ranked by what may be lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.errors import StoreError
from spm_lib.metrics import open_deals
from spm_lib.metrics.listings import closed_deals
from spm_lib.models.risk_card import RiskCard
from spm_lib.models.risk_money import Money, money_at_risk
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: What a report compares with: the scoring nearest to a week before, from the nearest to the furthest that will do.
_WEEK = (4, 7, 14)
#: How far a chance must move to be told, in points.
MOVED = 0.10
#: As far back as a report looks at deals that closed, but for the calibration to date.
_RECENT = dt.timedelta(days=90)
#: Score columns that a report shows.
_TOLD = ("due", "won", "at_risk", "promised_won", "usual_at_risk", "flagged", "reasons", "rules")

_DEALS = (
    "deal_id",
    "name",
    "account_name",
    "rep",
    "rep_name",
    "team",
    "team_name",
    "stage",
    "amount",
    "expected_close_on",
    *_TOLD,
    "expected_loss",
    "change",
    "at_risk_before",
)
_LEFT = (
    "deal_id",
    "name",
    "rep",
    "rep_name",
    "team",
    "team_name",
    "amount",
    "at_risk",
    "at_risk_now",
    "became",
)


@dataclass(frozen=True)
class Flags:
    """What the ledger tells a report of its open deals.

    Parameters
    ----------
    asked_on
        The report's day.
    scored_on
        The latest scored day up to it; None where there is none that still tells anything.
    horizon, ends_on
        ``30``, ``60``, ``90`` or ``period``, and its last day.
    signal
        Whether the model has shown skill on this data; otherwise rules alone flag.
    why, facts
        Why not, as a clause, and as figures to say it with: see `spm_lib.models.risk_card.Gate`.
    deals
        See `deals_at_risk`.
    earlier_on
        The scoring of about a week before; None where there is none.
    left
        What became of the deals flagged then that are not now: deal_id, name, rep, rep_name, team, team_name, amount,
        at_risk (of then), at_risk_now (NaN where it closed), became (won, lost, calmer).
    unscored
        Number of open deals without a score, as they came since.
    damaged
        Why the ledger cannot be read; empty where it can.
    """

    asked_on: dt.date
    scored_on: dt.date | None
    horizon: str
    ends_on: dt.date | None = None
    signal: bool = False
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    deals: pd.DataFrame = field(default_factory=lambda: _nothing(_DEALS))
    earlier_on: dt.date | None = None
    left: pd.DataFrame = field(default_factory=lambda: _nothing(_LEFT))
    unscored: int = 0
    damaged: str = ""

    @property
    def flagged(self) -> pd.DataFrame:
        """The deals that are flagged, in their order."""
        return self.deals[self.deals["flagged"].astype(bool)]

    @property
    def money(self) -> Money:
        """The money of all deals due by `ends_on`."""
        return money_at_risk(self.deals)

    @property
    def age(self) -> int:
        """How many days before the report's day was scored; 0 where nothing was."""
        return (self.asked_on - self.scored_on).days if self.scored_on else 0


def report_ledger(snapshot: Snapshot) -> Ledger:
    """Give the ledger beside a snapshot's store."""
    return Ledger(ledger_path(snapshot.store.path))


def read_flags(snapshot: Snapshot, ledger: Ledger, horizon: str = "period") -> Flags:
    """Read what a report can tell of its scope's open deals.

    Parameters
    ----------
    snapshot
        The report's scope and day.
    ledger
        Where scores are kept.
    horizon
        ``30``, ``60``, ``90`` or ``period``.

    Returns
    -------
    Flags
        Without a scored day where no day up to the report's was scored, or the horizon of the latest is over.
    """
    try:
        return _read(snapshot, ledger, horizon)
    except StoreError as error:
        # A report is about more than this: the rest of it is right without the ledger.
        return Flags(snapshot.date, None, horizon, damaged=str(error))


def _read(snapshot: Snapshot, ledger: Ledger, horizon: str) -> Flags:
    nothing = Flags(snapshot.date, None, horizon)
    scored_on = ledger.latest(snapshot.date)
    scoring = None if scored_on is None else ledger.scoring(scored_on)
    if scored_on is None or scoring is None:
        return nothing
    record = ledger.model(scoring.model_id) if scoring.model_id else None
    gate = RiskCard(record, snapshot.date, scoring.note or "").gate(horizon)
    ends_on = ledger.horizon_ends_on(scored_on, horizon)
    if ends_on is not None and ends_on < snapshot.date:
        return nothing
    open_now = open_by_then(snapshot)
    deals = ranked(open_now, ledger.scores(scored_on, horizon, open_now["deal_id"]), signal=gate.open)
    earlier_on = _week_before(ledger, scored_on)
    earlier = None
    if earlier_on is not None:
        closed = closed_since(snapshot, earlier_on)
        earlier = ledger.scores(earlier_on, horizon, {*open_now["deal_id"], *closed["deal_id"]})
    left = _nothing(_LEFT)
    if earlier is not None and earlier_on is not None:
        deals = _changed(deals, earlier, signal=gate.open)
        left = _left(snapshot, earlier_on, earlier, deals)
    return Flags(
        asked_on=snapshot.date,
        scored_on=scored_on,
        horizon=horizon,
        ends_on=ends_on,
        signal=gate.open,
        why=gate.why,
        facts=gate.facts,
        deals=deals,
        earlier_on=earlier_on,
        left=left,
        unscored=len(open_now) - len(deals),
    )


def deals_at_risk(snapshot: Snapshot, ledger: Ledger, horizon: str = "period") -> pd.DataFrame:
    """Give the open deals of the scope with their scores, those that may lose most first.

    Returns
    -------
    DataFrame
        deal_id, name, account_name, rep, rep_name, team, team_name, stage, amount (in the reporting currency),
        expected_close_on, due, won, at_risk, promised_won, usual_at_risk (0 to 1), flagged, reasons, rules,
        expected_loss (amount × the chance to win that is missing to what such deals promise), change (new, up, down or
        empty, since the scoring of about a week before) and at_risk_before. Deals of unknown amount come last.
    """
    return read_flags(snapshot, ledger, horizon).deals


def ranked(open_now: pd.DataFrame, scores: pd.DataFrame, *, signal: bool = True) -> pd.DataFrame:
    """Put deals and their scores together, those that may lose most first; the largest first where there is no signal."""
    deals = open_now.merge(scores[["deal_id", *_TOLD]], on="deal_id", how="inner", validate="one_to_one")
    missing = (deals["promised_won"] - deals["won"]).clip(lower=0)
    deals["expected_loss"] = deals["amount"].astype("float64") * missing if signal else np.nan
    deals["change"], deals["at_risk_before"] = "", np.nan
    order = deals.assign(_no_amount=deals["amount"].isna(), _loss=deals["expected_loss"].fillna(0.0))
    order = order.sort_values(
        ["_no_amount", "_loss", "amount", "deal_id"], ascending=[True, False, False, True]
    )
    return order[list(_DEALS)].reset_index(drop=True)


def _week_before(ledger: Ledger, day: dt.date) -> dt.date | None:
    nearest, usual, furthest = _WEEK
    days = [each for each in ledger.scored_days() if nearest <= (day - each).days <= furthest]
    return min(days, key=lambda each: abs((day - each).days - usual), default=None)


def _changed(deals: pd.DataFrame, earlier: pd.DataFrame, *, signal: bool) -> pd.DataFrame:
    """Say of each deal how it stands against the earlier scoring."""
    before = earlier.set_index("deal_id")
    chance = deals["deal_id"].map(before["at_risk"]).astype("float64")
    was = deals["deal_id"].map(before["flagged"]).fillna(False).astype(bool)
    now = deals["flagged"].astype(bool)
    moved = deals["at_risk"] - chance
    change = np.select(
        [now & ~was, now & signal & (moved >= MOVED), now & signal & (moved <= -MOVED)],
        ["new", "up", "down"],
        default="",
    )
    return deals.assign(change=change, at_risk_before=chance)


def _left(
    snapshot: Snapshot, earlier_on: dt.date, earlier: pd.DataFrame, deals: pd.DataFrame
) -> pd.DataFrame:
    """Say what became of the deals of the scope that were flagged and are not now; those of others are not known here."""
    flagged = earlier[earlier["flagged"]].set_index("deal_id")["at_risk"]
    closed = closed_since(snapshot, earlier_on)
    closed = closed.assign(became=np.where(closed["won"], "won", "lost"))
    calmer = deals[~deals["flagged"].astype(bool)].assign(became="calmer")
    rows = [rows[rows["deal_id"].isin(flagged.index)] for rows in (closed, calmer)]
    found = pd.concat([each.drop(columns="at_risk", errors="ignore") for each in rows], ignore_index=True)
    found["at_risk"] = found["deal_id"].map(flagged)
    found["at_risk_now"] = found["deal_id"].map(deals.set_index("deal_id")["at_risk"])
    return found.sort_values(["amount", "deal_id"], ascending=[False, True], ignore_index=True)[list(_LEFT)]


def open_by_then(snapshot: Snapshot) -> pd.DataFrame:
    """Give the open deals of the scope, read once for all that a report tells of them."""
    return snapshot.once(("open deals one by one",), lambda: open_deals(snapshot))


def closed_since(snapshot: Snapshot, day: dt.date) -> pd.DataFrame:
    """Give the deals of the scope that closed after `day`; those of the last weeks are read once."""

    def read(after: dt.date) -> pd.DataFrame:
        start = min(after + dt.timedelta(days=1), snapshot.date)
        return closed_deals(snapshot, Period(f"{start}..", start, snapshot.date, "range"))

    recent = snapshot.date - _RECENT
    if day < recent:
        return read(day)
    found = snapshot.once(("deals closed one by one",), lambda: read(recent))
    return found[pd.to_datetime(found["closed_on"]) > pd.Timestamp(day)]


def _nothing(columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    numbers = {
        "amount",
        "at_risk",
        "won",
        "promised_won",
        "usual_at_risk",
        "expected_loss",
        "at_risk_before",
        "at_risk_now",
    }
    kinds = {name: "float64" for name in columns if name in numbers}
    return frame.astype(kinds | {name: "bool" for name in columns if name in ("due", "flagged")})
