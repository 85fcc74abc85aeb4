"""How flags turned out: the deals flagged eight weeks ago that were lost or slipped, and whether chances told true."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spm_lib.data.ledger import Ledger
from spm_lib.errors import StoreError
from spm_lib.metrics.intervals import wilson
from spm_lib.models.flags import closed_since, open_by_then

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: The horizon by which flags are judged: the first that is over.
HORIZON = "30"
#: How far the scoring that is judged may lie from the day asked for.
NEAR_DAYS = 10
BINS = 5
#: A bin of fewer deals says nothing.
LEAST_IN_BIN = 20

_ROWS = ("group", "n", "came_true", "lost", "slipped", "value", "low", "high", "usual")
_CALIBRATION = ("said", "said_low", "said_high", "value", "low", "high", "n")


@dataclass(frozen=True)
class FlagRecord:
    """How the flags of one earlier day turned out.

    Parameters
    ----------
    scored_on, ends_on
        The day, and the last day of its horizon; None where no day near enough was scored.
    rows
        A row for the deals flagged then and one for the others: group (flagged, other), n, came_true (lost or slipped),
        lost, slipped, value (the share that came true), low, high (Wilson), usual (the share that is usual for such deals).
    """

    scored_on: dt.date | None = None
    ends_on: dt.date | None = None
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_ROWS)))

    @property
    def flagged(self) -> dict[str, float]:
        """The row of the deals flagged; empty where there were none."""
        return self._row("flagged")

    @property
    def other(self) -> dict[str, float]:
        """The row of the deals not flagged; empty where there were none."""
        return self._row("other")

    def _row(self, group: str) -> dict[str, float]:
        found = self.rows[self.rows["group"] == group].drop(columns="group").to_dict("records")
        return {str(key): float(value) for key, value in found[0].items()} if found else {}


def flag_record(snapshot: Snapshot, ledger: Ledger, weeks: int = 8) -> FlagRecord:
    """Judge the flags of about `weeks` weeks ago by what became of the deals within 30 days.

    Parameters
    ----------
    snapshot
        The report's scope and day: only deals that are the scope's now, or were when they closed, are counted.
    ledger
        Where scores are kept.
    weeks
        How long ago; the scoring nearest to it is taken, at most ten days off.

    Returns
    -------
    FlagRecord
        A flag came true where the deal was lost by the end of the 30 days, or was due by then and not won.
    """
    wanted = snapshot.date - dt.timedelta(weeks=weeks)
    try:
        near = [day for day in ledger.scored_days() if abs((day - wanted).days) <= NEAR_DAYS]
        for day in sorted(near, key=lambda each: (abs((each - wanted).days), each)):
            scores = ledger.scores(day, HORIZON)
            ends_on = scores["horizon_ends_on"].max()
            if pd.notna(ends_on) and ends_on.date() <= snapshot.date:
                return FlagRecord(day, ends_on.date(), _counted(_turned_out(snapshot, {day: scores})))
    except StoreError:
        return FlagRecord()
    return FlagRecord()


def calibration_to_date(snapshot: Snapshot, ledger: Ledger, horizon: str = HORIZON) -> pd.DataFrame:
    """Compare chances told with what happened, over all past scorings of which the end is known.

    Parameters
    ----------
    snapshot, ledger
        As in `flag_record`.
    horizon
        ``30``, ``60`` or ``90``.

    Returns
    -------
    DataFrame
        Up to five bins of equally many deals, lowest chance first: said (the mean chance), said_low, said_high (its range),
        value (the share at risk that came true), low, high (Wilson), n. A deal counts once, at its latest scoring.
    """
    scored: dict[dt.date, pd.DataFrame] = {}
    try:
        for day in ledger.scored_days():
            if day + dt.timedelta(days=int(horizon)) <= snapshot.date:
                scored[day] = ledger.scores(day, horizon)
    except StoreError:
        scored = {}
    if not scored:
        return pd.DataFrame(columns=list(_CALIBRATION), dtype="float64")
    deals = _turned_out(snapshot, scored).dropna(subset="at_risk")
    deals = deals.sort_values(["as_of", "deal_id"]).drop_duplicates("deal_id", keep="last")
    return calibrated(deals["at_risk"].to_numpy(), deals["came_true"].to_numpy())


def calibrated(chances: np.ndarray, happened: np.ndarray) -> pd.DataFrame:
    """Give the share that happened for up to five bins of equally many chances; see `calibration_to_date`."""
    bins = min(BINS, len(chances) // LEAST_IN_BIN)
    if not bins:
        return pd.DataFrame(columns=list(_CALIBRATION), dtype="float64")
    order = np.argsort(chances, kind="stable")
    rows = []
    for part in np.array_split(order, bins):
        low, high = wilson(float(happened[part].sum()), len(part))
        rows.append(
            {
                "said": float(chances[part].mean()),
                "said_low": float(chances[part].min()),
                "said_high": float(chances[part].max()),
                "value": float(happened[part].mean()),
                "low": float(low),
                "high": float(high),
                "n": float(len(part)),
            }
        )
    return pd.DataFrame(rows, columns=list(_CALIBRATION))


def _turned_out(snapshot: Snapshot, scored: dict[dt.date, pd.DataFrame]) -> pd.DataFrame:
    """Give the scored deals that are the scope's, with what they came to by the end of their horizon.

    A deal that is open now did not end, whatever happened between; one that closed ended on the day on record.
    """
    closed = closed_since(snapshot, min(scored))[["deal_id", "closed_on", "won"]]
    still = open_by_then(snapshot)[["deal_id"]].assign(closed_on=None, won=False)
    ends = pd.concat([closed, still], ignore_index=True).drop_duplicates("deal_id")
    rows = pd.concat(scored.values(), ignore_index=True).drop(columns="won")
    found = rows.merge(ends, on="deal_id", how="inner")
    closed_on = pd.to_datetime(found["closed_on"])
    inside = (closed_on > found["as_of"]) & (closed_on <= found["horizon_ends_on"])
    won = inside & found["won"].astype(bool)
    found["lost"] = inside & ~won
    found["slipped"] = found["due"] & ~won & ~found["lost"]
    found["came_true"] = found["lost"] | found["slipped"]
    # What had closed before it was scored, as told since, was not open then.
    return found[~(closed_on <= found["as_of"])]


def _counted(deals: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for group, own in (("flagged", deals[deals["flagged"]]), ("other", deals[~deals["flagged"]])):
        n, came_true = len(own), int(own["came_true"].sum())
        if not n:
            continue
        low, high = wilson(came_true, n)
        rows.append(
            {
                "group": group,
                "n": n,
                "came_true": came_true,
                "lost": int(own["lost"].sum()),
                "slipped": int(own["slipped"].sum()),
                "value": came_true / n,
                "low": float(low),
                "high": float(high),
                "usual": float(own["usual_at_risk"].mean()),
            }
        )
    return pd.DataFrame(rows, columns=list(_ROWS))
