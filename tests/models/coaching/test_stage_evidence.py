"""Evidence from stages: what stood at the end of the time asked about, whose each stretch is, which step, and how many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from spm_lib.data.store import Store
from spm_lib.models.coaching import stage_evidence
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.expected import fit_expected
from spm_lib.models.coaching.review_deals import review_deals
from spm_lib.models.coaching.work import MONTH_DAYS, Work, read_work
from spm_lib.models.stretches import keeping

MakeStore = Callable[..., Store]
BEFORE, START, DAY = dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 12, 31)
AGREED, AFTER = dt.date(2026, 6, 30), dt.date(2026, 8, 1)
HANDED_OVER = dt.date(2026, 4, 1)
ORDER = (("Qualify", 1, "open"), ("Demo", 2, "open"), ("Won", 3, "won"), ("Lost", 4, "lost"))


@dataclass
class Company:
    """Deals with what happened to them; a deal of nobody's sets the day from which on everything is recorded."""

    deals: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def deal(self, name: str, owner: str = "A", *changes: tuple[Any, ...], **more: Any) -> None:
        """Add a deal; a change is field, old value, new value, day."""
        told = {"pipeline": "P", "stage": "Demo", "amount": 100, "currency": "USD", "created_on": START}
        ends = {
            "expected_close_on": dt.date(2027, 6, 1),
            "closed_on": None,
            "outcome": "open",
            "next_step": None,
        }
        self.deals.append({"deal_id": name, "owner_id": owner, **told, **ends, **more})
        for column, old, new, day in changes:
            at = dt.datetime(day.year, day.month, day.day, 12)
            change = {"field": column, "old_value": old, "new_value": new, "changed_at": at}
            self.changes.append({"deal_id": name, **change})

    def store(self, make_store: MakeStore, order: Iterable[tuple[str, str, int, str]] = ()) -> Store:
        recorded = [("stage", "Qualify", "Demo"), ("next_step", None, "Call"), ("amount", "90", "100"),
                    ("expected_close_on", "2027-07-01", "2027-06-01")]  # fmt: skip
        first = [(*change, BEFORE) for change in recorded]
        self.deal("first", "nobody", *first, created_on=dt.date(2025, 12, 1), next_step="Call")
        names = sorted({deal["owner_id"] for deal in self.deals} | {"A", "B"})
        reps = [{"rep_id": name, "name": name, "hired_on": dt.date(2020, 1, 1)} for name in names]
        told = list(order) or [("P", *stage) for stage in ORDER]
        stages = [{"pipeline": p, "stage": s, "position": at, "outcome": o} for p, s, at, o in told]
        return make_store(reps=reps, deals=self.deals, deal_changes=self.changes, stages=stages)


def asked(store: Store, ask: Callable[[Work], Any]) -> Any:
    with store:
        snapshot = store.as_of(DAY)
        with keeping(snapshot) as keep:
            work = read_work(snapshot, BEFORE, keep)
            # Nobody here does enough to be missed.
            return ask(work.during(START, DAY))


