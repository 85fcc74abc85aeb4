"""How the outlooks told earlier turned out, once their quarters are over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger import ledger_path
from spm_lib.errors import StoreError
from spm_lib.metrics.listings import won_deals
from spm_lib.models import skill
from spm_lib.models.flag_record import calibrated
from spm_lib.models.landmarks import each_day
from spm_lib.models.quota_correction import Calibration
from spm_lib.models.quota_standing import quarter_of, staff
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

_JUDGED = ("as_of", "rep_id", "quarter_to", "ends_on", "quota", "miss", "revenue", "missed")


@dataclass(frozen=True)
class OutlookRecord:
    """How outlooks turned out; each rep's quarter counts once.

    Parameters
    ----------
    n
        Number of outlooks judged.
    missed
        How many of the quotas were missed.
    told
        How many were to be expected by what was told: the sum of the probabilities.
    brier
        Mean squared distance of what was told and what came; NaN where nothing was judged.
    calibration
        Up to five bins of equally many outlooks, lowest first: said (mean), said_low, said_high (0 to 1), value (the share
        missed), low, high (Wilson), n. Empty where there are fewer than twenty.
    looked_at_again
        What earlier quarters taught on the latest day on which people were looked at; None where nobody was.
    rows
        The outlooks judged, in order of day and rep: as_of, rep_id, quarter_to (its last day), ends_on (that of the quota),
        quota, miss (as told), revenue (by the end), missed.
    """

    n: int = 0
    missed: int = 0
    told: float = 0.0
    brier: float = float("nan")
    calibration: pd.DataFrame = field(default_factory=lambda: calibrated(np.zeros(0), np.zeros(0)))
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_JUDGED)))
    looked_at_again: Calibration | None = None


def read_outlook_record(snapshot: Snapshot) -> OutlookRecord:
    """Give how the outlooks in the ledger turned out for a snapshot's scope, see `outlook_record`.

    Of a ledger that cannot be read nothing is told here: what rests on it says why.
    """
    ledger = CoachingLedger(ledger_path(snapshot.store.path))
    try:
        latest = ledger.latest(snapshot.date)
        card = (ledger.card(latest) if latest else None) or {}
        told = ledger.outlooks_before(snapshot.date)
    except StoreError:
        return OutlookRecord()
    learned = {name: value for name, value in card.get("calibration", {}).items() if name != "learned_on"}
    record = outlook_record(snapshot, told)
    return replace(record, looked_at_again=Calibration(**learned) if learned else None)


def outlook_record(snapshot: Snapshot, outlooks: pd.DataFrame) -> OutlookRecord:
    """Compare what was told with what came, over the quarters that are over on the snapshot's day.

    Parameters
    ----------
    snapshot
        The report's scope and day: only reps count who were in its teams on the day of the outlook.
    outlooks
        Outlooks told earlier: as_of, rep_id, ends_on, quota, miss; other columns are left alone.

    Returns
    -------
    OutlookRecord

    Notes
    -----
    Of several outlooks on one rep's quarter the one told nearest to its middle counts: those of the last days would flatter
    the record. A quota is taken as it was told, and is missed where what was won from the first day of the quarter to the
    last of the quota, as known now, is less.
    """
    told = _once_each(outlooks, snapshot)
    if told.empty:
        return OutlookRecord()
    company = replace(snapshot, team_id=None, keeps=False)
    told = told[_in_scope(snapshot, company, told)].reset_index(drop=True)
    if told.empty:
        return OutlookRecord()
    told["revenue"] = _won(company, told)
    told["missed"] = told["revenue"] < told["quota"]
    missed, chances = told["missed"].to_numpy(), told["miss"].to_numpy(dtype=float)
    return OutlookRecord(
        n=len(told),
        missed=int(missed.sum()),
        told=float(chances.sum()),
        brier=skill.brier(chances, missed),
        calibration=calibrated(chances, missed),
        rows=told[list(_JUDGED)],
    )


def _once_each(outlooks: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    """Give the outlook of each rep's quarter that was told nearest to its middle, of the quarters that are over."""
    told = outlooks[["as_of", "rep_id", "ends_on", "quota", "miss"]].copy()
    for name in ("as_of", "ends_on"):
        told[name] = pd.to_datetime(told[name]).astype("datetime64[s]")
    calendar = snapshot.meta.calendar
    first = each_day(told["as_of"], lambda day: quarter_of(day, calendar).start)
    last = each_day(told["as_of"], lambda day: quarter_of(day, calendar).end)
    told["quarter_from"], told["quarter_to"] = first.astype("datetime64[s]"), last.astype("datetime64[s]")
    told = told[(told["quarter_to"] <= pd.Timestamp(snapshot.date)) & told["miss"].notna()]
    middle = told["quarter_from"] + (told["quarter_to"] - told["quarter_from"]) / 2
    told = told.assign(_off=(told["as_of"] - middle).abs())
    told = told.sort_values(["_off", "as_of"], kind="stable")
    told = told.drop_duplicates(["rep_id", "quarter_from"]).drop(columns="_off")
    return told.sort_values(["as_of", "rep_id"], ignore_index=True)


def _in_scope(snapshot: Snapshot, company: Snapshot, told: pd.DataFrame) -> pd.Series[bool]:
    """Tell whose outlooks are the scope's: people in its teams on the day of the outlook."""
    teams = snapshot.team_ids
    if teams is None:
        return pd.Series(True, index=told.index)
    own: set[tuple[pd.Timestamp, str]] = set()
    for day in told["as_of"].unique():
        people = staff(company.as_of(pd.Timestamp(day).date()))
        own |= {(pd.Timestamp(day), rep) for rep in people.loc[people["team"].isin(teams), "rep_id"]}
    pairs = zip(told["as_of"], told["rep_id"], strict=True)
    return pd.Series([pair in own for pair in pairs], index=told.index)


def _won(company: Snapshot, told: pd.DataFrame) -> np.ndarray:
    """Give what each won from the first day of the quarter to the last of the quota."""
    first, last = told["quarter_from"].min().date(), told["quarter_to"].max().date()
    deals = won_deals(company, Period(f"{first}..{last}", first, last, "range"))
    deals = pd.DataFrame(
        {
            "rep_id": deals["rep"],
            "closed_on": pd.to_datetime(deals["closed_on"]).astype("datetime64[s]"),
            "amount": deals["amount"].fillna(0.0),
        }
    )
    until = told[["ends_on", "as_of"]].max(axis=1)
    rows = told[["rep_id", "quarter_from"]].assign(until=until, place=np.arange(len(told)))
    pairs = rows.merge(deals, on="rep_id", how="inner")
    inside = (pairs["closed_on"] >= pairs["quarter_from"]) & (pairs["closed_on"] <= pairs["until"])
    return np.bincount(pairs.loc[inside, "place"], weights=pairs.loc[inside, "amount"], minlength=len(told))
