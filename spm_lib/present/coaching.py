"""Coaching for a manager: whom to help first with what, and what came of what was agreed. Nobody else is shown it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from spm_lib.present.audience import MANAGER, managers_alone, withheld
from spm_lib.present.display import Block, clean, is_null, joined, name_html, nothing
from spm_lib.present.findings.coaching import (
    nobody_named,
    people_measured,
    people_with_outlook,
    quarter_is_over,
    quotas_missed,
)
from spm_lib.present.findings.coaching_words import (
    LEAST_QUOTAS,
    Facts,
    action_of,
    attainment_words,
    comes_once,
    compared,
    deal_words,
    evidence,
    last_measured,
    lever_label,
    middle_words,
    miss_words,
    moved,
    outlook_words,
    side,
    verdict,
    worth_words,
)
from spm_lib.present.kpi import Kpi, kpi_strip
from spm_lib.present.prose import plural, sentence, sentences
from spm_lib.present.tables import Column, table
from spm_lib.theme import Look, is_unknown

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
    order, over = list(dict.fromkeys(named["rep_id"])), quarter_is_over(coaching)
    told = [
        _person(
            people[rep],
            named[named["rep_id"] == rep].to_dict("records"),
            playbook,
            look,
            short=short,
            team=team,
            over=over,
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
    person: Facts,
    levers: list[Facts],
    playbook: Playbook,
    look: Look,
    *,
    short: bool,
    team: bool,
    over: bool,
) -> tuple[Markup, str]:
    first, name, label = levers[0], clean(person["rep_name"]), lever_label(levers[0])
    gain = "; ".join(
        part for part in (worth_words(first, look, middle=True), attainment_words(person, look)) if part
    )
    outlook = "" if short else _aside(person, look, team=team, over=over)
    stands = sentence(f"{compared(first, look)} ({evidence(first, look)})")
    deals, spoken = ("", "") if short else _deals(first, look)
    second = "" if short or len(levers) < 2 else f"{lever_label(levers[1])}: {compared(levers[1], look)}."
    lines = [
        Markup(
            '<span class="spm-lead"><b>{}</b><span class="spm-apart">, </span><b class="spm-lever">{}</b></span>'
        ).format(name_html(person["rep_name"]), label),
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


def _aside(person: Facts, look: Look, *, team: bool, over: bool) -> str:
    """Say where the quarter is heading, or how it ended, and so of the quota; nothing of who has none."""
    where = "" if not team or is_null(person["team_name"]) else f"{clean(person['team_name'])}. "
    both = (words(person, look, over=over) for words in (outlook_words, miss_words))
    quarter = (": " if over else ", ").join(part for part in both if part)
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
    came = f"{judged}: {before} (n {n}), now {since} (n {m}); {change}"
    return sentences([came, last_measured(row, look)])


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
    rows: dict[str, Facts] = {str(row["metric"]): row for row in figures.to_dict("records")}
    remarks = dict.fromkeys(rows, "")
    if coaching.found_on is not None and len(coaching.people):
        rows, remarks = _told(rows, coaching), remarks | _remarks(coaching, look)
    items = [Kpi.from_row(row, str(row["label"]), remark=remarks[name]) for name, row in rows.items()]
    return managers_alone(kpi_strip(items, look), audience)


def _told(rows: Mapping[str, Facts], coaching: Coaching) -> dict[str, Facts]:
    """Give the figures as a reader is told them: in the past tense where the quarter is over, and none twice unknown."""
    worth = [name for name in ("coaching_worth", "coaching_worth_once") if name in rows]
    known = [name for name in worth if not is_unknown(rows[name]["value"])] or worth[:1]
    told: dict[str, Facts] = {name: row for name, row in rows.items() if name not in worth or name in known}
    due = people_with_outlook(coaching)
    if due.empty:
        return told
    over, count = quarter_is_over(coaching), quotas_missed(coaching)
    least = not over and 0 < count < LEAST_QUOTAS
    label = "Quotas missed" if over else str(rows["quotas_missed"]["label"])
    # To a tenth, as the sentence above says it.
    told["quotas_missed"] = {
        **rows["quotas_missed"],
        "value": LEAST_QUOTAS if least else round(count, 1),
        "label": f"{label}: less than" if least else label,
    }
    if over:
        quota = float(due["quota"].sum())
        reached = float(due["revenue"].sum()) / quota if quota else None
        told["expected_attainment"] = {**rows["expected_attainment"], "value": reached, "label": "Attainment"}
    return told


def _remarks(coaching: Coaching, look: Look) -> dict[str, str]:
    """Give what stands beneath each figure."""
    people, measured, due = len(coaching.people), people_measured(coaching), people_with_outlook(coaching)
    whole = plural(people, "person", "people", look=look)
    enough = f"of {measured} with enough evidence, {whole} in all"
    told = {"people_behind": f"of {whole}" if measured == people else enough}
    if len(due) and coaching.ends_on is not None:
        quota, by = look.value(due["quota"].sum(), "currency"), look.date(coaching.ends_on)
        told["expected_attainment"] = f"of {quota} in quotas by {by}"
        told["quotas_missed"] = f"of {plural(len(due), 'quota', look=look)}"
    first = coaching.named.drop_duplicates("rep_id")
    priced: list[Facts] = [row for row in first.to_dict("records") if not is_unknown(row["worth"])]
    for name, once in (("coaching_worth", False), ("coaching_worth_once", True)):
        rows = [row for row in priced if comes_once(row) is once]
        told[name] = f"at {middle_words(rows)}" if rows else ""
    return told
