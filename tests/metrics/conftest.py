"""Random little companies, and an oracle that computes every metric over their rows in plain Python."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain
from typing import Any

import ibis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

from spm_lib.periods import Period

Row = dict[str, Any]
Figure = tuple[float | None, int, float | None, float | None]

D = dt.date
AS_OF = D(2024, 6, 20)
FIRST = D(2023, 10, 1)
#: The end of the last quarter that was over on the as-of date: what benchmarks of the company rest on.
QUARTER_OVER = D(2024, 3, 31)
META = {
    "first_data_date": FIRST,
    "last_data_date": AS_OF,
    "first_closed_on": FIRST,
    "currency": "USD",
    "tracked_from": {
        "stage": AS_OF
    },  # drawn at random, and so no record that could tell how deals stood before
}
NOTHING: Figure = (None, 0, None, None)
Z = stats.norm.ppf(0.975)

TEAMS = [
    {"team_id": "T0", "name": "World"},
    {"team_id": "T1", "name": "West", "parent_team_id": "T0"},
    {"team_id": "T2", "name": "East", "parent_team_id": "T0"},
    {"team_id": "T3", "name": "Coast", "parent_team_id": "T1"},
]
REPS = [{"rep_id": f"R{i}", "name": f"Rep {i}"} for i in range(4)]
ACCOUNTS = [
    {"account_id": "A0", "name": "Acme", "region": "North"},
    {"account_id": "A1", "name": "Bolt", "region": "South"},
    {"account_id": "A2", "name": "Cork", "region": None},
]
PRODUCTS = [{"product_id": "P0", "name": "Plough"}, {"product_id": "P1", "name": None}]
STAGES = [
    {"pipeline": "New", "stage": "Talk", "position": 1, "probability": 0.25, "outcome": "open"},
    {"pipeline": "New", "stage": "Offer", "position": 2, "probability": None, "outcome": "open"},
    {"pipeline": "New", "stage": "Sign", "position": 3, "probability": 0.75, "outcome": "open"},
    {"pipeline": "New", "stage": "Done", "position": 4, "probability": 1.0, "outcome": "won"},
    {"pipeline": "New", "stage": "Gone", "position": 5, "probability": 0.0, "outcome": "lost"},
    {"pipeline": "Old", "stage": "Renew", "position": 1, "probability": None, "outcome": "open"},
]


def _days(first: D, last: D) -> st.SearchStrategy[D]:
    return st.integers(0, (last - first).days).map(lambda k: first + dt.timedelta(days=k))


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


@st.composite
def _deals(draw: st.DrawFn, i: int) -> Row:
    outcome = draw(st.sampled_from(["won", "won", "lost", "open"]))
    closed = draw(_days(D(2024, 1, 1), AS_OF)) if outcome != "open" else None
    created = draw(_maybe(_days(FIRST, closed or AS_OF)))
    amount = draw(st.sampled_from([None, "0", "-20.50", "10", "100.01", "333.33", "5000"]))
    return {
        "deal_id": f"D{i}",
        "account_id": draw(_maybe(st.sampled_from([a["account_id"] for a in ACCOUNTS]))),
        "owner_id": draw(st.sampled_from([r["rep_id"] for r in REPS])),
        "product_id": draw(_maybe(st.sampled_from(["P0", "P1"]))),
        "pipeline": draw(st.sampled_from([None, "New", "New", "Old"])),
        "stage": draw(st.sampled_from([None, "Talk", "Offer", "Sign", "Renew", "Lost in time"])),
        "amount": None if amount is None else Decimal(amount),
        "currency": draw(st.sampled_from([None, "USD", "USD", "EUR", "XAU"])),
        "created_on": created,
        "expected_close_on": draw(_maybe(_days(D(2024, 3, 1), D(2024, 9, 1)))),
        "closed_on": closed,
        "outcome": outcome,
        "merged_into_id": draw(st.sampled_from([None, None, None, "D0"])),
        "removed_on": draw(st.sampled_from([None, None, None, D(2024, 6, 1)])),
        "x_tier": draw(st.sampled_from([None, 1, 2])),
    }


@st.composite
def _spells(draw: st.DrawFn, rep: str) -> list[Row]:
    kind = draw(st.sampled_from(["none", "ever", "mover", "mover", "leaver"]))
    one, two = draw(st.permutations([t["team_id"] for t in TEAMS]))[:2]
    day = draw(_days(D(2024, 3, 20), D(2024, 6, 10)))
    after = day + dt.timedelta(days=draw(st.integers(1, 10)))
    if kind == "none":
        return []
    if kind == "ever":
        return [{"rep_id": rep, "team_id": one}]
    left = {"rep_id": rep, "team_id": one, "valid_from": D(2023, 1, 1), "valid_to": day}
    if kind == "leaver":
        return [left]
    return [left, {"rep_id": rep, "team_id": two, "valid_from": after}]


@st.composite
def _quotas(draw: st.DrawFn) -> list[Row]:
    rows = []
    for rep in REPS:
        for start, end in draw(
            st.lists(
                st.sampled_from(
                    [
                        (D(2024, 4, 1), D(2024, 6, 30)),
                        (D(2024, 1, 1), D(2024, 4, 15)),
                        (D(2024, 7, 1), D(2024, 9, 30)),
                    ]
                ),
                unique=True,
                max_size=2,
            )
        ):
            rows.append(_quota(draw, "rep", rep["rep_id"], "individual", start, end))
        if draw(st.booleans()):
            rows.append(_quota(draw, "rep", rep["rep_id"], "roll_up", D(2024, 4, 1), D(2024, 6, 30)))
    for team in TEAMS:
        if draw(st.integers(0, 3)) == 0:
            kind = draw(st.sampled_from(["individual", "roll_up"]))
            rows.append(_quota(draw, "team", team["team_id"], kind, D(2024, 4, 1), D(2024, 6, 30)))
    return rows


def _quota(draw: st.DrawFn, owner: str, id_: str, kind: str, start: D, end: D) -> Row:
    return {
        "owner_kind": owner,
        "owner_id": id_,
        "kind": kind,
        "starts_on": start,
        "ends_on": end,
        "amount": Decimal(draw(st.sampled_from(["0", "100", "1000", "2500.50"]))),
        "currency": draw(st.sampled_from([None, "USD", "USD", "EUR"])),
    }


@st.composite
def _leads(draw: st.DrawFn, i: int) -> Row:
    created = draw(_days(D(2024, 2, 1), AS_OF))
    return {
        "lead_id": f"L{i}",
        "source": draw(st.sampled_from([None, "web", "fair"])),
        "owner_id": draw(_maybe(st.sampled_from([r["rep_id"] for r in REPS]))),
        "created_on": created,
        "converted_on": draw(_maybe(_days(created, AS_OF))),
        "merged_into_id": draw(st.sampled_from([None, None, None, "L0"])),
    }


@st.composite
def _changes(draw: st.DrawFn, deals: list[Row]) -> list[Row]:
    names = [None, "Talk", "Offer", "Sign", "Renew", "Gone", "Elsewhere"]
    rows = []
    for deal in deals:
        for k in range(draw(st.integers(0, 2))):
            old, new = draw(st.sampled_from(names)), draw(st.sampled_from(names))
            at = dt.datetime(2024, 1, 5 + k)
            row = {"deal_id": deal["deal_id"], "field": "stage", "old_value": old, "new_value": new}
            rows.append({**row, "changed_at": at})
    return rows


@st.composite
def companies(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Draw the tables of a small company, every trap in it: movers, refunds, merges, gaps, currencies."""
    deals = [draw(_deals(i)) for i in range(draw(st.integers(0, 14)))]
    rates = [
        {"currency": "EUR", "valid_from": D(2024, 4, 10), "rate": Decimal("1.1")},
        {"currency": "EUR", "valid_from": D(2024, 5, 20), "rate": Decimal("1.23456789")},
    ]
    return {
        "teams": TEAMS,
        "reps": REPS,
        "team_members": [spell for rep in REPS for spell in draw(_spells(rep["rep_id"]))],
        "accounts": ACCOUNTS,
        "products": PRODUCTS,
        "stages": STAGES if draw(st.integers(0, 4)) else [],
        "deals": deals,
        "deal_changes": draw(_changes(deals)),
        "leads": [draw(_leads(i)) for i in range(draw(st.integers(0, 8)))],
        "quotas": draw(_quotas()),
        "fx_rates": rates if draw(st.booleans()) else [],
    }


