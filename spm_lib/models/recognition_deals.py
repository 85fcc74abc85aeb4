"""Deals to celebrate: the biggest, one that had been lost and was won, one won fast without a blemish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from spm_lib.metrics.populations import CLOSED
from spm_lib.metrics.question import Question, read_dimensions
from spm_lib.models.recognition_records import Records
from spm_lib.models.recognition_rules import BiggestDeal, Comeback, FastestCleanCycle
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: Fields of deals whose recorded changes tell whether a deal went smoothly.
SMOOTH = ("expected_close_on", "stage", "amount")

_READS = (
    "deal_id",
    "name",
    "account_id",
    "pipeline",
    "deal_type",
    "amount",
    "created_on",
    "closed_on",
    "days",
    "won",
)
_KIND = ["pipeline", "deal_type"]
#: Usual rests on deals won in so many periods before those told, and in those.
_USUAL_PERIODS = 4


@dataclass(frozen=True)
class WonDeals:
    """The deals won in the periods told, as revenue counts them.

    Parameters
    ----------
    snapshot
        The data, and whose.
    told
        The periods, in order and without a gap.
    records
        What each rep closed in all periods.
    """

    snapshot: Snapshot
    told: Sequence[Period]
    records: Records
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def deals(self) -> pd.DataFrame:
        """Deals won with their rep, and ``at``, the place of their period; refunds and what they took back are left out.

        A refund carries no word of the deal that it takes back: it takes back what the same account bought up to
        that day.
        """
        question = self.question(self.told[0], max(self.snapshot.date, self.told[-1].end))
        rows = CLOSED.rows(question, _READS)
        rows = rows.filter(rows.won, (rows.closed_on <= self.told[-1].end) | (rows.amount < 0))
        rows = rows.mutate(amount=rows.amount.cast("float64")).rename(rep_id=question.keys[1])
        found: pd.DataFrame = rows.to_pyarrow().to_pandas(date_as_object=False)
        refund = found["amount"] < 0
        returned = found["closed_on"].where(refund).groupby(found["account_id"]).transform("max")
        kept = found[~refund & ~(returned >= found["closed_on"])]
        first = len(self.records.periods) - len(self.told)
        starts = np.array([p.start for p in self.told], dtype="datetime64[s]")
        at = first - 1 + np.searchsorted(starts, kept["closed_on"].to_numpy("datetime64[s]"), side="right")
        return kept.assign(at=at).reset_index(drop=True)

    def question(self, first: Period, until: dt.date) -> Question:
        """Ask of the days from the first of a period to another, by rep."""
        span = Period(f"{first.start}..{until}", first.start, until, "range")
        return Question(self.snapshot, (span,), read_dimensions(self.snapshot, "rep"))

    def changes(self, deals: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
        """Give what was recorded of some deals' fields: deal_id, field, old_value, new_value, changed_at, in order."""
        recorded = self.snapshot.table("deal_changes")
        ids = ibis.memtable({"deal_id": deals["deal_id"].tolist()}, schema={"deal_id": "string"})
        rows = recorded.filter(recorded.field.isin(list(fields))).semi_join(ids, "deal_id")
        found: pd.DataFrame = rows.to_pyarrow().to_pandas(date_as_object=False)
        return found.sort_values(["deal_id", "field", "changed_at"], ignore_index=True)

    @cached_property
    def lost_by(self) -> str:
        """The field whose record tells that a deal had been lost: outcome or stage; empty where none does."""
        tracked = self.snapshot.meta.tracked_from
        if "outcome" in tracked:
            return "outcome"
        return "stage" if "stage" in tracked and self.snapshot.meta.rows.get("stages") else ""

    @cached_property
    def stages(self) -> pd.DataFrame:
        """The stages of all pipelines: pipeline, stage, position, outcome."""
        found: pd.DataFrame = self.snapshot.table("stages").to_pyarrow().to_pandas()
        return found


