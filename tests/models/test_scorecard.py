"""The scorecard of one rep: known answers, the metrics as oracle, and nothing of anybody else's in it."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.history import Snapshot
from spm_lib.data.store import open_store
from spm_lib.errors import UnknownNameError
from spm_lib.metrics import compare, evaluate
from spm_lib.models.coaching.coaching import people_of_scope
from spm_lib.models.scorecard import Scorecard, scorecard
from spm_lib.periods import parse_period

D = dt.date
DAY = D(2024, 5, 15)  # the 45th day of the quarter
Q2 = parse_period("2024-Q2", as_of=DAY)
META = {"first_data_date": D(2022, 1, 1), "first_closed_on": D(2022, 1, 1), "last_data_date": DAY}
NAMES = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"]
REPS = [{"rep_id": f"R{i}", "name": name} for i, name in enumerate(NAMES)]
TEAMS = [{"team_id": "T0", "name": "West"}, {"team_id": "T1", "name": "East"}]
WEST = [{"rep_id": f"R{i}", "team_id": "T0"} for i in range(6)]
_NUMBER = iter(range(10**6))


def won(rep: int, day: D, amount: float | None = 100.0, **more: Any) -> dict[str, Any]:
    return {"deal_id": f"D{next(_NUMBER)}", "name": f"Deal of {rep}", "owner_id": f"R{rep}", "outcome": "won",
            "amount": amount, "closed_on": day, "created_on": day - dt.timedelta(days=40)} | more  # fmt: skip


def lost(rep: int, day: D) -> dict[str, Any]:
    return won(rep, day, None, outcome="lost")


def due(rep: int, day: D | None, amount: float | None = 100.0) -> dict[str, Any]:
    return won(
        rep, DAY, amount, outcome="open", closed_on=None, expected_close_on=day, created_on=D(2024, 5, 1)
    )


def quota(rep: int, amount: float, start: D = Q2.start, end: D = Q2.end, **more: Any) -> dict[str, Any]:
    return {"owner_kind": "rep", "owner_id": f"R{rep}", "kind": "individual", "starts_on": start, "ends_on": end,
            "amount": amount} | more  # fmt: skip


def company(make_store: Any, **tables: Any) -> Snapshot:
    rows = {"reps": REPS, "teams": TEAMS, "team_members": WEST, "deals": [], **tables}
    taken = {"meta": META | rows.pop("meta", {})}
    snapshot: Snapshot = make_store(**{name: list(each) for name, each in rows.items()}, **taken).as_of(None)
    return snapshot


def card_of(make_store: Any, rep: str = "R0", period: Any = Q2, **tables: Any) -> Scorecard:
    snapshot = company(make_store, **tables)
    team = "T0" if snapshot.teams else None
    return scorecard((snapshot.scope(team) if team else snapshot).keeping(), rep, period)


def figure(card: Scorecard, metric: str) -> Any:
    return card.figures.set_index("metric").loc[metric]


#: One win early and one late in each quarter of the past, which only a whole quarter counts.
PAST = [
    won(0, start + dt.timedelta(days=shift), amount)
    for start, early, late in [(D(2023, 4, 1), 10, 70), (D(2023, 7, 1), 20, 80), (D(2023, 10, 1), 30, 90),
                               (D(2024, 1, 1), 100, 200)]
    for shift, amount in ((20, early), (80, late))
]  # fmt: skip


def test_known_answers(make_store: Any) -> None:
    deals = [won(0, D(2024, 4, 10), 100), won(0, D(2024, 5, 10), 200), lost(0, D(2024, 5, 2)), *PAST]
    deals += [
        lost(0, D(2024, 3, 20)),
        due(0, D(2024, 6, 1), 250),
        due(0, D(2024, 6, 30), None),
        due(0, D(2024, 7, 1)),
    ]
    past = [D(2023, 4, 1), D(2023, 7, 1), D(2023, 10, 1), D(2024, 1, 1)]
    ends = [*past[1:], D(2024, 4, 1)]
    quotas = [
        quota(0, 1000),
        *(quota(0, 300, a, b - dt.timedelta(days=1)) for a, b in zip(past, ends, strict=True)),
    ]
    card = card_of(make_store, deals=deals, quotas=quotas)
    assert (card.name, card.team_name, card.period, card.since) == ("Ann", "West", Q2, None)
    revenue = figure(card, "revenue")
    assert (revenue["value"], revenue["n"], revenue["previous"]) == (300, 2, 100)
    assert revenue["usual"] == pytest.approx((10 + 20 + 30 + 100) / 4) and revenue["usual_n"] == 4
    assert figure(card, "quota_attainment")["value"] == pytest.approx(0.3)
    assert math.isnan(figure(card, "quota_attainment")["usual"])
    assert figure(card, "quota_pace")["usual"] == pytest.approx(600 / 1200)
    assert figure(card, "win_rate")["value"] == pytest.approx(2 / 3)
    assert figure(card, "win_rate")["usual"] == pytest.approx(8 / 9)
    assert figure(card, "average_deal_size")["usual"] == pytest.approx(600 / 8)
    assert figure(card, "sales_cycle")["value"] == 40
    # The three open ones: those that were won in the quarter began before it.
    assert figure(card, "deals_created")["value"] == 3
    target = card.target
    assert (target.quota, target.revenue, target.missing, target.days_left) == (1000, 300, 700, 46)
    assert target.per_week == pytest.approx(700 / (46 / 7))
    assert target.size.n == 10 and target.size.value == pytest.approx(90) and target.deals == 8
    assert (
        target.win_rate.n == 12 and target.win_rate.value == pytest.approx(10 / 12) and target.decisions == 10
    )
    assert (target.due, target.due_n, target.due_unknown) == (250, 1, 1)
    assert list(card.won["amount"]) == [200, 100] and list(card.due["amount"].dropna()) == [250]


def test_few_deals_have_no_interval_and_no_test(make_store: Any) -> None:
    deals = [*(won(0, day, 50.0) for day in (D(2024, 1, 5), D(2024, 1, 10), D(2024, 1, 20))), *PAST]
    quotas = [quota(0, 1000), quota(0, 300, D(2024, 1, 1), D(2024, 3, 31))]
    for count in range(6):
        now = [won(0, D(2024, 4, 10 + i), 100.0 + i) for i in range(count)]
        card = card_of(make_store, deals=[*deals, *now], quotas=quotas)
        told = card.figures.set_index("metric")
        for name in ("revenue", "quota_attainment", "quota_pace"):
            assert math.isnan(told.at[name, "low"]) == math.isnan(told.at[name, "high"]) == (count < 3)
            assert count < 3 or 0 <= told.at[name, "low"] < told.at[name, "value"] < told.at[name, "high"]
        revenue = told.loc["revenue", ["p_value", "usual_p_value"]].astype(float)
        assert revenue.notna().all() == (count >= 3) and revenue.isna().all() == (count < 3)
        # Attainment and pace say what revenue says: no second chance to call it a difference.
        said = told.loc[["quota_attainment", "quota_pace"], ["p_value", "usual_p_value"]]
        assert said.isna().all(axis=None)
        assert (told["low"].dropna() >= 0).all() and (card.months["low"].dropna() >= 0).all()


def test_the_first_day_of_a_quarter_differs_in_nothing(make_store: Any) -> None:
    deals = [won(0, D(2023, 4, 5) + dt.timedelta(days=11 * i), 100.0) for i in range(30)]
    ends = [(D(2023, m, 1), D(2023, m + 2, 30)) for m in (4, 7, 10)] + [(D(2024, 1, 1), D(2024, 3, 31))]
    quotas = [quota(0, 1000), *(quota(0, 500, a, b) for a, b in ends)]
    first = {"last_data_date": Q2.start}
    card = card_of(
        make_store, deals=[d for d in deals if d["closed_on"] <= Q2.start], quotas=quotas, meta=first
    )
    assert not card.figures[["significant", "usual_significant"]].any(axis=None)
    assert figure(card, "quota_pace")["usual"] > 0, "there is a past that one could be found to lie below"


def test_deals_created_have_the_exact_interval_of_a_count(make_store: Any) -> None:
    deals = [due(0, D(2024, 6, 1)) for _ in range(5)]
    row = figure(card_of(make_store, deals=deals), "deals_created")
    assert row["value"] == 5 and (row["low"], row["high"]) == pytest.approx((1.6235, 11.6683), abs=1e-4)
    # None at all where there were many is a difference that chance does not explain.
    many = [won(0, D(2024, 1, 3 + i), created_on=D(2024, 1, 2 + i)) for i in range(20)]
    none = figure(card_of(make_store, deals=many), "deals_created")
    assert none["value"] == 0 and none["previous"] == 20 and none["significant"]


def test_over_the_whole_of_a_period_sums_are_compared_with_whole_ones(make_store: Any) -> None:
    q1 = parse_period("2024-Q1", as_of=DAY)
    card = card_of(make_store, period=q1, deals=PAST, quotas=[quota(0, 300, q1.start, q1.end)])
    revenue = figure(card, "revenue")
    assert revenue["value"] == 300 and revenue["usual"] == pytest.approx((0 + 80 + 100 + 120) / 4)
    assert revenue["usual_n"] == 4, "a quarter without a win is one, as the data reach back to it"
    assert figure(card, "quota_attainment")["value"] == 1 and card.target.reached_on == D(2024, 3, 21)


def test_a_period_to_date_is_told_as_the_whole_on_its_last_day(make_store: Any) -> None:
    deals = [won(0, D(2024, 4, 10)), won(0, D(2024, 5, 10))]
    cut = parse_period("2024-Q2..2024-04-30", as_of=DAY)
    card = card_of(make_store, period=cut, deals=deals, quotas=[quota(0, 500)])
    assert (card.as_of, card.period, card.target.revenue, card.target.missing) == (
        D(2024, 4, 30),
        Q2,
        100,
        400,
    )


@pytest.mark.parametrize("people", [4, 5, 6])
def test_the_teams_middle_is_told_of_five_people_or_more(people: int, make_store: Any) -> None:
    deals = [won(i, D(2024, 4, 10), 100.0 * 2**i) for i in range(people)]
    card = card_of(make_store, deals=deals, team_members=WEST[:people])
    row = figure(card, "revenue")
    assert row["n_people"] == people
    if people < 5:
        assert card.figures["middle"].isna().all()
    else:
        middle = [200.0, 400.0, 800.0] if people == 5 else [200.0, 400.0, 800.0, 1600.0]
        assert row["middle"] == pytest.approx(float(np.mean(middle)))
    # Who has won nothing has a revenue, and no deal size.
    fewer = card_of(make_store, deals=deals[:4], team_members=WEST[:people])
    assert figure(fewer, "average_deal_size")["n_people"] == 4
    assert math.isnan(figure(fewer, "average_deal_size")["middle"])


def test_the_middle_leaves_out_who_has_left_and_other_teams(make_store: Any) -> None:
    reps = [*REPS[:5], REPS[5] | {"left_on": D(2024, 5, 1)}, {"rep_id": "R6", "name": "Gus"}]
    members = [*WEST, {"rep_id": "R6", "team_id": "T1"}]
    deals = [won(i, D(2024, 4, 10), 100.0 * 10**i) for i in range(7)]
    card = card_of(make_store, deals=deals, reps=reps, team_members=members)
    assert figure(card, "revenue")["n_people"] == 5
    assert figure(card, "revenue")["middle"] == pytest.approx((1_000 + 10_000 + 100_000) / 3)


def test_who_began_lately_is_compared_with_no_past(make_store: Any) -> None:
    reps = [REPS[0] | {"hired_on": D(2024, 4, 20)}, *REPS[1:]]
    card = card_of(make_store, reps=reps, deals=[won(0, D(2024, 5, 2)), *PAST])
    assert card.is_new and card.since == D(2024, 4, 20) and not card.moved
    assert card.figures[["previous", "difference", "p_value", "usual"]].isna().all().all()
    assert not card.figures["significant"].any() and not card.figures["usual_significant"].any()
    assert list(card.months["period"]) == ["2024-04", "2024-05"]
    assert not card.months["signal"].any()


def test_of_a_past_in_part_only_whole_periods_are_compared(make_store: Any) -> None:
    reps = [REPS[0] | {"hired_on": D(2023, 9, 1)}, *REPS[1:]]
    card = card_of(make_store, reps=reps, deals=[won(0, D(2024, 5, 2)), *PAST])
    assert not card.is_new and figure(card, "revenue")["previous"] == 100
    assert (
        figure(card, "revenue")["usual"] == pytest.approx((30 + 100) / 2)
        and figure(card, "revenue")["usual_n"] == 2
    )


def test_who_moved_has_the_figures_of_the_days_in_this_team(make_store: Any) -> None:
    members = [
        {"rep_id": "R0", "team_id": "T1", "valid_to": D(2024, 4, 30)},
        {"rep_id": "R0", "team_id": "T0", "valid_from": D(2024, 5, 1)},
        *WEST[1:],
    ]
    deals = [won(0, D(2024, 4, 10), 700), won(0, D(2024, 5, 10), 200), *PAST]
    card = card_of(make_store, team_members=members, deals=deals, quotas=[quota(0, 910)])
    assert card.moved and card.is_new and card.since == D(2024, 5, 1)
    assert card.target.revenue == 200 and card.target.quota == pytest.approx(910 * 61 / 91)
    assert card.figures["previous"].isna().all()


def test_a_move_that_ended_before_the_period_is_none_of_its(make_store: Any) -> None:
    members = [
        {"rep_id": "R0", "team_id": "T1", "valid_from": D(2020, 1, 1), "valid_to": D(2023, 12, 31)},
        {"rep_id": "R0", "team_id": "T0", "valid_from": D(2024, 1, 1)},
        *WEST[1:],
    ]
    card = card_of(make_store, team_members=members, deals=PAST)
    assert not card.moved and not card.is_new and card.since == D(2024, 1, 1)
    assert figure(card, "revenue")["previous"] == 100 and figure(card, "revenue")["usual_n"] == 0


def test_a_past_before_the_first_closing_on_record_is_none(make_store: Any) -> None:
    """Deals that were created before and are on record are those that took long: fewer than were created."""
    early = won(0, D(2024, 5, 2), created_on=D(2024, 1, 20))
    card = card_of(make_store, deals=[early, won(0, D(2024, 5, 3))], meta={"first_closed_on": D(2024, 2, 1)})
    assert card.figures[["previous", "difference", "p_value", "usual"]].isna().all().all()
    assert figure(card, "revenue")["value"] == 200


def test_with_deals_of_unknown_creation_nobody_knows_how_many_were_created(make_store: Any) -> None:
    deals = [won(0, D(2024, 4, 10)), due(0, D(2024, 6, 1)), *PAST]
    assert figure(card_of(make_store, deals=deals), "deals_created")["value"] == 1
    undated = due(0, D(2024, 6, 1)) | {"created_on": None}
    row = figure(card_of(make_store, deals=[*deals, undated]), "deals_created")
    assert (
        math.isnan(row["value"])
        and row["n"] == 0
        and math.isnan(row["middle"])
        and math.isnan(row["usual_difference"])
    )
    assert row["note"] == "open deals have no day of creation" and not row["significant"]


def test_two_rows_of_one_membership_are_one_stay(make_store: Any) -> None:
    members = [
        {"rep_id": "R0", "team_id": "T0", "valid_from": D(2021, 1, 1), "valid_to": D(2024, 4, 30)},
        {"rep_id": "R0", "team_id": "T0", "valid_from": D(2024, 5, 1)},
        *WEST[1:],
    ]
    card = card_of(make_store, team_members=members, deals=PAST)
    assert card.since == D(2021, 1, 1) and not card.moved


@pytest.mark.parametrize(
    ("rep", "more"),
    [
        ("R0", {"reps": [REPS[0] | {"left_on": D(2024, 5, 14)}, *REPS[1:]]}),
        ("R0", {"reps": [REPS[0] | {"hired_on": D(2024, 5, 16)}, *REPS[1:]]}),
        ("R0", {"team_members": WEST[1:]}),
        ("Ann", {}),
        ("", {}),
    ],
)
def test_nobody_of_that_id_at_work_is_a_clear_line(rep: str, more: dict[str, Any], make_store: Any) -> None:
    with pytest.raises(UnknownNameError, match=rf"rep: there is no rep '{rep}' at work on 2024-05-15\. "):
        card_of(make_store, rep, **more)


def test_without_any_deal(make_store: Any) -> None:
    card = card_of(
        make_store,
        deals=[won(1, D(2024, 4, 10)), *(won(1, d["closed_on"]) for d in PAST)],
        quotas=[quota(0, 500)],
    )
    assert figure(card, "revenue")["value"] == 0 and math.isnan(figure(card, "win_rate")["value"])
    assert card.won.empty and card.due.empty
    assert card.target.missing == 500 and card.target.deals is None and card.target.decisions is None


@pytest.mark.parametrize("quotas", [[], [quota(0, 0)], [quota(0, 900, kind="roll_up")], [quota(1, 900)]])
def test_no_quota_is_unknown_and_never_zero(quotas: list[dict[str, Any]], make_store: Any) -> None:
    card = card_of(make_store, deals=[won(0, D(2024, 4, 10))], quotas=quotas)
    target = card.target
    assert math.isnan(target.quota) and math.isnan(target.missing) and math.isnan(target.per_week)
    assert target.note == "no quota" and not target.reached and target.deals is None


def test_the_quota_is_reached_on_the_day_from_which_it_stays_so(make_store: Any) -> None:
    deals = [
        won(0, D(2024, 4, 10), 500),
        won(0, D(2024, 4, 20), -100),
        won(0, D(2024, 5, 2), 60),
        won(0, D(2024, 5, 3), 40),
    ]
    target = card_of(make_store, deals=deals, quotas=[quota(0, 450)]).target
    assert target.reached and target.reached_on == D(2024, 5, 2) and target.missing == 0
    assert target.beyond == pytest.approx(500 / 450 - 1)
    at_once = card_of(make_store, deals=deals[:1], quotas=[quota(0, 500)]).target
    assert at_once.reached_on == D(2024, 4, 10) and at_once.beyond == 0


def test_in_the_last_week_all_that_is_missing_is_this_weeks(make_store: Any) -> None:
    for day, left in ((D(2024, 6, 24), 6), (D(2024, 6, 30), 0)):
        card = card_of(
            make_store, deals=[won(0, D(2024, 4, 10))], quotas=[quota(0, 500)], meta={"last_data_date": day}
        )
        assert card.target.days_left == left and card.is_over == (left == 0)
        assert card.target.per_week == 400 if left else math.isnan(card.target.per_week)


def test_a_period_to_come_has_all_of_its_quota_to_go(make_store: Any) -> None:
    q3 = parse_period("2024-Q3", as_of=DAY)
    card = card_of(
        make_store, period=q3, deals=[*PAST, due(0, D(2024, 7, 5))], quotas=[quota(0, 500, q3.start, q3.end)]
    )
    assert card.target.days_left == 92 and card.target.due == 100
    assert card.won.empty and card.figures["significant"].dtype == bool


def test_who_has_recorded_nothing_for_two_weeks_is_told_since_when(make_store: Any) -> None:
    def of(day: D) -> D | None:
        done = {
            "activity_id": "A",
            "deal_id": "D",
            "rep_id": "R0",
            "occurred_at": dt.datetime(*day.timetuple()[:3], 9),
        }
        other = done | {"activity_id": "B", "rep_id": "R1", "occurred_at": dt.datetime(2024, 5, 15)}
        return card_of(make_store, deals=[won(0, D(2024, 4, 10))], activities=[done, other]).quiet_since

    assert of(D(2024, 4, 30)) == D(2024, 4, 30) and of(D(2024, 5, 1)) is None
    assert card_of(make_store, deals=[won(0, D(2024, 4, 10))]).quiet_since is None


def test_a_company_without_teams_is_one_team(make_store: Any) -> None:
    deals = [won(i, D(2024, 4, 10), 100.0 * (i + 1)) for i in range(6)]
    card = card_of(make_store, "R2", deals=deals, teams=[], team_members=[])
    assert card.team_name == "" and card.since is None
    assert figure(card, "revenue")["value"] == 300 and figure(card, "revenue")["middle"] == 350
    assert not card.figures["middle"].isin([100.0 * i for i in range(1, 7)]).any(), "nobody's own"


def test_who_came_in_the_period_has_no_middle_of_sums_of_whole_ones(make_store: Any) -> None:
    deals = [won(i, D(2024, 5, 2), 100.0 * (i + 1)) for i in range(6)]
    late = [REPS[0] | {"hired_on": D(2024, 4, 20)}, *REPS[1:]]
    for reps, known in ((REPS, True), (late, False)):
        card = card_of(make_store, reps=reps, deals=deals)
        for name in ("revenue", "deals_created"):
            assert math.isnan(figure(card, name)["middle"]) != known
        assert not math.isnan(figure(card, "average_deal_size")["middle"])
        assert card.is_first_weeks != known


def frames(card: Scorecard) -> dict[str, pd.DataFrame]:
    return {name: getattr(card, name) for name in ("figures", "months", "won", "due")}


def test_another_teams_data_change_nothing(make_store: Any) -> None:
    rng = np.random.default_rng(5)
    days = [D(2023, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 499, 240)]
    own = [
        won(int(i % 6), day, float(a))
        for i, (day, a) in enumerate(zip(days, rng.integers(50, 900, 240), strict=True))
    ]
    other = [won(7, day, 5.0) | {"deal_id": f"E{i}"} for i, day in enumerate(days)]
    reps, members = [*REPS, {"rep_id": "R7", "name": "Zed"}], [*WEST, {"rep_id": "R7", "team_id": "T1"}]
    tables = {"reps": reps, "team_members": members, "quotas": [quota(i, 3000) for i in range(6)]}
    calm = {"first_closed_on": D(2022, 1, 1)}
    one = card_of(make_store, "R3", deals=[*own, *other], meta=calm, **tables)
    two = card_of(
        make_store, "R3", deals=[*own, *({**d, "amount": 9e6} for d in other[::2])], meta=calm, **tables
    )
    pace = one.figures["metric"] == "quota_pace"  # by the usual pace of the whole company, an aggregate
    for name, frame in frames(one).items():
        left, right = (f[~pace] if name == "figures" else f for f in (frame, frames(two)[name]))
        pd.testing.assert_frame_equal(left, right)
    assert one.target == two.target


@pytest.mark.parametrize("rep", ["R0005", "R0045", "R0060"])
def test_on_the_demo_company_figures_are_those_of_the_metrics(rep: str, demo_store: Any) -> None:
    snapshot = open_store(demo_store).as_of(None)
    people = people_of_scope(snapshot).set_index("rep_id")
    team = people.at[rep, "team"]
    scope = snapshot.scope(team).keeping()
    period = parse_period("this-quarter", as_of=scope.date, calendar=scope.meta.calendar)
    card = scorecard(scope, rep, period)
    told = card.figures[card.figures["metric"] != "deals_created"].set_index("metric")
    found = evaluate(list(told.index), scope, period, "rep")
    pd.testing.assert_series_equal(
        told["value"], found[found["rep"] == rep].set_index("metric")["value"], check_index=True
    )
    colleagues = found[found["rep"].isin(people.index[people["team"] == team])]
    for metric, values in colleagues.dropna(subset="value").groupby("metric")["value"]:
        assert told.at[metric, "n_people"] == len(values)
        if len(values) >= 5:
            if metric == "revenue" and card.since is not None and card.since > period.start:
                assert math.isnan(told.at[metric, "middle"])
            else:
                ranked = sorted(values)
                assert ranked[1] <= told.at[metric, "middle"] <= ranked[-2]
    past = compare("revenue", scope, period, "rep").set_index("rep")
    if not card.is_new and (card.since is None or card.since <= period.previous().start):
        assert told.at["revenue", "previous"] == pytest.approx(past.at[rep, "previous"])
    else:
        assert math.isnan(told.at["revenue", "previous"])
    assert card.target.revenue == pytest.approx(card.won["amount"].sum())
    assert set(card.won["rep"]) | set(card.due["rep"]) <= {rep}
