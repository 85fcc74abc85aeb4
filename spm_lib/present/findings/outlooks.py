"""Outlooks on quotas in sentences: how those told earlier turned out."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from scipy.stats import norm, t

from spm_lib.models.flag_record import LEAST_IN_BIN
from spm_lib.present.prose import plural, sentences
from spm_lib.theme import Look

if TYPE_CHECKING:
    from spm_lib.models.quota_record import OutlookRecord

#: The middle 90 % reach up to here.
_UP_TO = 0.95
#: Chances are judged by the ends of so many quarters: in one all may go well, or badly, together.
LEAST_QUARTERS = 4


def outlook_record_finding(record: OutlookRecord, look: Look) -> str:
    """Say how many quotas were missed of those that outlooks were told on, beside how many were to be expected."""
    if not record.n:
        return sentences(["no quarter that outlooks were told on is over yet"])
    missed, told = look.value(record.missed, "count"), plural(record.n, "quota", look=look)
    said = f"of {told} that outlooks were told on, {missed} {'was' if record.missed == 1 else 'were'} missed"
    quarters = _quarters(record)
    if quarters < LEAST_QUARTERS:
        expected = look.value(round(record.told, 1), "count")
        ends = "the end of one quarter is" if quarters == 1 else f"the ends of {quarters} quarters are"
        return sentences(
            [
                f"{said}; {expected} were to be expected by what was told, and {ends} too little to judge that by"
            ]
        )
    reach = _reach(record)
    low, high = max(0, round(record.told - reach)), min(record.n, round(record.told + reach))
    expected = look.value(low, "count") if low == high else look.interval(low, high, "count")
    few = record.n < LEAST_IN_BIN
    held = "so few cannot contradict the chances" if few else "so the chances held"
    off = f"so the chances were too {'low' if record.missed > high else 'high'}"
    judged = held if low <= record.missed <= high else off
    return sentences([f"{said}; {expected} were to be expected by what was told, {judged}"])


def _quarters(record: OutlookRecord) -> int:
    return int(record.rows["quarter_to"].nunique())


def _reach(record: OutlookRecord) -> float:
    """Give how far the number of quotas missed may lie from what is to be expected of it, in 9 of 10 cases.

    Within a quarter people do well or badly together, so that numbers of quarters vary by more than chances that come true
    independently of each other would have them. How much more, the quarters tell: by Student's distribution, as they are
    few.
    """
    rows = record.rows
    off = (rows["missed"].astype("float64") - rows["miss"]).groupby(rows["quarter_to"]).agg(["sum", "size"])
    apart = off["sum"] - off["size"] * off["sum"].sum() / off["size"].sum()
    between = len(off) / (len(off) - 1) * float((apart**2).sum())
    alone = float((rows["miss"] * (1 - rows["miss"])).sum())
    return max(float(norm.ppf(_UP_TO)) * sqrt(alone), float(t.ppf(_UP_TO, len(off) - 1)) * sqrt(between))


def outlook_record_basis(record: OutlookRecord, look: Look) -> str:
    """Say what the record rests on, and how outlooks on earlier quarters, looked at again, turned out."""
    said = []
    if record.n:
        counts = "of each person's quarter that is over, the outlook told nearest to its middle counts"
        holds = "what was to be expected holds the outcome in 9 of 10 cases, as far as quarters differ from each other"
        said.append(f"{counts}; {holds}" if _quarters(record) >= LEAST_QUARTERS else counts)
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
