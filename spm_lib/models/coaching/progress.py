"""What came of what was agreed: a lever before the agreement and since, each against peers on the same work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from spm_lib.data.coaching_ledger import PROGRESS_COLUMNS, Agreement
from spm_lib.models.coaching.evidence import evidence_of
from spm_lib.models.coaching.lever_scores import Measured, measure
from spm_lib.models.coaching.steps import stage_of
from spm_lib.models.coaching.work import Work

#: How long before an agreement is looked at, and how long an agreement is followed.
BEFORE, FOLLOWED = dt.timedelta(days=365), dt.timedelta(days=365)


def followed(agreements: Iterable[Agreement], day: dt.date) -> tuple[Agreement, ...]:
    """Give the agreements that are young enough to be measured on a day."""
    return tuple(one for one in agreements if one.agreed_on < day <= one.agreed_on + FOLLOWED)


def progress(work: Work, agreements: Sequence[Agreement], steps: Mapping[int, str]) -> pd.DataFrame:
    """Measure what came of agreements.

    Parameters
    ----------
    work
        As known on the day, reaching a year back from the first agreement.
    agreements
        Those that are followed.
    steps
        The part of a lever that an agreement is about, by its number, as was known when it was made. Of others that are
        about a lever with parts all of these are taken together.

    Returns
    -------
    DataFrame
        `PROGRESS_COLUMNS`: n and observed − expected before the agreement and since, in the lever's unit; their
        difference with its 90 % interval. Of an agreement with too little evidence on either side there is no row.

    Notes
    -----
    Both sides are compared with what peers reached at that time, so a season or a change for all is no progress. Neither
    side is drawn to the other reps; the interval of the difference follows from those of the two sides (Zou and
    Donner, Statistics in Medicine 27, 2008), which need not be even. A rep who is picked when things were worst gets
    better by chance alone: the interval does not know of that, and reports say so.
    """
    rows = []
    days = sorted({one.agreed_on for one in agreements})
    for day in days:
        then = [one for one in agreements if one.agreed_on == day]
        levers = sorted({one.lever for one in then})
        before = _measured(work.during(day - BEFORE + dt.timedelta(days=1), day), levers)
        since = _measured(work.during(day + dt.timedelta(days=1), work.end), levers)
        for one in then:
            part = steps.get(one.agreement_id)
            rows.append(
                _compared(
                    one, *(_gaps(side.get(one.lever, []), one.rep_id, part) for side in (before, since))
                )
            )
    found = [row for row in rows if row is not None]
    return pd.DataFrame(found, columns=list(PROGRESS_COLUMNS))


def _measured(work: Work, levers: Sequence[str]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for evidence in evidence_of(work, levers):
        measured = measure(evidence)
        if measured is not None:
            found.setdefault(evidence.lever, []).append(measured)
    return found


def _gaps(measured: list[Measured], rep_id: str, part: str | None) -> pd.DataFrame:
    """Give what was measured of a rep by part: n, gap (observed − expected), and the ends of its interval."""
    asked = [each for each in measured if part is None or each.evidence.part == part]
    # When it was agreed on there may have been but one pipeline with such a stage.
    asked = asked or [each for each in measured if stage_of(each.evidence.part) == part]
    frames = [
        each.frame[each.frame["rep_id"] == rep_id].merge(each.gaps, on="rep_id")
        for each in asked
        if rep_id in set(each.frame["rep_id"])
    ]
    empty = pd.DataFrame(columns=["part", "n", "observed", "expected", "gap_low", "gap_high"])
    found = pd.concat(frames) if frames else empty
    found = found.assign(gap=found["observed"] - found["expected"]).set_index("part")
    return found[["n", "gap", "gap_low", "gap_high"]].astype("float64")


def _compared(one: Agreement, before: pd.DataFrame, since: pd.DataFrame) -> dict[str, float] | None:
    """Compare the two sides on the parts that both have, each weighted by what was counted since."""
    parts = before.index.intersection(since.index)
    if parts.empty:
        return None
    before, since = before.loc[parts], since.loc[parts]
    weight = (since["n"] / since["n"].sum()).to_numpy()
    was, now = (float(weight @ side["gap"]) for side in (before, since))
    down, up = (
        float(
            np.sqrt(
                np.sum(
                    weight**2 * ((since["gap"] - since[one_end]) ** 2 + (before["gap"] - before[other]) ** 2)
                )
            )
        )
        for one_end, other in (("gap_low", "gap_high"), ("gap_high", "gap_low"))
    )
    return {
        "agreement_id": one.agreement_id,
        "n_before": int(before["n"].sum()),
        "before": was,
        "n_since": int(since["n"].sum()),
        "since": now,
        "difference": now - was,
        "low": now - was - down,
        "high": now - was + up,
    }
