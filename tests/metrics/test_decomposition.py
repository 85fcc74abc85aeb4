"""What moved revenue: against brute force over the six orders, and what must hold of any decomposition."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spm_lib.metrics import compare
from spm_lib.metrics.decomposition import PARTS, STEPS, explain_revenue
from spm_lib.metrics.metric import counted
from spm_lib.metrics.revenue_factors import FACTORS, LEAST_WON, Side, explain
from spm_lib.periods import parse_period

D = dt.date


@st.composite
def sides(draw: st.DrawFn) -> Side:
    won, lost = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    # Up to 10¹² a deal, refunds and all.
    cents = draw(st.one_of(st.integers(-(10**6), 10**6), st.integers(-(10**14), 10**14))) if won else 0
    return Side(won, lost, cents, float(cents) ** 2 / 10**4)


def brute_force(before: Side, now: Side) -> list[Fraction]:
    """Move one factor after another, in each of the six orders, and average what each move did."""

    def known(side: Side, other: Side) -> list[Fraction]:
        rated = side if side.won + side.lost else other
        sized = side if side.won else other
        decided = rated.won + rated.lost
        return [
            Fraction(side.won + side.lost),
            Fraction(rated.won, decided) if decided else Fraction(0),
            Fraction(sized.cents, sized.won) if sized.won else Fraction(0),
        ]

    first, last = known(before, now), known(now, before)
    done = [Fraction(0)] * 3
    for order in itertools.permutations(range(3)):
        at = list(first)
        for factor in order:
            old = math.prod(at)
            at[factor] = last[factor]
            done[factor] += Fraction(math.prod(at) - old) / 6
    return done


@given(sides(), sides())
def test_it_is_the_average_over_the_six_orders_to_the_cent(before: Side, now: Side) -> None:
    told = explain(before, now).cents
    for cents, exact in zip(told, brute_force(before, now), strict=True):
        assert abs(cents - exact) < 1


@given(sides(), sides())
def test_it_adds_up_to_the_cent(before: Side, now: Side) -> None:
    assert sum(explain(before, now).cents) == now.cents - before.cents


@given(sides(), sides())
def test_backwards_in_time_it_is_the_same_with_the_other_sign(before: Side, now: Side) -> None:
    forth, back = explain(before, now), explain(now, before)
    assert forth.variances == pytest.approx(back.variances)
    for one, other in zip(forth.cents, back.cents, strict=True):
        assert abs(one + other) <= 1  # each is rounded by itself


@given(sides())
def test_nothing_changed_is_nothing_explained(side: Side) -> None:
    assert explain(side, side).cents == (0, 0, 0)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 10**9), st.integers(2, 9))
def test_a_factor_that_moves_alone_explains_everything(won: int, lost: int, cents: int, times: int) -> None:
    one = Side(won, lost, cents * won, 1.0)
    more = Side(won * times, lost * times, cents * won * times, 1.0)
    assert explain(one, more).cents == (more.cents - one.cents, 0, 0)
    larger = Side(won, lost, cents * won * times, 1.0)
    assert explain(one, larger).cents == (0, 0, larger.cents - one.cents)
    better = Side(won + lost, 0, cents * (won + lost), 1.0)
    assert explain(one, better).cents == (0, better.cents - one.cents, 0)


@pytest.mark.parametrize(
    ("before", "now", "steps"),
    [
        # Nothing decided before: all of it is new deals, and neither rate nor size can be said to have moved.
        (Side(0, 0, 0, 0.0), Side(2, 2, 1000, 0.0), (1000, 0, 0)),
        (Side(2, 2, 1000, 0.0), Side(0, 0, 0, 0.0), (-1000, 0, 0)),
        # Decided but none won: the rate is 0, the size is that of the other side.
        (Side(0, 4, 0, 0.0), Side(2, 2, 1000, 0.0), (0, 1000, 0)),
        (Side(0, 2, 0, 0.0), Side(2, 2, 1000, 0.0), (250, 750, 0)),
        (Side(0, 3, 0, 0.0), Side(0, 9, 0, 0.0), (0, 0, 0)),
        # A refund is a won deal with a negative amount: it makes the average smaller.
        (Side(2, 2, 2000, 0.0), Side(2, 2, -500, 0.0), (0, 0, -2500)),
        (Side(1, 0, 1, 0.0), Side(1, 1, 1, 0.0), (1, -1, 0)),
    ],
)
def test_without_wins_or_deals(before: Side, now: Side, steps: tuple[int, ...]) -> None:
    found = explain(before, now).cents
    assert sum(found) == sum(steps)
    assert all(abs(one - other) <= 1 for one, other in zip(found, steps, strict=True))


def test_the_variances_are_those_of_the_intervals_of_revenue() -> None:
    """Where only one side varies, the three together are Σ amount² of it, by which revenue's interval is told."""
    amounts = [100.0, 250.0, 1000.0, 40.0]
    now = Side(4, 6, round(sum(amounts) * 100), sum(a * a for a in amounts))
    n, p, s = 10, 0.4, sum(amounts) / 4
    delta = (p * s) ** 2 * n + (n * s) ** 2 * p * (1 - p) / n + (n * p) ** 2 * np.var(amounts) / 4
    assert delta == pytest.approx(now.squares)


