"""What a rep may work on and what was agreed, as lists for the rep's own scorecard; no colleague is named in them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from spm_lib.present.display import EMPTY, Block, clean, joined, name_html
from spm_lib.present.findings.coaching_words import (
    Facts,
    comes_once,
    deal_words,
    ends,
    lever_label,
)
from spm_lib.present.findings.own_levers import own_lever_words, progress_words
from spm_lib.present.prose import note, sentence
from spm_lib.theme import Look, is_unknown

if TYPE_CHECKING:
    from spm_lib.models.coaching.coaching import Coaching
    from spm_lib.models.coaching.playbook import Playbook

#: The most characters of an action that are shown.
_ACTION_LIMIT = 300
_CHANCE = (
    "A figure that was picked when it was low often rises by chance alone, and no interval knows of that."
)


def own_lever_list(coaching: Coaching, playbook: Playbook, *, look: Look | None = None) -> Block:
    """Show what is worth working on: how the rep stands, an own deal that shows it, and one thing to try.

    Parameters
    ----------
    coaching
        Of the one rep: see `spm_lib.models.coaching.coaching.Coaching.of`. Nothing is shown where nothing is named.
    playbook
        The company's own actions.
    look
        How numbers are written.
    """
    look = look or Look()
    rows = coaching.named.to_dict("records")
    return _listed([_lever(row, playbook, look) for row in rows]) if rows else EMPTY


def own_actions(coaching: Coaching, playbook: Playbook) -> list[str]:
    """Give one thing to try for each lever that is named, a sentence each."""
    return [_action(row, playbook) for row in coaching.named.to_dict("records")]


def own_agreed_list(coaching: Coaching, *, look: Look | None = None) -> Block:
    """Show what was agreed with the rep, the latest first: by when it is reviewed, and what came of it."""
    look = look or Look()
    rows = coaching.agreed.to_dict("records")
    if not rows:
        return EMPTY
    told = any(not is_unknown(row["difference"]) for row in rows)
    return _listed([_agreement(row, look) for row in rows]) + note(_CHANCE if told else "")


def _lever(row: Facts, playbook: Playbook, look: Look) -> tuple[Markup, str]:
    label = sentence(lever_label(row)).rstrip(".")
    stands, tried = own_lever_words(row, look), _action(row, playbook)
    worth = _worth(row, look)
    shown, spoken = _deal(row, look)
    lines = [
        Markup('<span class="spm-lead"><b>{}</b></span>').format(label),
        Markup("<span>{}{}</span>").format(stands, f" {worth}" if worth else ""),
        Markup("<span><b>For example:</b> {}</span>").format(shown) if spoken else "",
        Markup("<span><b>Worth trying:</b> {}</span>").format(tried),
    ]
    text = " ".join(
        part
        for part in (
            f"{label}: {stands}",
            worth,
            f"For example: {spoken}" if spoken else "",
            f"Worth trying: {tried}",
        )
        if part
    )
    return joined((line for line in lines if line), between=" "), text


def _worth(row: Facts, look: Look) -> str:
    """Say what the lever is worth with its range; nothing where that is not known, or nothing is to gain."""
    if is_unknown(row["worth"]) or not row["worth"] > 0:
        return ""
    money = ends(row["worth_low"], row["worth_high"], look) or f"about {look.value(row['worth'], 'currency')}"
    middle = "the company" if row["middle_of"] == "company" else "your team"
    if comes_once(row):
        return f"At the middle of {middle} {money} would come in earlier, once."
    return f"At the middle of {middle} a quarter would bring {money} more."


def _deal(row: Facts, look: Look) -> tuple[Markup, str]:
    """Give the first of the rep's own open deals that show the lever; it may have none."""
    deals: list[dict[str, Any]] = row["deals"]
    if not deals:
        return Markup(""), ""
    facts = deal_words(deals[0], look)
    beside = f" ({facts})." if facts else "."
    name = deals[0]["name"] if not pd.isna(deals[0]["name"]) else deals[0]["deal_id"]
    return name_html(name) + Markup("{}").format(beside), clean(name) + beside


def _action(row: Facts, playbook: Playbook) -> str:
    first = playbook.actions(str(row["lever"]), str(row["part"]))[0]
    return sentence(clean(first, _ACTION_LIMIT))


def _agreement(row: Facts, look: Look) -> tuple[Markup, str]:
    action, label = sentence(clean(row["action"], _ACTION_LIMIT)), clean(row["label"])
    on, review = (look.date(_day(row[name])) for name in ("agreed_on", "review_on"))
    when = f"Agreed on {on}, for {label}. {'Up for review since' if row['due'] else 'Review on'} {review}."
    came = progress_words(row, look)
    lines = [
        Markup("<span><b>{}</b></span>").format(action),
        Markup('<span class="spm-muted">{}</span>').format(when),
        Markup("<span>{}</span>").format(came),
    ]
    return joined(lines, between=" "), f"{action} {when} {came}"


def _day(value: Any) -> dt.date:
    return pd.Timestamp(value).date()


def _listed(items: list[tuple[Markup, str]]) -> Block:
    html = Markup('<div class="spm spm-deals"><ul>{}</ul></div>').format(
        joined(Markup("<li>{}</li>").format(html) for html, _ in items)
    )
    return Block(html, "\n".join(f"- {text}" for _, text in items))
