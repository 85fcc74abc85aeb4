"""Coaching for a manager: whom to help first with what, and what came of what was agreed. Nobody else is shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from spm_lib.present.display import EMPTY, Block, clean, joined, name_html, nothing
from spm_lib.present.findings.coaching import MANAGER
from spm_lib.present.findings.coaching_words import (
    WITHHELD,
    Facts,
    action_of,
    attainment_words,
    compared,
    deal_words,
    evidence,
    lever_label,
    lever_value,
    miss_words,
    odds,
    outlook_words,
    verdict,
    worth_words,
)
from spm_lib.present.prose import plural, sentence
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.coaching.playbook import Playbook


def for_manager(block: Block) -> Block:
    """Mark a block as the manager's alone: the press lets no report that holds one go to anybody else."""
    return Block(Markup('<div data-audience="{}">{}</div>').format(MANAGER, block.html), block.text)


def withheld() -> Block:
    """Say that coaching is not shown to these readers."""
    return nothing(WITHHELD)


def coaching_list(
    coaching: Coaching,
    playbook: Playbook,
    *,
    limit: int = 5,
    short: bool = False,
    audience: str = MANAGER,
    look: Look | None = None,
) -> Block:
    """Show whom to help first: on what, how sure that is, what it is worth, what to do, and with which deals.

    Parameters
    ----------
    coaching
        See `spm_lib.models.coaching.coaching.Coaching`; nothing is shown where nobody is named.
    playbook
        The company's own actions.
    limit
        The most people.
    short
        Whether to leave out deals and second levers.
    audience
        Who reads it: others than the manager are told that it is not shown.
    look
        How numbers are written.
    """
    if audience != MANAGER:
        return withheld()
    look = look or Look()
    named = coaching.named
    if named.empty:
        return EMPTY
    people = {str(row["rep_id"]): row for row in coaching.people.to_dict("records")}
    order = list(dict.fromkeys(named["rep_id"]))
    told = [
        _person(people[rep], named[named["rep_id"] == rep].to_dict("records"), playbook, short, look)
        for rep in order[:limit]
    ]
    more = len(order) - len(told)
    rest = (
        f"{plural(more, 'more person is', 'more people are', look=look)} behind beyond chance."
        if more
        else ""
    )
    html = Markup('<div class="spm spm-deals"><ul>{}</ul>{}</div>').format(
        joined(Markup("<li>{}</li>").format(html) for html, _ in told),
        Markup('<p class="spm-note">{}</p>').format(rest) if rest else "",
    )
    return for_manager(
        Block(html, "\n".join([*(f"- {text}" for _, text in told), *([rest] if rest else [])]))
    )


def _person(
    person: Facts, levers: list[Facts], playbook: Playbook, short: bool, look: Look
) -> tuple[Markup, str]:
    first, name, label = levers[0], clean(person["rep_name"]), lever_label(levers[0])
    gain = "; ".join(part for part in (worth_words(first, look), attainment_words(person, look)) if part)
    outlook = ", ".join(part for part in (outlook_words(person, look), miss_words(person, look)) if part)
    stands = sentence(f"{compared(first, look)} ({evidence(first, look)})")
    deals, spoken = ("", "") if short else _deals(first, look)
    second = "" if short or len(levers) < 2 else f"{lever_label(levers[1])}, {compared(levers[1], look)}."
    lines = [
        Markup('<span class="spm-lead"><b>{}</b><span class="spm-apart">, </span><b>{}</b></span>').format(
            name_html(person["rep_name"]), label
        ),
        Markup("<span>{} {}</span>").format(stands, sentence(gain)),
        Markup('<span class="spm-muted">{}</span>').format(sentence(outlook)) if outlook else "",
        Markup("<span><b>First:</b> {}</span>").format(action_of(first, playbook)),
        Markup("<span><b>Look at together:</b> {}</span>").format(deals) if deals else "",
        Markup("<span><b>Then:</b> {}</span>").format(second) if second else "",
    ]
    text = [f"{name}, {label}: {stands}", sentence(gain), sentence(outlook) if outlook else ""]
    text += [f"First: {action_of(first, playbook)}", f"Look at together: {spoken}" if spoken else ""]
    text += [f"Then: {second}" if second else ""]
    return joined((line for line in lines if line), between=" "), " ".join(part for part in text if part)


def _deals(row: Facts, look: Look) -> tuple[Markup, str]:
    told = []
    for deal in row["deals"]:
        facts = deal_words(deal, look)
        beside = f" ({facts})" if facts else ""
        told.append((name_html(deal["name"]) + Markup("{}").format(beside), clean(deal["name"]) + beside))
    if not told:
        return Markup(""), ""
    return joined((html for html, _ in told), between="; ") + ".", f"{'; '.join(text for _, text in told)}."


def agreed_table(coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None) -> Block:
    """Show what was agreed, reviews that are due first, and what came of it; see `coaching_list`."""
    if audience != MANAGER:
        return withheld()
    look = look or Look()
    agreed = coaching.agreed.sort_values(["due", "review_on"], ascending=[False, True], kind="stable")
    if agreed.empty:
        how = "nothing was agreed yet: record it with spm feedback add REP --lever LEVER --action TEXT --review DATE"
        return nothing(how)
    rows = agreed.to_dict("records")
    shown = agreed.assign(
        _came=[_came(row, look) for row in rows],
        _label=[sentence(clean(row["label"])).rstrip(".") for row in rows],
        _due=["due" if row["due"] else "" for row in rows],
        agreed_on=pd.to_datetime(agreed["agreed_on"]),
        review_on=pd.to_datetime(agreed["review_on"]),
    )
    columns: dict[str, Column | str] = {
        "rep_name": "Person",
        "_label": "Lever",
        "action": Column("Agreed", "prose"),
        "agreed_on": Column("On", "date"),
        "review_on": Column("Review", "date"),
        "_due": "",
        "_came": Column("Since then", "prose"),
    }
    note = (
        "Against peers on the same work, before and since. Who is picked when figures were low often gets better by chance "
        "alone."
    )
    return for_manager(
        table(shown, columns, caption="What was agreed, and what came of it", look=look, notes=[note])
    )


def _came(row: Facts, look: Look) -> str:
    judged = verdict(row)
    if is_unknown(row["difference"]):
        return sentence(judged)
    before, since = (lever_value(row, abs(float(row[name])), look) for name in ("before", "since"))
    sides = ["ahead" if (row[n] > 0) == (row["better"] == "up") else "behind" for n in ("before", "since")]
    n = look.value(row["n_since"], "count", compact=False)
    return sentence(f"{judged}: {before} {sides[0]} before, {since} {sides[1]} since (n {n})")


def lever_tests_table(coaching: Coaching, *, look: Look | None = None) -> Block:
    """Show on which levers the company's people differ beyond chance; it names nobody, and is for everybody."""
    look = look or Look()
    tests = coaching.tests
    if tests.empty:
        return nothing("there is too little evidence to compare people")
    rows = tests.to_dict("records")
    shown = tests.assign(
        _label=[sentence(lever_label(row)).rstrip(".") for row in rows],
        _says=["differ" if row["differ"] else "no difference beyond chance" for row in rows],
        _odds=[odds(row["p_value"], look) for row in rows],
    )
    return table(
        shown,
        {
            "_label": "Lever",
            "_says": "People of the company",
            "_odds": Column("Alike, they would differ so much in", "written"),
            "reps": Column("People", "count"),
        },
        caption="On what the company's people differ at all",
        look=look,
    )
