"""The demo company: the same bytes everywhere, a history that agrees with itself, and causes that show."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spm_lib.data.schema import TABLES
from spm_lib.data.sources.demo import GO_LIVE, LAST_DAY, generate
from spm_lib.data.sources.demo.chance import Dice
from spm_lib.data.sources.demo.truth import Truth, truth
from spm_lib.errors import SourceError

ROOT = Path(__file__).parents[2]
LAST = LAST_DAY.isoformat()
END = pd.Timestamp(LAST_DAY)
Frames = dict[str, pd.DataFrame]
Row = dict[str, str | None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "new" / "company"
    generate(path, seed=1)
    return path


@pytest.fixture(scope="module")
def demo(folder: Path) -> Frames:
    """Every table as text, null where empty."""
    return read(folder)


@pytest.fixture(scope="module")
def planted() -> Truth:
    return truth(1)


@pytest.fixture(scope="module")
def deals(demo: Frames) -> pd.DataFrame:
    """Deals that count, typed: no duplicates, no refunds; with the owner's segment and the cycle in days."""
    frame = demo["deals"]
    frame = frame[frame["merged_into_id"].isna() & (frame["deal_type"] != "Refund")].copy()
    for name in ("created_on", "closed_on", "expected_close_on"):
        frame[name] = pd.to_datetime(frame[name])
    frame["amount"] = pd.to_numeric(frame["amount"])
    frame["x_discount"] = pd.to_numeric(frame["x_discount"])
    frame["days"] = (frame["closed_on"] - frame["created_on"]).dt.days
    segment = demo["accounts"].set_index("account_id")["segment"]
    return frame.assign(segment=frame["account_id"].map(segment))


@pytest.fixture(scope="module")
def history(demo: Frames) -> dict[str, list[Row]]:
    """The changes of each deal, oldest first."""
    by_deal: dict[str, list[Row]] = defaultdict(list)
    for row in records(demo["deal_changes"].sort_values("changed_at", kind="stable")):
        by_deal[str(row["deal_id"])].append(row)
    return by_deal


def read(folder: Path) -> Frames:
    return {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]).astype(object)
        for path in folder.glob("*.csv")
    }


