"""Coaching of a team as the model gives it, made of any names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from spm_lib import present
from spm_lib.models.coaching.coaching import Coaching
from spm_lib.models.coaching.coaching_figures import coaching_figures
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.playbook import Playbook
from spm_lib.present import Block

NAN = float("nan")
DAY, ENDS, BEGAN = dt.date(2017, 8, 14), dt.date(2017, 9, 30), dt.date(2016, 8, 15)


def person(at: int, name: object, **more: Any) -> dict[str, Any]:
    """Make a person with a quota, who may miss it."""
    return {"rep_id": f"R{at}", "rep_name": name, "team": "T", "team_name": name, "quota": 100_000.0, "revenue": 40_000.0,
            "expected": 84_000.0, "low": 70_000.0, "high": 95_000.0, "miss": 0.87, "priority": NAN,
            "attainment_then": 0.91, "attainment_then_low": 0.88, "attainment_then_high": 0.97} | more  # fmt: skip


def lever(at: int, name: object, lever_name: str = "win_rate", **more: Any) -> dict[str, Any]:
    """Make a lever's row of a person who is behind, and not named."""
    one = LEVERS[lever_name]
    return {"rep_id": f"R{at}", "rep_name": name, "team": "T", "lever": lever_name, "part": "", "label": one.label,
            "unit": one.unit, "better": one.better, "counted": one.counted, "n": 157, "observed": 0.25, "expected": 0.4,
            "difference": -0.14, "low": -0.19, "high": -0.08, "behind": 0.98, "named": False, "worth": 92_000.0,
            "worth_low": 51_000.0, "worth_high": 140_000.0, "comes": one.comes, "stands_out": False, "middle_of": "team",
            "priority": NAN, "deals": []} | more  # fmt: skip


def shown_deal(name: object, fact: str = "days_in_stage", value: object = 34.0) -> dict[str, Any]:
    """Make a deal to look at together."""
    return {"deal_id": "D1", "name": name, "amount": 5_000.0, "fact": fact, "value": value}


def agreement(at: int, name: object, **more: Any) -> dict[str, Any]:
    """Make an agreement that is due, and moved for the better beyond chance."""
    return {"agreement_id": at, "rep_id": f"R{at}", "rep_name": name, "team": "T", "lever": "win_rate", "label": "win rate",
            "unit": "share", "better": "up", "action": name, "agreed_on": dt.date(2017, 5, 1),
            "review_on": dt.date(2017, 8, 1), "due": True, "followed": True, "measured_on": DAY,
            "n_before": 80, "before": -0.12, "n_since": 40, "since": -0.02,
            "difference": 0.1, "low": 0.02, "high": 0.18} | more  # fmt: skip


def test_row(lever_name: str = "win_rate", **more: Any) -> dict[str, Any]:
    """Make a lever's test, on which people differ."""
    return {"lever": lever_name, "part": "", "label": LEVERS[lever_name].label, "reps": 55, "differ": True,
            "p_value": 0.001, "usual": 0.32} | more  # fmt: skip


def coaching(
    people: Sequence[Mapping[str, Any]] = (),
    levers: Sequence[Mapping[str, Any]] = (),
    agreed: Sequence[Mapping[str, Any]] = (),
    tests: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Coaching:
    """Put what was found together."""
    blank = Coaching(DAY)
    frames = {
        "people": _frame(people) if people else blank.people,
        "levers": _frame(levers) if levers else blank.levers,
        "agreed": _frame(agreed) if agreed else blank.agreed,
        "tests": _frame(tests) if tests else blank.tests,
    }
    plain: dict[str, Any] = {"asked_on": DAY, "found_on": DAY, "ends_on": ENDS, "starts_on": BEGAN}
    return Coaching(**plain | frames | more)


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a frame whose texts may be any, halves of characters too, and whose numbers are numbers."""
    frame = pd.DataFrame(list(rows), dtype=object)
    numbers = [name for name in frame if all(isinstance(value, int | float) for value in frame[name])]
    return frame.astype({name: frame[name].infer_objects().dtype for name in numbers})


def team(names: Sequence[object] = ("Ann", "Bob", "Cem"), **more: Any) -> Coaching:
    """Make a team, the first two of whom are named: on the win rate, worth money, and on slippage, which is not."""
    first, second, *_ = names
    shown = [shown_deal(first), shown_deal(second, "pushes", 3.0)]
    stage = {"part": str(first), "observed": 0.4, "expected": 0.7}
    return coaching(
        [person(at, name) for at, name in enumerate(names)],
        [
            lever(0, first, named=True, priority=80_000.0, deals=shown),
            lever(0, first, "stage_conversion", **stage),
            lever(1, second, "slippage", named=True, observed=1.0, expected=0.34, difference=0.6, low=0.5, high=0.7,
                  worth=NAN, worth_low=NAN, worth_high=NAN, deals=shown),
            *(lever(at, name, behind=0.1, observed=0.4, difference=0.0, low=-0.05, high=0.05)
              for at, name in enumerate(names) if at),
        ],
        [agreement(0, first), agreement(1, second, due=False, difference=NAN, low=NAN, high=NAN)],
        [test_row(), test_row("stage_conversion", part=str(first), reps=3, differ=False, p_value=0.4),
         test_row("slippage")],
        **more,
    )  # fmt: skip


def every_block(name: str) -> dict[str, Block]:
    """Make one block of each kind with `name` wherever a text goes in."""
    # Of one name, so that no alphabet decides their order.
    made = team([name] * 3)
    playbook = Playbook(by_lever={"win_rate": (name,)})
    return {
        "coaching list": present.coaching_list(made, playbook, team=True),
        "coaching, short": present.coaching_list(made, playbook, limit=1, short=True),
        "coaching figures": present.coaching_kpis(coaching_figures(made), made),
        "agreements": present.agreed_table(made),
        "levers of people": present.lever_heatmap(made, message=name),
        "win rates": present.win_rate_funnel(made),
        "lever tests": present.lever_tests_table(made),
        "coaching terms": present.coaching_terms(made),
        "managers alone": present.managers_alone(present.headline(name)),
    }
