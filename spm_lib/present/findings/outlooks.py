"""Outlooks on quotas in sentences: how those told earlier turned out."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from scipy.stats import norm

from spm_lib.models.flag_record import LEAST_IN_BIN
from spm_lib.present.prose import plural, sentences
from spm_lib.theme import Look

if TYPE_CHECKING:
    from spm_lib.models.quota_record import OutlookRecord

#: Half of a normal distribution's middle 90 %, in standard deviations.
_NINETY = float(norm.ppf(0.95))


def outlook_record_finding(record: OutlookRecord, look: Look) -> str:
    """Say how many quotas were missed of those that outlooks were told on, beside how many were to be expected."""
    if not record.n:
        return sentences(["no quarter that outlooks were told on is over yet"])
    # The sum of chances of which each comes true or not, and none depends on another.
    spread = _NINETY * sqrt(float((record.rows["miss"] * (1 - record.rows["miss"])).sum()))
    low, high = max(0, round(record.told - spread)), min(record.n, round(record.told + spread))
    missed, told = look.value(record.missed, "count"), plural(record.n, "quota", look=look)
    expected = look.value(low, "count") if low == high else look.interval(low, high, "count")
    few = record.n < LEAST_IN_BIN
    held = "so few cannot contradict the chances" if few else "so the chances held"
    off = f"so the chances were too {'low' if record.missed > high else 'high'}"
    judged = held if low <= record.missed <= high else off
    return sentences(
        [
            f"of {told} that outlooks were told on, {missed} {'was' if record.missed == 1 else 'were'} missed; "
            f"{expected} were to be expected by what was told, {judged}"
        ]
    )


def outlook_record_basis(record: OutlookRecord, look: Look) -> str:
    """Say what the record rests on, and how outlooks on earlier quarters, looked at again, turned out."""
    said = []
    if record.n:
        said.append(
            "of each person's quarter that is over, the outlook told nearest to its middle counts; what was to be expected "
            "holds the outcome in 9 of 10 cases"
        )
    learned = record.looked_at_again
    if learned is not None and learned.quarters and learned.error is not None:
        said.append(
            "the whole company's earlier quarters were looked at again as they stood at the same point: over "
            f"{plural(learned.outlooks, 'quota', look=look)} of {plural(learned.quarters, 'quarter', look=look)} the chance "
            f"told is off by {look.value(learned.error, 'points')} on average"
        )
    elif learned is not None and learned.why:
        said.append(f"outlooks are told uncorrected, as {learned.why}")
    return sentences(said)
