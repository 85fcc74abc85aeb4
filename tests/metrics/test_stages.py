"""Stages passed, and what is waiting in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from spm_lib.metrics import evaluate
from spm_lib.periods import parse_period

D = dt.date
END = D(2024, 6, 30)
Q2 = parse_period("2024-Q2", as_of=END)


def stage(
    name: str, position: int, probability: float | None = None, outcome: str = "open", pipeline: str = "New"
):
    return {
        "pipeline": pipeline,
        "stage": name,
        "position": position,
        "probability": probability,
        "outcome": outcome,
    }


STAGES = [
    stage("Talk", 1),
    stage("Offer", 2),
    stage("Sign", 3),
    stage("Won", 4, 1, "won"),
    stage("Lost", 5, 0, "lost"),
]


def deal(i: int, outcome: str, at: str | None = None, **more: Any) -> dict[str, Any]:
    closed = None if outcome == "open" else D(2024, 5, 10)
    present = at or {"won": "Won", "lost": "Lost"}.get(outcome)
    return {"deal_id": f"D{i}", "owner_id": "R0", "outcome": outcome, "pipeline": "New", "stage": present,
            "amount": 100, "created_on": D(2024, 4, 1), "closed_on": closed, **more}  # fmt: skip


def move(i: int, old: str | None, new: str, day: int = 5, month: int = 4) -> dict[str, Any]:
    return {"deal_id": f"D{i}", "field": "stage", "old_value": old, "new_value": new,
            "changed_at": dt.datetime(2024, month, day)}  # fmt: skip


@pytest.fixture
def ask(make_store):
    def asked(metric, deals, changes=(), stages=STAGES, **more):
        store = make_store(
            reps=[{"rep_id": "R0"}], deals=deals, deal_changes=changes, stages=stages,
            meta={"last_data_date": END, "first_data_date": D(2024, 1, 1), "first_closed_on": D(2024, 1, 1)},
        )  # fmt: skip
        return evaluate(metric, store.as_of(), Q2, **more)

    return asked


def test_skipped_stages_count_as_passed_and_the_product_is_the_win_rate(ask):
    deals = [
        deal(0, "won"),
        deal(1, "won"),
        deal(2, "lost"),
        deal(3, "lost"),
        deal(4, "lost"),
        deal(5, "open", "Sign"),
    ]
    changes = [
        move(0, "Talk", "Sign"), move(0, "Sign", "Won", 6),
        move(1, "Talk", "Won"),
        move(2, "Talk", "Sign"), move(2, "Sign", "Talk", 6), move(2, "Talk", "Lost", 7),  # went back before it was lost
        move(3, "Talk", "Offer"), move(3, "Offer", "Lost", 6),
        move(4, "Talk", "Lost"),
    ]  # fmt: skip
    frame = ask("stage_conversion", deals, changes)
    assert frame["part"].tolist() == ["Talk", "Offer", "Sign"]
    assert frame["n"].tolist() == [5, 4, 3]
    assert frame["value"].tolist() == pytest.approx([4 / 5, 3 / 4, 2 / 3])
    assert frame["value"].prod() == pytest.approx(ask("win_rate", deals, changes)["value"].iloc[0])
    assert frame["note"].isna().all()


def test_deals_of_which_no_stage_is_known_are_left_out_and_counted(ask):
    deals = [deal(0, "won"), deal(1, "lost"), deal(2, "won"), deal(3, "lost", "Offer")]
    frame = ask("stage_conversion", deals, [move(0, "Talk", "Won")])
    assert frame["n"].tolist() == [2, 2, 1]
    assert frame["note"].tolist() == ["2 deals without known stages left out"] * 3


def test_without_stages_or_history_there_is_one_row_that_says_so(ask):
    for stages, note in (((), "there is no table of stages"), (STAGES, "there is no history of stages")):
        frame = ask("stage_conversion", [deal(0, "won"), deal(1, "lost")], stages=stages)
        assert len(frame) == 1
        assert frame["part"].isna().all()
        assert frame["value"].isna().all()
        assert frame["note"].tolist() == [note]


def test_a_stage_that_two_pipelines_have_is_told_by_both_names(ask):
    stages = [*STAGES, stage("Talk", 1, pipeline="Old"), stage("Renew", 2, pipeline="Old")]
    deals = [
        deal(0, "lost", "Talk"),
        deal(1, "lost", "Talk", pipeline="Old"),
        deal(2, "lost", "Renew", pipeline=None),
    ]
    frame = ask("stage_conversion", deals, stages=stages).set_index("part")
    assert frame["n"].to_dict() == {"New: Talk": 1, "Offer": 0, "Sign": 0, "Old: Talk": 2, "Renew": 1}
    assert frame["value"]["Old: Talk"] == 0.5
    # Without a pipeline a name that two share means neither.
    frame = ask(
        "stage_conversion", [deal(0, "lost", "Talk", pipeline=None)], [move(0, None, "Talk")], stages=stages
    )
    assert (frame["n"] == 0).all()


def test_amounts_are_weighted_by_the_stage_s_probability(ask):
    stages = [stage("Talk", 1, 0.2), stage("Sign", 2, 0.9)]
    deals = [
        deal(0, "open", "Talk"),
        deal(1, "open", "Sign", amount=50),
        deal(2, "open", "Sign", pipeline=None),
    ]
    row = ask("weighted_pipeline", deals, stages=stages).iloc[0]
    assert (row["value"], row["n"]) == (pytest.approx(20 + 45 + 90), 3)
    spread = np.sqrt(100**2 * 0.16 + 50**2 * 0.09 + 100**2 * 0.09)
    assert row["high"] - row["value"] == pytest.approx(1.959963984540054 * spread)


def test_without_a_probability_the_past_share_of_the_stage_stands_in(ask):
    early = {"created_on": D(2024, 1, 1), "closed_on": D(2024, 2, 10)}
    deals = [
        deal(0, "won", **early), deal(1, "lost", **early), deal(2, "lost", **early), deal(3, "lost", **early),
        deal(4, "open", "Offer"), deal(5, "open", "Sign"), deal(6, "open", "Talk", amount=None),
    ]  # fmt: skip
    changes = [
        move(0, "Offer", "Won", month=1),
        move(1, "Offer", "Lost", month=1),
        move(2, "Talk", "Offer", month=1),
        move(2, "Offer", "Lost", day=6, month=1),
        move(3, "Offer", "Lost", month=1),
    ]
    row = ask("weighted_pipeline", deals, changes).iloc[0]
    assert (row["value"], row["n"]) == (25, 1)
    assert row["note"] == "2 open deals without amount or probability left out"
    # What closes in the quarter that runs, or a share that changes in it, moves no chance.
    since = [*changes, move(7, "Offer", "Won"), move(1, "Lost", "Offer"), move(1, "Offer", "Won", day=6)]
    deals[1] = deal(1, "won", **early)
    assert ask("weighted_pipeline", [*deals, deal(7, "won")], since).iloc[0]["value"] == 25


def test_a_pipeline_of_which_nothing_is_known_is_not_zero(ask):
    row = ask("weighted_pipeline", [deal(0, "open", "Talk")]).iloc[0]
    assert np.isnan(row["value"])
    assert row["n"] == 0
    assert row["note"] == "1 open deal without amount or probability left out"


def test_a_group_without_open_deals_has_none_but_a_source_without_any_has_no_pipeline(ask):
    deals = [deal(0, "won", source="web"), deal(1, "open", "Won", source="fair")]
    row = ask("weighted_pipeline", deals, by="source").set_index("source").loc["fair"]
    assert (row["value"], row["n"]) == (100, 1)
    frame = ask(["weighted_pipeline", "revenue"], deals, by="source").set_index(["metric", "source"])
    assert frame.loc[("weighted_pipeline", "web"), "value"] == 0
    frame = ask(["weighted_pipeline", "sales_velocity"], [deal(0, "won")])
    assert frame["value"].isna().all()
    assert set(frame["note"]) == {"the source has no open deals"}
