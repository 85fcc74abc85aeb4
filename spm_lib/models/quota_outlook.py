"""The outlook on the current fiscal quarter: what each rep may win by its end, and the chance to miss the quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from spm_lib.errors import ParameterError, one_line
from spm_lib.metrics.listings import open_deals
from spm_lib.models.quota_calibration import fit_calibration, pace_miss
from spm_lib.models.quota_chances import quarter_chances
from spm_lib.models.quota_correction import Calibration
from spm_lib.models.quota_new_deals import new_deals
from spm_lib.models.quota_record import OutlookRecord, outlook_record
from spm_lib.models.quota_simulation import prospects_of, simulate
from spm_lib.models.quota_standing import carriers, quarter_of, staff
from spm_lib.models.stretches import whole_company

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

__all__ = [
    "Calibration",
    "OutlookRecord",
    "fit_calibration",
    "outlook_record",
    "pace_miss",
    "quarter_chances",
    "quota_outlook",
]

#: Columns of an outlook.
COLUMNS = ("rep_id", "starts_on", "ends_on", "quota", "revenue", "expected", "low", "high", "miss")


def quota_outlook(
    snapshot: Snapshot,
    chances: pd.DataFrame | None = None,
    *,
    calibration: Calibration | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Tell how the current fiscal quarter may end for each rep who carries a quota.

    Parameters
    ----------
    snapshot
        The day; of the whole company, whatever its scope.
    chances
        deal_id, won: the chance (0 to 1) that an open deal is won by the end of the quarter. Where it is NaN or the deal is
        missing, that of `quarter_chances`; so for all deals where this is None. `fit_calibration` has learned with these:
        see `benchmarks/quota_outlook.py` for what the deal model's bring instead.
    calibration
        What `fit_calibration` has learned from earlier quarters; without one nothing is corrected.
    draws
        How many ends of the quarter to draw.
    seed
        The same seed gives the same outlook, in whatever order rows are stored.

    Returns
    -------
    DataFrame
        In order of rep_id: rep_id, starts_on and ends_on (datetime64, the days of the quarter that the quota covers), quota
        and revenue (so far, as `quota_attainment` by rep counts them), expected (revenue at the end), low and high (80 %
        range), miss (0 to 1). Only people at work on the day who carry an individual quota in the quarter, more than 0 and
        in a currency that is known. No row where nothing on record tells what is to come.

    Raises
    ------
    ParameterError
        Where `chances` lack a column, or a chance is none, or `draws` is less than 1.

    Notes
    -----
    Revenue at the end = revenue so far + open deals won by then + deals not created yet that are created and won by then.
    See `simulate` and `new_deals` for how they are drawn.
    """
    won = pd.Series(dtype="float64") if chances is None else _checked(chances)
    if draws < 1:
        raise ParameterError(f"{draws} draws tell nothing", where="draws", mend="Draw 1 or more")
    company = whole_company(snapshot)
    quarter = quarter_of(company.date, company.meta.calendar)
    people = staff(company)
    who = carriers(company, quarter, people)
    if who.empty:
        return _nothing()
    deals = open_deals(company)[["deal_id", "rep", "amount"]].rename(columns={"rep": "rep_id"})
    deals = deals[deals["rep_id"].isin(who["rep_id"])]
    deals["won"] = deals["deal_id"].map(won).astype("float64")
    if deals["won"].isna().any() and not quarter.is_complete(company.date):
        usual = quarter_chances(company).set_index("deal_id")["won"]
        deals["won"] = deals["won"].fillna(deals["deal_id"].map(usual).astype("float64"))
        # Of a refund that is agreed but not booked nothing is learned: as likely as the others.
        deals["won"] = deals["won"].fillna(deals["won"].mean())
    new = new_deals(company, people, who["rep_id"], quarter)
    found = prospects_of(who, people, new, deals, day=company.date, end=quarter.end)
    if found is None:
        return _nothing()
    prospects, _, told = found
    correct = calibration or Calibration()
    ends = simulate(correct.corrected(prospects), correlation=correct.correlation, draws=draws, seed=seed)
    rows = who.iloc[told].reset_index(drop=True)
    rows = rows.assign(expected=ends.expected, low=ends.low, high=ends.high, miss=ends.miss)
    return rows[list(COLUMNS)]


def _checked(chances: pd.DataFrame) -> pd.Series[float]:
    """Give the chances by deal."""
    if missing := [name for name in ("deal_id", "won") if name not in chances]:
        raise ParameterError(
            f"there is no column '{missing[0]}'", where="chances", mend="Give the columns deal_id and won"
        )
    won = pd.to_numeric(chances["won"], errors="coerce").astype("float64")
    wrong = (won < 0) | (won > 1) | (won.isna() & chances["won"].notna())
    if wrong.any():
        raise ParameterError(
            f"'{one_line(str(chances['won'][wrong].iloc[0]), 40)}' is no chance",
            where="chances",
            mend="Give numbers from 0 to 1, or NaN",
        )
    by_deal = pd.Series(won.to_numpy(), index=pd.Index(chances["deal_id"]))
    if by_deal.index.has_duplicates:
        twice = one_line(str(by_deal.index[by_deal.index.duplicated()][0]), 40)
        raise ParameterError(
            f"the deal '{twice}' has two chances", where="chances", mend="Give one row for each deal"
        )
    return by_deal


def _nothing() -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
    days = dict.fromkeys(("starts_on", "ends_on"), "datetime64[s]")
    return frame.astype({"rep_id": "str", **days})
