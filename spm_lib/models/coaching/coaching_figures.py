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
            "Worth of the first levers, each quarter",
            "currency",
            None,
            "What each quarter's revenue would gain with each person's first lever at the middle of peers, times the "
            "probability that the person is truly behind on it; only what can be told in money and comes each quarter. Its "
            "90% interval takes people to be off from their numbers independently of each other.",
        ),
        Figure(
            "coaching_worth_once",
            "Worth of the first levers, once",
            "currency",
            None,
            "The same for first levers whose money comes once: a shorter time in stages brings the same revenue earlier.",
        ),
    )
}


def coaching_figures(coaching: Coaching) -> pd.DataFrame:
    """Give the key figures as rows: metric, label, part, value, n, low, high, unit, note.

    Outlooks of several people have no interval: how much their quarters rise and fall together is not in the ledger.
    """
    people, named = coaching.people, coaching.named
    looked = None if coaching.found_on else "nobody was looked at"
    due = people[people["quota"].notna() & people["miss"].notna()]
    no_quota = looked or (None if len(due) else "no outlook on a quota")
    first = named.drop_duplicates("rep_id")
    known = first[first["worth"].notna()]
    often = {name: known[known["comes"] == name] for name in ("each quarter", "once")}
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
        "coaching_worth": _worth(often["each quarter"], looked or "nothing to tell in money each quarter"),
        "coaching_worth_once": _worth(often["once"], looked or "nothing that brings money once"),
    }
    ends = {"coaching_worth": _ends(often["each quarter"]), "coaching_worth_once": _ends(often["once"])}
    unknown = (np.nan, np.nan)
    return pd.DataFrame(
        [
            {
                "metric": name,
                "label": COACHING_FIGURES[name].label,
                "part": None,
                "value": np.nan if note else value,
                "n": int(n),
                "low": ends.get(name, unknown)[0],
                "high": ends.get(name, unknown)[1],
                "unit": COACHING_FIGURES[name].unit,
                "note": note,
            }
            for name, (value, n, note) in rows.items()
        ]
    )


def _worth(first: pd.DataFrame, none: str) -> tuple[float, int, str | None]:
    """Give the sum of what levers are worth, how many there are, and what to say where there are none."""
    return float((first["worth"] * first["behind"]).sum()), len(first), None if len(first) else none


def _ends(first: pd.DataFrame) -> tuple[float, float]:
    """Give the ends of the interval of the sum of what levers are worth; unknown where one of them is.

    The distances of the ends from the worth of each lever are added like those of independent errors, each side for
    itself (Zou and Donner, Statistics in Medicine 27, 2008).
    """
    if first.empty:
        return np.nan, np.nan
    worth, sure = first["worth"].to_numpy(dtype=float), first["behind"].to_numpy(dtype=float)
    below, above = (
        float(np.sqrt(np.sum((sure * (first[end].to_numpy(dtype=float) - worth)) ** 2)))
        for end in ("worth_low", "worth_high")
    )
    whole = float(np.sum(worth * sure))
    return max(whole - below, 0.0), whole + above
