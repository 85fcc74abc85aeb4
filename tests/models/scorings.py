"""A ledger filled by hand, for what reads it: any day, deals and chances, without a model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from spm_lib.data.ledger import Ledger, ModelRecord, ledger_path

MADE_AT = dt.datetime(2026, 11, 1)
WHY = "its squared error was 1% above that of rates by stage and age"

#: What a deal's row says where a test does not.
ROW: Mapping[str, Any] = {
    "due": True, "won": 0.2, "lost": 0.4, "open": 0.4, "at_risk": 0.8, "promised_won": 0.5, "usual_at_risk": 0.5,
    "raw_score": 1.0, "flagged": True, "reasons": [], "rules": [], "expected_close_on": None,
}  # fmt: skip


def filled(store: Path) -> Ledger:
    """Give the ledger beside a store."""
    return Ledger(ledger_path(store))


def with_model(
    ledger: Ledger, *, opened: bool = True, fitted_on: dt.date = dt.date(2017, 1, 1), **card: Any
) -> str:
    """Write a model down whose gate is open or shut over every horizon."""
    gate = {"open": opened, "why": "" if opened else WHY}
    horizons = {horizon: {"gate": gate} for horizon in ("30", "60", "90", "period")}
    model_id = f"deal-risk-{fitted_on}"
    ledger.record_model(
        ModelRecord(
            model_id,
            "deal_risk",
            fitted_on,
            MADE_AT,
            "any",
            None,
            {"evaluation": {"horizons": horizons}} | card,
        )
    )
    return model_id


def score(
    ledger: Ledger,
    day: dt.date,
    deals: Mapping[str, Mapping[str, Any]],
    *,
    ends_on: Mapping[str, dt.date],
    model: str | None = "deal-risk-2017-01-01",
    horizons: Sequence[str] = ("30", "period"),
    note: str | None = None,
) -> None:
    """Write a day's scores down: deals by id, with what differs from `ROW`."""
    rows = [
        {**ROW, "deal_id": deal, "horizon": horizon, "horizon_ends_on": ends_on[horizon]} | dict(more)
        for deal, more in deals.items()
        for horizon in horizons
    ]
    assert ledger.record_scores(day, model, pd.DataFrame(rows), note, made_at=MADE_AT)
