"""Recognition: praise that is earned by what the data show, by the company's own rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from spm_lib.models.recognition_deals import (
    WonDeals,
    biggest_deals,
    deals_won_back,
    fastest_clean_deals,
    records_tell_cleanness,
)
from spm_lib.models.recognition_figures import from_quotas, most_improved, personal_bests
from spm_lib.models.recognition_help import best_help, records_tell_help
from spm_lib.models.recognition_records import Records, periods_told, read_records
from spm_lib.models.recognition_rules import KINDS, RecognitionRules

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: Columns of what `recognised` gives, and what each is stored as.
COLUMNS: Mapping[str, str] = {
    "rep_id": "object",
    "rep_name": "object",
    "team": "object",
    "team_name": "object",
    "kind": "object",
    "period": "object",
    "period_kind": "object",
    "starts_on": "datetime64[s]",
    "ends_on": "datetime64[s]",
    "complete": "bool",
    "deal_id": "object",
    "deal_name": "object",
    "account": "object",
    "closed_on": "datetime64[s]",
    "measure": "object",
    "value": "float64",
    "unit": "object",
    "n": "int64",
    "compared_with": "float64",
    "compared_n": "int64",
    "compared_period": "object",
    "low": "float64",
    "high": "float64",
    "revenue": "float64",
    "quota": "float64",
    "partial": "bool",
    "amount": "float64",
    "record": "bool",
    "shared": "int64",
    "unpriced": "int64",
    "since": "datetime64[s]",
    "elsewhere": "bool",
}

#: What the values of a kind are; those of the others depend on the row.
_UNITS = {
    "quota_reached": "share",
    "streak": "count",
    "personal_best": "currency",
    "biggest_deal": "currency",
    "fastest_clean_cycle": "days",
    "best_help": "count",
}


def recognised(snapshot: Snapshot, period: Period, rules: RecognitionRules) -> pd.DataFrame:
    """Find who of a scope earned which recognition in a period.

    Parameters
    ----------
    snapshot
        The data as known on a day, and whose. Nothing but the scope's own data is read: no other team's rows change it.
    period
        The period; one to date is told as the whole that it begins. While it is young, the one before is told too.
    rules
        Which kinds, and for how much.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`: a row for each rep, kind and period, people in alphabetical order. Who has left is not in
        it. Of each kind:

        - quota_reached: value is attainment (share), n deals won, with revenue, quota and whether that is `partial`, as the
          rep was elsewhere for some of its days;
        - streak: value is the number of periods `since` a day, compared_with the attainment of this one;
        - comeback: attainment, compared_with that of compared_period; or, with a deal, its amount (null where unknown), n
          days after it was lost (`since`);
        - personal_best: revenue, compared_with the best of compared_n earlier periods that had a deal decided;
        - most_improved: of a measure (win_rate, revenue), n deals, compared_with compared_n deals of compared_period, and
          low and high of the difference;
        - biggest_deal: amount, n deals won in the period, `shared` as many as large; where it is a `record`, compared_with
          the rep's largest of compared_n before;
        - fastest_clean_cycle: days, compared_with the usual of compared_n such deals;
        - best_help: outbound activities on n deals of others, `shared` by as many people.

        `unpriced` deals won had no known amount and count for nothing; `elsewhere` tells that the rep was in a team outside
        the scope too, whose deals are not counted.
    """
    if period.whole is not None:
        snapshot, period = snapshot.as_of(min(snapshot.date, period.end)), period.whole
    if snapshot.date < period.start or snapshot.meta.first_closed_on is None:
        return _typed(pd.DataFrame())
    records = read_records(snapshot, period)
    told = periods_told(period, snapshot.date, rules.just_ended_days)[-len(records.periods) :]
    found = _found(snapshot, told, records, rules)
    rows = pd.concat([f.astype(object) for f in found if len(f)] or [pd.DataFrame()], ignore_index=True)
    if rows.empty:
        return _typed(rows)
    rows = rows[[rules.gives(kind) for kind in rows["kind"]]]
    spans = [records.periods[int(at)] for at in rows["at"]]
    rows = rows.assign(
        period=[p.title for p in spans],
        period_kind=[p.kind.removeprefix("fiscal_") for p in spans],
        starts_on=[p.start for p in spans],
        ends_on=[p.end for p in spans],
        complete=[p.is_complete(snapshot.date) for p in spans],
    )
    return _typed(_named(snapshot, rows.reindex(columns=[*rows, *{*COLUMNS, "account_id"}.difference(rows)])))


def _found(
    snapshot: Snapshot, told: Sequence[Period], records: Records, rules: RecognitionRules
) -> list[pd.DataFrame]:
    """Find the rows of all kinds, by the place ``at`` of their period."""
    first = len(records.periods) - len(told)
    places = range(first, len(records.periods))
    won = WonDeals(snapshot, told, records)
    kinds = rules.kinds
    finders: dict[str, Callable[[], pd.DataFrame]] = {
        "personal_best": lambda: personal_bests(records, places, kinds.personal_best),
        "most_improved": lambda: most_improved(records, places, kinds.most_improved),
        "biggest_deal": lambda: biggest_deals(won, kinds.biggest_deal),
        "comeback": lambda: deals_won_back(won, kinds.comeback),
        "fastest_clean_cycle": lambda: fastest_clean_deals(won, kinds.fastest_clean_cycle),
        "best_help": lambda: best_help(snapshot, told, kinds.best_help, first=first),
    }
    return [
        from_quotas(records, places, rules),
        *(find() for kind, find in finders.items() if rules.gives(kind)),
    ]


def unasked(snapshot: Snapshot, period: Period, rules: RecognitionRules) -> dict[str, str]:
    """Tell which kinds of recognition the store cannot show, and why, as a clause by kind; kinds switched off are not told.

    Returns
    -------
    dict
        Like ``{"streak": "there are no quotas"}``.
    """
    meta = snapshot.meta
    reasons: dict[str, str] = {}
    if not meta.rows.get("quotas"):
        reasons |= dict.fromkeys(("quota_reached", "streak"), "there are no quotas")
    if not records_tell_cleanness(snapshot, period.end):
        reasons["fastest_clean_cycle"] = "there is no record of how close dates, stages and amounts changed"
    if not meta.rows.get("activities"):
        reasons["best_help"] = "there are no activities"
    elif not records_tell_help(snapshot, period):
        reasons["best_help"] = "there is no record of who owned which deal"
    return {kind: reasons[kind] for kind in KINDS if kind in reasons and rules.gives(kind)}


def recognitions_of(found: pd.DataFrame, rep_id: str) -> pd.DataFrame:
    """Give one rep's own rows of `recognised`; they name nobody else."""
    return found[found["rep_id"] == rep_id].reset_index(drop=True)


def _named(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Add people, teams, accounts and units, and leave out who has left."""
    rows = rows.drop(columns=["rep_name", "team", "elsewhere"]).merge(
        _people(snapshot), on="rep_id", how="left"
    )
    rows = rows[~(pd.to_datetime(rows["left_on"]) < pd.Timestamp(snapshot.date))]
    teams = snapshot.teams
    by_measure = rows["measure"].map({"win_rate": "share", "revenue": "currency"})
    of_comeback = rows["deal_id"].map(lambda deal: "share" if pd.isna(deal) else "currency")
    return rows.assign(
        rep_name=rows["rep_name"].where(rows["rep_name"].notna(), rows["rep_id"]),
        team_name=rows["team"].map({team: teams[team].name for team in teams}),
        account=_accounts(snapshot, rows),
        unit=rows["kind"].map(_UNITS).fillna(by_measure).fillna(of_comeback),
    )


def _people(snapshot: Snapshot) -> pd.DataFrame:
    """Give rep_id, rep_name, left_on, the team on the day (null outside of the scope) and elsewhere."""
    reps = snapshot.table("reps").select("rep_id", "left_on", rep_name="name")
    found: pd.DataFrame = snapshot.with_team(reps, "rep_id", snapshot.date).to_pyarrow().to_pandas()
    scope = snapshot.team_ids
    if scope is None:
        return found.assign(elsewhere=False)
    members = snapshot.table("team_members")
    away = members.filter(members.team_id.notin(scope)).select("rep_id").to_pyarrow().to_pydict()
    return found.assign(
        team=found["team"].where(found["team"].isin(scope), None),
        elsewhere=found["rep_id"].isin(set(away["rep_id"])),
    )


def _accounts(snapshot: Snapshot, rows: pd.DataFrame) -> pd.Series[str]:
    accounts = snapshot.table("accounts")
    ids = sorted({one for one in rows["account_id"] if isinstance(one, str)})
    pairs = accounts.filter(accounts.account_id.isin(ids)).select("account_id", "name").to_pyarrow()
    found = pairs.to_pydict()
    return rows["account_id"].map(dict(zip(found["account_id"], found["name"], strict=True)))


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Give `COLUMNS` in their types: people in alphabetical order, the kinds of each in theirs."""
    rows = rows.reindex(columns=list(COLUMNS))
    blank = {"int64": 0, "bool": False, "object": None}
    typed = rows.astype(object).assign(
        **{
            name: rows[name].astype(object).where(rows[name].notna(), blank[kind])
            for name, kind in COLUMNS.items()
            if kind in blank
        }
    )
    typed = typed.astype(dict(COLUMNS))
    order = typed.assign(
        _who=[str(name).casefold() for name in typed["rep_name"]],
        _kind=typed["kind"].map({kind: at for at, kind in enumerate(KINDS)}),
        _less=-typed["value"],
    )
    order = order.sort_values(["_who", "rep_id", "starts_on", "_kind", "_less", "deal_id"])
    return typed.loc[order.index].reset_index(drop=True)
