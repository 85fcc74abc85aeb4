"""What a report tells of coaching: each person of its scope with outlook, levers and what was agreed, as last found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spm_lib.data.coaching_ledger import CoachingLedger
from spm_lib.data.ledger import ledger_path
from spm_lib.errors import StoreError
from spm_lib.models.coaching.lever_scores import money_a_quarter, usual_money
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.progress import FOLLOWED
from spm_lib.models.coaching.usual_quarter import reps_at_work
from spm_lib.models.flags import open_by_then

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

_PEOPLE = (
    "rep_id",
    "rep_name",
    "team",
    "team_name",
    "quota",
    "revenue",
    "expected",
    "low",
    "high",
    "miss",
    "priority",
    "attainment_then",
    "attainment_then_low",
    "attainment_then_high",
)
_LEVERS = (
    "rep_id",
    "rep_name",
    "team",
    "lever",
    "part",
    "label",
    "unit",
    "better",
    "counted",
    "n",
    "observed",
    "expected",
    "difference",
    "low",
    "high",
    "behind",
    "named",
    "worth",
    "worth_low",
    "worth_high",
    "comes",
    "stands_out",
    "middle_of",
    "priority",
    "deals",
)
#: What people and their levers are put in order by, also where money is not known.
_RANK = "_rank"
_AGREED = (
    "agreement_id",
    "rep_id",
    "rep_name",
    "team",
    "lever",
    "label",
    "unit",
    "better",
    "action",
    "agreed_on",
    "review_on",
    "due",
    "followed",
    "measured_on",
    "n_before",
    "before",
    "n_since",
    "since",
    "difference",
    "low",
    "high",
)


@dataclass(frozen=True)
class Coaching:
    """What was found of the people of one scope.

    Parameters
    ----------
    asked_on
        The report's day.
    found_on
        The latest day up to it on which people were looked at; None where there is none.
    ends_on
        Last day of the quarter that the outlooks tell of; None without outlooks.
    people
        A row per person at work, those to talk to first on top (see `Notes`), then by name: rep_id, rep_name, team,
        team_name; of the quarter, null where there is no quota: quota, revenue so far, expected at its end with low and
        high (80 %), miss (the probability that the quota is missed); priority (money: see `Notes`, null where nobody knows
        or nothing is named); attainment_then (expected attainment, 1 is all, with the person's first lever at the middle
        of peers; null where that is not known, or comes once) with attainment_then_low and attainment_then_high, at the
        ends of the lever's interval alone.
    levers
        A row per person, lever and part that was measured: see `spm_lib.data.coaching_ledger`; label, unit, better,
        counted and comes of the lever; priority; deals: those to look at together as dicts with deal_id, name, amount,
        fact and value. Named ones of a person come first, in order of priority.
    agreed
        A row per agreement with a person of the scope, the latest first: agreement_id, rep_id, rep_name, team, lever,
        label, unit, better,
        action, agreed_on, review_on, due (the review is today or past), followed (whether it is young enough to be measured
        still), and what came of it as last measured (null where it never was): measured_on, n_before, before, n_since,
        since, difference with low and high (90 %), in the lever's unit.
    tests
        Of the whole company, a row per lever and part: lever, part, label, reps, differ, p_value, usual.
    starts_on
        First day of the evidence.
    damaged
        Why the ledger cannot be read; empty where it can.

    Notes
    -----
    Priority is the chance to miss the quota × what the best lever is worth a quarter × the probability of being behind on
    it. Where there is no quota the chance is left out. Money that comes once counts with the quarter of it that falls on
    each quarter of a year. Where nobody knows what a lever is worth there is no priority, and the middle of what all named
    levers of the company are worth stands for it in the order, so that whoever is surely behind and likely to miss
    comes before others.
    """

    asked_on: dt.date
    found_on: dt.date | None = None
    ends_on: dt.date | None = None
    starts_on: dt.date | None = None
    people: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_PEOPLE)))
    levers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_LEVERS)))
    agreed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_AGREED)))
    tests: pd.DataFrame = field(default_factory=lambda: pd.DataFrame())
    damaged: str = ""

    @property
    def named(self) -> pd.DataFrame:
        """The levers that are named, in order of the people and of priority."""
        order = {rep: at for at, rep in enumerate(self.people["rep_id"])}
        found = self.levers[self.levers["named"].astype(bool)]
        return (
            found.assign(_at=found["rep_id"].map(order)).sort_values("_at", kind="stable").drop(columns="_at")
        )

    @property
    def age(self) -> int:
        """How many days before the report's day people were looked at; 0 where they were not."""
        return (self.asked_on - self.found_on).days if self.found_on else 0

    def of(self, rep_id: str) -> Coaching:
        """Give what concerns one person alone."""
        frames = {n: getattr(self, n) for n in ("people", "levers", "agreed")}
        own = {n: frame[frame["rep_id"] == rep_id].reset_index(drop=True) for n, frame in frames.items()}
        return replace(self, **own)


