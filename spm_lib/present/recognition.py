"""Wins to celebrate: who earned which recognition, in sentences made of computed figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from spm_lib.periods import Period
from spm_lib.present.display import TITLE_LIMIT, Block, clean, is_null, joined, name_html, nothing
from spm_lib.present.prose import join_names, note, plural, sentence
from spm_lib.theme import Look, is_unknown

Row = Mapping[Any, Any]

#: The most that is told of one person.
EACH = 3

#: Stands in a sentence for the deal, whose name is made safe for markup and for plain text each in its way.
_DEAL = "\0"


def recognition_list(
    found: pd.DataFrame,
    labels: Mapping[str, str],
    period: Period,
    as_of: dt.date,
    *,
    limit: int = 6,
    team: bool = False,
    missing: Mapping[str, str] | None = None,
    look: Look | None = None,
) -> Block:
    """Show who earned which recognition, people in alphabetical order.

    Where more people earned one than are shown, those are shown whose recognition is the rarest among all; the others are
    named beneath. It says nothing of who earned none.

    Parameters
    ----------
    found
        Rows of `spm_lib.models.recognition.recognised`.
    labels
        What each kind is called: see `spm_lib.models.recognition_rules.RecognitionRules.labels`.
    period, as_of
        What was asked for, and the day of the report.
    limit
        The most people to show.
    team
        Whether to name each person's team.
    missing
        Why kinds could not be looked for: see `spm_lib.models.recognition.unasked`.
    look
        How numbers are written.
    """
    look = look or Look()
    told = _without_repeats(found)
    notes = _missing(missing or {}, labels)
    if told.empty:
        return _none_earned(period, as_of) + note(" ".join(notes))
    shown = _rarest(told, limit)
    people = [rows.to_dict("records") for _, rows in told.groupby("rep_id", sort=False)]
    items = [_person(rows, labels, team, look) for rows in people if rows[0]["rep_id"] in shown]
    others = [rows[0]["rep_name"] for rows in people if rows[0]["rep_id"] not in shown]
    if others:
        notes = [f"Recognition was also earned by {join_names(others, limit=6)}.", *notes]
    return _listed(items, notes)


def own_recognition_list(
    found: pd.DataFrame,
    labels: Mapping[str, str],
    period: Period,
    as_of: dt.date,
    *,
    limit: int = 6,
    missing: Mapping[str, str] | None = None,
    look: Look | None = None,
) -> Block:
    """Show what one person earned, without a name: for the person's own scorecard.

    Parameters
    ----------
    found
        Rows of one person: see `spm_lib.models.recognition.recognitions_of`.
    labels, period, as_of, missing, look
        As for `recognition_list`.
    limit
        The most to show.
    """
    look = look or Look()
    told = _without_repeats(found)
    notes = _missing(missing or {}, labels)
    if told.empty:
        return _none_earned(period, as_of) + note(" ".join(notes))
    items = []
    for row in told.head(limit).to_dict("records"):
        label, (html, text) = clean(labels[row["kind"]]), _sentence(row, look)
        lead = Markup('<span class="spm-lead"><b>{}</b></span> <span>{}</span>').format(label, html)
        items.append((lead, f"{label}: {text}"))
    rest = len(told) - len(items)
    if rest:
        notes = [f"{plural(rest, 'more recognition', look=look)} not shown.", *notes]
    return _listed(items, notes)


def _without_repeats(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out the quota reached where a streak or a comeback of the same period says it too.

    ``again`` counts what came before of the same person, kind and period.
    """
    says = found["kind"].eq("streak") | (found["kind"].eq("comeback") & found["deal_id"].isna())
    keys = list(zip(found["rep_id"], found["starts_on"], strict=True))
    said = {key for key, does in zip(keys, says, strict=True) if does}
    repeats = found["kind"].eq("quota_reached") & pd.Series([key in said for key in keys], found.index)
    told = found[~repeats.astype(bool)]
    return told.assign(again=told.groupby(["rep_id", "kind", "starts_on"], sort=False).cumcount())


