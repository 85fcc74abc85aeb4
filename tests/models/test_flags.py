"""What a report is told of its deals at risk: ranked, of its own scope, with what changed and how flags turned out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.history import Snapshot
from spm_lib.data.ledger import Ledger, ledger_path
from spm_lib.data.store import Store
from spm_lib.models.flag_record import calibrated, calibration_to_date, flag_record
from spm_lib.models.flags import deals_at_risk, read_flags
from spm_lib.models.risk_figures import risk_figures
from spm_lib.models.risk_money import money_at_risk, money_by

from .scorings import WHY, filled, score, with_model

DAY = dt.date(2017, 8, 14)
WEEK_BEFORE, EIGHT_WEEKS_BEFORE = DAY - dt.timedelta(days=7), DAY - dt.timedelta(days=56)
ENDS = {"30": DAY + dt.timedelta(days=30), "period": dt.date(2017, 9, 30)}


def deal(deal_id: str, owner: str = "ann", amount: float | None = 100.0, **more: Any) -> dict[str, Any]:
    plain = {
        "deal_id": deal_id,
        "name": f"Deal {deal_id}",
        "owner_id": owner,
        "amount": amount,
        "outcome": "open",
        "created_on": dt.date(2017, 1, 2),
        "pipeline": "New",
        "stage": "Talks",
        "expected_close_on": dt.date(2017, 9, 1),
    }
    return plain | more


def closed(deal_id: str, outcome: str, day: dt.date, **more: Any) -> dict[str, Any]:
    return deal(deal_id, outcome=outcome, closed_on=day, **more)


@pytest.fixture
def company(make_store: Callable[..., Store]) -> Callable[..., Snapshot]:
    """Give a function that makes a company of two teams, Ann's west and Bob's east, with deals; its last day is `DAY`."""

    def make(*deals: dict[str, Any]) -> Snapshot:
        people = (("ann", "west"), ("bob", "east"))
        store = make_store(
            deals=list(deals),
            reps=[{"rep_id": rep, "name": rep.title()} for rep, _ in people],
            teams=[{"team_id": team, "name": team.title()} for _, team in people],
            team_members=[{"rep_id": rep, "team_id": team} for rep, team in people],
            meta={"last_data_date": DAY, "first_data_date": dt.date(2017, 1, 2)},
        )
        return store.as_of(DAY).keeping()

    return make


def ledger_of(snapshot: Snapshot) -> Ledger:
    return filled(snapshot.store.path)


def test_what_may_be_lost_ranks_and_unknown_amounts_stand_last(company: Callable[..., Snapshot]) -> None:
    snapshot = company(
        deal("small", amount=100),
        deal("large", amount=900),
        deal("safe", amount=5000),
        deal("dark", amount=None),
    )
    ledger = ledger_of(snapshot)
    with_model(ledger)
    scores = {"small": {}, "large": {}, "safe": {"won": 0.6, "flagged": False}, "dark": {}}
    score(ledger, DAY, scores, ends_on=ENDS)
    found = deals_at_risk(snapshot, ledger)
    assert found["deal_id"].tolist() == ["large", "small", "safe", "dark"]
    assert found["expected_loss"].tolist()[:3] == pytest.approx([900 * 0.3, 100 * 0.3, 0.0]), (
        "amount × promised − won, not below 0"
    )
    assert read_flags(snapshot, ledger).flagged["deal_id"].tolist() == ["large", "small", "dark"]


def test_a_team_is_told_of_its_own_deals_alone(company: Callable[..., Snapshot]) -> None:
    snapshot = company(
        deal("mine"),
        deal("theirs", "bob"),
        closed("their loss", "lost", DAY, owner_id="bob"),
        closed("my win", "won", DAY),
    )
    ledger = ledger_of(snapshot)
    with_model(ledger)
    score(
        ledger, WEEK_BEFORE, {name: {} for name in ("mine", "theirs", "their loss", "my win")}, ends_on=ENDS
    )
    score(ledger, DAY, {"mine": {}, "theirs": {}}, ends_on=ENDS)
    west = snapshot.scope("west").keeping()
    flags = read_flags(west, ledger)
    assert flags.deals["deal_id"].tolist() == ["mine"]
    assert flags.left["deal_id"].tolist() == ["my win"]
    assert flags.money.n == 1
    whole = read_flags(snapshot, ledger)
    assert set(whole.deals["deal_id"]) == {"mine", "theirs"}
    by_team = money_by(whole.deals, "team").set_index("team")
    assert by_team["due"].to_dict() == {"east": 100.0, "west": 100.0}
    assert by_team["at_risk"].sum() == pytest.approx(whole.money.at_risk)


def test_money_at_risk_adds_up_with_its_interval_and_counts_what_carries_no_amount() -> None:
    deals = pd.DataFrame(
        {
            "due": [True, True, True, False],
            "amount": [100.0, 300.0, None, 999.0],
            "at_risk": [0.5, 0.1, 0.9, 0.9],
        }
    ).assign(usual_at_risk=0.5)
    money = money_at_risk(deals)
    assert (money.due, money.at_risk, money.n, money.unknown) == (400.0, pytest.approx(80.0), 3, 1)
    assert money.usual == pytest.approx(200.0)
    half = 1.96 * np.sqrt(100**2 * 0.25 + 300**2 * 0.09)
    assert (money.low, money.high) == (0.0, pytest.approx(80 + half, rel=1e-3)), "not below nothing"
    nothing = money_at_risk(deals.head(0))
    assert (nothing.due, nothing.n) == (0.0, 0) and np.isnan(nothing.at_risk)
    assert np.isnan(money_at_risk(deals.assign(at_risk=np.nan)).at_risk), "rules give no chance"


def test_what_changed_since_a_week_before(company: Callable[..., Snapshot]) -> None:
    names = ["new", "up", "same", "calmer"]
    snapshot = company(
        *map(deal, names), closed("won", "won", DAY), closed("lost", "lost", DAY - dt.timedelta(days=2))
    )
    ledger = ledger_of(snapshot)
    with_model(ledger)
    before = {
        "new": {"flagged": False},
        "up": {"at_risk": 0.6},
        "same": {"at_risk": 0.75},
        "calmer": {},
        "won": {},
        "lost": {},
    }
    score(
        ledger, WEEK_BEFORE - dt.timedelta(days=3), {"new": {}}, ends_on=ENDS
    )  # further away: not what is compared with
    score(ledger, WEEK_BEFORE, before, ends_on=ENDS)
    score(ledger, DAY, {name: {"flagged": name != "calmer"} for name in names}, ends_on=ENDS)
    flags = read_flags(snapshot, ledger)
    assert flags.earlier_on == WEEK_BEFORE
    assert flags.deals.set_index("deal_id")["change"].to_dict() == {
        "new": "new",
        "up": "up",
        "same": "",
        "calmer": "",
    }
    assert flags.left.set_index("deal_id")["became"].to_dict() == {
        "won": "won",
        "lost": "lost",
        "calmer": "calmer",
    }


def test_of_the_days_scored_the_latest_one_up_to_the_reports_counts(company: Callable[..., Snapshot]) -> None:
    snapshot = company(deal("a"), deal("came since", created_on=DAY))
    ledger = ledger_of(snapshot)
    with_model(ledger)
    score(ledger, DAY - dt.timedelta(days=20), {"a": {"at_risk": 0.9}}, ends_on=ENDS)
    score(ledger, DAY + dt.timedelta(days=1), {"a": {"at_risk": 0.1}}, ends_on=ENDS)
    flags = read_flags(snapshot, ledger)
    assert (flags.scored_on, flags.age, flags.unscored) == (DAY - dt.timedelta(days=20), 20, 1)
    assert flags.deals["at_risk"].tolist() == [0.9], (
        "what was scored after the report's day is not known to it"
    )


def test_without_a_score_or_past_its_horizon_nothing_is_told(company: Callable[..., Snapshot]) -> None:
    snapshot = company(deal("a"))
    ledger = ledger_of(snapshot)
    assert read_flags(snapshot, ledger).scored_on is None
    assert not ledger_path(snapshot.store.path).exists(), "to read makes no file"
    assert flag_record(snapshot, ledger).scored_on is None
    assert calibration_to_date(snapshot, ledger).empty
    figures = risk_figures(read_flags(snapshot, ledger), flag_record(snapshot, ledger)).set_index("metric")
    assert figures["value"].isna().all() and figures.loc["money_at_risk", "note"] == "not scored"
    with_model(ledger)
    score(
        ledger,
        DAY - dt.timedelta(days=60),
        {"a": {}},
        ends_on={"30": DAY, "period": DAY - dt.timedelta(days=1)},
    )
    assert read_flags(snapshot, ledger).scored_on is None, "that quarter is over"


def test_a_ledger_that_cannot_be_read_is_told_and_no_error(company: Callable[..., Snapshot]) -> None:
    snapshot = company(deal("a"))
    ledger_path(snapshot.store.path).write_bytes(b"no ledger at all, whatever it says" * 40)
    flags = read_flags(snapshot, ledger_of(snapshot))
    assert flags.scored_on is None and "no ledger" in flags.damaged
    assert flag_record(snapshot, ledger_of(snapshot)).scored_on is None


def test_where_the_gate_is_shut_rules_rank_by_amount_and_no_chance_is_told(
    company: Callable[..., Snapshot],
) -> None:
    snapshot = company(deal("small", amount=10), deal("large", amount=1000))
    ledger = ledger_of(snapshot)
    with_model(ledger, opened=False)
    rows = {"small": {"won": 0.0, "rules": ["quiet"]}, "large": {"won": 0.5, "rules": ["pushed"]}}
    score(ledger, WEEK_BEFORE, {"small": {"at_risk": 0.1}, "large": {"at_risk": 0.1}}, ends_on=ENDS)
    score(ledger, DAY, rows, ends_on=ENDS)
    flags = read_flags(snapshot, ledger)
    assert (flags.signal, flags.why) == (False, WHY)
    assert flags.deals["deal_id"].tolist() == ["large", "small"]
    assert flags.deals["expected_loss"].isna().all()
    assert set(flags.deals["change"]) == {""}, "a chance without skill has not gone up"
    assert np.isnan(
        risk_figures(flags, flag_record(snapshot, ledger)).set_index("metric").loc["money_at_risk", "value"]
    )


def test_too_little_data_leaves_the_rules_and_says_so(company: Callable[..., Snapshot]) -> None:
    snapshot = company(deal("a"))
    ledger = ledger_of(snapshot)
    note = "45 deals were won: 155 more are needed"
    nothing = dict.fromkeys(
        ("won", "lost", "open", "at_risk", "promised_won", "usual_at_risk", "raw_score"), np.nan
    )
    score(ledger, DAY, {"a": nothing | {"rules": ["overdue"]}}, ends_on=ENDS, model=None, note=note)
    flags = read_flags(snapshot, ledger)
    assert (flags.signal, flags.why) == (False, note)
    assert flags.flagged["deal_id"].tolist() == ["a"]


def test_a_flag_came_true_where_the_deal_was_lost_or_due_and_not_won(
    company: Callable[..., Snapshot],
) -> None:
    over = EIGHT_WEEKS_BEFORE + dt.timedelta(days=30)
    inside, after = over, over + dt.timedelta(days=1)
    snapshot = company(
        closed("lost", "lost", inside),
        closed("lost late, due", "lost", after),
        closed("lost late, not due", "lost", after),
        closed("won", "won", inside),
        closed("won late, due", "won", after),
        deal("open, due"),
        deal("open, not due"),
        closed("other, lost", "lost", inside),
        deal("theirs", "bob"),
    )
    ledger = ledger_of(snapshot)
    with_model(ledger)
    rows: dict[str, dict[str, Any]] = {
        name: {"due": "not due" not in name, "flagged": not name.startswith("other")}
        for name in (
            "lost",
            "lost late, due",
            "lost late, not due",
            "won",
            "won late, due",
            "open, due",
            "open, not due",
        )
    }
    rows |= {"other, lost": {"flagged": False}, "theirs": {}}
    score(ledger, EIGHT_WEEKS_BEFORE + dt.timedelta(days=2), rows, ends_on=ENDS | {"30": over})
    score(
        ledger, EIGHT_WEEKS_BEFORE - dt.timedelta(days=9), {"lost": {}}, ends_on=ENDS | {"30": over}
    )  # further away
    record = flag_record(snapshot.scope("west").keeping(), ledger)
    assert record.scored_on == EIGHT_WEEKS_BEFORE + dt.timedelta(days=2) and record.ends_on == over
    flagged = record.flagged
    assert (flagged["n"], flagged["lost"], flagged["slipped"], flagged["came_true"]) == (7, 1, 3, 4)
    assert flagged["low"] < 4 / 7 < flagged["high"] and flagged["usual"] == 0.5
    assert (record.other["n"], record.other["came_true"]) == (1, 1)


def test_a_scoring_too_far_off_or_not_over_yet_is_not_judged(company: Callable[..., Snapshot]) -> None:
    snapshot = company(deal("a"))
    ledger = ledger_of(snapshot)
    with_model(ledger)
    score(ledger, EIGHT_WEEKS_BEFORE - dt.timedelta(days=11), {"a": {}}, ends_on=ENDS | {"30": DAY})
    score(
        ledger,
        EIGHT_WEEKS_BEFORE + dt.timedelta(days=10),
        {"a": {}},
        ends_on=ENDS | {"30": DAY + dt.timedelta(days=1)},
    )
    assert flag_record(snapshot, ledger).scored_on is None


def test_calibration_counts_a_deal_once_at_its_latest_scoring_that_is_over(
    company: Callable[..., Snapshot],
) -> None:
    names = [f"d{at:02}" for at in range(40)]
    days = [DAY - dt.timedelta(days=back) for back in (70, 40, 10)]
    snapshot = company(
        *(
            closed(name, "lost", days[1] + dt.timedelta(days=1)) if at % 2 else deal(name)
            for at, name in enumerate(names)
        )
    )
    ledger = ledger_of(snapshot)
    with_model(ledger)
    for day, chance in zip(days, (0.1, 0.5, 0.9), strict=True):
        rows = {name: {"at_risk": chance, "due": False} for name in names}
        score(ledger, day, rows, ends_on=ENDS | {"30": day + dt.timedelta(days=30)})
    found = calibration_to_date(snapshot, ledger)
    assert found["n"].sum() == 40, "neither the earlier scoring nor the one that is not over"
    assert found["said"].tolist() == pytest.approx([0.5] * len(found))
    assert found["value"].mean() == pytest.approx(0.5)


def test_bins_are_of_equal_size_and_few_deals_make_none() -> None:
    chances = np.linspace(0, 1, 103)
    found = calibrated(chances, chances > 0.5)
    assert found["n"].tolist() == [21, 21, 21, 20, 20]
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()
    assert found["said_low"].iloc[1] > found["said_high"].iloc[0]
    assert calibrated(chances[:19], chances[:19] > 0.5).empty
