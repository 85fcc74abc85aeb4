"""What a team's report reads: where its slice is unchanged, so is every figure, whatever happened to other rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from spm_lib.data.history import Snapshot
from spm_lib.data.schema import TABLES
from spm_lib.data.slices import BENCHMARK_COLUMNS, SHARED_TABLES, WAYS, read_slices
from spm_lib.data.store import Store
from spm_lib.metrics import CATALOGUE, compare, evaluate, open_deals, win_rate_by_cohort, won_deals
from spm_lib.metrics.decomposition import explain_revenue
from spm_lib.metrics.pace import expected_share
from spm_lib.metrics.plan import against_plan
from spm_lib.metrics.signals import signals
from spm_lib.periods import parse_period

D = dt.date
Tables = dict[str, list[dict[str, Any]]]


def _asked(snapshot: Snapshot) -> Mapping[str, Callable[[], pd.DataFrame]]:
    """Give all that reports of the house tell of a scope, and what else the metrics offer."""
    period, names = parse_period("this-quarter", as_of=snapshot.date), list(CATALOGUE)
    watched = ["revenue", "quota_pace", "weighted_pipeline"]
    return {
        "whole": lambda: evaluate(names, snapshot, period),
        "by team": lambda: evaluate(names, snapshot, period, "team"),
        "by person and product": lambda: evaluate(names, snapshot, period, ("rep", "product")),
        "by region": lambda: evaluate(names, snapshot, period, "region"),
        "by a column of the source": lambda: evaluate(names, snapshot, period, "x_tier"),
        "compared": lambda: compare(names, snapshot, period, "rep"),
        "a year ago": lambda: compare(["revenue", "quota_pace"], snapshot, period, against="year_ago"),
        "signals": lambda: signals(watched, snapshot, period, n=4),
        "change": lambda: explain_revenue(snapshot, period).whole,
        "plan": lambda: against_plan(snapshot, period, "rep"),
        "this month": lambda: evaluate(
            "quota_pace", snapshot, parse_period("this-month", as_of=snapshot.date)
        ),
        "cohorts": lambda: win_rate_by_cohort(snapshot, parse_period("2024", as_of=snapshot.date)),
        "won": lambda: won_deals(snapshot, period),
        "open": lambda: open_deals(snapshot, period),
        "expected": lambda: pd.DataFrame({"share": [expected_share(snapshot, period).share]}),
    }


ASKED = tuple(_asked(Snapshot(None, D(2024, 6, 20), D(2024, 6, 20))))  # type: ignore[arg-type]


def assert_same_figures(one: Snapshot, other: Snapshot, asked: Iterable[str] = ASKED) -> None:
    for name in asked:
        # Sums of doubles differ in their last bits from run to run.
        pd.testing.assert_frame_equal(
            _asked(one)[name](), _asked(other)[name](), rtol=1e-12, atol=0, obj=name
        )


def test_every_table_is_in_the_slice_of_a_team_or_of_all():
    assert set(WAYS) | set(SHARED_TABLES) == set(TABLES)
    assert not set(WAYS) & set(SHARED_TABLES)


# -- A company of two teams, row by row -------------------------------------------------------------------

#: R0 is in North, R1 in South; R2 came from North to South in May; North is below All.
COMPANY: Tables = {
    "teams": [
        {"team_id": "all", "name": "All"},
        {"team_id": "north", "name": "North", "parent_team_id": "all"},
        {"team_id": "south", "name": "South"},
    ],
    "reps": [{"rep_id": f"R{i}", "name": f"Rep {i}"} for i in range(3)],
    "team_members": [
        {"rep_id": "R0", "team_id": "north"},
        {"rep_id": "R1", "team_id": "south"},
        {"rep_id": "R2", "team_id": "north", "valid_to": D(2024, 5, 9)},
        {"rep_id": "R2", "team_id": "south", "valid_from": D(2024, 5, 10)},
    ],
    "accounts": [{"account_id": f"A{i}", "name": f"Account {i}", "region": "EU"} for i in range(3)],
    "products": [{"product_id": "P0", "name": "Plough"}],
    "stages": [
        {"pipeline": "New", "stage": "Talk", "position": 1, "probability": None, "outcome": "open"},
        {"pipeline": "New", "stage": "Done", "position": 2, "probability": 1.0, "outcome": "won"},
    ],
    "deals": [
        *(
            {"deal_id": f"{owner} {q}{i}", "owner_id": owner, "outcome": outcome, "amount": Decimal(100 + 10 * q + i),
             "pipeline": "New", "stage": "Done", "account_id": f"A{owner[1]}", "product_id": "P0",
             "created_on": D(2023 + q // 4, 1 + q % 4 * 3, 2), "closed_on": D(2023 + q // 4, 2 + q % 4 * 3, 5 + 7 * i)}
            for owner in ("R0", "R1") for q in range(6) for i, outcome in enumerate(("won", "lost", "won"))
        ),
        {"deal_id": "moved", "owner_id": "R2", "outcome": "won", "amount": Decimal(70), "pipeline": "New", "stage": "Done",
         "account_id": "A2", "created_on": D(2024, 4, 3), "closed_on": D(2024, 5, 20)},
        {"deal_id": "after", "owner_id": "R2", "outcome": "open", "amount": Decimal(80), "pipeline": "New",
         "stage": "Talk", "account_id": "A1", "created_on": D(2024, 5, 21), "expected_close_on": D(2024, 6, 28)},
        {"deal_id": "before", "owner_id": "R2", "outcome": "won", "amount": Decimal(90), "pipeline": "New",
         "stage": "Done", "account_id": "A0", "created_on": D(2024, 4, 3), "closed_on": D(2024, 4, 9)},
        {"deal_id": "handed", "owner_id": "R1", "outcome": "open", "amount": Decimal(60), "pipeline": "New",
         "stage": "Talk", "account_id": "A1", "created_on": D(2024, 2, 1), "expected_close_on": D(2024, 6, 29)},
        *(
            {"deal_id": f"open {owner}", "owner_id": owner, "outcome": "open", "amount": Decimal(50), "pipeline": "New",
             "stage": "Talk", "account_id": f"A{owner[1]}", "created_on": D(2024, 2, 1),
             "expected_close_on": D(2024, 6, 30)}
            for owner in ("R0", "R1")
        ),
    ],
    "deal_changes": [
        {"deal_id": "handed", "field": "owner_id", "old_value": "R0", "new_value": "R1",
         "changed_at": dt.datetime(2024, 3, 1)},
        *(
            {"deal_id": f"{owner} {q}0", "field": "stage", "old_value": "Talk", "new_value": "Done",
             "changed_at": dt.datetime(2023 + q // 4, 2 + q % 4 * 3, 5)}
            for owner in ("R0", "R1") for q in range(6)
        ),
    ],
    "activities": [
        {"activity_id": f"{owner}", "deal_id": f"open {owner}", "rep_id": owner, "kind": "call",
         "occurred_at": dt.datetime(2024, 5, 2)}
        for owner in ("R0", "R1")
    ],
    "leads": [
        {"lead_id": f"lead {owner}", "owner_id": owner, "created_on": D(2024, 5, 12), "source": "web"}
        for owner in ("R0", "R1", "R2")
    ],
    "quotas": [
        {"owner_kind": "rep", "owner_id": owner, "kind": "individual", "starts_on": D(2024, 4, 1),
         "ends_on": D(2024, 6, 30), "amount": Decimal(500)}
        for owner in ("R0", "R1")
    ],
    "initiatives": [{"initiative_id": "I", "name": "Focus", "starts_on": D(2024, 4, 1)}],
    "initiative_members": [{"initiative_id": "I", "rep_id": owner} for owner in ("R0", "R1")],
    "fx_rates": [{"currency": "EUR", "valid_from": D(2023, 1, 1), "rate": Decimal("1.1")}],
}  # fmt: skip

META = {
    "first_data_date": D(2023, 1, 2),
    "last_data_date": D(2024, 6, 20),
    "first_closed_on": D(2023, 1, 1),
    "tracked_from": {"stage": D(2023, 1, 1), "owner_id": D(2023, 1, 1)},
    "rows": {name: 1 for name in COMPANY},
}

Edit = Callable[[Tables], None]


def row(table: str, **where: object) -> Callable[[Tables], dict[str, Any]]:
    def find(tables: Tables) -> dict[str, Any]:
        (found,) = (r for r in tables[table] if all(r.get(k) == v for k, v in where.items()))
        return found

    return find


def change(find: Callable[[Tables], dict[str, Any]], **to: object) -> Edit:
    return lambda tables: find(tables).update(to)


def add(table: str, like: Callable[[Tables], dict[str, Any]], **to: object) -> Edit:
    return lambda tables: tables[table].append({**like(tables), **to})


def drop(table: str, find: Callable[[Tables], dict[str, Any]]) -> Edit:
    return lambda tables: tables[table].remove(find(tables))


def deal(deal_id: str) -> Callable[[Tables], dict[str, Any]]:
    return row("deals", deal_id=deal_id)


NORTH, SOUTH, BOTH, NEITHER = {"north", "all"}, {"south"}, {"north", "all", "south"}, set[str]()
EDITS: Mapping[str, tuple[Edit, set[str]]] = {
    "an amount": (change(deal("open R1"), amount=Decimal(51)), SOUTH),
    "an amount of the team": (change(deal("open R0"), amount=Decimal(51)), NORTH),
    "a deal won this quarter": (change(deal("R1 50"), outcome="lost"), SOUTH),
    "a new deal": (add("deals", deal("open R1"), deal_id="new"), SOUTH),
    "a deal that goes": (drop("deals", deal("open R1")), SOUTH),
    "an open deal that is won": (change(deal("open R1"), outcome="won", closed_on=D(2024, 6, 19), stage="Done"), SOUTH),
    "a deal closed before the last quarter ended": (change(deal("R1 40"), amount=Decimal(1)), BOTH),
    "a deal that another had in hand": (change(deal("handed"), amount=Decimal(61)), BOTH),
    "a deal of one who moved, over both times": (change(deal("moved"), amount=Decimal(71)), BOTH),
    "a deal of one who moved, since": (change(deal("after"), amount=Decimal(81)), SOUTH),
    "a deal of one who moved, before": (change(deal("before"), amount=Decimal(91)), NORTH),
    "a change": (
        add("deal_changes", row("deal_changes", deal_id="R1 50", field="stage"), changed_at=dt.datetime(2024, 5, 4)),
        SOUTH,
    ),
    "an activity": (change(row("activities", activity_id="R1"), kind="mail"), SOUTH),
    "a lead": (change(row("leads", lead_id="lead R1"), source="fair"), SOUTH),
    "a lead of one who moved": (change(row("leads", lead_id="lead R2"), source="fair"), SOUTH),
    "a quota": (change(row("quotas", owner_id="R1"), amount=Decimal(600)), SOUTH),
    "an account": (change(row("accounts", account_id="A1"), region="US"), BOTH),  # the one handed over is of it
    "an account of one team": (change(row("accounts", account_id="A0"), name="Other"), NORTH),
    "a name": (change(row("reps", rep_id="R1"), name="Ann"), SOUTH),
    "a name of one who moved": (change(row("reps", rep_id="R2"), name="Ann"), BOTH),
    "a team's name": (change(row("teams", team_id="south"), name="Sea"), SOUTH),
    "a team of its own": (add("teams", row("teams", team_id="south"), team_id="new"), NEITHER),
    "a team below": (change(row("teams", team_id="south"), parent_team_id="all"), {"all", "south"}),
    "a member": (change(row("team_members", rep_id="R1"), valid_from=D(2023, 1, 1)), SOUTH),
    "one who joins": (add("team_members", row("team_members", rep_id="R1"), rep_id="R0", valid_from=D(2024, 6, 1)), BOTH),
    "an initiative's member": (drop("initiative_members", row("initiative_members", rep_id="R1")), SOUTH),
    "a product": (change(row("products", product_id="P0"), name="Other"), BOTH),
    "a probability": (change(row("stages", stage="Talk"), probability=0.5), BOTH),
    "a rate": (change(row("fx_rates", currency="EUR"), rate=Decimal("1.2")), BOTH),
}  # fmt: skip


def copied(tables: Tables) -> Tables:
    return {name: [dict(row) for row in rows] for name, rows in tables.items()}


def digests(store: Store, day: dt.date | None = None) -> dict[str, str]:
    snapshot = store.as_of(day)
    slices = read_slices(snapshot)
    return {team: slices.of(snapshot.scope(team)) for team in snapshot.teams}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_the_slices_that_it_is_in_and_no_others(name, make_store):
    edit, touched = EDITS[name]
    edited = copied(COMPANY)
    edit(edited)
    before, after = (digests(make_store(meta=META, **tables)) for tables in (COMPANY, edited))
    assert {team for team in before if before[team] != after[team]} == touched


def test_what_other_teams_do_changes_no_figure_of_a_team(make_store):
    """All edits at once that leave North's slice as it is."""
    edited = copied(COMPANY)
    for edit, touched in EDITS.values():
        if "north" not in touched and edit is not EDITS["a deal that goes"][0]:
            edit(edited)
    stores = [make_store(meta=META, custom={"x_tier": "BIGINT"}, **tables) for tables in (COMPANY, edited)]
    day = D(2024, 6, 10)
    one, other = (digests(store, day)["north"] for store in stores)
    assert one == other
    assert_same_figures(*(store.as_of(day).scope("north").keeping() for store in stores))


