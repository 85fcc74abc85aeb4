"""LightGBM and CatBoost with their defaults, in an environment that has them; `deal_risk_rivals.py` starts it.

Run by itself it does nothing: what to fit comes over its input.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np


def foretell(order: dict[str, Any]) -> None:
    """Fit both on every split and write down the chances that they give."""
    # Not at the top: most machines have neither, and this file is also read where they are not wanted.
    import catboost
    import lightgbm
    import pandas as pd

    with np.load(order["given"]) as arrays:
        given = dict(arrays)
    numbers, codes, target = given["numbers"], given["codes"], given["target"].astype(int)
    frame = pd.DataFrame(numbers, columns=[f"n{place}" for place in range(numbers.shape[1])])
    categories = [f"c{place}" for place in range(codes.shape[1])]
    for place, name in enumerate(categories):
        frame[name] = codes[:, place]
    told = {}
    for place in range(order["splits"]):
        fitted, judged = given[f"fitted_{place}"], given[f"judged_{place}"]
        light = frame.copy()
        for name in categories:
            light[name] = pd.Categorical(light[name].where(light[name] >= 0))
        model = lightgbm.LGBMClassifier(random_state=0, verbose=-1).fit(light[fitted], target[fitted])
        told[f"lightgbm_{place}"] = model.predict_proba(light[judged])[:, 1]
        cat = catboost.CatBoostClassifier(
            random_seed=0, verbose=False, cat_features=categories, allow_writing_files=False
        )
        cat.fit(frame[fitted], target[fitted])
        told[f"catboost_{place}"] = cat.predict_proba(frame[judged])[:, 1]
    np.savez(order["told"], **told)


if __name__ == "__main__" and "--from-stdin" in sys.argv:
    foretell(json.load(sys.stdin))
