"""The largest deals, won and open."""

from __future__ import annotations

import pandas as pd

from spm_lib.present.display import Block
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look

_WHO: dict[str, Column | str] = {"name": "Deal", "account_name": "Account", "rep_name": "Owner"}
_AMOUNT = Column("Amount", "currency")


def deals_tables(
    won: pd.DataFrame, open_deals: pd.DataFrame, *, period: str, limit: int = 10, look: Look | None = None
) -> Block:
    """Show the largest deals won, and the largest open ones, each with the sum of what it shows.

    Parameters
    ----------
    won, open_deals
        Deals one by one: deal name, account_name, rep_name, amount, and closed_on, or stage and expected_close_on.
    period
        The period, as people write it.
    limit
        The most rows of each.
    look
        How numbers are written.
    """
    look = look or Look()
    return _largest(
        won,
        _WHO | {"closed_on": Column("Won on", "date"), "amount": _AMOUNT},
        f"Largest deals won, {look.currency}, {period}",
        f"no deal was won in {period}",
        limit,
        look,
    ) + _largest(
        open_deals,
        _WHO | {"stage": "Stage", "expected_close_on": Column("Expected", "date"), "amount": _AMOUNT},
        f"Largest open deals expected to close, {look.currency}, {period}",
        f"no open deal is expected to close in {period}",
        limit,
        look,
    )


def _largest(
    deals: pd.DataFrame, columns: dict[str, Column | str], caption: str, empty: str, limit: int, look: Look
) -> Block:
    rows = deals.sort_values("amount", ascending=False, kind="stable", na_position="last").head(limit)
    total = {"name": f"These {len(rows)}", "amount": rows["amount"].sum()} if len(rows) > 1 else None
    return table(rows, columns, caption=caption, look=look, total=total, empty=empty)