def records(frame: pd.DataFrame) -> list[Row]:
    return frame.where(frame.notna(), None).to_dict("records")


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def rates_differ(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """How many standard errors the first rate lies above the second."""
    pooled = (hits + other_hits) / (of + other_of)
    error = np.sqrt(pooled * (1 - pooled) * (1 / of + 1 / other_of))
    return float((hits / of - other_hits / other_of) / error)


def set_apart(value: pd.Series, group: pd.Series, others: pd.Series) -> float:
    """How many standard errors the mean of one group of reps lies above the mean of the others."""
    some, rest = value[group], value[others]
    return float((some.mean() - rest.mean()) / (rest.std() * np.sqrt(1 / len(some) + 1 / len(rest))))


def means_differ(some: pd.Series, others: pd.Series) -> float:
    error = np.sqrt(some.var() / len(some) + others.var() / len(others))
    return float((some.mean() - others.mean()) / error)


# The same bytes everywhere


def test_same_bytes_again_and_under_another_hash_seed(folder: Path, tmp_path: Path) -> None:
    began = time.process_time()
    generate(tmp_path / "again", seed=1)
    assert time.process_time() - began < 20  # 4 on a quiet machine: twenty companies are made in some tests
    code = f"from pathlib import Path; from spm_lib.data.sources.demo import generate; generate(Path({str(tmp_path / 'other')!r}), seed=1)"  # noqa: E501
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert digest(tmp_path / "again") == digest(folder)
    assert digest(tmp_path / "other") == digest(folder)


def test_the_stream_of_chance_is_the_same_on_every_machine() -> None:
    # A change here means that the demo company of another NumPy is another company.
    drawn = Dice(1, 1, 0).uniform(3).tolist()
    assert drawn == pytest.approx(DRAWN, abs=1e-15)


DRAWN = [0.46778999436169577, 0.5205062443827666, 0.34760117130789836]


def test_another_seed_is_another_company_and_other_luck_the_same_people(folder: Path, tmp_path: Path) -> None:
    generate(tmp_path / "seed", seed=2)
    generate(tmp_path / "luck", seed=1, luck=1)
    first, seed, luck = digest(folder), digest(tmp_path / "seed"), digest(tmp_path / "luck")
    assert first["reps.csv"] != seed["reps.csv"]
    same = {name for name in first if first[name] == luck[name]}
    people = {"reps", "teams", "team_members", "quotas", "accounts", "initiatives", "initiative_members"}
    assert same == {f"{name}.csv" for name in people | {"products", "stages", "fx_rates"}}


@pytest.mark.parametrize("numbers", [{"seed": -1}, {"scale": 0}, {"luck": -1}])
def test_a_company_that_cannot_be(tmp_path: Path, numbers: dict[str, int]) -> None:
    with pytest.raises(SourceError, match="there is no demo company"):
        generate(tmp_path, **numbers)


# The promised sizes, and the schema


def test_sizes(demo: Frames) -> None:
    teams, reps = demo["teams"], demo["reps"]
    assert teams["parent_team_id"].isna().sum() == 3
    assert teams["parent_team_id"].notna().sum() == 8
    assert reps["role"].str.contains("Account Executive").sum() == 60
    assert 14_000 < len(demo["deals"]) < 16_000
    assert 142_000 < len(demo["activities"]) < 165_000
    assert len(demo["leads"]) > 15_000
    assert len(demo["initiatives"]) == 2
    # 27 months, the last one in progress.
    assert (GO_LIVE.isoformat(), LAST) == ("2024-06-01", "2026-08-14")


def test_scale_multiplies_teams(tmp_path: Path) -> None:
    generate(tmp_path, seed=1, scale=2)
    demo = read(tmp_path)
    assert len(demo["teams"]) == 3 + 16
    assert demo["teams"]["name"].is_unique
    assert demo["reps"]["role"].str.contains("Account Executive").sum() == 120
    assert demo["reps"]["email"].is_unique
    assert demo["accounts"]["name"].is_unique
    assert 28_000 < len(demo["deals"]) < 32_000


def test_files_are_the_schema(folder: Path, demo: Frames) -> None:
    assert set(demo) == set(TABLES)
    for name, table in TABLES.items():
        more = ("x_discount", "x_competitor") if name == "deals" else ()
        assert tuple(demo[name].columns) == table.names + more
        content = (folder / f"{name}.csv").read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        content.decode("utf-8")


@pytest.mark.parametrize("name", list(TABLES))
def test_rows_keep_the_schema(demo: Frames, name: str) -> None:
    frame, table = demo[name], TABLES[name]
    assert not frame.empty
    assert not frame[list(table.key)].isna().any().any()
    assert not frame.duplicated(list(table.key)).any()
    for column in table.columns:
        values = frame[column.name].dropna()
        assert not (column.required and len(values) < len(frame)), column.name
        assert not column.one_of or set(values) <= set(column.one_of), column.name
        if column.references:
            other, key = column.references
            assert set(values) <= set(demo[other][key]), column.name
        form = FORMS.get(column.type)
        assert form is None or values.map(lambda text, form=form: bool(form.fullmatch(text))).all(), (
            column.name
        )
        if column.type in {"money", "rate", "fraction", "integer"}:
            numbers = pd.to_numeric(values)
            assert column.low is None or (numbers >= column.low).all(), column.name
            assert column.high is None or (numbers <= column.high).all(), column.name


FORMS = {
    "date": re.compile(r"20\d\d-[01]\d-[0-3]\d|201\d-[01]\d-[0-3]\d"),
    "timestamp": re.compile(r"20\d\d-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d"),
    "money": re.compile(r"-?\d+\.\d\d"),
    "rate": re.compile(r"\d\.\d{4}"),
    "fraction": re.compile(r"[01]\.\d\d"),
    "integer": re.compile(r"\d+"),
    "boolean": re.compile(r"true|false"),
}


def test_nothing_lies_after_the_last_day_but_plans(demo: Frames) -> None:
    plans = {
        "deals": {"expected_close_on"},
        "activities": {"occurred_at"},
        "quotas": {"starts_on", "ends_on"},
        "initiatives": {"ends_on"},
    }
    for name, table in TABLES.items():
        for column in table.columns:
            if column.type in {"date", "timestamp"} and column.name not in plans.get(name, ()):
                latest = demo[name][column.name].dropna().max()
                assert not isinstance(latest, str) or latest[:10] <= LAST, (name, column.name)
    activities = demo["activities"]
    later = activities["occurred_at"].str[:10] > LAST
    assert later.any()
    assert set(activities.loc[later, "completed"]) == {"false"}
    assert (activities.loc[later, "recorded_at"].str[:10] <= LAST).all()
    closed = demo["deals"]["outcome"] != "open"
    assert (demo["deals"].loc[closed, "expected_close_on"] <= LAST).all()


# People


def test_memberships_never_overlap_and_cover_the_work(demo: Frames) -> None:
    stays: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in records(demo["team_members"]):
        stays[str(row["rep_id"])].append((str(row["valid_from"]), row["valid_to"] or "9999"))
    for spans in stays.values():
        spans.sort()
        assert all(begins <= ends for begins, ends in spans)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))

    def at_work(rep: str, day: str) -> bool:
        return any(begins <= day <= ends for begins, ends in stays[rep])

    frame = demo["deals"][demo["deals"]["removed_on"].isna()]
    for row in records(frame):
        # The last owner of a closed deal is who closed it.
        day = row["closed_on"] or LAST
        assert row["merged_into_id"] or at_work(str(row["owner_id"]), day), row


