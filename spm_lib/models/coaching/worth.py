"""What levers are worth in money: what a quarter's revenue would gain with each at the middle of peers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.usual_quarter import QUARTER_DAYS
from spm_lib.models.scorecard_figures import LEAST_PEOPLE

if TYPE_CHECKING:
    from spm_lib.models.coaching.lever_scores import Measured

Floats = npt.NDArray[np.float64]

#: Levers that tell of one thing, the whole or a step of it: of one rep only what shows most is named.
ENDING = ("win_rate", "stage_conversion")


def with_usual_revenue(reps: pd.DataFrame, measured: Iterable[Measured]) -> pd.DataFrame:
    """Give who has won nothing, or less than was refunded, the revenue of peers on the same deals: nothing has no price.

    Parameters
    ----------
    reps
        See `spm_lib.models.coaching.usual_quarter.usual_quarters`.
    measured
        All levers; the win rate's tells what peers would have won.

    Returns
    -------
    DataFrame
        `reps`, with ``stands_in``: whether the revenue, and the shares of pipelines in it, are those of peers: the deals
        that they would have won × what a deal won usually brings. Where the win rate was not measured the revenue is
        unknown.
    """
    nothing = reps["revenue"] <= 0
    reps = reps.assign(stands_in=nothing)
    if not nothing.any():
        return reps
    wins = _usual_wins(measured)
    whole = reps["rep_id"].map(wins.groupby("rep_id")["wins"].sum()).astype("float64")
    reps["revenue"] = reps["revenue"].where(~nothing, whole / reps["quarters"] * reps["size"])
    for name in (str(name) for name in reps if str(name).startswith("in ")):
        own = wins[wins["pipeline"] == name.removeprefix("in ")].groupby("rep_id")["wins"].sum()
        share = reps["rep_id"].map(own).fillna(0.0) / whole
        # Where pipelines are no kinds of work they are shared as others share them.
        usual = reps.loc[~nothing, name].mean()
        reps[name] = reps[name].where(~nothing, share if wins["pipeline"].notna().any() else usual)
    return reps


def _usual_wins(measured: Iterable[Measured]) -> pd.DataFrame:
    """Give how many of each rep's deals peers would have won: rep_id, pipeline (null where it is not told), wins."""
    for each in measured:
        if each.evidence.lever == "win_rate":
            rows = each.evidence.rows
            pipeline = rows["pipeline"].fillna("") if "pipeline" in rows else None
            return rows[["rep_id"]].assign(pipeline=pipeline, wins=each.fitted.usual())
    return pd.DataFrame({"rep_id": [], "pipeline": [], "wins": []})


def in_money(measured: Measured, frame: pd.DataFrame) -> pd.DataFrame:
    """Add what a lever is worth: worth, worth_low, worth_high, comes and middle_of, see `lever_scores.lever_scores`.

    Parameters
    ----------
    measured
        The lever.
    frame
        Its frame, with the columns of `with_usual_revenue`.
    """
    frame = frame.copy()
    middle = frame.groupby("team")["shrunk"].transform("median")
    people = frame.groupby("team")["shrunk"].transform("size")
    enough = people >= LEAST_PEOPLE
    middle = middle.where(enough, frame["shrunk"].median())
    frame["middle_of"] = np.where(enough, "team", "company")
    # Who is not behind gains nothing; what nobody knows stays unknown.
    worth, one, other = (
        np.maximum(
            _gained(measured, frame, frame[own].to_numpy(dtype=float), middle.to_numpy(dtype=float)), 0.0
        )
        for own in ("shrunk", "shrunk_low", "shrunk_high")
    )
    frame["worth"] = worth
    # The interval is that of a rep who differs; the worth of one who may not can lie outside.
    frame["worth_low"] = np.minimum(np.minimum(one, other), worth)
    frame["worth_high"] = np.maximum(np.maximum(one, other), worth)
    frame["comes"] = LEVERS[measured.evidence.lever].comes
    return frame


def _gained(measured: Measured, frame: pd.DataFrame, own: Floats, middle: Floats) -> Floats:
    """Give what a quarter's revenue would gain with the lever at `middle`, where that follows from what revenue is made of.

    `own` is where each rep of `frame` stands now. The amount is negative for who is ahead of the middle.
    Revenue is deals × share won × amount × what is left of it. A shorter cycle brings the same revenue earlier, once. What
    activity, follow-up, close dates and hygiene would bring, nobody knows from data of one company in which nothing
    was tried.
    """
    lever, part = measured.evidence.lever, measured.evidence.part
    revenue = frame["revenue"].to_numpy(dtype=float)
    if lever in ("deals_created", "deal_size"):
        return np.asarray(revenue * np.expm1(middle - own))
    if lever == "discount":
        return np.asarray(revenue * ((1 - frame["expected"] - middle) / (1 - frame["expected"] - own) - 1))
    if lever in ENDING:
        place = {rep: at for at, rep in enumerate(measured.fitted.reps)}
        where = frame["rep_id"].map(place).to_numpy()

        def at(effect: Floats) -> Floats:
            whole = np.zeros(len(place))
            whole[where] = effect
            return np.asarray(measured.fitted.at(whole)[where])

        # What peers would win is what would be at no difference from them.
        now = at(np.where(frame["stands_in"], 0.0, own))
        rows = measured.evidence.rows
        pipeline = f"in {rows['place'].iloc[0]}" if part else None
        share = frame[pipeline].to_numpy(dtype=float) if pipeline in frame else 1.0
        return np.asarray(revenue * share * (at(middle) - at(own)) / now)
    if lever == "cycle_length":
        saved = frame["cycle"].to_numpy(dtype=float) * -np.expm1(own - middle)
        return np.asarray(revenue * np.minimum(saved / QUARTER_DAYS, 1.0))
    return np.full(len(frame), np.nan)
