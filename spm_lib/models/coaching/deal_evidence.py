"""Evidence from deals as a whole: how many come, how large they are, how they end, and what is given away at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd

from spm_lib.data.replay import at_highest
from spm_lib.models.coaching.deal_sizes import priced
from spm_lib.models.coaching.sums import summed
from spm_lib.models.coaching.work import MONTH_DAYS, Work

#: Months since joining from which on a rep is told apart from new ones.
_TENURES = (2, 4)
#: What is left of a month away is nothing.
_A_DAY = 0.5 / MONTH_DAYS
#: What a month at work is told by: who moves in it has one of each kind.
_MONTHS = ("rep_id", "month", "kind_of_team")


def win_rate(work: Work) -> pd.DataFrame:
    """Count the deals decided and those won, by the rep who owned them at the end."""
    rows = work.sized(work.owned(_ended(work), "closed_on"))
    rows = rows.mutate(y=(rows.outcome == "won").cast("float64"), x=ibis.literal(1.0))
    return _summed(rows, (*work.attributes, *work.sizes), "closed_on")


def deal_size(work: Work) -> pd.DataFrame | None:
    """Add up the logarithms of the first known amounts of deals created, by the rep who then owned them."""
    if "amount" not in work.filled or "created_on" not in work.filled:
        return None
    born = work.owned(_born(work), "created_on")
    changes = work.changed("amount", work.start)
    old = changes.filter(changes.old_value.notnull())
    first = old.group_by("deal_id").agg(
        first_amount=at_highest(old.old_value, -old.changed_at.epoch_seconds()).try_cast("decimal(18, 2)")
    )
    rows = born.inner_join(work.stood("amount"), "deal_id").left_join(first, "deal_id").drop("deal_id_right")
    amount = ibis.coalesce(rows.first_amount, rows.stood.try_cast("decimal(18, 2)"))
    known = priced(rows, amount, work.snapshot)
    known = known.filter(known.amount > 0)
    rows = known.mutate(y=known.amount.cast("float64").ln(), x=ibis.literal(1.0))
    return _summed(rows, work.attributes, "created_on")


def discount(work: Work) -> pd.DataFrame | None:
    """Add up what share of the amount was given away on the day of winning, by the rep who owned the deal."""
    start = work.recorded_from("amount")
    if start is None:
        return None
    ended = work.owned(_ended(work.during(start, work.end)), "closed_on").drop("amount")
    ended = ended.inner_join(work.stood("amount"), "deal_id")
    ended = ended.mutate(amount=ended.stood.try_cast("float64"))
    won = ended.filter(ended.outcome == "won", ended.amount.notnull())
    changes = work.changed("amount", start).select("deal_id", "old_value", "changed_at", closed_on="day")
    asked = changes.group_by("deal_id", "closed_on").agg(
        asked=at_highest(changes.old_value, -changes.changed_at.epoch_seconds()).try_cast("float64")
    )
    rows = won.left_join(asked, ["deal_id", "closed_on"]).select(*won.columns, "asked")
    before = ibis.coalesce(rows.asked, rows.amount)
    rows = rows.mutate(y=1 - rows.amount / before, x=ibis.literal(1.0)).filter(before > 0)
    return _summed(rows.mutate(y=ibis.greatest(rows.y, ibis.literal(-1.0))), work.attributes, "closed_on")


def deals_created(work: Work) -> pd.DataFrame | None:
    """Count the deals that came to each rep in each month, of the months at work."""
    if "created_on" not in work.filled:
        return None
    kinds = _kind_of_team(work)
    months = _months_at_work(work, kinds)
    if months.empty:
        return None
    found: pd.DataFrame = months.merge(_born_by_month(work, kinds), on=[*_MONTHS], how="left")
    found["y"] = found["y"].fillna(0.0)
    # Who has had no deal in all that time is new, or sells nothing: nobody to be compared.
    found = found[found.groupby("rep_id")["y"].transform("sum") > 0].reset_index(drop=True)
    found["month"] = found["month"].dt.strftime("%Y-%m")
    # A month counts once, also of who moved in it.
    found["n"] = (~found.duplicated(["rep_id", "month"])).astype("int64")
    for name, left, right in (("yy", "y", "y"), ("xy", "x", "y"), ("xx", "x", "x")):
        found[name] = found[left] * found[right]
    return found


def _born(work: Work) -> ibis.Table:
    return work.deals.filter(work.deals.created_on.between(work.start, work.end))


def _ended(work: Work) -> ibis.Table:
    return work.deals.filter(
        work.deals.outcome.isin(["won", "lost"]), work.deals.closed_on.between(work.start, work.end)
    )


def _summed(rows: ibis.Table, attributes: Sequence[str], day: str) -> pd.DataFrame:
    rows = rows.mutate(quarter=rows[day].truncate("quarter").cast("string"))
    return summed(rows, (*attributes, "quarter"), cluster=None)


def _born_by_month(work: Work, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Count the deals created by rep, month and kind of team, each by the team of its day: `_MONTHS` and y."""
    rows = work.snapshot.with_team(work.owned(_born(work), "created_on"), "rep_id", "created_on")
    counts = rows.group_by("rep_id", "team", month=rows.created_on.truncate("month")).agg(y=rows.count())
    found: pd.DataFrame = counts.to_pandas()
    found["month"] = pd.to_datetime(found["month"])
    found["kind_of_team"] = [kinds.get(team, team) for team in found["team"]]
    return found.groupby([*_MONTHS])["y"].sum().reset_index()