def test_people_join_leave_and_move(demo: Frames) -> None:
    reps, members = demo["reps"], demo["team_members"]
    joined = reps[reps["hired_on"] > GO_LIVE.isoformat()]
    left = reps[reps["left_on"].notna()]
    assert len(joined) == 14
    assert len(left) == 9
    stays = members.groupby("rep_id")["team_id"].agg(list)
    assert (stays.map(len) > 1).sum() == 5
    assert any(teams[0] == teams[-1] and len(teams) == 3 for teams in stays)
    ends = members.set_index("rep_id")["valid_to"]
    assert (ends[left["rep_id"]].to_numpy() == left["left_on"].to_numpy()).all()
    # Every team and region has a manager with an address, and a manager owns no deals.
    managers = demo["teams"]["manager_id"]
    assert managers.notna().all()
    assert reps.set_index("rep_id").loc[managers, "email"].str.endswith("@example.com").all()
    assert not set(managers) & set(demo["deals"]["owner_id"])


def test_quotas_ramp_and_roll_up(demo: Frames) -> None:
    quotas = demo["quotas"].assign(amount=pd.to_numeric(demo["quotas"]["amount"]))
    own = quotas[quotas["kind"] == "individual"]
    for rep, hired in demo["reps"].set_index("rep_id")["hired_on"].items():
        amounts = own[own["owner_id"] == rep].sort_values("starts_on")["amount"].tolist()
        if hired > "2024-07-01" and len(amounts) >= 3:
            assert amounts[0] < amounts[1] < amounts[2]
    quarter = quotas[quotas["starts_on"].between("2025-10-01", "2025-12-31")]
    total = quarter.groupby(["owner_kind", "kind"])["amount"].sum()
    people, managers, regions = total["rep", "individual"], total["rep", "roll_up"], total["team", "roll_up"]
    assert regions < managers < people
    assert regions > 0.88 * people


# A history that agrees with itself


def test_replay_backwards_gives_what_a_deal_was_at_first(demo: Frames, history: dict[str, list[Row]]) -> None:
    stages = {(row["pipeline"], row["stage"]): row for row in records(demo["stages"])}
    replayed = 0
    for final in records(demo["deals"]):
        row = dict(final)
        changes = history.get(str(row["deal_id"]), [])
        for at in range(len(changes) - 1, -1, -1):
            change = changes[at]
            assert row[str(change["field"])] == change["new_value"], change
            assert change["old_value"] != change["new_value"], change
            row[str(change["field"])] = change["old_value"]
            day = str(change["changed_at"])[:10]
            assert GO_LIVE.isoformat() <= day <= LAST
            assert row["created_on"] is None or row["created_on"] <= day
            if at and changes[at - 1]["changed_at"] == change["changed_at"]:
                continue  # in the middle of what was noted at once
            assert stages[row["pipeline"], row["stage"]]["outcome"] == row["outcome"]
            assert (row["closed_on"] is None) == (row["outcome"] == "open")
            assert row["loss_reason"] is None or row["outcome"] == "lost"
            assert row["closed_on"] is None or row["closed_on"] <= day
            assert row["qualified_on"] is None or row["qualified_on"] <= day
            replayed += 1
        assert row["outcome"] == "open"
        assert row["closed_on"] is row["loss_reason"] is row["merged_into_id"] is row["x_discount"] is None
        assert stages[row["pipeline"], row["stage"]]["outcome"] == "open"
    assert replayed > 50_000