def read_coaching(snapshot: Snapshot) -> Coaching:
    """Read what was found of the people of a snapshot's scope, from the ledger beside its store."""
    return snapshot.once(("coaching",), lambda: _read(snapshot))


def _read(snapshot: Snapshot) -> Coaching:
    ledger = CoachingLedger(ledger_path(snapshot.store.path))
    try:
        found_on = ledger.latest(snapshot.date)
        agreed = _agreed(ledger, snapshot)
        if found_on is None:
            return Coaching(snapshot.date, agreed=agreed)
        levers, outlooks, card = (
            ledger.levers(found_on),
            ledger.outlooks(found_on),
            ledger.card(found_on) or {},
        )
    except StoreError as error:
        return Coaching(snapshot.date, damaged=str(error))
    roster = people_of_scope(snapshot)
    outlooks = _still_told(outlooks, found_on, snapshot.date)
    levers = _levers(levers, outlooks, roster, snapshot)
    people = _people(roster, outlooks, levers)
    ends = outlooks["ends_on"].max() if len(outlooks) else pd.NaT
    return Coaching(
        asked_on=snapshot.date,
        found_on=found_on,
        ends_on=None if pd.isna(ends) else ends.date(),
        starts_on=dt.date.fromisoformat(card["starts_on"]) if "starts_on" in card else None,
        people=people,
        levers=levers.drop(columns=_RANK),
        agreed=agreed,
        tests=_tests(card.get("levers", [])),
    )


def _still_told(outlooks: pd.DataFrame, found_on: dt.date, day: dt.date) -> pd.DataFrame:
    """Leave out outlooks on what has ended since: they are neither what is to come nor what came."""
    ends = pd.to_datetime(outlooks["ends_on"])
    return outlooks[(ends >= pd.Timestamp(day)) | (ends <= pd.Timestamp(found_on))]


def people_of_scope(snapshot: Snapshot) -> pd.DataFrame:
    """Give the people of the scope's teams who are at work on the day: rep_id, rep_name, team, team_name, by name."""
    reps = reps_at_work(snapshot)
    if snapshot.team_ids is not None:
        reps = reps[reps["team"].isin(snapshot.team_ids)]
    teams = {team.team_id: team.name for team in snapshot.teams.values()}
    members = reps["team"].notna() if snapshot.meta.rows.get("team_members") else reps["rep_id"].notna()
    reps = reps[members]
    found = pd.DataFrame(
        {
            "rep_id": reps["rep_id"].astype(object),
            "rep_name": reps["name"].fillna(reps["rep_id"]).astype(object),
            "team": reps["team"].astype(object),
            "team_name": reps["team"].map(teams).astype(object),
        }
    )
    return found.sort_values(["rep_name", "rep_id"], key=lambda c: c.str.casefold()).reset_index(drop=True)


