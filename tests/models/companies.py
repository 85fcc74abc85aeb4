"""Made-up companies as landmarks: what features and endings look like, with causes that are known."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import numpy as np
import pandas as pd

from spm_lib.models import features
from spm_lib.periods import Calendar

CALENDAR = Calendar()
FIRST = dt.date(2024, 1, 5)
WEEKS = 90
CUT = FIRST + dt.timedelta(days=7 * WEEKS)
STAGES = ("Meet", "Offer", "Sign")
#: What adds to the log-odds of losing in a week.
QUIET, RIVAL = 2.2, 1.8


@lru_cache
def company(deals: int = 2400, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give weekly landmarks and endings of a company whose deals are lost for being quiet, or for a rival."""
    rng = np.random.default_rng(seed)
    rows, ends = [], {}
    for number in range(deals):
        deal, born = f"D{number:04d}", int(rng.integers(0, WEEKS - 1))
        close, pushes, silence, stage = born * 7 + int(rng.integers(21, 90)), 0, 0, 0
        rival = "Kestrel" if rng.random() < 0.25 else None
        for week in range(born, WEEKS + 1):
            silence = 0 if rng.random() < 0.35 else silence + 7
            if week * 7 > close:
                close, pushes = week * 7 + 21, pushes + 1
            rows.append((deal, week, born, close, pushes, silence, stage, rival, number % 7))
            odds = -3.2 + QUIET * (silence >= 14) + RIVAL * (rival is not None)
            if rng.random() < 1 / (1 + np.exp(-odds)):
                ends[deal] = (week * 7 + 3, "lost")
            elif rng.random() < 0.3:
                stage += 1
                if stage == len(STAGES):
                    ends[deal] = (week * 7 + 4, "won")
            if deal in ends:
                break
    names = ["deal_id", "week", "born", "close", "pushes", "silence", "stage", "rival", "owner"]
    return _as_features(pd.DataFrame(rows, columns=names), ends)


def _as_features(made: pd.DataFrame, ends: dict[str, tuple[int, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    start = pd.Timestamp(FIRST)
    day = made["week"] * 7
    frame = pd.DataFrame(
        {
            "as_of": (start + pd.to_timedelta(day, unit="D")).astype("datetime64[s]"),
            "deal_id": made["deal_id"].astype(object),
            "owner_id": "O" + made["owner"].astype(str),
            "team": np.where(made["owner"] > 3, "North", "South"),
            "name": "Deal " + made["deal_id"],
            "amount": 1000.0,
            "expected_close_on": (start + pd.to_timedelta(made["close"], unit="D")).astype("datetime64[s]"),
            "pipeline": "New",
            "stage": np.array(STAGES, dtype=object)[made["stage"]],
            "stage_position": made["stage"] + 1.0,
            "days_to_expected_close": (made["close"] - day).astype(float),
        }
    )
    month = frame["as_of"].dt
    quarter_end = frame["as_of"] + pd.offsets.QuarterEnd(0)
    frame["days_left_in_period"] = (quarter_end - frame["as_of"]).dt.days.astype(float)
    frame["month"] = month.month.astype(float)
    for name in features.NUMBERS:
        frame[name] = np.nan
    for name in features.CATEGORIES:
        frame[name] = pd.Series([None] * len(frame), dtype=object)
    frame["age_days"] = (day - made["born"] * 7).astype(float)
    frame["pushes"] = made["pushes"].astype(float)
    frame["days_since_activity"] = made["silence"].astype(float)
    frame["contacts"] = 1.0 + made["owner"] % 3
    frame["deal_type"] = pd.Series(np.where(made["owner"] % 2, "New", "More"), dtype=object)
    frame["x_rival"] = made["rival"].astype(object).where(made["rival"].notna(), None)
    ended = made["deal_id"].map(lambda deal: ends.get(deal, (None, None)))
    endings = pd.DataFrame(
        {
            "ended_on": pd.to_datetime(
                [None if on is None else start + pd.Timedelta(days=on) for on, _ in ended]
            ).astype("datetime64[s]"),
            "ended_as": pd.Series([how for _, how in ended], dtype=object),
        }
    )
    order = frame.sort_values(["as_of", "deal_id"]).index
    return frame.loc[order].reset_index(drop=True), endings.loc[order].reset_index(drop=True)