def test_closings_are_noted_on_the_day_and_overwrite_the_expected_date(demo: Frames) -> None:
    changes = demo["deal_changes"]
    closed = changes[(changes["field"] == "closed_on") & changes["new_value"].notna()]
    assert (closed["changed_at"].str[:10] == closed["new_value"]).all()
    deals = demo["deals"][demo["deals"]["outcome"] != "open"]
    assert (deals["expected_close_on"] == deals["closed_on"]).all()
    assert (deals.loc[deals["outcome"] == "lost", "loss_reason"].notna()).all()
    assert (deals.loc[deals["outcome"] == "won", "amount"].notna()).all()


def test_every_kind_of_change_is_there(demo: Frames, history: dict[str, list[Row]]) -> None:
    position = {(row["pipeline"], row["stage"]): row for row in records(demo["stages"])}
    deals = {str(row["deal_id"]): row for row in records(demo["deals"])}
    left = demo["reps"].dropna(subset=["left_on"]).set_index("rep_id")["left_on"].to_dict()
    kinds: dict[str, int] = defaultdict(int)
    for deal, changes in history.items():
        pipeline = deals[deal]["pipeline"]
        for change in changes:
            field, old, new = change["field"], change["old_value"], change["new_value"]
            day = str(change["changed_at"])[:10]
            kinds[f"{field} changed"] += 1
            if field == "stage":
                before, after = position[pipeline, old], position[pipeline, new]
                step = int(str(after["position"])) - int(str(before["position"]))
                both_open = before["outcome"] == after["outcome"] == "open"
                kinds["moved back"] += both_open and step < 0
                kinds["skipped"] += both_open and step > 1
            elif field == "outcome":
                kinds[f"{old} to {new}"] += 1
            elif field == "expected_close_on" and not any(
                other["field"] == "outcome" and other["changed_at"] == change["changed_at"]
                for other in changes
            ):
                kinds["pushed" if str(new) > str(old) else "pulled"] += 1
            elif field == "amount":
                fields = {c["field"] for c in changes if c["changed_at"] == change["changed_at"]}
                if old is None:
                    kinds["priced late"] += 1
                elif "x_discount" in fields:
                    kinds["discounted"] += 1
                else:
                    kinds["grown" if float(str(new)) > float(old) else "cut"] += 1
            elif field == "owner_id":
                kinds["handed over by a leaver"] += left.get(old) == day
                kinds["reassigned"] += old not in left
            elif field == "next_step":
                kinds["next step cleared"] += new is None
    expected = """moved back,skipped,won to open,lost to open,open to won,open to lost,pushed,pulled,priced late,
        discounted,grown,cut,handed over by a leaver,reassigned,next step cleared,merged_into_id changed,
        forecast_category changed,qualified_on changed,x_competitor changed,product_id changed,
        loss_reason changed,closed_on changed"""
    for kind in re.split(r",\s*", expected):
        assert kinds[kind] >= (3 if kind == "won to open" else 20), (kind, kinds[kind])


def test_what_only_a_real_crm_has_is_there(demo: Frames) -> None:
    deals, activities, leads = demo["deals"], demo["activities"], demo["leads"]
    amount = pd.to_numeric(deals["amount"])
    assert ((amount < 0) & (deals["outcome"] == "won")).sum() >= 10
    assert set(deals.loc[amount < 0, "deal_type"]) == {"Refund"}
    merged = deals["merged_into_id"].notna()
    assert merged.sum() > 100
    assert not set(deals.loc[merged, "merged_into_id"]) & set(deals.loc[merged, "deal_id"])
    assert set(deals.loc[merged, "outcome"]) == {"open", "lost"}
    assert 5 <= deals["removed_on"].notna().sum() <= 60
    assert 3 <= deals["created_on"].isna().sum() <= 10
    assert 100 < amount.isna().sum() < 1000
    assert deals.loc[deals["outcome"] == "open", "next_step"].isna().mean() > 0.05
    share = deals["currency"].value_counts(normalize=True)
    assert share["EUR"] > 0.08
    assert share["GBP"] > 0.08
    assert 0 < deals["currency"].isna().sum() < 200
    names = set(demo["accounts"].set_index("account_id").loc[deals["account_id"], "name"])
    assert {"O'Brien & Söhne <GmbH>", 'The "Quoted" Company, Inc.', "上海晨光科技有限公司"} <= names
    assert any("\u0600" <= letter <= "\u06ff" for name in names for letter in name)

    known = activities.dropna(subset=["recorded_at"])
    recorded, occurred = known["recorded_at"].str[:10], known["occurred_at"].str[:10]
    assert (recorded > occurred).mean() > 0.02
    assert (recorded < occurred).mean() > 0.02
    assert activities["direction"].eq("inbound").mean() > 0.1
    assert activities.groupby("deal_id")["contact_id"].nunique().max() > 3
    assert activities["deal_id"].isna().sum() > 100
    assert ((activities["completed"] == "false") & (activities["occurred_at"] < LAST)).sum() > 50
    owners = deals.set_index("deal_id")["owner_id"]
    assert (
        activities["rep_id"] != activities["deal_id"].map(owners)
    ).mean() > 0.02  # help, and earlier owners
    assert set(leads["status"]) == {"new", "working", "converted", "disqualified", "merged"}
    assert leads["merged_into_id"].notna().sum() > 100


