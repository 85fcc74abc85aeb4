"""Levers, money, chances and deals of coaching in a manager's words: one place for the words of the people part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from babel.numbers import format_percent

from spm_lib.models.scorecard_figures import LEAST_PEOPLE
from spm_lib.present.display import clean, is_null
from spm_lib.present.findings.risk_words import chance
from spm_lib.present.prose import plural, sentence
from spm_lib.theme import Look, from_to, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.playbook import Playbook

Facts = Mapping[Any, Any]

#: Who may read coaching: those who lead the people that it is about.
MANAGER = "manager"
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
#: What a lever's value is a number of, of one and of many, where its unit alone does not tell.
_OF = {
    "deals_created": ("deal a month", "deals a month"),
    "activity": ("activity on a deal's working day", "activities on a deal's working day"),
    "activity_spread": ("active day a month on a deal", "active days a month on a deal"),
    "slippage": ("time a month", "times a month"),
}
#: Sums of chances are told to a tenth; what is less is said to be less.
LEAST_QUOTAS = 0.1


def lever_label(row: Facts) -> str:
    """Give a lever's name in the middle of a sentence, with the stage where it is about one."""
    label, part = clean(row["label"]), row.get("part")
    return label if is_null(part) or not str(part) else f"{label} from {clean(part)}"


def lever_value(row: Facts, value: object, look: Look) -> str:
    """Write a value of a row's lever, with what it is a number of: ``6.4 deals a month``."""
    written = lever_number(row, value, look)
    of = _OF.get(str(row["lever"]))
    return written if of is None or is_unknown(value) else f"{written} {of[0] if written == '1' else of[1]}"


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
    """Write the 90 % interval of a difference: ``behind by 8.1 to 18.8 pts``; empty where it is unknown."""
    ends = sorted((behind_by(row, row["low"]), behind_by(row, row["high"])))
    if any(is_unknown(end) for end in ends):
        return ""
    near, far = (distance(row, end, look) for end in ends)
    if ends[0] >= 0:
        return f"behind by {from_to(near, far)}"
    if ends[1] <= 0:
        return f"ahead by {from_to(far, near)}"
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
    """Say what a comparison rests on: ``157 deals; behind by 8.1 to 18.8 pts``."""
    return "; ".join(part for part in (counted(row, look), span(row, look)) if part)


def percent(value: object, look: Look) -> str:
    """Write a share as a whole percentage."""
    return look.value(None, "share") if is_unknown(value) else str(format_percent(value, locale=look.locale))  # type: ignore[arg-type]


def worth_words(row: Facts, look: Look, *, middle: bool = False) -> str:
    """Say as a clause what a lever is worth: ``worth $61K to $140K a quarter``; ``not told in money`` where nobody knows.

    Parameters
    ----------
    row
        A lever's row.
    look
        How numbers are written.
    middle
        Whether to say at whose middle of the lever: the team's or, where too few of it were measured, the company's.
    """
    if is_unknown(row["worth"]):
        return "not told in money"
    often = "once, as the same revenue comes earlier" if comes_once(row) else "a quarter"
    money = ends(row.get("worth_low"), row.get("worth_high"), look) or f"about {_money(row['worth'], look)}"
    return f"worth {money} {often}{f', at {middle_words([row])}' if middle else ''}"


def comes_once(row: Facts) -> bool:
    """Tell whether a lever's money comes once, and not in each quarter."""
    return bool(row["comes"] == "once")


def middle_words(rows: Iterable[Facts]) -> str:
    """Say at whose middle levers were put to tell their worth: ``the team's middle``."""
    whose = dict.fromkeys(str(row["middle_of"]) for row in rows)
    if len(whose) > 1:
        return (
            f"the team's middle, or the company's where fewer than {LEAST_PEOPLE} of the team were measured"
        )
    return "the company's middle" if "company" in whose else "the team's middle"


