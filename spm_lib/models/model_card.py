"""What is written down of a model when it is fitted: data, features, splits, evaluation, rules, as plain JSON values.

``source``; ``fitted_on``; ``data``: from, until (landmarks), days, landmarks, deals, won, lost, amounts (the share of
landmarks whose amount is known); ``features``: used, absent (what the source cannot give of days past); ``model``: what
`DealRisk` says of itself; ``evaluation``: what `Evaluation.to_json` gives; ``rules``: rows of `rules.measure` over 30 days.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd

from spm_lib.data.history import Snapshot
from spm_lib.models import features, rules
from spm_lib.models.landmarks import label

#: The horizon over which rules are measured: the first that is over.
RULES_HORIZON = "30"


def measured_rules(snapshot: Snapshot, frame: pd.DataFrame, endings: pd.DataFrame) -> pd.DataFrame:
    """Measure what each rule has told in the company's past, as known on the snapshot's day.

    Parameters
    ----------
    snapshot
        The whole company.
    frame, endings
        Landmarks with features, and how their deals ended.

    Returns
    -------
    DataFrame
        See `rules.measure`.
    """
    return rules.measure(frame, label(frame, endings, RULES_HORIZON, snapshot.meta.calendar, snapshot.date))


def card_of(
    snapshot: Snapshot, frame: pd.DataFrame, endings: pd.DataFrame, measured: pd.DataFrame, **more: Any
) -> dict[str, Any]:
    """Give the card of what was learned from landmarks.

    Parameters
    ----------
    snapshot
        The whole company on the day of fitting.
    frame, endings
        Landmarks with features, and how their deals ended.
    measured
        The rules, see `measured_rules`.
    more
        What else there is to say, in plain values: ``model``, ``evaluation``.
    """
    deals = frame["deal_id"]
    named = (*features.CONTEXT, *features.NUMBERS, *features.CATEGORIES, *features.custom_features(frame))
    # Of its last day a source without a history tells more than of any before: nothing is learned from that.
    before = frame[frame["as_of"] < pd.Timestamp(snapshot.date)]
    told = before if len(before) else frame
    used = [name for name in dict.fromkeys(named) if told[name].notna().any()]
    plain = {
        "source": snapshot.meta.source,
        "fitted_on": snapshot.date,
        "data": {
            "from": frame["as_of"].min(),
            "until": frame["as_of"].max(),
            "days": frame["as_of"].nunique(),
            "landmarks": len(frame),
            "deals": deals.nunique(),
            "won": deals[endings["ended_as"] == "won"].nunique(),
            "lost": deals[endings["ended_as"] == "lost"].nunique(),
            "amounts": frame["amount"].notna().mean(),
        },
        "features": {"used": used, "absent": [name for name in dict.fromkeys(named) if name not in used]},
        "evaluation": {"horizons": {}},
        "rules": measured.to_dict("records"),
        **more,
    }
    found: dict[str, Any] = plain_values(plain)
    return found


def plain_values(value: Any) -> Any:
    """Give a value as JSON knows it: days as text, what is unknown or infinite as null."""
    if isinstance(value, dict):
        return {str(key): plain_values(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(each) for each in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dt.date):  # and a datetime, of which the day counts
        return value.isoformat()[:10]
    return str(value)
