"""Coaching in sentences: whom to help first, what came of what was agreed, and on what people differ at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from spm_lib.present.display import clean
from spm_lib.present.findings.coaching_words import (
    MANAGER,
    NO_DIFFERENCE,
    PEERS,
    WITHHELD,
    action_of,
    lever_label,
    miss_words,
    missed,
    odds,
    quotas_words,
    verdict,
    worth_words,
)
from spm_lib.present.findings.risk import NOT_SCORED, OLD_DAYS
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.coaching.playbook import Playbook


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
    return sentences([_counted(coaching, look), _quotas(coaching, look)])


def _counted(coaching: Coaching, look: Look) -> str:
    """Say how many are behind, of those whose work says enough; the others are counted apart."""
    named, people = coaching.named["rep_id"].nunique(), len(coaching.people)
    if not named:
        return _nobody(coaching)
    measured = people_measured(coaching)
    are = f"{'is' if named == 1 else 'are'} behind {PEERS} beyond chance"
    if measured == people:
        return f"{'the one person at work' if people == 1 else f'{named} of {people} people'} {are}"
    of = "the one person" if measured == 1 else f"{named} of the {measured} people"
    rest = plural(people - measured, "other", "others", look=look)
    return f"{of} with enough evidence {are}; of {rest} there is too little to tell"


def people_measured(coaching: Coaching) -> int:
    """Count the people with enough evidence on any lever."""
    return int(coaching.people["rep_id"].isin(coaching.levers["rep_id"]).sum())


def people_with_outlook(coaching: Coaching) -> pd.DataFrame:
    """Give the rows of the people with a quota on which an outlook was told."""
    people = coaching.people
    return people[people["quota"].notna() & people["miss"].notna()]


def quarter_is_over(coaching: Coaching) -> bool:
    """Tell whether no day of the quarter was left when people were looked at: what was won is then no outlook."""
    return (
        coaching.found_on is not None
        and coaching.ends_on is not None
        and coaching.found_on >= coaching.ends_on
    )


def quotas_missed(coaching: Coaching) -> float:
    """Give how many quotas may be missed, by the sum of the chances; how many were, once the quarter is over."""
    due = people_with_outlook(coaching)
    if quarter_is_over(coaching):
        return float(sum(missed(row) for row in due.to_dict("records")))
    return float(due["miss"].sum())


def _quotas(coaching: Coaching, look: Look) -> str:
    """Say what becomes of all quotas together; nothing where there is none."""
    due, over = people_with_outlook(coaching), quarter_is_over(coaching)
    if due.empty or coaching.ends_on is None:
        return ""
    by, quota = look.date(coaching.ends_on), look.value(due["quota"].sum(), "currency")
    money = f"{look.value(due['revenue' if over else 'expected'].sum(), 'currency')} of {quota}"
    count, whose = (
        quotas_missed(coaching),
        "the one quota" if len(due) == 1 else f"the {len(due)} quotas together",
    )
    if len(due) == 1:
        end = miss_words(due.iloc[0].to_dict(), look, over=over).removesuffix(" the quota")
        end = f"so {end.replace('the quota', 'it')}" if over else f"with a chance of {end} it"
    else:
        end = f"and {quotas_words(count, look)} of them {('was' if count == 1 else 'were') if over else 'may be'} missed"
    if over:
        return f"{whose} of the quarter that ended on {by}: {money} was won, {end}"
    return f"{whose}: {money} is to be expected by {by}, {end}"


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
    """Say when people were looked at, over what time, and who stands first; nothing where they were not."""
    if coaching.found_on is None:
        return ""
    since = f", on work since {look.date(coaching.starts_on)}" if coaching.starts_on else ""
    return sentences([f"people were looked at on {look.date(coaching.found_on)}{since}", *_order(coaching)])


def _order(coaching: Coaching) -> list[str]:
    """Say by what people stand in order, as far as it concerns those who are named; nothing where there is no order."""
    first = coaching.named.drop_duplicates("rep_id")
    if len(first) < 2:
        return []
    quotas = first["rep_id"].isin(people_with_outlook(coaching)["rep_id"])
    chance_of = "the chance to miss the quota × " if quotas.any() else ""
    said = [
        f"first stands for whom most is at stake: {chance_of}what the first lever is worth a quarter × how surely the "
        "person is behind on it"
    ]
    if quotas.any() and not quotas.all():
        said.append("of who has no quota the chance counts as full")
    if (first["worth"].notna() & (first["comes"] == "once")).any():
        said.append("of money that comes once a quarter of it counts")
    if first["worth"].isna().any():
        said.append(
            "what is not told in money counts like the middle of what the company's other named levers are worth"
        )
    return said


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
    all_of = len(people)
    if len(first) == 1:
        return sentence(
            f"talk to {'one person' if all_of == 1 else f'the first of {all_of} people'} about {levers}"
        )
    some = "" if all_of == len(first) else f" of {all_of}"
    return sentence(f"talk to the first {len(first)}{some} people about {levers}")


def team_agreed_finding(coaching: Coaching, look: Look, *, audience: str = MANAGER) -> str:
    """Say how many agreements are due for review, and how many levers have moved beyond chance since."""
    agreed = coaching.agreed
    if audience != MANAGER or agreed.empty:
        return ""
    due = int(agreed["due"].astype(bool).sum())
    judged = [verdict(row) for row in agreed.to_dict("records")]
    better = sum(each.startswith("better") for each in judged)
    told = int(agreed["difference"].notna().sum())
    said = f"{plural(len(agreed), 'agreement', look=look)}, {due or 'none'} due for review"
    if not told:
        too = "early" if agreed["followed"].astype(bool).any() else "little"
        return sentence(f"{said}; too {too} to tell what came of {'it' if len(agreed) == 1 else 'them'}")
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


def funnel_finding_of(outside: pd.DataFrame, people: int, look: Look, *, test: Mapping[Any, Any]) -> str:
    """Say who lies outside the 95 % limits, or that nobody is to be named as win rates do not differ beyond chance.

    Parameters
    ----------
    outside
        Those outside: rep_name, and gap (positive is above what is expected).
    people
        How many are drawn.
    look
        How numbers are written.
    test
        Of the company's win rates: whether they differ, and p_value.
    """
    whole = plural(people, "person", "people", look=look)
    if not test["differ"]:
        # One in twenty lies outside by luck: where the test finds nothing, a name would be a charge without ground.
        odds_of = "" if is_unknown(test["p_value"]) else odds(test["p_value"], look)
        alike = f": luck alone sets them as far apart with a chance of {odds_of}" if odds_of else ""
        return sentence(f"the company's win rates do not differ beyond chance{alike}")
    if outside.empty:
        return sentence(f"all win rates of {whole} lie where chance alone puts 19 of 20")
    said = []
    for rows, where in ((outside[outside["gap"] < 0], "below"), (outside[outside["gap"] > 0], "above")):
        if len(rows):
            lie = "lies" if len(rows) == 1 else "lie"
            said.append(f"{join_names(rows['rep_name'], limit=3)} {lie} {where}")
    return sentence(f"of {whole}, {' and '.join(said)} the limits of chance")
