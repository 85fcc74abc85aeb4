"""What a rep may work on, and what was agreed, in sentences to the rep. Colleagues are never named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spm_lib.present.display import holds
from spm_lib.present.findings.coaching_words import (
    Facts,
    counted,
    distance,
    last_measured,
    lever_label,
    lever_number,
    lever_value,
    moved,
    span,
    verdict,
)
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching

#: The most strengths that are told.
MOST_STRENGTHS = 2
#: What is said where chance explains all that differs.
NOTHING_STANDS_OUT = "There is nothing you are behind on beyond chance."
#: What is said of an agreement of which nothing is measured: it may be young, rest on too little, or be written down late.
NOT_MEASURED = "What came of it is not measured yet."
#: The same where it will not be any more.
NEVER_MEASURED = "What came of it was too little to measure, and is no longer followed."


def own_levers_finding(coaching: Coaching, look: Look) -> str:
    """Say what is worth working on, most first; or that nothing stands out, or is not known.

    Parameters
    ----------
    coaching
        Of the one rep: see `spm_lib.models.coaching.coaching.Coaching.of`.
    """
    del look
    if coaching.found_on is None or coaching.levers.empty:
        return ""
    named = [lever_label(row) for row in coaching.named.to_dict("records")]
    if not named:
        return NOTHING_STANDS_OUT
    return sentence(
        f"{'one thing is' if len(named) == 1 else 'two things are'} worth a closer look: {join_names(named)}"
    )


def strengths_finding(coaching: Coaching, look: Look) -> str:
    """Say where the rep does better than colleagues beyond chance, two things at most; nothing where nowhere.

    Only levers that stand out in the test of all people on all levers are told: of all that is told so to anybody, at most
    one in twenty is expected to be wrong.
    """
    ahead = [row for row in coaching.levers.to_dict("records") if holds(row, "stands_out")]
    told = sorted(ahead, key=lambda row: float(row["behind"]))[:MOST_STRENGTHS]
    said = [
        f"{lever_label(row)} ({lever_value(row, row['observed'], look)}, theirs {lever_number(row, row['expected'], look)}; "
        f"{counted(row, look)})"
        for row in told
    ]
    return (
        sentence(f"you do better than colleagues on the same kind of work on {' and '.join(said)}")
        if said
        else ""
    )


def own_levers_basis(coaching: Coaching, look: Look) -> str:
    """Say what the comparison rests on and how old it is; or why there is none."""
    if coaching.damaged:
        return sentence(f"what to work on cannot be told: {coaching.damaged}")
    if coaching.found_on is None:
        return "What to work on is not known yet, as people have not been compared: run spm score."
    if coaching.levers.empty:
        return "There is too little work of yours on record to compare it with colleagues' on the same kind of work."
    since = f" since {look.date(coaching.starts_on)}" if coaching.starts_on else ""
    age = (
        f" It was found {plural(coaching.age, 'day', look=look)} earlier, on {look.date(coaching.found_on)}."
        if coaching.age
        else ""
    )
    return (
        f"Your work{since} is compared with what colleagues reach on deals like yours. Only what is beyond chance is told, "
        f"and at most two things.{age}"
    )


def own_lever_words(row: Facts, look: Look) -> str:
    """Say how the rep stands on a lever: ``You: 24.8%. Colleagues on the same kind of work: 39.6% (157 deals; …).``."""
    own, peers = lever_value(row, row["observed"], look), lever_number(row, row["expected"], look)
    gap = span(row, look)
    rests = counted(row, look) + (f"; most likely {gap}" if gap else "")
    return f"You: {own}. Colleagues on the same kind of work: {peers} ({rests})."


def agreed_finding(coaching: Coaching, look: Look) -> str:
    """Say how much was agreed, and what is up for review; nothing where nothing was agreed."""
    agreed = coaching.agreed
    if agreed.empty:
        return ""
    count, due = len(agreed), int(agreed["due"].astype(bool).sum())
    said = f"{plural(count, 'action', look=look)} {'is' if count == 1 else 'are'} agreed with you"
    review = (
        ""
        if not due
        else f", and {'all' if due == count > 1 else due} of them {'is' if due == 1 else 'are'} up for review"
    )
    return sentence(said + (", and it is up for review" if due == count == 1 else review))


def progress_words(row: Facts, look: Look) -> str:
    """Say what came of an agreement: the standing against colleagues before it and since, and how sure it is."""
    if is_unknown(row["difference"]) or is_unknown(row["before"]):
        return NOT_MEASURED if row["followed"] else NEVER_MEASURED
    before, since = (_against_colleagues(row, row[name], look) for name in ("before", "since"))
    n_before, n_since = (look.value(row[f"n_{name}"], "count", compact=False) for name in ("before", "since"))
    judged, reach = verdict(row), moved(row, look)
    return sentences(
        [
            f"What came of it: {before} colleagues before (n {n_before}), {since} them since (n {n_since})",
            f"{judged}: {reach}" if reach else judged,
            last_measured(row, look),
        ]
    )


def _against_colleagues(row: Facts, value: object, look: Look) -> str:
    size = distance(row, value, look)
    if not any(digit in "123456789" for digit in size):
        return "level with"
    more = float(value) > 0  # type: ignore[arg-type]
    return f"{size} {'above' if more else 'below'}"
