"""The scorecard of one rep: own figures, own past, the team's middle, the way to the quota. It tells of nobody else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from spm_lib.errors import UnknownNameError, did_you_mean, one_line
from spm_lib.metrics.comparison import earlier, keep_discoveries
from spm_lib.metrics.evaluation import evaluate
from spm_lib.metrics.listings import won_deals
from spm_lib.metrics.pace import ExpectedShare
from spm_lib.metrics.plan import plan_metrics
from spm_lib.models.coaching.coaching import people_of_scope
from spm_lib.models.flags import open_by_then
from spm_lib.models.scorecard_figures import LEAST_DEALS, own_figures, own_months
from spm_lib.models.scorecard_target import Target, target_of
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

#: Of a rep who has recorded nothing for so many days the scorecard says since when.
QUIET_DAYS = 14

#: Who came so many days ago or fewer is welcomed: what cannot be told yet is no news.
FIRST_DAYS = 60

#: The whole quota of a period.
_QUOTA = plan_metrics(ExpectedShare(1.0, "complete"))[1]


@dataclass(frozen=True)
class Scorecard:
    """What one rep is told.

    Parameters
    ----------
    rep_id, name
        Whom it is about.
    team_name
        The rep's team on the day; empty where there is none.
    as_of
        The day.
    period
        The whole period.
    since
        First day of the rep in the team, or with the company where that is later; None where it is not known.
    moved
        Whether the rep was in another team in the period: what follows counts for the days in this one.
    quiet_since
        The last day on which an activity of the rep's is on record, where that is more than `QUIET_DAYS` before the day.
    figures
        See `spm_lib.models.scorecard_figures.own_figures`; with significant, of the difference from the previous period,
        and usual_significant.
    months
        See `spm_lib.models.scorecard_figures.own_months`; with significant.
    target
        The way to the quota.
    won
        Own deals won in the period, the largest first, as `spm_lib.metrics.won_deals` lists them.
    due
        Own open deals expected to close in the period, the largest first.
    """

    rep_id: str
    name: str
    team_name: str
    as_of: dt.date
    period: Period
    since: dt.date | None
    moved: bool
    quiet_since: dt.date | None
    figures: pd.DataFrame
    months: pd.DataFrame
    target: Target
    won: pd.DataFrame
    due: pd.DataFrame

    @property
    def is_over(self) -> bool:
        """Whether the period is over."""
        return self.period.is_complete(self.as_of)

    @property
    def is_new(self) -> bool:
        """Whether the rep has no past here to compare with: came after the period before had begun."""
        before = earlier(self.period, "previous")
        return self.since is not None and before is not None and before.start < self.since

    @property
    def told(self) -> pd.DataFrame:
        """The figures to tell: in the first weeks without those of hardly any deal."""
        figures = self.figures
        return figures[figures["n"] >= LEAST_DEALS] if self.is_first_weeks else figures

    @property
    def is_first_weeks(self) -> bool:
        """Whether the rep has been here for `FIRST_DAYS` or less."""
        return self.since is not None and (self.as_of - self.since).days <= FIRST_DAYS

    @property
    def is_to_come(self) -> bool:
        """Whether the period has not begun."""
        return self.as_of < self.period.start


def scorecard(snapshot: Snapshot, rep_id: str, period: Period) -> Scorecard:
    """Tell one rep the own figures.

    Parameters
    ----------
    snapshot
        The data as known on a day, best of the rep's team; figures count for the days in its scope.
    rep_id
        Whose.
    period
        The period; one to date is told as the whole that it begins, as known on its last day.

    Returns
    -------
    Scorecard
        Of all differences from the own past together, at most 5 % are expected to be called so falsely.

    Raises
    ------
    UnknownNameError
        Where nobody of that id is at work in the scope on the day.
    """
    if period.whole is not None:
        snapshot, period = snapshot.as_of(min(snapshot.date, period.end)), period.whole
    people = people_of_scope(snapshot).set_index("rep_id")
    if rep_id not in people.index:
        raise UnknownNameError(
            f"there is no rep '{one_line(rep_id, 60)}' at work on {snapshot.date}",
            where="rep",
            mend=did_you_mean(rep_id, people.index),
        )
    team = people["team"]
    colleagues = people.index[team.eq(team[rep_id]) | pd.isna(team[rep_id])]
    since, moved = _since(snapshot, rep_id, period)
    open_now = _largest_first(open_by_then(snapshot), rep_id)
    undated = bool(open_now["created_on"].isna().any())
    figures = own_figures(snapshot, rep_id, period, since, colleagues, undated=undated)
    months = own_months(snapshot, rep_id, period, since)
    usual = figures[["usual_p_value"]].set_axis(["p_value"], axis=1)
    figures, usual, months = keep_discoveries([figures, usual, months])
    won = _largest_first(won_deals(snapshot, period), rep_id)
    expected = pd.to_datetime(open_now["expected_close_on"])
    due = open_now[expected.between(pd.Timestamp(period.start), pd.Timestamp(period.end))].reset_index(
        drop=True
    )
    quota = evaluate(_QUOTA, snapshot, period, "rep").set_index("rep")["value"].get(rep_id, float("nan"))
    own = people.loc[rep_id].to_dict()
    return Scorecard(
        rep_id=rep_id,
        name=str(own["rep_name"]),
        team_name=own["team_name"] if isinstance(own["team_name"], str) else "",
        as_of=snapshot.date,
        period=period,
        since=since,
        moved=moved,
        quiet_since=_quiet_since(snapshot, rep_id),
        figures=figures.assign(usual_significant=usual["significant"]),
        months=months,
        target=target_of(figures, float(quota), period, snapshot.date, won, due),
        won=won,
        due=due,
    )


def _largest_first(deals: pd.DataFrame, rep_id: str) -> pd.DataFrame:
    own = deals[deals["rep"] == rep_id]
    return own.sort_values("amount", ascending=False, kind="stable", ignore_index=True)


def _since(snapshot: Snapshot, rep_id: str, period: Period) -> tuple[dt.date | None, bool]:
    """Give the rep's first day in the scope without a break up to the day, and whether another team came before it."""
    reps, members = snapshot.table("reps"), snapshot.table("team_members")
    hired = reps.filter(reps.rep_id == rep_id).select("hired_on").to_pyarrow().to_pydict()["hired_on"][0]
    own = members.filter(
        members.rep_id == rep_id, members.valid_from.isnull() | (members.valid_from <= snapshot.date)
    )
    spells = own.order_by(own.valid_from.asc(nulls_first=True), "team_id").to_pyarrow().to_pylist()
    scope = snapshot.team_ids
    start: dt.date | None = None
    for spell in reversed(spells):
        inside = scope is None or spell["team_id"] in scope
        ends = spell["valid_to"]
        gap = start is not None and ends is not None and ends + dt.timedelta(days=1) < start
        if not inside or gap:
            break
        start = spell["valid_from"]
        if start is None:
            break
    since = max((day for day in (hired, start) if day is not None), default=None)
    elsewhere = [s["valid_to"] for s in spells if scope is not None and s["team_id"] not in scope]
    came = since is not None and since > period.start
    return since, came and any(ends is None or ends >= period.start for ends in elsewhere)


def _quiet_since(snapshot: Snapshot, rep_id: str) -> dt.date | None:
    if not snapshot.meta.rows.get("activities"):
        return None
    done = snapshot.table("activities")
    done = done.filter(done.rep_id == rep_id, done.occurred_at.cast("date") <= snapshot.date)
    (last,) = done.aggregate(last=done.occurred_at.max().cast("date")).to_pyarrow().to_pydict()["last"]
    return last if last is not None and (snapshot.date - last).days > QUIET_DAYS else None