def test_the_intervals_hold_what_they_promise() -> None:
    """Of many companies drawn from known factors, 95 of 100 intervals hold the truth, give or take little."""
    chance = np.random.default_rng(7)
    truth = [(300.0, 0.3, 900.0), (240.0, 0.25, 1100.0)]
    exact = explain_of_truth(*truth)
    held = np.zeros(3)
    runs = 600
    for _ in range(runs):
        drawn = []
        for deals, rate, size in truth:
            decided = int(chance.poisson(deals))
            won = int(chance.binomial(decided, rate))
            amounts = chance.lognormal(math.log(size) - 0.5, 1.0, won).round(2)
            drawn.append(Side(won, decided - won, round(amounts.sum() * 100), float((amounts**2).sum())))
        steps = explain(*drawn)
        reach = 1.96 * np.sqrt(steps.variances)
        held += np.abs(np.array(steps.cents) / 100 - exact) <= reach
    assert all(0.90 <= share <= 0.985 for share in held / runs), held / runs


def explain_of_truth(before: tuple[float, ...], now: tuple[float, ...]) -> np.ndarray:
    done = np.zeros(3)
    for order in itertools.permutations(range(3)):
        at = list(before)
        for factor in order:
            old = math.prod(at)
            at[factor] = now[factor]
            done[factor] += (math.prod(at) - old) / 6
    return done


# -- Over stores ------------------------------------------------------------------------------------------