@dataclass(frozen=True)
class Oracle:
    """Every metric over plain rows, by loops; nothing is shared with the library but periods."""

    tables: Mapping[str, list[Row]]
    period: Period
    date: D = AS_OF
    scope: str | None = None
    by: tuple[str, ...] = ()

    def figures(self, metric: str) -> dict[tuple[Any, ...], Figure]:
        """Give the figures of `metric` by group, for groups that have rows."""
        if metric in ("quota_attainment", "pipeline_coverage", "pipeline_coverage_full_quota"):
            return self._against_quota(metric)
        if metric.startswith("conversion_rate"):
            return self._grouped(self.leads(), lambda rows: _converted(rows, int(metric[-2:]), self.date))
        if metric == "time_to_decision":
            return self._grouped(self.created(), lambda rows: _time(rows, self.date))
        if metric == "weighted_pipeline":
            return self._grouped(self.open(), self._weighted)
        if metric == "sales_velocity":
            return self._velocity()
        return self._grouped(self.closed(), _OF_CLOSED[metric])

    def without_rows(self, metric: str) -> Figure:
        """Give the figures of a group that exists but has no rows."""
        known = metric == "revenue" or (metric == "weighted_pipeline" and self.any_open())
        return (0.0, 0, 0.0, 0.0) if known else NOTHING

    # -- who and what counts ------------------------------------------------------------------------------

    def team(self, rep: str | None, day: D) -> str | None:
        for spell in self.tables["team_members"]:
            since, until = spell.get("valid_from"), spell.get("valid_to")
            if spell["rep_id"] == rep and (since is None or since <= day) and (until is None or day <= until):
                return str(spell["team_id"])
        return None

    def below(self, team: str) -> set[str]:
        found = {team}
        for other in self.tables["teams"]:
            if other.get("parent_team_id") == team:
                found |= self.below(other["team_id"])
        return found

    def money(self, amount: Decimal | None, currency: str | None, day: D) -> Decimal | None:
        if amount is None or currency in (None, "USD"):
            return amount
        rates = [r for r in self.tables["fx_rates"] if r["currency"] == currency and r["valid_from"] <= day]
        if not rates:
            return None
        rate = max(rates, key=lambda r: r["valid_from"])["rate"]
        return (amount * rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    def _counted(self, rows: Iterable[Row], day_of: Callable[[Row], D]) -> list[Row]:
        found = []
        for row in rows:
            removed = row.get("removed_on")
            if row.get("merged_into_id") or (removed and removed <= self.date):
                continue
            day = day_of(row)
            team = self.team(row["owner_id"], day)
            if self.scope and team not in self.below(self.scope):
                continue
            worth = self.money(row.get("amount"), row.get("currency"), day)
            found.append({**row, "team": team, "rep": row["owner_id"], "worth": worth})
        return found

    def closed(self) -> list[Row]:
        rows = [d for d in self.tables["deals"] if d["closed_on"] and self.period.contains(d["closed_on"])]
        return self._counted(rows, lambda d: d["closed_on"])

    def open(self) -> list[Row]:
        return self._counted([d for d in self.tables["deals"] if d["outcome"] == "open"], lambda _: self.date)

    def any_open(self) -> bool:
        return bool(Oracle(self.tables, self.period, self.date).open())

    def created(self) -> list[Row]:
        rows = [d for d in self.tables["deals"] if d["created_on"] and self.period.contains(d["created_on"])]
        return self._counted(rows, lambda d: d["created_on"])

    def leads(self) -> list[Row]:
        rows = [x for x in self.tables["leads"] if self.period.contains(x["created_on"])]
        return self._counted(rows, lambda x: x["created_on"])

    def _key(self, row: Row) -> tuple[Any, ...]:
        accounts = {a["account_id"]: a for a in self.tables["accounts"]}
        values = {**row, "product": row.get("product_id")}
        values["region"] = accounts.get(row.get("account_id"), {}).get("region")
        return tuple(values[name] for name in self.by)

    def _groups(self, rows: list[Row]) -> dict[tuple[Any, ...], list[Row]]:
        groups: dict[tuple[Any, ...], list[Row]] = {} if self.by else {(): []}
        for row in rows:
            groups.setdefault(self._key(row), []).append(row)
        return groups

    def _grouped(self, rows: list[Row], of: Callable[[list[Row]], Figure]) -> dict[tuple[Any, ...], Figure]:
        return {key: of(found) for key, found in self._groups(rows).items()}

    # -- metrics of several populations -------------------------------------------------------------------

    def _weighted(self, rows: list[Row]) -> Figure:
        named = [s["stage"] for s in self.tables["stages"]]
        assert self.date == AS_OF
        everything = Oracle(self.tables, Period("ever", FIRST, QUARTER_OVER, "range"), QUARTER_OVER)
        known = []
        for row in rows:
            chances = [
                s["probability"]
                for s in self.tables["stages"]
                if s["stage"] == row["stage"]
                and (
                    s["pipeline"] == row["pipeline"] or (not row["pipeline"] and named.count(s["stage"]) == 1)
                )
            ]
            chance = chances[0] if chances else None
            if chance is None and row["stage"]:
                past = [
                    d["outcome"] == "won"
                    for d in everything.closed()
                    if d["pipeline"] == row["pipeline"] and row["stage"] in self._history(d, present=False)
                ]
                chance = sum(past) / len(past) if past else None
            if chance is not None and row["worth"] is not None:
                known.append((float(row["worth"]), chance))
        if not known:
            return NOTHING if rows or not self.any_open() else (0.0, 0, 0.0, 0.0)
        value = sum(a * p for a, p in known)
        half = Z * math.sqrt(sum(a * a * p * (1 - p) for a, p in known))
        return value, len(known), value - half, value + half

    def _history(self, deal: Row, *, present: bool) -> set[str | None]:
        found = {deal["stage"]} if present else set()
        for change in self.tables["deal_changes"]:
            if change["deal_id"] == deal["deal_id"]:
                found |= {change["old_value"], change["new_value"]}
        return found

    def _velocity(self) -> dict[tuple[Any, ...], Figure]:
        closed, waiting = self._groups(self.closed()), self._groups(self.open())
        found = {}
        for key in closed | waiting:
            rows = closed.get(key, [])
            rate, n, _, _ = _win_rate(rows)
            size, cycle = _average_size(rows)[0], _cycle_mean(rows)[0]
            if size is None or not cycle or rate is None or not self.any_open():
                found[key] = NOTHING
            else:
                found[key] = (len(waiting.get(key, [])) * rate * size / cycle, n, math.nan, math.nan)
        return found

    # -- quotas -------------------------------------------------------------------------------------------

    def _quota_parts(self) -> dict[tuple[str, str, str | None], Decimal]:
        """Give quotas by owner kind, owner and team, day by day; a team's roll-up only without its own."""
        parts: dict[tuple[str, str, str | None], float] = {}
        for row in self.tables["quotas"]:
            if row["owner_kind"] == "rep" and row["kind"] == "roll_up":
                continue
            worth = self.money(row["amount"], row["currency"], min(row["starts_on"], self.date))
            whole = (row["ends_on"] - row["starts_on"]).days + 1
            day = max(row["starts_on"], self.period.start)
            spells = [s for s in self.tables["team_members"] if s["rep_id"] == row["owner_id"]]
            while day <= min(row["ends_on"], self.period.end):
                team = None
                if row["owner_kind"] == "rep" and spells:
                    team = self.team(row["owner_id"], day)
                    if team is None:
                        day += dt.timedelta(days=1)
                        continue
                key = (row["owner_kind"], row["owner_id"], team)
                part = math.nan if worth is None else float(worth) / whole
                parts[key] = parts.get(key, 0.0) + part
                day += dt.timedelta(days=1)
        return parts

    def _against_quota(self, metric: str) -> dict[tuple[Any, ...], Figure]:
        parts = self._quota_parts()
        company = Oracle(self.tables, self.period, self.date)
        closed = [d for d in company.closed() if d["outcome"] == "won"]
        due = [
            d
            for d in company.open()
            if d["expected_close_on"] and self.period.contains(d["expected_close_on"])
        ]
        undated = [d for d in company.open() if not d["expected_close_on"]]
        carriers = {owner for kind, owner, _ in parts if kind == "rep"}

        def of_team(team: str) -> tuple[list[float], list[Row], list[Row], list[Row]]:
            if ("team", team, None) in parts:
                inside = self.below(team)
                rows = [[d for d in some if d["team"] in inside] for some in (closed, due, undated)]
                return [parts["team", team, None]], *rows
            found = people(team)
            for other in self.tables["teams"]:
                if other.get("parent_team_id") == team:
                    for mine, theirs in zip(found, of_team(other["team_id"]), strict=True):
                        mine.extend(theirs)
            return found

        def people(team: str | None) -> tuple[list[float], list[Row], list[Row], list[Row]]:
            here = {owner for kind, owner, t in parts if kind == "rep" and t == team}
            return (
                [parts["rep", owner, team] for owner in here],
                [d for d in closed if d["team"] == team and d["rep"] in here],
                *([d for d in some if d["team"] == team and d["rep"] in carriers] for some in (due, undated)),
            )

        groups: dict[tuple[Any, ...], Any] = {}
        if self.by == ():
            if self.scope:
                groups[()] = of_team(self.scope)
            else:
                whole = [of_team(t["team_id"]) for t in self.tables["teams"] if not t.get("parent_team_id")]
                groups[()] = tuple(list(chain(*x)) for x in zip(*whole, people(None), strict=True))
        elif self.by == ("team",):
            until = max(self.period.end, self.date)
            staffed = {
                s["team_id"]
                for s in self.tables["team_members"]
                if (s.get("valid_from") or FIRST) <= until
                and (s.get("valid_to") or until) >= self.period.start
            }
            for team in staffed & self.below(self.scope) if self.scope else staffed:
                groups[team,] = of_team(team)
            if not self.scope:
                groups[None,] = people(None)
        elif self.by == ("rep",):
            for rep in REPS:
                me = rep["rep_id"]
                inside = self.below(self.scope) if self.scope else {None, *(t["team_id"] for t in TEAMS)}
                groups[me,] = (
                    [
                        q
                        for (kind, owner, t), q in parts.items()
                        if kind == "rep" and owner == me and t in inside
                    ],
                    *(
                        [d for d in x if d["rep"] == me and d["team"] in inside]
                        for x in (closed, due, undated)
                    ),
                )
        if metric.startswith("pipeline") and not self.any_open():
            return {}
        return {key: self._ratio(metric, *group) for key, group in groups.items()}

    def _ratio(
        self, metric: str, quotas: list[float], won: list[Row], due: list[Row], undated: list[Row]
    ) -> Figure:
        quota = sum(quotas)
        if not quota > 0:  # none, 0, or unknown
            return NOTHING
        sold = _revenue(won)
        if metric == "quota_attainment":
            if sold[0] is None:
                return NOTHING
            return sold[0] / quota, sold[1], sold[2] / quota, sold[3] / quota
        target = quota if metric.endswith("full_quota") else quota - (sold[0] or 0)
        priced = [d for d in due if d["worth"] is not None]
        if target <= 0 or (not priced and len(due) + len(undated) > 0):
            return NOTHING
        value, n, low, high = _sum(priced)
        return value / target, n, low / target, high / target


# -- metrics of one population ----------------------------------------------------------------------------


def _won(rows: list[Row]) -> list[Row]:
    return [r for r in rows if r["outcome"] == "won"]


def _sum(rows: list[Row]) -> Figure:
    value = float(sum((r["worth"] for r in rows), Decimal(0)))
    half = Z * math.sqrt(sum(float(r["worth"]) ** 2 for r in rows))
    return value, len(rows), value - half, value + half


def _revenue(rows: list[Row]) -> Figure:
    won = _won(rows)
    priced = [r for r in won if r["worth"] is not None]
    return NOTHING if won and not priced else _sum(priced)


def _share(k: int, n: int) -> Figure:
    if n == 0:
        return NOTHING
    found = stats.binomtest(k, n).proportion_ci(method="wilson")
    return k / n, n, found.low, found.high


def _win_rate(rows: list[Row]) -> Figure:
    return _share(len(_won(rows)), len(rows))


def _win_rate_value(rows: list[Row]) -> Figure:
    worth = [r for r in rows if r["worth"] is not None and r["worth"] > 0]
    lost = [r for r in rows if r["outcome"] == "lost"]
    if not worth or (lost and not any(r["outcome"] == "lost" for r in worth)):
        return NOTHING
    weights = np.array([float(r["worth"]) for r in worth])
    won = np.array([r["outcome"] == "won" for r in worth])
    share, n = weights[won].sum() / weights.sum(), len(worth)
    if 0 < share < 1:
        residuals = weights * (won - share)
        size = share * (1 - share) / ((residuals**2).sum() / weights.sum() ** 2 * n / (n - 1))
    else:
        size = weights.sum() ** 2 / (weights**2).sum()
    middle = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * math.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))
    return share, n, max(0, middle - half), min(1, middle + half)