def test_leads_and_their_deals_agree(demo: Frames) -> None:
    leads = demo["leads"].dropna(subset=["converted_on"])
    assert leads["converted_deal_id"].notna().all()
    assert leads["converted_deal_id"].is_unique
    deal = demo["deals"].set_index("deal_id").loc[leads["converted_deal_id"]]
    assert (deal["created_on"].to_numpy() == leads["converted_on"].to_numpy()).all()
    assert (deal["source"].to_numpy() == leads["source"].to_numpy()).all()
    assert (leads["created_on"] <= leads["converted_on"]).all()


# Numbers that a sales leader finds believable


def test_the_company_is_believable(demo: Frames, deals: pd.DataFrame) -> None:
    new = deals[deals["pipeline"] == "New Business"]
    decided = new[new["outcome"] != "open"]
    assert 0.24 < (decided["outcome"] == "won").mean() < 0.31
    assert 58 <= new.loc[new["outcome"] == "won", "days"].median() <= 70
    won = in_dollars(demo, deals[deals["outcome"] == "won"])
    assert won["dollars"].min() > 50
    assert won["dollars"].max() < 1e6
    median = won.groupby("segment")["dollars"].median()
    assert median["SMB"] < median["Mid-Market"] < median["Enterprise"]

    quotas = demo["quotas"][demo["quotas"]["kind"] == "individual"]
    target = (
        pd.to_numeric(quotas["amount"]).groupby(pd.to_datetime(quotas["starts_on"]).dt.to_period("Q")).sum()
    )
    revenue = won.groupby(won["closed_on"].dt.to_period("Q"))["dollars"].sum()
    full = (revenue / target)["2024Q3":"2026Q2"]
    assert len(full) == 8
    assert full.between(0.80, 1.10).sum() >= 6
    assert full.between(0.65, 1.25).all()
    # Quarters earn late: the last of three months brings far more than a third.
    month = won["closed_on"].dt.month % 3
    assert won.loc[month == 0, "dollars"].sum() / won["dollars"].sum() > 0.40


def in_dollars(demo: Frames, deals: pd.DataFrame) -> pd.DataFrame:
    rates = demo["fx_rates"].assign(
        valid_from=pd.to_datetime(demo["fx_rates"]["valid_from"]),
        rate=pd.to_numeric(demo["fx_rates"]["rate"]),
    )
    frame = deals.assign(currency=deals["currency"].fillna("USD")).sort_values("closed_on")
    frame = pd.merge_asof(
        frame, rates.sort_values("valid_from"), left_on="closed_on", right_on="valid_from", by="currency"
    )
    return frame.assign(dollars=frame["amount"] * frame["rate"].fillna(1.0))


# What is planted shows in the tables


def test_one_source_converts_better_and_the_others_alike(demo: Frames, planted: Truth) -> None:
    leads = demo["leads"][demo["leads"]["merged_into_id"].isna()]
    created, converted = pd.to_datetime(leads["created_on"]), pd.to_datetime(leads["converted_on"])
    for days in (30, 60, 90):
        old = created <= END - pd.Timedelta(days=days)
        hit = ((converted - created).dt.days <= days)[old]
        rate = hit.groupby(leads["source"][old]).mean()
        assert rate.idxmax() == "Referral"
        others = rate.drop("Referral")
        assert rate["Referral"] > 1.6 * others.max()
        assert others.max() - others.min() < 0.04
    assert planted.sources.set_index("source")["better"].to_dict() == {
        "Website": False,
        "Webinar": False,
        "Trade Show": False,
        "Partner": False,
        "Referral": True,
    }


