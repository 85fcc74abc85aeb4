"""Deals one by one, for tables and notebooks: the same rows that the metrics count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from spm_lib.metrics.populations import CLOSED, OPEN, Population
from spm_lib.metrics.question import Question, read_dimensions
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

_COLUMNS = (
    "deal_id",
    "name",
    "account_id",
    "product_id",
    "pipeline",
    "stage",
    "amount",
    "created_on",
    "expected_close_on",
    "closed_on",
    "source",
    "next_step",
)


def won_deals(snapshot: Snapshot, period: Period) -> pd.DataFrame:
    """Give the deals won in a period, the latest first, as revenue counts them.

    Returns
    -------
    DataFrame
        deal_id, name, account_id, account_name, product_id, rep, rep_name, team, team_name, amount (in the reporting
        currency) and the deal's dates and stage.
    """
    found = _listing(CLOSED, snapshot, period, ("won",))
    found = found[found.pop("won").astype(bool)]
    return found.sort_values(["closed_on", "deal_id"], ascending=[False, True], ignore_index=True)


def closed_deals(snapshot: Snapshot, period: Period) -> pd.DataFrame:
    """Give the deals won or lost in a period, the latest first.

    Returns
    -------
    DataFrame
        As `won_deals`, and won (boolean).
    """
    found = _listing(CLOSED, snapshot, period, ("won",))
    found["won"] = found["won"].fillna(False).astype(bool)
    return found.sort_values(["closed_on", "deal_id"], ascending=[False, True], ignore_index=True)


def open_deals(snapshot: Snapshot, period: Period | None = None) -> pd.DataFrame:
    """Give the open deals, the largest first; where a period is named, those expected to close in it.

    Returns
    -------
    DataFrame
        As `won_deals`.
    """
    ever = Period("ever", snapshot.date, snapshot.date, "range")
    found = _listing(OPEN, snapshot, period or ever, ("expected",))
    expected = found.pop("expected").fillna(False).astype(bool)
    if period is not None:
        found = found[expected]
    return found.sort_values(["amount", "deal_id"], ascending=[False, True], ignore_index=True)


def _listing(
    population: Population, snapshot: Snapshot, period: Period, more: tuple[str, ...]
) -> pd.DataFrame:
    teams = ("team",) if snapshot.meta.rows.get("team_members") else ()
    question = Question(snapshot, (period,), read_dimensions(snapshot, ("rep", *teams)))
    rows = population.rows(question, (*_COLUMNS, *more))
    names = dict(zip(("rep", *teams), question.keys[1:], strict=True))
    rows = rows.rename(names)
    accounts = snapshot.table("accounts").select(the_account="account_id", account_name="name")
    joined = rows.left_join(accounts, rows.account_id == accounts.the_account).drop("the_account")
    found: pd.DataFrame = joined.mutate(amount=joined.amount.cast("float64")).to_pyarrow().to_pandas()
    for name in ("rep", "team"):
        if name not in found:
            found[name] = pd.Series(None, index=found.index, dtype="str")
        found[f"{name}_name"] = question.named(name, found[name])
    order = ["deal_id", "name", "account_id", "account_name", "rep", "rep_name", "team", "team_name"]
    return found[[*order, *(c for c in found.columns if c not in order)]]