def _levers(
    levers: pd.DataFrame, outlooks: pd.DataFrame, roster: pd.DataFrame, snapshot: Snapshot
) -> pd.DataFrame:
    found = levers.drop(columns="as_of").merge(roster, on="rep_id", how="inner")
    miss = found["rep_id"].map(outlooks.set_index("rep_id")["miss"]).astype("float64").fillna(1.0)
    money, urgent = money_a_quarter(found), found["behind"] * miss
    found["priority"] = np.where(found["named"], money * urgent, np.nan)
    found[_RANK] = np.where(found["named"], money.fillna(usual_money(levers)) * urgent, np.nan)
    for name in ("label", "unit", "better", "counted", "comes"):
        found[name] = [getattr(LEVERS[lever], name) if lever in LEVERS else "" for lever in found["lever"]]
    found["deals"] = pd.Series(_with_names(found, snapshot), index=found.index, dtype=object)
    order = ["named", _RANK, "behind", "lever", "part"]
    found = found.sort_values(order, ascending=[False, False, False, True, True], kind="stable")
    return found[[*_LEVERS, _RANK]].reset_index(drop=True)


def _with_names(levers: pd.DataFrame, snapshot: Snapshot) -> list[list[dict[str, Any]]]:
    """Add names and amounts to the deals that are open still, and the rep's still; others are left out."""
    if not levers["deals"].map(len).any():
        return [[] for _ in range(len(levers))]
    deals = open_by_then(snapshot).drop_duplicates("deal_id")
    known: dict[Any, dict[str, Any]] = {
        (owner, deal): {"name": name, "amount": amount}
        for owner, deal, name, amount in deals[["rep", "deal_id", "name", "amount"]].itertuples(index=False)
    }
    return [
        [{**deal, **known[rep, deal["deal_id"]]} for deal in each if (rep, deal["deal_id"]) in known]
        for rep, each in zip(levers["rep_id"], levers["deals"], strict=True)
    ]


def _people(roster: pd.DataFrame, outlooks: pd.DataFrame, levers: pd.DataFrame) -> pd.DataFrame:
    told = outlooks[["rep_id", "quota", "revenue", "expected", "low", "high", "miss"]]
    people = roster.merge(told, on="rep_id", how="left")
    first = levers[levers["named"]].drop_duplicates("rep_id").set_index("rep_id")
    people["priority"] = people["rep_id"].map(first["priority"]).astype("float64")
    lasting = first[first["comes"] == "each quarter"]
    for name, worth in (("", "worth"), ("_low", "worth_low"), ("_high", "worth_high")):
        gained = people["rep_id"].map(lasting[worth]).astype("float64")
        then = (people["expected"] + gained) / people["quota"]
        people[f"attainment_then{name}"] = then.astype("float64")
    rank = people["rep_id"].map(first[_RANK]).astype("float64")
    people = people.assign(**{_RANK: rank}).sort_values(
        _RANK, ascending=False, kind="stable", na_position="last"
    )
    return people[list(_PEOPLE)].reset_index(drop=True)


def _agreed(ledger: CoachingLedger, snapshot: Snapshot) -> pd.DataFrame:
    roster = people_of_scope(snapshot)
    agreements = ledger.agreements(until=snapshot.date, reps=list(roster["rep_id"]))
    if not agreements:
        return pd.DataFrame(columns=list(_AGREED))
    rows = pd.DataFrame(
        [
            {
                "agreement_id": one.agreement_id,
                "rep_id": one.rep_id,
                "lever": one.lever,
                "label": LEVERS[one.lever].label if one.lever in LEVERS else one.lever,
                "unit": LEVERS[one.lever].unit if one.lever in LEVERS else "",
                "better": LEVERS[one.lever].better if one.lever in LEVERS else "up",
                "action": one.action,
                "agreed_on": one.agreed_on,
                "review_on": one.review_on,
                "due": one.review_on <= snapshot.date,
                "followed": snapshot.date <= one.agreed_on + FOLLOWED,
            }
            for one in agreements
        ]
    )
    moved = ledger.last_progress(snapshot.date).rename(columns={"as_of": "measured_on"})
    rows = rows.merge(roster, on="rep_id").merge(moved, on="agreement_id", how="left")
    rows = rows.reindex(columns=list(_AGREED))
    return rows.sort_values(["agreed_on", "agreement_id"], ascending=False).reset_index(drop=True)


def _tests(facts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = [{**fact, "label": LEVERS[fact["lever"]].label} for fact in facts if fact["lever"] in LEVERS]
    return pd.DataFrame(rows, columns=["lever", "part", "label", "reps", "differ", "p_value", "usual"])
