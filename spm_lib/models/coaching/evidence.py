"""The evidence on each lever: what was counted of each rep and kind of work, ready to be compared with peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from spm_lib.models.coaching import contact_evidence, deal_evidence, stage_evidence
from spm_lib.models.coaching.deal_sizes import SIZE
from spm_lib.models.coaching.expected import Family
from spm_lib.models.coaching.levers import LEVERS
from spm_lib.models.coaching.work import Work


@dataclass(frozen=True)
class Evidence:
    """What was counted for one lever, and for a lever with parts of one part.

    Parameters
    ----------
    lever, part
        Which; `part` is a stage for stage conversion, else empty.
    family
        How it is compared: see `expected.Family`.
    attributes
        The columns of `rows` by which the kind of work is told.
    rows
        A row for each rep and kind of work with the columns of `expected.SUMS`.
    """

    lever: str
    part: str
    family: Family
    attributes: tuple[str, ...]
    rows: pd.DataFrame


Reader = Callable[[Work], pd.DataFrame | None]

#: How each lever is compared, and what counts it.
_READERS: Mapping[str, tuple[Family, Reader]] = {
    "deals_created": ("rate", deal_evidence.deals_created),
    "stage_conversion": ("share", stage_evidence.stage_conversion),
    "win_rate": ("share", deal_evidence.win_rate),
    "deal_size": ("mean", deal_evidence.deal_size),
    "discount": ("mean", deal_evidence.discount),
    "cycle_length": ("rate", stage_evidence.cycle_length),
    "activity": ("rate", contact_evidence.activity),
    "activity_spread": ("rate", contact_evidence.activity_spread),
    "follow_up": ("share", contact_evidence.follow_up),
    "slippage": ("rate", stage_evidence.slippage),
    "hygiene": ("share", stage_evidence.hygiene),
}

#: What kinds of work are told by besides the attributes of deals, where a reader says so.
_MORE = (SIZE, "quarter", "age", "kind_of_team", "tenure", "month")


def evidence_of(work: Work, levers: Iterable[str] = LEVERS) -> Iterator[Evidence]:
    """Read the evidence of some work, lever by lever, in the order of the levers and their parts.

    Levers that the data do not tell are left out.
    """
    for lever in levers:
        family, read = _READERS[lever]
        rows = read(work)
        if rows is None or rows.empty:
            continue
        attributes = tuple(name for name in (*work.attributes, *_MORE) if name in rows)
        if "part" not in rows:
            yield Evidence(lever, "", family, attributes, rows)
            continue
        for part, some in rows.groupby("part", sort=True):
            yield Evidence(lever, str(part), family, attributes, some.reset_index(drop=True))
