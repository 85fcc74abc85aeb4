"""Deals at risk as the models give them, made of any name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from spm_lib import present
from spm_lib.data.ledger import ModelRecord
from spm_lib.models.flag_record import FlagRecord
from spm_lib.models.flags import Flags
from spm_lib.models.risk_card import RiskCard
from spm_lib.models.risk_figures import model_figures, risk_figures
from spm_lib.models.risk_money import money_by
from spm_lib.present import Block

DAY, ENDS = dt.date(2017, 8, 14), dt.date(2017, 9, 30)
QUIET = {
    "group": "quiet",
    "points": 0.8,
    "facts": {"days_since_activity": 23.0, "usual_days_since_activity": 6.0},
}
PUSHED = {"group": "pushed", "points": 0.4, "facts": {"pushes": 3.0, "days_pushed": 61.0}}


def deals(names: Sequence[object], **more: Any) -> pd.DataFrame:
    """Make flagged deals, the first with most to lose."""
    count = len(names)
    text = pd.Series(names, dtype=object)
    frame = pd.DataFrame(
        {
            "deal_id": [f"D{at}" for at in range(count)],
            "name": text,
            "account_name": text,
            "rep": [f"R{at}" for at in range(count)],
            "rep_name": text,
            "team": [f"T{at}" for at in range(count)],
            "team_name": text,
            "stage": text,
            "amount": [1000.0 * (count - at) for at in range(count)],
            "expected_close_on": dt.date(2017, 9, 1),
            "due": True,
            "won": 0.2,
            "at_risk": 0.8,
            "promised_won": 0.5,
            "usual_at_risk": 0.5,
            "flagged": True,
            "expected_loss": [300.0 * (count - at) for at in range(count)],
            "change": "",
            "at_risk_before": 0.7,
        }
    )
    frame["reasons"] = [[QUIET, PUSHED]] * count
    frame["rules"] = [["quiet", "pushed"]] * count
    return frame.assign(**more)


def flags(names: Sequence[object] = ("a", "b", "c"), *, left: Sequence[object] = (), **more: Any) -> Flags:
    """Make flags of such deals; `more` replaces fields."""
    text = pd.Series(left, dtype=object)
    gone = pd.DataFrame(
        {"deal_id": text, "name": text, "rep": text, "rep_name": text, "team": text, "team_name": text}
    )
    gone = gone.assign(amount=500.0, at_risk=0.7, at_risk_now=float("nan"), became="lost")
    plain: dict[str, Any] = {
        "asked_on": DAY,
        "scored_on": DAY,
        "horizon": "period",
        "ends_on": ENDS,
        "signal": True,
        "deals": deals(names),
        "earlier_on": DAY - dt.timedelta(days=7),
        "left": gone,
    }
    return Flags(**plain | more)


def record(
    flagged: Mapping[str, float] | None = None, other: Mapping[str, float] | None = None
) -> FlagRecord:
    """Make a record of earlier flags."""
    usual: dict[str, Any] = {
        "n": 12,
        "came_true": 9,
        "lost": 5,
        "slipped": 4,
        "value": 0.75,
        "low": 0.47,
        "high": 0.91,
        "usual": 0.5,
    }
    rows = [{"group": "flagged"} | usual | dict(flagged or {})]
    rows.append(
        {"group": "other"}
        | usual
        | {"n": 80, "came_true": 30, "value": 0.375, "low": 0.28, "high": 0.48}
        | dict(other or {})
    )
    return FlagRecord(DAY - dt.timedelta(days=56), DAY - dt.timedelta(days=26), pd.DataFrame(rows))


def rules() -> list[dict[str, Any]]:
    """Make two measured rules, one that tells and one that does not."""
    row = {
        "n": 900,
        "deals": 300,
        "coverage": 0.2,
        "rate": 0.7,
        "usual": 0.5,
        "lift": 1.4,
        "low": 1.3,
        "high": 1.5,
        "shown": True,
    }
    return [
        {"rule": "quiet", **row},
        {"rule": "overdue", **row, "lift": 1.0, "low": 0.9, "high": 1.1, "shown": False},
    ]


def judged(*, opened: bool = True, name: str = "New") -> dict[str, Any]:
    """Make what is written down of one horizon."""
    skill = 0.07 if opened else -0.01
    part = {
        "kind": "stage",
        "n": 900,
        "deals": 90,
        "base_rate": 0.5,
        "foretold": 0.52,
        "auc": 0.8,
        "brier": 0.14,
    }
    return {
        "n": 6000, "deals": 600, "from_day": "2016-05-30", "to_day": "2017-07-03", "base_rate": 0.48, "auc": 0.88,
        "auc_new_deals": 0.85, "brier": 0.13, "baseline": "stage", "baseline_briers": {"stage": 0.14, "rules": 0.16},
        "brier_skill": skill, "low": skill - 0.02, "high": skill + 0.02, "calibration_error": 0.019, "top_lift": 2.0,
        "calibration": [{"n": 3000, "foretold": 0.2, "came": 0.21}, {"n": 3000, "foretold": 0.8, "came": 0.6}],
        "segments": [
            part | {"name": name, "brier_skill": 0.08},
            part | {"kind": "team", "name": "t0", "brier_skill": -0.01},
        ],
        "gate": {"open": opened, "why": "its squared error was 7% below" if opened else "its squared error was 1% above"},
    }  # fmt: skip


def card(*, opened: Mapping[str, bool] | None = None, name: str = "New", **more: Any) -> RiskCard:
    """Make a model's card; `opened` says which gates are."""
    gates = opened or dict.fromkeys(("30", "60", "90", "period"), True)
    split = {"fitted": 4000, "fitted_deals": 900, "calibrated": 900}
    split |= {f"{what}_{end}": "2017-01-06" for what in ("fitted", "calibrated") for end in ("from", "to")}
    plain = {
        "data": {"from": "2015-06-07", "until": "2017-08-07", "days": 114, "landmarks": 9000, "deals": 1400, "won": 400,
                 "lost": 900, "amounts": 0.9},
        "features": {"used": ["stage", "contacts", "x_score"], "absent": ["activities_30"]},
        "model": {"horizons": {"30": {"estimator": "boosting", "split": split}}},
        "evaluation": {
            "horizons": {horizon: judged(opened=each, name=name) for horizon, each in gates.items()},
            "origins": ["2016-05-29", "2016-12-26"],
            "drift": {"pushes": 0.3, "contacts": 0.12, "age_days": 0.01},
        },
        "rules": rules(),
    } | more  # fmt: skip
    kept = ModelRecord(
        "deal-risk-x", "deal_risk", dt.date(2017, 8, 7), dt.datetime(2017, 8, 7), "any", None, plain
    )
    return RiskCard(kept, DAY, teams={"t0": name})


