"""The key figures of coaching, as rows that a report shows and publishes, and what each means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.risk_figures import Figure

COACHING_FIGURES = {
    figure.name: figure
    for figure in (
        Figure(
            "people_behind",
            "People behind, beyond chance",
            "count",
            None,
            "People at work who are behind peers on the same work on at least one lever, more clearly than chance explains.",
        ),
        Figure(
            "expected_attainment",
            "Expected attainment",
            "share",
            "higher",
            "Revenue that people with a quota may have won by the end of their fiscal quarter, by simulation over open "
            "deals and those still to come, divided by their quotas.",
        ),
        Figure(
            "quotas_missed",
            "Quotas that may be missed",
            "count",
            "lower",
            "Sum of the chances of people with a quota to miss it in the current fiscal quarter.",
        ),
        Figure(
            "coaching_worth",
            "Worth of the first levers",
            "currency",
            None,
            "What a quarter's revenue would gain with each person's first lever at the middle of the team, times the "
            "probability that the person is truly behind on it; only what can be told in money.",
        ),
    )
}


def coaching_figures(coaching: Coaching) -> pd.DataFrame:
    """Give the key figures as rows: metric, label, part, value, n, low, high, unit, note.

    Intervals are null: how much the quarters of several people rise and fall together is not in the ledger.
    """
    people, named = coaching.people, coaching.named
    looked = None if coaching.found_on else "nobody was looked at"
    due = people[people["quota"].notna() & people["miss"].notna()]
    no_quota = looked or (None if len(due) else "no outlook on a quota")
    first = named.drop_duplicates("rep_id")
    told = first[first["worth"].notna()]
    no_money = looked or (None if len(told) else "nothing to tell in money")
    measured = int(people["rep_id"].isin(coaching.levers["rep_id"]).sum())
    no_people = looked or (None if measured else "too little evidence")
    quotas = float(due["quota"].sum())
    rows = {
        "people_behind": (float(len(first)), measured, no_people),
        "expected_attainment": (
            float(due["expected"].sum()) / quotas if quotas else np.nan,
            len(due),
            no_quota,
        ),
        "quotas_missed": (float(due["miss"].sum()), len(due), no_quota),
        "coaching_worth": (float((told["worth"] * told["behind"]).sum()), len(told), no_money),
    }
    return pd.DataFrame(
        [
            {
                "metric": name,
                "label": COACHING_FIGURES[name].label,
                "part": None,
                "value": np.nan if note else value,
                "n": int(n),
                "low": np.nan,
                "high": np.nan,
                "unit": COACHING_FIGURES[name].unit,
                "note": note,
            }
            for name, (value, n, note) in rows.items()
        ]
    )