def test_one_initiative_works_and_the_other_does_not(
    demo: Frames, deals: pd.DataFrame, planted: Truth
) -> None:
    closed = in_dollars(demo, deals[deals["outcome"] != "open"])
    closed = closed[closed["pipeline"] == "New Business"].assign(won=lambda d: d["outcome"] == "won")
    for row in records(planted.initiatives.astype(object)):
        initiative = demo["initiatives"].set_index("initiative_id").loc[row["initiative_id"]]
        assert initiative["target_metric"] == row["target_metric"]
        members = demo["initiative_members"]
        members = members.loc[members["initiative_id"] == row["initiative_id"], "rep_id"]
        inside = closed["owner_id"].isin(members)
        after = closed["closed_on"] >= initiative["starts_on"]
        if row["target_metric"] == "win_rate":
            value, settled = (
                closed["won"].astype(float),
                after & (closed["created_on"] >= initiative["starts_on"]),
            )
        else:
            value, settled = np.log(closed["dollars"].where(closed["won"])), after
        groups = [value[who & when].dropna() for who in (inside, ~inside) for when in (settled, ~after)]
        means, errors = [g.mean() for g in groups], [g.var() / len(g) for g in groups]
        # What changed for the members beyond what changed for the others.
        z = ((means[0] - means[1]) - (means[2] - means[3])) / np.sqrt(sum(errors))
        assert z > 3.5 if row["works"] else abs(z) < 3


def test_reps_differ_in_the_lever_that_was_planted(
    demo: Frames, deals: pd.DataFrame, planted: Truth, history: dict[str, list[Row]]
) -> None:
    skills = planted.skills.set_index("rep_id")
    assert (skills["lever"].isna() == (skills["gap"] == 0)).all()
    assert 0.4 < skills["lever"].notna().mean() < 0.6
    lever = deals["owner_id"].map(skills["lever"]).fillna("none")
    lever = lever.where(~deals["owner_id"].isin(skills.index[skills["lifted_from"].notna()]), "lifted")
    new = deals["pipeline"] == "New Business"
    won = new & (deals["outcome"] == "won")
    decided = new & (deals["outcome"] != "open")
    moved = {
        deal: sum(
            change["field"] == "expected_close_on" and str(change["new_value"]) > str(change["old_value"])
            for change in changes
        )
        for deal, changes in history.items()
    }
    overdue = deals[deals["outcome"] == "open"]["expected_close_on"] < END
    activities = demo["activities"][demo["activities"]["completed"] == "true"]
    size = np.log(deals["amount"]) - np.log(deals["amount"]).groupby(deals["segment"]).transform("mean")
    value = {
        "win_rate": (deals["outcome"] == "won")[decided].astype(float),
        "deal_size": size[won],
        "cycle_length": -np.log(deals["days"].clip(lower=1))[won],
        "discount": -deals["x_discount"].fillna(0)[won],
        "slippage": -deals["deal_id"].map(moved).fillna(0)[decided],
        "activity": deals["deal_id"].map(activities["deal_id"].value_counts()).fillna(0)[decided],
        "hygiene": -deals["next_step"].isna().astype(float)[decided]
        - overdue.reindex(decided[decided].index).fillna(0),
    }
    for name, of_deals in value.items():
        z = means_differ(of_deals[lever == name], of_deals[lever == "none"])
        assert z < -3, (name, z)

    start = deals["created_on"] >= pd.Timestamp(GO_LIVE)
    created = deals[start & new].groupby("owner_id").size().reindex(skills.index).fillna(0)
    teams = demo["team_members"].drop_duplicates("rep_id", keep="last").set_index("rep_id")["team_id"]
    reps = demo["reps"].set_index("rep_id").loc[skills.index]
    begins = pd.to_datetime(reps["hired_on"]).clip(lower=pd.Timestamp(GO_LIVE))
    months = (pd.to_datetime(reps["left_on"]).fillna(END) - begins).dt.days / 30.4
    pace = created / months
    pace = np.log(pace / pace.groupby(teams.reindex(skills.index)).transform("median"))
    seasoned, weak, plain = months > 12, skills["lever"] == "deals_created", skills["lever"].isna()
    assert set_apart(pace, seasoned & weak, seasoned & plain) < -3