def test_counts_of_rows_and_the_hour_of_loading_are_no_figures(make_store):
    before = digests(make_store(meta=META, **COMPANY))
    more = {"rows": {name: 2 for name in COMPANY}, "loaded_at": dt.datetime(2031, 1, 1)}
    refused = {"quarantined": {"deals": {"no owner": 3}}}
    assert digests(make_store(meta=META | more | refused, **COMPANY)) == before
    for changed in (
        {"currency": "EUR"},
        {"fixed": ("amount",)},
        {"first_closed_on": D(2023, 2, 1)},
        {"last_data_date": D(2024, 6, 21)},
        {"rows": {name: 1 for name in COMPANY if name != "quotas"}},
    ):
        other = digests(make_store(meta=META | changed, **COMPANY), D(2024, 6, 20))
        assert all(other[team] != before[team] for team in before), changed


# -- Random companies, random edits -----------------------------------------------------------------------


@st.composite
def edits(draw: st.DrawFn, tables: Tables, others: Tables) -> Tables:
    """Draw a few rows to change, take away or bring from another company."""
    edited = copied(tables)
    names = ("deals", "deals", "deal_changes", "leads", "quotas", "team_members", "accounts", "reps")
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        rows = edited[name]
        if rows and draw(st.integers(0, 2)):
            at = draw(st.integers(0, len(rows) - 1))
            if name in ("accounts", "reps"):
                rows[at] = {**rows[at], "name": "Other"}
            elif name == "deals":
                fresh = draw(st.sampled_from(others["deals"])) if others["deals"] else {"amount": Decimal(1)}
                rows[at] = {**fresh, "deal_id": rows[at]["deal_id"]} | {"owner_id": rows[at]["owner_id"]}
            else:
                del rows[at]
        elif name == "deals" and others["deals"]:
            rows.append({**draw(st.sampled_from(others["deals"])), "deal_id": f"new {len(rows)}"})
    return edited