def biggest_deals(won: WonDeals, rule: BiggestDeal) -> pd.DataFrame:
    """Find the largest deal of each period told; several where they are equally large.

    Where one person alone won deals, it is told only as a personal record: there was nobody to compare with.

    Returns
    -------
    DataFrame
        rep_id, at, deal_id, deal_name, account_id, value (money), n (deals compared), record, compared_with (the rep's
        largest before), compared_n (deals the rep had won before), shared (how many are as large), unpriced.
    """
    records = won.records
    priced = won.deals[won.deals["amount"] > 0]
    of_period = priced.groupby("at")
    top = priced[priced["amount"] == of_period["amount"].transform("max")].copy()
    place = np.searchsorted(records.reps, top["rep_id"].to_numpy(dtype=object))
    at = top["at"].to_numpy()
    before = [
        (np.nanmax(np.r_[-np.inf, records.largest[r, :a]]), records.wins[r, :a].sum())
        for r, a in zip(place, at, strict=True)
    ]
    top["compared_with"] = np.array([b for b, _ in before], dtype=float)
    top["compared_n"] = np.array([n for _, n in before], dtype=int)
    own = top.groupby(["rep_id", "at"])["amount"].transform("count")
    top["record"] = (
        (top["compared_n"] >= rule.earlier_deals) & (top["amount"] > top["compared_with"]) & (own == 1)
    )
    top["compared_with"] = top["compared_with"].replace(-np.inf, np.nan)
    top["n"] = top["at"].map(of_period.size())
    top["shared"] = top.groupby("at")["amount"].transform("count")
    top["unpriced"] = top["at"].map(won.deals[won.deals["amount"].isna()].groupby("at").size()).fillna(0)
    alone = top["at"].map(of_period["rep_id"].nunique()) < 2
    top = top[(top["n"] >= rule.deals_won) & (top["record"] | ~alone)]
    return _told(top.assign(value=top["amount"]), "biggest_deal")


def deals_won_back(won: WonDeals, rule: Comeback) -> pd.DataFrame:
    """Find deals won that had been lost before, by the record of their outcome or, without one, their stage.

    Returns
    -------
    DataFrame
        rep_id, at, deal_id, deal_name, account_id, value (money; NaN where unknown), since (day of the last loss), n (days
        from there to the win).
    """
    if not won.lost_by or won.deals.empty:
        return pd.DataFrame()
    changes = won.changes(won.deals, [won.lost_by])
    lost = changes[changes["new_value"].isin(_lost_names(won))]
    since = lost.assign(day=lost["changed_at"].dt.normalize())
    found = since[["deal_id", "day"]].merge(won.deals, on="deal_id")
    found = found[found["day"] < found["closed_on"]]
    found = found.sort_values("day").drop_duplicates("deal_id", keep="last")
    days = (found["closed_on"] - found["day"]).dt.days
    found = found.assign(value=found["amount"], since=found["day"], n=days)
    return _told(found[days >= rule.days_after_loss], "comeback")


def _lost_names(won: WonDeals) -> set[str]:
    if won.lost_by == "outcome":
        return {"lost"}
    means = won.stages.groupby("stage")["outcome"].agg(["min", "max"])
    return set(means.index[(means["min"] == "lost") & (means["max"] == "lost")])


