"""The stays of deals in their stages: in which, of which pipeline, how long, and whether a deal went on from there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from spm_lib.models.coaching.steps import step_name
from spm_lib.models.recorded import NEVER

if TYPE_CHECKING:
    from spm_lib.models.coaching.work import Work


def stays(work: Work, start: dt.date) -> ibis.Table:
    """Give the stays in stages that ended from `start` on, or have not ended.

    Returns
    -------
    ibis.Table
        deal_id, place (the pipeline; empty where unknown), stage, entered_on (at least the first day known of), left_on
        (far ahead where it has not ended), went: 1 where the deal went on, 0 where it was lost, null where it went back or
        stays.
    """
    never = ibis.literal(NEVER)
    changes = work.changed("stage", start)
    daily = changes.mutate(
        _turn=ibis.row_number().over(
            ibis.window(group_by=[changes.deal_id, changes.day], order_by=ibis.desc(changes.changed_at))
        )
    )
    # What was put right on the same day never was.
    daily = daily.filter(daily["_turn"] == 0)
    order = ibis.window(group_by=daily.deal_id, order_by=daily.day)
    told = daily.mutate(
        number=ibis.row_number().over(order),
        next_day=daily.day.lead().over(order),
        next_stage=daily.new_value.lead().over(order),
    )
    deals = work.deals.select(
        "deal_id",
        "outcome",
        "closed_on",
        "created_on",
        place=ibis.coalesce(work.deals.pipeline, ibis.literal("")),
    ).inner_join(work.stood("stage"), "deal_id")
    first = told.filter(told.number == 0).select("deal_id", "old_value", "new_value", first_day="day")
    opening = deals.left_join(first, "deal_id").drop("deal_id_right")
    begun = ibis.coalesce(opening.created_on, ibis.literal(start))
    opening = opening.select(
        "deal_id",
        "place",
        "outcome",
        "closed_on",
        stage=ibis.ifelse(opening.first_day.isnull(), opening.stood, opening.old_value),
        entered_on=begun,
        left_on=opening.first_day,
        next_stage=opening.new_value,
    )
    rest = told.inner_join(deals, "deal_id")
    rest = rest.select(
        "deal_id",
        "place",
        "outcome",
        "closed_on",
        stage=rest.new_value,
        entered_on=rest.day,
        left_on=rest.next_day,
        next_stage=rest.next_stage,
    )
    placed = _placed(work, ibis.union(opening, rest))
    over = ibis.coalesce(placed.closed_on, never)
    left = ibis.least(ibis.coalesce(placed.left_on, never), over)
    by_closing = left == placed.closed_on
    went = ibis.cases(
        (by_closing & (placed.outcome == "won"), 1.0),
        (by_closing & (placed.outcome == "lost"), 0.0),
        (~by_closing.fill_null(False) & (placed.next_position > placed.position), 1.0),
    )
    found = placed.select("deal_id", "place", "stage", "entered_on", left_on=left, went=went)
    return found.filter(found.stage.notnull(), found.entered_on < found.left_on)


def _placed(work: Work, stays: ibis.Table) -> ibis.Table:
    """Add ``position`` and ``next_position``, of stages that deals can be open in; others are left out.

    A stage has its place in its own pipeline: in another one of the same name may come first. Where the deal's pipeline is
    not known, or has no such stage, it is taken for the only one that has; and where several have, names alone tell the
    order.
    """
    if not work.snapshot.meta.rows.get("stages"):
        return stays.mutate(position=ibis.null("int64"), next_position=ibis.null("int64"))
    stages = _open_stages(work)
    named = stages.group_by("stage").agg(
        place=ibis.ifelse(stages.place.nunique() == 1, stages.place.min(), ""), position=stages.position.min()
    )
    own = stages.select("place", "stage", at="position")
    found = stays.inner_join(named.select("stage", only="place"), "stage").left_join(own, ["place", "stage"])
    found = found.select(*stays.columns, "only", "at")
    stays = found.mutate(place=ibis.ifelse(found["at"].isnull(), found.only, found.place)).drop("only", "at")
    order = ibis.union(stages, named.mutate(place=ibis.literal("")).select(*stages.columns))
    here = stays.inner_join(order, ["place", "stage"]).select(*stays.columns, "position")
    ahead = order.select("place", next_stage="stage", next_position="position")
    return here.left_join(ahead, ["place", "next_stage"]).select(*here.columns, "next_position")


def _open_stages(work: Work) -> ibis.Table:
    """Give the stages that deals can be open in: place (the pipeline), stage, position."""
    stages = work.snapshot.table("stages")
    stages = stages.filter((stages.outcome == "open").fill_null(True))
    return stages.group_by(place=stages.pipeline, stage=stages.stage).agg(position=stages.position.min())


def steps_named(work: Work, rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``part`` to rows with place and stage: the stage, with its pipeline where others have one of that name, too."""
    told = _open_stages(work).to_pandas() if work.snapshot.meta.rows.get("stages") else rows
    pipelines = told[["place", "stage"]].drop_duplicates().groupby("stage")["place"].size()
    shared = rows["stage"].map(pipelines).gt(1) & rows["place"].ne("")
    return rows.assign(part=rows["stage"].where(~shared, step_name(rows["stage"], rows["place"])))