def every_block(name: str) -> dict[str, Block]:
    """Make one block of each kind with `name` wherever a text goes in."""
    custom = {"group": "x_field", "points": 0.5, "facts": {"x_field": name}}
    made = deals([name, "b", name], change="new")
    made["reasons"] = [[custom, QUIET]] * 3
    some = flags(deals=made, left=[name])
    shut = flags([name], signal=False, why=name)
    model = card(name=name)
    return {
        "risk list": present.risk_list(some, limit=2, team=True),
        "risk list by rules": present.risk_list(shut),
        "risk table": present.risk_table(some, team=True, limit=2),
        "risk chart": present.risk_chart(money_by(some.deals, "team"), some, message=name),
        "risk changes": present.changes_table(some),
        "risk figures": present.risk_kpis(risk_figures(some, record()), some, record()),
        "flag record": present.record_table(record()),
        "rules": present.rules_table(model.rules),
        "calibration": present.calibration_chart(model.calibration("30"), message=name),
        "model figures": present.model_kpis(model_figures(model)),
        "model facts": present.model_facts(model),
        "skill": present.skill_chart(model, message=name),
        "skill by horizon": present.skill_table(model),
        "skill by part": present.segments_table(model),
        "drift": present.drift_table(model),
        "points": present.points([name]),
    }