def _rarest(told: pd.DataFrame, limit: int) -> set[str]:
    """Give the people whose recognition the fewest others have; in doubt the first by alphabet."""
    each = told[["rep_id", "kind"]].drop_duplicates()
    worth = 1 / each["kind"].map(each["kind"].value_counts())
    by_person = worth.groupby(each["rep_id"], sort=False).sum().round(9)
    return set(by_person.sort_values(ascending=False, kind="stable").index[:limit])


def _person(rows: Sequence[Row], labels: Mapping[str, str], team: bool, look: Look) -> tuple[Markup, str]:
    name, where = rows[0]["rep_name"], rows[0]["team_name"]
    aside = clean(where) if team and not is_null(where) else ""
    lines = [Markup('<span class="spm-lead"><b>{}</b></span>').format(name_html(name))]
    texts = []
    if aside:
        lines.append(Markup('<span class="spm-muted">{}.</span>').format(aside))
    # Of several of one kind the first stands for all, before another kind goes untold.
    for row in sorted(rows, key=lambda row: row["again"])[:EACH]:
        label, (html, text) = clean(labels[row["kind"]]), _sentence(row, look)
        lines.append(Markup("<span><b>{}:</b> {}</span>").format(label, html))
        texts.append(f"{label}: {text}")
    if len(rows) > EACH:
        more = f"And {plural(len(rows) - EACH, 'more recognition', look=look)}."
        lines.append(Markup("<span>{}</span>").format(more))
        texts.append(more)
    who = f"{clean(name)}, {aside}" if aside else clean(name)
    return joined(lines, between=" "), f"{who}. {' '.join(texts)}"


def _listed(items: Iterable[tuple[Markup, str]], notes: Sequence[str]) -> Block:
    both = list(items)
    html = Markup('<div class="spm spm-deals"><ul>{}</ul>{}</div>').format(
        joined(Markup("<li>{}</li>").format(html) for html, _ in both),
        joined(Markup('<p class="spm-note">{}</p>').format(each) for each in notes),
    )
    return Block(html, "\n".join([*(f"- {text}" for _, text in both), *notes]))


def _none_earned(period: Period, as_of: dt.date) -> Block:
    so_far = "" if period.is_complete(as_of) else " so far"
    return nothing(f"no recognition was earned in {period.title}{so_far} by the company's rules")


def _missing(missing: Mapping[str, str], labels: Mapping[str, str]) -> list[str]:
    """Say what could not be looked for, a sentence for each reason."""
    reasons = dict.fromkeys(missing.values())
    kinds = {reason: [labels[kind] for kind in missing if missing[kind] == reason] for reason in reasons}
    return [
        sentence(f"not looked for: {join_names(names, limit=len(names))}, as {clean(reason, TITLE_LIMIT)}")
        for reason, names in kinds.items()
    ]


# -- Sentences ----------------------------------------------------------------------------------------------


def _sentence(row: Row, look: Look) -> tuple[Markup, str]:
    """Say what was earned, as markup and as plain text."""
    said = f"{_WORDS[row['kind']](row, look)}."
    before, deal, after = said.partition(_DEAL)
    if not deal:
        said = f"{said[0].upper()}{said[1:]}"
        return escape(said), said
    name = row["deal_id"] if is_null(row["deal_name"]) else row["deal_name"]
    html, text = name_html(name), clean(name)
    if not is_null(row["account"]):
        html += Markup(" ({})").format(name_html(row["account"]))
        text += f" ({clean(row['account'])})"
    return escape(before) + html + escape(after), f"{before}{text}{after}"


def _when(row: Row) -> str:
    return f"in {row['period']}" if row["complete"] else f"in {row['period']} so far"


def _periods(row: Row) -> str:
    kind = str(row["period_kind"])
    return f"{kind if kind in ('week', 'month', 'quarter', 'year') else 'period'}s"


def _here(row: Row) -> str:
    return " in this team" if row["elsewhere"] else ""


def _unpriced(row: Row, look: Look) -> str:
    count = row["unpriced"]
    if not count:
        return ""
    are = "is" if count == 1 else "are"
    return f"; {plural(count, 'deal', look=look)} won without a known amount {are} left out"


