"""Coaching in sentences: whom to help first, what came of what was agreed, and on what people differ at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from spm_lib.present.display import clean
from spm_lib.present.findings.coaching_words import (
    NO_DIFFERENCE,
    PEERS,
    WITHHELD,
    action_of,
    lever_label,
    verdict,
    worth_words,
)
from spm_lib.present.findings.risk import NOT_SCORED, OLD_DAYS
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.coaching.playbook import Playbook

MANAGER = "manager"


def coaching_headline(coaching: Coaching, name: str, look: Look, *, audience: str = MANAGER) -> str:
    """Say in one sentence whom to help first, on what, and what it is worth; or that chance explains all differences."""
    name = clean(name)
    if audience != MANAGER:
        return sentence(f"{name}: {WITHHELD}")
    if coaching.found_on is None:
        return sentence(f"{name}: people were not looked at as of {look.date(coaching.asked_on)}")
    if coaching.people.empty:
        return sentence(f"{name} has nobody at work on {look.date(coaching.asked_on)}")
    named = coaching.named
    if named.empty:
        return sentence(f"{name}: {_nobody(coaching)}")
    first = named.iloc[0].to_dict()
    worth = "" if is_unknown(first["worth"]) else f", {worth_words(first, look)}"
    return sentence(f"{name}: begin with {clean(first['rep_name'])} on {lever_label(first)}{worth}")


def coaching_finding(coaching: Coaching, look: Look, *, audience: str = MANAGER) -> str:
    """Say how many people are behind beyond chance, and how their quotas may end; nothing where nobody was looked at."""
    if audience != MANAGER or coaching.found_on is None or coaching.people.empty:
        return ""
    said = [_counted(coaching, look)]
    due = coaching.people[coaching.people["quota"].notna() & coaching.people["miss"].notna()]
    if len(due) and coaching.ends_on is not None:
        by, quota = look.date(coaching.ends_on), look.value(due["quota"].sum(), "currency")
        missed = look.value(round(float(due["miss"].sum()), 1), "count")
        said.append(
            f"by {by} they are expected to win {look.value(due['expected'].sum(), 'currency')} of {quota} in quotas, "
            f"and {missed} of {plural(len(due), 'quota', look=look)} may be missed"
        )
    return sentences(said)


def _counted(coaching: Coaching, look: Look) -> str:
    named, people = coaching.named["rep_id"].nunique(), len(coaching.people)
    if not named:
        return _nobody(coaching)
    is_are = "is" if named == 1 else "are"
    return f"{named} of {plural(people, 'person', 'people', look=look)} {is_are} behind {PEERS} beyond chance"


def _nobody(coaching: Coaching) -> str:
    return (
        f"{NO_DIFFERENCE} from {PEERS}" if len(coaching.levers) else "too little evidence to compare people"
    )


def coaching_caveat(coaching: Coaching, look: Look) -> str:
    """Say what the reader must know first: nobody was looked at, or long ago; nothing where all is well."""
    if coaching.damaged:
        return sentence(f"coaching cannot be shown: {clean(coaching.damaged, 300)}")
    if coaching.found_on is None:
        return sentence(
            f"coaching is not shown: nobody was looked at as of {look.date(coaching.asked_on)}: {NOT_SCORED}"
        )
    if coaching.age > OLD_DAYS:
        ago = plural(coaching.age, "day", look=look)
        return sentence(
            f"mind: people were looked at on {look.date(coaching.found_on)}, {ago} before this report: {NOT_SCORED}"
        )
    return ""


def coaching_basis(coaching: Coaching, look: Look) -> str:
    """Say when people were looked at, and over what time; nothing where they were not."""
    if coaching.found_on is None:
        return ""
    since = f", on work since {look.date(coaching.starts_on)}" if coaching.starts_on else ""
    return sentence(f"people were looked at on {look.date(coaching.found_on)}{since}")


def nobody_named(coaching: Coaching, look: Look) -> str:
    """Say as a clause why nobody is named where nobody is."""
    if coaching.found_on is None:
        return f"people were not looked at as of {look.date(coaching.asked_on)}"
    return _nobody(coaching)


def people_finding(coaching: Coaching, shown: int, *, audience: str = MANAGER) -> str:
    """Say how many people come first, and on what they are behind, without a name; nothing where nobody is named."""
    named = coaching.named
    if audience != MANAGER or named.empty:
        return ""
    people = list(dict.fromkeys(named["rep_id"]))
    first = named[named["rep_id"].isin(people[:shown])].drop_duplicates("rep_id")
    levers = join_names(dict.fromkeys(first["label"]), limit=4, what="other lever")
    some = "" if len(people) <= shown else f" of {len(people)}"
    who = "the first person" if len(first) == 1 else f"the first {len(first)}{some}"
    who = "one person" if len(people) == 1 else who
    return sentence(f"{who} to talk to: {levers}")


def team_agreed_finding(coaching: Coaching, look: Look, *, audience: str = MANAGER) -> str:
    """Say how many agreements are due for review, and how many levers have moved beyond chance since."""
    agreed = coaching.agreed
    if audience != MANAGER or agreed.empty:
        return ""
    due = int(agreed["due"].astype(bool).sum())
    judged = [verdict(row) for row in agreed.to_dict("records")]
    better = sum(each.startswith("better") for each in judged)
    told = sum(not each.startswith("too early") for each in judged)
    said = f"{plural(len(agreed), 'agreement', look=look)}, {due or 'none'} due for review"
    if not told:
        return sentence(f"{said}; too early to tell what came of {'it' if len(agreed) == 1 else 'them'}")
    moved = f"{better or 'none'} of {told} that can be told moved for the better, beyond chance"
    return sentence(f"{said}; {moved}")


def grid_finding(coaching: Coaching, look: Look, *, audience: str = MANAGER) -> str:
    """Say on which levers anybody is behind beyond chance; nothing where there is nothing to compare."""
    if audience != MANAGER or coaching.levers.empty:
        return ""
    named = coaching.named
    if named.empty:
        return sentence(f"{_nobody(coaching)}, on any lever")
    by = named.groupby("label")["rep_id"].nunique().sort_values(ascending=False, kind="stable")
    said = [f"{label} ({count})" for label, count in by.items()]
    people = plural(named["rep_id"].nunique(), "person is", "people are", look=look)
    return sentence(f"{people} behind beyond chance: {join_names(said, limit=4, what='other lever')}")


def levers_finding(coaching: Coaching, look: Look) -> str:
    """Say on how many levers the company's people differ beyond chance, and on which they do not; it names nobody."""
    tests = coaching.tests
    if tests.empty:
        return ""
    differ = tests[tests["differ"].astype(bool)]
    parts = "lever or step" if tests["part"].astype(bool).any() else "lever"
    whole = plural(len(tests), parts, parts.replace("lever", "levers").replace("step", "steps"), look=look)
    if differ.empty:
        return sentence(f"the company's people differ beyond chance on none of {whole}")
    some = "all" if len(differ) == len(tests) > 1 else f"{len(differ)} of"
    said = f"the company's people differ beyond chance on {some} {whole}"
    alike = [lever_label(row) for row in tests[~tests["differ"].astype(bool)].to_dict("records")]
    return sentence(f"{said}, not on {join_names(alike, limit=4)}" if alike else said)


