"""Deals at risk in sentences: how much money, which deals, what changed, and how good the flags have been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from spm_lib.present.display import clean, is_null
from spm_lib.present.findings.risk_shapes import Flagged, Judged
from spm_lib.present.findings.risk_words import RULE_LABELS, USUAL, action_words, chance, gate_words
from spm_lib.present.prose import join_names, plural, sentence, sentences
from spm_lib.theme import Look, is_unknown

NOT_SCORED = "run spm score"
#: Flags are judged over so many days, and by fewer deals than these only where they are far from usual.
FLAG_DAYS, FEW = 30, 20
#: A scoring older than this is told with its age.
OLD_DAYS = 7


def risk_headline(flags: Flagged, name: str, look: Look) -> str:
    """Say in one sentence how much is at risk and how many deals need a look."""
    name = clean(name)
    if flags.scored_on is None or flags.ends_on is None:
        return sentence(f"{name}: deals are not scored as of {look.date(flags.asked_on)}")
    count, by = len(flags.flagged), look.date(flags.ends_on)
    money = flags.money
    if not len(flags.deals):
        return sentence(f"{name} has no open deals to watch")
    need = f"{plural(count, 'deal', look=look)} to look at"
    if flags.signal and money.due > 0 and not is_unknown(money.at_risk):
        worth = f"{look.value(money.at_risk, 'currency')} of {look.value(money.due, 'currency')} due by {by}"
        return sentence(f"{name} has {worth} at risk, and {need}")
    if flags.signal:
        return sentence(f"{name} has {need} among {plural(len(flags.deals), 'open deal', look=look)}")
    if not count:
        return sentence(f"{name}: no deal can be told to be at risk, as the data hold no reliable signal")
    return sentence(f"{name} has {need} by rules alone: the data hold no reliable signal")


def risk_finding(flags: Flagged, look: Look) -> str:
    """Say how much of the money due is at risk, and how many deals are flagged; nothing where none is scored."""
    if flags.scored_on is None or flags.ends_on is None or not len(flags.deals):
        return ""
    money, by = flags.money, look.date(flags.ends_on)
    flagged = _flagged(flags, look)
    if not flags.signal:
        return sentence(flagged)
    if money.n and not is_unknown(money.at_risk) and money.due > 0:
        interval = look.interval(money.low, money.high, "currency")
        usual = "" if is_unknown(money.usual) else f", where {look.value(money.usual, 'currency')} is usual"
        return sentence(
            f"of {look.value(money.due, 'currency')} due by {by} ({plural(money.n, 'deal', look=look)}), "
            f"{look.value(money.at_risk, 'currency')} is at risk ({interval}){usual}; {flagged}"
        )
    return sentence(flagged)


def _flagged(flags: Flagged, look: Look) -> str:
    count = len(flags.flagged)
    new = int((flags.flagged["change"] == "new").sum()) if flags.earlier_on else 0
    how = "flagged" if flags.signal else "flagged by rules"
    text = f"{count or 'none'} of {plural(len(flags.deals), 'open deal', look=look)} "
    said = f"{text}{'is' if count <= 1 else 'are'} {how}"
    return f"{said}, {new} of them new" if new and count > 1 else f"{said}, and new" if new else said


def risk_basis(flags: Flagged, look: Look) -> str:
    """Say what the flags rest on: what the reader must know first, then what the words mean."""
    return " ".join(part for part in (risk_caveat(flags, look), risk_meaning(flags, look)) if part)


def risk_caveat(flags: Flagged, look: Look) -> str:
    """Say what the reader must know first: nothing is scored, it is old, or rules alone tell; nothing where all is well."""
    if flags.damaged:
        return sentence(f"deals at risk cannot be shown: {clean(flags.damaged, 300)}")
    if flags.scored_on is None or flags.ends_on is None:
        day = look.date(flags.asked_on)
        return sentence(f"deals at risk are not shown: not scored as of {day}: {NOT_SCORED}")
    said = []
    if flags.age > OLD_DAYS:
        ago = plural(flags.age, "day", look=look)
        said.append(f"mind: scored on {look.date(flags.scored_on)}, {ago} before this report: {NOT_SCORED}")
    if not flags.signal:
        words = gate_words(flags.why, flags.facts, look)
        said.append(f"no reliable signal in this data, rules only{f': {words}' if words else ''}")
    return sentences(said)


def risk_meaning(flags: Flagged, look: Look) -> str:
    """Say when was scored, what the words mean, and which deals have no score or no amount; nothing where none is scored."""
    if flags.scored_on is None or flags.ends_on is None:
        return ""
    said = [f"scored on {look.date(flags.scored_on)}"]
    if flags.signal:
        said.append(
            f"at risk: lost by {look.date(flags.ends_on)}, or due by then and not won. “Usual” is {USUAL}; “usually”, in a "
            "reason, the middle of all open deals of the past"
        )
    if flags.unscored > 0:
        carry = "carries" if flags.unscored == 1 else "carry"
        said.append(f"{plural(flags.unscored, 'open deal', look=look)} {carry} no score")
    dark = int(flags.flagged["amount"].isna().sum())
    if dark:
        stand = "stands" if dark == 1 else "stand"
        said.append(f"{plural(dark, 'flagged deal', look=look)} without a known amount {stand} last")
    unknown = flags.money.unknown
    if unknown and flags.signal:
        one = unknown == 1
        said.append(
            f"{plural(unknown, 'deal', look=look)} due {'has' if one else 'have'} no known amount, and "
            f"{'counts' if one else 'count'} for nothing in the sums"
        )
    return sentences(said)


def first_finding(flags: Flagged, shown: int, look: Look) -> str:
    """Say how much of what may be lost the first deals hold; where no model tells, what the order is."""
    if flags.scored_on is None:
        return "No open deal is scored."
    losses = flags.flagged["expected_loss"].dropna()
    total = float(losses.sum())
    if not flags.signal or total <= 0 or len(losses) < 2:
        return ""
    top = losses.head(shown)
    part = look.value(float(top.sum()), "currency")
    if len(top) == len(losses):
        return sentence(
            f"{part} may be lost in {plural(len(top), 'deal', look=look)}, beyond what is usual in their stages"
        )
    first = "the first deal" if len(top) == 1 else f"the first {len(top)} deals"
    hold = "holds" if len(top) == 1 else "hold"
    return sentence(
        f"{first} of {len(flags.flagged)} {hold} {chance(top.sum() / total, look)} of "
        f"what may be lost beyond what is usual: {part} of {look.value(total, 'currency')}"
    )


def changes_finding(flags: Flagged, look: Look) -> str:
    """Say what changed since the scoring of about a week before, or that there is none."""
    if flags.scored_on is None:
        return "No open deal is scored."
    if flags.earlier_on is None:
        return "No day of about a week before was scored to compare with."
    counts = flags.flagged["change"].value_counts()
    left = flags.left["became"].value_counts()
    said = [
        f"{look.value(counts[kind], 'count', compact=False)} {words}"
        for kind, words in (("new", "newly flagged"), ("up", "at higher risk"), ("down", "at lower risk"))
        if kind in counts
    ]
    gone = [
        f"{look.value(left[kind], 'count', compact=False)} {words}"
        for kind, words in (("won", "won"), ("lost", "lost"), ("calmer", "no longer flagged"))
        if kind in left
    ]
    day = look.date(flags.earlier_on)
    if not said and not gone:
        return sentence(f"no flag has changed since {day}")
    parts = [join_names(said, limit=3)] if said else []
    if gone:
        parts.append(f"of those flagged then, {join_names(gone, limit=3)}")
    return sentence(f"since {day}: {'; '.join(parts)}")


def record_finding(record: Judged, look: Look) -> str:
    """Say how many of the deals flagged earlier were lost or slipped; nothing where it cannot be known."""
    row = record.flagged
    if record.scored_on is None or record.ends_on is None:
        return ""
    day, by = look.date(record.scored_on), look.date(record.ends_on)
    if not row:
        return sentence(f"no deal was flagged over {FLAG_DAYS} days on {day}")
    true = round(row["came_true"])
    some = "all" if true == row["n"] > 1 else str(true or "none")
    said = (
        f"of the {plural(row['n'], 'deal', look=look)} flagged over {FLAG_DAYS} days on {day}, "
        f"{some} {'was' if true == 1 else 'were'} lost or had slipped by {by}: {_share(row, look)}"
    )
    usual = row.get("usual")
    if not is_unknown(usual):
        said += f", where {chance(usual, look)} is usual"
    few = row["n"] < FEW and not is_unknown(usual) and row["low"] <= float(usual or 0) <= row["high"]
    return sentence(f"{said}; too few to judge by" if few else said)


def _share(row: Mapping[str, float], look: Look) -> str:
    interval = f"{chance(row['low'], look)} to {chance(row['high'], look)}"
    return f"{chance(row['value'], look)} ({interval})"


def calibration_finding(frame: pd.DataFrame, look: Look, what: str = "deal") -> str:
    """Say whether the chances told agree with what happened to deals (`what`); nothing where too little is over."""
    if frame.empty:
        return ""
    inside = int(((frame["low"] <= frame["said"]) & (frame["said"] <= frame["high"])).sum())
    deals = plural(frame["n"].sum(), what, look=look)
    groups = len(frame)
    if inside == groups:
        return sentence(f"chances told over {FLAG_DAYS} days agree with what happened to {deals}")
    if not inside:
        return sentence(f"chances told over {FLAG_DAYS} days do not agree with what happened to {deals}")
    return sentence(
        f"chances told over {FLAG_DAYS} days agree with what happened in {inside} of {groups} groups of {deals}"
    )


def rules_finding(rules: pd.DataFrame, look: Look) -> str:
    """Say which rules have told in this company's past; nothing where they were not measured."""
    if rules.empty:
        return ""
    if not rules["deals"].sum():
        return sentence("no rule could be measured: the source does not tell what the rules look at")
    shown = rules[rules["shown"].astype(bool)].sort_values("lift", ascending=False)
    if shown.empty:
        return sentence(f"none of {plural(len(rules), 'rule', look=look)} has told of trouble in the past")
    best = shown.iloc[0]
    label = RULE_LABELS.get(str(best["rule"]), str(best["rule"]))
    have = "has" if len(shown) == 1 else "have"
    some = (
        f"all {len(shown)} rules" if len(shown) == len(rules) > 1 else f"{len(shown)} of {len(rules)} rules"
    )
    return sentence(
        f"{some} {have} told of trouble in the past, most of all “{label}”: "
        f"lost or slipped {look.value(best['lift'], 'ratio')} as often as is usual"
    )