def by_rep(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby("rep_id")[["n", "y", "x"]].sum().drop("nobody", errors="ignore")


# -- What stood at the end of the time looked at --------------------------------------------------------------


def test_what_was_noted_after_an_agreement_was_not_there_before(make_store: MakeStore) -> None:
    """A's next steps and close dates were put right after the agreement: before it all of them were missing or past."""
    company = Company()
    for at in range(3):
        late = ("expected_close_on", "2025-12-31", "2027-06-01", AFTER)
        company.deal(f"a{at}", "A", ("next_step", None, "Call", AFTER), late, next_step="Call")
        company.deal(f"b{at}", "B", next_step="Call")
    found = asked(
        company.store(make_store), lambda work: by_rep(stage_evidence.hygiene(work.during(START, AGREED)))
    )
    assert found["y"].to_dict() == {"A": 0.0, "B": found.loc["B", "x"]}


def test_a_deal_is_in_the_stage_in_which_it_was_and_open_until_it_closed(make_store: MakeStore) -> None:
    company = Company()
    company.deal("moved later", "A", ("stage", "Qualify", "Demo", AFTER))
    closed = {"stage": "Won", "outcome": "won", "closed_on": dt.date(2026, 9, 1)}
    company.deal("won later", "B", ("stage", "Demo", "Won", closed["closed_on"]), **closed)
    found = asked(
        company.store(make_store), lambda work: stage_evidence.cycle_length(work.during(START, AGREED))
    )
    stages = found.assign(stage=found["age"].str.split("|").str[1]).groupby("rep_id")["stage"].unique()
    assert stages.map(list).drop("nobody").to_dict() == {"A": ["Qualify"], "B": ["Demo"]}
    whole = found.groupby("rep_id")[["y", "x"]].sum()
    assert whole["y"].sum() == 0
    assert whole.loc["B", "x"] == (AGREED - START).days + 1


# -- Whose each stretch is ------------------------------------------------------------------------------------


@pytest.fixture
def handed_over(make_store: MakeStore) -> Store:
    """Give a store with one deal, of A's for three months and then of B's, that ends in October."""
    company = Company()
    ended = dt.date(2026, 10, 1)
    changes = [("owner_id", "A", "B", HANDED_OVER), ("stage", "Demo", "Lost", ended)]
    company.deal("handed", "B", *changes, stage="Lost", outcome="lost", closed_on=ended)
    return company.store(make_store)


@pytest.mark.parametrize(
    ("lever", "unit", "halves"), [("hygiene", 7.0, 2), ("cycle_length", 1.0, 1), ("slippage", MONTH_DAYS, 1)]
)
def test_each_owner_has_the_days_of_own(handed_over: Store, lever: str, unit: float, halves: int) -> None:
    read = getattr(stage_evidence, lever)
    found = asked(handed_over, lambda work: by_rep(read(work)))
    days = found["x"] * unit / halves
    assert days["A"] == pytest.approx((HANDED_OVER - START).days)
    assert days["B"] == pytest.approx((dt.date(2026, 10, 1) - HANDED_OVER).days)


def test_only_who_has_the_end_of_a_stay_has_ended_it(handed_over: Store) -> None:
    found = asked(handed_over, lambda work: by_rep(stage_evidence.cycle_length(work)))
    assert found["y"].to_dict() == {"A": 0.0, "B": 1.0}
    assert found["n"].to_dict() == {"A": 1, "B": 1}


# -- How many -------------------------------------------------------------------------------------------------


def test_a_stay_and_a_deal_count_once_however_old_they_grow(make_store: MakeStore) -> None:
    """Ten deals pass two stages, a hundred days in each, and are put off at three ages."""
    company = Company()
    days = [dt.date(2026, month, 15) for month in (1, 3, 5)]
    for at in range(10):
        put_off = [
            ("expected_close_on", f"2027-0{n}-01", f"2027-0{n + 1}-01", day) for n, day in enumerate(days, 1)
        ]
        company.deal(f"d{at}", "A", ("stage", "Qualify", "Demo", dt.date(2026, 4, 11)), *put_off)
    store = company.store(make_store)

    def counted(work: Work) -> list[int]:
        told = (stage_evidence.cycle_length(work), stage_evidence.slippage(work))
        return [int(by_rep(rows).loc["A", "n"]) for rows in told]

    assert asked(store, counted) == [20, 10]


def test_what_happens_to_one_deal_at_several_ages_is_no_independent_evidence(make_store: MakeStore) -> None:
    """Half of the deals are put off at every age, the others never: each rep's evidence is of deals, not of ages."""
    company = Company()
    ages = (10, 40, 80, 120)
    for rep in ("A", "B"):
        for at in range(20):
            days = [START + dt.timedelta(days=age) for age in ages] if at % 2 else []
            put_off = [
                ("expected_close_on", f"2027-0{n}-01", f"2027-0{n + 1}-01", day)
                for n, day in enumerate(days, 1)
            ]
            company.deal(f"{rep}{at}", rep, *put_off)

    def fitted(work: Work) -> tuple[float, float]:
        (evidence,) = evidence_of(work, ["slippage"])
        rows = evidence.rows[evidence.rows["rep_id"] != "nobody"]
        apart = rows.assign(n=20, yy=rows["y"], xy=rows["y"] * rows["x"] / 20, xx=rows["x"] ** 2 / 20)
        together, alone = (fit_expected(each, ["age"], "rate") for each in (rows, apart))
        return together.dispersion, alone.dispersion

    together, alone = asked(company.store(make_store), fitted)
    # Four events or none, of which two are expected: a variance of 4 for a mean of 2.
    assert together == pytest.approx(2.0, rel=0.25)
    assert alone < 0.7


# -- Which step -----------------------------------------------------------------------------------------------

RENEWALS = [
    ("Renewal", "Proposal", 1, "open"),
    ("Renewal", "Demo", 5, "open"),
    ("Renewal", "Lost", 6, "lost"),
]
NEW = [("P", "Demo", 2, "open"), ("P", "Proposal", 3, "open"), ("P", "Lost", 4, "lost")]


def of_two_pipelines(make_store: MakeStore, *, unknown: bool = False) -> Store:
    """Give deals that go from demo to proposal in one pipeline, and the other way in another, half of them lost."""
    company = Company()
    moved, lost = dt.date(2026, 2, 1), {"stage": "Lost", "outcome": "lost", "closed_on": dt.date(2026, 2, 1)}
    steps = {"P": ("Demo", "Proposal"), "Renewal": ("Proposal", "Demo")}
    for pipeline, (stage, following) in steps.items():
        told = None if unknown else pipeline
        for at in range(6):
            company.deal(
                f"{pipeline} on {at}", "A", ("stage", stage, following, moved), stage=following, pipeline=told
            )
            company.deal(f"{pipeline} lost {at}", "A", ("stage", stage, "Lost", moved), pipeline=told, **lost)
    return company.store(make_store, [*NEW, *RENEWALS])


def test_each_pipeline_has_its_own_order_of_stages(make_store: MakeStore) -> None:
    """A pipeline in which a stage of the same name comes first does not turn another's way round."""
    rows = asked(of_two_pipelines(make_store), stage_evidence.stage_conversion)
    found = rows.groupby("part")[["n", "y"]].sum()
    assert found.loc["Demo (P)"].tolist() == found.loc["Proposal (Renewal)"].tolist() == [12, 6.0]
    assert set(rows["place"]) == {"P", "Renewal"}


def test_where_the_pipeline_is_unknown_names_tell_the_order(make_store: MakeStore) -> None:
    rows = asked(of_two_pipelines(make_store, unknown=True), stage_evidence.stage_conversion)
    found = rows.groupby("part")[["n", "y"]].sum()
    assert found.loc["Demo"].tolist() == [6, 0.0], "by name a proposal comes first"
    assert found.loc["Proposal"].tolist() == [12, 6.0]


def test_a_stage_of_one_pipeline_is_called_by_its_name_alone(make_store: MakeStore) -> None:
    company = Company()
    lost = {"stage": "Lost", "outcome": "lost", "closed_on": AFTER, "pipeline": None}
    company.deal("lost", "A", ("stage", "Demo", "Lost", AFTER), **lost)
    company.deal("moved away", "A", ("stage", "Demo", "Lost", AFTER), **lost | {"pipeline": "Elsewhere"})
    rows = asked(company.store(make_store), stage_evidence.stage_conversion)
    assert rows.groupby(["part", "place"])["n"].sum().to_dict() == {("Demo", "P"): 2}


def test_deals_to_look_at_are_of_the_step_s_own_pipeline() -> None:
    deals = pd.DataFrame(
        {"deal_id": ["new", "renewal"], "owner_id": "A", "pipeline": ["P", "Renewal"], "stage": "Proposal",
         "amount": 1.0, "days_in_stage": 9.0}
    )  # fmt: skip
    step = {"rep_id": "A", "lever": "stage_conversion"}
    named = pd.DataFrame([step | {"part": "Proposal (Renewal)"}, step | {"part": "Proposal"}])
    shown = review_deals(named, deals)
    assert [[deal["deal_id"] for deal in each] for each in shown] == [["renewal"], ["new", "renewal"]]
