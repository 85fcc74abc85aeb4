"""The model beside LightGBM and CatBoost with their defaults, on the same features and the same split."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deal_risk_company import Asked, company
from timing import Section, at_most

from spm_lib.models import skill
from spm_lib.models.inputs import CONTEXT_NUMBERS, Inputs
from spm_lib.models.past import Past
from spm_lib.models.training import Landmarks, compare, fit_like, train

CUT = dt.date(2026, 1, 30)
HORIZON = "30"
RIVALS = ("lightgbm", "catboost")
NOT_INSTALLED = (
    "LightGBM and CatBoost are not installed: skipped; name a Python that has both with --rivals-python"
)
#: Where `../shared/data` is not.
NO_BOHANEC = "the B2B data set is not there: name the file with --bohanec"
FOLDS = 5


def rivals(asked: Asked) -> Section:
    """Measure Brier score and AUC on the demo company, and AUC on Bohanec's opportunities."""
    section = Section("Beside LightGBM and CatBoost")
    python = _found(asked.rivals_python)
    if python is None:
        section.unmeasured.append(NOT_INSTALLED)
        return section
    _demo(asked, section, python)
    if asked.bohanec.is_file():
        _bohanec(asked, section, python)
    else:
        section.unmeasured.append(NO_BOHANEC)
    return section


def _demo(asked: Asked, section: Section, python: Path) -> None:
    demo = company(asked.folder, seed=1)
    past = Past.of(demo.frame, demo.endings, cut=demo.cut, calendar=demo.calendar)
    came = past.outcomes[HORIZON]
    landmarks = past.landmarks(HORIZON, came.at_risk)
    known = came.known_on(CUT)
    chance = train(landmarks, known)
    assert chance is not None
    later = (past.days > np.datetime64(CUT)) & came.known
    ours = chance.probability(landmarks.inputs.take(later))
    # They get every landmark whose outcome was known on the day, ours keeps some of them back for its calibration.
    theirs = _foretold(asked.folder, python, landmarks.inputs, came.at_risk, [(known, later)])
    held = came.at_risk[later]
    for name in RIVALS:
        foretold = theirs[name][0]
        gap = skill.brier(ours, held) - skill.brier(foretold, held)
        section.claim(at_most(f"demo: Brier score minus {name}'s", 0.005, gap))
        section.claim(
            at_most(
                f"demo: {name}'s AUC minus ours", 0.005, skill.auc(foretold, held) - skill.auc(ours, held)
            )
        )
        figures = f"AUC {skill.auc(foretold, held):.4f}, Brier {skill.brier(foretold, held):.4f}"
        section.notes.append(f"demo, {name}: {figures}")
    section.notes.append(f"demo, ours: AUC {skill.auc(ours, held):.4f}, Brier {skill.brier(ours, held):.4f}")


def _bohanec(asked: Asked, section: Section, python: Path) -> None:
    table = pd.read_csv(asked.bohanec, dtype=str, keep_default_na=False)
    won = (table.pop("Status") == "Won").to_numpy()
    groups = table.groupby(list(table.columns), sort=True).ngroup().to_numpy()
    inputs = _inputs_of(table)
    splits = [split for seed in range(asked.rounds) for split in _splits(groups, seed)]
    theirs = _foretold(asked.folder, python, inputs, won, splits)
    ours = []
    for fitted, judged in splits:
        landmarks = _landmarks(inputs, groups, won)
        # The choice that time makes elsewhere is made by groups here: there is no time in these data.
        early = fitted & (pd.util.hash_array(groups.astype(np.int64)) % 4 > 0)
        trees = compare(landmarks.take(early), landmarks.take(fitted & ~early))[1]
        raw = fit_like(landmarks.take(fitted), trees).raw(inputs.take(judged))
        ours.append(skill.auc(raw, won[judged]))
    mine = float(np.mean(ours))
    section.notes.append(f"Bohanec, ours: mean AUC {mine:.4f} over {len(splits)} folds")
    for name in RIVALS:
        aucs = [skill.auc(each, won[judged]) for each, (_, judged) in zip(theirs[name], splits, strict=True)]
        section.notes.append(f"Bohanec, {name}: mean AUC {np.mean(aucs):.4f}")
        what = f"Bohanec: {name}'s mean AUC minus ours"
        section.claim(at_most(what, 0.01, float(np.mean(aucs)) - mine), full=asked.rounds >= 10)


def _splits(groups: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give five folds that keep duplicates together."""
    distinct = np.unique(groups)
    fold = np.random.default_rng(seed).permutation(len(distinct)) % FOLDS
    of = fold[np.searchsorted(distinct, groups)]
    return [(of != each, of == each) for each in range(FOLDS)]


def _inputs_of(table: pd.DataFrame) -> Inputs:
    coded = [pd.factorize(table[name], sort=True) for name in table.columns]
    codes = np.column_stack([np.zeros(len(table), dtype=np.int64), *(codes for codes, _ in coded)])
    return Inputs(
        names=CONTEXT_NUMBERS,
        numbers=np.full((len(table), len(CONTEXT_NUMBERS)), np.nan),
        categories=("stage", *table.columns),
        codes=codes.astype(np.int64),
        levels=(("open",), *(tuple(levels) for _, levels in coded)),
        due=np.zeros(len(table), dtype=bool),
    )


def _landmarks(inputs: Inputs, groups: np.ndarray, target: np.ndarray) -> Landmarks:
    days = np.zeros(len(target), dtype="datetime64[D]")
    return Landmarks(inputs, days, days, groups, target, np.ones(len(target)))


def _foretold(
    folder: Path,
    python: Path,
    inputs: Inputs,
    target: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
) -> dict[str, list[np.ndarray]]:
    """Have each rival fit and foretell every split in its own environment."""
    given, told = folder / "given.npz", folder / "told.npz"
    parts: dict[str, Any] = {}
    for place, (fitted, judged) in enumerate(splits):
        parts |= {f"fitted_{place}": fitted, f"judged_{place}": judged}
    numbers = np.column_stack([inputs.numbers, inputs.due])
    np.savez(given, numbers=numbers, codes=inputs.codes, target=target, **parts)
    script = Path(__file__).parent / "deal_risk_boosters.py"
    order = json.dumps({"given": str(given), "told": str(told), "splits": len(splits)})
    subprocess.run(
        [str(python), str(script), "--from-stdin"], input=order, text=True, check=True, env=_quietly()
    )
    with np.load(told) as arrays:
        return {name: [arrays[f"{name}_{place}"] for place in range(len(splits))] for name in RIVALS}


def _found(asked: Path | None) -> Path | None:
    python = asked or Path(sys.executable)
    done = subprocess.run(
        [str(python), "-c", "import lightgbm, catboost"], capture_output=True, env=_quietly(), check=False
    )
    return None if done.returncode else python


def _quietly() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
