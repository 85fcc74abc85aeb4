"""Help on others' deals, where activities show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from spm_lib.models.recognition_rules import BestHelp
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot


def best_help(snapshot: Snapshot, told: Sequence[Period], rule: BestHelp, *, first: int = 0) -> pd.DataFrame:
    """Find who did most on colleagues' deals in each period told.

    Outbound activities count that took place on deals which the person never owned: what was handed over is no help. Both
    the person and the deal's owner were in the scope on the day. A team's manager is paid for helping, and left out.

    Parameters
    ----------
    snapshot
        The data, and whose.
    told
        The periods, in order.
    rule
        How many activities it takes.
    first
        The place of the first period told.

    Returns
    -------
    DataFrame
        rep_id, at (the place of the period), kind, value (activities), n (deals helped), shared (how many people
        did as much).
    """
    if not records_tell_help(snapshot, told[0]):
        return pd.DataFrame()
    done = _on_others_deals(snapshot, told)
    places = ((done.on.between(p.start, p.end), at) for at, p in enumerate(told, first))
    counted = done.mutate(at=ibis.cases(*places)).group_by("at", "rep_id")
    found: pd.DataFrame = (
        counted.agg(value=ibis._.count(), n=ibis._.deal_id.nunique()).to_pyarrow().to_pandas()
    )
    managers = {team.manager_id for team in snapshot.teams.values()}
    found = found[~found["rep_id"].isin(managers)]
    best = found[found["value"] == found.groupby("at")["value"].transform("max")]
    best = best[best["value"] >= rule.activities]
    return best.assign(shared=best.groupby("at")["value"].transform("count"), kind="best_help")


def records_tell_help(snapshot: Snapshot, first: Period) -> bool:
    """Tell whether the store has activities, and a record of who owned which deal at the time."""
    meta = snapshot.meta
    since = meta.tracked_from.get("owner_id")
    owners = "owner_id" in meta.fixed or (since is not None and since <= first.start)
    return bool(meta.rows.get("activities")) and owners


def _on_others_deals(snapshot: Snapshot, told: Sequence[Period]) -> ibis.Table:
    """Give the outbound activities on deals that were never the person's own: rep_id, deal_id, on."""
    activities = snapshot.table("activities")
    on = activities.occurred_at.date()
    done = activities.filter(
        activities.direction == "outbound",
        ibis.coalesce(activities.completed, ibis.literal(True)),
        on.between(told[0].start, min(told[-1].end, snapshot.date)),
    ).select("rep_id", "deal_id", on=on)
    deals = snapshot.table("deals", ["deal_id", "owner_id"])
    others = done.inner_join(deals, [done.deal_id == deals.deal_id, done.rep_id != deals.owner_id])
    others = others.select("rep_id", "deal_id", "owner_id", "on")
    changes = snapshot.table("deal_changes")
    handed = changes.filter(changes.field == "owner_id")
    owned = ibis.union(
        *(handed.select("deal_id", rep_id=side) for side in ("old_value", "new_value")), distinct=True
    )
    others = others.anti_join(owned, ["deal_id", "rep_id"])
    for person in ("owner_id", "rep_id"):
        others = snapshot.in_scope(snapshot.with_team(others, person, "on"))
    return others.drop("team")
