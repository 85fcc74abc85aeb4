"""Stages: which deals reached which, and what open deals in each are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from spm_lib.metrics.evidence import Evidence, Floats
from spm_lib.metrics.intervals import divide, total, wilson
from spm_lib.metrics.metric import NO_PIPELINE, NOT_COVERED, Figures, Parts, Statistic, counted
from spm_lib.metrics.populations import CLOSED, OPEN, aggregate, any_open
from spm_lib.metrics.question import Question
from spm_lib.periods import Period

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot

_DEALS = Statistic("deals", (), lambda t: t.count())
_PLACE = ("pipeline", "stage")


def stages_of(snapshot: Snapshot) -> pd.DataFrame:
    """Give the stages table in order, with ``part``: the stage, and the pipeline too where two share its name."""
    table: pd.DataFrame = snapshot.table("stages").to_pyarrow().to_pandas()
    table = table.sort_values(["pipeline", "position", "stage"], ignore_index=True)
    shared = table["stage"].duplicated(keep=False)
    return table.assign(part=table["stage"].where(~shared, table["pipeline"] + ": " + table["stage"]))


def by_name(stages: pd.DataFrame) -> pd.DataFrame:
    """Add to `stages` those that a deal without a pipeline may mean: the ones with a name of their own."""
    alone = stages[~stages["stage"].duplicated(keep=False)]
    return pd.concat([stages.assign(of=stages["pipeline"]), alone.assign(of=None)], ignore_index=True)


@dataclass(frozen=True)
class StageReach:
    """Decided deals by the furthest open stage that they reached."""

    name: str = "stage reach"
    batches: bool = True

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give counts by group, pipeline, furthest position and outcome; null where no stage is known."""
        del statistics  # the parts are made of counts by stage
        rows = CLOSED.rows(question, ("deal_id", "won", *_PLACE))
        furthest = self._furthest(question, rows)
        if furthest is None:
            rows = rows.mutate(known_in=ibis.null("string"), furthest=ibis.null("int64"))
        else:
            joined = rows.left_join(furthest, rows.deal_id == furthest.seen_id)
            rows = joined.select(*rows.columns, "known_in", "furthest")
        return aggregate(rows, question, [_DEALS], ["known_in", "furthest", "won"])

    def _furthest(self, question: Question, deals: ibis.Table) -> ibis.Table | None:
        snapshot = question.snapshot
        if not question.filled("stages"):
            return None
        stages = snapshot.table("stages")
        alone = stages.group_by("stage").having(stages.count() == 1).aggregate(at=stages.position.max())
        seen = deals.select("deal_id", *_PLACE)
        if question.filled("deal_changes"):
            changes = snapshot.table("deal_changes")
            changes = changes.filter(changes.field == "stage").select(
                "old_value", "new_value", at_id="deal_id"
            )
            moved = deals.inner_join(changes, deals.deal_id == changes.at_id)
            for value in ("old_value", "new_value"):
                seen = seen.union(moved.select("deal_id", "pipeline", stage=moved[value]))
        places = stages.select("position", "outcome", in_pipeline="pipeline", called="stage")
        places = places.left_join(alone, places.called == alone.stage).select(
            "position", "outcome", "in_pipeline", "called", "at"
        )
        on = [
            seen.stage == places.called,
            (seen.pipeline == places.in_pipeline) | (seen.pipeline.isnull() & places["at"].notnull()),
        ]
        reached = seen.inner_join(places, on).select("deal_id", "in_pipeline", "position", "outcome")
        reached = reached.filter(reached.outcome == "open")
        return reached.group_by(seen_id="deal_id").aggregate(
            known_in=reached.in_pipeline.min(), furthest=reached.position.max()
        )


REACH = StageReach()
NO_STAGES = "there is no table of stages"
NO_HISTORY = "there is no history of stages"


def finish_conversion(evidence: Evidence) -> Parts:
    """Give for each open stage, of the deals that reached it, the share that reached the next or was won."""
    frame = evidence.frames[REACH]
    size = len(evidence.groups)
    if not evidence.question.filled("stages"):
        return {None: Figures.unknown(size, NO_STAGES)}
    known = frame[frame["furthest"].notna()]
    if not len(known) and not _records_stages(evidence.question):
        return {None: Figures.unknown(size, NO_HISTORY)}
    lost = known[~known["won"].astype(bool)]
    unknown = _deals(evidence, frame[frame["furthest"].isna()])
    left_out = counted(unknown, "deal without known stages left out", "deals without known stages left out")
    stages = stages_of(evidence.question.snapshot)
    stages = stages[stages["outcome"] == "open"]
    parts: dict[str | None, Figures] = {}
    for pipeline, places in stages.groupby("pipeline", sort=True):
        won = _deals(evidence, known[known["won"].astype(bool) & (known["known_in"] == pipeline)])
        here = lost[lost["known_in"] == pipeline]
        reached = [
            won + _deals(evidence, here[here["furthest"] >= position]) for position in places["position"]
        ]
        for part, n, onward in zip(places["part"], reached, [*reached[1:], won], strict=True):
            parts[part] = Figures.of(divide(onward, n), n, wilson(onward, n), left_out)
    return parts


