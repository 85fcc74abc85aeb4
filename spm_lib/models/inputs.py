"""What estimators read of a landmark: numbers, categories as codes, and what the horizon adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spm_lib.models import features

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

STAGE, DUE, DAYS_TO_CLOSE = "stage", "due", "days_to_expected_close"
#: What every other feature may depend on, and no one can act on.
CONTEXT_NUMBERS = (DAYS_TO_CLOSE, "days_left_in_period")
CONTEXT = (STAGE, DUE, *CONTEXT_NUMBERS)
#: The same for all deals of a day: told with the context, but no other feature depends on it.
CALENDAR_NUMBERS = ("month",)
#: A category's value is told apart where at least so many landmarks have it.
ENOUGH = 30


@dataclass(frozen=True)
class Inputs:
    """Landmarks as estimators read them.

    Parameters
    ----------
    names
        The numbers, in the order of the columns of `numbers`.
    numbers
        One row per landmark; NaN where unknown.
    categories
        The categories, in the order of the columns of `codes`; the stage with its pipeline comes first.
    codes
        One row per landmark: places in `levels`; -1 where unknown.
    levels
        For each category its values.
    due
        Whether the expected close date falls inside the horizon.
    """

    names: tuple[str, ...]
    numbers: Floats
    categories: tuple[str, ...]
    codes: Whole
    levels: tuple[tuple[str, ...], ...]
    due: Flags

    @property
    def size(self) -> int:
        """Number of landmarks."""
        return len(self.numbers)

    def take(self, which: npt.NDArray[np.generic]) -> Inputs:
        """Give the landmarks at `which`: places, or a mask."""
        return replace(self, numbers=self.numbers[which], codes=self.codes[which], due=self.due[which])

    def within(self, due: npt.ArrayLike) -> Inputs:
        """Give the same landmarks looked at over another horizon."""
        return replace(self, due=np.asarray(due, dtype=bool))

    def number(self, name: str) -> Floats:
        """Give one of the numbers; NaN throughout where it is not among them."""
        if name not in self.names:
            return np.full(self.size, np.nan)
        column: Floats = self.numbers[:, self.names.index(name)]
        return column

    def category(self, name: str, values: Mapping[str, float]) -> Floats:
        """Give the number that each landmark's category stands for; NaN where it is unknown or not in `values`."""
        if name not in self.categories:
            return np.full(self.size, np.nan)
        place = self.categories.index(name)
        by_code = np.array([*(values.get(level, np.nan) for level in self.levels[place]), np.nan])
        told: Floats = by_code[self.codes[:, place]]
        return told


def inputs_of(frame: pd.DataFrame) -> Inputs:
    """Read the features of a frame.

    Parameters
    ----------
    frame
        One row per landmark, as `features.deal_features` gives them; of it only features are read, never
        names, amounts or owners.

    Returns
    -------
    Inputs
        In the frame's order; nothing is due until `Inputs.within` says so.
    """
    custom = sorted(features.custom_features(frame))
    counted = [name for name in custom if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    names = (*CONTEXT_NUMBERS, *CALENDAR_NUMBERS, *features.NUMBERS, *counted)
    numbers = np.column_stack([frame[name].to_numpy(dtype=float, na_value=np.nan) for name in names])
    # Infinite is as good as unknown.
    numbers[~np.isfinite(numbers)] = np.nan
    texts: dict[str, pd.Series] = {STAGE: stage_of(frame)}
    texts |= {name: frame[name] for name in features.CATEGORIES}
    texts |= {name: frame[name] for name in custom if name not in counted}
    coded = [_coded(text) for text in texts.values()]
    return Inputs(
        names=names,
        numbers=numbers,
        categories=tuple(texts),
        codes=np.column_stack([codes for codes, _ in coded]),
        levels=tuple(levels for _, levels in coded),
        due=np.zeros(len(frame), dtype=bool),
    )


def stage_of(frame: pd.DataFrame) -> pd.Series:
    """Give each landmark's stage with its pipeline: two pipelines may each have a stage of one name."""
    stage = frame["stage"].astype(object)
    pipeline = frame["pipeline"].astype(object)
    return (pipeline.where(pipeline.notna(), "") + " · " + stage).where(stage.notna(), None)


def thinned(
    days: npt.NDArray[np.generic], deals: Sequence[str] | npt.NDArray[np.generic], *, each: int, most: int
) -> tuple[Whole, Floats]:
    """Choose a few landmarks of each deal: many landmarks of one deal tell little more than one.

    Parameters
    ----------
    days, deals
        The keys of the landmarks.
    each
        How many to keep of a deal at most.
    most
        How many to keep at most in all.

    Returns
    -------
    tuple of arrays
        Their places, ascending, and how many of the deal's landmarks each stands for: without these weights
        the deals that stay open long would count too little. Which are kept follows from the keys alone, not
        from the order of rows.
    """
    if not len(deals):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    texts = pd.Series(np.asarray(deals, dtype=object)).astype(str)
    keys = texts + " " + pd.Series(np.asarray(days, dtype="datetime64[D]").astype(np.int64)).astype(str)
    draw = pd.util.hash_array(keys.to_numpy(dtype=object)).astype(np.uint64)
    codes, _ = pd.factorize(texts, sort=True)
    order = np.lexsort((draw, codes))
    first = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0])
    place = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    counts = np.diff(np.r_[first, len(order)])
    weights = np.empty(len(order))
    weights[order] = np.repeat(counts / np.minimum(counts, each), counts)
    kept = order[place < each]
    if len(kept) > most:
        kept = kept[np.argsort(draw[kept], kind="stable")[:most]]
    kept = np.sort(kept)
    return kept.astype(np.int64), weights[kept]


def _coded(text: pd.Series) -> tuple[Whole, tuple[str, ...]]:
    # Codes in the order of the values, so that they do not depend on the order of rows.
    codes, levels = pd.factorize(text.astype(object).map(str, na_action="ignore"), sort=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def varies(values: Floats) -> bool:
    """Tell whether a number tells anything: two values, or one that is not always known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return False
    return bool((known != known[0]).any() or len(known) < len(values))
