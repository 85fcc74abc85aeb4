"""What a report reads of coaching: the order of people, expected attainment, key figures, and what is measured late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.coaching_ledger import LEVER_COLUMNS, OUTLOOK_COLUMNS, PROGRESS_COLUMNS, CoachingLedger
from spm_lib.data.ingest import ingest
from spm_lib.data.ledger import ledger_path
from spm_lib.data.store import Store, open_store
from spm_lib.models.coaching.coaching import Coaching, read_coaching
from spm_lib.models.coaching.coaching_day import record_day, record_missing
from spm_lib.models.coaching.coaching_figures import coaching_figures
from spm_lib.models.coaching.review_deals import review_deals
from spm_lib.models.scoring import score_store

from .test_coaching_day import DAY, NOW, company

MakeStore = Callable[..., Store]
NAMES = {"r-1": "Ann", "r-2": "Bo", "r-3": "Cy", "r-4": "Di"}


def lever(rep: str, name: str, worth: float, behind: float = 0.9, **more: object) -> dict[str, object]:
    told = {"n": 50, "observed": 0.2, "expected": 0.3, "difference": -0.1, "low": -0.15, "high": -0.05}
    money = {"worth": worth, "worth_low": 0.5 * worth, "worth_high": 2 * worth}
    kept = {"named": True, "deals": [], "stands_out": False, "middle_of": "team"}
    return {"rep_id": rep, "lever": name, "part": "", **told, "behind": behind, **money, **kept, **more}


def outlook(rep: str, miss: float) -> dict[str, object]:
    days = {"starts_on": dt.date(2024, 10, 1), "ends_on": DAY}
    money = {"quota": 100.0, "revenue": 10.0, "expected": 80.0, "low": 60.0, "high": 95.0}
    return {"rep_id": rep, **days, **money, "miss": miss}


def written(
    store: Store,
    levers: list[dict[str, object]],
    outlooks: list[dict[str, object]],
    *,
    progress: pd.DataFrame | None = None,
    day: dt.date = DAY,
) -> None:
    """Write down what was found on a day."""
    CoachingLedger(ledger_path(store.path)).record(
        day,
        pd.DataFrame(levers, columns=list(LEVER_COLUMNS)),
        pd.DataFrame(outlooks, columns=list(OUTLOOK_COLUMNS)),
        pd.DataFrame(columns=list(PROGRESS_COLUMNS)) if progress is None else progress,
        {"starts_on": "2024-01-01"},
        made_at=NOW,
    )


@pytest.fixture
def read(make_store: MakeStore) -> Callable[..., Coaching]:
    """Give what a report reads where these levers and outlooks were written down."""
    store = make_store(
        reps=[{"rep_id": rep, "name": name} for rep, name in NAMES.items()],
        deals=[{"deal_id": "d", "owner_id": "r-1", "outcome": "open", "created_on": DAY}],
    )

    def of(
        levers: list[dict[str, object]], outlooks: list[dict[str, object]], day: dt.date = DAY
    ) -> Coaching:
        written(store, levers, outlooks)
        return read_coaching(store.as_of(day))

    return of


def test_who_is_likely_to_miss_comes_first_though_nobody_knows_the_money(
    read: Callable[..., Coaching],
) -> None:
    levers = [
        lever("r-1", "win_rate", 40.0),
        lever("r-2", "hygiene", np.nan),
        lever("r-3", "activity", np.nan),
        lever("r-4", "deal_size", 60.0, named=False),
    ]
    risks = {"r-1": 0.2, "r-2": 0.9, "r-3": 0.1, "r-4": 1.0}
    found = read(levers, [outlook(rep, miss) for rep, miss in risks.items()])
    assert found.people["rep_id"].tolist() == ["r-2", "r-1", "r-3", "r-4"]
    priority = found.people.set_index("rep_id")["priority"]
    assert priority["r-1"] == pytest.approx(0.2 * 40 * 0.9)
    assert priority.drop("r-1").isna().all(), "what nobody knows is not told"
    assert found.named["rep_id"].tolist() == ["r-2", "r-1", "r-3"]


def test_money_that_comes_once_is_no_attainment_and_a_figure_of_its_own(
    read: Callable[..., Coaching],
) -> None:
    levers = [
        lever("r-1", "win_rate", 20.0),
        lever("r-2", "cycle_length", 60.0),
        lever("r-3", "deal_size", 10.0, behind=0.8),
        lever("r-3", "discount", 5.0),
    ]
    found = read(levers, [outlook(rep, 0.5) for rep in NAMES])
    people = found.people.set_index("rep_id")
    assert people.index.tolist() == ["r-1", "r-2", "r-3", "r-4"], "60 once is 15 in each quarter of a year"
    then = people[["attainment_then", "attainment_then_low", "attainment_then_high"]]
    assert then.loc["r-1"].tolist() == pytest.approx([1.0, 0.9, 1.2])
    assert then.loc[["r-2", "r-4"]].isna().all(axis=None)
    assert found.levers.set_index("lever")["comes"].to_dict() == {
        "win_rate": "each quarter",
        "cycle_length": "once",
        "deal_size": "each quarter",
        "discount": "each quarter",
    }
    figures = coaching_figures(found).set_index("metric")
    assert figures.loc["coaching_worth", ["value", "n"]].tolist() == pytest.approx([26.0, 2])
    assert figures.loc["coaching_worth_once", ["value", "n"]].tolist() == pytest.approx([54.0, 1])
    # Each is half to twice its worth; two independent ones together are less unsure than either.
    ends = figures.loc["coaching_worth", ["low", "high"]].tolist()
    assert ends == pytest.approx([26 - np.hypot(9, 4), 26 + np.hypot(18, 8)])
    assert figures.loc["coaching_worth_once", ["low", "high"]].tolist() == pytest.approx([27.0, 108.0])
    assert figures["note"].isna().all()


@pytest.mark.parametrize(("ends", "told"), [(0, True), (2, False), (5, True)])
def test_an_outlook_on_a_quarter_that_ended_since_is_told_no_more(
    read: Callable[..., Coaching], ends: int, told: bool
) -> None:
    """Read three days later: one that was over when it was told is past, one that ended since is neither."""
    last = DAY + dt.timedelta(days=ends)
    found = read(
        [lever("r-1", "win_rate", 40.0)],
        [outlook("r-1", 0.25) | {"ends_on": last}],
        day=DAY + dt.timedelta(days=3),
    )
    assert found.age == 3
    assert found.people["miss"].notna().any() == told
    assert found.ends_on == (last if told else None)
    assert coaching_figures(found).set_index("metric").loc["quotas_missed", "n"] == int(told)
    # A chance that is told no more is left out of the order, too.
    assert found.people["priority"].iloc[0] == pytest.approx(40 * 0.9 * (0.25 if told else 1.0))


def test_a_deal_that_is_somebody_else_s_by_now_is_not_shown(make_store: MakeStore) -> None:
    deals = [
        {"deal_id": "own", "owner_id": "r-1", "outcome": "open", "created_on": DAY},
        {"deal_id": "handed", "owner_id": "r-2", "outcome": "open", "created_on": DAY},
    ]
    store = make_store(reps=[{"rep_id": rep, "name": name} for rep, name in NAMES.items()], deals=deals)
    shown = [{"deal_id": name, "fact": "stage", "value": "Demo"} for name in ("handed", "own")]
    written(store, [lever("r-1", "win_rate", 40.0, deals=shown)], [])
    (row,) = read_coaching(store.as_of(DAY)).named.to_dict("records")
    assert [deal["deal_id"] for deal in row["deals"]] == ["own"]


def test_what_was_last_measured_of_an_agreement_stays(make_store: MakeStore) -> None:
    """A year after it the agreement is not followed any more; what came of it by then is told, with its day."""
    store = make_store(
        reps=[{"rep_id": rep, "name": name} for rep, name in NAMES.items()],
        deals=[{"deal_id": "d", "owner_id": "r-1", "outcome": "open", "created_on": DAY}],
    )
    ledger = CoachingLedger(ledger_path(store.path))
    agreed_on, later = DAY - dt.timedelta(days=360), DAY + dt.timedelta(days=30)
    one = ledger.agree("r-1", "win_rate", "Listen", agreed_on, DAY, NOW)
    ledger.agree("r-1", "win_rate", "Never measured", agreed_on, DAY, NOW)
    moved = {"agreement_id": one.agreement_id, "n_before": 80, "before": -0.2, "n_since": 40, "since": -0.1}
    rows = pd.DataFrame([moved | {"difference": 0.1, "low": 0.02, "high": 0.18}])
    written(store, [], [], progress=rows)
    written(store, [], [], day=later)
    last, never = read_coaching(store.as_of(later)).agreed.sort_values("agreement_id").to_dict("records")
    assert (last["followed"], last["measured_on"].date(), last["difference"]) == (False, DAY, 0.1)
    assert not never["followed"] and np.isnan(never["difference"])
    assert read_coaching(store.as_of(DAY)).agreed["followed"].all()


def test_why_nothing_can_be_told_holds_for_one_person_too() -> None:
    whole = Coaching(DAY, damaged="the ledger is damaged")
    assert whole.of("r-1").damaged == whole.damaged


def test_without_money_figures_say_so(read: Callable[..., Coaching]) -> None:
    found = read([lever("r-1", "hygiene", np.nan)], [])
    figures = coaching_figures(found).set_index("metric")
    for name in ("coaching_worth", "coaching_worth_once"):
        assert figures.loc[name, ["value", "low", "high"]].isna().all() and figures.loc[name, "note"]
    assert found.people["attainment_then_low"].isna().all()


def test_feedback_that_comes_after_the_day_was_written_is_measured_then(tmp_path: Path) -> None:
    """Also only once, and what was measured before stays."""
    company(tmp_path, weak=(3, 5))
    deals = pd.read_csv(tmp_path / "deals.csv")
    since = (deals["owner_id"] == "r03") & (deals["closed_on"] > "2024-06-30")
    deals.loc[since, "outcome"] = "won"
    deals.to_csv(tmp_path / "deals.csv", index=False)
    store = tmp_path / "store.duckdb"
    ingest(tmp_path / "source.yml", store, now=NOW)
    with open_store(store) as opened:
        day = opened.meta.last_data_date
    assert day is not None
    ledger = CoachingLedger(ledger_path(store))
    middle = dt.date(2024, 6, 30)

    def agree(rep: str) -> int:
        return ledger.agree(rep, "win_rate", "Listen", middle, day, NOW).agreement_id

    def measured() -> int:
        with open_store(store) as opened:
            return record_missing(opened.as_of(day), ledger)

    def said_while_scoring() -> list[str]:
        said: list[str] = []
        score_store(store, day, clock=lambda: NOW, progress=said.append)
        return said

    assert measured() == 0, "the day is not written"
    first = agree("r05")
    with open_store(store) as opened:
        assert record_day(
            opened.as_of(day), ledger, clock=lambda: NOW, refit_days=0, progress=lambda said: None
        )
    before = ledger.progress(day)
    assert before["agreement_id"].tolist() == [first]
    late, nobody = agree("r03"), agree("r99")
    assert any("feedback that is new" in said for said in said_while_scoring())
    found = ledger.progress(day).set_index("agreement_id")
    assert found.index.tolist() == [first, late] and nobody not in found.index
    assert found.loc[late, "low"] > 0.5
    pd.testing.assert_frame_equal(ledger.progress(day).iloc[:1], before)
    assert measured() == 0
    assert said_while_scoring() == [], "also what could not be measured is not tried again"


def test_deals_that_are_lost_in_a_step_are_shown_by_those_that_linger_in_it() -> None:
    deals = pd.DataFrame(
        {
            "deal_id": ["large", "old", "older", "elsewhere"],
            "owner_id": "r-1",
            "stage": ["Proposal", "Proposal", "Proposal", "Discovery"],
            "pipeline": "New",
            "amount": [900.0, 20.0, 10.0, 50.0],
            "days_in_stage": [2.0, 40.0, 70.0, 99.0],
        }
    )
    named = pd.DataFrame([{"rep_id": "r-1", "lever": "stage_conversion", "part": "Proposal"}])
    (shown,) = review_deals(named, deals)
    assert [deal["deal_id"] for deal in shown] == ["older", "old", "large"]
    assert [deal["value"] for deal in shown] == [70.0, 40.0, 2.0]
