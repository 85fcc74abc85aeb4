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
from spm_lib.models.coaching.lever_scores import by_priority, lever_scores, measure
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
    holds = _holds(found, own)
    section.claim(
        at_least("share of 90% intervals that hold the planted value", 0.87, holds.mean()), full=full
    )
    section.claim(at_most("the same, no more", 0.93, holds.mean()), full=full)
    for what, some in (
        ("people with a gap, on their lever", own.index),
        ("all others", found.index.difference(own.index)),
    ):
        section.notes.append(
            f"Intervals hold for {what}: {holds.loc[holds.index.intersection(some)].mean():.3f}"
        )
    return section


def of_company(folder: Path, seed: int) -> pd.DataFrame:
    """Give the levers of one company's people, with what is planted in each."""
    with open_store(store_of(folder, seed)) as opened:
        snapshot = opened.as_of()
        start = snapshot.date - dt.timedelta(days=WINDOW_DAYS - 1)
        with keeping(snapshot) as keep:
            work = read_work(snapshot, start, keep)
            measured = [found for each in evidence_of(work) if (found := measure(each)) is not None]
        scores = lever_scores(measured, usual_quarters(snapshot, start))
    planted = truth(seed).skills
    # Members of the initiative that works are better than they were: nothing is said of them.
    planted = planted[planted["lifted_from"].isna()]
    planted = planted.rename(columns={"lever": "planted", "stage": "planted_part"})
    found = scores.merge(planted[["rep_id", "planted", "planted_part", "grade"]], on="rep_id")
    return found.assign(seed=seed, rep=found["rep_id"] + f"-{seed}")


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
    others = (told - weight * own["effect"]) / (whole - weight).where(whole > weight)
    return own.assign(true=others).dropna(subset="true")


def _holds(found: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    """Tell of each interval whether it holds the planted value: on other levers that is no difference.

    Only levers that a weakness elsewhere leaves alone are asked: how deals end is one thing, by step and as a whole.
    """
    ending = found["planted"].isin(["win_rate", "stage_conversion"])
    left_alone = ~(ending & found["lever"].isin(["win_rate", "stage_conversion"]))
    rest = found[left_alone].drop(own.index, errors="ignore")
    zero = (rest["low"] <= 0) & (rest["high"] >= 0)
    # On the scale of the model, where the planted effect is known. Of those who differ clearly hardly anything is shrunk.
    told = np.abs(own["effect"] - own["true"]) <= _Z * own["error"]
    return pd.concat([zero, told])