def ends(low: object, high: object, look: Look) -> str:
    """Write both ends of an amount, one where they are written alike; empty where either is unknown."""
    if is_unknown(low) or is_unknown(high):
        return ""
    first, last = _money(low, look), _money(high, look)
    return first if first == last else f"{first} to {last}"


def _money(value: object, look: Look) -> str:
    return look.value(value, "currency")


def attainment_words(person: Facts, look: Look) -> str:
    """Say as a clause what a quarter like this one would reach with the first lever at the middle; empty where unknown.

    It is unknown too where the lever's money comes once.
    """
    then = person["attainment_then"]
    if is_unknown(then) or is_unknown(person["quota"]) or is_unknown(person["expected"]):
        return ""
    before = percent(float(person["expected"]) / float(person["quota"]), look)
    low, high = (person[f"attainment_then_{end}"] for end in ("low", "high"))
    after = (
        [percent(then, look)]
        if is_unknown(low) or is_unknown(high)
        else [percent(low, look), percent(high, look)]
    )
    if {before} == set(after):
        return ""
    reach = after[0] if len(set(after)) == 1 else f"between {after[0]} and {after[1]}"
    return f"a quarter like this one would go from {before} to {reach} of quota"


def outlook_words(person: Facts, look: Look, *, over: bool = False) -> str:
    """Say where a person's quarter is heading: ``heading for $93.5K of $258K ($55.9K to $134K)``; empty without a quota.

    Of a quarter of which no day is left, given as `over`, what was won is told, and no range.
    """
    if is_unknown(person["quota"]) or is_unknown(person["revenue" if over else "expected"]):
        return ""
    quota = _money(person["quota"], look)
    if over:
        return f"won {_money(person['revenue'], look)} of {quota}"
    around = ends(person["low"], person["high"], look)
    return f"heading for {_money(person['expected'], look)} of {quota}{f' ({around})' if around else ''}"


def miss_words(person: Facts, look: Look, *, over: bool = False) -> str:
    """Say the chance to miss the quota, or whether it was missed: ``87% to miss the quota``; empty without a quota."""
    if over:
        told = not is_unknown(person["quota"]) and not is_unknown(person["revenue"])
        return f"the quota was {'missed' if missed(person) else 'made'}" if told else ""
    return "" if is_unknown(person["miss"]) else f"{chance(person['miss'], look)} to miss the quota"


def missed(person: Facts) -> bool:
    """Tell whether a quarter that is over ended under the quota."""
    return float(person["revenue"]) < float(person["quota"])


def quotas_words(value: float, look: Look) -> str:
    """Write a sum of chances as a number of quotas, to a tenth: ``3.3``, ``less than 0.1``."""
    least = look.value(LEAST_QUOTAS, "count")
    return f"less than {least}" if 0 < value < LEAST_QUOTAS else look.value(round(value, 1), "count")


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
        return "too early to tell" if row["followed"] else "too little to tell, and no longer followed"
    if max(low, high) < 0:
        return "better, beyond chance"
    return "further behind, beyond chance" if min(low, high) > 0 else "no change beyond chance"


def moved(row: Facts, look: Look) -> str:
    """Write the 90 % interval of how far a lever moved since an agreement: ``2.0 to 18.0 pts better``."""
    ends = sorted(-behind_by(row, row[name]) for name in ("low", "high"))
    if any(is_unknown(end) for end in ends):
        return ""
    low, high = (distance(row, end, look) for end in ends)
    if ends[0] >= 0:
        return f"{from_to(low, high)} better"
    return f"{from_to(high, low)} worse" if ends[1] <= 0 else f"from {low} worse to {high} better"


def last_measured(row: Facts, look: Look) -> str:
    """Say as a clause of which day an agreement's outcome is where it is not measured any more; empty where it is."""
    if row["followed"] or is_unknown(row["difference"]):
        return ""
    day = look.date(pd.Timestamp(row["measured_on"]).date())
    return f"as last measured on {day}; a year after the agreement it is no longer followed"


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