@settings(
    max_examples=3,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_an_unchanged_slice_means_unchanged_figures(data, make_store, draw_company, as_of_meta):
    tables = data.draw(draw_company())
    edited = data.draw(edits(tables, data.draw(draw_company())))
    tracked = data.draw(st.sampled_from([{}, {"stage": D(2024, 1, 1)}, {"outcome": D(2023, 10, 1)}]))
    meta = as_of_meta | {"tracked_from": tracked, "rows": {name: 1 for name in tables}}
    stores = [make_store(meta=meta, custom={"x_tier": "BIGINT"}, **some) for some in (tables, edited)]
    day = data.draw(st.sampled_from([D(2024, 6, 20), D(2024, 5, 15)]))
    one, other = (digests(store, day) for store in stores)
    unchanged = [team for team in one if one[team] == other[team]]
    event(f"{len(unchanged)} unchanged of {len(one)}")
    asked = data.draw(st.lists(st.sampled_from(ASKED), min_size=2, max_size=2, unique=True))
    for team in unchanged[:2]:
        assert_same_figures(*(store.as_of(day).scope(team).keeping() for store in stores), asked)


def test_of_the_company_s_benchmarks_nothing_is_read_but_what_is_digested(make_store, monkeypatch):
    store = make_store(meta=META, custom={"x_tier": "BIGINT"}, **COMPANY)
    scoped, asked = store.as_of().scope("north"), []
    original = Snapshot.table

    def table(self, name, columns=None):
        if self.team_id is None and name not in SHARED_TABLES:
            asked.append((name, tuple(columns or ()), self.date))
        return original(self, name, columns)

    monkeypatch.setattr(Snapshot, "table", table)
    for ask in _asked(scoped).values():
        ask()
    assert {name for name, _, _ in asked} == {"deals", "deal_changes"}
    assert {day for _, _, day in asked} == {D(2024, 3, 31)}
    assert {column for name, columns, _ in asked if name == "deals" for column in columns} <= set(
        BENCHMARK_COLUMNS
    )
    assert all(columns for name, columns, _ in asked if name == "deals")
