"""What a metric is: the rows it counts, the statistics it asks of the engine, and how they become figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from spm_lib.metrics.evidence import Evidence
    from spm_lib.metrics.question import Question

Unit = Literal["currency", "share", "days", "count", "ratio", "currency_per_day"]
Better = Literal["higher", "lower"]

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

NO_PIPELINE = "the source has no open deals"
NOT_COVERED = "the data do not cover this period"


@dataclass(frozen=True)
class Statistic:
    """One aggregate that the engine computes per group.

    Parameters
    ----------
    name
        Name of the result; metrics that name the same statistic share it.
    reads
        The population's columns that it needs. Nothing else is read.
    of
        From the population's rows to one value.
    ordered
        Whether it collects values; `name` then gives way to ``{name}_median``, ``_low``, ``_high`` and ``_n``.
    """

    name: str
    reads: tuple[str, ...]
    of: Callable[[ibis.Table], ibis.Value] = field(repr=False, compare=False)
    ordered: bool = False


class Source(Protocol):
    """Where statistics come from: a population of rows, or something made of several."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def batches(self) -> bool:
        """Whether several periods can be asked at once, of one snapshot."""

    def collect(self, question: Question, statistics: Sequence[Statistic]) -> pd.DataFrame:
        """Give the question's key columns, then one column per statistic; a row per group that has rows."""


@dataclass(frozen=True)
class Figures:
    """The figures of one metric, an element per group. Made by `Figures.of`."""

    value: Floats
    n: Floats
    low: Floats
    high: Floats
    note: Texts

    @classmethod
    def of(
        cls,
        value: npt.ArrayLike,
        n: npt.ArrayLike,
        bounds: tuple[npt.ArrayLike, npt.ArrayLike] = (np.nan, np.nan),
        note: Texts | None = None,
    ) -> Figures:
        """Put figures together; bounds and notes that are left out are null."""
        size = np.asarray(value, dtype=float)
        low, high = (np.broadcast_to(np.asarray(b, dtype=float), size.shape) for b in bounds)
        told = texts(np.zeros(size.shape, dtype=bool), "") if note is None else note
        return cls(size, np.nan_to_num(np.asarray(n, dtype=float)), low, high, told)

    @classmethod
    def unknown(cls, size: int, note: str) -> Figures:
        """Give figures of which nothing is known, and why."""
        return cls.of(np.full(size, np.nan), np.zeros(size), note=texts(np.ones(size, dtype=bool), note))

    def where(self, known: npt.NDArray[np.bool_], note: str | None = None) -> Figures:
        """Null what is not `known`, with n 0 and, where one is given, its `note` instead of any other."""
        return Figures(
            value=np.where(known, self.value, np.nan),
            n=np.where(known, self.n, 0),
            low=np.where(known, self.low, np.nan),
            high=np.where(known, self.high, np.nan),
            note=self.note if note is None else np.where(known, self.note, texts(~known, note)),
        )


def texts(where: npt.ArrayLike, text: str) -> Texts:
    """Give `text` where `where` holds, else None."""
    return np.array([text if w else None for w in np.asarray(where).tolist()], dtype=object)


def counted(counts: npt.ArrayLike, one: str, many: str) -> Texts:
    """Give ``"1 {one}"`` or ``"3 {many}"`` where a count is not zero, else None."""
    found = (int(k) for k in np.asarray(counts, dtype=float).tolist())
    told = [f"{k} {one if k == 1 else many}" if k else None for k in found]
    return np.array(told, dtype=object)


def also(first: Texts, second: Texts) -> Texts:
    """Put notes together."""
    told = ["; ".join(t for t in both if t) or None for both in zip(first, second, strict=True)]
    return np.array(told, dtype=object)


#: Figures by part (a stage, a component); the part is None for metrics that have but one.
Parts = Mapping[str | None, Figures]


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric, defined once.

    Parameters
    ----------
    name, label
        What programs and what people call it.
    unit
        What its values are; theme formats them by it.
    better
        Which direction is good; None where neither is.
    definition
        One sentence, which reports print.
    needs
        The statistics it needs of each population. Those of one population, of all metrics asked, are computed
        in one query.
    finish
        From the statistics of all groups to their figures.
    """

    name: str
    label: str
    unit: Unit
    better: Better | None
    definition: str
    needs: Mapping[Source, tuple[Statistic, ...]] = field(repr=False)
    finish: Callable[[Evidence], Figures | Parts] = field(repr=False)

    @property
    def batches(self) -> bool:
        """Whether several periods can be asked at once: it depends on nothing but rows dated in the period."""
        return all(source.batches for source in self.needs)