def _records_stages(question: Question) -> bool:
    """Tell whether the source's record of stages had begun by the snapshot's day."""
    since = question.snapshot.meta.tracked_from.get("stage")
    return since is not None and since <= question.snapshot.date


def _deals(evidence: Evidence, frame: pd.DataFrame) -> Floats:
    """Count the deals of `frame` in each group."""
    keys = evidence.question.keys
    counts = frame.groupby(keys, dropna=False, sort=False)["deals"].sum().reset_index()
    found: Floats = np.nan_to_num(evidence.line_up(counts)["deals"].to_numpy(dtype=float, na_value=np.nan))
    return found


_KNOWN = ("amount",)
_WORTH = (
    Statistic("deals", (), lambda t: t.count()),
    Statistic("priced", _KNOWN, lambda t: t.amount.count()),
    Statistic("amount", _KNOWN, lambda t: t.amount.sum().cast("float64")),
    Statistic("squares", _KNOWN, lambda t: (t.amount.cast("float64") * t.amount.cast("float64")).sum()),
)


@dataclass(frozen=True)
class WeightedPipeline:
    """Open deals by stage, each stage with its chance to be won."""

    name: str = "weighted pipeline"
    batches: bool = False

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give value, squares (of what chance may add or take), n and left_out for every group with open deals."""
        del statistics  # they are made of sums by stage
        rows = OPEN.rows(question, ("amount", *_PLACE))
        sums = aggregate(rows, question, _WORTH, _PLACE)
        chance = self._chances(question, sums)
        known = chance.notna() & (sums["priced"] > 0)
        amounts = sums[["amount", "squares"]].astype("float64").fillna(0)
        sums["value"] = (amounts["amount"] * chance).where(known, 0.0)
        sums["spread"] = (amounts["squares"] * chance * (1 - chance)).where(known, 0.0)
        sums["n"] = sums["priced"].where(known, 0)
        sums["left_out"] = sums["deals"] - sums["n"]
        columns = ["value", "spread", "n", "left_out"]
        return sums.groupby(question.keys, dropna=False, sort=False)[columns].sum().reset_index()

    def _chances(self, question: Question, places: pd.DataFrame) -> pd.Series[float]:
        """Give each row's probability: the stage's own, else the past share won of deals that were in it."""
        keyed = places[list(_PLACE)].astype("str")
        found = pd.Series(np.nan, index=places.index)
        if question.filled("stages"):
            stages = by_name(stages_of(question.snapshot)).rename(
                columns={"pipeline": "its", "of": "pipeline"}
            )
            stages["pipeline"] = stages["pipeline"].astype("str")
            found = keyed.merge(stages, on=list(_PLACE), how="left")["probability"].set_axis(places.index)
        if found.isna().any() and question.filled("deal_changes"):
            past = past_shares(question.snapshot)
            shares = keyed.merge(past, on=list(_PLACE), how="left")["share"].set_axis(places.index)
            found = found.fillna(shares)
        return found


def past_shares(snapshot: Snapshot) -> pd.DataFrame:
    """Give pipeline, stage and the share won of the company's closed deals that had been in that stage.

    They are those known at the end of the last quarter that was over, see `Snapshot.benchmarks`.
    """
    company = snapshot.benchmarks
    last = min(company.date, snapshot.date)
    first = min(snapshot.meta.first_closed_on or last, last)
    question = Question(company, (Period("ever", first, last, "range"),))
    deals = CLOSED.rows(question, ("deal_id", "won", "pipeline"))
    changes = company.table("deal_changes")
    changes = changes.filter(changes.field == "stage").select("old_value", "new_value", at_id="deal_id")
    moved = deals.inner_join(changes, deals.deal_id == changes.at_id)
    old, new = (
        moved.select("deal_id", "won", "pipeline", stage=moved[value]) for value in ("old_value", "new_value")
    )
    been = old.union(new, distinct=True)
    been = been.filter(been.stage.notnull())
    shares = been.group_by(*_PLACE).aggregate(share=been.won.cast("float64").mean())
    frame: pd.DataFrame = shares.to_pyarrow().to_pandas()
    return frame.astype({"pipeline": "str", "stage": "str"})


WORTH = WeightedPipeline()


def finish_weighted(evidence: Evidence) -> Figures:
    """Give Σ amount × probability, ± 1.96 √Σ amount² p(1 − p): what chance alone adds or takes."""
    value, spread, n, left_out = (evidence.count(WORTH, c) for c in ("value", "spread", "n", "left_out"))
    note = counted(
        left_out,
        "open deal without amount or probability left out",
        "open deals without amount or probability left out",
    )
    covered = evidence.covered(evidence.question.snapshot.meta.first_data_date)
    figures = Figures.of(value, n, total(value, spread), note)
    some = (n > 0) | (left_out > 0)
    known = some.any() or any_open(evidence.question)
    figures = figures if known else figures.where(some, NO_PIPELINE)
    return figures.where(some | covered, NOT_COVERED).where((n > 0) | (left_out == 0))