def test_a_stage_weakness_shows_at_its_stage_alone(
    planted: Truth, history: dict[str, list[Row]], demo: Frames
) -> None:
    skills = planted.skills.set_index("rep_id")
    plain = skills.index[skills["lever"].isna() & skills["lifted_from"].isna()]
    owner = demo["deals"].set_index("deal_id")["owner_id"]
    left: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for deal, changes in history.items():
        for change in changes:
            if change["field"] == "stage" and change["new_value"] in {*STEPS, "Closed Won", "Closed Lost"}:
                left[owner[deal], str(change["old_value"])].append(change["new_value"] != "Closed Lost")
    weak = skills[skills["lever"] == "stage_conversion"]
    assert len(weak)
    beyond: dict[bool, list[float]] = {True: [], False: []}
    spread: dict[bool, list[float]] = {True: [], False: []}
    for rep, step in weak["stage"].items():
        for stage in STEPS:
            usual = np.mean([hit for other in plain for hit in left[other, stage]])
            beyond[stage == step] += [hit - usual for hit in left[rep, stage]]
            spread[stage == step] += [usual * (1 - usual)] * len(left[rep, stage])
    z = {own: sum(beyond[own]) / np.sqrt(sum(spread[own])) for own in (True, False)}
    assert z[True] < -3.5
    assert abs(z[False]) < 3


STEPS = ("Qualification", "Discovery", "Proposal", "Negotiation")


def test_slow_answers_show(demo: Frames, planted: Truth) -> None:
    frame = demo["activities"][demo["activities"]["completed"] == "true"].dropna(subset=["deal_id"])
    frame = frame.assign(at=pd.to_datetime(frame["occurred_at"])).sort_values(["deal_id", "at"])
    answered = frame["at"].where(frame["direction"] == "outbound").groupby(frame["deal_id"]).bfill()
    waits = ((answered - frame["at"]).dt.total_seconds() / 86_400)[frame["direction"] == "inbound"].dropna()
    owner = frame["deal_id"].map(demo["deals"].set_index("deal_id")["owner_id"])
    lever = owner.map(planted.skills.set_index("rep_id")["lever"]).fillna("none")[waits.index]
    assert means_differ(waits[lever == "follow_up"], waits[lever == "none"]) > 6


def test_causes_raise_losses(planted: Truth) -> None:
    frames = [
        planted.open_deals(day).merge(planted.outcomes(day, 60), on="deal_id")
        for day in (dt.date(2024, 9, 15), dt.date(2025, 3, 10), dt.date(2025, 9, 1), dt.date(2026, 3, 2))
    ]
    frame = pd.concat(frames, ignore_index=True).assign(lost=lambda d: d["lost"].astype(float))
    frame = frame[frame["pipeline"] == "New Business"]
    beyond_stage = frame["lost"] - frame["lost"].groupby(frame["stage"]).transform("mean")
    for cause in planted.causes["cause"]:
        has = frame[cause]
        assert 0.02 < has.mean() < 0.30, cause
        z = means_differ(beyond_stage[has], beyond_stage[~has])
        assert z > 3, (cause, z)


# The truth is the truth


def test_the_truth_knows_what_the_tables_say(
    demo: Frames, planted: Truth, history: dict[str, list[Row]]
) -> None:
    as_of = dt.date(2025, 11, 16)  # a Sunday
    day = as_of.isoformat()
    state = planted.open_deals(as_of).set_index("deal_id")
    activities = demo["activities"]
    activities = activities[(activities["completed"] == "true") & (activities["occurred_at"].str[:10] <= day)]
    last = activities.groupby("deal_id")["occurred_at"].max().str[:10]
    people = activities.groupby("deal_id")["contact_id"].nunique()
    seen = 0
    for final in records(demo["deals"]):
        row, deal = dict(final), str(final["deal_id"])
        if row["created_on"] is None or row["created_on"] > day or (row["removed_on"] or "9999") <= day:
            assert deal not in state.index
            continue
        pushes, amount_cut, back = 0, False, False
        for change in reversed(history.get(deal, [])):
            if str(change["changed_at"])[:10] > day:
                row[str(change["field"])] = change["old_value"]
        if row["outcome"] != "open" or row["deal_type"] == "Refund" or final["merged_into_id"]:
            assert deal not in state.index
            continue
        closings = {change["changed_at"] for change in history.get(deal, []) if change["field"] == "outcome"}
        for change in history.get(deal, []):
            # What closing overwrites is no push, should the deal be reopened.
            if change["changed_at"] in closings:
                continue
            if str(change["changed_at"])[:10] <= day and change["old_value"] is not None:
                old, new = str(change["old_value"]), str(change["new_value"])
                pushes += change["field"] == "expected_close_on" and new > old
                amount_cut |= change["field"] == "amount" and float(new) <= 0.85 * float(old)
                back |= (
                    change["field"] == "stage"
                    and new in STEPS
                    and old in STEPS
                    and STEPS.index(new) < STEPS.index(old)
                )
        true = state.loc[deal]
        assert row["stage"] == true["stage"]
        assert row["owner_id"] == true["owner_id"]
        assert row["expected_close_on"] == true["expected_close_on"].date().isoformat()
        assert (row["next_step"] is None) == true["no_next_step"]
        assert (row["x_competitor"] == "Kestrel") == true["competitor"]
        assert amount_cut == true["amount_cut"]
        assert back == true["moved_back"]
        if row["created_on"] >= GO_LIVE.isoformat():
            assert (pushes >= 2) == true["pushed"]
            assert people.get(deal, 0) == true["contacts"]
            assert last.get(deal, row["created_on"]) <= true["last_activity_on"].date().isoformat()
            seen += last.get(deal, row["created_on"]) == true["last_activity_on"].date().isoformat()
    assert seen > 0.97 * len(state)  # the rest reopened, or had their last activity recorded after all