def coaching_actions(
    coaching: Coaching, playbook: Playbook, look: Look, *, limit: int = 5, audience: str = MANAGER
) -> list[str]:
    """Give what to do first, a sentence for each of the first people who are named."""
    if audience != MANAGER:
        return []
    first = coaching.named.drop_duplicates("rep_id").head(limit).to_dict("records")
    return [f"{clean(row['rep_name'])}, {lever_label(row)}: {action_of(row, playbook)}" for row in first]


def coached(coaching: Coaching, *, limit: int = 5, audience: str = MANAGER) -> dict[str, list[Any]]:
    """Give the names of the people and the ids of the deals that a report on coaching names, for publishing.

    Returns
    -------
    dict
        ``people`` and ``deals``; both empty for readers other than the manager.
    """
    if audience != MANAGER:
        return {"people": [], "deals": []}
    named = coaching.named
    first = named[named["rep_id"].isin(list(dict.fromkeys(named["rep_id"]))[:limit])]
    top = first.drop_duplicates("rep_id")
    deals = [deal["deal_id"] for shown in top["deals"] for deal in shown]
    return {"people": list(top["rep_name"]), "deals": list(dict.fromkeys(deals))}


def funnel_finding_of(outside: pd.DataFrame, people: int, look: Look) -> str:
    """Say who lies outside the 95 % limits; `outside` holds rep_name, and gap (positive is above what is expected)."""
    whole = plural(people, "person", "people", look=look)
    if outside.empty:
        return sentence(f"all win rates of {whole} lie where chance alone puts 19 of 20")
    said = []
    for rows, where in ((outside[outside["gap"] < 0], "below"), (outside[outside["gap"] > 0], "above")):
        if len(rows):
            said.append(f"{join_names(rows['rep_name'], limit=3)} {where}")
    return sentence(f"of {whole}, {' and '.join(said)} the limits of chance")
