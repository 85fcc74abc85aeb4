"""Levers, money, chances and deals of coaching in a manager's words: one place for the words of the people part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from babel.numbers import format_percent

from spm_lib.present.display import clean, is_null
from spm_lib.present.findings.risk_words import chance
from spm_lib.present.prose import plural, sentence
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.playbook import Playbook

Facts = Mapping[Any, Any]

#: What is said in the place of coaching to readers for whom it is not.
WITHHELD = "coaching is for the manager and is not shown here"
#: What is said where chance explains all that differs.
NO_DIFFERENCE = "no difference beyond chance"
#: What the sides of a comparison are.
PEERS = "peers on the same work"

#: An action is shown up to so many characters.
ACTION_LIMIT = 300

#: Of what is counted: the word for one, and for many.
_COUNTED = {
    "months at work": "month at work",
    "deals": "deal",
    "deals won": "deal won",
    "stays in a stage": "stay in a stage",
    "deals with messages": "deal with messages",
}
#: What a lever's value is a number of, where its unit alone does not tell.
_OF = {
    "deals_created": "deals a month",
    "activity": "activities on a deal's working day",
    "activity_spread": "active days a month on a deal",
    "slippage": "times a month",
}
#: Of which levers the money comes once, as the same revenue comes earlier.
_ONCE = ("cycle_length",)


def lever_label(row: Facts) -> str:
    """Give a lever's name in the middle of a sentence, with the stage where it is about one."""
    label, part = clean(row["label"]), row.get("part")
    return label if is_null(part) or not str(part) else f"{label} from {clean(part)}"


def lever_value(row: Facts, value: object, look: Look) -> str:
    """Write a value of a row's lever, with what it is a number of: ``6.4 deals a month``."""
    written = lever_number(row, value, look)
    of = _OF.get(str(row["lever"]))
    return written if of is None or is_unknown(value) else f"{written} {of}"


def lever_number(row: Facts, value: object, look: Look) -> str:
    """Write a value of a row's lever as short as it can be."""
    unit = str(row["unit"])
    if is_unknown(value):
        return look.value(None, "count")
    number = float(value)  # type: ignore[arg-type]
    if unit == "money":
        return look.value(number, "currency")
    if unit in ("share", "days"):
        return look.value(number, unit)
    return look.value(round(number, 1 if abs(number) >= 3 else 2), "count", compact=False)


def behind_by(row: Facts, value: object) -> float:
    """Turn a difference (observed less expected) so that more is further behind; NaN where it is unknown."""
    if is_unknown(value):
        return float("nan")
    number = float(value)  # type: ignore[arg-type]
    return number if row["better"] == "down" else -number


def distance(row: Facts, value: object, look: Look) -> str:
    """Write how far two values of a lever are apart, without a sign: ``14.6 pts``."""
    if is_unknown(value):
        return look.value(None, "count")
    size = abs(float(value))  # type: ignore[arg-type]
    return look.value(size, "points") if row["unit"] == "share" else lever_number(row, size, look)


def side(row: Facts, value: object, look: Look) -> str:
    """Write a difference as people say it: ``14.6 pts behind``; ``level`` where it rounds to nothing."""
    if is_unknown(value):
        return look.value(None, "count")
    size = distance(row, value, look)
    if not any(digit in "123456789" for digit in size):
        return "level"
    return f"{size} {'behind' if behind_by(row, value) > 0 else 'ahead'}"


def span(row: Facts, look: Look) -> str:
    """Write the 90 % interval of a difference: ``behind by 8.1 pts to 18.8 pts``; empty where it is unknown."""
    ends = sorted((behind_by(row, row["low"]), behind_by(row, row["high"])))
    if any(is_unknown(end) for end in ends):
        return ""
    near, far = (distance(row, end, look) for end in ends)
    if ends[0] >= 0:
        return f"behind by {near} to {far}"
    if ends[1] <= 0:
        return f"ahead by {far} to {near}"
    return f"from {near} ahead to {far} behind"


def counted(row: Facts, look: Look) -> str:
    """Say how many the evidence is of: ``157 deals``."""
    many = str(row["counted"])
    return plural(row["n"], _COUNTED.get(many, many), many, look=look)


def compared(row: Facts, look: Look) -> str:
    """Say as a clause how a person stands on a lever: ``24.8%, where peers on the same work reach 39.6%``."""
    expected = lever_number(row, row["expected"], look)
    return f"{lever_value(row, row['observed'], look)}, where {PEERS} reach {expected}"


def evidence(row: Facts, look: Look) -> str:
    """Say what a comparison rests on: ``157 deals; behind by 8.1 pts to 18.8 pts``."""
    return "; ".join(part for part in (counted(row, look), span(row, look)) if part)


