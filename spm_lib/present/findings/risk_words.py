"""Why a deal is at risk and what to do first, in a manager's words: one place for the words of reasons and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from babel.numbers import format_percent

from spm_lib.present.display import clean, is_null
from spm_lib.present.prose import plural, sentence
from spm_lib.theme import Look, is_unknown

Facts = Mapping[Any, Any]

#: What each rule looks at, as a reader of a table sees it.
RULE_LABELS = {
    "quiet": "No activity for 14 days",
    "overdue": "Past its expected close date",
    "pushed": "Close date pushed twice or more",
    "stalled": "In its stage longer than 9 in 10 deals",
    "single_contact": "Only one person at the customer",
    "amount_cut": "Amount cut",
    "moved_back": "Moved back a stage",
    "no_next_step": "No next step noted",
}

#: What to do first, by reason.
ACTIONS = {
    "quiet": "Call the customer, and leave the call with a next step and a date",
    "overdue": "Ask the customer for the date they mean to sign by, or close the deal",
    "pushed": "Ask what must happen before they can sign, and let the customer name the date",
    "stalled": "Ask what keeps it in this stage; where nothing does, move it on or close it",
    "single_contact": "Win a second person at the customer, best the one who signs",
    "amount_cut": "Ask what changed in need or budget before talking of price",
    "moved_back": "Agree with the customer what must be true before it moves on again",
    "no_next_step": "Agree a next step with a date, and note it",
    "handed_over": "Have the new owner call the customer this week",
    "owner": "Join the owner's next call, or take a deal off their list",
}
#: Reasons that say that something is amiss, and not what.
_VAGUE = ("stalled", "overdue")
#: What is asked of a custom field that is empty, and of one that says something.
_CUSTOM_EMPTY = "Have the owner find out and fill in “{}”"
_CUSTOM_ACTION = "Go through “{}” with the owner, and agree who does what about it by when"
#: What “usual” means.
USUAL = "the past rate of deals in the same stage, about as old, at the same point of the quarter"
_BASELINES = {"stage": "past rates by stage and age", "rules": "a count of the rules that hold"}


def chance(value: object, look: Look) -> str:
    """Write a chance as a whole percentage; what is nearly none or nearly sure is not said to be."""
    if is_unknown(value):
        return look.value(None, "share")
    number = float(value)  # type: ignore[arg-type]
    for edge, mark in ((0.01, "<"), (0.99, ">")):
        if (0 < number < edge) if edge < 0.5 else (edge < number < 1):
            return mark + str(format_percent(edge, locale=look.locale))
    return str(format_percent(number, locale=look.locale))


def gate_words(why: str, facts: Facts, look: Look) -> str:
    """Say as a clause why no chance is shown: from figures, or as it was kept where there are none."""
    if "brier_skill" in facts:
        better = "worse" if facts["high"] < 0 else "not clearly better"
        baseline = _BASELINES.get(str(facts["baseline"]), "what a manager has for free")
        tested = plural(facts["deals"], "deal", look=look)
        return f"tested on {tested} of the past, a model's chances were {better} than {baseline}"
    lacking = {kind: int(facts[kind]) for kind in ("won", "lost") if facts.get(kind)}
    if lacking:
        said = " and ".join(
            f"{look.value(count, 'count', compact=False)} more {kind}" for kind, count in lacking.items()
        )
        one = sum(lacking.values()) == 1
        return f"a model takes {said} {'deal' if one else 'deals'}"
    return clean(why, 300)


def reason_words(reason: Facts, look: Look) -> str:
    """Say one reason as a clause: ``no activity for 23 days``; empty where there is nothing to say.

    Parameters
    ----------
    reason
        group, and facts by the name of the feature; both as the ledger keeps them.
    look
        How numbers are written.
    """
    group, facts = str(reason["group"]), reason.get("facts") or {}
    if group.startswith("x_"):
        return _custom(group, facts.get(group), look)
    say = _WORDS.get(group)
    return say(facts, look) if say else ""


def rule_words(rule: str) -> str:
    """Say a rule that holds as a clause."""
    label = RULE_LABELS.get(rule, rule.replace("_", " "))
    return label[:1].lower() + label[1:]


def why_words(row: Facts, look: Look, *, signal: bool, limit: int = 3) -> str:
    """Say why a deal is flagged, in one sentence: the model's reasons or, where it shows no signal, the rules that hold."""
    said = [reason_words(reason, look) for reason in row["reasons"]] if signal else []
    said = [words for words in said if words] or [rule_words(rule) for rule in row["rules"]]
    return sentence("; ".join(list(dict.fromkeys(said))[:limit]))


def action_words(row: Facts, *, signal: bool) -> str:
    """Say what to do first about a deal: what its weightiest reason, or its first rule, asks for.

    That it stands still or is late says that something is amiss, not what: another reason, where there is one, goes first.
    """
    reasons = {str(reason["group"]): reason for reason in row["reasons"]} if signal else {}
    groups = sorted(reasons, key=lambda group: group in _VAGUE)
    for group in [*groups, *map(str, row["rules"])]:
        if group.startswith("x_"):
            return sentence(_custom_action(group, reasons.get(group, {}).get("facts") or {}))
        if group in ACTIONS:
            return sentence(ACTIONS[group])
    return ""


def field_words(name: str) -> str:
    """Give a custom field's name as people write it: ``x_budget_owner`` is ``budget owner``."""
    return clean(name.removeprefix("x_").replace("_", " "), 40)