def _of_quota(row: Row, look: Look) -> str:
    days = ", counted for the days in this team" if row["partial"] else ""
    revenue, quota = look.value(row["revenue"], "currency"), look.value(row["quota"], "currency")
    return f"({revenue} of {quota}{days}, {plural(row['n'], 'deal', look=look)} won)"


def _quota_reached(row: Row, look: Look) -> str:
    return f"{look.value(row['value'], 'share')} of quota {_when(row)} {_of_quota(row, look)}"


def _streak(row: Row, look: Look) -> str:
    long = look.value(row["value"], "count", compact=False)
    last = f"{look.value(row['compared_with'], 'share')} {_when(row)} {_of_quota(row, look)}"
    return f"quota reached {long} {_periods(row)} in a row, with {last}"


def _comeback(row: Row, look: Look) -> str:
    if is_null(row["deal_id"]):
        before = look.value(row["compared_with"], "share")
        return f"{_quota_reached(row, look)}, after {before} in {row['compared_period']}"
    worth = "" if is_unknown(row["value"]) else f" for {look.value(row['value'], 'currency')}"
    day = look.date(pd.Timestamp(row["closed_on"]).date())
    return f"{_DEAL} won{worth} on {day}, {look.value(row['n'], 'days')} after it was lost"


def _personal_best(row: Row, look: Look) -> str:
    value, best = (look.value(row[name], "currency") for name in ("value", "compared_with"))
    earlier = look.value(row["compared_n"], "count", compact=False)
    which = f"the {earlier} earlier {_periods(row)}{_here(row)} with a deal decided"
    return (
        f"{value} won {_when(row)}, more than in any of {which} (best before: {best}){_unpriced(row, look)}"
    )


def _most_improved(row: Row, look: Look) -> str:
    unit = str(row["unit"])
    what, counted = ("win rate", "decided") if unit == "share" else ("revenue", "won")
    n, past_n = (plural(row[name], "deal", look=look) for name in ("n", "compared_n"))
    now = f"{what} of {look.value(row['value'], unit)} {_when(row)} ({n} {counted})"
    point = "" if row["complete"] else " at the same point"
    past = f"{look.value(row['compared_with'], unit)} in {row['compared_period']}{point} ({past_n})"
    gap = look.interval(row["low"], row["high"], "points" if unit == "share" else unit)
    return f"{now}, up from {past}{_here(row)}: by {gap}, beyond chance"


def _biggest_deal(row: Row, look: Look) -> str:
    of = f"{plural(row['n'], 'deal', look=look)} won {_when(row)}"
    shared = look.value(row["shared"], "count", compact=False)
    largest = f"the largest of {of}" if row["shared"] == 1 else f"one of the {shared} largest of {of}"
    record = f", and larger than all {plural(row['compared_n'], 'deal', look=look)} won before{_here(row)}"
    worth = look.value(row["value"], "currency")
    return f"{_DEAL} for {worth}, {largest}{record if row['record'] else ''}{_unpriced(row, look)}"


def _fastest_clean_cycle(row: Row, look: Look) -> str:
    worth, days = look.value(row["amount"], "currency"), look.value(row["value"], "days")
    usual = f"such deals usually take {look.value(row['compared_with'], 'days')}"
    rests = plural(row["compared_n"], "deal", look=look)
    clean_one = "no close date pushed, no stage moved back, no amount cut"
    return f"{_DEAL} for {worth}, won in {days} where {usual} ({rests} won lately), with {clean_one}"


def _best_help(row: Row, look: Look) -> str:
    on, done = (
        plural(row["n"], "deal", look=look),
        plural(row["value"], "outbound activity", "outbound activities", look=look),
    )
    most = "more than any other rep" if row["shared"] == 1 else "as many as the most active helpers"
    return f"helped colleagues on {on} with {done} {_when(row)}, {most}"


_WORDS: Mapping[str, Callable[[Row, Look], str]] = {
    "quota_reached": _quota_reached,
    "streak": _streak,
    "comeback": _comeback,
    "personal_best": _personal_best,
    "most_improved": _most_improved,
    "biggest_deal": _biggest_deal,
    "fastest_clean_cycle": _fastest_clean_cycle,
    "best_help": _best_help,
}
