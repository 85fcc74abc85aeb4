"""Scorecards as the models give them, made of any name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from spm_lib import present
from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.playbook import Playbook
from spm_lib.models.recognition import COLUMNS
from spm_lib.models.scorecard import Scorecard
from spm_lib.models.scorecard_figures import FIGURES
from spm_lib.models.scorecard_target import Rate, Target
from spm_lib.periods import parse_period
from spm_lib.present import Block

NAN = float("nan")
DAY, ENDS = dt.date(2017, 8, 14), dt.date(2017, 9, 30)
QUARTER = parse_period("2017-Q3", as_of=DAY)
EXPECTED = SimpleNamespace(share=0.4, method="earlier periods", n=8)
VALUES = {"revenue": 46_000.0, "quota_attainment": 0.46, "quota_pace": 1.15, "deals_created": 20.0, "win_rate": 0.25,
           "sales_cycle": 44.0, "average_deal_size": 15_500.0}  # fmt: skip


def figures(**changes: Mapping[str, Any]) -> pd.DataFrame:
    """Make the figures of a scorecard; `changes` are a metric's columns."""
    rows = []
    for metric in FIGURES:
        value = VALUES[metric.name]
        row = {"metric": metric.name, "value": value, "n": 12, "low": value * 0.8, "high": value * 1.2, "unit": metric.unit,
               "note": None, "against": "2017-Q2", "previous": value * 0.9, "previous_n": 11, "difference": value * 0.1,
               "p_value": NAN if metric.name in ("quota_attainment", "quota_pace") else 0.5, "significant": False,
               "usual": value * 1.1, "usual_n": 4, "usual_deals": 40, "usual_difference": -value * 0.1,
               "usual_p_value": NAN, "usual_significant": False, "middle": value, "n_people": 6}  # fmt: skip
        rows.append(row | changes.get(metric.name, {}))
    return pd.DataFrame(rows)


def no_past(frame: pd.DataFrame) -> pd.DataFrame:
    """Give figures without anything to compare them with."""
    return frame.assign(previous=NAN, difference=NAN, p_value=NAN, usual=NAN, usual_difference=NAN, usual_n=0)


def target(**changes: Any) -> Target:
    """Make a target of 100,000, of which 46,000 are won."""
    made = Target(100_000.0, "", 46_000.0, ENDS, 47, Rate(18_000.0, 42), Rate(0.25, 160), 72_000.0, 4, 1)
    return replace(made, **changes)


def months(count: int = 8) -> pd.DataFrame:
    """Make months of revenue, the last of them not over."""
    starts = [dt.date(2017, 8 - at, 1) for at in range(count)][::-1]
    frame = pd.DataFrame({"period": [f"{s:%Y-%m}" for s in starts], "start": starts, "value": 10_000.0, "n": 3,
                          "low": 2_000.0, "high": 18_000.0, "unit": "currency", "note": None, "centre": 10_000.0,
                          "lower": 0.0, "upper": 25_000.0, "signal": False, "rule": None, "significant": False})  # fmt: skip
    frame["complete"] = frame["start"] < dt.date(2017, 8, 1)
    frame["latest"] = frame["start"] == dt.date(2017, 7, 1)
    return frame.assign(p_value=frame["latest"].map({True: 0.5, False: NAN}))


def deals(name: object, count: int = 3) -> pd.DataFrame:
    """Make own deals."""
    day = dt.date(2017, 8, 10)
    return pd.DataFrame(
        {"deal_id": [f"D{at}" for at in range(count)], "name": pd.Series([name] * count, dtype=object),
         "amount": [3_000.0 * (count - at) for at in range(count)], "closed_on": day, "expected_close_on": ENDS}
    )  # fmt: skip


def card(name: str = "Ann Lee", **changes: Any) -> Scorecard:
    """Make the scorecard of a rep whose deals and team have `name`."""
    made = Scorecard(
        "R1",
        name,
        name,
        DAY,
        QUARTER,
        None,
        False,
        None,
        figures(),
        months(),
        target(),
        deals(name),
        deals(name),
    )
    return replace(made, **changes)