few = settings(
    max_examples=10,
    phases=(Phase.generate,),  # an example is a store on disk
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


def steps_of(frame: pd.DataFrame) -> dict[str, float]:
    return dict(zip(frame["part"], frame["value"], strict=True))


def cents(value: float) -> int:
    return round(value * 100)


@few
@given(data=st.data())
def test_of_any_company_it_adds_up_over_parts_and_groups(data, make_store, draw_company, as_of_meta) -> None:
    store = make_store(meta=as_of_meta, custom={"x_tier": "BIGINT"}, **data.draw(draw_company()))
    scope = data.draw(st.sampled_from([None, None, "T1"]))
    snapshot = store.as_of().scope(scope) if scope else store.as_of()
    period = parse_period("2024-Q2", as_of=snapshot.date)
    by = data.draw(st.sampled_from(["team", "rep", "product", (), ("team", "rep")]))
    found = explain_revenue(snapshot, period, by)
    revenue = compare("revenue", snapshot, period).iloc[0]
    whole = steps_of(found.whole)
    assert list(whole) == list(PARTS)
    if pd.isna(revenue["value"]) or pd.isna(revenue["previous"]):
        assert all(pd.isna(value) for value in whole.values())
        assert found.whole["note"].notna().all()
        return
    assert cents(whole["before"]) == cents(revenue["previous"])
    assert cents(whole["now"]) == cents(revenue["value"])
    moved = sum(cents(whole[part]) for part in STEPS)
    assert moved == cents(whole["now"]) - cents(whole["before"]) == cents(whole["change"])
    change = found.whole.set_index("part").loc["change"]
    for name in ("low", "high", "p_value"):
        theirs = revenue["p_value" if name == "p_value" else f"difference_{name}"]
        assert change[name] == pytest.approx(theirs, nan_ok=True), name
    known = found.groups[found.groups["value"].notna()]
    # A group that won deals without any known amount is unknown, and what it had before cannot be added up.
    for part in PARTS if len(known) == len(found.groups) else ():
        summed = sum(map(cents, known.loc[known["part"] == part, "value"]))
        told = (
            cents(whole[part]) if part != "decided_deals" else cents(whole[part]) + cents(whole["team_mix"])
        )
        assert part == "team_mix" or summed == told
    dimensions = [by] if isinstance(by, str) else list(by)
    for _, rows in known.groupby(dimensions, dropna=False) if dimensions else []:
        one = steps_of(rows)
        assert sum(cents(one[p]) for p in FACTORS) == cents(one["now"]) - cents(one["before"])


def deal(number: int, day: D, amount: object, rep: str = "R0", outcome: str = "won") -> dict[str, Any]:
    return {
        "deal_id": f"D{number}",
        "owner_id": rep,
        "amount": amount,
        "created_on": D(2024, 1, 1),
        "closed_on": day,
        "outcome": outcome,
    }


@pytest.fixture
def two_teams(make_store):
    def make(deals: list[dict[str, Any]], **more: Any):
        return make_store(
            reps=[{"rep_id": r, "name": r} for r in ("R0", "R1")],
            teams=[{"team_id": "A", "name": "Alpha"}, {"team_id": "B", "name": "Beta"}],
            team_members=[{"rep_id": "R0", "team_id": "A"}, {"rep_id": "R1", "team_id": "B"}],
            deals=deals,
            meta={"first_closed_on": D(2024, 1, 1), "last_data_date": D(2024, 6, 30), **more},
        ).as_of()

    return make


def test_each_team_by_its_own_factors(two_teams) -> None:
    """A small-deal team that decides more deals brings in its own small deals, not the company's average."""
    first, second = D(2024, 2, 1), D(2024, 5, 1)
    deals = [deal(i, first, 10, "R0") for i in range(2)] + [deal(9, first, 1000, "R1")]
    deals += [deal(20 + i, second, 10, "R0") for i in range(4)] + [deal(29, second, 1000, "R1")]
    found = explain_revenue(two_teams(deals), parse_period("2024-Q2", as_of=D(2024, 6, 30)))
    # Two deals more, at what the company had for a deal, would be much more: they came to the team of small deals.
    assert steps_of(found.whole) == {
        "before": 1020,
        "decided_deals": 548,
        "team_mix": -528,
        "win_rate": 0,
        "deal_size": 0,
        "now": 1040,
        "change": 20,
    }
    groups = {name: steps_of(rows) for name, rows in found.groups.groupby("team_name")}
    assert groups["Alpha"]["decided_deals"] == 20
    assert groups["Beta"]["decided_deals"] == 0
    row = found.whole.set_index("part").loc["deal_size"]
    assert (row["factor"], row["previous_factor"]) == (pytest.approx(208), pytest.approx(340))
    assert (row["up"], row["down"]) == (0, 0)
    assert row["n"] == 8
    assert math.isnan(row["p_value"]), f"under {LEAST_WON} won deals no interval is told"


def test_teams_that_are_alike_have_no_mix(two_teams) -> None:
    """However many more deals each decides."""
    days = {D(2024, 2, 1): (2, 3), D(2024, 5, 1): (6, 1)}
    deals = [
        deal(number, day, 100 if day.month == 2 else 90, rep)
        for number, (day, rep) in enumerate(
            (day, rep)
            for day, counts in days.items()
            for rep, k in zip(("R0", "R1"), counts, strict=True)
            for _ in range(k)
        )
    ]
    found = steps_of(explain_revenue(two_teams(deals), parse_period("2024-Q2", as_of=D(2024, 6, 30))).whole)
    assert found["team_mix"] == 0
    assert found["decided_deals"] == 190
    assert found["deal_size"] == -60


def test_the_earlier_period_is_seen_at_the_same_point_of_it(two_teams) -> None:
    deals = [deal(0, D(2024, 1, 10), 100), deal(1, D(2024, 3, 20), 500), deal(2, D(2024, 4, 10), 70)]
    snapshot = two_teams(deals, last_data_date=D(2024, 4, 30))
    found = explain_revenue(snapshot, parse_period("2024-Q2", as_of=D(2024, 4, 30)))
    assert steps_of(found.whole)["before"] == 100
    assert steps_of(found.whole)["now"] == 70
    assert list(found.whole["against"].unique()) == ["2024-Q1"]


def test_unknown_amounts_are_left_out_and_counted(two_teams) -> None:
    first, second = D(2024, 2, 1), D(2024, 5, 1)
    deals = [deal(0, first, 10), deal(1, second, 30), deal(2, second, None), deal(3, second, None, "R1")]
    found = explain_revenue(two_teams(deals), parse_period("2024-Q2", as_of=D(2024, 6, 30)))
    assert steps_of(found.whole) == {
        "before": 10,
        "decided_deals": 0,
        "team_mix": 0,
        "win_rate": 0,
        "deal_size": 20,
        "now": 30,
        "change": 20,
    }
    assert set(found.whole["note"]) == {"2 won deals without a known amount left out"}
    beta = found.groups[found.groups["team"] == "B"]
    assert beta["value"].isna().all()
    assert set(beta["note"]) == {"no amount of the won deals is known"}


def test_what_the_data_do_not_reach_is_null_and_says_so(two_teams) -> None:
    snapshot = two_teams([deal(0, D(2024, 5, 1), 10)], first_closed_on=D(2024, 2, 1))
    half = explain_revenue(snapshot, parse_period("2024-Q2", as_of=D(2024, 6, 30)))
    assert half.whole["value"].isna().all()
    assert set(half.whole["note"]) == {"the data do not reach back to all of 2024-Q1"}
    assert set(half.groups["team"]) == {"A", "B"}
    future = explain_revenue(snapshot, parse_period("2025", as_of=D(2024, 6, 30)))
    assert set(future.whole["note"]) == {"the data do not cover this period"}


def test_without_teams_the_company_is_one_group(make_store) -> None:
    deals = [deal(0, D(2024, 2, 1), Decimal("10.10")), deal(1, D(2024, 5, 1), Decimal("20.20"))]
    snapshot = make_store(
        reps=[{"rep_id": "R0"}],
        deals=deals,
        meta={"first_closed_on": D(2024, 1, 1), "last_data_date": D(2024, 6, 30)},
    ).as_of()
    found = explain_revenue(snapshot, parse_period("2024-Q2", as_of=D(2024, 6, 30)))
    assert found.groups["team"].isna().all()
    group = found.groups.drop(columns=["team", "team_name"])
    told = found.whole[found.whole["part"] != "team_mix"].reset_index(drop=True)
    pd.testing.assert_frame_equal(told, group)
    assert steps_of(found.whole)["deal_size"] == 10.10


def test_many_like_deals_have_intervals_and_p_values(two_teams) -> None:
    deals = [deal(i, D(2024, 2, 1), 100, outcome="won" if i % 2 else "lost") for i in range(80)]
    deals += [deal(100 + i, D(2024, 5, 1), 100, outcome="won" if i % 8 == 0 else "lost") for i in range(80)]
    found = explain_revenue(two_teams(deals), parse_period("2024-Q2", as_of=D(2024, 6, 30))).whole.set_index(
        "part"
    )
    rate = found.loc["win_rate"]
    assert rate["value"] == pytest.approx(-3000)
    assert rate["low"] < rate["value"] < rate["high"] < 0
    assert rate["p_value"] < 0.001
    assert found.loc["decided_deals", "low"] < 0 < found.loc["decided_deals", "high"]
    # The sizes are all alike: nothing moved, and nothing says otherwise.
    assert found.loc["deal_size", "value"] == 0
    assert found.loc["deal_size", "p_value"] == 1


@pytest.mark.parametrize(
    ("unpriced", "said"), [(0, None), (1, "1 won deal without"), (2, "2 won deals without")]
)
def test_one_deal_left_out_is_one_deal(two_teams, unpriced: int, said: str | None) -> None:
    day = D(2024, 5, 1)
    deals = [deal(0, D(2024, 2, 1), 10), deal(1, day, 30), *(deal(2 + i, day, None) for i in range(unpriced))]
    found = explain_revenue(two_teams(deals), parse_period("2024-Q2", as_of=D(2024, 6, 30)))
    notes = {
        None if note is None else note.removesuffix(" a known amount left out")
        for note in found.whole["note"]
    }
    assert notes == {said}


@given(st.lists(st.integers(0, 5), max_size=6))
def test_what_is_counted_in_words_has_the_right_number(counts: list[int]) -> None:
    told = counted(counts, "deal", "deals").tolist()
    assert told == [None if k == 0 else "1 deal" if k == 1 else f"{k} deals" for k in counts]
