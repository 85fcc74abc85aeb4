"""The shelf of fitted models: files in a folder beside the store, each with its record in the ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spm_lib.data.ledger import MODEL, RULES, Ledger, ModelRecord
from spm_lib.errors import ModelError, StoreError, one_line
from spm_lib.models.deal_risk import DealRisk, load


@dataclass(frozen=True)
class Shelved:
    """A model and its record."""

    model: DealRisk
    record: ModelRecord


def newest_model(ledger: Ledger, folder: Path, day: dt.date, *, days: int, source: str) -> Shelved | None:
    """Give the newest model that may score a day.

    Parameters
    ----------
    ledger, folder
        Where records and files are.
    day
        The day: a model fitted after it knows too much.
    days
        How many days a model serves, from the one that it was fitted on.
    source
        The store's source: what was learned of another company tells nothing of this one.

    Returns
    -------
    Shelved or None
        None where there is none, or its file is gone or of other versions of the libraries.
    """
    for record in ledger.models(MODEL):
        if not 0 <= (day - record.fitted_on).days < days or record.card.get("source") != source:
            continue
        if record.file is None or record.library != libraries():
            continue
        try:
            return Shelved(load(folder / record.file), record)
        except ModelError:
            # Whatever is wrong with it, a new one can be fitted.
            continue
    return None


def keep_model(
    ledger: Ledger,
    folder: Path,
    model: DealRisk,
    *,
    day: dt.date,
    made_at: dt.datetime,
    card: Mapping[str, Any],
) -> ModelRecord:
    """Keep a model that was fitted on what was known on `day`: its file whole or not at all, then its record.

    Raises
    ------
    StoreError
        Where the file cannot be written.
    """
    model_id = _id("deal-risk", day, card)
    file = f"{model_id}.skops"
    new = folder / f".{file}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Only one scores at a time: what lies here half written is of one that was killed.
        for left in folder.glob(".*.skops.*"):
            left.unlink(missing_ok=True)
        try:
            model.save(new)
            new.replace(folder / file)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"the model cannot be written ({one_line(str(error), 160)})",
            where=str(folder),
            mend="Free some space, or name another place with --store",
        ) from error
    record = ModelRecord(model_id, MODEL, day, made_at, libraries(), file, card)
    ledger.record_model(record)
    return record


def keep_rules(ledger: Ledger, *, day: dt.date, made_at: dt.datetime, card: Mapping[str, Any]) -> ModelRecord:
    """Keep what rules were measured to tell on `day`, where no model could be fitted."""
    record = ModelRecord(_id("deal-rules", day, card), RULES, day, made_at, libraries(), None, card)
    ledger.record_model(record)
    return record


def libraries() -> str:
    """Give the versions of the libraries that can read what this process writes."""
    return ", ".join(f"{name} {version(name)}" for name in ("spm-lib", "scikit-learn", "skops"))


def _id(kind: str, day: dt.date, card: Mapping[str, Any]) -> str:
    text = json.dumps([libraries(), dict(card)], sort_keys=True)
    return f"{kind}-{day}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