def percent(value: object, look: Look) -> str:
    """Write a share as a whole percentage."""
    return look.value(None, "share") if is_unknown(value) else str(format_percent(value, locale=look.locale))  # type: ignore[arg-type]


def worth_words(row: Facts, look: Look) -> str:
    """Say as a clause what a lever is worth: ``worth $92.1K a quarter``; ``not told in money`` where nobody knows."""
    if is_unknown(row["worth"]):
        return "not told in money"
    often = "once, as the same revenue comes earlier" if row["lever"] in _ONCE else "a quarter"
    return f"worth {look.value(row['worth'], 'currency')} {often}"


def attainment_words(person: Facts, look: Look) -> str:
    """Say as a clause what a quarter like this one would reach with the first lever at the middle; empty where unknown."""
    then = person["attainment_then"]
    if is_unknown(then) or is_unknown(person["quota"]) or is_unknown(person["expected"]):
        return ""
    before, after = percent(float(person["expected"]) / float(person["quota"]), look), percent(then, look)
    return "" if before == after else f"a quarter like this one would go from {before} to {after} of quota"


def outlook_words(person: Facts, look: Look) -> str:
    """Say where a person's quarter is heading: ``heading for $93.5K of $258K ($55.9K to $134K)``; empty without a quota."""
    if is_unknown(person["quota"]) or is_unknown(person["expected"]):
        return ""
    ends = look.interval(person["low"], person["high"], "currency")
    said = f"heading for {look.value(person['expected'], 'currency')} of {look.value(person['quota'], 'currency')}"
    return f"{said} ({ends})" if ends else said


def miss_words(person: Facts, look: Look) -> str:
    """Say the chance to miss the quota: ``87% to miss the quota``; empty without a quota."""
    return "" if is_unknown(person["miss"]) else f"{chance(person['miss'], look)} to miss the quota"


def deal_words(deal: Facts, look: Look) -> str:
    """Say what stands beside a deal's name: its amount, and the fact that shows the lever; either may be unknown."""
    amount = deal.get("amount")
    said = "" if is_unknown(amount) else look.value(amount, "currency")
    return ", ".join(part for part in (said, _fact(str(deal.get("fact")), deal.get("value"), look)) if part)


def action_of(row: Facts, playbook: Playbook) -> str:
    """Give the first action for a lever, as a sentence in the company's words."""
    return sentence(clean(playbook.actions(str(row["lever"]), str(row["part"]))[0], ACTION_LIMIT))


def verdict(row: Facts) -> str:
    """Judge what came of an agreement: whether the lever moved beyond chance, and which way."""
    low, high = behind_by(row, row["low"]), behind_by(row, row["high"])
    if is_unknown(low) or is_unknown(high):
        return "too early to tell"
    if max(low, high) < 0:
        return "better, beyond chance"
    return "further behind, beyond chance" if min(low, high) > 0 else "no change beyond chance"


def moved(row: Facts, look: Look) -> str:
    """Write the 90 % interval of how far a lever moved since an agreement: ``2.0 pts to 18.0 pts better``."""
    ends = sorted(-behind_by(row, row[name]) for name in ("low", "high"))
    if any(is_unknown(end) for end in ends):
        return ""
    low, high = (distance(row, end, look) for end in ends)
    if ends[0] >= 0:
        return f"{low} to {high} better"
    return f"{high} to {low} worse" if ends[1] <= 0 else f"from {low} worse to {high} better"


def odds(p_value: object, look: Look) -> str:
    """Translate the probability that alike people differ so much: ``1 in 20``, ``less than 1 in 10,000``."""
    if is_unknown(p_value):
        return look.value(None, "count")
    number = float(p_value)  # type: ignore[arg-type]
    if number < 0.0001:
        return f"less than 1 in {look.value(10_000, 'count', compact=False)}"
    if number >= 0.1:
        return f"{look.value(round(10 * number), 'count')} in {look.value(10, 'count')}"
    # Two digits are all that such a chance is known to.
    once = float(f"{1 / number:.2g}")
    return f"1 in {look.value(round(once), 'count', compact=False)}"


def _fact(fact: str, value: object, look: Look) -> str:
    if fact == "stage":
        return "" if is_null(value) else f"in {clean(value)}"
    if fact == "next_step_missing":
        return "no next step noted" if value == 1 else "past its close date"
    if is_unknown(value):
        return ""
    count = round(float(value))  # type: ignore[arg-type]
    if fact == "days_in_stage":
        return f"{plural(count, 'day', look=look)} in its stage"
    if fact == "days_since_activity":
        return f"{plural(count, 'day', look=look)} without activity"
    if fact == "activities_30":
        return f"{plural(count, 'activity', 'activities', look=look)} in 30 days"
    if fact == "pushes":
        return f"close date put off {plural(count, 'time', look=look)}"
    return ""