def fastest_clean_deals(won: WonDeals, rule: FastestCleanCycle) -> pd.DataFrame:
    """Find the deal of each period told that was won in the least of the usual time, nothing of it amiss.

    A deal is clean where, while it was open, its close date was not pushed, its stage not moved back and its outcome not
    taken back, and where its amount was never cut: between the ends of two days, a slip put right on the same day is none.
    What closing does to close date and stage is no blemish. The record must reach back to the deal's creation.

    Returns
    -------
    DataFrame
        rep_id, at, deal_id, deal_name, account_id, value (days), compared_with (usual days), compared_n (such deals),
        amount.
    """
    if won.deals.empty or not records_tell_cleanness(won.snapshot, won.told[-1].end):
        return pd.DataFrame()
    deals = won.deals.merge(_usual(won, rule), on=_KIND)
    reaches = max(won.snapshot.meta.tracked_from[name] for name in SMOOTH)
    fast = deals[
        (deals["days"] >= rule.open_days)
        & (deals["days"] <= rule.share_of_usual_time * deals["usual_days"])
        & (deals["amount"] >= rule.share_of_usual_amount * deals["usual_amount"])
        & (deals["created_on"] >= pd.Timestamp(reaches))
    ]
    if fast.empty:
        return pd.DataFrame()
    clean = fast[~fast["deal_id"].isin(_blemished(won, fast))]
    share = clean["days"] / clean["usual_days"]
    best = clean[share == share.groupby(clean["at"]).transform("min")]
    best = best.assign(value=best["days"], n=1, compared_with=best["usual_days"], compared_n=best["usual_n"])
    return _told(best, "fastest_clean_cycle")


def records_tell_cleanness(snapshot: Snapshot, day: dt.date) -> bool:
    """Tell whether the store records what makes a deal a clean one, since before `day`."""
    meta = snapshot.meta
    recorded = all(name in meta.tracked_from and meta.tracked_from[name] < day for name in SMOOTH)
    return recorded and bool(meta.rows.get("stages"))


def _usual(won: WonDeals, rule: FastestCleanCycle) -> pd.DataFrame:
    """Give the medians of deals of one pipeline and type won lately, where there are enough."""
    periods = won.records.periods
    first = periods[max(0, len(periods) - len(won.told) - _USUAL_PERIODS)]
    rows = CLOSED.rows(won.question(first, won.told[-1].end), [*_KIND, "amount", "days", "won"])
    rows = rows.filter(rows.won, rows.amount > 0, rows.days >= 0)
    usual = rows.group_by(_KIND).agg(
        usual_days=rows.days.median().cast("float64"),
        usual_amount=rows.amount.cast("float64").median(),
        usual_n=rows.count(),
    )
    found: pd.DataFrame = usual.to_pyarrow().to_pandas()
    return found[found["usual_n"] >= rule.such_deals]


def _blemished(won: WonDeals, deals: pd.DataFrame) -> set[str]:
    """Give the ids of the deals that were pushed, moved back, cut or taken back."""
    changes = won.changes(deals, [*SMOOTH, "outcome"])
    changes["day"] = changes["changed_at"].dt.normalize()
    # What differs between the ends of two days counts, once: the first value of a day against the last.
    first, last = (
        ~changes.duplicated(["deal_id", "field", "day"], keep=which) for which in ("first", "last")
    )
    daily = changes.loc[last, ["deal_id", "field", "day"]].assign(
        was=changes.loc[first, "old_value"].to_numpy(), became=changes.loc[last, "new_value"].to_numpy()
    )
    daily = daily.merge(deals[["deal_id", "pipeline", "closed_on"]], on="deal_id")
    open_yet = daily["day"] < daily["closed_on"]
    of = {name: daily["field"] == name for name in (*SMOOTH, "outcome")}
    was, became = daily["was"], daily["became"]
    pushed = pd.to_datetime(became.where(of["expected_close_on"]), errors="coerce") > pd.to_datetime(
        was.where(of["expected_close_on"]), errors="coerce"
    )
    cut = pd.to_numeric(became.where(of["amount"]), errors="coerce") < pd.to_numeric(
        was.where(of["amount"]), errors="coerce"
    )
    place = won.stages.set_index(["pipeline", "stage"])["position"].to_dict()
    before, after = (
        np.array([place.get(pair, np.nan) for pair in zip(daily["pipeline"], side, strict=True)], dtype=float)
        for side in (was, became)
    )
    back = of["stage"] & (after < before)
    taken_back = of["outcome"] & became.isin(["lost", "won"])
    return set(daily.loc[cut | (open_yet & (pushed | back | taken_back)), "deal_id"])


def _told(found: pd.DataFrame, kind: str) -> pd.DataFrame:
    return found.rename(columns={"name": "deal_name"}).assign(kind=kind)