def _mean(values: list[float]) -> Figure:
    if not values:
        return NOTHING
    low = high = None
    if len(values) > 1:
        error = statistics.stdev(values) / math.sqrt(len(values))
        reach = stats.t.ppf(0.975, len(values) - 1) * error
        low, high = statistics.fmean(values) - reach, statistics.fmean(values) + reach
    return statistics.fmean(values), len(values), low, high


def _median(values: list[float]) -> Figure:
    if not values:
        return NOTHING
    values, n = sorted(values), len(values)
    ranks = [r for r in range(1, n // 2 + 1) if sum(math.comb(n, k) for k in range(r)) / 2**n <= 0.025]
    if not ranks:
        return statistics.median(values), n, None, None
    return statistics.median(values), n, values[ranks[-1] - 1], values[n - ranks[-1]]


def _cycles(rows: list[Row]) -> list[float]:
    return [float((r["closed_on"] - r["created_on"]).days) for r in _won(rows) if r["created_on"]]


def _sizes(rows: list[Row]) -> list[float]:
    return [float(r["worth"]) for r in _won(rows) if r["worth"] is not None and r["worth"] > 0]


def _cycle_mean(rows: list[Row]) -> Figure:
    return _mean(_cycles(rows))


def _average_size(rows: list[Row]) -> Figure:
    return _mean(_sizes(rows))


_OF_CLOSED: dict[str, Callable[[list[Row]], Figure]] = {
    "revenue": _revenue,
    "win_rate": _win_rate,
    "win_rate_value": _win_rate_value,
    "sales_cycle": lambda rows: _median(_cycles(rows)),
    "sales_cycle_mean": _cycle_mean,
    "average_deal_size": _average_size,
    "median_deal_size": lambda rows: _median(_sizes(rows)),
}


def _converted(rows: list[Row], days: int, date: D) -> Figure:
    old = [r for r in rows if (date - r["created_on"]).days >= days]
    soon = [r for r in old if r["converted_on"] and (r["converted_on"] - r["created_on"]).days <= days]
    return _share(len(soon), len(old))


def _time(rows: list[Row], date: D) -> Figure:
    if not rows:
        return NOTHING
    decided = [(r["closed_on"] - r["created_on"]).days for r in rows if r["outcome"] != "open"]
    waiting = [(date - r["created_on"]).days for r in rows if r["outcome"] == "open"]
    curve = stats.ecdf(stats.CensoredData(uncensored=decided, right=waiting)).sf
    reached = curve.quantiles[curve.probabilities <= 0.5 + 1e-12]
    return (float(reached[0]) if len(reached) else None), len(rows), math.nan, math.nan


@pytest.fixture(scope="session")
def oracle() -> type[Oracle]:
    """Give the oracle: ``oracle(tables, period, date, scope, by).figures(metric)``."""
    return Oracle


@pytest.fixture(scope="session")
def draw_company() -> Callable[[], st.SearchStrategy[dict[str, list[Row]]]]:
    """Give the strategy of random companies."""
    return companies


@pytest.fixture(scope="session")
def as_of_meta() -> Mapping[str, Any]:
    """Give what the random companies' stores know of themselves."""
    return META


@pytest.fixture(autouse=True)
def _merged_selects() -> None:
    """Snapshots that keep their tables change this option of Ibis for all that comes after."""
    ibis.options.sql.fuse_selects = True