def lever(lever_name: str = "win_rate", deal: object = "Deal", **changes: Any) -> dict[str, Any]:
    """Make a lever's row, of somebody behind beyond chance."""
    one = LEVERS[lever_name]
    return {"rep_id": "R1", "rep_name": "Ann Lee", "lever": lever_name, "part": "", "label": one.label, "unit": one.unit,
            "better": one.better, "counted": one.counted, "n": 157, "observed": 0.248, "expected": 0.396,
            "difference": -0.14, "low": -0.19, "high": -0.08, "behind": 0.98, "named": True, "worth": 92_000.0,
            "worth_low": 61_000.0, "worth_high": 124_000.0, "comes": one.comes, "stands_out": False, "middle_of": "team",
            "priority": 1.0,
            "deals": [{"deal_id": "D0", "name": deal, "amount": 5_000.0, "fact": "days_in_stage", "value": 34.0}],
            } | changes  # fmt: skip


def agreement(action: str = "Name who signs", **changes: Any) -> dict[str, Any]:
    """Make an agreement that is up for review, and moved beyond chance."""
    return {"agreement_id": 1, "rep_id": "R1", "rep_name": "Ann Lee", "lever": "win_rate", "label": "win rate",
            "unit": "share", "better": "up", "action": action, "agreed_on": dt.date(2017, 5, 1),
            "review_on": dt.date(2017, 8, 1), "due": True, "followed": True, "measured_on": DAY,
            "n_before": 80, "before": -0.12, "n_since": 40, "since": -0.02,
            "difference": 0.1, "low": 0.02, "high": 0.18} | changes  # fmt: skip


def coaching(
    *levers: Mapping[str, Any], agreed: tuple[Mapping[str, Any], ...] = (), **changes: Any
) -> Coaching:
    """Make what was found of one rep."""
    blank = Coaching(DAY)
    people = pd.DataFrame(
        [{"rep_id": "R1", "low": 70_000.0, "high": 110_000.0, "expected": 90_000.0, "miss": 0.7312}]
    )
    tests = pd.DataFrame([{"lever": name, "part": "", "differ": True} for name in LEVERS])
    made = Coaching(DAY, DAY, ENDS, dt.date(2016, 8, 15), people, tests=tests)
    made = replace(made, levers=pd.DataFrame(list(levers), dtype=object) if levers else blank.levers)
    made = replace(made, agreed=pd.DataFrame(list(agreed), dtype=object) if agreed else blank.agreed)
    return replace(made, **changes)


def recognition(name: object) -> pd.DataFrame:
    """Make a deal won that was the largest."""
    row = dict.fromkeys(COLUMNS) | {"rep_id": "R1", "rep_name": "Ann Lee", "kind": "biggest_deal", "period": "Q3 2017",
           "period_kind": "quarter", "starts_on": QUARTER.start, "complete": False, "deal_id": "D0", "deal_name": name,
           "account": name, "value": 9_000.0, "unit": "currency", "n": 3, "shared": 1, "record": False, "unpriced": 0,
           "elsewhere": False, "closed_on": DAY}  # fmt: skip
    return pd.DataFrame([row], dtype=object)


def every_block(name: str) -> dict[str, Block]:
    """Make one block of each kind with `name` wherever a text goes in."""
    own = card(name)
    told = coaching(lever(deal=name), lever("stage_conversion", name, part=name), agreed=(agreement(name),))
    playbook = Playbook(by_lever={"win_rate": (name,)})
    return {
        "own figures": present.scorecard_kpis(own, "Q2 2017 at the same point"),
        "own past": present.scorecard_table(own, name),
        "own target": present.target_chart(own, told, EXPECTED),
        "own months": present.own_months_chart(own, message=name),
        "own deals": present.own_deals_table(own, limit=2),
        "own wins": present.own_wins(own, recognition(name), {"biggest_deal": name}),
        "own levers": present.own_lever_list(told, playbook),
        "own agreements": present.own_agreed_list(told),
    }
