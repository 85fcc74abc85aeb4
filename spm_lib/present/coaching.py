"""Coaching for a manager: whom to help first with what, and what came of what was agreed. Nobody else is shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from spm_lib.present.audience import MANAGER, managers_alone, withheld
from spm_lib.present.display import Block, clean, is_null, joined, name_html, nothing
from spm_lib.present.findings.coaching import nobody_named
from spm_lib.present.findings.coaching_words import (
    Facts,
    action_of,
    attainment_words,
    compared,
    deal_words,
    evidence,
    lever_label,
    miss_words,
    moved,
    outlook_words,
    side,
    verdict,
    worth_words,
)
from spm_lib.present.kpi import Kpi, kpi_strip
from spm_lib.present.prose import plural, sentence
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.coaching.playbook import Playbook


def coaching_list(
    coaching: Coaching,
    playbook: Playbook,
    *,
    limit: int = 5,
    short: bool = False,
    team: bool = False,
    audience: str = MANAGER,
    look: Look | None = None,
) -> Block:
    """Show whom to help first: on what, how sure that is, what it is worth, what to do, and with which deals.

    Parameters
    ----------
    coaching
        See `spm_lib.models.coaching.coaching.Coaching`; where nobody is named, one line says so.
    playbook
        The company's own actions.
    limit
        The most people.
    short
        Whether to leave out the quarter, deals and second levers.
    team
        Whether to name each person's team.
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
        return nothing(nobody_named(coaching, look))
    people = {str(row["rep_id"]): row for row in coaching.people.to_dict("records")}
    order = list(dict.fromkeys(named["rep_id"]))
    told = [
        _person(
            people[rep],
            named[named["rep_id"] == rep].to_dict("records"),
            playbook,
            look,
            short=short,
            team=team,
        )
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
    return managers_alone(
        Block(html, "\n".join([*(f"- {text}" for _, text in told), *([rest] if rest else [])]))
    )


def _person(
    person: Facts, levers: list[Facts], playbook: Playbook, look: Look, *, short: bool, team: bool
) -> tuple[Markup, str]:
    first, name, label = levers[0], clean(person["rep_name"]), lever_label(levers[0])
    gain = "; ".join(part for part in (worth_words(first, look), attainment_words(person, look)) if part)
    outlook = "" if short else _aside(person, look, team=team)
    stands = sentence(f"{compared(first, look)} ({evidence(first, look)})")
    deals, spoken = ("", "") if short else _deals(first, look)
    second = "" if short or len(levers) < 2 else f"{lever_label(levers[1])}: {compared(levers[1], look)}."
    lines = [
        Markup('<span class="spm-lead"><b>{}</b><span class="spm-apart">, </span><b>{}</b></span>').format(
            name_html(person["rep_name"]), label
        ),
        Markup("<span>{} {}</span>").format(stands, sentence(gain)),
        Markup('<span class="spm-muted">{}</span>').format(outlook) if outlook else "",
        Markup("<span><b>First:</b> {}</span>").format(action_of(first, playbook)),
        Markup("<span><b>Look at together:</b> {}</span>").format(deals) if deals else "",
        Markup("<span><b>Then:</b> {}</span>").format(second) if second else "",
    ]
    text = [f"{name}, {label}: {stands}", sentence(gain), outlook]
    text += [f"First: {action_of(first, playbook)}", f"Look at together: {spoken}" if spoken else ""]
    text += [f"Then: {second}" if second else ""]
    return joined((line for line in lines if line), between=" "), " ".join(part for part in text if part)


def _aside(person: Facts, look: Look, *, team: bool) -> str:
    """Say where the quarter is heading, and what the chance to miss the quota is; nothing of who has none."""
    where = "" if not team or is_null(person["team_name"]) else f"{clean(person['team_name'])}. "
    quarter = ", ".join(part for part in (outlook_words(person, look), miss_words(person, look)) if part)
    return f"{where}{sentence(quarter)}".strip()


def _deals(row: Facts, look: Look) -> tuple[Markup, str]:
    told = []
    for deal in row["deals"]:
        facts, name = deal_words(deal, look), deal["deal_id"] if is_null(deal["name"]) else deal["name"]
        beside = f" ({facts})" if facts else ""
        told.append((name_html(name) + Markup("{}").format(beside), clean(name) + beside))
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
        _review=[_review(row, look) for row in rows],
        agreed_on=pd.to_datetime(agreed["agreed_on"]),
    )
    columns: dict[str, Column | str] = {
        "rep_name": "Person",
        "_label": "Lever",
        "action": Column("Agreed", "prose"),
        "_came": Column("Since then", "prose"),
        "_review": Column("Review", "written"),
        "agreed_on": Column("Agreed on", "date"),
    }
    note = (
        "Against peers on the same work, in the year before and since, with the 90 % interval of the change. Who is picked "
        "when figures were low often gets better by chance alone, and no interval knows of that."
    )
    return managers_alone(
        table(shown, columns, caption="What was agreed, and what came of it", look=look, notes=[note])
    )


def _review(row: Facts, look: Look) -> str:
    day = look.date(pd.Timestamp(row["review_on"]).date())
    return f"due since {day}" if row["due"] else day


def _came(row: Facts, look: Look) -> str:
    judged, change = verdict(row), moved(row, look)
    if not change:
        return sentence(judged)
    before, since = (side(row, row[name], look) for name in ("before", "since"))
    n, m = (look.value(row[name], "count", compact=False) for name in ("n_before", "n_since"))
    return sentence(f"{judged}: {before} (n {n}), now {since} (n {m}); {change}")


def coaching_kpis(
    figures: pd.DataFrame, coaching: Coaching, *, audience: str = MANAGER, look: Look | None = None
) -> Block:
    """Show the key figures of coaching; nothing to others than the manager.

    Parameters
    ----------
    figures
        Rows of `spm_lib.models.coaching.coaching_figures.coaching_figures`.
    coaching
        What they were made of.
    audience, look
        As in `coaching_list`.
    """
    look = look or Look()
    people = coaching.people
    remarks = dict.fromkeys(figures["metric"], "")
    if coaching.found_on is not None and len(people):
        due = people[people["quota"].notna() & people["miss"].notna()]
        remarks["people_behind"] = f"of {plural(len(people), 'person', 'people', look=look)}"
        remarks["coaching_worth"] = "a quarter, at the middle of the team"
        if len(due) and coaching.ends_on is not None:
            quota, by = look.value(due["quota"].sum(), "currency"), look.date(coaching.ends_on)
            remarks["expected_attainment"] = f"of {quota} in quotas by {by}"
            remarks["quotas_missed"] = f"of {plural(len(due), 'quota', look=look)}"
    rows = figures.to_dict("records")
    items = [Kpi.from_row(row, str(row["label"]), remark=remarks[str(row["metric"])]) for row in rows]
    return managers_alone(kpi_strip(items, look), audience)