def _days(facts: Facts, name: str, look: Look) -> str:
    return plural(round(float(facts[name])), "day", look=look)


def _usual(facts: Facts, name: str, look: Look) -> str:
    """Say what is usual, where the deal is above it."""
    value, usual = _number(facts, name), _number(facts, f"usual_{name}")
    if value is None or usual is None or round(value) <= round(usual):
        return ""
    return f" (usually {look.value(round(usual), 'count')})"


def _number(facts: Facts, name: str) -> float | None:
    value = facts.get(name)
    return None if is_unknown(value) else float(value)  # type: ignore[arg-type]


def _quiet(facts: Facts, look: Look) -> str:
    silent, last, trend = (
        _number(facts, name) for name in ("days_since_activity", "activities_14", "activity_trend")
    )
    if silent is not None and silent >= 7:
        return f"no activity for {_days(facts, 'days_since_activity', look)}{_usual(facts, 'days_since_activity', look)}"
    if last is not None and trend is not None and trend < 0:
        before = plural(round(last - trend), "activity", "activities", look=look)
        return f"{round(last) or 'none'} in the last 14 days after {before} in the 14 before"
    month = _number(facts, "activities_30")
    if month is not None:
        return f"only {plural(round(month), 'activity', 'activities', look=look)} in 30 days".replace(
            "only no", "no"
        )
    return "little activity"


def _overdue(facts: Facts, look: Look) -> str:
    days = _number(facts, "days_to_expected_close")
    if days is not None and days < 0:
        return f"{plural(round(-days), 'day', look=look)} past its close date"
    return "past its close date"


def _pushed(facts: Facts, look: Look) -> str:
    pushes, days = _number(facts, "pushes"), _number(facts, "days_pushed")
    if not pushes:
        return "close date pushed out"
    times = {1: "once", 2: "twice"}.get(round(pushes), f"{round(pushes)} times")
    by = f", by {plural(round(days), 'day', look=look)} in all" if days and days > 0 else ""
    return f"close date pushed {times}{by}"


def _stalled(facts: Facts, look: Look) -> str:
    ratio, days, age = (_number(facts, n) for n in ("stage_time_ratio", "days_in_stage", "age_days"))
    if days is not None and days >= 1:
        said = f"{_days(facts, 'days_in_stage', look)} in its stage"
        long = ratio is not None and ratio > 1
        return f"{said}, longer than 9 in 10 deals" if long else said + _usual(facts, "days_in_stage", look)
    return f"open for {_days(facts, 'age_days', look)}" if age is not None else "long in its stage"


def _contacts(facts: Facts, look: Look) -> str:
    people = _number(facts, "contacts")
    if people is None or round(people) == 1:
        return "only one person at the customer"
    if not round(people):
        return "nobody at the customer is named"
    return f"only {plural(round(people), 'person', 'people', look=look)} at the customer"


def _cut(facts: Facts, look: Look) -> str:
    ratio = _number(facts, "amount_ratio")
    if ratio is not None and ratio < 1:
        return f"amount cut by {chance(1 - ratio, look)}"
    return "amount cut" if _number(facts, "amount_cuts") != 0 else "amount changed"


def _back(facts: Facts, look: Look) -> str:
    back = round(_number(facts, "moves_back") or 1)
    return "moved back a stage" if back == 1 else f"moved back {back} times"


def _handed(facts: Facts, look: Look) -> str:
    changes = _number(facts, "owner_changes")
    return "changed owner" + (f" {round(changes)} times" if changes and changes >= 2 else "")


def _owner(facts: Facts, look: Look) -> str:
    load, record = _number(facts, "owner_open_deals"), _number(facts, "owner_win_rate")
    usual_load, usual_record = (_number(facts, f"usual_{n}") for n in ("owner_open_deals", "owner_win_rate"))
    said = []
    if load is not None and (usual_load is None or load > usual_load):
        said.append(
            f"{plural(round(load), 'open deal', look=look)} on its owner's list{_usual(facts, 'owner_open_deals', look)}"
        )
    if record is not None and (usual_record is None or record < usual_record):
        usual = "" if usual_record is None else f" (usually {chance(usual_record, look)})"
        said.append(f"its owner has won {chance(record, look)} of deals so far{usual}")
    return ", ".join(said) or "its owner's list is long"


_WORDS: dict[str, Callable[[Facts, Look], str]] = {
    "quiet": _quiet,
    "overdue": _overdue,
    "pushed": _pushed,
    "stalled": _stalled,
    "single_contact": _contacts,
    "amount_cut": _cut,
    "moved_back": _back,
    "no_next_step": lambda facts, look: "no next step noted",
    "handed_over": _handed,
    "owner": _owner,
}


def _custom(name: str, value: object, look: Look) -> str:
    field = field_words(name)
    if is_null(value):
        return f"{field} is not filled in"
    if isinstance(value, int | float):
        return f"{field} is {look.value(value, 'count')}"
    return f"{field} is {clean(value, 40)}"


def _custom_action(name: str, facts: Facts) -> str:
    field, value = field_words(name), facts.get(name)
    if name not in facts:
        return _CUSTOM_ACTION.format(field)
    if is_null(value):
        return _CUSTOM_EMPTY.format(field)
    return _CUSTOM_ACTION.format(field if isinstance(value, int | float) else f"{field}: {clean(value, 40)}")


def labels_of(rules: Iterable[str]) -> list[str]:
    """Give the labels of rules."""
    return [RULE_LABELS.get(rule, rule.replace("_", " ")) for rule in rules]
