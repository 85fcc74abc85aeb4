"""Evaluate metrics: one query per population, then figures with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.errors import UnknownNameError, did_you_mean
from spm_lib.metrics.catalogue import CATALOGUE
from spm_lib.metrics.evidence import Evidence, gather
from spm_lib.metrics.metric import Metric, Parts
from spm_lib.metrics.question import PERIOD_KEY, Question, read_dimensions

if TYPE_CHECKING:
    from spm_lib.data.history import Snapshot
    from spm_lib.periods import Period

#: Columns of a tidy frame after the dimensions.
RESULT = ("metric", "part", "value", "n", "low", "high", "unit", "note")


def evaluate(
    metrics: str | Metric | Iterable[str | Metric],
    snapshot: Snapshot,
    period: Period,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Evaluate metrics over a period, for each group.

    Parameters
    ----------
    metrics
        Names from the catalogue or metrics, one or several.
    snapshot
        The data as known on a day, and whose.
    period
        The period.
    by
        ``company`` (or nothing), ``team``, ``rep``, ``product``, any column of deals, accounts or products;
        several at once. Rows that belong to nothing fall in a group of null.

    Returns
    -------
    DataFrame
        The dimensions (ids, names beside), then metric, part, value, n, low, high, unit and note. Every group
        that exists has a row for every metric; what is unknown is null with n 0. Intervals are at 95 %.

    Raises
    ------
    UnknownNameError
        Where there is no such metric or dimension.
    """
    chosen = find_metrics(metrics)
    question = Question(snapshot, (period,), read_dimensions(snapshot, by))
    return tidy(chosen, gather(chosen, question)).drop(columns=PERIOD_KEY)


def evaluate_periods(
    metrics: str | Metric | Iterable[str | Metric],
    snapshot: Snapshot,
    periods: Sequence[Period],
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Evaluate metrics over several periods that do not overlap, all as the snapshot knows them.

    Metrics that count rows dated in the period are computed for all periods in one query. Those that depend on
    what was open (pipeline, velocity) are seen from the end of each period.

    Returns
    -------
    DataFrame
        As `evaluate`, with the columns period, start and end first.
    """
    chosen = find_metrics(metrics)
    dimensions = read_dimensions(snapshot, by)
    together = [m for m in chosen if m.batches]
    frames = []
    if together:
        frames.append(tidy(together, gather(together, Question(snapshot, tuple(periods), dimensions))))
    for metric in (m for m in chosen if not m.batches):
        for number, period in enumerate(periods):
            then = snapshot.as_of(min(period.end, snapshot.date))
            one = tidy([metric], gather([metric], Question(then, (period,), dimensions)))
            frames.append(one.assign(**{PERIOD_KEY: number}))
    found = pd.concat(frames, ignore_index=True)
    asked = [periods[int(i)] for i in found.pop(PERIOD_KEY)]
    found.insert(0, "period", [p.label for p in asked])
    found.insert(1, "start", [p.start for p in asked])
    found.insert(2, "end", [p.end for p in asked])
    order = {m.name: i for i, m in enumerate(chosen)}
    return found.sort_values("metric", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def find_metrics(metrics: str | Metric | Iterable[str | Metric]) -> list[Metric]:
    """Give the metrics meant, each once; UnknownNameError where the catalogue has no such name."""
    asked = [metrics] if isinstance(metrics, (str, Metric)) else list(metrics)
    found: dict[str, Metric] = {}
    for one in asked:
        name = one if isinstance(one, str) else one.name
        metric = CATALOGUE.get(one) if isinstance(one, str) else one
        if metric is None:
            raise UnknownNameError(
                f"there is no metric '{name}'", where="metrics", mend=did_you_mean(name, CATALOGUE)
            )
        found[name] = metric
    return list(found.values())


def definitions(metrics: str | Metric | Iterable[str | Metric] | None = None) -> pd.DataFrame:
    """Give metric, label, unit, better and definition of `metrics`, by default of the whole catalogue."""
    chosen = find_metrics(CATALOGUE if metrics is None else metrics)
    return pd.DataFrame(
        [(m.name, m.label, m.unit, m.better, m.definition) for m in chosen],
        columns=["metric", "label", "unit", "better", "definition"],
    )


def tidy(metrics: Sequence[Metric], evidence: Evidence, groups: pd.DataFrame | None = None) -> pd.DataFrame:
    """Finish each metric for `groups` (by default those of the evidence) and put the figures in one frame."""
    if groups is not None:
        evidence = replace(evidence, groups=groups, _lined_up={})
    size = len(evidence.groups)
    columns: dict[str, list[npt.NDArray[np.object_]]] = {name: [] for name in RESULT}
    for metric in metrics:
        found = metric.finish(evidence)
        parts: Parts = found if isinstance(found, Mapping) else {None: found}
        for part, figures in parts.items():
            given = {
                "metric": metric.name,
                "part": part,
                "unit": metric.unit,
                **{name: getattr(figures, name) for name in ("value", "n", "low", "high", "note")},
            }
            for name, values in given.items():
                columns[name].append(np.broadcast_to(np.asarray(values), (size,)))
    blocks = len(columns["metric"])
    result = evidence.groups.iloc[np.tile(np.arange(size), blocks)].reset_index(drop=True)
    for key, dimension in zip(evidence.question.keys[1:], evidence.question.dimensions, strict=True):
        result = result.rename(columns={key: dimension.name})
        kept = result[dimension.name].infer_objects()
        result[dimension.name] = kept.astype("str") if dimension.named else kept
        if dimension.named:
            ids = result[dimension.name]
            at = list(result.columns).index(dimension.name)
            result.insert(at + 1, f"{dimension.name}_name", evidence.question.named(dimension.name, ids))
    kinds = {"value": "float64", "low": "float64", "high": "float64", "n": "int64"}
    told: dict[str, pd.Series] = {str(name): result[name] for name in result.columns}
    for name, pieces in columns.items():
        joined = np.concatenate(pieces) if pieces else np.array([], dtype=object)
        told[name] = pd.Series(joined, index=result.index, dtype=kinds.get(name, "object"))
    return pd.DataFrame(told)