@pytest.fixture(scope="module")
def looked_ahead(planted: Truth) -> dict[int, pd.DataFrame]:
    days = [dt.date(2024, 8, 20) + dt.timedelta(days=119 * n) for n in range(6)]
    frames = {
        horizon: [
            planted.probabilities(day, horizon, draws=32)
            .merge(planted.outcomes(day, horizon), on="deal_id", suffixes=("", "_was"))
            .merge(planted.open_deals(day), on="deal_id")
            for day in days
        ]
        for horizon in (30, 90)
    }
    return {horizon: pd.concat(parts, ignore_index=True) for horizon, parts in frames.items()}


@pytest.mark.parametrize("horizon", [30, 90])
def test_true_probabilities_come_true(looked_ahead: dict[int, pd.DataFrame], horizon: int) -> None:
    frame = looked_ahead[horizon]
    assert np.allclose(frame[["won", "lost", "open"]].sum(axis=1), 1)
    for end in ("won", "lost", "at_risk"):
        predicted, happened = frame[end], frame[f"{end}_was"].astype(float)
        # A deal is looked at on several days; the error allows for that.
        error = np.sqrt((predicted * (1 - predicted)).sum() * 1.5) / len(frame)
        assert abs(predicted.mean() - happened.mean()) < 3.5 * error, end
        tenth = pd.qcut(predicted.rank(method="first"), 10, labels=False)
        off = (predicted.groupby(tenth).mean() - happened.groupby(tenth).mean()).abs()
        assert off.max() < 0.08, end
        assert off.mean() < 0.025, end


def test_true_probabilities_know_more_than_a_stage_does(looked_ahead: dict[int, pd.DataFrame]) -> None:
    frame = looked_ahead[30]
    happened = frame["at_risk_was"].astype(float)
    of_stage = happened.groupby([frame["stage"], frame["due"]]).transform("mean")
    skill = 1 - ((frame["at_risk"] - happened) ** 2).sum() / ((of_stage - happened) ** 2).sum()
    assert skill > 0.06
    ranks = frame["at_risk"].rank()
    hits, misses = happened.sum(), (1 - happened).sum()
    assert (ranks[happened == 1].sum() - hits * (hits + 1) / 2) / (hits * misses) > 0.83


def test_at_risk_probability_is_the_column(planted: Truth) -> None:
    day = dt.date(2026, 1, 31)
    alone = planted.at_risk_probability(day, 30, draws=8)
    frame = planted.probabilities(day, 30, draws=8).set_index("deal_id")
    pd.testing.assert_series_equal(alone, frame["at_risk"])
    assert alone.between(0, 1).all()
    with pytest.raises(ValueError, match="is not between"):
        planted.probabilities(dt.date(2024, 1, 1), 30)
    with pytest.raises(ValueError, match="the records end"):
        planted.outcomes(LAST_DAY, 30)


def library_files() -> Iterator[Path]:
    for path in (ROOT / "spm_lib").rglob("*.py"):
        if path.name != "truth.py" or path.parent.name != "demo":
            yield path


def test_the_library_never_looks_at_the_truth() -> None:
    telling = re.compile(r"demo\.truth|demo import .*\btruth\b|from \.truth|import_module\(.*truth")
    assert [path for path in library_files() if telling.search(path.read_text("utf-8"))] == []
