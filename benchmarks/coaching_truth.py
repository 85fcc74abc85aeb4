"""Whether coaching finds what is planted in the demo company: the first lever named, who is named wrongly, and intervals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from coaching_company import store_of
from timing import Section, at_least, at_most

from spm_lib.data.sources.demo.truth import truth
from spm_lib.data.store import open_store
from spm_lib.models.coaching.coaching_day import WINDOW_DAYS
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.lever_scores import Measured, by_priority, lever_scores, measure
from spm_lib.models.coaching.usual_quarter import usual_quarters
from spm_lib.models.coaching.work import read_work
from spm_lib.models.stretches import keeping

SEEDS = 20
#: A planted gap must exceed so many standard errors for its rep to be counted.
CLEAR = 3.0
_Z = 1.6449


def against_truth(folder: Path, seeds: int = SEEDS) -> Section:
    """Measure what coaching finds of what is planted."""
    full = seeds >= SEEDS
    found = pd.concat([of_company(folder, seed) for seed in range(1, seeds + 1)], ignore_index=True)
    section = Section(f"What is planted, {seeds} demo companies, {found['rep'].nunique():,} people at work")
    own = _planted(found)
    clear = own[(own["true"] / own["error"]) < -CLEAR]
    named = pd.concat([by_priority(rows) for _, rows in found[found["named"]].groupby("seed")])
    first = named.drop_duplicates("rep").set_index("rep")[["lever", "part"]].agg("|".join, axis=1)
    right = clear["rep"].map(first) == clear["lever"] + "|" + clear["part"]
    section.claim(
        at_least(f"first lever named is the planted one, of {len(clear)} clear gaps", 0.80, right.mean()),
        full=full,
    )
    none = found[found["planted"].isna()]
    wrong = none[none["named"]]["rep"].nunique() / none["rep"].nunique()
    section.claim(at_most(f"named, of {none['rep'].nunique()} people without a gap", 0.05, wrong), full=full)
    gaps, zeros = _holds_gap(own), _holds_zero(found, own)
    for what, holds in (("planted gaps", gaps), ("levers without one", zeros)):
        told = f"of {len(holds):,} {what}, share that the 90% interval shown holds"
        section.claim(at_least(told, 0.87, holds.mean()), full=full)
        section.claim(at_most("the same, no more", 0.93, holds.mean()), full=full)
    by_lever = gaps.groupby(own["lever"]).mean()
    section.notes.append(
        "Held, by lever: " + ", ".join(f"{name} {share:.2f}" for name, share in by_lever.items())
    )
    plain = _inside(own, own["shown_low"], own["shown_high"]).mean()
    section.notes.append(f"Held gaps without allowing for the error of what is taken as planted: {plain:.3f}")
    ahead = none[none["stands_out"]]["rep"].nunique()
    section.notes.append(f"Told a strength, of people without a gap: {ahead} of {none['rep'].nunique()}")
    return section


def of_company(folder: Path, seed: int) -> pd.DataFrame:
    """Give the levers of one company's people, with what is planted in each."""
    with open_store(store_of(folder, seed)) as opened:
        snapshot = opened.as_of()
        start = snapshot.date - dt.timedelta(days=WINDOW_DAYS - 1)
        with keeping(snapshot) as keep:
            work = read_work(snapshot, start, keep)
            measured = [found for each in evidence_of(work) if (found := measure(each)) is not None]
        scores = lever_scores(measured, usual_quarters(snapshot, start, work.away))
    scores = scores.merge(pd.concat([_shown(each) for each in measured]), on=["rep_id", "lever", "part"])
    planted = truth(seed).skills
    # Members of the initiative that works are better than they were: nothing is said of them.
    planted = planted[planted["lifted_from"].isna()]
    planted = planted.rename(columns={"lever": "planted", "stage": "planted_part"})
    found = scores.merge(planted[["rep_id", "planted", "planted_part", "grade"]], on="rep_id")
    return found.assign(seed=seed, rep=found["rep_id"] + f"-{seed}")


def _shown(measured: Measured) -> pd.DataFrame:
    """Give the ends of the intervals that are shown, on the scale of the model, positive is better."""
    frame = measured.frame
    sign = 1.0 if (frame["shrunk"] * frame["effect"]).sum() >= 0 else -1.0
    ends = np.sort(sign * frame[["shrunk_low", "shrunk_high"]].to_numpy(), axis=1)
    return frame[["rep_id", "lever", "part"]].assign(shown_low=ends[:, 0], shown_high=ends[:, 1])


def _planted(found: pd.DataFrame) -> pd.DataFrame:
    """Give each rep's planted lever, and as its true effect what others with the same gap show on average.

    A weakness works through a mechanism whose effect on a lever has no formula; that of all others with the same one, of all
    companies, each weighted by its precision, tells it.
    """
    part = found["planted_part"].fillna("")
    own = found[(found["lever"] == found["planted"]) & ((found["part"] == "") | (found["part"] == part))]
    weight = 1 / own["error"] ** 2
    kinds = [own["lever"], own["part"], own["grade"]]
    whole, told = (values.groupby(kinds).transform("sum") for values in (weight, weight * own["effect"]))
    rest = (whole - weight).where(whole > weight)
    return own.assign(true=(told - weight * own["effect"]) / rest, unsure=rest**-0.5).dropna(subset="true")


def _holds_gap(own: pd.DataFrame) -> pd.Series:
    """Tell of each interval on a planted lever whether it holds the planted value.

    That value is a mean of others and has an error of its own, which is added to both arms of the interval.
    """
    middle = (own["shown_low"] + own["shown_high"]) / 2
    arm = np.hypot(own["shown_high"] - middle, _Z * own["unsure"])
    return _inside(own, middle - arm, middle + arm)


def _inside(own: pd.DataFrame, low: pd.Series, high: pd.Series) -> pd.Series:
    return (low <= own["true"]) & (own["true"] <= high)


def _holds_zero(found: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    """Tell of each interval on another lever whether it holds no difference, which is the planted value there.

    Only levers that a weakness elsewhere leaves alone are asked: how deals end is one thing, by step and as a whole.
    """
    ending = found["planted"].isin(["win_rate", "stage_conversion"])
    left_alone = ~(ending & found["lever"].isin(["win_rate", "stage_conversion"]))
    rest = found[left_alone].drop(own.index, errors="ignore")
    return (rest["low"] <= 0) & (rest["high"] >= 0)