def money_finding(groups: pd.DataFrame, name: str, look: Look) -> str:
    """Say where most of the money at risk lies, or why that is not known; nothing where there is one group only.

    Parameters
    ----------
    groups
        Rows of `spm_lib.models.risk_money.money_by`.
    name
        The column that names them.
    look
        How numbers are written.
    """
    if groups.empty:
        return "No open deal is scored."
    if not groups["due"].sum():
        return "No money is known to be due."
    if groups["at_risk"].isna().all():
        return "How much of it is at risk cannot be told."
    known = groups[groups["at_risk"].notna() & (groups["at_risk"] > 0)]
    if len(known) < 2:
        return ""
    first, total = known.iloc[0], float(known["at_risk"].sum())
    who = "what nobody owns" if is_null(first[name]) else clean(first[name])
    share = chance(float(first["at_risk"]) / total, look)
    return sentence(
        f"{who} has most at risk, {look.value(first['at_risk'], 'currency')}, {share} of all that is"
    )


def risk_actions(flags: Flagged, look: Look, limit: int = 3) -> list[str]:
    """Give what to do first, a sentence for each of the first flagged deals."""
    said = []
    for row in flags.flagged.head(limit).to_dict("records"):
        action = action_words(row, signal=flags.signal)
        if action:
            said.append(f"{_called(row, look)}: {action}")
    return said


def _called(row: Mapping[Any, Any], look: Look) -> str:
    aside = [] if is_unknown(row["amount"]) else [look.value(row["amount"], "currency")]
    if not is_null(row["rep_name"]):
        aside.append(clean(row["rep_name"]))
    return f"{clean(row['name'])} ({', '.join(aside)})" if aside else clean(row["name"])