def _months_at_work(work: Work, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Give `_MONTHS` with tenure and x, the months of 30.44 days at work in such a team."""
    members = work.snapshot.table("team_members").to_pandas()
    reps = work.snapshot.table("reps").select("rep_id", "hired_on", "left_on").to_pandas()
    if members.empty:
        return pd.DataFrame()
    spells = members.merge(reps, on="rep_id", how="inner")
    hired = pd.to_datetime(spells["hired_on"])
    low = pd.concat([pd.to_datetime(spells["valid_from"]), hired], axis=1).max(axis=1)
    high = pd.concat([pd.to_datetime(spells[name]) for name in ("valid_to", "left_on")], axis=1).min(axis=1)
    low = low.fillna(pd.Timestamp(work.start))
    high = (high + pd.Timedelta(days=1)).fillna(pd.Timestamp(work.after))
    parts = []
    for month in pd.date_range(work.start.replace(day=1), work.end, freq="MS"):
        begins = max(month, pd.Timestamp(work.start))
        ends = min(month + pd.offsets.MonthBegin(1), pd.Timestamp(work.after))
        since, until = low.clip(lower=begins), high.clip(upper=ends)
        days = (until - since).dt.days.clip(lower=0) - _days_away(spells["rep_id"], since, until, work.away)
        tenure = ((month - hired).dt.days / MONTH_DAYS).fillna(1e3)
        parts.append(
            pd.DataFrame(
                {
                    "rep_id": spells["rep_id"],
                    "kind_of_team": spells["team_id"],
                    "month": month,
                    "x": days / MONTH_DAYS,
                    "tenure": np.digitize(tenure, _TENURES).astype(str),
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    found = found[found["x"] > _A_DAY]
    found["kind_of_team"] = [kinds.get(team, team) for team in found["kind_of_team"]]
    return found.groupby([*_MONTHS, "tenure"])["x"].sum().reset_index()


def _days_away(reps: pd.Series, since: pd.Series, until: pd.Series, away: pd.DataFrame) -> pd.Series:
    """Give the days from `since` to before `until` on which each of some people was away."""
    stretches = pd.DataFrame({"rep_id": reps, "begins": since, "ends": until}).reset_index()
    both = stretches.merge(away, on="rep_id")
    gone = both[["until", "ends"]].min(axis=1) - both[["since", "begins"]].max(axis=1)
    days = gone.dt.days.clip(lower=0).groupby(both["index"]).sum()
    return days.reindex(reps.index).fillna(0)


def _kind_of_team(work: Work) -> dict[str, str]:
    """Give the segment that most of each team's deals are in: teams of one segment do one kind of work."""
    if "segment" not in work.attributes:
        return {}
    rows = work.snapshot.with_team(work.owned(_born(work), "created_on"), "rep_id", "created_on")
    counts = rows.group_by("team", "segment").agg(deals=rows.count()).to_pandas()
    counts = counts.dropna().sort_values(["deals", "segment"], ascending=[False, True])
    return dict(counts.drop_duplicates("team")[["team", "segment"]].itertuples(index=False))
