"""The gap to plan in money."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spm_lib.metrics import ExpectedShare, evaluate
from spm_lib.metrics.plan import against_plan
from spm_lib.periods import parse_period

D = dt.date


@settings(
    max_examples=10,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_the_gap_is_attainment_less_what_is_due_in_money(data, make_store, draw_company, as_of_meta) -> None:
    store = make_store(meta=as_of_meta, custom={"x_tier": "BIGINT"}, **data.draw(draw_company()))
    snapshot = store.as_of()
    period = parse_period("2024-Q2", as_of=snapshot.date)
    by = data.draw(st.sampled_from([(), ("team",), ("rep",)]))
    share = data.draw(st.sampled_from([0.0, 0.4, 1.0]))
    expected = ExpectedShare(share, "earlier periods", 8)
    frame = against_plan(snapshot, period, by, expected)
    rows = {name: one.reset_index(drop=True) for name, one in frame.groupby("metric")}
    revenue, due, gap = (rows[name]["value"] for name in ("plan_revenue", "plan_to_date", "plan_gap"))
    pd.testing.assert_series_equal(revenue - due, gap, check_names=False)
    attained = evaluate("quota_attainment", snapshot, period, by).reset_index(drop=True)
    pd.testing.assert_series_equal(rows["quota_attainment"]["value"], attained["value"])
    assert (rows["plan_gap"]["n"] == attained["n"]).all()
    assert rows["plan_gap"]["value"].isna().equals(attained["value"].isna())
    # Told once, and under 0.05 exactly where the interval of the gap leaves zero out.
    assert set(frame.loc[frame["p_value"].notna(), "metric"]) <= {"quota_attainment"}
    chance = rows["quota_attainment"]["p_value"]
    judged = rows["plan_gap"][chance.notna()]
    outside = (judged["low"] > 1e-9) | (judged["high"] < -1e-9)
    assert ((chance[judged.index] < 0.05 - 1e-9) <= outside).all()
    assert (outside <= (chance[judged.index] < 0.05 + 1e-9)).all()


def test_nothing_won_is_no_evidence_of_how_large_a_deal_is(make_store) -> None:
    quota = {"owner_kind": "rep", "kind": "individual", "starts_on": D(2024, 4, 1), "ends_on": D(2024, 6, 30)}
    deal = {"deal_id": "D", "owner_id": "R1", "amount": 500, "closed_on": D(2024, 4, 2), "outcome": "won"}
    snapshot = make_store(
        reps=[{"rep_id": "R0"}, {"rep_id": "R1"}],
        deals=[{**deal, "created_on": D(2024, 1, 1)}],
        quotas=[{**quota, "owner_id": r, "amount": 1000} for r in ("R0", "R1")],
        meta={"first_closed_on": D(2024, 1, 1), "last_data_date": D(2024, 5, 15)},
    ).as_of()
    period = parse_period("2024-Q2", as_of=snapshot.date)
    frame = against_plan(snapshot, period, "rep", ExpectedShare(0.5, "earlier periods", 8))
    gaps = frame[frame["metric"] == "plan_gap"].set_index("rep")
    assert gaps["value"].to_dict() == {"R0": -500.0, "R1": 0.0}
    chance = frame[frame["metric"] == "quota_attainment"].set_index("rep")["p_value"]
    assert math.isnan(chance["R0"])
    assert chance["R1"] == pytest.approx(1.0)
